/* SPDX-License-Identifier: Apache-2.0 */
#include "enroll/gate/cache.h"

#include <pthread.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "ca/base/enc.h"
#include "ca/base/mono.h"
#include "enroll/gate/download.h"

#define CACHE_RESTARTS 5

/* A revocation must be out within seconds, a CA certificate never changes. */
static const struct cache_source {
	const char *call, *arg;
	int64_t fresh_ms;            /* 0: never kept */
} sources[] = {
	[CACHE_CERT] = { "ca.certificate", "ski", 3600 * 1000 },
	[CACHE_CRL] = { "crl.get", "ski", 2000 },
	[CACHE_ISSUED] = { "cert.get", "serial", 0 },
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
	struct download part;        /* of this question alone, as the next */
	int restarts;
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

/* Invented serials may keep half of them busy, but not those of CRLs. */
static struct cache_fetch *
cache_free_fetch(struct cache *c, enum cache_kind kind)
{
	size_t i = kind == CACHE_ISSUED ? CACHE_FETCHES / 2 : 0;

	for (; i < CACHE_FETCHES; i++)
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

static int64_t
cache_time(const json_t *result, const char *name, int64_t none)
{
	const char *text = json_string_value(json_object_get(result, name));
	int64_t ms;

	return text != NULL && ctx_time_parse(text, &ms) == CAMCA_OK ? ms :
	    none;
}

/* The bytes go over from d; NULL without memory. */
static struct cache_item *
cache_item_new(const json_t *result, struct download *d)
{
	struct cache_item *it = calloc(1, sizeof *it);
	char hex[33];

	if (it == NULL)
		return NULL;
	atomic_init(&it->refs, 1);
	enc_hex(hex, d->sha256, 16);
	snprintf(it->etag, sizeof it->etag, "\"%s\"", hex);
	it->modified_s = cache_time(result, "this_update", 0) / 1000;
	it->next_update_ms = cache_time(result, "next_update", INT64_MAX);
	it->number = d->number;
	it->der = d->p;
	it->len = d->got;
	download_init(d);
	return it;
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

/* Hands the outcome to all who wait, and is free for the next question. */
static void
cache_finish(struct cache_fetch *f, struct cache_item *item,
    const struct refusal *why)
{
	struct cache *c = f->owner;
	struct cache_waiter *w, *next;

	download_fini(&f->part);
	pthread_mutex_lock(&c->lock);
	if (item != NULL && sources[f->key.kind].fresh_ms > 0)
		cache_store(c, &f->key, item, mono_ms());
	else if (item == NULL && why->http >= 500)
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

/* The CRL that is kept already, where it is the newest: no bytes came. */
static struct cache_item *
cache_unchanged(struct cache_fetch *f, const json_t *result)
{
	struct cache *c = f->owner;
	struct cache_item *item = NULL;
	struct cache_entry *e;
	int64_t number = json_integer_value(json_object_get(result, "number"));

	if (json_object_get(result, "der") != NULL)
		return NULL;
	pthread_mutex_lock(&c->lock);
	e = cache_find(c, &f->key);
	if (e != NULL && number > 0 && e->item->number == number)
		item = cache_item_take(e->item);
	pthread_mutex_unlock(&c->lock);
	return item;
}

static void cache_ask(struct cache *c, struct cache_fetch *f);

/* In the thread of the upstream. */
static void
cache_fetched(void *arg, json_t *result, const struct refusal *why)
{
	struct cache_fetch *f = arg;
	struct cache_item *item = NULL;
	struct refusal broken = { 0 };
	bool again = false;
	int ret = CAMCA_OK;

	/* A newer list has come out while this one was read, or the one that is
	 * the newest was pushed out of the cache: from the start. */
	if (why != NULL)
		again = strcmp(why->code, "crl.replaced") == 0;
	else if ((item = cache_unchanged(f, result)) == NULL)
		again = json_object_get(result, "der") == NULL &&
		    json_object_get(result, "size") != NULL;
	if (why == NULL && item == NULL)
		ret = download_add(&f->part, result);
	if (why == NULL && item == NULL && ret == CAMCA_OK)
		item = cache_item_new(result, &f->part);
	json_decref(result);
	if (again && f->restarts++ < CACHE_RESTARTS) {
		download_fini(&f->part);
		ret = CAMCA_EPENDING;
	}
	if (ret == CAMCA_EPENDING) {
		cache_ask(f->owner, f);
		return;
	}
	if (why == NULL && item == NULL) {
		refuse_default(&broken, CAMCA_EPROTO);
		why = &broken;
	}
	cache_finish(f, item, why);
}

static json_t *
cache_args(struct cache *c, const struct cache_fetch *f)
{
	json_t *args = json_pack("{s:s}", sources[f->key.kind].arg,
	    f->key.ski);
	struct cache_entry *e;
	int64_t have = 0;

	if (f->key.kind != CACHE_CRL)
		return args;
	if (f->part.got > 0) {
		json_object_set_new(args, "number",
		    json_integer(f->part.number));
		json_object_set_new(args, "offset",
		    json_integer((json_int_t)f->part.got));
		return args;
	}
	pthread_mutex_lock(&c->lock);
	if ((e = cache_find(c, &f->key)) != NULL)
		have = e->item->number;
	pthread_mutex_unlock(&c->lock);
	if (have > 0)
		json_object_set_new(args, "have", json_integer(have));
	return args;
}

/* Nobody but w waits yet, or others have joined meanwhile: all get why. */
static void
cache_ask(struct cache *c, struct cache_fetch *f)
{
	struct refusal why = { 0 };

	if (upstream_call(c->up, sources[f->key.kind].call, cache_args(c, f),
	    cache_fetched, f, &why) < 0)
		cache_finish(f, NULL, &why);
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
		f = cache_free_fetch(c, key->kind);
		if (f == NULL) {
			/* Invented identifiers may keep all of them busy. */
			*out = cache_stale(c, key);
			return *out != NULL ? CAMCA_OK : CAMCA_EBUSY;
		}
		f->key = *key;
		f->restarts = 0;
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
