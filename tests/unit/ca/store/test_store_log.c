/* SPDX-License-Identifier: Apache-2.0 */
#include "tests/unit/ca/store/fixture.h"

#include "ca/store/store_log.h"

static struct tx *
tx_of(void **state)
{
	return &((struct fix *)*state)->tx;
}

static int
insert(struct tx *tx, int64_t idx, int64_t prev, uint8_t id)
{
	uint8_t body[] = { 'a', '\n', 'b', '\n', 'c', '\n', 'd', '\n',
	    'e', '\n', 'f', id };
	struct event_row e = { .id = { 1, id }, .time_ms = 3, .device = "cam-1",
	    .body = { body, sizeof body } };
	struct log_entry_row r = { .idx = idx, .prev = prev, .n = idx + 1,
	    .dev_prev = { 2, (uint8_t)(id - 1) }, .leaf = { 2, id } };
	int64_t given;

	assert_int_equal(counter_get(tx, "outbox", &given), 0);
	if (given == idx)
		assert_int_equal(store_outbox_put(tx, &e), 0);
	return store_log_entry_insert(tx, &r);
}

static void
test_head(void **state)
{
	struct tx *tx = tx_of(state);
	uint8_t edge[64] = { 7, 8 };
	struct log_head_row h = { 3, { edge, sizeof edge } }, got;
	int64_t size = -1;

	assert_int_equal(store_log_head(tx, &got), 0);
	assert_int_equal(got.size, 0);
	assert_int_equal(got.edge.n, 0);
	store_blob_free(&got.edge);
	assert_int_equal(store_log_set_head(tx, 0, &h), 0);
	/* Compare and set: who read another head changes nothing. */
	h.size = 5;
	assert_int_equal(store_log_set_head(tx, 0, &h), CAMCA_ECONFLICT);
	assert_int_equal(store_log_set_head(tx, 4, &h), CAMCA_ECONFLICT);
	assert_int_equal(store_log_head(tx, &got), 0);
	assert_int_equal(got.size, 3);
	assert_int_equal(got.edge.n, sizeof edge);
	assert_memory_equal(got.edge.p, edge, sizeof edge);
	store_blob_free(&got.edge);
	assert_int_equal(store_log_size(tx, &size), 0);
	assert_int_equal(size, 3);
}

static int
see(const struct log_entry_row *r, void *arg)
{
	int64_t *next = arg;
	char text[160];
	int n;

	assert_int_equal(r->idx, *next);
	assert_int_equal(r->prev, *next - 1);
	assert_int_equal(r->n, *next + 1);
	assert_int_equal(r->time_ms, 3);
	assert_string_equal(r->device, "cam-1");
	n = snprintf(text, sizeof text, "a\nb\nc\nd\ne\ndev-seq %d\n"
	    "dev-prev %s%02x%s\nf", (int)r->n, *next ? "02" : "-",
	    (unsigned)(*next - 1) & 0xff, "0000000000000000000000000000"
	    "00000000000000000000000000000000");
	if (*next == 0)
		n = snprintf(text, sizeof text, "a\nb\nc\nd\ne\n"
		    "dev-seq 1\ndev-prev -\nf");
	assert_int_equal(r->data.n, n + 1);
	assert_memory_equal(r->data.p, text, (size_t)n);
	assert_int_equal(r->data.p[n], (uint8_t)*next);
	(*next)++;
	return 0;
}

static void
test_entries(void **state)
{
	struct tx *tx = tx_of(state);
	struct log_entry_row r;
	int64_t i, next = 0, prev;

	for (i = 0; i < 150; i++)
		assert_int_equal(insert(tx, i, i - 1, (uint8_t)i), 0);
	assert_int_equal(insert(tx, 7, 6, 200), CAMCA_ECONFLICT);
	assert_int_equal(insert(tx, 150, 150, 201), CAMCA_EINVAL);
	assert_int_equal(insert(tx, -1, -2, 201), CAMCA_EINVAL);
	assert_int_equal(store_log_entry_list(tx, 0, 1000, see, &next), 0);
	assert_int_equal(next, 150);
	next = 70;
	assert_int_equal(store_log_entry_list(tx, 70, 70, see, &next), 0);
	assert_int_equal(next, 140);
	assert_int_equal(store_log_entry_get(tx, 149, &r), 0);
	assert_int_equal(r.leaf[1], 149);
	assert_int_equal(r.event_id[1], 149);
	store_log_entry_free(&r);
	assert_int_equal(store_log_entry_get(tx, 150, &r), CAMCA_ENOENT);
	assert_int_equal(store_log_prev(tx, 3, &prev), 0);
	assert_int_equal(prev, 2);
	assert_int_equal(store_log_prev(tx, 150, &prev), CAMCA_ENOENT);
}

/* Entries, checkpoints and unreadable bodies: whoever has the database can drop
 * a trigger, but no statement of ours and no slip of a hand changes a row. */
