/* SPDX-License-Identifier: Apache-2.0 */
/* Certificates: the row that everything asks for (key, dates), its encoding in
 * a table of its own, and the counts of its issuer. All three are written by
 * the transaction that issues, before anyone holds the bytes. Its status is a
 * row elsewhere, from the first change on. */
#include "ca/store/store_cert.h"

const struct col cert_cols[CERT_NCOLS] = {
	COL(INT, cert_row, id),
	COL(BYTES, cert_row, serial),
	COL(INT, cert_row, issuer),
	COL(REF, cert_row, device),
	COL(TEXT, cert_row, profile),
	COL(TEXT, cert_row, label),
	COL(INT, cert_row, not_before_ms),
	COL(INT, cert_row, not_after_ms),
	COL(BYTES, cert_row, spki),
	COL(INT, cert_row, created_ms),
	COL(INT, cert_row, seen_ms),
	COL(REF, cert_row, replaced_by),
	COL(TEXT, cert_row, revocation_challenge),
	COL(INT, cert_row, status),
	COL(INT, cert_row, reason),
	COL(INT, cert_row, revoked_ms),
	COL(INT, cert_row, invalidity_ms),
	COL(REF, cert_row, rev_seq),
	COL(BLOB, cert_row, der),
};

void
store_cert_free(struct cert_row *r)
{
	if (r != NULL)
		store_blob_free(&r->der);
}

/* Eight bytes of the hash find the key in an index 2.5 times smaller; the whole
 * hash is compared as well, so that a collision of the eight is only slow. */
static struct db_val
cert_spki_key(const uint8_t spki[static STORE_HASH_LEN])
{
	int64_t key;

	memcpy(&key, spki, sizeof key);
	return db_int(key);
}

int
store_cert_insert(struct tx *tx, struct cert_row *r)
{
	struct db_val v[CERT_NPLAIN + 1], der[2], stat[2];
	int err;

	if (r->status != CERT_GOOD || r->reason != -1 || r->revoked_ms != 0 ||
	    r->invalidity_ms != 0 || r->rev_seq != 0)
		return CAMCA_EINVAL;
	/* The key of the index comes last. */
	err = row_vals(cert_cols + 1, CERT_NPLAIN, r, v);
	if (err == CAMCA_OK)
		err = row_vals(&cert_cols[CERT_NCOLS - 1], 1, r, &der[1]);
	if (err < 0)
		return err;
	v[CERT_NPLAIN] = cert_spki_key(r->spki);
	err = tx_insert(tx, ST_CERT_INSERT, v, COUNT(v), &r->id);
	if (err < 0)
		return err;
	/* Rows that belong together: an error from here on is fatal. */
	der[0] = db_int(r->id);
	if ((err = tx_exec(tx, ST_CERT_DER_INSERT, der, 2, NULL)) < 0)
		return err;
	stat[0] = db_int(r->issuer);
	stat[1] = db_int(r->not_after_ms);
	return tx_exec(tx, ST_CERT_STAT, stat, 2, NULL);
}

int
store_cert_by_serial(struct tx *tx,
    const uint8_t serial[static STORE_SERIAL_LEN], struct cert_row *out)
{
	struct db_val v = db_bytes(serial, STORE_SERIAL_LEN);

	return tx_get(tx, ST_CERT_BY_SERIAL, &v, 1, cert_cols, CERT_NCOLS,
	    out);
}

int
store_cert_by_spki(struct tx *tx, const uint8_t spki[static STORE_HASH_LEN],
    int64_t device, struct cert_row *out)
{
	const struct db_val v[] = { cert_spki_key(spki),
	    db_bytes(spki, STORE_HASH_LEN), db_int(device) };

	return tx_get(tx, ST_CERT_BY_SPKI, v, COUNT(v), cert_cols, CERT_NCOLS,
	    out);
}

int
store_cert_spki_elsewhere(struct tx *tx,
    const uint8_t spki[static STORE_HASH_LEN], int64_t device, bool *out)
{
	const struct db_val v[] = { cert_spki_key(spki),
	    db_bytes(spki, STORE_HASH_LEN), db_int(device) };
	int64_t one;
	int err;

	err = tx_int(tx, ST_CERT_ELSEWHERE, v, COUNT(v), &one);
	*out = err == CAMCA_OK;
	return err == CAMCA_ENOENT ? CAMCA_OK : err;
}

