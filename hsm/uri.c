/* SPDX-License-Identifier: Apache-2.0 */
#include "hsm/uri.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

enum uri_kind { URI_TEXT, URI_ID, URI_SLOT, URI_TYPE, URI_PIN };

/* Where each attribute goes. RFC 7512 section 2.3 has more (library-*,
 * slot-manufacturer, slot-description, module-name): refused, because a
 * silently ignored one would match more tokens than its author meant. */
struct uri_attr {
	const char *name;
	bool query;
	enum uri_kind kind;
	size_t offset;      /* of the char array in struct hsm_uri */
	size_t max;         /* bytes without the NUL */
};

#define URI_FIELD(f) offsetof(struct hsm_uri, f), \
	sizeof ((struct hsm_uri *)0)->f - 1

static const struct uri_attr uri_attrs[] = {
	{ "token", false, URI_TEXT, URI_FIELD(token) },
	{ "manufacturer", false, URI_TEXT, URI_FIELD(manufacturer) },
	{ "model", false, URI_TEXT, URI_FIELD(model) },
	{ "serial", false, URI_TEXT, URI_FIELD(serial) },
	{ "object", false, URI_TEXT, URI_FIELD(object) },
	{ "id", false, URI_ID, 0, HSM_URI_ID_MAX },
	{ "slot-id", false, URI_SLOT, 0, 20 },
	{ "type", false, URI_TYPE, 0, 10 },
	{ "module-path", true, URI_TEXT, URI_FIELD(module_path) },
	{ "pin-source", true, URI_TEXT, URI_FIELD(pin_source) },
	{ "pin-value", true, URI_PIN, 0, 0 },
};
#define URI_ATTRS (sizeof uri_attrs / sizeof uri_attrs[0])

static bool
uri_alnum(char c)
{
	return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') ||
	    (c >= '0' && c <= '9');
}

/* pk11-pchar and pk11-qchar of RFC 7512 section 2.3, but for '%'. */
static bool
uri_plain(char c, bool query)
{
	return uri_alnum(c) ||
	    (c != '\0' && strchr("-._~:[]@!$'()*+,=", c) != NULL) ||
	    (c != '\0' && strchr(query ? "/?|" : "&", c) != NULL);
}

static int
uri_hex(char c)
{
	if (c >= '0' && c <= '9')
		return c - '0';
	if (c >= 'a' && c <= 'f')
		return c - 'a' + 10;
	if (c >= 'A' && c <= 'F')
		return c - 'A' + 10;
	return -1;
}

/* Percent-decodes n characters into at most max bytes; *len_out of them. */
static int
uri_decode(const char *s, size_t n, bool query, uint8_t *out, size_t max,
    size_t *len_out)
{
	size_t i, len = 0;
	int hi, lo;

	for (i = 0; i < n; i++) {
		if (len == max)
			return CAMCA_ELIMIT;
		if (s[i] != '%') {
			if (!uri_plain(s[i], query))
				return CAMCA_EINVAL;
			out[len++] = (uint8_t)s[i];
			continue;
		}
		if (n - i < 3 || (hi = uri_hex(s[i + 1])) < 0 ||
		    (lo = uri_hex(s[i + 2])) < 0)
			return CAMCA_EINVAL;
		out[len++] = (uint8_t)(hi << 4 | lo);
		i += 2;
	}
	*len_out = len;
	return CAMCA_OK;
}

/* Text must be UTF-8 without control characters: NUL would cut the value that
 * is compared, and the label of a token ends up in log lines. */
static int
uri_check_text(const char *s, size_t n)
{
	char copy[1024];

	if (memchr(s, '\0', n) != NULL || n >= sizeof copy)
		return CAMCA_EINVAL;
	memcpy(copy, s, n + 1);
	refusal_sanitize(copy);
	return strcmp(copy, s) == 0 ? CAMCA_OK : CAMCA_EINVAL;
}

static int
uri_slot(const char *s, size_t n, struct hsm_uri *out)
{
	char digits[21];
	size_t i;

	if (n == 0 || n >= sizeof digits)
		return CAMCA_EINVAL;
	for (i = 0; i < n; i++)
		if (s[i] < '0' || s[i] > '9')
			return CAMCA_EINVAL;
	memcpy(digits, s, n);
	digits[n] = '\0';
	errno = 0;
	out->slot = strtoul(digits, NULL, 10);
	out->has_slot = true;
	return errno == 0 ? CAMCA_OK : CAMCA_EINVAL;
}

static int
uri_value(const struct uri_attr *a, const char *s, size_t n,
    struct hsm_uri *out, struct refusal *why)
{
	char *text = (char *)out + a->offset;
	size_t len = 0;
	int ret = CAMCA_OK;

