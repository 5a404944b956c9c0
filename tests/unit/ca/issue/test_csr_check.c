/* SPDX-License-Identifier: Apache-2.0 */
#include <openssl/x509v3.h>

#include "csr_fixture.h"

static struct profile
camera(void)
{
	struct profile p = { .name = "camera-ec", .kind = 0 };

	p.keys = 1u << KEY_P256 | 1u << KEY_RSA;
	p.rsa_min_bits = 2048;
	p.rsa_max_bits = 4096;
	p.key_usage = KU_DIGITAL_SIGNATURE;
	p.eku_nids[0] = NID_client_auth;
	p.eku_nids[1] = NID_server_auth;
	return p;
}

static X509_NAME *
name_cn(int type, const char *text)
{
	X509_NAME *n = X509_NAME_new();

	assert_int_equal(X509_NAME_add_entry_by_NID(n, NID_commonName, type,
	    (const unsigned char *)text, -1, -1, 0), 1);
	return n;
}

static GENERAL_NAMES *
san_of(const char *const *dns)
{
	GENERAL_NAMES *out = GENERAL_NAMES_new();
	GENERAL_NAME *g;
	ASN1_IA5STRING *s;

	for (; *dns != NULL; dns++) {
		g = GENERAL_NAME_new();
		s = ASN1_IA5STRING_new();
		ASN1_STRING_set(s, *dns, -1);
		GENERAL_NAME_set0_value(g, GEN_DNS, s);
		sk_GENERAL_NAME_push(out, g);
	}
	return out;
}

/* Result of csr_check_wishes for the request that f describes. */
static int
wishes(struct fx *f, const struct profile *p, const X509_NAME *subject,
    const GENERAL_NAMES *san, struct refusal *why)
{
	struct csr c;
	int ret;

	memset(why, 0, sizeof *why);
	fx_accepted(f, &c);
	ret = csr_check_wishes(&c, p, subject, san, why);
	csr_fini(&c);
	buf_reset(&f->attrs);
	buf_reset(&f->exts);
	return ret;
}

static void
test_usages(void **state)
{
	static const struct {
		const char *oid;
		size_t oid_len;
		const char *value;
		size_t n;
		const char *code;
	} cases[] = {
		{ BYTES(OID_BC), BYTES("\x30\x00"), NULL },
		{ BYTES(OID_BC), BYTES("\x30\x03\x01\x01\xff"),
		    "csr.asks-ca" },
		{ BYTES(OID_KU), BYTES("\x03\x02\x07\x80"), NULL },
		{ BYTES(OID_KU), BYTES("\x03\x02\x05\xa0"),
		    "csr.asks-key-usage" },
		{ BYTES(OID_KU), BYTES("\x03\x02\x02\x84"),
		    "csr.asks-key-usage" },
		{ BYTES(OID_KU), BYTES("\x03\x03\x07\x80\x80"),
		    "csr.asks-key-usage" },
		{ BYTES(OID_EKU), BYTES("\x30\x0a\x06\x08\x2b\x06\x01\x05\x05"
		    "\x07\x03\x02"), NULL },
		/* codeSigning; cmcRA; any; one that nobody knows */
		{ BYTES(OID_EKU), BYTES("\x30\x0a\x06\x08\x2b\x06\x01\x05\x05"
		    "\x07\x03\x03"), "csr.asks-eku" },
		{ BYTES(OID_EKU), BYTES("\x30\x0a\x06\x08\x2b\x06\x01\x05\x05"
		    "\x07\x03\x1c"), "csr.asks-eku" },
		{ BYTES(OID_EKU), BYTES("\x30\x06\x06\x04\x55\x1d\x25\x00"),
		    "csr.asks-eku" },
		{ BYTES(OID_EKU), BYTES("\x30\x05\x06\x03\x2a\x03\x04"),
		    "csr.asks-eku" },
	};
	struct profile p = camera();
	struct refusal why;
	struct fx f;
	size_t i;
	int ret;

	(void)state;
	fx_init(&f);
	for (i = 0; i < sizeof cases / sizeof cases[0]; i++) {
		fx_ext(&f, cases[i].oid, cases[i].oid_len, cases[i].value,
		    cases[i].n);
		ret = wishes(&f, &p, NULL, NULL, &why);
		assert_int_equal(ret, cases[i].code != NULL ? CAMCA_EPOLICY :
		    0);
		if (cases[i].code != NULL) {
			assert_int_equal(why.http, 403);
			assert_string_equal(why.code, cases[i].code);
		}
	}
	fx_fini(&f);
}

