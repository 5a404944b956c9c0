/* SPDX-License-Identifier: Apache-2.0 */
/* Time and randomness come through one context, so that a test can set and
 * break them. */
#ifndef CAMCA_BASE_CTX_H
#define CAMCA_BASE_CTX_H

#include <stddef.h>
#include <stdint.h>

#include "ca/base/err.h"

struct camca_ctx {
	int64_t (*now_ms)(void *arg);                 /* UTC since 1970 */
	int (*random)(void *arg, uint8_t *out, size_t n); /* camca_err */
	void *arg;
};

/* The machine's clock and OpenSSL's CSPRNG. Constant, any thread. */
extern const struct camca_ctx camca_ctx_system;

/* Milliseconds UTC since 1970. */
int64_t ctx_now_ms(const struct camca_ctx *ctx);
/* n unpredictable bytes; CAMCA_ECRYPTO where the generator fails. */
CAMCA_MUST int ctx_random(const struct camca_ctx *ctx, uint8_t *out, size_t n);

/* "2026-11-22T10:36:32.123Z" (RFC 3339, UTC, milliseconds) and a NUL. Times
 * before 1970 and after 9999 are cut to these. */
#define CTX_TIME_LEN 25
void ctx_time_format(char out[static CTX_TIME_LEN], int64_t ms);
/* "YYYY-MM-DD" or the form above, to milliseconds. CAMCA_EINVAL for anything
 * else, for impossible dates, and outside the years 1970..9999. */
CAMCA_MUST int ctx_time_parse(const char *s, int64_t *ms_out);

#endif
