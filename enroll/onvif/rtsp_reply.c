/* SPDX-License-Identifier: Apache-2.0 */
/* The head of an RTSP reply (RFC 2326 section 7, RFC 7826 section 8): a status
 * line, then fields as those of HTTP. */
#include <string.h>
#include <strings.h>

#include "enroll/onvif/rtsp.h"

#define RTSP_LINE_MAX 8192u

void
rtsp_reply_fini(struct rtsp_reply *r)
{
	buf_fini(&r->offers);
}

/* Digits alone, at most max; false for anything else. */
static bool
rtsp_number(const char *s, size_t n, int64_t max, int64_t *out)
{
	int64_t v = 0;
	size_t i;

	if (n == 0 || n > 18)
		return false;
	for (i = 0; i < n; i++) {
		if (s[i] < '0' || s[i] > '9')
			return false;
		v = v * 10 + (s[i] - '0');
	}
	*out = v;
	return v <= max;
}

/* "RTSP/1.0 401 Unauthorized" */
static int
rtsp_status_line(struct rtsp_reply *r, const char *s, size_t n)
{
	int64_t status;

	if (n < 12 || memcmp(s, "RTSP/", 5) != 0 || s[5] < '1' || s[5] > '2' ||
	    memcmp(s + 6, ".0 ", 3) != 0 || (n > 12 && s[12] != ' ') ||
	    !rtsp_number(s + 9, 3, 999, &status) || status < 100)
		return CAMCA_EPROTO;
	r->major = s[5] - '0';
	r->status = (int)status;
	return CAMCA_OK;
}

static bool
rtsp_is(const char *s, size_t n, const char *name)
{
	return n == strlen(name) && strncasecmp(s, name, n) == 0;
}

/* A challenge that does not fit is left out, which is safe. */
static int
rtsp_offer(struct rtsp_reply *r, const char *s, size_t n)
{
	int ret = buf_reserve(&r->offers, n + 1);

	if (ret == CAMCA_ELIMIT)
		return CAMCA_OK;
	if (ret == CAMCA_OK)
		ret = buf_put(&r->offers, s, n);
	return ret == CAMCA_OK ? buf_putc(&r->offers, '\n') : ret;
}

static int
rtsp_field(struct rtsp_reply *r, const char *s, size_t n)
{
	const char *colon = memchr(s, ':', n), *value;
	size_t name, len;
	int64_t v = 0;

	if (colon == NULL || colon == s)
		return CAMCA_EPROTO;
	name = (size_t)(colon - s);
	value = colon + 1;
	len = n - name - 1;
	for (; len > 0 && (*value == ' ' || *value == '\t'); len--)
		value++;
	while (len > 0 && (value[len - 1] == ' ' || value[len - 1] == '\t'))
		len--;
	if (rtsp_is(s, name, "WWW-Authenticate"))
		return rtsp_offer(r, value, len);
	if (rtsp_is(s, name, "CSeq"))
		return rtsp_number(value, len, UINT32_MAX, &r->cseq) ?
		    CAMCA_OK : CAMCA_EPROTO;
	if (rtsp_is(s, name, "Connection"))
		r->close = r->close || rtsp_is(value, len, "close");
	/* Two lengths: nobody knows where the next reply begins. */
	if (!rtsp_is(s, name, "Content-Length"))
		return CAMCA_OK;
	if (r->body_len != SIZE_MAX ||
	    !rtsp_number(value, len, INT64_MAX, &v))
		return CAMCA_EPROTO;
	r->body_len = (size_t)v;
	return v <= RTSP_BODY_MAX ? CAMCA_OK : CAMCA_ELIMIT;
}

/* The next line without its end; NULL where none ends. A lone LF is taken as
 * RFC 2326 4 asks for; NUL and a CR inside are not. */
static const char *
rtsp_line(const char **p, const char *end, size_t *n)
{
	const char *s = *p, *lf = memchr(s, '\n', (size_t)(end - s));

	if (lf == NULL)
		return NULL;
	*p = lf + 1;
	*n = (size_t)(lf - s);
	if (*n > 0 && s[*n - 1] == '\r')
		--*n;
	if (memchr(s, '\0', *n) != NULL || memchr(s, '\r', *n) != NULL)
		return NULL;
	return s;
}

int
rtsp_reply_read(struct rtsp_reply *out, const char *head, size_t len)
{
	const char *p = head, *end = head + len, *line;
	size_t n = 0, fields = 0;
	int ret;

	memset(out, 0, sizeof *out);
	buf_init(&out->offers, RTSP_LINE_MAX);
	out->cseq = -1;
	out->body_len = SIZE_MAX;
	line = rtsp_line(&p, end, &n);
	ret = line != NULL ? rtsp_status_line(out, line, n) : CAMCA_EPROTO;
	while (ret == CAMCA_OK) {
		line = rtsp_line(&p, end, &n);
		if (line == NULL)
			return CAMCA_EPROTO;
		if (n == 0)
			break;
		if (fields++ == RTSP_FIELDS_MAX)
			return CAMCA_ELIMIT;
		/* A line that goes on: part of a value that we do not need,
		 * unless a challenge hides there, which is then cut. */
		if (*line != ' ' && *line != '\t')
			ret = rtsp_field(out, line, n);
	}
	if (out->body_len == SIZE_MAX)
		out->body_len = 0;
	return ret;
}
