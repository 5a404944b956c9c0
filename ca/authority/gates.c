/* SPDX-License-Identifier: Apache-2.0 */
/* Leases. A gate may say "good" for STATUS_LEASE_MS from the moment it SENT a
 * request whose answer brought all there was; we count a little longer, from
 * the moment we answer, so our end of the lease is always the later one. A
 * change is settled when each gate either has confirmed it or has run out of
 * every lease that an older answer could have given it. No answer older than
 * the change can begin a new lease: gates_grant() compares with the newest
 * barrier under the same lock. */
#include "ca/authority/gates.h"

#include <pthread.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <time.h>

#include "ca/base/log.h"
#include "ca/base/mono.h"

/* The barrier looks again so often where nobody wakes it. */
#define GATES_LOOK_MS 50

struct feed_gate {
	char id[GATE_ID_LEN + 1];      /* "": free */
	int fd;                        /* -1: not connected */
	int64_t confirmed;             /* rev_seq; -1: nothing */
	int64_t lease_ms;              /* may say good until then; 0: not */
	bool stored;
};

struct gates {
	int64_t (*clock_ms)(void *arg);
	void *arg;
	pthread_mutex_t lock;          /* guards all below */
	pthread_cond_t changed;        /* a gate has confirmed something */
	int64_t floor;                 /* newest rev of all barriers so far */
	struct feed_gate list[GATES_MAX];
};

int
gates_new(struct gates **out, int64_t (*clock_ms)(void *arg), void *arg)
{
	struct gates *g = calloc(1, sizeof *g);

	if (g == NULL)
		return CAMCA_ENOMEM;
	g->clock_ms = clock_ms;
	g->arg = arg;
	pthread_mutex_init(&g->lock, NULL);
	mono_cond_init(&g->changed);
	*out = g;
	return CAMCA_OK;
}

void
gates_free(struct gates *g)
{
	if (g == NULL)
		return;
	pthread_cond_destroy(&g->changed);
	pthread_mutex_destroy(&g->lock);
	free(g);
}

static bool
gates_id_ok(const char *id)
{
	return strlen(id) == GATE_ID_LEN &&
	    strspn(id, "0123456789abcdef") == GATE_ID_LEN;
}

/* With the lock held; NULL where there is none. "" finds a free place. */
static struct feed_gate *
gates_find(struct gates *g, const char *id)
{
	size_t i;

	for (i = 0; i < GATES_MAX; i++)
		if (strcmp(g->list[i].id, id) == 0)
			return &g->list[i];
	return NULL;
}

static struct feed_gate *
gates_on(struct gates *g, const char *id, int fd)
{
	struct feed_gate *k = gates_find(g, id);

	return k != NULL && k->fd == fd ? k : NULL;
}

static struct feed_gate *
gates_add(struct gates *g, const char *id)
{
	struct feed_gate *k = gates_find(g, "");

	if (k == NULL)
		return NULL;
	memcpy(k->id, id, sizeof k->id);
	k->fd = -1;
	k->confirmed = -1;
	k->lease_ms = 0;
	k->stored = false;
	return k;
}

void
gates_expect(struct gates *g, const char *id)
{
	struct feed_gate *k;

	if (!gates_id_ok(id))
		return;
	pthread_mutex_lock(&g->lock);
	if (gates_find(g, id) == NULL && (k = gates_add(g, id)) != NULL) {
		k->lease_ms = g->clock_ms(g->arg) + GATES_LEASE_MS;
		k->stored = true;
	}
	pthread_mutex_unlock(&g->lock);
}

int
gates_join(struct gates *g, const char *id, int fd, bool *fresh_out)
{
	struct feed_gate *k;

	*fresh_out = false;
	if (!gates_id_ok(id))
		return CAMCA_EINVAL;
	pthread_mutex_lock(&g->lock);
	k = gates_find(g, id);
	if (k == NULL)
		k = gates_add(g, id);
	if (k != NULL) {
		if (k->fd >= 0 && k->fd != fd)
			shutdown(k->fd, SHUT_RDWR);
		k->fd = fd;
		*fresh_out = !k->stored;
	}
	pthread_mutex_unlock(&g->lock);
	return k != NULL ? CAMCA_OK : CAMCA_EBUSY;
}

void
gates_stored(struct gates *g, const char *id)
{
	struct feed_gate *k;

	pthread_mutex_lock(&g->lock);
	if ((k = gates_find(g, id)) != NULL)
		k->stored = true;
	pthread_mutex_unlock(&g->lock);
}

void
gates_leave(struct gates *g, const char *id, int fd)
{
	struct feed_gate *k;

	pthread_mutex_lock(&g->lock);
	if ((k = gates_on(g, id, fd)) != NULL)
		k->fd = -1;
	pthread_mutex_unlock(&g->lock);
}

bool
gates_here(struct gates *g, const char *id, int fd)
{
	bool here;

	pthread_mutex_lock(&g->lock);
	here = gates_on(g, id, fd) != NULL;
	pthread_mutex_unlock(&g->lock);
	return here;
}

