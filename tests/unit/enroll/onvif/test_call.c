/* SPDX-License-Identifier: Apache-2.0 */
/* Which login is sent when, and what it costs. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "tests/unit/enroll/onvif/mock.h"

#define TIME(y) SOAP("<d:GetSystemDateAndTimeResponse><d:SystemDateAndTime>" \
	"<t:DateTimeType>Manual</t:DateTimeType><t:DaylightSavings>false" \
	"</t:DaylightSavings><t:UTCDateTime><t:Time><t:Hour>14</t:Hour>" \
	"<t:Minute>13</t:Minute><t:Second>20</t:Second></t:Time><t:Date>" \
	"<t:Year>" y "</t:Year><t:Month>9</t:Month><t:Day>21</t:Day></t:Date>" \
	"</t:UTCDateTime></d:SystemDateAndTime>" \
	"</d:GetSystemDateAndTimeResponse>")
#define USERS SOAP("<d:GetUsersResponse/>")
#define DONE SOAP("<d:SystemRebootResponse><d:Message>m</d:Message>" \
	"</d:SystemRebootResponse>")

static int
identify(struct mock *m, struct cam_why *why)
{
	struct cam_identity id;

	return cam_onvif.identify(&m->c, &id, why);
}

/* Without a login first; then one with, and with the same nonce again. */
static void
test_digest(void **state)
{
	struct cam_why why;
	struct mock m;

	(void)state;
	mock_init(&m, "admin", "pw");
	mock_say(&m, 401, DIGEST, NULL);
	mock_say(&m, 200, NULL, INFO);
	mock_say(&m, 200, NULL, INFO);
	assert_int_equal(identify(&m, &why), CAMCA_OK);
	assert_int_equal(identify(&m, &why), CAMCA_OK);
	assert_string_equal(m.asked[0].authorization, "");
	assert_non_null(strstr(m.asked[1].authorization, "nc=00000001"));
	assert_non_null(strstr(m.asked[1].authorization, "uri=\"/dev\""));
	assert_non_null(strstr(m.asked[2].authorization, "nc=00000002"));
	assert_false(m.asked[1].token);
	assert_int_equal(m.c.failed, 0);
	mock_fini(&m);
}

static void
test_wrong_password(void **state)
{
	struct cam_why why;
	struct mock m;
	size_t i;

	(void)state;
	mock_init(&m, "admin", "pw");
	mock_say(&m, 401, DIGEST, NULL);
	for (i = 0; i < 3; i++)
		mock_say(&m, 401, DIGEST, NULL);
	for (i = 1; i <= 3; i++) {
		assert_int_equal(identify(&m, &why), CAMCA_EAUTH);
		assert_int_equal(why.code, CAM_AUTH);
		assert_int_equal(why.http, 401);
		assert_int_equal(cam_onvif.failed_logins(&m.c), i);
	}
	/* The budget is used up: nothing is sent. */
	assert_int_equal(identify(&m, &why), CAMCA_EAUTH);
	assert_int_equal(why.code, CAM_BUDGET);
	assert_int_equal(m.next, 4);
	/* Another account of the same camera has no budget of its own. */
	assert_int_equal(cam_onvif.credentials(&m.c, "other", "x", &why), 0);
	assert_int_equal(identify(&m, &why), CAMCA_EAUTH);
	assert_int_equal(why.code, CAM_BUDGET);
	mock_fini(&m);
}

/* Stale: the nonce is old, the password is right. Costs nothing. */
static void
test_stale(void **state)
{
	struct cam_why why;
	struct mock m;

	(void)state;
	mock_init(&m, "admin", "pw");
	mock_say(&m, 401, DIGEST, NULL);
	mock_say(&m, 200, NULL, INFO);
	mock_say(&m, 401, "Digest realm=\"r\", qop=\"auth\", nonce=\"n2\", "
	    "stale=true\n", NULL);
	mock_say(&m, 200, NULL, INFO);
	assert_int_equal(identify(&m, &why), CAMCA_OK);
	assert_int_equal(identify(&m, &why), CAMCA_OK);
	assert_non_null(strstr(m.asked[3].authorization, "nonce=\"n2\""));
	assert_non_null(strstr(m.asked[3].authorization, "nc=00000001"));
	assert_int_equal(m.c.failed, 0);
	mock_fini(&m);
}

static void
say_stale(struct mock *m, size_t n)
{
	while (n-- > 0)
		mock_say(m, 401, "Digest realm=\"r\", nonce=\"n2\", "
		    "stale=true\n", NULL);
}

