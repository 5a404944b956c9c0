/* SPDX-License-Identifier: Apache-2.0 */
#include "enroll/renew/csr.h"
#include "enroll/renew/keys.h"
#include "pki.h"

static void
subjects(void **state)
{
	static const char *const bad[] = { "CN", "CN=", "=x", "XX=y", "CN=a,",
	    "CN=a\\", "C=too-long", "CN=a,,O=b" };
	struct refusal why;
	X509_NAME *n = NULL;
	char text[128], longer[400];

	(void)state;
	assert_int_equal(csr_subject_parse(&n,
	    "CN=cam\\,1\\=x,serialNumber=SN 1,O=Caf\xc3\xa9", &why), 0);
	assert_int_equal(X509_NAME_entry_count(n), 3);
	assert_true(X509_NAME_get_text_by_NID(n, NID_commonName, text,
	    sizeof text) > 0);
	assert_string_equal(text, "cam,1=x");
	X509_NAME_free(n);
	for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++)
		assert_int_equal(csr_subject_parse(&n, bad[i], &why),
		    CAMCA_EINVAL);
	memset(longer, 'a', sizeof longer);
	memcpy(longer, "CN=", 3);
	longer[sizeof longer - 1] = '\0';
	assert_int_equal(csr_subject_parse(&n, longer, &why), CAMCA_EINVAL);
	assert_int_equal(ERR_peek_error(), 0);
}

static void
alternative_names(void **state)
{
	static const char *const bad[] = { "", "x", "DNS:", "IP:300.1.1.1",
	    "RID:1.2", "dirName:x", "DNS:a,", "otherName:1;UTF8:x" };
	X509_EXTENSION *e = NULL;
	GENERAL_NAMES *list;
	struct refusal why;

	(void)state;
	assert_int_equal(csr_san_parse(&e,
	    "DNS:cam.example,IP:192.0.2.7,IP:2001:db8::1,URI:urn:x:1", &why),
	    0);
	list = X509V3_EXT_d2i(e);
	assert_int_equal(sk_GENERAL_NAME_num(list), 4);
	GENERAL_NAMES_free(list);
	X509_EXTENSION_free(e);
	for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++)
		if (strcmp(bad[i], "DNS:a,") != 0)
			assert_int_equal(csr_san_parse(&e, bad[i], &why),
			    CAMCA_EINVAL);
}

static X509_REQ *
build(const struct csr_spec *spec, EVP_PKEY *key, struct refusal *why,
    int want)
{
	const unsigned char *p;
	X509_REQ *req = NULL;
	struct buf der;

	buf_init(&der, 0);
	assert_int_equal(csr_build(&der, spec, key, why), want);
	if (want == CAMCA_OK) {
		p = der.data;
		req = d2i_X509_REQ(NULL, &p, (long)der.len);
		assert_non_null(req);
		assert_int_equal(X509_REQ_get_version(req), 0);
		assert_int_equal(X509_REQ_verify(req, key), 1);
	}
	buf_fini(&der);
	assert_int_equal(ERR_peek_error(), 0);
	return req;
}

static const char *
attribute(X509_REQ *req, int nid)
{
	int at = X509_REQ_get_attr_by_NID(req, nid, -1);
	ASN1_TYPE *t;

	if (at < 0)
		return NULL;
	t = X509_ATTRIBUTE_get0_type(X509_REQ_get_attr(req, at), 0);
	assert_int_equal(ASN1_TYPE_get(t), V_ASN1_PRINTABLESTRING);
	return (const char *)t->value.asn1_string->data;
}

static void
binding_where_asked(void **state)
{
	struct csrattrs wish;
	struct csr_spec spec = { .wish = &wish, .binding = "QUJD+/8=" };
	EVP_PKEY *key = pki_key();
	struct refusal why;
	X509_NAME *name;
	X509_REQ *req;
	int link;

	(void)state;
	link = OBJ_create("1.2.840.113549.1.9.16.2.58", "estLink", "estLink");
	csrattrs_init(&wish);
	assert_int_equal(csr_subject_parse(&name, "CN=cam", &why), 0);
	spec.subject = name;
	req = build(&spec, key, &why, 0);
	assert_null(attribute(req, NID_pkcs9_challengePassword));
	X509_REQ_free(req);
	wish.challenge_password = true;
	req = build(&spec, key, &why, 0);
	assert_string_equal(attribute(req, NID_pkcs9_challengePassword),
	    "QUJD+/8=");
	assert_null(attribute(req, link));
	X509_REQ_free(req);
	wish.identity_linking = true;
	wish.challenge_password = false;
	req = build(&spec, key, &why, 0);
	assert_string_equal(attribute(req, link), "QUJD+/8=");
	assert_null(attribute(req, NID_pkcs9_challengePassword));
	X509_REQ_free(req);
	X509_NAME_free(name);
	EVP_PKEY_free(key);
}

