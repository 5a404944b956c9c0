/* SPDX-License-Identifier: Apache-2.0 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <cmocka.h>

#include "ca/base/ctx.h"
#include "ca/job/plan.h"

#define HOUR 3600000LL
#define DAY (24 * HOUR)

static struct job_rules rules;
static struct job_level level;

static struct plan
plan_at(int64_t now)
{
	job_rules_shipped(&rules);
	level = rules.levels[0];
	return (struct plan){ .device = "cam-1", .rules = &rules,
	    .level = &level, .now_ms = now };
}

static void
test_jitter_is_stable(void **state)
{
	int64_t a, b, seen[16] = { 0 };
	char id[16];
	int i;

	(void)state;
	a = plan_jitter("cam-1", JOB_RENEW, 2 * HOUR);
	assert_int_equal(a, plan_jitter("cam-1", JOB_RENEW, 2 * HOUR));
	b = plan_jitter("cam-1", JOB_ROTATE, 2 * HOUR);
	assert_int_not_equal(a, b);
	assert_int_equal(plan_jitter("cam-1", JOB_RENEW, 0), 0);
	/* Spread over the whole of it. */
	for (i = 0; i < 1600; i++) {
		snprintf(id, sizeof id, "cam-%d", i);
		a = plan_jitter(id, JOB_CRL, 16 * HOUR);
		assert_true(a >= 0 && a < 16 * HOUR);
		seen[a / HOUR]++;
	}
	for (i = 0; i < 16; i++)
		assert_in_range(seen[i], 50, 160);
}

static void
test_renew(void **state)
{
	struct plan p = plan_at(1000 * DAY);
	int64_t due;

	(void)state;
	assert_int_equal(plan_due(&p, JOB_RENEW), INT64_MAX);
	p.not_before_ms = 900 * DAY;
	p.not_after_ms = 1000 * DAY;
	due = plan_due(&p, JOB_RENEW);
	assert_true(due >= 966 * DAY && due < 966 * DAY + 2 * HOUR);
	/* However long the jitter: in the last tenth it is time. */
	level.jitter_ms = 500 * DAY;
	assert_true(plan_due(&p, JOB_RENEW) <= 990 * DAY);
	p.held = true;
	assert_int_equal(plan_due(&p, JOB_RENEW), INT64_MAX);
	p.held = false;
	p.now_ms = 980 * DAY;
	p.last[JOB_RENEW].ended_ms = 979 * DAY + 23 * HOUR;
	level.jitter_ms = 0;
	assert_int_equal(plan_due(&p, JOB_RENEW), p.last[JOB_RENEW].ended_ms +
	    rules.retry_after_ms);
	assert_false(plan_urgent(&p));
	p.now_ms = 990 * DAY;
	assert_true(plan_urgent(&p));
	/* One of a clock that was ahead is believed by nobody. */
	p.now_ms = 800 * DAY;
	p.last[JOB_RENEW].ended_ms = 0;
	assert_int_equal(plan_due(&p, JOB_RENEW), p.now_ms);
}

static void
test_every(void **state)
{
	struct plan p = plan_at(1000 * DAY);

	(void)state;
	/* Never looked at: now. */
	assert_int_equal(plan_due(&p, JOB_OBSERVE), p.now_ms);
	p.last[JOB_OBSERVE].ok_ms = p.last[JOB_OBSERVE].ended_ms = 999 * DAY;
	assert_true(plan_due(&p, JOB_OBSERVE) >= 1006 * DAY);
	assert_true(plan_due(&p, JOB_OBSERVE) < 1006 * DAY + 2 * HOUR);
	level.observe_every_ms = 0;
	assert_int_equal(plan_due(&p, JOB_OBSERVE), INT64_MAX);
	/* No certificate, no list of revoked ones. */
	assert_int_equal(plan_due(&p, JOB_CRL), INT64_MAX);
	p.not_after_ms = 2000 * DAY;
	assert_int_equal(plan_due(&p, JOB_CRL), p.now_ms);
	assert_int_equal(plan_due(&p, JOB_ROTATE), INT64_MAX);
	p.password_ms = 950 * DAY;
	assert_true(plan_due(&p, JOB_ROTATE) >= 1040 * DAY);
	assert_int_equal(plan_due(&p, JOB_ENROLL), INT64_MAX);
	assert_int_equal(plan_due(&p, JOB_RETIRE), INT64_MAX);
}

static void
test_start(void **state)
{
	int64_t noon, open, start;
	struct plan p;

	(void)state;
	assert_int_equal(ctx_time_parse("2026-11-22T05:00:00.000Z", &noon), 0);
	assert_int_equal(ctx_time_parse("2026-11-22T15:00:00.000Z", &open), 0);
	p = plan_at(noon);
	start = plan_start(&p, JOB_ROTATE, noon);
	assert_true(start >= open && start < open + level.jitter_ms);
	assert_true(job_window_open(&level.window, rules.offset_min, start));
	/* Looking disturbs nobody. */
	assert_int_equal(plan_start(&p, JOB_OBSERVE, noon), noon);
	/* In the window it begins at once. */
	assert_int_equal(plan_start(&p, JOB_ROTATE, open + HOUR),
	    open + HOUR);
	/* A jitter longer than the window stays inside it. */
	level.jitter_ms = 30 * DAY;
	start = plan_start(&p, JOB_CRL, noon);
	assert_true(job_window_open(&level.window, rules.offset_min, start));
	/* What runs out does not wait. */
	p.not_before_ms = noon - 95 * DAY;
	p.not_after_ms = noon + 5 * DAY;
	assert_int_equal(plan_start(&p, JOB_RENEW, noon), noon);
}

static void
test_stale(void **state)
{
	struct plan p = plan_at(1000 * DAY);
	int64_t soon = p.now_ms - 90 * DAY - 2 * HOUR - 2 * DAY;

	(void)state;
	assert_int_equal(plan_stale_before(p.level, p.now_ms), soon);
	/* A window of some days may be a week away. */
	level.window.days = 1;
	assert_int_equal(plan_stale_before(p.level, p.now_ms), soon - 6 * DAY);
	level.window.any = true;
	assert_int_equal(plan_stale_before(p.level, p.now_ms), soon);
	level.rotate_every_ms = 0;
	assert_int_equal(plan_stale_before(p.level, p.now_ms), 0);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_jitter_is_stable),
		cmocka_unit_test(test_renew),
		cmocka_unit_test(test_every),
		cmocka_unit_test(test_start),
		cmocka_unit_test(test_stale),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
