/* SPDX-License-Identifier: Apache-2.0 */
/* agent.report: what a step read and did. Each prolongs the lease; one that is
 * told twice counts once; one that comes too late changes nothing. */
#include <inttypes.h>
#include <openssl/evp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "ca/authority/agent.h"
#include "ca/authority/custody.h"
#include "ca/authority/feed.h"
#include "ca/base/enc.h"
#include "ca/base/log.h"

static const struct body_key report_keys[] = {
	{ "job", BODY_INT, true, INT64_MAX },
	{ "attempt", BODY_INT, false, INT32_MAX },
	{ "step", BODY_TEXT, true, 32 },
	{ "outcome", BODY_TEXT, true, 16 },
	{ "code", BODY_TEXT, false, JOB_CODE_MAX - 1 },
	{ "before", BODY_TEXT, false, JOB_TEXT_MAX },
	{ "after", BODY_TEXT, false, JOB_TEXT_MAX },
	{ "detail", BODY_TEXT, false, JOB_TEXT_MAX },
	{ "confirm", BODY_OBJECT, false, 0 },
	{ "unknown", BODY_OBJECT, false, 0 },
	{ "observation", BODY_OBJECT, false, 0 },
	{ "served", BODY_OBJECT, false, 0 },
	{ "end", BODY_TEXT, false, 16 },
	{ "failed", BODY_INT, false, 1000 },
	{ .type = BODY_END },
};
static const struct body_key confirm_keys[] = {
	{ "account", BODY_INT, true, INT64_MAX },
	{ .type = BODY_END },
};
static const struct body_key unknown_keys[] = {
	{ "account", BODY_INT, true, INT64_MAX },
	{ "tried", BODY_LIST, true, 8 },
	{ .type = BODY_END },
};
static const struct body_key served_keys[] = {
	{ "sha256", BODY_TEXT, true, 64 },
	{ "serial", BODY_TEXT, false, 64 },
	{ .type = BODY_END },
};

/* A sign of life while a camera takes its time: no step of its own. */
#define REPORT_HEARTBEAT "agent.waiting"
/* Of one job, all its attempts together; an honest one takes some dozen each. */
#define REPORT_STEPS_MAX 2000

struct report_call {
	struct agent_call x;
	struct job_step_row step;
	enum job_end end;
	int64_t failed;                /* logins of this visit; -1: not told */
	const json_t *confirm, *unknown, *observation, *served;
	uint8_t served_sha256[STORE_HASH_LEN];
	struct job_row job;
	bool go;
	bool again;                    /* told before, with all it says */
	struct observe_result seen;
};

/* ---- the body ---- */

static int
report_word(struct report_call *r, const char *name, int value)
{
	if (value >= 0)
		return CAMCA_OK;
	return refuse(&r->x.c->why, CAMCA_EINVAL, 400, "request.argument",
	    "There is no %s '%.32s'.", name, body_text(r->x.body, name));
}

static int
report_parts(struct report_call *r)
{
	struct refusal *why = &r->x.c->why;
	json_t *o = r->x.body;
	int ret = CAMCA_OK;

	r->confirm = json_object_get(o, "confirm");
	r->unknown = json_object_get(o, "unknown");
	r->observation = json_object_get(o, "observation");
	r->served = json_object_get(o, "served");
	if (r->confirm != NULL)
		ret = body_check(r->confirm, confirm_keys, "'confirm'", why);
	if (ret == CAMCA_OK && r->unknown != NULL)
		ret = body_check(r->unknown, unknown_keys, "'unknown'", why);
	if (ret == CAMCA_OK && r->served != NULL)
		ret = body_check(r->served, served_keys, "'served'", why);
	if (ret == CAMCA_OK && r->served != NULL &&
	    dec_hex(r->served_sha256, sizeof r->served_sha256,
	    body_text(r->served, "sha256")) < 0)
		ret = refuse(why, CAMCA_EINVAL, 400, "request.argument",
		    "served.sha256 has 64 hex digits.");
	return ret;
}

static void
report_text(const json_t *o, const char *name, char *out, size_t len)
{
	snprintf(out, len, "%s", body_text(o, name));
	refusal_sanitize(out);
}

