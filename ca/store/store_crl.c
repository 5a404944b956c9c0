/* SPDX-License-Identifier: Apache-2.0 */
/* The newest CRL of each issuer. A number that does not rise is refused by the
 * statement itself, so that of two builders the slower one cannot put back an
 * older list (RFC 5280 5.2.3). */
#include "ca/store/tx.h"

static const struct col crl_cols[] = {
	COL(INT, crl_row, issuer),
	COL(INT, crl_row, number),
	COL(INT, crl_row, rev_seq),
	COL(INT, crl_row, this_update_ms),
	COL(INT, crl_row, next_update_ms),
	COL(BLOB, crl_row, der),
};

int
store_crl_put(struct tx *tx, const struct crl_row *r)
{
	struct db_val v[COUNT(crl_cols)];
	int64_t changed = 0;
	int err;

	if ((err = row_vals(crl_cols, COUNT(v), r, v)) < 0)
		return err;
	err = tx_exec(tx, ST_CRL_PUT, v, COUNT(v), &changed);
	return err == CAMCA_OK && changed == 0 ? CAMCA_ECONFLICT : err;
}

int
store_crl_get(struct tx *tx, int64_t issuer, struct crl_row *out)
{
	struct db_val v = db_int(issuer);

	return tx_get(tx, ST_CRL_GET, &v, 1, crl_cols, COUNT(crl_cols), out);
}
