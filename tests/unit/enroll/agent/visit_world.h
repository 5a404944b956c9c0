/* SPDX-License-Identifier: Apache-2.0 */
/* The camera and the camcad that a visit meets in a test; after cmocka.h. */
#ifndef TEST_AGENT_VISIT_WORLD_H
#define TEST_AGENT_VISIT_WORLD_H

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <openssl/ec.h>
#include <openssl/evp.h>
#include <openssl/x509v3.h>

#include "ca/base/ctx.h"
#include "enroll/agent/visit.h"

#define REPORTS_MAX 64

struct user {
	char name[32], password[64];
};

/* What the camera is, and how it misbehaves. */
struct camera {
	struct user users[4];
	size_t n;
	unsigned failed, budget, sets;
	bool ignores;                  /* says yes, changes nothing */
	bool loses_before, loses_after;     /* the answer of the next change */
	int weak;                      /* so many passwords are too weak */
	int64_t late_ms;               /* of mono time */
	char late[64];
	struct user *late_user;
	unsigned logins;
	bool no_tls;                   /* somebody lets no handshake through */
	X509 *leaf;                    /* served; NULL: one of nobody */
	char video[64];                /* RTSP's password; "": ONVIF's */
	bool video_late;               /* the change of password wakes it */
	int64_t video_ms;              /* from then on RTSP is in step */
	uint16_t asked_port;
	bool video_open;
	enum cam_trouble video_trouble;
};

struct world {
	struct camera cam;
	int64_t now;
	bool stop_at_password;
	bool stopping;
	int go_until;                  /* reports that hear "go" */
	bool gate_down;
	const char *refused;           /* step whose report is, and how; */
	int refused_http;              /* 0: it is too large to be sent */
	int64_t stall_ms;              /* until the camera has named itself */
	unsigned secrets;
	size_t n;
	char step[REPORTS_MAX][24], code[REPORTS_MAX][48], end[24];
	char all[65536];               /* every report, as text */
	int confirmed[8];
};

static struct world *world;            /* the driver has no argument for it */

/* ---- the camera ---- */

static int
no(struct cam_why *why, int ret, enum cam_trouble code)
{
	why->code = code;
	snprintf(why->text, sizeof why->text, "no: Old-Password-1");
	return ret;
}

static struct user *
user_of(const char *name)
{
	size_t i;

	for (i = 0; i < world->cam.n; i++)
		if (strcmp(world->cam.users[i].name, name) == 0)
			return &world->cam.users[i];
	return NULL;
}

static void
ripen(void)
{
	struct camera *c = &world->cam;

	if (c->late_user != NULL && world->now >= c->late_ms) {
		snprintf(c->late_user->password,
		    sizeof c->late_user->password, "%s", c->late);
		c->late_user = NULL;
	}
}

static int
drv_open(struct camera **out, const struct cam_link *l,
    const struct cam_env *env, struct cam_why *why)
{
	(void)l;
	(void)why;
	world->cam.budget = env->login_budget;
	*out = &world->cam;
	return CAMCA_OK;
}

static void
drv_close(struct camera *c)
{
	(void)c;
}

static int
drv_move(struct camera *c, const struct cam_link *l, struct cam_why *why)
{
	(void)c;
	(void)l;
	(void)why;
	return CAMCA_OK;
}

static int
drv_credentials(struct camera *c, const char *user, const char *password,
    struct cam_why *why)
{
	(void)c;
	(void)user;
	(void)password;
	(void)why;
	return CAMCA_OK;
}

static const char *
password_at(const struct camera *c, const struct user *u,
    const struct cam_login *l)
{
	return l->surface == CAM_SURFACE_RTSP && c->video[0] != '\0' &&
	    (c->video_ms == 0 || world->now < c->video_ms) ? c->video :
	    u->password;
}

static int
drv_login(struct camera *c, const struct cam_login *l, bool *works,
    struct cam_why *why)
{
	struct user *u = user_of(l->user);
	bool video = l->surface == CAM_SURFACE_RTSP;

	ripen();
	c->logins++;
	*works = false;
	if (video) {
		c->asked_port = l->port;
		assert_string_equal(l->path, "/s1");
	}
	if (video && c->video_open)
		return no(why, CAMCA_EPERM, CAM_UNSUPPORTED);
	if (video && c->video_trouble != CAM_NONE)
		return no(why, CAMCA_EIO, c->video_trouble);
	if (c->failed >= c->budget)
		return no(why, CAMCA_EAUTH, CAM_BUDGET);
	*works = u != NULL && strcmp(password_at(c, u, l), l->password) == 0;
	if (*works)
		return CAMCA_OK;
	c->failed++;
	return no(why, CAMCA_EAUTH, CAM_AUTH);
}

