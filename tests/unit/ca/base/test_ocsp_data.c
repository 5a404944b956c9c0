/* SPDX-License-Identifier: Apache-2.0 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

#include <openssl/err.h>

#include "ca/base/ocsp_data.h"

#define NOW_S INT64_C(1800000000)

struct fix {
	struct ocsp_data d;
	OCSP_CERTID *id;
	struct buf der;
};

static OCSP_CERTID *
new_id(const char *serial)
{
	X509_NAME *name = X509_NAME_new();
	ASN1_BIT_STRING *key = ASN1_BIT_STRING_new();
	BIGNUM *bn = NULL;
	ASN1_INTEGER *i;
	OCSP_CERTID *id;

	BN_hex2bn(&bn, serial);
	i = BN_to_ASN1_INTEGER(bn, NULL);
	ASN1_BIT_STRING_set(key, (unsigned char *)(uintptr_t)"key", 3);
	id = OCSP_cert_id_new(EVP_sha1(), name, key, i);
	BN_free(bn);
	ASN1_INTEGER_free(i);
	X509_NAME_free(name);
	ASN1_BIT_STRING_free(key);
	return id;
}

static int
setup(void **state)
{
	struct fix *f = calloc(1, sizeof *f);

	f->id = new_id("1cf719590102030405060708090a0b0c0d0e0f10");
	memset(f->d.key_hash, 0xab, 20);
	f->d.produced_s = NOW_S;
	f->d.n = 1;
	f->d.singles[0] = (struct ocsp_single){ .id = f->id, .reason = -1,
	    .this_s = NOW_S - 300, .next_s = NOW_S + 3600 };
	buf_init(&f->der, OCSP_DATA_MAX);
	*state = f;
	return 0;
}

static int
teardown(void **state)
{
	struct fix *f = *state;

	OCSP_CERTID_free(f->id);
	buf_fini(&f->der);
	free(f);
	return 0;
}

/* Encodes, decodes, and compares field by field. */
static void
round_trip(struct fix *f)
{
	const struct ocsp_data *a = &f->d;
	struct ocsp_data b;
	void *hold = NULL;

	buf_reset(&f->der);
	assert_int_equal(ocsp_data_encode(a, &f->der), 0);
	assert_int_equal(ocsp_data_decode(&b, f->der.data, f->der.len, &hold),
	    0);
	assert_int_equal(ERR_peek_error(), 0);
	assert_memory_equal(a->key_hash, b.key_hash, 20);
	assert_int_equal(a->produced_s, b.produced_s);
	assert_int_equal(a->n, b.n);
	assert_int_equal(a->extended_revoke, b.extended_revoke);
	assert_int_equal(a->nonce_len, b.nonce_len);
	assert_memory_equal(a->nonce, b.nonce, a->nonce_len);
	for (size_t i = 0; i < a->n; i++) {
		assert_int_equal(OCSP_id_cmp(a->singles[i].id,
		    b.singles[i].id), 0);
		assert_int_equal(a->singles[i].revoked, b.singles[i].revoked);
		assert_int_equal(a->singles[i].reason, b.singles[i].reason);
		assert_int_equal(a->singles[i].revoked_s,
		    b.singles[i].revoked_s);
		assert_int_equal(a->singles[i].this_s, b.singles[i].this_s);
		assert_int_equal(a->singles[i].next_s, b.singles[i].next_s);
		assert_int_equal(a->singles[i].archive_s,
		    b.singles[i].archive_s);
	}
	ocsp_data_release(hold);
}

static void
revoke(struct ocsp_single *s, int reason)
{
	s->revoked = true;
	s->reason = reason;
	s->revoked_s = NOW_S - 100;
}

static void
test_good(void **state)
{
	round_trip(*state);
}

static void
test_revoked(void **state)
{
	struct fix *f = *state;

	for (int reason = -1; reason <= 10; reason++) {
		revoke(&f->d.singles[0], reason);
		round_trip(f);
	}
}

