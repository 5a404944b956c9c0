/* SPDX-License-Identifier: Apache-2.0 */
#include <openssl/core_names.h>
#include <openssl/ec.h>
#include <openssl/param_build.h>
#include <openssl/rsa.h>
#include <unistd.h>

#include "csr_fixture.h"

#include "ca/base/auto.h"
#include "ca/base/enc.h"
#include "ca/base/file.h"

AUTO_DEFINE(BN_CTX, BN_CTX_free)

/* AlgorithmIdentifier of rsaEncryption; of sha256WithRSAEncryption. */
#define ALG_RSA "\x30\x0d\x06\x09\x2a\x86\x48\x86\xf7\x0d\x01\x01\x01\x05\x00"
#define ALG_RSA_SHA256 \
	"\x30\x0d\x06\x09\x2a\x86\x48\x86\xf7\x0d\x01\x01\x0b\x05\x00"
#define ALG_P256 "\x30\x13\x06\x07\x2a\x86\x48\xce\x3d\x02\x01\x06\x08\x2a" \
	"\x86\x48\xce\x3d\x03\x01\x07"

static struct profile
any_key(void)
{
	struct profile p = { .name = "any" };

	p.keys = (1u << PROFILE_KEYS) - 1;
	p.rsa_min_bits = 2048;
	p.rsa_max_bits = 4096;
	return p;
}

/* ---- the list ---- */

static int
load_text(struct keycheck **out, const char *text, size_t n, char error[256])
{
	char dir[] = "/tmp/camca-keycheck-XXXXXX", path[64];
	int ret;

	assert_non_null(mkdtemp(dir));
	snprintf(path, sizeof path, "%s/weak-keys", dir);
	assert_int_equal(file_replace(path, text, n, 0600), 0);
	ret = keycheck_load(out, path, error, 256);
	unlink(path);
	rmdir(dir);
	return ret;
}

#define HEX_A "00112233445566778899aabbccddeeff00112233445566778899aabbccddeeff"
#define HEX_B "FF112233445566778899AABBCCDDEEFF00112233445566778899AABBCCDDEEFF"

static void
test_list(void **state)
{
	uint8_t a[32], b[32], c[32] = { 0 };
	struct keycheck *k;
	char error[256];

	(void)state;
	assert_int_equal(dec_hex(a, 32, HEX_A), 0);
	assert_int_equal(dec_hex(b, 32, HEX_B), 0);
	assert_int_equal(load_text(&k, BYTES("# weak keys\n\n" HEX_B " # b\r\n"
	    HEX_A "\n   # indented\n" HEX_B), error), 0);
	assert_true(keycheck_is_weak(k, a));
	assert_true(keycheck_is_weak(k, b));
	assert_false(keycheck_is_weak(k, c));
	keycheck_free(k);
	assert_int_equal(load_text(&k, BYTES(""), error), 0);
	assert_false(keycheck_is_weak(k, a));
	keycheck_free(k);
	assert_int_equal(keycheck_load(&k, NULL, error, sizeof error), 0);
	assert_false(keycheck_is_weak(k, a));
	keycheck_free(k);
	keycheck_free(NULL);
}

static void
test_list_malformed(void **state)
{
	static const struct {
		const char *text;
		size_t n;
		const char *where;
	} cases[] = {
		{ BYTES("abc\n"), "weak-keys:1: neither" },
		{ BYTES("\n\n" HEX_A "0\n"), "weak-keys:3: neither" },
		{ BYTES(HEX_A "\n" HEX_A " " HEX_A "\n"),
		    "weak-keys:2: neither" },
		{ BYTES("g" HEX_A "\n"), "weak-keys:1: neither" },
		{ BYTES(" " HEX_A "\n"), "weak-keys:1: neither" },
		{ BYTES("0011\0" HEX_A "\n"), "weak-keys:1: neither" },
	};
	struct keycheck *k;
	char error[256], *text;
	size_t i;

	(void)state;
	for (i = 0; i < sizeof cases / sizeof cases[0]; i++) {
		assert_int_equal(load_text(&k, cases[i].text, cases[i].n,
		    error), CAMCA_EINVAL);
		assert_null(k);
		assert_non_null(strstr(error, cases[i].where));
	}
	text = malloc(600);
	assert_non_null(text);
	memset(text, '#', 600);
	assert_int_equal(load_text(&k, text, 600, error), CAMCA_EINVAL);
	assert_non_null(strstr(error, "weak-keys:1: longer"));
	free(text);
	assert_int_equal(keycheck_load(&k, "/nonexistent/weak-keys", error,
	    sizeof error), CAMCA_EINVAL);
	assert_non_null(strstr(error, "/nonexistent/weak-keys: "));
}

