/* SPDX-License-Identifier: Apache-2.0 */
#include "ca/job/guard.h"

#include <openssl/crypto.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>

#include "ca/job/observe.h"

/* A polynomial over the field of 2^61 - 1 at a random point: the fingerprint of
 * each stretch of a text costs a few instructions, and two texts share one with
 * a chance of less than their length in 2^60. */
#define GUARD_P ((UINT64_C(1) << 61) - 1)
#define GUARD_JOBS 4096                /* then the oldest are forgotten */
/* Both passwords of every account that a camera may have, and as many new ones
 * again. */
#define GUARD_PER_JOB 160
#define GUARD_DEPTH 64

struct guard_job {
	struct guard_job *next;
	int64_t job, used_ms;
	bool weak;                     /* a maker's password is among them */
	size_t n, next_at;             /* used, and whose turn it is to go */
	struct {
		size_t len;
		uint64_t print;
	} list[GUARD_PER_JOB];
};

struct guard {
	pthread_mutex_t lock;          /* guards jobs and n */
	uint64_t base;
	struct guard_job *jobs;
	size_t n;
};

static uint64_t
guard_mul(uint64_t a, uint64_t b)
{
	unsigned __int128 x = (unsigned __int128)a * b;
	uint64_t r = (uint64_t)(x & GUARD_P) + (uint64_t)(x >> 61);

	return r >= GUARD_P ? r - GUARD_P : r;
}

static uint64_t
guard_step(uint64_t print, uint64_t base, unsigned char c)
{
	uint64_t r = guard_mul(print, base) + c + 1;

	return r >= GUARD_P ? r - GUARD_P : r;
}

static uint64_t
guard_print(const struct guard *g, const char *s, size_t n)
{
	uint64_t print = 0;
	size_t i;

	for (i = 0; i < n; i++)
		print = guard_step(print, g->base, (unsigned char)s[i]);
	return print;
}

int
guard_new(struct guard **out, const struct camca_ctx *ctx)
{
	struct guard *g = calloc(1, sizeof *g);
	int ret;

	if (g == NULL)
		return CAMCA_ENOMEM;
	ret = ctx_random(ctx, (uint8_t *)&g->base, sizeof g->base);
	if (ret < 0) {
		free(g);
		return ret;
	}
	g->base = g->base % (GUARD_P - 1000) + 500;
	pthread_mutex_init(&g->lock, NULL);
	*out = g;
	return CAMCA_OK;
}

void
guard_free(struct guard *g)
{
	struct guard_job *j, *next;

	if (g == NULL)
		return;
	for (j = g->jobs; j != NULL; j = next) {
		next = j->next;
		OPENSSL_cleanse(j, sizeof *j);
		free(j);
	}
	pthread_mutex_destroy(&g->lock);
	OPENSSL_cleanse(g, sizeof *g);
	free(g);
}

static struct guard_job *
guard_find(const struct guard *g, int64_t job)
{
	struct guard_job *j;

	for (j = g->jobs; j != NULL; j = j->next)
		if (j->job == job)
			return j;
	return NULL;
}

static void
guard_drop(struct guard *g, const struct guard_job *what)
{
	struct guard_job **at, *j;

	for (at = &g->jobs; *at != NULL; at = &(*at)->next)
		if (*at == what) {
			j = *at;
			*at = j->next;
			g->n--;
			OPENSSL_cleanse(j, sizeof *j);
			free(j);
			return;
		}
}

static struct guard_job *
guard_oldest(const struct guard *g)
{
	struct guard_job *j, *old = g->jobs;

	for (j = g->jobs; j != NULL; j = j->next)
		if (j->used_ms < old->used_ms)
			old = j;
	return old;
}

/* Each once: a job that is leased again and again, or an agent that asks for
 * one password without end, fills nothing. Past its end the list begins anew,
 * so that nobody can keep a job from being leased by filling it. */
static void
guard_put(struct guard_job *j, size_t len, uint64_t print)
{
	size_t i;

	for (i = 0; i < j->n; i++)
		if (j->list[i].len == len && j->list[i].print == print)
			return;
	i = j->n < GUARD_PER_JOB ? j->n++ : j->next_at++ % GUARD_PER_JOB;
	j->list[i].len = len;
	j->list[i].print = print;
}

