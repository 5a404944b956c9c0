/* SPDX-License-Identifier: Apache-2.0 */
#include "tests/unit/ca/store/fixture.h"

static void
test_number_rises(void **state)
{
	struct tx *tx = &((struct fix *)*state)->tx;
	struct crl_file_row r = { .number = 5, .rev_seq = 2,
	    .this_update_ms = 10, .next_update_ms = 20, .entries = 7,
	    .size = 400, .sha256 = { 1, 2 } }, got;

	r.issuer = fix_issuer(tx, "ec");
	assert_int_equal(store_crl_file_get(tx, r.issuer, &got), CAMCA_ENOENT);
	assert_int_equal(store_crl_file_put(tx, &r), 0);
	assert_int_equal(store_crl_file_put(tx, &r), CAMCA_ECONFLICT);
	r.number = 4;
	assert_int_equal(store_crl_file_put(tx, &r), CAMCA_ECONFLICT);
	r.number = 6;
	r.rev_seq = 3;
	r.sha256[0] = 9;
	assert_int_equal(store_crl_file_put(tx, &r), 0);
	assert_int_equal(store_crl_file_get(tx, r.issuer, &got), 0);
	assert_memory_equal(&got, &r, sizeof r);
}

static void
test_rules(void **state)
{
	struct tx *tx = &((struct fix *)*state)->tx;
	struct crl_file_row r = { .issuer = 9, .number = 1 };

	assert_int_equal(store_crl_file_put(tx, &r), CAMCA_ENOENT);
	r.issuer = fix_issuer(tx, "ec");
	r.number = -1;
	assert_int_equal(store_crl_file_put(tx, &r), CAMCA_EINVAL);
}

/* A list from before there were files: its number counts, its hash is not
 * known. */
static void
test_without_hash(void **state)
{
	struct tx *tx = &((struct fix *)*state)->tx;
	struct crl_file_row got;
	char sql[200];

	snprintf(sql, sizeof sql, "INSERT INTO crl_file (issuer, number,"
	    " rev_seq, this_update_ms, next_update_ms, entries, size, sha256)"
	    " VALUES (%lld, 3, 2, 1, 5, 0, 0, NULL)",
	    (long long)fix_issuer(tx, "ec"));
	assert_int_equal(tx->engine->script(tx->db, sql), 0);
	memset(&got, 0xff, sizeof got);
	assert_int_equal(store_crl_file_get(tx, 1, &got), 0);
	assert_int_equal(got.number, 3);
	assert_int_equal(got.next_update_ms, 5);
	for (size_t i = 0; i < sizeof got.sha256; i++)
		assert_int_equal(got.sha256[i], 0);
}

struct seen {
	int64_t keys[8];
	size_t n;
};

static int
see(const struct crl_entry_row *r, void *arg)
{
	struct seen *s = arg;

	assert_true(r->der.n > 0);
	s->keys[s->n++] = r->rev_seq;
	return 0;
}

static int
see_cert(const struct cert_row *r, void *arg)
{
	struct seen *s = arg;

	s->keys[s->n++] = r->id;
	return 0;
}

static void
test_entries(void **state)
{
	struct tx *tx = &((struct fix *)*state)->tx;
	uint8_t der[] = { 0x30, 0 };
	struct crl_entry_row e = { .issuer = fix_issuer(tx, "ec"),
	    .not_after_ms = 5, .der = { der, sizeof der } };
	int64_t other = fix_issuer(tx, "rsa");
	struct seen s = { .n = 0 };
	struct cert_row c;

	assert_int_equal(fix_cert(tx, e.issuer, 0, 1, &c), 0);
	e.cert = c.id;
	for (e.rev_seq = 9; e.rev_seq > 0; e.rev_seq -= 4)
		assert_int_equal(store_crl_entry_put(tx, &e), 0);
	e.rev_seq = 5;
	assert_int_equal(store_crl_entry_put(tx, &e), CAMCA_ECONFLICT);
	e.issuer = other;
	assert_int_equal(store_crl_entry_put(tx, &e), 0);
	e.rev_seq = 6;
	e.cert = 99;
	assert_int_equal(store_crl_entry_put(tx, &e), CAMCA_ENOENT);
	e.der.n = 0;
	assert_int_equal(store_crl_entry_put(tx, &e), CAMCA_EINVAL);
	assert_int_equal(store_crl_entry_list(tx, c.issuer, 1, 100, see, &s),
	    0);
	assert_int_equal(s.n, 2);
	assert_int_equal(s.keys[0], 5);
	assert_int_equal(s.keys[1], 9);
	assert_int_equal(store_crl_entry_delete(tx, c.issuer, 5), 0);
	assert_int_equal(store_crl_entry_delete(tx, c.issuer, 5), 0);
	s.n = 0;
	assert_int_equal(store_crl_entry_list(tx, c.issuer, 0, 100, see, &s),
	    0);
	assert_int_equal(s.n, 2);
	assert_int_equal(s.keys[1], 9);
	s.n = 0;
	assert_int_equal(store_crl_entry_list(tx, other, 0, 100, see, &s), 0);
	assert_int_equal(s.n, 1);
}

static void
test_missing_and_done(void **state)
{
	struct tx *tx = &((struct fix *)*state)->tx;
	uint8_t der[] = { 0x30, 0 };
	struct crl_entry_row e = { .issuer = fix_issuer(tx, "ec"),
	    .der = { der, sizeof der } };
	struct cert_row c[3];
	struct seen s = { .n = 0 };
	int64_t seq = 0;

	for (int i = 0; i < 3; i++) {
		assert_int_equal(fix_cert(tx, e.issuer, 0, (uint8_t)(i + 1),
		    &c[i]), 0);
		assert_int_equal(fix_status(tx, c[i].id, i == 1 ? CERT_GOOD :
		    CERT_REVOKED, 1, 5, &seq), 0);
	}
	/* The one that is good needs none. */
	assert_int_equal(store_crl_entry_missing(tx, 0, 9, see_cert, &s), 0);
	assert_int_equal(s.n, 2);
	assert_int_equal(s.keys[0], c[0].id);
	e.cert = c[2].id;
	e.rev_seq = seq;
	assert_int_equal(store_crl_entry_put(tx, &e), 0);
	s.n = 0;
	assert_int_equal(store_crl_entry_missing(tx, 0, 9, see_cert, &s), 0);
	assert_int_equal(s.n, 1);
	/* Done: it goes, by serial; a serial that is not there is fine. */
	assert_int_equal(store_crl_entry_done(tx, e.issuer, c[1].serial), 0);
	assert_int_equal(store_crl_entry_done(tx, e.issuer, c[2].serial), 0);
	s.n = 0;
	assert_int_equal(store_crl_entry_list(tx, e.issuer, 0, 9, see, &s), 0);
	assert_int_equal(s.n, 0);
}

#define T(fn) cmocka_unit_test_setup_teardown(fn, fix_setup, fix_teardown)

int
main(void)
{
	const struct CMUnitTest tests[] = {
		T(test_number_rises), T(test_rules), T(test_without_hash),
		T(test_entries), T(test_missing_and_done),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
