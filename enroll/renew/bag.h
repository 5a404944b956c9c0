/* SPDX-License-Identifier: Apache-2.0 */
/* Certificates as EST and PEM files carry them. */
#ifndef CAMCA_RENEW_BAG_H
#define CAMCA_RENEW_BAG_H

#include <openssl/x509.h>

#include "ca/base/auto.h"
#include "ca/base/buf.h"
#include "ca/base/refusal.h"

#define BAG_CERTS_MAX 32

static inline void
bag_free(STACK_OF(X509) *bag)
{
	sk_X509_pop_free(bag, X509_free);
}

/* Reads the body of a /cacerts or enroll response: base64 (RFC 8951 section 3,
 * whatever any header says) of a certs-only SignedData, and nothing behind it.
 * At least 1 and at most BAG_CERTS_MAX certificates; the caller frees them with
 * bag_free(). CAMCA_EPROTO and why otherwise. */
CAMCA_MUST int bag_parse(STACK_OF(X509) **out, const struct buf *body,
    struct refusal *why);
/* Reads all certificates of a PEM text; other PEM blocks are passed over. An
 * empty bag is no error, a broken certificate is. CAMCA_EINVAL. */
CAMCA_MUST int bag_from_pem(STACK_OF(X509) **out, const struct buf *pem,
    struct refusal *why);
/* Appends the certificates as PEM. */
CAMCA_MUST int bag_to_pem(struct buf *out, const STACK_OF(X509) *bag);
/* Appends one certificate as PEM. */
CAMCA_MUST int bag_cert_to_pem(struct buf *out, X509 *cert);

#endif
