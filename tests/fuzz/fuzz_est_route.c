/* SPDX-License-Identifier: Apache-2.0 */
/* Any text as a request target: what leads somewhere is the one spelling of
 * that place. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "enroll/est/route.h"
#include "enroll/gate/weburi.h"
#include "tests/fuzz/replay.h"

/* The path of an absolute-form target. */
static const char *
path_of(const char *uri)
{
	const char *p = strstr(uri, "://");

	return p != NULL && uri[0] != '/' ? strchr(p + 3, '/') : uri;
}

static void
fuzz_est(const char *uri)
{
	struct refusal why = { 0 };
	struct est_route r;
	char want[EST_URI_MAX];

	if (est_route_parse(&r, uri, &why) < 0) {
		if (why.http != 404 || r.op != NULL)
			abort();
		return;
	}
	snprintf(want, sizeof want, "/.well-known/est/%s%s%s", r.label,
	    r.label[0] != '\0' ? "/" : "", r.op->name);
	if (strcmp(want, path_of(uri)) != 0)
		abort();
	(void)!est_route_method(&r, uri, &why);
}

static void
fuzz_web(const char *uri)
{
	struct refusal why = { 0 };
	struct web_uri u;
	char want[128];

	if (web_uri_parse(&u, uri, &why) < 0) {
		if (why.http != 404)
			abort();
		return;
	}
	snprintf(want, sizeof want, u.kind == CACHE_CERT ? "/ca/%s.cer" :
	    "/crl/%s.crl", u.ski);
	if (strcmp(want, path_of(uri)) != 0)
		abort();
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	char *uri = malloc(size + 1);

	if (uri == NULL)
		return 0;
	if (size > 0)
		memcpy(uri, data, size);
	uri[size] = '\0';
	fuzz_est(uri);
	fuzz_web(uri);
	free(uri);
	return 0;
}