static void
test_only_grows(void **state)
{
	static const char *const refused[] = {
		"UPDATE event SET body = x'00' WHERE seq = 1",
		"UPDATE event SET seq = 9",
		"DELETE FROM event WHERE seq = 1",
		"DELETE FROM event",
		"INSERT OR REPLACE INTO event (seq, id, time_ms, device, body)"
		" VALUES (1, randomblob(16), 1, '-', x'00')",
		"INSERT INTO event (seq, id, time_ms, device, body)"
		" VALUES (0, randomblob(16), 1, '-', x'00')",
		"UPDATE log_entry SET leaf = zeroblob(32) WHERE idx = 0",
		"UPDATE log_entry SET idx = 9",
		"DELETE FROM log_entry WHERE idx = 0",
		"DELETE FROM log_entry",
		"INSERT OR REPLACE INTO log_entry (idx, prev, n, dev_prev,"
		" leaf) VALUES (0, -1, 1, NULL, randomblob(32))",
		"UPDATE log_checkpoint SET note = x'00'",
		"DELETE FROM log_checkpoint WHERE size = 1",
		"UPDATE log_odd SET data = x'00'",
		"DELETE FROM log_odd",
	};
	struct fix *f = *state;
	uint8_t body[] = { 0xff };
	struct log_odd_row odd = { 0, { body, 1 } };
	struct log_entry_row r;
	size_t i;

	assert_int_equal(insert(&f->tx, 0, -1, 1), 0);
	assert_int_equal(store_log_odd_put(&f->tx, &odd), 0);
	assert_int_equal(db_sqlite.script(f->db, "INSERT INTO log_checkpoint"
	    " (size, root, note, signed_ms) VALUES (1, zeroblob(32), x'01',"
	    " 1)"), 0);
	/* Without this a REPLACE deletes without a trigger. */
	assert_int_equal(db_sqlite.script(f->db,
	    "PRAGMA recursive_triggers = ON"), 0);
	for (i = 0; i < COUNT(refused); i++)
		if (db_sqlite.script(f->db, refused[i]) != CAMCA_EINVAL)
			fail_msg("%s", refused[i]);
	/* What stands for the body is what is read; it is no event here, so the
	 * bytes come as they are. */
	assert_int_equal(store_log_entry_get(&f->tx, 0, &r), 0);
	assert_int_equal(r.data.n, 1);
	assert_int_equal(r.data.p[0], 0xff);
	store_log_entry_free(&r);
	assert_int_equal(store_log_odd_get(&f->tx, 0, &odd), 0);
	assert_int_equal(odd.body.n, 12);
	store_blob_free(&odd.body);
}

static void
test_devices(void **state)
{
	struct tx *tx = tx_of(state);
	struct log_device_row r = { .device = "cam-1", .n = 2, .last = 4 };
	int64_t n, last;

	assert_int_equal(store_log_device(tx, "cam-1", &n, &last),
	    CAMCA_ENOENT);
	assert_int_equal(store_log_device_update(tx, &r), CAMCA_ENOENT);
	assert_int_equal(store_log_device_insert(tx, &r), 0);
	assert_int_equal(store_log_device_insert(tx, &r), CAMCA_ECONFLICT);
	assert_int_equal(store_log_device(tx, "cam-1", &n, &last), 0);
	assert_int_equal(n, 2);
	assert_int_equal(last, 4);
	r.n = 5;
	r.last = 9;
	assert_int_equal(store_log_device_update(tx, &r), 0);
	assert_int_equal(store_log_device(tx, "cam-1", &n, &last), 0);
	assert_int_equal(n, 5);
	assert_int_equal(last, 9);
	assert_int_equal(store_log_device(tx, "cam-", &n, &last),
	    CAMCA_ENOENT);
	/* Five events do not end at entry 3. */
	r.last = 3;
	assert_int_equal(store_log_device_update(tx, &r), CAMCA_EINVAL);
	r.n = 0;
	assert_int_equal(store_log_device_update(tx, &r), CAMCA_EINVAL);
	r.device[4] = '2';
	assert_int_equal(store_log_device_insert(tx, &r), CAMCA_EINVAL);
	memset(r.device, 'x', sizeof r.device);
	assert_int_equal(store_log_device_insert(tx, &r), CAMCA_EINVAL);
	assert_int_equal(store_log_device_update(tx, &r), CAMCA_EINVAL);
}

static void
test_chain(void **state)
{
	struct tx *tx = tx_of(state);
	struct log_device_row r = { .device = "cam-1", .n = 1, .last = 1 };
	struct log_chain_row got;
	struct log_entry_row entry;

	assert_int_equal(insert(tx, 0, -1, 7), 0);
	assert_int_equal(insert(tx, 1, -1, 9), 0);
	assert_int_equal(store_log_chain(tx, "cam-1", &got), CAMCA_ENOENT);
	assert_int_equal(store_log_device_insert(tx, &r), 0);
	assert_int_equal(store_log_chain(tx, "cam-1", &got), 0);
	assert_int_equal(got.n, 1);
	assert_int_equal(got.last, 1);
	assert_int_equal(store_log_entry_get(tx, 1, &entry), 0);
	assert_memory_equal(got.leaf, entry.leaf, STORE_HASH_LEN);
	store_log_entry_free(&entry);
	/* The entry says that it is another number. */
	assert_true(got.there);
	assert_false(got.fits);
	r.n = 2;
	assert_int_equal(store_log_device_update(tx, &r), 0);
	assert_int_equal(store_log_chain(tx, "cam-1", &got), 0);
	assert_true(got.there && got.fits);
	/* It cannot go on from an entry that is not there, or of another
	 * device. */
	r.last = 2;
	assert_int_equal(store_log_device_update(tx, &r), 0);
	assert_int_equal(store_log_chain(tx, "cam-1", &got), 0);
	assert_false(got.there || got.fits);
	snprintf(r.device, sizeof r.device, "cam-2");
	r.last = 1;
	assert_int_equal(store_log_device_insert(tx, &r), 0);
	assert_int_equal(store_log_chain(tx, "cam-2", &got), 0);
	assert_true(got.there && !got.fits);
}

