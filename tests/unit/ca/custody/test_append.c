/* SPDX-License-Identifier: Apache-2.0 */
/* Outbox to log: texts, chains, and what must stop it. */
#include "tests/unit/ca/custody/log_fixture.h"

#include "ca/base/enc.h"

/* A row as some other program, or nobody, would write it. */
static void
put_raw(struct tx *tx, const uint8_t id[static 16], const char *device,
    const void *body, size_t n)
{
	struct event_row r = { .time_ms = 77,
	    .body = { (uint8_t *)(uintptr_t)body, n } };

	memcpy(r.id, id, 16);
	snprintf(r.device, sizeof r.device, "%s", device);
	assert_int_equal(store_outbox_put(tx, &r), 0);
}

/* ---- what every log must be ---- */

struct look {
	struct edge edge;              /* of the leaves seen so far */
	struct chain {
		char device[STORE_ID_MAX];
		int64_t n, last;
		struct hash leaf;
	} chains[64];
	size_t nchains;
	int64_t odd;
	int64_t last_odd;
};

static struct chain *
chain_of(struct look *k, const struct event_text *device)
{
	size_t i;

	for (i = 0; i < k->nchains; i++)
		if (strlen(k->chains[i].device) == device->n &&
		    memcmp(k->chains[i].device, device->p, device->n) == 0)
			return &k->chains[i];
	assert_true(k->nchains < COUNT(k->chains));
	snprintf(k->chains[i].device, sizeof k->chains[i].device, "%.*s",
	    (int)device->n, device->p);
	k->chains[i].last = -1;
	return &k->chains[k->nchains++];
}

static int
look_entry(const struct log_entry_row *r, void *arg)
{
	struct look *k = arg;
	struct event_view v;
	struct refusal why = { 0 };
	struct chain *c;
	struct hash leaf;

	if (event_parse(&v, r->data.p, r->data.n, &why) < 0)
		fail_msg("entry %d: %s", (int)r->idx, why.detail);
	assert_int_equal(r->idx, k->edge.size);
	assert_memory_equal(v.id, r->event_id, 16);
	c = chain_of(k, &v.device);
	assert_int_equal(r->prev, c->last);
	assert_int_equal(v.dev_seq, ++c->n);
	assert_int_equal(v.has_prev, c->last >= 0);
	if (v.has_prev)
		assert_memory_equal(v.dev_prev, c->leaf.b, 32);
	assert_int_equal(tree_leaf(&leaf, r->data.p, r->data.n), 0);
	assert_memory_equal(leaf.b, r->leaf, 32);
	assert_int_equal(edge_add(&k->edge, &leaf), 0);
	c->leaf = leaf;
	c->last = r->idx;
	if (strcmp(v.type->name, "record.unreadable") == 0) {
		k->odd++;
		k->last_odd = r->idx;
	}
	return 0;
}

/* Reads the log from its first entry on and compares all that is kept of it. */
static struct look
look_at(struct tx *tx)
{
	static struct look k;
	struct reader *r = NULL;
	struct hash root, tiles;
	struct edge edge;
	int64_t n, last;
	size_t i;

	memset(&k, 0, sizeof k);
	assert_int_equal(store_log_entry_list(tx, 0, INT64_MAX, look_entry,
	    &k), 0);
	assert_int_equal(reader_edge(tx, &edge), 0);
	assert_int_equal(edge.size, k.edge.size);
	assert_int_equal(edge_root(&edge, &root), 0);
	assert_int_equal(edge_root(&k.edge, &tiles), 0);
	assert_memory_equal(root.b, tiles.b, 32);
	assert_int_equal(reader_open(&r, tx), 0);
	assert_int_equal(tree_root(reader_tiles(r), edge.size, &tiles), 0);
	assert_memory_equal(root.b, tiles.b, 32);
	reader_close(r);
	for (i = 0; i < k.nchains; i++) {
		assert_int_equal(store_log_device(tx, k.chains[i].device, &n,
		    &last), 0);
		assert_int_equal(n, k.chains[i].n);
		assert_int_equal(last, k.chains[i].last);
	}
	return k;
}

