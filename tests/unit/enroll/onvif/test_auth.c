/* SPDX-License-Identifier: Apache-2.0 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include <stdio.h>
#include <string.h>

#include "enroll/onvif/auth.h"

static int
ones(void *arg, uint8_t *out, size_t n)
{
	(void)arg;
	memset(out, 0x01, n);
	return CAMCA_OK;
}

static int64_t
never(void *arg)
{
	(void)arg;
	return 0;
}

static const struct camca_ctx ctx = { never, ones, NULL };

/* The two examples of RFC 7616 section 3.9.1. */
static const char rfc7616[] =
    " Digest realm=\"http-auth@example.org\", qop=\"auth, auth-int\", "
    "algorithm=SHA-256, nonce=\"7ypf/xlj9XXwfDPEoM4URrv/xwf94BcCAzFZH4GiTo0v"
    "\", opaque=\"FQhe/qaU925kfnzjCev0ciny7QMkPqMAFRtzCUYo5tdS\"\n"
    " Digest realm=\"http-auth@example.org\", qop=\"auth, auth-int\", "
    "algorithm=MD5, nonce=\"7ypf/xlj9XXwfDPEoM4URrv/xwf94BcCAzFZH4GiTo0v\", "
    "opaque=\"FQhe/qaU925kfnzjCev0ciny7QMkPqMAFRtzCUYo5tdS\"\n";

static const struct digest_use mufasa = { "GET", "/dir/index.html", "Mufasa",
    "Circle of Life", 1, "f2/wE4q74E6zIJEtWaHKaf5wv/H5QzzpXusqGemxURZJ" };

static void
answer_has(const struct digest_challenge *c, const struct digest_use *use,
    const char *part)
{
	struct buf b;

	buf_init(&b, 4096);
	assert_int_equal(digest_answer(&b, c, use), CAMCA_OK);
	if (strstr(buf_str(&b), part) == NULL)
		fail_msg("%s lacks %s", buf_str(&b), part);
	buf_fini(&b);
}

static void
answer_lacks(const struct digest_challenge *c, const struct digest_use *use,
    const char *part)
{
	struct buf b;

	buf_init(&b, 4096);
	assert_int_equal(digest_answer(&b, c, use), CAMCA_OK);
	if (strstr(buf_str(&b), part) != NULL)
		fail_msg("%s has %s", buf_str(&b), part);
	buf_fini(&b);
}

static void
test_sha256(void **state)
{
	struct auth_offers o;

	(void)state;
	auth_read_offers(&o, rfc7616);
	assert_true(o.digest);
	assert_int_equal(o.best.algorithm, DIGEST_SHA256);
	answer_has(&o.best, &mufasa, "response=\"753927fa0e85d155564e2e272a28d18"
	    "02ca10daf4496794697cf8db5856cb6c1\"");
	answer_has(&o.best, &mufasa, "algorithm=SHA-256");
	answer_has(&o.best, &mufasa, "qop=auth, nc=00000001");
	answer_has(&o.best, &mufasa, "opaque=\"FQhe/");
}

static void
test_md5(void **state)
{
	struct auth_offers o;

	(void)state;
	auth_read_offers(&o, strchr(rfc7616, '\n') + 1);
	assert_true(o.digest);
	assert_int_equal(o.best.algorithm, DIGEST_MD5);
	answer_has(&o.best, &mufasa,
	    "response=\"8ca523f5e9506fed4657c9700eebdbec\"");
}

/* RFC 2069 form: neither qop nor algorithm offered, so none is echoed. The
 * value is the one of RFC 2617's example computed without qop. */
static void
test_without_qop(void **state)
{
	const struct digest_use use = { "GET", "/dir/index.html", "Mufasa",
	    "Circle Of Life", 1, "0a4f113b" };
	struct auth_offers o;

	(void)state;
	auth_read_offers(&o, "Digest realm=\"testrealm@host.com\", nonce="
	    "\"dcd98b7102dd2f0e8b11d0f600bfb0c093\"\n");
	assert_true(o.digest);
	assert_false(o.best.qop_auth);
	answer_has(&o.best, &use,
	    "response=\"670fd8c2df070c60b045671b8b24ff02\"");
	answer_lacks(&o.best, &use, "qop");
	answer_lacks(&o.best, &use, "nc=");
	answer_lacks(&o.best, &use, "cnonce");
	answer_lacks(&o.best, &use, "algorithm");
	answer_lacks(&o.best, &use, "opaque");
}

static void
test_quoting(void **state)
{
	const struct digest_use use = { "POST", "/x", "a\"b\\c", "p", 2,
	    "00" };
	const struct digest_use bad = { "POST", "/x", "a\nb", "p", 2, "00" };
	struct auth_offers o;
	struct buf b;

	(void)state;
	auth_read_offers(&o, "Digest realm=\"a \\\"quoted\\\" one\", "
	    "nonce=\"n\"\n");
	assert_string_equal(o.best.realm, "a \"quoted\" one");
	answer_has(&o.best, &use, "username=\"a\\\"b\\\\c\"");
	answer_has(&o.best, &use, "realm=\"a \\\"quoted\\\" one\"");
	buf_init(&b, 0);
	assert_int_equal(digest_answer(&b, &o.best, &bad), CAMCA_EINVAL);
	buf_fini(&b);
}

