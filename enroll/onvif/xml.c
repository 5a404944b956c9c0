/* SPDX-License-Identifier: Apache-2.0 */
#include "enroll/onvif/xml.h"

#include <pthread.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include <libxml/parser.h>
#include <libxml/parserInternals.h>
#include <libxml/SAX2.h>

#include "enroll/onvif/trouble.h"

/* What stopped the parser, beside bad XML. */
struct xml_guard {
	unsigned depth;
	unsigned elements;
	bool dtd;
	bool over;
	bool foreign;                /* written in characters that hide some */
};

static pthread_once_t xml_once = PTHREAD_ONCE_INIT;
/* Whether memory was lacking, of each thread, as libxml2 gives its allocator no
 * argument. It does not always tell itself: a tree can lose a name, or an
 * attribute, and be called well-formed. */
static _Thread_local bool xml_missed;

static void *
xml_malloc(size_t n)
{
	void *p = malloc(n);

	xml_missed = xml_missed || p == NULL;
	return p;
}

static void *
xml_realloc(void *old, size_t n)
{
	void *p = realloc(old, n);

	xml_missed = xml_missed || p == NULL;
	return p;
}

static char *
xml_strdup(const char *s)
{
	char *p = strdup(s);

	xml_missed = xml_missed || p == NULL;
	return p;
}

static void
xml_setup(void)
{
	(void)xmlMemSetup(free, xml_malloc, xml_realloc, xml_strdup);
	xmlInitParser();
}

/* Without memory libxml2 speaks to standard error, with pieces of the answer.
 * We have our own words, and our own log. */
static void
xml_quiet(void *arg, const char *fmt, ...)
{
	(void)arg;
	(void)fmt;
}

/* libxml2 compares each attribute of a tag with all before it, and tells us of
 * the tag after that: one with 100,000 of them costs it ten seconds. So they are
 * counted before it begins, by what each of them has: '=' and a quote. In UTF-16
 * there are NULs between. No answer of a camera has a hundredth of the limit. */
static bool
xml_attributes_few(const char *p, size_t n)
{
	const char *end = p + n;
	unsigned found = 0;

	while (p < end) {
		if (*p++ != '=')
			continue;
		while (p < end && (*p == '\0' || *p == ' ' || *p == '\t' ||
		    *p == '\r' || *p == '\n'))
			p++;
		if (p < end && (*p == '"' || *p == '\'') &&
		    ++found > XML_ATTRIBUTES_MAX)
			return false;
	}
	return true;
}

/* Characters in which '=' and quotes have the bytes that they have in ASCII. */
static bool
xml_charset_plain(const char *name)
{
	static const char *const plain[] = { "UTF-8", "UTF8", "UTF-16",
	    "ISO-8859-", "US-ASCII", "ASCII", "windows-125", "GB", "EUC-",
	    "Shift_JIS", "Big5", "KOI8-" };
	size_t i;

	for (i = 0; i < sizeof plain / sizeof plain[0]; i++)
		if (strncasecmp(name, plain[i], strlen(plain[i])) == 0)
			return true;
	return false;
}

static void
xml_on_document(void *arg)
{
	xmlParserCtxt *p = arg;
	struct xml_guard *g = p->_private;
	const xmlChar *name = p->encoding != NULL || p->input == NULL ?
	    p->encoding : p->input->encoding;

	if (name != NULL && !xml_charset_plain((const char *)name)) {
		g->foreign = true;
		xmlStopParser(p);
		return;
	}
	xmlSAX2StartDocument(arg);
}

/* A DTD is the door to entity bombs and outside files: it ends the document at
 * its first byte, before a declaration of it is read. */
static void
xml_on_dtd(void *arg, const xmlChar *name, const xmlChar *public_id,
    const xmlChar *system_id)
{
	xmlParserCtxt *p = arg;
	struct xml_guard *g = p->_private;

	(void)name;
	(void)public_id;
	(void)system_id;
	g->dtd = true;
	xmlStopParser(p);
}