/* A camera that always says stale does not keep us for ever, and what it may
 * count in secret is counted here: the account is not locked by it. */
static void
test_stale_for_ever(void **state)
{
	struct cam_login l = { .user = "admin", .password = "pw" };
	struct cam_why why;
	struct mock m;
	bool works;
	size_t i, logins = 0;

	(void)state;
	mock_init(&m, "admin", "pw");
	say_stale(&m, 10);
	assert_int_equal(identify(&m, &why), CAMCA_EAUTH);
	for (i = 0; i < 2; i++)
		(void)!cam_onvif.login(&m.c, &l, &works, &why);
	for (i = 0; i < m.next; i++)
		logins += m.asked[i].authorization[0] != '\0';
	assert_true(logins <= 4);
	assert_int_equal(m.c.failed, 3);
	assert_int_equal(why.code, CAM_BUDGET);
	mock_fini(&m);
}

/* Each nonce once, and no word of it: one failure, then fresh ones only. */
static void
test_nonce_once(void **state)
{
	struct cam_why why;
	struct mock m;

	(void)state;
	mock_init(&m, "admin", "pw");
	mock_say(&m, 401, DIGEST, NULL);
	mock_say(&m, 200, NULL, INFO);
	mock_say(&m, 401, "Digest realm=\"r\", nonce=\"n2\"\n", NULL);
	mock_say(&m, 200, NULL, INFO);
	mock_say(&m, 401, "Digest realm=\"r\", nonce=\"n3\"\n", NULL);
	mock_say(&m, 200, NULL, INFO);
	assert_int_equal(identify(&m, &why), CAMCA_OK);
	assert_int_equal(identify(&m, &why), CAMCA_OK);
	assert_int_equal(m.c.failed, 1);
	assert_int_equal(identify(&m, &why), CAMCA_OK);
	assert_string_equal(m.asked[4].authorization, "");
	assert_non_null(strstr(m.asked[5].authorization, "nonce=\"n3\""));
	assert_int_equal(m.c.failed, 1);
	mock_fini(&m);
}

/* 400 or a fault without a challenge: the token, with the camera's time. */
static void
token_camera(int status, const char *body)
{
	struct cam_why why;
	struct mock m;

	mock_init(&m, "admin", "pw");
	mock_say(&m, status, NULL, body);
	mock_say(&m, 200, NULL, TIME("2024"));
	mock_say(&m, 200, NULL, INFO);
	assert_int_equal(identify(&m, &why), CAMCA_OK);
	assert_string_equal(m.asked[1].operation, "GetSystemDateAndTime");
	assert_false(m.asked[1].token);
	assert_true(m.asked[2].token);
	assert_string_equal(m.asked[2].authorization, "");
	assert_non_null(strstr(m.asked[2].body,
	    "<wsu:Created>2024-09-21T14:13:20"));
	mock_fini(&m);
}

static void
test_token(void **state)
{
	(void)state;
	token_camera(400, NULL);
	token_camera(400, FAULT1("NotAuthorized"));
	token_camera(500, FAULT1("NotAuthorized"));
	token_camera(200, FAULT1("NotAuthorized"));
	token_camera(401, NULL);
}

/* The clock moved: read again, one more try. It did not: no more. */
static void
test_token_clock(void **state)
{
	struct cam_why why;
	struct mock m;

	(void)state;
	mock_init(&m, "admin", "pw");
	mock_say(&m, 400, NULL, NULL);
	mock_say(&m, 200, NULL, TIME("2024"));
	mock_say(&m, 200, NULL, INFO);
	mock_say(&m, 400, NULL, FAULT1("NotAuthorized"));
	mock_say(&m, 200, NULL, TIME("2026"));
	mock_say(&m, 200, NULL, INFO);
	mock_say(&m, 400, NULL, FAULT1("NotAuthorized"));
	mock_say(&m, 200, NULL, TIME("2026"));
	assert_int_equal(identify(&m, &why), CAMCA_OK);
	assert_int_equal(identify(&m, &why), CAMCA_OK);
	assert_non_null(strstr(m.asked[5].body, "<wsu:Created>2026-09-21"));
	assert_int_equal(m.c.failed, 1);
	assert_int_equal(identify(&m, &why), CAMCA_EAUTH);
	assert_int_equal(why.code, CAM_AUTH);
	assert_string_equal(why.fault, "Sender/NotAuthorized");
	assert_int_equal(m.c.failed, 2);
	assert_int_equal(m.next, 8);
	mock_fini(&m);
}

