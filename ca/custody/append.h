/* SPDX-License-Identifier: Apache-2.0 */
/* How the log grows: events that wait become entries in their order, with
 * hashes, tiles and a new head, all in one transaction. Pure functions of the
 * transaction: no thread, no clock. */
#ifndef CAMCA_CUSTODY_APPEND_H
#define CAMCA_CUSTODY_APPEND_H

#include "ca/custody/event.h"
#include "ca/custody/tree.h"
#include "ca/store/store_log.h"

/* ---- growing the tree (grow.c) ---- */
#define GROW_LEVELS 8
struct grow {
	struct tx *tx;
	struct tree_sha *sha;          /* the caller's, NULL is fine */
	int64_t old_size;              /* of the head when it was read */
	struct edge edge;
	struct grow_tile {
		int64_t n;             /* tile of this level; -1: none in memory */
		int width;             /* hashes in it */
		bool dirty;
		struct hash h[TILE_HASHES];
	} tiles[GROW_LEVELS];
};
/* Reads the head; g->sha is the caller's to set. About 70 kB: on the heap,
 * zeroed at first. Nothing to free. CAMCA_EDB: the head, or a tile later, is
 * not what a tree of that size has. */
CAMCA_MUST int grow_begin(struct grow *g, struct tx *tx);
/* Stores what makes the next entry of an event: r->data is its body, and what is
 * hashed is store_log_text() of it with r->n and, where there is a prev,
 * r->dev_prev; r->idx and r->leaf are set. Full tiles are written as they fill.
 * CAMCA_EINVAL, CAMCA_ELIMIT: not a body. */
CAMCA_MUST int grow_add(struct grow *g, struct log_entry_row *r);
/* Writes what is left of the tiles, and the head by compare-and-set:
 * CAMCA_ECONFLICT where it has moved meanwhile; the transaction must be given
 * up on any error. */
CAMCA_MUST int grow_end(struct grow *g);

/* ---- appending ---- */
#define APPEND_MAX 4096                /* events of one transaction */

/* Memory for one call after the other; one thread at a time. */
struct append;
/* src: who writes where a body is not readable. Outlives it. CAMCA_ENOMEM. */
CAMCA_MUST int append_new(struct append **out, const struct event_source *src,
    size_t max);
void append_free(struct append *a);    /* NULL is fine */

/* Takes up to max (of append_new) waiting events into the log, in the caller's
 * DB_WRITE transaction; *taken_out of them, *left_out still wait. It takes
 * exactly the rows size + 1, size + 2, ...: where one is missing, or one has a
 * number that was not given, somebody changed the database behind our back:
 * CAMCA_EPOLICY with why, 500 "custody.gap", and nothing is taken; the same,
 * "custody.chain", where a device's chain is said to end where it does not
 * (chains.h).
 * CAMCA_ECONFLICT: another one appended meanwhile; look again.
 *
 * A body that event_parse refuses (of a newer program, or of a bug) does not
 * stop the log: an event "record.unreadable" takes its place, with its id, time
 * and device, its size and its SHA-256; the bytes stay where they are
 * (store_log_odd_get). */
CAMCA_MUST int log_append(struct tx *tx, struct append *a, int64_t *taken_out,
    int64_t *left_out, struct refusal *why);

#endif
