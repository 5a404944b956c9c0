/* SPDX-License-Identifier: Apache-2.0 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include <openssl/x509.h>
#include <string.h>

#include "ca/base/auto.h"
#include "enroll/agent/csr_check.h"

static const struct agent_label label = { .rsa = true, .p256 = true,
    .p384 = true, .rsa_min = 2048, .rsa_max = 4096 };

/* A request of key for these names, NULL ends them; signed by signer. */
static void
make(struct buf *der, EVP_PKEY *key, EVP_PKEY *signer, const char *const *cn)
{
	AUTO(X509_REQ) *req = X509_REQ_new();
	X509_NAME *name = X509_REQ_get_subject_name(req);
	unsigned char *p = NULL;
	int n;

	for (; *cn != NULL; cn++)
		assert_int_equal(X509_NAME_add_entry_by_NID(name,
		    NID_commonName, MBSTRING_UTF8,
		    (const unsigned char *)*cn, -1, -1, 0), 1);
	assert_int_equal(X509_REQ_set_pubkey(req, key), 1);
	assert_true(X509_REQ_sign(req, signer, EVP_sha256()) > 0);
	n = i2d_X509_REQ(req, &p);
	assert_true(n > 0);
	buf_init(der, 0);
	assert_int_equal(buf_put(der, p, (size_t)n), CAMCA_OK);
	OPENSSL_free(p);
}

static int
judge(const struct buf *der, enum cam_key_type type, struct refusal *why)
{
	struct csr_want w = { "cam-1", type, &label };
	AUTO(EVP_PKEY) *pub = NULL;

	memset(why, 0, sizeof *why);
	return csr_check(der, &w, &pub, why);
}

static void
test_kinds(void **state)
{
	static const char *const names[] = { "cam-1", NULL };
	AUTO(EVP_PKEY) *p256 = EVP_EC_gen("P-256"), *p384 = EVP_EC_gen("P-384"),
	    *rsa = EVP_RSA_gen(2048), *small = EVP_RSA_gen(1024);
	EVP_PKEY *const keys[] = { rsa, p256, p384 };
	struct refusal why;
	struct buf der;
	int k, t;

	(void)state;
	for (k = 0; k < 3; k++) {
		make(&der, keys[k], keys[k], names);
		for (t = 0; t < 3; t++) {
			assert_int_equal(judge(&der, (enum cam_key_type)t,
			    &why), k == t ? CAMCA_OK : CAMCA_EPERM);
			if (k != t)
				assert_string_equal(why.code,
				    "camera.csr-key");
		}
		buf_fini(&der);
	}
	make(&der, small, small, names);
	assert_int_equal(judge(&der, CAM_RSA, &why), CAMCA_EPERM);
	assert_string_equal(why.code, "camera.csr-key");
	buf_fini(&der);
}

static void
test_names(void **state)
{
	static const char *const other[] = { "cam-2", NULL },
	    *const none[] = { NULL }, *const two[] = { "cam-1", "cam-1", NULL },
	    *const longer[] = { "cam-11", NULL };
	static const char *const *const all[] = { other, none, two, longer };
	AUTO(EVP_PKEY) *key = EVP_EC_gen("P-256");
	struct refusal why;
	struct buf der;
	size_t i;

	(void)state;
	for (i = 0; i < 4; i++) {
		make(&der, key, key, all[i]);
		assert_int_equal(judge(&der, CAM_P256, &why), CAMCA_EPERM);
		assert_string_equal(why.code, "camera.csr-subject");
		buf_fini(&der);
	}
}

/* Somebody else's signature, and each bit and length of a good request. */
static void
test_broken(void **state)
{
	static const char *const names[] = { "cam-1", NULL };
	AUTO(EVP_PKEY) *key = EVP_EC_gen("P-256"), *liar = EVP_EC_gen("P-256");
	struct refusal why;
	struct buf der;
	size_t i, n;

	(void)state;
	make(&der, key, liar, names);
	assert_int_equal(judge(&der, CAM_P256, &why), CAMCA_EPERM);
	assert_string_equal(why.code, "camera.csr-signature");
	buf_fini(&der);
	make(&der, key, key, names);
	for (i = 0; i < der.len * 8; i++) {
		der.data[i / 8] ^= (uint8_t)(1u << i % 8);
		(void)judge(&der, CAM_P256, &why);
		der.data[i / 8] ^= (uint8_t)(1u << i % 8);
	}
	assert_int_equal(judge(&der, CAM_P256, &why), CAMCA_OK);
	for (n = der.len, der.len = 0; der.len < n; der.len++)
		assert_int_equal(judge(&der, CAM_P256, &why), CAMCA_EPERM);
	assert_int_equal(buf_putc(&der, 0), CAMCA_OK);
	assert_int_equal(judge(&der, CAM_P256, &why), CAMCA_EPERM);
	assert_string_equal(why.code, "camera.csr");
	buf_fini(&der);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_kinds),
		cmocka_unit_test(test_names),
		cmocka_unit_test(test_broken),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
