/* SPDX-License-Identifier: Apache-2.0 */
/* What the gate tells the authority about one EST request. */
#ifndef CAMCA_EST_CALL_H
#define CAMCA_EST_CALL_H

#include <jansson.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "enroll/est/basic.h"
#include "enroll/est/route.h"

#define EST_CHAIN_MAX 8
#define EST_CHAIN_BYTES (64u * 1024)
#define EST_BINDING_MAX 64

struct est_blob {
	const uint8_t *data;
	size_t len;
};

/* The client's TLS session. All borrowed. */
struct est_peer {
	struct est_blob chain[EST_CHAIN_MAX];  /* DER, leaf first */
	size_t nchain;
	const char *version;                   /* "1.2" or "1.3" */
	uint8_t unique[EST_BINDING_MAX];       /* TLS 1.2 only, RFC 5929 */
	size_t unique_len;
	uint8_t exporter[EST_BINDING_MAX];     /* TLS 1.3 only, RFC 9266 */
	size_t exporter_len;
	bool ems;                              /* RFC 7627 */
	bool pop_used;        /* a binding of this connection was used before */
};

/* Arguments of est.cacerts and est.csrattrs. NULL without memory. */
json_t *est_call_read(const char *label);
/* Arguments of est.enroll and est.reenroll: csr is DER, remote the client's
 * address in text. The caller owns the result; NULL without memory. */
json_t *est_call_enroll(const char *label, const struct est_blob *csr,
    const struct est_login *login, const struct est_peer *peer,
    const char *remote);

#endif
