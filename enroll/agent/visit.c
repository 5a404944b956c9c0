/* SPDX-License-Identifier: Apache-2.0 */
#include "enroll/agent/visit.h"

#include <openssl/err.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "ca/base/log.h"

#define VISIT_SLICE_MS 1000
#define VISIT_STOP_MS 5000             /* for the last report when stopping */
#define VISIT_TELL_MIN_MS 200
#define VISIT_TELL_MAX_MS 5000
/* How long a camera may be away in the middle of a job: it may have lost its
 * power or restart itself. */
#define VISIT_AWAY_MS 30000
#define VISIT_AWAY_FIRST_MS 3000       /* where it has not answered once */

/* ---- stopping and waiting ---- */

/* A lease that ran out without our being heard: somebody else may be at the
 * camera by now, perhaps another thread of this program. */
static bool
visit_gone(struct visit *v)
{
	if (!v->gone && !v->telling &&
	    v->peer->mono_ms(v->peer->arg) >= v->lease_until_ms) {
		v->gone = true;
		log_msg(LOG_WARN, v->job->device.id, "job %lld goes no "
		    "further: its lease ran out", (long long)v->job->id);
	}
	return v->gone;
}

bool
visit_must_stop(struct visit *v)
{
	return visit_gone(v) || (!v->critical &&
	    v->peer->stopping(v->peer->arg));
}

static bool
visit_env_stopping(void *arg)
{
	return visit_must_stop(arg);
}

/* The thread's name says where it is; tests end the process there. */
static void
visit_mark(const struct visit *v, bool after)
{
	char name[16];

	snprintf(name, sizeof name, "%s%s", job_step_name(v->step),
	    after ? "." : "");
	(void)pthread_setname_np(pthread_self(), name);
}

/* ---- telling camcad ---- */

static void
visit_heard(struct visit *v, const json_t *report, const json_t *answer)
{
	json_int_t s = json_integer_value(json_object_get(answer, "lease_s"));
	int64_t now = v->peer->mono_ms(v->peer->arg);

	v->told_ms = now;
	if (s > 0 && s <= 86400)
		v->job->lease_ms = s * 1000;
	v->lease_until_ms = now + v->job->lease_ms;
	if (!json_is_true(json_object_get(answer, "go"))) {
		v->gone = true;
		if (json_object_get(report, "end") != NULL)
			return;        /* nothing was to follow */
		log_msg(LOG_NOTE, v->job->device.id, "job %lld goes no "
		    "further: camcad says so", (long long)v->job->id);
	}
}

/* Until it is heard, or there is no sense in it any more. The same report
 * may be heard twice; camcad knows. */
static int
visit_tell_once(struct visit *v, json_t *report, struct refusal *why)
{
	const struct visit_peer *p = v->peer;
	int64_t pause = VISIT_TELL_MIN_MS, stop_ms = 0, now;
	json_t *answer;
	int ret;

	for (;;) {
		memset(why, 0, sizeof *why);
		answer = NULL;
		ret = p->post(p->arg, "report", json_incref(report), &answer,
		    NULL, why);
		if (ret == CAMCA_OK)
			visit_heard(v, report, answer);
		json_decref(answer);
		now = p->mono_ms(p->arg);
		if (ret != CAMCA_OK && ret != CAMCA_EIO && ret != CAMCA_EBUSY &&
		    ret != CAMCA_ENOMEM)
			v->gone = true;
		if (p->stopping(p->arg) && stop_ms == 0)
			stop_ms = now + VISIT_STOP_MS;
		if (ret == CAMCA_OK || v->gone)
			break;
		if (now >= v->lease_until_ms || (stop_ms != 0 &&
		    now >= stop_ms)) {
			v->gone = true;
			break;
		}
		p->sleep(p->arg, pause);
		pause = pause * 2 < VISIT_TELL_MAX_MS ? pause * 2 :
		    VISIT_TELL_MAX_MS;
	}
	if (ret < 0)
		log_msg(LOG_WARN, v->job->device.id, "job %lld: step %s is not "
		    "told: %s", (long long)v->job->id, job_step_name(v->step),
		    why->detail[0] != '\0' ? why->detail :
		    camca_strerror(ret));
	return ret;
}