static void
test_several(void **state)
{
	struct auth_offers o;

	(void)state;
	/* In one field, with other schemes around it. */
	auth_read_offers(&o, "Basic realm=\"x, y\", Bearer, Digest realm=\"r\","
	    "nonce=\"1\",algorithm=MD5 , digest realm=\"r\", nonce=\"2\", "
	    "algorithm=sha-256,stale=TRUE\n");
	assert_true(o.digest && o.basic && o.other);
	assert_string_equal(o.best.nonce, "2");
	assert_string_equal(o.best.algorithm_text, "sha-256");
	assert_true(o.best.stale);
	/* An algorithm that we do not know leaves the other one. */
	auth_read_offers(&o, "Digest realm=\"r\", nonce=\"1\", "
	    "algorithm=SHA-512-256\nDigest realm=\"r\", nonce=\"2\"\n");
	assert_string_equal(o.best.nonce, "2");
	/* Only auth-int: not answerable. */
	auth_read_offers(&o, "Digest realm=\"r\", nonce=\"1\", "
	    "qop=\"auth-int\"\n");
	assert_false(o.digest);
	auth_read_offers(&o, "Digest realm=\"r\", nonce=\"1\", qop=auth\n");
	assert_true(o.digest && o.best.qop_auth);
}

static void
test_malformed(void **state)
{
	static const char *const bad[] = {
		"", "\n\n", ",,,", "Digest", "Digest realm=\"r\"",
		"Digest nonce=\"r\"", "Digest realm=\"r\", nonce=\"n",
		"Digest realm=\"r\", nonce=\"n\\", "=x",
		"Digest realm=\"r\", realm=\"s\", nonce=\"n\"",
		"Digest realm=\"r\" nonce=\"n\" algorithm=MD5-", "\"x\"",
		"Digest realm=\"r\", nonce=\"n\", algorithm=MD55",
	};
	char cut[sizeof rfc7616];
	struct auth_offers o;
	size_t i;

	(void)state;
	for (i = 0; i < sizeof bad / sizeof bad[0]; i++) {
		auth_read_offers(&o, bad[i]);
		if (o.digest)
			fail_msg("taken: %s", bad[i]);
	}
	for (i = 0; i < sizeof rfc7616 - 1; i++) {
		memcpy(cut, rfc7616, i);
		cut[i] = '\0';
		auth_read_offers(&o, cut);
		memcpy(cut, rfc7616, sizeof cut);
		cut[i] = (char)(cut[i] ^ 0x04);
		auth_read_offers(&o, cut);
	}
}

static void
test_long_values(void **state)
{
	char field[2 * AUTH_VALUE_MAX + 64];
	struct auth_offers o;
	int n = snprintf(field, sizeof field, "Digest nonce=\"n\", realm=\"");

	(void)state;
	memset(field + n, 'r', AUTH_VALUE_MAX);
	memcpy(field + n + AUTH_VALUE_MAX, "\"", 2);
	auth_read_offers(&o, field);
	assert_false(o.digest);
	memcpy(field + n + AUTH_VALUE_MAX - 1, "\"", 2);
	auth_read_offers(&o, field);
	assert_true(o.digest);
}

static void
test_basic(void **state)
{
	struct buf b;

	(void)state;
	buf_init(&b, 0);
	assert_int_equal(basic_answer(&b, "Aladdin", "open sesame"),
	    CAMCA_OK);
	assert_string_equal(buf_str(&b), "Basic QWxhZGRpbjpvcGVuIHNlc2FtZQ==");
	assert_int_equal(basic_answer(&b, "a:b", "c"), CAMCA_EINVAL);
	buf_fini(&b);
}

/* Base64(SHA-1(16 x 01 || created || "secret")), computed by another program. */
static void
test_token(void **state)
{
	struct xml_out w;
	const char *s;

	(void)state;
	xml_out_init(&w);
	assert_int_equal(token_write(&w, &ctx, INT64_C(1790000000123),
	    "a<b", "secret"), CAMCA_OK);
	s = buf_str(&w.b);
	assert_non_null(strstr(s, "<wsse:Username>a&lt;b</wsse:Username>"));
	assert_non_null(strstr(s, ">AQEBAQEBAQEBAQEBAQEBAQ==</wsse:Nonce>"));
	assert_non_null(strstr(s,
	    "<wsu:Created>2026-09-21T14:13:20.123Z</wsu:Created>"));
	assert_non_null(strstr(s, ">XiDc7i3TE48lZfxZfmaDvozB5/s=</wsse:Password>"));
	assert_null(strstr(s, "secret"));
	xml_out_fini(&w);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_sha256),
		cmocka_unit_test(test_md5),
		cmocka_unit_test(test_without_qop),
		cmocka_unit_test(test_quoting),
		cmocka_unit_test(test_several),
		cmocka_unit_test(test_malformed),
		cmocka_unit_test(test_long_values),
		cmocka_unit_test(test_basic),
		cmocka_unit_test(test_token),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
