/* SPDX-License-Identifier: Apache-2.0 */
#include "tests/unit/ca/store/fixture.h"

static const uint8_t key_a[STORE_HASH_LEN] = { 0xaa };
static const uint8_t key_b[STORE_HASH_LEN] = { 0xbb };

static void
add(struct tx *tx, int64_t device, const char *selector)
{
	struct secret_row r = { .device = device, .hash = { 7 },
	    .created_ms = 1, .expires_ms = 100 };

	snprintf(r.selector, sizeof r.selector, "%s", selector);
	assert_int_equal(store_secret_insert(tx, &r), 0);
}

static int64_t
state_of(struct tx *tx, const char *selector)
{
	struct secret_row r;

	assert_int_equal(store_secret_get(tx, selector, &r), 0);
	return r.state;
}

static void
test_insert_replaces(void **state)
{
	struct tx *tx = &((struct fix *)*state)->tx;
	int64_t one = fix_device(tx, "cam-1"), two = fix_device(tx, "cam-2");
	struct secret_row r = { .selector = "AAAA", .device = one };

	add(tx, one, "AAAA");
	add(tx, two, "BBBB");
	assert_int_equal(store_secret_get(tx, "AAAA", &r), 0);
	assert_int_equal(r.device, one);
	assert_int_equal(r.hash[0], 7);
	assert_int_equal(r.expires_ms, 100);
	assert_int_equal(r.state, SECRET_ACTIVE);
	/* Refused: what was there stays good. */
	assert_int_equal(store_secret_insert(tx, &r), CAMCA_ECONFLICT);
	assert_int_equal(state_of(tx, "AAAA"), SECRET_ACTIVE);
	add(tx, one, "CCCC");
	assert_int_equal(state_of(tx, "AAAA"), SECRET_REPLACED);
	assert_int_equal(state_of(tx, "BBBB"), SECRET_ACTIVE);
	assert_int_equal(state_of(tx, "CCCC"), SECRET_ACTIVE);
	assert_int_equal(store_secret_reserve(tx, "CCCC", key_a), 0);
	add(tx, one, "DDDD");
	assert_int_equal(state_of(tx, "CCCC"), SECRET_REPLACED);
	assert_int_equal(store_secret_use(tx, "CCCC", key_a, 5),
	    CAMCA_ECONFLICT);
	assert_int_equal(store_secret_get(tx, "ZZZZ", &r), CAMCA_ENOENT);
}

static void
test_latest(void **state)
{
	struct tx *tx = &((struct fix *)*state)->tx;
	int64_t one = fix_device(tx, "cam-1"), two = fix_device(tx, "cam-2");
	struct secret_row r;

	assert_int_equal(store_secret_latest(tx, one, &r), CAMCA_ENOENT);
	/* Made within the same millisecond: the order of storing counts. */
	add(tx, one, "CCCC");
	add(tx, one, "AAAA");
	add(tx, two, "DDDD");
	add(tx, one, "BBBB");
	assert_int_equal(store_secret_use(tx, "BBBB", key_a, 9), 0);
	assert_int_equal(store_secret_latest(tx, one, &r), 0);
	assert_string_equal(r.selector, "BBBB");
	assert_int_equal(r.state, SECRET_USED);
	assert_int_equal(store_secret_latest(tx, two, &r), 0);
	assert_string_equal(r.selector, "DDDD");
}

static void
test_insert_rules(void **state)
{
	struct tx *tx = &((struct fix *)*state)->tx;
	struct secret_row r = { .selector = "AAAA", .device = 99 };

	assert_int_equal(store_secret_insert(tx, &r), CAMCA_ENOENT);
	r.device = fix_device(tx, "cam-1");
	r.state = SECRET_REPLACED + 1;
	assert_int_equal(store_secret_insert(tx, &r), CAMCA_EINVAL);
	r.state = SECRET_ACTIVE;
	r.attempts = -1;
	assert_int_equal(store_secret_insert(tx, &r), CAMCA_EINVAL);
	r.attempts = 0;
	r.selector[0] = '\0';
	assert_int_equal(store_secret_insert(tx, &r), CAMCA_EINVAL);
}

