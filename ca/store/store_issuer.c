/* SPDX-License-Identifier: Apache-2.0 */
/* CA keys, a row a generation. A partial unique index keeps one ACTIVE a name,
 * whatever two operators do at the same time. */
#include "ca/store/tx.h"

static const struct col issuer_cols[] = {
	COL(INT, issuer_row, id),
	COL(TEXT, issuer_row, name),
	COL(INT, issuer_row, generation),
	COL(REF, issuer_row, parent),
	COL(INT, issuer_row, state),
	COL(TEXT, issuer_row, key_uri),
	COL(BYTES, issuer_row, ski),
	COL(BLOB, issuer_row, cert),
	COL(BLOB_OPT, issuer_row, old_with_new),
	COL(BLOB_OPT, issuer_row, new_with_old),
	COL(INT, issuer_row, created_ms),
};

LIST_VISIT(issuer_row)

void
store_issuer_free(struct issuer_row *r)
{
	if (r == NULL)
		return;
	store_blob_free(&r->cert);
	store_blob_free(&r->old_with_new);
	store_blob_free(&r->new_with_old);
}

int
store_issuer_insert(struct tx *tx, struct issuer_row *r)
{
	struct db_val v[COUNT(issuer_cols) - 1], id;
	int err;

	if ((err = row_vals(issuer_cols + 1, COUNT(v), r, v)) < 0)
		return err;
	if ((err = tx_insert(tx, ST_ISSUER_INSERT, v, COUNT(v), &r->id)) < 0)
		return err;
	id = db_int(r->id);
	return tx_exec(tx, ST_ISSUER_STAT_INSERT, &id, 1, NULL);
}

int
store_issuer_set_state(struct tx *tx, int64_t id, enum issuer_state state)
{
	const struct db_val v[] = { db_int(id), db_int((int64_t)state) };
	int64_t changed = 0;
	int err;

	err = tx_exec(tx, ST_ISSUER_SET_STATE, v, COUNT(v), &changed);
	return err == CAMCA_OK && changed == 0 ? CAMCA_ENOENT : err;
}

int
store_issuer_list(struct tx *tx,
    int (*fn)(const struct issuer_row *r, void *arg), void *arg)
{
	static const struct list l = { ST_ISSUER_LIST, issuer_cols,
	    COUNT(issuer_cols), sizeof (struct issuer_row), LIST_INT, 0 };
	struct issuer_row_list visit = { fn, arg };
	struct db_val v[2] = { db_int(0) };

	return tx_list(tx, &l, v, COUNT(v), INT64_MAX, issuer_row_visit,
	    &visit);
}
