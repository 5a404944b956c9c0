/* SPDX-License-Identifier: Apache-2.0 */
/* Who the log is: its origin (the first line of each checkpoint, and the name
 * of its keys), and the keys, which live in the HSM's log token. Kept in the
 * store under names that begin with "custody."; an origin, once there, stays.
 */
#ifndef CAMCA_CUSTODY_ORIGIN_H
#define CAMCA_CUSTODY_ORIGIN_H

#include "ca/custody/event.h"
#include "ca/custody/note.h"
#include "ca/store/store.h"
#include "hsm/hsm.h"

#define ORIGIN_KEYS 2
#define ORIGIN_BASE_MAX 200            /* bytes, with NUL */
#define ORIGIN_URI_MAX 512

/* Bits for enum note_alg: which lines a checkpoint must have. */
#define ORIGIN_ALG(alg) (1U << (alg))
#define ORIGIN_ALGS (ORIGIN_ALG(NOTE_ED25519) | ORIGIN_ALG(NOTE_ECDSA))

/* Names in the store that a fork sets. */
#define ORIGIN_META_NUMBER "custody.number"
#define ORIGIN_META_PAST "custody.past"
#define ORIGIN_META_FROM "custody.from"
/* Since when checkpoints have been signed: set with the first one that is
 * stored, so that a log which lost them all is not taken for a new one. */
#define ORIGIN_META_SIGNED "custody.signed"

struct origin_key {
	enum note_alg alg;
	EVP_PKEY *pub;
	char uri[ORIGIN_URI_MAX];      /* of the private key */
};
struct origin {
	char base[ORIGIN_BASE_MAX];    /* "pki.example/custody" */
	int64_t number;                /* 1, and more after a fork */
	char name[NOTE_NAME_MAX];      /* base, or base/number */
	/* A fork's decision: which outside file it gave up (SHA-256; zeros: a
	 * missing one), and how large its first checkpoint is at least. */
	bool forked;
	uint8_t past[STORE_HASH_LEN];
	int64_t from;
	size_t nkeys;
	struct origin_key keys[ORIGIN_KEYS];   /* Ed25519 first */
};

/* Reads it; CAMCA_ENOENT where the log has none yet. Free with origin_fini. */
CAMCA_MUST int origin_load(struct tx *tx, struct origin *out);
void origin_fini(struct origin *o);

/* Stores base as origin where there is none, and makes the keys of algs (bits)
 * that are missing, each with an event custody.key; nothing where all is there.
 * A crash in between leaves an unused key in the token. CAMCA_EINVAL (base),
 * and hsm_generate_log's errors: what could be made is made. Not inside a
 * transaction, one thread at a time. */
CAMCA_MUST int origin_make(struct store *store, struct hsm *hsm,
    const struct event_source *src, const char *base, unsigned algs,
    struct refusal *why);

/* The name of the number-th origin. */
void origin_name(char out[static NOTE_NAME_MAX], const struct origin *o,
    int64_t number);
/* The other way; CAMCA_ENOENT where it is no name of this log. */
CAMCA_MUST int origin_number(const struct origin *o, const char *name,
    int64_t *out);
/* Key i under a name; note_key_fini. */
CAMCA_MUST int origin_note_key(const struct origin *o, size_t i,
    const char *name, struct note_key *out);
/* Appends the verifier keys under a name, one a line. */
CAMCA_MUST int origin_vkeys(const struct origin *o, const char *name,
    struct buf *out);
const char *origin_alg_name(enum note_alg alg);    /* "ed25519", "ecdsa" */

/* A note that this log has signed, under one of its names: at least one line
 * of its keys, all lines of its keys hold, and those of algs are there.
 * CAMCA_EINVAL with the reason. */
CAMCA_MUST int origin_check(const struct origin *o, const void *note, size_t n,
    unsigned algs, struct checkpoint *out, int64_t *number_out,
    struct refusal *why);

#endif