static void
test_failed_locks(void **state)
{
	struct tx *tx = &((struct fix *)*state)->tx;
	struct secret_row r;

	add(tx, fix_device(tx, "cam-1"), "AAAA");
	assert_int_equal(store_secret_failed(tx, "AAAA", 3, &r), 0);
	assert_int_equal(r.attempts, 1);
	assert_int_equal(r.state, SECRET_ACTIVE);
	assert_int_equal(store_secret_failed(tx, "AAAA", 3, &r), 0);
	assert_int_equal(r.state, SECRET_ACTIVE);
	assert_int_equal(store_secret_failed(tx, "AAAA", 3, &r), 0);
	assert_int_equal(r.attempts, 3);
	assert_int_equal(r.state, SECRET_LOCKED);
	assert_int_equal(store_secret_use(tx, "AAAA", key_a, 5),
	    CAMCA_ECONFLICT);
	assert_int_equal(store_secret_reserve(tx, "AAAA", key_a),
	    CAMCA_ECONFLICT);
	assert_int_equal(store_secret_failed(tx, "ZZZZ", 3, &r),
	    CAMCA_ENOENT);
}

static void
test_failed_keeps_used(void **state)
{
	struct tx *tx = &((struct fix *)*state)->tx;
	struct secret_row r;

	add(tx, fix_device(tx, "cam-1"), "AAAA");
	assert_int_equal(store_secret_use(tx, "AAAA", key_a, 5), 0);
	assert_int_equal(store_secret_failed(tx, "AAAA", 1, &r), 0);
	assert_int_equal(r.state, SECRET_USED);
	assert_int_equal(r.used_ms, 5);
	add(tx, fix_device(tx, "cam-2"), "BBBB");
	assert_int_equal(store_secret_reserve(tx, "BBBB", key_a), 0);
	assert_int_equal(store_secret_failed(tx, "BBBB", 1, &r), 0);
	assert_int_equal(r.state, SECRET_LOCKED);
}

static void
test_reserve_use(void **state)
{
	struct tx *tx = &((struct fix *)*state)->tx;
	struct secret_row r;

	add(tx, fix_device(tx, "cam-1"), "AAAA");
	assert_int_equal(store_secret_reserve(tx, "AAAA", key_a), 0);
	assert_int_equal(store_secret_reserve(tx, "AAAA", key_a), 0);
	assert_int_equal(store_secret_reserve(tx, "AAAA", key_b),
	    CAMCA_ECONFLICT);
	assert_int_equal(store_secret_use(tx, "AAAA", key_b, 9),
	    CAMCA_ECONFLICT);
	assert_int_equal(store_secret_use(tx, "AAAA", key_a, 9), 0);
	assert_int_equal(store_secret_use(tx, "AAAA", key_a, 9),
	    CAMCA_ECONFLICT);
	assert_int_equal(store_secret_get(tx, "AAAA", &r), 0);
	assert_int_equal(r.state, SECRET_USED);
	assert_memory_equal(r.spki, key_a, sizeof key_a);
	assert_int_equal(r.used_ms, 9);
	assert_int_equal(store_secret_use(tx, "ZZZZ", key_a, 9),
	    CAMCA_ENOENT);
	assert_int_equal(store_secret_reserve(tx, "ZZZZ", key_a),
	    CAMCA_ENOENT);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(test_insert_replaces,
		    fix_setup, fix_teardown),
		cmocka_unit_test_setup_teardown(test_latest, fix_setup,
		    fix_teardown),
		cmocka_unit_test_setup_teardown(test_insert_rules, fix_setup,
		    fix_teardown),
		cmocka_unit_test_setup_teardown(test_failed_locks, fix_setup,
		    fix_teardown),
		cmocka_unit_test_setup_teardown(test_failed_keeps_used,
		    fix_setup, fix_teardown),
		cmocka_unit_test_setup_teardown(test_reserve_use, fix_setup,
		    fix_teardown),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
