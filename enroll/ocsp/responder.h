/* SPDX-License-Identifier: Apache-2.0 */
/* What is answered to an OCSP request (RFC 6960, RFC 9919). */
#ifndef CAMCA_OCSP_RESPONDER_H
#define CAMCA_OCSP_RESPONDER_H

#include <stdatomic.h>

#include "ca/base/client.h"
#include "ca/base/config.h"
#include "enroll/gate/upstream.h"
#include "enroll/ocsp/answer.h"
#include "enroll/ocsp/bucket.h"
#include "enroll/ocsp/issuers.h"
#include "enroll/ocsp/prepared.h"
#include "enroll/ocsp/request.h"
#include "enroll/ocsp/signer.h"
#include "enroll/ocsp/table.h"

/* Parts are made by their owners and borrowed; see responder_init(). */
struct responder {
	const struct config *cfg;
	const struct camca_ctx *ctx;
	struct table *table;
	struct issuers_box *issuers;
	struct signer *signer;
	struct upstream *up;           /* for ocsp.signer hsm */
	struct prepared_cache *cache;  /* its own */
	struct bucket *bucket;         /* its own */
	struct prepared *errors[ANSWER_UNAUTHORIZED + 1];
	atomic_uint signing;           /* calls to the HSM under way */
	atomic_uint *busy;             /* of the gate: connections suspended */
};

/* One question, in the caller's memory until it is answered. */
struct question {
	bool get;
	const uint8_t *request;
	size_t n;
	struct client_key from;
	struct buf *raw;               /* not NULL: made anew, kept nowhere, and
	                                  a copy of its DER is appended here */
	/* private */
	struct responder *owner;
	struct prepared_about about[OCSP_IDS_MAX];
	size_t nabout;
	bool kept;                     /* the answer may be kept */
	bool nonced;
	struct ocsp_data data;
	struct signer_cert *signer;
	struct buf tbs;
	void (*fn)(void *arg, struct prepared *p);
	void *arg;
};

/* Fills in what is its own; the borrowed fields are set. CAMCA_ENOMEM,
 * CAMCA_ECRYPTO. */
CAMCA_MUST int responder_init(struct responder *r);
/* After upstream_stop(). */
void responder_fini(struct responder *r);

/* Begins a question; the request's bytes are borrowed. */
void question_init(struct question *q, struct responder *r, bool get,
    const uint8_t *request, size_t n, const struct client_key *from);
/* The kept answer, counted, where it is true now; else NULL. Between
 * table_enter() and table_leave(). Any thread. */
struct prepared *responder_ready(struct question *q);
/* CAMCA_OK: *out is the answer, counted for the caller; an error of OCSP is an
 * answer too. CAMCA_EPENDING, where cfg->ocsp_hsm: the HSM signs; fn gets the
 * answer (counted) once, in the thread of the upstream, maybe before this
 * returns, and q may be gone then. Between table_enter() and table_leave(),
 * where !cfg->ocsp_hsm; else who gets the answer asks question_holds(). Any
 * thread. */
CAMCA_MUST int responder_answer(struct question *q,
    void (*fn)(void *arg, struct prepared *p), void *arg,
    struct prepared **out);
/* Is what q was answered still so? Else say tryLater. Inside another
 * table_enter(). */
bool question_holds(struct question *q);
/* An error as an answer, counted. */
struct prepared *responder_error(struct responder *r, enum answer_status s);

#endif
