/* SPDX-License-Identifier: Apache-2.0 */
/* End-entity certificates and certs-only bags, with a CA key in memory. */
#include <openssl/err.h>
#include <openssl/pkcs7.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "ca/base/auto.h"
#include "ca/issue/cert.h"
#include "ca/issue/cert_ext.h"
#include "tests/unit/ossl_nth.h"

#define DAY_MS INT64_C(86400000)
#define YEAR_MS (365 * DAY_MS)
#define NOW_MS INT64_C(1795300000000)          /* 2026-11-21 */

static const struct profile_fields fields = {
	.device_id = "cam-0042", .device_serial = "SN 17/3", .device_mac = "",
	.device_manufacturer = "Công ty Điện Quang", .device_model = "M",
	.device_hardware_id = "", .site_id = "hn-01", .site_name = "Hà Nội",
};

/* ---- a CA ---- */
struct fix {
	EVP_PKEY *ca_key, *key;
	X509 *ca;
	X509_NAME *subject;
	struct profile profile;
	uint8_t serial[20];
	struct refusal why;
};

static X509_NAME *
name_of(const char *cn)
{
	X509_NAME *n = X509_NAME_new();

	assert_int_equal(X509_NAME_add_entry_by_NID(n, NID_commonName,
	    MBSTRING_UTF8, (const unsigned char *)cn, -1, -1, 0), 1);
	return n;
}

static X509 *
make_ca(EVP_PKEY *key, int64_t from_ms, int64_t to_ms)
{
	X509 *c = X509_new();
	AUTO(X509_NAME) *n = name_of("CA");
	uint8_t serial[20] = { 0x10, 1 };

	assert_int_equal(cert_set_basics(c, serial, from_ms, to_ms), 0);
	X509_set_subject_name(c, n);
	X509_set_issuer_name(c, n);
	X509_set_pubkey(c, key);
	assert_int_equal(cert_add_bc(c, true, 0), 0);
	assert_int_equal(cert_add_ku(c, KU_KEY_CERT_SIGN | KU_CRL_SIGN), 0);
	assert_int_equal(cert_add_ski(c), 0);
	assert_true(X509_sign(c, key, EVP_sha256()) > 0);
	return c;
}

static int
setup(void **state)
{
	struct fix *f = calloc(1, sizeof *f);

	f->ca_key = EVP_EC_gen("P-256");
	f->key = EVP_EC_gen("P-256");
	f->ca = make_ca(f->ca_key, NOW_MS - YEAR_MS, NOW_MS + 9 * YEAR_MS);
	f->subject = name_of("cam-0042");
	f->profile = (struct profile){ .name = "camera",
	    .validity_ms = YEAR_MS, .key_usage = KU_DIGITAL_SIGNATURE,
	    .eku_nids = { NID_client_auth, NID_server_auth }, .cdp = true,
	    .aia = true };
	f->serial[0] = 0x20;
	f->serial[19] = 7;
	*state = f;
	return 0;
}

static int
teardown(void **state)
{
	struct fix *f = *state;

	EVP_PKEY_free(f->ca_key);
	EVP_PKEY_free(f->key);
	X509_free(f->ca);
	X509_NAME_free(f->subject);
	free(f);
	return 0;
}

static struct cert_plan
plan_of(struct fix *f)
{
	return (struct cert_plan){ .profile = &f->profile, .issuer = f->ca,
	    .key = f->key, .subject = f->subject, .serial = f->serial,
	    .now_ms = NOW_MS, .crl_url = "http://pki.example/ec.crl",
	    .issuer_url = "http://pki.example/ec.cer",
	    .ocsp_url = "http://pki.example/ocsp" };
}

/* Builds, signs, and reads back what a client gets. */
static X509 *
built(struct fix *f, const struct cert_plan *plan)
{
	X509 *c = NULL, *again;

	if (cert_build(plan, &c, &f->why) < 0)
		fail_msg("%s: %s", f->why.code, f->why.detail);
	assert_true(X509_sign(c, f->ca_key, EVP_sha256()) > 0);
	again = X509_dup(c);
	X509_free(c);
	return again;
}