/* The shipped list can be read. */
static void
test_list_shipped(void **state)
{
	struct keycheck *k;
	char error[256];

	(void)state;
	if (keycheck_load(&k, "policies/rules/weak-keys", error,
	    sizeof error) < 0)
		fail_msg("%s", error);
	keycheck_free(k);
}

/* ---- ROCA ---- */

/* M: the product of the first n primes. */
static void
primorial(BIGNUM *m, int n)
{
	unsigned p, d;

	assert_int_equal(BN_one(m), 1);
	for (p = 2; n > 0; p++) {
		for (d = 2; d * d <= p && p % d != 0; d++)
			;
		if (d * d <= p)
			continue;
		assert_int_equal(BN_mul_word(m, p), 1);
		n--;
	}
}

/* A prime of 256 bits as the faulty library made them for keys of 512 bits:
 * k * M + (65537^a mod M), where M has 39 primes. */
static void
roca_prime(BIGNUM *out, BN_CTX *ctx)
{
	AUTO(BIGNUM) *m = BN_new();
	AUTO(BIGNUM) *g = BN_new();
	AUTO(BIGNUM) *a = BN_new();
	AUTO(BIGNUM) *k = BN_new();

	primorial(m, 39);
	BN_set_word(g, 65537);
	do {
		BN_rand(a, 60, BN_RAND_TOP_ANY, BN_RAND_BOTTOM_ANY);
		BN_rand(k, 256 - BN_num_bits(m), BN_RAND_TOP_TWO,
		    BN_RAND_BOTTOM_ANY);
		BN_mod_exp(out, g, a, m, ctx);
		BN_mul(k, k, m, ctx);
		BN_add(out, out, k);
	} while (BN_check_prime(out, ctx, NULL) != 1);
}

static void
test_roca(void **state)
{
	AUTO(BN_CTX) *ctx = BN_CTX_new();
	AUTO(BIGNUM) *m = BN_new();
	AUTO(BIGNUM) *n = BN_new();
	AUTO(BIGNUM) *g = BN_new();
	int i;

	(void)state;
	/* The shortest keys: 39 primes, the last of them 167. */
	primorial(m, 39);
	BN_set_word(g, 65537);
	for (i = 0; i < 20; i++) {
		BN_rand(n, 40, BN_RAND_TOP_ANY, BN_RAND_BOTTOM_ANY);
		BN_mod_exp(n, g, n, m, ctx);
		assert_true(keycheck_roca(n));
		BN_add(n, n, m);
		assert_true(keycheck_roca(n));
	}
	/* Sound ones: one in 10^8 would show it. */
	for (i = 0; i < 200; i++) {
		BN_rand(n, 2048, BN_RAND_TOP_TWO, BN_RAND_BOTTOM_ODD);
		assert_false(keycheck_roca(n));
	}
	BN_set_word(n, 1);
	assert_true(keycheck_roca(n));
	BN_zero(n);
	assert_false(keycheck_roca(n));
}

static void
test_small_factor(void **state)
{
	AUTO(BIGNUM) *n = BN_new();

	(void)state;
	BN_set_word(n, 4);
	assert_int_equal(keycheck_small_factor(n), 2);
	BN_set_word(n, 167 * 173);
	assert_int_equal(keycheck_small_factor(n), 167);
	BN_set_word(n, 173 * 179);
	assert_int_equal(keycheck_small_factor(n), 0);
}

/* ---- keys in requests ---- */

