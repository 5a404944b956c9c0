/* SPDX-License-Identifier: Apache-2.0 */
/* Certificates of origin and quality, assessments, letters: rows are added and
 * never changed, they are evidence. */
#include "ca/store/tx.h"

static const struct col document_cols[] = {
	COL(INT, document_row, id),
	COL(INT, document_row, device),
	COL(INT, document_row, kind),
	COL(TEXT, document_row, number),
	COL(TEXT, document_row, issuer),
	COL(INT, document_row, date_ms),
	COL(INT, document_row, expires_ms),
	COL(INT, document_row, passed),
	COL(BYTES, document_row, sha256),
	COL(INT, document_row, created_ms),
};

LIST_VISIT(document_row)

int
store_document_insert(struct tx *tx, struct document_row *r)
{
	struct db_val v[COUNT(document_cols) - 1];
	int err;

	if ((err = row_vals(document_cols + 1, COUNT(v), r, v)) < 0)
		return err;
	return tx_insert(tx, ST_DOCUMENT_INSERT, v, COUNT(v), &r->id);
}

int
store_document_list(struct tx *tx, int64_t device,
    int (*fn)(const struct document_row *r, void *arg), void *arg)
{
	static const struct list l = { ST_DOCUMENT_LIST, document_cols,
	    COUNT(document_cols), sizeof (struct document_row), LIST_OFFSET,
	    0 };
	struct document_row_list visit = { fn, arg };
	struct db_val v[3] = { db_int(0), db_int(0), db_int(device) };

	return tx_list(tx, &l, v, COUNT(v), INT64_MAX, document_row_visit,
	    &visit);
}
