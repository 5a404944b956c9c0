/* SPDX-License-Identifier: Apache-2.0 */
/* An account of our own, beside the administrator that people use: with two,
 * each password is changed from the other account, and no single failure locks
 * us out. */
#include <string.h>
#include <strings.h>

#include "enroll/agent/visit.h"

#define ACCOUNT_LEVEL "Administrator"

static int
account_listed(struct visit *v, const char *user, bool *there)
{
	const struct cam_accounts *l = &v->lists.accounts;
	int ret = visit_lists_need(v, LIST_ACCOUNTS);
	size_t i;

	*there = false;
	for (i = 0; ret == CAMCA_OK && i < l->n; i++)
		*there |= strcmp(l->v[i].user, user) == 0;
	return ret;
}

/* Created with a password that the vault already has as pending; an account
 * that is there, with a password that nobody knows, is given that one. */
static int
account_set(struct visit *v, struct agent_account *a, unsigned tighter)
{
	struct cam_why why = { 0 };
	bool there;
	int ret;

	/* One that another job left is asked for, too: only then it is this
	 * one's to confirm. */
	if (a->pending[0] == '\0' || a->leased_pending || tighter > 0) {
		ret = visit_secret(v, a, tighter);
		if (ret < 0)
			return ret;
	}
	if ((ret = account_listed(v, a->user, &there)) < 0)
		return ret;
	visit_lists_stale(v, LIST_ACCOUNTS);
	ret = there ? v->drv->account_password(v->cam, a->user, a->pending,
	    &why) : v->drv->account_create(v->cam, a->user, a->pending,
	    ACCOUNT_LEVEL, &why);
	if (ret == CAMCA_OK)
		visit_after(v, "%s %s", a->user, there ?
		    "has a new password" : "created");
	else
		ret = visit_cam(v, ret, &why, there ? "its password is set" :
		    "the account is created");
	return ret;
}

/* It logs in, perhaps a moment later. */
static int
account_proven(struct visit *v, struct agent_account *a)
{
	int64_t end = v->peer->mono_ms(v->peer->arg) +
	    v->job->options.password_wait_ms;
	bool works;
	int ret;

	for (;;) {
		ret = visit_try(v, a, a->pending[0] != '\0', &works);
		if (ret < 0 || works)
			return ret;
		if (visit_budget_left(v) <= 1 ||
		    v->peer->mono_ms(v->peer->arg) >= end)
			break;
		/* Once at once, once after the whole wait: each try that
		 * fails counts. */
		if (visit_wait(v, v->job->options.password_wait_ms) != 0)
			return CAMCA_EBUSY;
	}
	return visit_fail(v, "camera.account", "The new account %s does not "
	    "log in: see whether the camera must allow it for ONVIF", a->user);
}

static int
account_make(struct visit *v, struct agent_account *a)
{
	unsigned tighter = 0;
	int ret;

	while ((ret = account_set(v, a, tighter)) < 0 && tighter < 3 &&
	    strcmp(v->note.code, "camera.weak-password") == 0)
		tighter++;
	if (ret < 0)
		return ret;
	v->note.code[0] = '\0';
	ret = account_proven(v, a);
	if (ret < 0)
		return ret;
	visit_extra(v, "confirm", json_pack("{s:I}", "account",
	    (json_int_t)a->id));
	memcpy(a->current, a->pending, sizeof a->current);
	memset(a->pending, 0, sizeof a->pending);
	a->works = WORKS_CURRENT;
	a->leased_pending = false;
	return CAMCA_OK;
}

/* A camera with no room for a second account is worked with one. */
static bool
account_not_possible(const struct visit *v)
{
	return strcmp(v->note.code, "camera.full") == 0 ||
	    strcmp(v->note.code, "camera.unsupported") == 0;
}

int
step_account(struct visit *v)
{
	const char *user = v->job->options.service;
	struct agent_account *a;
	bool there;
	int ret;

	if (user[0] == '\0')
		return VISIT_SKIPPED;
	if (!v->on_tls)
		return visit_fail(v, "agent.no-tls", "No password goes over "
		    "plain HTTP");
	if ((ret = account_listed(v, user, &there)) < 0)
		return ret;
	a = job_account(v->job, user);
	/* Made by an earlier job. A camera that was reset has lost it. */
	if (a != NULL && there && a->pending[0] == '\0' &&
	    a->current[0] != '\0' && a->works != WORKS_NEITHER) {
		visit_before(v, "%s is there and in the vault", user);
		return VISIT_SKIPPED;
	}
	if (a == NULL)
		a = job_account_add(v->job, user, "service", ACCOUNT_LEVEL);
	if (a == NULL)
		return visit_fail(v, "agent.job", "Too many accounts");
	ret = account_make(v, a);
	if (ret == CAMCA_EPERM && account_not_possible(v)) {
		/* An account without a row in the vault is no target. */
		a->pending[0] = '\0';
		return VISIT_SKIPPED;
	}
	return ret;
}
