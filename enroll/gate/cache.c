/* SPDX-License-Identifier: Apache-2.0 */
#include "enroll/gate/cache.h"

#include <openssl/evp.h>
#include <pthread.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "ca/base/buf.h"
#include "ca/base/enc.h"
#include "enroll/gate/clock.h"

#define CACHE_DER_MAX (2u << 20)

/* A revocation must be out within seconds, a CA certificate never changes. */
static const struct cache_source {
	const char *call;
	int64_t fresh_ms;
} sources[] = {
	[CACHE_CERT] = { "ca.certificate", 3600 * 1000 },
	[CACHE_CRL] = { "crl.get", 2000 },
};

struct cache_key {
	enum cache_kind kind;
	char ski[CACHE_SKI_MAX + 1];
};

struct cache_entry {
	struct cache_key key;
	struct cache_item *item;     /* NULL: free */
	int64_t fetched_ms;
};

/* One question on its way. Only what the authority knows gets an entry, so
 * inventing identifiers pushes nothing out. */
struct cache_fetch {
	struct cache *owner;
	struct cache_key key;
	struct cache_waiter *waiters; /* NULL: free */
};

struct cache {
	const struct camca_ctx *ctx;
	struct upstream *up;
	pthread_mutex_t lock;        /* guards what follows */
	struct cache_entry entries[CACHE_ITEMS];
	struct cache_fetch fetches[CACHE_FETCHES];
};

int
cache_new(struct cache **out, const struct camca_ctx *ctx, struct upstream *up)
{
	struct cache *c = calloc(1, sizeof *c);
	size_t i;

	if (c == NULL)
		return CAMCA_ENOMEM;
	c->ctx = ctx;
	c->up = up;
	for (i = 0; i < CACHE_FETCHES; i++)
		c->fetches[i].owner = c;
	pthread_mutex_init(&c->lock, NULL);
	*out = c;
	return CAMCA_OK;
}

void
cache_free(struct cache *c)
{
	size_t i;

	if (c == NULL)
		return;
	for (i = 0; i < CACHE_ITEMS; i++)
		cache_item_free(c->entries[i].item);
	pthread_mutex_destroy(&c->lock);
	free(c);
}

void
cache_item_free(struct cache_item *it)
{
	if (it == NULL || atomic_fetch_sub(&it->refs, 1) > 1)
		return;
	free(it->der);
	free(it);
}

static struct cache_item *
cache_item_take(struct cache_item *it)
{
	atomic_fetch_add(&it->refs, 1);
	return it;
}

static bool
cache_same(const struct cache_key *a, const struct cache_key *b)
{
	return a->kind == b->kind && strcmp(a->ski, b->ski) == 0;
}

static struct cache_entry *
cache_find(struct cache *c, const struct cache_key *key)
{
	size_t i;

	for (i = 0; i < CACHE_ITEMS; i++)
		if (c->entries[i].item != NULL &&
		    cache_same(&c->entries[i].key, key))
			return &c->entries[i];
	return NULL;
}

static struct cache_fetch *
cache_find_fetch(struct cache *c, const struct cache_key *key)
{
	size_t i;

	for (i = 0; i < CACHE_FETCHES; i++)
		if (c->fetches[i].waiters != NULL &&
		    cache_same(&c->fetches[i].key, key))
			return &c->fetches[i];
	return NULL;
}

static struct cache_fetch *
cache_free_fetch(struct cache *c)
{
	size_t i;

	for (i = 0; i < CACHE_FETCHES; i++)
		if (c->fetches[i].waiters == NULL)
			return &c->fetches[i];
	return NULL;
}

/* Puts item under key in place of the old one, of nothing, or of the entry
 * fetched longest ago. */
static void
cache_store(struct cache *c, const struct cache_key *key,
    struct cache_item *item, int64_t mono_ms)
{
	struct cache_entry *e = cache_find(c, key);
	size_t i;

	if (e == NULL) {
		e = &c->entries[0];
		for (i = 0; i < CACHE_ITEMS && e->item != NULL; i++)
			if (c->entries[i].item == NULL ||
			    c->entries[i].fetched_ms < e->fetched_ms)
				e = &c->entries[i];
	}
	cache_item_free(e->item);
	e->key = *key;
	e->item = cache_item_take(item);
	e->fetched_ms = mono_ms;
}

