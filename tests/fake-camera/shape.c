/* SPDX-License-Identifier: Apache-2.0 */
#include <ctype.h>
#include <stdio.h>
#include <string.h>

#include "ca/base/enc.h"
#include "tests/fake-camera/shape.h"
#include "tests/fake-camera/xml.h"

#define SHAPE_DEPTH 16
#define SHAPE_TEXT 400000        /* a large CRL in base64 */

static const struct shape_fault *
shape_wrong(struct shape_fault *out, const char *code, const char *what,
    const char *name)
{
	out->code = code;
	snprintf(out->text, sizeof out->text, "%s: %.100s", what, name);
	return out;
}

static bool
shape_number(const char *s, bool negative)
{
	if (negative && (*s == '-' || *s == '+'))
		s++;
	return *s != '\0' && strlen(s) <= 10 &&
	    strspn(s, "0123456789") == strlen(s);
}

/* xs:NCName in ASCII, 64 characters at the most. */
static bool
shape_ncname(const char *s)
{
	size_t i, n = strlen(s);

	if (n == 0 || n > 64 || (!isalpha((unsigned char)s[0]) &&
	    s[0] != '_'))
		return false;
	for (i = 1; i < n; i++)
		if (!isalnum((unsigned char)s[i]) &&
		    strchr("._-", s[i]) == NULL)
			return false;
	return true;
}

static bool
shape_oid(const char *s)
{
	bool digit = false;

	for (; *s != '\0'; s++) {
		if (isdigit((unsigned char)*s))
			digit = true;
		else if (*s == '.' && digit)
			digit = false;
		else
			return false;
	}
	return digit;
}

/* YYYY-MM-DDThh:mm:ss[.f][Z|+hh:mm] */
static bool
shape_time(const char *s)
{
	static const char form[] = "dddd-dd-ddTdd:dd:dd";
	size_t i;

	for (i = 0; form[i] != '\0'; i++)
		if (form[i] == 'd' ? !isdigit((unsigned char)s[i]) :
		    s[i] != form[i])
			return false;
	return true;
}

static bool
shape_word(const char *s, const char *const *words)
{
	for (; *words != NULL; words++)
		if (strcmp(s, *words) == 0)
			return true;
	return false;
}

static bool
shape_base64(const char *s)
{
	struct buf b;
	bool good;

	buf_init(&b, SHAPE_TEXT);
	good = *s != '\0' && dec_base64(&b, s, strlen(s), 1) == 0;
	buf_fini(&b);
	return good;
}

static bool
shape_simple(const char *s, const struct shape *sh)
{
	switch (sh->type) {
	case SH_BOOL:
		return strcmp(s, "true") == 0 || strcmp(s, "false") == 0 ||
		    strcmp(s, "1") == 0 || strcmp(s, "0") == 0;
	case SH_INT: return shape_number(s, true);
	case SH_UINT: return shape_number(s, false);
	case SH_POSITIVE: return shape_number(s, false) && strspn(s, "0") !=
	    strlen(s);
	case SH_ID: return shape_ncname(s);
	case SH_BASE64: return shape_base64(s);
	case SH_OID: return shape_oid(s);
	case SH_WORD: return shape_word(s, sh->words);
	case SH_TIME: return shape_time(s);
	case SH_URI: return strpbrk(s, " <>\"{}|\\^`") == NULL;
	default: return true;
	}
}

static const struct shape_fault *
shape_attributes(const xmlNode *n, const struct shape *sh,
    struct shape_fault *out)
{
	const xmlAttr *a;
	const char *const *w;

	for (a = n->properties; a != NULL; a = a->next) {
		if (a->ns != NULL && a->ns->href != NULL && strcmp(
		    (const char *)a->ns->href, NS_XSI) == 0)
			continue;
		for (w = sh->attributes; w != NULL && *w != NULL; w++)
			if (strcmp(*w, "*") == 0 || (a->ns == NULL &&
			    strcmp(*w, (const char *)a->name) == 0))
				break;
		if (w == NULL || *w == NULL)
			return shape_wrong(out, "ProhibAttr",
			    "attribute not allowed", (const char *)a->name);
	}
	return NULL;
}

