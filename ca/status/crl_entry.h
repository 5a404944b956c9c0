/* SPDX-License-Identifier: Apache-2.0 */
/* One element of a CRL's revokedCertificates (RFC 5280 5.1.2.6, 5.3). */
#ifndef CAMCA_STATUS_CRL_ENTRY_H
#define CAMCA_STATUS_CRL_ENTRY_H

#include <stddef.h>
#include <stdint.h>

#include "ca/store/store.h"

/* Serial of 20 bytes, two GeneralizedTimes and a reason take 82, and so the
 * length of each entry is one byte. */
#define CRL_ENTRY_MAX 96

/* DER of the entry of a certificate that is HOLD or REVOKED: reasonCode is left
 * out for "unspecified", 7 and 8 (5.3.1), and is 6 for a hold; invalidityDate
 * (5.3.2) where there is one. Times are whole seconds; revocationDate is never
 * before the certificate began. CAMCA_EINVAL: a time before 1970 or after 9999.
 * Any thread. */
CAMCA_MUST int crl_entry_encode(const struct cert_row *r,
    uint8_t out[static CRL_ENTRY_MAX], size_t *n_out);

/* Writes the entries that a store from before crl_entry lacks; once a store
 * (noted in meta "crl-entry"). In pieces: the writer has other work. Store's
 * errors. Any thread, one at a time. */
CAMCA_MUST int crl_entry_backfill(struct store *s);

#endif
