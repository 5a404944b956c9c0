/* SPDX-License-Identifier: Apache-2.0 */
#include "tests/unit/enroll/ocsp/pki.h"

#include "enroll/ocsp/request.h"

static const uint8_t serial_a[20] = { 0x1c, 0xf7, 0x19, 0x59, 1, 2, 3, 4, 5, 6,
	7, 8, 9, 10, 11, 12, 13, 14, 15, 16 };

struct fix {
	struct pki_ca ca;
	OCSP_REQUEST *req;
	struct buf der;
	struct ocsp_request r;
};

static int
setup(void **state)
{
	struct fix *f = calloc(1, sizeof *f);

	f->ca = pki_ca("CA", 1, NULL);
	f->req = OCSP_REQUEST_new();
	OCSP_request_add0_id(f->req, pki_id(&f->ca, EVP_sha1(), serial_a, 20));
	buf_init(&f->der, 0);
	*state = f;
	return 0;
}

static int
teardown(void **state)
{
	struct fix *f = *state;

	ocsp_request_fini(&f->r);
	OCSP_REQUEST_free(f->req);
	pki_ca_fini(&f->ca);
	buf_fini(&f->der);
	free(f);
	return 0;
}

static int
parse(struct fix *f)
{
	int ret;

	ocsp_request_fini(&f->r);
	ret = ocsp_request_parse(&f->r, f->der.data, f->der.len);
	assert_int_equal(ERR_peek_error(), 0);
	if (ret < 0)
		assert_null(f->r.der);
	return ret;
}

static int
encode_and_parse(struct fix *f)
{
	buf_reset(&f->der);
	pki_put(f->req, &f->der);
	return parse(f);
}

static void
test_sha1_and_sha256(void **state)
{
	struct fix *f = *state;

	OCSP_request_add0_id(f->req, pki_id(&f->ca, EVP_sha256(), serial_a,
	    20));
	assert_int_equal(encode_and_parse(f), 0);
	assert_int_equal(f->r.n, 2);
	assert_int_equal(f->r.ids[0].hash_len, 20);
	assert_int_equal(f->r.ids[1].hash_len, 32);
	assert_true(f->r.ids[0].serial_fits);
	assert_memory_equal(f->r.ids[1].serial, serial_a, 20);
	assert_false(f->r.plain);
	assert_int_equal(f->r.nonce_len, 0);
}

static void
test_other_hash_is_no_error(void **state)
{
	struct fix *f = *state;

	OCSP_request_add0_id(f->req, pki_id(&f->ca, EVP_sha384(), serial_a,
	    20));
	assert_int_equal(encode_and_parse(f), 0);
	assert_int_equal(f->r.ids[1].hash_len, 0);
}

static void
test_plain_is_one_id_and_nothing_else(void **state)
{
	struct fix *f = *state;

	assert_int_equal(encode_and_parse(f), 0);
	assert_true(f->r.plain);
	pki_request_ext(f->req, "1.2.3.4", 0, "\x05\x00", 2);
	assert_int_equal(encode_and_parse(f), 0);
	assert_false(f->r.plain);
}

static void
test_cut_at_each_byte(void **state)
{
	struct fix *f = *state;
	size_t n;

	pki_nonce(f->req, 32);
	assert_int_equal(encode_and_parse(f), 0);
	for (n = f->der.len; f->der.len-- > 0;)
		assert_int_equal(parse(f), CAMCA_EINVAL);
	f->der.len = n;
}

/* Whatever is accepted has just one encoding. */
static void
test_bits_flipped(void **state)
{
	struct fix *f = *state;
	unsigned char *again;
	int n;

	pki_nonce(f->req, 16);
	assert_int_equal(encode_and_parse(f), 0);
	for (size_t bit = 0; bit < f->der.len * 8; bit++) {
		f->der.data[bit / 8] ^= (uint8_t)(1u << bit % 8);
		if (parse(f) == 0) {
			again = NULL;
			n = i2d_OCSP_REQUEST(f->r.der, &again);
			assert_int_equal(n, f->der.len);
			assert_memory_equal(again, f->der.data, f->der.len);
			OPENSSL_free(again);
		}
		f->der.data[bit / 8] ^= (uint8_t)(1u << bit % 8);
	}
	assert_int_equal(parse(f), 0);
}

