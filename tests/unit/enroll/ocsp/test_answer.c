/* SPDX-License-Identifier: Apache-2.0 */
#include "tests/unit/enroll/ocsp/pki.h"

#include "ca/base/ocsp_data.h"
#include "enroll/ocsp/answer.h"

static void
put(struct buf *b, size_t n)
{
	for (size_t i = 0; i < n; i++)
		assert_int_equal(buf_putc(b, (uint8_t)i), 0);
}

/* O1: an error is five bytes, and says nothing else. */
static void
test_errors(void **state)
{
	static const enum answer_status all[] = { ANSWER_MALFORMED,
	    ANSWER_INTERNAL, ANSWER_TRY_LATER, ANSWER_UNAUTHORIZED };
	uint8_t der[ANSWER_ERROR_LEN];
	const unsigned char *p;
	OCSP_RESPONSE *r;

	(void)state;
	for (size_t i = 0; i < 4; i++) {
		answer_error(der, all[i]);
		p = der;
		r = d2i_OCSP_RESPONSE(NULL, &p, sizeof der);
		assert_non_null(r);
		assert_int_equal(OCSP_response_status(r), all[i]);
		assert_null(OCSP_response_get1_basic(r));
		OCSP_RESPONSE_free(r);
	}
	assert_memory_equal(der, "\x30\x03\x0a\x01\x06", 5);
	ERR_clear_error();
}

/* OpenSSL reads it, finds the parts, and would write the same bytes. */
static void
test_wraps_what_openssl_reads(void **state)
{
	struct pki_ca ca = pki_ca("CA", 1, NULL);
	const uint8_t serial = 9;
	OCSP_CERTID *id = pki_id(&ca, EVP_sha1(), &serial, 1);
	struct ocsp_data d = { .produced_s = PKI_NOW_S, .n = 1,
	    .singles = { { .id = id, .reason = -1, .this_s = PKI_NOW_S,
	    .next_s = PKI_NOW_S + 60 } } };
	struct buf tbs, cert, out;
	const unsigned char *p;
	unsigned char *again = NULL;
	OCSP_RESPONSE *r;
	OCSP_BASICRESP *b;
	uint8_t sig[72];

	(void)state;
	memset(sig, 0x42, sizeof sig);
	buf_init(&tbs, 0);
	buf_init(&cert, 0);
	buf_init(&out, ANSWER_MAX);
	assert_int_equal(ocsp_data_encode(&d, &tbs), 0);
	pki_responder(&ca, ca.key, "OCSPSigning", PKI_NOW_S, PKI_NOW_S + 100,
	    &cert);
	assert_int_equal(answer_wrap(&tbs, sig, sizeof sig, &cert, &out), 0);
	p = out.data;
	r = d2i_OCSP_RESPONSE(NULL, &p, (long)out.len);
	assert_non_null(r);
	assert_ptr_equal(p, out.data + out.len);
	assert_int_equal(i2d_OCSP_RESPONSE(r, &again), out.len);
	assert_memory_equal(again, out.data, out.len);
	b = OCSP_response_get1_basic(r);
	assert_non_null(b);
	assert_int_equal(OCSP_resp_count(b), 1);
	assert_int_equal(sk_X509_num(OCSP_resp_get0_certs(b)), 1);
	assert_int_equal(OCSP_resp_get0_signature(b)->length, sizeof sig);
	OPENSSL_free(again);
	OCSP_BASICRESP_free(b);
	OCSP_RESPONSE_free(r);
	OCSP_CERTID_free(id);
	buf_fini(&tbs);
	buf_fini(&cert);
	buf_fini(&out);
	pki_ca_fini(&ca);
}

/* Lengths of one, two and three octets in each place. */
static void
test_lengths(void **state)
{
	static const size_t sizes[] = { 0, 1, 90, 127, 128, 255, 256, 4000 };
	struct buf tbs, cert, out;
	const unsigned char *p;
	uint8_t sig[8] = { 0 };
	long len;
	int tag, class;

	(void)state;
	for (size_t i = 0; i < 8; i++) {
		for (size_t j = 0; j < 8; j++) {
			buf_init(&tbs, 0);
			buf_init(&cert, 0);
			buf_init(&out, ANSWER_MAX);
			put(&tbs, sizes[i]);
			put(&cert, sizes[j]);
			assert_int_equal(answer_wrap(&tbs, sig, sizeof sig,
			    &cert, &out), 0);
			p = out.data;
			assert_int_equal(ASN1_get_object(&p, &len, &tag,
			    &class, (long)out.len), 0x20);
			assert_ptr_equal(p + len, out.data + out.len);
			buf_fini(&tbs);
			buf_fini(&cert);
			buf_fini(&out);
		}
	}
}

static void
test_too_large(void **state)
{
	struct buf tbs, cert, out;
	uint8_t sig[8] = { 0 };

	(void)state;
	buf_init(&tbs, 0);
	buf_init(&cert, 0);
	buf_init(&out, 100);
	put(&tbs, 200);
	assert_int_equal(answer_wrap(&tbs, sig, sizeof sig, &cert, &out),
	    CAMCA_ELIMIT);
	put(&tbs, ANSWER_MAX);
	assert_int_equal(answer_wrap(&tbs, sig, sizeof sig, &cert, &out),
	    CAMCA_ELIMIT);
	assert_int_equal(out.len, 0);
	buf_fini(&tbs);
	buf_fini(&out);
}

int
main(void)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_errors),
		cmocka_unit_test(test_wraps_what_openssl_reads),
		cmocka_unit_test(test_lengths),
		cmocka_unit_test(test_too_large),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
