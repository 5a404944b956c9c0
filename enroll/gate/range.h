/* SPDX-License-Identifier: Apache-2.0 */
/* Byte ranges of HTTP (RFC 9110 section 14). */
#ifndef CAMCA_GATE_RANGE_H
#define CAMCA_GATE_RANGE_H

#include <stddef.h>

enum range_kind {
	RANGE_ALL,               /* none, or one that is to be ignored */
	RANGE_PART,              /* 206, *from and *n set */
	RANGE_NONE               /* 416: beyond the end */
};

/* A Range field (NULL: none) over something of size bytes. One range of bytes
 * is served; several at once, other units and what is malformed are ignored, as
 * 14.2 allows. */
enum range_kind range_parse(const char *field, size_t size, size_t *from,
    size_t *n);

#endif
