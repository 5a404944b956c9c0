/* SPDX-License-Identifier: Apache-2.0 */
#include "tests/unit/ca/store/fixture.h"

static void
test_insert_get(void **state)
{
	struct tx *tx = &((struct fix *)*state)->tx;
	int64_t dev = fix_device(tx, "cam-1"), ca = fix_issuer(tx, "ec");
	struct cert_row c, got;
	uint8_t serial[STORE_SERIAL_LEN] = { 0 };
	int64_t n = -1;

	assert_int_equal(store_cert_count(tx, &n), 0);
	assert_int_equal(n, 0);
	assert_int_equal(fix_cert(tx, ca, dev, 1, &c), 0);
	memset(&got, 0xff, sizeof got);
	assert_int_equal(store_cert_by_serial(tx, c.serial, &got), 0);
	assert_int_equal(got.id, c.id);
	assert_int_equal(got.issuer, ca);
	assert_int_equal(got.device, dev);
	assert_string_equal(got.profile, "camera-tls");
	assert_string_equal(got.label, "cameras");
	assert_int_equal(got.not_before_ms, 5);
	assert_int_equal(got.not_after_ms, 1001);
	assert_memory_equal(got.spki, c.spki, sizeof c.spki);
	assert_int_equal(got.status, CERT_GOOD);
	assert_int_equal(got.reason, -1);
	assert_int_equal(got.rev_seq, 0);
	assert_int_equal(got.replaced_by, 0);
	assert_string_equal(got.revocation_challenge, "");
	assert_int_equal(got.der.n, 100);
	assert_int_equal(got.der.p[99], 1);
	store_cert_free(&got);
	assert_null(got.der.p);
	assert_int_equal(store_cert_by_serial(tx, serial, &got),
	    CAMCA_ENOENT);
	assert_null(got.der.p);
	assert_int_equal(fix_cert(tx, ca, dev, 1, &c), CAMCA_ECONFLICT);
	assert_int_equal(store_cert_count(tx, &n), 0);
	assert_int_equal(n, 1);
	store_cert_free(NULL);
}

static void
test_insert_rules(void **state)
{
	struct tx *tx = &((struct fix *)*state)->tx;
	int64_t dev = fix_device(tx, "cam-1"), ca = fix_issuer(tx, "ec");
	struct cert_row c = { .issuer = ca, .reason = -1 };
	uint8_t der[] = { 1 };

	assert_int_equal(store_cert_insert(tx, &c), CAMCA_EINVAL);
	c.der = (struct store_blob){ der, 1 };
	c.status = CERT_REVOKED + 1;
	assert_int_equal(store_cert_insert(tx, &c), CAMCA_EINVAL);
	c.status = CERT_GOOD;
	c.reason = 11;
	assert_int_equal(store_cert_insert(tx, &c), CAMCA_EINVAL);
	c.reason = -1;
	c.issuer = ca + 9;
	assert_int_equal(store_cert_insert(tx, &c), CAMCA_ENOENT);
	c.issuer = ca;
	c.device = dev + 9;
	assert_int_equal(store_cert_insert(tx, &c), CAMCA_ENOENT);
	c.device = 0;
	assert_int_equal(store_cert_insert(tx, &c), 0);
}

static void
test_by_spki(void **state)
{
	struct tx *tx = &((struct fix *)*state)->tx;
	int64_t one = fix_device(tx, "cam-1"), two = fix_device(tx, "cam-2");
	int64_t ca = fix_issuer(tx, "ec");
	struct cert_row c, got;
	bool other = true;

	assert_int_equal(fix_cert(tx, ca, one, 1, &c), 0);
	assert_int_equal(store_cert_spki_elsewhere(tx, c.spki, one, &other),
	    0);
	assert_false(other);
	assert_int_equal(store_cert_spki_elsewhere(tx, c.spki, two, &other),
	    0);
	assert_true(other);
	assert_int_equal(store_cert_by_spki(tx, c.spki, one, &got), 0);
	assert_int_equal(got.id, c.id);
	store_cert_free(&got);
	assert_int_equal(store_cert_by_spki(tx, c.spki, two, &got),
	    CAMCA_ENOENT);
	assert_int_equal(store_cert_by_spki(tx, c.spki, 0, &got), 0);
	store_cert_free(&got);
	/* Another key with the eight bytes that the index holds. */
	c.spki[8] ^= 1;
	assert_int_equal(store_cert_by_spki(tx, c.spki, 0, &got),
	    CAMCA_ENOENT);
	assert_int_equal(store_cert_spki_elsewhere(tx, c.spki, two, &other),
	    0);
	assert_false(other);
}

