/* SPDX-License-Identifier: Apache-2.0 */
/* Rotation that cannot lock out. The new password is in the vault before the
 * camera hears it; each account is changed from another one where there is
 * one; and what counts is not the camera's "OK" but that the old password has
 * stopped to work and the new one does. The old one is asked first: as long as
 * it works the change has not been made, and asking costs no failed login. */
#include <openssl/crypto.h>
#include <stdio.h>
#include <string.h>

#include "enroll/agent/visit.h"

#define PASSWORD_POLL_MIN_MS 250
#define PASSWORD_POLL_MAX_MS 2000
#define PASSWORD_TIGHTER_MAX 3

enum proof {
	PROOF_NEW,                /* old fails, new works */
	PROOF_OLD,                /* old works: nothing has changed */
	PROOF_NEITHER,
	PROOF_ERROR
};

/* ---- whose ---- */

static bool
password_is_target(const struct visit *v, const struct agent_account *a)
{
	const struct agent_job *j = v->job;

	if (a->changed)
		return false;
	if (j->account != 0)
		return a->id == j->account;
	if (j->kind == JOB_ENROLL && strcmp(a->user, j->options.service) == 0)
		return false;             /* new a minute ago */
	return strcmp(a->role, "break-glass") != 0;
}

/* All pending passwords are asked for before the first is set: what is still
 * pending in a later attempt is then exactly what is left to do. */
static bool
password_done_before(const struct visit *v, const struct agent_account *a)
{
	return v->job->step >= STEP_PASSWORD && a->pending[0] == '\0';
}

static int
password_prepare(struct visit *v, size_t *count)
{
	size_t i;
	int ret;

	*count = 0;
	for (i = 0; i < v->job->accounts_count; i++) {
		struct agent_account *a = &v->job->accounts[i];

		a->target = password_is_target(v, a) &&
		    !password_done_before(v, a);
		if (!a->target)
			continue;
		++*count;
		/* The camera may have it: no other one now. One that keeps
		 * the camera's rule would be given again anyway. */
		if (a->sent || a->works == WORKS_PENDING)
			continue;
		if ((ret = visit_secret(v, a, 0)) < 0)
			return ret;
	}
	return CAMCA_OK;
}

/* ---- from where ---- */

/* Logs in with another account than a, so that a's own is no single thread to
 * hang on. Falls back to whoever is logged in. */
static int
password_actor(struct visit *v, const struct agent_account *a)
{
	struct cam_why why = { 0 };
	bool works = false;
	size_t i;
	int ret;

	for (i = 0; v->self == a && i < v->job->accounts_count; i++) {
		struct agent_account *b = &v->job->accounts[i];

		if (b == a || b->current[0] == '\0' ||
		    strcmp(b->role, "break-glass") == 0 ||
		    b->works == WORKS_NEITHER || visit_budget_left(v) <= 1)
			continue;
		if (b->works == WORKS_UNKNOWN) {
			ret = visit_try(v, b, false, &works);
			if (ret < 0)
				return ret;
		}
		if (b->works != WORKS_CURRENT)
			continue;
		ret = v->drv->credentials(v->cam, b->user, b->current, &why);
		if (ret < 0)
			return visit_cam(v, ret, &why, "the login is set");
		v->self = b;
	}
	visit_detail(v, "%s is changed by %s", a->user, v->self == a ?
	    "itself: the camera has no other account of ours" : v->self->user);
	return CAMCA_OK;
}

/* ---- the change ---- */

static int
password_set_once(struct visit *v, struct agent_account *a)
{
	struct cam_why why = { 0 };
	int ret = v->drv->account_password(v->cam, a->user, a->pending, &why);

	return ret < 0 ? visit_cam(v, ret, &why, "the password is set") :
	    CAMCA_OK;
}

/* A camera that does not take it gets a simpler one, which the vault has
 * before, as always. */
static int
password_set(struct visit *v, struct agent_account *a)
{
	unsigned tighter = 0;
	int ret;

	while ((ret = password_set_once(v, a)) < 0 &&
	    strcmp(v->note.code, "camera.weak-password") == 0 &&
	    tighter++ < PASSWORD_TIGHTER_MAX) {
		v->note.code[0] = '\0';
		visit_detail(v, "a simpler one is asked for");
		ret = visit_secret(v, a, tighter);
		if (ret < 0)
			return ret;
	}
	return ret;
}

/* ---- the proof ---- */

