/* SPDX-License-Identifier: Apache-2.0 */
/* The newest CRL of each issuer, and the entries of the next one. A number that
 * does not rise is refused by the statement itself, so that of two builders the
 * slower one cannot put back an older list (RFC 5280 5.2.3). */
#include "ca/store/tx.h"

static const struct col crl_file_cols[] = {
	COL(INT, crl_file_row, issuer),
	COL(INT, crl_file_row, number),
	COL(INT, crl_file_row, rev_seq),
	COL(INT, crl_file_row, this_update_ms),
	COL(INT, crl_file_row, next_update_ms),
	COL(INT, crl_file_row, entries),
	COL(INT, crl_file_row, size),
	COL(BYTES, crl_file_row, sha256),
};
#define CRL_FILE_BARE (COUNT(crl_file_cols) - 1)

int
store_crl_file_put(struct tx *tx, const struct crl_file_row *r)
{
	struct db_val v[COUNT(crl_file_cols)];
	int64_t changed = 0;
	int err;

	if ((err = row_vals(crl_file_cols, COUNT(v), r, v)) < 0)
		return err;
	err = tx_exec(tx, ST_CRL_FILE_PUT, v, COUNT(v), &changed);
	return err == CAMCA_OK && changed == 0 ? CAMCA_ECONFLICT : err;
}

int
store_crl_file_get(struct tx *tx, int64_t issuer, struct crl_file_row *out)
{
	struct db_val v = db_int(issuer);
	int err;

	err = tx_get(tx, ST_CRL_FILE_GET, &v, 1, crl_file_cols,
	    COUNT(crl_file_cols), out);
	if (err != CAMCA_ENOENT)
		return err;
	memset(out->sha256, 0, sizeof out->sha256);
	return tx_get(tx, ST_CRL_FILE_GET_BARE, &v, 1, crl_file_cols,
	    CRL_FILE_BARE, out);
}

static const struct col crl_entry_cols[] = {
	COL(INT, crl_entry_row, issuer),
	COL(INT, crl_entry_row, rev_seq),
	COL(INT, crl_entry_row, cert),
	COL(INT, crl_entry_row, not_after_ms),
	COL(BLOB, crl_entry_row, der),
};
#define CRL_ENTRY_COL_REV_SEQ 1

LIST_VISIT(crl_entry_row)

int
store_crl_entry_put(struct tx *tx, const struct crl_entry_row *r)
{
	struct db_val v[COUNT(crl_entry_cols)];
	int err;

	if ((err = row_vals(crl_entry_cols, COUNT(v), r, v)) < 0)
		return err;
	return tx_exec(tx, ST_CRL_ENTRY_PUT, v, COUNT(v), NULL);
}

int
store_crl_entry_delete(struct tx *tx, int64_t issuer, int64_t rev_seq)
{
	const struct db_val v[] = { db_int(issuer), db_int(rev_seq) };

	return tx_exec(tx, ST_CRL_ENTRY_DELETE, v, COUNT(v), NULL);
}

int
store_crl_entry_done(struct tx *tx, int64_t issuer,
    const uint8_t serial[static STORE_SERIAL_LEN])
{
	const struct db_val v[] = { db_int(issuer),
	    db_bytes(serial, STORE_SERIAL_LEN) };

	return tx_exec(tx, ST_CRL_ENTRY_DONE, v, COUNT(v), NULL);
}

int
store_crl_entry_list(struct tx *tx, int64_t issuer, int64_t after_rev_seq,
    int64_t limit, int (*fn)(const struct crl_entry_row *r, void *arg),
    void *arg)
{
	static const struct list l = { ST_CRL_ENTRY_LIST, crl_entry_cols,
	    COUNT(crl_entry_cols), sizeof (struct crl_entry_row), LIST_INT,
	    CRL_ENTRY_COL_REV_SEQ };
	struct crl_entry_row_list visit = { fn, arg };
	struct db_val v[3] = { db_int(after_rev_seq), db_int(0),
	    db_int(issuer) };

	return tx_list(tx, &l, v, COUNT(v), limit, crl_entry_row_visit,
	    &visit);
}
