/* SPDX-License-Identifier: Apache-2.0 */
/* RFC 3161 answers: those of a TSA that does all right, and of ones that do one
 * thing wrong each. Tokens are made by the CMS functions, which sign anything. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include <openssl/cms.h>
#include <openssl/err.h>
#include <openssl/pem.h>
#include <openssl/ts.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include "ca/base/auto.h"
#include "ca/custody/timestamp.h"

#define NOW_MS INT64_C(1800000000000)
#define NOW_S ((time_t)(NOW_MS / 1000))

struct tsa {
	EVP_PKEY *root_key, *key;
	X509 *root, *cert;
	STACK_OF(X509) *trust;
	uint8_t sha256[32], nonce[TIMESTAMP_NONCE_LEN];
	struct buf out;
};

/* What is made, and how. */
struct make {
	const char *eku;               /* of the certificate */
	const EVP_MD *md;
	unsigned flags;                /* of CMS_add1_signer */
	int status;                    /* of the answer */
	bool other_imprint, other_nonce, no_nonce;
	bool certless;
	int64_t time_s;                /* of the token; 0: now */
};

static void
extension(X509 *x, int nid, const char *value)
{
	X509_EXTENSION *e = X509V3_EXT_conf_nid(NULL, NULL, nid, value);

	assert_non_null(e);
	assert_int_equal(X509_add_ext(x, e, -1), 1);
	X509_EXTENSION_free(e);
}

static X509 *
certificate(EVP_PKEY *key, const char *name, X509 *issuer, EVP_PKEY *by)
{
	static long serial = 1;
	X509 *x = X509_new();
	X509_NAME *n = X509_get_subject_name(x);

	X509_set_version(x, 2);
	ASN1_INTEGER_set(X509_get_serialNumber(x), serial++);
	X509_NAME_add_entry_by_NID(n, NID_commonName, MBSTRING_ASC,
	    (const unsigned char *)name, -1, -1, 0);
	X509_set_issuer_name(x, issuer != NULL ?
	    X509_get_subject_name(issuer) : n);
	ASN1_TIME_set(X509_getm_notBefore(x), NOW_S - 1000);
	ASN1_TIME_set(X509_getm_notAfter(x), NOW_S + 1000);
	X509_set_pubkey(x, key);
	if (issuer == NULL) {
		extension(x, NID_basic_constraints, "critical,CA:TRUE");
		X509_sign(x, by, EVP_sha256());
	}
	return x;
}

static void
tsa_certify(struct tsa *t, const char *eku)
{
	X509_free(t->cert);
	t->cert = certificate(t->key, "TSA", t->root, t->root_key);
	if (eku != NULL)
		extension(t->cert, NID_ext_key_usage, eku);
	extension(t->cert, NID_key_usage, "critical,digitalSignature");
	assert_true(X509_sign(t->cert, t->root_key, EVP_sha256()) > 0);
}

static int
setup(void **state)
{
	struct tsa *t = calloc(1, sizeof *t);

	assert_non_null(t);
	t->root_key = EVP_EC_gen("P-256");
	t->key = EVP_EC_gen("P-256");
	t->root = certificate(t->root_key, "root", NULL, t->root_key);
	t->trust = sk_X509_new_null();
	X509_up_ref(t->root);
	sk_X509_push(t->trust, t->root);
	memset(t->sha256, 7, sizeof t->sha256);
	memset(t->nonce, 0x41, sizeof t->nonce);
	buf_init(&t->out, 0);
	*state = t;
	return 0;
}

static int
teardown(void **state)
{
	struct tsa *t = *state;

	EVP_PKEY_free(t->root_key);
	EVP_PKEY_free(t->key);
	X509_free(t->root);
	X509_free(t->cert);
	timestamp_trust_free(t->trust);
	buf_fini(&t->out);
	free(t);
	return 0;
}

