/* SPDX-License-Identifier: Apache-2.0 */
/* Certificates of delegated OCSP responders (RFC 6960 4.2.2.2). Their profile
 * is fixed in code: a policy file could only make it wrong. */
#ifndef CAMCA_ISSUE_OCSP_CERT_H
#define CAMCA_ISSUE_OCSP_CERT_H

#include <openssl/x509.h>
#include <stdint.h>

#include "ca/base/refusal.h"
#include "ca/issue/profile.h"

#define OCSP_CERT_PROFILE "ocsp-responder"

/* What keys may be certified: P-256. Constant. */
extern const struct profile ocsp_cert_profile;

/* Unsigned, for hsm_sign_cert() with the CA's own key; the caller's. Seven
 * days, EKU OCSPSigning and nothing else, digitalSignature, no CA, id-pkix-
 * ocsp-nocheck (non-critical NULL), no CDP and no AIA: nobody asks whether the
 * one who answers is revoked. Errors of cert_build(). Any thread. */
CAMCA_MUST int ocsp_cert_build(X509 *issuer, EVP_PKEY *key,
    const char *organization, const uint8_t serial[static 20], int64_t now_ms,
    X509 **out, struct refusal *why);

#endif
