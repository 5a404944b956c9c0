/* SPDX-License-Identifier: Apache-2.0 */
#include "enroll/est/body.h"

#include <stdbool.h>
#include <string.h>

#include "ca/base/enc.h"

struct est_span {
	const char *s;
	size_t n;
};

static bool
est_body_blank(char c)
{
	return c == ' ' || c == '\t' || c == '\r' || c == '\n';
}

static struct est_span
est_body_trim(struct est_span t)
{
	for (; t.n > 0 && est_body_blank(t.s[0]); t.s++, t.n--)
		;
	for (; t.n > 0 && est_body_blank(t.s[t.n - 1]); t.n--)
		;
	return t;
}

static bool
est_body_starts(struct est_span t, const char *word)
{
	size_t n = strlen(word);

	return t.n >= n && memcmp(t.s, word, n) == 0;
}

/* The base64 between the armour lines of t, which holds one PEM block and
 * nothing else. */
static bool
est_body_armour(struct est_span *t, const char *begin, const char *end)
{
	size_t b = strlen(begin), e = strlen(end);

	if (!est_body_starts(*t, begin) || t->n < b + e ||
	    memcmp(t->s + t->n - e, end, e) != 0)
		return false;
	t->s += b;
	t->n -= b + e;
	return true;
}

static int
est_body_unwrap(struct est_span *t, struct refusal *why)
{
	*t = est_body_trim(*t);
	if (t->n == 0)
		return refuse(why, CAMCA_EINVAL, 400, "est.body-empty",
		    "The request has no body; send a PKCS#10 request in base64.");
	/* 0x30 is also the base64 digit '0', but no length octet of the long
	 * form is one, and no request is short enough for the other form. */
	if (t->n > 1 && t->s[0] == 0x30 && ((unsigned char)t->s[1] & 0x80) != 0)
		return refuse(why, CAMCA_EINVAL, 400, "est.body-not-base64",
		    "The body is raw DER; RFC 8951 section 3 asks for base64.");
	if (!est_body_starts(*t, "-----"))
		return CAMCA_OK;
	if (est_body_armour(t, "-----BEGIN CERTIFICATE REQUEST-----",
	    "-----END CERTIFICATE REQUEST-----") ||
	    est_body_armour(t, "-----BEGIN NEW CERTIFICATE REQUEST-----",
	    "-----END NEW CERTIFICATE REQUEST-----"))
		return CAMCA_OK;
	return refuse(why, CAMCA_EINVAL, 400, "est.body-pem",
	    "The body is PEM, but not one CERTIFICATE REQUEST block alone.");
}

/* Length octets of the outer SEQUENCE; 0 where they are not DER. */
static size_t
est_body_der_total(const uint8_t *p, size_t n)
{
	size_t k, len = 0, i;

	if (n < 2 || p[0] != 0x30)
		return 0;
	if (p[1] < 0x80)
		return 2 + (size_t)p[1];
	k = p[1] & 0x7f;
	if (k == 0 || k > 3 || n < 2 + k)
		return 0;
	for (i = 0; i < k; i++)
		len = len << 8 | p[2 + i];
	/* X.690 10.1: the shortest form. */
	if (len < 0x80 || len >> (8 * (k - 1)) == 0)
		return 0;
	return 2 + k + len;
}

static int
est_body_one_object(const uint8_t *p, size_t n, struct refusal *why)
{
	size_t total = n > 0 ? est_body_der_total(p, n) : 0;

	if (total == 0)
		return refuse(why, CAMCA_EINVAL, 400, "est.body-not-der",
		    "The decoded body is not a DER SEQUENCE.");
	if (total > n)
		return refuse(why, CAMCA_EINVAL, 400, "est.body-cut",
		    "The decoded body ends before the DER object does.");
	if (total < n)
		return refuse(why, CAMCA_EINVAL, 400, "est.body-trailing",
		    "%zu bytes follow the DER object in the body.", n - total);
	return CAMCA_OK;
}

int
est_body_decode(struct buf *out, const void *p, size_t n, struct refusal *why)
{
	struct est_span t = { p, n };
	size_t start = out->len;
	int ret = est_body_unwrap(&t, why);

	if (ret < 0)
		return ret;
	ret = dec_base64(out, t.s, t.n, 1);
	if (ret == CAMCA_EINVAL)
		return refuse(why, ret, 400, "est.body-base64",
		    "The body is not base64 (RFC 4648 section 4).");
	if (ret < 0)
		return refuse_default(why, ret);
	n = out->len - start;
	ret = est_body_one_object(n > 0 ? out->data + start : NULL, n, why);
	if (ret < 0)
		out->len = start;
	return ret;
}
