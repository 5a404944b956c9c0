/* SPDX-License-Identifier: Apache-2.0 */
#include "enroll/renew/url.h"

#include <arpa/inet.h>
#include <stdio.h>
#include <string.h>

#define URL_WELL_KNOWN "/.well-known/est"
#define URL_UNRESERVED "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ" \
    "0123456789-._~"
#define URL_HOST_CHARS "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ" \
    "0123456789-."

/* RFC 7030 3.2.2: a label must not be the name of an operation. */
static const char *const url_operations[] = { "cacerts", "simpleenroll",
    "simplereenroll", "fullcmc", "serverkeygen", "csrattrs" };

static int
url_bad(struct refusal *why, const char *what)
{
	return refuse(why, CAMCA_EINVAL, 400, "renew.url", "Bad URL: %s.",
	    what);
}

/* Copies n bytes and a NUL where they fit and consist of allowed only. */
static bool
url_copy(char *out, size_t out_len, const char *s, size_t n,
    const char *allowed)
{
	if (n == 0 || n >= out_len)
		return false;
	memcpy(out, s, n);
	out[n] = '\0';
	return strspn(out, allowed) == n;
}

/* Host, or an IPv6 address in brackets; *rest_out points behind it. */
static int
url_host(struct url *out, const char *s, const char **rest_out,
    struct refusal *why)
{
	unsigned char addr[sizeof(struct in6_addr)];
	size_t n = strcspn(s, ":/");

	if (*s == '[') {
		n = strcspn(++s, "]");
		if (s[n] != ']' || !url_copy(out->host, sizeof out->host, s, n,
		    "0123456789abcdefABCDEF:.") ||
		    inet_pton(AF_INET6, out->host, addr) != 1)
			return url_bad(why, "no IPv6 address in the brackets");
		out->is_ip = true;
		*rest_out = s + n + 1;
		return CAMCA_OK;
	}
	if (!url_copy(out->host, sizeof out->host, s, n, URL_HOST_CHARS))
		return url_bad(why, "no host name, or one with odd characters");
	out->is_ip = inet_pton(AF_INET, out->host, addr) == 1;
	*rest_out = s + n;
	return CAMCA_OK;
}

static int
url_port(struct url *out, const char **s, struct refusal *why)
{
	unsigned port = 0;
	size_t n, i;

	if (**s != ':') {
		snprintf(out->port, sizeof out->port, "443");
		return CAMCA_OK;
	}
	(*s)++;
	n = strcspn(*s, "/");
	if (!url_copy(out->port, sizeof out->port, *s, n, "0123456789"))
		return url_bad(why, "the port is not a number");
	for (i = 0; i < n; i++)
		port = port * 10 + (unsigned)(out->port[i] - '0');
	if (port == 0 || port > 65535)
		return url_bad(why, "the port is not within 1..65535");
	*s += n;
	return CAMCA_OK;
}

static int
url_label(struct url *out, const char *label, size_t n, struct refusal *why)
{
	size_t i, used;
	char clean[64];

	if (!url_copy(clean, sizeof clean, label, n, URL_UNRESERVED) ||
	    strcmp(clean, ".") == 0 || strcmp(clean, "..") == 0)
		return url_bad(why, "the label has odd characters or is longer "
		    "than 63");
	for (i = 0; i < sizeof url_operations / sizeof *url_operations; i++)
		if (strcmp(clean, url_operations[i]) == 0)
			return url_bad(why, "the label is the name of an EST "
			    "operation");
	used = strlen(out->base);
	snprintf(out->base + used, sizeof out->base - used, "/%s", clean);
	return CAMCA_OK;
}

/* The path: nothing, "/", or the well-known one with at most one label. */
static int
url_path(struct url *out, const char *path, const char *label,
    struct refusal *why)
{
	size_t known = strlen(URL_WELL_KNOWN), n;

	snprintf(out->base, sizeof out->base, "%s", URL_WELL_KNOWN);
	if (strcmp(path, "") == 0 || strcmp(path, "/") == 0)
		return label != NULL ?
		    url_label(out, label, strlen(label), why) : CAMCA_OK;
	if (strncmp(path, URL_WELL_KNOWN, known) != 0 ||
	    (path[known] != '\0' && path[known] != '/'))
		return url_bad(why, "the path is not " URL_WELL_KNOWN
		    " with at most one label");
	path += known + (path[known] == '/');
	n = strlen(path);
	if (n > 1 && path[n - 1] == '/')
		n--;
	if (n > 0 && label != NULL)
		return url_bad(why, "the label is given twice");
	if (n > 0)
		return url_label(out, path, n, why);
	return label != NULL ? url_label(out, label, strlen(label), why) :
	    CAMCA_OK;
}

int
url_parse(struct url *out, const char *text, const char *label,
    struct refusal *why)
{
	const char *s = text;
	int ret;

	memset(out, 0, sizeof *out);
	/* RFC 7030 3.3: EST runs over TLS only. */
	if (strncmp(text, "https://", 8) != 0)
		return url_bad(why, "it does not begin with https://");
	if ((ret = url_host(out, text + 8, &s, why)) < 0 ||
	    (ret = url_port(out, &s, why)) < 0)
		return ret;
	if (*s != '\0' && *s != '/')
		return url_bad(why, "something follows the host");
	return url_path(out, s, label, why);
}
