/* SPDX-License-Identifier: Apache-2.0 */
/* The HTTP server of camca-witness. Everything it carries is signed or public:
 * TLS, where it is wanted, is a proxy's. */
#ifndef CAMCA_WITNESS_SERVE_H
#define CAMCA_WITNESS_SERVE_H

#include "ca/witness/decide.h"

#define SERVE_PREFIX_MAX 128

struct serve_conf {
	const char *host;              /* address to bind */
	uint16_t port;                 /* 0: any */
	const char *prefix;            /* "" or "/w1": before both paths */
	const char *dir;
	const struct cosigner *cosigner;
	const struct camca_ctx *ctx;
};
struct serve;

/* Starts to answer; conf's pointers outlive it, the roster becomes its own also
 * where it fails. *port_out: the port in use. CAMCA_EINVAL (address), CAMCA_EIO,
 * CAMCA_ENOMEM; logged. */
CAMCA_MUST int serve_start(struct serve **out, const struct serve_conf *conf,
    struct roster *roster, uint16_t *port_out);
/* Ends connections; answers under way are finished. NULL is fine. */
void serve_stop(struct serve *s);
/* Reads the logs anew, and their records from the disk; on a mistake the old
 * ones stay. */
CAMCA_MUST int serve_reload(struct serve *s, struct refusal *why);
/* Cuts who is too slow. Each second, from one thread. */
void serve_sweep(struct serve *s);

#endif
