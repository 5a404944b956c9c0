/* SPDX-License-Identifier: Apache-2.0 */
/* What an EST client hears: status, header fields and body of an answer. */
#ifndef CAMCA_EST_REPLY_H
#define CAMCA_EST_REPLY_H

#include <jansson.h>
#include <stdbool.h>

#include "ca/base/buf.h"
#include "ca/base/refusal.h"
#include "enroll/est/route.h"

#define EST_ETAG_MAX 80
#define EST_WRAP_COLS 64

struct est_reply {
	unsigned status;
	const char *type;        /* Content-Type; NULL: no body */
	const char *allow;       /* Allow, or NULL */
	struct buf body;
	int retry_after_s;       /* Retry-After, 0: none */
	char etag[EST_ETAG_MAX]; /* with its quotes, "" none */
	bool cte;                /* Content-Transfer-Encoding: base64 */
	bool challenge;          /* WWW-Authenticate: Basic */
	bool cacheable;
	bool close;              /* the connection ends after this answer */
};

void est_reply_init(struct est_reply *r);
void est_reply_fini(struct est_reply *r);

/* Fills r from a refusal: text/plain, its sentence and a line feed. 202 always
 * gets a Retry-After in whole seconds (RFC 7030 4.2.3). op may be NULL.
 * CAMCA_ENOMEM. */
CAMCA_MUST int est_reply_refusal(struct est_reply *r,
    const struct est_operation *op, const struct refusal *why);

/* Fills r from what the authority answered to op. bare: the request had neither
 * User-Agent nor Accept. CAMCA_EPROTO where the answer is not what the
 * operation promises, CAMCA_ENOMEM. */
CAMCA_MUST int est_reply_result(struct est_reply *r,
    const struct est_operation *op, const json_t *result, bool bare);

/* Does an If-None-Match value (RFC 9110 13.1.2; NULL: none) name etag? */
bool est_etag_matches(const char *if_none_match, const char *etag);

#endif
