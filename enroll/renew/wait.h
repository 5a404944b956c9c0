/* SPDX-License-Identifier: Apache-2.0 */
/* Waiting as a service does: a timer on the wall clock, and signals. */
#ifndef CAMCA_RENEW_WAIT_H
#define CAMCA_RENEW_WAIT_H

#include "ca/base/err.h"
#include "enroll/renew/run.h"

struct wait;

/* Blocks SIGHUP, SIGTERM and SIGINT and takes them as words: SIGHUP is RUN_NOW,
 * the others RUN_END. Call before threads. CAMCA_EIO. */
CAMCA_MUST int wait_open(struct wait **out);
void wait_close(struct wait *w);
/* For struct run_waiter; arg is the struct wait. A step of the clock ends the
 * wait early (RUN_DUE), so that a clock that was set late is noticed. */
enum run_wake wait_until(void *arg, int64_t until_ms);

#endif