/* A private key from p, q and e. */
static EVP_PKEY *
rsa_of(const BIGNUM *p, const BIGNUM *q, BN_ULONG exponent)
{
	AUTO(BN_CTX) *ctx = BN_CTX_new();
	AUTO(BIGNUM) *n = BN_new();
	AUTO(BIGNUM) *e = BN_new();
	AUTO(BIGNUM) *d = BN_new();
	AUTO(BIGNUM) *p1 = BN_dup(p);
	AUTO(BIGNUM) *q1 = BN_dup(q);
	AUTO(EVP_PKEY_CTX) *kctx = EVP_PKEY_CTX_new_from_name(NULL, "RSA",
	    NULL);
	OSSL_PARAM_BLD *b = OSSL_PARAM_BLD_new();
	OSSL_PARAM *params;
	EVP_PKEY *key = NULL;

	BN_mul(n, p, q, ctx);
	BN_sub_word(p1, 1);
	BN_sub_word(q1, 1);
	BN_mul(p1, p1, q1, ctx);
	BN_set_word(e, exponent);
	if (BN_mod_inverse(d, e, p1, ctx) != NULL) {
		OSSL_PARAM_BLD_push_BN(b, OSSL_PKEY_PARAM_RSA_N, n);
		OSSL_PARAM_BLD_push_BN(b, OSSL_PKEY_PARAM_RSA_E, e);
		OSSL_PARAM_BLD_push_BN(b, OSSL_PKEY_PARAM_RSA_D, d);
		params = OSSL_PARAM_BLD_to_param(b);
		EVP_PKEY_fromdata_init(kctx);
		assert_int_equal(EVP_PKEY_fromdata(kctx, &key,
		    EVP_PKEY_KEYPAIR, params), 1);
		OSSL_PARAM_free(params);
	}
	OSSL_PARAM_BLD_free(b);
	ERR_clear_error();
	return key;
}

/* Result of csr_check_key for a good request with this key (taken). */
static void
check_key(EVP_PKEY *key, const struct profile *p, const char *code)
{
	struct refusal why = { 0 };
	struct fx f;
	struct csr c;
	int ret;

	assert_non_null(key);
	fx_init(&f);
	EVP_PKEY_free(f.key);
	f.key = key;
	if (EVP_PKEY_is_a(key, "RSA"))
		fx_put(&f.alg, BYTES(ALG_RSA_SHA256));
	fx_accepted(&f, &c);
	ret = csr_check_key(&c, f.keys, p, &why);
	assert_int_equal(ret, code != NULL ? CAMCA_EPOLICY : 0);
	if (code != NULL) {
		assert_string_equal(why.code, code);
		assert_int_equal(why.http, 400);
	}
	csr_fini(&c);
	fx_fini(&f);
}

static void
test_rsa_rules(void **state)
{
	struct profile prof = any_key();

	(void)state;
	check_key(EVP_RSA_gen(2048), &prof, NULL);
	check_key(EVP_RSA_gen(1024), &prof, "csr.key-too-small");
	check_key(EVP_RSA_gen(2040), &prof, "csr.key-too-small");
	prof.rsa_max_bits = 2048;
	check_key(EVP_RSA_gen(2056), &prof, "csr.key-too-large");
}

/* Small keys: the rules do not depend on the size, the time of a test does. */
static void
test_rsa_modulus(void **state)
{
	AUTO(BN_CTX) *ctx = BN_CTX_new();
	AUTO(BIGNUM) *p = BN_new();
	AUTO(BIGNUM) *q = BN_new();
	struct profile prof = any_key();
	EVP_PKEY *key;

	(void)state;
	prof.rsa_min_bits = 504;
	do {
		BN_generate_prime_ex(p, 256, 0, NULL, NULL, NULL);
		BN_generate_prime_ex(q, 256, 0, NULL, NULL, NULL);
		key = rsa_of(p, q, 3);
	} while (key == NULL);
	check_key(key, &prof, "csr.key-exponent");
	BN_set_word(p, 163);
	do {
		BN_generate_prime_ex(q, 505, 0, NULL, NULL, NULL);
		key = rsa_of(p, q, 65537);
	} while (key == NULL);
	check_key(key, &prof, "csr.key-modulus");
	do {
		roca_prime(p, ctx);
		roca_prime(q, ctx);
		key = rsa_of(p, q, 65537);
	} while (key == NULL);
	check_key(key, &prof, "csr.key-roca");
}

static void
test_types(void **state)
{
	struct profile p = any_key();

	(void)state;
	check_key(EVP_EC_gen("P-256"), &p, NULL);
	check_key(EVP_EC_gen("P-384"), &p, NULL);
	p.keys = 1u << KEY_P384;
	check_key(EVP_EC_gen("P-256"), &p, "csr.key-type");
	check_key(EVP_EC_gen("P-384"), &p, NULL);
	check_key(EVP_RSA_gen(2048), &p, "csr.key-type");
}

