/* SPDX-License-Identifier: Apache-2.0 */
/* One-time enrollment secrets. The text itself is never here, only its hash. */
#include "ca/store/tx.h"

static const struct col secret_cols[] = {
	COL(TEXT, secret_row, selector),
	COL(INT, secret_row, device),
	COL(BYTES, secret_row, hash),
	COL(INT, secret_row, created_ms),
	COL(INT, secret_row, expires_ms),
	COL(INT, secret_row, attempts),
	COL(INT, secret_row, state),
	COL(BYTES, secret_row, spki),
	COL(INT, secret_row, used_ms),
};

int
store_secret_insert(struct tx *tx, const struct secret_row *r)
{
	struct db_val v[COUNT(secret_cols)];
	struct db_val device = db_int(r->device);
	int64_t changed = 0;
	int err;

	if ((err = row_vals(secret_cols, COUNT(v), r, v)) < 0)
		return err;
	/* Asked first, so that a refused insert has replaced nothing. */
	err = tx_int(tx, ST_SECRET_EXISTS, &v[0], 1, &changed);
	if (err != CAMCA_ENOENT)
		return err < 0 ? err : CAMCA_ECONFLICT;
	err = tx_exec(tx, ST_SECRET_REPLACE, &device, 1, NULL);
	if (err == CAMCA_OK)
		err = tx_exec(tx, ST_SECRET_INSERT, v, COUNT(v), &changed);
	return err == CAMCA_OK && changed == 0 ? CAMCA_ECONFLICT : err;
}

int
store_secret_get(struct tx *tx, const char *selector, struct secret_row *out)
{
	struct db_val v = db_text(selector);

	return tx_get(tx, ST_SECRET_GET, &v, 1, secret_cols,
	    COUNT(secret_cols), out);
}

int
store_secret_latest(struct tx *tx, int64_t device, struct secret_row *out)
{
	struct db_val v = db_int(device);

	return tx_get(tx, ST_SECRET_LATEST, &v, 1, secret_cols,
	    COUNT(secret_cols), out);
}

int
store_secret_failed(struct tx *tx, const char *selector, int64_t max_attempts,
    struct secret_row *out)
{
	const struct db_val v[] = { db_text(selector), db_int(max_attempts) };

	return tx_get(tx, ST_SECRET_FAILED, v, COUNT(v), secret_cols,
	    COUNT(secret_cols), out);
}

/* One UPDATE that names the states it starts from: of several threads with the
 * same secret exactly one changes a row. */
int
store_secret_reserve(struct tx *tx, const char *selector,
    const uint8_t spki[static STORE_HASH_LEN])
{
	const struct db_val v[] = { db_text(selector),
	    db_bytes(spki, STORE_HASH_LEN) };

	return tx_change(tx, ST_SECRET_RESERVE, v, COUNT(v),
	    ST_SECRET_EXISTS);
}

int
store_secret_use(struct tx *tx, const char *selector,
    const uint8_t spki[static STORE_HASH_LEN], int64_t now_ms)
{
	const struct db_val v[] = { db_text(selector),
	    db_bytes(spki, STORE_HASH_LEN), db_int(now_ms) };

	return tx_change(tx, ST_SECRET_USE, v, COUNT(v), ST_SECRET_EXISTS);
}
