/* SPDX-License-Identifier: Apache-2.0 */
#include "enroll/onvif/auth.h"

#include <ctype.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include <openssl/crypto.h>
#include <openssl/evp.h>

#include "ca/base/enc.h"
#include "enroll/onvif/names.h"

#define TOKEN_NONCE 16u
#define DIGEST_HEX (2 * 32 + 1)

/* H() of parts joined by ':', in lower-case hex. */
static int
digest_hash(enum digest_algorithm a, char out[static DIGEST_HEX],
    const char *const *parts, size_t n)
{
	EVP_MD_CTX *md = EVP_MD_CTX_new();
	uint8_t hash[EVP_MAX_MD_SIZE];
	unsigned len = 0;
	size_t i;
	int ok = md != NULL && EVP_DigestInit_ex(md, a == DIGEST_SHA256 ?
	    EVP_sha256() : EVP_md5(), NULL);

	for (i = 0; ok && i < n; i++)
		ok = (i == 0 || EVP_DigestUpdate(md, ":", 1)) &&
		    EVP_DigestUpdate(md, parts[i], strlen(parts[i]));
	ok = ok && EVP_DigestFinal_ex(md, hash, &len) && len <= 32;
	EVP_MD_CTX_free(md);
	if (!ok)
		return CAMCA_ECRYPTO;
	enc_hex(out, hash, len);
	OPENSSL_cleanse(hash, sizeof hash);
	return CAMCA_OK;
}

/* H(user:realm:password), for -sess mixed with both nonces. */
static int
digest_a1(const struct digest_challenge *c, const struct digest_use *use,
    char out[static DIGEST_HEX])
{
	const char *plain[] = { use->user, c->realm, use->password };
	char first[DIGEST_HEX];
	const char *session[] = { first, c->nonce, use->cnonce };
	int ret = digest_hash(c->algorithm, first, plain, 3);

	if (ret == CAMCA_OK && c->session)
		ret = digest_hash(c->algorithm, out, session, 3);
	else
		memcpy(out, first, sizeof first);
	OPENSSL_cleanse(first, sizeof first);
	return ret;
}

static int
digest_response(const struct digest_challenge *c,
    const struct digest_use *use, const char *nc,
    char out[static DIGEST_HEX])
{
	char a1[DIGEST_HEX], a2[DIGEST_HEX];
	const char *second[] = { use->method, use->uri };
	const char *old[] = { a1, c->nonce, a2 };
	const char *qop[] = { a1, c->nonce, nc, use->cnonce, "auth", a2 };
	int ret = digest_a1(c, use, a1);

	if (ret == CAMCA_OK)
		ret = digest_hash(c->algorithm, a2, second, 2);
	if (ret == CAMCA_OK)
		ret = c->qop_auth ? digest_hash(c->algorithm, out, qop, 6) :
		    digest_hash(c->algorithm, out, old, 3);
	OPENSSL_cleanse(a1, sizeof a1);
	return ret;
}

/* name="value", RFC 9110 5.6.4: what would end the string is escaped. */
static int
digest_quoted(struct buf *out, const char *name, const char *value)
{
	const unsigned char *p = (const unsigned char *)value;
	int ret = buf_printf(out, "%s=\"", name);

	for (; ret == CAMCA_OK && *p != '\0'; p++) {
		if (*p < 0x20 || *p == 0x7f)
			return CAMCA_EINVAL;
		if (*p == '"' || *p == '\\')
			ret = buf_putc(out, '\\');
		if (ret == CAMCA_OK)
			ret = buf_putc(out, *p);
	}
	return ret == CAMCA_OK ? buf_puts(out, "\"") : ret;
}

