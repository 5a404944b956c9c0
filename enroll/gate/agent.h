/* SPDX-License-Identifier: Apache-2.0 */
/* POST /agent/v1/lease, /agent/v1/secret, /agent/v1/report: what site agents
 * ask, on the TLS listener. The gate forwards certificate and body, and sees no
 * password: those are sealed to the agent. */
#ifndef CAMCA_GATE_AGENT_H
#define CAMCA_GATE_AGENT_H

#include <microhttpd.h>
#include <stdbool.h>

#include "enroll/gate/gate.h"

struct agent_http;

/* Is this request target one below /agent/? */
bool agent_uri_is(const char *uri);
/* The authority's operation for a target, NULL: there is none. One spelling for
 * each. */
const char *agent_uri_op(const char *uri);

/* From the URI callback, for a target that agent_uri_is(). NULL without
 * memory. */
struct agent_http *agent_http_new(struct gate *g, struct conn *conn,
    struct MHD_Connection *mhd, const char *uri);
/* From the access handler. */
CAMCA_MUST enum MHD_Result agent_http_access(struct agent_http *h,
    const char *method, const char *data, size_t *n);
/* From the completion callback. NULL is fine. */
void agent_http_free(struct agent_http *h);

#endif
