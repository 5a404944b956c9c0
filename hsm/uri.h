/* SPDX-License-Identifier: Apache-2.0 */
/* PKCS#11 URIs (RFC 7512), strict: known attributes once each, no PIN. */
#ifndef CAMCA_HSM_URI_H
#define CAMCA_HSM_URI_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "ca/base/buf.h"
#include "ca/base/refusal.h"

#define HSM_URI_MAX 2048       /* bytes of the whole URI */
#define HSM_URI_ID_MAX 255     /* bytes of CKA_ID */
#define HSM_URI_OBJECT_MAX 255 /* bytes of CKA_LABEL */

/* Each text is decoded, NUL-ended and empty where the URI does not name it:
 * an attribute that is present has at least one byte. */
struct hsm_uri {
	char token[33];
	char manufacturer[33];
	char model[17];
	char serial[17];
	char object[HSM_URI_OBJECT_MAX + 1];
	uint8_t id[HSM_URI_ID_MAX];
	size_t id_len;
	bool has_slot;
	unsigned long slot;
	bool has_type;               /* "type=private" was there */
	char module_path[1024];      /* query attributes */
	char pin_source[1024];
};

/* Reads text into out. CAMCA_EINVAL for anything that RFC 7512 section 2.3
 * does not allow, for attributes that mean nothing here, for a repeated or
 * empty one, and for pin-value: a PIN in a URI ends in files and logs. why
 * never repeats the text. Any thread. */
CAMCA_MUST int hsm_uri_parse(const char *text, struct hsm_uri *out,
    struct refusal *why);

/* Appends "name=value" with value percent-encoded, led by ';' where out does
 * not end in ':'. all_bytes encodes every byte, as RFC 7512 section 2.3 wants
 * for id. CAMCA_ENOMEM. */
CAMCA_MUST int hsm_uri_put(struct buf *out, const char *name, const void *p,
    size_t n, bool all_bytes);

#endif