static TS_TST_INFO *
info_make(const struct tsa *t, const struct make *m)
{
	TS_TST_INFO *info = TS_TST_INFO_new();
	TS_MSG_IMPRINT *im = TS_MSG_IMPRINT_new();
	X509_ALGOR *alg = X509_ALGOR_new();
	ASN1_OBJECT *policy = OBJ_txt2obj("1.2.3.4.1", 1);
	ASN1_GENERALIZEDTIME *when = ASN1_GENERALIZEDTIME_set(NULL,
	    m->time_s != 0 ? (time_t)m->time_s : NOW_S);
	ASN1_INTEGER *n = ASN1_INTEGER_new();
	BIGNUM *bn = BN_bin2bn(t->nonce, sizeof t->nonce, NULL);
	uint8_t hash[32];

	memcpy(hash, t->sha256, sizeof hash);
	if (m->other_imprint)
		hash[31] = 0;
	X509_ALGOR_set0(alg, OBJ_nid2obj(NID_sha256), V_ASN1_NULL, NULL);
	TS_MSG_IMPRINT_set_algo(im, alg);
	TS_MSG_IMPRINT_set_msg(im, hash, sizeof hash);
	TS_TST_INFO_set_version(info, 1);
	TS_TST_INFO_set_policy_id(info, policy);
	TS_TST_INFO_set_msg_imprint(info, im);
	ASN1_INTEGER_set(n, 42);
	TS_TST_INFO_set_serial(info, n);
	TS_TST_INFO_set_time(info, when);
	if (m->other_nonce)
		BN_add_word(bn, 1);
	BN_to_ASN1_INTEGER(bn, n);
	if (!m->no_nonce)
		TS_TST_INFO_set_nonce(info, n);
	X509_ALGOR_free(alg);
	TS_MSG_IMPRINT_free(im);
	ASN1_OBJECT_free(policy);
	ASN1_GENERALIZEDTIME_free(when);
	ASN1_INTEGER_free(n);
	BN_free(bn);
	return info;
}

static PKCS7 *
token_make(const struct tsa *t, const struct make *m, TS_TST_INFO *info)
{
	unsigned flags = CMS_BINARY | CMS_PARTIAL | CMS_NOSMIMECAP |
	    (m->certless ? CMS_NOCERTS : 0);
	unsigned char *der = NULL;
	const unsigned char *p;
	CMS_ContentInfo *cms;
	PKCS7 *p7;
	BIO *data;
	int n = i2d_TS_TST_INFO(info, &der);

	data = BIO_new_mem_buf(der, n);
	cms = CMS_sign(NULL, NULL, NULL, data, flags);
	assert_non_null(cms);
	CMS_set1_eContentType(cms, OBJ_nid2obj(NID_id_smime_ct_TSTInfo));
	assert_non_null(CMS_add1_signer(cms, t->cert, t->key, m->md,
	    flags | m->flags));
	assert_int_equal(CMS_final(cms, data, NULL, CMS_BINARY), 1);
	BIO_free(data);
	OPENSSL_free(der);
	der = NULL;
	n = i2d_CMS_ContentInfo(cms, &der);
	p = der;
	p7 = d2i_PKCS7(NULL, &p, n);
	assert_non_null(p7);
	OPENSSL_free(der);
	CMS_ContentInfo_free(cms);
	return p7;
}

static void
answer_make(struct tsa *t, const struct make *m)
{
	TS_RESP *r = TS_RESP_new();
	TS_STATUS_INFO *st = TS_STATUS_INFO_new();
	unsigned char *der = NULL;
	TS_TST_INFO *info;
	int n;

	tsa_certify(t, m->eku);
	TS_STATUS_INFO_set_status(st, m->status);
	TS_RESP_set_status_info(r, st);
	if (m->status < 2) {
		info = info_make(t, m);
		TS_RESP_set_tst_info(r, token_make(t, m, info), info);
	}
	n = i2d_TS_RESP(r, &der);
	assert_true(n > 0);
	buf_reset(&t->out);
	assert_int_equal(buf_put(&t->out, der, (size_t)n), 0);
	OPENSSL_free(der);
	TS_STATUS_INFO_free(st);
	TS_RESP_free(r);
	ERR_clear_error();
}

static int
check_at(struct tsa *t, int64_t at_ms, struct refusal *why)
{
	const struct timestamp_expect x = { .sha256 = t->sha256,
	    .nonce = t->nonce, .trust = t->trust, .at_ms = at_ms };
	int64_t when = 0;
	int ret = timestamp_check(t->out.data, t->out.len, &x, &when, why);

	assert_int_equal(ERR_peek_error(), 0);
	if (ret == CAMCA_OK)
		assert_int_equal(when, NOW_MS);
	return ret;
}

static const struct make good = { .eku = "critical,timeStamping",
    .flags = CMS_CADES };

static void
test_good(void **state)
{
	static const char *const digests[] = { "SHA256", "SHA384", "SHA512" };
	struct make m = good;
	size_t i;

	for (i = 0; i < 3; i++) {
		m.md = EVP_get_digestbyname(digests[i]);
		answer_make(*state, &m);
		assert_int_equal(check_at(*state, NOW_MS, NULL), 0);
		assert_int_equal(check_at(*state, 0, NULL), 0);
	}
	m.status = 1;                  /* granted with modifications */
	answer_make(*state, &m);
	assert_int_equal(check_at(*state, NOW_MS, NULL), 0);
}

