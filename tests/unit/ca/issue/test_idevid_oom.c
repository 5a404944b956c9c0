/* SPDX-License-Identifier: Apache-2.0 */
/* Memory that runs out at each allocation in turn: a factory identity that is
 * refused stays refused, and nothing leaks. */
#include "tests/unit/ca/issue/vendor_pki.h"
#include "tests/unit/ossl_nth.h"

/* Runs it with every step-th allocation failing in turn, until none is left;
 * returns how often it said yes before that. */
static int
each_allocation(struct pki *k, int want, long step)
{
	int yes = 0, ret;

	for (long n = 0; n < 100000; n += step) {
		memset(&k->why, 0, sizeof k->why);
		ossl_nth_left = n;
		ret = idevid_verify(k->chain, &k->v, NOW_MS, k->serial,
		    sizeof k->serial, &k->why);
		if (ossl_nth_left >= 0) {
			ossl_nth_left = -1;
			assert_int_equal(ret, want);
			assert_true(n > 100);
			return yes;
		}
		assert_true(ret == 0 || k->why.http != 0);
		assert_int_equal(ERR_peek_error(), 0);
		yes += ret == 0;
	}
	fail();
	return yes;
}

static void
test_good_chain(void **state)
{
	struct pki *k = *state;
	struct crl_spec r = crl_root(k), m = crl_mid(k);

	publish(k, &r, &m);
	each_allocation(k, 0, 7);
}

static void
test_revoked_stays_out(void **state)
{
	struct pki *k = *state;
	struct crl_spec r = crl_root(k), m = crl_mid(k);

	m.revoked = k->leaf;
	publish(k, &r, &m);
	assert_int_equal(each_allocation(k, CAMCA_EAUTH, 5), 0);
	/* The one where a check that fails could pass for a check not made. */
	k->v.crl_required = 0;
	assert_int_equal(each_allocation(k, CAMCA_EAUTH, 1), 0);
}

static void
test_unknown_vendor_stays_out(void **state)
{
	struct pki *k = *state;
	struct spec s = { .subject = "CN=cam/serialNumber=1", .key = k->key };

	set_leaf(k, cert_of(&s));
	assert_int_equal(each_allocation(k, CAMCA_EAUTH, 3), 0);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		PKI_TEST(test_good_chain), PKI_TEST(test_revoked_stays_out),
		PKI_TEST(test_unknown_vendor_stays_out),
	};

	if (ossl_nth_setup() != 1)
		return 1;
	return cmocka_run_group_tests(tests, NULL, NULL);
}