static void
test_digests(void **state)
{
	struct profile p = camera();
	struct refusal why;
	struct fx f;

	(void)state;
	fx_init(&f);
	assert_int_equal(wishes(&f, &p, NULL, NULL, &why), 0);
	f.md = EVP_sha1();
	fx_put(&f.alg, BYTES("\x30\x09\x06\x07\x2a\x86\x48\xce\x3d\x04\x01"));
	assert_int_equal(wishes(&f, &p, NULL, NULL, &why), CAMCA_EINVAL);
	assert_int_equal(why.http, 400);
	assert_string_equal(why.code, "csr.signature-digest");
	f.md = EVP_sha224();
	buf_reset(&f.alg);
	fx_put(&f.alg, BYTES("\x30\x0a\x06\x08\x2a\x86\x48\xce\x3d\x04\x03"
	    "\x01"));
	assert_int_equal(wishes(&f, &p, NULL, NULL, &why), CAMCA_EINVAL);
	f.md = EVP_sha512();
	buf_reset(&f.alg);
	fx_put(&f.alg, BYTES("\x30\x0a\x06\x08\x2a\x86\x48\xce\x3d\x04\x03"
	    "\x04"));
	assert_int_equal(wishes(&f, &p, NULL, NULL, &why), 0);
	fx_fini(&f);
}

/* E7: foreign names are left aside, or refused where the profile says so. */
static void
test_names(void **state)
{
	X509_NAME *mine = name_cn(V_ASN1_UTF8STRING, "cam-1");
	X509_NAME *printable = name_cn(V_ASN1_PRINTABLESTRING, "cam-1");
	GENERAL_NAMES *san = san_of((const char *const[]){ "a", "b", NULL });
	GENERAL_NAMES *one = san_of((const char *const[]){ "a", NULL });
	struct profile p = camera();
	struct refusal why;
	struct fx f;

	(void)state;
	fx_init(&f);
	fx_cn(&f, UTF8, BYTES("somebody else"));
	fx_san(&f, 0x82, BYTES("bank.example"));
	assert_int_equal(wishes(&f, &p, mine, NULL, &why), 0);
	p.csr_subject_must_match = true;
	assert_int_equal(wishes(&f, &p, mine, NULL, &why), CAMCA_EPOLICY);
	assert_int_equal(why.http, 403);
	assert_string_equal(why.code, "csr.subject-differs");
	fx_cn(&f, UTF8, BYTES("cam-1"));
	assert_int_equal(wishes(&f, &p, mine, NULL, &why), 0);
	/* the same characters in another type of string */
	assert_int_equal(wishes(&f, &p, printable, NULL, &why), 0);
	/* the SAN: absent, present, too many, in another order */
	assert_int_equal(wishes(&f, &p, mine, one, &why), CAMCA_EPOLICY);
	assert_string_equal(why.code, "csr.san-differs");
	fx_san(&f, 0x82, BYTES("a"));
	assert_int_equal(wishes(&f, &p, mine, one, &why), 0);
	fx_san(&f, 0x82, BYTES("a"));
	assert_int_equal(wishes(&f, &p, mine, NULL, &why), CAMCA_EPOLICY);
	fx_san(&f, 0x82, BYTES("a"));
	assert_int_equal(wishes(&f, &p, mine, san, &why), CAMCA_EPOLICY);
	fx_ext(&f, BYTES(OID_SAN), BYTES("\x30\x06\x82\x01\x62\x82\x01\x61"));
	assert_int_equal(wishes(&f, &p, mine, san, &why), 0);
	fx_ext(&f, BYTES(OID_SAN), BYTES("\x30\x06\x82\x01\x61\x82\x01\x61"));
	assert_int_equal(wishes(&f, &p, mine, san, &why), CAMCA_EPOLICY);
	fx_fini(&f);
	X509_NAME_free(mine);
	X509_NAME_free(printable);
	GENERAL_NAMES_free(san);
	GENERAL_NAMES_free(one);
}

