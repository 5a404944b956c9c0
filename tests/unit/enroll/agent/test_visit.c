/* SPDX-License-Identifier: Apache-2.0 */
/* A visit with a camera and a camcad that are played here: rotation in every
 * way a camera answers, the budget, a lease that ends, a stop. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
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

static void
test_rotates(void **state)
{
	struct world w;

	(void)state;
	begin(&w);
	assert_int_equal(visit(&w, job_new()), END_SUCCESS);
	assert_string_equal(w.end, "success");
	assert_string_equal(w.cam.users[0].password, "New-Password-1");
	assert_int_equal(w.confirmed[1], 1);
	assert_int_equal(w.cam.failed, 1);
	safe(&w);
}

/* The visit before had set it and died: nothing is set again. */
static void
test_resumes(void **state)
{
	struct world w;

	(void)state;
	begin(&w);
	w.cam.users[0] = (struct user){ "admin", "New-Password-1" };
	assert_int_equal(visit(&w, job_new()), END_SUCCESS);
	assert_int_equal(w.cam.sets, 0);
	assert_int_equal(w.confirmed[1], 1);
	assert_int_equal(w.cam.failed, 1);
	safe(&w);
}

static void
test_lost_answers(void **state)
{
	struct world w;
	int after;

	(void)state;
	for (after = 0; after < 2; after++) {
		begin(&w);
		w.cam.loses_after = after;
		w.cam.loses_before = !after;
		assert_int_equal(visit(&w, job_new()), END_SUCCESS);
		assert_string_equal(w.cam.users[0].password,
		    "New-Password-1");
		assert_int_equal(w.cam.sets, after ? 1 : 2);
		safe(&w);
	}
}

static void
test_late(void **state)
{
	struct world w;

	(void)state;
	begin(&w);
	w.cam.late_ms = 2500;
	assert_int_equal(visit(&w, job_new()), END_SUCCESS);
	assert_int_equal(w.cam.failed, 1);
	safe(&w);
}

static void
test_ignored(void **state)
{
	struct world w;

	(void)state;
	begin(&w);
	w.cam.ignores = true;
	assert_int_equal(visit(&w, job_new()), END_FAILED);
	assert_string_equal(w.code[w.n - 1], "camera.password-ignored");
	assert_int_equal(w.confirmed[1], 0);
	assert_int_equal(w.cam.failed, 0);
	safe(&w);
}

/* No password that the vault has: told, parked, within the budget. */
static void
test_unknown(void **state)
{
	struct world w;

	(void)state;
	begin(&w);
	w.cam.users[0] = (struct user){ "admin", "Else" };
	w.cam.users[1] = (struct user){ "camca-svc", "Else" };
	assert_int_equal(visit(&w, job_new()), END_PARKED);
	assert_string_equal(w.code[w.n - 1], "camera.password-unknown");
	assert_non_null(strstr(w.all, "\"tried\""));
	assert_int_equal(w.cam.sets, 0);
	assert_true(w.cam.failed <= 3);
}

/* Earlier visits have used a part of the budget: what is left is used to get
 * in, and the report says how much it took and what was not tried. */
static void
test_less_budget(void **state)
{
	struct agent_job *j = job_new();
	struct world w;

	(void)state;
	begin(&w);
	w.cam.users[0] = (struct user){ "admin", "New-Password-1" };
	j->options.login_budget = 2;
	j->accounts_count = 1;
	assert_int_equal(visit(&w, j), END_SUCCESS);
	assert_int_equal(w.cam.failed, 1);
	assert_non_null(strstr(w.all, "\"failed\":1"));
	safe(&w);
	begin(&w);
	w.cam.users[0] = (struct user){ "admin", "Else" };
	w.cam.users[1] = (struct user){ "camca-svc", "Else" };
	j = job_new();
	j->options.login_budget = 2;
	assert_int_equal(visit(&w, j), END_PARKED);
	assert_int_equal(w.cam.failed, 2);
	assert_non_null(strstr(w.all, "not tried: admin"));
	assert_non_null(strstr(w.all, "\"failed\":2"));
}

/* Too weak, and no simpler one is to be had: nothing has changed. */
static void
test_weak(void **state)
{
	struct world w;

	(void)state;
	begin(&w);
	w.cam.weak = 99;
	assert_int_equal(visit(&w, job_new()), END_FAILED);
	assert_true(w.secrets > 0);
	assert_string_equal(w.cam.users[0].password, "Old-Password-1");
	safe(&w);
}

/* "go": false, after each number of reports: nothing more is told or done. */
static void
test_cancelled(void **state)
{
	struct world w;
	int n;

	(void)state;
	for (n = 0; n < 6; n++) {
		begin(&w);
		w.go_until = n;
		(void)visit(&w, job_new());
		assert_int_equal(w.n, n + 1);
		if (n < 3)
			assert_int_equal(w.cam.sets, 0);
		safe(&w);
	}
}

