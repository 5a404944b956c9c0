/* SPDX-License-Identifier: Apache-2.0 */
/* Jobs for site agents: made, leased, reported on, ended. Everything here runs
 * inside a DB_WRITE transaction of the caller, may run again, and writes its
 * event in it.
 *
 *	waiting -> leased -> done | failed | parked, or waiting again
 *	waiting | leased | parked -> cancelled;  failed | parked -> waiting (retry)
 *
 * "parked" waits for a person: the camera's password is unknown, say. */
#ifndef CAMCA_JOB_JOB_H
#define CAMCA_JOB_JOB_H

#include "ca/base/job_wire.h"
#include "ca/base/refusal.h"
#include "ca/custody/event.h"
#include "ca/job/rules.h"
#include "ca/store/store_job.h"

/* Who does it, for the event. */
struct job_by {
	const struct event_source *src;
	const char *actor;             /* "uid:0", "camcad", "ra agent-1" */
	int64_t now_ms;
};

struct job_spec {
	enum job_kind kind;
	enum job_mode mode;            /* JOB_APPLY where it is left out */
	const struct device_row *dev;  /* a camera */
	int64_t account;               /* rotate-password: vault_account.id, 0:
	                                * every account but break-glass */
	const char *reason;            /* for the record; not NULL */
	int64_t not_before_ms;         /* 0: at once */
	bool series;                   /* one of many (a site, the clock): the
	                                * series stops after failures in a row */
};
/* Makes a job, or finds the one that waits already for the same device, kind,
 * mode and account (a leased one does not count: it may be past the point).
 * *id_out its id, *made_out (may be NULL) whether it is new. Event job.created.
 * CAMCA_EINVAL (400 "job.device") where dev is no camera, CAMCA_ECONFLICT (409
 * "job.state") where it is revoked, retired (but for kind retire) or lost. A
 * job for a camera that nobody has said the address of waits until it is. */
CAMCA_MUST int job_create(struct tx *tx, const struct job_by *by,
    const struct job_spec *spec, int64_t *id_out, bool *made_out,
    struct refusal *why);

/* Starts an event about a job, with its lines job and kind. */
void job_event(struct event *e, const struct job_by *by, const char *type,
    const struct job_row *r);

/* Each of these takes the row as it was read in the same transaction and leaves
 * it as it was written. CAMCA_ECONFLICT where it is in another state. */

/* To this agent for lease_ms. Event job.leased. CAMCA_ECONFLICT also where the
 * camera has another leased job. */
CAMCA_MUST int job_lease(struct tx *tx, const struct job_by *by,
    struct job_row *r, const struct device_row *agent, int64_t lease_ms);
/* A leased one waits again; counts: the attempt was one. No event. */
CAMCA_MUST int job_give_back(struct tx *tx, const struct job_by *by,
    struct job_row *r, bool counts);
/* Is it leased to this agent now? */
bool job_lease_holds(const struct job_row *r, int64_t agent, int64_t now_ms);
/* The deadline has passed: it waits again, or has failed with its last
 * attempt. */
CAMCA_MUST int job_lease_over(struct tx *tx, const struct job_by *by,
    struct job_row *r, const struct job_rules *rules);

struct job_finish {
	enum job_end end;              /* not END_NOT_YET */
	const char *code, *detail;     /* of a failure; not NULL */
	const char *agent;             /* its device id, or NULL */
};
/* A leased one has ended. What another try may mend (nobody there) waits for
 * one, as long as it has attempts. Else event job.ended; failures in a row stop
 * the series of the site with event job.stopped. */
CAMCA_MUST int job_finish(struct tx *tx, const struct job_by *by,
    struct job_row *r, const struct job_finish *how,
    const struct job_rules *rules);

/* By a person. 409 "job.state". An agent at work hears it at its next report
 * and stops at the next safe boundary. */
CAMCA_MUST int job_cancel(struct tx *tx, const struct job_by *by,
    struct job_row *r, const char *reason, struct refusal *why);
/* By a person: at once, with all attempts. reason may be NULL. The failed logins
 * that camca counted at the camera stay; login_forgive() forgets them. */
CAMCA_MUST int job_retry(struct tx *tx, const struct job_by *by,
    struct job_row *r, const char *reason, struct refusal *why);
/* The series of a site goes on. Nothing happens where it was not stopped. */
CAMCA_MUST int job_resume_site(struct tx *tx, const struct job_by *by,
    const char *site, const char *reason);

#endif
