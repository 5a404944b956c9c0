/* SPDX-License-Identifier: Apache-2.0 */
/* Addresses of downloads: what AIA and CDP extensions name. */
#ifndef CAMCA_GATE_WEBURI_H
#define CAMCA_GATE_WEBURI_H

#include "enroll/gate/cache.h"

struct web_uri {
	enum cache_kind kind;
	char ski[CACHE_SKI_MAX + 1];   /* or serial, lower-case hex */
};

/* "/ca/SKI.cer", "/crl/SKI.crl" or "/cert/SERIAL.cer", 16 to 40 lower-case hex
 * digits; or
 * the same behind "http://authority" (RFC 9112 3.2.2). One spelling for each
 * resource. CAMCA_ENOENT with 404. */
CAMCA_MUST int web_uri_parse(struct web_uri *out, const char *uri,
    struct refusal *why);

#endif
