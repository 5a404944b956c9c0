/* SPDX-License-Identifier: Apache-2.0 */
#include "tests/unit/ca/store/fixture.h"

static void
test_insert_get(void **state)
{
	struct tx *tx = &((struct fix *)*state)->tx;
	struct device_row d = fix_device_row("cam-1"), got;
	int64_t n = -1;

	assert_int_equal(store_device_insert(tx, &d), CAMCA_ENOENT);
	d.pk = fix_device(tx, "cam-1");
	assert_true(d.pk > 0);
	memset(&got, 0xff, sizeof got);
	assert_int_equal(store_device_get(tx, "cam-1", &got), 0);
	assert_int_equal(got.pk, d.pk);
	assert_int_equal(got.kind, d.kind);
	assert_string_equal(got.manufacturer, d.manufacturer);
	assert_string_equal(got.model, d.model);
	assert_string_equal(got.serial, d.serial);
	assert_string_equal(got.mac, d.mac);
	assert_string_equal(got.hardware_id, d.hardware_id);
	assert_string_equal(got.firmware, d.firmware);
	assert_string_equal(got.site, "hq");
	assert_int_equal(got.place, PLACE_PUBLIC);
	assert_int_equal(got.state, DEVICE_REGISTERED);
	assert_string_equal(got.import_batch, "");
	assert_int_equal(store_device_by_pk(tx, d.pk, &got), 0);
	assert_string_equal(got.id, "cam-1");
	assert_int_equal(store_device_by_pk(tx, d.pk + 1, &got), CAMCA_ENOENT);
	assert_int_equal(store_device_get(tx, "cam-2", &got), CAMCA_ENOENT);
	assert_int_equal(store_device_count(tx, &n), 0);
	assert_int_equal(n, 1);
}

static void
test_unique(void **state)
{
	struct tx *tx = &((struct fix *)*state)->tx;
	struct device_row d, got;
	int64_t n;

	fix_device(tx, "cam-1");
	d = fix_device_row("cam-1");
	snprintf(d.serial, sizeof d.serial, "other");
	assert_int_equal(store_device_insert(tx, &d), CAMCA_ECONFLICT);
	d = fix_device_row("cam-1");
	snprintf(d.id, sizeof d.id, "cam-2");
	assert_int_equal(store_device_insert(tx, &d), CAMCA_ECONFLICT);
	/* Byte-equal: another spelling of the maker is another maker. */
	snprintf(d.manufacturer, sizeof d.manufacturer, "ACME");
	assert_int_equal(store_device_insert(tx, &d), 0);
	assert_int_equal(store_device_by_serial(tx, "Acme", d.serial, &got),
	    0);
	assert_string_equal(got.id, "cam-1");
	assert_int_equal(store_device_by_serial(tx, "acme", d.serial, &got),
	    CAMCA_ENOENT);
	/* Agents have no serial number; the empty one matches nobody. */
	d = fix_device_row("ra-1");
	d.kind = DEVICE_RA;
	d.serial[0] = '\0';
	assert_int_equal(store_device_insert(tx, &d), 0);
	snprintf(d.id, sizeof d.id, "ra-2");
	assert_int_equal(store_device_insert(tx, &d), 0);
	assert_int_equal(store_device_by_serial(tx, "Acme", "", &got),
	    CAMCA_ENOENT);
	assert_int_equal(store_device_count(tx, &n), 0);
	assert_int_equal(n, 4);
}

static void
test_rules(void **state)
{
	struct tx *tx = &((struct fix *)*state)->tx;
	struct device_row d;

	fix_device(tx, "cam-1");
	d = fix_device_row("cam-2");
	d.state = DEVICE_STATES;
	assert_int_equal(store_device_insert(tx, &d), CAMCA_EINVAL);
	d = fix_device_row("cam-2");
	d.place = -1;
	assert_int_equal(store_device_insert(tx, &d), CAMCA_EINVAL);
	d = fix_device_row("cam-2");
	d.kind = 2;
	assert_int_equal(store_device_insert(tx, &d), CAMCA_EINVAL);
	d = fix_device_row("cam-2");
	snprintf(d.site, sizeof d.site, "nowhere");
	assert_int_equal(store_device_insert(tx, &d), CAMCA_ENOENT);
	d = fix_device_row("");
	assert_int_equal(store_device_insert(tx, &d), CAMCA_EINVAL);
	assert_int_equal(tx->err, 0);
}

static void
test_move(void **state)
{
	struct tx *tx = &((struct fix *)*state)->tx;
	int64_t pk = fix_device(tx, "cam-1");
	struct device_row d;

	assert_int_equal(store_device_move(tx, pk, DEVICE_REGISTERED,
	    DEVICE_ENROLLED, 99), 0);
	assert_int_equal(store_device_move(tx, pk, DEVICE_REGISTERED,
	    DEVICE_ENROLLED, 100), CAMCA_ECONFLICT);
	assert_int_equal(store_device_by_pk(tx, pk, &d), 0);
	assert_int_equal(d.state, DEVICE_ENROLLED);
	assert_int_equal(d.updated_ms, 99);
	assert_int_equal(store_device_move(tx, pk + 1, DEVICE_REGISTERED,
	    DEVICE_ENROLLED, 99), CAMCA_ENOENT);
	assert_int_equal(store_device_move(tx, pk, DEVICE_ENROLLED,
	    DEVICE_STATES, 99), CAMCA_EINVAL);
}

