/* SPDX-License-Identifier: Apache-2.0 */
#include "ca/store/store_log.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "ca/base/log.h"
#include "ca/store/tx.h"

/* Of log_tile.id: no tree of ours has 2^48 tiles in a level. */
#define LOG_TILE_BITS 48

static const struct col log_head_cols[] = {
	COL(INT, log_head_row, size),
	COL(BLOB_OPT, log_head_row, edge),
};
static const struct col log_entry_cols[] = {
	COL(INT, log_entry_row, idx),
	COL(BYTES, log_entry_row, event_id),
	COL(INT, log_entry_row, time_ms),
	COL(TEXT, log_entry_row, device),
	COL(INT, log_entry_row, prev),
	COL(INT, log_entry_row, n),
	COL(BYTES, log_entry_row, dev_prev),
	COL(BYTES, log_entry_row, leaf),
	COL(BLOB, log_entry_row, data),
};
static const struct col log_device_cols[] = {
	COL(TEXT, log_device_row, device),
	COL(INT, log_device_row, n),
	COL(INT, log_device_row, last),
};
static const struct col log_odd_cols[] = {
	COL(INT, log_odd_row, idx),
	COL(BLOB, log_odd_row, body),
};
static const struct col outbox_state_cols[] = {
	COL(INT, outbox_state, first),
	COL(INT, outbox_state, last),
	COL(INT, outbox_state, first_ms),
};

LIST_VISIT(log_device_row)

/* The head is made with the schema. */
static int
log_must_be(struct tx *tx, int ret)
{
	return ret == CAMCA_ENOENT ? (tx->err = CAMCA_EDB) : ret;
}

int
store_log_head(struct tx *tx, struct log_head_row *out)
{
	return log_must_be(tx, tx_get(tx, ST_LOG_HEAD, NULL, 0, log_head_cols,
	    COUNT(log_head_cols), out));
}

int
store_log_size(struct tx *tx, int64_t *out)
{
	return log_must_be(tx, tx_int(tx, ST_LOG_SIZE, NULL, 0, out));
}

int
store_log_set_head(struct tx *tx, int64_t old_size,
    const struct log_head_row *r)
{
	const struct db_val v[] = { db_int(old_size), db_int(r->size),
	    db_bytes(r->edge.p, r->edge.n) };
	int64_t changed = 0;
	int err = tx_exec(tx, ST_LOG_SET_HEAD, v, COUNT(v), &changed);

	return err == CAMCA_OK && changed != 1 ? CAMCA_ECONFLICT : err;
}

int
store_others(struct tx *tx, int64_t *out)
{
	return tx_int(tx, ST_OTHERS, NULL, 0, out);
}

void
store_log_entry_free(struct log_entry_row *r)
{
	if (r != NULL)
		store_blob_free(&r->data);
}

int
store_log_entry_insert(struct tx *tx, const struct log_entry_row *r)
{
	const struct db_val v[] = { db_int(r->idx), db_int(r->prev),
	    db_int(r->n), r->prev < 0 ? (struct db_val){ .type = DB_NULL } :
	    db_bytes(r->dev_prev, sizeof r->dev_prev),
	    db_bytes(r->leaf, sizeof r->leaf) };

	return tx_exec(tx, ST_LOG_ENTRY_INSERT, v, COUNT(v), NULL);
}

/* r->data from its body to its text, in the memory of text. */
static bool
log_entry_text(const struct log_entry_row *r,
    uint8_t text[static STORE_LOG_TEXT_MAX], size_t *n_out)
{
	return r->n > 0 && store_log_text(r->data.p, r->data.n, r->n,
	    r->prev < 0 ? NULL : r->dev_prev, text, n_out) == CAMCA_OK;
}

int
store_log_entry_get(struct tx *tx, int64_t idx, struct log_entry_row *out)
{
	struct db_val v = db_int(idx);
	uint8_t text[STORE_LOG_TEXT_MAX], *p;
	size_t n;
	int err = tx_get(tx, ST_LOG_ENTRY_GET, &v, 1, log_entry_cols,
	    COUNT(log_entry_cols), out);

	if (err < 0 || !log_entry_text(out, text, &n))
		return err;
	if ((p = realloc(out->data.p, n)) == NULL) {
		store_blob_free(&out->data);
		return tx->err = CAMCA_ENOMEM;
	}
	memcpy(p, text, n);
	out->data = (struct store_blob){ p, n };
	return CAMCA_OK;
}

