/* SPDX-License-Identifier: Apache-2.0 */
#include <libxml/parser.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "ca/base/enc.h"
#include "tests/fake-camera/xml.h"

#define XML_MAX 1048576          /* bytes of one request */

xmlDoc *
xml_parse(const char *text, size_t len)
{
	xmlDoc *doc;

	/* No DTD at all: what is not read cannot expand. */
	if (len == 0 || len > XML_MAX || memmem(text, len, "<!DOCTYPE", 9) !=
	    NULL)
		return NULL;
	doc = xmlReadMemory(text, (int)len, NULL, NULL, XML_PARSE_NONET |
	    XML_PARSE_NOERROR | XML_PARSE_NOWARNING | XML_PARSE_NOCDATA);
	if (doc != NULL && (doc->intSubset != NULL ||
	    xmlDocGetRootElement(doc) == NULL)) {
		xmlFreeDoc(doc);
		doc = NULL;
	}
	return doc;
}

bool
xml_is(const xmlNode *n, const char *ns, const char *name)
{
	return n != NULL && n->type == XML_ELEMENT_NODE &&
	    strcmp((const char *)n->name, name) == 0 && n->ns != NULL &&
	    n->ns->href != NULL && strcmp((const char *)n->ns->href, ns) == 0;
}

static xmlNode *
xml_element(xmlNode *n)
{
	while (n != NULL && n->type != XML_ELEMENT_NODE)
		n = n->next;
	return n;
}

xmlNode *
xml_first(const xmlNode *n)
{
	return n != NULL ? xml_element(n->children) : NULL;
}

xmlNode *
xml_next(const xmlNode *n)
{
	return n != NULL ? xml_element(n->next) : NULL;
}

xmlNode *
xml_child(const xmlNode *n, const char *name)
{
	xmlNode *c;

	for (c = xml_first(n); c != NULL; c = xml_next(c))
		if (strcmp((const char *)c->name, name) == 0)
			return c;
	return NULL;
}

bool
xml_raw(const xmlNode *n, char *out, size_t len)
{
	xmlChar *s = n != NULL ? xmlNodeGetContent(n) : NULL;
	bool fits = s == NULL || strlen((char *)s) < len;

	snprintf(out, len, "%s", s != NULL ? (char *)s : "");
	xmlFree(s);
	return fits;
}

bool
xml_text(const xmlNode *n, char *out, size_t len)
{
	xmlChar *s = n != NULL ? xmlNodeGetContent(n) : NULL;
	const char *p = s != NULL ? (char *)s : "";
	size_t k;

	p += strspn(p, " \t\r\n");
	for (k = strlen(p); k > 0 && strchr(" \t\r\n", p[k - 1]) != NULL; k--)
		;
	snprintf(out, len, "%.*s", (int)(k < len ? k : len - 1), p);
	xmlFree(s);
	return k < len;
}

bool
xml_bool(const xmlNode *n, bool otherwise)
{
	char t[8];

	if (n == NULL)
		return otherwise;
	xml_text(n, t, sizeof t);
	return strcmp(t, "true") == 0 || strcmp(t, "1") == 0;
}

int
xml_base64(const xmlNode *n, struct buf *out)
{
	xmlChar *s = n != NULL ? xmlNodeGetContent(n) : NULL;
	int ret = CAMCA_EINVAL;

	if (s != NULL)
		ret = dec_base64(out, (char *)s, strlen((char *)s), 1);
	xmlFree(s);
	return ret;
}

xmlChar *
xml_alone(const xmlNode *n)
{
	xmlDoc *doc = xmlNewDoc((const xmlChar *)"1.0");
	xmlNode *copy = doc != NULL ? xmlDocCopyNode((xmlNode *)(uintptr_t)n,
	    doc, 1) : NULL;
	xmlChar *out = NULL;
	int len;

	if (copy != NULL) {
		xmlDocSetRootElement(doc, copy);
		xmlReconciliateNs(doc, copy);
		xmlDocDumpMemoryEnc(doc, &out, &len, "UTF-8");
	}
	xmlFreeDoc(doc);
	return out;
}

void
xo_init(struct xo *x)
{
	buf_init(&x->b, 0);
	x->err = 0;
}

void
xo_fini(struct xo *x)
{
	buf_cleanse(&x->b);
}

void
xo_puts(struct xo *x, const char *s)
{
	if (x->err == 0)
		x->err = buf_puts(&x->b, s);
}

void
xo_printf(struct xo *x, const char *fmt, ...)
{
	char text[1024];
	va_list ap;
	int n;

	va_start(ap, fmt);
	n = vsnprintf(text, sizeof text, fmt, ap);
	va_end(ap);
	if (n < 0 || (size_t)n >= sizeof text)
		x->err = CAMCA_ELIMIT;
	else
		xo_puts(x, text);
}

void
xo_escape(struct xo *x, const char *s)
{
	for (; *s != '\0' && x->err == 0; s++)
		switch (*s) {
		case '&': xo_puts(x, "&amp;"); break;
		case '<': xo_puts(x, "&lt;"); break;
		case '>': xo_puts(x, "&gt;"); break;
		case '"': xo_puts(x, "&quot;"); break;
		case '\r': xo_puts(x, "&#13;"); break;
		default: x->err = buf_putc(&x->b, (uint8_t)*s);
		}
}

void
xo_text(struct xo *x, const char *name, const char *text)
{
	xo_printf(x, "<%s>", name);
	xo_escape(x, text);
	xo_printf(x, "</%s>", name);
}

void
xo_int(struct xo *x, const char *name, long long v)
{
	xo_printf(x, "<%s>%lld</%s>", name, v, name);
}

void
xo_bool(struct xo *x, const char *name, bool v)
{
	xo_text(x, name, v ? "true" : "false");
}

/* With line breaks, as cameras send it: clients must read on. */
void
xo_base64(struct xo *x, const char *name, const void *p, size_t n)
{
	xo_printf(x, "<%s>", name);
	if (x->err == 0)
		x->err = enc_base64(&x->b, p, n, 64);
	xo_printf(x, "</%s>", name);
}
