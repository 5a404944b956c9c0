/* SPDX-License-Identifier: Apache-2.0 */
/* The thread that takes events of the outbox into the log. One a process; two
 * that believe they are the one are kept right by the head's compare-and-set. */
#ifndef CAMCA_CUSTODY_SEQUENCER_H
#define CAMCA_CUSTODY_SEQUENCER_H

#include "ca/custody/append.h"

struct sequencer_conf {
	struct store *store;
	const struct event_source *src;  /* see append_new */
	int interval_ms;                 /* how long the first event may wait */
	int batch_max;                   /* events of a transaction, 256 */
};
struct sequencer;

/* Starts the thread; conf is copied, its pointers outlive it. It sleeps until
 * something is committed; then it waits interval_ms, so that a crowd of small
 * events shares a transaction, and appends all that waits. What the store
 * refuses (disk, memory) is tried again after 50 ms .. 5 s, what somebody
 * changed behind our back each 30 s: one log line each time it begins and ends.
 * CAMCA_ENOMEM, CAMCA_EINVAL. */
CAMCA_MUST int sequencer_start(struct sequencer **out,
    const struct sequencer_conf *conf);
/* Ends the thread after the transaction it is in; what waits is left in the
 * outbox, for the next start. NULL is fine. */
void sequencer_stop(struct sequencer *s);

/* Appends at once and waits until every event that was committed before the
 * call is in the log, timeout_ms at the most: CAMCA_EBUSY then, or where the
 * log stands still (sequencer_state says why). Any thread but one inside a
 * transaction. */
CAMCA_MUST int sequencer_settle(struct sequencer *s, int timeout_ms);

struct sequencer_state {
	int64_t size;                    /* of the log */
	int64_t waiting;                 /* events in the outbox */
	int64_t oldest_ms;               /* time of the first of them; 0: none */
	int error;                       /* camca_err of the last try, or 0 */
	char why[REFUSAL_DETAIL_MAX];    /* where error < 0 */
};
/* Reads the store. Any thread but one inside a transaction. */
CAMCA_MUST int sequencer_state(struct sequencer *s,
    struct sequencer_state *out);

/* Events that wait, as last seen (at most 250 ms ago where any wait), without
 * those that waited when the thread started. Costs nothing. Any thread. */
int64_t sequencer_waiting(const struct sequencer *s);

#endif