/* What was told is not to camcad's liking (too large, a password in what the
 * camera calls itself), and no other attempt would tell it better: the job ends
 * with that, and not with an agent that is not heard of. Nothing of the camera's
 * words is repeated. Who asks without a lease, or with a certificate that is not
 * good any more, has nothing to end. */
static void
visit_tell_refused(struct visit *v, const struct refusal *first)
{
	struct refusal why;
	json_t *o;

	if (first->http != 0 && first->http != 400 && first->http != 413)
		return;
	note_reset(&v->note);
	(void)visit_fail(v, "agent.report", "What was read at the camera, or "
	    "done there, in step %s cannot be told: %s",
	    job_step_name(v->step), first->detail[0] != '\0' ?
	    first->detail : "it is too large.");
	refusal_sanitize(v->note.detail);
	o = visit_report_json(v, OUTCOME_FAILED, END_FAILED);
	if (o != NULL)
		(void)visit_tell_once(v, o, &why);
	json_decref(o);
}

static void
visit_tell(struct visit *v, json_t *report)
{
	struct refusal why;
	int ret;

	v->telling = true;
	ret = visit_tell_once(v, report, &why);
	if (ret == CAMCA_EPOLICY || ret == CAMCA_ELIMIT)
		visit_tell_refused(v, &why);
	v->telling = false;
	json_decref(report);
}

/* A long wait is no dead agent. */
static void
visit_heartbeat(struct visit *v)
{
	json_t *o;

	if (v->telling || v->gone || v->peer->mono_ms(v->peer->arg) -
	    v->told_ms < v->job->lease_ms / 3)
		return;
	o = json_pack("{s:I, s:i, s:s, s:s, s:s, s:s, s:s, s:s, s:i}", "job",
	    (json_int_t)v->job->id, "attempt", v->job->attempt, "step",
	    job_step_name(v->step), "outcome",
	    job_outcome_name(OUTCOME_SKIPPED), "code", "agent.waiting",
	    "before", "", "after", "", "detail", "The camera takes its time.",
	    "failed", (int)visit_failed_logins(v));
	if (o != NULL)
		visit_tell(v, o);
}

int
visit_wait(struct visit *v, int64_t ms)
{
	int64_t now = v->peer->mono_ms(v->peer->arg), end = now + ms, slice;

	while (now < end) {
		if (visit_must_stop(v))
			return 1;
		slice = end - now < VISIT_SLICE_MS ? end - now :
		    VISIT_SLICE_MS;
		v->peer->sleep(v->peer->arg, slice);
		visit_heartbeat(v);
		now = v->peer->mono_ms(v->peer->arg);
	}
	return visit_must_stop(v);
}

static int
visit_env_wait(void *arg, int64_t ms)
{
	return visit_wait(arg, ms);
}

/* ---- a step ---- */

void
visit_begin(struct visit *v, enum job_step step)
{
	v->step = step;
	note_reset(&v->note);
	visit_mark(v, false);
	visit_heartbeat(v);
}

static void
visit_log(const struct visit *v, const char *word)
{
	log_msg(v->note.code[0] != '\0' ? LOG_WARN : LOG_INFO,
	    v->job->device.id, "job %lld %s: %s%s%s%s%s%s",
	    (long long)v->job->id, job_step_name(v->step), word,
	    v->note.code[0] != '\0' ? " [" : "", v->note.code,
	    v->note.code[0] != '\0' ? "]" : "",
	    v->note.detail[0] != '\0' ? ": " : "", v->note.detail);
}

bool
visit_done(struct visit *v, int ret)
{
	enum job_outcome outcome = ret < 0 ? OUTCOME_FAILED :
	    ret == VISIT_SKIPPED ? OUTCOME_SKIPPED : OUTCOME_DONE;
	json_t *report;

	visit_mark(v, true);
	report = visit_report_json(v, outcome, END_NOT_YET);
	visit_log(v, job_outcome_name(outcome));
	if (report == NULL)
		v->gone = true;        /* no memory to go on with */
	else
		visit_tell(v, report);
	return ret >= 0 && !visit_must_stop(v);
}

/* A look may succeed where an answer was lost or could not be read, and where
 * the camera has begun to serve its new certificate between two requests. */
