/* SPDX-License-Identifier: Apache-2.0 */
/* What a request may contain: names, namespaces, order, number and type of
 * its elements, written down as tables after the WSDL of release 26.06. */
#ifndef FAKE_SHAPE_H
#define FAKE_SHAPE_H

#include <libxml/tree.h>

enum shape_type {
	SH_STRING, SH_BOOL, SH_INT, SH_UINT, SH_POSITIVE, SH_ID, SH_BASE64,
	SH_OID, SH_WORD,         /* one of words */
	SH_LIST,                 /* words with spaces between */
	SH_URI, SH_TIME,         /* xs:dateTime */
	SH_SEQ, SH_CHOICE, SH_ANY
};

struct shape {
	const char *name;        /* NULL ends a list */
	const char *ns;
	enum shape_type type;
	unsigned min, max;       /* max 0 = any number */
	const struct shape *kids;
	const char *const *words;
	const char *const *attributes; /* NULL: none; "*": any */
};

/* What is wrong, as the subcode of ter: and a sentence. */
struct shape_fault {
	const char *code;
	char text[200];
};

/* NULL where all is as the list of children says. */
const struct shape_fault *shape_check(const xmlNode *parent,
    const struct shape *kids, struct shape_fault *out);

/* The children of a request; NULL where the operation is not known. */
const struct shape *shape_tds(const char *operation);
const struct shape *shape_tas(const char *operation);

#endif
