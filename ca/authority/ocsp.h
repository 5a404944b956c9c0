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

struct ocsp_side {
	pthread_mutex_t lock;            /* guards what follows */
	int64_t full_ms[OCSP_SIDE_CAS];  /* of each CA's allowance */
	struct hsm_key *key;             /* NULL: not opened yet */
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

/* Is this what the store says, said in the way it must be said? Each status,
 * each time, each extension; key_hash is that of the key that will sign.
 * CAMCA_EPOLICY, 403 "ocsp.not-so" and the like. Any thread. */
CAMCA_MUST int ocsp_check(struct authority *a, const struct ca_set *cas,
    const struct ca *ca, const struct ocsp_data *d,
    const uint8_t key_hash[static 20], int64_t now_ms, struct refusal *why);

#endif
