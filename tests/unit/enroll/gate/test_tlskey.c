/* SPDX-License-Identifier: Apache-2.0 */
#include "tests/unit/ca/base/folder.h"

#include "ca/base/file.h"
#include "enroll/gate/tlskey.h"
#include "tests/unit/enroll/gate/signer.h"

#define NOW 1800000000

static void
test_made_and_read_again(void **state)
{
	EVP_PKEY *a = NULL, *b = NULL;
	struct stat st;

	assert_int_equal(tlskey_open(&a, folder_path(state, "k")), CAMCA_OK);
	assert_int_equal(stat(folder_path(state, "k"), &st), 0);
	assert_int_equal(st.st_mode & 07777, 0600);
	assert_int_equal(tlskey_open(&b, folder_path(state, "k")), CAMCA_OK);
	assert_int_equal(EVP_PKEY_eq(a, b), 1);
	EVP_PKEY_free(a);
	EVP_PKEY_free(b);
}

static void
refused(void **state, const void *p, size_t n)
{
	EVP_PKEY *k = NULL;

	assert_int_equal(file_replace(folder_path(state, "x"), p, n, 0600), 0);
	assert_true(tlskey_open(&k, folder_path(state, "x")) < 0);
	assert_null(k);
	/* A key that cannot be read is not replaced by a new one. */
	assert_true(file_exists(folder_path(state, "x")));
}

static void
test_other_keys_are_refused(void **state)
{
	EVP_PKEY *keys[] = { EVP_EC_gen("P-384"), EVP_RSA_gen(2048) };
	struct buf pem;
	size_t i;

	for (i = 0; i < 2; i++) {
		buf_init(&pem, 0);
		assert_int_equal(tlskey_pem(keys[i], &pem), CAMCA_OK);
		refused(state, pem.data, pem.len);
		buf_cleanse(&pem);
		EVP_PKEY_free(keys[i]);
	}
}

static void
test_damaged_file(void **state)
{
	EVP_PKEY *k = EVP_EC_gen("P-256");
	static char big[100000];
	struct buf pem;
	size_t i;

	buf_init(&pem, 0);
	assert_int_equal(tlskey_pem(k, &pem), CAMCA_OK);
	/* Cut anywhere before the last line is whole. */
	for (i = 0; i + 2 < pem.len; i += 5)
		refused(state, pem.data, i);
	refused(state, "", 0);
	memset(big, 'A', sizeof big);
	refused(state, big, sizeof big);
	buf_cleanse(&pem);
	EVP_PKEY_free(k);
}

static void
test_no_folder(void **state)
{
	EVP_PKEY *k = NULL;

	assert_true(tlskey_open(&k, folder_path(state, "none/k")) < 0);
	assert_null(k);
}

static X509_REQ *
request(EVP_PKEY *k, const struct config *cfg)
{
	const unsigned char *p;
	X509_REQ *req;
	struct buf der;

	buf_init(&der, 0);
	assert_int_equal(tlskey_request(k, cfg, &der), CAMCA_OK);
	p = der.data;
	req = d2i_X509_REQ(NULL, &p, (long)der.len);
	assert_non_null(req);
	assert_ptr_equal(p, der.data + der.len);
	buf_fini(&der);
	return req;
}

/* A4: the names of the configuration, each in its form. */
static void
test_a4_request(void **state)
{
	struct config *cfg = calloc(1, sizeof *cfg);
	STACK_OF(X509_EXTENSION) *exts;
	EVP_PKEY *k = EVP_EC_gen("P-256");
	GENERAL_NAMES *names;
	X509_REQ *req;

	(void)state;
	config_default(cfg, "/tmp");
	snprintf(cfg->names[0], sizeof cfg->names[0], "pki.example");
	snprintf(cfg->names[1], sizeof cfg->names[1], "192.0.2.1");
	snprintf(cfg->names[2], sizeof cfg->names[2], "2001:db8::1");
	cfg->nnames = 3;
	req = request(k, cfg);
	assert_int_equal(X509_REQ_verify(req, k), 1);
	exts = X509_REQ_get_extensions(req);
	names = X509V3_get_d2i(exts, NID_subject_alt_name, NULL, NULL);
	assert_int_equal(sk_GENERAL_NAME_num(names), 3);
	assert_int_equal(sk_GENERAL_NAME_value(names, 0)->type, GEN_DNS);
	assert_int_equal(sk_GENERAL_NAME_value(names, 1)->type, GEN_IPADD);
	assert_int_equal(sk_GENERAL_NAME_value(names, 2)->type, GEN_IPADD);
	assert_int_equal(sk_GENERAL_NAME_value(names, 2)->d.ip->length, 16);
	GENERAL_NAMES_free(names);
	sk_X509_EXTENSION_pop_free(exts, X509_EXTENSION_free);
	X509_REQ_free(req);
	EVP_PKEY_free(k);
	free(cfg);
}

static void
test_long_name(void **state)
{
	struct config *cfg = calloc(1, sizeof *cfg);
	EVP_PKEY *k = EVP_EC_gen("P-256");

	(void)state;
	config_default(cfg, "/tmp");
	memset(cfg->names[0], 'a', 200);
	cfg->names[0][200] = '\0';
	X509_REQ_free(request(k, cfg));
	EVP_PKEY_free(k);
	free(cfg);
}

static int
check(EVP_PKEY *k, const char *pem, int64_t now)
{
	int64_t from, until;
	int ret = tlskey_chain_check(k, pem, strlen(pem), now, &from, &until);

	if (ret == CAMCA_OK) {
		assert_int_equal(from, NOW - 100);
		assert_int_equal(until, NOW + 100);
	}
	return ret;
}

static void
test_chain_check(void **state)
{
	EVP_PKEY *k = EVP_EC_gen("P-256"), *other = EVP_EC_gen("P-256");
	char *pem = signer_pem(k, other, NOW - 100, NOW + 100);
	char *foreign = signer_pem(other, other, NOW - 100, NOW + 100);

	(void)state;
	assert_int_equal(check(k, pem, NOW), CAMCA_OK);
	assert_int_equal(check(k, pem, NOW - 101), CAMCA_ETIME);
	assert_int_equal(check(k, pem, NOW + 101), CAMCA_ETIME);
	assert_int_equal(check(k, foreign, NOW), CAMCA_EINVAL);
	assert_int_equal(check(k, "", NOW), CAMCA_EINVAL);
	assert_int_equal(check(k, "-----BEGIN CERTIFICATE-----\n", NOW),
	    CAMCA_EINVAL);
	free(pem);
	free(foreign);
	EVP_PKEY_free(k);
	EVP_PKEY_free(other);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(test_made_and_read_again,
		    folder_setup, folder_teardown),
		cmocka_unit_test_setup_teardown(test_other_keys_are_refused,
		    folder_setup, folder_teardown),
		cmocka_unit_test_setup_teardown(test_damaged_file,
		    folder_setup, folder_teardown),
		cmocka_unit_test_setup_teardown(test_no_folder,
		    folder_setup, folder_teardown),
		cmocka_unit_test(test_a4_request),
		cmocka_unit_test(test_long_name),
		cmocka_unit_test(test_chain_check),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
