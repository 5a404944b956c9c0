/* SPDX-License-Identifier: Apache-2.0 */
#include "enroll/onvif/tcp.h"

#include <errno.h>
#include <netdb.h>
#include <poll.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "ca/base/mono.h"
#include "enroll/onvif/trouble.h"

#define TCP_SLICE_MS 200

/* In slices, so that a stop is heard. */
int
tcp_wait(struct tcp *t, short events)
{
	struct pollfd fd = { t->fd, events, 0 };
	int n;

	while (mono_ms() < t->end_ms) {
		if (t->stopping != NULL && t->stopping(t->arg))
			return cam_fail(t->why, CAMCA_EBUSY, CAM_STOPPED,
			    "Stopped during a %s.", t->what);
		n = poll(&fd, 1, TCP_SLICE_MS);
		if (n > 0)
			return CAMCA_OK;
		if (n < 0 && errno != EINTR)
			return cam_fail(t->why, CAMCA_EIO, CAM_UNREACHABLE,
			    "Connection: %s.", strerror(errno));
	}
	return cam_fail(t->why, CAMCA_ETIME, CAM_TIMEOUT,
	    "No %s within the time.", t->what);
}

static int
tcp_failed(struct tcp *t, int err)
{
	t->refused = err == ECONNREFUSED;
	return cam_fail(t->why, CAMCA_EIO, CAM_UNREACHABLE,
	    "No connection: %s.", strerror(err));
}

static int
tcp_connect_to(struct tcp *t, const struct addrinfo *a)
{
	int err = 0, ret;
	socklen_t len = sizeof err;

	t->fd = socket(a->ai_family, a->ai_socktype | SOCK_NONBLOCK |
	    SOCK_CLOEXEC, a->ai_protocol);
	if (t->fd < 0)
		return cam_fail(t->why, CAMCA_EIO, CAM_UNREACHABLE,
		    "No socket: %s.", strerror(errno));
	if (connect(t->fd, a->ai_addr, a->ai_addrlen) == 0)
		return CAMCA_OK;
	if (errno != EINPROGRESS)
		return tcp_failed(t, errno);
	ret = tcp_wait(t, POLLOUT);
	if (ret < 0)
		return ret;
	if (getsockopt(t->fd, SOL_SOCKET, SO_ERROR, &err, &len) != 0 ||
	    err != 0)
		return tcp_failed(t, err != 0 ? err : errno);
	return CAMCA_OK;
}

int
tcp_connect(struct tcp *t, const char *host, uint16_t port)
{
	struct addrinfo hints, *list, *a;
	char service[8];
	int ret = CAMCA_EIO, rc;

	t->fd = -1;
	t->refused = false;
	memset(&hints, 0, sizeof hints);
	hints.ai_socktype = SOCK_STREAM;
	snprintf(service, sizeof service, "%u", (unsigned)port);
	rc = getaddrinfo(host, service, &hints, &list);
	if (rc != 0)
		return cam_fail(t->why, CAMCA_EIO, CAM_UNREACHABLE,
		    "The camera's address: %s.", gai_strerror(rc));
	for (a = list; a != NULL; a = a->ai_next) {
		ret = tcp_connect_to(t, a);
		if (ret != CAMCA_EIO)
			break;
		tcp_close(t);
	}
	freeaddrinfo(list);
	return ret;
}

void
tcp_close(struct tcp *t)
{
	if (t->fd >= 0)
		close(t->fd);
	t->fd = -1;
}
