/* SPDX-License-Identifier: Apache-2.0 */
/* job.*: what people do with jobs. */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "ca/authority/agent.h"

json_t *
job_json(const struct job_row *r)
{
	json_t *o = json_pack("{s:I, s:s, s:s, s:s, s:s, s:s, s:I, s:s, s:s, "
	    "s:s, s:s, s:s}", "id", (json_int_t)r->id, "device", r->device_id,
	    "site", r->site, "kind", job_kind_name((enum job_kind)r->kind),
	    "mode", job_mode_name((enum job_mode)r->mode), "state",
	    job_state_name(r->state), "attempts", (json_int_t)r->attempts,
	    "step", r->step < 0 ? "" : job_step_name((enum job_step)r->step),
	    "code", r->outcome, "detail", r->detail, "reason", r->reason,
	    "by", r->created_by);

	if (o == NULL)
		return NULL;
	if (r->account != 0)
		json_object_set_new(o, "account",
		    json_integer((json_int_t)r->account));
	json_set_time(o, "created", r->created_ms);
	json_set_time(o, "updated", r->updated_ms);
	json_set_time(o, "not_before", r->not_before_ms);
	json_set_time(o, "lease_until", r->lease_until_ms);
	return o;
}

json_t *
job_step_json(const struct job_step_row *r)
{
	json_t *o = json_pack("{s:I, s:I, s:s, s:s, s:s, s:s, s:s, s:s}", "n",
	    (json_int_t)r->n, "attempt", (json_int_t)r->attempt, "step",
	    job_step_name((enum job_step)r->step), "outcome",
	    job_outcome_name((enum job_outcome)r->outcome), "code", r->code,
	    "before", r->before, "after", r->after, "detail", r->detail);

	if (o != NULL)
		json_set_time(o, "time", r->time_ms);
	return o;
}

static struct job_by
job_op_by(const struct op_call *c, int64_t now)
{
	return (struct job_by){ &c->a->events, c->caller->actor, now };
}

static int
job_unknown(struct op_call *c, int64_t id)
{
	return refuse(&c->why, CAMCA_ENOENT, 404, "job.unknown",
	    "There is no job %" PRId64 ".", id);
}

int
site_must_be(struct tx *tx, const char *site, struct refusal *why)
{
	struct site_row row;
	int ret = store_site_get(tx, site, &row);

	return ret != CAMCA_ENOENT ? ret : refuse(why, ret, 404,
	    "device.no-such-site", "There is no site '%s'.", site);
}

/* ---- job.create ---- */

struct job_make {
	struct op_call *c;
	int64_t now, at;
	int kind, mode;
	struct device_row dev;
	int64_t *pks;                  /* cameras of the site */
	size_t n, max;
	json_t *ids;
	int64_t skipped;
	struct policies *pol;
	int64_t not_admitted;          /* cameras that get no certificate */
	struct refusal admission;      /* of the first of them */
};

/* Better heard before a camera has made a key than by its refused request; its
 * papers may still come in time. */
static int
make_admission(struct tx *tx, struct job_make *m)
{
	struct refusal why = { 0 };
	struct site_row site;
	bool approval;
	int ret;

	if (m->kind != JOB_ENROLL || m->mode == JOB_ROLLBACK)
		return CAMCA_OK;
	if ((ret = store_site_get(tx, m->dev.site, &site)) < 0)
		return ret;
	ret = admit_check(tx, &m->pol->levels, &m->dev, &site, ADMIT_ENROLL,
	    false, m->now, &approval, &why);
	if (ret == CAMCA_OK || why.http == 0)
		return ret;
	if (m->not_admitted++ == 0)
		m->admission = why;
	return CAMCA_OK;
}

static int
make_account(struct tx *tx, struct job_make *m, int64_t *out)
{
	const char *user = arg_text(m->c, "account");
	struct vault_account a;
	int ret;

	*out = 0;
	if (user == NULL)
		return CAMCA_OK;
	ret = store_vault_account_get(tx, m->dev.pk, user, &a);
	if (ret == CAMCA_ENOENT)
		return refuse(&m->c->why, ret, 404, "job.account",
		    "The vault has no account '%s' of '%s'.", user,
		    m->dev.id);
	*out = a.id;
	return ret;
}

