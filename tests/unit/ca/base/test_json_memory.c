/* SPDX-License-Identifier: Apache-2.0 */
#include "tests/unit/nth.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <cmocka.h>

#include "ca/base/json_memory.h"

static const char text[] = "{\"one\":\"a text that does not fit in the first "
    "buffer of the reader\",\"two\":[1,2.5,true,null,{\"three\":\"\\u00e9\"}]}";

static void
test_parse(void **state)
{
	static const char *const bad[] = { "", "{", "[1,]", "{\"a\":1} x",
		"{\"a\":1,\"a\":2}", "nul", "\"\xff\"" };
	json_t *o = NULL;
	size_t i;

	(void)state;
	assert_int_equal(json_memory_parse(text, sizeof text - 1, &o), 0);
	assert_true(json_is_object(o));
	json_decref(o);
	for (i = 0; i < sizeof bad / sizeof bad[0]; i++) {
		o = NULL;
		assert_int_equal(json_memory_parse(bad[i], strlen(bad[i]),
		    &o), CAMCA_EINVAL);
		assert_null(o);
	}
	for (i = 0; i < sizeof text - 1; i++)
		assert_int_equal(json_memory_parse(text, i, &o),
		    CAMCA_EINVAL);
	assert_false(json_memory_missed());
}

/* Either no memory, or all of it as it was written: never a text that lost a
 * character, never "no JSON". */
static void
test_no_memory(void **state)
{
	json_t *good = NULL, *o;
	int n, ret;

	(void)state;
	assert_int_equal(json_memory_parse(text, sizeof text - 1, &good), 0);
	for (n = 1;; n++) {
		o = NULL;
		nth_arm(n);
		ret = json_memory_parse(text, sizeof text - 1, &o);
		if (!nth_disarm())
			break;
		assert_int_equal(ret, CAMCA_ENOMEM);
		assert_null(o);
		assert_false(json_memory_missed());
		assert_true(n < 1000);
	}
	assert_int_equal(ret, 0);
	assert_true(n > 10);
	assert_true(json_equal(o, good));
	json_decref(o);
	json_decref(good);
}

static void
test_missed(void **state)
{
	json_t *o = json_object();

	(void)state;
	nth_arm(1);
	json_object_set_new(o, "a", json_string("b"));
	assert_true(nth_disarm());
	assert_true(json_memory_missed());
	assert_false(json_memory_missed());
	json_object_set_new(o, "a", json_string("b"));
	assert_false(json_memory_missed());
	json_decref(o);
}

/* What was freed does not hold what it held. */
static void
test_overwritten(void **state)
{
	volatile const unsigned char *p;
	json_t *o = json_string("a password of some length, for the heap");
	size_t i, same = 0;

	(void)state;
	p = (volatile const unsigned char *)json_string_value(o);
	json_decref(o);
#ifndef __SANITIZE_ADDRESS__
	/* The first bytes are the allocator's. */
	for (i = 16; i < 39; i++)
		same += p[i] != 0;
#else
	(void)p;
	(void)i;
#endif
	assert_int_equal(same, 0);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_parse),
		cmocka_unit_test(test_no_memory),
		cmocka_unit_test(test_missed),
		cmocka_unit_test(test_overwritten),
	};

	nth_setup();
	json_memory_setup();
	return cmocka_run_group_tests(tests, NULL, NULL);
}
