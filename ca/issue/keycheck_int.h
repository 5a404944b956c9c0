/* SPDX-License-Identifier: Apache-2.0 */
/* Shared by keycheck.c and keycheck_decode.c only. */
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

#endif
