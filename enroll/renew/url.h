/* SPDX-License-Identifier: Apache-2.0 */
/* Where the EST server is: an https URL, taken apart and checked once. */
#ifndef CAMCA_RENEW_URL_H
#define CAMCA_RENEW_URL_H

#include <stdbool.h>

#include "ca/base/refusal.h"

#define URL_HOST_MAX 254
#define URL_BASE_MAX 128

struct url {
	char host[URL_HOST_MAX];  /* name or address, without brackets */
	char port[6];
	char base[URL_BASE_MAX];  /* "/.well-known/est[/label]", no final '/' */
	bool is_ip;               /* host is an address literal */
};

/* Reads "https://host[:port][/.well-known/est[/label]]". label adds the
 * additional path segment of RFC 7030 section 3.2.2 and may be NULL; it must
 * not be given twice. Only unreserved characters may stand in a path, so that
 * nothing here can end a request line. CAMCA_EINVAL fills why. */
CAMCA_MUST int url_parse(struct url *out, const char *text, const char *label,
    struct refusal *why);

#endif