static void
build_refused(struct fix *f, const struct cert_plan *plan, int err,
    const char *code)
{
	X509 *c = NULL;

	memset(&f->why, 0, sizeof f->why);
	assert_int_equal(cert_build(plan, &c, &f->why), err);
	assert_string_equal(f->why.code, code);
	assert_null(c);
	assert_int_equal(ERR_peek_error(), 0);
}

/* ---- serial ---- */
static int
random_ones(void *arg, uint8_t *out, size_t n)
{
	(void)arg;
	memset(out, 0xff, n);
	return CAMCA_OK;
}

static int
random_broken(void *arg, uint8_t *out, size_t n)
{
	(void)arg;
	(void)out;
	(void)n;
	return CAMCA_ECRYPTO;
}

static void
test_serial(void **state)
{
	static const int64_t times[] = { INT64_MIN, -1, 0, 1577836800000,
		NOW_MS, NOW_MS + 1000, NOW_MS + 40 * YEAR_MS,
		NOW_MS + 200 * YEAR_MS, INT64_MAX };
	struct camca_ctx ctx = { .random = random_ones };
	uint8_t a[20], last[20] = { 0 };

	(void)state;
	for (size_t i = 0; i < sizeof times / sizeof times[0]; i++) {
		assert_int_equal(cert_serial(&ctx, times[i], a), 0);
		assert_in_range(a[0], 0x10, 0x7e);
		assert_true(memcmp(a, last, 20) >= 0);
		assert_int_equal(a[4], 0xff);
		assert_int_equal(a[19], 0xff);
		memcpy(last, a, 20);
	}
	assert_int_equal(cert_serial(&camca_ctx_system, NOW_MS, a), 0);
	assert_int_equal(cert_serial(&camca_ctx_system, NOW_MS, last), 0);
	assert_memory_equal(a, last, 4);
	assert_memory_not_equal(a, last, 20);
	ctx.random = random_broken;
	assert_int_equal(cert_serial(&ctx, NOW_MS, a), CAMCA_ECRYPTO);
}

static void
test_serial_bytes(void **state)
{
	static const struct {
		const char *hex;
		int err;
		uint8_t last;
	} cases[] = {
		{ "00", 0, 0 }, { "01", 0, 1 },
		{ "7FFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFF", 0, 0xff },
		{ "8000000000000000000000000000000000000000",
		    CAMCA_EINVAL, 0 },
		{ "010000000000000000000000000000000000000000",
		    CAMCA_EINVAL, 0 },
		{ "-01", CAMCA_EINVAL, 0 },
	};

	(void)state;
	for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
		AUTO(X509) *c = X509_new();
		AUTO(BIGNUM) *bn = NULL;
		uint8_t out[20];

		assert_true(BN_hex2bn(&bn, cases[i].hex) > 0);
		BN_to_ASN1_INTEGER(bn, X509_get_serialNumber(c));
		assert_int_equal(cert_serial_bytes(c, out), cases[i].err);
		if (cases[i].err == 0)
			assert_int_equal(out[19], cases[i].last);
	}
}

/* ---- names ---- */
static void
names_refused(const char *subject, const char *san, const char *code)
{
	struct profile p = { .name = "camera" };
	struct refusal why = { 0 };
	X509_NAME *n = NULL;
	GENERAL_NAMES *g = NULL;
	char s[600] = "", a[600] = "";

	snprintf(s, sizeof s, "%s", subject != NULL ? subject : "");
	snprintf(a, sizeof a, "%s", san != NULL ? san : "");
	p.subject[0] = subject != NULL ? s : NULL;
	p.san[0] = san != NULL ? a : NULL;
	assert_int_equal(cert_names(&p, &fields, &n, &g, &why), CAMCA_EPOLICY);
	assert_string_equal(why.code, code);
	assert_null(n);
	assert_null(g);
	assert_int_equal(ERR_peek_error(), 0);
}

