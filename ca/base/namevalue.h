/* SPDX-License-Identifier: Apache-2.0 */
/* Settings files of small programs: "name = value" lines, blank ones, and
 * comments that begin with '#'. */
#ifndef CAMCA_BASE_NAMEVALUE_H
#define CAMCA_BASE_NAMEVALUE_H

#include <stddef.h>

#include "ca/base/buf.h"
#include "ca/base/refusal.h"

/* Reads text, which is cut up in place and must live as long as value[]:
 * value[i] becomes what names[i] of n was given, blanks around it cut off, and
 * is left where it was not given. CAMCA_EINVAL (400 "settings.value") for a
 * line of another form, an unknown or doubled name, a NUL byte. Any thread. */
CAMCA_MUST int namevalue_read(struct buf *text, const char *const *names,
    size_t n, const char **value, struct refusal *why);

#endif
