/* SPDX-License-Identifier: Apache-2.0 */
#include "ca/job/login.h"

#include <inttypes.h>
#include <stdio.h>

#include "ca/base/ctx.h"

/* A visit that never told: its job was given to somebody again, or cancelled,
 * when it was last written. */
static int
login_lost(struct tx *tx, struct login_row *l, int64_t now_ms)
{
	struct job_row r;
	int ret;

	if (l->granted == 0)
		return CAMCA_OK;
	ret = store_job_get(tx, l->job, &r);
	if (ret < 0 && ret != CAMCA_ENOENT)
		return ret;
	l->failed += l->granted;
	l->granted = 0;
	l->last_ms = ret == CAMCA_OK ? r.updated_ms : now_ms;
	return CAMCA_OK;
}

/* A clock that was set back makes nobody wait longer than the window. */
static void
login_age(struct login_row *l, int64_t now_ms, const struct job_rules *rules)
{
	if (l->last_ms > now_ms)
		l->last_ms = now_ms;
	if (now_ms - l->last_ms >= rules->login_window_ms)
		l->failed = 0;
}

int
login_left(struct tx *tx, int64_t device, int64_t now_ms,
    const struct job_rules *rules, struct login_left *out)
{
	struct login_row *l = &out->row;
	int ret;

	if ((ret = store_login_get(tx, device, l)) < 0 ||
	    (ret = login_lost(tx, l, now_ms)) < 0)
		return ret;
	login_age(l, now_ms, rules);
	out->left = rules->login_budget - l->failed;
	out->again_ms = 0;
	if (out->left < LOGIN_MIN) {
		out->left = 0;
		out->again_ms = l->last_ms + rules->login_window_ms;
	}
	return CAMCA_OK;
}

int
login_grant(struct tx *tx, int64_t job, const struct login_left *l)
{
	struct login_row row = l->row;

	row.job = job;
	row.granted = l->left;
	return store_login_put(tx, &row);
}

int
login_wait(struct tx *tx, struct job_row *r, int64_t now_ms, int64_t again_ms)
{
	char at[CTX_TIME_LEN];

	ctx_time_format(at, again_ms);
	r->not_before_ms = again_ms;
	r->updated_ms = now_ms;
	snprintf(r->outcome, sizeof r->outcome, "agent.next-visit");
	snprintf(r->detail, sizeof r->detail, "As many logins have failed, or "
	    "may have, at this camera as login_budget allows: it is left "
	    "alone until %s, so that it does not lock the account. Who knows "
	    "that it locks nobody says \"camca job retry %" PRId64 "\"", at,
	    r->id);
	return store_job_move(tx, r, JOB_WAITING);
}

int
login_settle(struct tx *tx, const struct job_row *r, int64_t failed,
    bool proven, int64_t now_ms, const struct job_rules *rules)
{
	struct login_row l;
	int ret = store_login_get(tx, r->device, &l);

	/* Settled before: a report may come twice. */
	if (ret < 0 || l.job != r->id || l.granted == 0)
		return ret;
	if (failed < 0)
		failed = l.granted;
	login_age(&l, now_ms, rules);
	l.granted = 0;
	l.failed = proven ? 0 : l.failed + failed;
	if (failed > 0)
		l.last_ms = now_ms;
	return store_login_put(tx, &l);
}

int
login_forgive(struct tx *tx, int64_t device)
{
	struct login_row l;
	struct job_row r;
	int ret = store_login_get(tx, device, &l);

	if (ret < 0 || (l.failed == 0 && l.granted == 0))
		return ret;
	/* A visit that is under way is not over yet. */
	ret = store_job_get(tx, l.job, &r);
	if (ret < 0 && ret != CAMCA_ENOENT)
		return ret;
	if (ret == CAMCA_ENOENT || r.state != JOB_LEASED)
		l.granted = 0;
	l.failed = 0;
	return store_login_put(tx, &l);
}
