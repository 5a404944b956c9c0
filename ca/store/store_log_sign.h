/* SPDX-License-Identifier: Apache-2.0 */
/* Signed checkpoints in the store. Rows are never changed and never go: the
 * tables' triggers see to it. */
#ifndef CAMCA_STORE_STORE_LOG_SIGN_H
#define CAMCA_STORE_STORE_LOG_SIGN_H

#include "ca/store/store.h"

struct checkpoint_row {
	int64_t size;                    /* of the tree; unique */
	uint8_t root[STORE_HASH_LEN];
	struct store_blob note;          /* signed note: text and our lines */
	int64_t signed_ms;
};
void store_checkpoint_free(struct checkpoint_row *r);    /* its blob */
/* CAMCA_ECONFLICT unless size is above that of every other one: of two that
 * sign, the slower one stores nothing. */
CAMCA_MUST int store_checkpoint_put(struct tx *tx,
    const struct checkpoint_row *r);
/* The largest one / the one of this size; CAMCA_ENOENT. */
CAMCA_MUST int store_checkpoint_latest(struct tx *tx,
    struct checkpoint_row *out);
CAMCA_MUST int store_checkpoint_at(struct tx *tx, int64_t size,
    struct checkpoint_row *out);
/* Order by size, above after_size (-1: from the start). */
CAMCA_MUST int store_checkpoint_list(struct tx *tx, int64_t after_size,
    int64_t limit, int (*fn)(const struct checkpoint_row *r, void *arg),
    void *arg);

/* ---- what only fsck asks ---- */
/* Sum of the events of all devices (log_device). */
CAMCA_MUST int store_log_device_sum(struct tx *tx, int64_t *out);
/* Events that wait, holes not counted. */
CAMCA_MUST int store_outbox_rows(struct tx *tx, int64_t *out);
/* Number of tiles stored. */
CAMCA_MUST int store_log_tile_count(struct tx *tx, int64_t *out);

#endif
