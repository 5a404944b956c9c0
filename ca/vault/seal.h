/* SPDX-License-Identifier: Apache-2.0 */
/* Sealing to a public key: CMS AuthEnvelopedData (RFC 5083) with AES-256-GCM
 * (RFC 5084), the key agreed on by ECDH (RFC 5753: a fresh key each time,
 * X9.63 KDF with the curve's hash) and wrapped by AES-256 (RFC 3394). Software
 * only. */
#ifndef CAMCA_VAULT_SEAL_H
#define CAMCA_VAULT_SEAL_H

#include <openssl/x509.h>

#include "ca/base/buf.h"
#include "ca/base/refusal.h"

/* A certificate for CMS to name the key by, its subject key identifier (RFC
 * 5280 4.2.1.2, method 1): never encoded or given away, and not signed. The
 * caller frees it. CAMCA_ECRYPTO. */
CAMCA_MUST int seal_cert(EVP_PKEY *pub, X509 **out);
/* n bytes to the certificate's key: appended to out as DER. CAMCA_EINVAL
 * ("vault.recipient") for a key that is neither P-256 nor P-384. Any
 * thread. */
CAMCA_MUST int seal_to(X509 *cert, const void *p, size_t n, struct buf *out,
    struct refusal *why);

#endif