static void
test_weak(void **state)
{
	struct profile p = any_key();
	struct refusal why = { 0 };
	struct keycheck *weak;
	char error[256], hex[65];
	struct fx f;
	struct csr c;

	(void)state;
	fx_init(&f);
	fx_accepted(&f, &c);
	assert_int_equal(csr_check_key(&c, f.keys, &p, &why), 0);
	enc_hex(hex, c.spki, 32);
	assert_int_equal(load_text(&weak, hex, 64, error), 0);
	assert_int_equal(csr_check_key(&c, weak, &p, &why), CAMCA_EPOLICY);
	assert_string_equal(why.code, "csr.key-weak");
	keycheck_free(weak);
	csr_fini(&c);
	fx_fini(&f);
}

/* An SPKI from AlgorithmIdentifier and key bytes. */
static void
spki_of(struct fx *f, const char *alg, size_t alg_len, const void *key,
    size_t n)
{
	struct buf bits;

	buf_init(&bits, 0);
	assert_int_equal(buf_putc(&bits, 0), 0);
	fx_put(&bits, key, n);
	buf_reset(&f->spki);
	fx_put(&f->spki, alg, alg_len);
	fx_tlv(&f->spki, 0x03, bits.data, bits.len);
	fx_wrap(&f->spki, 0x30);
	buf_fini(&bits);
}

/* One encoding a key: another would be another hash for the same key. */
static void
test_ec_forms(void **state)
{
	unsigned char *point = NULL, bad[65];
	struct fx f;
	struct csr c;

	(void)state;
	fx_init(&f);
	assert_int_equal(EVP_PKEY_get1_encoded_public_key(f.key, &point), 65);
	spki_of(&f, BYTES(ALG_P256), point, 65);
	fx_accepted(&f, &c);
	csr_fini(&c);
	memcpy(bad, point, 65);
	bad[0] = 2 | (point[64] & 1);
	spki_of(&f, BYTES(ALG_P256), bad, 33);
	fx_refused(&f, "csr.key-point");
	bad[0] = 6 | (point[64] & 1);
	spki_of(&f, BYTES(ALG_P256), bad, 65);
	fx_refused(&f, "csr.key-point");
	spki_of(&f, BYTES(ALG_P256), point, 64);
	fx_refused(&f, "csr.key-point");
	spki_of(&f, BYTES(ALG_P256), "", 0);
	fx_refused(&f, "csr.key-encoding");
	/* not on the curve, zero, the point at infinity */
	memcpy(bad, point, 65);
	bad[64] ^= 1;
	spki_of(&f, BYTES(ALG_P256), bad, 65);
	fx_refused(&f, "csr.key-point");
	memset(bad + 1, 0, 64);
	spki_of(&f, BYTES(ALG_P256), bad, 65);
	fx_refused(&f, "csr.key-point");
	spki_of(&f, BYTES(ALG_P256), "\0", 1);
	fx_refused(&f, "csr.key-point");
	/* no curve, parameters written out, secp256k1 */
	spki_of(&f, BYTES("\x30\x09\x06\x07\x2a\x86\x48\xce\x3d\x02\x01"),
	    point, 65);
	fx_refused(&f, "csr.key-curve-explicit");
	spki_of(&f, BYTES("\x30\x0b\x06\x07\x2a\x86\x48\xce\x3d\x02\x01\x30"
	    "\x00"), point, 65);
	fx_refused(&f, "csr.key-curve-explicit");
	spki_of(&f, BYTES("\x30\x10\x06\x07\x2a\x86\x48\xce\x3d\x02\x01\x06"
	    "\x05\x2b\x81\x04\x00\x0a"), point, 65);
	fx_refused(&f, "csr.key-curve");
	/* P-384 with a P-256 point */
	spki_of(&f, BYTES("\x30\x10\x06\x07\x2a\x86\x48\xce\x3d\x02\x01\x06"
	    "\x05\x2b\x81\x04\x00\x22"), point, 65);
	fx_refused(&f, "csr.key-point");
	OPENSSL_free(point);
	fx_fini(&f);
}