/* A gate that is away for longer than the lease: the camera is left alone. */
static void
test_lease_ends(void **state)
{
	struct world w;

	(void)state;
	begin(&w);
	w.gate_down = true;
	assert_int_equal(visit(&w, job_new()), END_NOT_YET);
	assert_true(w.now >= 120000);
	assert_int_equal(w.cam.sets, 0);
	safe(&w);
}

/* It stood still for longer than its lease: the job may have been given to
 * somebody again, so nothing more is asked, changed or told. */
static void
test_stands_still(void **state)
{
	struct world w;
	size_t told;

	(void)state;
	begin(&w);
	(void)visit(&w, job_new());
	for (told = 0; strcmp(w.step[told], "observe") != 0; told++)
		;
	begin(&w);
	w.stall_ms = 120000;
	assert_int_equal(visit(&w, job_new()), END_NOT_YET);
	assert_int_equal(w.n, told);
	assert_int_equal(w.cam.sets, 0);
	safe(&w);
	/* All that is told names the attempt. */
	assert_non_null(strstr(w.all, "\"attempt\":1"));
	begin(&w);
	w.stall_ms = 100000;
	assert_int_equal(visit(&w, job_new()), END_SUCCESS);
}

/* Told to stop in the middle of a change: it is proven and told first. */
static void
test_stops(void **state)
{
	struct world w;

	(void)state;
	begin(&w);
	w.stopping = true;
	assert_int_equal(visit(&w, job_new()), END_NOT_YET);
	assert_string_equal(w.code[w.n - 1], "agent.stopped");
	assert_int_equal(w.cam.sets, 0);
	safe(&w);
	begin(&w);
	w.cam.late_ms = 1;
	w.stop_at_password = true;
	(void)visit(&w, job_new());
	assert_true(w.cam.sets == 0 || w.confirmed[1] == 1);
	safe(&w);
}

/* Somebody else's camera at this address, and somebody else's certificate. */
static void
test_strangers(void **state)
{
	struct agent_job *j = job_new();
	struct world w;

	(void)state;
	begin(&w);
	snprintf(j->device.serial, sizeof j->device.serial, "S 2");
	assert_int_equal(visit(&w, j), END_PARKED);
	assert_string_equal(w.code[w.n - 1], "camera.identity");
	assert_int_equal(w.cam.sets, 0);
	begin(&w);
	j = job_new();
	memset(j->reach.leaf, 0xbb, 32);
	assert_int_equal(visit(&w, j), END_PARKED);
	assert_string_equal(w.code[w.n - 1], "camera.fallback");
	/* The next visit must not believe it either. */
	assert_null(strstr(w.all, "\"serial\""));
	assert_int_equal(w.cam.failed, 0);
}

/* Whoever keeps the agent from TLS gets no login in clear, unless nobody has
 * ever seen TLS there. */
static void
test_downgrade(void **state)
{
	struct agent_job *j;
	struct world w;
	int known;

	(void)state;
	for (known = 0; known < 2; known++) {
		begin(&w);
		w.cam.no_tls = true;
		w.go_until = 0;
		j = job_new();
		j->kind = JOB_ENROLL;
		j->reach.http_port = 80;
		j->reach.has_leaf = known;
		(void)visit(&w, j);
		if (known) {
			assert_string_equal(w.code[w.n - 1], "camera.tls-off");
			assert_string_equal(w.end, "parked");
		}
		assert_true(known == (w.cam.logins == 0));
	}
}

/* issuer NULL: signed by itself. */
static X509 *
certificate(const char *cn, EVP_PKEY *key, X509 *issuer, EVP_PKEY *by)
{
	X509 *x = X509_new();
	X509_NAME *name = X509_get_subject_name(x);
	X509_EXTENSION *e;

	X509_set_version(x, X509_VERSION_3);
	ASN1_INTEGER_set(X509_get_serialNumber(x), 7);
	X509_gmtime_adj(X509_getm_notBefore(x), -60);
	X509_gmtime_adj(X509_getm_notAfter(x), 3600);
	X509_NAME_add_entry_by_txt(name, "CN", MBSTRING_UTF8,
	    (const unsigned char *)cn, -1, -1, 0);
	X509_set_issuer_name(x, issuer != NULL ?
	    X509_get_subject_name(issuer) : name);
	X509_set_pubkey(x, key);
	e = X509V3_EXT_conf_nid(NULL, NULL, NID_basic_constraints,
	    issuer == NULL ? "critical,CA:TRUE" : "critical,CA:FALSE");
	X509_add_ext(x, e, -1);
	X509_EXTENSION_free(e);
	assert_true(X509_sign(x, by, EVP_sha256()) > 0);
	return x;
}

