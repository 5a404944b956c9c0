/* SPDX-License-Identifier: Apache-2.0 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>

#include "tests/fake-camera/http.h"

void
http_request_init(struct http_request *rq)
{
	memset(rq, 0, sizeof *rq);
	buf_init(&rq->head, HTTP_HEAD_MAX);
	buf_init(&rq->body, HTTP_BODY_MAX);
}

void
http_request_fini(struct http_request *rq)
{
	buf_cleanse(&rq->head);
	buf_cleanse(&rq->body);
}

const char *
http_field(const struct http_request *rq, const char *name)
{
	unsigned i;

	for (i = 0; i < rq->nfields; i++)
		if (strcasecmp(rq->field[i].name, name) == 0)
			return rq->field[i].value;
	return NULL;
}

const char *
http_reason(int status)
{
	switch (status) {
	case 200: return "OK";
	case 400: return "Bad Request";
	case 401: return "Unauthorized";
	case 403: return "Forbidden";
	case 404: return "Not Found";
	case 405: return "Method Not Allowed";
	case 411: return "Length Required";
	case 413: return "Content Too Large";
	case 415: return "Unsupported Media Type";
	case 423: return "Locked";
	case 429: return "Too Many Requests";
	case 431: return "Request Header Fields Too Large";
	default: return "Internal Server Error";
	}
}

static int
http_more(struct http_link *l, uint8_t *p, size_t n)
{
	ssize_t k;

	if (l->ssl != NULL)
		k = SSL_read(l->ssl, p, (int)n);
	else
		do
			k = recv(l->fd, p, n, 0);
		while (k < 0 && errno == EINTR);
	if (k > 0)
		return (int)k;
	return k == 0 ? CAMCA_ENOENT : CAMCA_EIO;
}

/* More bytes into l->in. */
static int
http_fill(struct http_link *l)
{
	uint8_t chunk[4096];
	int k = http_more(l, chunk, sizeof chunk);

	return k < 0 ? k : buf_put(&l->in, chunk, (size_t)k);
}

static int
http_take_head(struct http_link *l, struct http_request *rq, int *status)
{
	const char *end;
	size_t n;
	int ret;

	for (;;) {
		end = l->in.len > 0 ? memmem(l->in.data, l->in.len,
		    "\r\n\r\n", 4) : NULL;
		if (end != NULL)
			break;
		/* TLS to the plain door, and the like: no use in waiting. */
		if (l->in.len > 0 && (l->in.data[0] < 'A' ||
		    l->in.data[0] > 'Z')) {
			*status = 400;
			return CAMCA_EPROTO;
		}
		if (l->in.len > HTTP_HEAD_MAX - 8) {
			*status = 431;
			return CAMCA_ELIMIT;
		}
		if ((ret = http_fill(l)) < 0)
			return ret;
	}
	n = (size_t)(end - (const char *)l->in.data) + 4;
	if ((ret = buf_put(&rq->head, l->in.data, n)) == 0)
		buf_shift(&l->in, n);
	return ret;
}

static bool
http_token(const char *s, size_t n)
{
	size_t i;

	for (i = 0; i < n; i++)
		if (strchr("!#$%&'*+-.^_`|~", s[i]) == NULL &&
		    !(s[i] >= '0' && s[i] <= '9') &&
		    !((s[i] | 32) >= 'a' && (s[i] | 32) <= 'z'))
			return false;
	return n > 0;
}

/* METHOD SP TARGET SP HTTP/1.1, or of RTSP the whole URL. */
static bool
http_first_line(struct http_request *rq, bool rtsp, char *line, int *status)
{
	const char *version = rtsp ? "RTSP/1.0" : "HTTP/1.1";
	const char *begin = rtsp ? "rtsp://" : "/";
	char *sp1 = strchr(line, ' '), *sp2;
	size_t n;

	if (sp1 == NULL || (sp2 = strchr(sp1 + 1, ' ')) == NULL)
		return false;
	if (rtsp && strcmp(sp2 + 1, "RTSP/2.0") == 0)
		*status = 505;
	if (strcmp(sp2 + 1, version) != 0)
		return false;
	n = (size_t)(sp1 - line);
	if (n >= sizeof rq->method || !http_token(line, n) ||
	    (size_t)(sp2 - sp1 - 1) >= sizeof rq->target ||
	    strncmp(sp1 + 1, begin, strlen(begin)) != 0)
		return false;
	snprintf(rq->method, sizeof rq->method, "%.*s", (int)n, line);
	snprintf(rq->target, sizeof rq->target, "%.*s",
	    (int)(sp2 - sp1 - 1), sp1 + 1);
	return true;
}

