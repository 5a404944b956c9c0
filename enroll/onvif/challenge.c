/* SPDX-License-Identifier: Apache-2.0 */
/* WWW-Authenticate (RFC 9110 11.6.1): schemes, each with parameters, all of it
 * in one comma-separated list, which several fields may continue. */
#include <ctype.h>
#include <stdio.h>
#include <string.h>
#include <strings.h>

#include "enroll/onvif/auth.h"

#define CHALLENGE_FIELD_MAX 8192u

static const char challenge_token[] = "!#$%&'*+-.^_`|~0123456789"
    "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ";

/* One challenge under way. */
struct challenge {
	char scheme[16];
	struct digest_challenge d;
	bool has_realm, has_nonce;
	bool bad;                    /* a parameter twice, too long, unknown */
	bool qop;                    /* qop stood there at all */
};

static void
challenge_blanks(const char **s)
{
	*s += strspn(*s, " \t,");
}

/* Token into out; false where there is none or it is too long. */
static bool
challenge_word(const char **s, char *out, size_t out_len)
{
	size_t n = strspn(*s, challenge_token);

	if (n == 0 || n >= out_len)
		return false;
	memcpy(out, *s, n);
	out[n] = '\0';
	*s += n;
	return true;
}

/* A quoted string, with its escapes undone; false where it does not end or is
 * too long. */
static bool
challenge_string(const char **s, char *out, size_t out_len)
{
	const char *p = *s + 1;
	size_t n = 0;

	for (; *p != '"'; p++) {
		if (*p == '\\')
			p++;
		if ((unsigned char)*p < 0x20 || n + 1 >= out_len)
			return false;
		out[n++] = *p;
	}
	out[n] = '\0';
	*s = p + 1;
	return true;
}

static bool
challenge_value(const char **s, char *out, size_t out_len)
{
	return **s == '"' ? challenge_string(s, out, out_len) :
	    challenge_word(s, out, out_len);
}

/* "auth,auth-int": auth is the one we take. */
static bool
challenge_has_auth(const char *list)
{
	char word[32];

	for (challenge_blanks(&list); *list != '\0'; challenge_blanks(&list)) {
		if (!challenge_word(&list, word, sizeof word))
			return false;
		if (strcasecmp(word, "auth") == 0)
			return true;
	}
	return false;
}

static void
challenge_algorithm(struct challenge *c, const char *value)
{
	size_t n = strcspn(value, "-");
	struct digest_challenge *d = &c->d;

	if (strncasecmp(value, "SHA-256", 7) == 0) {
		d->algorithm = DIGEST_SHA256;
		n = 7;
	} else if (n != 3 || strncasecmp(value, "MD5", 3) != 0) {
		c->bad = true;
	}
	if (strcasecmp(value + n, "-sess") == 0)
		d->session = true;
	else if (value[n] != '\0')
		c->bad = true;
	/* A response that echoes another spelling may be refused. */
	if (snprintf(d->algorithm_text, sizeof d->algorithm_text, "%s",
	    value) >= (int)sizeof d->algorithm_text)
		c->bad = true;
	d->has_algorithm = true;
}

static void
challenge_once(struct challenge *c, bool *seen, char *out, const char *value)
{
	if (*seen)
		c->bad = true;
	*seen = true;
	memcpy(out, value, strlen(value) + 1);
}

static void
challenge_param(struct challenge *c, const char *name, const char *value)
{
	struct digest_challenge *d = &c->d;

	if (strcasecmp(name, "realm") == 0)
		challenge_once(c, &c->has_realm, d->realm, value);
	else if (strcasecmp(name, "nonce") == 0)
		challenge_once(c, &c->has_nonce, d->nonce, value);
	else if (strcasecmp(name, "opaque") == 0)
		challenge_once(c, &d->has_opaque, d->opaque, value);
	else if (strcasecmp(name, "algorithm") == 0)
		challenge_algorithm(c, value);
	else if (strcasecmp(name, "stale") == 0)
		d->stale = strcasecmp(value, "true") == 0;
	else if (strcasecmp(name, "userhash") == 0)
		d->userhash = strcasecmp(value, "true") == 0;
	else if (strcasecmp(name, "qop") == 0) {
		c->qop = true;
		d->qop_auth = challenge_has_auth(value);
	}
}

/* The first one of each kind counts. */
static void
challenge_digest(struct auth_offers *o, const struct digest_challenge *d)
{
	bool sha256 = d->algorithm == DIGEST_SHA256;

	if (!o->digest || (sha256 && !o->has_sha256))
		o->best = *d;
	if (!sha256 && !o->has_md5)
		o->md5 = *d;
	o->digest = true;
	o->has_sha256 = o->has_sha256 || sha256;
	o->has_md5 = o->has_md5 || !sha256;
}

/* Files a whole challenge among the offers. */
static void
challenge_file(struct auth_offers *o, const struct challenge *c)
{
	if (strcasecmp(c->scheme, "Basic") == 0) {
		o->basic = true;
	} else if (strcasecmp(c->scheme, "Digest") != 0) {
		if (c->scheme[0] != '\0')
			o->other = true;
	} else if (!c->bad && c->has_realm && c->has_nonce &&
	    (!c->qop || c->d.qop_auth)) {
		challenge_digest(o, &c->d);
	}
}

/* One "name=value" or one new scheme; false where the list cannot be read on. */
static bool
challenge_item(struct auth_offers *o, struct challenge *c, const char **s)
{
	char word[64], value[AUTH_VALUE_MAX];
	const char *p;

	if (!challenge_word(s, word, sizeof word))
		return false;
	p = *s + strspn(*s, " \t");
	if (*p == '=' && c->scheme[0] != '\0') {
		*s = p + 1;
		*s += strspn(*s, " \t");
		if (!challenge_value(s, value, sizeof value))
			return false;
		challenge_param(c, word, value);
		return true;
	}
	if (strlen(word) >= sizeof c->scheme)
		return false;
	challenge_file(o, c);
	memset(c, 0, sizeof *c);
	memcpy(c->scheme, word, strlen(word) + 1);
	return true;
}

static void
challenge_field(struct auth_offers *o, const char *s)
{
	struct challenge c;

	memset(&c, 0, sizeof c);
	for (challenge_blanks(&s); *s != '\0'; challenge_blanks(&s))
		if (!challenge_item(o, &c, &s)) {
			c.bad = true;
			break;
		}
	challenge_file(o, &c);
}

void
auth_read_offers(struct auth_offers *out, const char *fields)
{
	char line[CHALLENGE_FIELD_MAX];
	size_t n;

	memset(out, 0, sizeof *out);
	for (; *fields != '\0'; fields += n + (fields[n] == '\n')) {
		n = strcspn(fields, "\n");
		if (n == 0 || n >= sizeof line)
			continue;
		memcpy(line, fields, n);
		line[n] = '\0';
		challenge_field(out, line);
	}
}
