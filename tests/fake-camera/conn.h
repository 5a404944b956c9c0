/* SPDX-License-Identifier: Apache-2.0 */
/* One connection to a camera or to the control port, from the handshake on. */
#ifndef FAKE_CONN_H
#define FAKE_CONN_H

#include <stdatomic.h>

#include "tests/fake-camera/server.h"

enum door_kind { DOOR_HTTP, DOOR_HTTPS, DOOR_RTSP };

/* What all connections share; once each. */
CAMCA_MUST int conn_setup(void);
void conn_teardown(void);
/* Serves until one side closes; takes fd over. */
void conn_camera(const struct fleet *f, struct camera *cam, int fd,
    enum door_kind kind, const atomic_bool *stop);
void conn_control(struct fleet *f, int fd);

#endif
