/* SPDX-License-Identifier: Apache-2.0 */
/* Does a password work? Asked with one attempt, on ONVIF, on another page or
 * for the video of the same camera: "the password" can be several, kept in
 * step or not. */
#include <string.h>

#include <openssl/crypto.h>

#include "ca/base/enc.h"
#include "enroll/onvif/camera.h"
#include "enroll/onvif/rtsp.h"
#include "enroll/onvif/trouble.h"

/* GET of path; out is for onvif_answer_fini in any case. */
static int
login_get(struct camera *c, const char *path, const char *authorization,
    struct onvif_answer *out, struct cam_why *why)
{
	const struct onvif_request q = { .path = path,
	    .authorization = authorization };
	int ret = c->exchange(c->exchange_arg, &q, out, why);

	if (ret < 0 && out->dropped && authorization == NULL) {
		onvif_answer_fini(out);
		ret = c->exchange(c->exchange_arg, &q, out, why);
	}
	return ret;
}

static int
login_page_answer(struct camera *c, const char *path,
    const struct auth_offers *o, const struct onvif_login *l,
    struct buf *out, struct cam_why *why)
{
	uint8_t random[8];
	char cnonce[2 * sizeof random + 1];
	struct digest_use use = { "GET", path, l->user, l->password, 1,
	    cnonce };
	int ret = ctx_random(c->env.ctx, random, sizeof random);

	enc_hex(cnonce, random, sizeof random);
	if (ret == CAMCA_OK && o->digest)
		ret = digest_answer(out, &o->best, &use);
	else if (ret == CAMCA_OK && c->link.scheme != CAM_HTTPS)
		return cam_fail(why, CAMCA_EPERM, CAM_UNSUPPORTED,
		    "The page wants the password in clear, without TLS.");
	else if (ret == CAMCA_OK)
		ret = basic_answer(out, l->user, l->password);
	return ret < 0 ? cam_fail_plain(why, ret) : CAMCA_OK;
}

/* The page without a login: what it offers, 401 expected. */
static int
login_page_ask(struct camera *c, const char *path, struct auth_offers *o,
    struct cam_why *why)
{
	struct onvif_answer a;
	int ret = login_get(c, path, NULL, &a, why);

	if (ret == CAMCA_OK)
		auth_read_offers(o, buf_str(&a.offers));
	if (ret == CAMCA_OK && (a.status != 401 || (!o->digest && !o->basic)))
		ret = cam_fail(why, CAMCA_EPERM, CAM_UNSUPPORTED,
		    "The page asks for no login that can be answered "
		    "(HTTP %d).", a.status);
	onvif_answer_fini(&a);
	return ret;
}

static int
login_page_try(struct camera *c, const char *path,
    const char *authorization, struct cam_why *why)
{
	struct onvif_answer a;
	int ret = login_get(c, path, authorization, &a, why);

	/* The camera may have counted what it did not answer. */
	if (ret < 0 && (a.dropped || why->code == CAM_TIMEOUT))
		c->failed++;
	if (ret == CAMCA_OK && (a.status == 401 || a.status == 403)) {
		c->failed++;
		ret = cam_fail(why, CAMCA_EAUTH, CAM_AUTH,
		    "The page refuses the login (HTTP %d).", a.status);
	} else if (ret == CAMCA_OK && (a.status == 423 || a.status == 429)) {
		c->failed++;
		ret = cam_fail(why, CAMCA_EAUTH, CAM_LOCKED, "The camera "
		    "has locked the account (HTTP %d).", a.status);
	} else if (ret == CAMCA_OK && a.status >= 400) {
		ret = cam_fail(why, CAMCA_EPERM, CAM_REFUSED,
		    "The page answers with HTTP %d.", a.status);
	}
	onvif_answer_fini(&a);
	return ret;
}

static int
login_page(struct camera *c, const char *path, const struct onvif_login *l,
    struct cam_why *why)
{
	struct auth_offers offers;
	struct buf authorization;
	int ret;

	if (path == NULL || !onvif_path_ok(path))
		return cam_fail_plain(why, CAMCA_EINVAL);
	ret = login_page_ask(c, path, &offers, why);
	if (ret == CAMCA_OK)
		ret = onvif_budget(c, why);
	if (ret < 0)
		return ret;
	buf_init(&authorization, 4096);
	ret = buf_reserve(&authorization, 4095);
	if (ret == CAMCA_OK)
		ret = login_page_answer(c, path, &offers, l, &authorization,
		    why);
	if (ret == CAMCA_OK)
		ret = login_page_try(c, path, buf_str(&authorization), why);
	buf_cleanse(&authorization);
	return ret;
}

static int
login_surface(struct camera *c, const struct cam_login *l,
    const struct onvif_login *login, struct cam_why *why)
{
	switch (l->surface) {
	case CAM_SURFACE_PATH:
		return login_page(c, l->path, login, why);
	case CAM_SURFACE_RTSP:
		return onvif_rtsp_login(c, l->port, l->path, login, why);
	default:
		return onvif_try_login(c, login, why);
	}
}

int
onvif_login(struct camera *c, const struct cam_login *l, bool *works_out,
    struct cam_why *why)
{
	struct cam_why local;
	struct onvif_login login;
	int ret;

	why = why != NULL ? why : &local;
	cam_why_clear(why);
	*works_out = false;
	ret = onvif_login_copy(&login, l->user, l->password, why);
	if (ret == CAMCA_OK)
		ret = login_surface(c, l, &login, why);
	OPENSSL_cleanse(&login, sizeof login);
	*works_out = ret == CAMCA_OK;
	/* A clear "no" is an answer and no error; being locked out is. */
	if (ret == CAMCA_EAUTH && why->code == CAM_AUTH)
		return CAMCA_OK;
	return ret;
}
