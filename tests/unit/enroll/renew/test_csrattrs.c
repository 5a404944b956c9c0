/* SPDX-License-Identifier: Apache-2.0 */
#include <openssl/asn1.h>
#include <openssl/objects.h>

#include "enroll/renew/csrattrs.h"
#include "pki.h"

/* The example of RFC 7030 4.5.2 and RFC 8951 4. */
static const char example[] =
    "MEEGCSqGSIb3DQEJBzASBgcqhkjOPQIBMQcGBSuBBAAiMBYGCSqGSIb3DQEJDjEJBgcr"
    "BgEBAQEWBggqhkjOPQQDAw==";

/* DER from the configuration language of ASN1_generate_v3. */
static void
generate(struct buf *out, const char *text)
{
	BIO *bio = BIO_new_mem_buf(text, -1);
	CONF *conf = NCONF_new(NULL);
	X509V3_CTX ctx;
	ASN1_TYPE *t;
	unsigned char *der = NULL;
	long line;
	int n;

	assert_int_equal(NCONF_load_bio(conf, bio, &line), 1);
	X509V3_set_ctx(&ctx, NULL, NULL, NULL, NULL, 0);
	X509V3_set_nconf(&ctx, conf);
	t = ASN1_generate_v3("SEQUENCE:top", &ctx);
	assert_non_null(t);
	n = i2d_ASN1_TYPE(t, &der);
	assert_true(n > 0);
	assert_int_equal(enc_base64(out, der, (size_t)n, 64), 0);
	OPENSSL_free(der);
	ASN1_TYPE_free(t);
	NCONF_free(conf);
	BIO_free(bio);
	ERR_clear_error();
}

static int
parse(struct csrattrs *a, const char *b64)
{
	struct refusal why = { 0 };
	struct buf in;
	int ret;

	buf_init(&in, 0);
	assert_int_equal(buf_puts(&in, b64), 0);
	ret = csrattrs_parse(a, &in, &why);
	if (ret < 0)
		assert_string_equal(why.code, "est.bad-csrattrs");
	buf_fini(&in);
	assert_int_equal(ERR_peek_error(), 0);
	return ret;
}

static int
parse_conf(struct csrattrs *a, const char *text)
{
	struct buf b64;
	int ret;

	buf_init(&b64, 0);
	generate(&b64, text);
	ret = parse(a, buf_str(&b64));
	buf_fini(&b64);
	return ret;
}

static void
rfc_example(void **state)
{
	struct csrattrs a;

	(void)state;
	assert_int_equal(parse(&a, example), 0);
	assert_true(a.challenge_password);
	assert_false(a.identity_linking);
	assert_int_equal(a.key_nid, NID_X9_62_id_ecPublicKey);
	assert_int_equal(a.curve_nid, NID_secp384r1);
	assert_int_equal(a.digest_nid, NID_sha384);
	assert_null(a.extensions);
	csrattrs_fini(&a);
}

static void
nothing_asked(void **state)
{
	struct csrattrs a;

	(void)state;
	assert_int_equal(parse(&a, ""), 0);
	csrattrs_fini(&a);
	assert_int_equal(parse(&a, "MAA="), 0);
	assert_false(a.challenge_password);
	assert_int_equal(a.key_nid, NID_undef);
	csrattrs_fini(&a);
}

static void
rsa_and_extensions(void **state)
{
	struct csrattrs a;

	(void)state;
	assert_int_equal(parse_conf(&a,
	    "[top]\na=SEQUENCE:rsa\nb=SEQUENCE:ext\n"
	    "c=OID:1.2.840.113549.1.9.16.2.58\nd=OID:1.2.3.4\n"
	    "[rsa]\na=OID:rsaEncryption\nb=SET:bits\n[bits]\na=INTEGER:4096\n"
	    "[ext]\na=OID:extReq\nb=SET:one\n[one]\na=SEQUENCE:exts\n"
	    "[exts]\na=SEQUENCE:eku\n[eku]\na=OID:extendedKeyUsage\n"
	    "b=FORMAT:HEX,OCT:300A06082B06010505070302\n"), 0);
	assert_int_equal(a.key_nid, NID_rsaEncryption);
	assert_int_equal(a.rsa_bits, 4096);
	assert_true(a.identity_linking);
	assert_int_equal(sk_X509_EXTENSION_num(a.extensions), 1);
	csrattrs_fini(&a);
}

#define TEMPLATE_TOP "[top]\na=SEQUENCE:tattr\nb=OID:challengePassword\n" \
    "c=SEQUENCE:old\n[old]\na=OID:rsaEncryption\nb=SET:none\n[none]\n" \
    "[tattr]\na=OID:1.2.840.113549.1.9.16.2.61\nb=SET:vals\n" \
    "[vals]\na=SEQUENCE:tpl\n"
#define TEMPLATE TEMPLATE_TOP \
    "[tpl]\na=INTEGER:0\nb=SEQUENCE:name\nc=IMPLICIT:0,SEQUENCE:key\n" \
    "d=IMPLICIT:1,SET:attrs\n" \
    "[name]\na=SET:r1\nb=SET:r2\n[r1]\na=SEQUENCE:org\n" \
    "[org]\na=OID:O\nb=UTF8:Site\n[r2]\na=SEQUENCE:cn\n[cn]\na=OID:CN\n" \
    "[key]\na=SEQUENCE:alg\n[alg]\na=OID:id-ecPublicKey\nb=OID:secp384r1\n" \
    "[attrs]\na=SEQUENCE:exta\n[exta]\n" \
    "a=OID:1.2.840.113549.1.9.16.2.62\nb=SET:extv\n" \
    "[extv]\na=SEQUENCE:exts\n[exts]\na=SEQUENCE:e1\nb=SEQUENCE:e2\n" \
    "[e1]\na=OID:subjectAltName\n[e2]\na=OID:extendedKeyUsage\nb=BOOL:TRUE\n" \
    "c=FORMAT:HEX,OCT:300A06082B06010505070302\n"

