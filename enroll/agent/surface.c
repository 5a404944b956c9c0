/* SPDX-License-Identifier: Apache-2.0 */
/* One login at a time, and the other places that it opens. Cameras keep up to
 * three passwords of one name, "synchronized": for ONVIF, for their web page
 * and for their video. After a change all of them are asked. */
#include <string.h>

#include "enroll/agent/visit.h"

#define SURFACE_RTSP_PORT 554

int
visit_ask(struct visit *v, const struct cam_login *surface, const char *user,
    const char *password, bool *works_out)
{
	struct cam_login l = { .surface = CAM_SURFACE_API };
	struct cam_why why = { 0 };
	int ret;

	if (surface != NULL)
		l = *surface;
	l.user = user;
	l.password = password;
	*works_out = false;
	ret = v->drv->login(v->cam, &l, works_out, &why);
	if (ret < 0 && why.code == CAM_AUTH)
		return CAMCA_OK;
	return ret < 0 ? visit_cam(v, ret, &why, surface != NULL ?
	    surface->path : "a login") : CAMCA_OK;
}

/* The port of RTSP, told once a visit. */
static uint16_t
surface_port(struct visit *v)
{
	struct cam_protocols p = { .n = 0 };
	struct cam_why why = { 0 };
	size_t i;

	if (v->rtsp_port != 0)
		return v->rtsp_port;
	v->rtsp_port = SURFACE_RTSP_PORT;
	if (v->drv->protocols(v->cam, &p, &why) == CAMCA_OK)
		for (i = 0; i < p.n; i++)
			if (strcmp(p.v[i].name, "RTSP") == 0 &&
			    p.v[i].port != 0)
				v->rtsp_port = p.v[i].port;
	return v->rtsp_port;
}

/* Beside the new password: what became of the old one there. */
struct surface_old { bool asked, works; };

/* The new one does not work there yet. The old one tells why without a failed
 * login, where it is late or kept apart; so it is asked before the wait, and
 * the new one once more after it. */
static int
surface_late(struct visit *v, const struct cam_login *at,
    const struct agent_account *a, struct surface_old *old, bool *works)
{
	int ret;

	if (a->current[0] != '\0' && visit_budget_left(v) > 0) {
		ret = visit_ask(v, at, a->user, a->current, &old->works);
		if (ret < 0)
			return ret;
		old->asked = true;
	}
	if (visit_budget_left(v) == 0)
		return CAMCA_OK;
	if (visit_wait(v, v->job->options.password_wait_ms) != 0)
		return CAMCA_EBUSY;
	return visit_ask(v, at, a->user, a->pending, works);
}

static int
surface_verdict(struct visit *v, const char *name,
    const struct agent_account *a, const struct surface_old *old)
{
	return visit_fail(v, "camera.password-onvif-only", "%s of %s %s: set "
	    "it there by hand (\"camca secret reveal\" has it), or give the "
	    "camera one account list in its settings", name, a->user,
	    !old->asked ? "does not take the new password" : old->works ?
	    "still takes the old password" : "takes neither password");
}

static int
surface_one(struct visit *v, const struct agent_account *a, const char *name)
{
	struct job_surface s;
	struct surface_old old = { false, false };
	struct cam_login at = { .surface = CAM_SURFACE_PATH };
	bool works = false;
	int ret;

	if (!job_surface_parse(name, &s))
		return visit_fail(v, "agent.surface", "%s is no place that "
		    "can be asked", name);
	at.path = s.path;
	if (s.rtsp) {
		at.surface = CAM_SURFACE_RTSP;
		at.port = s.port != 0 ? s.port : surface_port(v);
	}
	ret = visit_ask(v, &at, a->user, a->pending, &works);
	if (ret == CAMCA_OK && !works)
		ret = surface_late(v, &at, a, &old, &works);
	if (ret < 0)
		return ret;
	if (!works)
		return surface_verdict(v, name, a, &old);
	visit_after(v, "%s takes the new password", name);
	return CAMCA_OK;
}

/* The change itself holds, so the job's end alone tells of this. */
void
visit_surfaces(struct visit *v, const struct agent_account *a)
{
	const struct agent_options *op = &v->job->options;
	size_t i;

	for (i = 0; i < op->surfaces; i++) {
		if (visit_budget_left(v) < 2) {
			visit_detail(v, "%s is not asked: the budget of "
			    "failed logins is used", op->surface[i]);
			continue;
		}
		if (surface_one(v, a, op->surface[i]) == CAMCA_OK)
			continue;
		if (strcmp(v->note.code, "camera.unsupported") == 0) {
			v->note.code[0] = '\0';
			continue;         /* nothing there asks for it */
		}
		visit_finding(v);
		return;
	}
}