static bool
visit_worth_again(const struct visit *v, int ret)
{
	if (v->replaced && strcmp(v->note.code, "camera.tls") == 0)
		return true;
	return ret == CAMCA_EUNKNOWN || ret == CAMCA_EIO ||
	    ret == CAMCA_ETIME || ret == CAMCA_EPROTO;
}

/* The step, again where the camera was away. A reader of garbage gives up
 * sooner than one of silence: twice the same garbage is no accident. */
static int
visit_step(struct visit *v, const struct visit_row *r)
{
	int64_t begun = v->peer->mono_ms(v->peer->arg), pause = 500, away;
	unsigned garbage = 0;
	int ret;

	for (;;) {
		ret = r->run(v);
		ERR_clear_error();
		away = r->step == STEP_REACH ? VISIT_AWAY_FIRST_MS :
		    VISIT_AWAY_MS;
		garbage += ret == CAMCA_EPROTO;
		if (ret >= 0 || !visit_worth_again(v, ret) || garbage > 2 ||
		    v->peer->mono_ms(v->peer->arg) - begun >= away ||
		    strcmp(v->note.code, "camera.key-stuck") == 0)
			return ret;
		log_msg(LOG_INFO, v->job->device.id, "%s once more: %s",
		    job_step_name(r->step), v->note.detail);
		if (visit_wait(v, pause) != 0)
			return CAMCA_EBUSY;
		pause = pause * 2 < 8000 ? pause * 2 : 8000;
		note_reset(&v->note);
		/* Whatever happened there: it is looked at afresh. */
		visit_lists_stale(v, LIST_ALL);
		v->time_known = false;
		if (v->replaced && visit_repin(v) < 0)
			return CAMCA_ENOMEM;
	}
}

/* ---- the end of a job ---- */

/* What another attempt may well do better; nothing is cleared away then. */
static bool
visit_passes(const char *code)
{
	static const char *const codes[] = { "camera.unreachable",
	    "camera.timeout", "camera.stopped", "camera.memory",
	    "camera.locked", "est.pending", "agent.gate",
	    "agent.next-visit", "camera.budget" };
	size_t i;

	for (i = 0; i < sizeof codes / sizeof codes[0]; i++)
		if (strcmp(code, codes[i]) == 0)
			return true;
	return false;
}

/* What no other attempt mends, but a person. */
static bool
visit_parks(const char *code)
{
	static const char *const codes[] = { "camera.password-unknown",
	    "camera.fallback", "camera.tls-off", "camera.identity",
	    "agent.no-account" };
	size_t i;

	for (i = 0; i < sizeof codes / sizeof codes[0]; i++)
		if (strcmp(code, codes[i]) == 0)
			return true;
	return false;
}

static void
visit_end(struct visit *v, enum job_end end, int ret)
{
	json_t *report;

	visit_mark(v, true);
	report = visit_report_json(v, ret < 0 ? OUTCOME_FAILED : OUTCOME_DONE,
	    end);
	visit_log(v, job_end_name(end));
	if (report != NULL)
		visit_tell(v, report);
}

/* The new leaf is not served: the old path takes its place again, and that is
 * proven, too. True where the camera is as it was before. */
static bool
visit_undo_assign(struct visit *v)
{
	unsigned i;
	int ret = CAMCA_EUNKNOWN;

	for (i = 0; i < 3 && ret < 0 && visit_worth_again(v, ret); i++) {
		visit_lists_stale(v, LIST_ALL);
		if ((ret = visit_repin(v)) < 0)
			break;
		ret = step_assign_back(v);
		if (ret >= 0)
			ret = step_tls_back(v);
	}
	return ret >= 0;
}

