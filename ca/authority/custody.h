/* SPDX-License-Identifier: Apache-2.0 */
/* The custody log inside camcad: the thread that orders events, what it holds up
 * when it falls behind, and what it tells. */
#ifndef CAMCA_AUTHORITY_CUSTODY_H
#define CAMCA_AUTHORITY_CUSTODY_H

#include "ca/authority/authority.h"
#include "ca/custody/sequencer.h"

/* ---- op_custody.c ---- */
/* Starts the sequencer (sequencer_stop(a->sequencer) ends it, after whatever
 * else writes events). After authority_open(). */
CAMCA_MUST int authority_sequence(struct authority *a, struct refusal *why);
/* First line of operations that bring events by the crowd: CAMCA_EBUSY (503
 * "custody.behind", with Retry-After) while more events wait than the setting
 * outbox_max allows. Events are never dropped. */
CAMCA_MUST int custody_behind(struct op_call *c);
/* As sequencer_state(); without a sequencer what the store has. Any thread. */
CAMCA_MUST int custody_state(struct authority *a, struct sequencer_state *out);

/* ---- op_custody_sign.c ---- */
/* Starts the thread that signs checkpoints (signer_stop(a->signer) ends it). */
CAMCA_MUST int authority_sign(struct authority *a, struct refusal *why);
/* Makes the log's origin and keys where they are missing; what does not work is
 * logged, and tried again by the thread. */
void authority_log_keys(struct authority *a);

/* ---- op_custody_anchor.c ---- */
/* Reads who anchors the log (anchor_close(a->anchor) ends it); a file that is
 * wrong is an alarm. After authority_open(). */
CAMCA_MUST int authority_anchor(struct authority *a, struct refusal *why);

/* Fields of the other parts in the answer of custody.status, set in o. */
CAMCA_MUST int custody_status_sign(struct op_call *c, json_t *o);
CAMCA_MUST int custody_status_anchor(struct op_call *c, json_t *o);

#endif
