/* SPDX-License-Identifier: Apache-2.0 */
/* policies/rules/revocation.yaml: when two persons are needed, and limits. */
#ifndef CAMCA_ADMIT_REV_RULES_H
#define CAMCA_ADMIT_REV_RULES_H

#include <stddef.h>
#include <stdint.h>

#include "ca/base/err.h"

struct rev_rules {
	int64_t version;               /* 0: there is no file */
	int64_t second_person_above;   /* items that one person may change */
	int64_t batch_ttl_ms;          /* life of a preview */
	int64_t crl_warn_bytes;        /* doctor warns above */
};
/* Strict: every key is required, an unknown one refused. Where there is no such
 * file (a policy folder of an older version) the values that the shipped one
 * has are in force. CAMCA_EINVAL, error "file:line: why". */
CAMCA_MUST int rev_rules_load(struct rev_rules *out, const char *path,
    char *error, size_t error_len);

#endif
