/* SPDX-License-Identifier: Apache-2.0 */
#include <ctype.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "ca/base/enc.h"
#include "ca/base/refusal.h"
#include "enroll/onvif/trouble.h"
#include "enroll/onvif/xml.h"

#define XML_WORD_MAX 64u
#define XML_TEXT_BYTES 8192u
#define XML_YEAR_S (366 * 86400)

static const char xml_blank[] = " \t\r\n";

/* White space around the text counts for nothing (xs:token, xs:int ...). */
static char *
xml_trim(struct buf *b)
{
	char *s = (char *)b->data;

	if (b->len == 0)
		return NULL;
	while (b->len > 0 && strchr(xml_blank, s[b->len - 1]) != NULL)
		s[--b->len] = '\0';
	return s + strspn(s, xml_blank);
}

/* Lines of a text become words of one line. */
static void
xml_one_line(char *s)
{
	for (; *s != '\0'; s++)
		if (*s == '\t' || *s == '\r' || *s == '\n')
			*s = ' ';
}

/* The longest beginning of s that fits and ends at a whole character. */
static void
xml_copy(char *out, size_t out_len, const char *s)
{
	size_t n = strlen(s);

	if (n >= out_len) {
		n = out_len - 1;
		while (n > 0 && ((unsigned char)s[n] & 0xc0) == 0x80)
			n--;
	}
	memcpy(out, s, n);
	out[n] = '\0';
}

static void
xml_node_string(struct xml_in *in, const xmlNode *node, char *out,
    size_t out_len, unsigned flags)
{
	const char *name = (const char *)node->name;
	struct buf b;
	char *s;
	int ret;

	out[0] = '\0';
	buf_init(&b, (flags & XML_CUT) != 0 ? XML_BYTES_MAX : XML_TEXT_BYTES);
	if ((ret = xml_text(node, &b)) < 0) {
		xml_bad_text(in, ret, "is not a text of sensible length",
		    name);
		buf_fini(&b);
		return;
	}
	s = xml_trim(&b);
	if (s == NULL || *s == '\0') {
		if ((flags & XML_NEED) != 0)
			xml_bad(in, "is empty", name);
	} else if (strlen(s) >= out_len && (flags & XML_CUT) == 0) {
		xml_bad(in, "is too long", name);
	} else {
		xml_copy(out, out_len, s);
		xml_one_line(out);
		refusal_sanitize(out);
	}
	buf_fini(&b);
}

void
xml_string(struct xml_in *in, const xmlNode *parent, const char *ns,
    const char *name, char *out, size_t out_len, unsigned flags)
{
	const xmlNode *n = xml_one(in, parent, ns, name,
	    (flags & XML_NEED) != 0);

	out[0] = '\0';
	if (n != NULL)
		xml_node_string(in, n, out, out_len, flags);
}

/* NCName: a letter or '_' first, then also digits, '.' and '-'. Characters
 * past ASCII are let through as they are: they are letters in most cases, and
 * the ID is only ever sent back. */
static bool
xml_ncname(const char *s)
{
	const unsigned char *p = (const unsigned char *)s;

	if (!isalpha(*p) && *p != '_' && *p < 0x80)
		return false;
	for (; *p != '\0'; p++)
		if (!isalnum(*p) && strchr("_.-", *p) == NULL && *p < 0x80)
			return false;
	return true;
}

void
xml_node_id(struct xml_in *in, const xmlNode *node,
    char out[static CAM_ID_MAX])
{
	if (in->err < 0)
		return;
	xml_node_string(in, node, out, CAM_ID_MAX, XML_NEED);
	if (in->err == 0 && !xml_ncname(out)) {
		out[0] = '\0';
		xml_bad(in, "is not an NCName", (const char *)node->name);
	}
}

void
xml_id(struct xml_in *in, const xmlNode *parent, const char *ns,
    const char *name, char out[static CAM_ID_MAX], unsigned flags)
{
	const xmlNode *n = xml_one(in, parent, ns, name,
	    (flags & XML_NEED) != 0);

	out[0] = '\0';
	if (n == NULL || ((flags & XML_NEED) == 0 && n->children == NULL))
		return;
	xml_node_id(in, n, out);
}

static bool
xml_read_int(const char *s, int *out)
{
	char *end;
	long v;

	errno = 0;
	v = strtol(s, &end, 10);
	if (s[0] == '\0' || isspace((unsigned char)s[0]) || *end != '\0' ||
	    errno != 0 || v > 2147483647L || v < -2147483647L - 1)
		return false;
	*out = (int)v;
	return true;
}

static bool
xml_read_bool(const char *s, bool *out)
{
	if (strcmp(s, "true") == 0 || strcmp(s, "1") == 0)
		*out = true;
	else if (strcmp(s, "false") == 0 || strcmp(s, "0") == 0)
		*out = false;
	else
		return false;
	return true;
}

void
xml_int(struct xml_in *in, const xmlNode *parent, const char *ns,
    const char *name, int *out, unsigned flags)
{
	char word[XML_WORD_MAX];

	xml_string(in, parent, ns, name, word, sizeof word, flags);
	if (in->err == 0 && word[0] != '\0' && !xml_read_int(word, out))
		xml_bad(in, "is not a number", name);
}