static void
test_names_good(void **state)
{
	static char cn[] = "CN={device.id}", o[] = "O={device.manufacturer}",
	    sn[] = "serialNumber={device.serial}", c[] = "C=VN",
	    mac[] = "?OU={device.mac}";
	static char dns[] = "dns:{device.id}.{site.id}.camca.internal",
	    uri[] = "uri:urn:camca:device:{device.id}", ip4[] = "ip:192.0.2.7",
	    ip6[] = "ip:2001:db8::7", mail[] = "email:noc@example.vn",
	    opt[] = "?dns:{device.mac}.example";
	struct profile p = { .name = "camera",
	    .subject = { c, o, cn, sn, mac }, .san = { dns, uri, ip4, ip6, mail,
	    opt } };
	AUTO(X509_NAME) *n = NULL;
	AUTO(GENERAL_NAMES) *g = NULL;
	struct refusal why;
	int i;

	(void)state;
	assert_int_equal(cert_names(&p, &fields, &n, &g, &why), 0);
	assert_int_equal(X509_NAME_entry_count(n), 4);
	i = X509_NAME_get_index_by_NID(n, NID_organizationName, -1);
	assert_int_equal(ASN1_STRING_type(X509_NAME_ENTRY_get_data(
	    X509_NAME_get_entry(n, i))), V_ASN1_UTF8STRING);
	i = X509_NAME_get_index_by_NID(n, NID_serialNumber, -1);
	assert_int_equal(ASN1_STRING_type(X509_NAME_ENTRY_get_data(
	    X509_NAME_get_entry(n, i))), V_ASN1_PRINTABLESTRING);
	assert_int_equal(sk_GENERAL_NAME_num(g), 5);
	assert_int_equal(sk_GENERAL_NAME_value(g, 0)->type, GEN_DNS);
	assert_int_equal(sk_GENERAL_NAME_value(g, 2)->d.ip->length, 4);
	assert_int_equal(sk_GENERAL_NAME_value(g, 3)->d.ip->length, 16);
}

static void
test_names_san_only_and_none(void **state)
{
	static char dns[] = "dns:a.example", mac[] = "?CN={device.mac}",
	    cn[] = "CN=x";
	struct profile p = { .subject = { mac }, .san = { dns } };
	X509_NAME *n = NULL;
	GENERAL_NAMES *g = NULL;

	(void)state;
	assert_int_equal(cert_names(&p, &fields, &n, &g, NULL), 0);
	assert_int_equal(X509_NAME_entry_count(n), 0);
	X509_NAME_free(n);
	GENERAL_NAMES_free(g);
	p.subject[0] = cn;
	p.san[0] = NULL;
	assert_int_equal(cert_names(&p, &fields, &n, &g, NULL), 0);
	assert_null(g);
	X509_NAME_free(n);
	n = NULL;
	names_refused("?CN={device.mac}", "?dns:{device.mac}", "issue.no-name");
}

static void
test_names_refused(void **state)
{
	static const char *const dns[] = { "", "a", "-a.b", "a-.b", "a.b-",
		"a..b", ".a.b", "a.b.", "a_b.c", "a b.c", "*.a.b", "a.b/c",
		"\xc4\x91.vn", "1234567890123456789012345678901234567890"
		"12345678901234567890abcd.vn" };
	static const char *const uri[] = { "", "relative", "/a", ":x", "http:",
		"1http://x", "http://a b", "http://\"", "http://\xc4\x91",
		"ht_tp://x" };
	static const char *const rest[] = { "ip:1.2.3", "ip:1.2.3.4.5",
		"ip:1.2.3.256", "ip:", "ip:::g", "email:x", "email:@a.b",
		"email:a@b", "email:a b@c.d" };
	char item[300] = "dns:";

	(void)state;
	for (size_t i = 0; i < sizeof dns / sizeof dns[0]; i++) {
		snprintf(item, sizeof item, "dns:%s", dns[i]);
		names_refused("CN=x", item, "issue.san-value");
	}
	for (size_t i = 0; i < sizeof uri / sizeof uri[0]; i++) {
		snprintf(item, sizeof item, "uri:%s", uri[i]);
		names_refused("CN=x", item, "issue.san-value");
	}
	for (size_t i = 0; i < sizeof rest / sizeof rest[0]; i++)
		names_refused("CN=x", rest[i], "issue.san-value");
	for (size_t i = 0; i < 254; i++)
		item[4 + i] = i % 40 == 39 ? '.' : 'a';
	item[4 + 254] = '\0';
	names_refused("CN=x", item, "issue.san-value");    /* 254 */
	names_refused("CN=x", "dir:CN=y", "issue.san-type");
	names_refused("CN=x", "plain", "issue.san-type");
	names_refused("CN=", NULL, "issue.subject-value");
	names_refused("CN=a\nb", NULL, "issue.subject-value");
	names_refused("CN=a\x7f", NULL, "issue.subject-value");
	names_refused("CN=\xff\xff", NULL, "issue.subject-value");
	names_refused("CN=\xc0\x80", NULL, "issue.subject-value");
	names_refused("C=VNM", NULL, "issue.subject-value");
	names_refused("serialNumber=a_b", NULL, "issue.subject-value");
	names_refused("serialNumber=\xc4\x91", NULL, "issue.subject-value");
	names_refused("CN=1234567890123456789012345678901234567890"
	    "1234567890123456789012345", NULL, "issue.subject-value");
	names_refused("DC=x", NULL, "issue.subject-type");
	names_refused("CN", NULL, "issue.subject-type");
	names_refused("CN={device.mac}", NULL, "profile.field-empty");
}