static void
rsa_case(struct fx *f, const char *n, size_t n_len, const char *e,
    size_t e_len, const char *alg, size_t alg_len, const char *code)
{
	struct buf key;

	buf_init(&key, 0);
	fx_tlv(&key, 0x02, n, n_len);
	fx_tlv(&key, 0x02, e, e_len);
	fx_wrap(&key, 0x30);
	spki_of(f, alg, alg_len, key.data, key.len);
	fx_refused(f, code);
	buf_fini(&key);
}

static void
test_rsa_forms(void **state)
{
	static const char big[1040] = "\1";
	char n[129] = { 0 };
	struct fx f;

	(void)state;
	fx_init(&f);
	memset(n + 1, 0x81, 128);
	/* well formed: only the signature is not of this key */
	rsa_case(&f, n, 129, BYTES("\1\0\1"), BYTES(ALG_RSA),
	    "csr.signature");
	rsa_case(&f, n, 129, BYTES("\1\0\1"), BYTES("\x30\x0b\x06\x09\x2a\x86"
	    "\x48\x86\xf7\x0d\x01\x01\x01"), "csr.key-parameters");
	/* negative, padded, trailing */
	rsa_case(&f, n + 1, 128, BYTES("\1\0\1"), BYTES(ALG_RSA),
	    "csr.key-encoding");
	rsa_case(&f, n, 129, BYTES("\x80"), BYTES(ALG_RSA),
	    "csr.key-encoding");
	rsa_case(&f, n, 129, BYTES("\0\0\1"), BYTES(ALG_RSA),
	    "csr.key-encoding");
	spki_of(&f, BYTES(ALG_RSA), "\x30\x06\x02\x01\x05\x02\x01\x03\x00", 9);
	fx_refused(&f, "csr.key-encoding");
	spki_of(&f, BYTES(ALG_RSA), "\x30\x00", 2);
	fx_refused(&f, "csr.key-encoding");
	/* what a signature check may cost */
	rsa_case(&f, big, 1025, BYTES("\1\0\1"), BYTES(ALG_RSA),
	    "csr.key-too-large");
	rsa_case(&f, big, sizeof big, BYTES("\1\0\1"), BYTES(ALG_RSA),
	    "csr.key-too-large");
	rsa_case(&f, n, 129, BYTES("\1\0\0\0\0\0\0\0\1"), BYTES(ALG_RSA),
	    "csr.key-exponent");
	/* zero */
	rsa_case(&f, "\0", 1, "\0", 1, BYTES(ALG_RSA), "csr.signature");
	fx_fini(&f);
}

static void
test_other_keys(void **state)
{
	uint8_t zero[57] = { 0 };
	struct fx f;

	(void)state;
	fx_init(&f);
	/* Ed25519: length, parameters; X25519, Ed448, unknown */
	spki_of(&f, BYTES("\x30\x05\x06\x03\x2b\x65\x70"), zero, 31);
	fx_refused(&f, "csr.key-encoding");
	spki_of(&f, BYTES("\x30\x07\x06\x03\x2b\x65\x70\x05\x00"), zero, 32);
	fx_refused(&f, "csr.key-encoding");
	spki_of(&f, BYTES("\x30\x05\x06\x03\x2b\x65\x6e"), zero, 32);
	fx_refused(&f, "csr.key-type");
	spki_of(&f, BYTES("\x30\x05\x06\x03\x2b\x65\x71"), zero, 57);
	fx_refused(&f, "csr.key-type");
	spki_of(&f, BYTES("\x30\x05\x06\x03\x2a\x03\x04"), zero, 32);
	fx_refused(&f, "csr.key-type");
	/* a BIT STRING of 7 bits */
	buf_reset(&f.spki);
	fx_put(&f.spki, BYTES("\x30\x05\x06\x03\x2b\x65\x70\x03\x02\x01\x80"));
	fx_wrap(&f.spki, 0x30);
	fx_refused(&f, "csr.key-encoding");
	fx_fini(&f);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_list),
		cmocka_unit_test(test_list_malformed),
		cmocka_unit_test(test_list_shipped),
		cmocka_unit_test(test_roca),
		cmocka_unit_test(test_small_factor),
		cmocka_unit_test(test_rsa_rules),
		cmocka_unit_test(test_rsa_modulus),
		cmocka_unit_test(test_types),
		cmocka_unit_test(test_weak),
		cmocka_unit_test(test_ec_forms),
		cmocka_unit_test(test_rsa_forms),
		cmocka_unit_test(test_other_keys),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
