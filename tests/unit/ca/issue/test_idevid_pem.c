/* SPDX-License-Identifier: Apache-2.0 */
/* Bundles of vendor roots and CRLs, as an operator hands them in. */
#include "tests/unit/ca/issue/vendor_pki.h"

static void
roots_refused(const void *pem, size_t n, const char *code)
{
	struct refusal why = { 0 };

	assert_int_equal(idevid_check_roots(pem, n, &why), CAMCA_EINVAL);
	assert_string_equal(why.code, code);
	assert_int_equal(why.http, 400);
	assert_int_equal(ERR_peek_error(), 0);
}

static void
test_check_roots(void **state)
{
	struct pki *k = *state;
	struct store_blob b = { NULL, 0 }, two = { NULL, 0 };
	struct spec ca_false = { .subject = "CN=x", .key = k->key };
	struct spec no_sign = { .subject = "CN=x", .key = k->key,
	    .ext = "basicConstraints=critical,CA:TRUE|keyUsage=cRLSign" };
	X509 *c;

	assert_int_equal(idevid_check_roots((const char *)k->v.roots.p,
	    k->v.roots.n, NULL), 0);
	roots_refused("", 0, "idevid.no-roots");
	roots_refused("hello\n", 6, "idevid.no-roots");
	roots_refused("-----BEGIN", 10, "idevid.pem");
	put_pem(&b, k->mid, NULL);
	roots_refused(b.p, b.n, "idevid.root");        /* not self-signed */
	store_blob_free(&b);
	b = (struct store_blob){ NULL, 0 };
	c = cert_of(&ca_false);
	put_pem(&b, c, NULL);
	X509_free(c);
	roots_refused(b.p, b.n, "idevid.root");
	store_blob_free(&b);
	b = (struct store_blob){ NULL, 0 };
	c = cert_of(&no_sign);
	put_pem(&b, c, NULL);
	X509_free(c);
	roots_refused(b.p, b.n, "idevid.root");
	store_blob_free(&b);
	/* Cut at each byte: never taken for a whole bundle, but where just the
	 * second root is missing. */
	put_pem(&two, k->root, NULL);
	put_pem(&two, k->root, NULL);
	for (size_t n = 0; n < two.n; n++) {
		int ret = idevid_check_roots((const char *)two.p, n, NULL);

		/* Up to four dashes of the next block are no block yet. */
		if (n + 1 >= two.n / 2 && n < two.n / 2 + 5)
			continue;
		if (n + 1 < two.n)
			assert_int_equal(ret, CAMCA_EINVAL);
	}
	assert_int_equal(idevid_check_roots((const char *)two.p, two.n, NULL),
	    0);
	store_blob_free(&two);
	assert_int_equal(ERR_peek_error(), 0);
}

static void
test_check_roots_takes_no_key(void **state)
{
	struct pki *k = *state;
	BIO *bio = BIO_new(BIO_s_mem());
	struct store_blob b = { NULL, 0 };
	char *p;
	long n;

	put_pem(&b, k->root, NULL);
	BIO_write(bio, b.p, (int)b.n);
	PEM_write_bio_PrivateKey(bio, k->root_key, NULL, NULL, 0, NULL, NULL);
	n = BIO_get_mem_data(bio, &p);
	roots_refused(p, (size_t)n, "idevid.pem");
	BIO_free(bio);
	store_blob_free(&b);
}

static void
test_check_roots_limits(void **state)
{
	struct pki *k = *state;
	struct store_blob b = { NULL, 0 };
	char *big;

	for (int i = 0; i < 64; i++)
		put_pem(&b, k->root, NULL);
	assert_int_equal(idevid_check_roots((const char *)b.p, b.n, NULL), 0);
	put_pem(&b, k->root, NULL);
	roots_refused(b.p, b.n, "idevid.pem");
	store_blob_free(&b);
	big = calloc(1, (32u << 20) + 1);
	assert_int_equal(idevid_check_roots(big, (32u << 20) + 1, NULL),
	    CAMCA_ELIMIT);
	free(big);
}

static void
test_check_crls(void **state)
{
	struct pki *k = *state;
	struct crl_spec r = crl_root(k), m = crl_mid(k), bad[5];
	const char *roots = (const char *)k->v.roots.p;
	size_t n = k->v.roots.n;

	publish(k, &r, &m);
	assert_int_equal(idevid_check_crls((const char *)k->v.crls.p,
	    k->v.crls.n, roots, n, &k->why), 0);
	for (int i = 0; i < 5; i++)
		bad[i] = crl_root(k);
	bad[0].key = k->mid_key;
	bad[1].next_ms = 0;
	bad[2].next_ms = bad[2].this_ms - DAY_MS;
	bad[3].ext = "1.2.3.4=critical,ASN1:NULL";
	bad[4].ext = "deltaCRL=critical,DER:020101";
	for (int i = 0; i < 5; i++) {
		publish(k, &bad[i], &m);
		assert_int_equal(idevid_check_crls((const char *)k->v.crls.p,
		    k->v.crls.n, roots, n, &k->why), CAMCA_EINVAL);
		assert_string_equal(k->why.code, "idevid.crl");
	}
	assert_int_equal(idevid_check_crls("", 0, roots, n, &k->why),
	    CAMCA_EINVAL);
	assert_string_equal(k->why.code, "idevid.no-crls");
	assert_int_equal(idevid_check_crls(roots, n, roots, n, &k->why),
	    CAMCA_EINVAL);
	assert_string_equal(k->why.code, "idevid.pem");
	assert_int_equal(ERR_peek_error(), 0);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		PKI_TEST(test_check_roots),
		PKI_TEST(test_check_roots_takes_no_key),
		PKI_TEST(test_check_roots_limits), PKI_TEST(test_check_crls),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
