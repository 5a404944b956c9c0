/* SPDX-License-Identifier: Apache-2.0 */
/* HTTP Digest (RFC 7616) and Basic, failures and the lock. */
#include <openssl/crypto.h>
#include <openssl/evp.h>
#include <openssl/rand.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "ca/base/enc.h"
#include "tests/fake-camera/auth.h"

#define AUTH_REALM "camera"
#define AUTH_OPAQUE "5ccc069c403ebaf9"
#define AUTH_NONCE_MS 300000
#define AUTH_LOCK_FAILURES 5
#define AUTH_LOCK_WINDOW_MS 30000

struct user *
auth_find(struct camera *cam, const char *name)
{
	unsigned i;

	for (i = 0; i < CAM_USERS; i++)
		if (name[0] != '\0' && strcmp(cam->users[i].name, name) == 0)
			return &cam->users[i];
	return NULL;
}

void
auth_settle(struct camera *cam)
{
	struct user *u;
	unsigned i;

	for (i = 0; i < CAM_USERS; i++) {
		u = &cam->users[i];
		if (u->late_at == 0 || u->late_at > camera_uptime(cam))
			continue;
		snprintf(u->password, sizeof u->password, "%s", u->late);
		if (u->late_other)
			snprintf(u->other, sizeof u->other, "%s", u->late);
		OPENSSL_cleanse(u->late, sizeof u->late);
		u->late_at = 0;
	}
}

static void
auth_tally(struct camera *cam, const char *name)
{
	unsigned i;

	for (i = 0; i < CAM_TALLIES; i++) {
		if (cam->tallies[i].name[0] == '\0')
			snprintf(cam->tallies[i].name, CAM_NAME, "%.64s",
			    name[0] != '\0' ? name : "(nobody)");
		if (strcmp(cam->tallies[i].name, name[0] != '\0' ? name :
		    "(nobody)") == 0) {
			cam->tallies[i].n++;
			return;
		}
	}
}

bool
auth_failed(struct camera *cam, const char *name)
{
	struct user *u = auth_find(cam, name);
	int64_t now = camera_uptime(cam);
	int64_t lock_ms = fault_on(cam, CF_LOCK) ? fault_value(cam, CF_LOCK) *
	    1000 : 300000;

	cam->failed++;
	auth_tally(cam, name);
	if (u == NULL || (!cam->persona->locks && !fault_on(cam, CF_LOCK)))
		return false;
	memmove(u->failed, u->failed + 1, sizeof u->failed - sizeof *u->failed);
	u->failed[AUTH_LOCK_FAILURES - 1] = now;
	if (u->failed[0] == 0 || now - u->failed[0] > AUTH_LOCK_WINDOW_MS)
		return false;
	u->locked_until = now + lock_ms;
	memset(u->failed, 0, sizeof u->failed);
	if (fault_on(cam, CF_LOCK))
		fault_hit(cam, CF_LOCK, NULL);
	return true;
}

/* ---- Digest ---- */

struct digest {
	char username[130], realm[65], nonce[65], uri[256], response[65];
	char algorithm[16], cnonce[129], opaque[65], qop[12], nc[12];
};

/* Parameter, room for it, and whether it is written in quotes. */
struct digest_key { const char *name; char *out; size_t len; bool quoted; };

/* Takes name=value or name="value" from s, a comma after it. */
static const char *
digest_param(const char *s, char *name, size_t name_len, char *value,
    size_t len, bool *quoted)
{
	size_t n = strspn(s, "abcdefghijklmnopqrstuvwxyz"
	    "ABCDEFGHIJKLMNOPQRSTUVWXYZ"), k = 0;

	if (n == 0 || n >= name_len || s[n] != '=')
		return NULL;
	snprintf(name, name_len, "%.*s", (int)n, s);
	s += n + 1;
	*quoted = *s == '"';
	if (*quoted)
		s++;
	while (*s != '\0' && (*quoted ? *s != '"' : strchr(", \t", *s) ==
	    NULL)) {
		if (*quoted && *s == '\\' && s[1] != '\0')
			s++;
		if (k + 1 >= len)
			return NULL;
		value[k++] = *s++;
	}
	value[k] = '\0';
	if (*quoted && *s++ != '"')
		return NULL;
	s += strspn(s, " \t");
	if (*s == ',')
		return s + 1 + strspn(s + 1, " \t");
	return *s == '\0' ? s : NULL;
}

/* Each parameter once, none that is unknown, quotes as RFC 7616 section 3.4
 * has them. */
