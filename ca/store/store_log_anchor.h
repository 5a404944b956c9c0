/* SPDX-License-Identifier: Apache-2.0 */
/* What others said of our checkpoints: cosignatures of witnesses, time-stamps,
 * and where each witness stands. Errors as in store.h. */
#ifndef CAMCA_STORE_STORE_LOG_ANCHOR_H
#define CAMCA_STORE_STORE_LOG_ANCHOR_H

#include "ca/store/store.h"

#define STORE_WITNESS_MAX 256          /* bytes of a key name, with NUL */

/* ---- cosignatures ---- */
struct cosig_row {
	int64_t size;                    /* of the checkpoint */
	char witness[STORE_WITNESS_MAX]; /* name of its key */
	int64_t time_ms;                 /* as the witness says */
	struct store_blob line;          /* "— name base64\n" */
};
/* A later one of the same witness replaces the earlier. CAMCA_ENOENT: there is
 * no checkpoint of that size. */
CAMCA_MUST int store_cosig_put(struct tx *tx, const struct cosig_row *r);
/* Those of one checkpoint, in order of the names. */
CAMCA_MUST int store_cosig_list(struct tx *tx, int64_t size,
    int (*fn)(const struct cosig_row *r, void *arg), void *arg);
/* The largest checkpoint below `below` that has one; CAMCA_ENOENT. */
CAMCA_MUST int store_cosig_size_below(struct tx *tx, int64_t below,
    int64_t *out);

/* Has anybody else ever been asked about a checkpoint, or said anything of one?
 */
CAMCA_MUST int store_anchored(struct tx *tx, bool *out);

/* ---- witnesses ---- */
struct witness_row {
	char name[STORE_WITNESS_MAX];
	int64_t size;                    /* of the tree that it knows, as far as
	                                  * it told */
	int64_t asked_ms;
	int64_t answered_ms;             /* last cosignature; 0: never */
	char failed[STORE_NAME_MAX];     /* why not, "" where all is well */
};
/* Inserts or replaces. */
CAMCA_MUST int store_witness_put(struct tx *tx, const struct witness_row *r);
CAMCA_MUST int store_witness_get(struct tx *tx, const char *name,
    struct witness_row *out);

/* ---- RFC 3161 time-stamps ---- */
struct timestamp_row {
	int64_t size;                    /* of the checkpoint */
	char tsa[STORE_ID_MAX];          /* its name in camca.yaml */
	int64_t time_ms;                 /* genTime of the token */
	struct store_blob token;         /* DER of the whole TimeStampResp */
};
void store_timestamp_free(struct timestamp_row *r);    /* its blob */
/* The first one of a TSA for a checkpoint stays: CAMCA_ECONFLICT. CAMCA_ENOENT:
 * there is no checkpoint of that size. */
CAMCA_MUST int store_timestamp_put(struct tx *tx,
    const struct timestamp_row *r);
/* Those of one checkpoint, in order of the names. */
CAMCA_MUST int store_timestamp_list(struct tx *tx, int64_t size,
    int (*fn)(const struct timestamp_row *r, void *arg), void *arg);
/* The TSA's one of the largest checkpoint; CAMCA_ENOENT. */
CAMCA_MUST int store_timestamp_latest(struct tx *tx, const char *tsa,
    struct timestamp_row *out);

#endif
