/* SPDX-License-Identifier: Apache-2.0 */
/* Rows to values and back, single rows, changes and lists. */
#include "ca/store/tx.h"

#include <inttypes.h>
#include <stdlib.h>

#include "ca/base/log.h"

#define LIST_PIECE 64

bool
tx_fatal(int err)
{
	return err == CAMCA_EDB || err == CAMCA_EFULL || err == CAMCA_ENOMEM ||
	    err == CAMCA_EBUSY || err == CAMCA_EUNKNOWN;
}

/* Writes the counters that have gone on in memory. */
static int
tx_counters(struct tx *tx)
{
	struct db_val v[2];
	int i, ret = CAMCA_OK;

	for (i = 0; i < TX_COUNTERS && ret == CAMCA_OK; i++) {
		if (!tx->counters[i].dirty)
			continue;
		v[0] = db_text(tx->counters[i].name);
		v[1] = db_int(tx->counters[i].n);
		ret = tx_exec(tx, ST_COUNTER_SET, v, 2, NULL);
	}
	return ret;
}

static int
tx_issuers(struct tx *tx)
{
	struct db_val v[2];
	int i, ret = CAMCA_OK;

	for (i = 0; i < TX_ISSUERS && ret == CAMCA_OK; i++) {
		if (tx->issuers[i].id == 0)
			break;
		v[0] = db_int(tx->issuers[i].id);
		v[1] = db_int(tx->issuers[i].rev_seq);
		ret = tx_exec(tx, ST_ISSUER_CHANGED, v, 2, NULL);
	}
	return ret;
}

int
tx_run(struct tx *tx, int (*fn)(struct tx *tx, void *arg), void *arg)
{
	int ret = fn(tx, arg);

	if (ret == CAMCA_OK && tx->err == 0)
		ret = tx_counters(tx);
	if (ret == CAMCA_OK && tx->err == 0)
		ret = tx_issuers(tx);
	return tx->err != 0 ? tx->err : ret;
}

void
store_blob_free(struct store_blob *b)
{
	if (b == NULL)
		return;
	free(b->p);
	b->p = NULL;
	b->n = 0;
}

static int
row_blob(const struct col *c, const struct store_blob *b, struct db_val *out)
{
	if (b->n > 0 && b->p != NULL) {
		*out = db_bytes(b->p, b->n);
		return CAMCA_OK;
	}
	*out = (struct db_val){ .type = DB_NULL };
	return c->type == COL_BLOB_OPT ? CAMCA_OK : CAMCA_EINVAL;
}

static int
row_val(const struct col *c, const void *field, struct db_val *out)
{
	int64_t i;

	switch (c->type) {
	case COL_TEXT:
		*out = (struct db_val){ .type = DB_TEXT, .p = field,
		    .n = strnlen(field, c->size) };
		return out->n < c->size ? CAMCA_OK : CAMCA_EINVAL;
	case COL_BYTES:
		*out = db_bytes(field, c->size);
		return CAMCA_OK;
	case COL_BLOB:
	case COL_BLOB_OPT:
		return row_blob(c, field, out);
	default:
		memcpy(&i, field, sizeof i);
		*out = db_int(i);
		if (c->type == COL_REF && i == 0)
			out->type = DB_NULL;
		return CAMCA_OK;
	}
}

int
row_vals(const struct col *cols, size_t n, const void *row,
    struct db_val *out)
{
	size_t i;

	for (i = 0; i < n; i++)
		if (row_val(&cols[i], (const char *)row + cols[i].off,
		    &out[i]) < 0)
			return CAMCA_EINVAL;
	return CAMCA_OK;
}

static int
row_read_blob(const struct db_val *v, struct store_blob *out)
{
	out->p = NULL;
	out->n = 0;
	if (v->type == DB_NULL || (v->type == DB_BYTES && v->n == 0))
		return CAMCA_OK;
	if (v->type != DB_BYTES)
		return CAMCA_EDB;
	if ((out->p = malloc(v->n)) == NULL)
		return CAMCA_ENOMEM;
	memcpy(out->p, v->p, v->n);
	out->n = v->n;
	return CAMCA_OK;
}

/* A value that does not fit its field was not written by this program. */
static int
row_read_one(const struct col *c, const struct db_val *v, void *field)
{
	switch (c->type) {
	case COL_TEXT:
		if (v->type != DB_TEXT || v->n >= c->size)
			return CAMCA_EDB;
		memcpy(field, v->p, v->n);
		((char *)field)[v->n] = '\0';
		return CAMCA_OK;
	case COL_BYTES:
		if (v->type != DB_BYTES || v->n != c->size)
			return CAMCA_EDB;
		memcpy(field, v->p, v->n);
		return CAMCA_OK;
	case COL_BLOB:
	case COL_BLOB_OPT:
		return row_read_blob(v, field);
	default:
		if (v->type != DB_INT &&
		    !(v->type == DB_NULL && c->type == COL_REF))
			return CAMCA_EDB;
		memcpy(field, &v->i, sizeof v->i);
		return CAMCA_OK;
	}
}