static unsigned
drv_failed(const struct camera *c)
{
	return c->failed;
}

static int
drv_time(struct camera *c, struct cam_time *out, struct cam_why *why)
{
	(void)c;
	(void)why;
	memset(out, 0, sizeof *out);
	return CAMCA_OK;
}

static int
drv_identify(struct camera *c, struct cam_identity *out, struct cam_why *why)
{
	world->now += world->stall_ms;
	(void)c;
	(void)why;
	memset(out, 0, sizeof *out);
	snprintf(out->serial, sizeof out->serial, "s-1");
	return CAMCA_OK;
}

static int
drv_caps(struct camera *c, struct cam_caps *out, struct cam_why *why)
{
	(void)c;
	(void)why;
	memset(out, 0, sizeof *out);
	out->max_password_len = 32;
	return CAMCA_OK;
}

static int
drv_rule(struct camera *c, struct cam_password_rule *out, struct cam_why *why)
{
	(void)c;
	(void)out;
	return no(why, CAMCA_EPERM, CAM_UNSUPPORTED);
}

static int
drv_accounts(struct camera *c, struct cam_accounts *out, struct cam_why *why)
{
	(void)c;
	(void)out;
	return no(why, CAMCA_EPERM, CAM_UNSUPPORTED);
}

static int
drv_protocols(struct camera *c, struct cam_protocols *out,
    struct cam_why *why)
{
	(void)c;
	(void)why;
	out->n = 1;
	out->v[0] = (struct cam_protocol){ "RTSP", true, 8554 };
	return CAMCA_OK;
}

static int
drv_discoverable(struct camera *c, bool *out, struct cam_why *why)
{
	(void)c;
	(void)out;
	return no(why, CAMCA_EPERM, CAM_UNSUPPORTED);
}

static int
drv_served(struct camera *c, uint16_t port, struct cam_served *out,
    struct cam_why *why)
{
	(void)port;
	memset(out, 0, sizeof *out);
	if (c->no_tls)
		return no(why, CAMCA_EIO, CAM_TLS);
	memset(out->sha256, 0xaa, 32);
	out->version = 0x0304;
	if (c->leaf != NULL)
		X509_up_ref(c->leaf);
	out->chain[0] = c->leaf != NULL ? c->leaf : X509_new();
	out->n = 1;
	return CAMCA_OK;
}

static int
drv_password(struct camera *c, const char *user, const char *password,
    struct cam_why *why)
{
	struct user *u = user_of(user);

	c->sets++;
	if (u == NULL)
		return no(why, CAMCA_EPERM, CAM_NO_SUCH);
	if (c->weak > 0) {
		c->weak--;
		return no(why, CAMCA_EPERM, CAM_WEAK_PASSWORD);
	}
	if (c->loses_before) {
		c->loses_before = false;
		return no(why, CAMCA_EUNKNOWN, CAM_UNREACHABLE);
	}
	if (c->late_ms > 0) {
		snprintf(c->late, sizeof c->late, "%s", password);
		c->late_user = u;
		c->late_ms += world->now;
		return CAMCA_OK;
	}
	if (c->video_late)
		c->video_ms = world->now + 3000;
	if (!c->ignores)
		snprintf(u->password, sizeof u->password, "%s", password);
	if (c->loses_after) {
		c->loses_after = false;
		return no(why, CAMCA_EUNKNOWN, CAM_UNREACHABLE);
	}
	return CAMCA_OK;
}

static const struct cam_driver driver = { .name = "onvif", .open = drv_open,
    .close = drv_close, .move = drv_move, .credentials = drv_credentials,
    .login = drv_login, .failed_logins = drv_failed, .time_get = drv_time,
    .identify = drv_identify, .caps = drv_caps, .password_rule = drv_rule,
    .accounts = drv_accounts, .protocols = drv_protocols,
    .discoverable = drv_discoverable, .served = drv_served,
    .account_password = drv_password };

/* ---- camcad ---- */

