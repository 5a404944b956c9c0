/* SPDX-License-Identifier: Apache-2.0 */
/* Public keys as tokens tell them, well and badly: a token made of a table. */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <cmocka.h>

#include <openssl/ec.h>
#include <openssl/err.h>
#include <string.h>

#include "ca/base/auto.h"
#include "hsm/internal.h"

#define POINT 65

struct value {
	CK_ATTRIBUTE_TYPE type;
	uint8_t data[600];
	size_t len;
};

/* What the token says; the test fills it. */
static struct value values[8];
static size_t n_values;
static CK_ULONG n_objects;

static CK_RV
fake_get(CK_SESSION_HANDLE s, CK_OBJECT_HANDLE o, CK_ATTRIBUTE *a, CK_ULONG n)
{
	size_t i;

	(void)s;
	(void)o;
	assert_int_equal(n, 1);
	for (i = 0; i < n_values; i++)
		if (values[i].type == a->type) {
			assert_true(a->ulValueLen >= values[i].len);
			memcpy(a->pValue, values[i].data, values[i].len);
			a->ulValueLen = values[i].len;
			return CKR_OK;
		}
	return CKR_ATTRIBUTE_TYPE_INVALID;
}

static CK_RV
fake_init(CK_SESSION_HANDLE s, CK_ATTRIBUTE *a, CK_ULONG n)
{
	(void)s;
	(void)a;
	(void)n;
	return CKR_OK;
}

static CK_RV
fake_find(CK_SESSION_HANDLE s, CK_OBJECT_HANDLE *o, CK_ULONG max, CK_ULONG *n)
{
	(void)s;
	(void)max;
	o[0] = 7;
	*n = n_objects;
	return CKR_OK;
}

static CK_RV
fake_final(CK_SESSION_HANDLE s)
{
	(void)s;
	return CKR_OK;
}

static CK_FUNCTION_LIST fake = {
	.C_GetAttributeValue = fake_get, .C_FindObjectsInit = fake_init,
	.C_FindObjects = fake_find, .C_FindObjectsFinal = fake_final,
};
static struct hsm hsm = { .p11 = &fake };

static struct value *
tell(CK_ATTRIBUTE_TYPE type, const void *p, size_t n)
{
	struct value *v = &values[n_values++];

	v->type = type;
	memcpy(v->data, p, n);
	v->len = n;
	return v;
}

static CK_RV
ask(enum hsm_key_type *type, EVP_PKEY **out)
{
	struct hsm_uri uri = { .object = "x" };
	CK_RV rv;

	*out = NULL;
	rv = public_read(&hsm, 1, 7, &uri, type, out);
	assert_int_equal(rv == CKR_OK, *out != NULL);
	ERR_clear_error();
	return rv;
}

static CK_RV
ask_only(void)
{
	enum hsm_key_type type;
	AUTO(EVP_PKEY) *pub = NULL;

	return ask(&type, &pub);
}

/* The point of a fresh P-256 key, told with its curve. */
static struct value *
tell_ec(uint8_t point[static POINT])
{
	static const CK_KEY_TYPE ec = CKK_EC;
	AUTO(EVP_PKEY) *key = EVP_EC_gen("P-256");
	size_t n = 0;
	const uint8_t *oid = key_curve_params(HSM_EC_P256, 0, &n);
	struct value *v;

	n_values = 0;
	n_objects = 1;
	tell(CKA_KEY_TYPE, &ec, sizeof ec);
	tell(CKA_ID, "1", 1);
	tell(CKA_EC_PARAMS, oid, n);
	assert_int_equal(EVP_PKEY_get_octet_string_param(key, "pub", point,
	    POINT, &n), 1);
	assert_int_equal(n, POINT);
	v = tell(CKA_EC_POINT, "\x04\x41", 2);
	memcpy(v->data + 2, point, POINT);
	v->len = 2 + POINT;
	return v;
}

