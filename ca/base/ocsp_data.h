/* SPDX-License-Identifier: Apache-2.0 */
/* What an OCSP answer says, RFC 6960 4.2.1 ResponseData: made by the gate, and
 * read by camcad before the HSM signs it. */
#ifndef CAMCA_BASE_OCSP_DATA_H
#define CAMCA_BASE_OCSP_DATA_H

#include <openssl/ocsp.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "ca/base/buf.h"

#define OCSP_IDS_MAX 16
#define OCSP_NONCE_MAX 128       /* RFC 9654 2.1 */
#define OCSP_DATA_MAX 8192       /* bytes of ResponseData */

struct ocsp_single {
	const OCSP_CERTID *id;       /* as it was asked, byte by byte */
	bool revoked;                /* on hold, too; else good */
	int reason;                  /* RFC 5280 5.3.1; -1: none */
	int64_t revoked_s;           /* all times: seconds UTC */
	int64_t this_s;
	int64_t next_s;              /* 0 when read: none */
	int64_t archive_s;           /* archiveCutoff, 0: none */
};

struct ocsp_data {
	uint8_t key_hash[20];        /* ResponderID byKey */
	int64_t produced_s;
	struct ocsp_single singles[OCSP_IDS_MAX];
	size_t n;
	uint8_t nonce[OCSP_NONCE_MAX];
	size_t nonce_len;            /* 0: none */
	bool extended_revoke;        /* RFC 6960 4.4.8 */
};

/* DER, appended to out. CAMCA_ECRYPTO, CAMCA_ENOMEM, CAMCA_ELIMIT; OpenSSL's
 * queue is empty afterwards. Any thread. */
CAMCA_MUST int ocsp_data_encode(const struct ocsp_data *d, struct buf *out);

/* Reads exactly what ocsp_data_encode() makes and nothing else: encoding it
 * again gives the same bytes. *hold_out keeps what the ids point to, free it
 * with ocsp_data_release(). CAMCA_EINVAL, CAMCA_ENOMEM. Any thread. */
CAMCA_MUST int ocsp_data_decode(struct ocsp_data *out, const uint8_t *der,
    size_t n, void **hold_out);
void ocsp_data_release(void *hold);    /* NULL is fine */

#endif
