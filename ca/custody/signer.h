/* SPDX-License-Identifier: Apache-2.0 */
/* The thread that signs checkpoints (C2SP tlog-checkpoint): while the log
 * grows, each checkpoint_ms, and when asked. It signs a tree only with a
 * consistency proof from the checkpoint before it, and from the one in a file
 * outside the database: a database that was put back to an older copy and went
 * on would otherwise sign two histories (a fork). It never holds up the log:
 * what keeps it from signing is an alarm, and is tried again. */
#ifndef CAMCA_CUSTODY_SIGNER_H
#define CAMCA_CUSTODY_SIGNER_H

#include "ca/custody/origin.h"
#include "ca/store/store_log_sign.h"

struct signer_conf {
	struct store *store;
	struct hsm *hsm;
	const struct event_source *src;
	const char *dir;               /* STATE/custody; made 0700 if missing */
	const char *origin;            /* for a log that has none yet */
	unsigned algs;                 /* ORIGIN_ALG bits: lines that must be */
	int64_t checkpoint_ms;
	/* After each new checkpoint, from the thread; may be NULL. */
	void (*published)(void *arg);
	void *arg;
};

struct signer;

/* Starts the thread, which makes folder, origin and keys where they are
 * missing. conf and dir are copied, the other pointers outlive it.
 * CAMCA_ENOMEM, CAMCA_ELIMIT. */
CAMCA_MUST int signer_start(struct signer **out,
    const struct signer_conf *conf);
/* Waits for a signature that is being made. NULL is fine. */
void signer_stop(struct signer *s);

/* Waits until a checkpoint covers `size` leaves (-1: every event that is
 * committed now, sequenced or not), timeout_ms at the most; signs at once
 * where the newest does not. CAMCA_ETIME (503 "custody.behind"), or what keeps
 * it from signing: CAMCA_EHSM, CAMCA_EPIN, CAMCA_EPOLICY (409 "custody.fork"
 * and others). s may be NULL (CAMCA_EBUSY). Any thread but one inside a
 * transaction. */
CAMCA_MUST int signer_now(struct signer *s, int64_t size, int timeout_ms,
    struct refusal *why);

struct signer_state {
	char origin[NOTE_NAME_MAX];    /* "": none yet */
	int64_t size;                  /* of the newest checkpoint, -1: none */
	int64_t signed_ms;
	int failed;                    /* camca_err of the last try, or 0 */
	bool fork;                     /* a person has to decide */
	int64_t since_ms;              /* first failure of this run, or 0 */
	char code[REFUSAL_CODE_MAX], why[REFUSAL_DETAIL_MAX];
};
/* Any thread. s may be NULL: all empty, size -1. */
void signer_state(struct signer *s, struct signer_state *out);
/* Appends the verifier keys of the origin in use, one a line: none before the
 * keys are made. Any thread. */
CAMCA_MUST int signer_vkeys(struct signer *s, struct buf *out);

/* A person decides that the log goes on under a new origin: "<origin>/2" and so
 * on, number (0: one above all that are known here) at the end. Same tree, same
 * keys; event custody.forked. Only where a fork keeps it from signing
 * (CAMCA_ECONFLICT, 409 "custody.no-fork"); CAMCA_EINVAL where the number could
 * have been used already. Any thread. */
CAMCA_MUST int signer_fork(struct signer *s, const char *actor,
    const char *reason, int64_t number, struct refusal *why);

/* Somebody shows a note that he says is a checkpoint of this log. If it has all
 * signatures that must be, under the name in use, and this log's tree does not
 * continue it, then it was put back to an older copy, or somebody else uses its
 * keys. The note becomes the outside file, so that nothing more is signed until
 * a person decides (custody.fork). Anything else is let be. s may be NULL. Any
 * thread but one inside a transaction. */
void signer_shown(struct signer *s, const char *who, const void *note,
    size_t n);

/* The outside file as it is now: appended to out. CAMCA_ENOENT, CAMCA_EIO. */
#define SIGNER_FILE "checkpoint"
#define SIGNER_FILE_MAX 8192
CAMCA_MUST int signer_file(const char *dir, struct buf *out);

#endif
