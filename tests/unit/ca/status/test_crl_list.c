/* SPDX-License-Identifier: Apache-2.0 */
/* Merging against a table that does the same one by one. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

#include "ca/status/crl_list.h"
#include "ca/status/crl_walk.h"

#define NOW_MS INT64_C(1795300000000)
#define SERIALS 400

static struct cert_row
cert(unsigned serial, int64_t reason, int64_t at_ms)
{
	struct cert_row r = { .status = reason == 6 ? CERT_HOLD :
	    CERT_REVOKED, .reason = reason, .revoked_ms = at_ms };

	/* Some with the first bit set, some of one byte. */
	if (serial % 3 == 0)
		memset(r.serial, 0xf1, sizeof r.serial);
	if (serial % 3 == 1)
		r.serial[0] = 0x10;
	r.serial[18] = (uint8_t)(serial >> 8);
	r.serial[19] = (uint8_t)serial;
	return r;
}

static struct crl_change
put(unsigned serial, int64_t seq, int64_t reason, int64_t not_after_ms)
{
	struct cert_row r = cert(serial, reason, NOW_MS);
	uint8_t der[CRL_ENTRY_MAX];
	struct crl_change c;
	size_t n;

	assert_int_equal(crl_entry_encode(&r, der, &n), 0);
	assert_int_equal(crl_change_put(&c, seq, not_after_ms, der, n), 0);
	return c;
}

static struct crl_change
gone(unsigned serial, int64_t seq)
{
	struct cert_row r = cert(serial, 1, NOW_MS);
	struct crl_change c;

	crl_change_gone(&c, seq, r.serial);
	return c;
}

/* Whole, sorted, and its count and sum are those of its entries. */
static void
check(const struct crl_list *l)
{
	const uint8_t *p = l->mem + CRL_HEAD_ROOM, *end = p + l->len;
	struct crl_walk_entry e, last = { .n = 0 };
	uint64_t hash = 0;
	size_t n = 0;

	for (; p < end; p += e.n, n++) {
		assert_null(crl_walk_entry(p, (size_t)(end - p), &e));
		if (last.n > 0)
			assert_true(crl_serial_cmp(last.serial, last.serial_n,
			    e.serial, e.serial_n) < 0);
		hash += crl_entry_hash(e.der, e.n);
		last = e;
	}
	assert_int_equal(n, l->n);
	assert_true(hash == l->hash);
}

/* Reason of the entry, 0 where there is none. */
static int
find(const struct crl_list *l, unsigned serial)
{
	struct crl_change c = gone(serial, 1);
	const uint8_t *p = l->mem + CRL_HEAD_ROOM, *end = p + l->len;
	struct crl_walk_entry e;

	for (; p < end; p += e.n) {
		assert_null(crl_walk_entry(p, (size_t)(end - p), &e));
		if (crl_serial_cmp(e.serial, e.serial_n, c.serial,
		    c.serial_n) == 0)
			return e.reason;
	}
	return 0;
}

static unsigned
rnd(void)
{
	static uint64_t x = 88172645463325252u;

	x ^= x << 13;
	x ^= x >> 7;
	x ^= x << 17;
	return (unsigned)(x >> 20);
}

