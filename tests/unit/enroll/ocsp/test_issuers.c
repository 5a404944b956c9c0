/* SPDX-License-Identifier: Apache-2.0 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include <openssl/evp.h>
#include <openssl/ocsp.h>
#include <openssl/x509.h>
#include <stdlib.h>
#include <string.h>

#include "ca/base/auto.h"
#include "ca/base/enc.h"
#include "enroll/ocsp/issuers.h"

#define SKI1 "0101010101010101010101010101010101010101"
#define SKI2 "0202020202020202020202020202020202020202"

static EVP_PKEY *keys[2];

/* A certificate with this name and key, as base64 of its DER. */
static char *
make_cert(const char *name, EVP_PKEY *key)
{
	AUTO(X509) *c = X509_new();
	unsigned char *der = NULL;
	char *text;
	int n;

	assert_non_null(c);
	X509_NAME_add_entry_by_txt(X509_get_subject_name(c), "CN",
	    MBSTRING_UTF8, (const unsigned char *)name, -1, -1, 0);
	X509_set_issuer_name(c, X509_get_subject_name(c));
	ASN1_INTEGER_set(X509_get_serialNumber(c), 1);
	X509_gmtime_adj(X509_getm_notBefore(c), 0);
	X509_gmtime_adj(X509_getm_notAfter(c), 86400);
	X509_set_pubkey(c, key);
	assert_true(X509_sign(c, key, EVP_sha256()) > 0);
	n = i2d_X509(c, &der);
	assert_true(n > 0);
	text = enc_base64_dup(der, (size_t)n);
	OPENSSL_free(der);
	return text;
}

static json_t *
entry(int id, const char *ski, const char *name, EVP_PKEY *key)
{
	char *cert = make_cert(name, key);
	json_t *o = json_pack("{s:i, s:s, s:s}", "id", id, "ski", ski, "cert",
	    cert);

	free(cert);
	assert_non_null(o);
	return o;
}

/* One CA in two generations, and another one. */
static json_t *
three(void)
{
	return json_pack("[o, o, o]", entry(1, SKI1, "one", keys[0]),
	    entry(2, SKI2, "one", keys[1]), entry(7, SKI1, "two", keys[0]));
}

static int
group_setup(void **state)
{
	(void)state;
	keys[0] = EVP_EC_gen("P-256");
	keys[1] = EVP_EC_gen("P-256");
	return keys[0] != NULL && keys[1] != NULL ? 0 : -1;
}

static int
group_teardown(void **state)
{
	(void)state;
	EVP_PKEY_free(keys[0]);
	EVP_PKEY_free(keys[1]);
	return 0;
}

/* O5, O6: the hashes are those that a client computes, and both must match. */
static void
test_hashes(void **state)
{
	const EVP_MD *md[] = { EVP_sha1(), EVP_sha256() };
	json_t *array = three();
	struct issuers *l = NULL;
	ASN1_OCTET_STRING *name, *key;
	ASN1_INTEGER *serial = ASN1_INTEGER_new();
	OCSP_CERTID *id;
	const struct issuer *s;
	size_t i, k;

	(void)state;
	ASN1_INTEGER_set(serial, 5);
	assert_int_equal(issuers_parse(&l, array, 9), 0);
	assert_int_equal(l->n, 3);
	assert_int_equal(l->epoch, 9);
	for (i = 0; i < l->n; i++)
		for (k = 0; k < 2; k++) {
			id = OCSP_cert_id_new(md[k],
			    X509_get_subject_name(l->list[i].cert),
			    X509_get0_pubkey_bitstr(l->list[i].cert), serial);
			OCSP_id_get0_info(&name, NULL, &key, NULL, id);
			s = issuers_by_hash(l,
			    (size_t)ASN1_STRING_length(key),
			    ASN1_STRING_get0_data(name),
			    ASN1_STRING_get0_data(key));
			assert_ptr_equal(s, &l->list[i]);
			OCSP_CERTID_free(id);
		}
	/* The name of one and the key of another one is none. */
	assert_null(issuers_by_hash(l, 32, l->list[2].name_sha256,
	    l->list[1].key_sha256));
	assert_null(issuers_by_hash(l, 20, l->list[2].name_sha1,
	    l->list[1].key_sha1));
	assert_null(issuers_by_hash(l, 16, l->list[0].name_sha1,
	    l->list[0].key_sha1));
	ASN1_INTEGER_free(serial);
	issuers_put(l);
	json_decref(array);
}