int
digest_answer(struct buf *out, const struct digest_challenge *c,
    const struct digest_use *use)
{
	char response[DIGEST_HEX], nc[9];
	int ret;

	snprintf(nc, sizeof nc, "%08x", (unsigned)use->nc);
	ret = digest_response(c, use, nc, response);
	if (ret == CAMCA_OK)
		ret = buf_puts(out, "Digest ");
	if (ret == CAMCA_OK)
		ret = digest_quoted(out, "username", use->user);
	if (ret == CAMCA_OK)
		ret = digest_quoted(out, ", realm", c->realm);
	if (ret == CAMCA_OK)
		ret = digest_quoted(out, ", nonce", c->nonce);
	if (ret == CAMCA_OK)
		ret = digest_quoted(out, ", uri", use->uri);
	if (ret == CAMCA_OK)
		ret = buf_printf(out, ", response=\"%s\"", response);
	/* Strict cameras refuse a parameter that they did not offer. */
	if (ret == CAMCA_OK && c->has_algorithm)
		ret = buf_printf(out, ", algorithm=%s", c->algorithm_text);
	if (ret == CAMCA_OK && c->has_opaque)
		ret = digest_quoted(out, ", opaque", c->opaque);
	if (ret == CAMCA_OK && c->qop_auth)
		ret = buf_printf(out, ", qop=auth, nc=%s", nc);
	if (ret == CAMCA_OK && (c->qop_auth || c->session))
		ret = buf_printf(out, ", cnonce=\"%s\"", use->cnonce);
	return ret;
}

int
basic_answer(struct buf *out, const char *user, const char *password)
{
	struct buf pair;
	int ret;

	if (strchr(user, ':') != NULL)
		return CAMCA_EINVAL;
	buf_init(&pair, 1024);
	ret = buf_reserve(&pair, strlen(user) + strlen(password) + 1);
	if (ret == CAMCA_OK)
		ret = buf_printf(&pair, "%s:%s", user, password);
	if (ret == CAMCA_OK)
		ret = buf_puts(out, "Basic ");
	if (ret == CAMCA_OK)
		ret = enc_base64(out, pair.data, pair.len, 0);
	buf_cleanse(&pair);
	return ret;
}

/* Base64(SHA-1(nonce || created || password)), WSS UsernameToken 1.0. SHA-1
 * is what the profile says; nothing rests on its collisions. */
static int
token_digest(const uint8_t *nonce, const char *created, const char *password,
    uint8_t out[static 20])
{
	EVP_MD_CTX *md = EVP_MD_CTX_new();
	unsigned len = 0;
	int ok = md != NULL && EVP_DigestInit_ex(md, EVP_sha1(), NULL) &&
	    EVP_DigestUpdate(md, nonce, TOKEN_NONCE) &&
	    EVP_DigestUpdate(md, created, strlen(created)) &&
	    EVP_DigestUpdate(md, password, strlen(password)) &&
	    EVP_DigestFinal_ex(md, out, &len) && len == 20;

	EVP_MD_CTX_free(md);
	return ok ? CAMCA_OK : CAMCA_ECRYPTO;
}

static void
token_typed(struct xml_out *w, const char *name, const char *attr,
    const char *type, const void *p, size_t n)
{
	char *text = enc_base64_dup(p, n);

	if (text == NULL) {
		w->err = w->err == 0 ? CAMCA_ENOMEM : w->err;
		return;
	}
	xml_open(w, name);
	xml_put_attr(w, attr, type);
	xml_put_text(w, text);
	xml_close(w);
	free(text);
}

int
token_write(struct xml_out *w, const struct camca_ctx *ctx,
    int64_t camera_ms, const char *user, const char *password)
{
	uint8_t nonce[TOKEN_NONCE], digest[20];
	char created[CTX_TIME_LEN];
	int ret = ctx_random(ctx, nonce, sizeof nonce);

	ctx_time_format(created, camera_ms);
	if (ret == CAMCA_OK)
		ret = token_digest(nonce, created, password, digest);
	if (ret < 0)
		return ret;
	xml_open(w, "wsse:Security");
	xml_put_attr(w, "env:mustUnderstand", "1");
	xml_open(w, "wsse:UsernameToken");
	xml_put(w, "wsse:Username", user);
	token_typed(w, "wsse:Password", "Type", WSSE_DIGEST, digest,
	    sizeof digest);
	token_typed(w, "wsse:Nonce", "EncodingType", WSSE_BASE64, nonce,
	    sizeof nonce);
	xml_put(w, "wsu:Created", created);
	xml_close(w);
	xml_close(w);
	return w->err;
}
