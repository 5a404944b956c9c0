/* SPDX-License-Identifier: Apache-2.0 */
/* Signed answers as they go over HTTP, kept by the very bytes of the request:
 * the hot path parses nothing. What is kept says nothing about whether it is
 * still true: the responder looks that up in the status table at each use. */
#ifndef CAMCA_OCSP_PREPARED_H
#define CAMCA_OCSP_PREPARED_H

#include <microhttpd.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "ca/base/buf.h"
#include "ca/base/ctx.h"
#include "enroll/ocsp/table.h"

struct prepared_cache;

/* Which certificate an answer is about, and what it says. */
struct prepared_about {
	uint32_t issuer;
	uint8_t serial[20];
	struct status status;          /* as the table had it */
	bool ca;                       /* a CA's: not in the table, good */
};

/* One answer; constant once made, counted. */
struct prepared {
	atomic_uint refs;
	struct MHD_Response *http;
	char etag[40];                 /* with its quotes; "" not for caches */
	struct prepared_about about;
	int64_t made_ms, fresh_ms;     /* UTC: made anew but between these */
	uint64_t hash;
	size_t key_len;
	uint8_t key[];                 /* method, then the request's bytes */
};

/* How an answer may be kept by others (RFC 9919 section 7). */
struct prepared_caching {
	bool shared;                   /* GET and no nonce, else no-cache */
	int64_t max_age_s;
	int64_t this_s, next_s;
};

/* Answers to keep for requests of n bytes by GET or POST. The bytes of der go
 * to *out (der is empty then). request NULL: never kept. CAMCA_ENOMEM. */
CAMCA_MUST int prepared_new(struct prepared **out, struct buf *der,
    const struct prepared_caching *c, bool get, const uint8_t *request,
    size_t n);
void prepared_free(struct prepared *p);        /* drops one count */

/* Room for about answers of them (rounded up). CAMCA_ENOMEM, CAMCA_ECRYPTO. */
CAMCA_MUST int prepared_cache_new(struct prepared_cache **out,
    const struct camca_ctx *ctx, size_t answers);
void prepared_cache_free(struct prepared_cache *c);
/* The answer for this request, counted; NULL. Any thread. */
struct prepared *prepared_find(struct prepared_cache *c, bool get,
    const uint8_t *request, size_t n);
/* Keeps p in place of the one for the same request, or of one long unused.
 * Any thread. */
void prepared_keep(struct prepared_cache *c, struct prepared *p);

#endif
