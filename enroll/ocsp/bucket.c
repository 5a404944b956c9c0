/* SPDX-License-Identifier: Apache-2.0 */
#include "enroll/ocsp/bucket.h"

#include <pthread.h>
#include <stdlib.h>
#include <string.h>

#define BUCKET_WAYS 4u
#define BUCKET_US INT64_C(1000000)

/* A token bucket is one number: when it will be full again. */
struct bucket_entry {
	struct client_key key;
	int64_t full_us;         /* 0: free */
};

struct bucket {
	int64_t cost_us;         /* of one token */
	uint64_t seed;
	size_t sets;             /* a power of two */
	pthread_mutex_t lock;    /* guards the entries */
	struct bucket_entry *entries;
};

int
bucket_new(struct bucket **out, const struct camca_ctx *ctx, size_t addresses,
    int64_t rate)
{
	struct bucket *b = calloc(1, sizeof *b);
	int ret;

	if (b == NULL)
		return CAMCA_ENOMEM;
	pthread_mutex_init(&b->lock, NULL);
	b->cost_us = rate < BUCKET_US ? BUCKET_US / rate : 1;
	for (b->sets = 1; b->sets * BUCKET_WAYS < addresses; b->sets *= 2)
		;
	b->entries = calloc(b->sets * BUCKET_WAYS, sizeof *b->entries);
	ret = b->entries != NULL ? CAMCA_OK : CAMCA_ENOMEM;
	if (ret == CAMCA_OK)
		ret = ctx_random(ctx, (uint8_t *)&b->seed, sizeof b->seed);
	if (ret < 0) {
		bucket_free(b);
		return ret;
	}
	*out = b;
	return CAMCA_OK;
}

void
bucket_free(struct bucket *b)
{
	if (b == NULL)
		return;
	pthread_mutex_destroy(&b->lock);
	free(b->entries);
	free(b);
}

/* Seeded, so that nobody can choose addresses that push a certain one out. */
static struct bucket_entry *
bucket_set(struct bucket *b, const struct client_key *key)
{
	uint64_t h;

	memcpy(&h, key->bytes, sizeof h);
	h ^= b->seed;
	h = (h ^ (h >> 30)) * 0xbf58476d1ce4e5b9u;
	h = (h ^ (h >> 27)) * 0x94d049bb133111ebu;
	h ^= h >> 31;
	return &b->entries[(h & (b->sets - 1)) * BUCKET_WAYS];
}

/* Its own entry, or that of the address whose bucket fills first. */
static struct bucket_entry *
bucket_claim(struct bucket_entry *set, const struct client_key *key)
{
	struct bucket_entry *oldest = &set[0];
	size_t i;

	for (i = 0; i < BUCKET_WAYS; i++) {
		if (set[i].full_us != 0 &&
		    memcmp(&set[i].key, key, sizeof *key) == 0)
			return &set[i];
		if (set[i].full_us < oldest->full_us)
			oldest = &set[i];
	}
	oldest->key = *key;
	oldest->full_us = 0;
	return oldest;
}

bool
bucket_take(struct bucket *b, const struct client_key *key, int64_t mono_ms)
{
	int64_t now_us = mono_ms * 1000, full;
	struct bucket_entry *e;
	bool ok;

	pthread_mutex_lock(&b->lock);
	e = bucket_claim(bucket_set(b, key), key);
	full = (e->full_us > now_us ? e->full_us : now_us) + b->cost_us;
	ok = full <= now_us + BUCKET_US;
	if (ok)
		e->full_us = full;
	pthread_mutex_unlock(&b->lock);
	return ok;
}
