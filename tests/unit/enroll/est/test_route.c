/* SPDX-License-Identifier: Apache-2.0 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

#include "enroll/est/route.h"

static void
good(const char *uri, const char *op, const char *label)
{
	struct refusal why = { 0 };
	struct est_route r;

	assert_int_equal(est_route_parse(&r, uri, &why), CAMCA_OK);
	assert_string_equal(r.op->name, op);
	assert_string_equal(r.label, label);
	assert_int_equal(why.http, 0);
}

static void
bad(const char *uri)
{
	struct refusal why = { 0 };
	struct est_route r;

	assert_int_equal(est_route_parse(&r, uri, &why), CAMCA_ENOENT);
	assert_int_equal(why.http, 404);
	assert_null(r.op);
	assert_string_equal(r.label, "");
}

static void
test_b1_b2_operations_with_and_without_label(void **state)
{
	static const char *const ops[] = { "cacerts", "csrattrs",
	    "simpleenroll", "simplereenroll", "serverkeygen", "fullcmc" };
	char uri[128];
	size_t i;

	(void)state;
	for (i = 0; i < sizeof ops / sizeof ops[0]; i++) {
		snprintf(uri, sizeof uri, "/.well-known/est/%s", ops[i]);
		good(uri, ops[i], "");
		snprintf(uri, sizeof uri, "/.well-known/est/site-A.2_~/%s",
		    ops[i]);
		good(uri, ops[i], "site-A.2_~");
	}
}

static void
test_absolute_form(void **state)
{
	(void)state;
	good("https://pki.example:8443/.well-known/est/cacerts", "cacerts", "");
	good("HTTPS://[::1]/.well-known/est/x/cacerts", "cacerts", "x");
	bad("http://pki.example/.well-known/est/cacerts");
	bad("https:///.well-known/est/cacerts");
	bad("https://pki.example");
	bad("ftp://pki.example/.well-known/est/cacerts");
}

static void
test_b4_unknown(void **state)
{
	(void)state;
	bad("");
	bad("/");
	bad("*");
	bad("/.well-known/est");
	bad("/.well-known/est/");
	bad("/.well-known/est/nothing");
	bad("/.well-known/est/label/nothing");
	bad("/.well-known/est/a/b/cacerts");
	bad("/.well-known/brski/requestvoucher");
	bad("/cacerts");
}

/* B7: one spelling for each resource. */
static void
test_b7_no_aliases(void **state)
{
	(void)state;
	bad("/.well-known/est/CACERTS");
	bad("/.well-known/est/cacerts/");
	bad("/.well-known/est/cacerts?");
	bad("/.well-known/est/cacerts?x=y");
	bad("/.well-known/est/cacerts#x");
	bad("/.well-known/est/%63acerts");
	bad("/.well-known/est/caCerts");
	bad("/.well-known/est//cacerts");
	bad("//.well-known/est/cacerts");
	bad("/.well-known//est/cacerts");
	bad("/.well-known/est/./cacerts");
	bad("/.well-known/est/../cacerts");
	bad("/.well-known/est/x/../cacerts");
	bad("/.well-known/est/%2e%2e/cacerts");
	bad("/.well-known/est/a b/cacerts");
	bad("/.well-known/est/a\xc3\xa9/cacerts");
	bad("/.well-known/est/a;b/cacerts");
	bad("/.well-known/est/a\\b/cacerts");
	bad(" /.well-known/est/cacerts");
	bad("/.well-known/est/cacerts ");
}

/* B3: an operation's name is no label. */
static void
test_b3_label_is_no_operation(void **state)
{
	(void)state;
	bad("/.well-known/est/cacerts/cacerts");
	bad("/.well-known/est/simpleenroll/cacerts");
	good("/.well-known/est/cacerts2/cacerts", "cacerts", "cacerts2");
	good("/.well-known/est/.../cacerts", "cacerts", "...");
}

