/* SPDX-License-Identifier: Apache-2.0 */
/* agent.lease: work for an agent, of its own site. First a look, for most of
 * the time there is nothing; then one transaction that takes the jobs; then,
 * outside of it, the passwords are opened and sealed to the agent. A camcad that
 * dies in between leaves leases that run out. */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "ca/authority/agent.h"
#include "ca/authority/custody.h"
#include "ca/base/log.h"
#include "ca/base/mono.h"

#define LEASE_POLL_S 5
#define LEASE_SEEN_MS 60000            /* how exact "last seen" is */
#define LEASE_DRIVERS_MAX 8
/* The gate waits 30 s for an answer, and a frame has 1 MiB. */
#define LEASE_BUILD_MS 15000
#define LEASE_BYTES_MAX 800000

static const struct body_key lease_keys[] = {
	{ "version", BODY_TEXT, true, 32 },
	{ "free", BODY_INT, true, 1000000 },
	{ "drivers", BODY_LIST, true, LEASE_DRIVERS_MAX },
	{ .type = BODY_END },
};

struct lease {
	struct agent_call x;
	const struct job_rules *rules;
	struct tx *tx;
	bool dry;                      /* only whether there is something */
	bool found;
	bool note;                     /* "last seen" is to be written */
	bool stopped;                  /* the site's series */
	int64_t leased_now;            /* of the series at the site */
	const struct job_level *level;
	size_t max, n;
	struct leased *list;           /* max of them */
};

static bool
lease_has_driver(const struct lease *l, const char *driver)
{
	json_t *list = json_object_get(l->x.body, "drivers"), *v;
	size_t i;

	json_array_foreach(list, i, v)
		if (json_is_string(v) &&
		    strcmp(json_string_value(v), driver) == 0)
			return true;
	return false;
}

/* Certificate and password of a camera never change within `pause` of each
 * other: whoever looks at a camera that is gone knows which it was. */
static int
lease_paused(struct lease *l, const struct job_row *r, bool *out)
{
	static const int64_t of_cert[] = { JOB_ENROLL, JOB_RENEW };
	static const int64_t of_password[] = { JOB_ROTATE };
	const int64_t *kinds = of_cert;
	struct job_last_row last;
	size_t i, n = 2;
	int ret;

	*out = false;
	if (r->mode == JOB_PLAN || (r->kind != JOB_ENROLL &&
	    r->kind != JOB_RENEW && r->kind != JOB_ROTATE))
		return CAMCA_OK;
	if (r->kind != JOB_ROTATE) {
		kinds = of_password;
		n = 1;
	}
	for (i = 0; i < n; i++) {
		ret = store_job_last_get(l->tx, r->device, kinds[i], &last);
		if (ret < 0)
			return ret;
		if (last.ended_ms != 0 && last.ended_ms + l->rules->pause_ms >
		    l->x.now)
			*out = true;
	}
	return CAMCA_OK;
}

static bool
lease_series_may(const struct lease *l, const struct job_row *r)
{
	if (!r->series)
		return true;
	if (l->stopped || l->leased_now >= l->rules->batch)
		return false;
	/* What a person asked for is done when he asks. */
	return strcmp(r->created_by, "camcad") != 0 || r->kind == JOB_OBSERVE ||
	    job_window_open(&l->level->window, l->rules->offset_min,
	    l->x.now);
}

static bool
lease_has_device(const struct lease *l, int64_t device)
{
	size_t i;

	for (i = 0; i < l->n; i++)
		if (l->list[i].job.device == device)
			return true;
	return false;
}

static int
lease_take(struct lease *l, const struct job_row *r,
    const struct login_left *logins)
{
	struct job_by by = agent_by(&l->x);
	struct leased *e = &l->list[l->n];
	int ret;

	e->job = *r;
	e->logins = logins->left;
	ret = job_lease(l->tx, &by, &e->job, &l->x.dev, l->rules->lease_ms);
	if (ret == CAMCA_OK)
		ret = login_grant(l->tx, e->job.id, logins);
	if (ret == CAMCA_OK)
		ret = leased_load(l->tx, e, l->x.now);
	if (ret < 0)
		return ret;
	l->n++;
	l->leased_now += r->series;
	return l->n == l->max;
}

/* Taken, or, where too many logins have failed there lately, put off. */
static int
lease_job(struct lease *l, const struct job_row *r)
{
	struct job_row row = *r;
	struct login_left logins;
	int ret;

	l->found = true;
	if (l->dry)
		return 1;
	ret = login_left(l->tx, r->device, l->x.now, l->rules, &logins);
	if (ret < 0)
		return ret;
	return logins.left > 0 ? lease_take(l, r, &logins) :
	    login_wait(l->tx, &row, l->x.now, logins.again_ms);
}

