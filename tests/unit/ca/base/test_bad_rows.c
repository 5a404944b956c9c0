/* SPDX-License-Identifier: Apache-2.0 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <cmocka.h>

#include "ca/base/bad_rows.h"

static void
test_order_and_afresh(void **state)
{
	struct bad_rows b = { 0 };
	size_t i;

	(void)state;
	bad_rows_sort(&b);
	for (i = 0; i < 9; i++)
		assert_int_equal(bad_rows_add(&b, (int64_t)(9 - i), "mac",
		    i % 2 == 1, "is none"), 0);
	bad_rows_sort(&b);
	for (i = 0; i < 9; i++)
		assert_int_equal(b.list[i].line, i + 1);
	/* As a transaction that runs again, three times. */
	for (i = 0; i < 3; i++) {
		bad_rows_afresh(&b);
		assert_int_equal(b.n, 5);
		assert_int_equal(b.list[4].line, 9);
		while (b.n < 20)
			assert_int_equal(bad_rows_add(&b, 1, "", true, "x"),
			    0);
	}
	bad_rows_fini(&b);
	assert_true(b.list == NULL && b.n == 0);
}

/* Texts are cut, and cannot steer a terminal. */
static void
test_texts(void **state)
{
	struct bad_rows b = { 0 };
	char much[400];

	(void)state;
	memset(much, 'a', sizeof much - 1);
	much[sizeof much - 1] = '\0';
	assert_int_equal(bad_rows_add(&b, 2, much, false, much), 0);
	assert_int_equal(strlen(b.list[0].column), 32);
	assert_int_equal(strlen(b.list[0].reason), 255);
	assert_int_equal(bad_rows_add(&b, 3, "", false, "a\033[2Jb"), 0);
	assert_string_equal(b.list[1].reason, "a?[2Jb");
	bad_rows_fini(&b);
}

static void
test_json(void **state)
{
	struct bad_rows b = { 0 };
	json_t *j = bad_rows_json(&b), *first;
	int64_t i;

	(void)state;
	assert_int_equal(json_array_size(j), 0);
	json_decref(j);
	for (i = 0; i < BAD_ROWS_SHOWN + 5; i++)
		assert_int_equal(bad_rows_add(&b, i + 2, "site", true,
		    "is unknown"), 0);
	j = bad_rows_json(&b);
	assert_int_equal(json_array_size(j), BAD_ROWS_SHOWN);
	first = json_array_get(j, 0);
	assert_int_equal(json_integer_value(json_object_get(first, "line")),
	    2);
	assert_string_equal(json_string_value(json_object_get(first,
	    "column")), "site");
	assert_string_equal(json_string_value(json_object_get(first,
	    "reason")), "is unknown");
	assert_int_equal(json_object_size(first), 3);
	json_decref(j);
	bad_rows_fini(&b);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_order_and_afresh),
		cmocka_unit_test(test_texts),
		cmocka_unit_test(test_json),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
