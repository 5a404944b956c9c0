/* SPDX-License-Identifier: Apache-2.0 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "enroll/renew/http.h"

#define GOOD "HTTP/1.1 200 OK\r\n" \
    "Content-Type: Application/PKCS7-mime; a=b\r\n" \
    "Content-Length: 5\r\n\r\nhello"
#define CHUNKED "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n" \
    "3;x=y\r\nhel\r\n2\r\nlo\r\n0\r\nTrailer: 1\r\n\r\n"

/* Feeds text in pieces of step bytes; the last result. */
static int
feed(struct http_reader *r, const char *text, size_t n, size_t step,
    struct refusal *why)
{
	size_t used, i = 0;
	int ret = 0;

	http_reader_init(r, 1000);
	while (i < n && ret == 0) {
		size_t part = n - i < step ? n - i : step;

		ret = http_reader_feed(r, text + i, part, &used, why);
		i += used;
	}
	return ret;
}

static int
feed_text(struct http_reader *r, const char *text, struct refusal *why)
{
	return feed(r, text, strlen(text), strlen(text) + 1, why);
}

static void
whole_responses_in_any_pieces(void **state)
{
	static const char *const texts[] = { GOOD, CHUNKED };
	struct refusal why;
	struct http_reader r;

	(void)state;
	for (size_t i = 0; i < 2; i++)
		for (size_t step = 1; step < 40; step++) {
			assert_int_equal(feed(&r, texts[i], strlen(texts[i]),
			    step, &why), 1);
			assert_int_equal(r.status, 200);
			assert_string_equal(buf_str(&r.body), "hello");
			assert_true(r.keep_alive);
			assert_int_equal(r.retry_after_s, -1);
			http_reader_fini(&r);
		}
	assert_int_equal(feed_text(&r, GOOD, &why), 1);
	assert_string_equal(r.content_type, "application/pkcs7-mime");
	http_reader_fini(&r);
}

/* A response that ends anywhere but at its end is never taken for whole. */
static void
cut_at_each_byte(void **state)
{
	static const char *const texts[] = { GOOD, CHUNKED };
	struct refusal why;
	struct http_reader r;

	(void)state;
	for (size_t i = 0; i < 2; i++)
		for (size_t n = 0; n < strlen(texts[i]); n++) {
			assert_int_equal(feed(&r, texts[i], n, 7, &why), 0);
			assert_int_equal(http_reader_eof(&r, &why),
			    CAMCA_EPROTO);
			http_reader_fini(&r);
		}
}

/* No flipped bit may crash it or pass a limit. */
static void
bits_flipped(void **state)
{
	char text[sizeof CHUNKED];
	struct refusal why;
	struct http_reader r;

	(void)state;
	for (size_t bit = 0; bit < (sizeof text - 1) * 8; bit++) {
		memcpy(text, CHUNKED, sizeof text);
		text[bit / 8] = (char)(text[bit / 8] ^ (1 << bit % 8));
		if (feed(&r, text, sizeof text - 1, 11, &why) < 0)
			assert_true(why.http == 502);
		assert_true(r.body.len <= HTTP_BODY_MAX);
		http_reader_fini(&r);
	}
}

