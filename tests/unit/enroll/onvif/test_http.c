/* SPDX-License-Identifier: Apache-2.0 */
/* The transport against a server that says what it was told, byte for byte. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include <stdlib.h>
#include <string.h>

#include "enroll/onvif/http.h"
#include "enroll/onvif/trouble.h"
#include "tests/unit/enroll/onvif/server.h"

/* ---- one client ---- */

struct client {
	struct onvif_link link;
	struct cam_env env;
	struct onvif_http *h;
	struct onvif_answer a;
	struct cam_why why;
};

static bool
stop_now(void *arg)
{
	(void)arg;
	return true;
}

static void
client_open(struct client *c, uint16_t port)
{
	struct cam_link link = { .scheme = CAM_HTTP, .host = "127.0.0.1",
	    .port = port };

	memset(c, 0, sizeof *c);
	c->env.ctx = &camca_ctx_system;
	c->env.connect_ms = 5000;
	c->env.answer_ms = 5000;
	assert_int_equal(onvif_link_copy(&c->link, &link, &c->why), CAMCA_OK);
	assert_int_equal(onvif_http_new(&c->h, &c->link, &c->env), CAMCA_OK);
}

static void
client_close(struct client *c)
{
	onvif_http_free(c->h);
	onvif_link_fini(&c->link);
}

static int
client_send(struct client *c, bool changes)
{
	const struct onvif_request q = { .path = "/p?q=1",
	    .action = "urn:do", .authorization = "Digest x", .body = "BODY",
	    .body_len = 4, .max_answer = 1000, .changes = changes };

	memset(&c->why, 0, sizeof c->why);
	return onvif_http_exchange(c->h, &q, &c->a, &c->why);
}

/* One answer; the server is closed afterwards. */
static int
one(const char *answer, size_t more, bool changes, struct client *c)
{
	struct server s = { .turn = { { answer, true, more } }, .n = 1 };
	int ret;

	server_start(&s);
	client_open(c, s.port);
	ret = client_send(c, changes);
	client_close(c);
	server_end(&s);
	return ret;
}

static void
test_request(void **state)
{
	struct server s = { .turn = { { "HTTP/1.1 401 No\r\nContent-Length: 2"
	    "\r\nWWW-Authenticate: Basic realm=\"a\"\r\nwww-authenticate:Digest "
	    "realm=\"b\"\r\nSet-Cookie: a=b\r\n\r\nno", false, 0 },
	    { "HTTP/1.1 200 OK\r\nContent-Length: 3\r\n\r\nyes", true, 0 } },
	    .n = 2 };
	struct client c;

	(void)state;
	/* What stands in the environment counts for nothing. */
	setenv("http_proxy", "http://127.0.0.1:1/", 1);
	server_start(&s);
	client_open(&c, s.port);
	assert_int_equal(client_send(&c, false), CAMCA_OK);
	assert_int_equal(c.a.status, 401);
	assert_string_equal(buf_str(&c.a.body), "no");
	assert_string_equal(buf_str(&c.a.offers),
	    " Basic realm=\"a\"\nDigest realm=\"b\"\n");
	onvif_answer_fini(&c.a);
	assert_int_equal(client_send(&c, true), CAMCA_OK);
	assert_int_equal(c.a.status, 200);
	assert_string_equal(buf_str(&c.a.offers), "");
	onvif_answer_fini(&c.a);
	client_close(&c);
	server_end(&s);
	unsetenv("http_proxy");
	assert_int_equal(s.connections, 1);
	assert_memory_equal(s.asked[0], "POST /p?q=1 HTTP/1.1\r\n", 22);
	assert_non_null(strstr(s.asked[0], "\r\nContent-Type: application/"
	    "soap+xml; charset=utf-8; action=\"urn:do\"\r\n"));
	assert_non_null(strstr(s.asked[0], "\r\nContent-Length: 4\r\n"));
	assert_non_null(strstr(s.asked[0], "\r\nAuthorization: Digest x\r\n"));
	assert_null(strstr(s.asked[0], "Expect"));
	assert_null(strstr(s.asked[1], "Cookie"));
}

