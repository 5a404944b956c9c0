/* SPDX-License-Identifier: Apache-2.0 */
/* The one way to change a certificate's status. */
#ifndef CAMCA_STATUS_CHANGE_H
#define CAMCA_STATUS_CHANGE_H

#include "ca/base/refusal.h"
#include "ca/store/store.h"

struct status_to {
	enum cert_status status;
	int64_t reason;              /* of REVOKED: 0..5, 9, 10 */
	int64_t invalidity_ms;       /* RFC 5280 5.3.2; 0: none is known */
};

/* GOOD -> HOLD or REVOKED; HOLD -> GOOD (released) or REVOKED (the date of the
 * hold stays, and its invalidity date where no other is given); REVOKED ->
 * REVOKED only to keyCompromise from another reason (the date stays). All else
 * is CAMCA_ECONFLICT, 409 "cert.status", and so is a row that was changed since
 * cert was read. CAMCA_EINVAL, 400 "cert.reason" or "cert.invalidity": a reason
 * that is not one for a final revocation, or an invalidity date after now_ms.
 * Stores the certificate's row, its CRL entry and the issuer's rev_seq; the
 * event is the caller's. *rev_seq_out: the number of this change. Inside a
 * DB_WRITE transaction. why may be NULL. */
CAMCA_MUST int status_change(struct tx *tx, const struct cert_row *cert,
    const struct status_to *to, int64_t now_ms, int64_t *rev_seq_out,
    struct refusal *why);

#endif
