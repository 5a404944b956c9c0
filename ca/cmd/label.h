/* SPDX-License-Identifier: Apache-2.0 */
/* One label in its forms: what the QR code says, a CSV line, a piece of the
 * page to print. */
#ifndef CAMCA_CMD_LABEL_H
#define CAMCA_CMD_LABEL_H

#include "ca/base/buf.h"

struct label {
	const char *device, *serial, *model, *site, *secret, *expires;
	const char *url;         /* EST address */
	const char *root;        /* SHA-256 of the root certificate, hex */
};

/* "camca:1?url=…&id=…&otp=…&root=sha256:…", values percent-encoded (RFC 3986
 * 3.4): all that an installer's tool needs to enroll the device safely. */
CAMCA_MUST int label_uri(struct buf *out, const struct label *l);

/* Header and line of the CSV (RFC 4180, CRLF, each field quoted). A field that
 * a spreadsheet would run as a formula gets an apostrophe in front. */
CAMCA_MUST int label_csv_head(struct buf *out);
CAMCA_MUST int label_csv(struct buf *out, const struct label *l);

/* The page: self-contained, A4, three columns, Vietnamese and English. printed:
 * RFC 3339 time that stands in the head. */
CAMCA_MUST int label_html_head(struct buf *out, const char *url,
    const char *root, const char *printed);
CAMCA_MUST int label_html(struct buf *out, const struct label *l);
CAMCA_MUST int label_html_tail(struct buf *out);

/* The secret in groups of four with dashes, however it was grouped. */
CAMCA_MUST int label_group(struct buf *out, const char *secret);

#endif