static void
test_find(void **state)
{
	json_t *array = three();
	struct issuers *l = NULL;
	uint8_t ski[20];

	(void)state;
	assert_int_equal(issuers_parse(&l, array, 9), 0);
	memset(ski, 2, sizeof ski);
	assert_ptr_equal(issuers_by_ski(l, ski), &l->list[1]);
	memset(ski, 3, sizeof ski);
	assert_null(issuers_by_ski(l, ski));
	issuers_put(l);
	json_decref(array);
}

static void
test_bad(void **state)
{
	static const char *const fields[] = { "id", "ski", "cert" };
	json_t *bad[] = { json_null(), json_integer(0), json_integer(-1),
	    json_integer(INT64_C(4294967296)), json_string(""),
	    json_string("01"), json_string("MAA="), json_string("*"),
	    json_object() };
	struct issuers *l = NULL;
	json_t *array;
	size_t i, k;

	(void)state;
	for (i = 0; i < 3; i++) {
		for (k = 0; k < sizeof bad / sizeof bad[0]; k++) {
			array = three();
			json_object_set(json_array_get(array, 1), fields[i],
			    bad[k]);
			assert_int_equal(issuers_parse(&l, array, 1),
			    CAMCA_EPROTO);
			json_decref(array);
		}
		array = three();
		json_object_del(json_array_get(array, 2), fields[i]);
		assert_int_equal(issuers_parse(&l, array, 1), CAMCA_EPROTO);
		json_decref(array);
	}
	for (k = 0; k < sizeof bad / sizeof bad[0]; k++)
		json_decref(bad[k]);
	array = json_pack("[o, o]", entry(2, SKI1, "a", keys[0]),
	    entry(2, SKI2, "b", keys[1]));
	assert_int_equal(issuers_parse(&l, array, 1), CAMCA_EPROTO);
	json_decref(array);
	array = json_object();
	assert_int_equal(issuers_parse(&l, array, 1), CAMCA_EPROTO);
	json_decref(array);
	assert_null(l);
}

/* The certificate cut at each byte, and with bytes behind it. */
static void
test_cut(void **state)
{
	struct issuers *l = NULL;
	char *cert = make_cert("one", keys[0]), *text;
	struct buf der;
	json_t *array;
	size_t n;

	(void)state;
	buf_init(&der, 0);
	assert_int_equal(dec_base64(&der, cert, strlen(cert), 0), 0);
	assert_int_equal(buf_putc(&der, 0), 0);
	for (n = 0; n <= der.len; n++) {
		text = enc_base64_dup(der.data, n);
		array = json_pack("[{s:i, s:s, s:s}]", "id", 1, "ski", SKI1,
		    "cert", text);
		assert_int_equal(issuers_parse(&l, array, 1),
		    n == der.len - 1 ? 0 : CAMCA_EPROTO);
		issuers_put(l);
		l = NULL;
		json_decref(array);
		free(text);
	}
	buf_fini(&der);
	free(cert);
}

static void
test_box(void **state)
{
	json_t *array = three();
	struct issuers *a = NULL, *b = NULL, *held;
	struct issuers_box box;

	(void)state;
	issuers_box_init(&box);
	assert_null(issuers_box_get(&box));
	assert_int_equal(issuers_parse(&a, array, 1), 0);
	assert_int_equal(issuers_parse(&b, array, 2), 0);
	issuers_box_set(&box, a);
	held = issuers_box_get(&box);
	assert_ptr_equal(held, a);
	issuers_box_set(&box, b);      /* the reader's list lives on */
	assert_int_equal(held->n, 3);
	assert_int_equal(held->list[2].id, 7);
	issuers_put(held);
	issuers_put(NULL);
	issuers_box_fini(&box);
	json_decref(array);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_hashes),
		cmocka_unit_test(test_find),
		cmocka_unit_test(test_bad),
		cmocka_unit_test(test_cut),
		cmocka_unit_test(test_box),
	};

	return cmocka_run_group_tests(tests, group_setup, group_teardown);
}
