/* SPDX-License-Identifier: Apache-2.0 */
/* The authority's CAs as an OCSP request names them: an immutable list, counted;
 * the feed replaces it when a CA is added. */
#ifndef CAMCA_OCSP_ISSUERS_H
#define CAMCA_OCSP_ISSUERS_H

#include <jansson.h>
#include <openssl/x509.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stddef.h>
#include <stdint.h>

#include "ca/base/err.h"

struct issuer {
	uint32_t id;                   /* as in the status table */
	uint8_t ski[20];
	X509 *cert;
	/* RFC 6960 4.1.1: over the DER of the subject, and over the value of
	 * the public key's BIT STRING without its tag, length and unused bits. */
	uint8_t name_sha1[20], key_sha1[20];
	uint8_t name_sha256[32], key_sha256[32];
};

struct issuers {
	struct issuer *list;           /* order of id */
	size_t n;
	int64_t epoch;                 /* of the authority; another list, another one */
	atomic_int refs;
};

/* From the feed's [{"id":…,"ski":hex,"cert":base64}…]: a list with one holder.
 * CAMCA_EPROTO for anything else, CAMCA_ENOMEM. */
CAMCA_MUST int issuers_parse(struct issuers **out, const json_t *array,
    int64_t epoch);
/* One holder less; the last one frees. NULL is fine. Any thread. */
void issuers_put(struct issuers *l);
/* Borrowed from l; NULL where there is none. */
const struct issuer *issuers_by_ski(const struct issuers *l,
    const uint8_t ski[static 20]);
/* The one whose name and key both have these hashes, as long as hash_len says
 * (20: SHA-1, 32: SHA-256). A re-keyed CA shares its name, a renewed one its key
 * and maybe both: the first of the list. NULL where there is none. */
const struct issuer *issuers_by_hash(const struct issuers *l, size_t hash_len,
    const uint8_t *name_hash, const uint8_t *key_hash);

/* Where readers find the newest list. */
struct issuers_box {
	pthread_mutex_t lock;          /* guards list */
	struct issuers *list;
};
void issuers_box_init(struct issuers_box *b);
void issuers_box_fini(struct issuers_box *b);
/* The newest list, held for the caller (issuers_put()); NULL before the first.
 * Any thread. */
struct issuers *issuers_box_get(struct issuers_box *b);
/* Puts l there, whose reference is taken. */
void issuers_box_set(struct issuers_box *b, struct issuers *l);

#endif