struct log_entry_list {
	int (*fn)(const struct log_entry_row *r, void *arg);
	void *arg;
};

static int
log_entry_visit(const void *row, void *arg)
{
	const struct log_entry_list *l = arg;
	const struct log_entry_row *r = row;
	uint8_t text[STORE_LOG_TEXT_MAX];
	struct log_entry_row whole;
	size_t n;

	if (!log_entry_text(r, text, &n))
		return l->fn(r, l->arg);
	whole = *r;
	whole.data = (struct store_blob){ text, n };
	return l->fn(&whole, l->arg);
}

int
store_log_entry_list(struct tx *tx, int64_t from, int64_t limit,
    int (*fn)(const struct log_entry_row *r, void *arg), void *arg)
{
	static const struct list l = { ST_LOG_ENTRY_LIST, log_entry_cols,
	    COUNT(log_entry_cols), sizeof (struct log_entry_row), LIST_INT,
	    0 };
	struct log_entry_list visit = { fn, arg };
	struct db_val v[2] = { db_int(from - 1), db_int(0) };

	return tx_list(tx, &l, v, COUNT(v), limit, log_entry_visit, &visit);
}

int
store_log_prev(struct tx *tx, int64_t idx, int64_t *out)
{
	struct db_val v = db_int(idx);

	return tx_int(tx, ST_LOG_PREV, &v, 1, out);
}

int
store_log_device(struct tx *tx, const char *device, int64_t *n_out,
    int64_t *last_out)
{
	struct db_val v = db_text(device);
	struct log_device_row r;
	int err = tx_get(tx, ST_LOG_DEVICE, &v, 1, log_device_cols,
	    COUNT(log_device_cols), &r);

	if (err < 0)
		return err;
	*n_out = r.n;
	*last_out = r.last;
	return CAMCA_OK;
}

/* NULL where there is no such row. */
static bool
log_chain_read(const struct db_val *v, const char *device,
    struct log_chain_row *out)
{
	*out = (struct log_chain_row){ .n = v[0].i, .last = v[1].i };
	if (v[0].type == DB_NULL || v[2].type == DB_NULL)
		return true;
	if (v[2].type != DB_BYTES || v[2].n != sizeof out->leaf)
		return false;
	memcpy(out->leaf, v[2].p, sizeof out->leaf);
	out->there = true;
	out->fits = v[3].i == out->n && v[4].type == DB_TEXT &&
	    v[4].n == strlen(device) && memcmp(v[4].p, device, v[4].n) == 0;
	return true;
}

struct log_chain {
	const char *device;
	struct log_chain_row *out;
	bool found;
};

static int
log_chain_row(const struct db_val *v, size_t n, void *arg)
{
	struct log_chain *x = arg;

	x->found = true;
	return n == 5 && log_chain_read(v, x->device, x->out) ? CAMCA_OK :
	    CAMCA_EDB;
}

int
store_log_chain(struct tx *tx, const char *device, struct log_chain_row *out)
{
	struct db_val v = db_text(device);
	struct log_chain x = { device, out, false };
	int err = tx_query(tx, ST_LOG_CHAIN, &v, 1, log_chain_row, &x, NULL);

	return err == CAMCA_OK && !x.found ? CAMCA_ENOENT : err;
}

int
store_log_device_insert(struct tx *tx, const struct log_device_row *r)
{
	struct db_val v[COUNT(log_device_cols)];
	int err = row_vals(log_device_cols, COUNT(v), r, v);

	return err < 0 ? err :
	    tx_exec(tx, ST_LOG_DEVICE_INSERT, v, COUNT(v), NULL);
}

int
store_log_device_update(struct tx *tx, const struct log_device_row *r)
{
	struct db_val v[COUNT(log_device_cols)];
	int64_t changed = 0;
	int err = row_vals(log_device_cols, COUNT(v), r, v);

	if (err == CAMCA_OK)
		err = tx_exec(tx, ST_LOG_DEVICE_UPDATE, v, COUNT(v),
		    &changed);
	return err == CAMCA_OK && changed != 1 ? CAMCA_ENOENT : err;
}