/* Until the old one fails or patience ends; *old: it still works. */
static int
proof_old(struct visit *v, struct agent_account *a, int64_t wait_ms,
    bool *old)
{
	int64_t pause = PASSWORD_POLL_MIN_MS,
	    end = v->peer->mono_ms(v->peer->arg) + wait_ms;
	int ret;

	*old = false;
	if (a->current[0] == '\0' || a->old_dead)
		return CAMCA_OK;
	for (;;) {
		ret = visit_ask(v, NULL, a->user, a->current, old);
		if (ret < 0 || !*old ||
		    v->peer->mono_ms(v->peer->arg) >= end)
			return ret;
		if (visit_wait(v, pause) != 0)
			return CAMCA_EBUSY;
		pause = pause * 2 < PASSWORD_POLL_MAX_MS ? pause * 2 :
		    PASSWORD_POLL_MAX_MS;
	}
}

static enum proof
proof_take(struct visit *v, struct agent_account *a, int64_t wait_ms, int *ret)
{
	bool old, new = false;

	*ret = proof_old(v, a, wait_ms, &old);
	if (*ret < 0)
		return PROOF_ERROR;
	if (old) {
		a->works = WORKS_CURRENT;
		return PROOF_OLD;
	}
	a->old_dead = a->current[0] != '\0';
	*ret = visit_ask(v, NULL, a->user, a->pending, &new);
	if (*ret == CAMCA_OK && !new && visit_budget_left(v) > 0) {
		/* Between the two it may know neither. */
		if (visit_wait(v, wait_ms) != 0)
			*ret = CAMCA_EBUSY;
		else
			*ret = visit_ask(v, NULL, a->user, a->pending, &new);
	}
	if (*ret < 0)
		return PROOF_ERROR;
	a->works = new ? WORKS_PENDING : WORKS_NEITHER;
	return new ? PROOF_NEW : PROOF_NEITHER;
}

/* ---- an account ---- */

/* The new one is current from here on. */
static int
password_proven(struct visit *v, struct agent_account *a)
{
	struct cam_why why = { 0 };
	int ret = CAMCA_OK;

	visit_after(v, "%s: the new password works%s", a->user,
	    a->current[0] != '\0' ? ", the old one fails" : "");
	visit_extra(v, "confirm", json_pack("{s:I}", "account",
	    (json_int_t)a->id));
	if (v->self == a) {
		ret = v->drv->credentials(v->cam, a->user, a->pending, &why);
		if (ret < 0)
			return visit_cam(v, ret, &why, "the login is set");
	}
	visit_surfaces(v, a);
	OPENSSL_cleanse(a->current, sizeof a->current);
	memcpy(a->current, a->pending, sizeof a->current);
	OPENSSL_cleanse(a->pending, sizeof a->pending);
	a->works = WORKS_CURRENT;
	a->target = a->sent = a->leased_pending = a->old_dead = false;
	a->changed = true;
	return CAMCA_OK;
}

static int
password_unproven(struct visit *v, struct agent_account *a, enum proof p)
{
	json_t *tried;

	if (p == PROOF_OLD)
		return visit_fail(v, "camera.password-ignored", "The camera "
		    "said yes, but %s still logs in with the old password "
		    "after %lld s: nothing has changed; update its firmware "
		    "or change it in its own page", a->user,
		    (long long)(v->job->options.password_wait_ms / 1000));
	tried = json_pack("[s, s]", "current", "pending");
	visit_extra(v, "unknown", json_pack("{s:I, s:o}", "account",
	    (json_int_t)a->id, "tried", tried));
	return visit_fail(v, "camera.password-unknown", "Neither the old nor "
	    "the new password of %s works: read it at the camera or reset it, "
	    "then bring it in with \"camca secret import\"", a->user);
}

/* Was it set before, by a visit that died or an answer that was lost? */
static bool
password_maybe_set(const struct visit *v, const struct agent_account *a)
{
	if (a->sent || a->works == WORKS_PENDING)
		return true;
	return a->leased_pending && a->works != WORKS_CURRENT &&
	    (v->job->attempt > 1 || v->job->step >= STEP_PASSWORD);
}

/* The answer to a change was lost: what does the camera have? True: it is to
 * be told once more. */