/* H4, F10 */
static void
test_change_subject(void **state)
{
	X509_NAME *a = name_cn(V_ASN1_UTF8STRING, "a");
	X509_NAME *empty = X509_NAME_new();
	GENERAL_NAMES *san = san_of((const char *const[]){ "a", NULL });
	struct profile p = camera();
	struct refusal why;
	struct fx f;
#define CHANGE_BOTH "\x30\x13\x30\x0c\x31\x0a\x30\x08\x06\x03\x55\x04\x03" \
	"\x0c\x01\x61\x30\x03\x82\x01\x61"
#define CHANGE_SUBJECT "\x30\x0e\x30\x0c\x31\x0a\x30\x08\x06\x03\x55\x04\x03" \
	"\x0c\x01\x61"
#define CHANGE_ALT "\x30\x05\x30\x03\x82\x01\x61"

	(void)state;
	fx_init(&f);
	fx_attr(&f, BYTES(OID_CHANGE), BYTES(CHANGE_BOTH));
	assert_int_equal(wishes(&f, &p, a, san, &why), CAMCA_EPOLICY);
	assert_string_equal(why.code, "csr.change-subject");
	p.change_subject = true;
	fx_attr(&f, BYTES(OID_CHANGE), BYTES(CHANGE_BOTH));
	assert_int_equal(wishes(&f, &p, a, san, &why), 0);
	/* absent subjectAlt: the SAN goes */
	fx_attr(&f, BYTES(OID_CHANGE), BYTES(CHANGE_SUBJECT));
	assert_int_equal(wishes(&f, &p, a, san, &why), CAMCA_EPOLICY);
	assert_string_equal(why.code, "csr.san-differs");
	fx_attr(&f, BYTES(OID_CHANGE), BYTES(CHANGE_SUBJECT));
	assert_int_equal(wishes(&f, &p, a, NULL, &why), 0);
	/* absent subject: an empty name */
	fx_attr(&f, BYTES(OID_CHANGE), BYTES(CHANGE_ALT));
	assert_int_equal(wishes(&f, &p, a, san, &why), CAMCA_EPOLICY);
	assert_string_equal(why.code, "csr.subject-differs");
	fx_attr(&f, BYTES(OID_CHANGE), BYTES(CHANGE_ALT));
	assert_int_equal(wishes(&f, &p, empty, san, &why), 0);
	/* and it must not carry the other wishes past the check */
	fx_attr(&f, BYTES(OID_CHANGE), BYTES(CHANGE_BOTH));
	fx_ext(&f, BYTES(OID_BC), BYTES("\x30\x03\x01\x01\xff"));
	assert_int_equal(wishes(&f, &p, a, san, &why), CAMCA_EPOLICY);
	assert_string_equal(why.code, "csr.asks-ca");
	fx_fini(&f);
	X509_NAME_free(a);
	X509_NAME_free(empty);
	GENERAL_NAMES_free(san);
}

static X509 *
cert_with(const char *cn, GENERAL_NAMES *san, bool broken)
{
	X509 *x = X509_new();
	X509_NAME *n = name_cn(V_ASN1_UTF8STRING, cn);
	ASN1_OCTET_STRING *v = ASN1_OCTET_STRING_new();
	X509_EXTENSION *e;

	X509_set_subject_name(x, n);
	X509_NAME_free(n);
	if (san != NULL)
		assert_int_equal(X509_add1_ext_i2d(x, NID_subject_alt_name,
		    san, 0, 0), 1);
	if (broken) {
		ASN1_OCTET_STRING_set(v, (const unsigned char *)"\x05\x00", 2);
		e = X509_EXTENSION_create_by_NID(NULL, NID_subject_alt_name, 0,
		    v);
		X509_add_ext(x, e, -1);
		X509_EXTENSION_free(e);
	}
	ASN1_OCTET_STRING_free(v);
	return x;
}

static int
same(struct fx *f, X509 *cert, struct refusal *why)
{
	struct csr c;
	int ret;

	memset(why, 0, sizeof *why);
	fx_accepted(f, &c);
	ret = csr_same_identity(&c, cert, why);
	assert_int_equal(ERR_peek_error(), 0);
	csr_fini(&c);
	buf_reset(&f->attrs);
	buf_reset(&f->exts);
	if (ret < 0)
		assert_int_equal(why->http, 403);
	return ret;
}