/* A '+', ',' or '=' in an inventory value stays inside its attribute. */
static void
test_names_cannot_be_injected(void **state)
{
	static char cn[] = "CN={device.id}";
	struct profile p = { .subject = { cn } };
	struct profile_fields f = fields;
	X509_NAME *n = NULL;
	GENERAL_NAMES *g = NULL;
	ASN1_STRING *s;

	(void)state;
	f.device_id = "a+O=b,C=VN/CN=c";
	assert_int_equal(cert_names(&p, &f, &n, &g, NULL), 0);
	assert_int_equal(X509_NAME_entry_count(n), 1);
	s = X509_NAME_ENTRY_get_data(X509_NAME_get_entry(n, 0));
	assert_int_equal(ASN1_STRING_length(s), 15);
	assert_memory_equal(ASN1_STRING_get0_data(s), f.device_id, 15);
	X509_NAME_free(n);
}

/* ---- building ---- */
static int
critical_of(X509 *c, int nid)
{
	int at = X509_get_ext_by_NID(c, nid, -1);

	return at < 0 ? -1 : X509_EXTENSION_get_critical(X509_get_ext(c, at));
}

static void
test_build_extensions(void **state)
{
	static char dns[] = "dns:a.example";
	struct fix *f = *state;
	struct cert_plan plan = plan_of(f);
	struct profile p = { .san = { dns } };
	AUTO(X509_NAME) *empty = NULL;
	AUTO(GENERAL_NAMES) *san = NULL;
	X509 *c;

	assert_int_equal(cert_names(&p, &fields, &empty, &san, NULL), 0);
	plan.san = san;
	c = built(f, &plan);
	assert_int_equal(X509_get_version(c), X509_VERSION_3);
	assert_int_equal(critical_of(c, NID_basic_constraints), 1);
	assert_int_equal(critical_of(c, NID_key_usage), 1);
	assert_int_equal(critical_of(c, NID_ext_key_usage), 0);
	assert_int_equal(critical_of(c, NID_subject_alt_name), 0);
	assert_int_equal(critical_of(c, NID_subject_key_identifier), 0);
	assert_int_equal(critical_of(c, NID_authority_key_identifier), 0);
	assert_int_equal(critical_of(c, NID_crl_distribution_points), 0);
	assert_int_equal(critical_of(c, NID_info_access), 0);
	assert_int_equal(X509_get_ext_count(c), 8);
	assert_int_equal(X509_get_key_usage(c), KU_DIGITAL_SIGNATURE);
	assert_int_equal(X509_get_extended_key_usage(c),
	    XKU_SSL_CLIENT | XKU_SSL_SERVER);
	assert_int_equal(X509_check_ca(c), 0);
	assert_int_equal(ASN1_OCTET_STRING_cmp(X509_get0_authority_key_id(c),
	    X509_get0_subject_key_id(f->ca)), 0);
	X509_free(c);
	plan.subject = empty;
	c = built(f, &plan);
	assert_int_equal(critical_of(c, NID_subject_alt_name), 1);
	X509_free(c);
}

