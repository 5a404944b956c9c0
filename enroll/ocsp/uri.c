/* SPDX-License-Identifier: Apache-2.0 */
#include "enroll/ocsp/uri.h"

#include <string.h>
#include <strings.h>

#include "ca/base/enc.h"

bool
ocsp_uri_is(const char *uri, const char **rest_out)
{
	/* RFC 9112 3.2.2: the absolute form, from proxies. */
	if (strncasecmp(uri, "http://", 7) == 0) {
		uri = strchr(uri + 7, '/');
		if (uri == NULL)
			return false;
	}
	if (strncmp(uri, "/ocsp", 5) != 0 ||
	    (uri[5] != '\0' && uri[5] != '/' && uri[5] != '?'))
		return false;
	*rest_out = uri + 5;
	return true;
}

static int
uri_hex(char c)
{
	if (c >= '0' && c <= '9')
		return c - '0';
	c |= 0x20;
	return c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

/* One character, percent-encoded or not; 0 at the end, -1 for a broken one. */
static int
uri_next(const char **s)
{
	const char *p = *s;
	int hi, lo;

	if (*p != '%') {
		*s += *p != '\0';
		return (unsigned char)*p;
	}
	hi = uri_hex(p[1]);
	lo = hi >= 0 ? uri_hex(p[2]) : -1;
	if (lo < 0)
		return -1;
	*s += 3;
	/* An encoded NUL is no end. */
	return hi * 16 + lo != 0 ? hi * 16 + lo : -1;
}

/* Padding may be missing, but not wrong; nothing stands behind it. */
static int
uri_end(const char *s, int c, unsigned digits, unsigned bits)
{
	unsigned pads = 0;

	for (; c == '='; c = uri_next(&s))
		pads++;
	if (c != 0 || digits % 4 == 1 ||
	    (pads != 0 && (pads > 2 || (digits + pads) % 4 != 0)))
		return CAMCA_EINVAL;
	/* One spelling of each byte: what is left over must be zero. */
	if ((digits % 4 == 2 && (bits & 0x0f) != 0) ||
	    (digits % 4 == 3 && (bits & 0x03) != 0))
		return CAMCA_EINVAL;
	return CAMCA_OK;
}

int
ocsp_uri_decode(const char *rest, uint8_t out[static OCSP_REQUEST_MAX],
    size_t *len_out)
{
	unsigned digits = 0, bits = 0;
	size_t n = 0;
	int c, d;

	/* A DER SEQUENCE begins with 'M' in base64: slashes before that come
	 * from an address that ended in one. */
	rest += strspn(rest, "/");
	for (;;) {
		c = uri_next(&rest);
		d = dec_base64_digit(c);
		if (d < 0)
			break;
		bits = bits << 6 | (unsigned)d;
		digits++;
		if (digits % 4 == 1)
			continue;
		if (n == OCSP_REQUEST_MAX)
			return CAMCA_EINVAL;
		out[n++] = (uint8_t)(bits >> (digits % 4 == 2 ? 4 :
		    digits % 4 == 3 ? 2 : 0));
	}
	if (c < 0 || n == 0 || uri_end(rest, c, digits, bits) < 0)
		return CAMCA_EINVAL;
	*len_out = n;
	return CAMCA_OK;
}
