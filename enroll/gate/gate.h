/* SPDX-License-Identifier: Apache-2.0 */
/* camca-gate as a whole: what its two listeners share. */
#ifndef CAMCA_GATE_GATE_H
#define CAMCA_GATE_GATE_H

#include <microhttpd.h>
#include <stdatomic.h>
#include <stdbool.h>

#include "ca/base/config.h"
#include "ca/base/ctx.h"
#include "enroll/gate/cache.h"
#include "enroll/gate/conns.h"
#include "enroll/gate/ident.h"
#include "enroll/gate/report.h"
#include "enroll/gate/staple.h"
#include "enroll/gate/throttle.h"
#include "enroll/gate/upstream.h"
#include "enroll/ocsp/feed.h"
#include "enroll/ocsp/responder.h"

/* Of all requests together that are being received. */
#define GATE_BODIES_MAX (64u << 20)

struct custody_cache;

struct gate {
	struct config conf;
	const struct camca_ctx *ctx;
	struct upstream *up;
	struct report *report;
	struct throttle *throttle;
	struct throttle *agents;   /* a camera's wrong logins, behind the same
	                            * address, do not stop its site's agent */
	struct ident *ident;
	struct cache *cache;
	struct custody_cache *custody;
	struct table *table;       /* status of every certificate … */
	struct issuers_box issuers;
	struct ocsp_feed *feed;    /* … which this keeps as it is */
	struct signer *signer;     /* of OCSP answers */
	struct responder responder;
	struct staples *staples;
	struct conns *est_conns;
	struct conns *web_conns;
	struct MHD_Daemon *est;
	struct MHD_Daemon *web;
	int est_fd;                /* listening, until the daemon has it */
	int web_fd;
	atomic_uint busy;          /* requests that wait for the authority */
	atomic_uint requests;      /* all that have begun and not ended */
	atomic_size_t bodies;      /* bytes of request bodies in memory */
	atomic_bool stopping;      /* every answer closes its connection */
};

/* Binds both addresses and writes STATE/gate/ports. Before privileges go.
 * conf and ctx are filled by the caller. CAMCA_EIO, logged. */
CAMCA_MUST int gate_bind(struct gate *g);
/* Starts the upstream, loads the key, starts both listeners. Logged. */
CAMCA_MUST int gate_start(struct gate *g);
/* Runs until SIGTERM or SIGINT, which must be blocked with SIGHUP in all
 * threads. Writes "ready\n" to ready_fd (-1: none) once EST can be answered. */
CAMCA_MUST int gate_run(struct gate *g, int ready_fd);
/* Ends what was begun: requests under way get 5 s. Safe after any failure. */
void gate_stop(struct gate *g);

/* How many threads a listener has: one for each processor, for what costs there
 * is handshakes and signatures. */
unsigned gate_threads(void);
/* The listeners, each in its own file. CAMCA_EIO. */
CAMCA_MUST int est_start(struct gate *g);
CAMCA_MUST int web_start(struct gate *g);

#endif
