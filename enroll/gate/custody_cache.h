/* SPDX-License-Identifier: Apache-2.0 */
/* The custody log as downloads: checkpoint, tiles and bundles of entries. Each
 * is asked of the authority once, whoever waits for it, and kept within a bound
 * of bytes: a full tile until others are asked for more, a partial one until
 * its place is needed. What is kept is served while the authority is away. */
#ifndef CAMCA_GATE_CUSTODY_CACHE_H
#define CAMCA_GATE_CUSTODY_CACHE_H

#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "ca/base/refusal.h"
#include "ca/base/tile_path.h"
#include "enroll/gate/upstream.h"

#define CUSTODY_CHECKPOINT (TILE_ENTRIES - 1)
#define CUSTODY_CACHE_BYTES ((size_t)32 << 20)
#define CUSTODY_FETCHES 32           /* questions on their way at a time */
#define CUSTODY_FRESH_MS 1000        /* of a checkpoint */

struct custody_cache;

struct custody_name {
	int level;                   /* 0.., TILE_ENTRIES, CUSTODY_CHECKPOINT */
	int64_t n;                   /* a checkpoint has 0 and 0 */
	int width;
};

/* One download; constant once made. */
struct custody_item {
	atomic_uint refs;
	uint8_t *p;
	size_t len;
	char etag[40];               /* with its quotes */
};

/* item is counted for the callee (custody_item_free), or NULL with why. */
typedef void custody_fn(void *arg, struct custody_item *item,
    const struct refusal *why);

/* Who waits; in the caller's memory until fn has been called. */
struct custody_waiter {
	struct custody_waiter *next;
	custody_fn *fn;
	void *arg;
};

/* up is borrowed. max_bytes: of all that is kept. CAMCA_ENOMEM. */
CAMCA_MUST int custody_cache_new(struct custody_cache **out,
    struct upstream *up, size_t max_bytes);
/* After upstream_stop(). NULL is fine. */
void custody_cache_free(struct custody_cache *c);
void custody_item_free(struct custody_item *it);   /* drops one count */
/* Bytes kept now. Any thread. */
size_t custody_cache_bytes(struct custody_cache *c);

/* 0: *out_item is counted for the caller. CAMCA_EPENDING: w->fn is called once,
 * maybe before this returns; with w NULL nothing is asked and nobody waits.
 * Otherwise why is filled, and w is not used: CAMCA_EBUSY. mono_ms is
 * monotonic. Any thread. */
CAMCA_MUST int custody_cache_get(struct custody_cache *c,
    const struct custody_name *name, int64_t mono_ms,
    struct custody_waiter *w, struct custody_item **out_item,
    struct refusal *why);

#endif