static void
test_spki_newest(void **state)
{
	struct tx *tx = &((struct fix *)*state)->tx;
	int64_t dev = fix_device(tx, "cam-1"), ca = fix_issuer(tx, "ec");
	uint8_t der[] = { 1 };
	struct cert_row a, b, got;
	bool other;

	assert_int_equal(fix_cert(tx, ca, dev, 1, &a), 0);
	b = a;
	b.serial[0] = 0x7f;
	b.der = (struct store_blob){ der, 1 };
	assert_int_equal(store_cert_insert(tx, &b), 0);
	assert_int_equal(store_cert_by_spki(tx, a.spki, dev, &got), 0);
	assert_int_equal(got.id, b.id);
	store_cert_free(&got);
	/* The authority's own key is nobody else's. */
	b.serial[0] = 0x7e;
	b.device = 0;
	memset(b.spki, 0xca, sizeof b.spki);
	assert_int_equal(store_cert_insert(tx, &b), 0);
	assert_int_equal(store_cert_spki_elsewhere(tx, b.spki, dev, &other),
	    0);
	assert_true(other);
}

static void
test_seen_replaced(void **state)
{
	struct tx *tx = &((struct fix *)*state)->tx;
	int64_t dev = fix_device(tx, "cam-1"), ca = fix_issuer(tx, "ec");
	struct cert_row a, b, got;

	assert_int_equal(fix_cert(tx, ca, dev, 1, &a), 0);
	assert_int_equal(fix_cert(tx, ca, dev, 2, &b), 0);
	assert_int_equal(store_cert_seen(tx, a.id, 70), 0);
	assert_int_equal(store_cert_seen(tx, a.id, 80), 0);
	assert_int_equal(store_cert_seen(tx, 99, 80), CAMCA_ENOENT);
	assert_int_equal(store_cert_replaced(tx, a.id, b.id), 0);
	assert_int_equal(store_cert_replaced(tx, a.id, 99), CAMCA_ENOENT);
	assert_int_equal(store_cert_replaced(tx, 99, b.id), CAMCA_ENOENT);
	assert_int_equal(store_cert_by_serial(tx, a.serial, &got), 0);
	assert_int_equal(got.seen_ms, 70);
	assert_int_equal(got.replaced_by, b.id);
	store_cert_free(&got);
}

static void
test_change(void **state)
{
	struct tx *tx = &((struct fix *)*state)->tx;
	int64_t dev = fix_device(tx, "cam-1"), ca = fix_issuer(tx, "ec");
	int64_t other = fix_issuer(tx, "rsa"), max = -1;
	struct cert_row c, stale, got;

	assert_int_equal(fix_cert(tx, ca, dev, 1, &c), 0);
	assert_int_equal(store_issuer_rev_seq(tx, ca, &max), 0);
	assert_int_equal(max, 0);
	stale = c;
	c.status = CERT_REVOKED;
	c.reason = 1;
	c.revoked_ms = 8;
	c.invalidity_ms = 7;
	assert_int_equal(store_cert_change(tx, &c), 0);
	assert_true(c.rev_seq > 0);
	assert_int_equal(store_issuer_rev_seq(tx, ca, &max), 0);
	assert_int_equal(max, c.rev_seq);
	/* Written once, at the end of the transaction. */
	assert_int_equal(tx->issuers[0].id, ca);
	assert_int_equal(tx->issuers[0].rev_seq, c.rev_seq);
	/* Of others nothing changed, and there are no others. */
	assert_int_equal(store_issuer_rev_seq(tx, other, &max), 0);
	assert_int_equal(max, 0);
	assert_int_equal(store_issuer_rev_seq(tx, other + 1, &max),
	    CAMCA_ENOENT);
	/* Who read the row before that change decides on what is past. */
	stale.status = CERT_HOLD;
	assert_int_equal(store_cert_change(tx, &stale), CAMCA_ECONFLICT);
	assert_int_equal(stale.rev_seq, 0);
	stale.id = 99;
	assert_int_equal(store_cert_change(tx, &stale), CAMCA_ENOENT);
	assert_int_equal(store_cert_by_serial(tx, c.serial, &got), 0);
	assert_int_equal(got.status, CERT_REVOKED);
	assert_int_equal(got.reason, 1);
	assert_int_equal(got.revoked_ms, 8);
	assert_int_equal(got.invalidity_ms, 7);
	assert_int_equal(got.rev_seq, c.rev_seq);
	store_cert_free(&got);
	/* Numbers rise, and are never given twice. */
	assert_int_equal(store_cert_change(tx, &c), 0);
	assert_true(c.rev_seq > max);
}

