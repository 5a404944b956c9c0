/* SPDX-License-Identifier: Apache-2.0 */
#include <openssl/sha.h>
#include <openssl/x509v3.h>
#include <pthread.h>

#include "csr_fixture.h"

static void
test_good(void **state)
{
	struct fx f;
	struct csr c;
	uint8_t *spki = NULL, hash[32];
	int n;

	(void)state;
	fx_init(&f);
	fx_attr_text(&f, BYTES(OID_CHALLENGE), PRINTABLE, BYTES("c2VjcmV0"));
	fx_san(&f, 0x82, BYTES("cam-1.example"));
	fx_accepted(&f, &c);
	assert_int_equal(c.key_kind, KEY_P256);
	assert_int_equal(c.key_bits, 256);
	assert_int_equal(EVP_PKEY_eq(c.key, f.key), 1);
	assert_int_equal(c.digest_nid, NID_sha256);
	assert_int_equal(X509_NAME_entry_count(c.subject), 1);
	assert_string_equal(c.challenge, "c2VjcmV0");
	assert_int_equal(sk_GENERAL_NAME_num(c.san), 1);
	assert_false(c.asks_ca || c.change_subject);
	n = i2d_PUBKEY(f.key, &spki);
	SHA256(spki, (size_t)n, hash);
	assert_memory_equal(hash, c.spki, 32);
	OPENSSL_free(spki);
	csr_fini(&c);
	fx_fini(&f);
}

/* A request by OpenSSL's own encoder, for each kind of key and signature. */
static void
foreign(const char *type, size_t bits, const char *curve, const EVP_MD *md,
    bool pss, int digest, enum profile_key kind)
{
	char error[256];
	struct keycheck *keys;
	struct refusal why = { 0 };
	struct csr c;
	X509_REQ *req = X509_REQ_new();
	EVP_PKEY *key = curve != NULL ? EVP_EC_gen(curve) :
	    bits > 0 ? EVP_RSA_gen((unsigned)bits) :
	    EVP_PKEY_Q_keygen(NULL, NULL, type);
	EVP_MD_CTX *ctx = EVP_MD_CTX_new();
	EVP_PKEY_CTX *pctx;
	uint8_t *der = NULL;
	int n, ret;

	assert_int_equal(keycheck_load(&keys, NULL, error, sizeof error), 0);
	assert_non_null(key);
	X509_REQ_set_pubkey(req, key);
	assert_int_equal(EVP_DigestSignInit(ctx, &pctx, md, NULL, key), 1);
	if (pss)
		EVP_PKEY_CTX_set_rsa_padding(pctx, RSA_PKCS1_PSS_PADDING);
	assert_true(X509_REQ_sign_ctx(req, ctx) > 0);
	n = i2d_X509_REQ(req, &der);
	ret = csr_parse(&c, keys, der, (size_t)n, &why);
	if (ret < 0)
		print_error("%s: %s\n", why.code, why.detail);
	assert_int_equal(ret, 0);
	assert_int_equal(c.key_kind, kind);
	assert_int_equal(c.digest_nid, digest);
	assert_int_equal(X509_NAME_entry_count(c.subject), 0);
	assert_int_equal(EVP_PKEY_eq(c.key, key), 1);
	csr_fini(&c);
	OPENSSL_free(der);
	EVP_MD_CTX_free(ctx);
	EVP_PKEY_free(key);
	X509_REQ_free(req);
	keycheck_free(keys);
}

static void
test_kinds_of_keys(void **state)
{
	(void)state;
	foreign("EC", 0, "P-256", EVP_sha256(), false, NID_sha256, KEY_P256);
	foreign("EC", 0, "P-384", EVP_sha384(), false, NID_sha384, KEY_P384);
	foreign("EC", 0, "P-521", EVP_sha512(), false, NID_sha512, KEY_P521);
	foreign("EC", 0, "P-256", EVP_sha1(), false, NID_sha1, KEY_P256);
	foreign("RSA", 2048, NULL, EVP_sha256(), false, NID_sha256, KEY_RSA);
	foreign("RSA", 2048, NULL, EVP_md5(), false, NID_md5, KEY_RSA);
	foreign("RSA", 2048, NULL, EVP_sha256(), true, NID_sha256, KEY_RSA);
	foreign("RSA", 2048, NULL, EVP_sha1(), true, NID_sha1, KEY_RSA);
	foreign("ED25519", 0, NULL, NULL, false, NID_undef, KEY_ED25519);
}

/* F3, N1: every truncation, every flipped bit. */
static void
test_cut_and_flipped(void **state)
{
	struct fx f;
	uint8_t *copy;
	size_t i;

	(void)state;
	fx_init(&f);
	fx_attr_text(&f, BYTES(OID_CHALLENGE), UTF8, BYTES("abc"));
	fx_san(&f, 0x82, BYTES("a.b"));
	fx_build(&f);
	for (i = 0; i < f.der.len; i++) {
		/* malloc'd, so that reading past the end is seen */
		copy = malloc(i > 0 ? i : 1);
		assert_non_null(copy);
		memcpy(copy, f.der.data, i);
		fx_refused_bytes(&f, copy, i, "csr.not-der");
		free(copy);
	}
	for (i = 0; i < f.der.len * 8; i++) {
		f.der.data[i / 8] ^= (uint8_t)(1u << i % 8);
		fx_refused_bytes(&f, f.der.data, f.der.len, NULL);
		f.der.data[i / 8] ^= (uint8_t)(1u << i % 8);
	}
	fx_fini(&f);
}

