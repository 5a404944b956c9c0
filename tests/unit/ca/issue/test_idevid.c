/* SPDX-License-Identifier: Apache-2.0 */
/* Factory identities (E9, A6, A7): path, usage, serial number. */
#include "tests/unit/ca/issue/vendor_pki.h"

/* ---- serial numbers ---- */

/* HardwareModuleName with these bytes as hwSerialNum, in a SAN. */
static void
issue_hw(struct pki *k, const char *subject, const uint8_t *p, uint8_t n,
    int copies)
{
	uint8_t der[200];
	GENERAL_NAMES *san = sk_GENERAL_NAME_new_null();
	struct spec s = { .subject = subject, .key = k->key, .issuer = k->mid,
	    .issuer_key = k->mid_key };
	X509 *c;

	/* SEQUENCE { OID 1.2.3, OCTET STRING } */
	der[0] = 0x30;
	der[1] = (uint8_t)(n + 6);
	memcpy(der + 2, "\x06\x02\x2a\x03\x04", 5);
	der[7] = n;
	memcpy(der + 8, p, n);
	for (int i = 0; i < copies; i++) {
		GENERAL_NAME *gn = GENERAL_NAME_new();
		ASN1_TYPE *t = ASN1_TYPE_new();
		ASN1_STRING *str = ASN1_STRING_new();

		ASN1_STRING_set(str, der, n + 8);
		ASN1_TYPE_set(t, V_ASN1_SEQUENCE, str);
		GENERAL_NAME_set0_othername(gn, OBJ_txt2obj("1.3.6.1.5.5.7.8.4",
		    1), t);
		sk_GENERAL_NAME_push(san, gn);
	}
	c = cert_of(&s);
	assert_int_equal(X509_add1_ext_i2d(c, NID_subject_alt_name, san, 1,
	    X509V3_ADD_DEFAULT), 1);
	assert_true(X509_sign(c, k->mid_key, EVP_sha256()) > 0);
	set_leaf(k, X509_dup(c));
	X509_free(c);
	GENERAL_NAMES_free(san);
}

static void
test_subject_serial(void **state)
{
	struct pki *k = *state;

	good(k, "ACCC8E012345");
	issue(k, "CN=cam/serialNumber=PID:X SN:17", NULL);
	good(k, "PID:X SN:17");
	issue(k, "CN=cam", NULL);
	refused(k, "idevid.no-serial");
	issue(k, "CN=cam/serialNumber=1/serialNumber=2", NULL);
	refused(k, "idevid.serial-ambiguous");
}

static void
test_serial_has_no_controls(void **state)
{
	static const unsigned char bad[][4] = { "a\0b", "a\nb", "\x7f" "ab" };
	struct pki *k = *state;

	for (size_t i = 0; i < 3; i++) {
		X509 *c = X509_dup(k->leaf);
		X509_NAME *n = X509_NAME_new();

		X509_NAME_add_entry_by_NID(n, NID_serialNumber,
		    V_ASN1_UTF8STRING, bad[i], 3, -1, 0);
		X509_set_subject_name(c, n);
		X509_NAME_free(n);
		X509_sign(c, k->mid_key, EVP_sha256());
		set_leaf(k, X509_dup(c));
		X509_free(c);
		refused(k, "idevid.serial-characters");
	}
}

static void
test_serial_buffer(void **state)
{
	struct pki *k = *state;
	char small[12], fits[13];

	assert_int_equal(idevid_verify(k->chain, &k->v, NOW_MS, small,
	    sizeof small, &k->why), CAMCA_EAUTH);
	assert_string_equal(k->why.code, "idevid.serial-length");
	assert_int_equal(idevid_verify(k->chain, &k->v, NOW_MS, fits,
	    sizeof fits, NULL), 0);
	assert_string_equal(fits, "ACCC8E012345");
}

static void
test_hardware_module_name(void **state)
{
	struct pki *k = *state;
	uint8_t bytes[70] = { 0xde, 0xad, 0x00, 0xef };

	issue_hw(k, "CN=cam", (const uint8_t *)"SN-77", 5, 1);
	good(k, "SN-77");
	issue_hw(k, "CN=cam", bytes, 4, 1);
	good(k, "dead00ef");
	issue_hw(k, "CN=cam/serialNumber=S1", bytes, 4, 1);
	good(k, "S1");                 /* the subject's comes first */
	issue_hw(k, "CN=cam", bytes, 4, 2);
	refused(k, "idevid.serial-ambiguous");
	issue_hw(k, "CN=cam", bytes, 0, 1);
	refused(k, "idevid.serial-length");
	issue_hw(k, "CN=cam", bytes, 64, 1);
	good(k, "dead00ef0000000000000000000000000000000000000000000000000000"
	    "00000000000000000000000000000000000000000000000000000000000000000"
	    "000");
	issue_hw(k, "CN=cam", bytes, 65, 1);
	refused(k, "idevid.serial-length");
}

static void
test_hardware_module_name_malformed(void **state)
{
	struct pki *k = *state;

	issue(k, "CN=cam",
	    "subjectAltName=otherName:1.3.6.1.5.5.7.8.4;UTF8:x");
	refused(k, "idevid.hardware-module-name");
}