static void
template_goes_first(void **state)
{
	struct csrattrs a;

	(void)state;
	assert_int_equal(parse_conf(&a, TEMPLATE), 0);
	assert_true(a.has_template);
	assert_true(a.challenge_password);
	assert_int_equal(a.key_nid, NID_X9_62_id_ecPublicKey);
	assert_int_equal(a.curve_nid, NID_secp384r1);
	assert_int_equal(a.rdn_count, 2);
	assert_int_equal(OBJ_obj2nid(a.rdn[0].type), NID_organizationName);
	assert_non_null(a.rdn[0].value);
	assert_null(a.rdn[1].value);
	assert_int_equal(sk_X509_EXTENSION_num(a.extensions), 1);
	assert_int_equal(X509_EXTENSION_get_critical(
	    sk_X509_EXTENSION_value(a.extensions, 0)), 1);
	csrattrs_fini(&a);
}

static void
template_rsa_size(void **state)
{
	struct csrattrs a;

	(void)state;
	/* BIT STRING of SEQUENCE { INTEGER of 5 octets, INTEGER 3 } */
	assert_int_equal(parse_conf(&a, TEMPLATE_TOP
	    "[tpl]\na=INTEGER:0\nb=IMPLICIT:0,SEQUENCE:key\n"
	    "c=IMPLICIT:1,SET:none\n[key]\na=SEQUENCE:alg\n"
	    "b=FORMAT:HEX,BITSTRING:300B0206008000000000020103\n"
	    "[alg]\na=OID:rsaEncryption\nb=NULL\n"), 0);
	assert_int_equal(a.key_nid, NID_rsaEncryption);
	assert_int_equal(a.rsa_bits, 40);
	csrattrs_fini(&a);
}

static void
malformed(void **state)
{
	static const char *const bad[] = {
		"[top]\na=INTEGER:1\n",
		"[top]\na=SEQUENCE:k\n[k]\na=OID:rsaEncryption\nb=SET:v\n"
		"[v]\na=INTEGER:2048\nb=INTEGER:3072\n",
		"[top]\na=SEQUENCE:k\n[k]\na=OID:rsaEncryption\nb=SET:v\n"
		"[v]\na=INTEGER:-5\n",
		"[top]\na=SEQUENCE:k\n[k]\na=OID:id-ecPublicKey\nb=SET:v\n"
		"[v]\na=INTEGER:5\n",
		"[top]\na=SEQUENCE:k\n[k]\na=OID:extReq\nb=SET:v\n"
		"[v]\na=INTEGER:5\n",
		TEMPLATE_TOP "[tpl]\na=INTEGER:1\nb=IMPLICIT:1,SET:none\n",
		TEMPLATE_TOP "[tpl]\na=INTEGER:0\n",
		"[top]\na=SEQUENCE:t\nb=SEQUENCE:t\n[t]\n"
		"a=OID:1.2.840.113549.1.9.16.2.61\nb=SET:v\n[v]\n"
		"a=SEQUENCE:tpl\n[tpl]\na=INTEGER:0\nb=IMPLICIT:1,SET:none\n"
		"[none]\n",
	};
	struct csrattrs a;

	(void)state;
	for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) {
		assert_int_equal(parse_conf(&a, bad[i]), CAMCA_EPROTO);
		csrattrs_fini(&a);
	}
	assert_int_equal(parse(&a, "????"), CAMCA_EPROTO);
	csrattrs_fini(&a);
	assert_int_equal(parse(&a, "MAAA"), CAMCA_EPROTO);
	csrattrs_fini(&a);
}

static void
cut_and_flipped(void **state)
{
	struct csrattrs a;
	struct buf b64, der, again;

	(void)state;
	buf_init(&b64, 0);
	buf_init(&der, 0);
	buf_init(&again, 0);
	generate(&b64, TEMPLATE);
	assert_int_equal(dec_base64(&der, buf_str(&b64), b64.len, 1), 0);
	for (size_t i = 1; i < der.len; i++) {
		buf_reset(&again);
		assert_int_equal(enc_base64(&again, der.data, i, 0), 0);
		assert_int_equal(parse(&a, buf_str(&again)), CAMCA_EPROTO);
		csrattrs_fini(&a);
	}
	for (size_t i = 0; i < der.len * 8; i++) {
		der.data[i / 8] ^= (uint8_t)(1 << i % 8);
		buf_reset(&again);
		assert_int_equal(enc_base64(&again, der.data, der.len, 0), 0);
		(void)parse(&a, buf_str(&again));
		csrattrs_fini(&a);
		der.data[i / 8] ^= (uint8_t)(1 << i % 8);
	}
	buf_fini(&b64);
	buf_fini(&der);
	buf_fini(&again);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(rfc_example),
		cmocka_unit_test(nothing_asked),
		cmocka_unit_test(rsa_and_extensions),
		cmocka_unit_test(template_goes_first),
		cmocka_unit_test(template_rsa_size),
		cmocka_unit_test(malformed),
		cmocka_unit_test(cut_and_flipped),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