static void
test_build_what_the_profile_omits(void **state)
{
	struct fix *f = *state;
	struct cert_plan plan = plan_of(f);
	X509 *c;

	f->profile.cdp = f->profile.aia = false;
	f->profile.key_usage = 0;
	f->profile.eku_nids[0] = 0;
	c = built(f, &plan);
	assert_int_equal(X509_get_ext_count(c), 3);        /* BC, SKI, AKI */
	X509_free(c);
	f->profile.cdp = f->profile.aia = true;
	plan.crl_url = plan.issuer_url = plan.ocsp_url = NULL;
	c = built(f, &plan);
	assert_int_equal(X509_get_ext_count(c), 3);
	X509_free(c);
}

static void
test_build_key_usage_bits(void **state)
{
	static const unsigned bits[] = { KU_DIGITAL_SIGNATURE,
		KU_NON_REPUDIATION, KU_KEY_ENCIPHERMENT, KU_DATA_ENCIPHERMENT,
		KU_KEY_AGREEMENT, KU_ENCIPHER_ONLY, KU_DECIPHER_ONLY,
		KU_KEY_AGREEMENT | KU_DECIPHER_ONLY, 0x80ff };
	struct fix *f = *state;
	struct cert_plan plan = plan_of(f);

	for (size_t i = 0; i < sizeof bits / sizeof bits[0]; i++) {
		X509 *c;

		f->profile.key_usage = bits[i];
		c = built(f, &plan);
		assert_int_equal(X509_get_key_usage(c), bits[i]);
		X509_free(c);
	}
}

/* RFC 7093 method 1 by another way: hash of the raw point. */
static void
test_build_ski(void **state)
{
	struct fix *f = *state;
	struct cert_plan plan = plan_of(f);
	unsigned char *point = NULL;
	uint8_t md[32], spki[32], again[32];
	unsigned char *der = NULL;
	size_t n;
	int len;
	X509 *c = built(f, &plan);

	n = EVP_PKEY_get1_encoded_public_key(f->key, &point);
	assert_int_equal(EVP_Digest(point, n, md, NULL, EVP_sha256(), NULL), 1);
	assert_memory_equal(ASN1_STRING_get0_data(X509_get0_subject_key_id(c)),
	    md, 20);
	len = i2d_PUBKEY(f->key, &der);
	assert_int_equal(EVP_Digest(der, (size_t)len, again, NULL, EVP_sha256(),
	    NULL), 1);
	assert_int_equal(cert_spki_sha256(c, spki), 0);
	assert_memory_equal(spki, again, 32);
	OPENSSL_free(der);
	OPENSSL_free(point);
	X509_free(c);
}

/* Byte for byte what OpenSSL's own encoder makes of the key. */
static void
test_build_key_types(void **state)
{
	struct fix *f = *state;
	struct cert_plan plan = plan_of(f);
	EVP_PKEY *keys[] = { EVP_EC_gen("P-256"), EVP_EC_gen("P-384"),
		EVP_EC_gen("P-521"), EVP_RSA_gen(2048),
		EVP_PKEY_Q_keygen(NULL, NULL, "ED25519"),
		EVP_PKEY_Q_keygen(NULL, NULL, "ED448") };

	for (size_t i = 0; i < sizeof keys / sizeof keys[0]; i++) {
		unsigned char *want = NULL, *got = NULL;
		X509 *c;
		int n;

		plan.key = keys[i];
		c = built(f, &plan);
		n = i2d_PUBKEY(keys[i], &want);
		assert_int_equal(i2d_X509_PUBKEY(X509_get_X509_PUBKEY(c), &got),
		    n);
		assert_memory_equal(got, want, (size_t)n);
		assert_int_equal(EVP_PKEY_eq(X509_get0_pubkey(c), keys[i]), 1);
		OPENSSL_free(want);
		OPENSSL_free(got);
		X509_free(c);
		EVP_PKEY_free(keys[i]);
	}
}

