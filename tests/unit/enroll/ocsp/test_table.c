/* SPDX-License-Identifier: Apache-2.0 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include <pthread.h>
#include <stdatomic.h>
#include <string.h>

#include "enroll/ocsp/table.h"

#define MANY 200000

static struct table *
fresh_table(void)
{
	struct table *t = NULL;

	assert_int_equal(table_new(&t), 0);
	return t;
}

/* Serials as the authority makes them: a time in front, the rest random. */
static struct status_wire
cert(uint32_t n)
{
	struct status_wire w = { .issuer = 1 + n % 3,
	    .status = STATUS_WIRE_GOOD, .reason = STATUS_WIRE_NO_REASON,
	    .not_after_s = 2000000000 + n };
	uint64_t x = n;
	size_t i;

	w.serial[0] = 0x1a;
	w.serial[3] = (uint8_t)(n >> 16);
	for (i = 4; i < sizeof w.serial; i++) {
		x = x * UINT64_C(6364136223846793005) + n + 1;
		w.serial[i] = (uint8_t)(x >> 56);
	}
	return w;
}

static struct status_wire
revoked(uint32_t n, int64_t rev)
{
	struct status_wire w = cert(n);

	w.status = STATUS_WIRE_REVOKED;
	w.reason = 1;
	w.revoked_s = 1800000000;
	w.rev_seq = rev;
	return w;
}

static void
put(struct table *t, struct status_wire w)
{
	assert_int_equal(table_put(t, &w), 0);
}

static enum status_value
look(struct table *t, uint32_t n, struct status *out)
{
	struct status_wire w = cert(n);
	bool known = table_lookup(t, w.issuer, w.serial, out);

	assert_int_equal(known, out->value != STATUS_UNKNOWN);
	return out->value;
}

static void
test_lookup(void **state)
{
	struct table *t = fresh_table();
	struct status s;
	struct status_wire w = cert(1);

	(void)state;
	assert_int_equal(look(t, 1, &s), STATUS_UNKNOWN);
	put(t, cert(1));
	assert_int_equal(look(t, 1, &s), STATUS_GOOD);
	assert_int_equal(s.reason, STATUS_WIRE_NO_REASON);
	assert_int_equal(s.not_after_s, 2000000001);
	assert_int_equal(s.revoked_s, 0);
	assert_int_equal(look(t, 2, &s), STATUS_UNKNOWN);
	/* The same number of another CA is another certificate. */
	assert_false(table_lookup(t, w.issuer + 1, w.serial, &s));
	assert_false(table_lookup(t, 0, w.serial, &s));
	w.serial[0] ^= 1;
	assert_false(table_lookup(t, w.issuer, w.serial, &s));
	assert_int_equal(table_count(t), 1);
	w.issuer = 0;
	assert_int_equal(table_put(t, &w), CAMCA_EINVAL);
	table_free(t);
	table_free(NULL);
}

static void
test_order(void **state)
{
	struct table *t = fresh_table();
	struct status_wire w = revoked(1, 7);
	struct status s, before;

	(void)state;
	put(t, cert(1));
	look(t, 1, &before);
	put(t, cert(1));               /* the same again is no change */
	look(t, 1, &s);
	assert_int_equal(s.version, before.version);
	put(t, w);
	assert_int_equal(look(t, 1, &s), STATUS_REVOKED);
	assert_int_equal(s.reason, 1);
	assert_int_equal(s.revoked_s, 1800000000);
	assert_int_equal(s.rev_seq, 7);
	assert_int_not_equal(s.version, before.version);
	/* Older news, as a page of new certificates can bring. */
	put(t, cert(1));
	assert_int_equal(look(t, 1, &s), STATUS_REVOKED);
	w = revoked(1, 6);
	w.status = STATUS_WIRE_HOLD;
	put(t, w);
	assert_int_equal(look(t, 1, &s), STATUS_REVOKED);
	w.rev_seq = 8;
	put(t, w);
	assert_int_equal(look(t, 1, &s), STATUS_HOLD);
	w = cert(1);
	w.rev_seq = 9;
	put(t, w);
	assert_int_equal(look(t, 1, &s), STATUS_GOOD);
	assert_int_equal(table_count(t), 1);
	table_free(t);
}

static void
test_lease(void **state)
{
	struct table *t = fresh_table();

	(void)state;
	assert_false(table_may_say_good(t, 0));
	table_lease(t, 5000);
	assert_true(table_may_say_good(t, 4999));
	assert_false(table_may_say_good(t, 5000));
	table_lease(t, 0);
	assert_false(table_may_say_good(t, 1));
	table_free(t);
}

/* A new load: the old table answers until the new one is whole, and nobody may
 * say good in between. */
