/* SPDX-License-Identifier: Apache-2.0 */
/* Which gates there are, what each has confirmed, and until when each may say
 * "good": the bookkeeping behind feed_barrier(). Knows neither sockets nor the
 * store; time comes from a function, so that a test can set it. */
#ifndef CAMCA_AUTHORITY_GATES_H
#define CAMCA_AUTHORITY_GATES_H

#include <stdbool.h>
#include <stdint.h>

#include "ca/authority/feed.h"
#include "ca/base/buf.h"
#include "ca/base/status_wire.h"

#define GATES_MAX 64               /* connected ones and those that just left */
#define GATE_ID_LEN 32             /* hex digits, random for each process */
/* What authority and gate agree on: ca/base/status_wire.h. */
#define GATES_LEASE_MS (STATUS_LEASE_MS + STATUS_LEASE_MARGIN_MS)
/* A gate that has not confirmed a change by then is cut. */
#define GATES_CONFIRM_MS 2000

struct gates;

/* clock_ms must never go back: uptime_ms() outside of tests. CAMCA_ENOMEM. */
CAMCA_MUST int gates_new(struct gates **out, int64_t (*clock_ms)(void *arg),
    void *arg);
/* No other thread uses it any more. NULL is fine. */
void gates_free(struct gates *g);

/* A gate that the process before this one knew: it may say good for a whole
 * lease from now. Unknown and malformed names are ignored where there is no
 * room for them. */
void gates_expect(struct gates *g, const char *id);

/* Gate id speaks on connection fd: from here the barrier asks for it. An older
 * connection of the same gate is shut down. *fresh_out: its name must be stored
 * (gates_stored()) before its first gates_grant(), so that the next process
 * knows of its lease. CAMCA_EINVAL for an id that is none, CAMCA_EBUSY where
 * there are too many. */
CAMCA_MUST int gates_join(struct gates *g, const char *id, int fd,
    bool *fresh_out);
/* The name of gate id is stored. */
void gates_stored(struct gates *g, const char *id);
/* Connection fd of gate id is about to be closed; its lease stays. */
void gates_leave(struct gates *g, const char *id, int fd);
/* Is fd the connection of gate id? */
bool gates_here(struct gates *g, const char *id, int fd);
/* The gate says that it has applied all changes up to rev, and that no older
 * answer is on its way. rev -1: it begins anew and has nothing. False where fd
 * is not its connection any more. */
CAMCA_MUST bool gates_confirm(struct gates *g, const char *id, int fd,
    int64_t rev);
/* An answer with everything up to rev is about to be sent to the gate: its
 * lease begins. False where a barrier for a newer change was begun meanwhile
 * (read again), where the name is not stored, or fd is not its connection any
 * more; then nothing has begun. */
CAMCA_MUST bool gates_grant(struct gates *g, const char *id, int fd,
    int64_t rev);

/* The gate says good-bye: it gives no answers any more, and nobody waits for
 * it. Nothing where fd is not its connection. */
void gates_release(struct gates *g, const char *id, int fd);

/* feed_barrier(). Any thread. */
void gates_barrier(struct gates *g, int64_t rev, struct feed_result *out);

/* Forgets gates that are gone and whose lease is over. True where the list of
 * names is another one now. */
bool gates_sweep(struct gates *g);
/* Appends the names, one a line. CAMCA_ENOMEM, CAMCA_ELIMIT. */
CAMCA_MUST int gates_names(struct gates *g, struct buf *out);

#endif
