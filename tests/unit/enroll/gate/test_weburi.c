/* SPDX-License-Identifier: Apache-2.0 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

#include "enroll/gate/weburi.h"

#define SKI "0123456789abcdef0123456789abcdef01234567"

static void
good(const char *uri, enum cache_kind kind, const char *ski)
{
	struct refusal why = { 0 };
	struct web_uri u;

	assert_int_equal(web_uri_parse(&u, uri, &why), CAMCA_OK);
	assert_int_equal(u.kind, kind);
	assert_string_equal(u.ski, ski);
}

static void
bad(const char *uri)
{
	struct refusal why = { 0 };
	struct web_uri u;

	assert_int_equal(web_uri_parse(&u, uri, &why), CAMCA_ENOENT);
	assert_int_equal(why.http, 404);
}

static void
test_downloads(void **state)
{
	(void)state;
	good("/ca/" SKI ".cer", CACHE_CERT, SKI);
	good("/crl/" SKI ".crl", CACHE_CRL, SKI);
	good("/crl/0123456789abcdef.crl", CACHE_CRL, "0123456789abcdef");
	good("http://pki.example:8080/ca/" SKI ".cer", CACHE_CERT, SKI);
}

static void
test_nothing_else(void **state)
{
	(void)state;
	bad("");
	bad("/");
	bad("*");
	bad("/ca/" SKI ".crl");
	bad("/crl/" SKI ".cer");
	bad("/ca/" SKI);
	bad("/ca/" SKI ".cer/");
	bad("/ca/" SKI ".cer?x");
	bad("/ca/" SKI "0.cer");
	bad("/ca/0123456789abcde.cer");
	bad("/ca/0123456789ABCDEF.cer");
	bad("/ca/%30123456789abcdef.cer");
	bad("/ca//0123456789abcdef.cer");
	bad("/ca/../crl/0123456789abcdef.crl");
	bad("/ca/.cer");
	bad("https://pki.example/ca/" SKI ".cer");
	bad("http:///ca/" SKI ".cer");
	bad("http://x");
	bad("/.well-known/est/cacerts");
}

static void
test_cut_and_flipped(void **state)
{
	static const char uri[] = "/crl/" SKI ".crl";
	char text[sizeof uri];
	struct web_uri u;
	size_t i;

	(void)state;
	for (i = 0; i < sizeof uri - 1; i++) {
		memcpy(text, uri, i);
		text[i] = '\0';
		bad(text);
	}
	for (i = 0; i < (sizeof uri - 1) * 8; i++) {
		memcpy(text, uri, sizeof uri);
		text[i / 8] = (char)(text[i / 8] ^ (1 << (i % 8)));
		if (web_uri_parse(&u, text, NULL) == CAMCA_OK)
			assert_in_range(i / 8, 5, 44);
	}
}

static void
test_oversize(void **state)
{
	char *uri = malloc(70001);

	(void)state;
	assert_non_null(uri);
	memset(uri, 'a', 70000);
	uri[70000] = '\0';
	memcpy(uri, "/ca/", 4);
	bad(uri);
	free(uri);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_downloads),
		cmocka_unit_test(test_nothing_else),
		cmocka_unit_test(test_cut_and_flipped),
		cmocka_unit_test(test_oversize),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