static int
report_args(struct report_call *r)
{
	struct job_step_row *s = &r->step;
	json_t *o = r->x.body;
	int step = job_step_parse(body_text(o, "step"));
	int outcome = job_outcome_parse(body_text(o, "outcome"));
	int end = job_end_parse(body_text(o, "end"));
	int ret;

	if ((ret = report_word(r, "step", step)) < 0 ||
	    (ret = report_word(r, "outcome", outcome)) < 0 ||
	    (ret = report_word(r, "end", end)) < 0 ||
	    (ret = report_parts(r)) < 0)
		return ret;
	s->job = body_int(o, "job", 0);
	s->step = step;
	s->outcome = outcome;
	r->end = (enum job_end)end;
	r->failed = body_int(o, "failed", -1);
	report_text(o, "code", s->code, sizeof s->code);
	report_text(o, "before", s->before, sizeof s->before);
	report_text(o, "after", s->after, sizeof s->after);
	report_text(o, "detail", s->detail, sizeof s->detail);
	if (s->outcome == OUTCOME_FAILED && s->code[0] == '\0')
		return refuse(&r->x.c->why, CAMCA_EINVAL, 400,
		    "request.argument", "A failure has a code.");
	/* It leaves no row by which it could be counted. */
	if (strcmp(s->code, REPORT_HEARTBEAT) == 0 && (r->confirm != NULL ||
	    r->unknown != NULL || r->observation != NULL ||
	    r->served != NULL || r->end != END_NOT_YET))
		return refuse(&r->x.c->why, CAMCA_EINVAL, 400,
		    "request.argument", "A sign of life says nothing else.");
	return CAMCA_OK;
}

/* ---- what it says ---- */

/* The answer to a report may be lost, and the agent tells it again. */
static bool
report_is_again(const struct job_step_row *a, const struct job_step_row *b)
{
	return a->attempt == b->attempt && a->step == b->step &&
	    a->outcome == b->outcome && strcmp(a->code, b->code) == 0 &&
	    strcmp(a->before, b->before) == 0 &&
	    strcmp(a->after, b->after) == 0 &&
	    strcmp(a->detail, b->detail) == 0;
}

static int
report_step(struct tx *tx, struct report_call *r)
{
	struct job_step_row last;
	int ret;

	if (strcmp(r->step.code, REPORT_HEARTBEAT) == 0)
		return CAMCA_OK;
	r->step.attempt = r->job.attempts;
	r->step.time_ms = r->x.now;
	ret = store_job_step_last(tx, r->job.id, &last);
	r->again = ret == CAMCA_OK && report_is_again(&last, &r->step);
	if (r->again || (ret < 0 && ret != CAMCA_ENOENT))
		return ret;
	if (ret == CAMCA_OK && last.n >= REPORT_STEPS_MAX)
		return refuse(&r->x.c->why, CAMCA_ECONFLICT, 409,
		    "job.too-many-steps", "Job %" PRId64 " has told of %d "
		    "steps: no more are taken. Cancel it and make another.",
		    r->job.id, REPORT_STEPS_MAX);
	return store_job_step_insert(tx, &r->step);
}

static int
report_account(struct tx *tx, struct report_call *r, const json_t *o)
{
	struct vault_account a;
	int ret = store_vault_account_by_id(tx, body_int(o, "account", 0), &a);

	if (ret == CAMCA_ENOENT || (ret == CAMCA_OK &&
	    a.device != r->job.device))
		return refuse(&r->x.c->why, CAMCA_ENOENT, 404, "job.account",
		    "The camera of this job has no such account.");
	return ret;
}

/* What a revoked agent had set, and another one found to work, is current now
 * and still in the wrong hands: it is changed once more. */
static int
report_compromised(struct tx *tx, struct report_call *r, int64_t account)
{
	struct job_by by = agent_by(&r->x);
	struct vault_secret s = { 0 };
	struct device_row dev;
	struct job_spec spec = { .kind = JOB_ROTATE, .dev = &dev,
	    .account = account, .reason = "The password that works is known "
	    "to be compromised." };
	int64_t id;
	int ret = store_vault_secret_in(tx, account, VAULT_CURRENT, &s);

	vault_secret_free(&s);
	if (ret < 0 || s.compromised_ms == 0)
		return ret;
	ret = store_device_by_pk(tx, r->job.device, &dev);
	if (ret == CAMCA_OK)
		ret = job_create(tx, &by, &spec, &id, NULL, NULL);
	return ret == CAMCA_ECONFLICT ? CAMCA_OK : ret;
}

static int
report_confirm(struct tx *tx, struct report_call *r)
{
	struct vault_by by = agent_vault_by(&r->x, r->job.id);
	int ret;

	if (r->confirm == NULL)
		return CAMCA_OK;
	if (r->job.mode != JOB_APPLY)
		return refuse(&r->x.c->why, CAMCA_EPERM, 403, "job.mode",
		    "This job changes nothing.");
	if ((ret = report_account(tx, r, r->confirm)) < 0)
		return ret;
	ret = vault_confirm(tx, &by, body_int(r->confirm, "account", 0));
	if (ret == CAMCA_ENOENT || ret == CAMCA_ECONFLICT)
		return refuse(&r->x.c->why, ret, 409, "job.confirm",
		    "No password of this job waits to be confirmed.");
	return ret < 0 ? ret : report_compromised(tx, r, body_int(r->confirm,
	    "account", 0));
}