int
store_cert_seen(struct tx *tx, int64_t id, int64_t now_ms)
{
	const struct db_val v[] = { db_int(id), db_int(now_ms) };
	int err;

	/* The first use counts: a second one changes nothing. */
	err = tx_change(tx, ST_CERT_SEEN, v, COUNT(v), ST_CERT_EXISTS);
	return err == CAMCA_ECONFLICT ? CAMCA_OK : err;
}

int
store_cert_by_id(struct tx *tx, int64_t id, struct cert_row *out)
{
	struct db_val v = db_int(id);

	return tx_get(tx, ST_CERT_BY_ID, &v, 1, cert_cols, CERT_NCOLS - 1,
	    out);
}

int
store_cert_seen_at(struct tx *tx, int64_t id, int64_t *out)
{
	struct db_val v = db_int(id);

	return tx_int(tx, ST_CERT_SEEN_AT, &v, 1, out);
}

int
store_cert_replaced(struct tx *tx, int64_t id, int64_t by)
{
	const struct db_val v[] = { db_int(id), db_int(by) };
	int err;

	err = tx_change(tx, ST_CERT_REPLACED, v, COUNT(v), ST_CERT_EXISTS);
	return err < 0 ? err : tx_exec(tx, ST_CERT_REPLACED_PUT, v, 1, NULL);
}

/* The row of its status, or the first one. */
static int
cert_change(struct tx *tx, const struct cert_row *r, int64_t seq)
{
	const struct db_val v[] = { db_int(r->id), db_int(r->status),
	    db_int(r->reason), db_int(r->revoked_ms),
	    db_int(r->invalidity_ms), db_int(seq), db_int(r->rev_seq) };
	struct db_val first[9];
	int64_t changed = 0;
	int err;

	if (r->rev_seq != 0)
		return tx_change(tx, ST_CERT_CHANGE, v, COUNT(v),
		    ST_CERT_EXISTS);
	memcpy(first, v, 6 * sizeof *v);
	first[6] = db_bytes(r->serial, sizeof r->serial);
	first[7] = db_int(r->issuer);
	first[8] = db_int(r->not_after_ms);
	err = tx_exec(tx, ST_CERT_CHANGE_FIRST, first, COUNT(first),
	    &changed);
	return err == CAMCA_OK && changed == 0 ? CAMCA_ECONFLICT : err;
}

int
store_cert_change(struct tx *tx, struct cert_row *r)
{
	const struct db_val id = db_int(r->id);
	int64_t seq;
	int err;

	/* The counter first: its row is the lock that orders changes. */
	if ((err = counter_next(tx, "rev_seq", &seq)) < 0 ||
	    (err = cert_change(tx, r, seq)) < 0)
		return err;
	if (r->replaced_by != 0)
		err = tx_exec(tx, r->status == CERT_GOOD ?
		    ST_CERT_REPLACED_PUT : ST_CERT_REPLACED_DELETE, &id, 1,
		    NULL);
	if (err == CAMCA_OK)
		err = issuer_changed(tx, r->issuer, seq);
	if (err == CAMCA_OK)
		r->rev_seq = seq;
	return err;
}

int
store_cert_count(struct tx *tx, int64_t *out)
{
	return tx_int(tx, ST_CERT_COUNT, NULL, 0, out);
}

int
store_cert_last_expiry(struct tx *tx, int64_t issuer, int64_t *out)
{
	struct db_val v = db_int(issuer);

	return tx_int(tx, ST_CERT_LAST_EXPIRY, &v, 1, out);
}

int
store_issuer_rev_seq(struct tx *tx, int64_t issuer, int64_t *out)
{
	struct db_val v = db_int(issuer);

	*out = issuer_pending(tx, issuer);
	return *out != 0 ? tx->err :
	    tx_int(tx, ST_ISSUER_REV_SEQ, &v, 1, out);
}
