/* SPDX-License-Identifier: Apache-2.0 */
/* Any text as the address of an OCSP request by GET: refused, or bytes that
 * their own base64, plain and percent-encoded, gives again. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "ca/base/enc.h"
#include "enroll/ocsp/uri.h"
#include "tests/fuzz/replay.h"

static void
again(const uint8_t *want, size_t want_len, const char *digits)
{
	uint8_t got[OCSP_REQUEST_MAX];
	size_t n;

	if (ocsp_uri_decode(digits, got, &n) < 0 || n != want_len ||
	    memcmp(got, want, n) != 0)
		abort();
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	char *text = malloc(size + 1), *b64, *hex;
	uint8_t out[OCSP_REQUEST_MAX];
	const char *rest;
	size_t n, i;

	if (text == NULL)
		return 0;
	memcpy(text, data, size);
	text[size] = '\0';
	if (ocsp_uri_is(text, &rest) &&
	    ocsp_uri_decode(rest, out, &n) == CAMCA_OK) {
		if (n == 0 || n > OCSP_REQUEST_MAX)
			abort();
		b64 = enc_base64_dup(out, n);
		hex = malloc(strlen(b64) * 3 + 1);
		for (i = 0; b64[i] != '\0'; i++)
			snprintf(hex + 3 * i, 4, "%%%02x",
			    (unsigned char)b64[i]);
		/* Slashes before the digits are none of them. */
		if (b64[0] != '/')
			again(out, n, b64);
		again(out, n, hex);
		free(hex);
		free(b64);
	}
	free(text);
	return 0;
}
