/* SPDX-License-Identifier: Apache-2.0 */
/* Requests are written element by element; texts are escaped here and nowhere
 * else, so no value can become markup. */
#ifndef CAMCA_ONVIF_XML_WRITE_H
#define CAMCA_ONVIF_XML_WRITE_H

#include <stdbool.h>
#include <stddef.h>

#include "ca/base/buf.h"

#define XML_OUT_DEPTH 16u

/* Writing goes on after an error without doing anything; err is looked at
 * once, at the end. The bytes may hold a password: they are cleansed. */
struct xml_out {
	struct buf b;
	int err;                     /* CAMCA_EINVAL: a value is no XML text */
	const char *open[XML_OUT_DEPTH];
	size_t depth;
	bool in_tag;                 /* "<name" is written, '>' is not */
};

void xml_out_init(struct xml_out *w);
void xml_out_fini(struct xml_out *w);
/* Names are constants of ours with their prefix ("tds:User"), kept until
 * closed. Attributes directly follow xml_open. */
void xml_open(struct xml_out *w, const char *name);
void xml_put_attr(struct xml_out *w, const char *name, const char *value);
void xml_close(struct xml_out *w);
/* <name>value</name>; value UTF-8 without control characters but tab. */
void xml_put(struct xml_out *w, const char *name, const char *value);
/* The same, but nothing at all where value is NULL or "". */
void xml_put_some(struct xml_out *w, const char *name, const char *value);
void xml_put_int(struct xml_out *w, const char *name, long value);
void xml_put_bool(struct xml_out *w, const char *name, bool value);
void xml_put_base64(struct xml_out *w, const char *name, const void *p,
    size_t n);
/* Text of the element that is open. */
void xml_put_text(struct xml_out *w, const char *value);
/* What another writer has written, whole. */
void xml_put_part(struct xml_out *w, const struct xml_out *part);
/* The error so far; CAMCA_EINVAL where elements are still open. */
CAMCA_MUST int xml_out_end(const struct xml_out *w);

#endif
