/* SPDX-License-Identifier: Apache-2.0 */
/* Revocation of factory identities (E9): fail closed. */
#include "tests/unit/ca/issue/vendor_pki.h"

static void
test_crl_good_and_missing(void **state)
{
	struct pki *k = *state;
	struct crl_spec r = crl_root(k), m = crl_mid(k);

	publish(k, &r, &m);
	good(k, "ACCC8E012345");
	publish(k, &r, NULL);
	refused(k, "idevid.crl-missing");
	publish(k, &m, NULL);
	refused(k, "idevid.crl-missing");
	publish(k, NULL, NULL);
	refused(k, "idevid.crl-missing");
	k->v.crl_required = 0;
	good(k, "ACCC8E012345");
}

static void
test_crl_revoked(void **state)
{
	struct pki *k = *state;
	struct crl_spec r = crl_root(k), m = crl_mid(k);

	m.revoked = k->leaf;
	publish(k, &r, &m);
	refused(k, "idevid.revoked");
	/* Listed is listed: also where CRLs are not required, or too old. */
	k->v.crl_required = 0;
	refused(k, "idevid.revoked");
	refused_at(k, NOW_MS + 300 * DAY_MS, "idevid.revoked");
	m.revoked = NULL;
	r.revoked = k->mid;
	publish(k, &r, &m);
	refused(k, "idevid.revoked");
	k->v.crl_required = 0;
	refused(k, "idevid.revoked");
}

static void
test_crl_age(void **state)
{
	struct pki *k = *state;
	struct crl_spec r = crl_root(k), m = crl_mid(k);
	int64_t end = m.next_ms / 1000 * 1000;

	publish(k, &r, &m);
	assert_int_equal(verify_at(k, end), 0);
	refused_at(k, end + 1, "idevid.crl-expired");
	k->v.crl_grace_ms = 3 * DAY_MS;
	assert_int_equal(verify_at(k, end + 3 * DAY_MS), 0);
	refused_at(k, end + 3 * DAY_MS + 1, "idevid.crl-expired");
	k->v.crl_required = 0;
	assert_int_equal(verify_at(k, end + 30 * DAY_MS), 0);
	/* From the future, and without an end. */
	m.this_ms = NOW_MS + DAY_MS;
	publish(k, &r, &m);
	refused(k, "idevid.crl-not-yet-valid");
	m.this_ms = NOW_MS + 200000;
	publish(k, &r, &m);
	good(k, "ACCC8E012345");
	m.next_ms = 0;
	publish(k, &r, &m);
	refused(k, "idevid.crl-unusable");
}

/* The newest list decides: an older one cannot bring a hold back, nor a
 * stale one let a revoked device in. */
static void
test_crl_newest_counts(void **state)
{
	struct pki *k = *state;
	struct crl_spec r = crl_root(k), m = crl_mid(k), old = crl_mid(k);
	X509_CRL *c;

	old.this_ms -= DAY_MS;
	old.revoked = k->leaf;
	publish(k, &r, &m);
	c = crl_of(&old);
	put_pem(&k->v.crls, NULL, c);
	X509_CRL_free(c);
	good(k, "ACCC8E012345");
	old.this_ms += 2 * DAY_MS;
	c = crl_of(&old);
	put_pem(&k->v.crls, NULL, c);
	X509_CRL_free(c);
	refused(k, "idevid.revoked");
}

static void
test_crl_that_does_not_count(void **state)
{
	struct pki *k = *state;
	struct crl_spec r = crl_root(k), m = crl_mid(k);

	m.key = k->root_key;                   /* another key, same name */
	publish(k, &r, &m);
	refused(k, "idevid.crl-signature");
	k->v.crl_required = 0;
	refused(k, "idevid.crl-signature");
	m = crl_mid(k);
	m.ext = "1.2.3.4=critical,ASN1:NULL";
	publish(k, &r, &m);
	refused(k, "idevid.crl-unusable");
	m.ext = "1.2.3.4=ASN1:NULL";
	publish(k, &r, &m);
	good(k, "ACCC8E012345");
	m.ext = "deltaCRL=critical,DER:020101";
	publish(k, &r, &m);
	refused(k, "idevid.crl-unusable");
	m.ext = "issuingDistributionPoint=critical,DER:30038201ff";
	publish(k, &r, &m);
	refused(k, "idevid.crl-unusable");
	m.ext = NULL;
	m.md = EVP_sha1();
	publish(k, &r, &m);
	refused(k, "idevid.crl-unusable");
	m.md = NULL;
	m.revoked = k->mid;                    /* some other serial */
	m.entry_ext = "1.2.3.4";
	publish(k, &r, &m);
	refused(k, "idevid.crl-unusable");
	m.entry_ext = "2.5.29.29";             /* certificateIssuer: indirect */
	publish(k, &r, &m);
	refused(k, "idevid.crl-unusable");
}

static void
test_crl_issuer_may_not_sign(void **state)
{
	struct pki *k = *state;
	struct spec mid = { .subject = "O=Vendor/CN=Mid",
	    .ext = "basicConstraints=critical,CA:TRUE|"
	    "keyUsage=critical,keyCertSign", .key = k->mid_key,
	    .issuer = k->root, .issuer_key = k->root_key };
	struct crl_spec r = crl_root(k), m;

	set_mid(k, cert_of(&mid));
	m = crl_mid(k);
	publish(k, &r, &m);
	refused(k, "idevid.crl-unusable");
}

/* A list of another generation of the CA, told apart by its key identifier,
 * is nobody's business; without one it would be taken for a forgery. */
static void
test_crl_of_another_generation(void **state)
{
	struct pki *k = *state;
	AUTO(EVP_PKEY) *other = EVP_EC_gen("P-256");
	struct spec mid = { .subject = "O=Vendor/CN=Mid", .ext = CA_EXT
	    "subjectKeyIdentifier=DER:04020102", .key = k->mid_key,
	    .issuer = k->root, .issuer_key = k->root_key };
	struct crl_spec r = crl_root(k), m;

	set_mid(k, cert_of(&mid));
	m = crl_mid(k);
	m.key = other;
	m.ext = "authorityKeyIdentifier=DER:300480020304";
	publish(k, &r, &m);
	refused(k, "idevid.crl-missing");
	k->v.crl_required = 0;
	good(k, "ACCC8E012345");
	m.ext = "authorityKeyIdentifier=DER:300480020102";
	publish(k, &r, &m);
	k->v.crl_required = 0;
	refused(k, "idevid.crl-signature");
	m.key = k->mid_key;
	publish(k, &r, &m);
	good(k, "ACCC8E012345");
}

static void
test_crl_bundle_damaged(void **state)
{
	struct pki *k = *state;
	struct crl_spec r = crl_root(k), m = crl_mid(k);

	publish(k, &r, &m);
	k->v.crls.n -= 30;
	refused(k, "idevid.crl-unusable");
	k->v.crl_required = 0;
	refused(k, "idevid.crl-unusable");
	k->v.crls.n += 30;
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		PKI_TEST(test_crl_good_and_missing),
		PKI_TEST(test_crl_revoked), PKI_TEST(test_crl_age),
		PKI_TEST(test_crl_newest_counts),
		PKI_TEST(test_crl_that_does_not_count),
		PKI_TEST(test_crl_issuer_may_not_sign),
		PKI_TEST(test_crl_of_another_generation),
		PKI_TEST(test_crl_bundle_damaged),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