static int
make_one(struct tx *tx, struct job_make *m, bool series)
{
	struct job_by by = job_op_by(m->c, m->now);
	struct job_spec s = { .kind = (enum job_kind)m->kind,
	    .mode = (enum job_mode)m->mode, .dev = &m->dev,
	    .reason = arg_text(m->c, "reason") != NULL ?
	    arg_text(m->c, "reason") : "Asked for by a person.",
	    .not_before_ms = m->at, .series = series };
	struct reach_row reach;
	int64_t id;
	int ret = store_reach_get(tx, m->dev.pk, &reach);

	if (ret == CAMCA_ENOENT)
		return refuse(&m->c->why, CAMCA_ECONFLICT, 409,
		    "job.unreachable", "Nobody has said where '%s' is "
		    "reached: camca device reach.", m->dev.id);
	if (ret < 0 || (ret = make_account(tx, m, &s.account)) < 0 ||
	    (ret = job_create(tx, &by, &s, &id, NULL, &m->c->why)) < 0 ||
	    (ret = make_admission(tx, m)) < 0)
		return ret;
	return json_array_append_new(m->ids, json_integer((json_int_t)id)) ==
	    0 ? CAMCA_OK : CAMCA_ENOMEM;
}

static int
make_row(const struct device_row *d, void *arg)
{
	struct job_make *m = arg;
	int64_t *more;
	size_t max;

	if (m->n == m->max) {
		max = m->max > 0 ? m->max * 2 : 256;
		more = reallocarray(m->pks, max, sizeof *more);
		if (more == NULL)
			return CAMCA_ENOMEM;
		m->pks = more;
		m->max = max;
	}
	m->pks[m->n++] = d->pk;
	return 0;
}

/* Cameras that are gone, or that nobody has an address of, are left out. */
static int
make_site(struct tx *tx, struct job_make *m)
{
	struct device_filter f = { .site = arg_text(m->c, "site"),
	    .state = -1, .kind = DEVICE_CAMERA };
	size_t i;
	int ret = site_must_be(tx, f.site, &m->c->why);

	m->n = 0;
	if (ret < 0 || (ret = store_device_list(tx, &f, 0, INT64_MAX, make_row,
	    m)) < 0)
		return ret;
	for (i = 0; i < m->n; i++) {
		if ((ret = store_device_by_pk(tx, m->pks[i], &m->dev)) < 0)
			return ret;
		ret = make_one(tx, m, true);
		if (ret == CAMCA_ECONFLICT || ret == CAMCA_ENOENT) {
			m->c->why.http = 0;
			m->skipped++;
		} else if (ret < 0) {
			return ret;
		}
	}
	if (json_array_size(m->ids) > 0)
		return CAMCA_OK;
	return refuse(&m->c->why, CAMCA_ECONFLICT, 409, "job.none", "No "
	    "camera of site '%s' takes this job; of its %zu cameras each is "
	    "out of service, or without an address (camca device reach) or "
	    "this account.", f.site, m->n);
}

static int
make_tx(struct tx *tx, void *arg)
{
	struct job_make *m = arg;
	const char *id = arg_text(m->c, "device");
	int ret;

	json_array_clear(m->ids);
	m->skipped = m->not_admitted = 0;
	if (id == NULL)
		return make_site(tx, m);
	ret = store_device_get(tx, id, &m->dev);
	if (ret == CAMCA_ENOENT)
		return refuse(&m->c->why, ret, 404, "device.unknown",
		    "There is no device '%s'.", id);
	if (ret == CAMCA_OK && m->dev.kind != DEVICE_CAMERA)
		return refuse(&m->c->why, CAMCA_EINVAL, 400, "job.device",
		    "'%s' is no camera: agents do nothing with it.", id);
	return ret < 0 ? ret : make_one(tx, m, false);
}

static int
make_args(struct job_make *m)
{
	struct op_call *c = m->c;
	const char *mode = arg_text(c, "mode"), *at = arg_text(c, "at");

	if ((arg_text(c, "device") != NULL) == (arg_text(c, "site") != NULL))
		return refuse(&c->why, CAMCA_EINVAL, 400, "request.argument",
		    "Name a device or a site, one of the two.");
	m->kind = job_kind_parse(arg_text(c, "kind"));
	if (m->kind < 0)
		return refuse(&c->why, CAMCA_EINVAL, 400, "job.kind",
		    "A job is enroll, renew, rotate-password, push-crl, "
		    "observe or retire.");
	m->mode = mode != NULL ? job_mode_parse(mode) : JOB_APPLY;
	if (m->mode < 0 || (m->mode == JOB_ROLLBACK && m->kind != JOB_ENROLL &&
	    m->kind != JOB_RENEW))
		return refuse(&c->why, CAMCA_EINVAL, 400, "job.mode",
		    "A mode is apply, plan or, for enroll and renew, "
		    "rollback.");
	if (arg_text(c, "account") != NULL && m->kind != JOB_ROTATE)
		return refuse(&c->why, CAMCA_EINVAL, 400, "job.account",
		    "Only rotate-password is about one account.");
	if (m->kind == JOB_RETIRE && arg_text(c, "site") != NULL)
		return refuse(&c->why, CAMCA_EINVAL, 400, "job.kind",
		    "Cameras are retired one by one.");
	if (at != NULL && ctx_time_parse(at, &m->at) < 0)
		return refuse(&c->why, CAMCA_EINVAL, 400, "job.at",
		    "A time is written 2026-11-22 or, in UTC, "
		    "2026-11-22T22:00:00Z.");
	return CAMCA_OK;
}

