/* SPDX-License-Identifier: Apache-2.0 */
/* What a CRL must pass before anyone sees it. A list that is short of entries
 * says "good" of stolen cameras, and one that goes back in number or time is
 * ignored by those that have seen the later one. */
#ifndef CAMCA_STATUS_CRL_GATE_H
#define CAMCA_STATUS_CRL_GATE_H

#include "ca/status/crl_make.h"
#include "ca/status/crl_walk.h"

struct crl_last {                        /* the list before; number 0: none */
	int64_t number;
	int64_t this_update_ms;
};

/* The bytes that will be published: walked from the first to the last
 * (crl_walk.h); issuer, key identifier, number and times as meant; as many
 * entries, with the same sum of hashes, as the list before with the changes
 * that the store justified; signed by ca; number and thisUpdate above those of
 * the list before. CAMCA_EPOLICY with why (503 "crl.gate", or crl_walk's). */
CAMCA_MUST int crl_gate(const struct crl_made *m, const struct crl_list *l,
    const struct ca *ca, const struct crl_file_row *row,
    const struct crl_last *last, struct refusal *why);

/* A published list as read back: form, issuer and signature. *rows facts but
 * size and hash come from it. CAMCA_EPOLICY with why. */
CAMCA_MUST int crl_gate_read(const uint8_t *p, size_t n, const struct ca *ca,
    struct crl_file_row *row, struct refusal *why);

/* After a start there is no list before in memory: compares the entries that
 * the store has now with the bytes of the list before, one by one. An entry may
 * be missing where a hold has ended, or where its certificate ended before that
 * list (RFC 5280 3.3); it may have become another one, but no revocation a
 * hold. CAMCA_EPOLICY, 503 "crl.shrinks"; errors of
 * the store. */
CAMCA_MUST int crl_gate_compare(struct store *s, const struct crl_list *l,
    const uint8_t *p, size_t n, struct refusal *why);

#endif