static void
xml_on_start(void *arg, const xmlChar *local, const xmlChar *prefix,
    const xmlChar *uri, int namespaces_n, const xmlChar **namespaces,
    int attributes_n, int defaulted_n, const xmlChar **attributes)
{
	xmlParserCtxt *p = arg;
	struct xml_guard *g = p->_private;

	if (++g->depth > XML_DEPTH_MAX || ++g->elements > XML_ELEMENTS_MAX) {
		g->over = true;
		xmlStopParser(p);
		return;
	}
	xmlSAX2StartElementNs(arg, local, prefix, uri, namespaces_n,
	    namespaces, attributes_n, defaulted_n, attributes);
}

static void
xml_on_end(void *arg, const xmlChar *local, const xmlChar *prefix,
    const xmlChar *uri)
{
	xmlParserCtxt *p = arg;
	struct xml_guard *g = p->_private;

	g->depth--;
	xmlSAX2EndElementNs(arg, local, prefix, uri);
}

static int
xml_verdict(const struct xml_guard *g, bool well_formed, struct cam_why *why)
{
	if (g->dtd)
		return cam_fail(why, CAMCA_EPROTO, CAM_MALFORMED,
		    "The camera's answer has a DTD, which SOAP forbids.");
	if (g->over)
		return cam_fail(why, CAMCA_ELIMIT, CAM_MALFORMED,
		    "The camera's answer is nested deeper, or has more "
		    "elements or attributes, than is accepted.");
	if (g->foreign)
		return cam_fail(why, CAMCA_EPROTO, CAM_MALFORMED,
		    "The camera's answer is neither in UTF-8 nor in other "
		    "characters that are read here.");
	if (!well_formed)
		return cam_fail(why, CAMCA_EPROTO, CAM_MALFORMED,
		    "The camera's answer is not well-formed XML.");
	return CAMCA_OK;
}

int
xml_parse(xmlDoc **out, const void *p, size_t n, size_t max_bytes,
    struct cam_why *why)
{
	struct xml_guard guard = { .depth = 0 };
	xmlParserCtxt *ctx;
	xmlDoc *doc;
	bool ok, memory;
	int ret;

	*out = NULL;
	if (n > max_bytes || n > XML_BYTES_MAX)
		return cam_fail(why, CAMCA_ELIMIT, CAM_MALFORMED,
		    "The camera's answer has more than %zu bytes.", max_bytes);
	guard.over = !xml_attributes_few(p, n);
	/* "<" of EBCDIC, which libxml2 would notice by itself. */
	guard.foreign = n > 0 && *(const uint8_t *)p == 0x4c;
	if (guard.over || guard.foreign)
		return xml_verdict(&guard, false, why);
	pthread_once(&xml_once, xml_setup);
	xmlSetGenericErrorFunc(NULL, xml_quiet);   /* of this thread */
	xml_missed = false;
	ctx = xmlNewParserCtxt();
	if (ctx == NULL)
		return cam_fail_plain(why, CAMCA_ENOMEM);
	ctx->_private = &guard;
	ctx->sax->startDocument = xml_on_document;
	ctx->sax->internalSubset = xml_on_dtd;
	ctx->sax->startElementNs = xml_on_start;
	ctx->sax->endElementNs = xml_on_end;
	doc = xmlCtxtReadMemory(ctx, n > 0 ? p : "", (int)n, NULL, NULL,
	    XML_PARSE_NONET | XML_PARSE_NOERROR | XML_PARSE_NOWARNING |
	    XML_PARSE_COMPACT);
	/* A name whose prefix is not declared breaks Namespaces in XML. */
	ok = doc != NULL && ctx->wellFormed && ctx->nsWellFormed &&
	    xmlDocGetRootElement(doc) != NULL;
	/* Without memory libxml2 may still call a torn tree well-formed. */
	memory = xml_missed || ctx->errNo == XML_ERR_NO_MEMORY;
	ret = memory ? cam_fail_plain(why, CAMCA_ENOMEM) :
	    xml_verdict(&guard, ok, why);
	xmlFreeParserCtxt(ctx);
	if (ret < 0) {
		xmlFreeDoc(doc);
		return ret;
	}
	*out = doc;
	return CAMCA_OK;
}

