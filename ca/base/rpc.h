/* SPDX-License-Identifier: Apache-2.0 */
/* Client of the authority socket: one call at a time, blocking. */
#ifndef CAMCA_BASE_RPC_H
#define CAMCA_BASE_RPC_H

#include <jansson.h>

#include "ca/base/refusal.h"

struct rpc;

/* Connects to the Unix socket at path. CAMCA_EIO where nobody listens,
 * CAMCA_EPERM where the socket may not be opened. x_close(NULL) is fine. */
CAMCA_MUST int rpc_open(struct rpc **out, const char *path);
void rpc_close(struct rpc *r);

/* Ends the call that another thread waits for, as a lost connection; so does
 * every later one. Any thread, while r is open. */
void rpc_interrupt(struct rpc *r);

/* Calls op with args (the reference is taken, NULL means {}). 0: *result_out
 * is the caller's. A refusal by the authority fills why and gives a negative
 * error; a lost connection gives CAMCA_EIO, and why says 503. timeout_ms < 0
 * waits for ever. One thread at a time. */
CAMCA_MUST int rpc_call(struct rpc *r, const char *op, json_t *args,
    int timeout_ms, json_t **result_out, struct refusal *why);

/* Reads {"http":…,"code":…,"detail":…,"retry_after":…} of an error answer into
 * why and returns the error value that fits its HTTP status. */
int rpc_refusal(json_t *error, struct refusal *why);

#endif
