/* SPDX-License-Identifier: Apache-2.0 */
/* Events, each written in the transaction of what it tells. Those above the
 * size of the log are the outbox: they wait for a sequencer. */
#include "ca/store/store_log.h"
#include "ca/store/tx.h"

static const struct col event_cols[] = {
	COL(INT, event_row, seq),
	COL(BYTES, event_row, id),
	COL(INT, event_row, time_ms),
	COL(TEXT, event_row, device),
	COL(BLOB, event_row, body),
};

LIST_VISIT(event_row)

int
store_outbox_put(struct tx *tx, const struct event_row *r)
{
	struct db_val v[COUNT(event_cols)];
	int64_t changed = 0;
	int err;

	if ((err = row_vals(event_cols, COUNT(v), r, v)) < 0)
		return err;
	/* A number is taken by the transaction that stores the event, so the
	 * committed ones have no gaps, and r->seq does not matter. */
	if ((err = counter_next(tx, "outbox", &v[0].i)) < 0)
		return err;
	err = tx_exec(tx, ST_OUTBOX_PUT, v, COUNT(v), &changed);
	if (err < 0 || changed > 0)
		return err;
	err = counter_back(tx, "outbox");
	return err < 0 ? err : CAMCA_ECONFLICT;
}

int
store_outbox_list(struct tx *tx, const char *device, int64_t after_seq,
    int64_t limit, int (*fn)(const struct event_row *r, void *arg), void *arg)
{
	struct list l = { ST_OUTBOX_LIST, event_cols, COUNT(event_cols),
	    sizeof (struct event_row), LIST_INT, 0 };
	struct event_row_list visit = { fn, arg };
	struct db_val v[3] = { db_int(after_seq), db_int(0), db_text(device) };

	if (device != NULL)
		l.id = ST_OUTBOX_LIST_DEVICE;
	return tx_list(tx, &l, v, device != NULL ? 3 : 2, limit,
	    event_row_visit, &visit);
}

int
store_outbox_count(struct tx *tx, int64_t *out)
{
	int64_t size;
	int err = store_log_size(tx, &size);

	if (err == CAMCA_OK)
		err = counter_get(tx, "outbox", out);
	if (err == CAMCA_OK)
		*out -= size;
	return err;
}
