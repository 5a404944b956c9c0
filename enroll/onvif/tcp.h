/* SPDX-License-Identifier: Apache-2.0 */
/* A TCP connection to a camera with one deadline for all of it, which hears
 * when it is to stop: for what libcurl does not do. */
#ifndef CAMCA_ONVIF_TCP_H
#define CAMCA_ONVIF_TCP_H

#include "enroll/onvif/driver.h"

struct tcp {
	int fd;                      /* -1: none; does not block */
	int64_t end_ms;              /* of mono_ms(); the caller's to move */
	const char *what;            /* "TLS handshake": what takes too long */
	bool refused;                /* nobody listens at that port */
	bool (*stopping)(void *arg); /* may be NULL */
	void *arg;
	struct cam_why *why;
};

/* Connects to a name or address (no brackets), each address of a name in turn.
 * t->fd is the caller's to close with tcp_close, also after an error. CAMCA_EIO
 * (UNREACHABLE), CAMCA_ETIME, CAMCA_EBUSY. */
CAMCA_MUST int tcp_connect(struct tcp *t, const char *host, uint16_t port);
/* Until fd can do events (of poll), or one of the errors above. */
CAMCA_MUST int tcp_wait(struct tcp *t, short events);
void tcp_close(struct tcp *t);

#endif
