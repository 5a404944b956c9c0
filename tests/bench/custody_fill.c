/* SPDX-License-Identifier: Apache-2.0 */
/* custody_fill DATABASE ENTRIES: makes the custody log of a stopped authority so
 * long, with small entries of no device, as if that much had happened. Its
 * outbox must be empty. */
#include <inttypes.h>
#include <sqlite3.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "ca/base/log.h"
#include "ca/custody/append.h"

#define FILL_STEP 50000                /* entries of a transaction */

struct fill {
	struct grow *grow;
	int64_t size, to;
};

static void
fill_die(const char *what, int err)
{
	fprintf(stderr, "custody_fill: %s: %s\n", what, camca_strerror(err));
	exit(1);
}

/* A small event of no type, and its entry. Ids that no event has: those begin
 * with the time. */
static int
fill_one(struct tx *tx, struct grow *g, int64_t i)
{
	char text[64];
	struct event_row e = { .device = "filler", .body.p = (uint8_t *)text };
	struct log_entry_row r = { .prev = i - 1, .n = i + 1 };
	int k, ret;

	for (k = 0; k < 8; k++)
		e.id[k] = (uint8_t)(i >> (56 - 8 * k));
	/* Five lines stand in front of those of the chain. */
	e.body.n = (size_t)snprintf(text, sizeof text, "\n\n\n\n\nentry %"
	    PRId64, i);
	r.data = e.body;
	ret = store_outbox_put(tx, &e);
	return ret < 0 ? ret : grow_add(g, &r);
}

static int
fill_tx(struct tx *tx, void *arg)
{
	struct fill *f = arg;
	int64_t i, n;
	int ret = grow_begin(f->grow, tx);

	n = f->to - f->grow->edge.size;
	if (n > FILL_STEP)
		n = FILL_STEP;
	for (i = 0; ret == CAMCA_OK && i < n; i++)
		ret = fill_one(tx, f->grow, f->grow->edge.size);
	f->size = f->grow->edge.size;
	return ret < 0 ? ret : grow_end(f->grow);
}

static int
fill_state_tx(struct tx *tx, void *arg)
{
	return store_outbox_state(tx, arg);
}

/* Events get the next numbers, and the chains of devices add up to the log:
 * camcad would look for what is missing in them. */
static void
fill_counter(const char *path, int64_t size)
{
	char sql[512];
	sqlite3 *h;

	snprintf(sql, sizeof sql, "UPDATE counter SET n = %" PRId64
	    " WHERE name = 'outbox'; INSERT OR REPLACE INTO log_device"
	    " (device, n, last) SELECT 'filler', %" PRId64 " - (SELECT"
	    " COALESCE(SUM(n), 0) FROM log_device WHERE device <> 'filler'),"
	    " %" PRId64, size, size, size - 1);
	if (sqlite3_open(path, &h) != SQLITE_OK ||
	    sqlite3_exec(h, sql, NULL, NULL, NULL) != SQLITE_OK)
		fill_die(sqlite3_errmsg(h), CAMCA_EDB);
	sqlite3_close(h);
}

int
main(int argc, char **argv)
{
	struct store_conf conf = { .readers = 1, .batch_max = 1,
	    .queue_max = 8, .ctx = &camca_ctx_system };
	struct refusal why = { .http = 0 };
	struct fill f = { .size = 0 };
	struct outbox_state st;
	struct store *s;
	int ret;

	if (argc != 3)
		fill_die("usage: custody_fill DATABASE ENTRIES",
		    CAMCA_EINVAL);
	log_setup("custody_fill", LOG_ERROR);
	conf.path = argv[1];
	f.to = strtoll(argv[2], NULL, 10);
	f.grow = malloc(sizeof *f.grow);
	if (f.grow == NULL)
		fill_die("memory", CAMCA_ENOMEM);
	if ((ret = store_open(&s, &conf, false, &why)) < 0)
		fill_die(why.detail, ret);
	ret = store_tx(s, DB_READ, fill_state_tx, &st);
	if (ret < 0 || st.first != 0)
		fill_die("events wait in the outbox", ret);
	do {
		if ((ret = store_tx(s, DB_WRITE, fill_tx, &f)) < 0)
			fill_die("filling", ret);
	} while (f.size < f.to);
	store_close(s);
	fill_counter(argv[1], f.size);
	free(f.grow);
	return 0;
}
