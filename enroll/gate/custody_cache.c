/* SPDX-License-Identifier: Apache-2.0 */
#include "enroll/gate/custody_cache.h"

#include <openssl/evp.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "ca/base/enc.h"
#include "ca/base/mono.h"
#include "enroll/gate/download.h"

#define CUSTODY_BUCKETS 4096
#define CUSTODY_HASH_LEN 32
/* 256 events of at most 4 kB, and then some: more is no bundle of ours. */
#define CUSTODY_ITEM_MAX ((size_t)2 << 20)

struct custody_entry {
	struct custody_name name;
	struct custody_item *item;
	int64_t fetched_ms;
	struct custody_entry *chain;     /* of the same bucket */
	struct custody_entry *newer, *older;
};

/* Partial tiles have a bound of their own: each second brings new ones, which
 * must not push the full ones out. */
enum custody_keep { KEEP_FULL, KEEP_PARTIAL };
struct custody_list {
	struct custody_entry *newest, *oldest;
	size_t bytes, max;
};

/* One question on its way. Only what the authority has gets an entry, so
 * inventing addresses pushes nothing out. */
struct custody_fetch {
	struct custody_cache *owner;
	struct custody_name name;
	struct download part;            /* of this question alone */
	struct custody_waiter *waiters;  /* NULL: free */
};

struct custody_cache {
	struct upstream *up;
	pthread_mutex_t lock;            /* guards what follows */
	struct custody_list lists[2];
	struct custody_entry *buckets[CUSTODY_BUCKETS];
	struct custody_fetch fetches[CUSTODY_FETCHES];
};

int
custody_cache_new(struct custody_cache **out, struct upstream *up,
    size_t max_bytes)
{
	struct custody_cache *c = calloc(1, sizeof *c);
	size_t i;

	if (c == NULL)
		return CAMCA_ENOMEM;
	c->up = up;
	c->lists[KEEP_PARTIAL].max = max_bytes / 4;
	c->lists[KEEP_FULL].max = max_bytes - max_bytes / 4;
	for (i = 0; i < CUSTODY_FETCHES; i++)
		c->fetches[i].owner = c;
	pthread_mutex_init(&c->lock, NULL);
	*out = c;
	return CAMCA_OK;
}

void
custody_item_free(struct custody_item *it)
{
	if (it == NULL || atomic_fetch_sub(&it->refs, 1) > 1)
		return;
	free(it->p);
	free(it);
}

static struct custody_item *
custody_item_take(struct custody_item *it)
{
	atomic_fetch_add(&it->refs, 1);
	return it;
}

/* ---- what is kept; all with the lock held ---- */

static struct custody_list *
custody_list_of(struct custody_cache *c, const struct custody_name *name)
{
	bool partial = name->level != CUSTODY_CHECKPOINT &&
	    name->width < TILE_HASHES;

	return &c->lists[partial ? KEEP_PARTIAL : KEEP_FULL];
}

static struct custody_entry **
custody_bucket(struct custody_cache *c, const struct custody_name *name)
{
	uint64_t h = (uint64_t)name->n * 0x9e3779b97f4a7c15u;

	h ^= (uint64_t)(name->level + 2) << 56 ^ (uint64_t)name->width << 44;
	return &c->buckets[(h ^ h >> 32) % CUSTODY_BUCKETS];
}

static bool
custody_same(const struct custody_name *a, const struct custody_name *b)
{
	return a->level == b->level && a->n == b->n && a->width == b->width;
}

static struct custody_entry *
custody_find(struct custody_cache *c, const struct custody_name *name)
{
	struct custody_entry *e = *custody_bucket(c, name);

	while (e != NULL && !custody_same(&e->name, name))
		e = e->chain;
	return e;
}

static size_t
custody_cost(const struct custody_entry *e)
{
	return sizeof *e + sizeof *e->item + e->item->len;
}

static void
custody_unlist(struct custody_list *l, struct custody_entry *e)
{
	*(e->newer != NULL ? &e->newer->older : &l->newest) = e->older;
	*(e->older != NULL ? &e->older->newer : &l->oldest) = e->newer;
	e->newer = e->older = NULL;
}

static void
custody_enlist(struct custody_list *l, struct custody_entry *e)
{
	e->older = l->newest;
	*(e->older != NULL ? &e->older->newer : &l->oldest) = e;
	l->newest = e;
}

static void
custody_drop(struct custody_cache *c, struct custody_entry *e)
{
	struct custody_list *l = custody_list_of(c, &e->name);
	struct custody_entry **at = custody_bucket(c, &e->name);

	while (*at != e)
		at = &(*at)->chain;
	*at = e->chain;
	custody_unlist(l, e);
	l->bytes -= custody_cost(e);
	custody_item_free(e->item);
	free(e);
}

/* Keeps item under name. Without memory it is not kept, and that is all. */
static void
custody_keep(struct custody_cache *c, const struct custody_name *name,
    struct custody_item *item, int64_t mono_ms)
{
	struct custody_list *l = custody_list_of(c, name);
	struct custody_entry *e = custody_find(c, name);

