/* SPDX-License-Identifier: Apache-2.0 */
/* What the status feed reads: a few numbers of each certificate, in the order
 * of issuing for those that are new, in the order of changes for those that
 * changed. */
#include "ca/store/tx.h"

static const struct col status_cols[] = {
	COL(INT, status_row, id),
	COL(BYTES, status_row, serial),
	COL(INT, status_row, issuer),
	COL(INT, status_row, status),
	COL(INT, status_row, reason),
	COL(INT, status_row, revoked_ms),
	COL(INT, status_row, not_after_ms),
	COL(REF, status_row, rev_seq),
};
#define STATUS_COL_ID 0
#define STATUS_COL_REV_SEQ 7

LIST_VISIT(status_row)

int
store_status_list_new(struct tx *tx, int64_t after_id, int64_t last_id,
    int64_t alive_ms, int64_t limit,
    int (*fn)(const struct status_row *r, void *arg), void *arg)
{
	static const struct list l = { ST_STATUS_NEW, status_cols,
	    COUNT(status_cols), sizeof (struct status_row), LIST_INT,
	    STATUS_COL_ID };
	struct status_row_list visit = { fn, arg };
	struct db_val v[4] = { db_int(after_id), db_int(0), db_int(last_id),
	    db_int(alive_ms) };

	return tx_list(tx, &l, v, COUNT(v), limit, status_row_visit, &visit);
}

int
store_status_list_changed(struct tx *tx, int64_t after_rev, int64_t limit,
    int (*fn)(const struct status_row *r, void *arg), void *arg)
{
	static const struct list l = { ST_STATUS_CHANGED, status_cols,
	    COUNT(status_cols), sizeof (struct status_row), LIST_INT,
	    STATUS_COL_REV_SEQ };
	struct status_row_list visit = { fn, arg };
	struct db_val v[2] = { db_int(after_rev), db_int(0) };

	return tx_list(tx, &l, v, COUNT(v), limit, status_row_visit, &visit);
}

int
store_rev_seq(struct tx *tx, int64_t *out)
{
	return counter_get(tx, "rev_seq", out);
}

int
store_cert_last_id(struct tx *tx, int64_t *out)
{
	return tx_int(tx, ST_CERT_LAST_ID, NULL, 0, out);
}
