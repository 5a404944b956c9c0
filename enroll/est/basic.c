/* SPDX-License-Identifier: Apache-2.0 */
#include "enroll/est/basic.h"

#include <openssl/crypto.h>
#include <string.h>
#include <strings.h>

#include "ca/base/buf.h"
#include "ca/base/enc.h"

#define EST_AUTHORIZATION_MAX 1024

static int
est_basic_bad(struct refusal *why)
{
	return refuse(why, CAMCA_EINVAL, 400, "auth.malformed",
	    "The Authorization header field is not valid Basic (RFC 7617).");
}

/* UTF-8 without control characters: what refusal_sanitize() would leave. A NUL
 * inside would end the secret early and make a guess easier. */
static bool
est_basic_part(char out[static EST_LOGIN_MAX], const uint8_t *p, size_t n)
{
	char clean[EST_LOGIN_MAX];
	bool ok;

	if (n >= EST_LOGIN_MAX || memchr(p, '\0', n) != NULL)
		return false;
	memcpy(out, p, n);
	out[n] = '\0';
	memcpy(clean, out, n + 1);
	refusal_sanitize(clean);
	ok = memcmp(clean, out, n + 1) == 0;
	OPENSSL_cleanse(clean, sizeof clean);
	return ok;
}

static int
est_basic_split(struct est_login *out, const struct buf *pair,
    struct refusal *why)
{
	const uint8_t *colon = pair->len > 0 ?
	    memchr(pair->data, ':', pair->len) : NULL;
	size_t n;

	if (colon == NULL)
		return est_basic_bad(why);
	n = (size_t)(colon - pair->data);
	if (!est_basic_part(out->user, pair->data, n) ||
	    !est_basic_part(out->password, colon + 1, pair->len - n - 1))
		return est_basic_bad(why);
	out->present = true;
	return CAMCA_OK;
}

int
est_basic_parse(struct est_login *out, const char *value, size_t n,
    struct refusal *why)
{
	struct buf pair;
	int ret;

	memset(out, 0, sizeof *out);
	if (value == NULL || n < 6 || strncasecmp(value, "Basic", 5) != 0 ||
	    (value[5] != ' ' && value[5] != '\t'))
		return CAMCA_OK;
	if (n > EST_AUTHORIZATION_MAX)
		return est_basic_bad(why);
	for (value += 5, n -= 5; n > 0 && (*value == ' ' || *value == '\t');
	    value++, n--)
		;
	for (; n > 0 && (value[n - 1] == ' ' || value[n - 1] == '\t'); n--)
		;
	buf_init(&pair, EST_AUTHORIZATION_MAX);
	ret = buf_reserve(&pair, n + 1);
	if (ret == CAMCA_OK)
		ret = dec_base64(&pair, value, n, 0);
	if (ret == CAMCA_OK)
		ret = est_basic_split(out, &pair, why);
	else
		ret = ret == CAMCA_ENOMEM ? refuse_default(why, ret) :
		    est_basic_bad(why);
	buf_cleanse(&pair);
	if (ret < 0)
		est_login_fini(out);
	return ret;
}

void
est_login_fini(struct est_login *l)
{
	OPENSSL_cleanse(l, sizeof *l);
}
