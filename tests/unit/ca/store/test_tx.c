/* SPDX-License-Identifier: Apache-2.0 */
#include "tests/unit/ca/store/fixture.h"

static const struct col site_cols[] = {
	COL(TEXT, site_row, id),
	COL(TEXT, site_row, name),
	COL(INT, site_row, level),
	COL(INT, site_row, created_ms),
};

static int
hide_error(struct tx *tx, void *arg)
{
	char tiny[2];

	(void)arg;
	(void)!store_meta_get(tx, "long", tiny, sizeof tiny);
	return 0;
}

static int
hide_conflict(struct tx *tx, void *arg)
{
	struct site_row r = fix_site_row("hq");

	(void)arg;
	return store_site_insert(tx, &r) == CAMCA_ECONFLICT ? 0 : -99;
}

static int
positive(struct tx *tx, void *arg)
{
	(void)tx;
	(void)arg;
	return 5;
}

static void
test_run(void **state)
{
	struct tx *tx = &((struct fix *)*state)->tx;
	struct site_row r = fix_site_row("hq");

	assert_int_equal(store_site_insert(tx, &r), 0);
	assert_int_equal(tx_run(tx, hide_conflict, NULL), 0);
	assert_int_equal(tx_run(tx, positive, NULL), 5);
	assert_int_equal(store_meta_set(tx, "long", "long"), 0);
	assert_int_equal(tx_run(tx, hide_error, NULL), CAMCA_EDB);
	/* From here on the transaction does nothing. */
	assert_int_equal(store_site_get(tx, "hq", &r), CAMCA_EDB);
}

static void
test_read_only(void **state)
{
	struct tx *tx = &((struct fix *)*state)->tx;
	struct site_row r = fix_site_row("hq");

	tx->mode = DB_READ;
	assert_int_equal(store_site_get(tx, "hq", &r), CAMCA_ENOENT);
	assert_int_equal(store_site_insert(tx, &r), CAMCA_EDB);
	assert_int_equal(tx->err, CAMCA_EDB);
}

static void
test_values_must_fit(void **state)
{
	struct tx *tx = &((struct fix *)*state)->tx;
	struct col cols[4];
	struct db_val v = db_text("hq");
	struct site_row r = fix_site_row("hq");
	size_t i;

	assert_int_equal(store_site_insert(tx, &r), 0);
	assert_int_equal(tx_get(tx, ST_SITE_GET, &v, 1, site_cols, 4, &r), 0);
	for (i = 0; i < 6; i++) {
		memcpy(cols, site_cols, sizeof cols);
		if (i == 0)
			cols[0].size = 2;              /* "hq" needs 3 */
		if (i == 1)
			cols[0].type = COL_BYTES;
		if (i == 2)
			cols[1].type = COL_INT;
		if (i == 3)
			cols[2].type = COL_TEXT;
		if (i == 4)
			cols[2].type = COL_BLOB;
		tx->err = 0;
		assert_int_equal(tx_get(tx, ST_SITE_GET, &v, 1, cols,
		    i == 5 ? 3 : 4, &r), CAMCA_EDB);
	}
}

static void
test_missing_counter(void **state)
{
	struct tx *tx = &((struct fix *)*state)->tx;
	int64_t n, m;

	assert_int_equal(counter_next(tx, "outbox", &n), 0);
	assert_int_equal(counter_next(tx, "outbox", &m), 0);
	assert_int_equal(m, n + 1);
	assert_int_equal(counter_back(tx, "outbox"), 0);
	assert_int_equal(counter_next(tx, "outbox", &n), 0);
	assert_int_equal(n, m);
	assert_int_equal(counter_get(tx, "nothing", &n), CAMCA_EDB);
	tx->err = 0;
	assert_int_equal(counter_next(tx, "nothing", &n), CAMCA_EDB);
}

static void
test_fatal(void **state)
{
	(void)state;
	assert_true(tx_fatal(CAMCA_EDB));
	assert_true(tx_fatal(CAMCA_EFULL));
	assert_true(tx_fatal(CAMCA_ENOMEM));
	assert_true(tx_fatal(CAMCA_EBUSY));
	assert_false(tx_fatal(CAMCA_OK));
	assert_false(tx_fatal(CAMCA_ENOENT));
	assert_false(tx_fatal(CAMCA_ECONFLICT));
	assert_false(tx_fatal(CAMCA_EINVAL));
	assert_false(tx_fatal(7));
	store_blob_free(NULL);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(test_run, fix_setup,
		    fix_teardown),
		cmocka_unit_test_setup_teardown(test_read_only, fix_setup,
		    fix_teardown),
		cmocka_unit_test_setup_teardown(test_values_must_fit,
		    fix_setup, fix_teardown),
		cmocka_unit_test_setup_teardown(test_missing_counter,
		    fix_setup, fix_teardown),
		cmocka_unit_test(test_fatal),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
