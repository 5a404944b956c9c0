/* SPDX-License-Identifier: Apache-2.0 */
/* GET /custody/checkpoint, /custody/tile/... (C2SP tlog-tiles), on both
 * listeners, as far as the settings allow (camca.yaml: custody.access). */
#ifndef CAMCA_GATE_CUSTODY_H
#define CAMCA_GATE_CUSTODY_H

#include <microhttpd.h>
#include <stdbool.h>

#include "enroll/gate/custody_cache.h"
#include "enroll/gate/gate.h"

struct custody_http;

/* Is this request target one below /custody/? */
bool custody_uri_is(const char *uri);
/* Reads it; one spelling for each resource. CAMCA_ENOENT with 404. */
CAMCA_MUST int custody_uri_parse(struct custody_name *out, const char *uri,
    struct refusal *why);

/* From the URI callback, for a target that custody_uri_is(). NULL without
 * memory. */
struct custody_http *custody_http_new(struct gate *g, struct conn *conn,
    struct MHD_Connection *mhd, const char *uri);
/* From the access handler. */
CAMCA_MUST enum MHD_Result custody_http_access(struct custody_http *h,
    const char *method, size_t *n);
/* From the completion callback. NULL is fine. */
void custody_http_free(struct custody_http *h);

#endif
