/* SPDX-License-Identifier: Apache-2.0 */
#include "tests/unit/ca/store/fixture.h"

static uint8_t roots[] = "-----BEGIN CERTIFICATE-----";

static int
count(const struct vendor_row *r, void *arg)
{
	assert_true(r->roots.n > 0);
	(*(int *)arg)++;
	return 0;
}

static void
test_put_get(void **state)
{
	struct tx *tx = &((struct fix *)*state)->tx;
	struct vendor_row r = { .name = "Acme", .enabled = 1,
	    .crl_grace_ms = 60000, .roots = { roots, sizeof roots } }, got;
	int n = 0;

	assert_int_equal(store_vendor_get(tx, "Acme", &got), CAMCA_ENOENT);
	store_vendor_free(&got);
	assert_int_equal(store_vendor_put(tx, &r), 0);
	assert_int_equal(store_vendor_get(tx, "Acme", &got), 0);
	assert_int_equal(got.enabled, 1);
	assert_int_equal(got.crl_required, 0);
	assert_int_equal(got.crl_grace_ms, 60000);
	assert_int_equal(got.roots.n, sizeof roots);
	assert_null(got.crls.p);
	store_vendor_free(&got);
	r.enabled = 0;
	r.crl_required = 1;
	r.crls = (struct store_blob){ roots, 3 };
	r.roots.n = 4;
	assert_int_equal(store_vendor_put(tx, &r), 0);
	assert_int_equal(store_vendor_get(tx, "Acme", &got), 0);
	assert_int_equal(got.enabled, 0);
	assert_int_equal(got.crls.n, 3);
	assert_int_equal(got.roots.n, 4);
	store_vendor_free(&got);
	snprintf(r.name, sizeof r.name, "Bolt");
	assert_int_equal(store_vendor_put(tx, &r), 0);
	assert_int_equal(store_vendor_list(tx, count, &n), 0);
	assert_int_equal(n, 2);
	store_vendor_free(NULL);
}

static void
test_rules(void **state)
{
	struct tx *tx = &((struct fix *)*state)->tx;
	struct vendor_row r = { .name = "Acme" };

	assert_int_equal(store_vendor_put(tx, &r), CAMCA_EINVAL);
	r.roots = (struct store_blob){ roots, 3 };
	r.enabled = 2;
	assert_int_equal(store_vendor_put(tx, &r), CAMCA_EINVAL);
	r.enabled = 1;
	r.crl_grace_ms = -1;
	assert_int_equal(store_vendor_put(tx, &r), CAMCA_EINVAL);
	r.crl_grace_ms = 0;
	r.name[0] = '\0';
	assert_int_equal(store_vendor_put(tx, &r), CAMCA_EINVAL);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(test_put_get, fix_setup,
		    fix_teardown),
		cmocka_unit_test_setup_teardown(test_rules, fix_setup,
		    fix_teardown),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
