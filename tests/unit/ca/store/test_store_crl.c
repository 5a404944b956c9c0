/* SPDX-License-Identifier: Apache-2.0 */
#include "tests/unit/ca/store/fixture.h"

static void
test_number_rises(void **state)
{
	struct tx *tx = &((struct fix *)*state)->tx;
	uint8_t der[5000];
	struct crl_row r = { .number = 5, .rev_seq = 2, .this_update_ms = 10,
	    .next_update_ms = 20, .der = { der, sizeof der } }, got;

	memset(der, 0x30, sizeof der);
	r.issuer = fix_issuer(tx, "ec");
	assert_int_equal(store_crl_get(tx, r.issuer, &got), CAMCA_ENOENT);
	assert_int_equal(store_crl_put(tx, &r), 0);
	assert_int_equal(store_crl_put(tx, &r), CAMCA_ECONFLICT);
	r.number = 4;
	assert_int_equal(store_crl_put(tx, &r), CAMCA_ECONFLICT);
	r.number = 6;
	r.rev_seq = 3;
	r.der.n = 10;
	assert_int_equal(store_crl_put(tx, &r), 0);
	assert_int_equal(store_crl_get(tx, r.issuer, &got), 0);
	assert_int_equal(got.number, 6);
	assert_int_equal(got.rev_seq, 3);
	assert_int_equal(got.this_update_ms, 10);
	assert_int_equal(got.next_update_ms, 20);
	assert_int_equal(got.der.n, 10);
	store_blob_free(&got.der);
}

static void
test_rules(void **state)
{
	struct tx *tx = &((struct fix *)*state)->tx;
	uint8_t der[] = { 0x30 };
	struct crl_row r = { .issuer = 9, .number = 1, .der = { der, 1 } };

	assert_int_equal(store_crl_put(tx, &r), CAMCA_ENOENT);
	r.issuer = fix_issuer(tx, "ec");
	r.number = -1;
	assert_int_equal(store_crl_put(tx, &r), CAMCA_EINVAL);
	r.number = 1;
	r.der.n = 0;
	assert_int_equal(store_crl_put(tx, &r), CAMCA_EINVAL);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(test_number_rises, fix_setup,
		    fix_teardown),
		cmocka_unit_test_setup_teardown(test_rules, fix_setup,
		    fix_teardown),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
