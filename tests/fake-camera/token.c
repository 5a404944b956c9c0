/* SPDX-License-Identifier: Apache-2.0 */
/* WS-UsernameToken with a digest, as ONVIF core section 5.9.4 wants it. */
#include <openssl/crypto.h>
#include <openssl/evp.h>
#include <openssl/sha.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "ca/base/ctx.h"
#include "ca/base/enc.h"
#include "tests/fake-camera/auth.h"
#include "tests/fake-camera/xml.h"

#define TOKEN_PROFILE "http://docs.oasis-open.org/wss/2004/01/" \
	"oasis-200401-wss-username-token-profile-1.0#PasswordDigest"
#define TOKEN_BASE64 "http://docs.oasis-open.org/wss/2004/01/" \
	"oasis-200401-wss-soap-message-security-1.0#Base64Binary"
#define TOKEN_NONCE_MAX 20       /* bytes: longer ones real cameras refuse */
#define TOKEN_CREATED_MAX 24     /* YYYY-MM-DDThh:mm:ss.sssZ */

struct token {
	char name[130], digest[64], nonce64[64], created[40];
	uint8_t nonce[64];
	size_t nonce_len;
};

static bool
token_attribute(const xmlNode *n, const char *name, const char *want)
{
	xmlChar *v = xmlGetNoNsProp((xmlNode *)(uintptr_t)n,
	    (const xmlChar *)name);
	bool same = v != NULL && strcmp((char *)v, want) == 0;

	xmlFree(v);
	return same;
}

static const char *
token_fields(const xmlNode *t, struct token *k)
{
	const xmlNode *n;
	unsigned seen = 0, bit;

	for (n = xml_first(t); n != NULL; n = xml_next(n)) {
		if (xml_is(n, NS_WSSE, "Username")) {
			bit = 1;
			xml_raw(n, k->name, sizeof k->name);
		} else if (xml_is(n, NS_WSSE, "Password")) {
			bit = 2;
			if (!token_attribute(n, "Type", TOKEN_PROFILE))
				return "the password is not a digest";
			xml_text(n, k->digest, sizeof k->digest);
		} else if (xml_is(n, NS_WSSE, "Nonce")) {
			bit = 4;
			if (!token_attribute(n, "EncodingType", TOKEN_BASE64))
				return "the nonce does not say Base64Binary";
			if (!xml_text(n, k->nonce64, sizeof k->nonce64))
				return "the nonce is too long";
		} else if (xml_is(n, NS_WSU, "Created")) {
			bit = 8;
			if (!xml_text(n, k->created, sizeof k->created))
				return "Created is too long";
		} else
			return "an element that does not belong there";
		if ((seen & bit) != 0)
			return "an element twice";
		seen |= bit;
	}
	return seen == 15 ? NULL :
	    "Username, Password, Nonce and Created are compulsory";
}

/* YYYY-MM-DDThh:mm:ss[.s..]Z; local time is refused. */
static int
token_created(const char *s, int64_t *ms)
{
	char whole[CTX_TIME_LEN];
	size_t n = strlen(s);

	if (n < 20 || n > TOKEN_CREATED_MAX || s[n - 1] != 'Z' ||
	    (n > 20 && (s[19] != '.' || n == 21)))
		return CAMCA_EINVAL;
	snprintf(whole, sizeof whole, "%.19s.000Z", s);
	return ctx_time_parse(whole, ms);
}

static const char *
token_window(struct camera *cam, const struct token *k)
{
	int64_t created, off, window = cam->persona->window_s;

	if (fault_on(cam, CF_TIGHT_WINDOW))
		window = fault_value(cam, CF_TIGHT_WINDOW);
	if (token_created(k->created, &created) < 0)
		return "Created is not in UTC, or too long";
	off = created - camera_clock(cam);
	if (off < 0)
		off = -off;
	return off > window * 1000 + 999 ? "Created is outside the window" :
	    NULL;
}

/* Each nonce once within the time that its Created could be good. */
static bool
token_replayed(struct camera *cam, const struct token *k)
{
	struct seen *s;
	uint8_t sha[SHA_DIGEST_LENGTH];
	int64_t now = camera_uptime(cam);
	unsigned i;

	SHA1(k->nonce, k->nonce_len, sha);
	for (i = 0; i < CAM_NONCES; i++)
		if (cam->seen[i].until > now &&
		    memcmp(cam->seen[i].sha, sha, sizeof sha) == 0)
			return true;
	s = &cam->seen[cam->seen_next++ % CAM_NONCES];
	memcpy(s->sha, sha, sizeof sha);
	s->until = now + 2000LL * cam->persona->window_s;
	return false;
}

static bool
token_matches(const struct token *k, const char *password)
{
	uint8_t sha[EVP_MAX_MD_SIZE];
	unsigned n = 0;
	EVP_MD_CTX *ctx = EVP_MD_CTX_new();
	char *want = NULL;
	bool same;

	same = ctx != NULL && EVP_DigestInit_ex(ctx, EVP_sha1(), NULL) == 1 &&
	    EVP_DigestUpdate(ctx, k->nonce, k->nonce_len) == 1 &&
	    EVP_DigestUpdate(ctx, k->created, strlen(k->created)) == 1 &&
	    EVP_DigestUpdate(ctx, password, strlen(password)) == 1 &&
	    EVP_DigestFinal_ex(ctx, sha, &n) == 1 &&
	    (want = enc_base64_dup(sha, n)) != NULL &&
	    strcmp(want, k->digest) == 0;
	EVP_MD_CTX_free(ctx);
	free(want);
	return same;
}

static const char *
token_read(struct camera *cam, const xmlNode *security, struct token *k)
{
	const xmlNode *t = xml_first(security);
	struct buf b;
	const char *wrong;

	if (!xml_is(t, NS_WSSE, "UsernameToken") || xml_next(t) != NULL)
		return "not one UsernameToken";
	if ((wrong = token_fields(t, k)) != NULL)
		return wrong;
	buf_init(&b, sizeof k->nonce);
	if (dec_base64(&b, k->nonce64, strlen(k->nonce64), 0) < 0 ||
	    b.len == 0 || b.len > TOKEN_NONCE_MAX)
		wrong = "the nonce is not base64 of 20 bytes at the most";
	else {
		memcpy(k->nonce, b.data, b.len);
		k->nonce_len = b.len;
	}
	buf_fini(&b);
	if (wrong == NULL)
		wrong = token_window(cam, k);
	if (wrong == NULL && token_replayed(cam, k))
		wrong = "the nonce was used before";
	return wrong;
}

void
auth_token(struct camera *cam, const xmlNode *security, struct auth *out)
{
	struct token k = { 0 };
	struct user *u;

	memset(out, 0, sizeof *out);
	auth_settle(cam);
	if (security == NULL)
		return;
	if ((out->why = token_read(cam, security, &k)) != NULL) {
		out->result = AUTH_BAD;
		cam->refused_auth++;
		return;
	}
	u = auth_find(cam, k.name);
	if (u != NULL && u->locked_until > camera_uptime(cam)) {
		cam->failed++;
		out->result = AUTH_LOCKED;
		out->why = "the account is locked";
	} else if (u != NULL && token_matches(&k, u->password)) {
		out->result = AUTH_GOOD;
		out->user = u;
		memset(u->failed, 0, sizeof u->failed);
	} else {
		out->result = auth_failed(cam, k.name) ? AUTH_LOCKED :
		    AUTH_WRONG;
		out->why = "wrong user name or password";
	}
}