static int
name(const struct log_device_row *r, void *arg)
{
	char *all = arg;

	snprintf(all + strlen(all), 64 - strlen(all), "%s", r->device);
	return 0;
}

static void
test_device_list(void **state)
{
	static const char *const ids[] = { "b", "-", "a" };
	struct log_device_row r = { .n = 1, .last = 1 };
	char all[64] = "";
	size_t i;

	for (i = 0; i < COUNT(ids); i++) {
		snprintf(r.device, sizeof r.device, "%s", ids[i]);
		assert_int_equal(store_log_device_insert(tx_of(state), &r),
		    0);
	}
	assert_int_equal(store_log_device_list(tx_of(state), "", 10, name,
	    all), 0);
	assert_string_equal(all, "-ab");
	assert_int_equal(store_log_device_list(tx_of(state), "-", 1, name,
	    all), 0);
	assert_string_equal(all, "-aba");
}

static void
test_tiles(void **state)
{
	struct tx *tx = tx_of(state);
	uint8_t hashes[64] = { 1 };
	struct store_blob b = { hashes, 32 }, got;

	assert_int_equal(store_log_tile_get(tx, 0, 0, &got), CAMCA_ENOENT);
	assert_int_equal(store_log_tile_put(tx, 0, 1, &b), 0);
	b.n = 64;
	assert_int_equal(store_log_tile_put(tx, 0, 1, &b), 0);
	assert_int_equal(store_log_tile_put(tx, 1, 0, &b), 0);
	assert_int_equal(store_log_tile_get(tx, 0, 1, &got), 0);
	assert_int_equal(got.n, 64);
	assert_memory_equal(got.p, hashes, 64);
	store_blob_free(&got);
	assert_int_equal(store_log_tile_get(tx, 1, 1, &got), CAMCA_ENOENT);
	assert_int_equal(store_log_tile_get(tx, 1, 0, &got), 0);
	store_blob_free(&got);
}

static void
test_outbox(void **state)
{
	struct tx *tx = tx_of(state);
	uint8_t body[] = "x";
	struct event_row e = { .device = "-",
	    .body = { body, 1 } };
	struct outbox_state st;
	struct log_head_row h = { 4, { NULL, 0 } };
	uint8_t i;

	assert_int_equal(store_outbox_state(tx, &st), 0);
	assert_int_equal(st.given + st.first + st.last + st.first_ms, 0);
	for (i = 1; i <= 10; i++) {
		e.id[0] = i;
		e.time_ms = 100 * i;
		assert_int_equal(store_outbox_put(tx, &e), 0);
	}
	assert_int_equal(store_log_set_head(tx, 0, &h), 0);
	assert_int_equal(store_outbox_state(tx, &st), 0);
	assert_int_equal(st.given, 10);
	assert_int_equal(st.first, 5);
	assert_int_equal(st.last, 10);
	assert_int_equal(st.first_ms, 500);
	h.size = 10;
	assert_int_equal(store_log_set_head(tx, 4, &h), 0);
	assert_int_equal(store_outbox_state(tx, &st), 0);
	assert_int_equal(st.given, 10);
	assert_int_equal(st.first + st.last + st.first_ms, 0);
	/* Numbers go on: they are the log's indexes. */
	assert_int_equal(store_outbox_put(tx, &e), 0);
	assert_int_equal(store_outbox_state(tx, &st), 0);
	assert_int_equal(st.first, 11);
}

/* What the schema makes must be there: without it nothing is written. */
static void
test_damaged(void **state)
{
	struct fix *f = *state;
	struct log_head_row h;
	int64_t n;

	assert_int_equal(db_sqlite.script(f->db, "DELETE FROM log_head"), 0);
	assert_int_equal(store_log_head(&f->tx, &h), CAMCA_EDB);
	assert_null(h.edge.p);
	assert_int_equal(store_log_size(&f->tx, &n), CAMCA_EDB);
}

int
main(void)
{
#define TEST(t) cmocka_unit_test_setup_teardown(t, fix_setup, fix_teardown)
	const struct CMUnitTest tests[] = {
		TEST(test_head), TEST(test_entries), TEST(test_only_grows),
		TEST(test_devices), TEST(test_chain), TEST(test_device_list),
		TEST(test_tiles), TEST(test_outbox), TEST(test_damaged),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
