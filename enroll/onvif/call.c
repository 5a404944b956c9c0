/* SPDX-License-Identifier: Apache-2.0 */
/* One operation on a camera, with the login that the camera wants. The order
 * is that of careful clients: ask without credentials, answer a Digest
 * challenge where there is one, else use the WS-Security token with the
 * camera's own time; never both. A login that was refused is counted, because
 * the camera counts it too and locks the account. */
#include <stdio.h>
#include <string.h>

#include <openssl/crypto.h>

#include "ca/base/enc.h"
#include "enroll/onvif/camera.h"
#include "enroll/onvif/names.h"
#include "enroll/onvif/trouble.h"

#define CALL_TRIES 4
#define CALL_BUDGET 3u
#define CALL_CLOCK_JUMP_MS 1000
#define CALL_REFUSED_MS 2000

static const struct onvif_call call_guard_any =
    { ONVIF_DEVICE, "GetDeviceInformation", 0 };
static const struct onvif_call call_guard_admin =
    { ONVIF_DEVICE, "GetUsers", 0 };

/* A call under way. */
struct call_run {
	struct camera *c;
	const struct onvif_call *call;
	const struct xml_out *body;
	const struct onvif_login *login;  /* NULL: sent without one */
	struct soap_answer *out;
	struct cam_why *why;
	/* of the last request */
	bool denied;                 /* the login, or its absence, was refused */
	bool dropped;
	int status;
	struct auth_offers offers;
	bool clock_again;            /* read again for this call already */
};

int64_t
onvif_camera_ms(const struct camera *c)
{
	return ctx_now_ms(c->env.ctx) + c->offset_ms;
}

int
onvif_budget(const struct camera *c, struct cam_why *why)
{
	unsigned max = c->env.login_budget > 0 ? c->env.login_budget :
	    CALL_BUDGET;

	if (c->failed < max)
		return CAMCA_OK;
	return cam_fail(why, CAMCA_EAUTH, CAM_BUDGET, "%u logins have failed: "
	    "no other is tried, so that the camera does not lock the "
	    "account.", c->failed);
}

static const char *
call_path(const struct call_run *r)
{
	return r->call->service == ONVIF_SECURITY ? r->c->security_path :
	    r->c->link.path;
}

static const char *
call_ns(const struct onvif_call *call)
{
	return call->service == ONVIF_SECURITY ? NS_TAS : NS_TDS;
}

/* ---- one request ---- */

static int
call_authorization(struct call_run *r, struct buf *out)
{
	struct camera *c = r->c;
	uint8_t random[8];
	char cnonce[2 * sizeof random + 1];
	struct digest_use use = { "POST", call_path(r), r->login->user,
	    r->login->password, ++c->nc, cnonce };
	int ret = ctx_random(c->env.ctx, random, sizeof random);

	enc_hex(cnonce, random, sizeof random);
	return ret < 0 ? ret : digest_answer(out, &c->digest, &use);
}

static int
call_envelope(struct call_run *r, struct xml_out *envelope)
{
	struct camera *c = r->c;
	struct xml_out header;
	int ret;

	if (r->login == NULL || c->auth != ONVIF_AUTH_TOKEN)
		return soap_envelope(envelope, NULL, r->body);
	xml_out_init(&header);
	ret = token_write(&header, c->env.ctx, onvif_camera_ms(c),
	    r->login->user, r->login->password);
	if (ret == CAMCA_OK)
		ret = soap_envelope(envelope, &header, r->body);
	xml_out_fini(&header);
	return ret;
}

/* A status without a SOAP answer that says more. */
static int
call_status(struct call_run *r, int ret)
{
	struct cam_why *why = r->why;

	switch (r->status) {
	case 401:
		return cam_fail(why, CAMCA_EAUTH, CAM_AUTH,
		    "The camera refuses the login (HTTP 401).");
	case 403:
		return cam_fail(why, CAMCA_EAUTH, CAM_AUTH,
		    "The account may not do this (HTTP 403).");
	case 404:
	case 405:
	case 501:
		return cam_fail(why, CAMCA_EPERM, CAM_UNSUPPORTED,
		    "The camera does not have this (HTTP %d).", r->status);
	case 423:
	case 429:
		return cam_fail(why, CAMCA_EAUTH, CAM_LOCKED, "The camera "
		    "has locked the account (HTTP %d).", r->status);
	case 503:
		return cam_fail(why, CAMCA_EIO, CAM_UNREACHABLE,
		    "The camera is too busy (HTTP 503).");
	default:
		break;
	}
	if (r->status >= 300)
		return cam_fail(why, CAMCA_EPERM, CAM_REFUSED,
		    "The camera answers with HTTP %d.", r->status);
	return ret;
}

