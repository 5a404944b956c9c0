/* SPDX-License-Identifier: Apache-2.0 */
/* Questions to the gate: POST of JSON under the agent's own certificate. A
 * handful of kept connections serve all threads. */
#ifndef CAMCA_AGENT_POST_H
#define CAMCA_AGENT_POST_H

#include <jansson.h>

#include "ca/base/refusal.h"
#include "enroll/agent/ident.h"
#include "enroll/agent/settings.h"

#define POST_CONNECTIONS 16

struct post;

/* Settings and keeper outlive it. curl_global_init() before. CAMCA_ENOMEM. */
CAMCA_MUST int post_new(struct post **out, const struct agent_settings *s,
    struct keeper *k);
void post_free(struct post *p);        /* nobody may be inside; NULL is fine */

/* POST /agent/v1/<what>; takes body over (NULL: out of memory). 0: *answer_out
 * is the caller's and *id_out (may be NULL) the pair that asked, to be freed.
 * CAMCA_EPOLICY: refused, why has the server's status, code and words;
 * CAMCA_EBUSY: it asks for patience (429, 5xx); CAMCA_EIO: nobody answers;
 * CAMCA_EPROTO. Any thread; waits where all connections are busy. */
CAMCA_MUST int post_json(struct post *p, const char *what, json_t *body,
    json_t **answer_out, struct ident **id_out, struct refusal *why);

#endif
