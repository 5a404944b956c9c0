/* SPDX-License-Identifier: Apache-2.0 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <cmocka.h>

#include "ca/admit/admit.h"

#define NOW 1000000000000
#define TTL 3600000

static uint8_t random_next;
static int random_calls, random_fails_at;

static int64_t
fake_now(void *arg)
{
	(void)arg;
	return NOW;
}

static int
fake_random(void *arg, uint8_t *out, size_t n)
{
	size_t i;

	(void)arg;
	for (i = 0; i < n; i++)
		out[i] = random_next++;
	return ++random_calls == random_fails_at ? CAMCA_ECRYPTO : CAMCA_OK;
}

static const struct camca_ctx ctx = { fake_now, fake_random, NULL };
static char text[SECRET_TEXT_MAX];
static struct secret_row row;
static char selector[17];
static uint8_t hash[STORE_HASH_LEN];
static const uint8_t key_a[STORE_HASH_LEN] = { 1 };
static const uint8_t key_b[STORE_HASH_LEN] = { 2 };

static int
setup(void **state)
{
	(void)state;
	random_next = 0;
	random_calls = random_fails_at = 0;
	return secret_make(&ctx, 7, NOW, TTL, text, &row);
}

static void
test_make(void **state)
{
	char other[SECRET_TEXT_MAX];
	struct secret_row row2;
	int at;

	(void)state;
	assert_string_equal(text, "AAAQ-EAYE-AUDA-OCAJ-BIFQ-YDIO-B4IB");
	assert_string_equal(row.selector, "AAAQEAYE");
	assert_int_equal(row.device, 7);
	assert_int_equal(row.created_ms, NOW);
	assert_int_equal(row.expires_ms, NOW + TTL);
	assert_int_equal(row.state, SECRET_ACTIVE);
	assert_int_equal(row.attempts, 0);
	assert_int_equal(secret_make(&ctx, 7, NOW, TTL, other, &row2), 0);
	assert_string_not_equal(text, other);
	assert_int_equal(secret_make(&ctx, 7, NOW, 0, other, &row2),
	    CAMCA_EINVAL);
	assert_int_equal(secret_make(&ctx, 7, NOW, INT64_MAX, other, &row2),
	    CAMCA_EINVAL);
	for (at = 1; at <= 2; at++) {
		random_calls = 0;
		random_fails_at = at;
		assert_int_equal(secret_make(&ctx, 7, NOW, TTL, other, &row2),
		    CAMCA_ECRYPTO);
		assert_string_equal(other, "");
	}
}

static int
parse(const char *s)
{
	memset(hash, 0, sizeof hash);
	memset(selector, 0, sizeof selector);
	return secret_parse(s, strlen(s), selector, hash);
}

static void
test_parse(void **state)
{
	static const char *const spellings[] = {
		"AAAQ-EAYE-AUDA-OCAJ-BIFQ-YDIO-B4IB",
		"aaaq-eaye-auda-ocaj-bifq-ydio-b4ib",
		"AAAQEAYEAUDAOCAJBIFQYDIOB4IB",
		" AAAQ EAYE AUDA OCAJ BIFQ YDIO B4IB ",
		"AAAQ-EAYE-AUDA-0CAJ-8IFQ-YDI0-84IB",
	};
	size_t i;

	(void)state;
	for (i = 0; i < sizeof spellings / sizeof spellings[0]; i++) {
		assert_int_equal(parse(spellings[i]), 0);
		assert_string_equal(selector, row.selector);
		assert_memory_equal(hash, row.hash, sizeof hash);
	}
}

static void
test_parse_bad(void **state)
{
	static const char *const bad[] = { "", "-", "AAAQ",
	    "AAAQ-EAYE-AUDA-OCAJ-BIFQ-YDIO-B4IBA",
	    "AAAQ-EAYE-AUDA-OCAJ-BIFQ-YDIO-B4I1",
	    "AAAQ-EAYE-AUDA-OCAJ-BIFQ-YDIO-B4I9",
	    "AAAQ_EAYE_AUDA_OCAJ_BIFQ_YDIO_B4IB",
	    "AAAQ-EAYE-AUDA-OCAJ-BIFQ-YDIO-B4I\xc3\xa4" };
	char many[200];
	size_t i, n;

	(void)state;
	for (i = 0; i < sizeof bad / sizeof bad[0]; i++)
		assert_int_equal(parse(bad[i]), CAMCA_EINVAL);
	for (n = 0; n < strlen(text); n++)
		assert_int_equal(secret_parse(text, n, selector, hash),
		    CAMCA_EINVAL);
	assert_int_equal(secret_parse("AAAQ-EAYE\0-AUDA-OCAJ-BIFQ-YDIO-B4IB",
	    35, selector, hash), CAMCA_EINVAL);
	memset(many, '-', sizeof many);
	memcpy(many, text, strlen(text));
	assert_int_equal(secret_parse(many, 128, selector, hash), 0);
	assert_int_equal(secret_parse(many, 129, selector, hash),
	    CAMCA_EINVAL);
}

/* Every bit of what is typed counts: another selector or another hash. */
static void
test_bit_flips(void **state)
{
	char typed[SECRET_TEXT_MAX];
	size_t i;
	int bit;

	(void)state;
	for (i = 0; i < strlen(text); i++)
		for (bit = 0; bit < 8; bit++) {
			memcpy(typed, text, sizeof typed);
			typed[i] = (char)(typed[i] ^ 1 << bit);
			if (secret_parse(typed, strlen(text), selector,
			    hash) != 0 || (typed[i] ^ text[i]) == 0x20)
				continue;   /* 0x20: the case of a letter */
			if (text[i] == '-' && typed[i] == ' ')
				continue;
			assert_memory_not_equal(hash, row.hash, sizeof hash);
		}
}

