/* SPDX-License-Identifier: Apache-2.0 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "ca/base/refusal.h"

static void
test_fills_and_returns(void **state)
{
	struct refusal why;

	(void)state;
	assert_int_equal(refuse(&why, CAMCA_EPOLICY, 403, "est.label",
	    "no label %s", "x"), CAMCA_EPOLICY);
	assert_int_equal(why.http, 403);
	assert_int_equal(why.retry_after_s, 0);
	assert_string_equal(why.code, "est.label");
	assert_string_equal(why.detail, "no label x");
	assert_int_equal(refuse(NULL, CAMCA_EDB, 503, "x", "y"), CAMCA_EDB);
	(void)refuse(&why, CAMCA_EBUSY, 503, "system.busy", "later");
	assert_true(why.retry_after_s > 0);
}

/* A detail may not break a log line or steer a terminal. */
static void
test_no_controls(void **state)
{
	struct refusal why;

	(void)state;
	(void)refuse(&why, -1, 400, "a.b", "%s",
	    "a\nb\rc\x1b[31m\x7f\xc2\x9b tiếng Việt \xff");
	assert_string_equal(why.detail, "a?b?c?[31m??? tiếng Việt ?");
}

static void
test_utf8(void **state)
{
	static const struct {
		const char *in, *out;
	} rows[] = {
		{ "", "" }, { "plain", "plain" }, { "\xc2\xa0", "\xc2\xa0" },
		{ "\xc3\xa9", "\xc3\xa9" },              /* é */
		{ "\xe2\x82\xac", "\xe2\x82\xac" },      /* € */
		{ "\xf0\x9f\x93\xb7", "\xf0\x9f\x93\xb7" },
		{ "\xc0\x80", "??" },                    /* overlong NUL */
		{ "\xe0\x80\xaf", "???" },               /* overlong / */
		{ "\xed\xa0\x80", "???" },               /* surrogate */
		{ "\xf4\x90\x80\x80", "????" },          /* past U+10FFFF */
		{ "\xf8\x88\x80\x80\x80", "?????" },
		{ "\x80", "?" }, { "a\xe2\x82", "a??" }, /* cut */
		{ "\xf0\x9f\x93", "???" }, { "\xc3", "?" },
		{ "\xc2\x80\xc2\x9f", "????" },          /* C1 controls */
	};
	char s[32];
	size_t i;

	(void)state;
	for (i = 0; i < sizeof rows / sizeof rows[0]; i++) {
		snprintf(s, sizeof s, "%s", rows[i].in);
		refusal_sanitize(s);
		assert_string_equal(s, rows[i].out);
	}
}

/* Any two bytes give text without controls, and sanitizing twice is once. */
static void
test_every_pair(void **state)
{
	unsigned a, b;

	(void)state;
	for (a = 1; a < 256; a++)
		for (b = 1; b < 256; b++) {
			char s[3] = { (char)a, (char)b, '\0' }, t[3];

			refusal_sanitize(s);
			assert_true((unsigned char)s[0] >= 0x20 &&
			    (unsigned char)s[1] >= 0x20);
			memcpy(t, s, sizeof t);
			refusal_sanitize(t);
			assert_memory_equal(s, t, sizeof t);
		}
}

static void
test_oversize_is_cut(void **state)
{
	struct refusal why;
	char big[2 * REFUSAL_DETAIL_MAX], code[2 * REFUSAL_CODE_MAX];
	size_t i;

	(void)state;
	/* Three-byte characters: the cut falls inside one of them. */
	for (i = 0; i + 3 < sizeof big; i += 3)
		memcpy(big + i, "\xe1\xba\xa1", 3);
	big[i] = '\0';
	memset(code, 'c', sizeof code - 1);
	code[sizeof code - 1] = '\0';
	(void)refuse(&why, -1, 400, code, "%s", big);
	assert_int_equal(strlen(why.detail), REFUSAL_DETAIL_MAX - 1);
	assert_int_equal(strlen(why.code), REFUSAL_CODE_MAX - 1);
	assert_int_equal(why.detail[REFUSAL_DETAIL_MAX - 2], '?');
}

static void
test_default(void **state)
{
	static const struct {
		int err, http;
	} rows[] = { { CAMCA_EINVAL, 400 }, { CAMCA_EAUTH, 401 },
	    { CAMCA_EPERM, 403 }, { CAMCA_EPOLICY, 403 },
	    { CAMCA_ENOENT, 404 }, { CAMCA_ECONFLICT, 409 },
	    { CAMCA_ELIMIT, 413 }, { CAMCA_EHSM, 503 }, { CAMCA_EDB, 503 },
	    { CAMCA_EBUSY, 503 }, { CAMCA_ENOMEM, 503 }, { CAMCA_EFULL, 503 },
	    { CAMCA_EIO, 503 }, { CAMCA_ECRYPTO, 500 } };
	size_t i;

	(void)state;
	for (i = 0; i < sizeof rows / sizeof rows[0]; i++) {
		struct refusal why = { 0 };

		assert_int_equal(refuse_default(&why, rows[i].err),
		    rows[i].err);
		assert_int_equal(why.http, rows[i].http);
		assert_int_equal(why.retry_after_s > 0, rows[i].http == 503);
		assert_true(why.code[0] != '\0' && why.detail[0] != '\0');
	}
}

static void
test_default_keeps_what_a_rule_said(void **state)
{
	struct refusal why = { 0 }, none = { 0 };

	(void)state;
	(void)refuse(&why, CAMCA_EINVAL, 400, "csr.version", "wrong");
	assert_int_equal(refuse_default(&why, CAMCA_EINVAL), CAMCA_EINVAL);
	assert_string_equal(why.code, "csr.version");
	assert_int_equal(refuse_default(&none, CAMCA_OK), CAMCA_OK);
	assert_int_equal(none.http, 0);
	assert_int_equal(refuse_default(NULL, CAMCA_EDB), CAMCA_EDB);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_fills_and_returns),
		cmocka_unit_test(test_no_controls),
		cmocka_unit_test(test_utf8),
		cmocka_unit_test(test_every_pair),
		cmocka_unit_test(test_oversize_is_cut),
		cmocka_unit_test(test_default),
		cmocka_unit_test(test_default_keeps_what_a_rule_said),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