/* ---- path ---- */
static void
test_dates(void **state)
{
	struct pki *k = *state;

	/* 99991231235959Z outlives every other date of the path. */
	assert_int_equal(X509_get0_notAfter(k->leaf)->type,
	    V_ASN1_GENERALIZEDTIME);
	good(k, "ACCC8E012345");
	refused_at(k, NOW_MS + 2 * YEAR_MS, "idevid.expired");
	refused_at(k, NOW_MS - 2 * YEAR_MS, "idevid.not-yet-valid");
	refused_at(k, INT64_C(253402300799000), "idevid.expired");
	refused_at(k, 0, "idevid.not-yet-valid");
}

static void
test_extensions(void **state)
{
	static const struct {
		const char *ext, *code;      /* NULL: fine */
	} cases[] = {
		{ "extendedKeyUsage=clientAuth", NULL },
		{ "keyUsage=critical,digitalSignature", NULL },
		{ "keyUsage=critical,digitalSignature,keyEncipherment", NULL },
		{ "basicConstraints=CA:FALSE", NULL },
		{ "extendedKeyUsage=serverAuth", "idevid.purpose" },
		{ "extendedKeyUsage=codeSigning", "idevid.purpose" },
		{ "keyUsage=critical,keyEncipherment", "idevid.purpose" },
		{ "1.2.3.4=critical,ASN1:NULL", "idevid.critical-extension" },
		{ "1.2.3.4=ASN1:NULL", NULL },
	};
	struct pki *k = *state;

	for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
		issue(k, "CN=cam/serialNumber=1", cases[i].ext);
		if (cases[i].code == NULL)
			good(k, "1");
		else
			refused(k, cases[i].code);
	}
	issue(k, "CN=cam/serialNumber=1", "basicConstraints=critical,CA:TRUE");
	refused(k, "idevid.is-ca");
}

static void
test_trust(void **state)
{
	struct pki *k = *state;
	struct spec other = { .subject = "O=Vendor/CN=Root", .ext = CA_EXT,
	    .key = k->mid_key };
	X509 *root = X509_dup(k->root);

	/* No intermediate; another vendor's root of the same name. */
	sk_X509_pop(k->chain);
	refused(k, "idevid.untrusted");
	sk_X509_push(k->chain, k->mid);
	set_root(k, cert_of(&other));
	assert_int_equal(verify_at(k, NOW_MS), CAMCA_EAUTH);
	assert_true(strcmp(k->why.code, "idevid.signature") == 0 ||
	    strcmp(k->why.code, "idevid.untrusted") == 0);
	set_root(k, root);
	good(k, "ACCC8E012345");
	/* The peer cannot bring its own root. */
	store_blob_free(&k->v.roots);
	k->v.roots = (struct store_blob){ NULL, 0 };
	sk_X509_push(k->chain, k->root);
	refused(k, "idevid.untrusted");
}

static void
test_self_signed_device(void **state)
{
	struct pki *k = *state;
	struct spec s = { .subject = "CN=cam/serialNumber=1", .key = k->key };

	set_leaf(k, cert_of(&s));
	refused(k, "idevid.untrusted");
}

/* A7, H10: certificates of this authority are no factory identities. */
static void
test_own_ca_is_no_vendor(void **state)
{
	struct pki *k = *state;
	AUTO(EVP_PKEY) *key = EVP_EC_gen("P-256");
	struct spec ca = { .subject = "CN=our issuing CA", .ext = CA_EXT,
	    .key = key };
	struct spec s = { .subject = "CN=cam-1/serialNumber=1", .key = k->key,
	    .issuer_key = key };
	X509 *own = cert_of(&ca);

	s.issuer = own;
	set_leaf(k, cert_of(&s));
	sk_X509_push(k->chain, own);
	refused(k, "idevid.untrusted");
	X509_free(own);
}

static void
test_not_ours(void **state)
{
	struct pki *k = *state;
	struct ca list = { .cert = k->mid };
	struct ca_set set = { &list, 1, 1, 1 };
	const char *pem = (const char *)k->v.roots.p;
	struct spec s = { .subject = "CN=renamed", .ext = CA_EXT,
	    .key = k->root_key };
	X509 *same_key;

	assert_int_equal(idevid_check_not_ours(pem, k->v.roots.n, &set,
	    &k->why), 0);
	list.cert = k->root;
	assert_int_equal(idevid_check_not_ours(pem, k->v.roots.n, &set,
	    &k->why), CAMCA_EPOLICY);
	assert_string_equal(k->why.code, "idevid.root-is-ours");
	same_key = list.cert = cert_of(&s);
	assert_int_equal(idevid_check_not_ours(pem, k->v.roots.n, &set,
	    &k->why), CAMCA_EPOLICY);
	X509_free(same_key);
}

