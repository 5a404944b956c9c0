/* SPDX-License-Identifier: Apache-2.0 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <cmocka.h>

#include "enroll/gate/range.h"

static void
part(const char *field, size_t size, size_t from, size_t n)
{
	size_t f = 77, k = 77;

	assert_int_equal(range_parse(field, size, &f, &k), RANGE_PART);
	assert_int_equal(f, from);
	assert_int_equal(k, n);
}

static void
test_parts(void **state)
{
	(void)state;
	part("bytes=0-0", 100, 0, 1);
	part("bytes=0-99", 100, 0, 100);
	part("bytes=10-19", 100, 10, 10);
	part("bytes=99-99", 100, 99, 1);
	part("bytes=99-", 100, 99, 1);
	part("bytes=0-", 100, 0, 100);
	part("bytes=50-1000", 100, 50, 50);
	part("bytes=50-99999999999999999999999999", 100, 50, 50);
	part("bytes=-1", 100, 99, 1);
	part("bytes=-100", 100, 0, 100);
	part("bytes=-1000", 100, 0, 100);
	part("BYTES=0-0", 1, 0, 1);
}

static void
test_beyond(void **state)
{
	static const char *const beyond[] = { "bytes=100-", "bytes=100-100",
	    "bytes=18446744073709551615-", "bytes=-0",
	    "bytes=99999999999999999999999999-" };
	size_t f, n;

	(void)state;
	for (size_t i = 0; i < sizeof beyond / sizeof beyond[0]; i++)
		assert_int_equal(range_parse(beyond[i], 100, &f, &n),
		    RANGE_NONE);
	assert_int_equal(range_parse("bytes=0-", 0, &f, &n), RANGE_NONE);
	assert_int_equal(range_parse("bytes=-5", 0, &f, &n), RANGE_NONE);
}

/* Anything else is as if it were not there (RFC 9110 14.2). */
static void
test_ignored(void **state)
{
	static const char *const bad[] = { "", "bytes", "bytes=", "bytes=-",
	    "bytes=a-b", "bytes=1", "bytes=5-4", "bytes=1-2,4-5", "bytes=1-2 ",
	    "bytes= 1-2", "bytes=+1-2", "bytes=1--2", "bytes=0x1-2",
	    "lines=1-2", "bytes:1-2", "bytes=1-2x", "-1" };
	static const char good[] = "bytes=10-19";
	size_t f, n;
	char cut[sizeof good];

	(void)state;
	assert_int_equal(range_parse(NULL, 100, &f, &n), RANGE_ALL);
	for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++)
		assert_int_equal(range_parse(bad[i], 100, &f, &n), RANGE_ALL);
	for (size_t i = 0; i < sizeof "bytes=10" - 1; i++) {
		snprintf(cut, sizeof cut, "%.*s", (int)i, good);
		assert_int_equal(range_parse(cut, 100, &f, &n), RANGE_ALL);
	}
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_parts), cmocka_unit_test(test_beyond),
		cmocka_unit_test(test_ignored),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
