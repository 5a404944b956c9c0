/* SPDX-License-Identifier: Apache-2.0 */
#include "ca/job/job.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "ca/admit/admit.h"

void
job_event(struct event *e, const struct job_by *by, const char *type,
    const struct job_row *r)
{
	event_init(e, by->src, type, r->device_id, by->actor);
	event_add(e, "job", "%" PRId64, r->id);
	event_add(e, "kind", "%s", job_kind_name((enum job_kind)r->kind));
}

/* ---- making ---- */

static int
job_check_device(const struct job_spec *s, struct refusal *why)
{
	const struct device_row *d = s->dev;

	if (d->kind != DEVICE_CAMERA)
		return refuse(why, CAMCA_EINVAL, 400, "job.device",
		    "'%s' is no camera: agents do nothing with it.", d->id);
	if (d->state == DEVICE_LOST || d->state == DEVICE_REVOKED ||
	    (d->state == DEVICE_RETIRED && s->kind != JOB_RETIRE))
		return refuse(why, CAMCA_ECONFLICT, 409, "job.state",
		    "Camera '%s' is %s.", d->id,
		    device_state_name((enum device_state)d->state));
	return CAMCA_OK;
}

/* One that waits does it as well. A leased one may be past the point. */
static int
job_find(struct tx *tx, const struct job_spec *s, struct job_row *out)
{
	int ret = store_job_open(tx, s->dev->pk, (int64_t)s->kind,
	    (int64_t)s->mode, s->account, out);

	return ret == CAMCA_OK && out->state != JOB_WAITING ? CAMCA_ENOENT :
	    ret;
}

int
job_create(struct tx *tx, const struct job_by *by, const struct job_spec *s,
    int64_t *id_out, bool *made_out, struct refusal *why)
{
	struct job_row r;
	struct event e;
	int ret = job_check_device(s, why);

	if (made_out != NULL)
		*made_out = false;
	if (ret < 0)
		return ret;
	ret = job_find(tx, s, &r);
	if (ret == CAMCA_OK)
		*id_out = r.id;
	if (ret != CAMCA_ENOENT)
		return ret;
	r = (struct job_row){ .device = s->dev->pk, .kind = (int64_t)s->kind,
		.mode = (int64_t)s->mode, .account = s->account,
		.series = s->series, .state = JOB_WAITING, .step = -1,
		.not_before_ms = s->not_before_ms, .created_ms = by->now_ms,
		.updated_ms = by->now_ms };
	snprintf(r.site, sizeof r.site, "%s", s->dev->site);
	snprintf(r.device_id, sizeof r.device_id, "%s", s->dev->id);
	snprintf(r.created_by, sizeof r.created_by, "%s", by->actor);
	snprintf(r.reason, sizeof r.reason, "%s", s->reason);
	refusal_sanitize(r.reason);
	if ((ret = store_job_insert(tx, &r)) < 0)
		return ret;
	job_event(&e, by, "job.created", &r);
	event_add(&e, "mode", "%s", job_mode_name(s->mode));
	if (s->account != 0)
		event_add(&e, "account", "%" PRId64, s->account);
	event_add(&e, "reason", "%s", r.reason);
	if ((ret = event_put(tx, &e)) < 0)
		return ret;
	*id_out = r.id;
	if (made_out != NULL)
		*made_out = true;
	return CAMCA_OK;
}

/* ---- leases ---- */

int
job_lease(struct tx *tx, const struct job_by *by, struct job_row *r,
    const struct device_row *agent, int64_t lease_ms)
{
	struct event e;
	int ret;

	r->state = JOB_LEASED;
	r->agent = agent->pk;
	r->attempts++;
	r->lease_until_ms = by->now_ms + lease_ms;
	r->end = END_NOT_YET;
	r->updated_ms = by->now_ms;
	if ((ret = store_job_move(tx, r, JOB_WAITING)) < 0)
		return ret;
	job_event(&e, by, "job.leased", r);
	event_add(&e, "agent", "%s", agent->id);
	event_add(&e, "attempt", "%" PRId64, r->attempts);
	return event_put(tx, &e);
}

int
job_give_back(struct tx *tx, const struct job_by *by, struct job_row *r,
    bool counts)
{
	r->state = JOB_WAITING;
	r->lease_until_ms = 0;
	r->updated_ms = by->now_ms;
	if (!counts && r->attempts > 0)
		r->attempts--;
	return store_job_move(tx, r, JOB_LEASED);
}