/* No camera gets the password in two ways, whatever it offers. */
static void
test_never_both(void **state)
{
	struct cam_why why;
	struct mock m;
	size_t i;

	(void)state;
	mock_init(&m, "admin", "pw");
	mock_say(&m, 401, "Basic realm=\"x\"\n" DIGEST, NULL);
	mock_say(&m, 400, NULL, FAULT1("NotAuthorized"));
	assert_int_equal(identify(&m, &why), CAMCA_EAUTH);
	assert_int_equal(m.c.failed, 1);
	for (i = 0; i < m.next; i++)
		assert_false(m.asked[i].token &&
		    m.asked[i].authorization[0] != '\0');
	assert_null(strstr(m.asked[1].authorization, "Basic"));
	mock_fini(&m);
}

static void
test_without_login(void **state)
{
	struct cam_why why;
	struct mock m;

	(void)state;
	mock_init(&m, NULL, NULL);
	mock_say(&m, 200, NULL, INFO);
	mock_say(&m, 401, DIGEST, NULL);
	assert_int_equal(identify(&m, &why), CAMCA_OK);
	assert_int_equal(identify(&m, &why), CAMCA_EAUTH);
	assert_int_equal(m.c.failed, 0);
	mock_fini(&m);
}

/* A kept connection that was closed: a question is asked again with another
 * count, a change is not. */
static void
test_dropped(void **state)
{
	struct cam_why why;
	struct mock m;

	(void)state;
	mock_init(&m, "admin", "pw");
	mock_say(&m, 401, DIGEST, NULL);
	mock_fail(&m, CAMCA_EIO, true);
	mock_say(&m, 200, NULL, INFO);
	mock_fail(&m, CAMCA_EUNKNOWN, true);
	assert_int_equal(identify(&m, &why), CAMCA_OK);
	assert_non_null(strstr(m.asked[1].authorization, "nc=00000001"));
	assert_non_null(strstr(m.asked[2].authorization, "nc=00000002"));
	assert_int_equal(cam_onvif.reboot(&m.c, &why), CAMCA_EUNKNOWN);
	assert_true(m.asked[3].changes);
	assert_int_equal(why.code, CAM_UNREACHABLE);
	assert_int_equal(m.next, 4);
	mock_fini(&m);
}

/* An answer to a change that says neither yes nor no. */
static void
test_unknown(void **state)
{
	static const char *const answers[] = { "", "<a>", SOAP(""), INFO,
	    SOAP("<d:SystemRebootResponse/><d:SystemRebootResponse/>") };
	struct cam_why why;
	struct mock m;
	size_t i;

	(void)state;
	for (i = 0; i < sizeof answers / sizeof answers[0]; i++) {
		mock_init(&m, NULL, NULL);
		mock_say(&m, 200, NULL, answers[i]);
		assert_int_equal(cam_onvif.reboot(&m.c, &why),
		    CAMCA_EUNKNOWN);
		assert_int_equal(why.code, CAM_MALFORMED);
		mock_fini(&m);
	}
}

static void
test_status(void **state)
{
	static const struct {
		int status, ret;
		enum cam_trouble code;
	} c[] = {
		{ 403, CAMCA_EAUTH, CAM_AUTH },
		{ 404, CAMCA_EPERM, CAM_UNSUPPORTED },
		{ 423, CAMCA_EAUTH, CAM_LOCKED },
		{ 429, CAMCA_EAUTH, CAM_LOCKED },
		{ 500, CAMCA_EPERM, CAM_REFUSED },
		{ 302, CAMCA_EPERM, CAM_REFUSED },
		{ 503, CAMCA_EIO, CAM_UNREACHABLE },
	};
	struct cam_why why;
	struct mock m;
	size_t i;

	(void)state;
	for (i = 0; i < sizeof c / sizeof c[0]; i++) {
		mock_init(&m, NULL, NULL);
		mock_say(&m, c[i].status, NULL, "<html>no</html>");
		assert_int_equal(cam_onvif.reboot(&m.c, &why), c[i].ret);
		assert_int_equal(why.code, c[i].code);
		assert_int_equal(why.http, c[i].status);
		mock_fini(&m);
	}
}

/* ---- login(): does a password work ---- */

static int
ask(struct mock *m, bool *works, struct cam_why *why)
{
	const struct cam_login l = { .user = "svc",
	    .password = "s3cret" };

	return cam_onvif.login(&m->c, &l, works, why);
}