static void
refused(struct tsa *t, const struct make *m, const char *words)
{
	struct refusal why = { 0 };

	answer_make(t, m);
	assert_int_equal(check_at(t, NOW_MS, &why), CAMCA_EPOLICY);
	assert_string_equal(why.code, "custody.timestamp");
	assert_int_equal(why.http, 502);
	if (strstr(why.detail, words) == NULL)
		fail_msg("'%s' is not in: %s", words, why.detail);
}

static void
test_wrong(void **state)
{
	struct tsa *t = *state;
	struct make m = good;

	m.other_imprint = true;
	refused(t, &m, "imprint");
	m = good;
	m.other_nonce = true;
	refused(t, &m, "nonce");
	m = good;
	m.no_nonce = true;
	refused(t, &m, "nonce");
	m = good;
	m.certless = true;
	refused(t, &m, "");
	m = good;
	m.flags = 0;
	refused(t, &m, "ESSCertIDv2");
	m = good;
	m.md = EVP_sha1();
	refused(t, &m, "");
	m = good;
	m.status = 2;
	refused(t, &m, "");
}

/* RFC 3161 2.3: its only purpose, and critical. */
static void
test_purpose(void **state)
{
	static const char *const ekus[] = { "timeStamping", NULL,
	    "critical,timeStamping,serverAuth", "critical,codeSigning" };
	struct make m = good;
	size_t i;

	for (i = 0; i < sizeof ekus / sizeof ekus[0]; i++) {
		m.eku = ekus[i];
		refused(*state, &m, "certificate");
	}
}

static void
test_trust(void **state)
{
	struct tsa *t = *state;
	X509 *other = certificate(t->key, "root", NULL, t->key);
	struct make m = good;

	answer_make(t, &m);
	assert_int_equal(check_at(t, NOW_MS + 2000000, NULL), CAMCA_EPOLICY);
	assert_int_equal(check_at(t, NOW_MS - 2000000, NULL), CAMCA_EPOLICY);
	/* The TSA's own certificate is no root. */
	sk_X509_pop_free(t->trust, X509_free);
	t->trust = sk_X509_new_null();
	X509_up_ref(t->cert);
	sk_X509_push(t->trust, t->cert);
	assert_int_equal(check_at(t, NOW_MS, NULL), CAMCA_EPOLICY);
	sk_X509_pop_free(t->trust, X509_free);
	t->trust = sk_X509_new_null();
	assert_int_equal(check_at(t, NOW_MS, NULL), CAMCA_EPOLICY);
	sk_X509_push(t->trust, other);
	assert_int_equal(check_at(t, NOW_MS, NULL), CAMCA_EPOLICY);
}

static void
test_weak_key(void **state)
{
	struct tsa *t = *state;
	struct make m = good;

	EVP_PKEY_free(t->key);
	t->key = EVP_RSA_gen(1024);
	refused(t, &m, "");
	EVP_PKEY_free(t->key);
	t->key = EVP_RSA_gen(2048);
	answer_make(t, &m);
	assert_int_equal(check_at(t, NOW_MS, NULL), 0);
}

/* Where the answer has these bytes. */
static size_t
find(const struct tsa *t, const unsigned char *p, int n)
{
	const uint8_t *at = memmem(t->out.data, t->out.len, p, (size_t)n);

	assert_non_null(at);
	return (size_t)(at - t->out.data);
}

/* What was stamped, and the certificate that says by whom: no bit of these. The
 * rest has bits that nobody signs and that say nothing: numbers of versions,
 * the names of algorithms, set beside the ones that are signed. */
struct holds {
	size_t info, info_len, cert, cert_len;
};

static void
holds_find(struct holds *h, const struct tsa *t, const struct make *m)
{
	TS_TST_INFO *info = info_make(t, m);
	unsigned char *der = NULL;

	h->info_len = (size_t)i2d_TS_TST_INFO(info, &der);
	h->info = find(t, der, (int)h->info_len);
	OPENSSL_free(der);
	der = NULL;
	h->cert_len = (size_t)i2d_X509(t->cert, &der);
	h->cert = find(t, der, (int)h->cert_len);
	OPENSSL_free(der);
	TS_TST_INFO_free(info);
}

