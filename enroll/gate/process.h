/* SPDX-License-Identifier: Apache-2.0 */
/* What the process may still do once it faces the network. */
#ifndef CAMCA_GATE_PROCESS_H
#define CAMCA_GATE_PROCESS_H

#include <stddef.h>

#include "ca/base/err.h"

/* harden_process(), as the TLS key and one-time secrets are in memory; private
 * files, no SIGPIPE; room for files descriptors. */
void process_harden(size_t files);
/* As root, where the user exists: makes dir (may be missing) the user's and
 * becomes that user for good. Otherwise makes dir and stays. CAMCA_EPERM where
 * becoming the user fails, CAMCA_EIO. Logged. */
CAMCA_MUST int process_drop(const char *user, const char *dir);

#endif