/* Non-zero ends the list. */
static int
lease_row(const struct job_row *r, void *arg)
{
	struct lease *l = arg;
	struct reach_row reach;
	struct device_row d;
	bool paused;
	int ret;

	if (lease_has_device(l, r->device) || !lease_series_may(l, r))
		return 0;
	ret = store_reach_get(l->tx, r->device, &reach);
	if (ret == CAMCA_ENOENT)
		return 0;
	if (ret < 0 || (ret = store_device_by_pk(l->tx, r->device, &d)) < 0 ||
	    (ret = lease_paused(l, r, &paused)) < 0)
		return ret;
	if (paused || !lease_has_driver(l, reach.driver) ||
	    strcmp(d.site, l->x.dev.site) != 0 || d.state == DEVICE_LOST ||
	    d.state == DEVICE_REVOKED ||
	    (d.state == DEVICE_RETIRED && r->kind != JOB_RETIRE))
		return 0;
	return lease_job(l, r);
}

/* ---- leases that are over ---- */

static int
lease_over_row(const struct job_row *r, void *arg)
{
	struct lease *l = arg;
	struct job_by by = agent_by(&l->x);
	struct job_row row = *r;

	if (strcmp(r->site, l->x.dev.site) != 0)
		return 0;
	l->found = true;
	return l->dry ? 1 : job_lease_over(l->tx, &by, &row, l->rules);
}

/* ---- the transaction ---- */

static int
lease_seen(struct lease *l)
{
	const char *version = body_text(l->x.body, "version");
	struct agent_row row;
	int ret = store_agent_get(l->tx, l->x.dev.pk, &row);

	if (ret < 0)
		return ret;
	l->note = row.seen_ms + LEASE_SEEN_MS <= l->x.now ||
	    strcmp(row.version, version) != 0;
	if (l->dry)
		return CAMCA_OK;
	row.seen_ms = l->x.now;
	row.free = body_int(l->x.body, "free", 0);
	snprintf(row.version, sizeof row.version, "%s", version);
	refusal_sanitize(row.version);
	ret = store_agent_put(l->tx, &row);
	if (ret == CAMCA_OK && l->x.cert.seen_ms == 0)
		ret = store_cert_seen(l->tx, l->x.cert.id, l->x.now);
	return ret;
}

/* What was sealed to whom is on record before it leaves. */
static int
lease_sealed(struct lease *l, const struct leased *e)
{
	struct agent_sealed_row row = { .agent = l->x.dev.pk,
	    .device = e->dev.pk };
	const struct vault_entry *v;
	size_t i;
	int ret = CAMCA_OK;

	for (i = 0; ret == CAMCA_OK && i < e->entries.n; i++) {
		v = &e->entries.list[i];
		if (!leased_sealed(e, &v->account))
			continue;
		row.account = v->account.id;
		row.secret = v->current.id;
		if (row.secret != 0)
			ret = store_agent_sealed_put(l->tx, &row);
		row.secret = v->pending.id;
		if (ret == CAMCA_OK && row.secret != 0)
			ret = store_agent_sealed_put(l->tx, &row);
	}
	return ret;
}

static int
lease_site(struct lease *l)
{
	struct job_site_row s;
	struct site_row site;
	int ret;

	if ((ret = store_site_get(l->tx, l->x.dev.site, &site)) < 0 ||
	    (ret = store_job_site_get(l->tx, site.id, &s)) < 0)
		return ret;
	l->level = &l->rules->levels[site.level - 1];
	l->stopped = s.stopped_ms != 0;
	return store_job_leased_count(l->tx, site.id, &l->leased_now);
}

static void
lease_drop(struct lease *l)
{
	size_t i;

	for (i = 0; i < l->n; i++)
		leased_fini(&l->list[i]);
	memset(l->list, 0, l->max * sizeof *l->list);
	l->n = 0;
}

static int
lease_tx(struct tx *tx, void *arg)
{
	struct lease *l = arg;
	size_t i;
	int ret;

	lease_drop(l);                       /* it may run again */
	l->tx = tx;
	l->found = false;
	if ((ret = agent_check(tx, &l->x)) < 0 || (ret = lease_seen(l)) < 0 ||
	    (ret = store_job_over(tx, l->x.now, lease_over_row, l)) < 0 ||
	    l->max == 0 || (l->dry && l->found) ||
	    (ret = lease_site(l)) < 0 ||
	    (ret = store_job_ready(tx, l->x.dev.site, l->x.now, 0, lease_row,
	    l)) < 0)
		return ret < 0 ? ret : CAMCA_OK;
	for (ret = 0, i = 0; ret == CAMCA_OK && i < l->n; i++)
		ret = lease_sealed(l, &l->list[i]);
	return ret;
}

/* ---- after it ---- */