/* H3: change the CN, add a SAN, drop it, reorder it. */
static void
test_same_identity(void **state)
{
	GENERAL_NAMES *san = san_of((const char *const[]){ "a", "b", NULL });
	X509 *plain = cert_with("cam-1", NULL, false);
	X509 *with = cert_with("cam-1", san, false);
	X509 *bad = cert_with("cam-1", NULL, true);
	struct refusal why;
	struct fx f;

	(void)state;
	fx_init(&f);
	assert_int_equal(same(&f, plain, &why), 0);
	/* which string type is the client's habit, case and spaces are not */
	fx_cn(&f, PRINTABLE, BYTES("cam-1"));
	assert_int_equal(same(&f, plain, &why), 0);
	fx_cn(&f, 0x14 /* TeletexString */, BYTES("cam-1"));
	assert_int_equal(same(&f, plain, &why), CAMCA_EPOLICY);
	fx_cn(&f, PRINTABLE, BYTES("cam-11"));
	assert_int_equal(same(&f, plain, &why), CAMCA_EPOLICY);
	fx_cn(&f, UTF8, BYTES("cam-1 "));
	assert_int_equal(same(&f, plain, &why), CAMCA_EPOLICY);
	fx_cn(&f, UTF8, BYTES("Cam-1"));
	assert_int_equal(same(&f, plain, &why), CAMCA_EPOLICY);
	assert_string_equal(why.code, "reenroll.subject-differs");
	fx_cn(&f, UTF8, BYTES("cam-1"));
	fx_san(&f, 0x82, BYTES("a"));
	assert_int_equal(same(&f, plain, &why), CAMCA_EPOLICY);
	assert_string_equal(why.code, "reenroll.san-differs");
	assert_int_equal(same(&f, with, &why), CAMCA_EPOLICY);
	fx_san(&f, 0x82, BYTES("a"));
	assert_int_equal(same(&f, with, &why), CAMCA_EPOLICY);
	fx_ext(&f, BYTES(OID_SAN), BYTES("\x30\x06\x82\x01\x61\x82\x01\x62"));
	assert_int_equal(same(&f, with, &why), 0);
	fx_ext(&f, BYTES(OID_SAN), BYTES("\x30\x06\x82\x01\x62\x82\x01\x61"));
	assert_int_equal(same(&f, with, &why), 0);
	/* as uniformResourceIdentifier: same text, another name */
	fx_ext(&f, BYTES(OID_SAN), BYTES("\x30\x06\x82\x01\x61\x86\x01\x62"));
	assert_int_equal(same(&f, with, &why), CAMCA_EPOLICY);
	assert_int_equal(same(&f, bad, &why), CAMCA_EPOLICY);
	fx_fini(&f);
	X509_free(plain);
	X509_free(with);
	X509_free(bad);
	GENERAL_NAMES_free(san);
}

/* Two parts of a name are not two values of one part, nor is their order free. */
static void
test_name_parts(void **state)
{
#define PART(c) "\x30\x08\x06\x03\x55\x04\x03\x0c\x01" c
	static const struct { const char *der; size_t n; } names[] = {
		{ BYTES("\x30\x18\x31\x0a" PART("a") "\x31\x0a" PART("b")) },
		{ BYTES("\x30\x18\x31\x0a" PART("b") "\x31\x0a" PART("a")) },
		{ BYTES("\x30\x16\x31\x14" PART("a") PART("b")) },
		{ BYTES("\x30\x0c\x31\x0a" PART("a")) },
		{ BYTES("\x30\x00") },
	};
	const unsigned char *p;
	struct refusal why;
	struct fx f;
	size_t i, j;
	X509_NAME *n;
	X509 *x;

	(void)state;
	fx_init(&f);
	for (i = 0; i < sizeof names / sizeof names[0]; i++) {
		p = (const unsigned char *)names[i].der;
		n = d2i_X509_NAME(NULL, &p, (long)names[i].n);
		assert_non_null(n);
		x = cert_with("", NULL, false);
		X509_set_subject_name(x, n);
		X509_NAME_free(n);
		for (j = 0; j < sizeof names / sizeof names[0]; j++) {
			buf_reset(&f.subject);
			fx_put(&f.subject, names[j].der, names[j].n);
			assert_int_equal(same(&f, x, &why), i == j ? 0 :
			    CAMCA_EPOLICY);
		}
		X509_free(x);
	}
	fx_fini(&f);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_usages),
		cmocka_unit_test(test_digests),
		cmocka_unit_test(test_names),
		cmocka_unit_test(test_change_subject),
		cmocka_unit_test(test_same_identity),
		cmocka_unit_test(test_name_parts),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
