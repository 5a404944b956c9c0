/* SPDX-License-Identifier: Apache-2.0 */
#include "ca/base/ctx.h"

#include <openssl/rand.h>
#include <limits.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

#define CTX_TIME_MAX INT64_C(253402300799999)   /* end of the year 9999 */

static int64_t
ctx_system_now_ms(void *arg)
{
	struct timespec ts;

	(void)arg;
	if (clock_gettime(CLOCK_REALTIME, &ts) != 0)
		return 0;
	return (int64_t)ts.tv_sec * 1000 + ts.tv_nsec / 1000000;
}

static int
ctx_system_random(void *arg, uint8_t *out, size_t n)
{
	(void)arg;
	if (n > INT_MAX || RAND_priv_bytes(out, (int)n) != 1)
		return CAMCA_ECRYPTO;
	return CAMCA_OK;
}

const struct camca_ctx camca_ctx_system = {
	.now_ms = ctx_system_now_ms,
	.random = ctx_system_random,
};

int64_t
ctx_now_ms(const struct camca_ctx *ctx)
{
	return ctx->now_ms(ctx->arg);
}

int
ctx_random(const struct camca_ctx *ctx, uint8_t *out, size_t n)
{
	return ctx->random(ctx->arg, out, n);
}

static void
ctx_put(char *out, int n, int v)
{
	for (; n > 0; v /= 10)
		out[--n] = (char)('0' + v % 10);
}

void
ctx_time_format(char out[static CTX_TIME_LEN], int64_t ms)
{
	static const char frame[] = "0000-00-00T00:00:00.000Z";
	time_t s;
	struct tm tm;

	_Static_assert(sizeof frame == CTX_TIME_LEN, "room for the frame");

	ms = ms < 0 ? 0 : ms > CTX_TIME_MAX ? CTX_TIME_MAX : ms;
	s = (time_t)(ms / 1000);
	if (gmtime_r(&s, &tm) == NULL)
		memset(&tm, 0, sizeof tm);
	memcpy(out, frame, sizeof frame);
	ctx_put(out, 4, tm.tm_year + 1900);
	ctx_put(out + 5, 2, tm.tm_mon + 1);
	ctx_put(out + 8, 2, tm.tm_mday);
	ctx_put(out + 11, 2, tm.tm_hour);
	ctx_put(out + 14, 2, tm.tm_min);
	ctx_put(out + 17, 2, tm.tm_sec);
	ctx_put(out + 20, 3, (int)(ms % 1000));
}

/* Fixed-width decimal field; -1 where a byte is no digit. */
static int
ctx_digits(const char *s, size_t n)
{
	int v = 0;

	for (size_t i = 0; i < n; i++) {
		if (s[i] < '0' || s[i] > '9')
			return -1;
		v = v * 10 + (s[i] - '0');
	}
	return v;
}

/* Days since 1970-01-01 of a proleptic Gregorian date. */
static int64_t
ctx_days(int y, int m, int d)
{
	static const int before[] = { 0, 31, 59, 90, 120, 151, 181, 212, 243,
	    273, 304, 334 };
	int64_t p = y - 1;
	int leap = (y % 4 == 0 && y % 100 != 0) || y % 400 == 0;

	return p * 365 + p / 4 - p / 100 + p / 400 - 719162 + before[m - 1] +
	    (m > 2 && leap) + d - 1;
}

static int
ctx_month_days(int y, int m)
{
	static const int days[] = { 31, 28, 31, 30, 31, 30, 31, 31, 30, 31,
	    30, 31 };

	if (m == 2 && ((y % 4 == 0 && y % 100 != 0) || y % 400 == 0))
		return 29;
	return days[m - 1];
}

static int
ctx_time_of_day(const char *s, int64_t *ms_out)
{
	int h, mi, sec, ms;

	if (strlen(s) != 14 || s[0] != 'T' || s[3] != ':' || s[6] != ':' ||
	    s[9] != '.' || s[13] != 'Z')
		return CAMCA_EINVAL;
	h = ctx_digits(s + 1, 2);
	mi = ctx_digits(s + 4, 2);
	sec = ctx_digits(s + 7, 2);
	ms = ctx_digits(s + 10, 3);
	if (h < 0 || h > 23 || mi < 0 || mi > 59 || sec < 0 || sec > 59 || ms < 0)
		return CAMCA_EINVAL;
	*ms_out = ((int64_t)h * 3600 + mi * 60 + sec) * 1000 + ms;
	return CAMCA_OK;
}

int
ctx_time_parse(const char *s, int64_t *ms_out)
{
	int64_t tod = 0;
	int y, m, d;

	if (strlen(s) < 10 || s[4] != '-' || s[7] != '-')
		return CAMCA_EINVAL;
	y = ctx_digits(s, 4);
	m = ctx_digits(s + 5, 2);
	d = ctx_digits(s + 8, 2);
	if (y < 1970 || m < 1 || m > 12 || d < 1 || d > ctx_month_days(y, m))
		return CAMCA_EINVAL;
	if (s[10] != '\0' && ctx_time_of_day(s + 10, &tod) < 0)
		return CAMCA_EINVAL;
	*ms_out = ctx_days(y, m, d) * 86400000 + tod;
	return CAMCA_OK;
}