/* Wrapped in an OCTET STRING, and bare. */
static void
test_point_forms(void **state)
{
	enum hsm_key_type type = HSM_KEY_TYPES;
	uint8_t point[POINT];
	struct value *v = tell_ec(point);
	AUTO(EVP_PKEY) *wrapped = NULL;
	AUTO(EVP_PKEY) *bare = NULL;

	(void)state;
	assert_int_equal(ask(&type, &wrapped), CKR_OK);
	assert_int_equal(type, HSM_EC_P256);
	memcpy(v->data, point, POINT);
	v->len = POINT;
	assert_int_equal(ask(&type, &bare), CKR_OK);
	assert_int_equal(EVP_PKEY_eq(wrapped, bare), 1);
}

static void
test_point_cut(void **state)
{
	uint8_t point[POINT];
	struct value *v = tell_ec(point);

	(void)state;
	while (v->len-- > 0) {
		/* 65 bytes of the wrapped form are a bare point that is not on
		 * the curve. */
		assert_int_equal(ask_only(), HSM_RV_NO_PUBLIC);
		if (v->len == 0)
			break;
	}
}

static void
test_point_flip(void **state)
{
	uint8_t point[POINT];
	struct value *v = tell_ec(point);
	size_t i;

	(void)state;
	for (i = 0; i < v->len * 8; i++) {
		v->data[i / 8] ^= (uint8_t)(1 << i % 8);
		assert_int_equal(ask_only(), HSM_RV_NO_PUBLIC);
		v->data[i / 8] ^= (uint8_t)(1 << i % 8);
	}
	v->data[v->len++] = 0;
	assert_int_equal(ask_only(), HSM_RV_NO_PUBLIC);
	assert_int_equal(v->len, POINT + 3);
}

static void
test_curve(void **state)
{
	uint8_t point[POINT];
	struct value *params;
	size_t i;

	(void)state;
	tell_ec(point);
	params = &values[2];
	for (i = 0; i < params->len * 8; i++) {
		params->data[i / 8] ^= (uint8_t)(1 << i % 8);
		assert_int_equal(ask_only(), HSM_RV_KEY_TYPE);
		params->data[i / 8] ^= (uint8_t)(1 << i % 8);
	}
	while (params->len-- > 0) {
		assert_int_equal(ask_only(), HSM_RV_KEY_TYPE);
		if (params->len == 0)
			break;
	}
}

/* The same key by every name of the curve and both forms of the point. */
static void
test_ed25519(void **state)
{
	static const CK_KEY_TYPE edwards = CKK_EC_EDWARDS;
	/* RFC 8032 section 7.1, test 2. */
	static const uint8_t point[34] = "\x04\x20"
	    "\x3d\x40\x17\xc3\xe8\x43\x89\x5a\x92\xb7\x0a\xa7\x4d\x1b\x7e"
	    "\xbc\x9c\x98\x2c\xcf\x2e\xc4\x96\x8c\xc0\xcd\x55\xf1\x2a\xf4"
	    "\x66\x0c";
	static const struct { const char *p; size_t n; } curve[] = {
		{ "\x13\x0c" "edwards25519", 14 }, { "\x06\x03\x2b\x65\x70", 5 },
	};
	enum hsm_key_type type;
	uint8_t raw[33];
	size_t i, n;
	int wrapped;

	(void)state;
	n_objects = 1;
	for (i = 0; i < 4; i++) {
		AUTO(EVP_PKEY) *pub = NULL;

		n_values = 0;
		wrapped = i & 1;
		tell(CKA_KEY_TYPE, &edwards, sizeof edwards);
		tell(CKA_EC_PARAMS, curve[i / 2].p, curve[i / 2].n);
		tell(CKA_EC_POINT, point + (wrapped ? 0 : 2),
		    wrapped ? 34 : 32);
		assert_int_equal(ask(&type, &pub), CKR_OK);
		assert_int_equal(type, HSM_ED25519);
		n = sizeof raw;
		assert_int_equal(EVP_PKEY_get_raw_public_key(pub, raw, &n), 1);
		assert_int_equal(n, 32);
		assert_memory_equal(raw, point + 2, 32);
	}
}

