/* SPDX-License-Identifier: Apache-2.0 */
/* WS-Discovery: which cameras of the network say that they are there. Nobody
 * has proved anything: hints for a person, never an identity. */
#ifndef CAMCA_ONVIF_DISCOVERY_H
#define CAMCA_ONVIF_DISCOVERY_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "enroll/onvif/driver.h"
#include "enroll/onvif/xml_write.h"

#define DISCOVERY_HITS_MAX 4096u
#define DISCOVERY_PORT 3702
#define DISCOVERY_GROUP "239.255.255.250"
#define DISCOVERY_GROUP6 "ff02::c"
#define DISCOVERY_FROM 64

struct discovery_hit {
	char from[DISCOVERY_FROM];   /* address that the answer came from;
				      * "fe80::1%eth0" where it is of a link */
	char endpoint[CAM_WORD_MAX]; /* "urn:uuid:...", stable */
	char xaddrs[512];            /* as told, separated by spaces */
	char name[CAM_WORD_MAX];     /* of the scopes, "" where not told */
	char hardware[CAM_WORD_MAX];
	char mac[CAM_WORD_MAX];
	char serial[CAM_WORD_MAX];
};

struct discovery {
	struct discovery_hit *v;
	size_t n;
	unsigned refused;            /* datagrams that were no answer */
};

struct discovery_ask {
	/* IPv4 or IPv6; NULL: DISCOVERY_GROUP, and DISCOVERY_GROUP6 on each
	 * interface that has IPv6. */
	const char *group;
	uint16_t port;               /* 0: DISCOVERY_PORT */
	/* Local IPv4 address, of an IPv6 group the interface's name; NULL:
	 * default. */
	const char *interface;
	long listen_ms;              /* 0: 3000 */
	const struct camca_ctx *ctx;
	bool (*stopping)(void *arg); /* may be NULL */
	void *arg;
};

/* Sends a Probe in both dialects for both types and collects answers for
 * listen_ms. Answers to other message IDs, doubles and what is malformed are
 * left out. CAMCA_EIO where nothing could be sent. discovery_fini. */
CAMCA_MUST int discovery_run(const struct discovery_ask *ask,
    struct discovery *out, struct cam_why *why);
void discovery_fini(struct discovery *d);

/* The messages by themselves. oasis: the 2009 dialect; old_type: for
 * dn:NetworkVideoTransmitter and not tds:Device. id: "urn:uuid:...". */
CAMCA_MUST int discovery_probe_write(struct xml_out *w, bool oasis,
    bool old_type, const char *id);
/* Adds the matches of one datagram that answers one of the n ids. CAMCA_OK
 * also where they were known already. CAMCA_EPROTO for anything else. */
CAMCA_MUST int discovery_read(struct discovery *d, const void *p, size_t n,
    const char *from, const char *const *ids, size_t ids_n);

#endif
