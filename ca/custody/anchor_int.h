/* SPDX-License-Identifier: Apache-2.0 */
/* Inside the anchors: what anchor.c (start, lists), anchor_files.c (who they
 * are), anchor_next.c (who is asked what, and when), anchor_done.c (what came
 * back), anchor_settle.c (what follows), anchor_stamp.c and anchor_quorum.c
 * share. */
#ifndef CAMCA_CUSTODY_ANCHOR_INT_H
#define CAMCA_CUSTODY_ANCHOR_INT_H

#include <openssl/x509.h>
#include <pthread.h>
#include <stdatomic.h>

#include "ca/custody/anchor.h"
#include "ca/custody/timestamp.h"
#include "ca/custody/witness.h"

#define ANCHOR_TARGETS (POLICY_WITNESSES_MAX + CONFIG_TSAS_MAX)
#define ANCHOR_BACKOFF_MS 1000         /* doubles … */
#define ANCHOR_BACKOFF_MAX_MS 300000   /* … up to this */
#define ANCHOR_FAILS_TOLD 2            /* failures in a row before an event */
/* Events of one witness: so many at once, and one more in each such time. What
 * it does must not be able to fill the log. */
#define ANCHOR_EVENTS 8
#define ANCHOR_EVENT_MS 600000

/* policy.tlog as read. Counted: checks run without the lock. */
struct anchor_policy {
	atomic_int refs;
	struct tlog_policy *p;
	struct buf text;
};
void anchor_policy_put(struct anchor_policy *p);       /* NULL is fine */

/* A request under way, and all that its answer is measured by. */
struct anchor_flight {
	char id[ANCHOR_ID_LEN + 1];    /* "": none */
	bool evidence;                 /* what does the witness have? */
	int64_t ends_ms;
	int64_t size;                  /* of the checkpoint that it is about */
	int64_t old_size;              /* witness: what the proof begins at */
	struct buf text;               /* of the checkpoint */
	uint8_t sha256[STORE_HASH_LEN];        /* of text */
	uint8_t nonce[TIMESTAMP_NONCE_LEN];
	struct anchor_policy *policy;  /* keeps key */
	const struct note_key *key;    /* of the witness */
	STACK_OF(X509) *trust;         /* of the TSA */
};
void anchor_flight_fini(struct anchor_flight *f);

struct anchor_target {
	enum anchor_kind kind;
	char name[STORE_WITNESS_MAX];
	char url[ANCHOR_URL_MAX];
	const struct note_key *key;    /* witness: of an->policy */
	STACK_OF(X509) *trust;         /* TSA; NULL: its file is not readable */
	struct buf pem;
	/* where it stands */
	enum anchor_state_is is;
	char failed[STORE_NAME_MAX];
	int64_t size;                  /* witness: of the tree it knows */
	int64_t has;                   /* newest checkpoint it signed; -1 */
	int64_t skip;                  /* checkpoint that it is not asked about */
	bool evidence;                 /* it contradicts: ask what it has */
	int64_t answered_ms, time_ms;  /* wall clock */
	int64_t own;                   /* TSA: an->own at its last stamp */
	int conflicts;                 /* 409 in a row */
	int fails;                     /* failures in a row */
	unsigned failures;             /* ever: for who waits for one */
	int64_t due_ms;                /* steady clock: not before */
	int64_t wanted;                /* TSA: a stamp of such a checkpoint, or
	                                * a larger one, was asked for; 0: none */
	enum anchor_state_is told;     /* by the last event */
	int64_t told_full_ms;          /* allowance for events */
	bool judged;                   /* its answer is being looked at */
	struct anchor_flight flight;
};

struct anchor {
	struct anchor_conf conf;
	char dir[400];
	struct config_tsa tsas[CONFIG_TSAS_MAX];
	pthread_mutex_t lock;          /* guards what follows; never held in a
	                                * transaction */
	pthread_cond_t judged;         /* an answer was looked at */
	bool stopping, waited_for;     /* one anchor_next() waits */
	int timestamps;                /* anchor_timestamp() that wait */
	struct anchor_policy *policy;  /* NULL: none */
	bool unread;                   /* none, but there is a policy.tlog */
	char why[REFUSAL_DETAIL_MAX];  /* what is wrong with the files */
	int64_t asked_ms;              /* steady: last anchor_next(); -1 */
	int64_t own;                   /* events custody.timestamp written */
	/* the round */
	int64_t goal;                  /* checkpoint that witnesses sign; -1 */
	int64_t goal_ms;               /* since then */
	size_t n;
	struct anchor_target *targets; /* ANCHOR_TARGETS */
};

void anchor_targets_free(struct anchor_target *t, size_t n);

int64_t anchor_clock(const struct anchor *an);
/* Time of the next try after so many failures in a row (1 ..). */
int64_t anchor_backoff_ms(int fails);
/* With the lock: the target of that kind and name, NULL. */
struct anchor_target *anchor_find(struct anchor *an, enum anchor_kind kind,
    const char *name);
/* One more reference; with the lock. NULL where there is none. */
struct anchor_policy *anchor_policy_ref(struct anchor *an);

/* What an answer, or its absence, comes to. */
struct anchor_verdict {
	enum anchor_kind kind;
	char name[STORE_WITNESS_MAX];
	int64_t asked;                 /* checkpoint of the request */
	enum anchor_state_is is;
	bool again;                    /* at once: its size is known now */
	int64_t size;                  /* its size as it says; -1: unchanged */
	int64_t time_ms;
	struct buf bytes;              /* cosignature line, or token */
	char failed[STORE_NAME_MAX];   /* with all details, for the log */
	char reason[STORE_NAME_MAX];   /* without any address, for the event */
};
/* Stores it, tells it to the log, moves the target. Not with the lock. */
CAMCA_MUST int anchor_settle(struct anchor *an, struct anchor_verdict *v);

/* Size of the newest checkpoint, -1: there is none yet. The store's errors. Not
 * with the lock. */
CAMCA_MUST int anchor_newest(struct anchor *an, int64_t *out);
/* Appends the text of a note (its lines before the signatures); the lot must be
 * a checkpoint note. CAMCA_EDB. */
CAMCA_MUST int anchor_note_text(const struct store_blob *note,
    struct buf *out);

#endif