static bool
http_one_field(struct http_request *rq, char *line)
{
	char *colon = strchr(line, ':'), *v;
	size_t k;

	if (colon == NULL || !http_token(line, (size_t)(colon - line)) ||
	    rq->nfields == HTTP_FIELDS)
		return false;
	*colon = '\0';
	v = colon + 1 + strspn(colon + 1, " \t");
	for (k = strlen(v); k > 0 && (v[k - 1] == ' ' || v[k - 1] == '\t');
	    k--)
		v[k - 1] = '\0';
	rq->field[rq->nfields].name = line;
	rq->field[rq->nfields++].value = v;
	return true;
}

/* The head is cut into strings in place. */
static int
http_parse_head(struct http_request *rq, bool rtsp, int *status)
{
	char *line = (char *)rq->head.data, *end;
	bool first = true;

	if (memchr(rq->head.data, '\0', rq->head.len) != NULL)
		return CAMCA_EINVAL;
	while ((end = strstr(line, "\r\n")) != NULL && end != line) {
		*end = '\0';
		if (strpbrk(line, "\r\n") != NULL || !(first ?
		    http_first_line(rq, rtsp, line, status) :
		    http_one_field(rq, line)))
			return CAMCA_EINVAL;
		first = false;
		line = end + 2;
	}
	return first || http_field(rq, rtsp ? "CSeq" : "Host") == NULL ?
	    CAMCA_EINVAL : CAMCA_OK;
}

static int
http_length(const struct http_request *rq, size_t *out, int *status)
{
	const char *v = http_field(rq, "Content-Length");

	*out = 0;
	if (http_field(rq, "Transfer-Encoding") != NULL ||
	    (v == NULL && strcmp(rq->method, "POST") == 0)) {
		*status = 411;
		return CAMCA_EPROTO;
	}
	if (v == NULL)
		return CAMCA_OK;
	if (*v == '\0' || strlen(v) > 9 ||
	    strspn(v, "0123456789") != strlen(v))
		return CAMCA_EINVAL;
	*out = (size_t)strtoul(v, NULL, 10);
	if (*out > HTTP_BODY_MAX) {
		*status = 413;
		return CAMCA_ELIMIT;
	}
	return CAMCA_OK;
}

static int
http_take_body(struct http_link *l, struct http_request *rq, size_t n)
{
	const char *expect = http_field(rq, "Expect");
	int ret;

	if (expect != NULL && strcasecmp(expect, "100-continue") == 0 &&
	    l->in.len < n && (ret = http_write(l,
	    "HTTP/1.1 100 Continue\r\n\r\n", 25)) < 0)
		return ret;
	while (l->in.len < n)
		if ((ret = http_fill(l)) < 0)
			return ret;
	if (n == 0)
		return CAMCA_OK;
	if ((ret = buf_put(&rq->body, l->in.data, n)) == 0)
		buf_shift(&l->in, n);
	return ret;
}

int
http_read(struct http_link *l, struct http_request *rq, int *status)
{
	const char *v;
	size_t n;
	int ret;

	*status = 0;
	if ((ret = http_take_head(l, rq, status)) < 0)
		return ret;
	*status = 400;
	if ((ret = http_parse_head(rq, l->rtsp, status)) < 0 ||
	    (ret = http_length(rq, &n, status)) < 0)
		return ret;
	v = http_field(rq, "Connection");
	rq->close = v != NULL && strcasecmp(v, "close") == 0;
	*status = 0;
	return http_take_body(l, rq, n);
}

int
http_write(struct http_link *l, const void *p, size_t n)
{
	const uint8_t *s = p;
	ssize_t k;

	while (n > 0) {
		if (l->ssl != NULL)
			k = SSL_write(l->ssl, s, (int)(n > 65536 ? 65536 : n));
		else
			k = send(l->fd, s, n, MSG_NOSIGNAL);
		if (k < 0 && l->ssl == NULL && errno == EINTR)
			continue;
		if (k <= 0)
			return CAMCA_EIO;
		s += k;
		n -= (size_t)k;
	}
	return CAMCA_OK;
}

int
http_answer(struct http_link *l, int status, const char *type,
    const char *extra, const void *body, size_t n, bool close)
{
	struct buf b;
	int ret;

	buf_init(&b, 0);
	ret = buf_printf(&b, "HTTP/1.1 %d %s\r\nContent-Type: %s\r\n"
	    "Content-Length: %zu\r\n%s%s\r\n", status, http_reason(status),
	    type, n, extra, close ? "Connection: close\r\n" : "");
	if (ret == 0 && n > 0)
		ret = buf_put(&b, body, n);
	if (ret == 0)
		ret = http_write(l, b.data, b.len);
	buf_cleanse(&b);
	return ret;
}
