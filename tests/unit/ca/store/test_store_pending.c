/* SPDX-License-Identifier: Apache-2.0 */
#include "tests/unit/ca/store/fixture.h"

static const uint8_t key_a[STORE_HASH_LEN] = { 0xaa };
static const uint8_t key_b[STORE_HASH_LEN] = { 0xbb };

static int
add(struct tx *tx, int64_t device, const uint8_t *key, const char *label,
    int64_t *id_out)
{
	struct pending_row r = { .device = device, .created_ms = 1,
	    .expires_ms = 100 };
	int err;

	memcpy(r.spki, key, sizeof r.spki);
	snprintf(r.label, sizeof r.label, "%s", label);
	err = store_pending_insert(tx, &r);
	*id_out = r.id;
	return err;
}

static void
test_open_is_unique(void **state)
{
	struct tx *tx = &((struct fix *)*state)->tx;
	int64_t dev = fix_device(tx, "cam-1"), id, again;
	struct pending_row r;

	assert_int_equal(add(tx, dev, key_a, "cams", &id), 0);
	assert_int_equal(add(tx, dev, key_a, "cams", &again),
	    CAMCA_ECONFLICT);
	assert_int_equal(add(tx, dev, key_b, "cams", &again), 0);
	assert_int_equal(add(tx, dev, key_a, "", &again), 0);
	assert_int_equal(add(tx, dev + 1, key_a, "cams", &again),
	    CAMCA_ENOENT);
	assert_int_equal(store_pending_move(tx, id, PENDING_WAITING,
	    PENDING_APPROVED, 50, "anna", "seen on site"), 0);
	assert_int_equal(add(tx, dev, key_a, "cams", &again),
	    CAMCA_ECONFLICT);
	assert_int_equal(store_pending_move(tx, id, PENDING_APPROVED,
	    PENDING_ISSUED, 60, "anna", ""), 0);
	assert_int_equal(add(tx, dev, key_a, "cams", &again), 0);
	assert_true(again > id);
	assert_int_equal(store_pending_find(tx, dev, key_a, "cams", &r), 0);
	assert_int_equal(r.id, again);
	assert_int_equal(store_pending_find(tx, dev, key_b, "", &r),
	    CAMCA_ENOENT);
}

static void
test_move(void **state)
{
	struct tx *tx = &((struct fix *)*state)->tx;
	int64_t dev = fix_device(tx, "cam-1"), id;
	char longer[STORE_NAME_MAX + 1];
	struct pending_row r;

	assert_int_equal(add(tx, dev, key_a, "cams", &id), 0);
	assert_int_equal(store_pending_move(tx, id, PENDING_WAITING,
	    PENDING_DENIED, 50, "anna", "unknown camera"), 0);
	assert_int_equal(store_pending_move(tx, id, PENDING_WAITING,
	    PENDING_APPROVED, 51, "bob", ""), CAMCA_ECONFLICT);
	assert_int_equal(store_pending_move(tx, id + 1, PENDING_WAITING,
	    PENDING_APPROVED, 51, "bob", ""), CAMCA_ENOENT);
	assert_int_equal(store_pending_get(tx, id, &r), 0);
	assert_int_equal(r.state, PENDING_DENIED);
	assert_int_equal(r.decided_ms, 50);
	assert_string_equal(r.decided_by, "anna");
	assert_string_equal(r.reason, "unknown camera");
	memset(longer, 'x', sizeof longer);
	longer[sizeof longer - 1] = '\0';
	assert_int_equal(store_pending_move(tx, id, PENDING_DENIED,
	    PENDING_EXPIRED, 51, "bob", longer), CAMCA_EINVAL);
	assert_int_equal(store_pending_get(tx, id + 1, &r), CAMCA_ENOENT);
}

static int
count(const struct pending_row *r, void *arg)
{
	(void)r;
	(*(int *)arg)++;
	return 0;
}

static void
test_lists(void **state)
{
	struct tx *tx = &((struct fix *)*state)->tx;
	int64_t dev = fix_device(tx, "cam-1"), id, first = 0, open;
	uint8_t key[STORE_HASH_LEN] = { 0 };
	int i, n = 0;

	for (i = 0; i < 150; i++) {
		key[0] = (uint8_t)i;
		assert_int_equal(add(tx, dev, key, "cams", &id), 0);
		if (i == 0)
			first = id;
		if (i % 3 == 0)
			assert_int_equal(store_pending_move(tx, id,
			    PENDING_WAITING, PENDING_DENIED, 9, "a", "b"), 0);
		if (i % 3 == 1)
			assert_int_equal(store_pending_move(tx, id,
			    PENDING_WAITING, PENDING_APPROVED, 9, "a", "b"),
			    0);
	}
	assert_int_equal(store_pending_list(tx, -1, 0, INT64_MAX, count, &n),
	    0);
	assert_int_equal(n, 150);
	n = 0;
	assert_int_equal(store_pending_list(tx, PENDING_DENIED, first, 1000,
	    count, &n), 0);
	assert_int_equal(n, 49);
	n = 0;
	assert_int_equal(store_pending_device(tx, dev, count, &n), 0);
	assert_int_equal(n, 150);
	assert_int_equal(store_pending_device(tx, dev + 1, count, &n), 0);
	assert_int_equal(n, 150);
	assert_int_equal(store_pending_open_count(tx, dev, 99, &open), 0);
	assert_int_equal(open, 100);
	assert_int_equal(store_pending_open_count(tx, dev, 100, &open), 0);
	assert_int_equal(open, 0);
	assert_int_equal(store_pending_open_count(tx, dev + 1, 1, &open), 0);
	assert_int_equal(open, 0);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(test_open_is_unique,
		    fix_setup, fix_teardown),
		cmocka_unit_test_setup_teardown(test_move, fix_setup,
		    fix_teardown),
		cmocka_unit_test_setup_teardown(test_lists, fix_setup,
		    fix_teardown),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