/* A step has failed for good. */
static enum job_end
visit_failed(struct visit *v, int ret)
{
	char code[JOB_CODE_MAX];
	enum job_end end = END_FAILED;
	bool passes = visit_passes(v->note.code);

	memcpy(code, v->note.code, sizeof code);
	v->critical = true;            /* tidy up even while stopping */
	if (v->step == STEP_TLS && v->replaced)
		end = visit_undo_assign(v) ? END_ROLLED_BACK : END_FAILED;
	/* What the job made and nothing uses only fills the camera. */
	if (v->step >= STEP_KEY && v->step <= STEP_TLS &&
	    v->job->mode == JOB_APPLY && !passes &&
	    (end == END_ROLLED_BACK || !v->replaced)) {
		visit_lists_stale(v, LIST_ALL);
		(void)visit_collect(v, true, false, NULL);
	}
	memcpy(v->note.code, code, sizeof code);
	v->critical = false;
	if (end == END_FAILED && visit_parks(code))
		end = END_PARKED;
	visit_end(v, end, ret);
	return end;
}

/* Told, so that the job need not wait until its lease is over. */
static enum job_end
visit_stopped(struct visit *v)
{
	if (visit_gone(v))
		return END_NOT_YET;
	note_reset(&v->note);
	(void)visit_fail(v, "agent.stopped", "The agent was told to stop; the "
	    "job goes on later, from the camera's state");
	visit_end(v, END_FAILED, CAMCA_EBUSY);
	return END_NOT_YET;
}

static enum job_end
visit_rows(struct visit *v, const struct visit_row *r)
{
	int ret;

	for (; r != NULL; r = visit_next(v->job->kind, v->job->mode, r)) {
		if (visit_must_stop(v))
			return visit_stopped(v);
		if (!r->own_reports)
			visit_begin(v, r->step);
		v->critical = v->critical || r->critical;
		ret = visit_step(v, r);
		if (visit_gone(v))
			return END_NOT_YET;
		if (ret == CAMCA_EBUSY && v->peer->stopping(v->peer->arg))
			return visit_stopped(v);
		if (ret < 0)
			return visit_failed(v, ret);
		v->critical = r->critical;
		if (r->step == STEP_END) {
			visit_end(v, END_SUCCESS, ret);
			return END_SUCCESS;
		}
		if (!r->own_reports)
			(void)visit_done(v, ret);
	}
	return END_NOT_YET;
}

/* ---- beginning and end ---- */

static void
visit_fini(struct visit *v)
{
	v->drv->close(v->cam);
	visit_lists_fini(&v->lists);
	note_reset(&v->note);
	buf_fini(&v->csr);
	X509_free(v->leaf);
	X509_free(v->issuer);
	job_free(v->job);
	free(v);
}

static enum job_end
visit_no_way(struct visit *v, const char *code, const char *detail)
{
	visit_begin(v, STEP_REACH);
	(void)visit_fail(v, code, "%s", detail);
	visit_end(v, END_FAILED, CAMCA_EPERM);
	return END_FAILED;
}

enum job_end
visit_run(const struct visit_peer *peer, const struct cam_driver *drv,
    struct agent_job *job)
{
	const struct visit_row *row = visit_next(job->kind, job->mode, NULL);
	struct visit *v = calloc(1, sizeof *v);
	enum job_end end;

	if (v == NULL) {
		job_free(job);
		return END_NOT_YET;
	}
	v->peer = peer;
	v->drv = drv;
	v->job = job;
	buf_init(&v->csr, CAM_DER_MAX);
	v->told_ms = peer->mono_ms(peer->arg);
	v->lease_until_ms = v->told_ms + job->lease_ms;
	v->env = (struct cam_env){ .ctx = peer->ctx, .wait = visit_env_wait,
	    .stopping = visit_env_stopping, .arg = v,
	    .connect_ms = peer->camera_ms < 10000 ? peer->camera_ms : 10000,
	    .answer_ms = peer->camera_ms,
	    .login_budget = job->options.login_budget };
	if (job->ident != NULL) {
		v->client = (struct cam_client){ job->ident->cert,
		    job->ident->chain, job->ident->key };
		v->env.client = &v->client;
	}
	if (row == NULL)
		end = visit_no_way(v, "agent.mode", "There is no such thing as "
		    "this job in this mode.");
	else if (job->reach.driver[0] != '\0' &&
	    strcmp(job->reach.driver, drv->name) != 0)
		end = visit_no_way(v, "agent.driver", "This agent does not "
		    "speak the camera's language.");
	else
		end = visit_rows(v, row);
	(void)pthread_setname_np(pthread_self(), "camera");
	visit_fini(v);
	return end;
}
