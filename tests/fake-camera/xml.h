/* SPDX-License-Identifier: Apache-2.0 */
/* Reading requests strictly and writing answers. */
#ifndef FAKE_XML_H
#define FAKE_XML_H

#include <libxml/tree.h>
#include <stdbool.h>
#include <stddef.h>

#include "ca/base/buf.h"

#define NS_ENV "http://www.w3.org/2003/05/soap-envelope"
#define NS_TDS "http://www.onvif.org/ver10/device/wsdl"
#define NS_TAS "http://www.onvif.org/ver10/advancedsecurity/wsdl"
#define NS_TT "http://www.onvif.org/ver10/schema"
#define NS_TER "http://www.onvif.org/ver10/error"
#define NS_WSA "http://www.w3.org/2005/08/addressing"
#define NS_WSSE "http://docs.oasis-open.org/wss/2004/01/" \
	"oasis-200401-wss-wssecurity-secext-1.0.xsd"
#define NS_WSU "http://docs.oasis-open.org/wss/2004/01/" \
	"oasis-200401-wss-wssecurity-utility-1.0.xsd"
#define NS_XSI "http://www.w3.org/2001/XMLSchema-instance"

/* Parsed without DTD, entities and network; NULL where it is not well-formed
 * or brings a DTD. The caller frees it with xmlFreeDoc(). */
xmlDoc *xml_parse(const char *text, size_t len);
/* Namespace and local name of an element. */
bool xml_is(const xmlNode *n, const char *ns, const char *name);
/* The first element inside, or after n; NULL at the end. */
xmlNode *xml_first(const xmlNode *n);
xmlNode *xml_next(const xmlNode *n);
/* The first child element of that local name, NULL where there is none. */
xmlNode *xml_child(const xmlNode *n, const char *name);
/* The text of an element without white space around it, cut to len. "" where
 * n is NULL. False where it was too long. */
bool xml_text(const xmlNode *n, char *out, size_t len);
/* The text as it stands, white space and all; for passwords and names. */
bool xml_raw(const xmlNode *n, char *out, size_t len);
/* "true" or "1". */
bool xml_bool(const xmlNode *n, bool otherwise);
/* The decoded base64 of an element appended; 0 or a negative camca_err. */
CAMCA_MUST int xml_base64(const xmlNode *n, struct buf *out);
/* The element by itself, with the namespaces it needs. Malloc'd by libxml2:
 * xmlFree(). NULL without memory. */
xmlChar *xml_alone(const xmlNode *n);

/* An answer being written. Failures stick: look at err once at the end. */
struct xo { struct buf b; int err; };

void xo_init(struct xo *x);
void xo_fini(struct xo *x);
/* Text that is markup already. */
void xo_puts(struct xo *x, const char *s);
void xo_printf(struct xo *x, const char *fmt, ...)
    __attribute__((format(printf, 2, 3)));
/* Text, escaped. */
void xo_escape(struct xo *x, const char *s);
/* <name>text</name>, escaped; one with a number; one with base64. */
void xo_text(struct xo *x, const char *name, const char *text);
void xo_int(struct xo *x, const char *name, long long v);
void xo_bool(struct xo *x, const char *name, bool v);
void xo_base64(struct xo *x, const char *name, const void *p, size_t n);

#endif