static void
test_order(void **state)
{
	static const size_t batches[] = { 1, 2, 7, 256, 300 };
	struct tx *tx = tx_of(state);
	struct outbox_state st;
	char device[16];
	int i, n = 0;
	size_t b;

	assert_int_equal(append_all(tx, 256), 0);
	for (b = 0; b < COUNT(batches); b++) {
		for (i = 0; i < 290; i++, n++) {
			snprintf(device, sizeof device, "cam-%d", n * n % 23);
			put(tx, n % 5 ? device : NULL);
		}
		assert_int_equal(append_all(tx, batches[b]), 290);
		assert_int_equal(look_at(tx).edge.size, n);
	}
	assert_int_equal(store_outbox_state(tx, &st), 0);
	assert_int_equal(st.given, n);
	assert_int_equal(st.first, 0);
}

/* An id that came twice does not stop the log: both are entries. */
static void
test_same_id(void **state)
{
	struct tx *tx = tx_of(state);
	struct event e;

	event_init(&e, &src, "secret.made", "cam-1", "uid 0");
	event_add_time(&e, "expires", 0);
	assert_int_equal(event_put(tx, &e), 0);
	assert_int_equal(event_put(tx, &e), 0);
	assert_int_equal(append_all(tx, 1), 2);
	assert_int_equal(event_put(tx, &e), 0);
	assert_int_equal(append_all(tx, 256), 1);
	assert_int_equal(look_at(tx).edge.size, 3);
}

/* The entry that a device's next one must name is gone: nothing is appended,
 * and nothing is lost. */
static void
test_chain_cut(void **state)
{
	struct tx *tx = tx_of(state);
	struct refusal why = { 0 };
	struct append *a = NULL;
	int64_t taken, left;

	put(tx, "cam-1");
	put(tx, "cam-2");
	assert_int_equal(append_all(tx, 256), 2);
	put(tx, "cam-1");
	sql(state, "DROP TRIGGER log_entry_no_delete;"
	    "DELETE FROM log_entry WHERE idx = 0");
	assert_int_equal(append_new(&a, &src, 256), 0);
	assert_int_equal(log_append(tx, a, &taken, &left, &why),
	    CAMCA_EPOLICY);
	assert_string_equal(why.code, "custody.chain");
	append_free(a);
}

/* ---- bodies ---- */

static void
test_full_event(void **state)
{
	char value[EVENT_VALUE_MAX + 1], body[EVENT_BODY_MAX];
	struct event e;
	size_t n, i;
	const char *const keys[] = { "site", "kind", "place", "manufacturer",
	    "model", "serial", "mac", "hardware-id", "firmware" };

	(void)state;
	memset(value, 'v', sizeof value - 1);
	value[sizeof value - 1] = '\0';
	for (i = 400; i <= EVENT_VALUE_MAX; i++) {
		size_t k;

		event_init(&e, &src, "device.added", "cam-1", "uid 0");
		for (k = 0; k < COUNT(keys); k++)
			event_add(&e, keys[k], "%.*s",
			    (int)(k < 7 ? i : 1), value);
		if (event_format(&e, body, &n) == CAMCA_ELIMIT)
			break;
		assert_true(n <= EVENT_OUTBOX_MAX);
	}
	/* There is such an event, and it ends at the outbox's limit. */
	assert_in_range(i, 401, EVENT_VALUE_MAX);
}

/* ---- bodies that cannot be read ---- */