static void
hear(struct world *w, json_t *o)
{
	const json_t *confirm = json_object_get(o, "confirm");
	char *text = json_dumps(o, JSON_COMPACT);
	size_t used = strlen(w->all);

	snprintf(w->all + used, sizeof w->all - used, "%s\n", text);
	free(text);
	assert_true(w->n < REPORTS_MAX);
	snprintf(w->step[w->n], sizeof w->step[0], "%s",
	    json_string_value(json_object_get(o, "step")));
	snprintf(w->code[w->n], sizeof w->code[0], "%s",
	    json_string_value(json_object_get(o, "code")));
	if (json_object_get(o, "end") != NULL)
		snprintf(w->end, sizeof w->end, "%s",
		    json_string_value(json_object_get(o, "end")));
	if (confirm != NULL)
		w->confirmed[json_integer_value(json_object_get(confirm,
		    "account"))]++;
	w->stopping |= w->stop_at_password &&
	    strcmp(w->step[w->n], "password") == 0;
	w->n++;
}

static int
peer_post(void *arg, const char *what, json_t *body, json_t **out,
    struct ident **id, struct refusal *why)
{
	struct world *w = arg;
	int ret = CAMCA_OK;

	if (w->gate_down)
		ret = refuse(why, CAMCA_EIO, 503, "agent.gate", "Away.");
	else if (strcmp(what, "report") == 0) {
		hear(w, body);
		if (w->refused != NULL && json_object_get(body, "end") ==
		    NULL && strcmp(w->step[w->n - 1], w->refused) == 0) {
			ret = w->refused_http == 0 ? CAMCA_ELIMIT :
			    refuse(why, CAMCA_EPOLICY, w->refused_http,
			    "job.test", "Not this\n one.");
			json_decref(body);
			return ret;
		}
		*out = json_pack("{s:b, s:i}", "go", (int)w->n <=
		    w->go_until, "lease_s", 120);
	} else {
		/* Nothing is sealed here: what was leased stays pending. */
		w->secrets++;
		ret = refuse(why, CAMCA_EPOLICY, 409, "test.secret", "No.");
	}
	(void)id;
	json_decref(body);
	return ret;
}

static bool
peer_stopping(void *arg)
{
	return ((struct world *)arg)->stopping;
}

static void
peer_sleep(void *arg, int64_t ms)
{
	((struct world *)arg)->now += ms > 0 ? ms : 1;
}

static int64_t
peer_mono(void *arg)
{
	return ((struct world *)arg)->now;
}

/* ---- a job: two accounts, one of them to change ---- */

static struct agent_job *
job_new(void)
{
	struct agent_job *j = calloc(1, sizeof *j);
	struct agent_account *a;

	j->id = 9;
	j->lease_ms = 120000;
	j->kind = JOB_ROTATE;
	j->attempt = 1;
	j->step = -1;
	j->account = 1;
	snprintf(j->alias, sizeof j->alias, "camca:cam-1:9");
	snprintf(j->device.id, sizeof j->device.id, "cam-1");
	snprintf(j->device.serial, sizeof j->device.serial, "S 1");
	snprintf(j->reach.host, sizeof j->reach.host, "192.0.2.1");
	j->reach.https_port = 443;
	j->reach.has_leaf = true;
	memset(j->reach.leaf, 0xaa, 32);
	j->options.login_budget = 3;
	j->options.password_wait_ms = 4000;
	buf_init(&j->crl, 0);
	a = job_account_add(j, "admin", "administrator", "Administrator");
	a->id = 1;
	snprintf(a->current, sizeof a->current, "Old-Password-1");
	snprintf(a->pending, sizeof a->pending, "New-Password-1");
	a->leased_pending = a->sent = true;   /* a visit before this one died */
	a = job_account_add(j, "camca-svc", "service", "Administrator");
	a->id = 2;
	snprintf(a->current, sizeof a->current, "Svc-Password-1");
	return j;
}

static void
begin(struct world *w)
{
	memset(w, 0, sizeof *w);
	world = w;
	w->now = 1000;
	w->go_until = 1000;
	w->cam.users[0] = (struct user){ "admin", "Old-Password-1" };
	w->cam.users[1] = (struct user){ "camca-svc", "Svc-Password-1" };
	w->cam.n = 2;
}

static enum job_end
visit(struct world *w, struct agent_job *j)
{
	struct visit_peer peer = { .post = peer_post,
	    .stopping = peer_stopping, .sleep = peer_sleep,
	    .mono_ms = peer_mono, .ctx = &camca_ctx_system,
	    .camera_ms = 1000, .key_ms = 1000, .arg = w };

	return visit_run(&peer, &driver, j);
}

/* Whatever happened: one of the two works, nothing was locked, nothing told. */
static void
safe(struct world *w)
{
	const char *p = w->cam.users[0].password;

	assert_true(strcmp(p, "Old-Password-1") == 0 ||
	    strcmp(p, "New-Password-1") == 0);
	assert_true(w->cam.failed <= 3);
	assert_null(strstr(w->all, "Password-1"));
}

#endif