	if (a->kind == URI_PIN)
		return refuse(why, CAMCA_EINVAL, 400, "hsm.uri-pin",
		    "A PKCS#11 URI must not hold a PIN (pin-value): it would "
		    "end up in files and logs; use a PIN file.");
	if (a->kind == URI_SLOT)
		ret = uri_slot(s, n, out);
	else if (a->kind == URI_TYPE)
		ret = (out->has_type = n == 7 && memcmp(s, "private", n) == 0) ?
		    CAMCA_OK : CAMCA_EINVAL;
	else if (a->kind == URI_ID)
		ret = uri_decode(s, n, a->query, out->id, a->max, &out->id_len);
	else if ((ret = uri_decode(s, n, a->query, (uint8_t *)text, a->max,
	    &len)) == CAMCA_OK)
		ret = uri_check_text(text, len);
	if (ret == CAMCA_OK && n == 0)
		ret = CAMCA_EINVAL;
	if (ret == CAMCA_ELIMIT)
		return refuse(why, CAMCA_EINVAL, 400, "hsm.uri",
		    "PKCS#11 URI: %s is longer than %zu bytes.", a->name,
		    a->max);
	if (ret != CAMCA_OK)
		return refuse(why, ret, 400, "hsm.uri",
		    "PKCS#11 URI: the value of %s is malformed (RFC 7512 "
		    "section 2.3).", a->name);
	return CAMCA_OK;
}

/* One "name=value" of the path or the query. */
static int
uri_attribute(const char *s, size_t n, bool query, unsigned *seen,
    struct hsm_uri *out, struct refusal *why)
{
	const char *eq = memchr(s, '=', n);
	size_t name_len, i;

	if (eq == NULL)
		return refuse(why, CAMCA_EINVAL, 400, "hsm.uri",
		    "PKCS#11 URI: an attribute has no \"=\".");
	name_len = (size_t)(eq - s);
	for (i = 0; i < URI_ATTRS; i++)
		if (uri_attrs[i].query == query &&
		    strlen(uri_attrs[i].name) == name_len &&
		    memcmp(uri_attrs[i].name, s, name_len) == 0)
			break;
	if (i == URI_ATTRS)
		return refuse(why, CAMCA_EINVAL, 400, "hsm.uri",
		    "PKCS#11 URI: unknown %s attribute (known: token, "
		    "manufacturer, model, serial, slot-id, object, id, "
		    "type=private; ?module-path, pin-source).",
		    query ? "query" : "path");
	if (*seen & 1u << i)
		return refuse(why, CAMCA_EINVAL, 400, "hsm.uri",
		    "PKCS#11 URI: %s is there twice.", uri_attrs[i].name);
	*seen |= 1u << i;
	return uri_value(&uri_attrs[i], eq + 1, n - name_len - 1, out, why);
}

/* The attributes of one part, which end at end. */
static int
uri_part(const char *s, const char *end, bool query, unsigned *seen,
    struct hsm_uri *out, struct refusal *why)
{
	const char *stop;
	int ret;

	if (s == end && !query)
		return CAMCA_OK; /* "pkcs11:" alone matches every token */
	for (;; s = stop + 1) {
		stop = memchr(s, query ? '&' : ';', (size_t)(end - s));
		if (stop == NULL)
			stop = end;
		ret = uri_attribute(s, (size_t)(stop - s), query, seen, out,
		    why);
		if (ret < 0 || stop == end)
			return ret;
	}
}

int
hsm_uri_parse(const char *text, struct hsm_uri *out, struct refusal *why)
{
	size_t n = strnlen(text, HSM_URI_MAX + 1);
	const char *end = text + n, *path = text + strlen("pkcs11:");
	const char *query;
	unsigned seen = 0;
	int ret;

	memset(out, 0, sizeof *out);
	if (n > HSM_URI_MAX)
		return refuse(why, CAMCA_EINVAL, 400, "hsm.uri",
		    "PKCS#11 URI: longer than %d bytes.", HSM_URI_MAX);
	/* RFC 3986 section 3.1: schemes are compared without case. */
	if (strncasecmp(text, "pkcs11:", strlen("pkcs11:")) != 0)
		return refuse(why, CAMCA_EINVAL, 400, "hsm.uri",
		    "A key or token is named by a URI that begins with "
		    "\"pkcs11:\" (RFC 7512).");
	query = memchr(path, '?', (size_t)(end - path));
	ret = uri_part(path, query != NULL ? query : end, false, &seen, out,
	    why);
	if (ret == CAMCA_OK && query != NULL)
		ret = uri_part(query + 1, end, true, &seen, out, why);
	if (ret < 0)
		memset(out, 0, sizeof *out);
	return ret;
}

int
hsm_uri_put(struct buf *out, const char *name, const void *p, size_t n,
    bool all_bytes)
{
	const uint8_t *b = p;
	size_t i;
	int ret;

	ret = buf_printf(out, "%s%s=",
	    out->len > 0 && out->data[out->len - 1] == ':' ? "" : ";", name);
	for (i = 0; i < n && ret == CAMCA_OK; i++)
		if (!all_bytes && b[i] < 0x80 &&
		    (uri_alnum((char)b[i]) ||
		    (b[i] != '\0' && strchr("-._~", b[i]) != NULL)))
			ret = buf_putc(out, b[i]);
		else
			ret = buf_printf(out, "%%%02X", b[i]);
	return ret;
}
