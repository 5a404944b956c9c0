/* SPDX-License-Identifier: Apache-2.0 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

#include "ca/base/ctx.h"
#include "ca/job/guard.h"

static bool
finds(struct guard *g, int64_t job, const char *json)
{
	json_t *v = json_loads(json, JSON_DECODE_ANY, NULL);
	bool found;

	assert_non_null(v);
	found = guard_finds(g, job, v);
	json_decref(v);
	return found;
}

static struct guard *
with(const char *password)
{
	struct guard *g = NULL;

	assert_int_equal(guard_new(&g, &camca_ctx_system), CAMCA_OK);
	assert_int_equal(guard_add(g, 7, password, 1), CAMCA_OK);
	return g;
}

static void
test_places(void **state)
{
	struct guard *g = with("hunter2-hunter2");

	(void)state;
	assert_true(finds(g, 7, "\"hunter2-hunter2\""));
	assert_true(finds(g, 7, "\"xhunter2-hunter2\""));
	assert_true(finds(g, 7, "\"hunter2-hunter2x\""));
	assert_true(finds(g, 7, "{\"a\":[1,{\"b\":\"set hunter2-hunter2!\"}]}"));
	assert_true(finds(g, 7, "{\"hunter2-hunter2\":null}"));
	/* Written by the JSON reader's other spelling. */
	assert_true(finds(g, 7, "\"\\u0068unter2-hunter2\""));
	assert_false(finds(g, 7, "\"hunter2-hunter\""));
	assert_false(finds(g, 7, "\"hunter2-Hunter2\""));
	assert_false(finds(g, 7, "{\"a\":\"hunter2-\",\"b\":\"hunter2\"}"));
	assert_false(finds(g, 7, "[]"));
	assert_false(finds(g, 8, "\"hunter2-hunter2\""));
	guard_forget(g, 7);
	assert_false(finds(g, 7, "\"hunter2-hunter2\""));
	guard_free(g);
}

/* A job that goes back and forth between waiting and leased brings its
 * passwords each time; only those that differ take room. */
static void
test_again(void **state)
{
	struct guard *g = with("hunter2-hunter2");
	char text[32];
	int i;

	(void)state;
	for (i = 0; i < 1000; i++)
		assert_int_equal(guard_add(g, 7, i % 2 == 0 ?
		    "hunter2-hunter2" : "other-Password-1", 2), CAMCA_OK);
	assert_true(finds(g, 7, "\"hunter2-hunter2\""));
	assert_true(finds(g, 7, "\"other-Password-1\""));
	for (i = 0; i < 62; i++) {
		snprintf(text, sizeof text, "password-%d", i);
		assert_int_equal(guard_add(g, 7, text, 2), CAMCA_OK);
	}
	assert_true(finds(g, 7, "\"hunter2-hunter2\""));
	guard_free(g);
}

/* Every offset of a long text, and texts that differ by one bit. */
static void
test_offsets(void **state)
{
	const char *password = "q9Tz\xc3\xa4-longer-one";
	size_t n = strlen(password), i;
	struct guard *g = with(password);
	char text[512];
	json_t *v;

	(void)state;
	for (i = 0; i + n < sizeof text; i++) {
		memset(text, 'a', sizeof text - 1);
		text[sizeof text - 1] = '\0';
		memcpy(text + i, password, n);
		v = json_string(text);
		assert_true(guard_finds(g, 7, v));
		json_decref(v);
		text[i + n / 2] ^= 1;
		v = json_string_nocheck(text);
		assert_false(guard_finds(g, 7, v));
		json_decref(v);
	}
	guard_free(g);
}

static void
test_short_and_default(void **state)
{
	struct guard *g = with("admin");

	(void)state;
	/* A word that any report may hold. */
	assert_false(finds(g, 7, "\"logged in as admin\""));
	assert_true(guard_default(g, 7));
	assert_true(guard_knows(g, 7, 2));
	assert_false(guard_knows(g, 8, 2));
	assert_int_equal(guard_add(g, 8, NULL, 3), CAMCA_OK);
	assert_true(guard_knows(g, 8, 4));
	assert_false(guard_default(g, 8));
	assert_int_equal(guard_add(g, 8, "Xf6-never-shipped", 3), CAMCA_OK);
	assert_false(guard_default(g, 8));
	guard_free(g);
}

static void
test_bounds(void **state)
{
	struct guard *g = with("first-password");
	char text[40];
	json_t *deep = json_string("x"), *up;
	int i;

	(void)state;
	/* One that comes again and again takes one place, and past the last one
	 * the oldest goes: nobody can fill a job so that it is leased no more. */
	for (i = 0; i < 1000; i++)
		assert_int_equal(guard_add(g, 7, "first-password", 1),
		    CAMCA_OK);
	for (i = 0; i < 159; i++) {
		snprintf(text, sizeof text, "password-number-%d", i);
		assert_int_equal(guard_add(g, 7, text, 1), CAMCA_OK);
	}
	assert_true(finds(g, 7, "\"first-password\""));
	assert_true(finds(g, 7, "\"password-number-158\""));
	assert_int_equal(guard_add(g, 7, "one-too-many", 1), CAMCA_OK);
	assert_true(finds(g, 7, "\"one-too-many\""));
	assert_true(finds(g, 7, "\"password-number-0\""));
	assert_false(finds(g, 7, "\"first-password\""));
	/* The oldest jobs give way, and are known no more: they are opened
	 * again. */
	for (i = 100; i < 100 + 5000; i++)
		assert_int_equal(guard_add(g, i, NULL, i), CAMCA_OK);
	assert_false(guard_knows(g, 7, 1));
	assert_true(guard_knows(g, 5099, 6000));
	for (i = 0; i < 100; i++) {
		up = json_array();
		json_array_append_new(up, deep);
		deep = up;
	}
	assert_true(guard_finds(g, 5099, deep));
	json_decref(deep);
	guard_free(g);
	guard_free(NULL);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_places),
		cmocka_unit_test(test_again),
		cmocka_unit_test(test_offsets),
		cmocka_unit_test(test_short_and_default),
		cmocka_unit_test(test_bounds),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
