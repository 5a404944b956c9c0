/* SPDX-License-Identifier: Apache-2.0 */
#include "tests/unit/ca/store/fixture.h"

static void
test_meta(void **state)
{
	struct tx *tx = &((struct fix *)*state)->tx;
	char out[8];

	assert_int_equal(store_meta_get(tx, "name", out, sizeof out),
	    CAMCA_ENOENT);
	assert_int_equal(store_meta_set(tx, "name", "one"), 0);
	assert_int_equal(store_meta_set(tx, "name", "two"), 0);
	assert_int_equal(store_meta_get(tx, "name", out, sizeof out), 0);
	assert_string_equal(out, "two");
	assert_int_equal(store_meta_set(tx, "empty", ""), 0);
	assert_int_equal(store_meta_get(tx, "empty", out, sizeof out), 0);
	assert_string_equal(out, "");
	assert_int_equal(store_meta_set(tx, "seven", "1234567"), 0);
	assert_int_equal(store_meta_get(tx, "seven", out, sizeof out), 0);
	assert_string_equal(out, "1234567");
	assert_int_equal(store_meta_set(tx, "null", NULL), CAMCA_EINVAL);
	assert_int_equal(tx->err, 0);
}

static void
test_meta_too_long(void **state)
{
	struct tx *tx = &((struct fix *)*state)->tx;
	char out[8];

	assert_int_equal(store_meta_set(tx, "eight", "12345678"), 0);
	assert_int_equal(store_meta_get(tx, "eight", out, sizeof out),
	    CAMCA_EDB);
	/* Such a failure ends the transaction. */
	assert_int_equal(store_meta_set(tx, "a", "b"), CAMCA_EDB);
}

static void
test_policy(void **state)
{
	struct tx *tx = &((struct fix *)*state)->tx;
	uint8_t hash[STORE_HASH_LEN] = { 1 };

	assert_int_equal(store_policy_put(tx, hash, "a: 1", 5), 0);
	assert_int_equal(store_policy_put(tx, hash, "a: 2", 6), 0);
	assert_int_equal(db_sqlite.script(tx->db, "CREATE TEMP TABLE one (n"
	    " CHECK (n = 1)); INSERT INTO one SELECT COUNT(*) FROM policy"
	    " WHERE body = 'a: 1' AND loaded_ms = 5"), 0);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(test_meta, fix_setup,
		    fix_teardown),
		cmocka_unit_test_setup_teardown(test_meta_too_long, fix_setup,
		    fix_teardown),
		cmocka_unit_test_setup_teardown(test_policy, fix_setup,
		    fix_teardown),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
