/* SPDX-License-Identifier: Apache-2.0 */
/* The status feed: each gate keeps the status of every certificate in memory
 * and asks for what changed, again and again, over STATE/run/status.sock. And
 * the barrier: "done" is said to an operator only when no gate can say "good"
 * any more from a state before the change. */
#ifndef CAMCA_AUTHORITY_FEED_H
#define CAMCA_AUTHORITY_FEED_H

#include "ca/authority/authority.h"

/* The gates that could have said good from an older state. One that had no
 * right to say good at all is neither. */
struct feed_result {
	int confirmed;                 /* have the change and said so */
	int cut;                       /* did not say so: their lease ran out */
	int64_t waited_ms;
};

/* Returns when no gate can say "good" any more from a state older than rev_seq:
 * each has confirmed the change, or has lost its right to say good. Called
 * after the commit that made rev_seq and before the operator's answer, and also
 * where the answer is "that was so already". At most about 5.5 s, usually a
 * few milliseconds; at once where no gate is connected. out may be NULL. Any
 * thread but one inside a transaction, before feed_stop(). */
void feed_barrier(struct authority *a, int64_t rev_seq,
    struct feed_result *out);
/* Adds "gates": {"confirmed":n,"cut":n} to an answer. Without memory it is
 * left out. */
void feed_result_json(json_t *answer, const struct feed_result *r);

/* Listens on status.sock and begins to serve; sets a->feed. CAMCA_EIO,
 * CAMCA_ENOMEM, CAMCA_EDB; why says what stood in the way. After
 * authority_open(), before server_run(). */
CAMCA_MUST int feed_start(struct authority *a, struct refusal *why);
/* Ends every connection and its thread. After server_run(), whose last
 * answers still wait at the barrier. Fine where nothing was started. */
void feed_stop(struct authority *a);

#endif
