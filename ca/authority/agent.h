/* SPDX-License-Identifier: Apache-2.0 */
/* Inside ca/authority: calls of site agents, and what agents and people do to
 * jobs. */
#ifndef CAMCA_AUTHORITY_AGENT_H
#define CAMCA_AUTHORITY_AGENT_H

#include <openssl/x509.h>

#include "ca/authority/ops.h"
#include "ca/job/body.h"
#include "ca/job/guard.h"
#include "ca/job/job.h"
#include "ca/job/login.h"
#include "ca/vault/vault.h"

/* ---- agent_call.c: one call of an agent, as the gate forwards it ---- */
struct agent_call {
	struct op_call *c;
	struct authority *a;
	struct policies *pol;          /* snapshots held for the whole call */
	struct ca_set *cas;
	int64_t now;
	X509 *leaf;                    /* the agent's certificate */
	json_t *body;
	/* from the store, by agent_check() */
	struct device_row dev;
	struct cert_row cert;
	char actor[EVENT_WHO_MAX];     /* "ra agent-1" */
};
/* Takes the arguments apart: certificate (ours, in force, of an RA) and body
 * (checked against keys). agent_end() in every case. */
CAMCA_MUST int agent_begin(struct agent_call *x, struct op_call *c,
    const struct body_key *keys);
void agent_end(struct agent_call *x);
/* Is it an agent in good standing? Inside tx, each of them: between two of them
 * it may have been revoked. 403 "client.…", "agent.state". */
CAMCA_MUST int agent_check(struct tx *tx, struct agent_call *x);
/* Who acts, for ca/job and ca/vault. */
struct job_by agent_by(const struct agent_call *x);
struct vault_by agent_vault_by(const struct agent_call *x, int64_t job);
/* Records a refusal of ours (ret < 0) once, as est.* do; gives ret. */
int agent_done(struct agent_call *x, int ret, const char *op);


/* Opens the passwords of a job for the guard where it does not know them
 * (after a restart). Not inside a transaction. */
CAMCA_MUST int agent_guard_job(struct agent_call *x, const struct job_row *job);
/* Notes what is known of a password now. */
CAMCA_MUST int agent_guard_note(struct agent_call *x, int64_t job,
    const char *password);

/* ---- agent_job.c: a leased job as JSON ---- */
#define LEASED_CERTS_MAX 32
struct leased {
	struct job_row job;
	struct device_row dev;
	struct reach_row reach;
	struct site_row site;
	struct vault_entries entries;
	bool has_held;
	uint8_t held_serial[STORE_SERIAL_LEN];
	uint8_t held_sha256[STORE_HASH_LEN];
	int64_t held_issuer;
	/* All that are not revoked, the newest last: what it may serve. */
	uint8_t issued[LEASED_CERTS_MAX][STORE_HASH_LEN];
	size_t nissued;
	int64_t logins;                /* that may fail in this visit */
	json_t *json;                  /* NULL: not built */
};
void leased_fini(struct leased *l);
/* Reads what belongs to the job of l. Inside tx. */
CAMCA_MUST int leased_load(struct tx *tx, struct leased *l, int64_t now);
/* May the agent have the password of this account for this job? */
bool leased_sealed(const struct leased *l, const struct vault_account *a);
/* Opens, seals, builds l->json. Not inside a transaction. CAMCA_EPOLICY: with
 * this job nothing can be done (vault.swapped). */
CAMCA_MUST int leased_build(struct agent_call *x, struct leased *l,
    struct refusal *why);

/* ---- standing.c ---- */
struct standing_change {
	struct authority *a;
	struct ca_set *cas;
	const struct job_by *by;
	struct device_row *dev;
	enum device_action action;     /* ACTION_WATCH, _HOLD, _REVOKE */
	bool retire;                   /* instead: it has done its service */
	int64_t crl_reason;            /* of ACTION_REVOKE */
	const char *reason;
	int64_t rev_seq;               /* out: newest of the store */
	bool changed;                  /* out */
};
/* A graded action on one device and its certificates, with its events. Inside
 * tx. feed_barrier(a, rev_seq) after the commit, where it changed something.
 * A device on which there is no action any more stays as it is. */
CAMCA_MUST int standing_change(struct tx *tx, struct standing_change *s);

/* ---- agent_observe.c ---- */
struct observe_result {
	bool held;                     /* a certificate went on hold */
	int64_t rev_seq;
};
/* Stores what was read on the camera of job and judges it: events, and what
 * policy says about a fallback. Inside tx. */
CAMCA_MUST int agent_observe(struct tx *tx, struct agent_call *x,
    const struct job_row *job, const json_t *o, struct observe_result *out);

/* ---- job_tick.c ---- */
/* Leases that are over, jobs that are due. About each minute. */
CAMCA_MUST int jobs_tick(struct authority *a, const struct policies *pol,
    int64_t now);

/* CAMCA_ENOENT (404 "device.no-such-site") where there is none. */
CAMCA_MUST int site_must_be(struct tx *tx, const char *site,
    struct refusal *why);
/* Rows as people read them; new references. */
json_t *job_json(const struct job_row *r);
json_t *job_step_json(const struct job_step_row *r);
json_t *reach_json(const struct reach_row *r);

#endif
