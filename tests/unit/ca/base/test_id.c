/* SPDX-License-Identifier: Apache-2.0 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <cmocka.h>

#include "ca/base/id.h"

static void
test_ids(void **state)
{
	static const char *const good[] = { "a", "Z", "0", "cam-0042", "a.b",
	    "a_b", "9-", "A.", "x--..__" };
	static const char *const bad[] = { "", "-", ".", "_", "-a", ".a", "_a",
	    "..", "a b", " a", "a ", "a/b", "a\\b", "a:b", "a\n", "a\tb",
	    "a\"", "a%", "a+b", "a,b", "a@b", "a[", "a`", "a{", "\xc3\xa9",
	    "a\xc3\xa9", "a\x7f" };
	size_t i;

	(void)state;
	for (i = 0; i < sizeof good / sizeof good[0]; i++)
		assert_true(id_ok(good[i], strlen(good[i])));
	for (i = 0; i < sizeof bad / sizeof bad[0]; i++)
		assert_false(id_ok(bad[i], strlen(bad[i])));
}

static void
test_lengths(void **state)
{
	char s[ID_MAX + 1];
	size_t n;

	(void)state;
	memset(s, 'a', sizeof s);
	for (n = 1; n <= ID_MAX; n++)
		assert_true(id_ok(s, n));
	assert_false(id_ok(s, 0));
	assert_false(id_ok(s, ID_MAX + 1));
	assert_false(id_ok("a\0b", 3));
	assert_false(id_ok("\0", 1));
}

/* Every byte, at the first place and at a later one. */
static void
test_bytes(void **state)
{
	static const char letters[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZ"
	    "abcdefghijklmnopqrstuvwxyz0123456789";
	char s[2];
	int c;

	(void)state;
	for (c = 1; c < 256; c++) {
		s[0] = (char)c;
		s[1] = 'a';
		assert_int_equal(id_ok(s, 2), strchr(letters, c) != NULL);
		s[0] = 'a';
		s[1] = (char)c;
		assert_int_equal(id_ok(s, 2), strchr(letters, c) != NULL ||
		    strchr("._-", c) != NULL);
	}
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_ids),
		cmocka_unit_test(test_lengths),
		cmocka_unit_test(test_bytes),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
