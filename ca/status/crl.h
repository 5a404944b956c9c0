/* SPDX-License-Identifier: Apache-2.0 */
/* The CRL of one CA generation: complete, direct, signed by its own key. */
#ifndef CAMCA_STATUS_CRL_H
#define CAMCA_STATUS_CRL_H

#include "ca/custody/event.h"
#include "ca/issue/ca.h"
#include "ca/status/crl_file.h"

#define CRL_LIFE_MIN_MS (60 * 1000)

struct crl_conf {                        /* outlives its lists */
	struct store *store;
	const struct event_source *src;
	const char *dir;                 /* STATE/crl */
	int64_t life_ms;                 /* >= CRL_LIFE_MIN_MS */
};

struct crl;

/* The list of ca: reads what the store knows of its newest CRL and finds the
 * file of it, also where the program ended between the store and the file. A
 * file that is not the one is never served, but for a newer one that ca signed
 * (the database is an older copy). CAMCA_EDB, CAMCA_ENOMEM. */
CAMCA_MUST int crl_open(struct crl **out, const struct crl_conf *conf,
    const struct ca *ca);
void crl_close(struct crl *c);           /* NULL is fine */

/* Brings the next CRL out: reads the changes since the last one, signs, passes
 * the gate (crl_gate.h), then file, store and name, in this order. now_ms: of
 * the clock that decisions use. thisUpdate is dated back up to 5 minutes for
 * cameras whose clock lags, but never before a revocation in it, and it rises
 * with each list (by a second); nextUpdate is life_ms from now. The event
 * "crl.issued" is in the store's transaction. CAMCA_EBUSY with why->http 0: the
 * next one must wait for the next second (crl_not_before_ms). CAMCA_EHSM,
 * CAMCA_EPOLICY (the gate), CAMCA_EFULL and others with why: the list before
 * stays as it was. One thread at a time, as crl_open and crl_close. */
CAMCA_MUST int crl_build(struct crl *c, const struct ca *ca, int64_t now_ms,
    struct refusal *why);
int64_t crl_not_before_ms(const struct crl *c);

/* The published list, counted for the caller, or NULL; with number > 0 that one
 * (the one before is kept for those that are still reading it). Any thread. */
struct crl_file *crl_published(struct crl *c, int64_t number);

#endif
