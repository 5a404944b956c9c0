/* SPDX-License-Identifier: Apache-2.0 */
/* Growable byte buffer with a stated maximum. */
#ifndef CAMCA_BASE_BUF_H
#define CAMCA_BASE_BUF_H

#include <stddef.h>
#include <stdint.h>

#include "ca/base/err.h"

struct buf {
	uint8_t *data;     /* NUL byte kept after len, not counted */
	size_t len;
	size_t cap;
	size_t max;        /* 0 = SIZE_MAX/2 */
};

/* Empty buffer in the caller's memory; max_bytes 0 means no limit but memory. */
void buf_init(struct buf *b, size_t max_bytes);
/* Frees the data; b is empty and usable again. */
void buf_fini(struct buf *b);
/* As buf_fini, but overwrites the bytes first: for secrets. */
void buf_cleanse(struct buf *b);
/* Keeps the memory, forgets the bytes. */
void buf_reset(struct buf *b);
/* Room for n more bytes. CAMCA_ELIMIT past max, CAMCA_ENOMEM. */
CAMCA_MUST int buf_reserve(struct buf *b, size_t n);
/* Appends n bytes / a C string / one byte / printf text. Same errors. */
CAMCA_MUST int buf_put(struct buf *b, const void *p, size_t n);
CAMCA_MUST int buf_puts(struct buf *b, const char *s);
CAMCA_MUST int buf_putc(struct buf *b, uint8_t c);
CAMCA_MUST int buf_printf(struct buf *b, const char *fmt, ...)
    __attribute__((format(printf, 2, 3)));
/* Drops the first n bytes (n <= len). */
void buf_shift(struct buf *b, size_t n);
/* The bytes as a C string, borrowed until the next change; "" where empty. */
const char *buf_str(const struct buf *b);

#endif
