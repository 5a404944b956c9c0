/* SPDX-License-Identifier: Apache-2.0 */
/* Client certificates of ours (A6, A7, H10): what counts and what does not. */
#include "tests/unit/ca/issue/ca_fixture.h"

#include "ca/issue/cert_ext.h"

/* A leaf like the product's, which a test spoils before ca's key signs it. */
static X509 *
draft(struct fix *f, X509 *issuer, EVP_PKEY *key)
{
	X509 *c = X509_new();
	AUTO(X509_NAME) *name = X509_NAME_new();
	uint8_t serial[20];

	assert_int_equal(cert_serial(&f->ctx, f->now_ms, serial), 0);
	assert_int_equal(cert_set_basics(c, serial, f->now_ms - 300000,
	    f->now_ms + YEAR_MS), 0);
	assert_int_equal(X509_NAME_add_entry_by_NID(name, NID_commonName,
	    MBSTRING_UTF8, (const unsigned char *)"cam", -1, -1, 0), 1);
	assert_int_equal(X509_set_subject_name(c, name), 1);
	assert_int_equal(X509_set_issuer_name(c,
	    X509_get_subject_name(issuer)), 1);
	assert_int_equal(X509_set_pubkey(c, key), 1);
	assert_int_equal(cert_add_aki(c, X509_get0_subject_key_id(issuer)), 0);
	return c;
}

static void
extend(X509 *c, int nid, const char *value)
{
	AUTO(X509_EXTENSION) *e = X509V3_EXT_conf_nid(NULL, NULL, nid, value);

	assert_non_null(e);
	assert_int_equal(X509_add_ext(c, e, -1), 1);
}

/* Decodes it afresh, as it comes from the wire. */
static X509 *
wire(X509 *c)
{
	X509 *again = X509_dup(c);

	assert_non_null(again);
	X509_free(c);
	return again;
}

static int
verify(struct fix *f, X509 *leaf, bool *expired)
{
	const struct ca *ca = NULL;
	int ret;

	memset(&f->why, 0, sizeof f->why);
	ret = ca_verify_leaf(f->set, leaf, f->now_ms, &ca, expired, &f->why);
	assert_int_equal(ERR_peek_error(), 0);
	if (ret == 0) {
		assert_non_null(ca);
		assert_int_equal(X509_verify(leaf,
		    X509_get0_pubkey(ca->cert)), 1);
	} else {
		assert_null(ca);
	}
	return ret;
}

static void
refused(struct fix *f, X509 *leaf, const char *code)
{
	bool expired = false;

	assert_int_equal(verify(f, leaf, &expired), CAMCA_EAUTH);
	assert_string_equal(f->why.code, code);
	assert_int_equal(f->why.http, 403);
	assert_true(strlen(f->why.detail) > 10);
}

static void
test_good(void **state)
{
	struct fix *f = *state;
	bool expired = true;
	X509 *leaf;

	fix_cas(f);
	leaf = wire(fix_leaf(f, ca_active(f->set, "ec"), "cam-1", YEAR_MS));
	assert_int_equal(verify(f, leaf, &expired), 0);
	assert_false(expired);
	assert_int_equal(verify(f, leaf, NULL), 0);
	/* Through a rollover of issuing CA and root. */
	fix_next(f, "ec", 10 * YEAR_MS);
	fix_next(f, "root", 20 * YEAR_MS);
	assert_int_equal(verify(f, leaf, NULL), 0);
	X509_free(leaf);
}

static void
test_bare_extensions(void **state)
{
	struct fix *f = *state;
	AUTO(EVP_PKEY) *key = fix_key();
	const struct ca *ec;
	X509 *leaf;

	fix_cas(f);
	ec = ca_active(f->set, "ec");
	leaf = draft(f, ec->cert, key);
	assert_int_equal(hsm_sign_cert(ec->key, leaf), 0);
	leaf = wire(leaf);
	assert_int_equal(verify(f, leaf, NULL), 0);
	X509_free(leaf);
}

static void
test_time(void **state)
{
	struct fix *f = *state;
	bool expired = false;
	X509 *leaf;

	fix_cas(f);
	leaf = wire(fix_leaf(f, ca_active(f->set, "ec"), "cam-1", YEAR_MS));
	f->now_ms = FIX_NOW_MS + YEAR_MS + 999;        /* its last second */
	assert_int_equal(verify(f, leaf, &expired), 0);
	assert_false(expired);
	f->now_ms++;
	assert_int_equal(verify(f, leaf, &expired), 0);
	assert_true(expired);
	assert_int_equal(verify(f, leaf, NULL), CAMCA_EAUTH);
	assert_string_equal(f->why.code, "client.expired");
	f->now_ms = FIX_NOW_MS + 11 * YEAR_MS;         /* issuing CA is over */
	refused(f, leaf, "client.issuer-expired");
	f->now_ms = FIX_NOW_MS - DAY_MS;
	refused(f, leaf, "client.issuer-expired");
	X509_free(leaf);
	f->now_ms = FIX_NOW_MS + DAY_MS;
	leaf = wire(fix_leaf(f, ca_active(f->set, "ec"), "cam-1", YEAR_MS));
	f->now_ms = FIX_NOW_MS;
	refused(f, leaf, "client.not-yet-valid");
	X509_free(leaf);
}