static void
test_build_times(void **state)
{
	struct fix *f = *state;
	struct cert_plan plan = plan_of(f);
	int64_t first, last;
	X509 *c = built(f, &plan);

	assert_int_equal(cert_times(c, &first, &last), 0);
	assert_int_equal(first, NOW_MS - 300000);
	assert_int_equal(last, NOW_MS + YEAR_MS);
	assert_int_equal(X509_get0_notAfter(c)->type, V_ASN1_UTCTIME);
	X509_free(c);
	/* Not before the issuer, not after it. */
	X509_free(f->ca);
	f->ca = make_ca(f->ca_key, NOW_MS - 1000, NOW_MS + 100 * DAY_MS);
	plan.issuer = f->ca;
	c = built(f, &plan);
	assert_int_equal(cert_times(c, &first, &last), 0);
	assert_int_equal(first, NOW_MS - 1000);
	assert_int_equal(last, NOW_MS + 100 * DAY_MS);
	X509_free(c);
}

/* RFC 5280 4.1.2.5: UTCTime up to 2049, GeneralizedTime from 2050 on. */
static void
test_build_2050(void **state)
{
	struct fix *f = *state;
	struct cert_plan plan = plan_of(f);
	X509 *c;

	X509_free(f->ca);
	f->ca = make_ca(f->ca_key, NOW_MS, NOW_MS + 90 * YEAR_MS);
	plan.issuer = f->ca;
	plan.now_ms = INT64_C(2524607999000);      /* 2049-12-31T23:59:59Z */
	f->profile.validity_ms = 1000;
	c = built(f, &plan);
	assert_int_equal(X509_get0_notBefore(c)->type, V_ASN1_UTCTIME);
	assert_int_equal(X509_get0_notAfter(c)->type, V_ASN1_GENERALIZEDTIME);
	assert_string_equal((const char *)X509_get0_notAfter(c)->data,
	    "20500101000000Z");
	X509_free(c);
}

static void
test_build_refuses(void **state)
{
	struct fix *f = *state;
	struct cert_plan plan = plan_of(f);
	AUTO(X509_NAME) *empty = X509_NAME_new();

	plan.now_ms = NOW_MS + 9 * YEAR_MS - 36 * DAY_MS;
	build_refused(f, &plan, CAMCA_EPOLICY, "issue.issuer-expires");
	assert_int_equal(f->why.http, 503);
	plan.now_ms = NOW_MS + 9 * YEAR_MS + 1;
	build_refused(f, &plan, CAMCA_EPOLICY, "issue.issuer-expires");
	plan.now_ms = NOW_MS - YEAR_MS - 1;
	build_refused(f, &plan, CAMCA_ETIME, "issue.clock");
	plan.now_ms = -1;
	build_refused(f, &plan, CAMCA_EINVAL, "issue.validity");
	plan = plan_of(f);
	f->profile.validity_ms = INT64_MAX;
	build_refused(f, &plan, CAMCA_EINVAL, "issue.validity");
	f->profile.validity_ms = YEAR_MS;
	plan.crl_url = "ec.crl";
	build_refused(f, &plan, CAMCA_EINVAL, "issue.url");
	plan = plan_of(f);
	plan.subject = empty;
	build_refused(f, &plan, CAMCA_EPOLICY, "issue.no-name");
	plan = plan_of(f);
	f->serial[0] = 0;
	build_refused(f, &plan, CAMCA_EINVAL, "issue.serial");
	f->serial[0] = 0x80;
	build_refused(f, &plan, CAMCA_EINVAL, "issue.serial");
	f->serial[0] = 0x20;
	X509_EXTENSION_free(X509_delete_ext(f->ca, X509_get_ext_by_NID(f->ca,
	    NID_subject_key_identifier, -1)));
	X509_sign(f->ca, f->ca_key, EVP_sha256());
	plan.issuer = X509_dup(f->ca);
	build_refused(f, &plan, CAMCA_EINVAL, "issue.issuer");
	X509_free(plan.issuer);
}

