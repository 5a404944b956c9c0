/* SPDX-License-Identifier: Apache-2.0 */
#include "enroll/onvif/xml_write.h"

#include <assert.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include "ca/base/enc.h"

/* Most messages fit; a buf that grows leaves nothing of a password behind. */
#define XML_OUT_ROOM 1000u
#define XML_OUT_MAX (1024u * 1024)

void
xml_out_init(struct xml_out *w)
{
	memset(w, 0, sizeof *w);
	buf_init(&w->b, XML_OUT_MAX);
	w->err = buf_reserve(&w->b, XML_OUT_ROOM);
}

void
xml_out_fini(struct xml_out *w)
{
	buf_cleanse(&w->b);
}

static void
xml_raw(struct xml_out *w, const char *p, size_t n)
{
	if (w->err == 0)
		w->err = buf_put(&w->b, p, n);
}

static void
xml_raws(struct xml_out *w, const char *s)
{
	xml_raw(w, s, strlen(s));
}

static void
xml_tag_end(struct xml_out *w)
{
	if (w->in_tag)
		xml_raws(w, ">");
	w->in_tag = false;
}

/* Length of the UTF-8 character at s, 0 where it is none (RFC 3629) or one
 * that XML 1.0 does not have. */
static size_t
xml_char_len(const unsigned char *s)
{
	uint32_t c = s[0];
	size_t n, i;

	if (c < 0x80)
		return c >= 0x20 && c != 0x7f ? 1 : c == '\t' ? 1 : 0;
	n = c >= 0xf0 ? 4 : c >= 0xe0 ? 3 : 2;
	if (c < 0xc2 || c > 0xf4)
		return 0;
	c &= n == 4 ? 0x07u : n == 3 ? 0x0fu : 0x1fu;
	for (i = 1; i < n; i++) {
		if ((s[i] & 0xc0) != 0x80)
			return 0;
		c = c << 6 | (s[i] & 0x3fu);
	}
	if ((n == 3 && c < 0x800) || (n == 4 && c < 0x10000) || c > 0x10ffff ||
	    (c >= 0xd800 && c <= 0xdfff) || c == 0xfffe || c == 0xffff ||
	    (c >= 0x80 && c < 0xa0))
		return 0;
	return n;
}

static const char *
xml_escape(unsigned char c)
{
	switch (c) {
	case '&':
		return "&amp;";
	case '<':
		return "&lt;";
	case '>':
		return "&gt;";
	case '"':
		return "&quot;";
	case '\'':
		return "&apos;";
	default:
		return NULL;
	}
}

static void
xml_escaped(struct xml_out *w, const char *s)
{
	const char *e;
	size_t n;

	for (; *s != '\0' && w->err == 0; s += n) {
		n = xml_char_len((const unsigned char *)s);
		e = xml_escape((unsigned char)*s);
		if (n == 0)
			w->err = CAMCA_EINVAL;
		else if (e != NULL)
			xml_raws(w, e);
		else
			xml_raw(w, s, n);
	}
}

void
xml_open(struct xml_out *w, const char *name)
{
	assert(w->depth < XML_OUT_DEPTH);
	xml_tag_end(w);
	xml_raws(w, "<");
	xml_raws(w, name);
	w->open[w->depth++] = name;
	w->in_tag = true;
}

void
xml_put_attr(struct xml_out *w, const char *name, const char *value)
{
	assert(w->in_tag);
	xml_raws(w, " ");
	xml_raws(w, name);
	xml_raws(w, "=\"");
	xml_escaped(w, value);
	xml_raws(w, "\"");
}

void
xml_close(struct xml_out *w)
{
	assert(w->depth > 0);
	w->depth--;
	if (w->in_tag) {
		xml_raws(w, "/>");
		w->in_tag = false;
		return;
	}
	xml_raws(w, "</");
	xml_raws(w, w->open[w->depth]);
	xml_raws(w, ">");
}

void
xml_put_text(struct xml_out *w, const char *value)
{
	xml_tag_end(w);
	xml_escaped(w, value);
}

void
xml_put(struct xml_out *w, const char *name, const char *value)
{
	xml_open(w, name);
	xml_put_text(w, value);
	xml_close(w);
}

void
xml_put_some(struct xml_out *w, const char *name, const char *value)
{
	if (value != NULL && value[0] != '\0')
		xml_put(w, name, value);
}

void
xml_put_int(struct xml_out *w, const char *name, long value)
{
	char text[24];

	snprintf(text, sizeof text, "%ld", value);
	xml_put(w, name, text);
}

void
xml_put_bool(struct xml_out *w, const char *name, bool value)
{
	xml_put(w, name, value ? "true" : "false");
}

void
xml_put_base64(struct xml_out *w, const char *name, const void *p, size_t n)
{
	xml_open(w, name);
	xml_tag_end(w);
	if (w->err == 0)
		w->err = enc_base64(&w->b, p, n, 0);
	xml_close(w);
}

void
xml_put_part(struct xml_out *w, const struct xml_out *part)
{
	xml_tag_end(w);
	if (w->err == 0)
		w->err = xml_out_end(part);
	xml_raw(w, buf_str(&part->b), part->b.len);
}

int
xml_out_end(const struct xml_out *w)
{
	if (w->err < 0)
		return w->err;
	return w->depth == 0 && !w->in_tag ? CAMCA_OK : CAMCA_EINVAL;
}