static void
test_trailing_and_size(void **state)
{
	struct fx f;
	uint8_t *big;

	(void)state;
	fx_init(&f);
	fx_build(&f);
	assert_int_equal(buf_putc(&f.der, 0), 0);
	fx_refused_bytes(&f, f.der.data, f.der.len, "csr.trailing-data");
	fx_build(&f);
	fx_put(&f.der, BYTES("\x05\x00"));
	fx_refused_bytes(&f, f.der.data, f.der.len, "csr.trailing-data");
	big = calloc(1, CSR_MAX_BYTES + 1);
	assert_non_null(big);
	fx_refused_bytes(&f, big, CSR_MAX_BYTES + 1, "csr.too-large");
	fx_refused_bytes(&f, big, CSR_MAX_BYTES, "csr.not-der");
	free(big);
	fx_fini(&f);
}

/* A part more inside each SEQUENCE: DER, but no request. */
static void
test_not_pkcs10(void **state)
{
	struct fx f;

	(void)state;
	fx_init(&f);
	fx_refused_bytes(&f, (const uint8_t *)"\x30\x00", 2,
	    "csr.not-pkcs10");
	fx_refused_bytes(&f, (const uint8_t *)"\x05\x00", 2,
	    "csr.not-pkcs10");
	fx_put(&f.alg, BYTES(ALG_ECDSA_SHA256 "\x05\x00"));
	fx_refused(&f, "csr.not-pkcs10");
	buf_reset(&f.alg);
	fx_put(&f.subject, BYTES("\x05\x00"));
	fx_refused(&f, "csr.not-pkcs10");
	fx_fini(&f);
}

static void
test_version(void **state)
{
	struct fx f;

	(void)state;
	fx_init(&f);
	f.version = "\1";
	fx_refused(&f, "csr.version");
	f.version = "\xff";
	fx_refused(&f, "csr.version");
	fx_fini(&f);
}

static void
test_signature(void **state)
{
	struct fx f;
	EVP_PKEY *other = EVP_EC_gen("P-256");
	uint8_t *spki = NULL;
	int n;

	(void)state;
	fx_init(&f);
	/* Another's key in the request: no proof of possession. */
	n = i2d_PUBKEY(other, &spki);
	fx_put(&f.spki, spki, (size_t)n);
	fx_refused(&f, "csr.signature");
	OPENSSL_free(spki);
	EVP_PKEY_free(other);
	buf_reset(&f.spki);
	/* sha256WithRSAEncryption over an EC key */
	fx_put(&f.alg, BYTES("\x30\x0d\x06\x09\x2a\x86\x48\x86\xf7\x0d\x01\x01"
	    "\x0b\x05\x00"));
	fx_refused(&f, "csr.signature");
	buf_reset(&f.alg);
	fx_put(&f.alg, BYTES("\x30\x05\x06\x03\x2a\x03\x04"));
	fx_refused(&f, "csr.signature-algorithm");
	fx_fini(&f);
}

/* strongSwan does not sort; others leave an empty [0] out. */
static void
test_liberties(void **state)
{
	struct fx f;
	struct csr c;

	(void)state;
	fx_init(&f);
	fx_attr_text(&f, BYTES(OID_OTP), UTF8, BYTES("long one"));
	fx_attr_text(&f, BYTES(OID_CHALLENGE), UTF8, BYTES("x"));
	fx_accepted(&f, &c);
	assert_string_equal(c.challenge, "x");
	csr_fini(&c);
	buf_reset(&f.attrs);
	fx_accepted(&f, &c);
	csr_fini(&c);
	f.no_attrs = true;
	fx_accepted(&f, &c);
	csr_fini(&c);
	fx_fini(&f);
}

/* Many threads share one keycheck. */
static void *
parse_many(void *arg)
{
	struct fx *f = arg;
	struct csr c;
	int i;

	for (i = 0; i < 50; i++) {
		if (csr_parse(&c, f->keys, f->der.data, f->der.len, NULL) < 0)
			return f;
		csr_fini(&c);
	}
	return NULL;
}

static void
test_threads(void **state)
{
	pthread_t t[4];
	struct fx f;
	void *failed;
	int i;

	(void)state;
	fx_init(&f);
	fx_build(&f);
	for (i = 0; i < 4; i++)
		assert_int_equal(pthread_create(&t[i], NULL, parse_many, &f),
		    0);
	for (i = 0; i < 4; i++) {
		assert_int_equal(pthread_join(t[i], &failed), 0);
		assert_null(failed);
	}
	fx_fini(&f);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_good),
		cmocka_unit_test(test_kinds_of_keys),
		cmocka_unit_test(test_cut_and_flipped),
		cmocka_unit_test(test_trailing_and_size),
		cmocka_unit_test(test_not_pkcs10),
		cmocka_unit_test(test_version),
		cmocka_unit_test(test_signature),
		cmocka_unit_test(test_liberties),
		cmocka_unit_test(test_threads),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
