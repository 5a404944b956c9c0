/* SPDX-License-Identifier: Apache-2.0 */
/* OCSP over GET (RFC 6960 A.1): the request in the address, as clients of all
 * kinds spell it. */
#ifndef CAMCA_OCSP_URI_H
#define CAMCA_OCSP_URI_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "ca/base/err.h"
#include "enroll/ocsp/request.h"

/* Is this raw address "/ocsp" or below it, with or without "http://authority"
 * before it? *rest_out is then what follows "/ocsp", borrowed from uri. */
bool ocsp_uri_is(const char *uri, const char **rest_out);

/* The request in rest: any number of slashes, then base64, its '+', '/' and '='
 * raw or percent-encoded in either case, padded or not; slashes inside are
 * digits, never collapsed. CAMCA_EINVAL for anything else, nothing at all, a
 * query, and what would be longer than OCSP_REQUEST_MAX. Any thread. */
CAMCA_MUST int ocsp_uri_decode(const char *rest,
    uint8_t out[static OCSP_REQUEST_MAX], size_t *len_out);

#endif
