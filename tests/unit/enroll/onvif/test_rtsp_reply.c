/* SPDX-License-Identifier: Apache-2.0 */
/* The head of a reply: good, cut anywhere, flipped, too large. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "enroll/onvif/rtsp.h"

static const char whole[] = "RTSP/1.0 401 Unauthorized\r\nCSeq: 7\r\n"
    "Server: x\r\nwww-authenticate:  Digest realm=\"r\", nonce=\"n\" \r\n"
    "WWW-Authenticate: Basic realm=\"r\"\r\nConnection: Close\r\n"
    "Content-Length: 12\r\n\r\n";

static int
parse(const char *text, struct rtsp_reply *r)
{
	return rtsp_reply_read(r, text, strlen(text));
}

static void
test_good(void **state)
{
	struct rtsp_reply r;

	(void)state;
	assert_int_equal(parse(whole, &r), CAMCA_OK);
	assert_int_equal(r.major, 1);
	assert_int_equal(r.status, 401);
	assert_int_equal(r.cseq, 7);
	assert_int_equal(r.body_len, 12);
	assert_true(r.close);
	assert_string_equal(buf_str(&r.offers), "Digest realm=\"r\", "
	    "nonce=\"n\"\nBasic realm=\"r\"\n");
	rtsp_reply_fini(&r);
	/* Lone LF, no reason, a value that goes on: RFC 2326 4. */
	assert_int_equal(parse("RTSP/2.0 200\nCSeq:1\nX: a\n b\n\n", &r),
	    CAMCA_OK);
	assert_int_equal(r.major, 2);
	assert_int_equal(r.cseq, 1);
	assert_int_equal(r.body_len, 0);
	assert_false(r.close);
	rtsp_reply_fini(&r);
	assert_int_equal(parse("RTSP/1.0 505 No\r\n\r\n", &r), CAMCA_OK);
	assert_int_equal(r.cseq, -1);
	rtsp_reply_fini(&r);
}

static void
test_bad(void **state)
{
	static const char *const bad[] = { "", "\r\n\r\n",
		"HTTP/1.1 200 OK\r\n\r\n", "RTSP/1.1 200 OK\r\n\r\n",
		"RTSP/3.0 200 OK\r\n\r\n", "RTSP/1.0 20 OK\r\n\r\n",
		"RTSP/1.0 2000 OK\r\n\r\n", "RTSP/1.0 099 OK\r\n\r\n",
		"RTSP/1.0  200 OK\r\n\r\n", "rtsp/1.0 200 OK\r\n\r\n",
		"RTSP/1.0 200 OK\r\n", "RTSP/1.0 200 OK\r\nno colon\r\n\r\n",
		"RTSP/1.0 200 OK\r\n: x\r\n\r\n",
		"RTSP/1.0 200 OK\r\nCSeq: x\r\n\r\n",
		"RTSP/1.0 200 OK\r\nCSeq: -1\r\n\r\n",
		"RTSP/1.0 200 OK\r\nCSeq: 4294967296\r\n\r\n",
		"RTSP/1.0 200 OK\r\nX: a\rb\r\n\r\n",
		"RTSP/1.0 200 OK\r\nContent-Length: 1 1\r\n\r\n",
		"RTSP/1.0 200 OK\r\nContent-Length: +1\r\n\r\n",
		"RTSP/1.0 200 OK\r\nContent-Length:\r\n\r\n",
		"RTSP/1.0 200 OK\r\nContent-Length: 1\r\n"
		    "Content-Length: 1\r\n\r\n" };
	struct rtsp_reply r;
	size_t i;

	(void)state;
	for (i = 0; i < sizeof bad / sizeof bad[0]; i++) {
		if (parse(bad[i], &r) != CAMCA_EPROTO)
			fail_msg("taken: %s", bad[i]);
		rtsp_reply_fini(&r);
	}
	assert_int_equal(parse("RTSP/1.0 200 OK\r\nContent-Length: 65537"
	    "\r\n\r\n", &r), CAMCA_ELIMIT);
	rtsp_reply_fini(&r);
	assert_int_equal(parse("RTSP/1.0 200 OK\r\nContent-Length: "
	    "999999999999999999999\r\n\r\n", &r), CAMCA_EPROTO);
	rtsp_reply_fini(&r);
	assert_int_equal(rtsp_reply_read(&r, "RTSP/1.0 200 OK\r\nX: \0\r\n"
	    "\r\n", 25), CAMCA_EPROTO);
	rtsp_reply_fini(&r);
}

/* Cut it is refused, in memory of its own size so that reading on shows. */
static void
test_cut_and_flipped(void **state)
{
	size_t len = sizeof whole - 1, n, bit;
	struct rtsp_reply r;
	char *p;

	(void)state;
	for (n = 0; n < len; n++) {
		p = malloc(n + 1);
		memcpy(p, whole, n);
		assert_true(rtsp_reply_read(&r, p, n) < 0);
		rtsp_reply_fini(&r);
		free(p);
	}
	for (bit = 0; bit < 8 * len; bit++) {
		p = malloc(len);
		memcpy(p, whole, len);
		p[bit / 8] = (char)(p[bit / 8] ^ (1 << bit % 8));
		if (rtsp_reply_read(&r, p, len) == CAMCA_OK)
			assert_true(r.status >= 100 && r.status <= 999 &&
			    r.body_len <= RTSP_BODY_MAX);
		rtsp_reply_fini(&r);
		free(p);
	}
}

static void
test_many(void **state)
{
	struct rtsp_reply r;
	struct buf b;
	unsigned i;

	(void)state;
	buf_init(&b, 0);
	assert_int_equal(buf_puts(&b, "RTSP/1.0 401 No\r\n"), CAMCA_OK);
	for (i = 0; i <= RTSP_FIELDS_MAX; i++)
		assert_int_equal(buf_printf(&b, "X%u: y\r\n", i), CAMCA_OK);
	assert_int_equal(buf_puts(&b, "\r\n"), CAMCA_OK);
	assert_int_equal(parse(buf_str(&b), &r), CAMCA_ELIMIT);
	rtsp_reply_fini(&r);
	/* Challenges past what is kept are left out. */
	buf_reset(&b);
	assert_int_equal(buf_puts(&b, "RTSP/1.0 401 No\r\n"), CAMCA_OK);
	for (i = 0; i < 10; i++)
		assert_int_equal(buf_printf(&b, "WWW-Authenticate: %01500u"
		    "\r\n", i), CAMCA_OK);
	assert_int_equal(buf_puts(&b, "\r\n"), CAMCA_OK);
	assert_int_equal(parse(buf_str(&b), &r), CAMCA_OK);
	assert_true(r.offers.len > 0 && r.offers.len <= 8192);
	rtsp_reply_fini(&r);
	buf_fini(&b);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_good),
		cmocka_unit_test(test_bad),
		cmocka_unit_test(test_cut_and_flipped),
		cmocka_unit_test(test_many),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
