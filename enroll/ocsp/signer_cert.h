/* SPDX-License-Identifier: Apache-2.0 */
/* Key and certificate of an OCSP signer: made, checked, kept. For signer.c. */
#ifndef CAMCA_OCSP_SIGNER_CERT_H
#define CAMCA_OCSP_SIGNER_CERT_H

#include <openssl/x509.h>

#include "enroll/ocsp/signer.h"

/* DER of a PKCS#10 request, appended. CAMCA_ECRYPTO, CAMCA_ENOMEM. */
CAMCA_MUST int signer_cert_request(EVP_PKEY *key, struct buf *out);

/* What can sign for ca at now_s: issued by its key, for OCSP signing, a P-256
 * key (that of key, where it is not NULL: one count is taken), inside its
 * validity. CAMCA_EINVAL, CAMCA_ETIME, CAMCA_ENOMEM. */
CAMCA_MUST int signer_cert_new(struct signer_cert **out, EVP_PKEY *key,
    const uint8_t *der, size_t n, X509 *ca, int64_t now_s);

/* PEM: private key, where there is one, and certificate. out is a secret. */
CAMCA_MUST int signer_cert_write(const struct signer_cert *c, struct buf *out);
/* The same back. with_key: a private key must be there, else none. Errors of
 * signer_cert_new(). */
CAMCA_MUST int signer_cert_read(struct signer_cert **out,
    const struct buf *pem, bool with_key, X509 *ca, int64_t now_s);

#endif