static void
test_login(void **state)
{
	struct cam_why why;
	struct mock m;
	bool works;

	(void)state;
	mock_init(&m, "admin", "pw");
	mock_say(&m, 401, DIGEST, NULL);
	mock_say(&m, 200, NULL, INFO);
	mock_say(&m, 401, DIGEST, NULL);
	mock_say(&m, 401, DIGEST, NULL);
	assert_int_equal(ask(&m, &works, &why), CAMCA_OK);
	assert_true(works);
	assert_non_null(strstr(m.asked[1].authorization,
	    "username=\"svc\""));
	assert_int_equal(ask(&m, &works, &why), CAMCA_OK);
	assert_false(works);
	assert_int_equal(why.code, CAM_AUTH);
	/* One attempt, no more. */
	assert_int_equal(m.next, 4);
	assert_int_equal(m.c.failed, 1);
	assert_string_equal(m.c.login.user, "admin");
	mock_fini(&m);
}

/* A refusal brings the proof that a login is asked for, and a challenge that
 * nobody has answered: the next password is asked without a question before,
 * as long as nothing came in between. */
static void
test_login_after_refusal(void **state)
{
	struct cam_why why;
	struct mock m;
	bool works;

	(void)state;
	mock_init(&m, NULL, NULL);
	m.c.env.login_budget = 9;
	mock_say(&m, 401, DIGEST, NULL);
	mock_say(&m, 401, "Digest realm=\"r\", qop=\"auth\", nonce=\"n2\"\n",
	    NULL);
	mock_say(&m, 200, NULL, INFO);
	assert_int_equal(ask(&m, &works, &why), CAMCA_OK);
	assert_false(works);
	assert_int_equal(ask(&m, &works, &why), CAMCA_OK);
	assert_true(works);
	assert_int_equal(m.next, 3);
	assert_non_null(strstr(m.asked[2].authorization, "nonce=\"n2\""));
	assert_non_null(strstr(m.asked[2].authorization, "nc=00000001"));
	/* After a success it is asked as ever. */
	mock_say(&m, 401, DIGEST, NULL);
	mock_say(&m, 401, DIGEST, NULL);
	assert_int_equal(ask(&m, &works, &why), CAMCA_OK);
	assert_false(works);
	assert_int_equal(m.next, 5);
	/* So it is when the challenge has become old. */
	m.now_ms += 2001;
	mock_say(&m, 401, DIGEST, NULL);
	mock_say(&m, 401, NULL, NULL);
	assert_int_equal(ask(&m, &works, &why), CAMCA_OK);
	assert_int_equal(m.next, 7);
	/* And after a refusal that brought none. */
	mock_say(&m, 401, DIGEST, NULL);
	mock_say(&m, 200, NULL, INFO);
	assert_int_equal(ask(&m, &works, &why), CAMCA_OK);
	assert_true(works);
	assert_int_equal(m.next, 9);
	assert_int_equal(m.c.failed, 3);
	mock_fini(&m);
}

/* Another request in between has used it. */
static void
test_login_after_other(void **state)
{
	struct cam_identity id;
	struct cam_why why;
	struct mock m;
	bool works;

	(void)state;
	mock_init(&m, "admin", "pw");
	mock_say(&m, 401, DIGEST, NULL);
	mock_say(&m, 401, DIGEST, NULL);
	mock_say(&m, 200, NULL, INFO);
	mock_say(&m, 401, DIGEST, NULL);
	mock_say(&m, 200, NULL, INFO);
	assert_int_equal(ask(&m, &works, &why), CAMCA_OK);
	assert_false(works);
	assert_int_equal(cam_onvif.identify(&m.c, &id, &why), CAMCA_OK);
	assert_int_equal(ask(&m, &works, &why), CAMCA_OK);
	assert_true(works);
	assert_int_equal(m.next, 5);
	assert_string_equal(m.asked[3].authorization, "");
	mock_fini(&m);
}

/* A new certificate at the same place: the services are where they were, the
 * nonces are not. */
