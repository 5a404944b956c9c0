/* SPDX-License-Identifier: Apache-2.0 */
/* The state folder: which folders there are, whose they are, who may look. */
#ifndef CAMCA_AUTHORITY_LAYOUT_H
#define CAMCA_AUTHORITY_LAYOUT_H

#include <stdbool.h>

#include "ca/base/config.h"
#include "ca/base/refusal.h"

/* Makes STATE and its folders, copies the policies where they are missing and
 * writes camca.yaml where it is missing. As root the folders are handed to the
 * authority's and the gate's users, where those exist. */
CAMCA_MUST int layout_make(const struct config *c, const char *policies_from,
    struct refusal *why);
/* As root: becomes the authority's user for good, where it exists. Else stays
 * and warns. CAMCA_EPERM where the kernel refuses. */
CAMCA_MUST int layout_drop(const struct config *c);

#endif