int
store_log_device_list(struct tx *tx, const char *after, int64_t limit,
    int (*fn)(const struct log_device_row *r, void *arg), void *arg)
{
	static const struct list l = { ST_LOG_DEVICE_LIST, log_device_cols,
	    COUNT(log_device_cols), sizeof (struct log_device_row), LIST_TEXT,
	    0 };
	struct log_device_row_list visit = { fn, arg };
	struct db_val v[2] = { db_text(after), db_int(0) };

	return tx_list(tx, &l, v, COUNT(v), limit, log_device_row_visit,
	    &visit);
}

static struct db_val
log_tile_id(int level, int64_t n)
{
	return db_int((int64_t)level << LOG_TILE_BITS | n);
}

int
store_log_tile_get(struct tx *tx, int level, int64_t n,
    struct store_blob *out)
{
	static const struct col col = { COL_BLOB, 0,
	    sizeof (struct store_blob) };
	struct db_val v = log_tile_id(level, n);

	return tx_get(tx, ST_LOG_TILE_GET, &v, 1, &col, 1, out);
}

int
store_log_tile_put(struct tx *tx, int level, int64_t n,
    const struct store_blob *hashes)
{
	const struct db_val v[] = { log_tile_id(level, n),
	    db_bytes(hashes->p, hashes->n) };

	return tx_exec(tx, ST_LOG_TILE_PUT, v, COUNT(v), NULL);
}

int
store_outbox_state(struct tx *tx, struct outbox_state *out)
{
	int err = tx_get(tx, ST_OUTBOX_STATE, NULL, 0, outbox_state_cols,
	    COUNT(outbox_state_cols), out);

	return err < 0 ? err : counter_get(tx, "outbox", &out->given);
}

struct outbox_read {
	int (*fn)(const struct event_row *r, const struct log_chain_row *c,
	    void *arg);
	void *arg;
};

static bool
outbox_read_event(const struct db_val *v, struct event_row *out)
{
	if (v[1].n != sizeof out->id || v[3].type != DB_TEXT ||
	    v[3].n >= sizeof out->device || v[4].type != DB_BYTES)
		return false;
	out->time_ms = v[2].i;
	memcpy(out->id, v[1].p, sizeof out->id);
	memcpy(out->device, v[3].p, v[3].n);
	out->device[v[3].n] = '\0';
	out->body.p = (uint8_t *)(uintptr_t)v[4].p;
	out->body.n = v[4].n;
	return true;
}

static int
outbox_read_row(const struct db_val *v, size_t n, void *arg)
{
	struct outbox_read *x = arg;
	struct log_chain_row c;
	struct event_row r;

	r.seq = v[0].i;
	if (n != 10 || !outbox_read_event(v, &r) ||
	    !log_chain_read(v + 5, r.device, &c)) {
		log_msg(LOG_ERROR, "store", "event %" PRId64 ", which waits, or"
		    " the chain of its device, does not fit", r.seq);
		return CAMCA_EDB;
	}
	return x->fn(&r, &c, x->arg);
}

int
store_outbox_read(struct tx *tx, int64_t after_seq, int64_t limit,
    int (*fn)(const struct event_row *r, const struct log_chain_row *c,
    void *arg), void *arg)
{
	const struct db_val v[] = { db_int(after_seq), db_int(limit) };
	struct outbox_read x = { fn, arg };

	return tx_query(tx, ST_OUTBOX_READ, v, COUNT(v), outbox_read_row, &x,
	    NULL);
}

int
store_log_odd_put(struct tx *tx, const struct log_odd_row *r)
{
	struct db_val v[COUNT(log_odd_cols)];
	int err = row_vals(log_odd_cols, COUNT(v), r, v);

	return err < 0 ? err :
	    tx_exec(tx, ST_LOG_ODD_PUT, v, COUNT(v), NULL);
}

int
store_log_odd_get(struct tx *tx, int64_t idx, struct log_odd_row *out)
{
	struct db_val v = db_int(idx);

	return tx_get(tx, ST_LOG_ODD_GET, &v, 1, log_odd_cols,
	    COUNT(log_odd_cols), out);
}
