/* SPDX-License-Identifier: Apache-2.0 */
#include "tests/unit/ca/store/fixture.h"

static int
put(struct tx *tx, uint8_t id, const char *device)
{
	uint8_t body[] = "camca.event/v1\n";
	struct event_row r = { .seq = 4711, .time_ms = 5, .id = { 1, id },
	    .body = { body, sizeof body - 1 } };

	snprintf(r.device, sizeof r.device, "%s", device);
	return store_outbox_put(tx, &r);
}

static int
see(const struct event_row *r, void *arg)
{
	int64_t *last = arg;

	/* No gaps, whatever happened in between. */
	assert_int_equal(r->seq, *last + 1);
	assert_int_equal(r->body.n, 15);
	assert_memory_equal(r->body.p, "camca.event/v1\n", 15);
	*last = r->seq;
	return 0;
}

static int
count(const struct event_row *r, void *arg)
{
	(void)r;
	(*(int *)arg)++;
	return 0;
}

static void
test_order(void **state)
{
	struct tx *tx = &((struct fix *)*state)->tx;
	int64_t last = 0, n = -1;
	int i, seen = 0;

	assert_int_equal(store_outbox_count(tx, &n), 0);
	assert_int_equal(n, 0);
	for (i = 0; i < 150; i++)
		assert_int_equal(put(tx, (uint8_t)i, i % 2 ? "cam-1" : "-"),
		    0);
	assert_int_equal(store_outbox_count(tx, &n), 0);
	assert_int_equal(n, 150);
	assert_int_equal(store_outbox_list(tx, NULL, 0, INT64_MAX, see,
	    &last), 0);
	assert_int_equal(last, 150);
	last = 100;
	assert_int_equal(store_outbox_list(tx, NULL, 100, 10, see, &last), 0);
	assert_int_equal(last, 110);
	assert_int_equal(store_outbox_list(tx, "cam-1", 0, 1000, count,
	    &seen), 0);
	assert_int_equal(seen, 75);
	seen = 0;
	assert_int_equal(store_outbox_list(tx, "-", 100, 1000, count, &seen),
	    0);
	assert_int_equal(seen, 25);
	seen = 0;
	assert_int_equal(store_outbox_list(tx, "cam-2", 0, 1000, count,
	    &seen), 0);
	assert_int_equal(seen, 0);
}

/* An id that came twice is recorded twice, and undoes nothing. */
static void
test_same_id(void **state)
{
	struct tx *tx = &((struct fix *)*state)->tx;
	int64_t last = 0;

	assert_int_equal(put(tx, 7, "cam-1"), 0);
	assert_int_equal(put(tx, 7, "cam-1"), 0);
	assert_int_equal(put(tx, 7, "cam-2"), 0);
	assert_int_equal(store_outbox_list(tx, NULL, 0, 10, see, &last), 0);
	assert_int_equal(last, 3);
}

/* Somebody has set the counter back: a number is not given twice, and what was
 * there stays. */
static void
test_same_number(void **state)
{
	struct fix *f = *state;
	int64_t last = 0, n;

	assert_int_equal(put(&f->tx, 1, "cam-1"), 0);
	assert_int_equal(put(&f->tx, 2, "cam-1"), 0);
	memset(f->tx.counters, 0, sizeof f->tx.counters);
	assert_int_equal(db_sqlite.script(f->db, "UPDATE counter SET n = 1"
	    " WHERE name = 'outbox'"), 0);
	assert_int_equal(put(&f->tx, 3, "cam-1"), CAMCA_ECONFLICT);
	assert_int_equal(counter_get(&f->tx, "outbox", &n), 0);
	assert_int_equal(n, 1);
	assert_int_equal(store_outbox_list(&f->tx, NULL, 0, 10, see, &last),
	    0);
	assert_int_equal(last, 2);
}

static void
test_rules(void **state)
{
	struct tx *tx = &((struct fix *)*state)->tx;
	struct event_row r = { .device = "-" };
	int64_t n = -1;

	assert_int_equal(store_outbox_put(tx, &r), CAMCA_EINVAL);
	assert_int_equal(store_outbox_count(tx, &n), 0);
	assert_int_equal(n, 0);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(test_order, fix_setup,
		    fix_teardown),
		cmocka_unit_test_setup_teardown(test_same_id, fix_setup,
		    fix_teardown),
		cmocka_unit_test_setup_teardown(test_same_number, fix_setup,
		    fix_teardown),
		cmocka_unit_test_setup_teardown(test_rules, fix_setup,
		    fix_teardown),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
