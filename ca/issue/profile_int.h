/* SPDX-License-Identifier: Apache-2.0 */
/* Shared by the profile*.c files only. */
#ifndef CAMCA_ISSUE_PROFILE_INT_H
#define CAMCA_ISSUE_PROFILE_INT_H

#include "ca/base/yaml.h"
#include "ca/issue/profile.h"

/* Fills p (zeroed) from a YAML document; p->name is set by the caller. Each
 * mistake is noted in d. profile_clear() frees it in every case. */
CAMCA_MUST int profile_read(struct yaml_doc *d, struct profile *p);
/* The rules that span several keys of one profile; mistakes are noted in d. */
CAMCA_MUST int profile_check(struct yaml_doc *d, const struct profile *p);
void profile_clear(struct profile *p);

/* Checks a template: known variables, balanced braces. NULL where it is fine,
 * else what is wrong (static text). *names_device is set true where it holds a
 * variable of the device, and left alone otherwise. */
const char *profile_template_error(const char *item, bool *names_device);
/* A template without its '?'. */
const char *profile_template_body(const char *item);
/* 1..64 characters of [A-Za-z0-9._-], neither "." nor "..". */
bool profile_name_ok(const char *name);

#endif
