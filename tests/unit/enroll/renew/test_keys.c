/* SPDX-License-Identifier: Apache-2.0 */
#include <openssl/objects.h>
#include <stdio.h>

#include "enroll/renew/keys.h"
#include "pki.h"
#include "rmtree.h"

static void
types(void **state)
{
	struct keys_type t, got;
	struct csrattrs wish;
	struct refusal why;

	(void)state;
	csrattrs_init(&wish);
	assert_int_equal(keys_type_parse(&t, "rsa3072", &why), 0);
	assert_true(t.fixed);
	assert_int_equal(t.rsa_bits, 3072);
	assert_int_equal(keys_type_parse(&t, "rsa1024", &why), CAMCA_EINVAL);
	assert_int_equal(keys_type_parse(&t, "", &why), CAMCA_EINVAL);
	assert_int_equal(keys_type_parse(&t, "auto", &why), 0);
	assert_int_equal(keys_type_choose(&got, &t, &wish, &why), 0);
	assert_int_equal(got.curve_nid, NID_X9_62_prime256v1);
	wish.key_nid = NID_X9_62_id_ecPublicKey;
	wish.curve_nid = NID_secp384r1;
	assert_int_equal(keys_type_choose(&got, &t, &wish, &why), 0);
	assert_int_equal(got.curve_nid, NID_secp384r1);
	wish.curve_nid = NID_secp256k1;
	assert_int_equal(keys_type_choose(&got, &t, &wish, &why),
	    CAMCA_EPOLICY);
	wish.key_nid = NID_rsaEncryption;
	assert_int_equal(keys_type_choose(&got, &t, &wish, &why), 0);
	assert_int_equal(got.rsa_bits, 3072);
	/* A server cannot talk us into a weak key. */
	wish.rsa_bits = 1024;
	assert_int_equal(keys_type_choose(&got, &t, &wish, &why),
	    CAMCA_EPOLICY);
	wish.key_nid = NID_ED25519;
	assert_int_equal(keys_type_choose(&got, &t, &wish, &why),
	    CAMCA_EPOLICY);
	/* Nor change what the operator fixed. */
	assert_int_equal(keys_type_parse(&t, "p256", &why), 0);
	assert_int_equal(keys_type_choose(&got, &t, &wish, &why), 0);
	assert_int_equal(got.curve_nid, NID_X9_62_prime256v1);
}

static void
made_and_read_back(void **state)
{
	static const char *const names[] = { "p256", "p384", "p521",
	    "rsa2048" };
	struct keys_type t, other;
	EVP_PKEY *k = NULL, *back = NULL;
	struct refusal why;
	uint8_t h1[32], h2[32];
	struct buf pem;

	(void)state;
	assert_int_equal(keys_type_parse(&other, "rsa4096", &why), 0);
	for (size_t i = 0; i < 4; i++) {
		buf_init(&pem, 0);
		assert_int_equal(keys_type_parse(&t, names[i], &why), 0);
		assert_int_equal(keys_generate(&k, &t, &why), 0);
		assert_true(keys_fits(k, &t));
		assert_false(keys_fits(k, &other));
		assert_int_equal(keys_to_pem(&pem, k), 0);
		assert_int_equal(keys_from_pem(&back, &pem, &why), 0);
		assert_int_equal(EVP_PKEY_eq(k, back), 1);
		assert_int_equal(keys_hash(h1, k), 0);
		assert_int_equal(keys_hash(h2, back), 0);
		assert_memory_equal(h1, h2, 32);
		EVP_PKEY_free(k);
		EVP_PKEY_free(back);
		k = back = NULL;
		buf_cleanse(&pem);
	}
	assert_int_equal(ERR_peek_error(), 0);
}

static void
broken_texts(void **state)
{
	static const char encrypted[] =
	    "-----BEGIN ENCRYPTED PRIVATE KEY-----\n"
	    "MAA=\n-----END ENCRYPTED PRIVATE KEY-----\n";
	EVP_PKEY *k = pki_key(), *back = NULL;
	struct refusal why;
	struct buf pem, cut;

	(void)state;
	buf_init(&pem, 0);
	buf_init(&cut, 0);
	assert_int_equal(keys_to_pem(&pem, k), 0);
	/* The last line end is no part of the key. */
	for (size_t n = 0; n < pem.len - 1; n++) {
		buf_reset(&cut);
		assert_int_equal(buf_put(&cut, pem.data, n), 0);
		assert_int_equal(keys_from_pem(&back, &cut, &why),
		    CAMCA_EINVAL);
	}
	buf_reset(&cut);
	assert_int_equal(buf_puts(&cut, encrypted), 0);
	assert_int_equal(keys_from_pem(&back, &cut, &why), CAMCA_EINVAL);
	assert_int_equal(ERR_peek_error(), 0);
	buf_fini(&pem);
	buf_fini(&cut);
	EVP_PKEY_free(k);
}

static void
behind_a_uri(void **state)
{
	struct keys_source src = { .uri = NULL };
	EVP_PKEY *k = pki_key(), *got = NULL;
	char *dir = pki_tmpdir(), uri[256];
	struct refusal why;
	struct buf pem;

	(void)state;
	buf_init(&pem, 0);
	assert_int_equal(keys_to_pem(&pem, k), 0);
	pki_write(dir, "k.pem", &pem);
	snprintf(uri, sizeof uri, "file:%s/k.pem", dir);
	src.uri = uri;
	assert_int_equal(keys_open(&got, &src, &why), 0);
	assert_int_equal(EVP_PKEY_eq(k, got), 1);
	EVP_PKEY_free(got);
	snprintf(uri, sizeof uri, "file:%s/none.pem", dir);
	assert_int_equal(keys_open(&got, &src, &why), CAMCA_EHSM);
	src.engine = "no-such-engine";
	assert_int_equal(keys_open(&got, &src, &why), CAMCA_EHSM);
	src.engine = NULL;
	src.pin_file = "/nonexistent/pin";
	assert_int_equal(keys_open(&got, &src, &why), CAMCA_EPIN);
	src.pin_file = NULL;
	src.provider = "no-such-provider";
	assert_int_equal(keys_open(&got, &src, &why), CAMCA_EHSM);
	assert_int_equal(ERR_peek_error(), 0);
	buf_cleanse(&pem);
	EVP_PKEY_free(k);
	rmtree(dir);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(types),
		cmocka_unit_test(made_and_read_back),
		cmocka_unit_test(broken_texts),
		cmocka_unit_test(behind_a_uri),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
