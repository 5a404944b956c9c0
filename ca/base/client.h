/* SPDX-License-Identifier: Apache-2.0 */
/* Whom something counts against that a remote client does. */
#ifndef CAMCA_BASE_CLIENT_H
#define CAMCA_BASE_CLIENT_H

#include <stdint.h>
#include <sys/socket.h>

/* An IPv4 address, or the /64 of an IPv6 address, which one customer's network
 * has at least. Compared as bytes. */
struct client_key {
	uint8_t bytes[8];
};

/* Key of a socket address; IPv4 inside IPv6 counts as IPv4, other families as
 * one client, all zeros. Any thread. */
void client_key(struct client_key *out, const struct sockaddr *sa);

#endif
