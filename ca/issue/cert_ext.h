/* SPDX-License-Identifier: Apache-2.0 */
/* Fields and extensions that CA and end-entity certificates share (RFC 5280
 * 4.1 and 4.2). Private to ca/issue. All: 0, CAMCA_ECRYPTO, CAMCA_ENOMEM with
 * something in OpenSSL's queue for cert_failed(). Any thread. */
#ifndef CAMCA_ISSUE_CERT_EXT_H
#define CAMCA_ISSUE_CERT_EXT_H

#include <openssl/x509v3.h>
#include <stdbool.h>
#include <stdint.h>

#include "ca/base/refusal.h"

#define CERT_SKEW_MS (5 * 60 * 1000)          /* cameras' clocks lag */
#define CERT_TIME_MAX_MS INT64_C(253402300799000) /* 9999-12-31T23:59:59Z */

/* A library call failed: logs OpenSSL's queue, which is empty afterwards, and
 * returns CAMCA_ENOMEM or CAMCA_ECRYPTO with why filled. */
CAMCA_MUST int cert_failed(const char *what, struct refusal *why);

/* Empties OpenSSL's queue: CAMCA_ENOMEM where memory was missing anywhere in
 * it, else CAMCA_ECRYPTO. */
int cert_clear_errors(void);

/* Key identifier by RFC 7093 method 1 from the certificate's public key. */
CAMCA_MUST int cert_key_id(const X509 *cert, uint8_t out[static 20]);

/* Version 3, this serial, validity in whole seconds. */
CAMCA_MUST int cert_set_basics(X509 *cert, const uint8_t serial[static 20],
    int64_t not_before_ms, int64_t not_after_ms);

/* Validity of a certificate that lives validity_ms from now_ms under issuer:
 * from 5 minutes ago, inside the issuer's. EPOLICY 503
 * "issue.issuer-expires" where less than a tenth is left; CAMCA_ETIME 503
 * "issue.clock" where now is before the issuer's notBefore. issuer NULL: no
 * bound but the year 9999. */
CAMCA_MUST int cert_window(const X509 *issuer, int64_t now_ms,
    int64_t validity_ms, int64_t *not_before_ms, int64_t *not_after_ms,
    struct refusal *why);

/* An absolute URI in ASCII that may stand in a certificate. */
bool cert_uri_valid(const char *uri);

/* The subject's public key, encoded anew. X509_get0_pubkey() sees it only
 * after the certificate has been decoded from its DER. */
CAMCA_MUST int cert_set_key(X509 *cert, EVP_PKEY *key);

CAMCA_MUST int cert_add_ski(X509 *cert);
CAMCA_MUST int cert_add_aki(X509 *cert, const ASN1_OCTET_STRING *issuer_ski);
/* pathlen < 0: none. */
CAMCA_MUST int cert_add_bc(X509 *cert, bool ca, int pathlen);
/* KU_* bits of <openssl/x509v3.h>; 0 adds nothing. */
CAMCA_MUST int cert_add_ku(X509 *cert, unsigned usage);
/* NULL adds nothing. */
CAMCA_MUST int cert_add_cdp(X509 *cert, const char *crl_url);
CAMCA_MUST int cert_add_aia(X509 *cert, const char *issuer_url,
    const char *ocsp_url);

#endif
