/* SPDX-License-Identifier: Apache-2.0 */
/* HTTP/1.1 as strictly as a camera needs it: one request at a time; and
 * RTSP/1.0, which looks the same. */
#ifndef FAKE_HTTP_H
#define FAKE_HTTP_H

#include <openssl/ssl.h>
#include <stdbool.h>
#include <stddef.h>

#include "ca/base/buf.h"

#define HTTP_HEAD_MAX 16384
#define HTTP_BODY_MAX 1048576
#define HTTP_FIELDS 48

struct http_request {
	char method[12], target[256];
	struct { const char *name, *value; } field[HTTP_FIELDS];
	unsigned nfields;
	struct buf head, body;
	bool close;              /* the peer asks for it */
};

/* A connection, plain or TLS. */
struct http_link {
	int fd;
	SSL *ssl;                /* NULL = plain */
	bool rtsp;
	struct buf in;           /* read and not yet used */
};

void http_request_init(struct http_request *rq);
void http_request_fini(struct http_request *rq);
/* The value of a field, NULL where it is missing. */
const char *http_field(const struct http_request *rq, const char *name);
/* Reads one request. 0; CAMCA_ENOENT at the end of the connection; CAMCA_EIO,
 * CAMCA_ETIME; otherwise a refusal with *status set. */
CAMCA_MUST int http_read(struct http_link *l, struct http_request *rq,
    int *status);
/* Writes all of it. */
CAMCA_MUST int http_write(struct http_link *l, const void *p, size_t n);
/* Status line, fields and body. extra: whole fields with CRLF, or "". */
CAMCA_MUST int http_answer(struct http_link *l, int status, const char *type,
    const char *extra, const void *body, size_t n, bool close);
const char *http_reason(int status);

#endif