static void
test_bad_answers(void **state)
{
	static const struct {
		const char *answer;
		size_t more;
		int ret;
		enum cam_trouble code;
	} t[] = {
		{ "HTTP/1.1 200 OK\r\nContent-Length: 1001\r\n\r\n", 1001,
		    CAMCA_ELIMIT, CAM_MALFORMED },
		{ "HTTP/1.1 200 OK\r\n\r\n", 8388608, CAMCA_ELIMIT,
		    CAM_MALFORMED },
		{ "HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\n", 50,
		    CAMCA_EPROTO, CAM_MALFORMED },
		{ "garbage without end\r\n\r\n", 0, CAMCA_EPROTO,
		    CAM_MALFORMED },
		{ "", 0, CAMCA_EIO, CAM_UNREACHABLE },
	};
	struct client c;
	size_t i;

	(void)state;
	for (i = 0; i < sizeof t / sizeof t[0]; i++) {
		assert_int_equal(one(t[i].answer, t[i].more, false, &c),
		    t[i].ret);
		assert_int_equal(c.why.code, t[i].code);
		onvif_answer_fini(&c.a);
		/* Of a change nobody knows what became. */
		assert_int_equal(one(t[i].answer, t[i].more, true, &c),
		    CAMCA_EUNKNOWN);
		assert_int_equal(c.why.code, t[i].code);
		onvif_answer_fini(&c.a);
	}
}

static void
test_redirect(void **state)
{
	struct client c;

	(void)state;
	assert_int_equal(one("HTTP/1.1 302 x\r\nLocation: http://127.0.0.1:1/"
	    "\r\nContent-Length: 0\r\n\r\n", 0, false, &c), CAMCA_OK);
	assert_int_equal(c.a.status, 302);
	onvif_answer_fini(&c.a);
}

/* A kept connection that the camera closes without an answer: nothing is sent
 * a second time behind our back. */
static void
test_dropped(void **state)
{
	struct server s = { .turn = { { "HTTP/1.1 200 OK\r\nContent-Length: 0"
	    "\r\n\r\n", false, 0 }, { "", true, 0 }, { "HTTP/1.1 200 OK\r\n"
	    "Content-Length: 0\r\n\r\n", false, 0 }, { "", true, 0 } },
	    .n = 4 };
	struct client c;

	(void)state;
	server_start(&s);
	client_open(&c, s.port);
	assert_int_equal(client_send(&c, false), CAMCA_OK);
	onvif_answer_fini(&c.a);
	assert_int_equal(client_send(&c, true), CAMCA_EUNKNOWN);
	assert_true(c.a.dropped);
	onvif_answer_fini(&c.a);
	assert_int_equal(client_send(&c, false), CAMCA_OK);
	onvif_answer_fini(&c.a);
	assert_int_equal(client_send(&c, false), CAMCA_EIO);
	assert_true(c.a.dropped);
	assert_int_equal(c.why.code, CAM_UNREACHABLE);
	onvif_answer_fini(&c.a);
	client_close(&c);
	server_end(&s);
	assert_int_equal(s.requests, 4);
}

/* Not sent is not unknown. */
static void
test_nobody(void **state)
{
	struct server s = { .n = 0 };
	struct client c;

	(void)state;
	server_start(&s);
	server_end(&s);
	client_open(&c, s.port);
	assert_int_equal(client_send(&c, true), CAMCA_EIO);
	assert_int_equal(c.why.code, CAM_UNREACHABLE);
	onvif_answer_fini(&c.a);
	client_close(&c);
}

static void
test_timeout(void **state)
{
	struct server s = { .turn = { { NULL, true, 0 } }, .n = 1 };
	struct client c;

	(void)state;
	server_start(&s);
	client_open(&c, s.port);
	onvif_http_free(c.h);
	c.env.answer_ms = 100;
	assert_int_equal(onvif_http_new(&c.h, &c.link, &c.env), CAMCA_OK);
	assert_int_equal(client_send(&c, true), CAMCA_EUNKNOWN);
	assert_int_equal(c.why.code, CAM_TIMEOUT);
	onvif_answer_fini(&c.a);
	client_close(&c);
	server_end(&s);
}