static struct refusal why;
static bool again;

static int
check(const uint8_t *spki, int64_t now_ms)
{
	int ret;

	memset(&why, 0, sizeof why);
	ret = secret_check(&row, hash, spki, now_ms, &again, &why);
	if (ret < 0) {
		assert_int_equal(ret, CAMCA_EAUTH);
		assert_int_equal(why.http, 401);
		assert_false(again);
	}
	return ret;
}

static void
test_check(void **state)
{
	(void)state;
	assert_int_equal(parse(text), 0);
	assert_int_equal(check(key_a, NOW), 0);
	assert_false(again);
	assert_int_equal(check(key_a, NOW + TTL - 1), 0);
	assert_int_equal(check(key_a, NOW + TTL), CAMCA_EAUTH);
	assert_string_equal(why.code, "secret.expired");

	row.state = SECRET_RESERVED;
	memcpy(row.spki, key_a, sizeof row.spki);
	assert_int_equal(check(key_a, NOW + 9 * TTL), 0);
	assert_false(again);
	assert_int_equal(check(key_b, NOW), CAMCA_EAUTH);
	assert_string_equal(why.code, "secret.used");

	row.state = SECRET_USED;
	assert_int_equal(check(key_a, NOW), 0);
	assert_true(again);
	assert_int_equal(check(key_b, NOW), CAMCA_EAUTH);
	assert_string_equal(why.code, "secret.used");

	row.state = SECRET_REPLACED;
	assert_int_equal(check(key_a, NOW), CAMCA_EAUTH);
	assert_string_equal(why.code, "secret.replaced");
}

/* Wrong, locked and unknown can not be told apart, whatever the state. */
static void
test_one_text(void **state)
{
	struct refusal unknown;
	int s, bit;

	(void)state;
	assert_int_equal(secret_refuse(&unknown), CAMCA_EAUTH);
	assert_int_equal(parse(text), 0);
	memcpy(row.spki, key_a, sizeof row.spki);
	for (s = SECRET_ACTIVE; s <= SECRET_REPLACED + 1; s++) {
		row.state = s;
		for (bit = 0; bit < 8 * STORE_HASH_LEN; bit++) {
			hash[bit / 8] ^= (uint8_t)(1 << bit % 8);
			assert_int_equal(check(key_a, NOW), CAMCA_EAUTH);
			assert_memory_equal(&why, &unknown, sizeof why);
			hash[bit / 8] ^= (uint8_t)(1 << bit % 8);
		}
	}
	row.state = SECRET_LOCKED;
	assert_int_equal(check(key_a, NOW), CAMCA_EAUTH);
	assert_memory_equal(&why, &unknown, sizeof why);
	row.state = 99;
	assert_int_equal(check(key_a, NOW), CAMCA_EAUTH);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup(test_make, setup),
		cmocka_unit_test_setup(test_parse, setup),
		cmocka_unit_test_setup(test_parse_bad, setup),
		cmocka_unit_test_setup(test_bit_flips, setup),
		cmocka_unit_test_setup(test_check, setup),
		cmocka_unit_test_setup(test_one_text, setup),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