static void
test_move(void **state)
{
	static const uint8_t leaf[2][32] = { { 1 }, { 2 } };
	struct cam_link l = { .scheme = CAM_HTTPS, .host = "192.0.2.1",
	    .port = 443, .leaf_sha256 = leaf[0] };
	struct cam_why why;
	struct mock m;

	(void)state;
	mock_init(&m, NULL, NULL);
	assert_int_equal(cam_onvif.move(&m.c, &l, &why), CAMCA_OK);
	mock_security(&m);
	m.c.auth = ONVIF_AUTH_DIGEST;
	l.leaf_sha256 = leaf[1];
	assert_int_equal(cam_onvif.move(&m.c, &l, &why), CAMCA_OK);
	assert_true(m.c.services_known);
	assert_int_equal(m.c.auth, ONVIF_AUTH_UNKNOWN);
	l.port = 8443;
	assert_int_equal(cam_onvif.move(&m.c, &l, &why), CAMCA_OK);
	assert_false(m.c.services_known);
	onvif_http_free(m.c.http);
	onvif_link_fini(&m.c.link);
	mock_fini(&m);
}

/* What anybody may read proves no login; what nobody asks for, nothing. */
static void
test_login_open(void **state)
{
	struct cam_why why;
	struct mock m;
	bool works;

	(void)state;
	mock_init(&m, NULL, NULL);
	mock_say(&m, 200, NULL, INFO);
	mock_say(&m, 401, DIGEST, NULL);
	mock_say(&m, 200, NULL, USERS);
	assert_int_equal(ask(&m, &works, &why), CAMCA_OK);
	assert_true(works);
	assert_string_equal(m.asked[2].operation, "GetUsers");
	mock_fini(&m);
	mock_init(&m, NULL, NULL);
	mock_say(&m, 200, NULL, INFO);
	mock_say(&m, 200, NULL, USERS);
	assert_int_equal(ask(&m, &works, &why), CAMCA_EPERM);
	assert_int_equal(why.code, CAM_UNSUPPORTED);
	assert_false(works);
	mock_fini(&m);
}

static void
test_login_trouble(void **state)
{
	struct cam_why why;
	struct mock m;
	bool works;

	(void)state;
	/* No connection, a locked account: neither yes nor no. */
	mock_init(&m, NULL, NULL);
	mock_fail(&m, CAMCA_EIO, false);
	mock_say(&m, 401, DIGEST, NULL);
	mock_say(&m, 423, NULL, NULL);
	mock_say(&m, 401, DIGEST, NULL);
	mock_fail(&m, CAMCA_ETIME, false);
	assert_int_equal(ask(&m, &works, &why), CAMCA_EIO);
	assert_int_equal(m.c.failed, 0);
	assert_int_equal(ask(&m, &works, &why), CAMCA_EAUTH);
	assert_int_equal(why.code, CAM_LOCKED);
	assert_false(works);
	assert_int_equal(m.c.failed, 1);
	/* The answer is lost: the camera may have counted. */
	assert_int_equal(ask(&m, &works, &why), CAMCA_ETIME);
	assert_int_equal(why.code, CAM_TIMEOUT);
	assert_int_equal(m.c.failed, 2);
	mock_fini(&m);
}

/* A token that fails costs one attempt, with the clock read just before. */
static void
test_login_token(void **state)
{
	struct cam_why why;
	struct mock m;
	bool works;

	(void)state;
	mock_init(&m, NULL, NULL);
	m.c.has_offset = true;
	mock_say(&m, 400, NULL, NULL);
	mock_say(&m, 200, NULL, TIME("2026"));
	mock_say(&m, 400, NULL, FAULT1("NotAuthorized"));
	assert_int_equal(ask(&m, &works, &why), CAMCA_OK);
	assert_false(works);
	assert_int_equal(m.next, 3);
	assert_int_equal(m.c.failed, 1);
	mock_fini(&m);
}

static int
page(struct mock *m, bool *works, struct cam_why *why)
{
	const struct cam_login l = { .surface = CAM_SURFACE_PATH,
	    .path = "/web/login", .user = "svc", .password = "s3cret" };

	return cam_onvif.login(&m->c, &l, works, why);
}

static void
test_page(void **state)
{
	struct cam_why why;
	struct mock m;
	bool works;

	(void)state;
	mock_init(&m, NULL, NULL);
	mock_say(&m, 401, DIGEST, NULL);
	mock_say(&m, 200, NULL, "in");
	mock_say(&m, 401, DIGEST, NULL);
	mock_say(&m, 401, DIGEST, NULL);
	mock_say(&m, 200, NULL, "anybody");
	assert_int_equal(page(&m, &works, &why), CAMCA_OK);
	assert_true(works);
	assert_string_equal(m.asked[1].path, "/web/login");
	assert_int_equal(page(&m, &works, &why), CAMCA_OK);
	assert_false(works);
	assert_int_equal(m.c.failed, 1);
	assert_int_equal(page(&m, &works, &why), CAMCA_EPERM);
	assert_int_equal(why.code, CAM_UNSUPPORTED);
	mock_fini(&m);
}