struct served_search {
	const uint8_t *sha256;
	bool found;
};

static int
served_cert_row(const struct cert_row *r, void *arg)
{
	struct served_search *s = arg;
	uint8_t hash[STORE_HASH_LEN];

	if (r->status == CERT_REVOKED)
		return 0;
	if (EVP_Digest(r->der.p, r->der.n, hash, NULL, EVP_sha256(),
	    NULL) != 1)
		return CAMCA_ECRYPTO;
	s->found = memcmp(hash, s->sha256, sizeof hash) == 0;
	return s->found;
}

/* May the next visit, perhaps another agent's, believe this leaf? One of the
 * inventory, the one that is expected already, whatever a camera serves that
 * nobody has met, and what is left there by a way back. Any other would let a
 * stolen agent put its own in a camera's place, for the day after. */
static int
served_may(struct tx *tx, struct report_call *r, const struct reach_row *reach,
    bool *out)
{
	static const uint8_t none[STORE_HASH_LEN];
	struct served_search s = { r->served_sha256, false };
	const struct job_row *j = &r->job;
	int ret;

	*out = memcmp(reach->tls_sha256, r->served_sha256, sizeof none) == 0 ||
	    j->mode == JOB_ROLLBACK || (j->kind == JOB_RETIRE &&
	    j->mode == JOB_APPLY) || (j->kind == JOB_ENROLL &&
	    memcmp(reach->tls_sha256, none, sizeof none) == 0);
	if (*out)
		return CAMCA_OK;
	ret = store_cert_list(tx, j->device, 0, 0, INT64_MAX, served_cert_row,
	    &s);
	*out = s.found;
	return ret < 0 ? ret : CAMCA_OK;
}

/* Where it was known which leaf the camera serves, it is what the next visit
 * expects there. */
static int
report_served(struct tx *tx, struct report_call *r)
{
	struct reach_row reach;
	bool may;
	int ret;

	if (r->served == NULL)
		return CAMCA_OK;
	ret = store_reach_get(tx, r->job.device, &reach);
	if (ret < 0)
		return ret == CAMCA_ENOENT ? CAMCA_OK : ret;
	if ((ret = served_may(tx, r, &reach, &may)) < 0)
		return ret;
	if (!may)
		return refuse(&r->x.c->why, CAMCA_EPERM, 403, "job.served",
		    "The certificate that is served is not one of the "
		    "inventory: nobody will take it for the camera's.");
	return store_reach_leaf(tx, r->job.device, r->served_sha256,
	    r->x.now);
}

/* A camera that keeps nothing of ours any more is out of service. */
static int
report_retired(struct tx *tx, struct report_call *r)
{
	struct job_by by = agent_by(&r->x);
	struct device_row dev;
	struct standing_change s = { .a = r->x.a, .cas = r->x.cas, .by = &by,
	    .dev = &dev, .retire = true, .reason = r->job.reason };
	int ret;

	if (r->end != END_SUCCESS || r->job.kind != JOB_RETIRE ||
	    r->job.mode != JOB_APPLY)
		return CAMCA_OK;
	if ((ret = store_device_by_pk(tx, r->job.device, &dev)) < 0 ||
	    (ret = standing_change(tx, &s)) < 0)
		return ret;
	r->seen.held = s.changed;
	r->seen.rev_seq = s.rev_seq;
	return CAMCA_OK;
}

/* These end well only after every account has logged in. */
static bool
report_proven(const struct report_call *r)
{
	return r->end == END_SUCCESS && r->job.mode == JOB_APPLY &&
	    (r->job.kind == JOB_ENROLL ||
	    (r->job.kind == JOB_ROTATE && r->job.account == 0));
}

static int
report_end(struct tx *tx, struct report_call *r)
{
	const struct job_rules *rules = &r->x.pol->jobs;
	struct job_by by = agent_by(&r->x);
	struct job_finish how = { .end = r->end, .code = r->step.code,
	    .detail = r->step.detail, .agent = r->x.dev.id };
	int ret;

	if ((ret = report_retired(tx, r)) < 0 ||
	    (ret = login_settle(tx, &r->job, r->failed, report_proven(r),
	    r->x.now, rules)) < 0)
		return ret;
	if (r->end == END_SUCCESS)
		how.code = how.detail = "";
	return job_finish(tx, &by, &r->job, &how, rules);
}

/* The lease is over, or the job cancelled: how many logins failed is good to
 * know all the same, with one more that may be under way. */
static int
report_late(struct tx *tx, struct report_call *r)
{
	if (r->failed < 0 || r->job.state == JOB_LEASED ||
	    r->job.agent != r->x.dev.pk)
		return CAMCA_OK;
	return login_settle(tx, &r->job, r->end == END_NOT_YET ?
	    r->failed + 1 : r->failed, false, r->x.now, &r->x.pol->jobs);
}

