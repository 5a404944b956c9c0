/* SPDX-License-Identifier: Apache-2.0 */
/* What the clock does with jobs: leases that are over, and jobs that are due. A
 * part of the fleet each minute, so that a large one costs no more at once than
 * a small one. */
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "ca/authority/agent.h"
#include "ca/base/log.h"
#include "ca/job/plan.h"

#define TICK_DEVICES 1000              /* looked at each minute */
#define TICK_JOBS 256                  /* made, or taken back, each minute */

struct tick_job {
	int64_t device, account, start_ms;
	enum job_kind kind;
	bool series;
};

struct jobs_tick {
	struct authority *a;
	struct tx *tx;
	const struct job_rules *rules;
	int64_t now;
	struct job_row over[TICK_JOBS];
	size_t nover;
	struct tick_job due[TICK_JOBS];
	size_t ndue;
	int64_t old[TICK_JOBS];        /* to be forgotten */
	size_t nold;
	int64_t after, seen;           /* devices: key to go on after, count */
	struct plan plan;
	struct cert_pick last;         /* of the device, in force or not */
	int64_t device;
};

/* ---- leases ---- */

static int
tick_over_row(const struct job_row *r, void *arg)
{
	struct jobs_tick *t = arg;

	t->over[t->nover++] = *r;
	return t->nover == TICK_JOBS;
}

static int
tick_over(struct tx *tx, struct jobs_tick *t, const struct job_row *seen)
{
	struct job_by by = { &t->a->events, "camcad", t->now };
	struct job_row r;
	int ret = store_job_get(tx, seen->id, &r);

	if (ret < 0 || r.state != JOB_LEASED || r.lease_until_ms > t->now)
		return ret;
	log_msg(LOG_NOTE, r.device_id, "job %" PRId64 ": nothing was heard "
	    "of it in time", r.id);
	return job_lease_over(tx, &by, &r, t->rules);
}

/* Jobs are forgotten in time; what they did stays in the custody log. */
static int
tick_old_row(const struct job_row *r, void *arg)
{
	struct jobs_tick *t = arg;

	t->old[t->nold++] = r->id;
	return t->nold == TICK_JOBS;
}

/* ---- what is due ---- */

static int
tick_want(struct jobs_tick *t, enum job_kind kind, int64_t account)
{
	int64_t due = plan_due(&t->plan, kind);
	struct job_row open;
	int ret;

	if (due > t->now || t->ndue == TICK_JOBS)
		return CAMCA_OK;
	ret = store_job_open(t->tx, t->device, kind, JOB_APPLY, account,
	    &open);
	if (ret != CAMCA_ENOENT)
		return ret;
	t->due[t->ndue++] = (struct tick_job){ .device = t->device,
	    .account = account, .kind = kind,
	    /* Neither a window nor other cameras' failures hold up what is
	     * about to run out, or is in the wrong hands. */
	    .series = !(kind == JOB_RENEW && plan_urgent(&t->plan)) &&
	    !(kind == JOB_ROTATE && t->plan.compromised),
	    .start_ms = plan_start(&t->plan, kind, t->now) };
	return CAMCA_OK;
}

/* The newest one in force. Where none is, or the one that was issued last is
 * from a time to come, that one: nobody else renews it after an agent, or a
 * camera, was away past its end, or after a clock was ahead. One that was revoked
 * is not replaced by the clock. */
static int
tick_cert_row(const struct cert_pick *r, void *arg)
{
	struct jobs_tick *t = arg;

	if (r->id > t->last.id)
		t->last = *r;
	if (r->status == CERT_GOOD && r->not_before_ms <= t->now &&
	    r->not_after_ms > t->now &&
	    r->not_before_ms >= t->plan.not_before_ms) {
		t->plan.not_before_ms = r->not_before_ms;
		t->plan.not_after_ms = r->not_after_ms;
	}
	return 0;
}

static int
tick_certs(struct jobs_tick *t)
{
	int ret;

	memset(&t->last, 0, sizeof t->last);
	ret = store_cert_pick_device(t->tx, t->device, 0, tick_cert_row, t);
	if (ret == CAMCA_OK && t->last.status == CERT_GOOD &&
	    (t->plan.not_after_ms == 0 || t->last.not_before_ms > t->now)) {
		t->plan.not_before_ms = t->last.not_before_ms;
		t->plan.not_after_ms = t->last.not_after_ms;
	}
	return ret;
}

static int
tick_account_row(const struct due_account_row *r, void *arg)
{
	struct jobs_tick *t = arg;

	t->plan.password_ms = r->changed_ms;
	t->plan.compromised = r->compromised_ms != 0;
	return tick_want(t, JOB_ROTATE, r->account);
}

