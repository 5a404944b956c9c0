/* SPDX-License-Identifier: Apache-2.0 */
/* What must not leave: signatures that are wrong. Good ones: test_hsm.c. */
#include "tests/unit/hsm/fixture.h"

#include <openssl/x509.h>

#include "ca/base/auto.h"
#include "hsm/internal.h"

static struct fixture fx;
static struct hsm *hsm;

static int
setup(void **state)
{
	(void)state;
	fixture_fault(&fx);
	hsm = fixture_open(&fx);
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

static void
wrong_signature(enum hsm_key_type type)
{
	char *uri = NULL;
	struct hsm_key *k = fixture_key(&fx, hsm, type, &uri);
	struct refusal why = { 0 };
	uint8_t sig[512];
	size_t len = sizeof sig, i;

	assert_int_equal(fixture_sign(k), 0);
	fixture_write(fx.control, "flip");
	memset(sig, 0, sizeof sig);
	assert_int_equal(sign_data(k, "x", 1, sig, &len, &why), CAMCA_EHSM);
	assert_string_equal(why.code, "hsm.signature-wrong");
	for (i = 0; i < sizeof sig; i++)
		assert_int_equal(sig[i], 0);
	assert_int_equal(hsm_check(hsm, &why), CAMCA_EHSM);
	fixture_write(fx.control, "");
	assert_int_equal(fixture_sign(k), 0);
	hsm_key_free(k);
	free(uri);
}

static void
test_wrong_signature(void **state)
{
	(void)state;
	wrong_signature(HSM_EC_P256);
	wrong_signature(HSM_EC_P384);
	wrong_signature(HSM_RSA_2048);
}

static int
signature_len(const ASN1_BIT_STRING *sig)
{
	return ASN1_STRING_length(sig);
}

/* After a failure nothing looks signed. */
static void
test_nothing_signed(void **state)
{
	char *uri = NULL;
	struct hsm_key *k = fixture_key(&fx, hsm, HSM_EC_P256, &uri);
	AUTO(X509) *cert = X509_new();
	AUTO(EVP_PKEY) *pub = hsm_key_public(k);
	const ASN1_BIT_STRING *sig;
	ASN1_TIME *now = X509_gmtime_adj(NULL, 0);

	(void)state;
	assert_int_equal(X509_set1_notBefore(cert, now), 1);
	assert_int_equal(X509_set1_notAfter(cert, now), 1);
	assert_int_equal(X509_set_pubkey(cert, pub), 1);
	assert_int_equal(hsm_sign_cert(k, cert), 0);
	fixture_write(fx.control, "flip");
	assert_int_equal(hsm_sign_cert(k, cert), CAMCA_EHSM);
	X509_get0_signature(&sig, NULL, cert);
	assert_int_equal(signature_len(sig), 0);
	assert_int_equal(ERR_peek_error(), 0);
	ASN1_TIME_free(now);
	hsm_key_free(k);
	free(uri);
}

/* A certificate that has no key cannot be encoded: an error, not a signature
 * over something else. */
static void
test_unfinished(void **state)
{
	char *uri = NULL;
	struct hsm_key *k = fixture_key(&fx, hsm, HSM_EC_P256, &uri);
	AUTO(X509) *cert = X509_new();

	(void)state;
	assert_true(hsm_sign_cert(k, cert) < 0);
	assert_int_equal(ERR_peek_error(), 0);
	hsm_key_free(k);
	free(uri);
}

/* Enough signatures that r or s is short or has its high bit set at times. */
static void
test_der(void **state)
{
	char *uri = NULL;
	struct hsm_key *k = fixture_key(&fx, hsm, HSM_EC_P256, &uri);
	uint8_t sig[512];
	size_t len, shortest = 72;
	int i;

	(void)state;
	for (i = 0; i < 600; i++) {
		len = sizeof sig;
		assert_int_equal(hsm_sign_data(k, &i, sizeof i, sig, &len), 0);
		assert_true(len <= 72 && sig[0] == 0x30 && sig[1] == len - 2);
		shortest = len < shortest ? len : shortest;
	}
	assert_true(shortest < 71);
	hsm_key_free(k);
	free(uri);
}

#define CASE(t) cmocka_unit_test_setup_teardown(t, setup, teardown)

int
main(void)
{
	const struct CMUnitTest tests[] = {
		CASE(test_wrong_signature),
		CASE(test_nothing_signed),
		CASE(test_unfinished),
		CASE(test_der),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