/* Reads what came. A change whose answer says neither yes nor no may have
 * happened. */
static int
call_read(struct call_run *r, const struct onvif_answer *a)
{
	char response[96];
	struct soap_answer local;
	struct soap_answer *out = r->out != NULL ? r->out : &local;
	int ret;

	r->status = a->status;
	auth_read_offers(&r->offers, buf_str(&a->offers));
	snprintf(response, sizeof response, "%sResponse", r->call->name);
	ret = soap_read(out, &a->body, XML_BYTES_MAX, call_ns(r->call),
	    response, r->why);
	if (ret == CAMCA_OK && a->status >= 300) {
		soap_answer_fini(out);
		ret = CAMCA_EPROTO;
	}
	if (ret == CAMCA_OK && out == &local)
		soap_answer_fini(&local);
	if (r->why->fault[0] != '\0' && (r->call->flags & CALL_SECRET) != 0)
		cam_fail(r->why, ret, r->why->code, "The camera refuses: %s.",
		    r->why->fault);
	if (ret == CAMCA_EPROTO || ret == CAMCA_ELIMIT || (ret < 0 &&
	    a->status == 401 && r->why->code != CAM_LOCKED))
		ret = call_status(r, ret);
	r->denied = ret == CAMCA_EAUTH && a->status != 403 &&
	    r->why->code == CAM_AUTH;
	if ((r->call->flags & CALL_CHANGES) != 0 && (ret == CAMCA_EPROTO ||
	    ret == CAMCA_ELIMIT || ret == CAMCA_ENOMEM))
		ret = CAMCA_EUNKNOWN;
	return ret;
}

static int
call_exchange(struct call_run *r, const struct xml_out *envelope,
    const char *authorization)
{
	char action[160];
	struct onvif_request q = {
		.path = call_path(r), .action = action,
		.authorization = authorization,
		.body = envelope->b.data, .body_len = envelope->b.len,
		.max_answer = (r->call->flags & CALL_LARGE) != 0 ?
		    XML_BYTES_MAX : XML_BYTES_DEFAULT,
		.changes = (r->call->flags & CALL_CHANGES) != 0,
		.kept = (r->call->flags & CALL_KEPT) != 0,
	};
	struct onvif_answer a;
	int ret;

	snprintf(action, sizeof action, "%s/%s", call_ns(r->call),
	    r->call->name);
	ret = r->c->exchange(r->c->exchange_arg, &q, &a, r->why);
	r->dropped = a.dropped;
	if (ret == CAMCA_OK)
		ret = call_read(r, &a);
	onvif_answer_fini(&a);
	return ret;
}

static int
call_send(struct call_run *r)
{
	struct xml_out envelope;
	struct buf authorization;
	bool digest = r->login != NULL && r->c->auth == ONVIF_AUTH_DIGEST;
	int ret;

	r->denied = r->dropped = false;
	r->status = 0;
	cam_why_clear(r->why);
	xml_out_init(&envelope);
	buf_init(&authorization, 4096);
	ret = call_envelope(r, &envelope);
	if (ret == CAMCA_OK && digest)
		ret = call_authorization(r, &authorization);
	if (ret < 0)
		cam_fail_plain(r->why, ret);
	else
		ret = call_exchange(r, &envelope, digest ?
		    buf_str(&authorization) : NULL);
	buf_fini(&authorization);
	xml_out_fini(&envelope);
	return ret;
}

/* The camera closing a kept connection is no failure: once more. A change is
 * not repeated; who asked for it looks at the camera first. */
static int
call_send_again(struct call_run *r)
{
	int ret = call_send(r);

	if (ret < 0 && r->dropped && (r->call->flags & CALL_CHANGES) == 0)
		ret = call_send(r);
	return ret;
}

/* ---- how the camera wants a login ---- */

static void
call_take_challenge(struct camera *c, const struct auth_offers *o)
{
	c->auth = ONVIF_AUTH_DIGEST;
	c->digest = c->avoid_sha256 && o->has_md5 ? o->md5 : o->best;
	c->nc = 0;
	if (o->best.algorithm == DIGEST_SHA256)
		c->sha256_offered = true;
}

static int
call_without_login(struct camera *c, const struct onvif_call *call,
    struct auth_offers *offers, bool *denied, int *status,
    struct cam_why *why)
{
	struct xml_out body;
	char element[64];
	struct call_run r = { .c = c, .call = call, .body = &body,
	    .why = why };
	int ret;

	snprintf(element, sizeof element, "tds:%s", call->name);
	xml_out_init(&body);
	xml_open(&body, element);
	xml_close(&body);
	ret = call_send_again(&r);
	xml_out_fini(&body);
	*offers = r.offers;
	*denied = r.denied;
	*status = r.status;
	return ret;
}

