/* SPDX-License-Identifier: Apache-2.0 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

#include "ca/base/enc.h"
#include "enroll/est/body.h"

/* A SEQUENCE of 200 octets in 203: the long form, as every request has. */
struct sample {
	uint8_t der[203];
	struct buf flat;     /* base64 on one line */
	struct buf wrapped;  /* 64 columns, LF */
};

static int
setup(void **state)
{
	struct sample *s = calloc(1, sizeof *s);
	size_t i;

	s->der[0] = 0x30;
	s->der[1] = 0x81;
	s->der[2] = 200;
	for (i = 3; i < sizeof s->der; i++)
		s->der[i] = (uint8_t)(i * 37);
	buf_init(&s->flat, 0);
	buf_init(&s->wrapped, 0);
	assert_int_equal(enc_base64(&s->flat, s->der, sizeof s->der, 0), 0);
	assert_int_equal(enc_base64(&s->wrapped, s->der, sizeof s->der, 64), 0);
	*state = s;
	return 0;
}

static int
teardown(void **state)
{
	struct sample *s = *state;

	buf_fini(&s->flat);
	buf_fini(&s->wrapped);
	free(s);
	return 0;
}

static void
good(const struct sample *s, const void *p, size_t n)
{
	struct refusal why = { 0 };
	struct buf out;

	buf_init(&out, EST_BODY_MAX);
	assert_int_equal(est_body_decode(&out, p, n, &why), CAMCA_OK);
	assert_int_equal(out.len, sizeof s->der);
	assert_memory_equal(out.data, s->der, sizeof s->der);
	buf_fini(&out);
}

/* Refused with code (NULL: any "est.body-..."), and out as it was. */
static void
bad(const void *p, size_t n, const char *code)
{
	struct refusal why = { 0 };
	struct buf out;

	buf_init(&out, EST_BODY_MAX);
	assert_int_equal(buf_puts(&out, "before"), 0);
	assert_int_equal(est_body_decode(&out, p, n, &why), CAMCA_EINVAL);
	assert_int_equal(why.http, 400);
	if (code != NULL)
		assert_string_equal(why.code, code);
	assert_memory_equal(why.code, "est.body-", 9);
	assert_int_equal(out.len, 6);
	buf_fini(&out);
}

static void
put(struct buf *b, const char *before, const struct buf *middle,
    const char *after)
{
	buf_init(b, 0);
	assert_int_equal(buf_puts(b, before), 0);
	assert_int_equal(buf_put(b, middle->data, middle->len), 0);
	assert_int_equal(buf_puts(b, after), 0);
}

/* C2: the layouts that clients send. */
static void
test_c2_layouts(void **state)
{
	const struct sample *s = *state;
	struct buf b;
	size_t i;

	good(s, s->flat.data, s->flat.len);
	good(s, s->wrapped.data, s->wrapped.len);
	put(&b, "\r\n\t ", &s->flat, " \t\r\n\n");
	good(s, b.data, b.len);
	buf_fini(&b);
	buf_init(&b, 0);
	for (i = 0; i < s->flat.len; i++)
		assert_int_equal(buf_printf(&b, "%c%s", s->flat.data[i],
		    i % 2 ? "\r\n" : " \t"), 0);
	good(s, b.data, b.len);
	buf_fini(&b);
}

static void
test_c3_pem(void **state)
{
	const struct sample *s = *state;
	struct buf b;

	put(&b, "-----BEGIN CERTIFICATE REQUEST-----\n", &s->wrapped,
	    "-----END CERTIFICATE REQUEST-----\n");
	good(s, b.data, b.len);
	buf_fini(&b);
	put(&b, "\r\n-----BEGIN NEW CERTIFICATE REQUEST-----\r\n", &s->flat,
	    "\r\n-----END NEW CERTIFICATE REQUEST-----");
	good(s, b.data, b.len);
	buf_fini(&b);
}

static void
test_c3_pem_refused(void **state)
{
	static const char *const frames[][2] = {
		{ "-----BEGIN CERTIFICATE-----\n", "-----END CERTIFICATE-----" },
		{ "-----BEGIN PRIVATE KEY-----\n", "-----END PRIVATE KEY-----" },
		{ "-----BEGIN CERTIFICATE REQUEST-----\n",
		    "-----END NEW CERTIFICATE REQUEST-----" },
		{ "-----BEGIN CERTIFICATE REQUEST-----\n", "" },
		{ "-----BEGIN CERTIFICATE REQUEST-----\n",
		    "-----END CERTIFICATE REQUEST-----\nx" },
		{ "-----BEGIN CERTIFICATE REQUEST", "" },
		{ "-----", "" },
	};
	const struct sample *s = *state;
	struct buf b;
	size_t i;

	for (i = 0; i < sizeof frames / sizeof frames[0]; i++) {
		put(&b, frames[i][0], &s->wrapped, frames[i][1]);
		bad(b.data, b.len, "est.body-pem");
		buf_fini(&b);
	}
	/* Two blocks: '-' is no base64. */
	put(&b, "-----BEGIN CERTIFICATE REQUEST-----\n", &s->wrapped,
	    "-----END CERTIFICATE REQUEST-----\n"
	    "-----BEGIN CERTIFICATE REQUEST-----\n"
	    "-----END CERTIFICATE REQUEST-----\n");
	bad(b.data, b.len, "est.body-base64");
	buf_fini(&b);
	put(&b, "Subject: CN = x\n-----BEGIN CERTIFICATE REQUEST-----\n",
	    &s->wrapped, "-----END CERTIFICATE REQUEST-----\n");
	bad(b.data, b.len, "est.body-base64");
	buf_fini(&b);
	bad("-----BEGIN CERTIFICATE REQUEST-----"
	    "-----END CERTIFICATE REQUEST-----", 68, "est.body-not-der");
}

