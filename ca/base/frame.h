/* SPDX-License-Identifier: Apache-2.0 */
/* Frames of the authority socket: 4-byte big-endian length, then one JSON
 * object of at most FRAME_MAX bytes (docs/ARCHITECTURE.md). */
#ifndef CAMCA_BASE_FRAME_H
#define CAMCA_BASE_FRAME_H

#include <stddef.h>
#include <stdint.h>

#include "ca/base/buf.h"

#define FRAME_MAX (1u << 20)

/* Looks at the bytes gathered in in: 1 and *payload, *n borrowed from in where
 * a whole frame, of 4 + *n bytes, is there; 0 where more bytes are needed;
 * CAMCA_ELIMIT for a length of 0 or past FRAME_MAX (close the connection). */
CAMCA_MUST int frame_peek(const struct buf *in, const uint8_t **payload,
    size_t *n);
/* Blocking write of a whole frame. CAMCA_EIO. No SIGPIPE. */
CAMCA_MUST int frame_write(int fd, const void *p, size_t n);
/* Blocking read of one frame into out (reset first). CAMCA_EIO on error or
 * end of file, CAMCA_ELIMIT for a bad length, CAMCA_ETIME past timeout_ms
 * (< 0: none). */
CAMCA_MUST int frame_read(int fd, struct buf *out, int timeout_ms);

#endif
