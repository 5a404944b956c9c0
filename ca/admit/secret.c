/* SPDX-License-Identifier: Apache-2.0 */
/* One-time enrollment secrets: what stands on a label.
 *
 *	SSSS-SSSS-RRRR-RRRR-RRRR-RRRR-RRRR
 *
 * Eight base32 digits select the row (40 bits, not secret), twenty are the
 * secret (100 bits): enough that a plain SHA-256 in a stolen database can not
 * be searched, so no slow hash is needed on the way of each enrollment. */
#include <openssl/crypto.h>
#include <openssl/evp.h>
#include <stdio.h>
#include <string.h>

#include "ca/admit/admit.h"
#include "ca/base/enc.h"

#define SECRET_SELECTOR_BYTES 5
#define SECRET_SELECTOR_DIGITS 8
#define SECRET_RANDOM_BYTES 13      /* 104 bits: 20 digits use 100 of them */
#define SECRET_DIGITS 28
#define SECRET_INPUT_MAX 128

/* Over all 28 digits: a hash does not fit another selector's row. */
static int
secret_hash(const char digits[static SECRET_DIGITS],
    uint8_t out[static STORE_HASH_LEN])
{
	static const char prefix[] = "camca one-time secret v1:";
	uint8_t in[sizeof prefix - 1 + SECRET_DIGITS];
	unsigned len = 0;
	int ok;

	memcpy(in, prefix, sizeof prefix - 1);
	memcpy(in + sizeof prefix - 1, digits, SECRET_DIGITS);
	ok = EVP_Digest(in, sizeof in, out, &len, EVP_sha256(), NULL);
	OPENSSL_cleanse(in, sizeof in);
	return ok == 1 && len == STORE_HASH_LEN ? CAMCA_OK : CAMCA_ECRYPTO;
}

/* Base32 digits of fresh random bytes, the first `digits` of them. */
static int
secret_random(const struct camca_ctx *ctx, size_t bytes, size_t digits,
    char *out)
{
	uint8_t raw[SECRET_RANDOM_BYTES];
	struct buf b;
	int ret;

	buf_init(&b, 64);
	ret = ctx_random(ctx, raw, bytes);
	if (ret == CAMCA_OK)
		ret = enc_base32(&b, raw, bytes);
	if (ret == CAMCA_OK)
		memcpy(out, b.data, digits);
	buf_cleanse(&b);
	OPENSSL_cleanse(raw, sizeof raw);
	return ret;
}

static void
secret_print(char text[static SECRET_TEXT_MAX],
    const char digits[static SECRET_DIGITS])
{
	size_t i, k = 0;

	for (i = 0; i < SECRET_DIGITS; i++) {
		if (i > 0 && i % 4 == 0)
			text[k++] = '-';
		text[k++] = digits[i];
	}
	text[k] = '\0';
}

int
secret_make(const struct camca_ctx *ctx, int64_t device_pk, int64_t now_ms,
    int64_t ttl_ms, char text[static SECRET_TEXT_MAX],
    struct secret_row *row_out)
{
	char digits[SECRET_DIGITS];
	int ret;

	memset(row_out, 0, sizeof *row_out);
	text[0] = '\0';
	if (ttl_ms <= 0 || now_ms < 0 || ttl_ms > INT64_MAX - now_ms)
		return CAMCA_EINVAL;
	ret = secret_random(ctx, SECRET_SELECTOR_BYTES, SECRET_SELECTOR_DIGITS,
	    digits);
	if (ret == CAMCA_OK)
		ret = secret_random(ctx, SECRET_RANDOM_BYTES, SECRET_DIGITS -
		    SECRET_SELECTOR_DIGITS, digits + SECRET_SELECTOR_DIGITS);
	if (ret == CAMCA_OK)
		ret = secret_hash(digits, row_out->hash);
	if (ret == CAMCA_OK) {
		memcpy(row_out->selector, digits, SECRET_SELECTOR_DIGITS);
		row_out->device = device_pk;
		row_out->created_ms = now_ms;
		row_out->expires_ms = now_ms + ttl_ms;
		row_out->state = SECRET_ACTIVE;
		secret_print(text, digits);
	}
	OPENSSL_cleanse(digits, sizeof digits);
	return ret;
}

/* Base32 digit of a typed character, '\0' where it is none. Zero and eight are
 * no digits of base32 and can only be misread letters. */
static char
secret_digit(char c)
{
	if (c >= 'a' && c <= 'z')
		return (char)(c - 'a' + 'A');
	if ((c >= 'A' && c <= 'Z') || (c >= '2' && c <= '7'))
		return c;
	return c == '0' ? 'O' : c == '8' ? 'B' : '\0';
}

int
secret_parse(const char *text, size_t n, char selector[static 17],
    uint8_t hash[static STORE_HASH_LEN])
{
	char digits[SECRET_DIGITS], d;
	size_t i, k = 0;
	int ret = CAMCA_EINVAL;

	if (n > SECRET_INPUT_MAX)
		return CAMCA_EINVAL;
	for (i = 0; i < n; i++) {
		if (text[i] == '-' || text[i] == ' ')
			continue;
		d = secret_digit(text[i]);
		if (d == '\0' || k == SECRET_DIGITS)
			goto out;
		digits[k++] = d;
	}
	if (k != SECRET_DIGITS)
		goto out;
	ret = secret_hash(digits, hash);
	if (ret < 0)
		goto out;
	memcpy(selector, digits, SECRET_SELECTOR_DIGITS);
	selector[SECRET_SELECTOR_DIGITS] = '\0';
out:
	OPENSSL_cleanse(digits, sizeof digits);
	return ret;
}

/* What a stranger hears is the same in every case, so that selectors can not be
 * counted and a lock can not be noticed; events and the log know more. */
int
secret_refuse(struct refusal *why)
{
	return refuse(why, CAMCA_EAUTH, 401, "secret.refused",
	    "The one-time secret is unknown, wrong or locked.");
}

int
secret_check(const struct secret_row *r,
    const uint8_t hash[static STORE_HASH_LEN],
    const uint8_t spki[static STORE_HASH_LEN], int64_t now_ms,
    bool *again_out, struct refusal *why)
{
	bool right = CRYPTO_memcmp(r->hash, hash, STORE_HASH_LEN) == 0;
	bool same_key = CRYPTO_memcmp(r->spki, spki, STORE_HASH_LEN) == 0;

	*again_out = false;
	/* A locked one answers as a wrong one: no oracle for who goes on. */
	if (!right || r->state == SECRET_LOCKED)
		return secret_refuse(why);
	if (r->state == SECRET_REPLACED)
		return refuse(why, CAMCA_EAUTH, 401, "secret.replaced",
		    "A newer one-time secret has replaced this one.");
	if (r->state == SECRET_USED || r->state == SECRET_RESERVED) {
		*again_out = same_key && r->state == SECRET_USED;
		return same_key ? CAMCA_OK : refuse(why, CAMCA_EAUTH, 401,
		    "secret.used", "The one-time secret was used with another "
		    "key.");
	}
	if (r->state != SECRET_ACTIVE)
		return secret_refuse(why);
	if (now_ms >= r->expires_ms)
		return refuse(why, CAMCA_EAUTH, 401, "secret.expired",
		    "The one-time secret has expired.");
	return CAMCA_OK;
}
