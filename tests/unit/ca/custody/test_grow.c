/* SPDX-License-Identifier: Apache-2.0 */
/* Tiles and head of a log that grows. */
#include "tests/unit/ca/custody/log_fixture.h"

/* Tiles of every size around the widths where they fill, however large the
 * transactions were that made them (C2SP tlog-tiles: 70,000 entries). */
static void
test_tiles(void **state)
{
	static const int64_t steps[] = { 1, 1, 253, 1, 1, 1, 254, 65024, 1, 1,
	    4462 };
	struct tx *tx = tx_of(state);
	struct store_blob b;
	struct reader *r;
	struct edge edge;
	struct hash root, tiles;
	int64_t size = 0, n;
	size_t i;
	int level;

	for (i = 0; i < COUNT(steps); i++) {
		grow_by(tx, steps[i]);
		size += steps[i];
		assert_int_equal(reader_edge(tx, &edge), 0);
		assert_int_equal(edge.size, size);
		assert_int_equal(edge_root(&edge, &root), 0);
		assert_int_equal(reader_open(&r, tx), 0);
		assert_int_equal(tree_root(reader_tiles(r), size, &tiles), 0);
		assert_memory_equal(root.b, tiles.b, 32);
		reader_close(r);
	}
	assert_int_equal(size, 70000);
	for (level = 0; level < 3; level++) {
		for (n = 0; n < tile_count(level, size); n++) {
			assert_int_equal(store_log_tile_get(tx, level, n, &b),
			    0);
			assert_int_equal(b.n,
			    32 * (size_t)tile_width(level, n, size));
			store_blob_free(&b);
		}
		assert_int_equal(store_log_tile_get(tx, level, n, &b),
		    CAMCA_ENOENT);
	}
	assert_int_equal(tile_count(0, size), 274);
	assert_int_equal(tile_width(0, 273, size), 112);
	assert_int_equal(tile_width(1, 1, size), 17);
	assert_int_equal(tile_width(2, 0, size), 1);
}

static void
test_proofs(void **state)
{
	struct tx *tx = tx_of(state);
	struct hash root, leaf, half;
	struct log_entry_row entry;
	struct reader *r;
	struct proof p;
	int64_t i;

	grow_by(tx, 66000);
	assert_int_equal(reader_open(&r, tx), 0);
	assert_int_equal(tree_root(reader_tiles(r), 66000, &root), 0);
	for (i = 0; i < 66000; i += 997) {
		assert_int_equal(store_log_entry_get(tx, i, &entry), 0);
		memcpy(leaf.b, entry.leaf, sizeof leaf.b);
		store_log_entry_free(&entry);
		assert_int_equal(tree_inclusion(reader_tiles(r), i, 66000,
		    &p), 0);
		assert_int_equal(tree_check_inclusion(i, 66000, &leaf, &p,
		    &root), 0);
		if (i == 0)
			continue;
		assert_int_equal(tree_root(reader_tiles(r), i, &half), 0);
		assert_int_equal(tree_consistency(reader_tiles(r), i, 66000,
		    &p), 0);
		assert_int_equal(tree_check_consistency(i, 66000, &half,
		    &root, &p), 0);
	}
	reader_close(r);
}

/* Two that append at once: the slower one keeps nothing. */
static void
test_head_moved(void **state)
{
	struct tx *tx = tx_of(state);
	struct grow *g = grow_new(tx);
	uint8_t body[] = "\n\n\n\n\nx";
	struct log_entry_row r = { .prev = -1, .n = 1,
	    .data = { body, sizeof body - 1 } };

	assert_int_equal(grow_add(g, &r), 0);
	sql(state, "UPDATE log_head SET size = 1, edge = zeroblob(32)");
	assert_int_equal(grow_end(g), CAMCA_ECONFLICT);
	free(g);
}

int
main(void)
{
#define TEST(t) cmocka_unit_test_setup_teardown(t, fix_setup, fix_teardown)
	const struct CMUnitTest tests[] = {
		TEST(test_tiles), TEST(test_proofs), TEST(test_head_moved),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
