/* SPDX-License-Identifier: Apache-2.0 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

#include <cmocka.h>

#include "ca/base/ctx.h"

static void
test_format(void **state)
{
	static const struct {
		int64_t ms;
		const char *text;
	} rows[] = {
		{ 0, "1970-01-01T00:00:00.000Z" },
		{ 1, "1970-01-01T00:00:00.001Z" },
		{ 951782399999, "2000-02-28T23:59:59.999Z" },
		{ 951782400000, "2000-02-29T00:00:00.000Z" },
		{ 2147483648000, "2038-01-19T03:14:08.000Z" },
		{ 253402300799999, "9999-12-31T23:59:59.999Z" },
		/* Outside: cut, never nonsense. */
		{ 253402300800000, "9999-12-31T23:59:59.999Z" },
		{ INT64_MAX, "9999-12-31T23:59:59.999Z" },
		{ -1, "1970-01-01T00:00:00.000Z" },
		{ INT64_MIN, "1970-01-01T00:00:00.000Z" },
	};
	char text[CTX_TIME_LEN];
	size_t i;

	(void)state;
	for (i = 0; i < sizeof rows / sizeof rows[0]; i++) {
		ctx_time_format(text, rows[i].ms);
		assert_string_equal(text, rows[i].text);
	}
}

/* Against the C library, over 140 years. */
static void
test_parse_agrees_with_timegm(void **state)
{
	char text[32];
	int64_t ms, day;
	struct tm tm;
	time_t t;

	(void)state;
	for (day = 0; day < 51000; day++) {
		t = (time_t)(day * 86400);
		gmtime_r(&t, &tm);
		strftime(text, sizeof text, "%Y-%m-%d", &tm);
		assert_int_equal(ctx_time_parse(text, &ms), 0);
		assert_int_equal(ms, day * 86400000);
	}
}

static void
test_round_trip(void **state)
{
	char text[CTX_TIME_LEN];
	int64_t ms, back;

	(void)state;
	for (ms = 0; ms < 253402300799999; ms += 253402300799 / 7) {
		ctx_time_format(text, ms);
		assert_int_equal(ctx_time_parse(text, &back), 0);
		assert_int_equal(ms, back);
	}
}

static void
test_parse_refuses(void **state)
{
	static const char *const bad[] = { "", "2026", "2026-1-01", "2026-13-01",
	    "2026-00-10", "2026-02-29", "2026-04-31", "2026-01-00",
	    "1969-12-31", "2026/01/01", "2026-01-01 ", "2026-01-01T",
	    "2026-01-01T00:00:00Z", "2026-01-01T24:00:00.000Z",
	    "2026-01-01T00:60:00.000Z", "2026-01-01T00:00:60.000Z",
	    "2026-01-01T00:00:00.000", "2026-01-01T00:00:00.000z",
	    "2026-01-01T00:00:00.000+01:00", "2026-01-01t00:00:00.000Z",
	    "-026-01-01", "+026-01-01", "2026-01-01T00:00:00.0000Z",
	    "1900-02-29", "2100-02-29", "20260101", "2026-01-0a" };
	int64_t ms;
	size_t i;

	(void)state;
	for (i = 0; i < sizeof bad / sizeof bad[0]; i++)
		assert_int_equal(ctx_time_parse(bad[i], &ms), CAMCA_EINVAL);
}

static void
test_parse_cut(void **state)
{
	static const char good[] = "2026-11-22T10:36:32.123Z";
	char text[sizeof good];
	int64_t ms;
	size_t i;

	(void)state;
	assert_int_equal(ctx_time_parse(good, &ms), 0);
	assert_int_equal(ms, 1795343792123);
	for (i = 0; i < sizeof good - 1; i++) {
		memcpy(text, good, sizeof text);
		text[i] = '\0';
		assert_int_equal(ctx_time_parse(text, &ms),
		    i == 10 ? CAMCA_OK : CAMCA_EINVAL);
		memcpy(text, good, sizeof text);
		text[i] = 'x';
		assert_int_equal(ctx_time_parse(text, &ms), CAMCA_EINVAL);
	}
}

static int64_t
fake_now(void *arg)
{
	return *(int64_t *)arg;
}

static int
fake_random(void *arg, uint8_t *out, size_t n)
{
	(void)arg;
	memset(out, 7, n);
	return CAMCA_ECRYPTO;
}

static void
test_context_is_asked(void **state)
{
	int64_t now = 42;
	struct camca_ctx ctx = { fake_now, fake_random, &now };
	uint8_t r[4];

	(void)state;
	assert_int_equal(ctx_now_ms(&ctx), 42);
	now++;
	assert_int_equal(ctx_now_ms(&ctx), 43);
	assert_int_equal(ctx_random(&ctx, r, sizeof r), CAMCA_ECRYPTO);
}

static void
test_system(void **state)
{
	uint8_t a[32] = { 0 }, b[32] = { 0 };

	(void)state;
	assert_true(ctx_now_ms(&camca_ctx_system) > 1700000000000);
	assert_int_equal(ctx_random(&camca_ctx_system, a, sizeof a), 0);
	assert_int_equal(ctx_random(&camca_ctx_system, b, sizeof b), 0);
	assert_memory_not_equal(a, b, sizeof a);
	assert_int_equal(ctx_random(&camca_ctx_system, a, SIZE_MAX),
	    CAMCA_ECRYPTO);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_format),
		cmocka_unit_test(test_parse_agrees_with_timegm),
		cmocka_unit_test(test_round_trip),
		cmocka_unit_test(test_parse_refuses),
		cmocka_unit_test(test_parse_cut),
		cmocka_unit_test(test_context_is_asked),
		cmocka_unit_test(test_system),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