static int
change_one_of_each(struct tx *tx, void *arg)
{
	int64_t *seqs = arg, ca;
	char name[2] = "a";
	struct cert_row c;
	uint8_t i;
	int ret;

	for (i = 0; i < TX_ISSUERS + 2; i++, name[0]++) {
		ca = fix_issuer(tx, name);
		if ((ret = fix_cert(tx, ca, 0, i, &c)) < 0 ||
		    (ret = fix_status(tx, c.id, CERT_HOLD, 6, 5, &seqs[ca])) <
		    0 || (ret = fix_status(tx, c.id, CERT_REVOKED, 1, 5,
		    &seqs[ca])) < 0)
			return ret;
	}
	return CAMCA_OK;
}

/* More issuers than a transaction keeps in mind; what it keeps is written. */
static void
test_change_issuers(void **state)
{
	struct tx *tx = &((struct fix *)*state)->tx;
	int64_t seqs[TX_ISSUERS + 3] = { 0 }, seq, ca;

	assert_int_equal(tx_run(tx, change_one_of_each, seqs), 0);
	memset(tx->issuers, 0, sizeof tx->issuers);
	for (ca = 1; ca <= TX_ISSUERS + 2; ca++) {
		assert_int_equal(store_issuer_rev_seq(tx, ca, &seq), 0);
		assert_true(seq > 0);
		assert_int_equal(seq, seqs[ca]);
	}
}

/* The list of those that were replaced and are good follows each change. */
static void
test_change_replaced(void **state)
{
	struct tx *tx = &((struct fix *)*state)->tx;
	int64_t dev = fix_device(tx, "cam-1"), ca = fix_issuer(tx, "ec"), seq;
	struct db_val id;
	struct cert_row a, b;
	int64_t gone = 0;

	assert_int_equal(fix_cert(tx, ca, dev, 1, &a), 0);
	assert_int_equal(fix_cert(tx, ca, dev, 2, &b), 0);
	id = db_int(a.id);
	assert_int_equal(store_cert_replaced(tx, a.id, b.id), 0);
	assert_int_equal(store_cert_replaced(tx, a.id, b.id), 0);
	assert_int_equal(fix_status(tx, a.id, CERT_HOLD, 6, 5, &seq), 0);
	assert_int_equal(tx_exec(tx, ST_CERT_REPLACED_DELETE, &id, 1, &gone),
	    0);
	assert_int_equal(gone, 0);
	assert_int_equal(fix_status(tx, a.id, CERT_GOOD, -1, 0, &seq), 0);
	assert_int_equal(tx_exec(tx, ST_CERT_REPLACED_DELETE, &id, 1, &gone),
	    0);
	assert_int_equal(gone, 1);
}

static void
test_last_expiry(void **state)
{
	struct tx *tx = &((struct fix *)*state)->tx;
	int64_t ca = fix_issuer(tx, "ec"), at = -1;
	struct cert_row c;

	assert_int_equal(store_cert_last_expiry(tx, ca, &at), 0);
	assert_int_equal(at, 0);
	assert_int_equal(fix_cert(tx, ca, 0, 9, &c), 0);
	assert_int_equal(fix_cert(tx, ca, 0, 3, &c), 0);
	assert_int_equal(store_cert_last_expiry(tx, ca, &at), 0);
	assert_int_equal(at, 1009);
	assert_int_equal(store_cert_last_expiry(tx, ca + 1, &at),
	    CAMCA_ENOENT);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(test_insert_get, fix_setup,
		    fix_teardown),
		cmocka_unit_test_setup_teardown(test_insert_rules, fix_setup,
		    fix_teardown),
		cmocka_unit_test_setup_teardown(test_by_spki, fix_setup,
		    fix_teardown),
		cmocka_unit_test_setup_teardown(test_spki_newest, fix_setup,
		    fix_teardown),
		cmocka_unit_test_setup_teardown(test_seen_replaced, fix_setup,
		    fix_teardown),
		cmocka_unit_test_setup_teardown(test_change, fix_setup,
		    fix_teardown),
		cmocka_unit_test_setup_teardown(test_change_issuers, fix_setup,
		    fix_teardown),
		cmocka_unit_test_setup_teardown(test_change_replaced,
		    fix_setup, fix_teardown),
		cmocka_unit_test_setup_teardown(test_last_expiry, fix_setup,
		    fix_teardown),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
