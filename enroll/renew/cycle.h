/* SPDX-License-Identifier: Apache-2.0 */
/* What the parts of one cycle share; private to run.c and fetch.c. */
#ifndef CAMCA_RENEW_CYCLE_H
#define CAMCA_RENEW_CYCLE_H

#include "ca/base/ctx.h"
#include "enroll/renew/settings.h"
#include "enroll/renew/install.h"
#include "enroll/renew/state.h"

struct cycle {
	struct renew_config *cfg;
	const struct camca_ctx *ctx;
	int64_t now_ms;
	struct install *in;
	bool has_pair;
	bool key_away;            /* the pair's key store does not answer */
	struct install_pair pair; /* the current one */
	struct state st;          /* of the last cycle, then of this one */
	struct refusal why;
};

/* Goes to the server and comes back with a new pair, verified, installed and
 * in c->pair. again: /simplereenroll under the pair in c. On failure c->why
 * says why and c->pair is as it was. */
enum renew_exit fetch_pair(struct cycle *c, bool again);

#endif