static void
test_load(void **state)
{
	struct table *t = fresh_table();
	struct status s, old;

	(void)state;
	assert_false(table_loaded(t));
	assert_int_equal(table_load_begin(t), 0);
	put(t, revoked(1, 9));
	put(t, cert(2));
	assert_int_equal(look(t, 1, &s), STATUS_UNKNOWN);
	table_load_end(t);
	assert_true(table_loaded(t));
	assert_int_equal(look(t, 1, &s), STATUS_REVOKED);
	look(t, 2, &old);
	table_lease(t, 5000);
	assert_int_equal(table_load_begin(t), 0);
	assert_false(table_may_say_good(t, 1));
	assert_true(table_loaded(t));
	/* The restored store knows 1 as good, with a lower number. */
	put(t, cert(1));
	put(t, cert(3));
	assert_int_equal(look(t, 1, &s), STATUS_REVOKED);
	assert_int_equal(table_load_begin(t), 0);      /* once more anew */
	put(t, cert(1));
	put(t, revoked(2, 1));
	table_load_end(t);
	assert_int_equal(look(t, 1, &s), STATUS_GOOD);
	assert_int_equal(look(t, 2, &s), STATUS_REVOKED);
	assert_int_not_equal(s.version, old.version);
	assert_int_equal(look(t, 3, &s), STATUS_UNKNOWN);
	assert_int_equal(table_count(t), 2);
	table_load_end(t);             /* none was begun */
	assert_int_equal(table_count(t), 2);
	table_free(t);
}

static void
test_many(void **state)
{
	struct table *t = fresh_table();
	struct status s;
	uint32_t n;

	(void)state;
	assert_int_equal(table_load_begin(t), 0);
	for (n = 0; n < MANY; n++) {
		struct status_wire w = n % 10 == 0 ? revoked(n, n + 1) :
		    cert(n);

		if (table_put(t, &w) < 0)
			fail();
	}
	table_load_end(t);
	assert_int_equal(table_count(t), MANY);
	for (n = 0; n < MANY; n++)
		if (look(t, n, &s) != (n % 10 == 0 ? STATUS_REVOKED :
		    STATUS_GOOD))
			fail();
	assert_int_equal(look(t, MANY, &s), STATUS_UNKNOWN);
	assert_true(table_bytes(t) / MANY <= 100);
	table_free(t);
}

/* Each part in its turn; what is left is still found. */
static void
test_sweep(void **state)
{
	struct table *t = fresh_table();
	struct status s;
	size_t gone = 0;
	uint32_t n;

	(void)state;
	for (n = 0; n < 5000; n++)
		put(t, cert(n));
	for (n = 0; n < 64; n++)
		gone += table_sweep(t, 2000000000 + 4000);
	assert_int_equal(gone, 4000);
	assert_int_equal(table_count(t), 1000);
	for (n = 0; n < 5000; n++)
		assert_int_equal(look(t, n, &s), n < 4000 ? STATUS_UNKNOWN :
		    STATUS_GOOD);
	for (n = 0; n < 5000; n++)
		put(t, cert(n));
	assert_int_equal(table_count(t), 5000);
	for (n = 0; n < 64; n++)
		table_sweep(t, INT64_MAX);
	assert_int_equal(table_count(t), 0);
	assert_int_equal(look(t, 1, &s), STATUS_UNKNOWN);
	table_free(t);
}

static void
test_quiesce(void **state)
{
	struct table *t = fresh_table();
	unsigned first, second;

	(void)state;
	assert_true(table_quiesce(t, 0));
	first = table_enter(t);
	assert_false(table_quiesce(t, 20));
	second = table_enter(t);
	assert_false(table_quiesce(t, 20));
	table_leave(t, first);
	assert_false(table_quiesce(t, 20));
	table_leave(t, second);
	assert_true(table_quiesce(t, 0));
	table_free(t);
}

/* --- threads: an answer begun before a change is never given after it was
 * confirmed --- */

struct race {
	struct table *t;
	_Atomic int64_t confirmed;     /* rev_seq */
	atomic_bool stop;
	atomic_int stale;
};

static void *
race_reader(void *arg)
{
	struct race *r = arg;
	struct status s;
	unsigned epoch;

	while (!atomic_load(&r->stop)) {
		epoch = table_enter(r->t);
		look(r->t, 1, &s);
		/* What a confirmation promises: nobody is still about to send
		 * something older. */
		if (atomic_load(&r->confirmed) > s.rev_seq)
			atomic_fetch_add(&r->stale, 1);
		table_leave(r->t, epoch);
	}
	return NULL;
}

static void
test_race(void **state)
{
	struct race r = { .t = fresh_table() };
	pthread_t readers[3];
	int64_t rev;
	int i;

	(void)state;
	put(r.t, cert(1));
	for (i = 0; i < 3; i++)
		assert_int_equal(pthread_create(&readers[i], NULL,
		    race_reader, &r), 0);
	for (rev = 1; rev <= 300; rev++) {
		put(r.t, revoked(1, rev));
		put(r.t, cert((uint32_t)(rev + 1)));
		assert_true(table_quiesce(r.t, 20000));
		atomic_store(&r.confirmed, rev);
	}
	atomic_store(&r.stop, true);
	for (i = 0; i < 3; i++)
		pthread_join(readers[i], NULL);
	assert_int_equal(atomic_load(&r.stale), 0);
	table_free(r.t);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_lookup),
		cmocka_unit_test(test_order),
		cmocka_unit_test(test_lease),
		cmocka_unit_test(test_load),
		cmocka_unit_test(test_many),
		cmocka_unit_test(test_sweep),
		cmocka_unit_test(test_quiesce),
		cmocka_unit_test(test_race),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