bool
gates_confirm(struct gates *g, const char *id, int fd, int64_t rev)
{
	struct feed_gate *k;

	pthread_mutex_lock(&g->lock);
	if ((k = gates_on(g, id, fd)) != NULL) {
		k->confirmed = rev;
		pthread_cond_broadcast(&g->changed);
	}
	pthread_mutex_unlock(&g->lock);
	return k != NULL;
}

bool
gates_grant(struct gates *g, const char *id, int fd, int64_t rev)
{
	struct feed_gate *k;
	bool ok;

	pthread_mutex_lock(&g->lock);
	k = gates_on(g, id, fd);
	ok = k != NULL && k->stored && rev >= g->floor;
	if (ok)
		k->lease_ms = g->clock_ms(g->arg) + GATES_LEASE_MS;
	pthread_mutex_unlock(&g->lock);
	return ok;
}

void
gates_release(struct gates *g, const char *id, int fd)
{
	struct feed_gate *k;

	pthread_mutex_lock(&g->lock);
	if ((k = gates_on(g, id, fd)) != NULL) {
		k->lease_ms = 0;
		k->confirmed = INT64_MAX;
		pthread_cond_broadcast(&g->changed);
	}
	pthread_mutex_unlock(&g->lock);
}

bool
gates_sweep(struct gates *g)
{
	struct feed_gate *k;
	bool any = false;
	int64_t now;

	pthread_mutex_lock(&g->lock);
	now = g->clock_ms(g->arg);
	for (k = g->list; k < g->list + GATES_MAX; k++) {
		if (k->id[0] == '\0' || k->fd >= 0 || k->lease_ms > now)
			continue;
		any |= k->stored;
		memset(k->id, 0, sizeof k->id);
	}
	pthread_mutex_unlock(&g->lock);
	return any;
}

int
gates_names(struct gates *g, struct buf *out)
{
	int ret = CAMCA_OK;
	size_t i;

	pthread_mutex_lock(&g->lock);
	for (i = 0; ret == CAMCA_OK && i < GATES_MAX; i++)
		if (g->list[i].id[0] != '\0')
			ret = buf_printf(out, "%s\n", g->list[i].id);
	pthread_mutex_unlock(&g->lock);
	return ret;
}

/* --- the barrier --- */

/* A gate that could say good from an older state when the barrier began. */
struct gates_wait {
	char id[GATE_ID_LEN + 1];
	int64_t until_ms;              /* of every lease of an older answer */
	bool settled, cut;
};

struct gates_barrier {
	struct gates *g;
	int64_t rev;
	int64_t began_ms;
	size_t n, open;
	struct gates_wait list[GATES_MAX];
	struct feed_result *out;
};

/* Who must be waited for. Leases that begin from here on are of answers that
 * have the change: gates_grant() sees floor. */
static void
barrier_begin(struct gates_barrier *b)
{
	struct gates *g = b->g;
	const struct feed_gate *k;
	struct gates_wait *w;

	b->began_ms = g->clock_ms(g->arg);
	if (g->floor < b->rev)
		g->floor = b->rev;
	for (k = g->list; k < g->list + GATES_MAX; k++) {
		if (k->id[0] == '\0' || k->lease_ms <= b->began_ms)
			continue;
		if (k->confirmed >= b->rev) {
			b->out->confirmed++;
			continue;
		}
		w = &b->list[b->n++];
		memcpy(w->id, k->id, sizeof w->id);
		w->until_ms = k->lease_ms;
	}
	b->open = b->n;
}

static void
barrier_settle(struct gates_barrier *b, struct gates_wait *w, int *count)
{
	w->settled = true;
	b->open--;
	(*count)++;
}

static void
barrier_look_at(struct gates_barrier *b, struct gates_wait *w, int64_t now)
{
	struct feed_gate *k = gates_find(b->g, w->id);

	if (k != NULL && k->confirmed >= b->rev) {
		barrier_settle(b, w, &b->out->confirmed);
	} else if (now >= w->until_ms) {
		log_msg(LOG_WARN, w->id, "this gate has not confirmed change "
		    "%lld: it may not say good", (long long)b->rev);
		barrier_settle(b, w, &b->out->cut);
	} else if (k != NULL && k->fd >= 0 && !w->cut &&
	    now - b->began_ms >= GATES_CONFIRM_MS) {
		/* So that it notices, and begins anew. */
		w->cut = true;
		shutdown(k->fd, SHUT_RDWR);
	}
}

static void
barrier_sleep(struct gates *g)
{
	struct timespec end = mono_after(GATES_LOOK_MS);

	pthread_cond_timedwait(&g->changed, &g->lock, &end);
}

void
gates_barrier(struct gates *g, int64_t rev, struct feed_result *out)
{
	struct gates_barrier b = { .g = g, .rev = rev, .out = out };
	int64_t now;
	size_t i;

	memset(out, 0, sizeof *out);
	pthread_mutex_lock(&g->lock);
	barrier_begin(&b);
	for (now = b.began_ms; ; now = g->clock_ms(g->arg)) {
		for (i = 0; i < b.n; i++)
			if (!b.list[i].settled)
				barrier_look_at(&b, &b.list[i], now);
		if (b.open == 0)
			break;
		barrier_sleep(g);
	}
	pthread_mutex_unlock(&g->lock);
	out->waited_ms = now - b.began_ms;
}
