/* SPDX-License-Identifier: Apache-2.0 */
/* Where an EST request goes: RFC 7030 section 3.2.2 as a table. */
#ifndef CAMCA_EST_ROUTE_H
#define CAMCA_EST_ROUTE_H

#include <stdbool.h>

#include "ca/base/refusal.h"

#define EST_LABEL_MAX 64
#define EST_URI_MAX 256

struct est_operation {
	const char *name;    /* last path segment */
	const char *call;    /* operation of the authority; NULL: not offered */
	const char *allow;   /* value of the Allow header field */
	const char *media;   /* media type of the request body, NULL: none */
	const char *type;    /* Content-Type of the answer */
	bool post;
	bool cacheable;      /* answer may carry an ETag and be revalidated */
};

struct est_route {
	const struct est_operation *op;
	char label[EST_LABEL_MAX + 1];   /* "" where the URI has none */
};

/* Takes a request target apart: "/.well-known/est/OP" or
 * "/.well-known/est/LABEL/OP", or the same behind "https://authority" (RFC
 * 9112 3.2.2). The target is used as it came: nothing is percent-decoded, no
 * dot segment or doubled slash is folded, so no second spelling of a resource
 * exists. CAMCA_ENOENT with 404 for everything else; out is zeroed then. */
CAMCA_MUST int est_route_parse(struct est_route *out, const char *uri,
    struct refusal *why);

/* Is method one that the operation takes? CAMCA_EINVAL with 405 where not,
 * with 501 where it is but the operation is not offered. */
CAMCA_MUST int est_route_method(const struct est_route *r, const char *method,
    struct refusal *why);

#endif