static void
malformed(void **state)
{
	static const char *const bad[] = {
		"HTTP/2 200 OK\r\n", "HTTP/1.1 99 OK\r\n", "HTTP/1.1 600 \r\n",
		"HTTP/1.1 2000 \r\n", "HTTP/1.1  200\r\n", "HTTP/1.1 200X\r\n",
		"HTTP/1.1 200 OK\n", "HTTP/1.1 200 OK\rX",
		"HTTP/1.1 200 OK\r\nNo colon\r\n",
		"HTTP/1.1 200 OK\r\nA : b\r\n", "HTTP/1.1 200 OK\r\n: b\r\n",
		"HTTP/1.1 200 OK\r\nA: b\r\n folded\r\n",
		"HTTP/1.1 200 OK\r\nA: \001\r\n",
		"HTTP/1.1 200 OK\r\nContent-Length: -1\r\n",
		"HTTP/1.1 200 OK\r\nContent-Length: 1x\r\n",
		"HTTP/1.1 200 OK\r\nContent-Length: \r\n",
		"HTTP/1.1 200 OK\r\nContent-Length: 9999999999999999999\r\n",
		"HTTP/1.1 200 OK\r\nContent-Length: 1\r\nContent-Length: 2\r\n",
		"HTTP/1.1 200 OK\r\nTransfer-Encoding: gzip\r\n",
		"HTTP/1.1 200 OK\r\nTransfer-Encoding: gzip, chunked\r\n",
		"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n"
		"Transfer-Encoding: chunked\r\n",
		"HTTP/1.0 200 OK\r\nTransfer-Encoding: chunked\r\n",
		"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n"
		"Content-Length: 1\r\n\r\n",
		"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nx\r\n",
		"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n\r\n",
		"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n"
		"000000001\r\n",
		"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n"
		"1\r\nabc\r\n",
		"HTTP/1.1 101 Switch\r\n\r\n",
	};
	struct refusal why;
	struct http_reader r;

	(void)state;
	for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) {
		memset(&why, 0, sizeof why);
		assert_int_equal(feed_text(&r, bad[i], &why), CAMCA_EPROTO);
		assert_string_equal(why.code, "http.malformed");
		http_reader_fini(&r);
	}
}

static void
too_large(void **state)
{
	static char text[HTTP_BODY_MAX + 8192];
	struct refusal why;
	struct http_reader r;
	size_t n;

	(void)state;
	assert_int_equal(feed_text(&r, "HTTP/1.1 200 OK\r\n"
	    "Content-Length: 262145\r\n", &why), CAMCA_ELIMIT);
	http_reader_fini(&r);
	assert_int_equal(feed_text(&r, "HTTP/1.1 200 OK\r\n"
	    "Transfer-Encoding: chunked\r\n\r\n40001\r\n", &why), CAMCA_ELIMIT);
	http_reader_fini(&r);
	n = (size_t)snprintf(text, sizeof text, "HTTP/1.1 200 OK\r\nA: ");
	memset(text + n, 'a', HTTP_LINE_MAX + 1);
	assert_int_equal(feed(&r, text, n + HTTP_LINE_MAX + 1, 999, &why),
	    CAMCA_ELIMIT);
	http_reader_fini(&r);
	/* Until close: the body limit still holds. */
	n = (size_t)snprintf(text, sizeof text, "HTTP/1.1 200 OK\r\n\r\n");
	memset(text + n, 'a', HTTP_BODY_MAX + 1);
	assert_int_equal(feed(&r, text, n + HTTP_BODY_MAX + 1, 5000, &why),
	    CAMCA_ELIMIT);
	http_reader_fini(&r);
	n = (size_t)snprintf(text, sizeof text, "HTTP/1.1 200 OK\r\n");
	for (int i = 0; i < 65; i++)
		n += (size_t)snprintf(text + n, sizeof text - n, "A: b\r\n");
	assert_int_equal(feed(&r, text, n, 100, &why), CAMCA_ELIMIT);
	http_reader_fini(&r);
	n = (size_t)snprintf(text, sizeof text, "HTTP/1.1 200 OK\r\n");
	for (int i = 0; i < 9; i++)
		n += (size_t)snprintf(text + n, sizeof text - n,
		    "A: %02000d\r\n", i);
	assert_int_equal(feed(&r, text, n, 100, &why), CAMCA_ELIMIT);
	http_reader_fini(&r);
}

