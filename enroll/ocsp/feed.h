/* SPDX-License-Identifier: Apache-2.0 */
/* The gate's end of the status feed: a thread with a connection of its own to
 * camcad's status.sock keeps the status table and the list of issuers as they
 * are in the store, and says so each time it asks. */
#ifndef CAMCA_OCSP_FEED_H
#define CAMCA_OCSP_FEED_H

#include "ca/base/ctx.h"
#include "enroll/ocsp/issuers.h"
#include "enroll/ocsp/table.h"

struct ocsp_feed;

struct ocsp_feed_conf {
	const char *path;              /* of status.sock; copied */
	const struct camca_ctx *ctx;   /* randomness */
	struct table *table;           /* borrowed until ocsp_feed_stop() */
	struct issuers_box *issuers;   /* the same */
	int retry_min_ms;              /* between attempts to connect, doubled … */
	int retry_max_ms;              /* … up to this */
};

/* The defaults: 50 ms to 1 s. */
void ocsp_feed_defaults(struct ocsp_feed_conf *out, const char *path);
/* Starts the thread, which connects and keeps connecting. CAMCA_ENOMEM,
 * CAMCA_ELIMIT (path), CAMCA_ECRYPTO. */
CAMCA_MUST int ocsp_feed_start(struct ocsp_feed **out,
    const struct ocsp_feed_conf *c);
/* Ends the thread at once, tells camcad that this gate gives no answers any more
 * (so that no operator waits for its lease), and frees; the table's lease is
 * over then. After the listeners have ended. NULL is fine. */
void ocsp_feed_stop(struct ocsp_feed *f);

#endif
