/* SPDX-License-Identifier: Apache-2.0 */
/* CA certificates as the authority has them. */
#ifndef CAMCA_CMD_CA_CMD_H
#define CAMCA_CMD_CA_CMD_H

#include "ca/base/buf.h"
#include "ca/cmd/cmd.h"

/* DER of the CA of this name, appended to out; generation 0: the active one.
 * CMD_DONE or the exit code after printing why. */
CAMCA_MUST int ca_cmd_certificate(struct cmd_env *env, const char *name,
    int64_t generation, struct buf *out);

#endif
