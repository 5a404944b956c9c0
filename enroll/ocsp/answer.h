/* SPDX-License-Identifier: Apache-2.0 */
/* The bytes of an OCSPResponse (RFC 6960 4.2.1). */
#ifndef CAMCA_OCSP_ANSWER_H
#define CAMCA_OCSP_ANSWER_H

#include <stddef.h>
#include <stdint.h>

#include "ca/base/buf.h"

/* OCSPResponseStatus; 0 is an answer with a body, 4 is not used. */
enum answer_status {
	ANSWER_SIGNED = 0,
	ANSWER_MALFORMED = 1,
	ANSWER_INTERNAL = 2,
	ANSWER_TRY_LATER = 3,
	ANSWER_UNAUTHORIZED = 6
};

#define ANSWER_ERROR_LEN 5
#define ANSWER_MAX (16u * 1024)

/* An error says its status and nothing else: no responseBytes, no signature. */
void answer_error(uint8_t out[static ANSWER_ERROR_LEN],
    enum answer_status status);

/* OCSPResponse around tbs (DER ResponseData), its ECDSA-with-SHA-256 signature
 * in DER, and the signer's certificate, appended to out. CAMCA_ENOMEM,
 * CAMCA_ELIMIT. Any thread. */
CAMCA_MUST int answer_wrap(const struct buf *tbs, const uint8_t *sig,
    size_t sig_len, const struct buf *cert, struct buf *out);

#endif