int
op_job_create(struct op_call *c)
{
	struct job_make m = { .c = c };
	int ret;

	if ((ret = make_args(&m)) < 0 ||
	    (ret = authority_now(c->a, &m.now, &c->why)) < 0)
		return ret;
	m.ids = json_array();
	m.pol = authority_policies(c->a);
	ret = store_tx(c->a->store, DB_WRITE, make_tx, &m);
	authority_policies_put(c->a, m.pol);
	free(m.pks);
	if (ret < 0) {
		json_decref(m.ids);
		return ret;
	}
	c->result = json_pack("{s:o, s:I}", "jobs", m.ids, "skipped",
	    (json_int_t)m.skipped);
	if (c->result == NULL)
		return CAMCA_ENOMEM;
	if (m.not_admitted > 0) {
		json_object_set_new(c->result, "not_admitted",
		    json_integer((json_int_t)m.not_admitted));
		json_object_set_new(c->result, "admission",
		    json_string(m.admission.detail));
	}
	return CAMCA_OK;
}

/* ---- job.list, job.show ---- */

struct job_find {
	struct op_call *c;
	struct page page;
	struct job_filter filter;
	int64_t before;
	struct job_row row;
	json_t *steps;
};

static int
find_row(const struct job_row *r, void *arg)
{
	struct page *p = arg;

	snprintf(p->next, sizeof p->next, "%" PRId64, r->id);
	return json_array_append_new(p->items, job_json(r)) == 0 ? 0 :
	    CAMCA_ENOMEM;
}

static int
find_list_tx(struct tx *tx, void *arg)
{
	struct job_find *f = arg;
	const char *id = arg_text(f->c, "device");
	struct device_row d;
	int ret;

	json_array_clear(f->page.items);
	if (f->filter.site != NULL && (ret = site_must_be(tx, f->filter.site,
	    &f->c->why)) < 0)
		return ret;
	if (id != NULL) {
		ret = store_device_get(tx, id, &d);
		if (ret == CAMCA_ENOENT)
			return refuse(&f->c->why, ret, 404, "device.unknown",
			    "There is no device '%s'.", id);
		if (ret < 0)
			return ret;
		f->filter.device = d.pk;
	}
	return store_job_list(tx, &f->filter, f->before, f->page.limit,
	    find_row, &f->page);
}

int
op_job_list(struct op_call *c)
{
	struct job_find f = { .c = c, .filter = { -1, -1, 0, NULL } };
	const char *state = arg_text(c, "state"), *kind = arg_text(c, "kind");
	int ret;

	f.filter.site = arg_text(c, "site");
	if (state != NULL && (f.filter.state = job_state_parse(state)) < 0)
		return refuse(&c->why, CAMCA_EINVAL, 400, "job.state",
		    "There is no job state '%s'.", state);
	if (kind != NULL && (f.filter.kind = job_kind_parse(kind)) < 0)
		return refuse(&c->why, CAMCA_EINVAL, 400, "job.kind",
		    "There is no kind of job '%s'.", kind);
	if ((ret = page_after(c, &f.before)) < 0)
		return ret;
	page_begin(c, &f.page);
	ret = store_tx(c->a->store, DB_READ, find_list_tx, &f);
	if (ret < 0) {
		json_decref(f.page.items);
		return ret;
	}
	return page_end(c, &f.page);
}

static int
find_step(const struct job_step_row *r, void *arg)
{
	return json_array_append_new(arg, job_step_json(r)) == 0 ? 0 :
	    CAMCA_ENOMEM;
}

static int
find_show_tx(struct tx *tx, void *arg)
{
	struct job_find *f = arg;
	int64_t id = arg_int(f->c, "job", 0);
	int ret = store_job_get(tx, id, &f->row);

	json_array_clear(f->steps);
	if (ret == CAMCA_ENOENT)
		return job_unknown(f->c, id);
	return ret < 0 ? ret : store_job_step_list(tx, id, f->before,
	    f->page.limit, find_step, f->steps);
}

