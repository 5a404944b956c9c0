/* SPDX-License-Identifier: Apache-2.0 */
/* The authority socket, shared by all threads of the gate: calls go out as they
 * come, answers come back in any order. Fails closed: whatever is not answered
 * in time is a refusal with 503. */
#ifndef CAMCA_GATE_UPSTREAM_H
#define CAMCA_GATE_UPSTREAM_H

#include <jansson.h>
#include <stdbool.h>
#include <stddef.h>

#include "ca/base/refusal.h"

struct upstream;

struct upstream_config {
	const char *path;        /* of the Unix socket; copied */
	unsigned max_calls;      /* waiting for their answer, at most 65536 */
	size_t max_bytes;        /* not yet taken by the authority */
	int deadline_ms;         /* for one call */
	int retry_min_ms;        /* between attempts to connect, doubled ... */
	int retry_max_ms;        /* ... up to this */
};

/* Exactly one of result and why is not NULL. result is the callee's, its only
 * reference; why is borrowed. Runs once for each accepted call, in the thread
 * of the upstream; must not block and must not call upstream_stop(). */
typedef void upstream_fn(void *arg, json_t *result, const struct refusal *why);

/* The defaults: 4096 calls, 32 MiB, 30 s, 50 ms to 1 s. */
void upstream_defaults(struct upstream_config *out, const char *path);

/* Starts the thread that connects and keeps connecting. CAMCA_ENOMEM,
 * CAMCA_EIO, CAMCA_ELIMIT. */
CAMCA_MUST int upstream_open(struct upstream **out,
    const struct upstream_config *cfg);
/* Answers every waiting call with 503 and ends the thread; later calls are
 * refused. NULL is fine. */
void upstream_stop(struct upstream *u);
/* upstream_stop() where that has not been done, and frees. */
void upstream_close(struct upstream *u);

/* Is there a connection now? Any thread. */
bool upstream_connected(struct upstream *u);

/* Sends a call (the reference to args is taken). On CAMCA_OK fn is called once,
 * maybe before this returns. Otherwise why is filled with 503 at once and fn is
 * never called: CAMCA_EIO without a connection, CAMCA_EBUSY where too much is
 * waiting, CAMCA_ENOMEM. Any thread. */
CAMCA_MUST int upstream_call(struct upstream *u, const char *op, json_t *args,
    upstream_fn *fn, void *arg, struct refusal *why);

#endif
