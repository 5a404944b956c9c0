/* SPDX-License-Identifier: Apache-2.0 */
#include "enroll/renew/schedule.h"

/* Evenly spread over -spread .. +spread. */
static int64_t
schedule_offset(uint64_t r, int64_t spread)
{
	return spread > 0 ?
	    (int64_t)(r % (2 * (uint64_t)spread + 1)) - spread : 0;
}

int64_t
schedule_renew_at(int64_t not_before_ms, int64_t not_after_ms,
    const uint8_t key_hash[static 32], uint32_t random)
{
	int64_t life = not_after_ms - not_before_ms;
	uint64_t h = 0;
	int i;

	if (life <= 0)
		return not_before_ms;
	for (i = 0; i < 8; i++)
		h = h << 8 | key_hash[i];
	return not_before_ms + life / 3 * 2 + schedule_offset(h, life / 20) +
	    schedule_offset(random, life / 100);
}

/* Half fixed, half random: a server that comes back after an outage meets its
 * cameras one by one. */
int64_t
schedule_backoff_ms(unsigned failures, int64_t left_ms, uint32_t random)
{
	int64_t wait = SCHEDULE_BACKOFF_MIN_MS, half;

	while (failures > 1 && wait < SCHEDULE_BACKOFF_MAX_MS) {
		wait *= 2;
		failures--;
	}
	if (wait > SCHEDULE_BACKOFF_MAX_MS)
		wait = SCHEDULE_BACKOFF_MAX_MS;
	if (left_ms >= 0 && wait > left_ms / 8)
		wait = left_ms / 8;
	half = wait / 2;
	wait = half + (half > 0 ? (int64_t)(random % (uint64_t)half) : 0);
	return wait < SCHEDULE_BACKOFF_MIN_MS / 2 ?
	    SCHEDULE_BACKOFF_MIN_MS / 2 : wait;
}

int64_t
schedule_retry_after_ms(int64_t seconds, uint32_t random)
{
	int64_t wait;

	if (seconds < 1)
		seconds = 1;
	if (seconds > SCHEDULE_RETRY_AFTER_MAX_MS / 1000)
		seconds = SCHEDULE_RETRY_AFTER_MAX_MS / 1000;
	wait = seconds * 1000;
	return wait + (int64_t)(random % (uint64_t)(wait / 10));
}
