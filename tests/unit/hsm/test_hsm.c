/* SPDX-License-Identifier: Apache-2.0 */
/* The contract of hsm/hsm.h. Runs against SoftHSM, or against whatever these
 * name (tests/functional/hsm_second_module.sh does so):
 *   CAMCA_TEST_MODULE     path of a PKCS#11 module
 *   CAMCA_TEST_TOKEN_URI  its token
 *   CAMCA_TEST_PIN_FILE   the user PIN
 *   CAMCA_TEST_TYPES      key types that it makes; the others must be refused
 *                         with a named error */
#include "tests/unit/hsm/fixture.h"

#include <openssl/x509v3.h>
#include <pthread.h>

#include "ca/base/auto.h"

#define THREADS 8
#define SIGNATURES 20    /* a thread: a TPM makes some 30 a second */

static struct fixture fx;
static struct hsm_conf conf;
static struct hsm *hsm;

static int
setup(void **state)
{
	(void)state;
	if (getenv("CAMCA_TEST_MODULE") != NULL) {
		fixture_dir(&fx);
		conf.module = getenv("CAMCA_TEST_MODULE");
		conf.token_uri = getenv("CAMCA_TEST_TOKEN_URI");
		conf.pin.file = getenv("CAMCA_TEST_PIN_FILE");
	} else {
		fixture_token(&fx);
		conf = fixture_conf(&fx);
	}
	if (hsm_open(&hsm, &conf, &fx.why) < 0) {
		fprintf(stderr, "%s\n", fx.why.detail);
		return -1;
	}
	return 0;
}

static int
teardown(void **state)
{
	(void)state;
	hsm_close(hsm);
	fixture_remove(&fx);
	return 0;
}

static bool
supported(enum hsm_key_type type)
{
	const char *list = getenv("CAMCA_TEST_TYPES");

	return list == NULL || strstr(list, hsm_key_type_name(type)) != NULL;
}

/* For the tests that want any key. */
static enum hsm_key_type
any_type(void)
{
	enum hsm_key_type t = HSM_EC_P256;

	while (t < HSM_RSA_4096 && !supported(t))
		t++;
	return t;
}

static void
test_type_names(void **state)
{
	enum hsm_key_type t, back;

	(void)state;
	for (t = HSM_EC_P256; t < HSM_KEY_TYPES; t++) {
		assert_int_equal(hsm_key_type_parse(hsm_key_type_name(t),
		    &back), 0);
		assert_int_equal(back, t);
	}
	assert_int_equal(hsm_key_type_parse("ec-p521", &back), CAMCA_EINVAL);
	assert_int_equal(hsm_key_type_parse("", &back), CAMCA_EINVAL);
	assert_string_equal(hsm_key_type_name(HSM_KEY_TYPES), "unknown");
	assert_int_equal(hsm_generate(hsm, HSM_KEY_TYPES, "x", NULL, NULL),
	    CAMCA_EINVAL);
	for (t = HSM_EC_P256; t < HSM_KEY_TYPES; t++)
		assert_int_equal(hsm_key_type_is_ca(t), t != HSM_ED25519);
	assert_false(hsm_key_type_is_ca(HSM_KEY_TYPES));
}

static void
check_public(EVP_PKEY *pub, enum hsm_key_type type)
{
	static const int bits[HSM_KEY_TYPES] = { 256, 384, 2048, 3072, 4096 };
	uint8_t *der = NULL;

	assert_non_null(pub);
	assert_int_equal(EVP_PKEY_get_bits(pub), bits[type]);
	assert_int_equal(EVP_PKEY_get_base_id(pub), type <= HSM_EC_P384 ?
	    EVP_PKEY_EC : EVP_PKEY_RSA);
	assert_true(i2d_PUBKEY(pub, &der) > 0);
	OPENSSL_free(der);
}

static void
check_data(struct hsm_key *k, EVP_PKEY *pub, enum hsm_key_type type)
{
	const EVP_MD *md = type == HSM_EC_P384 ? EVP_sha384() : EVP_sha256();
	AUTO(EVP_MD_CTX) *ctx = EVP_MD_CTX_new();
	uint8_t sig[512];
	size_t len = sizeof sig;

	assert_int_equal(hsm_sign_data(k, "camera 0042", 11, sig, &len), 0);
	assert_int_equal(EVP_DigestVerifyInit(ctx, NULL, md, NULL, pub), 1);
	assert_int_equal(EVP_DigestVerify(ctx, sig, len,
	    (const uint8_t *)"camera 0042", 11), 1);
	len = 10;
	assert_int_equal(hsm_sign_data(k, "x", 1, sig, &len), CAMCA_ELIMIT);
	len = sizeof sig;
	assert_int_equal(hsm_sign_data(k, "", 0, sig, &len), 0);
	assert_int_equal(ERR_peek_error(), 0);
}

static void
set_name(X509_NAME *name)
{
	assert_int_equal(X509_NAME_add_entry_by_txt(name, "CN", MBSTRING_ASC,
	    (const uint8_t *)"Test", -1, -1, 0), 1);
}

