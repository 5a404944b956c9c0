/* SPDX-License-Identifier: Apache-2.0 */
/* Refused logins per remote address: who guesses secrets has to wait. */
#ifndef CAMCA_GATE_THROTTLE_H
#define CAMCA_GATE_THROTTLE_H

#include <stddef.h>
#include <stdint.h>
#include <sys/socket.h>

#include "ca/base/ctx.h"
#include "ca/base/err.h"

struct throttle;

/* Whom a failure counts against: an IPv4 address, or the /64 of an IPv6
 * address, which one customer's network has at least. */
struct throttle_key {
	uint8_t bytes[8];
};

/* Key of a socket address; IPv4 inside IPv6 counts as IPv4. */
void throttle_key(struct throttle_key *out, const struct sockaddr *sa);

/* Room for about addresses of them (rounded up); older ones give way, so that
 * memory stays bounded whoever knocks. per_minute failures are allowed in any
 * sliding minute. CAMCA_ENOMEM, CAMCA_ECRYPTO. */
CAMCA_MUST int throttle_new(struct throttle **out, const struct camca_ctx *ctx,
    size_t addresses, int64_t per_minute);
void throttle_free(struct throttle *t);

/* Seconds to wait before another login may be tried, 0: none. now_ms is
 * monotonic. Any thread. */
int throttle_wait_s(struct throttle *t, const struct throttle_key *key,
    int64_t now_ms);
/* One more refused login. Any thread. */
void throttle_failed(struct throttle *t, const struct throttle_key *key,
    int64_t now_ms);

#endif
