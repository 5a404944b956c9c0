/* SPDX-License-Identifier: Apache-2.0 */
/* The body of an enrollment request: base64 of one DER object. */
#ifndef CAMCA_EST_BODY_H
#define CAMCA_EST_BODY_H

#include "ca/base/buf.h"
#include "ca/base/refusal.h"

#define EST_BODY_MAX (64u * 1024)

/* Appends to out the DER of the request in n bytes at p. Base64 with CR, LF,
 * SP and TAB anywhere (RFC 8951 section 3.1), or one PEM block of a certificate
 * request. Whatever Content-Transfer-Encoding said is not asked: RFC 8951
 * section 3 says to ignore it. Exactly one DER SEQUENCE must come out, with
 * nothing behind it. CAMCA_EINVAL with 400 "est.body-…"; out is unchanged then. */
CAMCA_MUST int est_body_decode(struct buf *out, const void *p, size_t n,
    struct refusal *why);

#endif
