/* SPDX-License-Identifier: Apache-2.0 */
/* HTTP/1.1 as far as an EST client needs it (RFC 9112): requests are built,
 * responses are read by a strict state machine that never waits. */
#ifndef CAMCA_RENEW_HTTP_H
#define CAMCA_RENEW_HTTP_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "ca/base/buf.h"
#include "ca/base/refusal.h"
#include "enroll/renew/url.h"

#define HTTP_LINE_MAX 4096u
#define HTTP_HEAD_MAX 16384u
#define HTTP_HEADERS_MAX 64u
#define HTTP_BODY_MAX (256u * 1024)

enum http_state {
	HTTP_STATUS_LINE,
	HTTP_HEADER,
	HTTP_BODY_LENGTH,
	HTTP_BODY_CLOSE,
	HTTP_CHUNK_SIZE,
	HTTP_CHUNK_DATA,
	HTTP_CHUNK_END,
	HTTP_TRAILER,
	HTTP_DONE,
	HTTP_BROKEN
};

struct http_reader {
	enum http_state state;
	int status;               /* 200..599 */
	bool keep_alive;          /* another request may follow */
	int64_t retry_after_s;    /* -1 where the header is missing */
	char content_type[96];    /* lower case, without parameters */
	struct buf body;
	/* private */
	struct buf line;
	int64_t now_s;
	size_t head_bytes;
	unsigned headers;
	unsigned interim;
	uint64_t left;
	bool has_length;
	bool chunked;
	bool http10;
};

/* Ready for one response. now_s (UTC) turns a Retry-After date into seconds. */
void http_reader_init(struct http_reader *r, int64_t now_s);
void http_reader_fini(struct http_reader *r);
/* Takes n bytes as they come. 1: the response is whole, *used_out of the bytes
 * belong to it; 0: more is needed; CAMCA_EPROTO or CAMCA_ELIMIT with why:
 * the peer broke RFC 9112 or a limit above, close the connection. */
CAMCA_MUST int http_reader_feed(struct http_reader *r, const void *p, size_t n,
    size_t *used_out, struct refusal *why);
/* The peer ended the connection properly (TLS close_notify). 0 where that ends
 * the response, CAMCA_EPROTO where bytes are missing. */
CAMCA_MUST int http_reader_eof(struct http_reader *r, struct refusal *why);

/* One request. op is the EST operation ("cacerts"). With body, a POST of
 * content_type; else a GET. auth (base64 of "user:secret", may be NULL)
 * becomes HTTP Basic, RFC 7617. Appends to out; treat out as a secret. */
CAMCA_MUST int http_request(struct buf *out, const struct url *url,
    const char *op, const char *content_type, const struct buf *body,
    const char *auth);

#endif
