/* SPDX-License-Identifier: Apache-2.0 */
/* Every open connection, and how long it may keep the gate waiting. */
#ifndef CAMCA_GATE_CONNS_H
#define CAMCA_GATE_CONNS_H

#include <gnutls/gnutls.h>
#include <microhttpd.h>
#include <netinet/in.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "ca/base/err.h"
#include "enroll/gate/throttle.h"

struct conns;
struct ident;
struct ident_pair;
struct staple;
struct staples;

struct conn {
	char remote[INET6_ADDRSTRLEN];
	struct client_key key;
	gnutls_session_t tls;        /* NULL: plain HTTP; borrowed from MHD */
	struct ident *idents;        /* where its certificate comes from */
	struct ident_pair *ident;    /* certificate of this handshake, counted */
	struct staples *staples;     /* and where its status comes from */
	struct staple *staple;       /* counted, or NULL */
	bool pop_used;               /* a channel binding was used: RFC 9266 4.1 */
	/* private */
	struct conns *owner;
	struct conn *prev, *next;
	struct MHD_Connection *mhd;
	int fd;
	int64_t since_ms;            /* waiting for the peer since, 0: not */
	bool shaking;                /* the TLS handshake has not ended */
	bool watched;                /* the fd is in our epoll set */
	bool parked;
};

/* At most max connections are meant to be open, and a peer has patience_ms to
 * do what it must do next; less where many are open. CAMCA_ENOMEM, CAMCA_EIO. */
CAMCA_MUST int conns_new(struct conns **out, size_t max, int patience_ms);
/* All connections are gone by then. */
void conns_free(struct conns *t);

/* From MHD_CONNECTION_NOTIFY_STARTED: NULL without memory. */
struct conn *conn_start(struct conns *t, struct MHD_Connection *mhd);
/* From MHD_CONNECTION_NOTIFY_CLOSED. NULL is fine. */
void conn_end(struct conn *c);
/* Makes the session ask for (not demand) a client certificate, and takes over
 * the reading of its bytes, see conns.c. */
void conn_tls(struct conn *c, gnutls_session_t tls);
/* It is the peer's turn from now on, or ours. Any thread. */
void conn_wait_peer(struct conn *c);
void conn_wait_us(struct conn *c);

/* A file descriptor that is readable when conns_wake() has work. */
int conns_fd(const struct conns *t);
/* Gives parked connections that have bytes back to MHD. One thread. */
void conns_wake(struct conns *t);
/* Cuts those who have kept us waiting too long. One thread. */
void conns_sweep(struct conns *t, int64_t now_ms);
/* No connection is parked any more from now on: before MHD_stop_daemon(). */
void conns_stop(struct conns *t);

#endif