bool
job_lease_holds(const struct job_row *r, int64_t agent, int64_t now_ms)
{
	return r->state == JOB_LEASED && r->agent == agent &&
	    r->lease_until_ms > now_ms;
}

/* ---- ends ---- */

/* What another try may mend by itself. Never a login that failed: it would try
 * passwords once more. */
static bool
job_passing(const char *code)
{
	static const char *const codes[] = { "camera.unreachable",
		"camera.timeout", "camera.stopped", "camera.memory",
		"camera.locked", "est.pending", "agent.gate", "agent.stopped",
		"agent.next-visit", "camera.budget", "job.lease" };
	size_t i;

	for (i = 0; i < sizeof codes / sizeof codes[0]; i++)
		if (strcmp(code, codes[i]) == 0)
			return true;
	return false;
}

/* Is a failure one that would meet the next camera as well? A camera that is
 * not there says nothing about its neighbours. */
static bool
job_is_alarm(const struct job_row *r)
{
	return r->mode == JOB_APPLY && r->kind != JOB_OBSERVE &&
	    r->end != END_SUCCESS && !job_passing(r->outcome);
}

/* A camera that the clock tries again after a failure, and that fails again,
 * tells nothing new: one alone must not stop its site by and by. */
static int
job_failed_before(struct tx *tx, const struct job_row *r, bool *out)
{
	struct job_last_row last;
	int ret = store_job_last_get(tx, r->device, r->kind, &last);

	*out = ret == CAMCA_OK && last.ended_ms > last.ok_ms &&
	    strcmp(r->created_by, "camcad") == 0;
	return ret;
}

static int
job_series(struct tx *tx, const struct job_by *by, const struct job_row *r,
    const struct job_rules *rules)
{
	struct job_site_row s;
	struct event e;
	int ret;

	if (!r->series || r->mode != JOB_APPLY || r->kind == JOB_OBSERVE ||
	    (r->end != END_SUCCESS && !job_is_alarm(r)))
		return CAMCA_OK;
	if ((ret = store_job_site_get(tx, r->site, &s)) < 0)
		return ret;
	if (r->end == END_SUCCESS) {
		if (s.failures == 0)
			return CAMCA_OK;
		s.failures = 0;
		return store_job_site_put(tx, &s);
	}
	s.failures++;
	snprintf(s.code, sizeof s.code, "%s", r->outcome);
	if (s.stopped_ms != 0 || rules->stop_after == 0 ||
	    s.failures < rules->stop_after)
		return store_job_site_put(tx, &s);
	s.stopped_ms = by->now_ms;
	event_init(&e, by->src, "job.stopped", NULL, by->actor);
	event_add(&e, "site", "%s", s.site);
	event_add(&e, "failures", "%" PRId64, s.failures);
	event_add(&e, "code", "%s", s.code);
	ret = store_job_site_put(tx, &s);
	return ret < 0 ? ret : event_put(tx, &e);
}

static int
job_ended(struct tx *tx, const struct job_by *by, const struct job_row *r,
    const char *agent)
{
	struct job_last_row last = { .device = r->device, .kind = r->kind,
	    .ended_ms = by->now_ms };
	struct event e;
	int ret;

	job_event(&e, by, "job.ended", r);
	event_add(&e, "mode", "%s", job_mode_name((enum job_mode)r->mode));
	event_add(&e, "state", "%s", r->end == END_ROLLED_BACK ?
	    "rolled-back" : job_state_name(r->state));
	if (r->outcome[0] != '\0')
		event_add(&e, "code", "%s", r->outcome);
	event_add(&e, "attempts", "%" PRId64, r->attempts);
	if (agent != NULL && agent[0] != '\0')
		event_add(&e, "agent", "%s", agent);
	if (r->detail[0] != '\0')
		event_add(&e, "reason", "%s", r->detail);
	if ((ret = event_put(tx, &e)) < 0 || r->mode == JOB_PLAN)
		return ret;
	if (r->state == JOB_DONE)
		last.ok_ms = by->now_ms;
	return store_job_last_put(tx, &last);
}

/* Each try later than the one before, up to an hour; no login at all while the
 * camera keeps everybody out. */
static int64_t
job_backoff_ms(const char *code, int64_t attempts)
{
	int64_t ms = strcmp(code, "camera.locked") == 0 ? 3600000 : 60000;

	while (attempts-- > 1 && ms < 3600000)
		ms *= 2;
	return ms < 3600000 ? ms : 3600000;
}

