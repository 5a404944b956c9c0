/* SPDX-License-Identifier: Apache-2.0 */
#include "enroll/est/route.h"

#include <stddef.h>
#include <string.h>
#include <strings.h>

#define EST_PREFIX "/.well-known/est/"

/* libest compares the enrollment type byte by byte: one space after ';'. */
#define EST_BAG "application/pkcs7-mime"
#define EST_CERTS_ONLY "application/pkcs7-mime; smime-type=certs-only"

/* /serverkeygen stays off: RFC 7030 section 6 recommends that. */
static const struct est_operation operations[] = {
	{ "cacerts", "est.cacerts", "GET, HEAD", NULL, EST_BAG, false, true },
	{ "csrattrs", "est.csrattrs", "GET, HEAD", NULL,
	    "application/csrattrs", false, false },
	{ "simpleenroll", "est.enroll", "POST", "application/pkcs10",
	    EST_CERTS_ONLY, true, false },
	{ "simplereenroll", "est.reenroll", "POST", "application/pkcs10",
	    EST_CERTS_ONLY, true, false },
	{ "serverkeygen", NULL, "POST", NULL, NULL, true, false },
	{ "fullcmc", NULL, "POST", NULL, NULL, true, false },
};

static const struct est_operation *
est_route_find(const char *s, size_t n)
{
	size_t i;

	for (i = 0; i < sizeof operations / sizeof operations[0]; i++)
		if (strlen(operations[i].name) == n &&
		    memcmp(operations[i].name, s, n) == 0)
			return &operations[i];
	return NULL;
}

/* RFC 3986 unreserved characters only, and no dot segment. An operation's name
 * is no label (RFC 7030 3.2.2): /cacerts/cacerts would be ambiguous. */
static bool
est_route_label_ok(const char *s, size_t n)
{
	static const char unreserved[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZ"
	    "abcdefghijklmnopqrstuvwxyz0123456789-._~";
	size_t i;

	if (n == 0 || n > EST_LABEL_MAX)
		return false;
	for (i = 0; i < n; i++)
		if (memchr(unreserved, s[i], sizeof unreserved - 1) == NULL)
			return false;
	if (s[0] == '.' && (n == 1 || (n == 2 && s[1] == '.')))
		return false;
	return est_route_find(s, n) == NULL;
}

/* The path of an absolute-form target; others as they are. */
static const char *
est_route_path(const char *uri)
{
	const char *path;

	if (strncasecmp(uri, "https://", 8) != 0)
		return uri;
	path = strchr(uri + 8, '/');
	return path != NULL && path > uri + 8 ? path : "";
}

int
est_route_parse(struct est_route *out, const char *uri, struct refusal *why)
{
	const char *path = est_route_path(uri), *rest, *slash;
	size_t n;

	memset(out, 0, sizeof *out);
	if (strnlen(uri, EST_URI_MAX + 1) > EST_URI_MAX ||
	    strncmp(path, EST_PREFIX, sizeof EST_PREFIX - 1) != 0)
		goto unknown;
	rest = path + sizeof EST_PREFIX - 1;
	slash = strchr(rest, '/');
	if (slash != NULL) {
		n = (size_t)(slash - rest);
		if (!est_route_label_ok(rest, n))
			goto unknown;
		memcpy(out->label, rest, n);
		rest = slash + 1;
	}
	out->op = est_route_find(rest, strlen(rest));
	if (out->op != NULL)
		return CAMCA_OK;
unknown:
	memset(out, 0, sizeof *out);
	return refuse(why, CAMCA_ENOENT, 404, "est.no-such-resource",
	    "There is nothing at this address; EST is at "
	    "/.well-known/est/[label/]operation.");
}

int
est_route_method(const struct est_route *r, const char *method,
    struct refusal *why)
{
	bool fits = r->op->post ? strcmp(method, "POST") == 0 :
	    strcmp(method, "GET") == 0 || strcmp(method, "HEAD") == 0;

	if (!fits)
		return refuse(why, CAMCA_EINVAL, 405, "est.method",
		    "/%s takes %s only.", r->op->name, r->op->allow);
	if (r->op->call == NULL)
		return refuse(why, CAMCA_EINVAL, 501, "est.not-offered",
		    "This server does not offer /%s.", r->op->name);
	return CAMCA_OK;
}
