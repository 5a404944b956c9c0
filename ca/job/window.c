/* SPDX-License-Identifier: Apache-2.0 */
/* Maintenance windows: hours of the day in local time, on some days of the
 * week. A fixed offset from UTC, so that no zone database decides what happens
 * at a camera. */
#include <stddef.h>

#include "ca/job/rules.h"

#define MINUTE_MS 60000LL
#define DAY_MIN 1440LL
#define WEEK 7
#define EPOCH_WEEKDAY 3                /* 1970-01-01 was a Thursday */

/* Two digits, at most max. */
static bool
window_digits(const char *s, int64_t max, int64_t *out)
{
	if (s[0] < '0' || s[0] > '9' || s[1] < '0' || s[1] > '9')
		return false;
	*out = (s[0] - '0') * 10 + (s[1] - '0');
	return *out <= max;
}

/* "hh:mm"; 24:00 is the end of a day. */
static bool
window_time(const char *s, int64_t *out)
{
	int64_t h, m;

	if (!window_digits(s, 24, &h) || s[2] != ':' ||
	    !window_digits(s + 3, 59, &m) || (h == 24 && m != 0))
		return false;
	*out = h * 60 + m;
	return true;
}

static size_t
window_len(const char *s, size_t max)
{
	size_t n = 0;

	while (n <= max && s[n] != '\0')
		n++;
	return n;
}

int
job_window_parse(const char *text, struct job_window *out)
{
	int64_t from, to;

	if (window_len(text, 4) == 3 && text[0] == 'a' && text[1] == 'n' &&
	    text[2] == 'y') {
		out->any = true;
		out->from_min = 0;
		out->to_min = DAY_MIN;
		return CAMCA_OK;
	}
	if (window_len(text, 12) != 11 || text[5] != '-' ||
	    !window_time(text, &from) || !window_time(text + 6, &to) ||
	    from == to || from == DAY_MIN)
		return CAMCA_EINVAL;
	out->any = false;
	out->from_min = from;
	out->to_min = to;
	return CAMCA_OK;
}

int
job_offset_parse(const char *text, int64_t *out)
{
	int64_t h, m;

	if (window_len(text, 2) == 1 && text[0] == 'Z') {
		*out = 0;
		return CAMCA_OK;
	}
	if (window_len(text, 7) != 6 || (text[0] != '+' && text[0] != '-') ||
	    !window_digits(text + 1, 14, &h) || text[3] != ':' ||
	    !window_digits(text + 4, 59, &m))
		return CAMCA_EINVAL;
	*out = (h * 60 + m) * (text[0] == '-' ? -1 : 1);
	return CAMCA_OK;
}

int64_t
job_window_length(const struct job_window *w)
{
	int64_t n = w->to_min - w->from_min;

	if (w->any)
		return DAY_MIN * MINUTE_MS;
	return (n > 0 ? n : n + DAY_MIN) * MINUTE_MS;
}

/* Days since 1970 in local time, also before it. */
static int64_t
window_day(int64_t offset_min, int64_t ms)
{
	int64_t min = (ms >= 0 ? ms / MINUTE_MS :
	    -((-ms + MINUTE_MS - 1) / MINUTE_MS)) + offset_min;

	return min >= 0 ? min / DAY_MIN : -((-min + DAY_MIN - 1) / DAY_MIN);
}

static bool
window_on(const struct job_window *w, int64_t day)
{
	int64_t weekday = (day + EPOCH_WEEKDAY) % WEEK;

	return (w->days >> (weekday >= 0 ? weekday : weekday + WEEK)) & 1;
}

int64_t
job_window_next(const struct job_window *w, int64_t offset_min, int64_t at_ms)
{
	int64_t day, start, first = window_day(offset_min, at_ms) - 1;

	if (w->days == 0)                    /* no file says so */
		return at_ms;
	for (day = first; day <= first + WEEK + 1; day++) {
		start = (day * DAY_MIN + w->from_min - offset_min) *
		    MINUTE_MS;
		if (window_on(w, day) &&
		    start + job_window_length(w) > at_ms)
			return start > at_ms ? start : at_ms;
	}
	return at_ms;
}

bool
job_window_open(const struct job_window *w, int64_t offset_min, int64_t now_ms)
{
	return job_window_next(w, offset_min, now_ms) == now_ms;
}
