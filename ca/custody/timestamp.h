/* SPDX-License-Identifier: Apache-2.0 */
/* RFC 3161 time-stamps over the text of a checkpoint: the request, and whether
 * an answer is one to it, by a TSA that is trusted. Pure: OpenSSL only. Any
 * thread. */
#ifndef CAMCA_CUSTODY_TIMESTAMP_H
#define CAMCA_CUSTODY_TIMESTAMP_H

#include <openssl/x509.h>

#include "ca/base/buf.h"
#include "ca/base/refusal.h"

#define TIMESTAMP_NONCE_LEN 8
#define TIMESTAMP_ANSWER_MAX (64 * 1024)   /* a token with its chain: 2..10 kB */
#define TIMESTAMP_QUERY_TYPE "application/timestamp-query"
#define TIMESTAMP_REPLY_TYPE "application/timestamp-reply"

/* Appends the DER of a TimeStampReq: version 1, SHA-256, the nonce, certReq.
 * nonce: random bytes, the first of them in 1..127 (a positive INTEGER of one
 * spelling). CAMCA_EINVAL (nonce), CAMCA_ENOMEM. */
CAMCA_MUST int timestamp_request(const uint8_t sha256[static 32],
    const uint8_t nonce[static TIMESTAMP_NONCE_LEN], struct buf *out);

struct timestamp_expect {
	const uint8_t *sha256;         /* what was asked for, 32 bytes */
	const uint8_t *nonce;          /* NULL: not compared (a kept token) */
	STACK_OF(X509) *trust;         /* roots, and what leads to them */
	int64_t at_ms;                 /* the TSA's chain is valid then; 0: at the
	                                * time that the token states */
};
/* Granted, one SHA-256 imprint which is ours, the nonce, signed by a certificate
 * with timeStamping as its only, critical, extended key usage, which the token
 * names by its hash (ESSCertIDv2, RFC 5816) and which leads to a self-signed one
 * in trust; no key below 112 bits of strength, no digest below SHA-256.
 * *time_ms_out: genTime. CAMCA_EINVAL (not DER of a TimeStampResp, or something
 * behind it), CAMCA_EPOLICY (anything else that is not so), CAMCA_ENOMEM; 502
 * "custody.timestamp". */
CAMCA_MUST int timestamp_check(const void *resp, size_t n,
    const struct timestamp_expect *x, int64_t *time_ms_out,
    struct refusal *why);

/* All certificates of a PEM text as trust; CAMCA_EINVAL where there is none, or
 * more than 32. 400 "custody.tsa-trust". */
CAMCA_MUST int timestamp_trust(const void *pem, size_t n,
    STACK_OF(X509) **out, struct refusal *why);
void timestamp_trust_free(STACK_OF(X509) *trust);      /* NULL is fine */

#endif
