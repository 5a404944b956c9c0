/* SPDX-License-Identifier: Apache-2.0 */
/* The doors of all cameras: one thread accepts, each connection has one with a
 * small stack. */
#ifndef FAKE_SERVER_H
#define FAKE_SERVER_H

#include "tests/fake-camera/camera.h"

struct fleet {
	struct camera **cam;
	unsigned n;
	const char *address;     /* IPv4 or IPv6, as text */
	int base_port;           /* 0 = free ones */
	int64_t latency_ms;
	uint16_t control_port;
};

/* Opens the doors and starts to answer; the fleet lives until server_stop().
 * 0 or a negative camca_err. */
CAMCA_MUST int server_start(struct fleet *fleet);
/* Closes all doors, waits for what is being answered. */
void server_stop(void);
/* A request of the control port answered; in control.c. body is JSON. */
struct http_request;
void control_handle(struct fleet *fleet, const struct http_request *rq,
    int *status, char **body);

#endif