	if (e != NULL)
		custody_drop(c, e);
	e = calloc(1, sizeof *e);
	if (e == NULL)
		return;
	e->name = *name;
	e->item = custody_item_take(item);
	e->fetched_ms = mono_ms;
	e->chain = *custody_bucket(c, name);
	*custody_bucket(c, name) = e;
	custody_enlist(l, e);
	l->bytes += custody_cost(e);
	while (l->bytes > l->max && l->oldest != NULL)
		custody_drop(c, l->oldest);
}

static struct custody_item *
custody_kept(struct custody_cache *c, const struct custody_name *name)
{
	struct custody_list *l = custody_list_of(c, name);
	struct custody_entry *e = custody_find(c, name);

	if (e == NULL)
		return NULL;
	custody_unlist(l, e);
	custody_enlist(l, e);
	return custody_item_take(e->item);
}

/* Tiles never change; a newer checkpoint may be there after a second. */
static bool
custody_fresh(struct custody_cache *c, const struct custody_name *name,
    int64_t mono_ms)
{
	const struct custody_entry *e = custody_find(c, name);

	return e != NULL && (name->level != CUSTODY_CHECKPOINT ||
	    mono_ms - e->fetched_ms < CUSTODY_FRESH_MS);
}

void
custody_cache_free(struct custody_cache *c)
{
	size_t i;

	if (c == NULL)
		return;
	for (i = 0; i < 2; i++)
		while (c->lists[i].oldest != NULL)
			custody_drop(c, c->lists[i].oldest);
	pthread_mutex_destroy(&c->lock);
	free(c);
}

size_t
custody_cache_bytes(struct custody_cache *c)
{
	size_t n;

	pthread_mutex_lock(&c->lock);
	n = c->lists[KEEP_FULL].bytes + c->lists[KEEP_PARTIAL].bytes;
	pthread_mutex_unlock(&c->lock);
	return n;
}

/* Another origin: a fork of the log, decided by a person, whose tiles may have
 * other hashes under the same names. */
static void
custody_forget_fork(struct custody_cache *c, const struct custody_item *now)
{
	static const struct custody_name name = { CUSTODY_CHECKPOINT, 0, 0 };
	struct custody_entry *e = custody_find(c, &name);
	size_t n = 0, i;

	if (e == NULL)
		return;
	while (n < now->len && now->p[n] != '\n')
		n++;
	if (n < e->item->len && e->item->p[n] == '\n' &&
	    memcmp(e->item->p, now->p, n) == 0)
		return;
	for (i = 0; i < 2; i++)
		while (c->lists[i].oldest != NULL)
			custody_drop(c, c->lists[i].oldest);
}

/* ---- what is asked for ---- */

/* Hands the outcome to all who wait, and is free for the next question. */
static void
custody_finish(struct custody_fetch *f, struct custody_item *item,
    const struct refusal *why)
{
	struct custody_cache *c = f->owner;
	struct custody_waiter *w, *next;

	download_fini(&f->part);
	pthread_mutex_lock(&c->lock);
	if (item != NULL && f->name.level == CUSTODY_CHECKPOINT)
		custody_forget_fork(c, item);
	if (item != NULL)
		custody_keep(c, &f->name, item, mono_ms());
	else if (why->http >= 500)
		/* A checkpoint that was kept: it stays true. */
		item = custody_kept(c, &f->name);
	w = f->waiters;
	f->waiters = NULL;
	pthread_mutex_unlock(&c->lock);
	for (; w != NULL; w = next) {
		next = w->next;    /* w is gone once its fn has been called */
		w->fn(w->arg, item != NULL ? custody_item_take(item) : NULL,
		    item != NULL ? NULL : why);
	}
	custody_item_free(item);
}

/* Takes the bytes p; NULL without memory (they are freed then). */
static struct custody_item *
custody_item_new(uint8_t *p, size_t n)
{
	struct custody_item *it = calloc(1, sizeof *it);
	uint8_t digest[CUSTODY_HASH_LEN];
	char hex[33];

	if (it == NULL || p == NULL || EVP_Digest(p, n, digest, NULL,
	    EVP_sha256(), NULL) != 1) {
		free(p);
		free(it);
		return NULL;
	}
	enc_hex(hex, digest, 16);
	snprintf(it->etag, sizeof it->etag, "\"%s\"", hex);
	atomic_init(&it->refs, 1);
	it->p = p;
	it->len = n;
	return it;
}

static bool
custody_size_fits(const struct custody_name *name, size_t n)
{
	if (name->level == TILE_ENTRIES)
		return n <= CUSTODY_ITEM_MAX;
	return n == (size_t)name->width * CUSTODY_HASH_LEN;
}

/* CAMCA_OK with *out, CAMCA_EPENDING: more is to be asked for. */
static int
custody_take(struct custody_fetch *f, const json_t *result,
    struct custody_item **out)
{
	const json_t *note = json_object_get(result, "note");
	size_t n = json_string_length(note);
	int ret;

