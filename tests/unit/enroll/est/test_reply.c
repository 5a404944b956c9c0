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
#include "enroll/est/reply.h"

static const struct est_operation *
operation(const char *name)
{
	struct est_route r;
	char uri[64];

	snprintf(uri, sizeof uri, "/.well-known/est/%s", name);
	assert_int_equal(est_route_parse(&r, uri, NULL), CAMCA_OK);
	return r.op;
}

/* 150 bytes: base64 of 200 digits, more than one line. */
static json_t *
answer(const char *layout)
{
	uint8_t der[150];
	json_t *a;
	char *s;

	memset(der, 0xa5, sizeof der);
	s = enc_base64_dup(der, sizeof der);
	a = json_pack("{s:s, s:s, s:b, s:s}", "der", s, "base64", layout,
	    "cte", 1, "etag", "00ff");
	free(s);
	assert_non_null(a);
	return a;
}

static size_t
lines(const struct buf *b)
{
	size_t i, n = 0;

	for (i = 0; i < b->len; i++)
		n += b->data[i] == '\n';
	return n;
}

static void
layout(const char *name, bool bare, size_t want_lines)
{
	json_t *a = answer(name);
	struct est_reply r;
	struct buf der;

	est_reply_init(&r);
	assert_int_equal(est_reply_result(&r, operation("cacerts"), a, bare),
	    CAMCA_OK);
	assert_int_equal(r.status, 200);
	assert_int_equal(lines(&r.body), want_lines);
	assert_int_equal(r.body.data[r.body.len - 1], '\n');
	buf_init(&der, 0);
	assert_int_equal(dec_base64(&der, buf_str(&r.body), r.body.len, 1), 0);
	assert_int_equal(der.len, 150);
	buf_fini(&der);
	est_reply_fini(&r);
	json_decref(a);
}

/* C5: strongSwan needs flat, libest wrapped, both a final line feed. */
static void
test_c5_layouts(void **state)
{
	(void)state;
	layout("auto", true, 1);
	layout("auto", false, 4);
	layout("flat", false, 1);
	layout("flat", true, 1);
	layout("wrap", true, 4);
	layout("wrap", false, 4);
	layout("nonsense", true, 1);
}

/* F5: libest compares the type byte by byte. */
static void
test_f5_types(void **state)
{
	static const struct {
		const char *op, *type;
	} types[] = {
		{ "cacerts", "application/pkcs7-mime" },
		{ "csrattrs", "application/csrattrs" },
		{ "simpleenroll",
		    "application/pkcs7-mime; smime-type=certs-only" },
		{ "simplereenroll",
		    "application/pkcs7-mime; smime-type=certs-only" },
	};
	struct est_reply r;
	json_t *a = answer("auto");
	size_t i;

	(void)state;
	for (i = 0; i < sizeof types / sizeof types[0]; i++) {
		est_reply_init(&r);
		assert_int_equal(est_reply_result(&r, operation(types[i].op),
		    a, false), CAMCA_OK);
		assert_string_equal(r.type, types[i].type);
		assert_true(r.cte);
		assert_false(r.close);
		est_reply_fini(&r);
	}
	json_decref(a);
}

static void
test_c6_cte_off(void **state)
{
	json_t *a = answer("auto");
	struct est_reply r;

	(void)state;
	json_object_set_new(a, "cte", json_false());
	est_reply_init(&r);
	assert_int_equal(est_reply_result(&r, operation("cacerts"), a, false),
	    CAMCA_OK);
	assert_false(r.cte);
	est_reply_fini(&r);
	json_decref(a);
}

static void
test_pop_closes(void **state)
{
	json_t *a = answer("auto");
	struct est_reply r;

	(void)state;
	json_object_set_new(a, "pop", json_true());
	est_reply_init(&r);
	assert_int_equal(est_reply_result(&r, operation("simpleenroll"), a,
	    false), CAMCA_OK);
	assert_true(r.close);
	est_reply_fini(&r);
	json_decref(a);
}

/* J2: no attributes is 204; for the others a missing bag is an error. */
static void
test_j2_nothing(void **state)
{
	json_t *a = json_pack("{s:s, s:b}", "base64", "auto", "cte", 1);
	struct est_reply r;

	(void)state;
	est_reply_init(&r);
	assert_int_equal(est_reply_result(&r, operation("csrattrs"), a, false),
	    CAMCA_OK);
	assert_int_equal(r.status, 204);
	assert_null(r.type);
	assert_int_equal(r.body.len, 0);
	est_reply_fini(&r);
	est_reply_init(&r);
	assert_int_equal(est_reply_result(&r, operation("cacerts"), a, false),
	    CAMCA_EPROTO);
	assert_int_equal(est_reply_result(&r, operation("simpleenroll"), a,
	    false), CAMCA_EPROTO);
	est_reply_fini(&r);
	json_decref(a);
}

