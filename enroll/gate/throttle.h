/* SPDX-License-Identifier: Apache-2.0 */
/* Refused logins per remote address: who guesses secrets has to wait. */
#ifndef CAMCA_GATE_THROTTLE_H
#define CAMCA_GATE_THROTTLE_H

#include <stddef.h>
#include <stdint.h>

#include "ca/base/client.h"
#include "ca/base/ctx.h"
#include "ca/base/err.h"

struct throttle;

/* Room for about addresses of them (rounded up); older ones give way, so that
 * memory stays bounded whoever knocks. per_minute failures are allowed in any
 * sliding minute. CAMCA_ENOMEM, CAMCA_ECRYPTO. */
CAMCA_MUST int throttle_new(struct throttle **out, const struct camca_ctx *ctx,
    size_t addresses, int64_t per_minute);
void throttle_free(struct throttle *t);

/* Seconds to wait before another login may be tried, 0: none. now_ms is
 * monotonic. Any thread. */
int throttle_wait_s(struct throttle *t, const struct client_key *key,
    int64_t now_ms);
/* One more refused login. Any thread. */
void throttle_failed(struct throttle *t, const struct client_key *key,
    int64_t now_ms);

#endif