static void
test_label_length(void **state)
{
	char uri[256], label[EST_LABEL_MAX + 2];

	(void)state;
	memset(label, 'a', sizeof label);
	label[EST_LABEL_MAX] = '\0';
	snprintf(uri, sizeof uri, "/.well-known/est/%s/cacerts", label);
	good(uri, "cacerts", label);
	label[EST_LABEL_MAX] = 'a';
	label[EST_LABEL_MAX + 1] = '\0';
	snprintf(uri, sizeof uri, "/.well-known/est/%s/cacerts", label);
	bad(uri);
}

static void
test_oversize(void **state)
{
	char *uri = malloc(100001);

	(void)state;
	assert_non_null(uri);
	memset(uri, 'a', 100000);
	uri[100000] = '\0';
	memcpy(uri, "/.well-known/est/", 17);
	bad(uri);
	memcpy(uri, "https://", 8);
	bad(uri);
	free(uri);
}

static void
test_cut_at_each_byte(void **state)
{
	static const char uri[] = "/.well-known/est/cam/simplereenroll";
	char cut[sizeof uri];
	size_t i;

	(void)state;
	for (i = 0; i < sizeof uri - 1; i++) {
		memcpy(cut, uri, i);
		cut[i] = '\0';
		bad(cut);
	}
	good(uri, "simplereenroll", "cam");
}

static void
test_bit_flips(void **state)
{
	static const char uri[] = "/.well-known/est/cam/cacerts";
	struct est_route r;
	char flipped[sizeof uri];
	size_t i;
	int b;

	(void)state;
	for (i = 0; i < (sizeof uri - 1) * 8; i++) {
		memcpy(flipped, uri, sizeof uri);
		flipped[i / 8] = (char)(flipped[i / 8] ^ (1 << (i % 8)));
		b = est_route_parse(&r, flipped, NULL);
		/* Only another label can come out of it. */
		if (b == CAMCA_OK) {
			assert_in_range(i / 8, 17, 19);
			assert_string_equal(r.op->name, "cacerts");
			assert_string_not_equal(r.label, "cam");
		}
	}
}

static void
method(const char *op, const char *name, int http)
{
	struct refusal why = { 0 };
	struct est_route r;
	char uri[64];
	int ret;

	snprintf(uri, sizeof uri, "/.well-known/est/%s", op);
	assert_int_equal(est_route_parse(&r, uri, NULL), CAMCA_OK);
	ret = est_route_method(&r, name, &why);
	assert_int_equal(why.http, http);
	assert_int_equal(ret, http == 0 ? CAMCA_OK : CAMCA_EINVAL);
}

/* B5: 405; B6: 501, but only for the right method. */
static void
test_b5_b6_methods(void **state)
{
	(void)state;
	method("cacerts", "GET", 0);
	method("cacerts", "HEAD", 0);
	method("cacerts", "POST", 405);
	method("csrattrs", "GET", 0);
	method("csrattrs", "PUT", 405);
	method("simpleenroll", "POST", 0);
	method("simpleenroll", "GET", 405);
	method("simpleenroll", "HEAD", 405);
	method("simplereenroll", "POST", 0);
	method("simplereenroll", "DELETE", 405);
	method("simpleenroll", "post", 405);
	method("simpleenroll", "", 405);
	method("serverkeygen", "GET", 405);
	method("serverkeygen", "POST", 501);
	method("fullcmc", "OPTIONS", 405);
	method("fullcmc", "POST", 501);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_b1_b2_operations_with_and_without_label),
		cmocka_unit_test(test_absolute_form),
		cmocka_unit_test(test_b4_unknown),
		cmocka_unit_test(test_b7_no_aliases),
		cmocka_unit_test(test_b3_label_is_no_operation),
		cmocka_unit_test(test_label_length),
		cmocka_unit_test(test_oversize),
		cmocka_unit_test(test_cut_at_each_byte),
		cmocka_unit_test(test_bit_flips),
		cmocka_unit_test(test_b5_b6_methods),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