	if (f->name.level == CUSTODY_CHECKPOINT) {
		if (n == 0 || n > CUSTODY_ITEM_MAX)
			return CAMCA_EPROTO;
		*out = custody_item_new((uint8_t *)strndup(
		    json_string_value(note), n), n);
		return *out != NULL ? CAMCA_OK : CAMCA_ENOMEM;
	}
	ret = download_add(&f->part, result);
	if ((ret == CAMCA_OK || ret == CAMCA_EPENDING) &&
	    !custody_size_fits(&f->name, f->part.size))
		return CAMCA_EPROTO;
	if (ret < 0)
		return ret;
	*out = custody_item_new(f->part.p, f->part.got);
	download_init(&f->part);
	return *out != NULL ? CAMCA_OK : CAMCA_ENOMEM;
}

static void custody_ask(struct custody_cache *c, struct custody_fetch *f);

/* In the thread of the upstream. */
static void
custody_fetched(void *arg, json_t *result, const struct refusal *why)
{
	struct custody_fetch *f = arg;
	struct custody_item *item = NULL;
	struct refusal broken = { 0 };
	int ret;

	if (why != NULL) {
		custody_finish(f, NULL, why);
		return;
	}
	ret = custody_take(f, result, &item);
	json_decref(result);
	if (ret == CAMCA_EPENDING) {
		custody_ask(f->owner, f);
		return;
	}
	if (ret < 0)
		refuse_default(&broken, ret);
	custody_finish(f, item, &broken);
}

static json_t *
custody_args(const struct custody_fetch *f)
{
	json_int_t n = f->name.n;

	if (f->name.level == CUSTODY_CHECKPOINT)
		return json_object();
	if (f->name.level == TILE_ENTRIES)
		return json_pack("{s:I, s:i, s:I}", "n", n, "width",
		    f->name.width, "offset", (json_int_t)f->part.got);
	return json_pack("{s:i, s:I, s:i}", "level", f->name.level, "n", n,
	    "width", f->name.width);
}

/* Nobody but one waits yet, or others have joined meanwhile: all get why. */
static void
custody_ask(struct custody_cache *c, struct custody_fetch *f)
{
	const char *op = f->name.level == CUSTODY_CHECKPOINT ?
	    "custody.checkpoint" : f->name.level == TILE_ENTRIES ?
	    "custody.entries" : "custody.tile";
	struct refusal why = { 0 };

	if (upstream_call(c->up, op, custody_args(f), custody_fetched, f,
	    &why) < 0)
		custody_finish(f, NULL, &why);
}

/* With the lock held: the fetch of this name that is on its way, or a free one,
 * with *ask set then. NULL: all are busy. */
static struct custody_fetch *
custody_fetch_for(struct custody_cache *c, const struct custody_name *name,
    struct custody_fetch **ask)
{
	struct custody_fetch *f, *unused = NULL;
	size_t i;

	for (i = 0; i < CUSTODY_FETCHES; i++) {
		f = &c->fetches[i];
		if (f->waiters == NULL)
			unused = f;
		else if (custody_same(&f->name, name))
			return f;
	}
	/* The last place is for checkpoints: invented tiles may keep the
	 * others busy. */
	for (i = 0; unused != NULL && i < CUSTODY_FETCHES; i++)
		if (c->fetches[i].waiters == NULL && &c->fetches[i] != unused)
			break;
	if (i == CUSTODY_FETCHES && name->level != CUSTODY_CHECKPOINT)
		unused = NULL;
	if (unused != NULL)
		unused->name = *name;
	*ask = unused;
	return unused;
}

/* With the lock held. */
static int
custody_look(struct custody_cache *c, const struct custody_name *name,
    int64_t mono_ms, struct custody_waiter *w, struct custody_item **out,
    struct custody_fetch **ask)
{
	struct custody_fetch *f;

	if (custody_fresh(c, name, mono_ms)) {
		*out = custody_kept(c, name);
		return CAMCA_OK;
	}
	if (w == NULL)
		return CAMCA_EPENDING;
	f = custody_fetch_for(c, name, ask);
	if (f == NULL) {
		*out = custody_kept(c, name);
		return *out != NULL ? CAMCA_OK : CAMCA_EBUSY;
	}
	w->next = f->waiters;
	f->waiters = w;
	return CAMCA_EPENDING;
}

int
custody_cache_get(struct custody_cache *c, const struct custody_name *name,
    int64_t mono_ms, struct custody_waiter *w, struct custody_item **out_item,
    struct refusal *why)
{
	struct custody_fetch *ask = NULL;
	int ret;

	pthread_mutex_lock(&c->lock);
	ret = custody_look(c, name, mono_ms, w, out_item, &ask);
	pthread_mutex_unlock(&c->lock);
	if (ask != NULL)
		custody_ask(c, ask);
	return ret == CAMCA_EBUSY ? refuse_default(why, ret) : ret;
}
