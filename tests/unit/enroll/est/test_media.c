/* SPDX-License-Identifier: Apache-2.0 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <cmocka.h>

#include "enroll/est/media.h"

#define P10 "application/pkcs10"

/* F1: parameters and case tolerated. */
static void
test_f1_tolerated(void **state)
{
	(void)state;
	assert_true(est_media_is("application/pkcs10", P10));
	assert_true(est_media_is("Application/PKCS10", P10));
	assert_true(est_media_is("application/pkcs10;", P10));
	assert_true(est_media_is("application/pkcs10; charset=utf-8", P10));
	assert_true(est_media_is("application/pkcs10 ;x=y", P10));
	assert_true(est_media_is("  application/pkcs10\t", P10));
	assert_true(est_media_is(
	    "application/pkcs10; smime-type=certs-only; name=\"a;b\"", P10));
}

static void
test_f1_refused(void **state)
{
	(void)state;
	assert_false(est_media_is(NULL, P10));
	assert_false(est_media_is("", P10));
	assert_false(est_media_is(" ", P10));
	assert_false(est_media_is(";", P10));
	assert_false(est_media_is("application/pkcs100", P10));
	assert_false(est_media_is("application/pkcs10/x", P10));
	assert_false(est_media_is("application/pkcs10, text/plain", P10));
	assert_false(est_media_is("application/pkcs10 x", P10));
	assert_false(est_media_is("application /pkcs10", P10));
	assert_false(est_media_is("x-application/pkcs10", P10));
	assert_false(est_media_is("application/x-pkcs10", P10));
	assert_false(est_media_is("text/plain; application/pkcs10", P10));
	assert_false(est_media_is("application/octet-stream", P10));
}

static void
test_cut_at_each_byte(void **state)
{
	char cut[sizeof P10];
	size_t i;

	(void)state;
	for (i = 0; i < sizeof P10 - 1; i++) {
		memcpy(cut, P10, i);
		cut[i] = '\0';
		assert_false(est_media_is(cut, P10));
	}
}

static void
test_bit_flips(void **state)
{
	char flipped[sizeof P10];
	size_t i;

	(void)state;
	for (i = 0; i < (sizeof P10 - 1) * 8; i++) {
		memcpy(flipped, P10, sizeof P10);
		flipped[i / 8] = (char)(flipped[i / 8] ^ (1 << (i % 8)));
		/* Bit 5 of a letter is its case; any other flip is a
		 * different type. */
		if (i % 8 == 5 && ((P10[i / 8] >= 'a' && P10[i / 8] <= 'z')))
			assert_true(est_media_is(flipped, P10));
		else
			assert_false(est_media_is(flipped, P10));
	}
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_f1_tolerated),
		cmocka_unit_test(test_f1_refused),
		cmocka_unit_test(test_cut_at_each_byte),
		cmocka_unit_test(test_bit_flips),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