static const char *
digest_parse(const char *s, struct digest *d)
{
	const struct digest_key keys[] = {
		{ "username", d->username, sizeof d->username, true },
		{ "realm", d->realm, sizeof d->realm, true },
		{ "nonce", d->nonce, sizeof d->nonce, true },
		{ "uri", d->uri, sizeof d->uri, true },
		{ "response", d->response, sizeof d->response, true },
		{ "algorithm", d->algorithm, sizeof d->algorithm, false },
		{ "cnonce", d->cnonce, sizeof d->cnonce, true },
		{ "opaque", d->opaque, sizeof d->opaque, true },
		{ "qop", d->qop, sizeof d->qop, false },
		{ "nc", d->nc, sizeof d->nc, false },
	};
	const size_t n = sizeof keys / sizeof keys[0];
	unsigned seen = 0;
	char name[16], value[260];
	bool quoted;
	size_t i;

	memset(d, 0, sizeof *d);
	while (*s != '\0') {
		s = digest_param(s, name, sizeof name, value, sizeof value,
		    &quoted);
		if (s == NULL)
			return "a parameter cannot be read";
		for (i = 0; i < n && strcasecmp(keys[i].name, name) != 0; i++)
			;
		if (i == n)
			return "a parameter that was not offered";
		if ((seen & 1U << i) != 0 || strlen(value) >= keys[i].len)
			return "a parameter twice or too long";
		if (quoted != keys[i].quoted)
			return "quotes where none belong, or none where due";
		seen |= 1U << i;
		snprintf(keys[i].out, keys[i].len, "%s", value);
	}
	return (seen & 31U) == 31U ? NULL : "a parameter is missing";
}

static int
digest_hash(const EVP_MD *md, char hex[65], const char *const *parts)
{
	EVP_MD_CTX *ctx = EVP_MD_CTX_new();
	uint8_t out[EVP_MAX_MD_SIZE];
	unsigned n = 0;
	int good = ctx != NULL && EVP_DigestInit_ex(ctx, md, NULL) == 1;
	bool first = true;

	for (; good && *parts != NULL; parts++) {
		if (!first)
			good = EVP_DigestUpdate(ctx, ":", 1) == 1;
		first = false;
		good = good && EVP_DigestUpdate(ctx, *parts, strlen(*parts)) ==
		    1;
	}
	good = good && EVP_DigestFinal_ex(ctx, out, &n) == 1;
	EVP_MD_CTX_free(ctx);
	if (!good)
		return CAMCA_ECRYPTO;
	enc_hex(hex, out, n);
	return CAMCA_OK;
}

/* Whether the response is that of the password. */
static bool
digest_matches(const struct digest *d, const EVP_MD *md, const char *method,
    const char *password)
{
	char a1[65], a2[65], want[65];
	const char *const p1[] = { d->username, d->realm, password, NULL };
	const char *const p2[] = { method, d->uri, NULL };
	const char *const with[] = { a1, d->nonce, d->nc, d->cnonce, d->qop,
		a2, NULL };
	const char *const without[] = { a1, d->nonce, a2, NULL };
	bool same;

	same = digest_hash(md, a1, p1) == 0 && digest_hash(md, a2, p2) == 0 &&
	    digest_hash(md, want, d->qop[0] != '\0' ? with : without) == 0 &&
	    strlen(want) == strlen(d->response) &&
	    CRYPTO_memcmp(want, d->response, strlen(want)) == 0;
	OPENSSL_cleanse(a1, sizeof a1);
	return same;
}

static const char *
digest_rules(struct camera *cam, const struct digest *d, const char *target,
    const EVP_MD **md)
{
	const struct persona *p = cam->persona;
	bool sha = strcmp(d->algorithm, "SHA-256") == 0;

	*md = sha ? EVP_sha256() : EVP_md5();
	if (sha ? !cam->sha256 : (!cam->md5 && cam->sha256) ||
	    (d->algorithm[0] != '\0' && strcmp(d->algorithm, "MD5") != 0))
		return "an algorithm that was not offered";
	if (strcmp(d->realm, AUTH_REALM) != 0)
		return "another realm";
	if (strcmp(d->uri, target) != 0)
		return "uri is not the one posted to";
	if (p->opaque ? strcmp(d->opaque, AUTH_OPAQUE) != 0 :
	    d->opaque[0] != '\0')
		return "opaque is not the one offered";
	if (strcmp(d->qop, "auth") != 0)
		return "qop is not auth";
	if (d->cnonce[0] == '\0' || strlen(d->nc) != 8 ||
	    strspn(d->nc, "0123456789abcdef") != 8)
		return "cnonce missing, or nc not 8 digits";
	return NULL;
}

static struct nonce *
digest_nonce(struct camera *cam, const char *text)
{
	unsigned i;

	for (i = 0; i < CAM_NONCES; i++)
		if (text[0] != '\0' &&
		    strcmp(cam->nonces[i].text, text) == 0)
			return &cam->nonces[i];
	return NULL;
}

/* A count must grow; an unknown or old nonce is stale where the password is
 * right (RFC 7616 section 3.3). */
static enum auth_result
digest_fresh(struct camera *cam, const struct digest *d)
{
	struct nonce *n = digest_nonce(cam, d->nonce);
	uint32_t nc = (uint32_t)strtoul(d->nc, NULL, 16);

	if (n == NULL || camera_uptime(cam) - n->born > AUTH_NONCE_MS)
		return AUTH_STALE;
	if (nc <= n->nc || (n->nc > 0 && fault_on(cam, CF_NONCE_ONCE)))
		return AUTH_STALE;
	n->nc = nc;
	return AUTH_GOOD;
}

