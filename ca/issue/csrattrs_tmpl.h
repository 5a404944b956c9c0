/* SPDX-License-Identifier: Apache-2.0 */
/* Shared by csrattrs.c and csrattrs_tmpl.c only. */
#ifndef CAMCA_ISSUE_CSRATTRS_TMPL_H
#define CAMCA_ISSUE_CSRATTRS_TMPL_H

#include <stddef.h>

#include "ca/base/buf.h"
#include "ca/issue/profile.h"

/* DER of the CertificationRequestInfoTemplate (RFC 9908 3.4) of a profile,
 * appended to out. */
CAMCA_MUST int csrattrs_tmpl_build(const struct profile *p, struct buf *out);
/* Object identifier, as text, of a subject item such as "?OU={site.name}". */
CAMCA_MUST int csrattrs_subject_oid(const char *item, char *out,
    size_t out_len);

#endif
