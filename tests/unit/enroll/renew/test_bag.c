/* SPDX-License-Identifier: Apache-2.0 */
#include "pki.h"

static EVP_PKEY *key;
static X509 *root;
static struct buf body;

static int
setup(void **state)
{
	(void)state;
	key = pki_key();
	root = pki_root("Root", key);
	buf_init(&body, 0);
	pki_bag(&body, &root, 1);
	return 0;
}

static int
teardown(void **state)
{
	(void)state;
	EVP_PKEY_free(key);
	X509_free(root);
	buf_fini(&body);
	return 0;
}

static void
round_trip(void **state)
{
	STACK_OF(X509) *bag = NULL, *again = NULL;
	struct refusal why;
	struct buf pem;

	(void)state;
	buf_init(&pem, 0);
	assert_int_equal(bag_parse(&bag, &body, &why), 0);
	assert_int_equal(sk_X509_num(bag), 1);
	assert_int_equal(X509_cmp(sk_X509_value(bag, 0), root), 0);
	assert_int_equal(bag_to_pem(&pem, bag), 0);
	assert_int_equal(bag_from_pem(&again, &pem, &why), 0);
	assert_int_equal(sk_X509_num(again), 1);
	bag_free(bag);
	bag_free(again);
	buf_fini(&pem);
	assert_int_equal(ERR_peek_error(), 0);
}

static int
parse_text(const void *p, size_t n)
{
	STACK_OF(X509) *bag = NULL;
	struct refusal why = { 0 };
	struct buf in;
	int ret;

	buf_init(&in, 0);
	assert_int_equal(buf_put(&in, p, n), 0);
	ret = bag_parse(&bag, &in, &why);
	if (ret < 0)
		assert_string_equal(why.code, "est.bad-certs");
	bag_free(bag);
	buf_fini(&in);
	assert_int_equal(ERR_peek_error(), 0);
	return ret;
}

static int
parse_der(const void *p, size_t n)
{
	struct buf b64;
	int ret;

	buf_init(&b64, 0);
	assert_int_equal(enc_base64(&b64, p, n, 0), 0);
	ret = parse_text(buf_str(&b64), b64.len);
	buf_fini(&b64);
	return ret;
}

static void
cut_and_flipped(void **state)
{
	struct buf der;
	size_t i;

	(void)state;
	buf_init(&der, 0);
	assert_int_equal(dec_base64(&der, buf_str(&body), body.len, 1), 0);
	for (i = 0; i < der.len; i++)
		assert_int_equal(parse_der(der.data, i), CAMCA_EPROTO);
	for (i = 0; i < der.len * 8; i++) {
		der.data[i / 8] ^= (uint8_t)(1 << i % 8);
		(void)parse_der(der.data, der.len);
		der.data[i / 8] ^= (uint8_t)(1 << i % 8);
	}
	assert_int_equal(buf_putc(&der, 0), 0);
	assert_int_equal(parse_der(der.data, der.len), CAMCA_EPROTO);
	buf_fini(&der);
}

static void
others_refused(void **state)
{
	X509 *many[BAG_CERTS_MAX + 1];
	struct buf big;
	size_t i;

	(void)state;
	assert_int_equal(parse_text("", 0), CAMCA_EPROTO);
	assert_int_equal(parse_text("!!!!", 4), CAMCA_EPROTO);
	assert_int_equal(parse_text("<html>", 6), CAMCA_EPROTO);
	buf_init(&big, 0);
	pki_bag(&big, NULL, 0);
	assert_int_equal(parse_text(buf_str(&big), big.len), CAMCA_EPROTO);
	buf_reset(&big);
	for (i = 0; i <= BAG_CERTS_MAX; i++) {
		struct pki_want w = { .cn = "x", .key = key, .issuer = root,
		    .issuer_key = key, .end_s = PKI_DAY_S };

		many[i] = pki_cert(&w);
	}
	pki_bag(&big, many, BAG_CERTS_MAX);
	assert_int_equal(parse_text(buf_str(&big), big.len), 0);
	buf_reset(&big);
	pki_bag(&big, many, BAG_CERTS_MAX + 1);
	assert_int_equal(parse_text(buf_str(&big), big.len), CAMCA_EPROTO);
	for (i = 0; i <= BAG_CERTS_MAX; i++)
		X509_free(many[i]);
	buf_fini(&big);
}

static void
pem_broken(void **state)
{
	static const char bad[] = "-----BEGIN CERTIFICATE-----\nAAAA\n"
	    "-----END CERTIFICATE-----\n";
	STACK_OF(X509) *bag = NULL;
	struct refusal why;
	struct buf pem;

	(void)state;
	buf_init(&pem, 0);
	assert_int_equal(buf_puts(&pem, bad), 0);
	assert_int_equal(bag_from_pem(&bag, &pem, &why), CAMCA_EINVAL);
	buf_reset(&pem);
	assert_int_equal(bag_from_pem(&bag, &pem, &why), 0);
	assert_int_equal(sk_X509_num(bag), 0);
	bag_free(bag);
	buf_fini(&pem);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(round_trip),
		cmocka_unit_test(cut_and_flipped),
		cmocka_unit_test(others_refused),
		cmocka_unit_test(pem_broken),
	};

	return cmocka_run_group_tests(tests, setup, teardown);
}
