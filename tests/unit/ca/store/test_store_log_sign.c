/* SPDX-License-Identifier: Apache-2.0 */
#include "tests/unit/ca/store/fixture.h"

#include "ca/store/store_log_sign.h"

static struct checkpoint_row
row(int64_t size)
{
	static uint8_t note[] = "note";
	struct checkpoint_row r = { .size = size, .signed_ms = 1000 + size,
	    .note = { note, sizeof note } };

	memset(r.root, (int)size + 1, sizeof r.root);
	return r;
}

static int
put(struct tx *tx, int64_t size)
{
	struct checkpoint_row r = row(size);

	return store_checkpoint_put(tx, &r);
}

static void
test_sizes_rise(void **state)
{
	struct tx *tx = &((struct fix *)*state)->tx;
	struct checkpoint_row got, want = row(7);

	assert_int_equal(store_checkpoint_latest(tx, &got), CAMCA_ENOENT);
	assert_int_equal(put(tx, 0), 0);
	assert_int_equal(put(tx, 0), CAMCA_ECONFLICT);
	assert_int_equal(put(tx, 7), 0);
	assert_int_equal(put(tx, 7), CAMCA_ECONFLICT);
	assert_int_equal(put(tx, 6), CAMCA_ECONFLICT);
	assert_int_equal(put(tx, -1), CAMCA_EINVAL);
	assert_int_equal(store_checkpoint_latest(tx, &got), 0);
	assert_int_equal(got.size, 7);
	assert_int_equal(got.signed_ms, 1007);
	assert_memory_equal(got.root, want.root, sizeof want.root);
	assert_int_equal(got.note.n, want.note.n);
	assert_memory_equal(got.note.p, want.note.p, want.note.n);
	store_checkpoint_free(&got);
	assert_int_equal(store_checkpoint_at(tx, 0, &got), 0);
	assert_int_equal(got.size, 0);
	store_checkpoint_free(&got);
	assert_int_equal(store_checkpoint_at(tx, 5, &got), CAMCA_ENOENT);
	want.note = (struct store_blob){ NULL, 0 };
	want.size = 8;
	assert_int_equal(store_checkpoint_put(tx, &want), CAMCA_EINVAL);
}

static int
seen(const struct checkpoint_row *r, void *arg)
{
	int64_t *next = arg;

	assert_int_equal(r->size, *next);
	*next += 3;
	return 0;
}

static void
test_list(void **state)
{
	struct tx *tx = &((struct fix *)*state)->tx;
	int64_t next = 0;

	for (int64_t i = 0; i < 1000; i++)
		assert_int_equal(put(tx, i * 3), 0);
	assert_int_equal(store_checkpoint_list(tx, -1, INT64_MAX, seen,
	    &next), 0);
	assert_int_equal(next, 3000);
	next = 303;
	assert_int_equal(store_checkpoint_list(tx, 300, 5, seen, &next), 0);
	assert_int_equal(next, 318);
}

/* Accidents, not intent, are what the triggers stop: for that there is the
 * tree. */
static void
test_only_grows(void **state)
{
	static const char *const sql[] = {
		"UPDATE log_checkpoint SET signed_ms = 1",
		"DELETE FROM log_checkpoint",
	};
	struct fix *f = *state;
	struct checkpoint_row got;

	for (size_t i = 0; i < COUNT(sql); i++) {
		assert_int_equal(put(&f->tx, (int64_t)i), 0);
		assert_true(db_sqlite.script(f->db, sql[i]) < 0);
		assert_int_equal(store_checkpoint_at(&f->tx, (int64_t)i,
		    &got), 0);
		assert_int_equal(got.signed_ms, 1000 + (int64_t)i);
		store_checkpoint_free(&got);
	}
}

static void
test_counts(void **state)
{
	struct tx *tx = &((struct fix *)*state)->tx;
	int64_t n = -1;

	assert_int_equal(store_log_device_sum(tx, &n), 0);
	assert_int_equal(n, 0);
	n = -1;
	assert_int_equal(store_log_tile_count(tx, &n), 0);
	assert_int_equal(n, 0);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(test_sizes_rise, fix_setup,
		    fix_teardown),
		cmocka_unit_test_setup_teardown(test_list, fix_setup,
		    fix_teardown),
		cmocka_unit_test_setup_teardown(test_only_grows, fix_setup,
		    fix_teardown),
		cmocka_unit_test_setup_teardown(test_counts, fix_setup,
		    fix_teardown),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
