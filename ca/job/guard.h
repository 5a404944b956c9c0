/* SPDX-License-Identifier: Apache-2.0 */
/* Does a report hold a password of its job? The guard knows fingerprints of
 * them, no password: a text is searched without opening the vault each time. */
#ifndef CAMCA_JOB_GUARD_H
#define CAMCA_JOB_GUARD_H

#include <jansson.h>
#include <stdbool.h>
#include <stdint.h>

#include "ca/base/ctx.h"

/* Shorter ones ("admin", "12345") are words that any text may hold. Those that
 * camca makes are never so short but where a camera takes no longer ones. */
#define GUARD_LEN_MIN 8

struct guard;

CAMCA_MUST int guard_new(struct guard **out, const struct camca_ctx *ctx);
void guard_free(struct guard *g);      /* NULL is fine */

/* Notes a password of a job, or, with NULL, only that the job is known. Any
 * thread, as all below. CAMCA_ENOMEM. */
CAMCA_MUST int guard_add(struct guard *g, int64_t job, const char *password,
    int64_t now_ms);
/* Is this job known, since the start of this process? */
bool guard_knows(struct guard *g, int64_t job, int64_t now_ms);
/* Does any text in v, at any depth, names too, hold a password of the job? */
bool guard_finds(struct guard *g, int64_t job, const json_t *v);
/* Is one of them a maker's default (observe.h)? */
bool guard_default(struct guard *g, int64_t job);
void guard_forget(struct guard *g, int64_t job);

#endif