static void
test_stopping(void **state)
{
	struct server s = { .turn = { { NULL, true, 0 } }, .n = 1 };
	struct client c;

	(void)state;
	server_start(&s);
	client_open(&c, s.port);
	c.env.stopping = stop_now;
	assert_int_equal(client_send(&c, false), CAMCA_EBUSY);
	assert_int_equal(c.why.code, CAM_STOPPED);
	onvif_answer_fini(&c.a);
	client_close(&c);
	server_end(&s);
}

static void
test_get(void **state)
{
	struct server s = { .turn = { { "HTTP/1.1 200 OK\r\nContent-Length: 0"
	    "\r\n\r\n", true, 0 } }, .n = 1 };
	const struct onvif_request q = { .path = "/web/login" };
	struct client c;

	(void)state;
	server_start(&s);
	client_open(&c, s.port);
	assert_int_equal(onvif_http_exchange(c.h, &q, &c.a, &c.why), 0);
	onvif_answer_fini(&c.a);
	client_close(&c);
	server_end(&s);
	assert_memory_equal(s.asked[0], "GET /web/login HTTP/1.1\r\n", 25);
	assert_null(strstr(s.asked[0], "Authorization"));
}

/* A value with a line end would be a header field of its own. */
static void
test_injection(void **state)
{
	const struct onvif_request q = { .path = "/", .body = "", .body_len = 0,
	    .authorization = "Digest a\r\nX: y" };
	struct client c;

	(void)state;
	client_open(&c, 9);
	assert_int_equal(onvif_http_exchange(c.h, &q, &c.a, &c.why),
	    CAMCA_EINVAL);
	onvif_answer_fini(&c.a);
	client_close(&c);
}

static void
test_links(void **state)
{
	static const char *const hosts[] = { "", "a/b", "a@b", "a b", "a#",
	    "[::1]", "-x", "a\r\nb", "h?x", "%31" };
	static const char *const paths[] = { "", "x", "/a b", "/a#b", "/\n",
	    "/\x80", "/a\"" };
	struct cam_link link = { .scheme = CAM_HTTP, .host = "h", .port = 80 };
	struct onvif_link l;
	size_t i;

	(void)state;
	memset(&l, 0, sizeof l);
	for (i = 0; i < sizeof hosts / sizeof hosts[0]; i++) {
		link.host = hosts[i];
		assert_int_equal(onvif_link_copy(&l, &link, NULL),
		    CAMCA_EINVAL);
	}
	link.host = "fe80::1";
	for (i = 0; i < sizeof paths / sizeof paths[0]; i++) {
		link.path = paths[i];
		assert_int_equal(onvif_link_copy(&l, &link, NULL),
		    CAMCA_EINVAL);
	}
	link.path = NULL;
	assert_int_equal(onvif_link_copy(&l, &link, NULL), CAMCA_OK);
	assert_string_equal(l.path, ONVIF_DEVICE_PATH);
	onvif_link_fini(&l);
	/* HTTPS that would believe anybody. */
	link.scheme = CAM_HTTPS;
	assert_int_equal(onvif_link_copy(&l, &link, NULL), CAMCA_EINVAL);
	link.scheme = CAM_HTTP;
	link.port = 0;
	assert_int_equal(onvif_link_copy(&l, &link, NULL), CAMCA_EINVAL);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_request),
		cmocka_unit_test(test_bad_answers),
		cmocka_unit_test(test_redirect),
		cmocka_unit_test(test_dropped),
		cmocka_unit_test(test_nobody),
		cmocka_unit_test(test_timeout),
		cmocka_unit_test(test_stopping),
		cmocka_unit_test(test_get),
		cmocka_unit_test(test_injection),
		cmocka_unit_test(test_links),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