static void
test_ed25519_bad(void **state)
{
	static const CK_KEY_TYPE edwards = CKK_EC_EDWARDS, ec = CKK_EC;
	uint8_t data[40] = { 0x04, 0x20 };
	struct value *params, *v;
	size_t i, n = 0;
	const uint8_t *oid = key_curve_params(HSM_EC_P256, 0, &n);

	(void)state;
	n_values = 0;
	n_objects = 1;
	tell(CKA_KEY_TYPE, &edwards, sizeof edwards);
	params = tell(CKA_EC_PARAMS, "\x13\x0c" "edwards25519", 14);
	v = tell(CKA_EC_POINT, data, sizeof data);
	for (i = 0; i <= sizeof data; i++) {
		v->len = i;
		assert_int_equal(ask_only(), i == 32 || i == 34 ? CKR_OK :
		    HSM_RV_NO_PUBLIC);
	}
	v->len = 34;
	for (i = 0; i < 16; i++) {   /* 04 20 is what makes it wrapped */
		v->data[i / 8] ^= (uint8_t)(1 << i % 8);
		assert_int_equal(ask_only(), HSM_RV_NO_PUBLIC);
		v->data[i / 8] ^= (uint8_t)(1 << i % 8);
	}
	for (i = 0; i < params->len * 8; i++) {
		params->data[i / 8] ^= (uint8_t)(1 << i % 8);
		assert_int_equal(ask_only(), HSM_RV_KEY_TYPE);
		params->data[i / 8] ^= (uint8_t)(1 << i % 8);
	}
	for (params->len = 0; params->len < 14; params->len++)
		assert_int_equal(ask_only(), HSM_RV_KEY_TYPE);
	/* The kind of the key and its curve do not fit. */
	memcpy(params->data, oid, n);
	params->len = n;
	assert_int_equal(ask_only(), HSM_RV_KEY_TYPE);
	memcpy(values[0].data, &ec, sizeof ec);
	memcpy(params->data, "\x06\x03\x2b\x65\x70", 5);
	params->len = 5;
	assert_int_equal(ask_only(), HSM_RV_KEY_TYPE);
}

static void
test_rsa(void **state)
{
	static const struct { size_t bytes; uint8_t top; CK_RV want; } sizes[] =
	{
		{ 256, 0x80, CKR_OK }, { 384, 0x80, CKR_OK },
		{ 512, 0x80, CKR_OK }, { 128, 0x80, HSM_RV_KEY_TYPE },
		{ 256, 0x40, HSM_RV_KEY_TYPE }, { 257, 0x80, HSM_RV_KEY_TYPE },
		{ 0, 0, HSM_RV_KEY_TYPE },
	};
	static const CK_KEY_TYPE rsa = CKK_RSA;
	uint8_t n[600];
	size_t i;

	(void)state;
	for (i = 0; i < sizeof sizes / sizeof sizes[0]; i++) {
		n_values = 0;
		n_objects = 0;   /* no public object: the private one tells */
		memset(n, 0x55, sizeof n);
		n[0] = sizes[i].top;
		tell(CKA_KEY_TYPE, &rsa, sizeof rsa);
		tell(CKA_MODULUS, n, sizes[i].bytes);
		assert_int_equal(ask_only(), HSM_RV_NO_PUBLIC);
		tell(CKA_PUBLIC_EXPONENT, "\x01\x00\x01", 3);
		assert_int_equal(ask_only(), sizes[i].want);
	}
}

static void
test_kind(void **state)
{
	static const CK_KEY_TYPE kinds[] = { CKK_DSA, CKK_AES,
	    CKK_GENERIC_SECRET, 0x80000001UL };
	size_t i;

	(void)state;
	n_objects = 1;
	for (i = 0; i < sizeof kinds / sizeof kinds[0]; i++) {
		n_values = 0;
		tell(CKA_KEY_TYPE, &kinds[i], sizeof kinds[i]);
		assert_int_equal(ask_only(), HSM_RV_KEY_TYPE);
	}
	values[0].len = 3;
	assert_int_equal(ask_only(), HSM_RV_KEY_TYPE);
	n_values = 0;
	assert_int_equal(ask_only(), HSM_RV_NO_PUBLIC);
	n_objects = 2;
	assert_int_equal(ask_only(), HSM_RV_TWO_KEYS);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_point_forms),
		cmocka_unit_test(test_point_cut),
		cmocka_unit_test(test_point_flip),
		cmocka_unit_test(test_curve),
		cmocka_unit_test(test_ed25519),
		cmocka_unit_test(test_ed25519_bad),
		cmocka_unit_test(test_rsa),
		cmocka_unit_test(test_kind),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
