/* SPDX-License-Identifier: Apache-2.0 */
/* CA certificates and CRLs as downloads: asked for once, kept a moment, so that
 * ten thousand cameras that fetch a new CRL are one question to the authority. */
#ifndef CAMCA_GATE_CACHE_H
#define CAMCA_GATE_CACHE_H

#include <stdatomic.h>
#include <stddef.h>
#include <stdint.h>

#include "ca/base/ctx.h"
#include "ca/base/refusal.h"
#include "enroll/gate/upstream.h"

#define CACHE_ITEMS 64
#define CACHE_FETCHES 32
#define CACHE_SKI_MAX 40

/* CACHE_ISSUED: certificates of devices. There are too many to keep any. */
enum cache_kind { CACHE_CERT, CACHE_CRL, CACHE_ISSUED };

struct cache;

/* One download; constant once made. */
struct cache_item {
	atomic_uint refs;
	uint8_t *der;
	size_t len;
	char etag[40];               /* with its quotes */
	int64_t modified_s;          /* UTC; 0: not known */
	int64_t number;              /* of a CRL; 0: not known */
	int64_t next_update_ms;      /* UTC, of a CRL; INT64_MAX for others */
};

/* item is counted for the callee (cache_item_free), or NULL with why. */
typedef void cache_fn(void *arg, struct cache_item *item,
    const struct refusal *why);

/* Who waits for a fetch; in the caller's memory until fn has been called. */
struct cache_waiter {
	struct cache_waiter *next;
	cache_fn *fn;
	void *arg;
};

/* ctx and up are borrowed. CAMCA_ENOMEM. */
CAMCA_MUST int cache_new(struct cache **out, const struct camca_ctx *ctx,
    struct upstream *up);
/* After upstream_stop(). */
void cache_free(struct cache *c);
void cache_item_free(struct cache_item *it);   /* drops one count */

/* 0: *out_item is counted for the caller. CAMCA_EPENDING: w->fn is called once,
 * maybe before this returns; with w NULL nothing is asked and nobody waits.
 * Otherwise why is filled, and w is not used.
 * mono_ms is monotonic. Any thread. */
CAMCA_MUST int cache_get(struct cache *c, enum cache_kind kind,
    const char *ski, int64_t mono_ms, struct cache_waiter *w,
    struct cache_item **out_item, struct refusal *why);

#endif
