/* SPDX-License-Identifier: Apache-2.0 */
/* A login for the video, against a camera that says what it was told. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include <string.h>

#include "enroll/onvif/rtsp.h"
#include "tests/unit/enroll/onvif/server.h"

#define R(status, cseq) "RTSP/1.0 " status "\r\nCSeq: " cseq "\r\n"
#define ASK(nonce) "WWW-Authenticate: Basic realm=\"r\"\r\n" \
	"WWW-Authenticate: Digest realm=\"r\", nonce=\"" nonce "\"\r\n"
#define SHA "WWW-Authenticate: Digest realm=\"r\", nonce=\"s\", qop=\"auth\"" \
	", algorithm=SHA-256\r\n"
#define END "\r\n"

struct trial {
	struct server s;
	struct camera *c;
	struct cam_env env;
	struct cam_why why;
	bool works;
	int ret;
};

static bool
never(void *arg)
{
	return *(bool *)arg;
}

static void
trial_login(struct trial *t, const char *path, bool *stop)
{
	struct cam_link link = { .scheme = CAM_HTTP, .host = "127.0.0.1",
	    .port = 80 };
	struct cam_login l = { .surface = CAM_SURFACE_RTSP, .path = path,
	    .port = t->s.port, .user = "admin", .password = "secret" };

	t->env = (struct cam_env){ .ctx = &camca_ctx_system, .arg = stop,
	    .stopping = never, .connect_ms = 5000, .answer_ms = 1000,
	    .login_budget = 2 };
	assert_int_equal(cam_onvif.open(&t->c, &link, &t->env, &t->why), 0);
	t->ret = cam_onvif.login(t->c, &l, &t->works, &t->why);
}

static void
trial(struct trial *t, size_t n, const struct turn *turns)
{
	bool stop = false;
	size_t i;

	memset(t, 0, sizeof *t);
	memcpy(t->s.turn, turns, n * sizeof *turns);
	t->s.n = n;
	server_start(&t->s);
	trial_login(t, "/stream1", &stop);
	server_end(&t->s);
	/* Whatever it asked for: the password was never told. */
	for (i = 0; i < n; i++) {
		assert_null(strstr(t->s.asked[i], "secret"));
		assert_null(strstr(t->s.asked[i], "Basic"));
	}
}

#define TRIAL(t, ...) trial(t, sizeof (struct turn[]){ __VA_ARGS__ } / \
	sizeof (struct turn), (struct turn[]){ __VA_ARGS__ })

static void
trial_end(struct trial *t, bool works, enum cam_trouble code, unsigned failed)
{
	assert_int_equal(t->works, works);
	assert_int_equal(t->why.code, code);
	assert_int_equal(cam_onvif.failed_logins(t->c), failed);
	cam_onvif.close(t->c);
}

/* MD5(MD5(admin:r:secret):n:MD5(DESCRIBE:url)) is what RFC 2326 cameras want;
 * here the form is looked at, the fake camera computes it by itself. */
static void
test_works(void **state)
{
	struct trial t;
	char url[64];

	(void)state;
	TRIAL(&t, { R("401 No", "1") ASK("n") END, false, 0 },
	    { R("200 OK", "2") "Content-Length: 4\r\n\r\nv=0\n", false, 0 });
	snprintf(url, sizeof url, "rtsp://127.0.0.1:%u/stream1", t.s.port);
	assert_int_equal(t.ret, CAMCA_OK);
	assert_int_equal(t.s.connections, 1);
	assert_non_null(strstr(t.s.asked[0], "DESCRIBE rtsp://127.0.0.1:"));
	assert_non_null(strstr(t.s.asked[0], " RTSP/1.0\r\nCSeq: 1\r\n"));
	assert_null(strstr(t.s.asked[0], "Authorization"));
	assert_non_null(strstr(t.s.asked[1], "CSeq: 2\r\n"));
	assert_non_null(strstr(t.s.asked[1], "Authorization: Digest "
	    "username=\"admin\", realm=\"r\", nonce=\"n\", uri=\"rtsp:"));
	assert_non_null(strstr(t.s.asked[1], url));
	/* Not offered, not sent: old cameras refuse it. */
	assert_null(strstr(t.s.asked[1], "qop"));
	assert_null(strstr(t.s.asked[1], "algorithm"));
	trial_end(&t, true, CAM_NONE, 0);
	TRIAL(&t, { R("401 No", "1") ASK("n") SHA END, false, 0 },
	    { R("200 OK", "2") END, false, 0 });
	assert_non_null(strstr(t.s.asked[1], "algorithm=SHA-256, qop=auth"));
	trial_end(&t, true, CAM_NONE, 0);
}

static void
test_refused(void **state)
{
	struct trial t;

	(void)state;
	TRIAL(&t, { R("401 No", "1") ASK("n") END, false, 0 },
	    { R("401 No", "2") ASK("m") END, false, 0 });
	assert_int_equal(t.ret, CAMCA_OK);
	trial_end(&t, false, CAM_AUTH, 1);
	TRIAL(&t, { R("401 No", "1") ASK("n") END, false, 0 },
	    { R("403 No", "2") END, false, 0 });
	trial_end(&t, false, CAM_AUTH, 1);
	TRIAL(&t, { R("401 No", "1") ASK("n") END, false, 0 },
	    { R("423 No", "2") END, false, 0 });
	assert_int_equal(t.ret, CAMCA_EAUTH);
	trial_end(&t, false, CAM_LOCKED, 1);
	TRIAL(&t, { R("401 No", "1") ASK("n") END, false, 0 },
	    { R("404 No", "2") END, false, 0 });
	trial_end(&t, false, CAM_REFUSED, 0);
	/* Its answer is lost: it may have counted. */
	TRIAL(&t, { R("401 No", "1") ASK("n") END, false, 0 },
	    { "", true, 0 });
	trial_end(&t, false, CAM_UNREACHABLE, 1);
	TRIAL(&t, { R("401 No", "1") ASK("n") END, false, 0 },
	    { NULL, false, 0 });
	trial_end(&t, false, CAM_TIMEOUT, 1);
}

