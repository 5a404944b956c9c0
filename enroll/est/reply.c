/* SPDX-License-Identifier: Apache-2.0 */
#include "enroll/est/reply.h"

#include <stdio.h>
#include <string.h>

#include "ca/base/enc.h"

#define EST_TEXT "text/plain; charset=utf-8"
#define EST_REPLY_MAX (2u << 20)
#define EST_PENDING_RETRY_S 60

void
est_reply_init(struct est_reply *r)
{
	memset(r, 0, sizeof *r);
	buf_init(&r->body, EST_REPLY_MAX);
}

void
est_reply_fini(struct est_reply *r)
{
	buf_fini(&r->body);
}

int
est_reply_refusal(struct est_reply *r, const struct est_operation *op,
    const struct refusal *why)
{
	r->status = (unsigned)why->http;
	r->type = EST_TEXT;
	r->retry_after_s = why->retry_after_s;
	r->challenge = why->http == 401;
	if (why->http == 202 && r->retry_after_s <= 0)
		r->retry_after_s = EST_PENDING_RETRY_S;
	if (why->http == 405 && op != NULL)
		r->allow = op->allow;
	return buf_printf(&r->body, "%s\n", why->detail);
}

/* No layout pleases every client: strongSwan before 5.9.11 keeps the line feeds
 * of wrapped base64, libest cannot read long flat lines. strongSwan is the one
 * that sends neither User-Agent nor Accept. */
static size_t
est_reply_cols(const char *layout, bool bare)
{
	if (strcmp(layout, "wrap") == 0)
		return EST_WRAP_COLS;
	if (strcmp(layout, "flat") == 0)
		return 0;
	return bare ? 0 : EST_WRAP_COLS;
}

/* The authority's tag, and a letter for the layout: a strong validator names
 * one sequence of bytes. A tag that would not fit a header field is dropped. */
static void
est_reply_etag(struct est_reply *r, const char *tag, size_t cols)
{
	static const char allowed[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZ"
	    "abcdefghijklmnopqrstuvwxyz0123456789-._";
	size_t n = strlen(tag);

	if (n == 0 || n > EST_ETAG_MAX - 8 || strspn(tag, allowed) != n)
		return;
	snprintf(r->etag, sizeof r->etag, "\"%s-%c\"", tag,
	    cols == 0 ? 'f' : 'w');
}

static int
est_reply_body(struct est_reply *r, const char *der_b64, size_t cols)
{
	struct buf der;
	int ret;

	buf_init(&der, EST_REPLY_MAX);
	ret = dec_base64(&der, der_b64, strlen(der_b64), 0);
	if (ret == CAMCA_OK && der.len == 0)
		ret = CAMCA_EINVAL;
	if (ret == CAMCA_OK)
		ret = enc_base64(&r->body, der.data, der.len, cols);
	/* libest's tools need a final line feed in the flat layout too. */
	if (ret == CAMCA_OK && cols == 0)
		ret = buf_putc(&r->body, '\n');
	buf_fini(&der);
	return ret == CAMCA_OK || ret == CAMCA_ENOMEM ? ret : CAMCA_EPROTO;
}

int
est_reply_result(struct est_reply *r, const struct est_operation *op,
    const json_t *result, bool bare)
{
	const char *der = json_string_value(json_object_get(result, "der"));
	const char *layout = json_string_value(json_object_get(result,
	    "base64"));
	const char *etag = json_string_value(json_object_get(result, "etag"));
	size_t cols = est_reply_cols(layout != NULL ? layout : "auto", bare);

	if (!json_is_object(result))
		return CAMCA_EPROTO;
	r->cte = json_is_true(json_object_get(result, "cte"));
	r->close = json_is_true(json_object_get(result, "pop"));
	r->cacheable = op->cacheable;
	if (der == NULL && !op->post && !op->cacheable) {
		r->status = 204;   /* RFC 7030 4.5.2: no attributes wanted */
		r->cte = false;
		return CAMCA_OK;
	}
	if (der == NULL)
		return CAMCA_EPROTO;
	r->status = 200;
	r->type = op->type;
	if (op->cacheable && etag != NULL)
		est_reply_etag(r, etag, cols);
	return est_reply_body(r, der, cols);
}

bool
est_etag_matches(const char *if_none_match, const char *etag)
{
	size_t n = strlen(etag);
	const char *p = if_none_match;

	if (p == NULL || n == 0)
		return false;
	if (strcmp(p, "*") == 0)
		return true;
	for (p = strstr(p, etag); p != NULL; p = strstr(p + 1, etag))
		if (p[n] == '\0' || strchr(", \t", p[n]) != NULL)
			return true;
	return false;
}
