/* SPDX-License-Identifier: Apache-2.0 */
/* Who is connected to camca-witness. Its places are few, and nobody shows who he
 * is before he has one: each address may hold some of them, each for as long as
 * a request may take. Any thread. */
#ifndef CAMCA_WITNESS_GUESTS_H
#define CAMCA_WITNESS_GUESTS_H

#include <pthread.h>
#include <stdbool.h>
#include <stdint.h>
#include <sys/socket.h>

#include "ca/base/client.h"

#define GUESTS_MAX 256                 /* connections at a time */
#define GUESTS_ADDRESS_MAX 32          /* of one IPv4 address, or IPv6 /64 */
#define GUESTS_TURN_MS 10000           /* for one request, however it drips */

struct guest {
	struct guest *next, *prev;     /* all guarded by guests.lock */
	struct client_key from;
	int fd;
	bool cut;                      /* shut down, and soon gone */
	int64_t since_ms;              /* of its turn; 0: idle */
};

/* In the caller's memory, empty before guests_fini(). */
struct guests {
	pthread_mutex_t lock;
	struct guest ring;             /* head */
};
void guests_init(struct guests *s);
void guests_fini(struct guests *s);

/* A new connection, whose turn begins; NULL without memory. Where its address
 * has its places already, or without memory, it is shut down. fd is open until
 * guests_leave(). times are of mono_ms(). */
struct guest *guests_enter(struct guests *s, int fd,
    const struct sockaddr *from, int64_t now_ms);
void guests_leave(struct guests *s, struct guest *g);   /* NULL is fine */
/* A request begins at since_ms, or, with 0, has been answered. False: it has
 * been shut down, nothing it still sends counts. g NULL: false. */
bool guests_turn(struct guests *s, struct guest *g, int64_t since_ms);
/* Shuts those down whose turn has lasted too long. */
void guests_sweep(struct guests *s, int64_t now_ms);

#endif
