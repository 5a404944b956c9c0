/* SPDX-License-Identifier: Apache-2.0 */
#include "ca/base/enc.h"

#include <stdlib.h>
#include <string.h>

static const char b64_digits[] =
    "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";

int
enc_base64(struct buf *out, const void *p, size_t n, size_t wrap_cols)
{
	const uint8_t *in = p;
	size_t i, col = 0, total = (n + 2) / 3 * 4;
	uint8_t q[4];
	uint32_t v;
	int ret;

	if (n > SIZE_MAX / 4)
		return CAMCA_ELIMIT;
	ret = buf_reserve(out, total + (wrap_cols ? total / wrap_cols + 1 : 0));
	if (ret < 0)
		return ret;
	for (i = 0; i < n; i += 3) {
		v = (uint32_t)in[i] << 16;
		v |= i + 1 < n ? (uint32_t)in[i + 1] << 8 : 0;
		v |= i + 2 < n ? in[i + 2] : 0;
		q[0] = (uint8_t)b64_digits[v >> 18];
		q[1] = (uint8_t)b64_digits[(v >> 12) & 63];
		q[2] = i + 1 < n ? (uint8_t)b64_digits[(v >> 6) & 63] : '=';
		q[3] = i + 2 < n ? (uint8_t)b64_digits[v & 63] : '=';
		if ((ret = buf_put(out, q, 4)) < 0)
			return ret;
		col += 4;
		if (wrap_cols != 0 && (col >= wrap_cols || i + 3 >= n)) {
			if ((ret = buf_putc(out, '\n')) < 0)
				return ret;
			col = 0;
		}
	}
	return CAMCA_OK;
}

int
dec_base64_digit(int c)
{
	if (c >= 'A' && c <= 'Z')
		return c - 'A';
	if (c >= 'a' && c <= 'z')
		return c - 'a' + 26;
	if (c >= '0' && c <= '9')
		return c - '0' + 52;
	return c == '+' ? 62 : c == '/' ? 63 : -1;
}

/* One group of four characters to 1..3 bytes; 0 where it is malformed. */
static size_t
dec_base64_group(const char q[4], uint8_t out[3])
{
	int a = dec_base64_digit(q[0]), b = dec_base64_digit(q[1]);
	int c = dec_base64_digit(q[2]), d = dec_base64_digit(q[3]);

	if (a < 0 || b < 0)
		return 0;
	out[0] = (uint8_t)(a << 2 | b >> 4);
	if (q[2] == '=' && q[3] == '=')
		return (b & 15) == 0 ? 1 : 0;   /* RFC 4648 3.5: canonical */
	if (c < 0)
		return 0;
	out[1] = (uint8_t)((b & 15) << 4 | c >> 2);
	if (q[3] == '=')
		return (c & 3) == 0 ? 2 : 0;
	if (d < 0)
		return 0;
	out[2] = (uint8_t)((c & 3) << 6 | d);
	return 3;
}

static void
dec_base64_undo(struct buf *out, size_t start)
{
	out->len = start;
	if (out->data != NULL)
		out->data[start] = '\0';
}

int
dec_base64(struct buf *out, const char *s, size_t n, int lax)
{
	size_t i, k = 0, got, start = out->len;
	uint8_t bytes[3];
	char q[4];
	int ret, ended = 0;

	for (i = 0; i < n; i++) {
		if (lax && (s[i] == '\r' || s[i] == '\n' || s[i] == ' ' ||
		    s[i] == '\t'))
			continue;
		if (ended)
			goto bad;
		q[k++] = s[i];
		if (k < 4)
			continue;
		k = 0;
		got = dec_base64_group(q, bytes);
		if (got == 0)
			goto bad;
		ended = got < 3;
		if ((ret = buf_put(out, bytes, got)) < 0) {
			dec_base64_undo(out, start);
			return ret;
		}
	}
	if (k == 0)
		return CAMCA_OK;
bad:
	dec_base64_undo(out, start);
	return CAMCA_EINVAL;
}

int
enc_base32(struct buf *out, const void *p, size_t n)
{
	static const char digits[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZ234567";
	const uint8_t *in = p;
	uint32_t acc = 0;
	unsigned bits = 0;
	size_t i;
	int ret;

	for (i = 0; i < n; i++) {
		acc = acc << 8 | in[i];
		for (bits += 8; bits >= 5; bits -= 5) {
			ret = buf_putc(out,
			    (uint8_t)digits[acc >> (bits - 5) & 31]);
			if (ret < 0)
				return ret;
		}
		acc &= (1u << bits) - 1;
	}
	if (bits == 0)
		return CAMCA_OK;
	return buf_putc(out, (uint8_t)digits[acc << (5 - bits) & 31]);
}

void
enc_hex(char *out, const void *p, size_t n)
{
	static const char digits[] = "0123456789abcdef";
	const uint8_t *in = p;
	size_t i;

	for (i = 0; i < n; i++) {
		out[2 * i] = digits[in[i] >> 4];
		out[2 * i + 1] = digits[in[i] & 15];
	}
	out[2 * n] = '\0';
}

static int
dec_hex_digit(char c)
{
	if (c >= '0' && c <= '9')
		return c - '0';
	if (c >= 'a' && c <= 'f')
		return c - 'a' + 10;
	if (c >= 'A' && c <= 'F')
		return c - 'A' + 10;
	return -1;
}

int
dec_hex(uint8_t *out, size_t out_len, const char *s)
{
	size_t i;
	int hi, lo;

	if (strlen(s) != 2 * out_len)
		return CAMCA_EINVAL;
	for (i = 0; i < out_len; i++) {
		hi = dec_hex_digit(s[2 * i]);
		lo = dec_hex_digit(s[2 * i + 1]);
		if (hi < 0 || lo < 0)
			return CAMCA_EINVAL;
		out[i] = (uint8_t)(hi << 4 | lo);
	}
	return CAMCA_OK;
}

char *
enc_base64_dup(const void *p, size_t n)
{
	struct buf b;

	buf_init(&b, 0);
	if (buf_puts(&b, "") < 0 || enc_base64(&b, p, n, 0) < 0) {
		buf_fini(&b);
		return NULL;
	}
	return (char *)b.data;
}

char *
enc_hex_dup(const void *p, size_t n)
{
	char *s = n < SIZE_MAX / 4 ? malloc(2 * n + 1) : NULL;

	if (s != NULL)
		enc_hex(s, p, n);
	return s;
}
