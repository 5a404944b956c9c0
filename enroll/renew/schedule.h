/* SPDX-License-Identifier: Apache-2.0 */
/* When to try: pure arithmetic over times in milliseconds. */
#ifndef CAMCA_RENEW_SCHEDULE_H
#define CAMCA_RENEW_SCHEDULE_H

#include <stdint.h>

#define SCHEDULE_BACKOFF_MIN_MS (60 * INT64_C(1000))
#define SCHEDULE_BACKOFF_MAX_MS (6 * 3600 * INT64_C(1000))
#define SCHEDULE_RETRY_AFTER_MAX_MS (7 * 86400 * INT64_C(1000))

/* Two thirds of the lifetime, moved by up to 5 % of it by the device's own
 * key_hash, so that a fleet installed in one night does not come back in one
 * minute, and by up to 1 % by random. Always within the lifetime. */
int64_t schedule_renew_at(int64_t not_before_ms, int64_t not_after_ms,
    const uint8_t key_hash[static 32], uint32_t random);

/* Wait before the next try after failures (>= 1) tries in a row: doubles from
 * one minute to six hours, of which half to all by random. Never more than an
 * eighth of what is left of the certificate (left_ms; < 0: no certificate),
 * but at least half a minute. */
int64_t schedule_backoff_ms(unsigned failures, int64_t left_ms,
    uint32_t random);

/* A server's Retry-After in seconds, held to 1 s .. 7 days; up to a tenth is
 * added by random, never taken away. */
int64_t schedule_retry_after_ms(int64_t seconds, uint32_t random);

#endif