static void
test_unreadable(void **state)
{
	static const struct {
		const char *device, *body, *rule;
		size_t n;
	} odd[] = {
		{ "cam-1", "", NULL, 0 },              /* a good one */
		{ "cam-1", "camca-event/v9\n", "event.header", 15 },
		{ "cam-1", "\0\xff\xfe", "event.header", 3 },
		{ "no good id", "x", "event.header", 1 },
	};
	struct tx *tx = tx_of(state);
	uint8_t id[16] = { 9 };
	struct log_odd_row got;
	struct log_entry_row r;
	struct event_view v;
	struct event_text t;
	struct look k;
	size_t i;

	for (i = 0; i < COUNT(odd); i++) {
		id[1] = (uint8_t)i;
		if (odd[i].n == 0)
			put(tx, odd[i].device);
		else
			put_raw(tx, id, odd[i].device, odd[i].body, odd[i].n);
	}
	put(tx, "cam-1");
	assert_int_equal(append_all(tx, 256), 5);
	/* Chains go on from what stands for an event, also from one whose
	 * device cannot be one. */
	put(tx, NULL);
	put(tx, "cam-1");
	assert_int_equal(append_all(tx, 256), 2);
	k = look_at(tx);
	assert_int_equal(k.odd, 3);
	for (i = 1; i < COUNT(odd); i++) {
		assert_int_equal(store_log_odd_get(tx, (int64_t)i, &got), 0);
		assert_int_equal(got.body.n, odd[i].n);
		assert_memory_equal(got.body.p, odd[i].body, odd[i].n);
		store_blob_free(&got.body);
		assert_int_equal(store_log_entry_get(tx, (int64_t)i, &r), 0);
		assert_int_equal(event_parse(&v, r.data.p, r.data.n, NULL), 0);
		assert_int_equal(v.time_ms, 77);
		assert_int_equal(event_view_get(&v, "rule", &t), 0);
		assert_int_equal(t.n, strlen(odd[i].rule));
		assert_memory_equal(t.p, odd[i].rule, t.n);
		store_log_entry_free(&r);
	}
	assert_int_equal(store_log_odd_get(tx, 0, &got), CAMCA_ENOENT);
}

/* A good text under the name of another device, with another id, or with lines
 * that only the sequencer may write, would end in a wrong chain. */
static void
test_disguised(void **state)
{
	struct tx *tx = tx_of(state);
	uint8_t out[EVENT_BODY_MAX], id[16] = { 3 };
	char body[EVENT_BODY_MAX];
	struct event e;
	size_t n, m;

	event_init(&e, &src, "secret.made", "cam-1", "uid 0");
	event_add_time(&e, "expires", 0);
	assert_int_equal(event_format(&e, body, &n), 0);
	assert_int_equal(store_log_text(body, n, 1, NULL, out, &m), 0);
	put_raw(tx, e.id, "cam-2", body, n);
	put_raw(tx, id, "cam-1", body, n);
	id[0]++;
	put_raw(tx, id, "cam-1", out, m);
	id[0]++;
	put_raw(tx, id, "cam-", body, n);
	assert_int_equal(append_all(tx, 256), 4);
	assert_int_equal(look_at(tx).odd, 4);
}

static void
test_too_large(void **state)
{
	struct tx *tx = tx_of(state);
	char value[EVENT_VALUE_MAX + 1], body[2 * EVENT_BODY_MAX];
	uint8_t id[16] = { 3 };
	struct event_view v;
	size_t n, k;
	const char *const keys[] = { "site", "kind", "place", "manufacturer",
	    "model", "serial" };

	/* Readable, but with the two lines it would not be. */
	memset(value, 'v', sizeof value - 1);
	value[sizeof value - 1] = '\0';
	n = (size_t)snprintf(body, sizeof body, "%sid "
	    "03000000000000000000000000000000\ntime 2026-11-22T10:36:32.123Z\n"
	    "type device.added\ndevice cam-1\nactor a\n", EVENT_HEADER);
	for (k = 0; k < COUNT(keys); k++)
		n += (size_t)snprintf(body + n, sizeof body - n, "%s %s\n",
		    keys[k], value);
	n += (size_t)snprintf(body + n, sizeof body - n,
	    "mac %s\nfirmware %.*s\nnode n\n", value,
	    (int)(EVENT_OUTBOX_MAX - n - 4 - 512 - 1 - 10 - 7), value);
	assert_int_equal(n, EVENT_OUTBOX_MAX);
	assert_int_equal(event_parse(&v, body, n, NULL), 0);
	put_raw(tx, id, "cam-1", body, n);
	body[n - 1] = 'n';
	body[n++] = '\n';
	assert_int_equal(event_parse(&v, body, n, NULL), 0);
	body[sizeof EVENT_HEADER - 1 + 4] = '4';     /* second digit of id */
	id[0] = 4;
	put_raw(tx, id, "cam-1", body, n);
	memset(body, 'x', sizeof body);
	id[0] = 5;
	put_raw(tx, id, "cam-1", body, sizeof body);
	assert_int_equal(append_all(tx, 256), 3);
	assert_int_equal(look_at(tx).odd, 2);
}

