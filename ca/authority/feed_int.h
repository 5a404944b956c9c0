/* SPDX-License-Identifier: Apache-2.0 */
/* Inside the status feed: what feed.c (the operation), feed_page.c (what one
 * answer holds), feed_past.c (which stores a gate may go on from) and
 * feed_server.c (sockets and threads) share. */
#ifndef CAMCA_AUTHORITY_FEED_INT_H
#define CAMCA_AUTHORITY_FEED_INT_H

#include "ca/authority/gates.h"

#define FEED_CONNS_MAX 32
#define FEED_WAIT_MAX_MS 1000
/* Base64 of these is under 700 kB: with the rest it fits a frame. */
#define FEED_PAGE_MAX 10000
/* Certificates looked at for one answer, expired ones with them. */
#define FEED_STRETCH 100000

/* One connection; of its own thread. */
struct feed_conn {
	struct feed_conn *next, *prev; /* guarded by feed.lock */
	struct feed *feed;
	int fd;
	char id[GATE_ID_LEN + 1];      /* of the gate, "" before it asked */
	bool served;                   /* the last request was answered well */
	bool behind;                   /* its last answer was not the last page */
};

/* Starts of camcad on this store, the newest first. A gate says which one it
 * has its state from. Where that one is followed by another start, the gate may
 * go on only from a position which that later start knew: a store restored from
 * a backup knows less than the gates that it serves, and writes other changes
 * under numbers that they have seen already. */
#define FEED_PAST_MAX 32
#define FEED_STORE_LEN 32              /* hex digits, random for each start */
struct feed_origin {
	char store[FEED_STORE_LEN + 1];
	int64_t rev;                   /* newest change at that start */
	int64_t cert;                  /* newest certificate */
};
struct feed_past {
	size_t n;
	struct feed_origin list[FEED_PAST_MAX];
};

struct feed {
	struct authority *a;
	struct gates *gates;
	struct feed_past past;         /* constant after the start */
	atomic_bool stopping;
	int listener, wake;            /* wake: eventfd, ends the acceptor */
	pthread_t acceptor;
	bool accepting;                /* the thread has been started */
	pthread_mutex_t load;          /* held while a page is read for one of
	                                  those that load everything */
	pthread_mutex_t lock;          /* guards conns and nconns */
	pthread_cond_t gone;           /* a connection has ended */
	struct feed_conn *conns;
	size_t nconns;
};

/* Where a gate stands. */
struct feed_position {
	int64_t cert;                  /* has all up to this id */
	int64_t rev;                   /* has all changes up to this; -1: begins */
};

/* ---- feed_past.c ---- */
/* Reads the starts before this one, adds this one, stores them. CAMCA_EDB … */
CAMCA_MUST int feed_past_begin(struct feed_past *p, struct authority *a);
/* May a gate with its state from `store` go on from pos? Positions above those
 * of the store as it is now are found by the page. */
bool feed_past_fits(const struct feed_past *p, const char *store,
    const struct feed_position *pos);

/* ---- feed_page.c ---- */
struct feed_page {
	struct feed_position from;     /* set by the caller */
	int64_t alive_ms;              /* set by the caller */
	struct feed_position to;
	bool fits;                     /* the store knows the position */
	bool more;                     /* there is more than this page */
	size_t changed;                /* records of changes among them */
	int64_t rev;                   /* newest change when this was read */
	size_t room;
	struct buf records;            /* buf_init() by the caller */
};
/* Reads what follows page->from. CAMCA_EBUSY, CAMCA_EDB, CAMCA_ENOMEM. */
CAMCA_MUST int feed_page_read(struct feed_page *page, struct store *s);
/* The list of CAs, and a number that is another one for another list. */
int64_t feed_issuers_epoch(const struct ca_set *set);
json_t *feed_issuers_json(const struct ca_set *set);

/* ---- feed.c ---- */
/* Stores the names of the gates under meta "gates". CAMCA_EDB … */
CAMCA_MUST int feed_store_gates(struct feed *f);

#endif
