/* SPDX-License-Identifier: Apache-2.0 */
/* Which of the passwords in the vault works, found out within the budget of
 * failed logins: cameras lock accounts after a few. */
#include <openssl/crypto.h>
#include <stdio.h>
#include <string.h>

#include "enroll/agent/visit.h"

/* A gate that does not answer is waited for so long. */
#define LOGIN_PATIENCE_MS 30000
#define LOGIN_RETRY_MS 300
#define LOGIN_RETRY_MAX_MS 4000

unsigned
visit_failed_logins(const struct visit *v)
{
	return v->cam != NULL ? v->drv->failed_logins(v->cam) : 0;
}

unsigned
visit_budget_left(const struct visit *v)
{
	unsigned used = visit_failed_logins(v),
	    all = v->job->options.login_budget;

	return used < all ? all - used : 0;
}

static const char *
login_password(const struct agent_account *a, bool pending)
{
	return pending ? a->pending : a->current;
}

int
visit_try(struct visit *v, struct agent_account *a, bool pending,
    bool *works_out)
{
	struct cam_login l = { .surface = CAM_SURFACE_API, .user = a->user,
	    .password = login_password(a, pending) };
	struct cam_why why = { 0 };
	int ret;

	*works_out = false;
	ret = v->drv->login(v->cam, &l, works_out, &why);
	if (ret < 0 && why.code == CAM_AUTH)
		ret = CAMCA_OK;           /* a plain "no" */
	if (ret < 0 && why.code == CAM_UNSUPPORTED) {
		v->open = *works_out = true;
		ret = CAMCA_OK;           /* it lets everybody in */
	}
	if (ret < 0)
		return visit_cam(v, ret, &why, a->user);
	a->tried |= pending ? 2 : 1;
	a->old_dead = a->old_dead || (!pending && !*works_out);
	if (*works_out)
		a->works = pending ? WORKS_PENDING : WORKS_CURRENT;
	else if ((a->tried & 1 || a->current[0] == '\0') &&
	    (a->tried & 2 || a->pending[0] == '\0'))
		a->works = WORKS_NEITHER;
	return CAMCA_OK;
}

/* The lower the sooner: accounts whose password is not about to change, our
 * own before people's; what stands in the safe for emergencies last. */
static int
login_rank(const struct agent_account *a)
{
	int rank = a->target || a->pending[0] != '\0' ? 10 : 0;

	if (strcmp(a->role, "service") == 0)
		return rank;
	return rank + (strcmp(a->role, "break-glass") == 0 ? 100 : 1);
}

/* The next account to try: not tried, and of the lowest rank. */
static struct agent_account *
login_next(struct agent_job *j)
{
	struct agent_account *best = NULL;
	size_t i;

	for (i = 0; i < j->accounts_count; i++) {
		struct agent_account *a = &j->accounts[i];

		if (a->tried != 0 || a->works != WORKS_UNKNOWN ||
		    (a->current[0] == '\0' && a->pending[0] == '\0'))
			continue;
		if (best == NULL || login_rank(a) < login_rank(best))
			best = a;
	}
	return best;
}

/* Both passwords of one account, as far as the budget goes. The current one
 * first, also where a visit that died may have set the pending one: if it
 * works nothing was lost, and if it fails that is the proof that the change
 * needs anyway. The other way round a failure would prove nothing. */
static int
login_account(struct visit *v, struct agent_account *a, bool *works)
{
	bool pending = a->current[0] == '\0';
	int ret = visit_try(v, a, pending, works);

	if (ret < 0 || *works || *login_password(a, !pending) == '\0')
		return ret;
	if (visit_budget_left(v) == 0)
		return CAMCA_OK;
	return visit_try(v, a, !pending, works);
}

static void
login_tell_unknown(struct visit *v, const struct agent_account *a)
{
	json_t *tried = json_array();

	if (tried != NULL && a->tried & 2)
		(void)json_array_append_new(tried, json_string("pending"));
	if (tried != NULL && a->tried & 1)
		(void)json_array_append_new(tried, json_string("current"));
	visit_extra(v, "unknown", json_pack("{s:I, s:o}", "account",
	    (json_int_t)a->id, "tried", tried));
}

static int
login_use(struct visit *v, struct agent_account *a)
{
	struct cam_why why = { 0 };
	int ret = v->drv->credentials(v->cam, a->user,
	    login_password(a, a->works == WORKS_PENDING), &why);

	if (ret < 0)
		return visit_cam(v, ret, &why, "the login is set");
	v->self = a;
	visit_after(v, "logged in as %s (%s password)", a->user,
	    a->works == WORKS_PENDING ? "pending" : "current");
	return CAMCA_OK;
}

/* The accounts whose passwords the budget did not reach. */
static void
login_untried(const struct visit *v, char *out, size_t len)
{
	const struct agent_account *a;
	size_t i, n;

	out[0] = '\0';
	for (i = 0; i < v->job->accounts_count; i++) {
		a = &v->job->accounts[i];
		if ((a->current[0] == '\0' || a->tried & 1) &&
		    (a->pending[0] == '\0' || a->tried & 2))
			continue;
		n = strlen(out);
		snprintf(out + n, len - n, "%s%s", n > 0 ? ", " : "", a->user);
	}
}

/* Nobody could log in. Said with what was tried, so that a person need not try
 * the same again. */