/* ---- what must stop it ---- */

static void
stops(void **state, const char *code, const char *says)
{
	struct tx *tx = tx_of(state);
	struct append *a = NULL;
	struct refusal why = { 0 };
	int64_t taken, left, before, after;
	int ret;

	assert_int_equal(store_log_size(tx, &before), 0);
	assert_int_equal(db_sqlite.mark(tx->db), 0);
	assert_int_equal(append_new(&a, &src, 256), 0);
	ret = log_append(tx, a, &taken, &left, &why);
	append_free(a);
	assert_true(ret < 0);
	assert_int_equal(taken, 0);
	assert_string_equal(why.code, code);
	assert_int_equal(why.http, 500);
	if (strstr(why.detail, says) == NULL)
		fail_msg("%s: %s", says, why.detail);
	assert_int_equal(db_sqlite.undo(tx->db), 0);
	assert_int_equal(store_log_size(tx, &after), 0);
	assert_int_equal(before, after);
}

/* An event was deleted: it is not skipped. Once it is back, all goes on. */
static void
gap(void **state, int64_t seq, int n, const char *says)
{
	struct tx *tx = tx_of(state);
	char text[200];
	int i;

	for (i = 0; i < n; i++)
		put(tx, "cam-1");
	snprintf(text, sizeof text, "DROP TRIGGER IF EXISTS event_no_delete;"
	    "CREATE TEMP TABLE kept AS SELECT * FROM event WHERE seq = %d;"
	    " DELETE FROM event WHERE seq = %d",
	    (int)seq, (int)seq);
	sql(state, text);
	stops(state, "custody.gap", says);
	sql(state, "INSERT INTO event SELECT * FROM kept;"
	    " DROP TABLE temp.kept");
	assert_int_equal(append_all(tx, 256), n);
	look_at(tx);
}

static void
test_gap_first(void **state)
{
	gap(state, 1, 5, "event 1 is missing");
	gap(state, 6, 5, "event 6 is missing");
	gap(state, 11, 1, "event 11 is missing");
}

static void
test_gap_middle(void **state)
{
	gap(state, 3, 5, "event 3 is missing");
	gap(state, 200, 300, "event 200 is missing");
}

/* The last ones: nothing after them is there to show it but the counter. */
static void
test_gap_last(void **state)
{
	gap(state, 5, 5, "event 5 is missing");
}

static void
test_gap_all(void **state)
{
	put(tx_of(state), "cam-1");
	put(tx_of(state), "cam-1");
	sql(state, "DROP TRIGGER event_no_delete; DELETE FROM event");
	stops(state, "custody.gap", "event 1 is missing");
}

/* What the log has already has its number for ever; one that was not given is
 * not taken. */
static void
test_put_in(void **state)
{
	struct tx *tx = tx_of(state);

	put(tx, "cam-1");
	put(tx, "cam-2");
	assert_int_equal(append_all(tx, 256), 2);
	assert_int_equal(db_sqlite.script(((struct fix *)*state)->db,
	    "INSERT INTO event (seq, id, time_ms, device, body)"
	    " VALUES (2, randomblob(16), 1, '-', x'00')"), CAMCA_ECONFLICT);
	assert_int_equal(append_all(tx, 256), 0);
	sql(state, "INSERT INTO event (seq, id, time_ms, device, body)"
	    " VALUES (9, randomblob(16), 1, '-', x'00')");
	stops(state, "custody.gap", "was not given");
}

/* The counter went back, as with tables of an older copy. */
static void
test_counter_back(void **state)
{
	struct tx *tx = tx_of(state);

	put(tx, "cam-1");
	assert_int_equal(append_all(tx, 256), 1);
	sql(state, "UPDATE counter SET n = 0 WHERE name = 'outbox'");
	memset(tx->counters, 0, sizeof tx->counters);
	stops(state, "custody.gap", "the log has more entries");
}

