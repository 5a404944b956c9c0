/* SPDX-License-Identifier: Apache-2.0 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

#include "ca/base/enc.h"
#include "enroll/est/basic.h"

static int
parse(struct est_login *l, const char *value, struct refusal *why)
{
	memset(why, 0, sizeof *why);
	return est_basic_parse(l, value, value != NULL ? strlen(value) : 0,
	    why);
}

/* "Basic " and base64 of n bytes. */
static char *
header(const void *p, size_t n)
{
	char *b64 = enc_base64_dup(p, n), *out;

	assert_non_null(b64);
	assert_true(asprintf(&out, "Basic %s", b64) > 0);
	free(b64);
	return out;
}

static void
good(const char *pair, const char *user, const char *password)
{
	char *h = header(pair, strlen(pair));
	struct refusal why;
	struct est_login l;

	assert_int_equal(parse(&l, h, &why), CAMCA_OK);
	assert_true(l.present);
	assert_string_equal(l.user, user);
	assert_string_equal(l.password, password);
	est_login_fini(&l);
	assert_int_equal(l.password[0], 0);
	free(h);
}

static void
bad(const char *value)
{
	struct refusal why;
	struct est_login l;
	size_t i;

	assert_int_equal(parse(&l, value, &why), CAMCA_EINVAL);
	assert_int_equal(why.http, 400);
	assert_string_equal(why.code, "auth.malformed");
	assert_false(l.present);
	for (i = 0; i < sizeof l.password; i++)
		assert_int_equal(l.password[i], 0);
}

static void
bad_pair(const void *p, size_t n)
{
	char *h = header(p, n);

	bad(h);
	free(h);
}

static void
test_pairs(void **state)
{
	(void)state;
	good("dev1:secret", "dev1", "secret");
	good("dev1:a:b:c", "dev1", "a:b:c");
	good("dev1:", "dev1", "");
	good("d\xc3\xa9v:\xe2\x82\xac", "d\xc3\xa9v", "\xe2\x82\xac");
	/* E3: an empty user name with a one-time password. */
	good(":otp", "", "otp");
	good(":", "", "");
}

static void
test_absent(void **state)
{
	static const char *const values[] = { NULL, "", "Basic", "Bearer x",
	    "Basicx", "Digest username=\"x\"", "Negotiate Zm9v" };
	struct refusal why;
	struct est_login l;
	size_t i;

	(void)state;
	for (i = 0; i < sizeof values / sizeof values[0]; i++) {
		assert_int_equal(parse(&l, values[i], &why), CAMCA_OK);
		assert_false(l.present);
	}
}

static void
test_blanks_and_case(void **state)
{
	struct refusal why;
	struct est_login l;

	(void)state;
	assert_int_equal(parse(&l, "bAsIc  ZGV2MTpzZWNyZXQ= ", &why), 0);
	assert_true(l.present);
	assert_string_equal(l.password, "secret");
	est_login_fini(&l);
}

static void
test_malformed(void **state)
{
	(void)state;
	bad("Basic ");
	bad("Basic *");
	bad("Basic ZGV2MTpzZWNyZXQ");        /* padding missing */
	bad("Basic ZGV2 MTpz ZWNy ZXQ=");    /* blanks inside */
	bad("Basic ZGV2MTpzZWNyZXQ=, x=y");
	bad_pair("no colon", 8);
	bad_pair("dev1:sec\0ret", 12);
	bad_pair("de\0v:secret", 11);
	bad_pair("dev1:\x01", 6);
	bad_pair("dev1:\x7f", 6);
	bad_pair("dev1:\n", 6);
	bad_pair("\xff\xfe:x", 4);
	bad_pair("x:\xc3", 3);
	bad_pair("x:\xed\xa0\x80", 5);       /* a surrogate */
}

static void
test_lengths(void **state)
{
	char pair[2 * EST_LOGIN_MAX + 2];
	struct refusal why;
	struct est_login l;
	char *h;

	(void)state;
	memset(pair, 'a', sizeof pair);
	pair[255] = ':';
	h = header(pair, 511);
	assert_int_equal(parse(&l, h, &why), CAMCA_OK);
	assert_int_equal(strlen(l.user), 255);
	assert_int_equal(strlen(l.password), 255);
	est_login_fini(&l);
	free(h);
	bad_pair(pair, 512);                 /* password of 256 */
	memset(pair, 'a', sizeof pair);
	pair[256] = ':';
	bad_pair(pair, 260);                 /* user of 256 */
}

static void
test_oversize(void **state)
{
	size_t n = 200000;
	char *h = malloc(n + 1);

	(void)state;
	assert_non_null(h);
	memset(h, 'A', n);
	h[n] = '\0';
	memcpy(h, "Basic ", 6);
	bad(h);
	free(h);
}

static void
test_cut_at_each_byte(void **state)
{
	static const char full[] = "Basic ZGV2MTpzZWNyZXQ=";
	struct refusal why;
	struct est_login l;
	size_t i;
	int ret;

	(void)state;
	for (i = 0; i < sizeof full - 1; i++) {
		ret = est_basic_parse(&l, full, i, &why);
		/* Whole groups of base64 that hold the colon are a login. */
		if (i < 6)
			assert_true(ret == CAMCA_OK && !l.present);
		else if (i == 14 || i == 18)
			assert_true(ret == CAMCA_OK && l.present);
		else
			assert_int_equal(ret, CAMCA_EINVAL);
		est_login_fini(&l);
	}
}

static void
test_bit_flips(void **state)
{
	static const char full[] = "Basic ZGV2MTpzZWNyZXQ=";
	char flipped[sizeof full];
	struct refusal why;
	struct est_login l;
	size_t i;

	(void)state;
	for (i = 0; i < (sizeof full - 1) * 8; i++) {
		memcpy(flipped, full, sizeof full);
		flipped[i / 8] = (char)(flipped[i / 8] ^ (1 << (i % 8)));
		if (est_basic_parse(&l, flipped, sizeof full - 1, &why) == 0 &&
		    l.present && i >= 48)
			assert_true(strcmp(l.user, "dev1") != 0 ||
			    strcmp(l.password, "secret") != 0);
		est_login_fini(&l);
	}
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_pairs),
		cmocka_unit_test(test_absent),
		cmocka_unit_test(test_blanks_and_case),
		cmocka_unit_test(test_malformed),
		cmocka_unit_test(test_lengths),
		cmocka_unit_test(test_oversize),
		cmocka_unit_test(test_cut_at_each_byte),
		cmocka_unit_test(test_bit_flips),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