/* Basic carries the password: over TLS or not at all. */
static void
test_page_basic(void **state)
{
	struct cam_why why;
	struct mock m;
	bool works;

	(void)state;
	mock_init(&m, NULL, NULL);
	mock_say(&m, 401, "Basic realm=\"x\"\n", NULL);
	mock_say(&m, 401, "Basic realm=\"x\"\n", NULL);
	mock_say(&m, 200, NULL, "in");
	assert_int_equal(page(&m, &works, &why), CAMCA_EPERM);
	assert_int_equal(why.code, CAM_UNSUPPORTED);
	assert_int_equal(m.next, 1);
	m.c.link.scheme = CAM_HTTPS;
	assert_int_equal(page(&m, &works, &why), CAMCA_OK);
	assert_true(works);
	mock_fini(&m);
}

static void
test_services(void **state)
{
	static const struct {
		const char *answer, *path;
	} c[] = {
		{ SERVICES("http://192.168.1.99:8899/onvif/sec?a=1"),
		    "/onvif/sec?a=1" },
		{ SERVICES("https://[fe80::1]/s"), "/s" },
		{ SERVICES("http://host"), "/" },
		{ SERVICES("/only/path"), "/only/path" },
		{ SERVICES("http://h/a b"), NULL },
		{ SERVICES("http://h/a&#10;b"), NULL },
		{ SERVICES("http://h/a&#x85;b"), "/a??b" },
		{ SERVICES(""), NULL },
	};
	struct cam_why why;
	struct mock m;
	size_t i;
	int ret;

	(void)state;
	for (i = 0; i < sizeof c / sizeof c[0]; i++) {
		mock_init(&m, NULL, NULL);
		mock_say(&m, 200, NULL, c[i].answer);
		ret = onvif_services(&m.c, &why);
		if (c[i].path == NULL) {
			assert_int_equal(ret, CAMCA_EPROTO);
		} else {
			assert_int_equal(ret, CAMCA_OK);
			assert_string_equal(m.c.security_path, c[i].path);
		}
		mock_fini(&m);
	}
}

#define NO_SERVICES SOAP("<d:GetServicesResponse/>")

/* Without a Security service there is no guessing, without GetServices there
 * is. */
static void
test_no_services(void **state)
{
	struct cam_keys keys;
	struct cam_why why;
	struct mock m;

	(void)state;
	mock_init(&m, NULL, NULL);
	mock_say(&m, 200, NULL, NO_SERVICES);
	assert_int_equal(cam_onvif.keys(&m.c, &keys, &why), CAMCA_EPERM);
	assert_int_equal(why.code, CAM_UNSUPPORTED);
	mock_fini(&m);
	mock_init(&m, NULL, NULL);
	mock_say(&m, 500, NULL, FAULT1("ActionNotSupported"));
	mock_say(&m, 500, NULL, FAULT1("ActionNotSupported"));
	mock_say(&m, 404, NULL, NULL);
	mock_say(&m, 401, DIGEST, NULL);
	mock_say(&m, 200, NULL, SOAP("<a:GetAllKeysResponse/>"));
	assert_int_equal(cam_onvif.keys(&m.c, &keys, &why), CAMCA_OK);
	assert_string_equal(m.asked[4].path, "/onvif/advancedsecurity_service");
	mock_fini(&m);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_digest),
		cmocka_unit_test(test_wrong_password),
		cmocka_unit_test(test_stale),
		cmocka_unit_test(test_stale_for_ever),
		cmocka_unit_test(test_nonce_once),
		cmocka_unit_test(test_token),
		cmocka_unit_test(test_token_clock),
		cmocka_unit_test(test_never_both),
		cmocka_unit_test(test_without_login),
		cmocka_unit_test(test_dropped),
		cmocka_unit_test(test_unknown),
		cmocka_unit_test(test_status),
		cmocka_unit_test(test_login),
		cmocka_unit_test(test_login_after_refusal),
		cmocka_unit_test(test_login_after_other),
		cmocka_unit_test(test_move),
		cmocka_unit_test(test_login_open),
		cmocka_unit_test(test_login_trouble),
		cmocka_unit_test(test_login_token),
		cmocka_unit_test(test_page),
		cmocka_unit_test(test_page_basic),
		cmocka_unit_test(test_services),
		cmocka_unit_test(test_no_services),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
