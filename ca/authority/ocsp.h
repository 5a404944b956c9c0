/* SPDX-License-Identifier: Apache-2.0 */
/* What camcad keeps for OCSP: how many certificates a gate may ask for, and the
 * responder's key in the HSM, where answers are signed there. */
#ifndef CAMCA_AUTHORITY_OCSP_H
#define CAMCA_AUTHORITY_OCSP_H

#include <pthread.h>
#include <stdint.h>

#include "ca/base/ocsp_data.h"
#include "ca/base/refusal.h"
#include "ca/issue/ca.h"
#include "hsm/hsm.h"

#define OCSP_SIDE_CAS 64

struct authority;
struct op_call;

struct ocsp_side {
	pthread_mutex_t lock;            /* guards what follows */
	int64_t full_ms[OCSP_SIDE_CAS];  /* of each CA's allowance */
	struct hsm_key *key;             /* NULL: not opened yet */
	/* The key's newest certificate under a CA, for answers of our own. */
	struct ocsp_own {
		int64_t ca;              /* issuer.id */
		int64_t not_after_ms;
		X509 *cert;              /* NULL: none yet */
	} own[OCSP_SIDE_CAS];
};

void ocsp_side_init(struct ocsp_side *s);
/* Before hsm_close(). */
void ocsp_side_fini(struct ocsp_side *s);

/* One certificate more under this CA? A gate renews twice a week; sixteen at
 * once and one an hour leave room for many gates, and bound what one that was
 * taken over can collect. CAMCA_EPOLICY, 429 "ocsp.too-many". Any thread. */
CAMCA_MUST int ocsp_side_allow(struct authority *a, const struct ca *ca,
    int64_t now_ms, struct refusal *why);
/* The responder's key in the HSM, made at its first use; borrowed until
 * ocsp_side_fini(). CAMCA_EHSM, CAMCA_EDB. Any thread. */
CAMCA_MUST int ocsp_side_key(struct authority *a, struct hsm_key **out,
    struct refusal *why);

/* A certificate for that key under ca, for a day at least: the one that was made
 * before, or a new one, with its event. The caller's. CAMCA_EHSM, CAMCA_EDB,
 * CAMCA_EPOLICY. Any thread. (op_ocsp.c) */
CAMCA_MUST int ocsp_own_cert(struct op_call *c, const struct ca *ca,
    int64_t now_ms, X509 **out);
/* The kept one, NULL where there is none that lasts; keeps another one. */
X509 *ocsp_side_cert(struct ocsp_side *s, const struct ca *ca,
    int64_t until_ms);
void ocsp_side_keep(struct ocsp_side *s, const struct ca *ca, X509 *cert,
    int64_t not_after_ms);

/* Is this what the store says, said in the way it must be said? Each status,
 * each time, each extension; key_hash is that of the key that will sign.
 * CAMCA_EPOLICY, 403 "ocsp.not-so" and the like. Any thread. */
CAMCA_MUST int ocsp_check(struct authority *a, const struct ca_set *cas,
    const struct ca *ca, const struct ocsp_data *d,
    const uint8_t key_hash[static 20], int64_t now_ms, struct refusal *why);

#endif