static void
test_trailing_bytes(void **state)
{
	struct fix *f = *state;

	assert_int_equal(encode_and_parse(f), 0);
	assert_int_equal(buf_putc(&f->der, 0), 0);
	assert_int_equal(parse(f), CAMCA_EINVAL);
}

/* The same in a length of two octets where one is enough: BER. */
static void
test_length_not_minimal(void **state)
{
	struct fix *f = *state;
	struct buf ber;

	assert_int_equal(encode_and_parse(f), 0);
	assert_true(f->der.len < 128);
	buf_init(&ber, 0);
	assert_int_equal(buf_put(&ber, "\x30\x81", 2), 0);
	assert_int_equal(buf_put(&ber, f->der.data + 1, f->der.len - 1), 0);
	buf_fini(&f->der);
	f->der = ber;
	assert_int_equal(parse(f), CAMCA_EINVAL);
}

static void
test_indefinite_length(void **state)
{
	struct fix *f = *state;

	assert_int_equal(encode_and_parse(f), 0);
	f->der.data[1] = 0x80;
	assert_int_equal(buf_put(&f->der, "\0\0", 2), 0);
	assert_int_equal(parse(f), CAMCA_EINVAL);
}

/* A default is left out in DER, and no other version exists. */
static void
test_versions(void **state)
{
	struct fix *f = *state;
	const uint8_t v[2] = { 0, 1 };
	struct buf with;

	assert_int_equal(encode_and_parse(f), 0);
	for (size_t i = 0; i < 2; i++) {
		buf_init(&with, 0);
		assert_int_equal(buf_put(&with, f->der.data, f->der.len), 0);
		with.data[1] = (uint8_t)(with.data[1] + 5);
		with.data[3] = (uint8_t)(with.data[3] + 5);
		assert_int_equal(buf_put(&with, "12345", 5), 0);
		memmove(with.data + 9, with.data + 4, with.len - 9);
		memcpy(with.data + 4, "\xa0\x03\x02\x01", 4);
		with.data[8] = v[i];
		ocsp_request_fini(&f->r);
		assert_int_equal(ocsp_request_parse(&f->r, with.data,
		    with.len), CAMCA_EINVAL);
		buf_fini(&with);
	}
}

static void
test_nothing_and_too_much(void **state)
{
	struct fix *f = *state;
	uint8_t *big = calloc(1, 1 << 20);

	assert_int_equal(ocsp_request_parse(&f->r, big, 0), CAMCA_EINVAL);
	assert_int_equal(ocsp_request_parse(&f->r, big, 1 << 20),
	    CAMCA_EINVAL);
	memcpy(big, "\x30\x83\x0f\xff\xfb\x30\x83\x0f\xff\xf6", 10);
	assert_int_equal(ocsp_request_parse(&f->r, big, 1 << 20),
	    CAMCA_EINVAL);
	free(big);
}

static void
test_number_of_ids(void **state)
{
	struct fix *f = *state;

	for (int i = 1; i < 16; i++)
		OCSP_request_add0_id(f->req, pki_id(&f->ca, EVP_sha1(),
		    serial_a, 20));
	assert_int_equal(encode_and_parse(f), 0);
	assert_int_equal(f->r.n, 16);
	OCSP_request_add0_id(f->req, pki_id(&f->ca, EVP_sha1(), serial_a, 20));
	assert_int_equal(encode_and_parse(f), CAMCA_EINVAL);
	for (int i = 17; i < 10000; i++)
		OCSP_request_add0_id(f->req, pki_id(&f->ca, EVP_sha1(),
		    serial_a, 20));
	assert_int_equal(encode_and_parse(f), CAMCA_EINVAL);
}

