/* SPDX-License-Identifier: Apache-2.0 */
/* What TLS knows about a client: certificates and channel bindings. */
#ifndef CAMCA_GATE_TLSINFO_H
#define CAMCA_GATE_TLSINFO_H

#include <gnutls/gnutls.h>

#include "ca/base/refusal.h"
#include "enroll/est/call.h"

/* TLS 1.2 and 1.3, forward secrecy, AEAD; no resumption (RFC 9148 9.1). Clients
 * that do not know RFC 5746 (strongSwan 5.9) are let in: its attack needs a
 * second handshake, and libmicrohttpd ends the connection that asks for one. */
#define TLS_PRIORITIES "NORMAL:-VERS-ALL:+VERS-TLS1.3:+VERS-TLS1.2" \
    ":-KX-ALL:+ECDHE-ECDSA:-MAC-ALL:+AEAD" \
    ":-CIPHER-ALL:+AES-128-GCM:+AES-256-GCM:+CHACHA20-POLY1305" \
    ":-GROUP-ALL:+GROUP-X25519:+GROUP-SECP256R1:+GROUP-SECP384R1" \
    ":-SIGN-ALL:+SIGN-ECDSA-SECP256R1-SHA256:+SIGN-ECDSA-SECP384R1-SHA384" \
    ":+SIGN-ECDSA-SECP521R1-SHA512:+SIGN-ECDSA-SHA256:+SIGN-ECDSA-SHA384" \
    ":+SIGN-ECDSA-SHA512:+SIGN-EDDSA-ED25519:+SIGN-RSA-PSS-RSAE-SHA256" \
    ":+SIGN-RSA-PSS-RSAE-SHA384:+SIGN-RSA-PSS-RSAE-SHA512" \
    ":+SIGN-RSA-PSS-SHA256:+SIGN-RSA-PSS-SHA384:+SIGN-RSA-PSS-SHA512" \
    ":+SIGN-RSA-SHA256:+SIGN-RSA-SHA384:+SIGN-RSA-SHA512" \
    ":%NO_TICKETS:%PARTIAL_RENEGOTIATION"

/* Fills out (zeroed by the caller) from an established session; the chain is
 * borrowed until the session ends. The chain is not verified here: the
 * authority decides. That the client holds the leaf's key is checked. Refusals:
 * CAMCA_ELIMIT 400 for a chain past EST_CHAIN_MAX or EST_CHAIN_BYTES,
 * CAMCA_EAUTH 403 where possession is not proven, CAMCA_ECRYPTO 500. */
CAMCA_MUST int tlsinfo_peer(struct est_peer *out, gnutls_session_t s,
    struct refusal *why);

#endif