static void
test_against_model(void **state)
{
	static const int reasons[] = { 1, 2, 5, 6, 9 };
	int model[SERIALS] = { 0 };
	struct crl_change c[64];
	struct crl_list l;
	int64_t seq = 0;

	(void)state;
	crl_list_init(&l);
	for (int round = 0; round < 300; round++) {
		size_t n = rnd() % 64;

		for (size_t i = 0; i < n; i++) {
			unsigned s = rnd() % SERIALS;

			model[s] = rnd() % 3 == 0 ? 0 : reasons[rnd() % 5];
			seq++;
			c[i] = model[s] == 0 ? gone(s, seq) :
			    put(s, seq, model[s], NOW_MS);
		}
		/* The order in which they come does not matter. */
		for (size_t i = 1; i < n; i++) {
			size_t k = rnd() % i;
			struct crl_change x = c[i];

			c[i] = c[k];
			c[k] = x;
		}
		assert_int_equal(crl_list_merge(&l, c, n, 0, NULL), 0);
		check(&l);
		if (round % 30 != 29)
			continue;
		for (unsigned s = 0; s < SERIALS; s++)
			assert_int_equal(find(&l, s), model[s]);
	}
	/* The same again: nothing changes. */
	c[0] = put(1, ++seq, 9, NOW_MS);
	assert_int_equal(crl_list_merge(&l, c, 1, 0, NULL), 0);
	uint64_t hash = l.hash;
	assert_int_equal(crl_list_merge(&l, c, 1, 0, NULL), 0);
	assert_true(l.hash == hash);
	check(&l);
	crl_list_fini(&l);
}

/* C9: only what has been on a list goes, only when its certificate ended before
 * that list, and only as many as there is room to note. */
static void
test_done(void **state)
{
	struct crl_drops d = { calloc(2, 20), 0, 2 };
	struct crl_change c[4];
	struct crl_list l;
	int64_t end_s = NOW_MS / 1000;

	(void)state;
	crl_list_init(&l);
	for (unsigned i = 0; i < 4; i++)
		c[i] = put(i, i + 1, 1, i == 3 ? INT64_MAX : NOW_MS);
	assert_int_equal(crl_list_merge(&l, c, 4, 0, NULL), 0);
	assert_false(crl_list_any_done(&l, end_s + 9));
	assert_int_equal(crl_list_merge(&l, c, 0, end_s + 9, &d), 0);
	assert_int_equal(l.n, 4);
	crl_list_published(&l);
	assert_false(crl_list_any_done(&l, end_s));
	assert_int_equal(crl_list_merge(&l, c, 0, end_s, &d), 0);
	assert_int_equal(l.n, 4);
	assert_true(crl_list_any_done(&l, end_s + 9));
	assert_int_equal(crl_list_merge(&l, c, 0, end_s + 9, NULL), 0);
	assert_int_equal(l.n, 4);
	assert_int_equal(crl_list_merge(&l, c, 0, end_s + 9, &d), 0);
	assert_int_equal(l.n, 2);
	assert_int_equal(d.n, 2);
	assert_int_equal(d.serials[0][19] + d.serials[1][19], 3);
	check(&l);
	d.n = 0;
	assert_int_equal(crl_list_merge(&l, c, 0, end_s + 9, &d), 0);
	assert_int_equal(l.n, 1);
	assert_int_equal(d.serials[0][0], 0xf1);
	/* What never ends stays for ever. */
	d.n = 0;
	assert_int_equal(crl_list_merge(&l, c, 0, INT64_MAX, &d), 0);
	assert_int_equal(l.n, 1);
	assert_int_equal(find(&l, 3), 1);
	crl_list_fini(&l);
	free(d.serials);
}

static void
test_bad_entry(void **state)
{
	struct cert_row r = cert(1, 1, NOW_MS);
	uint8_t der[CRL_ENTRY_MAX];
	struct crl_change c;
	size_t n;

	(void)state;
	assert_int_equal(crl_entry_encode(&r, der, &n), 0);
	assert_int_equal(crl_change_put(&c, 1, NOW_MS, der, n - 1), CAMCA_EDB);
	assert_int_equal(crl_change_put(&c, 1, NOW_MS, der, n + 1), CAMCA_EDB);
	assert_int_equal(crl_change_put(&c, 1, NOW_MS, der, 0), CAMCA_EDB);
	der[0] = 0x31;
	assert_int_equal(crl_change_put(&c, 1, NOW_MS, der, n), CAMCA_EDB);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_against_model),
		cmocka_unit_test(test_done), cmocka_unit_test(test_bad_entry),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
