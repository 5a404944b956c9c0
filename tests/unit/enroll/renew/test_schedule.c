/* SPDX-License-Identifier: Apache-2.0 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "enroll/renew/schedule.h"

#define DAY (86400 * INT64_C(1000))

static void
two_thirds_and_spread(void **state)
{
	int64_t begin = 1000 * DAY, end = begin + 90 * DAY, at, lo, hi;
	int64_t min = INT64_MAX, max = 0;
	uint8_t hash[32] = { 0 };

	(void)state;
	lo = begin + 60 * DAY - 90 * DAY / 20 - 90 * DAY / 100;
	hi = begin + 60 * DAY + 90 * DAY / 20 + 90 * DAY / 100;
	for (unsigned i = 0; i < 4096; i++) {
		/* A hash spreads: so does this multiplier. */
		uint64_t h = i * UINT64_C(0x9e3779b97f4a7c15);

		memcpy(hash, &h, sizeof h);
		at = schedule_renew_at(begin, end, hash, i * 2654435761u);
		assert_true(at >= lo && at <= hi);
		min = at < min ? at : min;
		max = at > max ? at : max;
	}
	assert_true(max - min > 8 * DAY);
	/* One device draws nearly the same time again. */
	assert_true(schedule_renew_at(begin, end, hash, 1) -
	    schedule_renew_at(begin, end, hash, 0) < 2 * DAY);
}

static void
odd_lifetimes(void **state)
{
	uint8_t hash[32];

	(void)state;
	memset(hash, 0xff, sizeof hash);
	assert_int_equal(schedule_renew_at(5, 5, hash, 0), 5);
	assert_int_equal(schedule_renew_at(5, 4, hash, 0), 5);
	for (int64_t life = 1; life < 100; life++)
		assert_in_range(schedule_renew_at(1000, 1000 + life, hash,
		    0xffffffffu), 1000, 1000 + life);
}

static void
back_off(void **state)
{
	int64_t full, got;

	(void)state;
	for (unsigned n = 1; n < 40; n++) {
		full = n < 10 ? SCHEDULE_BACKOFF_MIN_MS << (n - 1) :
		    SCHEDULE_BACKOFF_MAX_MS;
		if (full > SCHEDULE_BACKOFF_MAX_MS)
			full = SCHEDULE_BACKOFF_MAX_MS;
		for (uint32_t r = 0; r < 1000; r += 37) {
			got = schedule_backoff_ms(n, -1, r * 4294967u);
			assert_true(got >= full / 2 && got <= full);
		}
	}
	assert_true(schedule_backoff_ms(4000000000u, -1, 0) <=
	    SCHEDULE_BACKOFF_MAX_MS);
	/* Close to the end it hurries, but not without limit. */
	assert_true(schedule_backoff_ms(20, 80 * 60000, 0xffffffffu) <=
	    10 * 60000);
	assert_int_equal(schedule_backoff_ms(20, 0, 7),
	    SCHEDULE_BACKOFF_MIN_MS / 2);
}

static void
retry_after(void **state)
{
	(void)state;
	assert_in_range(schedule_retry_after_ms(0, 99), 1000, 1100);
	assert_in_range(schedule_retry_after_ms(-5, 99), 1000, 1100);
	assert_in_range(schedule_retry_after_ms(120, 0xffffffffu), 120000,
	    132000);
	assert_true(schedule_retry_after_ms(INT64_MAX, 0) ==
	    SCHEDULE_RETRY_AFTER_MAX_MS);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(two_thirds_and_spread),
		cmocka_unit_test(odd_lifetimes),
		cmocka_unit_test(back_off),
		cmocka_unit_test(retry_after),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