static void
other_ends(void **state)
{
	struct refusal why;
	struct http_reader r;

	(void)state;
	/* Until the connection closes. */
	assert_int_equal(feed_text(&r, "HTTP/1.0 200 OK\r\n\r\nabc", &why), 0);
	assert_int_equal(http_reader_eof(&r, &why), 0);
	assert_string_equal(buf_str(&r.body), "abc");
	assert_false(r.keep_alive);
	http_reader_fini(&r);
	/* No body at all. */
	assert_int_equal(feed_text(&r, "HTTP/1.1 204 \r\n\r\n", &why), 1);
	http_reader_fini(&r);
	assert_int_equal(feed_text(&r, "HTTP/1.1 202 \r\nConnection: Close\r\n"
	    "Content-Length: 0\r\nRetry-After: 120\r\n\r\n", &why), 1);
	assert_int_equal(r.retry_after_s, 120);
	assert_false(r.keep_alive);
	http_reader_fini(&r);
	/* Interim responses are passed over, but not without end. */
	assert_int_equal(feed_text(&r, "HTTP/1.1 100 Continue\r\n\r\n"
	    GOOD, &why), 1);
	assert_int_equal(r.status, 200);
	http_reader_fini(&r);
	assert_int_equal(feed_text(&r, "HTTP/1.1 100 a\r\n\r\n"
	    "HTTP/1.1 100 a\r\n\r\nHTTP/1.1 100 a\r\n\r\n"
	    "HTTP/1.1 100 a\r\n\r\nHTTP/1.1 100 a\r\n\r\n", &why),
	    CAMCA_EPROTO);
	http_reader_fini(&r);
}

static void
retry_after_forms(void **state)
{
	static const struct {
		const char *value;
		int64_t want;
	} cases[] = {
		{ "0", 0 }, { "99999999999999999999999", INT32_MAX },
		{ "Thu, 01 Jan 1970 00:17:40 GMT", 60 },
		{ "Thu, 01 Jan 1970 00:00:01 GMT", 0 },
		{ "soon", -1 }, { "", -1 }, { "-5", -1 }, { "1.5", -1 },
		{ "Thu, 01 Jan 1970 00:17:40 GMT x", -1 },
	};
	struct refusal why;
	struct http_reader r;
	char text[256];

	(void)state;
	for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
		snprintf(text, sizeof text, "HTTP/1.1 503 x\r\nRetry-After: "
		    "%s\r\nContent-Length: 0\r\n\r\n", cases[i].value);
		assert_int_equal(feed_text(&r, text, &why), 1);
		assert_int_equal(r.retry_after_s, cases[i].want);
		http_reader_fini(&r);
	}
}

static void
surplus_is_left(void **state)
{
	struct refusal why;
	struct http_reader r;
	size_t used;

	(void)state;
	http_reader_init(&r, 0);
	assert_int_equal(http_reader_feed(&r, GOOD "XY", sizeof GOOD + 1,
	    &used, &why), 1);
	assert_int_equal(used, sizeof GOOD - 1);
	http_reader_fini(&r);
}

static void
requests(void **state)
{
	struct refusal why;
	struct buf out, body;
	struct url u;

	(void)state;
	buf_init(&out, 0);
	buf_init(&body, 0);
	assert_int_equal(url_parse(&u, "https://[::1]:8443", "lab", &why), 0);
	assert_int_equal(http_request(&out, &u, "cacerts", NULL, NULL, NULL),
	    0);
	assert_non_null(strstr(buf_str(&out),
	    "GET /.well-known/est/lab/cacerts HTTP/1.1\r\n"
	    "Host: [::1]:8443\r\n"));
	assert_null(strstr(buf_str(&out), "Authorization"));
	buf_reset(&out);
	assert_int_equal(buf_puts(&body, "AAAA\n"), 0);
	assert_int_equal(http_request(&out, &u, "simpleenroll",
	    "application/pkcs10", &body, "dTpw"), 0);
	assert_non_null(strstr(buf_str(&out), "POST "));
	assert_non_null(strstr(buf_str(&out), "Authorization: Basic dTpw\r\n"));
	assert_non_null(strstr(buf_str(&out),
	    "Content-Length: 5\r\n\r\nAAAA\n"));
	buf_fini(&out);
	buf_fini(&body);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(whole_responses_in_any_pieces),
		cmocka_unit_test(cut_at_each_byte),
		cmocka_unit_test(bits_flipped),
		cmocka_unit_test(malformed),
		cmocka_unit_test(too_large),
		cmocka_unit_test(other_ends),
		cmocka_unit_test(retry_after_forms),
		cmocka_unit_test(surplus_is_left),
		cmocka_unit_test(requests),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
