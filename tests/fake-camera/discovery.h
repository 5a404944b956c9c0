/* SPDX-License-Identifier: Apache-2.0 */
/* WS-Discovery: the cameras answer probes. */
#ifndef FAKE_DISCOVERY_H
#define FAKE_DISCOVERY_H

#include "tests/fake-camera/server.h"

/* Answers probes on the UDP port of the fleet's address, 0 takes a free one
 * and writes it back; joins the group where the address can. 0 or CAMCA_EIO,
 * CAMCA_ENOMEM. */
CAMCA_MUST int discovery_start(const struct fleet *fleet, uint16_t *port);
void discovery_stop(void);

#endif