void
xml_bool(struct xml_in *in, const xmlNode *parent, const char *ns,
    const char *name, bool *out, unsigned flags)
{
	char word[XML_WORD_MAX];

	xml_string(in, parent, ns, name, word, sizeof word, flags);
	if (in->err == 0 && word[0] != '\0' && !xml_read_bool(word, out))
		xml_bad(in, "is not true or false", name);
}

void
xml_base64(struct xml_in *in, const xmlNode *parent, const char *ns,
    const char *name, size_t max_bytes, uint8_t **out, size_t *len_out)
{
	const xmlNode *n = xml_one(in, parent, ns, name, true);
	struct buf text, bytes;
	int ret;

	*out = NULL;
	*len_out = 0;
	if (n == NULL)
		return;
	/* Cameras break lines; twice the size of the bytes is plenty. */
	buf_init(&text, max_bytes * 2 + 64);
	buf_init(&bytes, max_bytes);
	ret = xml_text(n, &text);
	if (ret == CAMCA_OK)
		ret = dec_base64(&bytes, buf_str(&text), text.len, 1);
	if (ret == CAMCA_OK && bytes.len > 0) {
		*out = bytes.data;
		*len_out = bytes.len;
		buf_init(&bytes, 0);
	} else {
		xml_bad_text(in, ret, "is not base64 of a sensible length",
		    name);
	}
	buf_fini(&bytes);
	buf_fini(&text);
}

/* One "15M" of a duration; '\0' where there is none. The fraction of a second
 * is passed over. */
static char
xml_duration_part(const char **s, int64_t *value)
{
	int64_t v = 0;
	size_t n;

	for (n = 0; isdigit((unsigned char)**s) && n < 9; n++, (*s)++)
		v = v * 10 + (**s - '0');
	*value = v;
	if (n > 0 && **s == '.') {
		(*s)++;
		*s += strspn(*s, "0123456789");
		return **s == 'S' ? *(*s)++ : '\0';
	}
	return n > 0 && **s != '\0' ? *(*s)++ : '\0';
}

static bool
xml_read_duration(const char *s, int64_t *ms_out)
{
	int64_t total = 0, v;
	bool time = false;
	char unit;

	if (*s++ != 'P' || *s == '\0')
		return false;
	while (*s != '\0') {
		if (*s == 'T' && !time) {
			time = true;
			s++;
			continue;
		}
		unit = xml_duration_part(&s, &v);
		if (!time && unit == 'D')
			total += v * 86400;
		else if (time && unit == 'H')
			total += v * 3600;
		else if (time && unit == 'M')
			total += v * 60;
		else if (time && unit == 'S')
			total += v;
		else if (unit == '\0' || v != 0 ||
		    strchr("YM", unit) == NULL)
			return false;
		if (total > XML_YEAR_S)
			return false;
	}
	*ms_out = total * 1000;
	return true;
}

void
xml_duration(struct xml_in *in, const xmlNode *parent, const char *ns,
    const char *name, int64_t *ms_out, unsigned flags)
{
	char word[XML_WORD_MAX];

	xml_string(in, parent, ns, name, word, sizeof word, flags);
	if (in->err == 0 && word[0] != '\0' &&
	    !xml_read_duration(word, ms_out))
		xml_bad(in, "is not a duration", name);
}

bool
xml_attr(const xmlNode *node, const char *name, char *out, size_t out_len)
{
	const xmlAttr *a;
	const char *s;
	size_t n;

	out[0] = '\0';
	for (a = node != NULL ? node->properties : NULL; a != NULL;
	    a = a->next)
		if (a->ns == NULL && strcmp((const char *)a->name, name) == 0)
			break;
	if (a == NULL)
		return false;
	if (a->children == NULL)
		return true;
	/* One node: there are no entities. Nothing is allocated, so that there
	 * is nothing to fail with. */
	if (a->children->next != NULL || a->children->content == NULL ||
	    a->children->type != XML_TEXT_NODE)
		return false;
	s = (const char *)a->children->content;
	s += strspn(s, xml_blank);
	for (n = strlen(s); n > 0 && strchr(xml_blank, s[n - 1]) != NULL; n--)
		;
	if (n >= out_len)
		return false;
	memcpy(out, s, n);
	out[n] = '\0';
	xml_one_line(out);
	refusal_sanitize(out);
	return true;
}

bool
xml_attr_int(const xmlNode *node, const char *name, int *out)
{
	char word[XML_WORD_MAX];

	return xml_attr(node, name, word, sizeof word) &&
	    xml_read_int(word, out);
}

bool
xml_attr_bool(const xmlNode *node, const char *name, bool *out)
{
	char word[XML_WORD_MAX];

	return xml_attr(node, name, word, sizeof word) &&
	    xml_read_bool(word, out);
}

bool
xml_has_word(const char *list, const char *word)
{
	size_t len = strlen(word), n;

	for (;;) {
		list += strspn(list, xml_blank);
		n = strcspn(list, xml_blank);
		if (n == 0)
			return false;
		if (n == len && strncmp(list, word, n) == 0)
			return true;
		list += n;
	}
}