static void
test_unusable_answers(void **state)
{
	static const char *const answers[] = { "[]", "{\"der\":5}", "{}",
	    "{\"der\":\"\"}", "{\"der\":\"%%%%\"}", "{\"der\":\"MA=\"}",
	    "{\"der\":null}", "\"x\"" };
	struct est_reply r;
	json_t *a;
	size_t i;

	(void)state;
	for (i = 0; i < sizeof answers / sizeof answers[0]; i++) {
		a = json_loads(answers[i], JSON_DECODE_ANY, NULL);
		assert_non_null(a);
		est_reply_init(&r);
		assert_int_equal(est_reply_result(&r,
		    operation("simpleenroll"), a, false), CAMCA_EPROTO);
		est_reply_fini(&r);
		json_decref(a);
	}
}

static void
etag(const char *tag, bool bare, const char *want)
{
	json_t *a = answer("auto");
	struct est_reply r;

	json_object_set_new(a, "etag", json_string(tag));
	est_reply_init(&r);
	assert_int_equal(est_reply_result(&r, operation("cacerts"), a, bare),
	    CAMCA_OK);
	assert_string_equal(r.etag, want);
	est_reply_fini(&r);
	json_decref(a);
}

/* A strong validator names one layout; nothing breaks out of the field. */
static void
test_etags(void **state)
{
	char big[200], want[200];

	(void)state;
	etag("00ff", false, "\"00ff-w\"");
	etag("00ff", true, "\"00ff-f\"");
	etag("", false, "");
	etag("a\"b", false, "");
	etag("a\r\nX: y", false, "");
	memset(big, 'a', sizeof big);
	big[sizeof big - 1] = '\0';
	etag(big, false, "");
	big[EST_ETAG_MAX - 8] = '\0';
	snprintf(want, sizeof want, "\"%.150s-w\"", big);
	etag(big, false, want);
}

static void
test_etag_matches(void **state)
{
	(void)state;
	assert_true(est_etag_matches("\"a-w\"", "\"a-w\""));
	assert_true(est_etag_matches("W/\"a-w\"", "\"a-w\""));
	assert_true(est_etag_matches("\"x\", \"a-w\" ,\"y\"", "\"a-w\""));
	assert_true(est_etag_matches("*", "\"a-w\""));
	assert_false(est_etag_matches("\"a-f\"", "\"a-w\""));
	assert_false(est_etag_matches("a-w", "\"a-w\""));
	assert_false(est_etag_matches("\"a-w\"x", "\"a-w\""));
	assert_false(est_etag_matches("", "\"a-w\""));
	assert_false(est_etag_matches(NULL, "\"a-w\""));
	assert_false(est_etag_matches("*", ""));
}

static void
refusal(int http, int retry, int want_retry, bool challenge)
{
	struct refusal why = { .http = http, .retry_after_s = retry,
	    .code = "x.y", .detail = "One sentence." };
	struct est_reply r;

	est_reply_init(&r);
	assert_int_equal(est_reply_refusal(&r, operation("simpleenroll"), &why),
	    CAMCA_OK);
	assert_int_equal(r.status, http);
	assert_string_equal(r.type, "text/plain; charset=utf-8");
	assert_string_equal(buf_str(&r.body), "One sentence.\n");
	assert_int_equal(r.retry_after_s, want_retry);
	assert_int_equal(r.challenge, challenge);
	if (http == 405)
		assert_string_equal(r.allow, "POST");
	else
		assert_null(r.allow);
	est_reply_fini(&r);
}

/* I1, I5, E1, B5: what an error carries. */
static void
test_i1_i5_refusals(void **state)
{
	(void)state;
	refusal(202, 0, 60, false);
	refusal(202, 7, 7, false);
	refusal(401, 0, 0, true);
	refusal(403, 0, 0, false);
	refusal(405, 0, 0, false);
	refusal(429, 13, 13, false);
	refusal(503, 5, 5, false);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_c5_layouts),
		cmocka_unit_test(test_f5_types),
		cmocka_unit_test(test_c6_cte_off),
		cmocka_unit_test(test_pop_closes),
		cmocka_unit_test(test_j2_nothing),
		cmocka_unit_test(test_unusable_answers),
		cmocka_unit_test(test_etags),
		cmocka_unit_test(test_etag_matches),
		cmocka_unit_test(test_i1_i5_refusals),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