static void
template_is_filled(void **state)
{
	struct csrattrs wish;
	struct csr_spec spec = { .wish = &wish };
	EVP_PKEY *key = pki_key();
	struct refusal why = { 0 };
	X509_NAME *name, *got;
	X509_REQ *req;
	char text[64];

	(void)state;
	csrattrs_init(&wish);
	wish.has_template = true;
	wish.rdn_count = 2;
	wish.rdn[0].type = OBJ_nid2obj(NID_organizationName);
	wish.rdn[0].value = ASN1_TYPE_new();
	ASN1_TYPE_set(wish.rdn[0].value, V_ASN1_UTF8STRING,
	    ASN1_UTF8STRING_new());
	ASN1_STRING_set(wish.rdn[0].value->value.utf8string, "Site", 4);
	wish.rdn[1].type = OBJ_nid2obj(NID_commonName);
	wish.rdn[1].set = 1;
	assert_int_equal(csr_subject_parse(&name, "CN=cam,O=Mine", &why), 0);
	spec.subject = name;
	req = build(&spec, key, &why, 0);
	got = X509_REQ_get_subject_name(req);
	X509_NAME_get_text_by_NID(got, NID_organizationName, text, sizeof text);
	assert_string_equal(text, "Site");
	X509_NAME_get_text_by_NID(got, NID_commonName, text, sizeof text);
	assert_string_equal(text, "cam");
	X509_REQ_free(req);
	/* RFC 7030 4.2.2: a re-enrollment keeps its names, template or not. */
	spec.same_names = true;
	req = build(&spec, key, &why, 0);
	assert_int_equal(X509_NAME_cmp(X509_REQ_get_subject_name(req), name),
	    0);
	X509_REQ_free(req);
	spec.same_names = false;
	wish.rdn[1].type = OBJ_nid2obj(NID_serialNumber);
	assert_null(build(&spec, key, &why, CAMCA_EPOLICY));
	assert_string_equal(why.code, "csr.template-name");
	X509_NAME_free(name);
	csrattrs_fini(&wish);
	EVP_PKEY_free(key);
}

/* Number of extensions in a request, and whether its SAN is ours. */
static void
check_san(X509_REQ *req, int count, X509_EXTENSION *san)
{
	STACK_OF(X509_EXTENSION) *l = X509_REQ_get_extensions(req);
	X509_EXTENSION *e;
	int at = X509v3_get_ext_by_NID(l, NID_subject_alt_name, -1);

	assert_int_equal(l != NULL ? sk_X509_EXTENSION_num(l) : 0, count);
	assert_int_equal(at >= 0, san != NULL);
	if (san != NULL) {
		e = X509v3_get_ext(l, at);
		assert_int_equal(ASN1_OCTET_STRING_cmp(
		    X509_EXTENSION_get_data(e),
		    X509_EXTENSION_get_data(san)), 0);
	}
	sk_X509_EXTENSION_pop_free(l, X509_EXTENSION_free);
	X509_REQ_free(req);
}

static void
whose_alternative_names(void **state)
{
	struct csrattrs wish;
	struct csr_spec spec = { .wish = &wish };
	X509_EXTENSION *ours, *theirs;
	EVP_PKEY *key = pki_key();
	struct refusal why;
	X509_NAME *name;

	(void)state;
	csrattrs_init(&wish);
	assert_int_equal(csr_subject_parse(&name, "CN=cam", &why), 0);
	assert_int_equal(csr_san_parse(&ours, "DNS:ours", &why), 0);
	assert_int_equal(csr_san_parse(&theirs, "DNS:theirs", &why), 0);
	wish.extensions = sk_X509_EXTENSION_new_null();
	sk_X509_EXTENSION_push(wish.extensions, theirs);
	spec.subject = name;
	check_san(build(&spec, key, &why, 0), 1, theirs);
	spec.san = ours;
	check_san(build(&spec, key, &why, 0), 1, ours);
	/* H3: absent stays absent. */
	spec.same_names = true;
	check_san(build(&spec, key, &why, 0), 1, ours);
	spec.san = NULL;
	check_san(build(&spec, key, &why, 0), 0, NULL);
	X509_NAME_free(name);
	X509_EXTENSION_free(ours);
	csrattrs_fini(&wish);
	EVP_PKEY_free(key);
}

static void
digests(void **state)
{
	static const struct { int wish, key_nid, want; } cases[] = {
		{ NID_undef, NID_undef, NID_ecdsa_with_SHA256 },
		{ NID_sha384, NID_X9_62_id_ecPublicKey, NID_ecdsa_with_SHA384 },
		{ NID_sha1, NID_X9_62_id_ecPublicKey, NID_ecdsa_with_SHA256 },
		{ NID_sha384, NID_rsaEncryption, NID_ecdsa_with_SHA256 },
	};
	struct csrattrs wish;
	struct csr_spec spec = { .wish = &wish };
	EVP_PKEY *key = pki_key();
	struct refusal why;
	X509_NAME *name;
	X509_REQ *req;

	(void)state;
	csrattrs_init(&wish);
	assert_int_equal(csr_subject_parse(&name, "CN=cam", &why), 0);
	spec.subject = name;
	for (size_t i = 0; i < 4; i++) {
		wish.digest_nid = cases[i].wish;
		wish.digest_key_nid = cases[i].key_nid;
		req = build(&spec, key, &why, 0);
		assert_int_equal(X509_REQ_get_signature_nid(req),
		    cases[i].want);
		X509_REQ_free(req);
	}
	X509_NAME_free(name);
	EVP_PKEY_free(key);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(subjects),
		cmocka_unit_test(alternative_names),
		cmocka_unit_test(binding_where_asked),
		cmocka_unit_test(template_is_filled),
		cmocka_unit_test(whose_alternative_names),
		cmocka_unit_test(digests),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
