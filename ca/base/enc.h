/* SPDX-License-Identifier: Apache-2.0 */
/* Base64 (RFC 4648 section 4), base32 without padding (section 6) and hex. */
#ifndef CAMCA_BASE_ENC_H
#define CAMCA_BASE_ENC_H

#include <stddef.h>
#include <stdint.h>

#include "ca/base/buf.h"

/* Appends base64 of n bytes. wrap_cols 0: one line without a line feed; else
 * lines of wrap_cols characters (a multiple of 4), each ended by LF. */
CAMCA_MUST int enc_base64(struct buf *out, const void *p, size_t n,
    size_t wrap_cols);
/* Appends the bytes. With lax, CR, LF, SP and TAB are skipped anywhere, as
 * RFC 8951 section 3.1 asks of EST servers; padding must be right and whole in
 * both modes. CAMCA_EINVAL otherwise; out is then unchanged in length. */
CAMCA_MUST int dec_base64(struct buf *out, const char *s, size_t n, int lax);
/* Appends RFC 4648 base32 in upper case, no padding. */
CAMCA_MUST int enc_base32(struct buf *out, const void *p, size_t n);
/* Lower-case hex of n bytes and a NUL: out has room for 2n + 1. */
void enc_hex(char *out, const void *p, size_t n);
/* Exactly out_len bytes from 2 * out_len hex digits, either case.
 * CAMCA_EINVAL for any other length or digit. */
CAMCA_MUST int dec_hex(uint8_t *out, size_t out_len, const char *s);
/* Value of one base64 character, 0..63, or -1 (RFC 4648 table 1). */
int dec_base64_digit(int c);
/* Malloc'd base64 / hex string of n bytes, NULL without memory. */
char *enc_base64_dup(const void *p, size_t n);
char *enc_hex_dup(const void *p, size_t n);

#endif
