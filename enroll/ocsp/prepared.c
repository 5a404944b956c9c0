/* SPDX-License-Identifier: Apache-2.0 */
#include "enroll/ocsp/prepared.h"

#include <openssl/evp.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "ca/base/enc.h"

#define PREPARED_WAYS 8u
#define PREPARED_LOCKS 64u
#define PREPARED_DATE_LEN 32

struct prepared_set {
	struct prepared *ways[PREPARED_WAYS];  /* last used first */
};

struct prepared_cache {
	uint64_t seed[2];
	size_t sets;                           /* a power of two */
	pthread_mutex_t locks[PREPARED_LOCKS]; /* each guards its sets */
	struct prepared_set *table;
};

void
prepared_free(struct prepared *p)
{
	if (p == NULL || atomic_fetch_sub(&p->refs, 1) > 1)
		return;
	if (p->http != NULL)
		MHD_destroy_response(p->http);
	free(p);
}

/* IMF-fixdate, RFC 9110 5.6.7. */
static void
prepared_date(struct MHD_Response *r, const char *name, int64_t s)
{
	char text[PREPARED_DATE_LEN];
	time_t t = (time_t)s;
	struct tm tm;

	gmtime_r(&t, &tm);
	strftime(text, sizeof text, "%a, %d %b %Y %H:%M:%S GMT", &tm);
	MHD_add_response_header(r, name, text);
}

static void
prepared_fields(struct prepared *p, const struct prepared_caching *c)
{
	char text[96];

	MHD_add_response_header(p->http, "Content-Type",
	    "application/ocsp-response");
	if (!c->shared) {
		MHD_add_response_header(p->http, "Cache-Control",
		    "max-age=0, no-cache");
		return;
	}
	snprintf(text, sizeof text, "max-age=%lld, public, no-transform, "
	    "must-revalidate", (long long)c->max_age_s);
	MHD_add_response_header(p->http, "Cache-Control", text);
	prepared_date(p->http, "Last-Modified", c->this_s);
	prepared_date(p->http, "Expires", c->next_s);
	MHD_add_response_header(p->http, "ETag", p->etag);
}

int
prepared_new(struct prepared **out, struct buf *der,
    const struct prepared_caching *c, bool get, const uint8_t *request,
    size_t n)
{
	struct prepared *p = calloc(1, sizeof *p + n + 1);
	uint8_t hash[EVP_MAX_MD_SIZE];
	char hex[33];

	if (p == NULL)
		return CAMCA_ENOMEM;
	atomic_init(&p->refs, 1);
	if (request != NULL) {
		p->key[0] = get;
		memcpy(p->key + 1, request, n);
		p->key_len = n + 1;
	}
	if (c->shared && EVP_Digest(der->data, der->len, hash, NULL,
	    EVP_sha256(), NULL) == 1) {
		enc_hex(hex, hash, 16);
		snprintf(p->etag, sizeof p->etag, "\"%s\"", hex);
	}
	p->http = MHD_create_response_from_buffer(der->len, der->data,
	    MHD_RESPMEM_MUST_FREE);
	if (p->http == NULL) {
		prepared_free(p);
		return CAMCA_ENOMEM;
	}
	buf_init(der, der->max);
	prepared_fields(p, c);
	*out = p;
	return CAMCA_OK;
}

int
prepared_cache_new(struct prepared_cache **out, const struct camca_ctx *ctx,
    size_t answers)
{
	struct prepared_cache *c = calloc(1, sizeof *c);
	size_t i;
	int ret;

	if (c == NULL)
		return CAMCA_ENOMEM;
	for (i = 0; i < PREPARED_LOCKS; i++)
		pthread_mutex_init(&c->locks[i], NULL);
	for (c->sets = 1; c->sets * PREPARED_WAYS < answers; c->sets *= 2)
		;
	c->table = calloc(c->sets, sizeof *c->table);
	ret = c->table != NULL ? CAMCA_OK : CAMCA_ENOMEM;
	if (ret == CAMCA_OK)
		ret = ctx_random(ctx, (uint8_t *)c->seed, sizeof c->seed);
	if (ret < 0) {
		prepared_cache_free(c);
		return ret;
	}
	*out = c;
	return CAMCA_OK;
}

