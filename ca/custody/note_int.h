/* SPDX-License-Identifier: Apache-2.0 */
/* What the files of signed notes share with each other alone. */
#ifndef CAMCA_CUSTODY_NOTE_INT_H
#define CAMCA_CUSTODY_NOTE_INT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "ca/custody/tree.h"

/* U+2014 and a space: what a signature line begins with. */
#define NOTE_DASH "\xe2\x80\x94 "
#define NOTE_DASH_LEN (sizeof NOTE_DASH - 1)

/* UTF-8 without ASCII control characters but line feeds. Any thread. */
bool note_text_ok(const char *p, size_t n);
/* note_name_ok for n bytes, which have no end mark, of any length. */
bool note_name_ok_n(const char *p, size_t n);

/* A line of a text: *p moves behind its line feed, which *n does not count.
 * false where there is no line feed before end. */
bool note_take_line(const char **p, const char *end, const char **line,
    size_t *n);
/* Decimal 0..TREE_SIZE_MAX without sign and leading zero; -1: it is not. */
int64_t note_decimal(const char *p, size_t n);
/* Base64 of exactly one hash. CAMCA_EINVAL, CAMCA_ENOMEM. */
CAMCA_MUST int note_hash(struct hash *out, const char *p, size_t n);

#endif
