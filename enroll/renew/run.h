/* SPDX-License-Identifier: Apache-2.0 */
/* One cycle: look at what is installed, do what is due, write the status. */
#ifndef CAMCA_RENEW_RUN_H
#define CAMCA_RENEW_RUN_H

#include <stdbool.h>

#include "ca/base/ctx.h"
#include "enroll/renew/settings.h"
#include "enroll/renew/state.h"

/* Runs one cycle in cfg->dir and returns its exit code; *out is the state as
 * written to the status file. now_please passes over a back-off or Retry-After
 * that still runs. After a first enrollment the secret in cfg is cleansed.
 * Blocks for at most the timeouts in cfg. One thread. */
enum renew_exit run_cycle(struct renew_config *cfg,
    const struct camca_ctx *ctx, bool now_please, struct state *out);

/* Waits until the UTC time given, or until somebody wants something. */
enum run_wake { RUN_DUE, RUN_NOW, RUN_END };
struct run_waiter {
	enum run_wake (*wait)(void *arg, int64_t until_ms);
	void *arg;
};

/* Cycles until the waiter says RUN_END. Returns the last exit code. */
enum renew_exit run_daemon(struct renew_config *cfg,
    const struct camca_ctx *ctx, const struct run_waiter *waiter);

#endif
