/* SPDX-License-Identifier: Apache-2.0 */
/* Batches: what was selected, when, by whom, why, and each item of it. */
#include "ca/store/tx.h"

static const struct col batch_cols[] = {
	COL(INT, rev_batch_row, id),
	COL(INT, rev_batch_row, state),
	COL(INT, rev_batch_row, action),
	COL(INT, rev_batch_row, crl_reason),
	COL(INT, rev_batch_row, invalidity_ms),
	COL(TEXT, rev_batch_row, reason),
	COL(TEXT, rev_batch_row, reference),
	COL(TEXT, rev_batch_row, selector),
	COL(TEXT, rev_batch_row, summary),
	COL(BYTES, rev_batch_row, world),
	COL(INT, rev_batch_row, created_ms),
	COL(TEXT, rev_batch_row, created_by),
	COL(INT, rev_batch_row, approved_ms),
	COL(TEXT, rev_batch_row, approved_by),
	COL(INT, rev_batch_row, decided_ms),
	COL(TEXT, rev_batch_row, decided_by),
	COL(INT, rev_batch_row, rev_seq),
};
/* What a move writes, behind id and the state it starts from. */
static const struct col batch_moves[] = {
	COL(INT, rev_batch_row, state),
	COL(TEXT, rev_batch_row, summary),
	COL(BYTES, rev_batch_row, world),
	COL(INT, rev_batch_row, created_ms),
	COL(INT, rev_batch_row, approved_ms),
	COL(TEXT, rev_batch_row, approved_by),
	COL(INT, rev_batch_row, decided_ms),
	COL(TEXT, rev_batch_row, decided_by),
	COL(INT, rev_batch_row, rev_seq),
};
static const struct col item_cols[] = {
	COL(INT, rev_item_row, batch),
	COL(INT, rev_item_row, device),
	COL(INT, rev_item_row, cert),
	COL(INT, rev_item_row, verdict),
	COL(TEXT, rev_item_row, rule),
};

LIST_VISIT(rev_batch_row)

int
store_rev_batch_insert(struct tx *tx, struct rev_batch_row *r)
{
	struct db_val v[COUNT(batch_cols) - 1];
	int err;

	if ((err = row_vals(batch_cols + 1, COUNT(v), r, v)) < 0)
		return err;
	return tx_insert(tx, ST_REV_BATCH_INSERT, v, COUNT(v), &r->id);
}

int
store_rev_batch_get(struct tx *tx, int64_t id, struct rev_batch_row *out)
{
	struct db_val v = db_int(id);

	return tx_get(tx, ST_REV_BATCH_GET, &v, 1, batch_cols,
	    COUNT(batch_cols), out);
}

int
store_rev_batch_list(struct tx *tx, int state, int64_t before, int64_t limit,
    int (*fn)(const struct rev_batch_row *r, void *arg), void *arg)
{
	static const struct list l = { ST_REV_BATCH_LIST, batch_cols,
	    COUNT(batch_cols), sizeof (struct rev_batch_row), LIST_INT, 0 };
	struct rev_batch_row_list visit = { fn, arg };
	struct db_val v[] = { db_int(before > 0 ? before : INT64_MAX),
	    db_int(0), db_int(state) };

	return tx_list(tx, &l, v, COUNT(v), limit, rev_batch_row_visit,
	    &visit);
}

int
store_rev_batch_move(struct tx *tx, const struct rev_batch_row *r,
    enum rev_batch_state from)
{
	struct db_val v[2 + COUNT(batch_moves)] = { db_int(r->id),
	    db_int((int64_t)from) };
	int err;

	if ((err = row_vals(batch_moves, COUNT(batch_moves), r, v + 2)) < 0)
		return err;
	return tx_change(tx, ST_REV_BATCH_MOVE, v, COUNT(v),
	    ST_REV_BATCH_EXISTS);
}

int
store_rev_item_insert(struct tx *tx, const struct rev_item_row *r)
{
	struct db_val v[COUNT(item_cols)];
	int err;

	if ((err = row_vals(item_cols, COUNT(v), r, v)) < 0)
		return err;
	return tx_exec(tx, ST_REV_ITEM_INSERT, v, COUNT(v), NULL);
}

/* The key has two columns, and tx_list goes on after one: so each piece is a
 * list of its own. */
#define ITEM_PIECE 64

struct item_list {
	int (*fn)(const struct rev_item_row *r, void *arg);
	void *arg;
	int64_t device, cert;          /* the last one shown */
	int64_t seen;
};

static int
item_visit(const void *row, void *arg)
{
	const struct rev_item_row *r = row;
	struct item_list *x = arg;

	x->device = r->device;
	x->cert = r->cert;
	x->seen++;
	return x->fn(r, x->arg);
}

int
store_rev_item_list(struct tx *tx, int64_t batch, int verdict,
    int64_t after_device, int64_t after_cert, int64_t limit,
    int (*fn)(const struct rev_item_row *r, void *arg), void *arg)
{
	static const struct list l = { ST_REV_ITEM_LIST, item_cols,
	    COUNT(item_cols), sizeof (struct rev_item_row), LIST_INT, 0 };
	struct item_list x = { fn, arg, after_device, after_cert, 0 };
	int64_t want;
	int ret = CAMCA_OK;

	do {
		struct db_val v[] = { db_int(batch), db_int(0),
		    db_int(x.device), db_int(x.cert), db_int(verdict) };

		want = limit < ITEM_PIECE ? limit : ITEM_PIECE;
		x.seen = 0;
		ret = tx_list(tx, &l, v, COUNT(v), want, item_visit, &x);
		limit -= x.seen;
	} while (ret == 0 && limit > 0 && x.seen == want);
	return ret;
}

int
store_rev_item_clear(struct tx *tx, int64_t batch)
{
	struct db_val v = db_int(batch);

	return tx_exec(tx, ST_REV_ITEM_CLEAR, &v, 1, NULL);
}