static void
test_cut_and_bits(void **state)
{
	struct tsa *t = *state;
	struct make m = good;
	struct holds h;
	size_t i, n, passed = 0;

	answer_make(t, &m);
	holds_find(&h, t, &m);
	n = t->out.len;
	for (t->out.len = 0; t->out.len < n; t->out.len++)
		assert_int_equal(check_at(t, NOW_MS, NULL), CAMCA_EINVAL);
	assert_int_equal(buf_putc(&t->out, 0), 0);
	assert_int_equal(check_at(t, NOW_MS, NULL), CAMCA_EINVAL);
	t->out.len = n;
	for (i = 0; i < n * 8; i++) {
		t->out.data[i / 8] ^= (uint8_t)(1 << i % 8);
		if (check_at(t, NOW_MS, NULL) == CAMCA_OK) {
			passed++;
			assert_false(i / 8 - h.info < h.info_len);
			assert_false(i / 8 - h.cert < h.cert_len);
		}
		t->out.data[i / 8] ^= (uint8_t)(1 << i % 8);
	}
	assert_true(passed < 128);
	assert_int_equal(check_at(t, NOW_MS, NULL), 0);
	while (t->out.len <= TIMESTAMP_ANSWER_MAX)
		assert_int_equal(buf_putc(&t->out, 0), 0);
	assert_int_equal(check_at(t, NOW_MS, NULL), CAMCA_EINVAL);
}

static void
test_request(void **state)
{
	struct tsa *t = *state;
	const unsigned char *p;
	TS_REQ *req;
	BIGNUM *n;

	assert_int_equal(timestamp_request(t->sha256, t->nonce, &t->out), 0);
	p = t->out.data;
	req = d2i_TS_REQ(NULL, &p, (long)t->out.len);
	assert_non_null(req);
	assert_ptr_equal(p, t->out.data + t->out.len);
	assert_int_equal(TS_REQ_get_version(req), 1);
	assert_true(TS_REQ_get_cert_req(req));
	assert_int_equal(TS_REQ_get_ext_count(req), 0);
	assert_memory_equal(ASN1_STRING_get0_data(TS_MSG_IMPRINT_get_msg(
	    TS_REQ_get_msg_imprint(req))), t->sha256, 32);
	n = ASN1_INTEGER_to_BN(TS_REQ_get_nonce(req), NULL);
	assert_int_equal(BN_num_bytes(n), TIMESTAMP_NONCE_LEN);
	BN_free(n);
	TS_REQ_free(req);
	t->nonce[0] = 0;
	assert_int_equal(timestamp_request(t->sha256, t->nonce, &t->out),
	    CAMCA_EINVAL);
	t->nonce[0] = 0x80;
	assert_int_equal(timestamp_request(t->sha256, t->nonce, &t->out),
	    CAMCA_EINVAL);
}

static void
test_trust_file(void **state)
{
	struct tsa *t = *state;
	STACK_OF(X509) *list = NULL;
	struct refusal why = { 0 };
	BIO *b = BIO_new(BIO_s_mem());
	char *pem;
	size_t n;
	int i;

	PEM_write_bio_X509(b, t->root);
	n = (size_t)BIO_get_mem_data(b, &pem);
	assert_int_equal(timestamp_trust(pem, n, &list, NULL), 0);
	assert_int_equal(sk_X509_num(list), 1);
	timestamp_trust_free(list);
	assert_int_equal(timestamp_trust("", 0, &list, &why), CAMCA_EINVAL);
	assert_string_equal(why.code, "custody.tsa-trust");
	assert_int_equal(timestamp_trust("x\n", 2, &list, NULL),
	    CAMCA_EINVAL);
	assert_int_equal(timestamp_trust(pem, n - 20, &list, NULL),
	    CAMCA_EINVAL);
	pem[60] ^= 0x40;
	assert_int_equal(timestamp_trust(pem, n, &list, NULL), CAMCA_EINVAL);
	pem[60] ^= 0x40;
	for (i = 0; i < 32; i++)
		PEM_write_bio_X509(b, t->root);
	n = (size_t)BIO_get_mem_data(b, &pem);
	assert_int_equal(timestamp_trust(pem, n, &list, NULL), CAMCA_EINVAL);
	assert_int_equal(ERR_peek_error(), 0);
	BIO_free(b);
}

#define TSA(t) cmocka_unit_test_setup_teardown(t, setup, teardown)

int
main(void)
{
	const struct CMUnitTest tests[] = {
		TSA(test_good),
		TSA(test_wrong),
		TSA(test_purpose),
		TSA(test_trust),
		TSA(test_weak_key),
		TSA(test_cut_and_bits),
		TSA(test_request),
		TSA(test_trust_file),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
