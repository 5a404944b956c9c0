/* SPDX-License-Identifier: Apache-2.0 */
/* The thread that brings CRLs out: after each change, and by the clock where
 * nobody changes anything. */
#ifndef CAMCA_STATUS_PUBLISHER_H
#define CAMCA_STATUS_PUBLISHER_H

#include "ca/status/crl.h"

struct publisher_conf {
	struct store *store;
	const struct event_source *src;
	const char *dir;                 /* STATE/crl; must exist */
	int64_t life_ms;
	/* Current CAs, counted for the caller, and giving them back. */
	struct ca_set *(*cas)(void *arg);
	void (*cas_put)(void *arg, struct ca_set *set);
	/* The clock that decisions use. */
	int (*now)(void *arg, int64_t *now_ms, struct refusal *why);
	void *arg;
};

struct publisher;

/* Starts the thread; conf's pointers outlive it, conf itself is copied. A list
 * comes out 200 ms after the last of a run of changes, 800 ms after the first
 * at the latest, but one a second (thisUpdate rises by seconds); and whenever
 * half of the life of the one before has passed, with no change at all (C14).
 * What fails is tried again after 1, 2, 4 .. 30 s; past half the life that is
 * an alarm: log and event "crl.overdue". CAMCA_ENOMEM. */
CAMCA_MUST int publisher_start(struct publisher **out,
    const struct publisher_conf *conf);
/* Waits, timeout_ms at the most (whole seconds), until each CA was looked at
 * once: a new installation has its first lists then. */
void publisher_settle(struct publisher *p, int timeout_ms);
/* Waits for a list that is being built. NULL is fine. */
void publisher_stop(struct publisher *p);

/* As crl_published(), by key identifier. NULL: no such list yet. Any thread. */
struct crl_file *publisher_get(struct publisher *p,
    const uint8_t ski[static 20], int64_t number);

struct publisher_state {
	char name[STORE_ID_MAX];
	int64_t generation;
	uint8_t ski[20];
	struct crl_file_row row;         /* number 0: none is published */
	int64_t rev_seq;                 /* of the issuer, when last looked */
	bool due;                        /* half its life is over */
	int failed;                      /* camca_err of the last try, or 0 */
	char why[REFUSAL_DETAIL_MAX];    /* of the last try */
};
/* Every CA generation that has, or should have, a list; in order of issuer id.
 * What fn returns but 0 ends the list and is returned. Reads the store.
 * CAMCA_EDB and others. Any thread. */
CAMCA_MUST int publisher_list(struct publisher *p,
    int (*fn)(const struct publisher_state *s, void *arg), void *arg);

#endif
