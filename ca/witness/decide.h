/* SPDX-License-Identifier: Apache-2.0 */
/* C2SP tlog-witness v1.0.0, what a request gets. Knows nothing of HTTP but the
 * numbers. */
#ifndef CAMCA_WITNESS_DECIDE_H
#define CAMCA_WITNESS_DECIDE_H

#include "ca/witness/roster.h"

struct desk {
	const char *dir;
	const struct cosigner *cosigner;
	const struct roster *roster;
	const struct camca_ctx *ctx;
};
struct decision {
	int http;
	const char *type;              /* of the body; constant */
	struct buf body;               /* decision_fini() */
};
void decision_fini(struct decision *d);

/* POST add-checkpoint. Where *out is 200, the new checkpoint is on the disk. A
 * lack of memory, a full disk, a damaged record: 500 or 503, and no signature.
 * Any thread. */
void decide_add(const struct desk *desk, const void *p, size_t n,
    struct decision *out);
/* GET <hex SHA-256 of the origin>/checkpoint. Any thread. */
void decide_get(const struct desk *desk, const char *hex, size_t n,
    struct decision *out);
/* Anything else: a status and a sentence. */
void decide_refuse(struct decision *out, int http, const char *text);

#endif
