/* SPDX-License-Identifier: Apache-2.0 */
/* A vendor's pinned roots and CRLs as PEM bundles. Private to ca/issue. */
#ifndef CAMCA_ISSUE_IDEVID_PEM_H
#define CAMCA_ISSUE_IDEVID_PEM_H

#include <openssl/x509.h>
#include <stdbool.h>

#include "ca/base/refusal.h"

#define IDEVID_ROOTS_MAX 64
#define IDEVID_CRLS_MAX 256
#define IDEVID_PEM_MAX (32u << 20)

/* Bundle -> stack, the caller's (sk_X509_pop_free, sk_X509_CRL_pop_free).
 * Nothing but blocks of that kind, each whole; text between them is skipped
 * (but a run of five dashes, which a block cut short leaves behind).
 * CAMCA_EINVAL, CAMCA_ELIMIT, CAMCA_ENOMEM with why. Empty is fine. */
CAMCA_MUST int idevid_pem_certs(const char *pem, size_t n,
    STACK_OF(X509) **out, struct refusal *why);
CAMCA_MUST int idevid_pem_crls(const char *pem, size_t n,
    STACK_OF(X509_CRL) **out, struct refusal *why);

/* NULL where the CRL is complete, direct, free of critical extensions that we
 * do not know (RFC 5280 5.2) and not signed over MD5 or SHA-1; else why not. */
const char *idevid_crl_unusable(X509_CRL *crl);
/* thisUpdate, nextUpdate in ms UTC; CAMCA_EINVAL, also without nextUpdate
 * (RFC 5280 5.1.2.5 demands it). */
CAMCA_MUST int idevid_crl_times(const X509_CRL *crl, int64_t *this_ms,
    int64_t *next_ms);

#endif
