/* SPDX-License-Identifier: Apache-2.0 */
/* Reads a CRL byte by byte before it is published, and again after a restart:
 * the one form that this program writes, and no other. OpenSSL's decoder needs
 * 2.4 s and 300 MB for a million entries, and takes much that is not DER. */
#ifndef CAMCA_STATUS_CRL_WALK_H
#define CAMCA_STATUS_CRL_WALK_H

#include <stddef.h>
#include <stdint.h>

#include "ca/base/refusal.h"

struct crl_walk_entry {          /* borrowed from the bytes */
	const uint8_t *der;
	size_t n;
	const uint8_t *serial;   /* content of the INTEGER */
	size_t serial_n;
	int64_t date_s;
	int64_t invalidity_s;    /* INT64_MIN: none */
	int reason;              /* -1: none */
};

struct crl_view {                /* pointers borrowed from the bytes */
	const uint8_t *tbs;      /* what is signed, with its header */
	size_t tbs_n;
	const uint8_t *alg;      /* AlgorithmIdentifier, the same inside */
	size_t alg_n;
	const uint8_t *issuer;   /* Name */
	size_t issuer_n;
	const uint8_t *sig;
	size_t sig_n;
	int64_t this_s, next_s;
	uint8_t aki[20];
	int64_t number;
	size_t entries;
	uint64_t hash;           /* sum of crl_entry_hash() of all entries */
};

/* RFC 5280 section 5: v2, direct and complete. DER with the shortest lengths;
 * algorithm the same in both places; UTCTime before 2050, GeneralizedTime from
 * then on, both with seconds and Z; revokedCertificates absent where empty;
 * serials positive and strictly rising, so none twice; revocationDate not after
 * thisUpdate; reasonCode 1..6, 9, 10 and invalidityDate, neither critical;
 * authorityKeyIdentifier and cRLNumber, neither critical, and nothing else; no
 * byte after the end. Does not verify the signature. fn (may be NULL) sees each
 * entry in order; what it returns but 0 ends the walk and is returned.
 * CAMCA_EINVAL with why (503 "crl.form", may be NULL). Any thread. */
CAMCA_MUST int crl_walk(struct crl_view *out, const uint8_t *p, size_t n,
    int (*fn)(const struct crl_walk_entry *e, void *arg), void *arg,
    struct refusal *why);

/* One entry that begins at p and ends within n bytes; *out.n is its length.
 * NULL, or what is wrong with it: static text. Any thread. */
const char *crl_walk_entry(const uint8_t *p, size_t n,
    struct crl_walk_entry *out);

/* Order of entries in a list: serials as numbers, by the contents of their
 * INTEGERs. <0, 0, >0. */
int crl_serial_cmp(const uint8_t *a, size_t an, const uint8_t *b, size_t bn);

/* A number for an entry; their sum does not depend on order. Finds mistakes,
 * not forgers: those would need the signature. */
uint64_t crl_entry_hash(const uint8_t *der, size_t n);

#endif