static void
test_no_ids(void **state)
{
	struct fix *f = *state;

	assert_int_equal(buf_put(&f->der, "\x30\x04\x30\x02\x30\x00", 6), 0);
	assert_int_equal(parse(f), CAMCA_EINVAL);
}

static void
one_serial(struct fix *f, const uint8_t *p, size_t n, bool negative)
{
	ASN1_INTEGER *i = pki_serial(p, n);

	OCSP_REQUEST_free(f->req);
	f->req = OCSP_REQUEST_new();
	if (negative)
		i->type = V_ASN1_NEG_INTEGER;
	OCSP_request_add0_id(f->req, OCSP_cert_id_new(EVP_sha1(),
	    X509_get_subject_name(f->ca.cert),
	    X509_get0_pubkey_bitstr(f->ca.cert), i));
	ASN1_INTEGER_free(i);
}

static void
test_serials(void **state)
{
	struct fix *f = *state;
	uint8_t long_one[21] = { 0x11 }, wide[20] = { 0xff, 1 };
	const uint8_t one = 1;

	one_serial(f, &one, 1, false);
	assert_int_equal(encode_and_parse(f), 0);
	assert_true(f->r.ids[0].serial_fits);
	assert_int_equal(f->r.ids[0].serial[19], 1);
	assert_int_equal(f->r.ids[0].serial[0], 0);
	one_serial(f, &one, 1, true);
	assert_int_equal(encode_and_parse(f), 0);
	assert_false(f->r.ids[0].serial_fits);
	one_serial(f, long_one, sizeof long_one, false);
	assert_int_equal(encode_and_parse(f), 0);
	assert_false(f->r.ids[0].serial_fits);
	/* 21 octets with the zero that makes it positive, 20 as a number. */
	one_serial(f, wide, sizeof wide, false);
	assert_int_equal(encode_and_parse(f), 0);
	assert_true(f->r.ids[0].serial_fits);
	assert_memory_equal(f->r.ids[0].serial, wide, 20);
}

static void
test_serial_not_minimal(void **state)
{
	struct fix *f = *state;
	const uint8_t wide[2] = { 0xff, 1 };
	uint8_t *p;

	/* 02 03 00 ff 01 becomes 02 03 00 7f 01. */
	one_serial(f, wide, sizeof wide, false);
	assert_int_equal(encode_and_parse(f), 0);
	p = f->der.data + f->der.len - 2;
	assert_int_equal(*p, 0xff);
	*p = 0x7f;
	assert_int_equal(parse(f), CAMCA_EINVAL);
}

static void
test_nonce_bands(void **state)
{
	static const struct {
		size_t n;
		int ret;
	} bands[] = { { 0, CAMCA_EINVAL }, { 1, 0 }, { 15, 0 }, { 16, 0 },
	    { 32, 0 }, { 33, 0 }, { 128, 0 }, { 129, CAMCA_EINVAL },
	    { 255, CAMCA_EINVAL } };
	struct fix *f = *state;

	for (size_t i = 0; i < sizeof bands / sizeof bands[0]; i++) {
		OCSP_REQUEST_free(f->req);
		f->req = OCSP_REQUEST_new();
		OCSP_request_add0_id(f->req, pki_id(&f->ca, EVP_sha1(),
		    serial_a, 20));
		pki_nonce(f->req, bands[i].n);
		assert_int_equal(encode_and_parse(f), bands[i].ret);
		if (bands[i].ret == 0)
			assert_int_equal(f->r.nonce_len, bands[i].n);
	}
}

static void
test_nonce_without_octet_string(void **state)
{
	struct fix *f = *state;

	pki_request_ext(f->req, PKI_NONCE_OID, 0, "0123456789abcdef", 16);
	assert_int_equal(encode_and_parse(f), CAMCA_EINVAL);
}

static void
test_nonce_twice(void **state)
{
	struct fix *f = *state;

	pki_nonce(f->req, 16);
	pki_nonce(f->req, 16);
	assert_int_equal(encode_and_parse(f), CAMCA_EINVAL);
}

