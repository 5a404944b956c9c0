/* SPDX-License-Identifier: Apache-2.0 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <cmocka.h>

#include "enroll/gate/http.h"

/* B7: nothing is decoded before the routes are looked up. */
static void
test_b7_nothing_is_unescaped(void **state)
{
	char s[] = "/a%2fb+c%00";

	(void)state;
	assert_int_equal(http_keep(NULL, NULL, s), strlen(s));
	assert_string_equal(s, "/a%2fb+c%00");
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_b7_nothing_is_unescaped),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
