/* SPDX-License-Identifier: Apache-2.0 */
/* Factory identities (E9, A6, A7): a vendor's PKI with keys in memory. */
#include <openssl/err.h>
#include <openssl/pem.h>
#include <openssl/x509v3.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "ca/base/auto.h"
#include "ca/issue/ca.h"
#include "ca/issue/cert_ext.h"

#define DAY_MS INT64_C(86400000)
#define YEAR_MS (365 * DAY_MS)
#define NOW_MS INT64_C(1795300000000)          /* 2026-11-21 */

#define CA_EXT "basicConstraints=critical,CA:TRUE|" \
	"keyUsage=critical,keyCertSign,cRLSign|"

/* Roots, intermediate and device; each test alters what it is about. */
struct pki {
	EVP_PKEY *root_key, *mid_key, *key;
	X509 *root, *mid, *leaf;
	STACK_OF(X509) *chain;
	struct vendor_row v;
	struct refusal why;
	char serial[129];
};

struct spec {
	const char *subject;         /* "CN=x/serialNumber=y" */
	const char *ext;             /* "name=value|name=value" */
	EVP_PKEY *key;
	X509 *issuer;                /* NULL: itself */
	EVP_PKEY *issuer_key;
	const EVP_MD *md;            /* NULL: SHA-256 */
	int64_t from_ms, to_ms;      /* 0: a year around NOW_MS */
};

/* "name=value" up to sep, taken apart in copy; the rest, or NULL at the end. */
static const char *
take_pair(const char *list, char sep, char copy[static 256], char **value)
{
	const char *end = strchrnul(list, sep);

	snprintf(copy, 256, "%.*s", (int)(end - list), list);
	*value = strchr(copy, '=');
	if (*value == NULL)
		return NULL;
	*(*value)++ = '\0';
	return *end == '\0' ? end : end + 1;
}

static X509_NAME *
name_of(const char *subject)
{
	X509_NAME *n = X509_NAME_new();
	char pair[256], *value;

	while ((subject = take_pair(subject, '/', pair, &value)) != NULL)
		assert_int_equal(X509_NAME_add_entry_by_txt(n, pair,
		    MBSTRING_UTF8, (const unsigned char *)value, -1, -1, 0), 1);
	return n;
}

static void
add_ext(X509 *c, const char *list)
{
	char pair[256], *value;

	while ((list = take_pair(list, '|', pair, &value)) != NULL) {
		X509_EXTENSION *e = X509V3_EXT_conf(NULL, NULL, pair, value);

		assert_non_null(e);
		assert_int_equal(X509_add_ext(c, e, -1), 1);
		X509_EXTENSION_free(e);
	}
}

static X509 *
cert_of(const struct spec *s)
{
	static uint8_t serial[20] = { 0x20 };
	AUTO(X509) *c = X509_new();
	AUTO(X509_NAME) *n = name_of(s->subject);
	X509 *again;

	serial[19]++;
	assert_int_equal(cert_set_basics(c, serial, s->from_ms != 0 ?
	    s->from_ms : NOW_MS - YEAR_MS, s->to_ms != 0 ? s->to_ms :
	    NOW_MS + YEAR_MS), 0);
	X509_set_subject_name(c, n);
	X509_set_issuer_name(c, s->issuer != NULL ?
	    X509_get_subject_name(s->issuer) : n);
	X509_set_pubkey(c, s->key);
	if (s->ext != NULL)
		add_ext(c, s->ext);
	assert_true(X509_sign(c, s->issuer_key != NULL ? s->issuer_key : s->key,
	    s->md != NULL ? s->md : EVP_sha256()) > 0);
	again = X509_dup(c);
	assert_non_null(again);
	return again;
}

static void
put_pem(struct store_blob *b, X509 *cert, X509_CRL *crl)
{
	BIO *bio = BIO_new(BIO_s_mem());
	char *p;
	long n;

	assert_int_equal(cert != NULL ? PEM_write_bio_X509(bio, cert) :
	    PEM_write_bio_X509_CRL(bio, crl), 1);
	n = BIO_get_mem_data(bio, &p);
	b->p = realloc(b->p, b->n + (size_t)n);
	memcpy(b->p + b->n, p, (size_t)n);
	b->n += (size_t)n;
	BIO_free(bio);
}

