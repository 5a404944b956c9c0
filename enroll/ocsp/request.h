/* SPDX-License-Identifier: Apache-2.0 */
/* An OCSP request as it comes from outside (RFC 6960 4.1): strict DER. */
#ifndef CAMCA_OCSP_REQUEST_H
#define CAMCA_OCSP_REQUEST_H

#include <openssl/ocsp.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "ca/base/ocsp_data.h"

/* Sixteen CertIDs with SHA-256, a nonce, and a signature with its chain. */
#define OCSP_REQUEST_MAX 8192

struct ocsp_id {
	const OCSP_CERTID *der;        /* the rest is borrowed from it */
	size_t hash_len;               /* 20: SHA-1, 32: SHA-256, 0: other */
	const uint8_t *name_hash;
	const uint8_t *key_hash;
	bool serial_fits;              /* positive, at most 20 octets */
	uint8_t serial[20];
};

struct ocsp_request {
	OCSP_REQUEST *der;
	struct ocsp_id ids[OCSP_IDS_MAX];
	size_t n;
	uint8_t nonce[OCSP_NONCE_MAX];
	size_t nonce_len;              /* 0: none */
	bool plain;                    /* one CertID and nothing else at all:
	                                  bytes that others will send too */
};

/* CAMCA_EINVAL for all that a responder calls malformedRequest: no DER, bytes
 * after it, another version, no CertID or more than OCSP_IDS_MAX, an extension
 * that is critical and unknown or stands there twice, a nonce of 0 or more than
 * 128 octets (RFC 9654 2.1). CAMCA_ENOMEM. A signature is not looked at (RFC
 * 6960 4.1.2). out is empty on failure. Any thread. */
CAMCA_MUST int ocsp_request_parse(struct ocsp_request *out,
    const uint8_t *der, size_t n);
void ocsp_request_fini(struct ocsp_request *r);

#endif
