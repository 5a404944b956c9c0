/* SPDX-License-Identifier: Apache-2.0 */
/* SHA-256 for logins by HTTP and RTSP Digest, beside MD5: recorders that know
 * MD5 alone must not lose the picture. A camera that kept only MD5's hash of a
 * password refuses it in SHA-256, so each login that works is tried after the
 * change, and one that fails takes the change back. */
#include <string.h>

#include "enroll/agent/visit.h"

static int
hashing_read(struct visit *v, struct cam_digests *d)
{
	struct cam_why why = { 0 };
	int ret = v->drv->digests(v->cam, d, &why);

	return ret < 0 ? visit_cam(v, ret, &why, "the ways to log in are "
	    "read") : CAMCA_OK;
}

/* The logins that this visit has seen to work, our own with them. */
static int
hashing_prove(struct visit *v, bool *works)
{
	size_t i;
	int ret;

	*works = true;
	for (i = 0; i < v->job->accounts_count && *works; i++) {
		const struct agent_account *a = &v->job->accounts[i];

		if (a->works != WORKS_CURRENT || a->current[0] == '\0')
			continue;
		ret = visit_ask(v, NULL, a->user, a->current, works);
		if (ret < 0)
			return ret;
		if (!*works)
			visit_detail(v, "%s does not log in with SHA-256: "
			    "back to MD5 alone", a->user);
	}
	return CAMCA_OK;
}

static int
hashing_back(struct visit *v)
{
	struct cam_why why = { 0 };
	int ret = v->drv->sha256_set(v->cam, false, &why);

	return ret < 0 ? visit_cam(v, ret, &why, "the digest is set back") :
	    CAMCA_OK;
}

static int
hashing_switch(struct visit *v, bool *changed)
{
	struct cam_digests d = { false, false };
	struct cam_why why = { 0 };
	bool works;
	int ret = v->drv->sha256_set(v->cam, true, &why);

	if (ret == CAMCA_EPERM) {
		visit_detail(v, "SHA-256 for logins: %s", why.text);
		return CAMCA_OK;          /* that keeps nobody out */
	}
	if (ret < 0)
		return visit_cam(v, ret, &why, "SHA-256 is switched on");
	if ((ret = hashing_read(v, &d)) < 0)
		return ret;
	if (!d.sha256) {
		visit_detail(v, "the camera says yes to SHA-256 and does not "
		    "offer it");
		return CAMCA_OK;
	}
	if ((ret = hashing_prove(v, &works)) < 0)
		return ret;
	if (!works)
		return hashing_back(v);
	visit_after(v, "digest%s SHA-256", d.md5 ? " MD5" : "");
	*changed = true;
	return CAMCA_OK;
}

int
visit_hashing(struct visit *v, bool *changed)
{
	struct cam_digests d = { false, false };
	int ret;

	if (!v->caps.hashing)
		return CAMCA_OK;
	if ((ret = hashing_read(v, &d)) < 0)
		return ret;
	/* No Digest at all, or nothing left to do. */
	if (!d.md5 || d.sha256)
		return CAMCA_OK;
	visit_before(v, "digest MD5");
	if (visit_budget_left(v) < 2) {
		visit_detail(v, "SHA-256 waits for another visit: the failed "
		    "logins of this one are used up");
		return CAMCA_OK;
	}
	return hashing_switch(v, changed);
}