void
prepared_cache_free(struct prepared_cache *c)
{
	size_t i, j;

	if (c == NULL)
		return;
	for (i = 0; c->table != NULL && i < c->sets; i++)
		for (j = 0; j < PREPARED_WAYS; j++)
			prepared_free(c->table[i].ways[j]);
	for (i = 0; i < PREPARED_LOCKS; i++)
		pthread_mutex_destroy(&c->locks[i]);
	free(c->table);
	free(c);
}

/* Keyed by two random numbers, so that nobody outside can choose requests that
 * meet in one set; and where some do, a set has no more than its ways. */
static uint64_t
prepared_mix(uint64_t a, uint64_t b)
{
	unsigned __int128 m = (unsigned __int128)a * b;

	return (uint64_t)m ^ (uint64_t)(m >> 64);
}

static uint64_t
prepared_hash(const struct prepared_cache *c, bool get, const uint8_t *p,
    size_t n)
{
	uint64_t h = c->seed[0] ^ n ^ ((uint64_t)get << 32), w[2];

	for (; n >= 16; p += 16, n -= 16) {
		memcpy(w, p, 16);
		h = prepared_mix(w[0] ^ c->seed[1], w[1] ^ h);
	}
	w[0] = w[1] = 0;
	memcpy(w, p, n);
	h = prepared_mix(w[0] ^ c->seed[1], w[1] ^ h);
	return prepared_mix(h ^ c->seed[0], c->seed[1]);
}

static struct prepared_set *
prepared_lock(struct prepared_cache *c, uint64_t hash)
{
	size_t i = hash & (c->sets - 1);

	pthread_mutex_lock(&c->locks[i % PREPARED_LOCKS]);
	return &c->table[i];
}

static void
prepared_unlock(struct prepared_cache *c, uint64_t hash)
{
	size_t i = hash & (c->sets - 1);

	pthread_mutex_unlock(&c->locks[i % PREPARED_LOCKS]);
}

/* Puts way i first and moves those before it one back. */
static void
prepared_front(struct prepared_set *s, size_t i)
{
	struct prepared *p = s->ways[i];

	memmove(&s->ways[1], &s->ways[0], i * sizeof s->ways[0]);
	s->ways[0] = p;
}

static bool
prepared_same(const struct prepared *p, uint64_t hash, bool get,
    const uint8_t *request, size_t n)
{
	return p->hash == hash && p->key_len == n + 1 && p->key[0] == get &&
	    memcmp(p->key + 1, request, n) == 0;
}

struct prepared *
prepared_find(struct prepared_cache *c, bool get, const uint8_t *request,
    size_t n)
{
	uint64_t hash = prepared_hash(c, get, request, n);
	struct prepared_set *s = prepared_lock(c, hash);
	struct prepared *p = NULL;
	size_t i;

	for (i = 0; i < PREPARED_WAYS && s->ways[i] != NULL; i++)
		if (prepared_same(s->ways[i], hash, get, request, n))
			break;
	if (i < PREPARED_WAYS && s->ways[i] != NULL) {
		p = s->ways[i];
		atomic_fetch_add(&p->refs, 1);
		prepared_front(s, i);
	}
	prepared_unlock(c, hash);
	return p;
}

void
prepared_keep(struct prepared_cache *c, struct prepared *p)
{
	struct prepared *old;
	struct prepared_set *s;
	size_t i;

	p->hash = prepared_hash(c, p->key[0] != 0, p->key + 1, p->key_len - 1);
	atomic_fetch_add(&p->refs, 1);
	s = prepared_lock(c, p->hash);
	for (i = 0; i < PREPARED_WAYS - 1 && s->ways[i] != NULL; i++)
		if (prepared_same(s->ways[i], p->hash, p->key[0] != 0,
		    p->key + 1, p->key_len - 1))
			break;
	old = s->ways[i];
	s->ways[i] = p;
	prepared_front(s, i);
	prepared_unlock(c, p->hash);
	prepared_free(old);
}