static void
row_free_blobs(const struct col *cols, size_t n, void *row)
{
	size_t i;

	for (i = 0; i < n; i++)
		if (cols[i].type == COL_BLOB || cols[i].type == COL_BLOB_OPT)
			store_blob_free((struct store_blob *)(void *)
			    ((char *)row + cols[i].off));
}

/* Whatever was there before: a caller may free the row after any failure. */
static void
row_no_blobs(const struct col *cols, size_t n, void *row)
{
	static const struct store_blob none;
	size_t i;

	for (i = 0; i < n; i++)
		if (cols[i].type == COL_BLOB || cols[i].type == COL_BLOB_OPT)
			memcpy((char *)row + cols[i].off, &none, sizeof none);
}

/* On failure row holds no blobs. */
static int
row_read(const struct col *cols, size_t ncols, const struct db_val *v,
    size_t n, void *row)
{
	size_t i;
	int err = n == ncols ? CAMCA_OK : CAMCA_EDB;

	for (i = 0; err == CAMCA_OK && i < ncols; i++)
		err = row_read_one(&cols[i], &v[i],
		    (char *)row + cols[i].off);
	if (err < 0 && i > 0)
		row_free_blobs(cols, i - 1, row);
	if (err == CAMCA_EDB)
		log_msg(LOG_ERROR, "store", "a stored value in column %zu of"
		    " %zu does not fit", i, ncols);
	return err;
}

int
tx_query(struct tx *tx, enum stmt_id id, const struct db_val *v, size_t n,
    db_row_fn row, void *arg, int64_t *changed)
{
	const struct db_stmt *s = &tx->engine->stmts[id];
	int ret;

	/* A caller that went on after a failure must not store half. */
	if (tx->err != 0)
		return tx->err;
	if (tx->mode == DB_READ && s->access == STMT_W) {
		log_msg(LOG_ERROR, "store", "%s in a reading transaction",
		    s->name);
		return tx->err = CAMCA_EDB;
	}
	ret = tx->engine->exec(tx->db, id, v, n, row, arg, changed);
	if (tx_fatal(ret))
		tx->err = ret;
	return ret;
}

int
tx_exec(struct tx *tx, enum stmt_id id, const struct db_val *v, size_t n,
    int64_t *changed)
{
	return tx_query(tx, id, v, n, NULL, NULL, changed);
}

struct tx_one {
	const struct col *cols;
	size_t ncols;
	void *row;
	bool found;
};

static int
tx_one_row(const struct db_val *v, size_t n, void *arg)
{
	struct tx_one *one = arg;
	int err;

	if (one->found)
		return CAMCA_OK;
	err = row_read(one->cols, one->ncols, v, n, one->row);
	one->found = err == CAMCA_OK;
	return err;
}

int
tx_get(struct tx *tx, enum stmt_id id, const struct db_val *v, size_t n,
    const struct col *cols, size_t ncols, void *row)
{
	struct tx_one one = { cols, ncols, row, false };
	int err;

	row_no_blobs(cols, ncols, row);
	err = tx_query(tx, id, v, n, tx_one_row, &one, NULL);
	if (err < 0 && one.found)
		row_free_blobs(cols, ncols, row);
	if (err == CAMCA_OK && !one.found)
		err = CAMCA_ENOENT;
	return err;
}

int
tx_int(struct tx *tx, enum stmt_id id, const struct db_val *v, size_t n,
    int64_t *out)
{
	static const struct col col = { COL_INT, 0, sizeof (int64_t) };

	return tx_get(tx, id, v, n, &col, 1, out);
}

int
tx_insert(struct tx *tx, enum stmt_id id, const struct db_val *v, size_t n,
    int64_t *key_out)
{
	static const struct col col = { COL_INT, 0, sizeof (int64_t) };
	struct tx_one one = { &col, 1, key_out, false };
	int err;

	err = tx_query(tx, id, v, n, tx_one_row, &one, NULL);
	return err == CAMCA_OK && !one.found ? CAMCA_ECONFLICT : err;
}

int
tx_change(struct tx *tx, enum stmt_id id, const struct db_val *v, size_t n,
    enum stmt_id exists)
{
	int64_t changed = 0, one;
	int err;

	if ((err = tx_exec(tx, id, v, n, &changed)) < 0 || changed == 1)
		return err;
	err = tx_int(tx, exists, v, 1, &one);
	return err < 0 ? err : CAMCA_ECONFLICT;
}

struct tx_piece {
	const struct list *l;
	char *rows;
	size_t n;
};

static int
tx_piece_row(const struct db_val *v, size_t n, void *arg)
{
	struct tx_piece *p = arg;
	char *row = p->rows + p->n * p->l->row_size;
	int err;

	if (p->n == LIST_PIECE)
		return CAMCA_EDB;
	/* A list may have fewer columns than the struct has fields. */
	memset(row, 0, p->l->row_size);
	err = row_read(p->l->cols, p->l->ncols, v, n, row);
	if (err == CAMCA_OK)
		p->n++;
	return err;
}

/* Shows the rows of a piece unless ret is an error, and frees them all, seen
 * or not. */
