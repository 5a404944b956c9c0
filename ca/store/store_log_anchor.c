/* SPDX-License-Identifier: Apache-2.0 */
/* What others said of our checkpoints. */
#include "ca/store/store_log_anchor.h"

#include "ca/store/tx.h"

/* A note has at most 64 signature lines (ca/custody/note.h): ours and these. */
#define COSIGS_MAX 60
#define TIMESTAMPS_MAX 60

static const struct col cosig_cols[] = {
	COL(INT, cosig_row, size),
	COL(TEXT, cosig_row, witness),
	COL(BLOB, cosig_row, line),
	COL(INT, cosig_row, time_ms),
};
#define COSIG_COL_WITNESS 1

LIST_VISIT(cosig_row)

int
store_cosig_put(struct tx *tx, const struct cosig_row *r)
{
	struct db_val v[COUNT(cosig_cols)];
	int err;

	if ((err = row_vals(cosig_cols, COUNT(v), r, v)) < 0)
		return err;
	return tx_exec(tx, ST_COSIG_PUT, v, COUNT(v), NULL);
}

int
store_cosig_list(struct tx *tx, int64_t size,
    int (*fn)(const struct cosig_row *r, void *arg), void *arg)
{
	static const struct list l = { ST_COSIG_LIST, cosig_cols,
	    COUNT(cosig_cols), sizeof (struct cosig_row), LIST_TEXT,
	    COSIG_COL_WITNESS };
	struct cosig_row_list visit = { fn, arg };
	struct db_val v[3] = { db_text(""), db_int(0), db_int(size) };

	return tx_list(tx, &l, v, COUNT(v), COSIGS_MAX, cosig_row_visit,
	    &visit);
}

int
store_cosig_size_below(struct tx *tx, int64_t below, int64_t *out)
{
	struct db_val v = db_int(below);

	return tx_int(tx, ST_COSIG_SIZE_BELOW, &v, 1, out);
}

int
store_anchored(struct tx *tx, bool *out)
{
	int64_t n = 0;
	int err = tx_int(tx, ST_ANCHORED, NULL, 0, &n);

	*out = n > 0;
	return err;
}

static const struct col witness_cols[] = {
	COL(TEXT, witness_row, name),
	COL(INT, witness_row, size),
	COL(INT, witness_row, asked_ms),
	COL(INT, witness_row, answered_ms),
	COL(TEXT, witness_row, failed),
};

int
store_witness_put(struct tx *tx, const struct witness_row *r)
{
	struct db_val v[COUNT(witness_cols)];
	int err;

	if ((err = row_vals(witness_cols, COUNT(v), r, v)) < 0)
		return err;
	return tx_exec(tx, ST_WITNESS_PUT, v, COUNT(v), NULL);
}

int
store_witness_get(struct tx *tx, const char *name, struct witness_row *out)
{
	struct db_val v = db_text(name);

	return tx_get(tx, ST_WITNESS_GET, &v, 1, witness_cols,
	    COUNT(witness_cols), out);
}

static const struct col timestamp_cols[] = {
	COL(INT, timestamp_row, size),
	COL(TEXT, timestamp_row, tsa),
	COL(BLOB, timestamp_row, token),
	COL(INT, timestamp_row, time_ms),
};
#define TIMESTAMP_COL_TSA 1

LIST_VISIT(timestamp_row)

void
store_timestamp_free(struct timestamp_row *r)
{
	if (r != NULL)
		store_blob_free(&r->token);
}

int
store_timestamp_put(struct tx *tx, const struct timestamp_row *r)
{
	struct db_val v[COUNT(timestamp_cols)];
	int64_t changed = 0;
	int err;

	if ((err = row_vals(timestamp_cols, COUNT(v), r, v)) < 0)
		return err;
	err = tx_exec(tx, ST_TIMESTAMP_PUT, v, COUNT(v), &changed);
	return err == CAMCA_OK && changed == 0 ? CAMCA_ECONFLICT : err;
}

int
store_timestamp_list(struct tx *tx, int64_t size,
    int (*fn)(const struct timestamp_row *r, void *arg), void *arg)
{
	static const struct list l = { ST_TIMESTAMP_LIST, timestamp_cols,
	    COUNT(timestamp_cols), sizeof (struct timestamp_row), LIST_TEXT,
	    TIMESTAMP_COL_TSA };
	struct timestamp_row_list visit = { fn, arg };
	struct db_val v[3] = { db_text(""), db_int(0), db_int(size) };

	return tx_list(tx, &l, v, COUNT(v), TIMESTAMPS_MAX,
	    timestamp_row_visit, &visit);
}

int
store_timestamp_latest(struct tx *tx, const char *tsa,
    struct timestamp_row *out)
{
	struct db_val v = db_text(tsa);

	return tx_get(tx, ST_TIMESTAMP_LATEST, &v, 1, timestamp_cols,
	    COUNT(timestamp_cols), out);
}