static void
test_build_verifies_strictly(void **state)
{
	struct fix *f = *state;
	struct cert_plan plan = plan_of(f);
	AUTO(X509_STORE) *store = X509_STORE_new();
	AUTO(X509_STORE_CTX) *ctx = X509_STORE_CTX_new();
	X509 *c = built(f, &plan);

	X509_STORE_add_cert(store, f->ca);
	assert_int_equal(X509_STORE_CTX_init(ctx, store, c, NULL), 1);
	X509_STORE_CTX_set_purpose(ctx, X509_PURPOSE_SSL_CLIENT);
	X509_STORE_CTX_set_flags(ctx, X509_V_FLAG_X509_STRICT);
	X509_VERIFY_PARAM_set_time(X509_STORE_CTX_get0_param(ctx),
	    (time_t)(NOW_MS / 1000));
	assert_int_equal(X509_verify_cert(ctx), 1);
	X509_free(c);
}

static void
test_times(void **state)
{
	AUTO(X509) *c = X509_new();
	int64_t first, last;

	(void)state;
	assert_int_equal(ASN1_TIME_set_string(X509_getm_notBefore(c),
	    "500101000000Z"), 1);
	assert_int_equal(ASN1_TIME_set_string(X509_getm_notAfter(c),
	    "99991231235959Z"), 1);
	assert_int_equal(cert_times(c, &first, &last), 0);
	assert_int_equal(first, INT64_C(-631152000000));   /* 1950 */
	assert_int_equal(last, INT64_C(253402300799000));
	ASN1_STRING_set(X509_getm_notAfter(c), "99991331235959Z", -1);
	assert_int_equal(cert_times(c, &first, &last), CAMCA_EINVAL);
	ASN1_STRING_set(X509_getm_notAfter(c), "", 0);
	assert_int_equal(cert_times(c, &first, &last), CAMCA_EINVAL);
	assert_int_equal(ERR_peek_error(), 0);
}

/* ---- bags ---- */
static void
test_bag(void **state)
{
	struct fix *f = *state;
	struct cert_plan plan = plan_of(f);
	X509 *c = built(f, &plan);
	STACK_OF(X509) *list = sk_X509_new_null();
	struct buf b;
	const unsigned char *p;
	PKCS7 *p7;

	sk_X509_push(list, c);
	sk_X509_push(list, f->ca);
	buf_init(&b, 0);
	assert_int_equal(buf_puts(&b, "before"), 0);
	assert_int_equal(cert_bag(list, &b), 0);
	p = b.data + 6;
	p7 = d2i_PKCS7(NULL, &p, (long)b.len - 6);
	assert_ptr_equal(p, b.data + b.len);
	assert_true(PKCS7_type_is_signed(p7));
	assert_int_equal(ASN1_INTEGER_get(p7->d.sign->version), 1);
	assert_int_equal(sk_X509_ALGOR_num(p7->d.sign->md_algs), 0);
	assert_int_equal(sk_PKCS7_SIGNER_INFO_num(p7->d.sign->signer_info), 0);
	assert_true(PKCS7_type_is_data(p7->d.sign->contents));
	assert_null(p7->d.sign->contents->d.data);
	assert_int_equal(sk_X509_num(p7->d.sign->cert), 2);
	assert_int_equal(X509_cmp(sk_X509_value(p7->d.sign->cert, 0), c), 0);
	assert_null(p7->d.sign->crl);
	PKCS7_free(p7);
	buf_fini(&b);
	buf_init(&b, 100);
	assert_int_equal(cert_bag(list, &b), CAMCA_ELIMIT);
	assert_int_equal(b.len, 0);
	buf_fini(&b);
	sk_X509_free(list);
	X509_free(c);
}

