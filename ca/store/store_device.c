/* SPDX-License-Identifier: Apache-2.0 */
/* Devices. Which moves between states are legal is not known here; that a move
 * starts from the state the caller saw is. Their standing has a row elsewhere,
 * from the first move on: an import writes none. */
#include "ca/store/tx.h"

static const struct col device_cols[] = {
	COL(INT, device_row, pk),
	COL(TEXT, device_row, id),
	COL(INT, device_row, kind),
	COL(TEXT, device_row, manufacturer),
	COL(TEXT, device_row, model),
	COL(TEXT, device_row, serial),
	COL(TEXT, device_row, mac),
	COL(TEXT, device_row, hardware_id),
	COL(TEXT, device_row, firmware),
	COL(TEXT, device_row, site),
	COL(INT, device_row, place),
	COL(TEXT, device_row, import_batch),
	COL(INT, device_row, created_ms),
	COL(INT, device_row, state),
	COL(INT, device_row, restriction),
	COL(INT, device_row, updated_ms),
};
/* Columns of the table, without pk. */
#define DEVICE_NPLAIN 12

LIST_VISIT(device_row)

/* A device that begins as something else than registered. */
static int
device_standing(struct tx *tx, const struct device_row *r)
{
	const struct db_val v[] = { db_int(r->pk), db_int(r->state),
	    db_int(r->restriction), db_int(r->updated_ms) };

	if (r->state == DEVICE_REGISTERED && r->restriction == RESTRICT_NONE &&
	    r->updated_ms == r->created_ms)
		return CAMCA_OK;
	return tx_exec(tx, ST_DEVICE_STANDING_FIRST, v, COUNT(v), NULL);
}

int
store_device_insert(struct tx *tx, struct device_row *r)
{
	struct db_val v[DEVICE_NPLAIN];
	struct db_val site = db_text(r->site);
	int64_t n;
	int err;

	/* Before anything is written: two rows are one device. */
	if (r->state < 0 || r->state >= DEVICE_STATES || r->restriction < 0 ||
	    r->restriction >= DEVICE_RESTRICTIONS)
		return CAMCA_EINVAL;
	if ((err = row_vals(device_cols + 1, COUNT(v), r, v)) < 0)
		return err;
	/* Asked first: a foreign key that fails ends the transaction in some
	 * engines, and an import wants to go on with the next line. */
	if ((err = tx_int(tx, ST_SITE_EXISTS, &site, 1, &n)) < 0)
		return err;
	if ((err = tx_insert(tx, ST_DEVICE_INSERT, v, COUNT(v), &r->pk)) < 0 ||
	    (err = device_standing(tx, r)) < 0)
		return err;
	/* Counted here: COUNT(*) would read a million rows. */
	return counter_next(tx, "device", &n);
}

int
store_device_get(struct tx *tx, const char *id, struct device_row *out)
{
	struct db_val v = db_text(id);

	return tx_get(tx, ST_DEVICE_GET, &v, 1, device_cols,
	    COUNT(device_cols), out);
}

int
store_device_by_pk(struct tx *tx, int64_t pk, struct device_row *out)
{
	struct db_val v = db_int(pk);

	return tx_get(tx, ST_DEVICE_BY_PK, &v, 1, device_cols,
	    COUNT(device_cols), out);
}

int
store_device_by_serial(struct tx *tx, const char *manufacturer,
    const char *serial, struct device_row *out)
{
	const struct db_val v[] = { db_text(manufacturer), db_text(serial) };

	return tx_get(tx, ST_DEVICE_BY_SERIAL, v, COUNT(v), device_cols,
	    COUNT(device_cols), out);
}

int
store_device_move(struct tx *tx, int64_t pk, enum device_state from,
    enum device_state to, int64_t now_ms)
{
	const struct db_val v[] = { db_int(pk), db_int((int64_t)from),
	    db_int((int64_t)to), db_int(now_ms) };

	/* Without a row it is registered. */
	return tx_change(tx, from == DEVICE_REGISTERED ? ST_DEVICE_MOVE_FIRST :
	    ST_DEVICE_MOVE, v, COUNT(v), ST_DEVICE_EXISTS);
}

int
store_device_list(struct tx *tx, const struct device_filter *f,
    int64_t after_pk, int64_t limit,
    int (*fn)(const struct device_row *r, void *arg), void *arg)
{
	struct list l = { ST_DEVICE_LIST, device_cols, COUNT(device_cols),
	    sizeof (struct device_row), LIST_INT, 0 };
	struct device_row_list visit = { fn, arg };
	struct db_val v[8] = { db_int(after_pk), db_int(0), db_text(f->site),
	    db_text(f->manufacturer), db_text(f->model),
	    db_text(f->import_batch), db_int(f->state), db_int(f->kind) };

	/* The narrowest index that the filter allows. */
	if (f->import_batch != NULL && f->import_batch[0] != '\0')
		l.id = ST_DEVICE_LIST_BATCH;
	else if (f->site != NULL)
		l.id = ST_DEVICE_LIST_SITE;
	return tx_list(tx, &l, v, COUNT(v), limit, device_row_visit, &visit);
}

int
store_device_count(struct tx *tx, int64_t *out)
{
	return counter_get(tx, "device", out);
}
