/* SPDX-License-Identifier: Apache-2.0 */
/* The gate's P-256 key file and its certificate request. */
#ifndef CAMCA_GATE_TLSKEY_H
#define CAMCA_GATE_TLSKEY_H

#include <openssl/evp.h>
#include <openssl/x509.h>

#include "ca/base/buf.h"
#include "ca/base/config.h"
#include "ca/base/err.h"

/* Reads the key at path, or makes one there (mode 0600) where the file is
 * missing. CAMCA_EINVAL for a file that holds no P-256 key, CAMCA_EIO,
 * CAMCA_EPERM, CAMCA_ECRYPTO. */
CAMCA_MUST int tlskey_open(EVP_PKEY **out, const char *path);
/* PKCS#8 PEM, appended; out is a secret. CAMCA_ECRYPTO, CAMCA_ENOMEM. */
CAMCA_MUST int tlskey_pem(EVP_PKEY *key, struct buf *out);
/* DER of a PKCS#10 request for the names of the configuration, appended.
 * CAMCA_ECRYPTO, CAMCA_ENOMEM. */
CAMCA_MUST int tlskey_request(EVP_PKEY *key, const struct config *cfg,
    struct buf *out);

/* Checks a PEM chain, leaf first: the leaf holds key and is valid at now_s
 * (UTC). The leaf's times, in seconds UTC, go out. CAMCA_EINVAL, CAMCA_ETIME
 * for a leaf outside its validity. */
CAMCA_MUST int tlskey_chain_check(EVP_PKEY *key, const char *pem, size_t n,
    int64_t now_s, int64_t *not_before_s, int64_t *not_after_s);

#endif