int
job_finish(struct tx *tx, const struct job_by *by, struct job_row *r,
    const struct job_finish *how, const struct job_rules *rules)
{
	bool again = how->end == END_FAILED && job_passing(how->code) &&
	    r->attempts < rules->attempts;
	bool before;
	int ret;

	/* An agent that is being stopped has not failed. */
	if (strcmp(how->code, "agent.stopped") == 0)
		return job_give_back(tx, by, r, false);
	r->end = how->end;
	snprintf(r->outcome, sizeof r->outcome, "%s", how->code);
	snprintf(r->detail, sizeof r->detail, "%s", how->detail);
	refusal_sanitize(r->detail);
	r->lease_until_ms = 0;
	r->updated_ms = by->now_ms;
	if (again) {
		r->state = JOB_WAITING;
		r->not_before_ms = by->now_ms + job_backoff_ms(r->outcome,
		    r->attempts);
		return store_job_move(tx, r, JOB_LEASED);
	}
	r->state = how->end == END_SUCCESS ? JOB_DONE :
	    how->end == END_PARKED ? JOB_PARKED : JOB_FAILED;
	if ((ret = store_job_move(tx, r, JOB_LEASED)) < 0 ||
	    (ret = job_failed_before(tx, r, &before)) < 0 ||
	    (ret = job_ended(tx, by, r, how->agent)) < 0 ||
	    (before && r->end != END_SUCCESS))
		return ret;
	return job_series(tx, by, r, rules);
}

int
job_lease_over(struct tx *tx, const struct job_by *by, struct job_row *r,
    const struct job_rules *rules)
{
	struct job_finish how = { .end = END_FAILED, .code = "job.lease",
	    .detail = "The agent was not heard of any more." };

	if (r->attempts < rules->attempts)
		return job_give_back(tx, by, r, true);
	return job_finish(tx, by, r, &how, rules);
}

/* ---- people ---- */

int
job_cancel(struct tx *tx, const struct job_by *by, struct job_row *r,
    const char *reason, struct refusal *why)
{
	enum job_state from = (enum job_state)r->state;
	struct event e;
	int ret;

	if (from != JOB_WAITING && from != JOB_LEASED && from != JOB_PARKED)
		return refuse(why, CAMCA_ECONFLICT, 409, "job.state",
		    "Job %" PRId64 " is %s: there is nothing to give up.",
		    r->id, job_state_name(from));
	r->state = JOB_CANCELLED;
	r->lease_until_ms = 0;
	r->updated_ms = by->now_ms;
	if ((ret = store_job_move(tx, r, from)) < 0)
		return ret;
	job_event(&e, by, "job.cancelled", r);
	event_add(&e, "reason", "%s", reason);
	return event_put(tx, &e);
}

int
job_retry(struct tx *tx, const struct job_by *by, struct job_row *r,
    const char *reason, struct refusal *why)
{
	enum job_state from = (enum job_state)r->state;
	struct event e;
	int ret;

	if (from == JOB_WAITING && r->not_before_ms <= by->now_ms)
		return CAMCA_OK;
	if (from != JOB_FAILED && from != JOB_PARKED && from != JOB_WAITING)
		return refuse(why, CAMCA_ECONFLICT, 409, "job.state",
		    "Job %" PRId64 " is %s: only a failed or parked one begins "
		    "anew. %s", r->id, job_state_name(from), from ==
		    JOB_LEASED ? "Wait, or camca job cancel." :
		    "camca job create makes another one.");
	r->state = JOB_WAITING;
	r->attempts = 0;
	r->not_before_ms = 0;
	r->updated_ms = by->now_ms;
	if ((ret = store_job_move(tx, r, from)) < 0)
		return ret;
	job_event(&e, by, "job.retried", r);
	if (reason != NULL)
		event_add(&e, "reason", "%s", reason);
	return event_put(tx, &e);
}

int
job_resume_site(struct tx *tx, const struct job_by *by, const char *site,
    const char *reason)
{
	struct job_site_row s;
	struct event e;
	int ret = store_job_site_get(tx, site, &s);

	if (ret < 0 || (s.stopped_ms == 0 && s.failures == 0))
		return ret;
	s.failures = 0;
	s.stopped_ms = 0;
	s.code[0] = '\0';
	if ((ret = store_job_site_put(tx, &s)) < 0)
		return ret;
	event_init(&e, by->src, "job.resumed", NULL, by->actor);
	event_add(&e, "site", "%s", site);
	if (reason != NULL)
		event_add(&e, "reason", "%s", reason);
	return event_put(tx, &e);
}
