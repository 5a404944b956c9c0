/* SPDX-License-Identifier: Apache-2.0 */
#include "ca/job/plan.h"

#include <openssl/evp.h>
#include <stdio.h>
#include <string.h>

#define PLAN_URGENT 10                 /* the last tenth of a life */
#define PLAN_DAY_MS 86400000LL
#define PLAN_ALL_DAYS 0x7f

int64_t
plan_jitter(const char *device, enum job_kind kind, int64_t range_ms)
{
	char text[STORE_ID_MAX + 32];
	uint8_t hash[EVP_MAX_MD_SIZE];
	uint64_t n;
	int len;

	if (range_ms <= 0)
		return 0;
	len = snprintf(text, sizeof text, "%s %s", job_kind_name(kind),
	    device);
	if (EVP_Digest(text, (size_t)len, hash, NULL, EVP_sha256(), NULL) != 1)
		return 0;
	memcpy(&n, hash, sizeof n);
	return (int64_t)(n % (uint64_t)range_ms);
}

bool
plan_urgent(const struct plan *p)
{
	return p->not_after_ms != 0 && p->now_ms >= p->not_after_ms -
	    (p->not_after_ms - p->not_before_ms) / PLAN_URGENT;
}

static int64_t
plan_due_renew(const struct plan *p)
{
	int64_t life = p->not_after_ms - p->not_before_ms;
	int64_t due, last;

	if (p->not_after_ms == 0 || p->held)
		return INT64_MAX;
	/* Made by a clock that was ahead: nobody believes it yet. */
	if (p->not_before_ms > p->now_ms)
		return p->now_ms;
	due = p->not_before_ms + life / 100 * p->level->renew_at;
	last = p->not_after_ms - life / PLAN_URGENT;
	due += plan_jitter(p->device, JOB_RENEW, p->level->jitter_ms);
	return due < last ? due : last;
}

static int64_t
plan_due_every(const struct plan *p, enum job_kind kind, int64_t since_ms,
    int64_t every_ms)
{
	if (every_ms == 0)
		return INT64_MAX;
	if (since_ms == 0)
		return p->now_ms;
	return since_ms + every_ms +
	    plan_jitter(p->device, kind, p->level->jitter_ms);
}

int64_t
plan_due(const struct plan *p, enum job_kind kind)
{
	const struct job_last_row *last = &p->last[kind];
	int64_t due, again;

	switch (kind) {
	case JOB_RENEW:
		due = plan_due_renew(p);
		break;
	case JOB_ROTATE:
		due = p->password_ms == 0 ? INT64_MAX : p->compromised ? 0 :
		    plan_due_every(p, kind, p->password_ms,
		    p->level->rotate_every_ms);
		break;
	case JOB_CRL:
		due = p->not_after_ms == 0 ? INT64_MAX : plan_due_every(p,
		    kind, last->ok_ms, p->level->crl_every_ms);
		break;
	case JOB_OBSERVE:
		due = plan_due_every(p, kind, last->ok_ms,
		    p->level->observe_every_ms);
		break;
	default:
		return INT64_MAX;
	}
	/* What failed is not tried each minute. */
	again = last->ended_ms > last->ok_ms ?
	    last->ended_ms + p->rules->retry_after_ms : 0;
	return due > again ? due : again;
}

int64_t
plan_start(const struct plan *p, enum job_kind kind, int64_t due_ms)
{
	const struct job_window *w = &p->level->window;
	int64_t at, length;

	if (kind == JOB_OBSERVE || (kind == JOB_RENEW && plan_urgent(p)) ||
	    (kind == JOB_ROTATE && p->compromised))
		return due_ms;
	at = job_window_next(w, p->rules->offset_min, due_ms);
	if (at == due_ms)
		return due_ms;
	/* It waited for the window to open, as all its neighbours did. */
	length = job_window_length(w);
	return at + plan_jitter(p->device, kind,
	    p->level->jitter_ms < length ? p->level->jitter_ms : length);
}

int64_t
plan_stale_before(const struct job_level *level, int64_t now_ms)
{
	const struct job_window *w = &level->window;
	int64_t wait = w->any || w->days == PLAN_ALL_DAYS ? 1 : 7;

	if (level->rotate_every_ms == 0)
		return 0;
	/* The place in the window, the window, and a day for the batches. */
	return now_ms - level->rotate_every_ms - level->jitter_ms -
	    (wait + 1) * PLAN_DAY_MS;
}
