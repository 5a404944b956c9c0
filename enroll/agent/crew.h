/* SPDX-License-Identifier: Apache-2.0 */
/* Many cameras at once: a thread leases jobs, each job gets a thread of its
 * own, so that one slow camera holds up no other. */
#ifndef CAMCA_AGENT_CREW_H
#define CAMCA_AGENT_CREW_H

#include <stdbool.h>

#include "enroll/agent/ident.h"
#include "enroll/agent/settings.h"

struct crew;

/* All outlive it. once: no more jobs are asked for when there are none left.
 * CAMCA_ENOMEM. */
CAMCA_MUST int crew_start(struct crew **out, const struct agent_settings *s,
    struct keeper *k, int ready_fd, bool once);
/* Waits for the end of a crew that was started with once. An error where the
 * gate could not be asked until there was nothing left. */
CAMCA_MUST int crew_wait(struct crew *c);
/* No more jobs; those under way end at their next safe boundary. Any thread. */
void crew_stop(struct crew *c);
/* Waits for all of them. NULL is fine. */
void crew_free(struct crew *c);

#endif