static void
set_leaf(struct pki *k, X509 *leaf)
{
	X509_free(k->leaf);
	k->leaf = leaf;
	sk_X509_set(k->chain, 0, leaf);
}

static void
set_mid(struct pki *k, X509 *mid)
{
	X509_free(k->mid);
	k->mid = mid;
	sk_X509_set(k->chain, 1, mid);
}

/* A device certificate of the intermediate CA. */
static void
issue(struct pki *k, const char *subject, const char *ext)
{
	struct spec s = { .subject = subject, .ext = ext, .key = k->key,
	    .issuer = k->mid, .issuer_key = k->mid_key,
	    .to_ms = CERT_TIME_MAX_MS };

	set_leaf(k, cert_of(&s));
}

static void
set_root(struct pki *k, X509 *root)
{
	X509_free(k->root);
	k->root = root;
	store_blob_free(&k->v.roots);
	k->v.roots = (struct store_blob){ NULL, 0 };
	put_pem(&k->v.roots, root, NULL);
}

static int
setup(void **state)
{
	struct pki *k = calloc(1, sizeof *k);
	struct spec root = { .subject = "O=Vendor/CN=Root", .ext = CA_EXT };
	struct spec mid = { .subject = "O=Vendor/CN=Mid", .ext = CA_EXT };

	k->root_key = root.key = EVP_EC_gen("P-256");
	k->mid_key = mid.key = EVP_EC_gen("P-256");
	k->key = EVP_EC_gen("P-256");
	k->chain = sk_X509_new_null();
	sk_X509_push(k->chain, NULL);
	sk_X509_push(k->chain, NULL);
	set_root(k, cert_of(&root));
	mid.issuer = k->root;
	mid.issuer_key = k->root_key;
	set_mid(k, cert_of(&mid));
	issue(k, "CN=cam/serialNumber=ACCC8E012345", NULL);
	snprintf(k->v.name, sizeof k->v.name, "Vendor");
	k->v.enabled = 1;
	*state = k;
	return 0;
}

static int
teardown(void **state)
{
	struct pki *k = *state;

	EVP_PKEY_free(k->root_key);
	EVP_PKEY_free(k->mid_key);
	EVP_PKEY_free(k->key);
	X509_free(k->root);
	X509_free(k->mid);
	X509_free(k->leaf);
	sk_X509_free(k->chain);
	store_vendor_free(&k->v);
	free(k);
	return 0;
}

static int
verify_at(struct pki *k, int64_t now_ms)
{
	int ret;

	memset(&k->why, 0, sizeof k->why);
	snprintf(k->serial, sizeof k->serial, "untouched");
	ret = idevid_verify(k->chain, &k->v, now_ms, k->serial,
	    sizeof k->serial, &k->why);
	assert_int_equal(ERR_peek_error(), 0);
	return ret;
}

static void
good(struct pki *k, const char *serial)
{
	if (verify_at(k, NOW_MS) < 0)
		fail_msg("%s: %s", k->why.code, k->why.detail);
	assert_string_equal(k->serial, serial);
}

static void
refused_at(struct pki *k, int64_t now_ms, const char *code)
{
	assert_int_equal(verify_at(k, now_ms), CAMCA_EAUTH);
	assert_string_equal(k->why.code, code);
	assert_int_equal(k->why.http, 403);
}

static void
refused(struct pki *k, const char *code)
{
	refused_at(k, NOW_MS, code);
}

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

/* ---- revocation ---- */
struct crl_spec {
	X509 *issuer;
	EVP_PKEY *key;
	int64_t this_ms, next_ms;    /* 0: no nextUpdate */
	X509 *revoked;               /* NULL: empty */
	const char *ext;             /* "name=value" on the CRL */
	const char *entry_ext;
	const EVP_MD *md;
};