void
xml_bad(struct xml_in *in, const char *what, const char *name)
{
	if (in->err < 0)
		return;
	in->err = cam_fail(in->why, CAMCA_EPROTO, CAM_MALFORMED,
	    "The camera's answer is malformed: %s %s.", name, what);
}

bool
xml_is(const xmlNode *node, const char *ns, const char *name)
{
	return node->type == XML_ELEMENT_NODE && node->name != NULL &&
	    node->ns != NULL && node->ns->href != NULL &&
	    strcmp((const char *)node->ns->href, ns) == 0 &&
	    strcmp((const char *)node->name, name) == 0;
}

const xmlNode *
xml_each(const xmlNode *parent, const xmlNode *after, const char *ns,
    const char *name)
{
	const xmlNode *n = after != NULL ? after->next :
	    parent != NULL ? parent->children : NULL;

	while (n != NULL && !xml_is(n, ns, name))
		n = n->next;
	return n;
}

const xmlNode *
xml_one(struct xml_in *in, const xmlNode *parent, const char *ns,
    const char *name, bool required)
{
	const xmlNode *n;

	if (in->err < 0)
		return NULL;
	n = xml_each(parent, NULL, ns, name);
	if (n == NULL) {
		if (required)
			xml_bad(in, "is missing", name);
		return NULL;
	}
	if (xml_each(parent, n, ns, name) != NULL) {
		xml_bad(in, "stands there twice", name);
		return NULL;
	}
	return n;
}

void *
xml_rows(struct xml_in *in, const xmlNode *parent, const char *ns,
    const char *name, size_t row_bytes, size_t *n_out)
{
	const xmlNode *x = NULL;
	size_t n = 0;
	void *rows;

	*n_out = 0;
	if (in->err < 0)
		return NULL;
	while ((x = xml_each(parent, x, ns, name)) != NULL)
		n++;
	if (n == 0)
		return NULL;
	if (n > CAM_ROWS_MAX) {
		xml_bad(in, "stands there too often", name);
		return NULL;
	}
	rows = calloc(n, row_bytes);
	if (rows == NULL)
		in->err = cam_fail_plain(in->why, CAMCA_ENOMEM);
	else
		*n_out = n;
	return rows;
}

void
xml_distinct(struct xml_in *in, const char *at, size_t n, size_t row_bytes,
    const char *name)
{
	size_t i, j;

	for (i = 1; i < n && in->err == 0; i++)
		for (j = 0; j < i; j++)
			if (strcmp(at + i * row_bytes, at + j * row_bytes) ==
			    0) {
				xml_bad(in, "is listed twice", name);
				break;
			}
}

void
xml_bad_text(struct xml_in *in, int err, const char *what, const char *name)
{
	if (err != CAMCA_ENOMEM)
		xml_bad(in, what, name);
	else if (in->err == CAMCA_OK)
		in->err = cam_fail_plain(in->why, err);
}

int
xml_text(const xmlNode *node, struct buf *out)
{
	const xmlNode *n;
	int ret;

	for (n = node->children; n != NULL; n = n->next) {
		switch (n->type) {
		case XML_TEXT_NODE:
		case XML_CDATA_SECTION_NODE:
			if (n->content == NULL)
				return CAMCA_EPROTO;
			ret = buf_puts(out, (const char *)n->content);
			if (ret < 0)
				return ret;
			break;
		case XML_COMMENT_NODE:
		case XML_PI_NODE:
			break;
		default:
			return CAMCA_EPROTO;
		}
	}
	return CAMCA_OK;
}