int
guard_add(struct guard *g, int64_t job, const char *password, int64_t now_ms)
{
	struct guard_job *j;
	size_t n = password != NULL ? strlen(password) : 0;
	uint64_t print = guard_print(g, password, n);
	int ret = CAMCA_OK;

	pthread_mutex_lock(&g->lock);
	j = guard_find(g, job);
	if (j == NULL && (j = calloc(1, sizeof *j)) != NULL) {
		if (g->n >= GUARD_JOBS)
			guard_drop(g, guard_oldest(g));
		j->job = job;
		j->next = g->jobs;
		g->jobs = j;
		g->n++;
	}
	if (j == NULL) {
		ret = CAMCA_ENOMEM;
	} else {
		j->used_ms = now_ms;
		j->weak |= password != NULL && password_is_default(password);
		if (n >= GUARD_LEN_MIN)
			guard_put(j, n, print);
	}
	pthread_mutex_unlock(&g->lock);
	return ret;
}

bool
guard_knows(struct guard *g, int64_t job, int64_t now_ms)
{
	struct guard_job *j;

	pthread_mutex_lock(&g->lock);
	j = guard_find(g, job);
	if (j != NULL)
		j->used_ms = now_ms;
	pthread_mutex_unlock(&g->lock);
	return j != NULL;
}

bool
guard_default(struct guard *g, int64_t job)
{
	struct guard_job *j;
	bool weak;

	pthread_mutex_lock(&g->lock);
	j = guard_find(g, job);
	weak = j != NULL && j->weak;
	pthread_mutex_unlock(&g->lock);
	return weak;
}

void
guard_forget(struct guard *g, int64_t job)
{
	struct guard_job *j;

	pthread_mutex_lock(&g->lock);
	j = guard_find(g, job);
	if (j != NULL)
		guard_drop(g, j);
	pthread_mutex_unlock(&g->lock);
}

/* Each stretch of len bytes: one byte comes in, one goes out. */
static bool
guard_in_text(const struct guard *g, size_t len, uint64_t print,
    const char *s, size_t n)
{
	uint64_t at, top = 1, out;
	size_t i;

	if (n < len)
		return false;
	for (i = 0; i < len; i++)
		top = guard_mul(top, g->base);
	at = guard_print(g, s, len);
	for (i = len; at != print && i < n; i++) {
		at = guard_step(at, g->base, (unsigned char)s[i]);
		out = guard_mul(top, (uint64_t)(unsigned char)s[i - len] + 1);
		at = at >= out ? at - out : at + GUARD_P - out;
	}
	return at == print;
}

static bool
guard_text(const struct guard *g, const struct guard_job *j, const char *s,
    size_t n)
{
	size_t i;

	for (i = 0; i < j->n; i++)
		if (guard_in_text(g, j->list[i].len, j->list[i].print, s, n))
			return true;
	return false;
}

/* What is nested deeper than anything we know counts as found. */
static bool
guard_value(const struct guard *g, const struct guard_job *j, const json_t *v,
    int depth)
{
	const char *name;
	json_t *item;
	size_t i;

	if (depth > GUARD_DEPTH)
		return true;
	if (json_is_string(v))
		return guard_text(g, j, json_string_value(v),
		    json_string_length(v));
	json_array_foreach(v, i, item)
		if (guard_value(g, j, item, depth + 1))
			return true;
	json_object_foreach((json_t *)(uintptr_t)v, name, item)
		if (guard_text(g, j, name, strlen(name)) ||
		    guard_value(g, j, item, depth + 1))
			return true;
	return false;
}

bool
guard_finds(struct guard *g, int64_t job, const json_t *v)
{
	struct guard_job *j, copy = { .n = 0 };

	pthread_mutex_lock(&g->lock);
	j = guard_find(g, job);
	if (j != NULL)
		copy = *j;
	pthread_mutex_unlock(&g->lock);
	return guard_value(g, &copy, v, 0);
}