static int
cache_item_fill(struct cache_item *it, const json_t *result)
{
	const char *b64 = json_string_value(json_object_get(result, "der"));
	const char *from = json_string_value(json_object_get(result,
	    "this_update"));
	const char *until = json_string_value(json_object_get(result,
	    "next_update"));
	uint8_t hash[EVP_MAX_MD_SIZE];
	char hex[33];
	struct buf der;
	int64_t ms;
	int ret;

	buf_init(&der, CACHE_DER_MAX);
	ret = b64 != NULL ? dec_base64(&der, b64, strlen(b64), 0) :
	    CAMCA_EPROTO;
	if (ret == CAMCA_OK && (der.len == 0 || EVP_Digest(der.data, der.len,
	    hash, NULL, EVP_sha256(), NULL) != 1))
		ret = CAMCA_EPROTO;
	if (ret < 0) {
		buf_fini(&der);
		return ret;
	}
	enc_hex(hex, hash, 16);
	snprintf(it->etag, sizeof it->etag, "\"%s\"", hex);
	if (from != NULL && ctx_time_parse(from, &ms) == CAMCA_OK)
		it->modified_s = ms / 1000;
	it->next_update_ms = INT64_MAX;
	if (until != NULL && ctx_time_parse(until, &ms) == CAMCA_OK)
		it->next_update_ms = ms;
	it->der = der.data;
	it->len = der.len;
	return CAMCA_OK;
}

static struct cache_item *
cache_item_new(const json_t *result)
{
	struct cache_item *it = calloc(1, sizeof *it);

	if (it == NULL)
		return NULL;
	atomic_init(&it->refs, 1);
	if (cache_item_fill(it, result) == CAMCA_OK)
		return it;
	cache_item_free(it);
	return NULL;
}

/* What there is while the authority cannot answer: a CRL says itself until when
 * it holds, and no CRL at all is what cameras take for "all is well". */
static struct cache_item *
cache_stale(struct cache *c, const struct cache_key *key)
{
	struct cache_entry *e = cache_find(c, key);

	if (e == NULL || e->item->next_update_ms <= ctx_now_ms(c->ctx))
		return NULL;
	return cache_item_take(e->item);
}

/* In the thread of the upstream. */
static void
cache_fetched(void *arg, json_t *result, const struct refusal *why)
{
	struct cache_fetch *f = arg;
	struct cache *c = f->owner;
	struct cache_item *item = why == NULL ? cache_item_new(result) : NULL;
	struct cache_waiter *w, *next;
	struct refusal broken = { 0 };

	json_decref(result);
	if (why == NULL && item == NULL) {
		refuse_default(&broken, CAMCA_EPROTO);
		why = &broken;
	}
	pthread_mutex_lock(&c->lock);
	if (item != NULL)
		cache_store(c, &f->key, item, clock_mono_ms());
	else if (why->http >= 500)
		item = cache_stale(c, &f->key);
	w = f->waiters;
	f->waiters = NULL;
	pthread_mutex_unlock(&c->lock);
	for (; w != NULL; w = next) {
		next = w->next;    /* w is gone once its fn has been called */
		w->fn(w->arg, item != NULL ? cache_item_take(item) : NULL,
		    item != NULL ? NULL : why);
	}
	cache_item_free(item);
}

/* Nobody but w waits yet, or others have joined meanwhile: all get why. */
static void
cache_ask(struct cache *c, struct cache_fetch *f)
{
	struct refusal why = { 0 };
	json_t *args = json_pack("{s:s}", "ski", f->key.ski);

	if (upstream_call(c->up, sources[f->key.kind].call, args,
	    cache_fetched, f, &why) < 0)
		cache_fetched(f, NULL, &why);
}

/* With the lock held: CAMCA_OK a hit, CAMCA_EPENDING none, and w waits; *ask is the fetch
 * to start then, if it is new. */
static int
cache_look(struct cache *c, const struct cache_key *key, int64_t mono_ms,
    struct cache_waiter *w, struct cache_item **out, struct cache_fetch **ask)
{
	struct cache_entry *e = cache_find(c, key);
	struct cache_fetch *f;

	if (e != NULL &&
	    mono_ms - e->fetched_ms < sources[key->kind].fresh_ms) {
		*out = cache_item_take(e->item);
		return CAMCA_OK;
	}
	if (w == NULL)
		return CAMCA_EPENDING;
	f = cache_find_fetch(c, key);
	if (f == NULL) {
		f = cache_free_fetch(c);
		if (f == NULL) {
			/* Invented identifiers may keep all of them busy. */
			*out = cache_stale(c, key);
			return *out != NULL ? CAMCA_OK : CAMCA_EBUSY;
		}
		f->key = *key;
		*ask = f;
	}
	w->next = f->waiters;
	f->waiters = w;
	return CAMCA_EPENDING;
}

int
cache_get(struct cache *c, enum cache_kind kind, const char *ski,
    int64_t mono_ms, struct cache_waiter *w, struct cache_item **out_item,
    struct refusal *why)
{
	struct cache_fetch *ask = NULL;
	struct cache_key key = { .kind = kind };
	int ret;

	snprintf(key.ski, sizeof key.ski, "%s", ski);
	pthread_mutex_lock(&c->lock);
	ret = cache_look(c, &key, mono_ms, w, out_item, &ask);
	pthread_mutex_unlock(&c->lock);
	if (ask != NULL)
		cache_ask(c, ask);
	return ret == CAMCA_EBUSY ? refuse_default(why, ret) : ret;
}
