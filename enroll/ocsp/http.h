/* SPDX-License-Identifier: Apache-2.0 */
/* OCSP over HTTP: POST /ocsp and GET /ocsp/BASE64 (RFC 6960 appendix A). */
#ifndef CAMCA_OCSP_HTTP_H
#define CAMCA_OCSP_HTTP_H

#include <microhttpd.h>

#include "enroll/gate/conns.h"
#include "enroll/ocsp/responder.h"

struct ocsp_http;

/* From the URI callback, for an address that ocsp_uri_is(): rest is what
 * follows "/ocsp". NULL without memory. */
struct ocsp_http *ocsp_http_new(struct responder *r, struct conn *conn,
    struct MHD_Connection *mhd, const char *rest);
/* From the access handler. Nothing is answered before the whole request is
 * there: libmicrohttpd closes a connection that is answered earlier. */
CAMCA_MUST enum MHD_Result ocsp_http_access(struct ocsp_http *h,
    const char *method, const char *data, size_t *n);
/* From the completion callback: the answer has been sent, or never will be. */
void ocsp_http_free(struct ocsp_http *h);

#endif