/* Intermediates that OpenSSL would take outside its strict mode. */
static void
test_intermediate_must_be_ca(void **state)
{
	static const char *const exts[] = { NULL,
		"basicConstraints=critical,CA:FALSE",
		"keyUsage=critical,keyCertSign",
		"basicConstraints=critical,CA:TRUE|keyUsage=digitalSignature" };
	struct pki *k = *state;

	for (size_t i = 0; i < sizeof exts / sizeof exts[0]; i++) {
		struct spec mid = { .subject = "O=Vendor/CN=Mid",
		    .ext = exts[i], .key = k->mid_key, .issuer = k->root,
		    .issuer_key = k->root_key };

		set_mid(k, cert_of(&mid));
		assert_int_equal(verify_at(k, NOW_MS), CAMCA_EAUTH);
		assert_true(strcmp(k->why.code, "idevid.invalid-ca") == 0 ||
		    strcmp(k->why.code, "idevid.untrusted") == 0 ||
		    strcmp(k->why.code, "idevid.invalid") == 0);
	}
}

static void
test_path_length(void **state)
{
	struct pki *k = *state;
	struct spec root = { .subject = "O=Vendor/CN=Root",
	    .ext = "basicConstraints=critical,CA:TRUE,pathlen:0",
	    .key = k->root_key };

	set_root(k, cert_of(&root));
	refused(k, "idevid.path-length");
}

static void
test_chain_too_long(void **state)
{
	struct pki *k = *state;
	X509 *made[12], *up = k->root;

	for (int i = 0; i < 12; i++) {
		char subject[32];
		struct spec s = { .subject = subject, .ext = CA_EXT,
		    .key = k->root_key, .issuer = up,
		    .issuer_key = k->root_key };

		snprintf(subject, sizeof subject, "CN=sub %d", i);
		up = made[i] = cert_of(&s);
	}
	for (int n = 7; n <= 12; n++) {
		struct spec s = { .subject = "CN=cam/serialNumber=1",
		    .key = k->key, .issuer = made[n - 1],
		    .issuer_key = k->root_key };

		set_leaf(k, cert_of(&s));
		while (sk_X509_num(k->chain) > 1)
			sk_X509_pop(k->chain);
		for (int i = 0; i < n; i++)
			sk_X509_push(k->chain, made[i]);
		if (n <= 8)
			good(k, "1");
		else
			refused(k, "idevid.chain-too-long");
	}
	for (int i = 0; i < 12; i++)
		X509_free(made[i]);
}

static void
test_weak(void **state)
{
	struct pki *k = *state;
	AUTO(EVP_PKEY) *small = EVP_RSA_gen(1024);
	struct spec s = { .subject = "CN=cam/serialNumber=1", .key = small,
	    .issuer = k->mid, .issuer_key = k->mid_key };

	set_leaf(k, cert_of(&s));
	refused(k, "idevid.weak");
	s.key = k->key;
	s.md = EVP_sha1();
	set_leaf(k, cert_of(&s));
	refused(k, "idevid.weak");
}

static void
test_vendor_settings(void **state)
{
	struct pki *k = *state;
	STACK_OF(X509) *empty = sk_X509_new_null(), *chain = k->chain;

	k->v.enabled = 0;
	refused(k, "idevid.vendor-disabled");
	k->v.enabled = 1;
	k->v.roots.n--;
	k->v.roots.n -= 4;
	refused(k, "idevid.roots");
	k->v.roots.n += 5;
	k->chain = empty;
	refused(k, "idevid.missing");
	k->chain = NULL;
	refused(k, "idevid.missing");
	k->chain = chain;
	good(k, "ACCC8E012345");
	sk_X509_free(empty);
}

/* No flipped bit of the device's certificate verifies. */
static void
test_every_bit(void **state)
{
	struct pki *k = *state;
	unsigned char *der = NULL;
	int n = i2d_X509(k->leaf, &der);
	X509 *bad, *kept = k->leaf;

	for (int bit = 0; bit < n * 8; bit++) {
		const unsigned char *p = der;

		der[bit / 8] ^= (unsigned char)(1 << bit % 8);
		bad = d2i_X509(NULL, &p, n);
		if (bad != NULL && p == der + n) {
			sk_X509_set(k->chain, 0, bad);
			ERR_clear_error();
			assert_int_equal(verify_at(k, NOW_MS), CAMCA_EAUTH);
		}
		X509_free(bad);
		ERR_clear_error();
		der[bit / 8] ^= (unsigned char)(1 << bit % 8);
	}
	sk_X509_set(k->chain, 0, kept);
	OPENSSL_free(der);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		PKI_TEST(test_subject_serial),
		PKI_TEST(test_serial_has_no_controls),
		PKI_TEST(test_serial_buffer),
		PKI_TEST(test_hardware_module_name),
		PKI_TEST(test_hardware_module_name_malformed),
		PKI_TEST(test_dates), PKI_TEST(test_extensions),
		PKI_TEST(test_trust), PKI_TEST(test_self_signed_device),
		PKI_TEST(test_own_ca_is_no_vendor), PKI_TEST(test_not_ours),
		PKI_TEST(test_intermediate_must_be_ca),
		PKI_TEST(test_path_length), PKI_TEST(test_chain_too_long),
		PKI_TEST(test_weak), PKI_TEST(test_vendor_settings),
		PKI_TEST(test_every_bit),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
