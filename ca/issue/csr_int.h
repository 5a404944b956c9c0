/* SPDX-License-Identifier: Apache-2.0 */
/* Shared by the csr*.c files only. Each refuses with CAMCA_EINVAL, 400. */
#ifndef CAMCA_ISSUE_CSR_INT_H
#define CAMCA_ISSUE_CSR_INT_H

#include "ca/issue/csr.h"

/* Is this exactly one DER value (X.690 8 to 11), not deeper than 32 and of a
 * bounded number of parts? Looks at tags, lengths and the values of the
 * universal types, allocates nothing, and runs before any decoder does. what
 * names the value in the sentence ("request"). */
CAMCA_MUST int csr_der_check(const uint8_t *p, size_t n, const char *what,
    struct refusal *why);

/* No NUL, no control, and valid in its own character set: each value of a
 * name. */
CAMCA_MUST int csr_name_check(const X509_NAME *name, struct refusal *why);
/* The same for each GeneralName, at most 100. */
CAMCA_MUST int csr_general_names_check(const GENERAL_NAMES *names,
    struct refusal *why);
/* A text value as UTF-8 into out: PrintableString, UTF8String or IA5String,
 * 1..CSR_ATTR_MAX - 1 bytes, no NUL or control. what names it. */
CAMCA_MUST int csr_text(const ASN1_TYPE *value, const char *what,
    char out[static CSR_ATTR_MAX], struct refusal *why);

/* Takes the attributes apart into c. attrs may be NULL. */
CAMCA_MUST int csr_attributes(struct csr *c,
    const STACK_OF(X509_ATTRIBUTE) *attrs, struct refusal *why);

#endif