static void
test_stale(void **state)
{
	struct trial t;

	(void)state;
	TRIAL(&t, { R("401 No", "1") ASK("n") END, false, 0 },
	    { R("401 No", "2") "WWW-Authenticate: Digest realm=\"r\", "
	    "nonce=\"m\", stale=true\r\n\r\n", false, 0 },
	    { R("200 OK", "3") END, false, 0 });
	assert_non_null(strstr(t.s.asked[2], "nonce=\"m\""));
	trial_end(&t, true, CAM_NONE, 0);
	TRIAL(&t, { R("401 No", "1") ASK("n") END, false, 0 },
	    { R("401 No", "2") "WWW-Authenticate: Digest realm=\"r\", "
	    "nonce=\"m\", stale=true\r\n\r\n", false, 0 },
	    { R("401 No", "3") "WWW-Authenticate: Digest realm=\"r\", "
	    "nonce=\"o\", stale=true\r\n\r\n", false, 0 });
	trial_end(&t, false, CAM_MALFORMED, 1);
}

/* Nothing that a login could be sent to. */
static void
test_unsupported(void **state)
{
	static const char *const other[] = { R("200 OK", "1") END,
		R("404 No", "1") END, R("301 There", "1") "Location: rtsp://"
		"192.0.2.1/\r\n\r\n", R("401 No", "1") "WWW-Authenticate: "
		"Basic realm=\"r\"\r\n\r\n", R("401 No", "1") END };
	struct trial t;
	bool stop = false;
	size_t i;

	(void)state;
	for (i = 0; i < sizeof other / sizeof other[0]; i++) {
		TRIAL(&t, { other[i], false, 0 }, { NULL, false, 0 });
		assert_int_equal(t.ret, CAMCA_EPERM);
		assert_int_equal(t.s.requests, 1);
		trial_end(&t, false, CAM_UNSUPPORTED, 0);
	}
	t.s.port = 1;             /* where nobody listens */
	trial_login(&t, "/stream1", &stop);
	trial_end(&t, false, CAM_UNSUPPORTED, 0);
	trial_login(&t, "stream1", &stop);
	assert_int_equal(t.ret, CAMCA_EINVAL);
	trial_end(&t, false, CAM_INTERNAL, 0);
	stop = true;
	server_start(&t.s);
	trial_login(&t, "/stream1", &stop);
	server_end(&t.s);
	assert_int_equal(t.ret, CAMCA_EBUSY);
	trial_end(&t, false, CAM_STOPPED, 0);
}

/* Connections that end, patience that is asked for, another version. */
static void
test_manners(void **state)
{
	struct trial t;

	(void)state;
	TRIAL(&t, { R("401 No", "1") "Connection: close\r\n" ASK("n") END,
	    true, 0 }, { R("200 OK", "2") END, false, 0 });
	assert_int_equal(t.s.connections, 2);
	trial_end(&t, true, CAM_NONE, 0);
	TRIAL(&t, { R("100 Wait", "1") END R("401 No", "1")
	    "Content-Length: 5\r\n" ASK("n") END "no\r\n\n", false, 0 },
	    { R("200 OK", "2") END, false, 0 });
	assert_int_equal(t.s.connections, 1);
	trial_end(&t, true, CAM_NONE, 0);
	TRIAL(&t, { R("505 No", "1") END, true, 0 }, { "RTSP/2.0 401 No\r\n"
	    "CSeq: 2\r\n" SHA END, false, 0 },
	    { "RTSP/2.0 200 OK\r\nCSeq: 3\r\n\r\n", false, 0 });
	assert_non_null(strstr(t.s.asked[1], " RTSP/2.0\r\n"));
	trial_end(&t, true, CAM_NONE, 0);
}

static void
test_malformed(void **state)
{
	static const char *const bad[] = { "HTTP/1.1 400 Bad\r\n\r\n",
		R("401 No", "9") ASK("n") END, "SSH-2.0-x\r\n\r\n",
		R("401 No", "1") "Content-Length: 65537\r\n\r\n" };
	struct trial t;
	size_t i;

	(void)state;
	for (i = 0; i < sizeof bad / sizeof bad[0]; i++) {
		TRIAL(&t, { bad[i], false, 0 }, { NULL, false, 0 });
		trial_end(&t, false, CAM_MALFORMED, 0);
	}
	TRIAL(&t, { "RTSP/1.0 401 No\r\nX: ", false, 100000 },
	    { NULL, false, 0 });
	trial_end(&t, false, CAM_MALFORMED, 0);
	TRIAL(&t, { "RTSP/1.0 100 Wait\r\n\r\nRTSP/1.0 100 Wait\r\n\r\n"
	    "RTSP/1.0 100 Wait\r\n\r\nRTSP/1.0 100 Wait\r\n\r\n", false, 0 },
	    { NULL, false, 0 });
	trial_end(&t, false, CAM_MALFORMED, 0);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_works),
		cmocka_unit_test(test_refused),
		cmocka_unit_test(test_stale),
		cmocka_unit_test(test_unsupported),
		cmocka_unit_test(test_manners),
		cmocka_unit_test(test_malformed),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
