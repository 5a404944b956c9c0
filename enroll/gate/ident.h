/* SPDX-License-Identifier: Apache-2.0 */
/* The gate's own TLS key and certificate, renewed while it runs. */
#ifndef CAMCA_GATE_IDENT_H
#define CAMCA_GATE_IDENT_H

#include <gnutls/abstract.h>
#include <gnutls/gnutls.h>
#include <stdbool.h>
#include <stddef.h>

#include "ca/base/config.h"
#include "ca/base/ctx.h"
#include "enroll/gate/upstream.h"

struct ident;
struct ident_pair;

/* Loads or makes STATE/gate/tls.key and loads STATE/gate/tls.pem where that
 * fits the key and is valid. cfg, ctx and up are borrowed. CAMCA_EIO,
 * CAMCA_EPERM, CAMCA_EINVAL (a key file that is no P-256 key), CAMCA_ECRYPTO,
 * CAMCA_ENOMEM. */
CAMCA_MUST int ident_open(struct ident **out, const struct config *cfg,
    const struct camca_ctx *ctx, struct upstream *up);
/* After upstream_stop(): no answer may be on its way. */
void ident_close(struct ident *id);

/* Asks the authority for a certificate where none is held, half of its life is
 * over, or demand is set; failures are tried again later. Never waits. */
void ident_tick(struct ident *id, int64_t mono_ms, bool demand);
/* Is there a certificate to show, valid now? Any thread. */
bool ident_ready(struct ident *id);

/* The pair to use for a new handshake, counted; NULL: none. Any thread. */
struct ident_pair *ident_take(struct ident *id);
void ident_pair_free(struct ident_pair *p);   /* drops one count */
/* Its chain and key, borrowed while counted. */
gnutls_pcert_st *ident_pair_chain(struct ident_pair *p, unsigned *n_out);
gnutls_privkey_t ident_pair_key(struct ident_pair *p);

#endif
