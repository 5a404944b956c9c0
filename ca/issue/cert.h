/* SPDX-License-Identifier: Apache-2.0 */
/* Builds end-entity certificates from inventory and profile, and bags. */
#ifndef CAMCA_ISSUE_CERT_H
#define CAMCA_ISSUE_CERT_H

#include <openssl/x509.h>
#include <openssl/x509v3.h>
#include <stdbool.h>
#include <stdint.h>

#include "ca/base/buf.h"
#include "ca/base/ctx.h"
#include "ca/base/refusal.h"
#include "ca/issue/profile.h"

/* 20 octets: 4 that rise with time (so that the store's index grows at its
 * end), then 128 random bits; positive, first octet 0x10..0x7e. RFC 5280
 * 4.1.2.2. Unique by the store's index. CAMCA_ECRYPTO. Any thread. */
CAMCA_MUST int cert_serial(const struct camca_ctx *ctx, int64_t now_ms,
    uint8_t out[static 20]);

/* Subject and SAN (NULL where the profile has none) from profile and fields;
 * both the caller's. Subject items: CN, serialNumber, O, OU, L, ST, C, each an
 * RDN of its own; SAN items: dns, uri, email, ip. CAMCA_EPOLICY where a value
 * does not fit its type (no control characters, dNSName syntax, upper bounds of
 * RFC 5280 appendix A) or nothing is left to name the device by. Any thread. */
CAMCA_MUST int cert_names(const struct profile *p,
    const struct profile_fields *f, X509_NAME **subject_out,
    GENERAL_NAMES **san_out, struct refusal *why);

struct cert_plan {
	const struct profile *profile;
	X509 *issuer;                /* CA certificate */
	EVP_PKEY *key;               /* subject's public key */
	const X509_NAME *subject;
	const GENERAL_NAMES *san;    /* or NULL */
	const uint8_t *serial;       /* 20 octets */
	int64_t now_ms;
	const char *crl_url;         /* NULL: no CDP */
	const char *issuer_url;      /* NULL: no AIA caIssuers */
	const char *ocsp_url;        /* NULL: no AIA OCSP */
};
/* Unsigned v3 certificate, the caller's. notBefore = now - 5 min, but not
 * before the issuer's; notAfter = now + validity, cut at the issuer's. SKI (RFC
 * 7093 method 1: leftmost 160 bits of SHA-256), AKI keyid, BC CA:FALSE
 * critical, KU critical, EKU, SAN (critical iff the subject is empty); CDP and
 * AIA where the profile carries them too. For hsm_sign_cert; X509_get0_pubkey()
 * of it is NULL until it has been decoded from DER.
 * CAMCA_EPOLICY "issue.issuer-expires" where less than a tenth of the validity
 * would be left, "issue.no-name"; CAMCA_ETIME "issue.clock" where the clock is
 * before the issuer's notBefore; CAMCA_EINVAL for a plan that contradicts
 * itself; CAMCA_ENOMEM, CAMCA_ECRYPTO. Any thread. */
CAMCA_MUST int cert_build(const struct cert_plan *plan, X509 **out,
    struct refusal *why);

/* certs-only SignedData (RFC 5272 4.1, RFC 7030 4.1.3): DER appended to out, in
 * the order given. CAMCA_ELIMIT, CAMCA_ENOMEM, CAMCA_ECRYPTO. */
CAMCA_MUST int cert_bag(STACK_OF(X509) *certs, struct buf *out);

/* Whether it is a registration authority's: id-kp-cmcRA among its extended key
 * usages (RFC 6402 2.10). CAMCA_ENOMEM; what cannot be read is none. */
CAMCA_MUST int cert_is_ra(X509 *cert, bool *out);
/* SHA-256 of the certificate's DER SubjectPublicKeyInfo. */
CAMCA_MUST int cert_spki_sha256(const X509 *cert, uint8_t out[static 32]);
/* Serial as 20 octets left-padded with zeros; CAMCA_EINVAL for a negative or
 * longer one. */
CAMCA_MUST int cert_serial_bytes(const X509 *cert, uint8_t out[static 20]);
/* notBefore / notAfter in ms UTC; CAMCA_EINVAL. */
CAMCA_MUST int cert_times(const X509 *cert, int64_t *not_before_ms,
    int64_t *not_after_ms);

#endif
