/* SPDX-License-Identifier: Apache-2.0 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "ca/base/enc.h"

/* RFC 4648 section 10. */
static const struct {
	const char *plain, *b64, *b32;
} vectors[] = {
	{ "", "", "" }, { "f", "Zg==", "MY" }, { "fo", "Zm8=", "MZXQ" },
	{ "foo", "Zm9v", "MZXW6" }, { "foob", "Zm9vYg==", "MZXW6YQ" },
	{ "fooba", "Zm9vYmE=", "MZXW6YTB" },
	{ "foobar", "Zm9vYmFy", "MZXW6YTBOI" },
};
#define VECTORS (sizeof vectors / sizeof vectors[0])

static void
test_vectors(void **state)
{
	struct buf b;
	size_t i;

	(void)state;
	buf_init(&b, 0);
	for (i = 0; i < VECTORS; i++) {
		buf_reset(&b);
		assert_int_equal(enc_base64(&b, vectors[i].plain,
		    strlen(vectors[i].plain), 0), 0);
		assert_string_equal(buf_str(&b), vectors[i].b64);
		buf_reset(&b);
		assert_int_equal(enc_base32(&b, vectors[i].plain,
		    strlen(vectors[i].plain)), 0);
		assert_string_equal(buf_str(&b), vectors[i].b32);
		buf_reset(&b);
		assert_int_equal(dec_base64(&b, vectors[i].b64,
		    strlen(vectors[i].b64), 0), 0);
		assert_string_equal(buf_str(&b), vectors[i].plain);
	}
	buf_fini(&b);
}

static void
test_wrap(void **state)
{
	struct buf b;
	uint8_t bytes[100] = { 0 };

	(void)state;
	buf_init(&b, 0);
	assert_int_equal(enc_base64(&b, bytes, 100, 64), 0);
	assert_int_equal(b.len, 64 + 1 + 64 + 1 + 8 + 1);
	assert_int_equal(b.data[64], '\n');
	assert_int_equal(b.data[b.len - 1], '\n');
	buf_reset(&b);
	assert_int_equal(enc_base64(&b, bytes, 48, 64), 0);
	assert_int_equal(b.len, 65);
	buf_reset(&b);
	assert_int_equal(enc_base64(&b, bytes, 0, 64), 0);
	assert_int_equal(b.len, 0);
	buf_fini(&b);
}

static void
test_base64_refuses(void **state)
{
	static const char *const bad[] = { "Z", "Zg", "Zg=", "Zg===", "Zg==Zg==",
	    "=Zg=", "Z===", "====", "Zm9*", "Zm9v=", "Zm=v", "Zh==", "Zm9=",
	    "Zm-v", "Zm_v", "Zg==A", "\xc3\xa9Zg" };
	struct buf b;
	size_t i;

	(void)state;
	buf_init(&b, 0);
	assert_int_equal(buf_puts(&b, "kept"), 0);
	for (i = 0; i < sizeof bad / sizeof bad[0]; i++) {
		assert_int_equal(dec_base64(&b, bad[i], strlen(bad[i]), 0),
		    CAMCA_EINVAL);
		assert_int_equal(dec_base64(&b, bad[i], strlen(bad[i]), 1),
		    CAMCA_EINVAL);
		/* Unchanged, and still a C string. */
		assert_string_equal(buf_str(&b), "kept");
	}
	assert_int_equal(dec_base64(&b, "Zm9v\n", 5, 0), CAMCA_EINVAL);
	assert_int_equal(dec_base64(&b, "Zm9vA", 5, 0), CAMCA_EINVAL);
	assert_string_equal(buf_str(&b), "kept");
	assert_int_equal(dec_base64(&b, "Zm\0v", 4, 1), CAMCA_EINVAL);
	buf_fini(&b);
}

static void
test_base64_lax(void **state)
{
	struct buf b;

	(void)state;
	buf_init(&b, 0);
	assert_int_equal(dec_base64(&b, " Z\tm\r\n9v\nYg=\n=\r\n", 16, 1), 0);
	assert_string_equal(buf_str(&b), "foob");
	buf_reset(&b);
	assert_int_equal(dec_base64(&b, " \r\n\t", 4, 1), 0);
	assert_int_equal(b.len, 0);
	buf_fini(&b);
}

/* Every cut of a good text is refused unless it is a whole number of groups;
 * every changed byte gives other bytes or a refusal. */
static void
test_base64_cut_and_flip(void **state)
{
	uint8_t bytes[40];
	struct buf text, out;
	size_t i;
	unsigned bit;

	(void)state;
	for (i = 0; i < sizeof bytes; i++)
		bytes[i] = (uint8_t)(i * 37 + 11);
	buf_init(&text, 0);
	buf_init(&out, 0);
	assert_int_equal(enc_base64(&text, bytes, sizeof bytes, 0), 0);
	for (i = 0; i < text.len; i++) {
		buf_reset(&out);
		assert_int_equal(dec_base64(&out, buf_str(&text), i, 0),
		    i % 4 == 0 ? CAMCA_OK : CAMCA_EINVAL);
		for (bit = 0; bit < 8; bit++) {
			buf_reset(&out);
			text.data[i] ^= (uint8_t)(1u << bit);
			if (dec_base64(&out, buf_str(&text), text.len, 0) == 0)
				assert_true(out.len != sizeof bytes ||
				    memcmp(out.data, bytes, out.len) != 0);
			text.data[i] ^= (uint8_t)(1u << bit);
		}
	}
	buf_fini(&text);
	buf_fini(&out);
}

static void
test_limits(void **state)
{
	struct buf b;

	(void)state;
	buf_init(&b, 4);
	assert_int_equal(enc_base64(&b, "abcd", 4, 0), CAMCA_ELIMIT);
	assert_int_equal(dec_base64(&b, "Zm9vYmFy", 8, 0), CAMCA_ELIMIT);
	assert_int_equal(b.len, 0);
	assert_string_equal(buf_str(&b), "");
	assert_int_equal(enc_base32(&b, "abcdef", 6), CAMCA_ELIMIT);
	assert_int_equal(enc_base64(&b, "a", SIZE_MAX, 0), CAMCA_ELIMIT);
	buf_fini(&b);
}

static void
test_hex(void **state)
{
	static const char *const bad[] = { "", "0", "0g", "000", "00 1", "0x00",
	    "00000" };
	uint8_t out[2];
	char text[5], *dup;
	size_t i;

	(void)state;
	enc_hex(text, "\x00\xfa", 2);
	assert_string_equal(text, "00fa");
	assert_int_equal(dec_hex(out, 2, "00Fa"), 0);
	assert_memory_equal(out, "\x00\xfa", 2);
	for (i = 0; i < sizeof bad / sizeof bad[0]; i++)
		assert_int_equal(dec_hex(out, 2, bad[i]), CAMCA_EINVAL);
	dup = enc_hex_dup("\xab", 1);
	assert_string_equal(dup, "ab");
	free(dup);
	dup = enc_base64_dup("", 0);
	assert_string_equal(dup, "");
	free(dup);
	assert_null(enc_hex_dup("", SIZE_MAX));
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_vectors),
		cmocka_unit_test(test_wrap),
		cmocka_unit_test(test_base64_refuses),
		cmocka_unit_test(test_base64_lax),
		cmocka_unit_test(test_base64_cut_and_flip),
		cmocka_unit_test(test_limits),
		cmocka_unit_test(test_hex),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
