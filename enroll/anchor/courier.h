/* SPDX-License-Identifier: Apache-2.0 */
/* Asks camcad for requests to witnesses and TSAs, has them carried out, brings
 * what came back. Decides nothing and believes nothing: camcad checks each
 * signature. A thread asks; a request has a worker of its own, so that a slow
 * peer holds up nobody. */
#ifndef CAMCA_ANCHOR_COURIER_H
#define CAMCA_ANCHOR_COURIER_H

#include "ca/base/config.h"

#define COURIER_WORKERS 16

struct courier;

/* Starts it; conf outlives it. ready_fd (-1: none) gets "ready\n" and is closed
 * once camcad has answered. curl_global_init() before. CAMCA_ENOMEM,
 * CAMCA_ELIMIT. */
CAMCA_MUST int courier_start(struct courier **out, const struct config *conf,
    int ready_fd);
/* Ends all transfers and threads. NULL is fine. */
void courier_stop(struct courier *c);

#endif