/* The algorithm of the TBS part must be that of the outside (RFC 5280 section
 * 4.1.1.2), which X509_verify does not look at. */
static void
check_cert(struct hsm_key *k, EVP_PKEY *pub, enum hsm_key_type type)
{
	static const int nids[HSM_KEY_TYPES] = { NID_ecdsa_with_SHA256,
	    NID_ecdsa_with_SHA384, NID_sha256WithRSAEncryption,
	    NID_sha256WithRSAEncryption, NID_sha256WithRSAEncryption };
	AUTO(X509) *cert = X509_new();
	AUTO(X509) *back = NULL;
	const X509_ALGOR *outer;
	uint8_t *der = NULL;
	const uint8_t *p;
	int len, round;

	assert_int_equal(X509_set_version(cert, X509_VERSION_3), 1);
	assert_int_equal(ASN1_INTEGER_set(X509_get_serialNumber(cert), 7), 1);
	set_name(X509_get_subject_name(cert));
	set_name(X509_get_issuer_name(cert));
	X509_gmtime_adj(X509_getm_notBefore(cert), 0);
	X509_gmtime_adj(X509_getm_notAfter(cert), 3600);
	assert_int_equal(X509_set_pubkey(cert, pub), 1);
	for (round = 0; round < 2; round++) {   /* signing again is fine */
		assert_int_equal(hsm_sign_cert(k, cert), 0);
		assert_int_equal(X509_verify(cert, pub), 1);
	}
	assert_int_equal(ERR_peek_error(), 0);
	len = i2d_X509(cert, &der);
	assert_true(len > 0);
	p = der;
	back = d2i_X509(NULL, &p, len);
	OPENSSL_free(der);
	assert_non_null(back);
	assert_int_equal(X509_verify(back, pub), 1);
	X509_get0_signature(NULL, &outer, back);
	assert_int_equal(X509_ALGOR_cmp(outer, X509_get0_tbs_sigalg(back)), 0);
	assert_int_equal(OBJ_obj2nid(outer->algorithm), nids[type]);
	assert_int_equal(outer->parameter == NULL, type <= HSM_EC_P384);
}

/* A hash that is known already: the same signature counts, and the algorithm is
 * the certificate's. */
static void
check_hashed(struct hsm_key *k, EVP_PKEY *pub)
{
	static const uint8_t data[] = "a long list";
	AUTO(EVP_MD_CTX) *ctx = EVP_MD_CTX_new();
	AUTO(X509) *cert = X509_new();
	X509_ALGOR *alg = X509_ALGOR_new();
	uint8_t hash[EVP_MAX_MD_SIZE], sig[512];
	size_t n = sizeof sig;

	assert_int_equal(EVP_Digest(data, sizeof data, hash, NULL,
	    hsm_key_md(k), NULL), 1);
	assert_int_equal(hsm_sign_hashed(k, data, sizeof data, hash, sig, &n),
	    0);
	assert_int_equal(EVP_DigestVerifyInit(ctx, NULL, hsm_key_md(k), NULL,
	    pub), 1);
	assert_int_equal(EVP_DigestVerify(ctx, sig, n, data, sizeof data), 1);
	assert_int_equal(hsm_key_algorithm(k, alg), 0);
	set_name(X509_get_subject_name(cert));
	assert_int_equal(X509_set_pubkey(cert, pub), 1);
	X509_gmtime_adj(X509_getm_notBefore(cert), 0);
	X509_gmtime_adj(X509_getm_notAfter(cert), 60);
	assert_int_equal(hsm_sign_cert(k, cert), 0);
	assert_int_equal(X509_ALGOR_cmp(alg, X509_get0_tbs_sigalg(cert)), 0);
	assert_int_equal(ERR_peek_error(), 0);
	X509_ALGOR_free(alg);
}

struct signer {
	pthread_t thread;
	struct hsm_key *key;
	unsigned good;
};

static void *
signer_run(void *arg)
{
	struct signer *s = arg;
	uint8_t sig[512];
	size_t len;
	int i;

	for (i = 0; i < SIGNATURES; i++) {
		len = sizeof sig;
		s->good += hsm_sign_data(s->key, &i, sizeof i, sig, &len) == 0;
	}
	return NULL;
}

static void
check_threads(struct hsm_key *k)
{
	struct signer s[THREADS] = { { .good = 0 } };
	int i;

	for (i = 0; i < THREADS; i++) {
		s[i].key = k;
		assert_int_equal(pthread_create(&s[i].thread, NULL, signer_run,
		    &s[i]), 0);
	}
	for (i = 0; i < THREADS; i++) {
		assert_int_equal(pthread_join(s[i].thread, NULL), 0);
		assert_int_equal(s[i].good, SIGNATURES);
	}
}

