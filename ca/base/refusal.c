/* SPDX-License-Identifier: Apache-2.0 */
#include "ca/base/refusal.h"

#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>

/* Length of the UTF-8 sequence at s (RFC 3629), 0 where it is malformed. */
static size_t
refusal_utf8_len(const unsigned char *s)
{
	size_t n, i;

	if (s[0] < 0x80)
		return 1;
	if (s[0] >= 0xc2 && s[0] <= 0xdf)
		n = 2;
	else if (s[0] >= 0xe0 && s[0] <= 0xef)
		n = 3;
	else if (s[0] >= 0xf0 && s[0] <= 0xf4)
		n = 4;
	else
		return 0;
	for (i = 1; i < n; i++)
		if ((s[i] & 0xc0) != 0x80)
			return 0;
	if ((s[0] == 0xe0 && s[1] < 0xa0) || (s[0] == 0xed && s[1] > 0x9f) ||
	    (s[0] == 0xf0 && s[1] < 0x90) || (s[0] == 0xf4 && s[1] > 0x8f))
		return 0;
	return n;
}

void
refusal_sanitize(char *s)
{
	unsigned char *p = (unsigned char *)s;
	size_t n;

	while (*p != '\0') {
		n = refusal_utf8_len(p);
		/* C1 controls (U+0080..U+009F) steer terminals as well. */
		if (n == 2 && p[0] == 0xc2 && p[1] < 0xa0)
			n = 0;
		if (n == 0 || *p < 0x20 || *p == 0x7f) {
			*p = '?';
			n = 1;
		}
		p += n;
	}
}

int
refuse(struct refusal *why, int err, int http, const char *code,
    const char *fmt, ...)
{
	va_list ap;

	if (why == NULL)
		return err;
	memset(why, 0, sizeof *why);
	why->http = http;
	if (http == 503)
		why->retry_after_s = 5;
	snprintf(why->code, sizeof why->code, "%s", code);
	va_start(ap, fmt);
	vsnprintf(why->detail, sizeof why->detail, fmt, ap);
	va_end(ap);
	refusal_sanitize(why->detail);
	return err;
}

static const struct {
	int err;
	int http;
	const char *code;
	const char *detail;
} defaults[] = {
	{ CAMCA_EINVAL, 400, "request.malformed", "The request is malformed." },
	{ CAMCA_ENOENT, 404, "request.no-such-object", "There is no such object." },
	{ CAMCA_ECONFLICT, 409, "request.conflict", "The object exists already or changed meanwhile." },
	{ CAMCA_EAUTH, 401, "auth.required", "Authentication is required." },
	{ CAMCA_EPERM, 403, "auth.not-permitted", "The caller may not do this." },
	{ CAMCA_EPOLICY, 403, "policy.refused", "A policy refuses this." },
	{ CAMCA_ELIMIT, 413, "request.too-large", "The request is larger than the limit." },
	{ CAMCA_EBUSY, 503, "system.busy", "The authority is busy; try again." },
	{ CAMCA_EHSM, 503, "system.hsm", "The HSM does not answer; try again later." },
	{ CAMCA_EPIN, 503, "system.hsm", "The HSM does not answer; try again later." },
	{ CAMCA_EDB, 503, "system.store", "The store does not answer; try again later." },
	{ CAMCA_EUNKNOWN, 503, "system.store", "The store does not answer; try again later." },
	{ CAMCA_EFULL, 503, "system.disk-full", "The store has no space left; try again later." },
	{ CAMCA_ENOMEM, 503, "system.memory", "Out of memory; try again later." },
	{ CAMCA_EIO, 503, "system.io", "Input or output failed; try again later." },
	{ CAMCA_ETIME, 503, "system.time", "Time ran out or the clock is wrong; try again later." },
};

int
refuse_default(struct refusal *why, int err)
{
	size_t i;

	if (why == NULL || why->http != 0 || err >= 0)
		return err;
	for (i = 0; i < sizeof defaults / sizeof defaults[0]; i++)
		if (defaults[i].err == err)
			return refuse(why, err, defaults[i].http,
			    defaults[i].code, "%s", defaults[i].detail);
	return refuse(why, err, 500, "system.internal", "Internal error.");
}