static int
login_failed(struct visit *v, const struct agent_account *a)
{
	char left[256];

	login_untried(v, left, sizeof left);
	if (a == NULL)
		return visit_fail(v, "agent.no-account", "The vault has no "
		    "password for this camera: bring one in with \"camca "
		    "secret import\"");
	login_tell_unknown(v, a);
	return visit_fail(v, "camera.password-unknown", "None of the vault's "
	    "passwords that were tried works at this camera (%u failed logins "
	    "of %u allowed now%s%s). Read the password there or reset the "
	    "camera, then bring it in with \"camca secret import\"",
	    visit_failed_logins(v), v->job->options.login_budget,
	    left[0] != '\0' ? "; not tried: " : "", left);
}

int
visit_login(struct visit *v)
{
	struct agent_account *a, *last = NULL;
	bool works = false;
	int ret = CAMCA_OK;

	/* A step that is taken again does not try dead passwords again. */
	if (v->self != NULL && v->self->works != WORKS_NEITHER)
		return login_use(v, v->self);
	while (!works && (a = login_next(v->job)) != NULL) {
		if (last != NULL && visit_budget_left(v) == 0)
			break;
		last = a;
		ret = login_account(v, a, &works);
		if (ret < 0)
			return ret;
		if (!works)
			visit_detail(v, "%s does not log in", a->user);
	}
	return works ? login_use(v, last) : login_failed(v, last);
}

/* ---- new passwords ---- */

/* Marks for a camera that wants some: no quotes, brackets, ampersands or
 * colons, which its web page or RTSP server may not take. */
#define LOGIN_MARKS "!#*+-=_.@"
#define LOGIN_MARKS_FEW "-_"

static void
login_number(json_t *rule, const char *name, int n)
{
	if (n > 0)
		(void)json_object_set_new(rule, name, json_integer(n));
}

/* Once a visit: it holds for all accounts of the camera. */
static struct cam_password_rule
login_camera_rule(struct visit *v)
{
	struct cam_why why = { 0 };

	if (!v->rule_known)
		v->rule_known = v->drv->password_rule(v->cam, &v->rule,
		    &why) == CAMCA_OK;
	return v->rule_known ? v->rule : (struct cam_password_rule){
	    CAM_NOT_TOLD, CAM_NOT_TOLD, CAM_NOT_TOLD, CAM_NOT_TOLD, false };
}

/* What the camera itself tells, and where it refused that, ever simpler. */
static json_t *
login_rule(struct visit *v, unsigned tighter)
{
	struct cam_password_rule r = login_camera_rule(v);
	json_t *rule = json_object();
	int max = v->caps.max_password_len;

	if (rule == NULL)
		return NULL;
	if (tighter >= 2)
		max = max > 0 && max < 14 ? max : tighter > 2 ? 12 : 14;
	login_number(rule, "min", r.min_len);
	login_number(rule, "max", max);
	login_number(rule, "upper", r.upper);
	login_number(rule, "digit", r.digits);
	if (tighter % 2 == 0 && r.special > 0) {
		login_number(rule, "special", r.special);
		(void)json_object_set_new(rule, "specials", json_string(
		    tighter == 0 ? LOGIN_MARKS : LOGIN_MARKS_FEW));
	} else if (tighter > 0) {
		(void)json_object_set_new(rule, "specials", json_string(""));
	}
	return rule;
}

static json_t *
login_question(struct visit *v, const struct agent_account *a,
    unsigned tighter)
{
	json_t *o = json_pack("{s:I, s:o*}", "job", (json_int_t)v->job->id, "rule",
	    login_rule(v, tighter));
	if (o != NULL && a->id != 0)
		(void)json_object_set_new(o, "account",
		    json_integer((json_int_t)a->id));
	else if (o != NULL)
		(void)(json_object_set_new(o, "user", json_string(a->user)) |
		    json_object_set_new(o, "role", json_string(a->role)) |
		    json_object_set_new(o, "level", json_string(a->level)));
	return o;
}

/* Asking twice gives the same password: an answer that was lost, and a camcad
 * that restarts, are waited for. */
int
visit_secret(struct visit *v, struct agent_account *a, unsigned tighter)
{
	int64_t pause = LOGIN_RETRY_MS,
	    end = v->peer->mono_ms(v->peer->arg) + LOGIN_PATIENCE_MS;
	json_t *o = login_question(v, a, tighter), *answer = NULL;
	struct ident *id = NULL;
	struct refusal why;
	int ret;

	for (;;) {
		memset(&why, 0, sizeof why);
		ret = o == NULL ? CAMCA_ENOMEM : v->peer->post(v->peer->arg,
		    "secret", json_incref(o), &answer, &id, &why);
		if ((ret != CAMCA_EBUSY && ret != CAMCA_EIO) ||
		    v->peer->mono_ms(v->peer->arg) >= end ||
		    visit_wait(v, pause) != 0)
			break;
		pause = pause * 2 < LOGIN_RETRY_MAX_MS ? pause * 2 :
		    LOGIN_RETRY_MAX_MS;
	}
	if (ret == CAMCA_OK)
		ret = job_secret(a, answer, id, &why);
	ident_free(id);
	json_decref(answer);
	json_decref(o);
	if (ret == CAMCA_OK)
		return ret;
	if (ret == CAMCA_EBUSY || ret == CAMCA_EIO)
		snprintf(why.code, sizeof why.code, "agent.gate");
	(void)visit_peer_failed(v, ret, &why);
	return CAMCA_EPERM;       /* not the camera's: no step again */
}
