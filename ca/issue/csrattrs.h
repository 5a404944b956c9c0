/* SPDX-License-Identifier: Apache-2.0 */
/* CsrAttrs (RFC 8951 section 4): a list of object identifiers and attributes.
 * csrattrs_build() in csr.h makes the one of a profile from these. */
#ifndef CAMCA_ISSUE_CSRATTRS_H
#define CAMCA_ISSUE_CSRATTRS_H

#include <stddef.h>
#include <stdint.h>

#include "ca/base/buf.h"

struct csrattrs;              /* one thread at a time */

/* An empty list. csrattrs_free(NULL) is fine. Object identifiers are given as
 * text, "1.2.840.113549.1.9.7"; a malformed one is CAMCA_EINVAL. */
CAMCA_MUST int csrattrs_new(struct csrattrs **out);
void csrattrs_free(struct csrattrs *c);
/* Appends an object identifier. */
CAMCA_MUST int csrattrs_add_oid(struct csrattrs *c, const char *oid);
/* Appends an attribute whose values are: one object identifier (NULL: none at
 * all, RFC 9908 3.2) / one INTEGER / one SEQUENCE, given in DER. */
CAMCA_MUST int csrattrs_add_object(struct csrattrs *c, const char *oid,
    const char *value);
CAMCA_MUST int csrattrs_add_integer(struct csrattrs *c, const char *oid,
    int64_t value);
CAMCA_MUST int csrattrs_add_der(struct csrattrs *c, const char *oid,
    const uint8_t *der, size_t n);
/* DER of the list, appended to out. */
CAMCA_MUST int csrattrs_encode(const struct csrattrs *c, struct buf *out);

#endif
