/* SPDX-License-Identifier: Apache-2.0 */
/* One EST enrollment or renewal on its way through camcad. */
#ifndef CAMCA_AUTHORITY_EST_H
#define CAMCA_AUTHORITY_EST_H

#include "ca/authority/ops.h"
#include "ca/issue/cert.h"
#include "ca/issue/csr.h"

#define EST_BINDING_MAX 64

struct est {
	struct op_call *c;
	struct authority *a;
	struct policies *pol;          /* snapshots held for the whole request */
	struct ca_set *cas;
	bool renew;
	int64_t now;

	/* as the gate saw it (est_args.c) */
	const char *label, *user, *password, *remote;
	STACK_OF(X509) *chain;         /* NULL: no client certificate */
	bool tls13, ems, pop_used;
	char unique[EST_BINDING_MAX];  /* base64 of tls-unique, "" if none */
	char exporter[EST_BINDING_MAX];
	struct csr csr;

	/* found out on the way */
	const struct profile *profile;
	unsigned auth;                 /* one AUTH_* bit that let it in */
	bool by_idevid;
	char vendor_serial[STORE_NAME_MAX];
	struct vendor_row vendor;      /* whose root vouched for the chain */
	bool have_secret;
	char selector[17];
	uint8_t secret_hash[STORE_HASH_LEN];
	bool secret_again;             /* used before, by this very key */
	struct device_row dev;
	struct site_row site;
	struct cert_row cur;           /* certificate of ours the client showed */
	bool cur_expired;
	struct cert_row same;          /* certificate to hand out again */
	struct pending_row pending;
	bool pop_done;
};

/* ---- est_args.c ---- */
/* Takes the arguments apart; the CSR is parsed and its signature checked. */
CAMCA_MUST int est_begin(struct est *x, struct op_call *c, bool renew);
/* Adds the issuers that the client sent to its leaf in chain: for factory
 * identities. */
CAMCA_MUST int est_rest_of_chain(struct est *x);
void est_end(struct est *x);

/* ---- est_pop.c ---- */
/* Proof-of-possession linking, RFC 7030 3.5, RFC 9266, RFC 7894. */
CAMCA_MUST int est_check_pop(struct est *x);

/* ---- est_auth.c ---- */
/* Who is it? Fills auth, dev, site and what it was proven by. Inside tx; reads
 * only. A wrong secret leaves CAMCA_EAUTH and have_secret with the selector. */
CAMCA_MUST int est_authenticate(struct tx *tx, struct est *x);
/* The one-time secret that was shown: fills dev, selector and have_secret.
 * CAMCA_ENOENT where none was; CAMCA_EAUTH with why. Inside tx; reads only. */
CAMCA_MUST int est_secret(struct tx *tx, struct est *x);
/* Client certificates: ours or a vendor's, before any transaction. */
CAMCA_MUST int est_check_chain(struct est *x, const struct ca **ca_out);
/* Row of the client certificate, which is one of ours: same bytes, good. */
CAMCA_MUST int est_load_current(struct tx *tx, struct est *x);
/* Counts a wrong secret; locks it at the limit. Own transaction. */
void est_secret_failed(struct est *x);

/* ---- est_by_secret.c ---- */
/* Renewal without a client certificate, where the profile has by_secret: the
 * certificate that is renewed becomes chain, as if it had been shown. */
CAMCA_MUST int est_renew_by_secret(struct est *x);

/* ---- est_issue.c ---- */
/* Builds, signs and stores the certificate, answers with it. */
CAMCA_MUST int est_issue(struct est *x);
/* Answers with a certificate: cert, or decoded from der where that is NULL. */
CAMCA_MUST int est_answer(struct est *x, X509 *cert, const uint8_t *der,
    size_t n);
/* Is there one to hand out again (RFC 7030 4.2.3, same request repeated)? Fills
 * same; CAMCA_ENOENT. Inside tx. */
CAMCA_MUST int est_find_same(struct tx *tx, struct est *x);

/* ---- est_pending.c ---- */
/* Puts the request into the queue, or finds its entry: 0 approved (pending
 * filled), CAMCA_EPENDING with why 202, or refused. Own transaction. */
CAMCA_MUST int est_queue(struct est *x);

#endif