static bool
password_lost(struct visit *v, struct agent_account *a, unsigned i,
    enum proof *p, int *ret)
{
	v->note.code[0] = '\0';
	visit_detail(v, "the answer was lost: the camera is asked");
	*p = PROOF_ERROR;
	if (visit_wait(v, 500 << i) != 0) {
		*ret = CAMCA_EBUSY;
		return false;
	}
	*p = proof_take(v, a, 0, ret);
	return *p == PROOF_OLD;
}

/* Sets it where the camera does not have it. PROOF_NEW: and it is proven
 * already; PROOF_OLD: set, not yet proven. */
static enum proof
password_put(struct visit *v, struct agent_account *a, int *ret)
{
	enum proof p;
	unsigned i;

	*ret = CAMCA_OK;
	if (password_maybe_set(v, a)) {
		p = proof_take(v, a, 0, ret);
		if (p == PROOF_ERROR || p == PROOF_NEW ||
		    (p == PROOF_NEITHER && v->self == a))
			return p;
		*ret = CAMCA_OK;
	}
	for (i = 0; i < 3; i++) {
		*ret = password_set(v, a);
		a->sent = a->sent || *ret != CAMCA_EIO;
		if (*ret == CAMCA_OK)
			return PROOF_OLD;
		if (*ret != CAMCA_EUNKNOWN && *ret != CAMCA_EPROTO)
			return PROOF_ERROR;
		if (!password_lost(v, a, i, &p, ret))
			return p;
	}
	return PROOF_ERROR;
}

static int
password_prove(struct visit *v, struct agent_account *a, enum proof p)
{
	int ret = CAMCA_OK;

	visit_begin(v, STEP_PROVE);
	visit_before(v, "%s", a->user);
	if (p != PROOF_NEW)
		p = proof_take(v, a, v->job->options.password_wait_ms, &ret);
	if (p == PROOF_ERROR)
		return ret;
	ret = p == PROOF_NEW ? password_proven(v, a) :
	    password_unproven(v, a, p);
	if (ret < 0)
		return ret;
	v->critical = false;
	return visit_done(v, CAMCA_OK) ? CAMCA_OK : CAMCA_EBUSY;
}

/* A built-in account that cannot be changed: the others are, and the rest of
 * the job is done. */
static int
password_fixed(struct visit *v, struct agent_account *a)
{
	visit_detail(v, "%s is built in and its password cannot be changed "
	    "over ONVIF: change it in the camera's own page and bring it in "
	    "with \"camca secret import\", or let it go from the vault",
	    a->user);
	visit_finding(v);
	a->target = false;
	a->changed = true;
	v->critical = false;
	return visit_done(v, CAMCA_EPERM) || !v->gone ? CAMCA_OK :
	    CAMCA_EBUSY;
}

/* One account: two steps, told one by one. */
static int
password_account(struct visit *v, struct agent_account *a)
{
	enum proof p;
	int ret;

	visit_begin(v, STEP_PASSWORD);
	visit_before(v, "%s (%s)", a->user, a->level);
	if (visit_budget_left(v) < (a->old_dead ? 1u : 2u) && !a->sent)
		return visit_fail(v, "agent.next-visit", "The failed logins "
		    "of this visit are used up: %s waits for the next one",
		    a->user);
	v->critical = true;
	ret = password_actor(v, a);
	if (ret < 0)
		return ret;
	p = password_put(v, a, &ret);
	if (strcmp(v->note.code, "camera.fixed-user") == 0)
		return password_fixed(v, a);
	if (p == PROOF_ERROR || ret < 0)
		return ret;
	if (p == PROOF_NEITHER)
		return password_unproven(v, a, p);
	(void)visit_done(v, CAMCA_OK);
	return v->gone ? CAMCA_EBUSY : password_prove(v, a, p);
}

int
step_password(struct visit *v)
{
	size_t i, count;
	int ret;

	visit_begin(v, STEP_PASSWORD);
	if (!v->on_tls)
		return visit_fail(v, "agent.no-tls", "No password goes over "
		    "plain HTTP: the camera needs a certificate first");
	ret = password_prepare(v, &count);
	if (ret < 0)
		return ret;
	visit_detail(v, "%zu to change, each with a pending password in the "
	    "vault", count);
	if (!visit_done(v, count > 0 ? CAMCA_OK : VISIT_SKIPPED))
		return CAMCA_EBUSY;
	for (i = 0; i < v->job->accounts_count; i++)
		if (v->job->accounts[i].target &&
		    (ret = password_account(v, &v->job->accounts[i])) < 0)
			return ret;
	return CAMCA_OK;
}
