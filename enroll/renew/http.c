/* SPDX-License-Identifier: Apache-2.0 */
#include "enroll/renew/http.h"

#include <ctype.h>
#include <stdio.h>
#include <string.h>
#include <strings.h>
#include <time.h>

#ifndef CAMCA_VERSION
#define CAMCA_VERSION "0"
#endif
#define HTTP_INTERIM_MAX 4u

void
http_reader_init(struct http_reader *r, int64_t now_s)
{
	memset(r, 0, sizeof *r);
	buf_init(&r->body, HTTP_BODY_MAX);
	buf_init(&r->line, HTTP_LINE_MAX);
	r->retry_after_s = -1;
	r->now_s = now_s;
}

void
http_reader_fini(struct http_reader *r)
{
	buf_fini(&r->body);
	buf_fini(&r->line);
}

static int
http_bad(struct http_reader *r, struct refusal *why, const char *what)
{
	r->state = HTTP_BROKEN;
	return refuse(why, CAMCA_EPROTO, 502, "http.malformed",
	    "The server's HTTP response is malformed: %s.", what);
}

static int
http_too_large(struct http_reader *r, struct refusal *why, const char *what)
{
	r->state = HTTP_BROKEN;
	return refuse(why, CAMCA_ELIMIT, 502, "http.too-large",
	    "The server's HTTP response is too large: %s.", what);
}

/* "HTTP/1.1 200 OK": the reason may be empty, the rest may not vary. */
static int
http_status_line(struct http_reader *r, struct refusal *why)
{
	const char *s = buf_str(&r->line);

	if (r->line.len < 12 || strncmp(s, "HTTP/1.", 7) != 0 ||
	    (s[7] != '0' && s[7] != '1') || s[8] != ' ' ||
	    strspn(s + 9, "0123456789") != 3 ||
	    (s[12] != '\0' && s[12] != ' ') || s[9] < '1' || s[9] > '5')
		return http_bad(r, why, "the status line");
	r->http10 = s[7] == '0';
	r->keep_alive = !r->http10;
	r->status = (s[9] - '0') * 100 + (s[10] - '0') * 10 + (s[11] - '0');
	r->state = HTTP_HEADER;
	return CAMCA_OK;
}

/* Checked against the body limit before a byte of it is taken. */
static int
http_content_length(struct http_reader *r, const char *v, struct refusal *why)
{
	size_t n = strlen(v), i;
	uint64_t len = 0;

	if (n == 0 || n > 18 || strspn(v, "0123456789") != n)
		return http_bad(r, why, "Content-Length is not a number");
	for (i = 0; i < n; i++)
		len = len * 10 + (uint64_t)(v[i] - '0');
	/* RFC 9112 6.3: two that differ are an attack or a bug. */
	if (r->has_length && r->left != len)
		return http_bad(r, why, "two different Content-Lengths");
	if (len > HTTP_BODY_MAX)
		return http_too_large(r, why, "Content-Length");
	r->has_length = true;
	r->left = len;
	return CAMCA_OK;
}

/* Delta-seconds, or the one HTTP-date form that may still be sent
 * (RFC 9110 5.6.7). What cannot be read counts as absent. */
static void
http_retry_after(struct http_reader *r, const char *v)
{
	size_t n = strlen(v), i;
	const char *end;
	struct tm tm;
	int64_t t = 0;

	if (n > 0 && strspn(v, "0123456789") == n) {
		for (i = 0; i < n && t < INT32_MAX; i++)
			t = t * 10 + (v[i] - '0');
		r->retry_after_s = t < INT32_MAX ? t : INT32_MAX;
		return;
	}
	memset(&tm, 0, sizeof tm);
	end = strptime(v, "%a, %d %b %Y %H:%M:%S GMT", &tm);
	if (end == NULL || *end != '\0')
		return;
	t = (int64_t)timegm(&tm) - r->now_s;
	r->retry_after_s = t < 0 ? 0 : t < INT32_MAX ? t : INT32_MAX;
}

/* The media type alone: parameters differ between servers (RFC 8951 3). */
static void
http_content_type(struct http_reader *r, const char *v)
{
	size_t n = strcspn(v, "; \t"), i;

	if (n >= sizeof r->content_type)
		n = 0;
	for (i = 0; i < n; i++)
		r->content_type[i] = (char)tolower((unsigned char)v[i]);
	r->content_type[n] = '\0';
}