static int
tick_load(struct jobs_tick *t, const struct device_row *d)
{
	struct site_row site;
	int64_t k;
	int ret;

	memset(&t->plan, 0, sizeof t->plan);
	t->device = d->pk;
	t->plan.device = d->id;
	t->plan.rules = t->rules;
	t->plan.now_ms = t->now;
	t->plan.held = d->state != DEVICE_ENROLLED ||
	    d->restriction == RESTRICT_RENEWAL;
	if ((ret = store_site_get(t->tx, d->site, &site)) < 0 ||
	    (ret = tick_certs(t)) < 0)
		return ret;
	t->plan.level = &t->rules->levels[site.level - 1];
	for (k = 0; k < JOB_KINDS && ret == CAMCA_OK; k++)
		ret = store_job_last_get(t->tx, d->pk, k, &t->plan.last[k]);
	return ret;
}

static int
tick_reach_row(const struct reach_row *r, void *arg)
{
	struct jobs_tick *t = arg;
	int64_t every;
	struct device_row d;
	int ret;

	if (t->ndue == TICK_JOBS)
		return 1;
	t->after = r->device;
	t->seen++;
	if ((ret = store_device_by_pk(t->tx, r->device, &d)) < 0)
		return ret;
	if (d.state != DEVICE_ENROLLED && d.state != DEVICE_HELD)
		return 0;
	if ((ret = tick_load(t, &d)) < 0 ||
	    (ret = tick_want(t, JOB_OBSERVE, 0)) < 0 ||
	    (ret = tick_want(t, JOB_RENEW, 0)) < 0 ||
	    (ret = tick_want(t, JOB_CRL, 0)) < 0)
		return ret;
	/* One that is compromised is changed however that is set, and again
	 * where a rotation failed: until it is done. */
	every = t->plan.level->rotate_every_ms;
	ret = store_due_accounts(t->tx, d.pk, every == 0 ? -1 :
	    t->now - every, tick_account_row, t);
	return ret < 0 ? ret : 0;
}

static int
tick_look_tx(struct tx *tx, void *arg)
{
	struct jobs_tick *t = arg;
	int ret;

	t->tx = tx;
	t->nover = t->ndue = t->nold = 0;
	t->seen = 0;
	t->after = t->a->plan_after;
	ret = store_job_over(tx, t->now, tick_over_row, t);
	if (ret >= 0)
		ret = store_job_old(tx, t->now - t->rules->keep_ms, TICK_JOBS,
		    tick_old_row, t);
	if (ret >= 0)
		ret = store_reach_list(tx, t->a->plan_after, TICK_DEVICES,
		    tick_reach_row, t);
	return ret < 0 ? ret : CAMCA_OK;
}

static int
tick_make(struct tx *tx, struct jobs_tick *t, const struct tick_job *j)
{
	static const char *const reasons[JOB_KINDS] = {
		[JOB_RENEW] = "The certificate has come of age.",
		[JOB_ROTATE] = "The password has come of age, or is known to "
		    "somebody who should not have it.",
		[JOB_CRL] = "The revocation list on the camera is old.",
		[JOB_OBSERVE] = "A look at the camera is due." };
	struct job_by by = { &t->a->events, "camcad", t->now };
	struct device_row d;
	struct job_spec s = { .kind = j->kind, .dev = &d,
	    .account = j->account, .reason = reasons[j->kind],
	    .not_before_ms = j->start_ms, .series = j->series };
	int64_t id;
	int ret = store_device_by_pk(tx, j->device, &d);

	if (ret == CAMCA_OK)
		ret = job_create(tx, &by, &s, &id, NULL, NULL);
	return ret == CAMCA_ECONFLICT ? CAMCA_OK : ret;
}

static int
tick_write_tx(struct tx *tx, void *arg)
{
	struct jobs_tick *t = arg;
	size_t i;
	int ret = CAMCA_OK;

	for (i = 0; i < t->nover && ret == CAMCA_OK; i++)
		ret = tick_over(tx, t, &t->over[i]);
	for (i = 0; i < t->ndue && ret == CAMCA_OK; i++)
		ret = tick_make(tx, t, &t->due[i]);
	for (i = 0; i < t->nold && ret == CAMCA_OK; i++) {
		ret = store_job_delete(tx, t->old[i]);
		if (ret == CAMCA_ENOENT)     /* begun anew meanwhile */
			ret = CAMCA_OK;
	}
	return ret;
}

int
jobs_tick(struct authority *a, const struct policies *pol, int64_t now)
{
	struct jobs_tick *t = calloc(1, sizeof *t);
	int ret;

	if (t == NULL)
		return CAMCA_ENOMEM;
	t->a = a;
	t->rules = &pol->jobs;
	t->now = now;
	ret = store_tx(a->store, DB_READ, tick_look_tx, t);
	if (ret == CAMCA_OK && t->nover + t->ndue + t->nold > 0)
		ret = store_tx(a->store, DB_WRITE, tick_write_tx, t);
	/* At the end of the fleet it begins anew. */
	if (ret == CAMCA_OK)
		a->plan_after = t->seen < TICK_DEVICES &&
		    t->ndue < TICK_JOBS ? 0 : t->after;
	free(t);
	return ret;
}
