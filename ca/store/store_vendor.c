/* SPDX-License-Identifier: Apache-2.0 */
/* Roots of factory identities, pinned by an operator. */
#include "ca/store/tx.h"

static const struct col vendor_cols[] = {
	COL(TEXT, vendor_row, name),
	COL(INT, vendor_row, enabled),
	COL(INT, vendor_row, crl_required),
	COL(INT, vendor_row, crl_grace_ms),
	COL(BLOB, vendor_row, roots),
	COL(BLOB_OPT, vendor_row, crls),
	COL(INT, vendor_row, updated_ms),
};

LIST_VISIT(vendor_row)

void
store_vendor_free(struct vendor_row *r)
{
	if (r == NULL)
		return;
	store_blob_free(&r->roots);
	store_blob_free(&r->crls);
}

int
store_vendor_put(struct tx *tx, const struct vendor_row *r)
{
	struct db_val v[COUNT(vendor_cols)];
	int err;

	if ((err = row_vals(vendor_cols, COUNT(v), r, v)) < 0)
		return err;
	return tx_exec(tx, ST_VENDOR_PUT, v, COUNT(v), NULL);
}

int
store_vendor_get(struct tx *tx, const char *name, struct vendor_row *out)
{
	struct db_val v = db_text(name);

	return tx_get(tx, ST_VENDOR_GET, &v, 1, vendor_cols,
	    COUNT(vendor_cols), out);
}

int
store_vendor_list(struct tx *tx,
    int (*fn)(const struct vendor_row *r, void *arg), void *arg)
{
	static const struct list l = { ST_VENDOR_LIST, vendor_cols,
	    COUNT(vendor_cols), sizeof (struct vendor_row), LIST_TEXT, 0 };
	struct vendor_row_list visit = { fn, arg };
	struct db_val v[2] = { db_text("") };

	return tx_list(tx, &l, v, COUNT(v), INT64_MAX, vendor_row_visit,
	    &visit);
}
