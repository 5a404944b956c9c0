/* SPDX-License-Identifier: Apache-2.0 */
#include <ctype.h>
#include <stdio.h>
#include <string.h>

#include "enroll/onvif/http.h"
#include "enroll/onvif/trouble.h"

bool
onvif_path_ok(const char *s)
{
	size_t n = strlen(s), i;

	if (n == 0 || n >= ONVIF_PATH_MAX || s[0] != '/')
		return false;
	for (i = 0; i < n; i++)
		if (s[i] <= 0x20 || s[i] >= 0x7f || s[i] == '#' ||
		    s[i] == '\\' || s[i] == '"' || s[i] == '<' || s[i] == '>')
			return false;
	return true;
}

/* Name or address; nothing that could end a URL's host early. */
static bool
onvif_host_ok(const char *s)
{
	size_t n = strlen(s), i;

	if (n == 0 || n >= ONVIF_HOST_MAX || s[0] == '-' || s[0] == '.')
		return false;
	for (i = 0; i < n; i++)
		if (!isalnum((unsigned char)s[i]) &&
		    strchr("-._:", s[i]) == NULL)
			return false;
	return true;
}

int
onvif_link_copy(struct onvif_link *out, const struct cam_link *link,
    struct cam_why *why)
{
	const char *path = link->path != NULL ? link->path :
	    ONVIF_DEVICE_PATH;
	const char *name = link->name != NULL ? link->name : link->host;

	if (link->host == NULL || !onvif_host_ok(link->host) ||
	    link->port == 0 || !onvif_path_ok(path) || !onvif_host_ok(name))
		return cam_fail(why, CAMCA_EINVAL, CAM_INTERNAL, "Host, port "
		    "or path of the camera is not one.");
	if (link->scheme == CAM_HTTPS && link->leaf_sha256 == NULL &&
	    link->trust == NULL)
		return cam_fail(why, CAMCA_EINVAL, CAM_INTERNAL, "HTTPS "
		    "needs a pinned certificate or a CA to believe.");
	memset(out, 0, sizeof *out);
	out->scheme = link->scheme;
	out->port = link->port;
	snprintf(out->host, sizeof out->host, "%s", link->host);
	snprintf(out->path, sizeof out->path, "%s", path);
	snprintf(out->name, sizeof out->name, "%s", name);
	if (link->leaf_sha256 != NULL)
		memcpy(out->leaf_sha256, link->leaf_sha256, 32);
	out->has_leaf = link->leaf_sha256 != NULL;
	if (link->trust != NULL && X509_STORE_up_ref(link->trust) == 1)
		out->trust = link->trust;
	return CAMCA_OK;
}

void
onvif_link_fini(struct onvif_link *l)
{
	X509_STORE_free(l->trust);
	memset(l, 0, sizeof *l);
}