struct lease_back {
	struct lease *l;
	struct leased *e;
	struct refusal why;            /* http 0: just given back */
};

static int
lease_back_tx(struct tx *tx, void *arg)
{
	struct lease_back *b = arg;
	struct job_by by = agent_by(&b->l->x);
	struct job_row r;
	int ret = store_job_get(tx, b->e->job.id, &r);

	if (ret < 0 || r.state != JOB_LEASED || r.agent != b->e->job.agent ||
	    r.attempts != b->e->job.attempts)
		return ret;
	/* The agent never heard of it. */
	ret = login_settle(tx, &r, 0, false, b->l->x.now, b->l->rules);
	if (ret < 0)
		return ret;
	if (b->why.http != 0)
		return job_finish(tx, &by, &r, &(struct job_finish){
		    .end = END_PARKED, .code = b->why.code,
		    .detail = b->why.detail, .agent = b->l->x.dev.id },
		    b->l->rules);
	return job_give_back(tx, &by, &r, false);
}

/* why NULL: it waits again as if nothing had been. */
static void
lease_back(struct lease *l, struct leased *e, const struct refusal *why)
{
	struct lease_back b = { .l = l, .e = e };
	int ret;

	if (why != NULL)
		b.why = *why;
	ret = store_tx(l->x.a->store, DB_WRITE, lease_back_tx, &b);
	if (ret < 0)
		log_msg(LOG_WARN, e->dev.id, "job %" PRId64 " stays leased "
		    "until its time is over: %s", e->job.id,
		    camca_strerror(ret));
}

static int
lease_build(struct lease *l, json_t *jobs)
{
	int64_t begin = mono_ms();
	size_t i, bytes = 0;
	struct refusal why;
	int ret = CAMCA_OK;

	for (i = 0; i < l->n; i++) {
		struct leased *e = &l->list[i];

		memset(&why, 0, sizeof why);
		if (ret == CAMCA_OK && bytes <= LEASE_BYTES_MAX &&
		    mono_ms() - begin <= LEASE_BUILD_MS)
			ret = leased_build(&l->x, e, &why);
		if (ret == CAMCA_EPOLICY) {
			log_msg(LOG_ERROR, e->dev.id, "job %" PRId64 ": %s",
			    e->job.id, why.detail);
			lease_back(l, e, &why);
			ret = CAMCA_OK;
			continue;
		}
		if (e->json != NULL) {
			bytes += json_dumpb(e->json, NULL, 0, JSON_COMPACT);
			if (bytes <= LEASE_BYTES_MAX || i == 0)
				json_array_append(jobs, e->json);
		}
		if (e->json == NULL || (bytes > LEASE_BYTES_MAX && i > 0)) {
			if (ret < 0 && l->x.c->why.http == 0)
				l->x.c->why = why;
			lease_back(l, e, NULL);
		}
	}
	/* Some are better than none: a token that fails now is met again. */
	if (json_array_size(jobs) > 0) {
		l->x.c->why.http = 0;
		return CAMCA_OK;
	}
	return ret;
}

static int
lease_run(struct lease *l)
{
	struct op_call *c = l->x.c;
	int64_t want = body_int(l->x.body, "free", 0);
	json_t *jobs;
	int ret;

	l->rules = &l->x.pol->jobs;
	l->max = (size_t)(want < JOB_LEASE_MAX ? want : JOB_LEASE_MAX);
	l->list = calloc(l->max + 1, sizeof *l->list);
	if (l->list == NULL)
		return CAMCA_ENOMEM;
	l->dry = true;
	if ((ret = custody_behind(c)) < 0 ||
	    (ret = store_tx(l->x.a->store, DB_READ, lease_tx, l)) < 0)
		return ret;
	l->dry = false;
	if ((l->found || l->note) &&
	    (ret = store_tx(l->x.a->store, DB_WRITE, lease_tx, l)) < 0)
		return ret;
	jobs = json_array();
	ret = jobs != NULL ? lease_build(l, jobs) : CAMCA_ENOMEM;
	if (ret < 0) {
		json_decref(jobs);
		return ret;
	}
	c->result = json_pack("{s:i, s:o}", "poll_s", LEASE_POLL_S, "jobs",
	    jobs);
	return c->result != NULL ? CAMCA_OK : CAMCA_ENOMEM;
}

int
op_agent_lease(struct op_call *c)
{
	struct lease *l = calloc(1, sizeof *l);
	int ret;

	if (l == NULL)
		return CAMCA_ENOMEM;
	ret = agent_begin(&l->x, c, lease_keys);
	if (ret == CAMCA_OK)
		ret = lease_run(l);
	ret = agent_done(&l->x, ret, c->op->name);
	if (l->list != NULL)
		lease_drop(l);
	free(l->list);
	agent_end(&l->x);
	free(l);
	return ret;
}
