/* SPDX-License-Identifier: Apache-2.0 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <cmocka.h>

#include "ca/base/ctx.h"
#include "ca/job/rules.h"

#define HOUR 3600000LL
#define EVERY 0x7fu
#define FRIDAY (1u << 4)

static int64_t
at(const char *text)
{
	int64_t ms;

	assert_int_equal(ctx_time_parse(text, &ms), CAMCA_OK);
	return ms;
}

static struct job_window
window(const char *text, unsigned days)
{
	struct job_window w = { .days = days };

	assert_int_equal(job_window_parse(text, &w), CAMCA_OK);
	return w;
}

static void
test_parse(void **state)
{
	static const char *const bad[] = { "", "an", "anyx", "22:00",
		"22:00-", "22:00-4:00", "22:00-04:0", "22:00-04:000",
		"24:00-04:00", "22:60-04:00", "25:00-04:00", "22:00-24:01",
		"22:00-22:00", "22-00-04:00", "22:00_04:00", "a2:00-04:00" };
	struct job_window w;
	size_t i;

	(void)state;
	for (i = 0; i < sizeof bad / sizeof bad[0]; i++)
		if (job_window_parse(bad[i], &w) == CAMCA_OK)
			fail_msg("'%s' was taken", bad[i]);
	w = window("22:00-04:00", EVERY);
	assert_false(w.any);
	assert_int_equal(job_window_length(&w), 6 * HOUR);
	w = window("08:30-24:00", EVERY);
	assert_int_equal(job_window_length(&w), 15 * HOUR + HOUR / 2);
	w = window("any", EVERY);
	assert_int_equal(job_window_length(&w), 24 * HOUR);
}

static void
test_offset(void **state)
{
	static const char *const bad[] = { "", "07:00", "+7:00", "+07",
		"+15:00", "+07:60", "+07:000", "z", "UTC" };
	int64_t n;
	size_t i;

	(void)state;
	for (i = 0; i < sizeof bad / sizeof bad[0]; i++)
		if (job_offset_parse(bad[i], &n) == CAMCA_OK)
			fail_msg("'%s' was taken", bad[i]);
	assert_int_equal(job_offset_parse("Z", &n), CAMCA_OK);
	assert_int_equal(n, 0);
	assert_int_equal(job_offset_parse("+07:00", &n), CAMCA_OK);
	assert_int_equal(n, 420);
	assert_int_equal(job_offset_parse("-03:30", &n), CAMCA_OK);
	assert_int_equal(n, -210);
}

/* 22:00 to 04:00 in Hanoi is 15:00 to 21:00 UTC. */
static void
test_over_midnight(void **state)
{
	struct job_window w = window("22:00-04:00", EVERY);

	(void)state;
	assert_true(job_window_open(&w, 420, at("2026-11-22T15:00:00.000Z")));
	assert_true(job_window_open(&w, 420, at("2026-11-22T17:00:00.000Z")));
	assert_true(job_window_open(&w, 420, at("2026-11-22T20:59:59.999Z")));
	assert_false(job_window_open(&w, 420, at("2026-11-22T21:00:00.000Z")));
	assert_false(job_window_open(&w, 420, at("2026-11-22T14:59:59.999Z")));
	assert_int_equal(job_window_next(&w, 420,
	    at("2026-11-22T21:00:00.000Z")), at("2026-11-23T15:00:00.000Z"));
	assert_int_equal(job_window_next(&w, 420,
	    at("2026-11-22T03:00:00.000Z")), at("2026-11-22T15:00:00.000Z"));
	/* West of Greenwich its local day begins later. */
	assert_true(job_window_open(&w, -210, at("2026-11-23T01:30:00.000Z")));
	assert_false(job_window_open(&w, -210,
	    at("2026-11-23T01:29:59.999Z")));
}

/* The day is that on which the window begins. */
static void
test_days(void **state)
{
	struct job_window w = window("22:00-04:00", FRIDAY);

	(void)state;
	/* 2026-11-27 is a Friday. */
	assert_true(job_window_open(&w, 0, at("2026-11-27T22:00:00.000Z")));
	assert_true(job_window_open(&w, 0, at("2026-11-28T03:59:59.000Z")));
	assert_false(job_window_open(&w, 0, at("2026-11-27T03:00:00.000Z")));
	assert_false(job_window_open(&w, 0, at("2026-11-28T22:00:00.000Z")));
	assert_int_equal(job_window_next(&w, 0,
	    at("2026-11-28T04:00:00.000Z")), at("2026-12-04T22:00:00.000Z"));
	/* Friday in Hanoi begins on Thursday in UTC. */
	w = window("00:00-01:00", FRIDAY);
	assert_true(job_window_open(&w, 420, at("2026-11-26T17:30:00.000Z")));
	assert_false(job_window_open(&w, 420, at("2026-11-27T17:30:00.000Z")));
	w = window("any", FRIDAY);
	assert_true(job_window_open(&w, 0, at("2026-11-27T00:00:00.000Z")));
	assert_false(job_window_open(&w, 0, at("2026-11-28T00:00:00.000Z")));
}

static void
test_any(void **state)
{
	struct job_window w = window("any", EVERY);
	int64_t t;

	(void)state;
	for (t = 0; t < 49 * HOUR; t += HOUR / 4)
		assert_true(job_window_open(&w, 420, t));
	w.days = 0;
	assert_true(job_window_open(&w, 0, 12345));
}

/* Whatever it is, the next moment is one at which it is open, and not before
 * the one asked about; and it is the first. */
static void
test_next_is_open(void **state)
{
	static const char *const texts[] = { "22:00-04:00", "00:00-24:00",
		"23:59-00:00", "00:00-00:01", "12:00-11:59" };
	static const unsigned days[] = { EVERY, FRIDAY, 0x41u };
	int64_t t, next, from = at("2026-02-27T00:00:00.000Z");
	struct job_window w;
	size_t i, k;

	(void)state;
	for (i = 0; i < sizeof texts / sizeof texts[0]; i++)
		for (k = 0; k < 3; k++) {
			w = window(texts[i], days[k]);
			for (t = from; t < from + 200 * HOUR; t += 1777777) {
				next = job_window_next(&w, 420, t);
				assert_true(next >= t);
				assert_true(job_window_open(&w, 420, next));
				if (next > t)
					assert_false(job_window_open(&w, 420,
					    next - 1));
			}
		}
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_parse),
		cmocka_unit_test(test_offset),
		cmocka_unit_test(test_over_midnight),
		cmocka_unit_test(test_days),
		cmocka_unit_test(test_any),
		cmocka_unit_test(test_next_is_open),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