static int
tx_piece_show(struct tx_piece *p, int ret,
    int (*visit)(const void *row, void *arg), void *arg)
{
	size_t i;

	for (i = 0; i < p->n; i++) {
		if (ret == 0)
			ret = visit(p->rows + i * p->l->row_size, arg);
		row_free_blobs(p->l->cols, p->l->ncols,
		    p->rows + i * p->l->row_size);
	}
	return ret;
}

/* The key of the last row of the piece; a text is kept in text. */
static void
tx_piece_key(const struct tx_piece *p, struct db_val *key,
    char text[static STORE_NAME_MAX])
{
	const struct col *c = &p->l->cols[p->l->key_col];
	const char *field = p->rows + (p->n - 1) * p->l->row_size + c->off;

	if (p->l->key == LIST_OFFSET) {
		key->i += (int64_t)p->n;
	} else if (p->l->key == LIST_INT) {
		memcpy(&key->i, field, sizeof key->i);
	} else {
		key->n = strnlen(field, STORE_NAME_MAX - 1);
		memcpy(text, field, key->n);
		key->p = text;
	}
}

int
tx_list(struct tx *tx, const struct list *l, struct db_val *v, size_t n,
    int64_t limit, int (*visit)(const void *row, void *arg), void *arg)
{
	struct tx_piece p = { l, NULL, 0 };
	char key[STORE_NAME_MAX];      /* the piece's rows are read over */
	int64_t want;
	int ret = CAMCA_OK;

	if (limit <= 0)
		return CAMCA_OK;
	/* Cleared row by row: thousands of lists are shorter than a piece. */
	if ((p.rows = reallocarray(NULL, LIST_PIECE, l->row_size)) == NULL)
		return tx->err = CAMCA_ENOMEM;
	do {
		want = limit < LIST_PIECE ? limit : LIST_PIECE;
		v[1] = db_int(want);
		p.n = 0;
		ret = tx_query(tx, l->id, v, n, tx_piece_row, &p, NULL);
		if (p.n > 0)
			tx_piece_key(&p, &v[0], key);
		ret = tx_piece_show(&p, ret, visit, arg);
		limit -= (int64_t)p.n;
	} while (ret == 0 && limit > 0 && (int64_t)p.n == want);
	free(p.rows);
	return ret;
}

static struct tx_counter *
counter_find(struct tx *tx, const char *name)
{
	int i;

	for (i = 0; i < TX_COUNTERS; i++)
		if (tx->counters[i].name != NULL &&
		    strcmp(tx->counters[i].name, name) == 0)
			return &tx->counters[i];
	return NULL;
}

int
counter_next(struct tx *tx, const char *name, int64_t *out)
{
	struct db_val v = db_text(name);
	struct tx_counter *c = counter_find(tx, name);
	int i, err;

	if (c != NULL) {
		if (tx->err != 0)
			return tx->err;
		c->dirty = true;
		*out = ++c->n;
		return CAMCA_OK;
	}
	err = tx_int(tx, ST_COUNTER_NEXT, &v, 1, out);
	/* The counters are made with the schema: a missing one is damage. */
	if (err < 0)
		return err == CAMCA_ENOENT ? (tx->err = CAMCA_EDB) : err;
	for (i = 0; i < TX_COUNTERS && tx->counters[i].name != NULL; i++)
		;
	if (i < TX_COUNTERS)
		tx->counters[i] = (struct tx_counter){ name, *out, false };
	return CAMCA_OK;
}

int
counter_back(struct tx *tx, const char *name)
{
	struct db_val v = db_text(name);
	struct tx_counter *c = counter_find(tx, name);

	if (c == NULL)
		return tx_exec(tx, ST_COUNTER_BACK, &v, 1, NULL);
	c->dirty = true;
	c->n--;
	return CAMCA_OK;
}

int
counter_get(struct tx *tx, const char *name, int64_t *out)
{
	struct db_val v = db_text(name);
	struct tx_counter *c = counter_find(tx, name);
	int err;

	if (c != NULL) {
		*out = c->n;
		return tx->err;
	}
	err = tx_int(tx, ST_COUNTER_GET, &v, 1, out);
	return err == CAMCA_ENOENT ? (tx->err = CAMCA_EDB) : err;
}

int
issuer_changed(struct tx *tx, int64_t issuer, int64_t rev_seq)
{
	const struct db_val v[] = { db_int(issuer), db_int(rev_seq) };
	int i;

	for (i = 0; i < TX_ISSUERS; i++) {
		if (tx->issuers[i].id != 0 && tx->issuers[i].id != issuer)
			continue;
		tx->issuers[i] = (struct tx_issuer){ issuer, rev_seq };
		return tx->err;
	}
	return tx_exec(tx, ST_ISSUER_CHANGED, v, COUNT(v), NULL);
}

int64_t
issuer_pending(const struct tx *tx, int64_t issuer)
{
	int i;

	for (i = 0; i < TX_ISSUERS; i++)
		if (tx->issuers[i].id == issuer)
			return tx->issuers[i].rev_seq;
	return 0;
}
