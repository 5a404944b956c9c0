/* SPDX-License-Identifier: Apache-2.0 */
/* Shared by the keycheck*.c files and csr.c only. */
#ifndef CAMCA_ISSUE_KEYCHECK_INT_H
#define CAMCA_ISSUE_KEYCHECK_INT_H

#include <openssl/evp.h>
#include <stddef.h>

#include "ca/base/buf.h"

#define KEYCHECK_CURVES 3     /* P-256, P-384, P-521 */

struct keycheck {
	struct buf list;                   /* sorted hashes of 32 bytes */
	size_t n;
	EVP_PKEY *curves[KEYCHECK_CURVES]; /* parameters, by enum profile_key */
};

/* Makes the parameters of the curves. CAMCA_ECRYPTO. */
CAMCA_MUST int keycheck_curves(struct keycheck *k);

/* Empties OpenSSL's error queue. CAMCA_ENOMEM where it tells of a failed
 * allocation, else err: lack of memory is our trouble (503), not a malformed
 * request (400). */
CAMCA_MUST int keycheck_error_value(int err);

#endif
