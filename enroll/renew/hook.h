/* SPDX-License-Identifier: Apache-2.0 */
/* Tells the rest of the camera that the pair has changed. */
#ifndef CAMCA_RENEW_HOOK_H
#define CAMCA_RENEW_HOOK_H

#include "ca/base/err.h"

/* Runs path (no shell) with dir as only argument and an environment of PATH,
 * CAMCA_RENEW_DIR, CAMCA_RENEW_CURRENT and CAMCA_RENEW_GENERATION; standard
 * input is empty. Past timeout_ms it and its children are killed. 0 where it
 * ends with 0; CAMCA_EIO otherwise, logged. */
CAMCA_MUST int hook_run(const char *path, const char *dir,
    unsigned generation, int timeout_ms);

#endif