static const struct shape_fault *
shape_leaf(const xmlNode *n, const struct shape *sh, struct shape_fault *out)
{
	const struct shape_fault *bad = NULL;
	char *text, *s;
	size_t k;

	if (xml_first(n) != NULL)
		return shape_wrong(out, "TagMismatch",
		    "elements where text is due", sh->name);
	text = (char *)xmlNodeGetContent(n);
	if (text == NULL)
		return shape_wrong(out, "InvalidArgVal", "no memory",
		    sh->name);
	/* All types but strings have their white space collapsed. */
	s = text + (sh->type == SH_STRING ? 0 : strspn(text, " \t\r\n"));
	for (k = strlen(s); sh->type != SH_STRING && k > 0 &&
	    strchr(" \t\r\n", s[k - 1]) != NULL; k--)
		s[k - 1] = '\0';
	if (k > SHAPE_TEXT || !shape_simple(s, sh))
		bad = shape_wrong(out, "InvalidArgVal",
		    "value not of its type", sh->name);
	xmlFree(text);
	return bad;
}

static const struct shape_fault *shape_children(const xmlNode *parent,
    const struct shape *kids, unsigned depth, struct shape_fault *out);

static const struct shape_fault *
shape_choice(const xmlNode *n, const struct shape *sh, unsigned depth,
    struct shape_fault *out)
{
	const struct shape *k;
	const xmlNode *c = xml_first(n);
	struct shape one[2] = { 0 };

	for (k = sh->kids; c != NULL && k->name != NULL; k++)
		if (xml_is(c, k->ns, k->name)) {
			one[0] = *k;
			return shape_children(n, one, depth, out);
		}
	return shape_wrong(out, "TagMismatch", "none of the choices is in",
	    sh->name);
}

static const struct shape_fault *
shape_one(const xmlNode *n, const struct shape *sh, unsigned depth,
    struct shape_fault *out)
{
	if (sh->type == SH_ANY)
		return NULL;
	if (shape_attributes(n, sh, out) != NULL)
		return out;
	if (sh->type == SH_SEQ)
		return shape_children(n, sh->kids, depth + 1, out);
	if (sh->type == SH_CHOICE)
		return shape_choice(n, sh, depth + 1, out);
	return shape_leaf(n, sh, out);
}

static bool
shape_blank(const xmlNode *parent)
{
	const xmlNode *n;

	for (n = parent->children; n != NULL; n = n->next) {
		if (n->type == XML_ENTITY_REF_NODE)
			return false;
		if (n->type == XML_TEXT_NODE && !xmlIsBlankNode(n))
			return false;
	}
	return true;
}

static const struct shape_fault *
shape_children(const xmlNode *parent, const struct shape *kids, unsigned depth,
    struct shape_fault *out)
{
	const xmlNode *n = xml_first(parent);
	const struct shape *k;
	unsigned count;

	if (depth > SHAPE_DEPTH || !shape_blank(parent))
		return shape_wrong(out, "TagMismatch", "text between elements",
		    (const char *)parent->name);
	for (k = kids; k->name != NULL; k++) {
		count = 0;
		while (n != NULL && xml_is(n, k->ns, k->name) &&
		    (k->max == 0 || count < k->max)) {
			if (shape_one(n, k, depth, out) != NULL)
				return out;
			count++;
			n = xml_next(n);
		}
		if (count >= k->min)
			continue;
		if (n != NULL && strcmp((const char *)n->name, k->name) == 0)
			return shape_wrong(out, "Namespace",
			    "element in the wrong namespace", k->name);
		return shape_wrong(out, "Tag", "element missing or not in "
		    "its place", k->name);
	}
	if (n != NULL)
		return shape_wrong(out, "TagMismatch", "element unknown, "
		    "repeated or not in its place", (const char *)n->name);
	return NULL;
}

const struct shape_fault *
shape_check(const xmlNode *parent, const struct shape *kids,
    struct shape_fault *out)
{
	struct shape top = { .name = (const char *)parent->name };

	if (shape_attributes(parent, &top, out) != NULL)
		return out;
	return shape_children(parent, kids, 0, out);
}
