/* SPDX-License-Identifier: Apache-2.0 */
/* Unix sockets of camcad: where it listens, and who is on the other side. */
#ifndef CAMCA_AUTHORITY_PEER_H
#define CAMCA_AUTHORITY_PEER_H

#include "ca/authority/authority.h"

/* A listening socket at path, in the place of an old one. With for_all anyone
 * may connect: operators who are neither root nor in the gate's group could not
 * otherwise, and who is no operator is turned away by peer_identify() then.
 * Returns the descriptor, -1 where it fails (logged). */
int peer_listen(const char *path, bool for_all);
/* Who is it? By SO_PEERCRED, not by what it says. False for users that have no
 * business here; out->uid is set then too. */
bool peer_identify(const struct authority *a, int fd, struct caller *out);

#endif