static void
test_c3_raw_der(void **state)
{
	const struct sample *s = *state;

	bad(s->der, sizeof s->der, "est.body-not-base64");
	bad("\x30\x82", 2, "est.body-not-base64");
	bad("\x30\x03\x02\x01\x05", 5, "est.body-base64");
}

static void
test_empty(void **state)
{
	(void)state;
	bad("", 0, "est.body-empty");
	bad(NULL, 0, "est.body-empty");
	bad(" \r\n\t", 4, "est.body-empty");
}

/* C4: alphabet, padding, trailing bytes. */
static void
test_c4_malformed(void **state)
{
	const struct sample *s = *state;
	struct buf b;

	bad("MII*", 4, "est.body-base64");
	bad("MIIB", 4, "est.body-not-der");
	bad("MAUB", 4, "est.body-cut");
	bad("====", 4, "est.body-base64");
	bad("MA==MA==", 8, "est.body-base64");
	bad("MA=", 3, "est.body-base64");
	bad("MB==", 4, "est.body-base64");       /* loose bits in the padding */
	bad("MA-_", 4, "est.body-base64");       /* base64url */
	bad("M\0A=", 4, "est.body-base64");
	bad("BQA=", 4, "est.body-not-der");      /* NULL */
	bad("MAAA", 4, "est.body-trailing");     /* empty SEQUENCE and a byte */
	bad("MIAAAA==", 8, "est.body-not-der");  /* indefinite length */
	bad("MIEAAA==", 8, "est.body-not-der");  /* length not the shortest */
	put(&b, "", &s->flat, "AAAA");
	bad(b.data, b.len, NULL);
	buf_fini(&b);
}

/* Lengths that lie: never more than is there is read. */
static void
test_n1_length_bombs(void **state)
{
	static const uint8_t heads[][7] = {
		{ 0x30, 0x84, 0x7f, 0xff, 0xff, 0xff, 0 },
		{ 0x30, 0x88, 0xff, 0xff, 0xff, 0xff, 0xff },
		{ 0x30, 0x83, 0xff, 0xff, 0xff, 0, 0 },
		{ 0x30, 0x82, 0xff, 0xff, 0, 0, 0 },
		{ 0x30, 0xff, 0, 0, 0, 0, 0 },
		{ 0x30, 0x80, 0, 0, 0, 0, 0 },
		{ 0x30, 0x83, 0x00, 0x00, 0x02, 5, 0 },
	};
	struct buf b;
	size_t i, n;

	(void)state;
	for (i = 0; i < sizeof heads / sizeof heads[0]; i++) {
		for (n = 1; n <= sizeof heads[0]; n++) {
			buf_init(&b, 0);
			assert_int_equal(enc_base64(&b, heads[i], n, 0), 0);
			bad(b.data, b.len, NULL);
			buf_fini(&b);
		}
	}
}

static void
test_cut_at_each_byte(void **state)
{
	const struct sample *s = *state;
	size_t i;

	for (i = 0; i < s->flat.len; i++)
		bad(s->flat.data, i, NULL);
}

/* A flipped bit gives a refusal or other octets, never a longer object. */
static void
test_bit_flips(void **state)
{
	const struct sample *s = *state;
	struct refusal why;
	struct buf b, out;
	size_t i;
	int ret;

	for (i = 0; i < s->flat.len * 8; i++) {
		put(&b, "", &s->flat, "");
		b.data[i / 8] = (uint8_t)(b.data[i / 8] ^ (1u << (i % 8)));
		buf_init(&out, EST_BODY_MAX);
		ret = est_body_decode(&out, b.data, b.len, &why);
		if (ret == CAMCA_OK) {
			assert_true(out.len <= sizeof s->der);
			assert_int_equal(out.data[0], 0x30);
		} else {
			assert_int_equal(ret, CAMCA_EINVAL);
			assert_int_equal(out.len, 0);
		}
		buf_fini(&out);
		buf_fini(&b);
	}
}

static void
test_oversize(void **state)
{
	struct refusal why = { 0 };
	size_t n = 4u << 20;
	char *big = malloc(n);
	struct buf out;

	(void)state;
	assert_non_null(big);
	memset(big, 'A', n);
	buf_init(&out, EST_BODY_MAX);
	assert_int_equal(est_body_decode(&out, big, n, &why), CAMCA_ELIMIT);
	assert_int_equal(why.http, 413);
	assert_int_equal(out.len, 0);
	buf_fini(&out);
	free(big);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_c2_layouts),
		cmocka_unit_test(test_c3_pem),
		cmocka_unit_test(test_c3_pem_refused),
		cmocka_unit_test(test_c3_raw_der),
		cmocka_unit_test(test_empty),
		cmocka_unit_test(test_c4_malformed),
		cmocka_unit_test(test_n1_length_bombs),
		cmocka_unit_test(test_cut_at_each_byte),
		cmocka_unit_test(test_bit_flips),
		cmocka_unit_test(test_oversize),
	};

	return cmocka_run_group_tests(tests, setup, teardown);
}
