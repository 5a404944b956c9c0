/* SPDX-License-Identifier: Apache-2.0 */
/* XML from a stranger: no DTD, no entities of its own, no network, limits on
 * bytes, depth, number of elements and of attributes; elements are found by
 * namespace and local name, and two where one is expected are an error and not
 * a choice. */
#ifndef CAMCA_ONVIF_XML_H
#define CAMCA_ONVIF_XML_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <libxml/tree.h>

#include "ca/base/buf.h"
#include "enroll/onvif/driver.h"

#define XML_BYTES_DEFAULT (256u * 1024)
#define XML_BYTES_MAX (1024u * 1024)
#define XML_DEPTH_MAX 32u
#define XML_ELEMENTS_MAX 16384u
#define XML_ATTRIBUTES_MAX 4096u     /* of a whole document */

/* Parses n <= max_bytes bytes. The caller frees *out with xmlFreeDoc.
 * CAMCA_ELIMIT past a limit, CAMCA_EPROTO for what is not well-formed or has
 * a DTD, CAMCA_ENOMEM; why is filled. Any thread. */
CAMCA_MUST int xml_parse(xmlDoc **out, const void *p, size_t n,
    size_t max_bytes, struct cam_why *why);

/* Reading goes on after an error without doing anything; the first one stays
 * in err, with its words in why. So a message is read in straight lines and
 * err is looked at once. */
struct xml_in {
	int err;
	struct cam_why *why;
};

/* Whether node is an element of that name. */
bool xml_is(const xmlNode *node, const char *ns, const char *name);
/* First child element of that name, NULL where none; with after, the next one
 * behind it. For elements that may be repeated. */
const xmlNode *xml_each(const xmlNode *parent, const xmlNode *after,
    const char *ns, const char *name);
/* The only child of that name; NULL where there is none (an error with
 * required), an error where there are several. parent NULL gives NULL. */
const xmlNode *xml_one(struct xml_in *in, const xmlNode *parent,
    const char *ns, const char *name, bool required);

/* Zeroed memory, malloc'd, for as many rows of row_bytes as parent has children
 * of that name: NULL and 0 where there are none, more than CAM_ROWS_MAX, or
 * no memory; the last two are errors. */
void *xml_rows(struct xml_in *in, const xmlNode *parent, const char *ns,
    const char *name, size_t row_bytes, size_t *n_out);

/* An error where two of the n rows have the same string; at + i * row_bytes is
 * the i-th. Two rows with one name leave open which of them counts. */
void xml_distinct(struct xml_in *in, const char *at, size_t n,
    size_t row_bytes, const char *name);

/* What to do about a text that is missing, or longer than its place. */
#define XML_NEED 1u            /* an error where it is missing or empty */
#define XML_CUT 2u             /* too long: cut at a character */

/* Text of that only child, without the white space around it: "" where it is
 * missing. Line ends and tabs become spaces, other control characters and
 * invalid UTF-8 '?'. */
void xml_string(struct xml_in *in, const xmlNode *parent, const char *ns,
    const char *name, char *out, size_t out_len, unsigned flags);
/* An xs:NCName of at most 64 characters into CAM_ID_MAX bytes. */
void xml_id(struct xml_in *in, const xmlNode *parent, const char *ns,
    const char *name, char out[static CAM_ID_MAX], unsigned flags);
/* The same of node itself. */
void xml_node_id(struct xml_in *in, const xmlNode *node,
    char out[static CAM_ID_MAX]);
/* xs:int and xs:boolean; *out stays as it is where the child is missing. */
void xml_int(struct xml_in *in, const xmlNode *parent, const char *ns,
    const char *name, int *out, unsigned flags);
void xml_bool(struct xml_in *in, const xmlNode *parent, const char *ns,
    const char *name, bool *out, unsigned flags);
/* base64 with white space anywhere, at most max_bytes decoded; malloc'd, the
 * caller frees. The element is required and not empty. */
void xml_base64(struct xml_in *in, const xmlNode *parent, const char *ns,
    const char *name, size_t max_bytes, uint8_t **out, size_t *len_out);
/* xs:duration of at most a year (months and years are refused as they have no
 * fixed length) in milliseconds. */
void xml_duration(struct xml_in *in, const xmlNode *parent, const char *ns,
    const char *name, int64_t *ms_out, unsigned flags);

/* Attributes without a namespace. false where missing; what cannot be read or
 * does not fit is the same as missing: an attribute that we can do without
 * must not make a camera useless. */
bool xml_attr(const xmlNode *node, const char *name, char *out,
    size_t out_len);
bool xml_attr_int(const xmlNode *node, const char *name, int *out);
bool xml_attr_bool(const xmlNode *node, const char *name, bool *out);
/* Whether a list of words (separated by white space) holds word. */
bool xml_has_word(const char *list, const char *word);

/* Text of an element without elements in it; appended. CAMCA_EPROTO: not such
 * an element; CAMCA_ELIMIT: larger than out's maximum; CAMCA_ENOMEM. */
CAMCA_MUST int xml_text(const xmlNode *node, struct buf *out);

/* Adds an error to in, if it is the first; for readers of messages. */
void xml_bad(struct xml_in *in, const char *what, const char *name);
/* The same for the error err of reading a text: a camera has done nothing wrong
 * where memory is short here. */
void xml_bad_text(struct xml_in *in, int err, const char *what,
    const char *name);

#endif
