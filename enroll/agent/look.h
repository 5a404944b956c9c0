/* SPDX-License-Identifier: Apache-2.0 */
/* What can be seen of cameras without a login, for whoever sets up a site. */
#ifndef CAMCA_AGENT_LOOK_H
#define CAMCA_AGENT_LOOK_H

#include "ca/base/err.h"

/* Prints what the camera at "HOST[:PORT]" says before any login: its clock,
 * what its keystore can, the certificate it serves. CAMCA_EINVAL, CAMCA_EIO,
 * logged. */
CAMCA_MUST int look_at(const char *where);
/* WS-Discovery for so long; prints one line for each camera that answers: hints
 * from whoever wants to answer, never an identity. CAMCA_EIO, logged. */
CAMCA_MUST int look_around(long listen_ms);

#endif
