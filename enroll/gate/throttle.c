/* SPDX-License-Identifier: Apache-2.0 */
#include "enroll/gate/throttle.h"

#include <pthread.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#define THROTTLE_WINDOW_MS 60000
#define THROTTLE_WAYS 4u

/* Failures of one address: those of the current window and of the one before,
 * which slides out linearly. Two numbers instead of a list of times. */
struct throttle_entry {
	struct client_key key;
	int64_t window;          /* now_ms / THROTTLE_WINDOW_MS; 0: free */
	int64_t now;
	int64_t before;
};

struct throttle {
	int64_t per_minute;
	uint64_t seed;
	size_t sets;             /* a power of two */
	pthread_mutex_t lock;    /* guards the entries */
	struct throttle_entry *entries;
};

int
throttle_new(struct throttle **out, const struct camca_ctx *ctx,
    size_t addresses, int64_t per_minute)
{
	struct throttle *t = calloc(1, sizeof *t);
	int ret;

	if (t == NULL)
		return CAMCA_ENOMEM;
	pthread_mutex_init(&t->lock, NULL);
	t->per_minute = per_minute;
	for (t->sets = 1; t->sets * THROTTLE_WAYS < addresses; t->sets *= 2)
		;
	t->entries = calloc(t->sets * THROTTLE_WAYS, sizeof *t->entries);
	ret = t->entries != NULL ? CAMCA_OK : CAMCA_ENOMEM;
	if (ret == CAMCA_OK)
		ret = ctx_random(ctx, (uint8_t *)&t->seed, sizeof t->seed);
	if (ret < 0) {
		throttle_free(t);
		return ret;
	}
	*out = t;
	return CAMCA_OK;
}

void
throttle_free(struct throttle *t)
{
	if (t == NULL)
		return;
	pthread_mutex_destroy(&t->lock);
	free(t->entries);
	free(t);
}

/* The set of an address. Seeded, so that nobody outside can choose addresses
 * that push a certain one out. */
static struct throttle_entry *
throttle_set(struct throttle *t, const struct client_key *key)
{
	uint64_t h;

	memcpy(&h, key->bytes, sizeof h);
	h ^= t->seed;
	h = (h ^ (h >> 30)) * 0xbf58476d1ce4e5b9u;
	h = (h ^ (h >> 27)) * 0x94d049bb133111ebu;
	h ^= h >> 31;
	return &t->entries[(h & (t->sets - 1)) * THROTTLE_WAYS];
}

static struct throttle_entry *
throttle_find(struct throttle_entry *set, const struct client_key *key)
{
	size_t i;

	for (i = 0; i < THROTTLE_WAYS; i++)
		if (set[i].window != 0 &&
		    memcmp(&set[i].key, key, sizeof *key) == 0)
			return &set[i];
	return NULL;
}

/* An entry for key: its own, or that of the address longest quiet. */
static struct throttle_entry *
throttle_claim(struct throttle_entry *set, const struct client_key *key)
{
	struct throttle_entry *e = throttle_find(set, key), *oldest = &set[0];
	size_t i;

	if (e != NULL)
		return e;
	for (i = 1; i < THROTTLE_WAYS; i++)
		if (set[i].window < oldest->window)
			oldest = &set[i];
	memset(oldest, 0, sizeof *oldest);
	oldest->key = *key;
	return oldest;
}

static int64_t
throttle_window(int64_t now_ms)
{
	return now_ms / THROTTLE_WINDOW_MS + 1;
}

static void
throttle_slide(struct throttle_entry *e, int64_t window)
{
	if (e->window == window)
		return;
	e->before = e->window == window - 1 ? e->now : 0;
	e->now = 0;
	e->window = window;
}

int
throttle_wait_s(struct throttle *t, const struct client_key *key,
    int64_t now_ms)
{
	int64_t into = now_ms % THROTTLE_WINDOW_MS, left;
	int64_t rest = THROTTLE_WINDOW_MS - into;
	struct throttle_entry *e;
	bool over = false;

	pthread_mutex_lock(&t->lock);
	e = throttle_find(throttle_set(t, key), key);
	if (e != NULL) {
		throttle_slide(e, throttle_window(now_ms));
		left = e->before * rest / THROTTLE_WINDOW_MS;
		over = e->now + left >= t->per_minute;
		/* What is left of the last minute slides out sooner. */
		if (over && e->now < t->per_minute && e->before > 0)
			rest -= (t->per_minute - e->now) *
			    THROTTLE_WINDOW_MS / e->before;
	}
	pthread_mutex_unlock(&t->lock);
	if (!over)
		return 0;
	return rest < 1000 ? 1 : (int)((rest + 999) / 1000);
}

void
throttle_failed(struct throttle *t, const struct client_key *key,
    int64_t now_ms)
{
	struct throttle_entry *e;

	pthread_mutex_lock(&t->lock);
	e = throttle_claim(throttle_set(t, key), key);
	throttle_slide(e, throttle_window(now_ms));
	e->now++;
	pthread_mutex_unlock(&t->lock);
}
