/* SPDX-License-Identifier: Apache-2.0 */
#include "enroll/onvif/discovery.h"

#include <arpa/inet.h>
#include <errno.h>
#include <ifaddrs.h>
#include <net/if.h>
#include <netdb.h>
#include <netinet/in.h>
#include <poll.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "ca/base/enc.h"
#include "ca/base/mono.h"
#include "enroll/onvif/trouble.h"

#define DISCOVERY_MS 3000L
#define DISCOVERY_SLICE_MS 100
#define DISCOVERY_DATAGRAM 16384
#define DISCOVERY_PROBES 4           /* two dialects, each with two types */
#define DISCOVERY_ID 46
#define DISCOVERY_WAYS 17            /* IPv4, and IPv6 on each interface */

/* One group on one interface. */
struct discovery_way {
	int fd;
	union {
		struct sockaddr any;
		struct sockaddr_in v4;
		struct sockaddr_in6 v6;
	} group;
	socklen_t len;
};

struct discovery_run {
	const struct discovery_ask *ask;
	struct discovery *out;
	struct discovery_way way[DISCOVERY_WAYS];
	size_t ways;
	char id[DISCOVERY_PROBES][DISCOVERY_ID];
};

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

/* The room for another way; NULL where there is none. */
static struct discovery_way *
discovery_way(struct discovery_run *r, sa_family_t family, int ttl_level,
    int ttl_option)
{
	struct discovery_way *w = &r->way[r->ways];
	int ttl = 1;

	if (r->ways == DISCOVERY_WAYS)
		return NULL;
	memset(w, 0, sizeof *w);
	w->group.any.sa_family = family;
	w->fd = socket(family, SOCK_DGRAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	if (w->fd < 0)
		return NULL;
	r->ways++;
	return setsockopt(w->fd, ttl_level, ttl_option, &ttl, sizeof ttl) ==
	    0 ? w : NULL;
}

static uint16_t
discovery_port(const struct discovery_run *r)
{
	return htons(r->ask->port != 0 ? r->ask->port : DISCOVERY_PORT);
}

static int
discovery_bad(struct cam_why *why)
{
	return cam_fail(why, CAMCA_EINVAL, CAM_INTERNAL, "The address to ask "
	    "from or at is none.");
}

static int
discovery_open4(struct discovery_run *r, const char *group,
    struct cam_why *why)
{
	const char *interface = r->ask->interface;
	struct in_addr from = { htonl(INADDR_ANY) }, to;
	struct discovery_way *w;

	if (inet_pton(AF_INET, group, &to) != 1 || (interface != NULL &&
	    inet_pton(AF_INET, interface, &from) != 1))
		return discovery_bad(why);
	w = discovery_way(r, AF_INET, IPPROTO_IP, IP_MULTICAST_TTL);
	if (w == NULL || (interface != NULL && setsockopt(w->fd, IPPROTO_IP,
	    IP_MULTICAST_IF, &from, sizeof from) != 0))
		return cam_fail(why, CAMCA_EIO, CAM_UNREACHABLE,
		    "No socket to discover cameras with: %s.",
		    strerror(errno));
	w->group.v4.sin_port = discovery_port(r);
	w->group.v4.sin_addr = to;
	w->len = sizeof w->group.v4;
	return CAMCA_OK;
}

/* index 0: as the routes say. */
static int
discovery_open6(struct discovery_run *r, const char *group, unsigned index,
    struct cam_why *why)
{
	struct in6_addr to;
	struct discovery_way *w;

	if (inet_pton(AF_INET6, group, &to) != 1)
		return discovery_bad(why);
	w = discovery_way(r, AF_INET6, IPPROTO_IPV6, IPV6_MULTICAST_HOPS);
	if (w == NULL || (index != 0 && setsockopt(w->fd, IPPROTO_IPV6,
	    IPV6_MULTICAST_IF, &index, sizeof index) != 0))
		return cam_fail(why, CAMCA_EIO, CAM_UNREACHABLE,
		    "No socket to discover cameras with: %s.",
		    strerror(errno));
	w->group.v6.sin6_port = discovery_port(r);
	w->group.v6.sin6_addr = to;
	w->group.v6.sin6_scope_id = index;
	w->len = sizeof w->group.v6;
	return CAMCA_OK;
}

/* On each interface with an address of its link: a machine without IPv6 has
 * none, and IPv4 is asked all the same. */
static void
discovery_links(struct discovery_run *r)
{
	struct ifaddrs *list, *i;
	struct sockaddr_in6 a;
	struct cam_why ignored;

	if (getifaddrs(&list) != 0)
		return;
	for (i = list; i != NULL; i = i->ifa_next) {
		if (i->ifa_addr == NULL || i->ifa_addr->sa_family != AF_INET6 ||
		    (i->ifa_flags & IFF_UP) == 0 ||
		    (i->ifa_flags & IFF_MULTICAST) == 0)
			continue;
		memcpy(&a, i->ifa_addr, sizeof a);
		if (IN6_IS_ADDR_LINKLOCAL(&a.sin6_addr))
			(void)!discovery_open6(r, DISCOVERY_GROUP6,
			    if_nametoindex(i->ifa_name), &ignored);
	}
	freeifaddrs(list);
}

static int
discovery_open(struct discovery_run *r, struct cam_why *why)
{
	const struct discovery_ask *ask = r->ask;
	unsigned index = 0;
	int ret;

	if (ask->group == NULL) {
		ret = discovery_open4(r, DISCOVERY_GROUP, why);
		if (ret == CAMCA_OK && ask->interface == NULL)
			discovery_links(r);
		return ret;
	}
	if (strchr(ask->group, ':') == NULL)
		return discovery_open4(r, ask->group, why);
	if (ask->interface != NULL &&
	    (index = if_nametoindex(ask->interface)) == 0)
		return discovery_bad(why);
	return discovery_open6(r, ask->group, index, why);
}

/* A Probe matches what has all its types, so each type is asked for alone. */
static int
discovery_send(struct discovery_run *r, struct cam_why *why)
{
	struct xml_out w;
	size_t i, k, sent = 0;
	int ret = CAMCA_OK;

	for (i = 0; i < DISCOVERY_PROBES && ret == CAMCA_OK; i++) {
		xml_out_init(&w);
		ret = discovery_uuid(r->ask->ctx, r->id[i]);
		if (ret == CAMCA_OK)
			ret = discovery_probe_write(&w, (i & 1) != 0,
			    (i & 2) != 0, r->id[i]);
		for (k = 0; ret == CAMCA_OK && k < r->ways; k++)
			sent += r->way[k].len > 0 && sendto(r->way[k].fd,
			    w.b.data, w.b.len, 0, &r->way[k].group.any,
			    r->way[k].len) > 0;
		xml_out_fini(&w);
	}
	if (ret < 0)
		return cam_fail_plain(why, ret);
	if (sent == 0)
		return cam_fail(why, CAMCA_EIO, CAM_UNREACHABLE,
		    "No Probe could be sent: %s.", strerror(errno));
	return CAMCA_OK;
}

/* The sender as text, with its interface where the address is of a link. */
static bool
discovery_from(const struct sockaddr_storage *from,
    char out[static DISCOVERY_FROM])
{
	const struct sockaddr *any = (const struct sockaddr *)from;

	return (any->sa_family == AF_INET || any->sa_family == AF_INET6) &&
	    getnameinfo(any, sizeof *from, out, DISCOVERY_FROM, NULL, 0,
	    NI_NUMERICHOST) == 0;
}

static void
discovery_take(struct discovery_run *r, int fd)
{
	const char *ids[DISCOVERY_PROBES];
	uint8_t bytes[DISCOVERY_DATAGRAM];
	struct sockaddr_storage from;
	socklen_t len = sizeof from;
	char text[DISCOVERY_FROM];
	ssize_t n;
	size_t i;

	memset(&from, 0, sizeof from);
	n = recvfrom(fd, bytes, sizeof bytes, 0, (struct sockaddr *)&from,
	    &len);
	if (n <= 0 || !discovery_from(&from, text))
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
	int64_t end = mono_ms() + (ask->listen_ms > 0 ? ask->listen_ms :
	    DISCOVERY_MS);
	struct pollfd p[DISCOVERY_WAYS];
	size_t i;

	for (i = 0; i < r->ways; i++)
		p[i] = (struct pollfd){ r->way[i].fd, POLLIN, 0 };
	while (mono_ms() < end) {
		if (ask->stopping != NULL && ask->stopping(ask->arg))
			return cam_fail(why, CAMCA_EBUSY, CAM_STOPPED,
			    "Stopped while discovering.");
		if (poll(p, r->ways, DISCOVERY_SLICE_MS) <= 0)
			continue;
		for (i = 0; i < r->ways; i++)
			if (p[i].revents != 0)
				discovery_take(r, p[i].fd);
	}
	return CAMCA_OK;
}

int
discovery_run(const struct discovery_ask *ask, struct discovery *out,
    struct cam_why *why)
{
	struct discovery_run r = { .ask = ask, .out = out };
	int ret;

	memset(out, 0, sizeof *out);
	cam_why_clear(why);
	ret = discovery_open(&r, why);
	if (ret == CAMCA_OK)
		ret = discovery_send(&r, why);
	if (ret == CAMCA_OK)
		ret = discovery_listen(&r, why);
	while (r.ways > 0)
		close(r.way[--r.ways].fd);
	if (ret < 0)
		discovery_fini(out);
	return ret;
}
