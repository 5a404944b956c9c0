/* SPDX-License-Identifier: Apache-2.0 */
/* Refusals that the gate made alone become events of the authority: at most a
 * few each second; what is more is counted. */
#ifndef CAMCA_GATE_REPORT_H
#define CAMCA_GATE_REPORT_H

#include <stdint.h>

#include "ca/base/refusal.h"
#include "enroll/gate/upstream.h"

#define REPORT_PER_SECOND 10
#define REPORT_KINDS 64

struct report;

/* up is borrowed and must outlive the report. CAMCA_ENOMEM. */
CAMCA_MUST int report_new(struct report **out, struct upstream *up);
void report_free(struct report *r);

/* Notes one refusal. Sent at once where the rate allows it, else summed with
 * others of the same operation, status and code. Never waits. Any thread. */
void report_refusal(struct report *r, const char *op, const char *label,
    const struct refusal *why, const char *remote, int64_t now_ms);
/* Sends what has been summed, as far as the rate allows. Call now and then. */
void report_flush(struct report *r, int64_t now_ms);

#endif
