/* SPDX-License-Identifier: Apache-2.0 */
#include "enroll/gate/http.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "ca/base/log.h"

const char *
http_field(struct MHD_Connection *m, const char *name)
{
	return MHD_lookup_connection_value(m, MHD_HEADER_KIND, name);
}

uint64_t
http_content_length(struct MHD_Connection *m)
{
	const char *s = http_field(m, MHD_HTTP_HEADER_CONTENT_LENGTH);

	/* libmicrohttpd has refused anything but digits, and overflow. */
	return s != NULL ? strtoull(s, NULL, 10) : 0;
}

bool
http_expects_continue(struct MHD_Connection *m)
{
	const char *s = http_field(m, MHD_HTTP_HEADER_EXPECT);

	return s != NULL && strcasecmp(s, "100-continue") == 0;
}

static void
http_number_field(struct MHD_Response *p, const char *name, int n)
{
	char text[16];

	snprintf(text, sizeof text, "%d", n);
	MHD_add_response_header(p, name, text);
}

/* Few and short: strongSwan reads the whole header from 1,024 bytes, libest at
 * most 16 lines. */
static void
http_fields(struct MHD_Response *p, const struct est_reply *r, bool closing)
{
	if (r->type != NULL)
		MHD_add_response_header(p, "Content-Type", r->type);
	/* RFC 8951 section 3 makes it meaningless; BouncyCastle wants it. */
	if (r->cte)
		MHD_add_response_header(p, "Content-Transfer-Encoding",
		    "base64");
	if (r->challenge)
		MHD_add_response_header(p, "WWW-Authenticate",
		    "Basic realm=\"camca\"");
	if (r->allow != NULL)
		MHD_add_response_header(p, "Allow", r->allow);
	if (r->retry_after_s > 0)
		http_number_field(p, "Retry-After", r->retry_after_s);
	if (r->etag[0] != '\0')
		MHD_add_response_header(p, "ETag", r->etag);
	if (r->cacheable) {
		MHD_add_response_header(p, "Cache-Control", "max-age=10");
		/* The base64 layout depends on these two. */
		MHD_add_response_header(p, "Vary", "User-Agent, Accept");
	} else {
		MHD_add_response_header(p, "Cache-Control", "no-store");
	}
	if (closing)
		MHD_add_response_header(p, "Connection", "close");
}

enum MHD_Result
http_answer(struct MHD_Connection *m, struct est_reply *r, bool closing)
{
	static char nothing[1];
	struct MHD_Response *p;
	enum MHD_Result ret;

	if (r->body.len > 0)
		p = MHD_create_response_from_buffer(r->body.len, r->body.data,
		    MHD_RESPMEM_MUST_FREE);
	else
		p = MHD_create_response_from_buffer(0, nothing,
		    MHD_RESPMEM_PERSISTENT);
	if (p == NULL)
		return MHD_NO;
	if (r->body.len > 0)
		buf_init(&r->body, 0);
	http_fields(p, r, closing);
	ret = MHD_queue_response(m, r->status, p);
	MHD_destroy_response(p);
	return ret;
}

size_t
http_keep(void *arg, struct MHD_Connection *m, char *s)
{
	(void)arg;
	(void)m;
	return strlen(s);
}

void
http_log(void *arg, const char *fmt, va_list ap)
{
	char text[256];

	(void)arg;
#pragma GCC diagnostic push
#pragma GCC diagnostic ignored "-Wformat-nonliteral"
	vsnprintf(text, sizeof text, fmt, ap);
#pragma GCC diagnostic pop
	text[strcspn(text, "\n")] = '\0';
	log_msg(LOG_TRACE, "http", "%s", text);
}