/* ---- out of memory at each allocation: an error, no leak, no crash ---- */
static int
issue_once(struct fix *f, uint8_t tbs[static 32])
{
	static char cn[] = "CN={device.id}", dns[] = "dns:{device.id}.example";
	struct cert_plan plan = plan_of(f);
	struct profile p = { .subject = { cn }, .san = { dns } };
	AUTO(X509_NAME) *n = NULL;
	AUTO(GENERAL_NAMES) *g = NULL;
	AUTO(X509) *c = NULL;
	STACK_OF(X509) *list;
	unsigned char *der = NULL;
	struct buf b;
	int ret, len;

	list = sk_X509_new_null();
	if (list == NULL || sk_X509_push(list, f->ca) <= 0) {
		ERR_clear_error();
		sk_X509_free(list);
		return CAMCA_ENOMEM;
	}
	buf_init(&b, 0);
	ret = cert_names(&p, &fields, &n, &g, &f->why);

	plan.subject = n;
	plan.san = g;
	if (ret == 0)
		ret = cert_build(&plan, &c, &f->why);
	if (ret == 0)
		ret = cert_bag(list, &b);
	if (ret == 0 && ossl_nth_left < 0) {
		assert_true(X509_sign(c, f->ca_key, EVP_sha256()) > 0);
		len = i2d_re_X509_tbs(c, &der);
		assert_int_equal(EVP_Digest(der, (size_t)len, tbs, NULL,
		    EVP_sha256(), NULL), 1);
		OPENSSL_free(der);
	}
	sk_X509_free(list);
	buf_fini(&b);
	return ret;
}

static void
test_out_of_memory(void **state)
{
	struct fix *f = *state;
	uint8_t want[32], got[32];
	int ret = -1;
	long n;

	assert_int_equal(issue_once(f, want), 0);
	for (n = 0; n < 5000; n++) {
		memset(&f->why, 0, sizeof f->why);
		ossl_nth_left = n;
		ret = issue_once(f, got);
		if (ossl_nth_left >= 0)
			break;
		assert_int_equal(ERR_peek_error(), 0);
		/* What OpenSSL gets over must not show in the certificate. */
		if (ret == 0)
			assert_memory_equal(got, want, 32);
		else
			assert_true(ret == CAMCA_ENOMEM ||
			    ret == CAMCA_ECRYPTO);
	}
	ossl_nth_left = -1;
	assert_int_equal(ret, 0);
	assert_true(n > 50);
}

/* RFC 6402 2.10; with each allocation failing too: "no" would be a refusal. */
static void
test_is_ra(void **state)
{
	struct fix *f = *state;
	struct cert_plan plan = plan_of(f);
	X509 *camera = built(f, &plan), *ra;
	bool yes = true;
	int ret = -1;
	long n;

	f->profile.eku_nids[1] = NID_cmcRA;
	ra = built(f, &plan);
	assert_int_equal(cert_is_ra(camera, &yes), 0);
	assert_false(yes);
	assert_int_equal(cert_is_ra(f->ca, &yes), 0);
	assert_false(yes);
	for (n = 0; n < 100; n++) {
		ossl_nth_left = n;
		ret = cert_is_ra(ra, &yes);
		if (ossl_nth_left >= 0)
			break;
		assert_int_equal(ERR_peek_error(), 0);
		assert_true(ret == CAMCA_ENOMEM || (ret == 0 && yes));
	}
	ossl_nth_left = -1;
	assert_int_equal(ret, 0);
	assert_true(yes && n > 1);
	X509_free(camera);
	X509_free(ra);
}

#define T(fn) cmocka_unit_test_setup_teardown(fn, setup, teardown)

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_serial),
		cmocka_unit_test(test_serial_bytes),
		cmocka_unit_test(test_names_good),
		cmocka_unit_test(test_names_san_only_and_none),
		cmocka_unit_test(test_names_refused),
		cmocka_unit_test(test_names_cannot_be_injected),
		T(test_build_extensions), T(test_build_what_the_profile_omits),
		T(test_build_key_usage_bits), T(test_build_ski),
		T(test_build_key_types),
		T(test_build_times), T(test_build_2050), T(test_build_refuses),
		T(test_build_verifies_strictly), cmocka_unit_test(test_times),
		T(test_bag), T(test_is_ra), T(test_out_of_memory),
	};

	if (ossl_nth_setup() != 1)
		return 1;
	return cmocka_run_group_tests(tests, NULL, NULL);
}