/* There is a row from the first move on; until then it is as it was made. */
static void
test_standing(void **state)
{
	struct tx *tx = &((struct fix *)*state)->tx;
	struct device_row d = fix_device_row("cam-2");
	int64_t pk = fix_device(tx, "cam-1");

	assert_int_equal(store_device_standing(tx, pk, DEVICE_HELD,
	    RESTRICT_RENEWAL, 50), 0);
	assert_int_equal(store_device_move(tx, pk, DEVICE_HELD,
	    DEVICE_REGISTERED, 60), 0);
	/* Registered again, by a row: a move from there finds it. */
	assert_int_equal(store_device_move(tx, pk, DEVICE_REGISTERED,
	    DEVICE_ENROLLED, 70), 0);
	assert_int_equal(store_device_move(tx, pk, DEVICE_REGISTERED,
	    DEVICE_ENROLLED, 80), CAMCA_ECONFLICT);
	assert_int_equal(store_device_by_pk(tx, pk, &d), 0);
	assert_int_equal(d.state, DEVICE_ENROLLED);
	assert_int_equal(d.restriction, RESTRICT_RENEWAL);
	assert_int_equal(d.updated_ms, 70);
	d = fix_device_row("cam-2");
	d.restriction = RESTRICT_WATCHED;
	d.updated_ms = 9;
	assert_int_equal(store_device_insert(tx, &d), 0);
	assert_int_equal(store_device_get(tx, "cam-2", &d), 0);
	assert_int_equal(d.state, DEVICE_REGISTERED);
	assert_int_equal(d.restriction, RESTRICT_WATCHED);
	assert_int_equal(d.updated_ms, 9);
	/* Of two rows none is stored. */
	d = fix_device_row("cam-3");
	d.restriction = DEVICE_RESTRICTIONS;
	assert_int_equal(store_device_insert(tx, &d), CAMCA_EINVAL);
	assert_int_equal(store_device_get(tx, "cam-3", &d), CAMCA_ENOENT);
}

static int
count(const struct device_row *r, void *arg)
{
	int *n = arg;

	assert_true(r->pk > 0);
	(*n)++;
	return 0;
}

static int
listed(struct tx *tx, struct device_filter f)
{
	int n = 0;

	assert_int_equal(store_device_list(tx, &f, 0, INT64_MAX, count, &n),
	    0);
	return n;
}

static void
fill(struct tx *tx, int n)
{
	struct site_row s = fix_site_row("hq");
	struct device_row d;
	char id[16];
	int i;

	assert_int_equal(store_site_insert(tx, &s), 0);
	s = fix_site_row("dock");
	assert_int_equal(store_site_insert(tx, &s), 0);
	for (i = 0; i < n; i++) {
		snprintf(id, sizeof id, "cam-%d", i);
		d = fix_device_row(id);
		d.kind = i == 0 ? DEVICE_RA : DEVICE_CAMERA;
		d.state = i % 3;
		snprintf(d.site, sizeof d.site, "%s", i % 4 ? "hq" : "dock");
		snprintf(d.model, sizeof d.model, "M%d", i % 5);
		snprintf(d.import_batch, sizeof d.import_batch, "%s",
		    i < 100 ? "ba7c4" : "");
		assert_int_equal(store_device_insert(tx, &d), 0);
	}
}

static void
test_list(void **state)
{
	struct tx *tx = &((struct fix *)*state)->tx;
	const struct device_filter all = { .state = -1, .kind = -1 };
	struct device_filter f;

	fill(tx, 200);
	assert_int_equal(listed(tx, all), 200);
	f = all;
	f.site = "dock";
	assert_int_equal(listed(tx, f), 50);
	f.model = "M0";
	assert_int_equal(listed(tx, f), 10);
	f.import_batch = "ba7c4";
	assert_int_equal(listed(tx, f), 5);
	f = all;
	f.import_batch = "ba7c4";
	assert_int_equal(listed(tx, f), 100);
	f.import_batch = "";
	assert_int_equal(listed(tx, f), 100);
	f = all;
	f.state = DEVICE_HELD;
	assert_int_equal(listed(tx, f), 66);
	f = all;
	f.kind = DEVICE_RA;
	assert_int_equal(listed(tx, f), 1);
	f = all;
	f.manufacturer = "Nobody";
	assert_int_equal(listed(tx, f), 0);
	f.manufacturer = "Acme";
	assert_int_equal(listed(tx, f), 200);
}

static int
move_each(const struct device_row *r, void *arg)
{
	struct tx *tx = arg;

	/* The list allows changes, even of what it selects by. */
	return store_device_move(tx, r->pk, DEVICE_REGISTERED, DEVICE_LOST, 7);
}

static void
test_list_changes(void **state)
{
	struct tx *tx = &((struct fix *)*state)->tx;
	struct device_filter f = { .state = DEVICE_REGISTERED, .kind = -1 };

	fill(tx, 200);
	assert_int_equal(listed(tx, f), 67);
	assert_int_equal(store_device_list(tx, &f, 0, INT64_MAX, move_each,
	    tx), 0);
	assert_int_equal(listed(tx, f), 0);
	f.state = DEVICE_LOST;
	assert_int_equal(listed(tx, f), 67);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(test_insert_get, fix_setup,
		    fix_teardown),
		cmocka_unit_test_setup_teardown(test_unique, fix_setup,
		    fix_teardown),
		cmocka_unit_test_setup_teardown(test_rules, fix_setup,
		    fix_teardown),
		cmocka_unit_test_setup_teardown(test_move, fix_setup,
		    fix_teardown),
		cmocka_unit_test_setup_teardown(test_standing, fix_setup,
		    fix_teardown),
		cmocka_unit_test_setup_teardown(test_list, fix_setup,
		    fix_teardown),
		cmocka_unit_test_setup_teardown(test_list_changes, fix_setup,
		    fix_teardown),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