/* A field whose value matters to us; the others are only checked for form. */
static int
http_field(struct http_reader *r, const char *name, const char *v,
    struct refusal *why)
{
	if (strcasecmp(name, "Content-Length") == 0)
		return http_content_length(r, v, why);
	if (strcasecmp(name, "Transfer-Encoding") == 0) {
		if (r->chunked || r->http10 || strcasecmp(v, "chunked") != 0)
			return http_bad(r, why, "Transfer-Encoding is not "
			    "\"chunked\"");
		r->chunked = true;
	} else if (strcasecmp(name, "Connection") == 0) {
		if (strcasestr(v, "close") != NULL)
			r->keep_alive = false;
	} else if (strcasecmp(name, "Retry-After") == 0) {
		http_retry_after(r, v);
	} else if (strcasecmp(name, "Content-Type") == 0) {
		http_content_type(r, v);
	}
	return CAMCA_OK;
}

/* Splits "Name: value" in place; RFC 9112 5.1 forbids a space before ':'. */
static int
http_header_line(struct http_reader *r, struct refusal *why)
{
	static const char token[] = "!#$%&'*+-.^_`|~0123456789"
	    "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ";
	char *s = (char *)r->line.data;
	size_t n = strspn(s, token), len = r->line.len;
	char *v;

	if (++r->headers > HTTP_HEADERS_MAX)
		return http_too_large(r, why, "number of header fields");
	if (n == 0 || s[n] != ':')
		return http_bad(r, why, "a header field");
	s[n] = '\0';
	v = s + n + 1;
	v += strspn(v, " \t");
	while (len > 0 && s + len > v &&
	    (s[len - 1] == ' ' || s[len - 1] == '\t'))
		s[--len] = '\0';
	return http_field(r, s, v, why);
}

/* The empty line after the header: RFC 9112 6.3 says how the body ends. */
static int
http_head_end(struct http_reader *r, struct refusal *why)
{
	if (r->status < 200) {
		if (r->status == 101 || ++r->interim > HTTP_INTERIM_MAX)
			return http_bad(r, why, "unexpected interim responses");
		r->has_length = r->chunked = false;
		r->left = 0;
		r->state = HTTP_STATUS_LINE;
		return CAMCA_OK;
	}
	if (r->chunked && r->has_length)
		return http_bad(r, why, "both Content-Length and chunked");
	if (r->status == 204 || r->status == 304)
		r->state = HTTP_DONE;
	else if (r->chunked)
		r->state = HTTP_CHUNK_SIZE;
	else if (r->has_length)
		r->state = r->left > 0 ? HTTP_BODY_LENGTH : HTTP_DONE;
	else {
		r->keep_alive = false;
		r->state = HTTP_BODY_CLOSE;
	}
	return CAMCA_OK;
}

/* "1f;ext=1": hexadecimal size, extensions are passed over. */
static int
http_chunk_size(struct http_reader *r, struct refusal *why)
{
	const char *s = buf_str(&r->line);
	size_t n = strspn(s, "0123456789abcdefABCDEF"), i;
	uint64_t size = 0;

	if (n == 0 || n > 8 || (s[n] != '\0' && s[n] != ';' && s[n] != ' ' &&
	    s[n] != '\t'))
		return http_bad(r, why, "a chunk size");
	for (i = 0; i < n; i++)
		size = size * 16 + (uint64_t)(isdigit((unsigned char)s[i]) ?
		    s[i] - '0' : tolower((unsigned char)s[i]) - 'a' + 10);
	if (size > HTTP_BODY_MAX)
		return http_too_large(r, why, "a chunk");
	r->left = size;
	r->state = size > 0 ? HTTP_CHUNK_DATA : HTTP_TRAILER;
	return CAMCA_OK;
}

/* One whole line, CR LF removed, is in r->line. */
static int
http_line(struct http_reader *r, struct refusal *why)
{
	bool empty = r->line.len == 0;

	switch (r->state) {
	case HTTP_STATUS_LINE:
		return http_status_line(r, why);
	case HTTP_HEADER:
		return empty ? http_head_end(r, why) : http_header_line(r, why);
	case HTTP_CHUNK_SIZE:
		return http_chunk_size(r, why);
	case HTTP_CHUNK_END:
		if (!empty)
			return http_bad(r, why, "no line end after a chunk");
		r->state = HTTP_CHUNK_SIZE;
		return CAMCA_OK;
	case HTTP_TRAILER:
		/* Nothing that a trailer could say matters here. */
		r->state = empty ? HTTP_DONE : HTTP_TRAILER;
		return CAMCA_OK;
	default:
		return http_bad(r, why, "state");
	}
}

