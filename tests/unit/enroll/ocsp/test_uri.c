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
#include "enroll/ocsp/uri.h"

static const uint8_t wanted[4] = { 0x30, 0xfb, 0xff, 0xbf };

static int
decode(const char *rest, size_t *n, uint8_t *out)
{
	return ocsp_uri_decode(rest, out, n);
}

/* O26: every spelling of "MPv/vw==", which holds a slash, twice padded. */
static void
test_spellings(void **state)
{
	static const char *const good[] = {
		"/MPv/vw==", "//MPv/vw==", "///MPv/vw==", "/MPv/vw",
		"/MPv%2Fvw==", "/MPv%2fvw==", "/MPv/vw%3D%3D",
		"/MPv/vw%3d%3D", "/MPv%2Fvw%3D=", "/%4D%50v/vw", "/MPv/%76w",
	};
	uint8_t out[OCSP_REQUEST_MAX];
	size_t n;

	(void)state;
	for (size_t i = 0; i < sizeof good / sizeof good[0]; i++) {
		assert_int_equal(decode(good[i], &n, out), 0);
		assert_int_equal(n, sizeof wanted);
		assert_memory_equal(out, wanted, n);
	}
}

static void
test_plus_and_double_slash_inside(void **state)
{
	static const uint8_t bytes[6] = { 0x30, 0xff, 0xff, 0xfb, 0xef, 0xbe };
	uint8_t out[OCSP_REQUEST_MAX];
	size_t n;

	(void)state;
	/* "MP//++++": a slash is a digit, never collapsed. */
	assert_int_equal(decode("/MP//++++", &n, out), 0);
	assert_int_equal(n, 6);
	bytes[0] == out[0] ? (void)0 : fail();
	assert_int_equal(out[1], 0xff);
	assert_int_equal(decode("/MP//%2B%2b++", &n, out), 0);
	assert_int_equal(n, 6);
	assert_int_equal(out[5], bytes[5]);
}

static void
test_refused(void **state)
{
	static const char *const bad[] = {
		"", "/", "//", "/=", "/M", "/MPv/v", "/MPv/vw=", "/MPv/vw===",
		"/MPv/vw==x", "/MPv/vw==/", "/MPv/vx==", "/MPv/vw%", "/MPv/v%7",
		"/MPv/v%7g", "/MPv%00/vw==", "/%00", "/MPv/vw%00", "/MPv vw==",
		"/MPv%20vw==", "/MPv-vw==", "/MPv_vw==", "?MPv/vw==",
		"/MPv/vw==?x=1", "/MPv/vw==#a", "/MPv%252Fvw==",
		"/MPv\xc3\xa9w==", "/M%C3%A9==", "/..%2f/MPv/vw==",
		"/MP%v/vw==",
	};
	uint8_t out[OCSP_REQUEST_MAX];
	size_t n;

	(void)state;
	for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++)
		if (decode(bad[i], &n, out) != CAMCA_EINVAL)
			fail_msg("accepted: %s", bad[i]);
}

static void
test_length(void **state)
{
	size_t n = OCSP_REQUEST_MAX, len;
	uint8_t *bytes = calloc(1, n + 1), out[OCSP_REQUEST_MAX];
	char *b64, *rest;

	(void)state;
	memset(bytes, 0x30, n + 1);
	for (size_t more = 0; more < 2; more++) {
		b64 = enc_base64_dup(bytes, n + more);
		rest = malloc(strlen(b64) + 2);
		rest[0] = '/';
		memcpy(rest + 1, b64, strlen(b64) + 1);
		assert_int_equal(ocsp_uri_decode(rest, out, &len),
		    more == 0 ? 0 : CAMCA_EINVAL);
		if (more == 0)
			assert_int_equal(len, n);
		free(rest);
		free(b64);
	}
	free(bytes);
}

/* Each length of padding, and cut at each byte. */
static void
test_all_lengths_and_cuts(void **state)
{
	uint8_t bytes[40], out[OCSP_REQUEST_MAX];
	char rest[64];
	char *b64;
	size_t n;

	(void)state;
	for (size_t i = 0; i < sizeof bytes; i++)
		bytes[i] = (uint8_t)(0x30 + i * 7);
	for (size_t len = 1; len <= sizeof bytes; len++) {
		b64 = enc_base64_dup(bytes, len);
		snprintf(rest, sizeof rest, "/%s", b64);
		assert_int_equal(ocsp_uri_decode(rest, out, &n), 0);
		assert_int_equal(n, len);
		assert_memory_equal(out, bytes, n);
		for (size_t cut = strlen(rest); cut-- > 0;) {
			rest[cut] = '\0';
			if (ocsp_uri_decode(rest, out, &n) == 0)
				assert_memory_equal(out, bytes, n);
		}
		free(b64);
	}
}

static void
test_address(void **state)
{
	const char *rest;

	(void)state;
	assert_true(ocsp_uri_is("/ocsp", &rest));
	assert_string_equal(rest, "");
	assert_true(ocsp_uri_is("/ocsp/MF", &rest));
	assert_string_equal(rest, "/MF");
	assert_true(ocsp_uri_is("/ocsp?x", &rest));
	assert_true(ocsp_uri_is("http://h:80/ocsp//MF", &rest));
	assert_string_equal(rest, "//MF");
	assert_true(ocsp_uri_is("HTTP://h/ocsp", &rest));
	assert_false(ocsp_uri_is("/ocspx", &rest));
	assert_false(ocsp_uri_is("/OCSP", &rest));
	assert_false(ocsp_uri_is("/ca/ocsp", &rest));
	assert_false(ocsp_uri_is("//ocsp", &rest));
	assert_false(ocsp_uri_is("http://ocsp", &rest));
	assert_false(ocsp_uri_is("", &rest));
}

int
main(void)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_spellings),
		cmocka_unit_test(test_plus_and_double_slash_inside),
		cmocka_unit_test(test_refused),
		cmocka_unit_test(test_length),
		cmocka_unit_test(test_all_lengths_and_cuts),
		cmocka_unit_test(test_address),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
