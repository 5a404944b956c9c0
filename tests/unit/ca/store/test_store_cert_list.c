/* SPDX-License-Identifier: Apache-2.0 */
#include "tests/unit/ca/store/fixture.h"

struct seen {
	struct tx *tx;
	int n;
	int64_t last;
	bool by_seq;
	bool der;
	int change;            /* set to this status while listing */
};

static int
see(const struct cert_row *r, void *arg)
{
	struct seen *s = arg;
	int64_t key = s->by_seq ? r->rev_seq : r->id, seq;

	assert_true(key > s->last);
	s->last = key;
	s->n++;
	assert_int_equal(r->der.n, s->der ? 100 : 0);
	if (s->change == CERT_GOOD)
		return 0;
	return fix_status(s->tx, r->id,
	    (enum cert_status)s->change, 4, 9, &seq);
}

/* 150 certificates: two issuers by turns, three devices by turns. */
static void
fill(struct tx *tx, int64_t ca[2], int64_t dev[3], int64_t ids[150])
{
	struct cert_row c;
	int i;

	ca[0] = fix_issuer(tx, "ec");
	ca[1] = fix_issuer(tx, "rsa");
	dev[0] = fix_device(tx, "cam-1");
	dev[1] = fix_device(tx, "cam-2");
	dev[2] = fix_device(tx, "cam-3");
	for (i = 0; i < 150; i++) {
		assert_int_equal(fix_cert(tx, ca[i % 2], dev[i % 3],
		    (uint8_t)i, &c), 0);
		ids[i] = c.id;
	}
}

static void
test_list(void **state)
{
	struct tx *tx = &((struct fix *)*state)->tx;
	int64_t ca[2], dev[3], ids[150];
	struct seen s = { .tx = tx, .der = true };

	fill(tx, ca, dev, ids);
	assert_int_equal(store_cert_list(tx, 0, 0, 0, INT64_MAX, see, &s), 0);
	assert_int_equal(s.n, 150);
	s = (struct seen){ .tx = tx, .der = true };
	assert_int_equal(store_cert_list(tx, dev[1], 0, 0, 1000, see, &s), 0);
	assert_int_equal(s.n, 50);
	s = (struct seen){ .tx = tx, .der = true };
	assert_int_equal(store_cert_list(tx, dev[1], ca[0], 0, 1000, see, &s),
	    0);
	assert_int_equal(s.n, 25);
	s = (struct seen){ .tx = tx, .der = true };
	assert_int_equal(store_cert_list(tx, 0, ca[1], ids[99], 1000, see,
	    &s), 0);
	assert_int_equal(s.n, 25);
	s = (struct seen){ .tx = tx, .der = true };
	assert_int_equal(store_cert_list(tx, 0, 0, 0, 7, see, &s), 0);
	assert_int_equal(s.n, 7);
}

static void
test_released(void **state)
{
	struct tx *tx = &((struct fix *)*state)->tx;
	int64_t ca[2], dev[3], ids[150], seq = 0, middle = 0;
	struct seen s = { .tx = tx, .by_seq = true };
	int i;

	fill(tx, ca, dev, ids);
	for (i = 149; i >= 0; i--)
		assert_int_equal(fix_status(tx, ids[i],
		    i % 4 < 2 ? CERT_HOLD : CERT_REVOKED, 6, 5, &seq), 0);
	assert_int_equal(store_cert_released_list(tx, ca[0], 0, see, &s), 0);
	assert_int_equal(s.n, 0);
	/* 38 certificates come back from hold, all of the first issuer. */
	for (i = 0; i < 150; i += 4) {
		assert_int_equal(fix_status(tx, ids[i], CERT_GOOD, -1, 6,
		    &seq), 0);
		if (i == 72)
			middle = seq;
	}
	assert_int_equal(store_cert_released_list(tx, ca[0], 0, see, &s), 0);
	assert_int_equal(s.n, 38);
	s = (struct seen){ .tx = tx, .by_seq = true };
	assert_int_equal(store_cert_released_list(tx, ca[0], middle, see,
	    &s), 0);
	assert_int_equal(s.n, 19);
	s = (struct seen){ .tx = tx, .by_seq = true };
	assert_int_equal(store_cert_released_list(tx, ca[1], 0, see, &s), 0);
	assert_int_equal(s.n, 0);
}

static void
test_superseded(void **state)
{
	struct tx *tx = &((struct fix *)*state)->tx;
	int64_t ca[2], dev[3], ids[150], seq;
	struct seen s = { .tx = tx };

	fill(tx, ca, dev, ids);
	assert_int_equal(store_cert_replaced(tx, ids[0], ids[3]), 0);
	assert_int_equal(store_cert_replaced(tx, ids[1], ids[4]), 0);
	assert_int_equal(store_cert_replaced(tx, ids[2], ids[5]), 0);
	assert_int_equal(store_cert_seen(tx, ids[3], 50), 0);
	assert_int_equal(store_cert_seen(tx, ids[4], 60), 0);
	assert_int_equal(store_cert_superseded_list(tx, 49, 10, see, &s), 0);
	assert_int_equal(s.n, 0);
	assert_int_equal(store_cert_superseded_list(tx, 50, 10, see, &s), 0);
	assert_int_equal(s.n, 1);
	assert_int_equal(s.last, ids[0]);
	s = (struct seen){ .tx = tx };
	assert_int_equal(store_cert_superseded_list(tx, 1000, 10, see, &s),
	    0);
	assert_int_equal(s.n, 2);
	assert_int_equal(fix_status(tx, ids[0], CERT_REVOKED, 4, 9, &seq), 0);
	s = (struct seen){ .tx = tx, .change = CERT_REVOKED };
	assert_int_equal(store_cert_superseded_list(tx, 1000, 10, see, &s),
	    0);
	assert_int_equal(s.n, 1);
	s = (struct seen){ .tx = tx };
	assert_int_equal(store_cert_superseded_list(tx, 1000, 10, see, &s),
	    0);
	assert_int_equal(s.n, 0);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(test_list, fix_setup,
		    fix_teardown),
		cmocka_unit_test_setup_teardown(test_released, fix_setup,
		    fix_teardown),
		cmocka_unit_test_setup_teardown(test_superseded, fix_setup,
		    fix_teardown),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