/* Adds one byte of a line. Bare CR or LF and control characters are refused:
 * readers that disagree on where a line ends can be played against each
 * other (RFC 9112 11.1). */
static int
http_line_byte(struct http_reader *r, uint8_t c, struct refusal *why)
{
	size_t n = r->line.len;
	int ret;

	if (++r->head_bytes > HTTP_HEAD_MAX)
		return http_too_large(r, why, "header");
	if (n > 0 && r->line.data[n - 1] == '\r') {
		if (c != '\n')
			return http_bad(r, why, "a CR without LF");
		r->line.data[--r->line.len] = '\0';
		ret = http_line(r, why);
		buf_reset(&r->line);
		return ret;
	}
	if (c == '\n' || (c < 0x20 && c != '\t' && c != '\r') || c == 0x7f)
		return http_bad(r, why, "a control character in a line");
	ret = buf_putc(&r->line, c);
	return ret == CAMCA_ELIMIT ? http_too_large(r, why, "line") : ret;
}

/* Takes what of p belongs to the body; returns how much, or an error. */
static int
http_body_bytes(struct http_reader *r, const void *p, size_t n, size_t *used,
    struct refusal *why)
{
	bool close = r->state == HTTP_BODY_CLOSE;
	int ret;

	if (!close && n > r->left)
		n = (size_t)r->left;
	ret = buf_put(&r->body, p, n);
	if (ret == CAMCA_ELIMIT)
		return http_too_large(r, why, "body");
	if (ret < 0)
		return ret;
	*used += n;
	if (close)
		return CAMCA_OK;
	r->left -= n;
	if (r->left == 0)
		r->state = r->state == HTTP_CHUNK_DATA ? HTTP_CHUNK_END :
		    HTTP_DONE;
	return CAMCA_OK;
}

/* One byte at a time through the lines, in blocks through the body: lines are
 * few, and a reader that cannot look ahead cannot be led astray. */
int
http_reader_feed(struct http_reader *r, const void *p, size_t n,
    size_t *used_out, struct refusal *why)
{
	const uint8_t *in = p;
	size_t i = 0;
	int ret = CAMCA_OK;

	while (i < n && r->state != HTTP_DONE && ret == CAMCA_OK) {
		if (r->state == HTTP_BODY_LENGTH ||
		    r->state == HTTP_BODY_CLOSE || r->state == HTTP_CHUNK_DATA)
			ret = http_body_bytes(r, in + i, n - i, &i, why);
		else
			ret = http_line_byte(r, in[i++], why);
	}
	*used_out = i;
	if (ret < 0)
		return ret;
	return r->state == HTTP_DONE;
}

int
http_reader_eof(struct http_reader *r, struct refusal *why)
{
	if (r->state == HTTP_BODY_CLOSE)
		r->state = HTTP_DONE;
	if (r->state == HTTP_DONE)
		return CAMCA_OK;
	return http_bad(r, why, "it ends too early");
}

int
http_request(struct buf *out, const struct url *url, const char *op,
    const char *content_type, const struct buf *body, const char *auth)
{
	bool v6 = url->is_ip && strchr(url->host, ':') != NULL;
	int ret;

	ret = buf_printf(out, "%s %s/%s HTTP/1.1\r\nHost: %s%s%s:%s\r\n"
	    "User-Agent: camca-renew/" CAMCA_VERSION "\r\nAccept: */*\r\n",
	    body != NULL ? "POST" : "GET", url->base, op, v6 ? "[" : "",
	    url->host, v6 ? "]" : "", url->port);
	if (ret == CAMCA_OK && auth != NULL)
		ret = buf_printf(out, "Authorization: Basic %s\r\n", auth);
	/* RFC 8951 3: servers ignore Content-Transfer-Encoding; older ones
	 * want it. */
	if (ret == CAMCA_OK && body != NULL)
		ret = buf_printf(out, "Content-Type: %s\r\n"
		    "Content-Transfer-Encoding: base64\r\n"
		    "Content-Length: %zu\r\n", content_type, body->len);
	if (ret == CAMCA_OK)
		ret = buf_puts(out, "\r\n");
	if (ret == CAMCA_OK && body != NULL)
		ret = buf_put(out, body->data, body->len);
	return ret;
}