static void
auth_compare(struct camera *cam, const char *name, bool right,
    struct auth *out)
{
	struct user *u = auth_find(cam, name);

	if (u != NULL && u->locked_until > camera_uptime(cam)) {
		/* Tried while locked: a failure like each other one. */
		out->result = AUTH_LOCKED;
		cam->failed++;
		auth_tally(cam, name);
		out->why = "the account is locked";
		return;
	}
	if (right) {
		out->result = AUTH_GOOD;
		out->user = u;
		memset(u->failed, 0, sizeof u->failed);
		return;
	}
	out->result = auth_failed(cam, name) ? AUTH_LOCKED : AUTH_WRONG;
	out->why = "wrong user name or password";
}

static const char *
auth_password(const struct user *u, enum surface where)
{
	return where == SURFACE_ONVIF ? u->password : u->other;
}

static void
auth_digest(struct camera *cam, const char *s, const char *method,
    const char *target, enum surface where, struct auth *out)
{
	struct digest d;
	const EVP_MD *md;
	struct user *u;
	bool right;

	out->result = AUTH_BAD;
	if ((out->why = digest_parse(s, &d)) != NULL ||
	    (out->why = digest_rules(cam, &d, target, &md)) != NULL) {
		cam->refused_auth++;
		return;
	}
	u = auth_find(cam, d.username);
	right = u != NULL && digest_matches(&d, md, method,
	    auth_password(u, where));
	/* Kept is MD5's hash of it: that of SHA-256 cannot be made from it. */
	if (right && cam->persona->sha256_off && strcmp(d.algorithm,
	    "SHA-256") == 0 && fault_hit(cam, CF_SHA256_BROKEN, NULL))
		right = false;
	if (right && digest_fresh(cam, &d) == AUTH_STALE) {
		out->result = AUTH_STALE;
		out->why = "the nonce is used up";
		return;
	}
	auth_compare(cam, d.username, right, out);
}

static void
auth_basic(struct camera *cam, const char *s, enum surface where,
    struct auth *out)
{
	struct buf b;
	struct user *u;
	char *colon;

	cam->basic_seen++;
	buf_init(&b, 512);
	out->result = AUTH_BAD;
	out->why = "Basic cannot be read";
	if (dec_base64(&b, s, strlen(s), 0) == 0 && b.len > 0 &&
	    (colon = strchr((char *)b.data, ':')) != NULL) {
		*colon = '\0';
		u = auth_find(cam, (char *)b.data);
		auth_compare(cam, (char *)b.data, u != NULL && strcmp(
		    auth_password(u, where), colon + 1) == 0, out);
	}
	buf_cleanse(&b);
}

void
auth_http(struct camera *cam, const char *field, const char *method,
    const char *target, enum surface where, bool basic_too, struct auth *out)
{
	memset(out, 0, sizeof *out);
	auth_settle(cam);
	if (field == NULL)
		return;
	if (strncasecmp(field, "Digest ", 7) == 0)
		auth_digest(cam, field + 7 + strspn(field + 7, " "), method,
		    target, where, out);
	else if (strncasecmp(field, "Basic ", 6) == 0 && basic_too)
		auth_basic(cam, field + 6, where, out);
	else {
		if (strncasecmp(field, "Basic ", 6) == 0)
			cam->basic_seen++;
		cam->refused_auth++;
		out->result = AUTH_BAD;
		out->why = "a scheme that was not offered";
	}
}

static void
digest_offer(struct camera *cam, const char *algorithm, bool stale, char *out,
    size_t len)
{
	struct nonce *n = &cam->nonces[cam->nonce_next++ % CAM_NONCES];
	uint8_t random[16];

	if (RAND_bytes(random, sizeof random) != 1)
		memset(random, 0, sizeof random);
	enc_hex(n->text, random, sizeof random);
	n->nc = 0;
	n->born = camera_uptime(cam);
	snprintf(out, len, "Digest realm=\"%s\", qop=\"auth\", "
	    "algorithm=%s, nonce=\"%s\"%s%s", AUTH_REALM, algorithm, n->text,
	    cam->persona->opaque ? ", opaque=\"" AUTH_OPAQUE "\"" : "",
	    stale ? ", stale=true" : "");
}

void
auth_challenge(struct camera *cam, bool stale, bool basic, char out[3][400])
{
	unsigned n = 0;

	memset(out, 0, 3 * sizeof out[0]);
	if (basic)
		snprintf(out[n++], sizeof out[0], "Basic realm=\"%s\"",
		    AUTH_REALM);
	if (cam->sha256)
		digest_offer(cam, "SHA-256", stale, out[n++], sizeof out[0]);
	if (cam->md5 || n == (basic ? 1U : 0U))
		digest_offer(cam, "MD5", stale, out[n], sizeof out[0]);
}
