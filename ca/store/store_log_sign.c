/* SPDX-License-Identifier: Apache-2.0 */
/* Signed checkpoints. That sizes rise is a rule of the statement itself, so
 * that of two that sign the slower one cannot put a second tree of one size
 * beside the first. */
#include "ca/store/store_log_sign.h"

#include "ca/store/tx.h"

static const struct col checkpoint_cols[] = {
	COL(INT, checkpoint_row, size),
	COL(BYTES, checkpoint_row, root),
	COL(BLOB, checkpoint_row, note),
	COL(INT, checkpoint_row, signed_ms),
};

LIST_VISIT(checkpoint_row)

void
store_checkpoint_free(struct checkpoint_row *r)
{
	store_blob_free(&r->note);
}

int
store_checkpoint_put(struct tx *tx, const struct checkpoint_row *r)
{
	struct db_val v[COUNT(checkpoint_cols)];
	int64_t changed = 0;
	int err;

	if (r->size < 0)
		return CAMCA_EINVAL;
	if ((err = row_vals(checkpoint_cols, COUNT(v), r, v)) < 0)
		return err;
	err = tx_exec(tx, ST_CHECKPOINT_PUT, v, COUNT(v), &changed);
	return err == CAMCA_OK && changed == 0 ? CAMCA_ECONFLICT : err;
}

int
store_checkpoint_latest(struct tx *tx, struct checkpoint_row *out)
{
	return tx_get(tx, ST_CHECKPOINT_LATEST, NULL, 0, checkpoint_cols,
	    COUNT(checkpoint_cols), out);
}

int
store_checkpoint_at(struct tx *tx, int64_t size, struct checkpoint_row *out)
{
	struct db_val v = db_int(size);

	return tx_get(tx, ST_CHECKPOINT_AT, &v, 1, checkpoint_cols,
	    COUNT(checkpoint_cols), out);
}

int
store_checkpoint_list(struct tx *tx, int64_t after_size, int64_t limit,
    int (*fn)(const struct checkpoint_row *r, void *arg), void *arg)
{
	static const struct list l = { ST_CHECKPOINT_LIST, checkpoint_cols,
	    COUNT(checkpoint_cols), sizeof (struct checkpoint_row), LIST_INT,
	    0 };
	struct checkpoint_row_list visit = { fn, arg };
	struct db_val v[2] = { db_int(after_size), db_int(0) };

	return tx_list(tx, &l, v, COUNT(v), limit, checkpoint_row_visit,
	    &visit);
}

int
store_log_device_sum(struct tx *tx, int64_t *out)
{
	return tx_int(tx, ST_LOG_DEVICE_SUM, NULL, 0, out);
}

int
store_outbox_rows(struct tx *tx, int64_t *out)
{
	return tx_int(tx, ST_OUTBOX_ROWS, NULL, 0, out);
}

int
store_log_tile_count(struct tx *tx, int64_t *out)
{
	return tx_int(tx, ST_LOG_TILE_COUNT, NULL, 0, out);
}