/* What is refused names the way to log in; what is refused at all also proves
 * that a later yes comes from the login. */
int
onvif_learn(struct camera *c, struct auth_offers *offers, struct cam_why *why)
{
	static const struct onvif_call *const guards[] = { &call_guard_any,
	    &call_guard_admin };
	bool denied;
	int ret = CAMCA_OK, status;
	size_t i;

	for (i = 0; i < 2; i++) {
		ret = call_without_login(c, guards[i], offers, &denied,
		    &status, why);
		if (denied || status == 400) {
			c->guarded = guards[i]->name;
			c->auth = ONVIF_AUTH_TOKEN;
			if (offers->digest)
				call_take_challenge(c, offers);
			return CAMCA_OK;
		}
		if (ret < 0 && ret != CAMCA_EPERM)
			return ret;
	}
	if (ret < 0)
		return ret;
	c->auth = ONVIF_AUTH_OPEN;
	return CAMCA_OK;
}

/* Ready to send a login: its way is known, a token has the time, a nonce is
 * at hand. */
static int
call_prepare(struct call_run *r)
{
	struct camera *c = r->c;
	struct auth_offers offers;
	struct cam_time now;
	int ret = CAMCA_OK;

	if (c->auth == ONVIF_AUTH_UNKNOWN || (c->auth == ONVIF_AUTH_DIGEST &&
	    c->one_shot && c->nc > 0))
		ret = onvif_learn(c, &offers, r->why);
	if (ret == CAMCA_OK && c->auth == ONVIF_AUTH_TOKEN &&
	    !c->has_offset && !c->in_clock) {
		/* A camera that will not tell its time may still take ours. */
		ret = onvif_time_get(c, &now, r->why);
		if (ret == CAMCA_EPERM || ret == CAMCA_EAUTH)
			ret = CAMCA_OK;
	}
	return ret;
}

/* A Digest login was refused. 1: try again. */
static int
call_digest_denied(struct call_run *r, int ret)
{
	struct camera *c = r->c;
	bool used_before = c->nc > 1;

	if (!r->offers.digest) {
		c->failed++;
		return ret;
	}
	call_take_challenge(c, &r->offers);
	/* "stale" says that the password was right (RFC 7616 3.3). A camera
	 * that says it of the nonce it gave just now, too, says nothing by it,
	 * and may count. */
	if (r->offers.best.stale) {
		c->failed += c->stale;
		c->stale = true;
		return 1;
	}
	c->failed++;
	if (!used_before)
		return ret;
	/* Perhaps this camera takes each nonce once and does not say so: never
	 * send a used one to it again. */
	c->one_shot = true;
	return 1;
}

/* A token was refused. 1: try again. */
static int
call_token_denied(struct call_run *r, int ret)
{
	struct camera *c = r->c;
	int64_t before = c->offset_ms, moved;
	struct cam_why why = *r->why;
	struct cam_time now;

	c->failed++;
	if (r->offers.digest) {
		call_take_challenge(c, &r->offers);
		return 1;
	}
	if (r->clock_again || c->in_clock)
		return ret;
	r->clock_again = true;
	if (onvif_time_get(c, &now, r->why) == CAMCA_OK) {
		moved = c->offset_ms - before;
		if (moved > CALL_CLOCK_JUMP_MS || moved < -CALL_CLOCK_JUMP_MS)
			return 1;
	}
	*r->why = why;
	return ret;
}

static int
call_denied(struct call_run *r, int ret)
{
	switch (r->c->auth) {
	case ONVIF_AUTH_DIGEST:
		return call_digest_denied(r, ret);
	case ONVIF_AUTH_TOKEN:
		return call_token_denied(r, ret);
	default:
		/* Open a moment ago, guarded now: learn again. */
		r->c->auth = ONVIF_AUTH_UNKNOWN;
		return 1;
	}
}

/* tries: requests with a login at most. */
static int
call_with_login(struct call_run *r, int tries)
{
	int ret = CAMCA_EAUTH, again = 1;

	while (tries-- > 0 && again == 1) {
		ret = call_prepare(r);
		if (ret == CAMCA_OK)
			ret = onvif_budget(r->c, r->why);
		if (ret < 0)
			return ret;
		ret = call_send_again(r);
		if (ret == CAMCA_EAUTH && r->why->code == CAM_LOCKED)
			r->c->failed++;
		/* Whether a password works was asked, and the answer is lost:
		 * the camera may have counted. */
		if (ret < 0 && r->login != &r->c->login && r->status == 0 &&
		    (r->dropped || r->why->code == CAM_TIMEOUT))
			r->c->failed++;
		r->c->stale = r->c->stale && ret < 0;
		if (!r->denied)
			return ret;
		again = call_denied(r, ret);
	}
	return ret;
}

