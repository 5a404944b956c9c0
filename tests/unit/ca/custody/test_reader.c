/* SPDX-License-Identifier: Apache-2.0 */
#include "tests/unit/ca/custody/log_fixture.h"

/* Entry after entry from `from` on, each ending in its own number. */
static void
bundle_is(const struct buf *b, int64_t from, int64_t n)
{
	size_t at = 0, len;
	int64_t i, got;

	for (i = from; i < from + n; i++) {
		assert_true(b->len >= at + 2);
		len = (size_t)b->data[at] << 8 | b->data[at + 1];
		at += 2 + len;
		assert_true(len > sizeof got && b->len >= at);
		memcpy(&got, b->data + at - sizeof got, sizeof got);
		assert_int_equal(got, i);
	}
	assert_int_equal(at, b->len);
}

static void
test_bundle(void **state)
{
	struct tx *tx = tx_of(state);
	struct buf b;

	grow_by(tx, 300);
	buf_init(&b, 0);
	assert_int_equal(reader_bundle(tx, 0, 256, &b), 0);
	bundle_is(&b, 0, 256);
	assert_memory_equal(b.data + 2, "\n\n\n\n\ndev-seq 1\ndev-prev -\n", 26);
	buf_reset(&b);
	assert_int_equal(reader_bundle(tx, 1, 44, &b), 0);
	bundle_is(&b, 256, 44);
	assert_int_equal(reader_bundle(tx, 1, 45, &b), CAMCA_ENOENT);
	assert_int_equal(reader_bundle(tx, 2, 1, &b), CAMCA_ENOENT);
	assert_int_equal(reader_bundle(tx, INT64_MAX, 1, &b), CAMCA_ENOENT);
	assert_int_equal(reader_bundle(tx, -1, 1, &b), CAMCA_ENOENT);
	assert_int_equal(reader_bundle(tx, 0, 0, &b), CAMCA_EINVAL);
	assert_int_equal(reader_bundle(tx, 0, 257, &b), CAMCA_EINVAL);
	sql(state, "DROP TRIGGER log_entry_no_delete;"
	    " DELETE FROM log_entry WHERE idx = 7");
	assert_int_equal(reader_bundle(tx, 0, 256, &b), CAMCA_EDB);
	assert_int_equal(reader_bundle(tx, 0, 8, &b), CAMCA_EDB);
	/* An entry whose body is gone is none. */
	sql(state, "DROP TRIGGER event_no_delete;"
	    " DELETE FROM event WHERE seq = 271");
	assert_int_equal(reader_bundle(tx, 1, 14, &b), 0);
	assert_int_equal(reader_bundle(tx, 1, 15, &b), CAMCA_EDB);
	buf_fini(&b);
}

static void
test_missing_tile(void **state)
{
	struct tx *tx = tx_of(state);
	struct reader *r;
	struct hash h;

	grow_by(tx, 300);
	sql(state, "UPDATE log_tile SET data = zeroblob(32) WHERE id = 1");
	assert_int_equal(reader_open(&r, tx), 0);
	assert_int_equal(tree_root(reader_tiles(r), 300, &h), CAMCA_EDB);
	assert_int_equal(tree_root(reader_tiles(r), 257, &h), 0);
	sql(state, "DELETE FROM log_tile WHERE id = 0");
	assert_int_equal(tree_root(reader_tiles(r), 1, &h), CAMCA_EDB);
	reader_close(r);
	reader_close(NULL);
}

struct walk {
	int64_t idx[400];
	size_t n;
};

static int
walk_entry(const struct log_entry_row *r, void *arg)
{
	struct walk *w = arg;

	assert_true(w->n < COUNT(w->idx));
	w->idx[w->n++] = r->idx;
	return 0;
}

static void
test_device(void **state)
{
	struct tx *tx = tx_of(state);
	struct walk w = { .n = 0 };
	int64_t after, limit;
	size_t before;
	int i;

	for (i = 0; i < 300; i++)
		put(tx, i % 3 == 1 ? "cam-1" : "cam-2");
	assert_int_equal(append_all(tx, 64), 300);
	for (limit = 1; limit <= 150; limit = 2 * limit + 1) {
		w.n = 0;
		after = -1;
		do {
			before = w.n;
			assert_int_equal(reader_device(tx, "cam-1", after,
			    limit, walk_entry, &w), 0);
			assert_true(w.n - before <= (size_t)limit);
			after = w.n > 0 ? w.idx[w.n - 1] : -1;
		} while (w.n > before);
		assert_int_equal(w.n, 100);
		for (i = 0; i < 100; i++)
			assert_int_equal(w.idx[i], 3 * i + 1);
	}
	w.n = 0;
	assert_int_equal(reader_device(tx, "cam-3", -1, 10, walk_entry, &w),
	    0);
	assert_int_equal(w.n, 0);
	assert_int_equal(reader_device(tx, "cam-1", -1, 0, walk_entry, &w),
	    CAMCA_EINVAL);
	assert_int_equal(reader_device(tx, "cam-1", INT64_MAX, 5, walk_entry,
	    &w), 0);
	assert_int_equal(w.n, 0);
	sql(state, "DROP TRIGGER log_entry_no_delete;"
	    " DELETE FROM log_entry WHERE idx = 4");
	assert_int_equal(reader_device(tx, "cam-1", -1, 5, walk_entry, &w),
	    CAMCA_EDB);
	/* What is asked for lies behind the hole. */
	assert_int_equal(reader_device(tx, "cam-1", 10, 5, walk_entry, &w),
	    0);
}

int
main(void)
{
#define TEST(t) cmocka_unit_test_setup_teardown(t, fix_setup, fix_teardown)
	const struct CMUnitTest tests[] = {
		TEST(test_bundle), TEST(test_missing_tile),
		TEST(test_device),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
