/* SPDX-License-Identifier: Apache-2.0 */
#include "ca/witness/guests.h"

#include <stdlib.h>
#include <string.h>

#include "ca/base/log.h"

void
guests_init(struct guests *s)
{
	memset(s, 0, sizeof *s);
	pthread_mutex_init(&s->lock, NULL);
	s->ring.next = s->ring.prev = &s->ring;
}

void
guests_fini(struct guests *s)
{
	pthread_mutex_destroy(&s->lock);
}

/* The descriptor is open while the guest is in the ring. With the lock held. */
static void
guest_cut(struct guest *g)
{
	g->cut = true;
	shutdown(g->fd, SHUT_RDWR);
}

/* With the lock held. At most GUESTS_MAX are looked at. */
static size_t
guests_of(const struct guests *s, const struct client_key *from)
{
	const struct guest *g;
	size_t n = 0;

	for (g = s->ring.next; g != &s->ring; g = g->next)
		n += !g->cut && memcmp(&g->from, from, sizeof *from) == 0;
	return n;
}

struct guest *
guests_enter(struct guests *s, int fd, const struct sockaddr *from,
    int64_t now_ms)
{
	struct guest *g = calloc(1, sizeof *g);
	bool full;

	if (g == NULL) {
		shutdown(fd, SHUT_RDWR);
		return NULL;
	}
	client_key(&g->from, from);
	g->fd = fd;
	g->since_ms = now_ms;
	pthread_mutex_lock(&s->lock);
	full = guests_of(s, &g->from) >= GUESTS_ADDRESS_MAX;
	if (full)
		guest_cut(g);
	g->next = s->ring.next;
	g->prev = &s->ring;
	g->next->prev = g->prev->next = g;
	pthread_mutex_unlock(&s->lock);
	if (full)
		log_msg(LOG_INFO, "http", "a connection is refused: its "
		    "address has %d already", GUESTS_ADDRESS_MAX);
	return g;
}

void
guests_leave(struct guests *s, struct guest *g)
{
	if (g == NULL)
		return;
	pthread_mutex_lock(&s->lock);
	g->next->prev = g->prev;
	g->prev->next = g->next;
	pthread_mutex_unlock(&s->lock);
	free(g);
}

bool
guests_turn(struct guests *s, struct guest *g, int64_t since_ms)
{
	bool cut;

	if (g == NULL)
		return false;
	pthread_mutex_lock(&s->lock);
	g->since_ms = since_ms;
	cut = g->cut;
	pthread_mutex_unlock(&s->lock);
	return !cut;
}

void
guests_sweep(struct guests *s, int64_t now_ms)
{
	struct guest *g;

	pthread_mutex_lock(&s->lock);
	for (g = s->ring.next; g != &s->ring; g = g->next)
		if (g->since_ms != 0 && now_ms - g->since_ms > GUESTS_TURN_MS)
			guest_cut(g);
	pthread_mutex_unlock(&s->lock);
}