int
onvif_call(struct camera *c, const struct onvif_call *call,
    const struct xml_out *body, struct soap_answer *out, struct cam_why *why)
{
	struct cam_why local;
	struct call_run r = { .c = c, .call = call, .body = body, .out = out,
	    .why = why != NULL ? why : &local };
	struct xml_out empty;
	char element[64];
	int ret = CAMCA_OK;

	cam_why_clear(r.why);
	c->refused_ms = 0;
	if (call->service == ONVIF_SECURITY)
		ret = onvif_services(c, r.why);
	if (ret < 0)
		return ret;
	if (call->service == ONVIF_SECURITY && !c->has_security)
		return cam_fail(r.why, CAMCA_EPERM, CAM_UNSUPPORTED,
		    "The camera has no Security service (no keystore).");
	if (c->env.stopping != NULL && c->env.stopping(c->env.arg))
		return cam_fail(r.why, CAMCA_EBUSY, CAM_STOPPED,
		    "Stopped before %s.", call->name);
	xml_out_init(&empty);
	if (body == NULL) {
		snprintf(element, sizeof element, "%s:%s", call->service ==
		    ONVIF_SECURITY ? "tas" : "tds", call->name);
		xml_open(&empty, element);
		xml_close(&empty);
		r.body = &empty;
	}
	if ((call->flags & CALL_ANONYMOUS) != 0 || !c->has_login) {
		ret = call_send_again(&r);
	} else {
		r.login = &c->login;
		ret = call_with_login(&r, CALL_TRIES);
	}
	xml_out_fini(&empty);
	return ret;
}

int
onvif_call1(struct camera *c, const struct onvif_call *call,
    const char *name, const char *text, struct soap_answer *out,
    struct cam_why *why)
{
	struct xml_out w;
	char element[64];
	int ret;

	if (name == NULL)
		return onvif_call(c, call, NULL, out, why);
	snprintf(element, sizeof element, "%s:%s", call->service ==
	    ONVIF_SECURITY ? "tas" : "tds", call->name);
	xml_out_init(&w);
	xml_open(&w, element);
	xml_put(&w, name, text);
	xml_close(&w);
	ret = onvif_call(c, call, &w, out, why);
	xml_out_fini(&w);
	return ret;
}

/* Only a camera that refuses the same request without a login says something
 * about the login by accepting it. */
int
onvif_try_login(struct camera *c, const struct onvif_login *l,
    struct cam_why *why)
{
	struct xml_out body;
	struct onvif_call call = { ONVIF_DEVICE, NULL, 0 };
	char element[64];
	struct auth_offers offers;
	struct cam_why local;
	struct call_run r = { .c = c, .call = &call, .body = &body, .login = l,
	    .why = why != NULL ? why : &local, .clock_again = true };
	int ret = CAMCA_OK;

	cam_why_clear(r.why);
	/* What was refused a moment ago is guarded, and its challenge is as
	 * good as one that is asked for. */
	if (c->refused_ms == 0 || ctx_now_ms(c->env.ctx) - c->refused_ms >
	    CALL_REFUSED_MS)
		ret = onvif_learn(c, &offers, r.why);
	c->refused_ms = 0;
	if (ret < 0)
		return ret;
	/* A clock that has moved must not cost a failed login. */
	c->has_offset = false;
	if (c->auth == ONVIF_AUTH_OPEN)
		return cam_fail(r.why, CAMCA_EPERM, CAM_UNSUPPORTED,
		    "The camera answers without a login: it cannot be asked "
		    "whether a password is right.");
	call.name = c->guarded;
	snprintf(element, sizeof element, "tds:%s", call.name);
	xml_out_init(&body);
	xml_open(&body, element);
	xml_close(&body);
	ret = call_with_login(&r, 2);
	xml_out_fini(&body);
	if (r.denied && c->auth == ONVIF_AUTH_DIGEST && c->nc == 0)
		c->refused_ms = ctx_now_ms(c->env.ctx);
	/* Known, but not allowed to: the password was right. */
	if (ret == CAMCA_EAUTH && r.status == 403 && !r.denied)
		ret = CAMCA_OK;
	return ret;
}

int
onvif_login_copy(struct onvif_login *out, const char *user,
    const char *password, struct cam_why *why)
{
	if (user[0] == '\0' || strlen(user) >= sizeof out->user ||
	    strlen(password) >= sizeof out->password)
		return cam_fail(why, CAMCA_EINVAL, CAM_INTERNAL,
		    "User name or password are too long, or there is none.");
	OPENSSL_cleanse(out, sizeof *out);
	memcpy(out->user, user, strlen(user) + 1);
	memcpy(out->password, password, strlen(password) + 1);
	return CAMCA_OK;
}
