/* SPDX-License-Identifier: Apache-2.0 */
#include <limits.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "ca/base/err.h"

static void
test_every_value_has_a_name(void **state)
{
	int i, k;

	(void)state;
	for (i = 0; i <= CAMCA_ERR_MAX; i++) {
		assert_non_null(camca_strerror(-i));
		assert_string_not_equal(camca_strerror(-i), "unknown error");
		for (k = 0; k < i; k++)
			assert_string_not_equal(camca_strerror(-i),
			    camca_strerror(-k));
	}
	assert_string_equal(camca_strerror(CAMCA_OK), "ok");
	assert_string_equal(camca_strerror(CAMCA_ENOMEM), "out of memory");
}

static void
test_other_values(void **state)
{
	(void)state;
	assert_string_equal(camca_strerror(1), "unknown error");
	assert_string_equal(camca_strerror(-CAMCA_ERR_MAX - 1),
	    "unknown error");
	assert_string_equal(camca_strerror(INT_MIN), "unknown error");
	assert_string_equal(camca_strerror(INT_MAX), "unknown error");
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_every_value_has_a_name),
		cmocka_unit_test(test_other_values),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
