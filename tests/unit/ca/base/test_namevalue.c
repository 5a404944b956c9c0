/* SPDX-License-Identifier: Apache-2.0 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "ca/base/namevalue.h"

#define NAMES 3

static const char *const names[NAMES] = { "url", "id", "dir" };

/* Reads len bytes of text; what was given stays in value[] while b lives. */
static int
read_text(struct buf *b, const char *text, size_t len, const char **value,
    struct refusal *why)
{
	memset(why, 0, sizeof *why);
	buf_init(b, 0);
	assert_int_equal(buf_put(b, text, len), CAMCA_OK);
	return namevalue_read(b, names, NAMES, value, why);
}

static void
test_values_lose_their_blanks(void **state)
{
	static const char text[] = "# a comment = no setting\n\n"
	    " \turl =  https://a:1/x=y \r\nid=\n  # another";
	const char *value[NAMES] = { NULL, NULL, "before" };
	struct refusal why;
	struct buf b;

	(void)state;
	assert_int_equal(read_text(&b, text, strlen(text), value, &why), 0);
	assert_string_equal(value[0], "https://a:1/x=y");
	assert_string_equal(value[1], "");
	assert_string_equal(value[2], "before");
	buf_fini(&b);
	assert_int_equal(read_text(&b, "", 0, value, &why), CAMCA_OK);
	assert_string_equal(value[2], "before");
	buf_fini(&b);
}

static void
test_refused(void **state)
{
	static const struct {
		const char *text;
		size_t len;            /* 0: up to the NUL */
		const char *says;
	} bad[] = {
		{ "url", 0, "url: no \"name = value\" line." },
		{ "Url = a", 0, "Url: unknown setting." },
		{ "= a", 0, ": unknown setting." },
		{ "id = a\nid = a", 0, "id: given twice." },
		{ "id = a\0", 7, "config: a NUL byte in the file." },
		{ "id = a\0\nurl = b", 15, "config: a NUL byte in the file." },
	};
	const char *value[NAMES];
	struct refusal why;
	struct buf b;
	size_t i;

	(void)state;
	for (i = 0; i < sizeof bad / sizeof bad[0]; i++) {
		memset(value, 0, sizeof value);
		assert_int_equal(read_text(&b, bad[i].text, bad[i].len != 0 ?
		    bad[i].len : strlen(bad[i].text), value, &why),
		    CAMCA_EINVAL);
		assert_string_equal(why.code, "settings.value");
		assert_string_equal(why.detail, bad[i].says);
		assert_null(value[0]);
		assert_null(value[1]);
		buf_fini(&b);
	}
}

/* A file that was cut anywhere is read or refused; what is read of it lies
 * within the text. */
static void
test_cut_at_each_byte(void **state)
{
	static const char text[] = "url = a\n# c\n\tid = b = c\r\ndir=d";
	const char *value[NAMES];
	struct refusal why;
	struct buf b;
	size_t i, n;
	int ret;

	(void)state;
	for (n = 0; n <= strlen(text); n++) {
		memset(value, 0, sizeof value);
		ret = read_text(&b, text, n, value, &why);
		assert_true(ret == CAMCA_OK || ret == CAMCA_EINVAL);
		for (i = 0; i < NAMES; i++)
			assert_true(value[i] == NULL ||
			    (value[i] > (char *)b.data &&
			    value[i] <= (char *)b.data + b.len));
		buf_fini(&b);
	}
	assert_int_equal(ret, CAMCA_OK);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_values_lose_their_blanks),
		cmocka_unit_test(test_refused),
		cmocka_unit_test(test_cut_at_each_byte),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
