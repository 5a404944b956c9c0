/* SPDX-License-Identifier: Apache-2.0 */
#include "enroll/onvif/discovery.h"

#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <poll.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#include "ca/base/enc.h"
#include "enroll/onvif/trouble.h"

#define DISCOVERY_MS 3000L
#define DISCOVERY_SLICE_MS 100
#define DISCOVERY_DATAGRAM 16384
#define DISCOVERY_PROBES 4           /* two dialects, each with two types */
#define DISCOVERY_ID 46

struct discovery_run {
	const struct discovery_ask *ask;
	struct discovery *out;
	int fd;
	struct sockaddr_in group;
	char id[DISCOVERY_PROBES][DISCOVERY_ID];
};

static int64_t
discovery_now_ms(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return (int64_t)t.tv_sec * 1000 + t.tv_nsec / 1000000;
}

/* RFC 4122 version 4. */
static int
discovery_uuid(const struct camca_ctx *ctx, char out[static DISCOVERY_ID])
{
	uint8_t r[16];
	char hex[33];
	int ret = ctx_random(ctx, r, sizeof r);

	if (ret < 0)
		return ret;
	r[6] = (uint8_t)((r[6] & 0x0f) | 0x40);
	r[8] = (uint8_t)((r[8] & 0x3f) | 0x80);
	enc_hex(hex, r, sizeof r);
	snprintf(out, DISCOVERY_ID, "urn:uuid:%.8s-%.4s-%.4s-%.4s-%.12s",
	    hex, hex + 8, hex + 12, hex + 16, hex + 20);
	return CAMCA_OK;
}

static int
discovery_socket(struct discovery_run *r, struct cam_why *why)
{
	const struct discovery_ask *ask = r->ask;
	const char *group = ask->group != NULL ? ask->group : DISCOVERY_GROUP;
	struct in_addr interface = { htonl(INADDR_ANY) };
	unsigned char ttl = 1;

	r->group.sin_family = AF_INET;
	r->group.sin_port = htons(ask->port != 0 ? ask->port :
	    DISCOVERY_PORT);
	if (inet_pton(AF_INET, group, &r->group.sin_addr) != 1 ||
	    (ask->interface != NULL && inet_pton(AF_INET, ask->interface,
	    &interface) != 1))
		return cam_fail(why, CAMCA_EINVAL, CAM_INTERNAL,
		    "The address to ask from or at is not an IPv4 address.");
	r->fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	if (r->fd < 0 || setsockopt(r->fd, IPPROTO_IP, IP_MULTICAST_TTL, &ttl,
	    sizeof ttl) != 0 || (ask->interface != NULL &&
	    setsockopt(r->fd, IPPROTO_IP, IP_MULTICAST_IF, &interface,
	    sizeof interface) != 0))
		return cam_fail(why, CAMCA_EIO, CAM_UNREACHABLE,
		    "No socket to discover cameras with: %s.",
		    strerror(errno));
	return CAMCA_OK;
}

/* A Probe matches what has all its types, so each type is asked for alone. */
static int
discovery_send(struct discovery_run *r, struct cam_why *why)
{
	struct xml_out w;
	size_t i, sent = 0;
	int ret = CAMCA_OK;

	for (i = 0; i < DISCOVERY_PROBES && ret == CAMCA_OK; i++) {
		xml_out_init(&w);
		ret = discovery_uuid(r->ask->ctx, r->id[i]);
		if (ret == CAMCA_OK)
			ret = discovery_probe_write(&w, (i & 1) != 0,
			    (i & 2) != 0, r->id[i]);
		if (ret == CAMCA_OK && sendto(r->fd, w.b.data, w.b.len, 0,
		    (const struct sockaddr *)&r->group, sizeof r->group) > 0)
			sent++;
		xml_out_fini(&w);
	}
	if (ret < 0)
		return cam_fail_plain(why, ret);
	if (sent == 0)
		return cam_fail(why, CAMCA_EIO, CAM_UNREACHABLE,
		    "No Probe could be sent: %s.", strerror(errno));
	return CAMCA_OK;
}

static void
discovery_take(struct discovery_run *r)
{
	const char *ids[DISCOVERY_PROBES];
	uint8_t bytes[DISCOVERY_DATAGRAM];
	struct sockaddr_in from;
	socklen_t len = sizeof from;
	char text[INET_ADDRSTRLEN];
	ssize_t n;
	size_t i;

	n = recvfrom(r->fd, bytes, sizeof bytes, 0, (struct sockaddr *)&from,
	    &len);
	if (n <= 0 || from.sin_family != AF_INET ||
	    inet_ntop(AF_INET, &from.sin_addr, text, sizeof text) == NULL)
		return;
	for (i = 0; i < DISCOVERY_PROBES; i++)
		ids[i] = r->id[i];
	if (discovery_read(r->out, bytes, (size_t)n, text, ids,
	    DISCOVERY_PROBES) < 0)
		r->out->refused++;
}

static int
discovery_listen(struct discovery_run *r, struct cam_why *why)
{
	const struct discovery_ask *ask = r->ask;
	int64_t end = discovery_now_ms() + (ask->listen_ms > 0 ?
	    ask->listen_ms : DISCOVERY_MS);
	struct pollfd p = { r->fd, POLLIN, 0 };

	while (discovery_now_ms() < end) {
		if (ask->stopping != NULL && ask->stopping(ask->arg))
			return cam_fail(why, CAMCA_EBUSY, CAM_STOPPED,
			    "Stopped while discovering.");
		if (poll(&p, 1, DISCOVERY_SLICE_MS) > 0)
			discovery_take(r);
	}
	return CAMCA_OK;
}

int
discovery_run(const struct discovery_ask *ask, struct discovery *out,
    struct cam_why *why)
{
	struct discovery_run r = { .ask = ask, .out = out, .fd = -1 };
	int ret;

	memset(out, 0, sizeof *out);
	cam_why_clear(why);
	ret = discovery_socket(&r, why);
	if (ret == CAMCA_OK)
		ret = discovery_send(&r, why);
	if (ret == CAMCA_OK)
		ret = discovery_listen(&r, why);
	if (r.fd >= 0)
		close(r.fd);
	if (ret < 0)
		discovery_fini(out);
	return ret;
}