static int
report_go_on(struct tx *tx, struct report_call *r)
{
	const struct job_rules *rules = &r->x.pol->jobs;

	r->job.lease_until_ms = r->x.now + rules->lease_ms;
	r->job.updated_ms = r->x.now;
	if (r->step.outcome != OUTCOME_FAILED &&
	    strcmp(r->step.code, REPORT_HEARTBEAT) != 0)
		r->job.step = r->step.step;
	return store_job_move(tx, &r->job, JOB_LEASED);
}

/* An agent that stood still may have been given the same job once more: its
 * two visits must not both go on, so each names its attempt. */
static bool
report_lease_holds(const struct report_call *r)
{
	int64_t attempt = body_int(r->x.body, "attempt", 0);

	return job_lease_holds(&r->job, r->x.dev.pk, r->x.now) &&
	    (attempt == 0 || attempt == r->job.attempts);
}

static int
report_tx(struct tx *tx, void *arg)
{
	struct report_call *r = arg;
	int ret;

	r->go = r->again = false;
	memset(&r->seen, 0, sizeof r->seen);
	if ((ret = agent_check(tx, &r->x)) < 0)
		return ret;
	ret = store_job_get(tx, r->step.job, &r->job);
	if (ret == CAMCA_ENOENT || (ret == CAMCA_OK &&
	    strcmp(r->job.site, r->x.dev.site) != 0))
		return refuse(&r->x.c->why, CAMCA_ENOENT, 404, "job.unknown",
		    "There is no such job of this agent's site.");
	/* Cancelled, over, or somebody else's by now: it changes nothing any
	 * more, and the agent stops at this boundary. */
	if (ret == CAMCA_OK && !report_lease_holds(r))
		return report_late(tx, r);
	if (ret < 0)
		return ret;
	if ((ret = report_step(tx, r)) < 0 ||
	    (ret = report_confirm(tx, r)) < 0 ||
	    (ret = report_served(tx, r)) < 0)
		return ret;
	if (r->observation != NULL && !r->again && (ret = agent_observe(tx,
	    &r->x, &r->job, r->observation, &r->seen)) < 0)
		return ret;
	r->go = r->end == END_NOT_YET;
	return r->go ? report_go_on(tx, r) : report_end(tx, r);
}

/* ---- the call ---- */

static int
report_look_tx(struct tx *tx, void *arg)
{
	struct report_call *r = arg;
	int ret = agent_check(tx, &r->x);

	if (ret < 0)
		return ret;
	ret = store_job_get(tx, r->step.job, &r->job);
	r->go = ret == CAMCA_OK && report_lease_holds(r);
	return ret == CAMCA_ENOENT ? CAMCA_OK : ret;
}

/* A program that lets a password slip is not to be written into the record,
 * nor shown to whoever reads jobs. */
static int
report_guard(struct report_call *r)
{
	int ret;

	if (!r->go)
		return CAMCA_OK;
	if ((ret = agent_guard_job(&r->x, &r->job)) < 0)
		return ret;
	if (!guard_finds(r->x.a->guard, r->job.id, r->x.body))
		return CAMCA_OK;
	return refuse(&r->x.c->why, CAMCA_EPOLICY, 400, "job.report-secret",
	    "The report of job %" PRId64 " holds a password: it is not "
	    "taken.", r->job.id);
}

static int
report_run(struct report_call *r)
{
	struct op_call *c = r->x.c;
	int ret;

	if ((ret = report_args(r)) < 0 ||
	    (ret = store_tx(r->x.a->store, DB_READ, report_look_tx, r)) < 0 ||
	    (ret = report_guard(r)) < 0 ||
	    (ret = store_tx(r->x.a->store, DB_WRITE, report_tx, r)) < 0)
		return ret;
	/* Out of service is so at the gates, too, when the agent hears of it. */
	if (r->seen.held)
		feed_barrier(r->x.a, r->seen.rev_seq, NULL);
	if (r->end != END_NOT_YET)
		guard_forget(r->x.a->guard, r->step.job);
	c->result = json_pack("{s:b, s:I}", "go", r->go, "lease_s",
	    (json_int_t)(r->x.pol->jobs.lease_ms / 1000));
	return c->result != NULL ? CAMCA_OK : CAMCA_ENOMEM;
}

int
op_agent_report(struct op_call *c)
{
	struct report_call *r = calloc(1, sizeof *r);
	int ret;

	if (r == NULL)
		return CAMCA_ENOMEM;
	ret = agent_begin(&r->x, c, report_keys);
	if (ret == CAMCA_OK)
		ret = report_run(r);
	ret = agent_done(&r->x, ret, c->op->name);
	agent_end(&r->x);
	free(r);
	return ret;
}