int
op_job_show(struct op_call *c)
{
	struct job_find f = { .c = c, .steps = json_array() };
	int ret = page_after(c, &f.before);

	f.page.limit = arg_int(c, "limit", 50);
	if (f.page.limit > 60)               /* of 12 KiB each: one frame */
		f.page.limit = 60;
	if (ret == CAMCA_OK)
		ret = store_tx(c->a->store, DB_READ, find_show_tx, &f);
	if (ret < 0) {
		json_decref(f.steps);
		return ret;
	}
	c->result = json_pack("{s:o, s:o}", "job", job_json(&f.row), "steps",
	    f.steps);
	return c->result != NULL ? CAMCA_OK : CAMCA_ENOMEM;
}

/* ---- job.retry, job.cancel ---- */

struct job_decide {
	struct op_call *c;
	int64_t now;
	bool cancel;
	struct job_row row;
	int64_t n;
};

static int
decide_tx(struct tx *tx, void *arg)
{
	struct job_decide *x = arg;
	struct job_by by = job_op_by(x->c, x->now);
	const char *reason = arg_text(x->c, "reason");
	int64_t id = arg_int(x->c, "job", 0);
	int ret = store_job_get(tx, id, &x->row);

	if (ret == CAMCA_ENOENT)
		return job_unknown(x->c, id);
	if (ret < 0)
		return ret;
	if (x->cancel)
		return job_cancel(tx, &by, &x->row, reason, &x->c->why);
	/* Who asks for one job has looked at its camera; who asks for a whole
	 * site has not looked at each. */
	ret = job_retry(tx, &by, &x->row, reason, &x->c->why);
	return ret < 0 ? ret : login_forgive(tx, x->row.device);
}

static int
decide_run(struct job_decide *x, int (*fn)(struct tx *tx, void *arg))
{
	struct op_call *c = x->c;
	int ret = authority_now(c->a, &x->now, &c->why);

	if (ret == CAMCA_OK)
		ret = store_tx(c->a->store, DB_WRITE, fn, x);
	if (ret < 0)
		return ret;
	c->result = json_pack("{s:o}", "job", job_json(&x->row));
	return c->result != NULL ? CAMCA_OK : CAMCA_ENOMEM;
}

int
op_job_cancel(struct op_call *c)
{
	struct job_decide x = { .c = c, .cancel = true };

	return decide_run(&x, decide_tx);
}

struct retry_site {
	struct job_decide *x;
	struct tx *tx;
	struct job_by by;
};

static int
retry_row(const struct job_row *r, void *arg)
{
	struct retry_site *s = arg;
	struct job_row row = *r, open;
	int ret;

	/* What stopped the series; what was given up long ago stays. */
	if (r->state != JOB_FAILED || !r->series)
		return 0;
	ret = store_job_open(s->tx, r->device, r->kind, r->mode, r->account,
	    &open);
	if (ret != CAMCA_ENOENT)
		return ret < 0 ? ret : 0;
	s->x->n++;
	return job_retry(s->tx, &s->by, &row, arg_text(s->x->c, "reason"),
	    &s->x->c->why);
}

static int
retry_site_tx(struct tx *tx, void *arg)
{
	struct job_decide *x = arg;
	struct retry_site s = { x, tx, job_op_by(x->c, x->now) };
	const char *site = arg_text(x->c, "site");
	struct job_filter f = { JOB_FAILED, -1, 0, site };
	int ret = site_must_be(tx, site, &x->c->why);

	x->n = 0;
	if (ret < 0 || (ret = job_resume_site(tx, &s.by, site,
	    arg_text(x->c, "reason"))) < 0)
		return ret;
	/* The newest page of them: older failures have been tried anew. */
	ret = store_job_list(tx, &f, 0, 1000, retry_row, &s);
	return ret < 0 ? ret : CAMCA_OK;
}

int
op_job_retry(struct op_call *c)
{
	struct job_decide x = { .c = c };
	int ret;

	if ((json_object_get(c->args, "job") != NULL) ==
	    (arg_text(c, "site") != NULL))
		return refuse(&c->why, CAMCA_EINVAL, 400, "request.argument",
		    "Name a job or a site, one of the two.");
	if (arg_text(c, "site") == NULL)
		return decide_run(&x, decide_tx);
	if ((ret = authority_now(c->a, &x.now, &c->why)) < 0 ||
	    (ret = store_tx(c->a->store, DB_WRITE, retry_site_tx, &x)) < 0)
		return ret;
	c->result = json_pack("{s:s, s:I}", "site", arg_text(c, "site"),
	    "retried", (json_int_t)x.n);
	return c->result != NULL ? CAMCA_OK : CAMCA_ENOMEM;
}