/* A certificate of ours for this very camera, revoked since, in the hands of
 * whoever stole its key: it is not on the list of those that count. */
static void
test_revoked_leaf(void **state)
{
	EVP_PKEY *ca_key = EVP_EC_gen("P-256"), *key = EVP_EC_gen("P-256");
	X509 *ca = certificate("Issuer", ca_key, NULL, ca_key);
	X509 *leaf = certificate("cam-1", key, ca, ca_key);
	struct agent_job *j;
	struct world w;
	int good;

	(void)state;
	for (good = 0; good < 2; good++) {
		begin(&w);
		w.cam.leaf = leaf;
		j = job_new();
		j->reach.has_leaf = false;
		j->trust = sk_X509_new_null();
		X509_up_ref(ca);
		sk_X509_push(j->trust, ca);
		j->has_issued = true;
		j->issued_count = 2;
		memset(j->issued[0], 0xbb, 32);
		memset(j->issued[1], good ? 0xaa : 0xab, 32);
		assert_int_equal(visit(&w, j), good ? END_SUCCESS :
		    END_PARKED);
		if (!good) {
			assert_string_equal(w.code[w.n - 1],
			    "camera.fallback");
			assert_int_equal(w.cam.logins, 0);
		}
	}
	X509_free(leaf);
	X509_free(ca);
	EVP_PKEY_free(key);
	EVP_PKEY_free(ca_key);
}

/* Its video as well: in step, late, kept apart, without a login, away. */
static void
test_video(void **state)
{
	static const struct {
		const char *video, *surface, *code;
		bool late, open;
		enum cam_trouble trouble;
		enum job_end end;
		unsigned failed;
		uint16_t port;
	} cases[] = {
		{ "", "rtsp:/s1", "", false, false, 0, END_SUCCESS, 1, 8554 },
		{ "", "rtsp:99/s1", "", false, false, 0, END_SUCCESS, 1, 99 },
		{ "Old-Password-1", "rtsp:/s1", "", true, false, 0,
		    END_SUCCESS, 2, 8554 },
		{ "Old-Password-1", "rtsp:/s1", "camera.password-onvif-only",
		    false, false, 0, END_FAILED, 3, 8554 },
		{ "Else", "rtsp:/s1", "camera.password-onvif-only", false,
		    false, 0, END_FAILED, 3, 8554 },
		{ "", "rtsp:/s1", "", false, true, 0, END_SUCCESS, 1, 8554 },
		{ "", "rtsp:/s1", "camera.timeout", false, false, CAM_TIMEOUT,
		    END_FAILED, 1, 8554 },
		{ "", "rtsp:s1", "agent.surface", false, false, 0,
		    END_FAILED, 1, 0 },
	};
	struct agent_job *j;
	struct world w;
	size_t i;

	(void)state;
	for (i = 0; i < sizeof cases / sizeof cases[0]; i++) {
		begin(&w);
		w.cam.video_late = cases[i].late;
		w.cam.video_open = cases[i].open;
		w.cam.video_trouble = cases[i].trouble;
		snprintf(w.cam.video, sizeof w.cam.video, "%s",
		    cases[i].video);
		j = job_new();
		snprintf(j->options.surface[j->options.surfaces++],
		    AGENT_PATH_MAX, "%s", cases[i].surface);
		assert_int_equal(visit(&w, j), cases[i].end);
		assert_string_equal(w.code[w.n - 1], cases[i].code);
		assert_int_equal(w.cam.failed, cases[i].failed);
		assert_int_equal(w.cam.asked_port, cases[i].port);
		/* Whatever the video has, ONVIF's is proven and told. */
		assert_string_equal(w.cam.users[0].password,
		    "New-Password-1");
		assert_int_equal(w.confirmed[1], 1);
		safe(&w);
	}
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_rotates),
		cmocka_unit_test(test_resumes),
		cmocka_unit_test(test_lost_answers),
		cmocka_unit_test(test_late),
		cmocka_unit_test(test_ignored),
		cmocka_unit_test(test_unknown),
		cmocka_unit_test(test_less_budget),
		cmocka_unit_test(test_weak),
		cmocka_unit_test(test_cancelled),
		cmocka_unit_test(test_lease_ends),
		cmocka_unit_test(test_stands_still),
		cmocka_unit_test(test_stops),
		cmocka_unit_test(test_strangers),
		cmocka_unit_test(test_downgrade),
		cmocka_unit_test(test_revoked_leaf),
		cmocka_unit_test(test_video),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
