/* SPDX-License-Identifier: Apache-2.0 */
/* Sites and their security level. */
#include "ca/store/tx.h"

static const struct col site_cols[] = {
	COL(TEXT, site_row, id),
	COL(TEXT, site_row, name),
	COL(INT, site_row, level),
	COL(INT, site_row, created_ms),
};

LIST_VISIT(site_row)

int
store_site_insert(struct tx *tx, const struct site_row *r)
{
	struct db_val v[COUNT(site_cols)];
	int64_t changed = 0;
	int err;

	if ((err = row_vals(site_cols, COUNT(site_cols), r, v)) < 0)
		return err;
	err = tx_exec(tx, ST_SITE_INSERT, v, COUNT(v), &changed);
	return err == CAMCA_OK && changed == 0 ? CAMCA_ECONFLICT : err;
}

int
store_site_get(struct tx *tx, const char *id, struct site_row *out)
{
	struct db_val v = db_text(id);

	return tx_get(tx, ST_SITE_GET, &v, 1, site_cols, COUNT(site_cols),
	    out);
}

int
store_site_list(struct tx *tx, const char *after, int64_t limit,
    int (*fn)(const struct site_row *r, void *arg), void *arg)
{
	static const struct list l = { ST_SITE_LIST, site_cols,
	    COUNT(site_cols), sizeof (struct site_row), LIST_TEXT, 0 };
	struct site_row_list visit = { fn, arg };
	struct db_val v[2] = { db_text(after) };

	return tx_list(tx, &l, v, COUNT(v), limit, site_row_visit, &visit);
}
