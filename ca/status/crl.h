/* SPDX-License-Identifier: Apache-2.0 */
/* Complete, direct CRL of one CA generation, signed by its own key. */
#ifndef CAMCA_STATUS_CRL_H
#define CAMCA_STATUS_CRL_H

#include "ca/custody/event.h"
#include "ca/issue/ca.h"

#define CRL_LIFE_MIN_MS (60 * 1000)

/* The stored CRL where it holds every change and less than half its life is
 * gone; else builds, signs, checks and stores the next one: so it renews also
 * where nobody revokes. *out's blob is the caller's (store_blob_free).
 * RFC 5280 section 5: v2, AKI, CRLNumber, no IDP; an entry stays until a CRL
 * of after the certificate's expiry has carried it (3.3). thisUpdate is dated
 * back up to 5 minutes for cameras whose clock lags, but never before a
 * revocation in it or the CRL before; nextUpdate is life_ms
 * (>= CRL_LIFE_MIN_MS) from now. Builders that race: one stores, the others
 * read again. CAMCA_EHSM; CAMCA_EDB, also where the new list would lose an
 * entry of the one before ("crl.shrinks"); CAMCA_EBUSY after losing too often;
 * CAMCA_EINVAL (life_ms). The stored CRL stays as it was. Any thread. */
CAMCA_MUST int crl_current(struct store *s, const struct ca *ca,
    const struct event_source *src, int64_t life_ms, struct crl_row *out,
    struct refusal *why);

#endif
