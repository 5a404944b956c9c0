/* SPDX-License-Identifier: Apache-2.0 */
/* Which certificate is served at this moment: a TLS handshake of its own. A
 * camera's "200 OK" to a switch of certificates proves nothing. */
#ifndef CAMCA_ONVIF_TLS_PROBE_H
#define CAMCA_ONVIF_TLS_PROBE_H

#include "enroll/onvif/driver.h"

struct tls_target {
	const char *host;            /* name or address, no brackets */
	uint16_t port;
	const struct cam_client *client;     /* shown where asked; NULL */
	long connect_ms;             /* for connection and handshake; 0: 10 s */
	bool (*stopping)(void *arg); /* may be NULL */
	void *arg;
};

/* Handshake with TLS 1.2 or 1.3, in which the server proves that it holds the
 * leaf's key; nothing is verified beyond that and nothing is sent. The caller
 * frees with cam_served_fini. CAMCA_EIO (UNREACHABLE, TLS), CAMCA_ETIME,
 * CAMCA_EBUSY, CAMCA_ENOMEM. Any thread. */
CAMCA_MUST int tls_probe(const struct tls_target *t, struct cam_served *out,
    struct cam_why *why);
/* The same handshake, then a question: *out is whether the server talks to us,
 * or ends it because of who we are. With TLS 1.3 a handshake alone is no yes.
 * Errors as above, for all else. */
CAMCA_MUST int tls_taken(const struct tls_target *t, bool *out,
    struct cam_why *why);

#endif
