/* SPDX-License-Identifier: Apache-2.0 */
#include "enroll/gate/weburi.h"

#include <string.h>
#include <strings.h>

#define WEB_SKI_MIN 16
#define WEB_URI_MAX 512

static const struct {
	const char *before;
	const char *after;
	enum cache_kind kind;
} web_uris[] = {
	{ "/ca/", ".cer", CACHE_CERT },
	{ "/crl/", ".crl", CACHE_CRL },
	{ "/cert/", ".cer", CACHE_ISSUED },
};

static const char *
web_uri_path(const char *uri)
{
	const char *path;

	if (strncasecmp(uri, "http://", 7) != 0)
		return uri;
	path = strchr(uri + 7, '/');
	return path != NULL && path > uri + 7 ? path : "";
}

int
web_uri_parse(struct web_uri *out, const char *uri, struct refusal *why)
{
	const char *path = web_uri_path(uri), *ski;
	size_t i, n;

	memset(out, 0, sizeof *out);
	if (strnlen(uri, WEB_URI_MAX + 1) > WEB_URI_MAX)
		path = "";
	for (i = 0; i < sizeof web_uris / sizeof web_uris[0]; i++) {
		n = strlen(web_uris[i].before);
		if (strncmp(path, web_uris[i].before, n) != 0)
			continue;
		ski = path + n;
		n = strspn(ski, "0123456789abcdef");
		if (n < WEB_SKI_MIN || n > CACHE_SKI_MAX ||
		    strcmp(ski + n, web_uris[i].after) != 0)
			break;
		memcpy(out->ski, ski, n);
		out->kind = web_uris[i].kind;
		return CAMCA_OK;
	}
	return refuse(why, CAMCA_ENOENT, 404, "http.no-such-resource",
	    "There is nothing at this address.");
}