static void
check_type(enum hsm_key_type type)
{
	struct hsm_key *k = NULL;
	struct refusal why = { 0 };
	EVP_PKEY *pub;
	char *uri = NULL;

	if (!supported(type)) {
		assert_int_equal(hsm_generate(hsm, type, "ca", &uri, &why),
		    CAMCA_EHSM);
		print_message("%s: not made by this module: %s\n",
		    hsm_key_type_name(type), why.detail);
		assert_string_equal(why.code, "hsm.refused");
		return;
	}
	if (hsm_generate(hsm, type, "ca 1", &uri, &why) < 0 ||
	    hsm_key_open(hsm, uri, &k, &why) < 0)
		fail_msg("%s", why.detail);
	assert_non_null(strstr(uri, ";object=ca%201;id=%"));
	pub = hsm_key_public(k);
	check_public(pub, type);
	check_data(k, pub, type);
	check_cert(k, pub, type);
	check_hashed(k, pub);
	check_threads(k);
	assert_int_equal(hsm_check(hsm, &why), 0);
	EVP_PKEY_free(pub);
	hsm_key_free(k);
	free(uri);
}

static void
test_p256(void **state)
{
	(void)state;
	check_type(HSM_EC_P256);
}

static void
test_p384(void **state)
{
	(void)state;
	check_type(HSM_EC_P384);
}

static void
test_rsa(void **state)
{
	(void)state;
	check_type(HSM_RSA_2048);
	check_type(HSM_RSA_3072);
	check_type(HSM_RSA_4096);
}

/* The key is there after a new login, as after a restart. */
static void
test_reopen(void **state)
{
	struct hsm_key *k = NULL;
	char *uri = NULL;

	(void)state;
	assert_int_equal(hsm_generate(hsm, any_type(), "kept", &uri, NULL), 0);
	hsm_close(hsm);
	hsm = NULL;
	if (hsm_open(&hsm, &conf, &fx.why) < 0)
		fail_msg("%s", fx.why.detail);
	assert_int_equal(hsm_key_open(hsm, uri, &k, NULL), 0);
	assert_int_equal(fixture_sign(k), 0);
	hsm_key_free(k);
	hsm_key_free(NULL);
	hsm_close(NULL);
	free(uri);
}

static void
test_key_open_refused(void **state)
{
	static const struct { const char *uri; int err; } bad[] = {
		{ "pkcs11:object=none", CAMCA_ENOENT },
		{ "pkcs11:id=%01%02", CAMCA_ENOENT },
		{ "pkcs11:object=kept;token=other", CAMCA_ENOENT },
		{ "pkcs11:token=camca", CAMCA_EINVAL },
		{ "pkcs11:object=kept?module-path=/x", CAMCA_EINVAL },
		{ "pkcs11:object=kept?pin-source=/x", CAMCA_EINVAL },
		{ "kept", CAMCA_EINVAL },
	};
	struct hsm_key *k = NULL;
	struct refusal why;
	size_t i;

	(void)state;
	for (i = 0; i < sizeof bad / sizeof bad[0]; i++) {
		memset(&why, 0, sizeof why);
		assert_int_equal(hsm_key_open(hsm, bad[i].uri, &k, &why),
		    bad[i].err);
		assert_true(why.http != 0 && why.detail[0] != '\0');
		assert_null(k);
	}
	assert_int_equal(ERR_peek_error(), 0);
}

static void
test_two_of_a_name(void **state)
{
	struct hsm_key *k = NULL;
	char *a = NULL, *b = NULL;

	(void)state;
	assert_int_equal(hsm_generate(hsm, any_type(), "twin", &a, NULL), 0);
	assert_int_equal(hsm_generate(hsm, any_type(), "twin", &b, NULL), 0);
	assert_string_not_equal(a, b);
	assert_int_equal(hsm_key_open(hsm, "pkcs11:object=twin", &k, NULL),
	    CAMCA_ECONFLICT);
	assert_int_equal(hsm_key_open(hsm, b, &k, NULL), 0);
	hsm_key_free(k);
	free(a);
	free(b);
}

static void
test_bad_label(void **state)
{
	char big[300];
	char *uri = NULL;

	(void)state;
	memset(big, 'x', sizeof big - 1);
	big[sizeof big - 1] = '\0';
	assert_int_equal(hsm_generate(hsm, HSM_EC_P256, "", &uri, NULL),
	    CAMCA_EINVAL);
	assert_int_equal(hsm_generate(hsm, HSM_EC_P256, big, &uri, NULL),
	    CAMCA_EINVAL);
	assert_int_equal(hsm_generate(hsm, HSM_EC_P256, "a\nb", &uri, NULL),
	    CAMCA_EINVAL);
	assert_null(uri);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_type_names),
		cmocka_unit_test(test_p256),
		cmocka_unit_test(test_p384),
		cmocka_unit_test(test_rsa),
		cmocka_unit_test(test_reopen),
		cmocka_unit_test(test_key_open_refused),
		cmocka_unit_test(test_two_of_a_name),
		cmocka_unit_test(test_bad_label),
	};

	return cmocka_run_group_tests(tests, setup, teardown);
}