static void
test_extensions(void **state)
{
	struct fix *f = *state;

	/* Acceptable responses and preferred algorithms, critical or not. */
	pki_request_ext(f->req, "1.3.6.1.5.5.7.48.1.4", 1, "\x30\x00", 2);
	pki_request_ext(f->req, "1.3.6.1.5.5.7.48.1.8", 1, "\x30\x00", 2);
	pki_request_ext(f->req, "1.2.3.4", 0, "\x05\x00", 2);
	assert_int_equal(encode_and_parse(f), 0);
	pki_request_ext(f->req, "1.2.3.5", 1, "\x05\x00", 2);
	assert_int_equal(encode_and_parse(f), CAMCA_EINVAL);
}

static void
test_too_many_extensions(void **state)
{
	struct fix *f = *state;
	char oid[32];

	for (int i = 0; i < 17; i++) {
		snprintf(oid, sizeof oid, "1.2.3.%d", i + 1);
		pki_request_ext(f->req, oid, 0, "\x05\x00", 2);
	}
	assert_int_equal(encode_and_parse(f), CAMCA_EINVAL);
}

static void
single_ext(struct fix *f, int critical)
{
	OCSP_ONEREQ *one = OCSP_request_onereq_get0(f->req, 0);
	ASN1_OCTET_STRING *v = ASN1_OCTET_STRING_new();
	ASN1_OBJECT *o = OBJ_txt2obj("1.2.3.4", 1);
	X509_EXTENSION *e;

	ASN1_OCTET_STRING_set(v, (const unsigned char *)"\x05\x00", 2);
	e = X509_EXTENSION_create_by_OBJ(NULL, o, critical, v);
	assert_int_equal(OCSP_ONEREQ_add_ext(one, e, -1), 1);
	X509_EXTENSION_free(e);
	ASN1_OBJECT_free(o);
	ASN1_OCTET_STRING_free(v);
}

static void
test_single_extensions(void **state)
{
	struct fix *f = *state;

	single_ext(f, 0);
	assert_int_equal(encode_and_parse(f), 0);
	assert_false(f->r.plain);
	single_ext(f, 1);
	assert_int_equal(encode_and_parse(f), CAMCA_EINVAL);
}

/* Nobody asked for it, so nobody looks at it (RFC 6960 4.1.2). */
static void
test_signed_request(void **state)
{
	struct fix *f = *state;

	assert_int_equal(OCSP_request_sign(f->req, f->ca.cert, f->ca.key,
	    EVP_sha256(), NULL, 0), 1);
	assert_int_equal(encode_and_parse(f), 0);
	assert_int_equal(f->r.n, 1);
	assert_false(f->r.plain);
}

static void
test_requestor_name_is_not_plain(void **state)
{
	struct fix *f = *state;

	assert_int_equal(OCSP_request_set1_name(f->req,
	    X509_get_subject_name(f->ca.cert)), 1);
	assert_int_equal(encode_and_parse(f), 0);
	assert_false(f->r.plain);
}

#define T(fn) cmocka_unit_test_setup_teardown(fn, setup, teardown)

int
main(void)
{
	static const struct CMUnitTest tests[] = {
		T(test_sha1_and_sha256), T(test_other_hash_is_no_error),
		T(test_plain_is_one_id_and_nothing_else),
		T(test_cut_at_each_byte), T(test_bits_flipped),
		T(test_trailing_bytes), T(test_length_not_minimal),
		T(test_indefinite_length), T(test_versions),
		T(test_nothing_and_too_much), T(test_number_of_ids),
		T(test_no_ids), T(test_serials), T(test_serial_not_minimal),
		T(test_nonce_bands), T(test_nonce_without_octet_string),
		T(test_nonce_twice), T(test_extensions),
		T(test_too_many_extensions), T(test_single_extensions),
		T(test_signed_request), T(test_requestor_name_is_not_plain),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
