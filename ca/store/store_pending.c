/* SPDX-License-Identifier: Apache-2.0 */
/* The queue of requests that a person decides. A partial unique index keeps one
 * open entry for a device, key and label: a client that polls with the same
 * request finds its entry instead of filling the queue. */
#include "ca/store/tx.h"

static const struct col pending_cols[] = {
	COL(INT, pending_row, id),
	COL(INT, pending_row, device),
	COL(TEXT, pending_row, label),
	COL(BYTES, pending_row, spki),
	COL(INT, pending_row, state),
	COL(INT, pending_row, created_ms),
	COL(INT, pending_row, expires_ms),
	COL(INT, pending_row, decided_ms),
	COL(TEXT, pending_row, decided_by),
	COL(TEXT, pending_row, reason),
};

LIST_VISIT(pending_row)

int
store_pending_insert(struct tx *tx, struct pending_row *r)
{
	struct db_val v[COUNT(pending_cols) - 1];
	int err;

	if ((err = row_vals(pending_cols + 1, COUNT(v), r, v)) < 0)
		return err;
	return tx_insert(tx, ST_PENDING_INSERT, v, COUNT(v), &r->id);
}

int
store_pending_find(struct tx *tx, int64_t device,
    const uint8_t spki[static STORE_HASH_LEN], const char *label,
    struct pending_row *out)
{
	const struct db_val v[] = { db_int(device),
	    db_bytes(spki, STORE_HASH_LEN), db_text(label) };

	return tx_get(tx, ST_PENDING_FIND, v, COUNT(v), pending_cols,
	    COUNT(pending_cols), out);
}

int
store_pending_get(struct tx *tx, int64_t id, struct pending_row *out)
{
	struct db_val v = db_int(id);

	return tx_get(tx, ST_PENDING_GET, &v, 1, pending_cols,
	    COUNT(pending_cols), out);
}

int
store_pending_move(struct tx *tx, int64_t id, enum pending_state from,
    enum pending_state to, int64_t now_ms, const char *by, const char *reason)
{
	const struct db_val v[] = { db_int(id), db_int((int64_t)from),
	    db_int((int64_t)to), db_int(now_ms), db_text(by),
	    db_text(reason) };

	/* What does not fit the row could be stored, but not read back. */
	if (v[4].n >= STORE_NAME_MAX || v[5].n >= STORE_NAME_MAX)
		return CAMCA_EINVAL;
	return tx_change(tx, ST_PENDING_MOVE, v, COUNT(v), ST_PENDING_EXISTS);
}

int
store_pending_open_count(struct tx *tx, int64_t device, int64_t now_ms,
    int64_t *out)
{
	const struct db_val v[] = { db_int(device), db_int(now_ms) };

	return tx_int(tx, ST_PENDING_OPEN, v, COUNT(v), out);
}

int
store_pending_list(struct tx *tx, int state, int64_t after_id, int64_t limit,
    int (*fn)(const struct pending_row *r, void *arg), void *arg)
{
	struct list l = { ST_PENDING_LIST, pending_cols, COUNT(pending_cols),
	    sizeof (struct pending_row), LIST_INT, 0 };
	struct pending_row_list visit = { fn, arg };
	struct db_val v[3] = { db_int(after_id), db_int(0), db_int(state) };

	if (state >= 0)
		l.id = ST_PENDING_LIST_STATE;
	return tx_list(tx, &l, v, state >= 0 ? 3 : 2, limit,
	    pending_row_visit, &visit);
}

int
store_pending_device(struct tx *tx, int64_t device,
    int (*fn)(const struct pending_row *r, void *arg), void *arg)
{
	const struct list l = { ST_PENDING_LIST_DEVICE, pending_cols,
	    COUNT(pending_cols), sizeof (struct pending_row), LIST_INT, 0 };
	struct pending_row_list visit = { fn, arg };
	struct db_val v[3] = { db_int(0), db_int(0), db_int(device) };

	return tx_list(tx, &l, v, COUNT(v), INT64_MAX, pending_row_visit,
	    &visit);
}