static void
test_everything(void **state)
{
	struct fix *f = *state;

	f->d.n = OCSP_IDS_MAX;
	for (size_t i = 0; i < f->d.n; i++) {
		f->d.singles[i] = f->d.singles[0];
		if (i % 2 == 1)
			revoke(&f->d.singles[i], 1);
		f->d.singles[i].archive_s = NOW_S - 86400;
	}
	f->d.extended_revoke = true;
	f->d.nonce_len = OCSP_NONCE_MAX;
	memset(f->d.nonce, 0x5a, OCSP_NONCE_MAX);
	round_trip(f);
}

/* The nonce is an OCTET STRING inside the extension's. */
static void
test_nonce_bytes(void **state)
{
	static const uint8_t want[] = { 0x04, 0x05, 0x04, 0x03, 7, 8, 9 };
	struct fix *f = *state;

	f->d.nonce_len = 3;
	memcpy(f->d.nonce, "\x07\x08\x09", 3);
	round_trip(f);
	assert_memory_equal(f->der.data + f->der.len - sizeof want, want,
	    sizeof want);
	for (size_t n = 1; n <= OCSP_NONCE_MAX; n++) {
		f->d.nonce_len = n;
		round_trip(f);
	}
}

/* O13: no fractions, Z. O1: version v1 is left out. */
static void
test_form(void **state)
{
	struct fix *f = *state;

	round_trip(f);
	assert_int_equal(f->der.data[0], 0x30);
	assert_int_equal(f->der.data[3 - (f->der.data[1] < 0x80)], 0xa2);
	assert_non_null(memmem(f->der.data, f->der.len,
	    "\x18\x0f" "20270115080000Z", 17));
}

static void
test_cut_and_flipped(void **state)
{
	struct fix *f = *state;
	struct ocsp_data d;
	struct buf again;
	void *hold;

	f->d.nonce_len = 16;
	revoke(&f->d.singles[0], 1);
	round_trip(f);
	for (size_t n = 0; n < f->der.len; n++)
		assert_int_equal(ocsp_data_decode(&d, f->der.data, n, &hold),
		    CAMCA_EINVAL);
	buf_init(&again, 0);
	for (size_t bit = 0; bit < f->der.len * 8; bit++) {
		f->der.data[bit / 8] ^= (uint8_t)(1u << bit % 8);
		hold = NULL;
		if (ocsp_data_decode(&d, f->der.data, f->der.len,
		    &hold) == 0) {
			buf_reset(&again);
			assert_int_equal(ocsp_data_encode(&d, &again), 0);
			assert_memory_equal(again.data, f->der.data,
			    f->der.len);
		}
		ocsp_data_release(hold);
		assert_int_equal(ERR_peek_error(), 0);
		f->der.data[bit / 8] ^= (uint8_t)(1u << bit % 8);
	}
	buf_fini(&again);
}

static void
test_trailing_and_oversize(void **state)
{
	struct fix *f = *state;
	uint8_t big[OCSP_DATA_MAX + 1] = { 0x30 };
	struct ocsp_data d;
	void *hold = NULL;

	round_trip(f);
	assert_int_equal(buf_putc(&f->der, 0), 0);
	assert_int_equal(ocsp_data_decode(&d, f->der.data, f->der.len, &hold),
	    CAMCA_EINVAL);
	assert_int_equal(ocsp_data_decode(&d, big, sizeof big, &hold),
	    CAMCA_EINVAL);
	assert_null(hold);
}

/* An extension that we never write is not signed: here a nonce's OID becomes
 * another one of the same length. */
static void
test_unknown_extension(void **state)
{
	struct fix *f = *state;
	struct ocsp_data d;
	void *hold = NULL;
	uint8_t *oid;

	f->d.nonce_len = 16;
	round_trip(f);
	oid = memmem(f->der.data, f->der.len,
	    "\x06\x09\x2b\x06\x01\x05\x05\x07\x30\x01\x02", 11);
	assert_non_null(oid);
	oid[10] = 0x63;
	assert_int_equal(ocsp_data_decode(&d, f->der.data, f->der.len, &hold),
	    CAMCA_EINVAL);
}

#define T(fn) cmocka_unit_test_setup_teardown(fn, setup, teardown)

int
main(void)
{
	static const struct CMUnitTest tests[] = {
		T(test_good), T(test_revoked), T(test_everything),
		T(test_nonce_bytes), T(test_form), T(test_cut_and_flipped),
		T(test_trailing_and_oversize), T(test_unknown_extension),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