static X509_CRL *
crl_of(const struct crl_spec *s)
{
	X509_CRL *c = X509_CRL_new(), *again;
	ASN1_TIME *t = ASN1_TIME_set(NULL, (time_t)(s->this_ms / 1000));
	X509V3_CTX ctx;

	X509_CRL_set_version(c, X509_CRL_VERSION_2);
	X509_CRL_set_issuer_name(c, X509_get_subject_name(s->issuer));
	X509_CRL_set1_lastUpdate(c, t);
	if (s->next_ms != 0) {
		ASN1_TIME_set(t, (time_t)(s->next_ms / 1000));
		X509_CRL_set1_nextUpdate(c, t);
	}
	X509V3_set_ctx_nodb(&ctx);
	if (s->revoked != NULL) {
		X509_REVOKED *r = X509_REVOKED_new();

		ASN1_TIME_set(t, (time_t)(s->this_ms / 1000));
		X509_REVOKED_set_serialNumber(r,
		    X509_get_serialNumber(s->revoked));
		X509_REVOKED_set_revocationDate(r, t);
		if (s->entry_ext != NULL) {
			ASN1_OBJECT *o = OBJ_txt2obj(s->entry_ext, 1);
			ASN1_OCTET_STRING *os = ASN1_OCTET_STRING_new();
			X509_EXTENSION *e;

			ASN1_OCTET_STRING_set(os, (const uint8_t *)"\5\0", 2);
			e = X509_EXTENSION_create_by_OBJ(NULL, o, 1, os);
			X509_REVOKED_add_ext(r, e, -1);
			X509_EXTENSION_free(e);
			ASN1_OCTET_STRING_free(os);
			ASN1_OBJECT_free(o);
		}
		X509_CRL_add0_revoked(c, r);
	}
	if (s->ext != NULL) {
		char copy[128], *eq;
		X509_EXTENSION *e;

		snprintf(copy, sizeof copy, "%s", s->ext);
		eq = strchr(copy, '=');
		*eq = '\0';
		e = X509V3_EXT_conf(NULL, &ctx, copy, eq + 1);
		assert_non_null(e);
		X509_CRL_add_ext(c, e, -1);
		X509_EXTENSION_free(e);
	}
	assert_true(X509_CRL_sign(c, s->key, s->md != NULL ? s->md :
	    EVP_sha256()) > 0);
	again = X509_CRL_dup(c);
	X509_CRL_free(c);
	ASN1_TIME_free(t);
	return again;
}

static struct crl_spec
crl_root(struct pki *k)
{
	return (struct crl_spec){ .issuer = k->root, .key = k->root_key,
	    .this_ms = NOW_MS - DAY_MS, .next_ms = NOW_MS + 7 * DAY_MS };
}

static struct crl_spec
crl_mid(struct pki *k)
{
	struct crl_spec s = crl_root(k);

	s.issuer = k->mid;
	s.key = k->mid_key;
	return s;
}

/* The vendor's CRLs are these, and nothing else. */
static void
publish(struct pki *k, const struct crl_spec *a, const struct crl_spec *b)
{
	const struct crl_spec *list[] = { a, b };

	store_blob_free(&k->v.crls);
	k->v.crls = (struct store_blob){ NULL, 0 };
	k->v.crl_required = 1;
	for (int i = 0; i < 2; i++) {
		X509_CRL *c;

		if (list[i] == NULL)
			continue;
		c = crl_of(list[i]);
		put_pem(&k->v.crls, NULL, c);
		X509_CRL_free(c);
	}
}

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
	refused(k, "idevid.crl-signature");
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

/* ---- what an operator hands in ---- */
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

#define T(fn) cmocka_unit_test_setup_teardown(fn, setup, teardown)

int
main(void)
{
	const struct CMUnitTest tests[] = {
		T(test_subject_serial), T(test_serial_has_no_controls),
		T(test_serial_buffer), T(test_hardware_module_name),
		T(test_hardware_module_name_malformed), T(test_dates),
		T(test_extensions), T(test_trust), T(test_self_signed_device),
		T(test_own_ca_is_no_vendor), T(test_not_ours),
		T(test_intermediate_must_be_ca), T(test_path_length),
		T(test_chain_too_long), T(test_weak), T(test_vendor_settings),
		T(test_every_bit), T(test_crl_good_and_missing),
		T(test_crl_revoked), T(test_crl_age), T(test_crl_newest_counts),
		T(test_crl_that_does_not_count),
		T(test_crl_issuer_may_not_sign), T(test_crl_bundle_damaged),
		T(test_check_roots), T(test_check_roots_takes_no_key),
		T(test_check_roots_limits), T(test_check_crls),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