/* Extensions that the profile would never give, under our own signature. */
static void
test_extensions(void **state)
{
	static const struct {
		int nid;
		const char *value, *code;
	} bad[] = {
		{ NID_basic_constraints, "critical,CA:TRUE", "client.is-ca" },
		{ NID_key_usage, "critical,keyEncipherment",
		    "client.key-usage" },
		{ NID_ext_key_usage, "serverAuth",
		    "client.extended-key-usage" },
		{ NID_ext_key_usage, "anyExtendedKeyUsage",
		    "client.extended-key-usage" },
		{ NID_ext_key_usage, "OCSPSigning",
		    "client.extended-key-usage" },
		{ NID_netscape_comment, "critical,x",
		    "client.critical-extension" },
	};
	struct fix *f = *state;
	AUTO(EVP_PKEY) *key = fix_key();
	const struct ca *ec;

	fix_cas(f);
	ec = ca_active(f->set, "ec");
	for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) {
		X509 *leaf = draft(f, ec->cert, key);

		extend(leaf, bad[i].nid, bad[i].value);
		assert_int_equal(hsm_sign_cert(ec->key, leaf), 0);
		leaf = wire(leaf);
		refused(f, leaf, bad[i].code);
		X509_free(leaf);
	}
}

static void
test_nobody_of_ours(void **state)
{
	struct fix *f = *state;
	AUTO(EVP_PKEY) *key = fix_key();
	AUTO(EVP_PKEY) *rogue = fix_key();
	const struct ca *ec, *root;
	X509 *leaf;

	fix_cas(f);
	ec = ca_active(f->set, "ec");
	root = ca_root(f->set);
	/* Our names and key identifier, but another key: a forgery. */
	leaf = draft(f, ec->cert, key);
	assert_true(X509_sign(leaf, rogue, EVP_sha256()) > 0);
	leaf = wire(leaf);
	refused(f, leaf, "client.signature");
	X509_free(leaf);
	/* Self-signed (libmicrohttpd lets such a one through). */
	leaf = fix_leaf(f, ec, "rogue", YEAR_MS);
	X509_set_issuer_name(leaf, X509_get_subject_name(leaf));
	assert_true(X509_sign(leaf, rogue, EVP_sha256()) > 0);
	leaf = wire(leaf);
	refused(f, leaf, "client.issuer-unknown");
	X509_free(leaf);
	/* A root issues no leaf, even where its key signed one. */
	leaf = draft(f, root->cert, key);
	assert_int_equal(hsm_sign_cert(root->key, leaf), 0);
	leaf = wire(leaf);
	refused(f, leaf, "client.issuer-unknown");
	X509_free(leaf);
	/* Nor are the CAs themselves clients. */
	refused(f, ec->cert, "client.issuer-unknown");
	refused(f, root->cert, "client.issuer-unknown");
	refused(f, fix_next(f, "ec", 10 * YEAR_MS)->new_with_old,
	    "client.is-ca");
}

static void
test_wrong_issuer_name(void **state)
{
	struct fix *f = *state;
	AUTO(EVP_PKEY) *key = fix_key();
	const struct ca *ec;
	X509 *leaf;

	fix_cas(f);
	ec = ca_active(f->set, "ec");
	leaf = draft(f, ec->cert, key);
	assert_int_equal(X509_set_issuer_name(leaf,
	    X509_get_subject_name(ca_root(f->set)->cert)), 1);
	assert_int_equal(hsm_sign_cert(ec->key, leaf), 0);
	leaf = wire(leaf);
	refused(f, leaf, "client.issuer-unknown");
	X509_free(leaf);
}

/* One authority's cameras mean nothing to another with the same names. */
static void
test_other_authority(void **state)
{
	struct fix *f = *state;
	X509 *leaf;

	fix_cas(f);
	leaf = wire(fix_leaf(f, ca_active(f->set, "ec"), "cam-1", YEAR_MS));
	assert_int_equal(fix_teardown(state), 0);
	assert_int_equal(fix_setup(state), 0);
	fix_cas(f);
	refused(f, leaf, "client.issuer-unknown");
	X509_free(leaf);
}

/* No single flipped bit and no cut leaves a certificate that verifies. */
static void
test_every_bit(void **state)
{
	struct fix *f = *state;
	unsigned char *der = NULL;
	const unsigned char *p;
	X509 *leaf, *bad;
	int n;

	fix_cas(f);
	leaf = fix_leaf(f, ca_active(f->set, "ec"), "cam-1", YEAR_MS);
	n = i2d_X509(leaf, &der);
	X509_free(leaf);
	for (int bit = 0; bit < n * 8; bit++) {
		der[bit / 8] ^= (unsigned char)(1 << bit % 8);
		p = der;
		bad = d2i_X509(NULL, &p, n);
		if (bad != NULL && p == der + n)
			assert_int_equal(verify(f, bad, NULL), CAMCA_EAUTH);
		X509_free(bad);
		ERR_clear_error();
		der[bit / 8] ^= (unsigned char)(1 << bit % 8);
	}
	for (int cut = 0; cut < n; cut++) {
		p = der;
		assert_null(d2i_X509(NULL, &p, cut));
		ERR_clear_error();
	}
	OPENSSL_free(der);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		FIX_TEST(test_good), FIX_TEST(test_bare_extensions),
		FIX_TEST(test_time), FIX_TEST(test_extensions),
		FIX_TEST(test_nobody_of_ours), FIX_TEST(test_wrong_issuer_name),
		FIX_TEST(test_other_authority), FIX_TEST(test_every_bit),
	};

	return cmocka_run_group_tests(tests, fix_group, fix_group_end);
}
