/* SPDX-License-Identifier: Apache-2.0 */
/* What the files of the signer share; nobody outside includes this. */
#ifndef CAMCA_CUSTODY_SIGNER_INT_H
#define CAMCA_CUSTODY_SIGNER_INT_H

#include <pthread.h>

#include "ca/custody/signer.h"

/* ---- signer_judge.c: may the tree of this transaction be signed? ---- */
struct judge {
	/* In. */
	const char *path;              /* of the outside file, for sentences */
	const struct buf *file;        /* its bytes; NULL: it is missing */
	/* Out; judge_fini. */
	struct origin origin;          /* name "": the log has none yet */
	struct checkpoint head;        /* what would be signed */
	struct checkpoint newest;      /* of the store; size -1: none */
	int64_t newest_ms;
	int64_t newest_number;         /* of its origin */
	struct checkpoint outside;     /* of the file; size -1: not read, or
	                                * given up by a fork */
	int64_t outside_number;
	bool fresh;                    /* the origin has no checkpoint yet */
	bool lost;                     /* the store has no checkpoint at all,
	                                * and it had */
	uint8_t sha256[STORE_HASH_LEN]; /* of the file; zeros: missing */
	struct refusal why;
};
/* For store_tx, DB_READ, arg a struct judge. 0: it may, where head.size is
 * above newest.size and outside.size. CAMCA_EPOLICY (409 "custody.fork"): the
 * file, or the newest checkpoint, is of another tree; "custody.damaged": the
 * log itself does not hold. Others: could not be looked at. */
CAMCA_MUST int judge_tx(struct tx *tx, void *arg);
void judge_fini(struct judge *j);
/* Does the tree of a transaction continue c? CAMCA_EINVAL where it does not. */
CAMCA_MUST int judge_continues(struct tx *tx, const struct checkpoint *c);

/* ---- signer.c, signer_round.c ---- */
struct signer {
	struct signer_conf conf;
	char dir[320], path[400];
	pthread_t thread;

	/* Of whoever has the turn: one round, or decision, at a time. */
	struct hsm_key *keys[ORIGIN_KEYS];   /* NULL: not opened yet */
	bool made;                     /* origin and keys are in the store */
	bool alarmed;                  /* event custody.halted is written */
	bool older;                    /* it was said that the file is older */

	pthread_mutex_t lock;
	pthread_cond_t wake;           /* of the thread */
	pthread_cond_t turn;           /* is free */
	/* Under lock. */
	bool taken;                    /* somebody has the turn */
	bool stop;
	bool looked;                   /* a round has ended well or badly */
	int64_t tried_ms;              /* uptime of the last round */
	int64_t pause_ms;              /* before the next one, if it failed */
	struct signer_state state;
	struct buf vkeys;
};

/* Takes the turn, waiting for it wait_ms (-1: until it is free); CAMCA_ETIME.
 */
CAMCA_MUST int signer_take(struct signer *s, int64_t wait_ms);
void signer_leave(struct signer *s);
/* One round, by whoever has the turn: looks, signs what is new, stores it. 0
 * also where nothing is new. Sets s->state. */
CAMCA_MUST int signer_round(struct signer *s, struct refusal *why);
/* The outside file into out (empty at first); NULL in *file_out where it is
 * missing. CAMCA_EIO with why. */
CAMCA_MUST int signer_outside(struct signer *s, struct buf *out,
    const struct buf **file_out, struct refusal *why);

#endif
