/* SPDX-License-Identifier: Apache-2.0 */
/* What both listeners need of libmicrohttpd. */
#ifndef CAMCA_GATE_HTTP_H
#define CAMCA_GATE_HTTP_H

#include <microhttpd.h>
#include <stdbool.h>
#include <stdint.h>

#include "ca/base/err.h"
#include "enroll/est/reply.h"

/* A request may use this much for its header fields. */
#define HTTP_HEADER_MEMORY (16u * 1024)

/* Value of a request header field, NULL where missing; borrowed. */
const char *http_field(struct MHD_Connection *m, const char *name);
/* The announced length of the body; 0 for none or chunked. */
uint64_t http_content_length(struct MHD_Connection *m);
/* Does the client hold the body back until 100 Continue? */
bool http_expects_continue(struct MHD_Connection *m);

/* Queues r, whose body is given away; r is empty afterwards. With closing, the
 * connection ends after it. Always with Content-Length, never chunked. */
CAMCA_MUST enum MHD_Result http_answer(struct MHD_Connection *m,
    struct est_reply *r, bool closing);

/* For MHD_OPTION_UNESCAPE_CALLBACK: leaves everything as it came. */
size_t http_keep(void *arg, struct MHD_Connection *m, char *s);
/* For MHD_OPTION_EXTERNAL_LOGGER: what peers do wrong is worth a trace. */
void http_log(void *arg, const char *fmt, va_list ap);

#endif
