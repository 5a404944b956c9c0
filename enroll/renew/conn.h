/* SPDX-License-Identifier: Apache-2.0 */
/* One TLS connection to the EST server, with a deadline for everything. */
#ifndef CAMCA_RENEW_CONN_H
#define CAMCA_RENEW_CONN_H

#include <openssl/evp.h>
#include <openssl/x509.h>

#include "ca/base/refusal.h"
#include "enroll/renew/http.h"
#include "enroll/renew/url.h"

struct conn;

struct conn_config {
	const struct url *url;
	const char *connect_to;   /* other host to connect to, or NULL; the
	                             certificate must still name url's host */
	X509_STORE *trust;        /* NULL: RFC 7030 4.1.1 bootstrap, the peer is
	                             not authenticated: send it no secret */
	X509 *cert;               /* own certificate, or NULL */
	STACK_OF(X509) *chain;    /* sent with it, or NULL */
	EVP_PKEY *key;            /* of cert */
	int tls_max;              /* TLS1_2_VERSION, TLS1_3_VERSION or 0 */
	int timeout_ms;           /* for the whole connection, > 0 */
	int64_t now_ms;           /* UTC, for certificate checks */
};

/* Connects, shakes hands, checks certificate and host name (RFC 6125; subject
 * CN is not looked at). Everything in cfg is borrowed until this returns.
 * CAMCA_EIO or CAMCA_ETIME where nobody answers in time, CAMCA_EAUTH where the
 * server is not whom the anchors vouch for, CAMCA_EPOLICY where it refused our
 * certificate, CAMCA_EPROTO for other TLS failures. SIGPIPE must be ignored. */
CAMCA_MUST int conn_open(struct conn **out, const struct conn_config *cfg,
    struct refusal *why);
void conn_close(struct conn *c);

/* Sends request, reads one response into r (initialised by the caller).
 * conn_usable() says afterwards whether another exchange may follow. */
CAMCA_MUST int conn_exchange(struct conn *c, const struct buf *request,
    struct http_reader *r, struct refusal *why);
bool conn_usable(const struct conn *c);

/* Appends base64 of the channel binding for RFC 7030 3.5: tls-unique of a
 * TLS 1.2 handshake (RFC 5929), tls-exporter of TLS 1.3 (RFC 9266). Never the
 * other way round. CAMCA_ECRYPTO. */
CAMCA_MUST int conn_binding(const struct conn *c, struct buf *out,
    struct refusal *why);

#endif