static void
damaged(void **state, const char *text)
{
	struct tx *tx = tx_of(state);
	struct append *a = NULL;
	int64_t taken, left;

	assert_int_equal(db_sqlite.mark(tx->db), 0);
	sql(state, text);
	assert_int_equal(append_new(&a, &src, 256), 0);
	assert_int_equal(log_append(tx, a, &taken, &left, NULL), CAMCA_EDB);
	append_free(a);
	assert_int_equal(db_sqlite.undo(tx->db), 0);
	tx->err = 0;
}

static void
test_damaged(void **state)
{
	struct tx *tx = tx_of(state);
	int i;

	for (i = 0; i < 3; i++)
		put(tx, "cam-1");
	assert_int_equal(append_all(tx, 256), 3);
	put(tx, "cam-1");
	damaged(state, "UPDATE log_head SET edge = zeroblob(32)");
	damaged(state, "UPDATE log_head SET edge = zeroblob(96)");
	damaged(state, "DELETE FROM log_head");
	damaged(state, "DELETE FROM log_tile");
	damaged(state, "UPDATE log_tile SET data = zeroblob(64)");
	damaged(state, "UPDATE log_tile SET data = zeroblob(128)");
	assert_int_equal(append_all(tx, 256), 1);
	look_at(tx);
}

/* ---- an older store ---- */

/* Events of before there was a log have waited in their outbox since the first
 * one: they are the first entries. */
static void
test_older_store(void **state)
{
	struct fix f = { .db = NULL };
	struct db_conf conf = { NULL, DB_WRITE, true };
	char body[EVENT_BODY_MAX], hex[2 * EVENT_BODY_MAX + 1], *text;
	char id[33];
	struct event e;
	int64_t version;
	size_t n;
	int i;

	(void)state;
	fix_folder(&f);
	conf.path = f.path;
	assert_int_equal(db_sqlite.open(&f.db, &conf, NULL), 0);
	assert_int_equal(migrate_run(&db_sqlite, f.db, db_sqlite.steps, 3,
	    true, &version, NULL), 0);
	for (i = 1; i <= 600; i++) {
		event_init(&e, &src, "secret.made", i % 2 ? "cam-1" : NULL,
		    "uid 0");
		event_add_time(&e, "expires", 0);
		assert_int_equal(event_format(&e, body, &n), 0);
		enc_hex(hex, body, n);
		enc_hex(id, e.id, sizeof e.id);
		assert_true(asprintf(&text, "INSERT INTO outbox (seq, id,"
		    " time_ms, type, device, body) VALUES (%d, x'%s', 1,"
		    " 'secret.made', '%s', x'%s'); UPDATE counter SET n = %d"
		    " WHERE name = 'outbox'", i, id, e.device, hex, i) > 0);
		assert_int_equal(db_sqlite.script(f.db, text), 0);
		free(text);
	}
	assert_int_equal(migrate_run(&db_sqlite, f.db, db_sqlite.steps,
	    db_sqlite.nsteps, false, &version, NULL), 0);
	assert_int_equal(db_sqlite.prepare(f.db), 0);
	assert_int_equal(db_sqlite.begin(f.db), 0);
	f.tx = (struct tx){ .engine = &db_sqlite, .db = f.db,
	    .mode = DB_WRITE };
	assert_int_equal(append_all(&f.tx, 256), 600);
	put(&f.tx, "cam-1");
	assert_int_equal(append_all(&f.tx, 256), 1);
	assert_int_equal(look_at(&f.tx).edge.size, 601);
	db_sqlite.rollback(f.db);
	db_sqlite.close(f.db);
	fix_folder_remove(&f);
}

int
main(void)
{
#define TEST(t) cmocka_unit_test_setup_teardown(t, fix_setup, fix_teardown)
	const struct CMUnitTest tests[] = {
		TEST(test_order), TEST(test_same_id), TEST(test_chain_cut),
		cmocka_unit_test(test_full_event), TEST(test_unreadable),
		TEST(test_disguised), TEST(test_too_large),
		TEST(test_gap_first), TEST(test_gap_middle),
		TEST(test_gap_last), TEST(test_gap_all), TEST(test_put_in),
		TEST(test_counter_back), TEST(test_damaged),
		cmocka_unit_test(test_older_store),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
