/* SPDX-License-Identifier: Apache-2.0 */
#include "enroll/gate/report.h"

#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

struct report_sum {
	int64_t count;           /* 0: free */
	char op[24];
	char label[72];          /* label, detail and remote: of the last one */
	char remote[64];
	struct refusal why;
};

struct report {
	struct upstream *up;
	pthread_mutex_t lock;    /* guards what follows */
	int64_t second;          /* the one that tokens belong to */
	int tokens;
	struct report_sum sums[REPORT_KINDS];
};

int
report_new(struct report **out, struct upstream *up)
{
	struct report *r = calloc(1, sizeof *r);

	if (r == NULL)
		return CAMCA_ENOMEM;
	r->up = up;
	pthread_mutex_init(&r->lock, NULL);
	*out = r;
	return CAMCA_OK;
}

void
report_free(struct report *r)
{
	if (r == NULL)
		return;
	pthread_mutex_destroy(&r->lock);
	free(r);
}

/* The sum of this kind, a free one, or, with all in use, the last: a flood of
 * kinds is counted there and costs no memory. */
static struct report_sum *
report_find(struct report *r, const char *op, const struct refusal *why)
{
	struct report_sum *s, *free_one = NULL;
	size_t i;

	for (i = 0; i < REPORT_KINDS; i++) {
		s = &r->sums[i];
		if (s->count == 0 && free_one == NULL)
			free_one = s;
		if (s->count != 0 && s->why.http == why->http &&
		    strcmp(s->op, op) == 0 &&
		    strcmp(s->why.code, why->code) == 0)
			return s;
	}
	return free_one != NULL ? free_one : &r->sums[REPORT_KINDS - 1];
}

static void
report_done(void *arg, json_t *result, const struct refusal *why)
{
	(void)arg;
	(void)why;
	json_decref(result);
}

static int
report_send(struct report *r, const struct report_sum *s)
{
	json_t *args = json_pack("{s:s, s:s, s:i, s:s, s:s, s:s, s:I}",
	    "op", s->op, "label", s->label, "http", s->why.http,
	    "code", s->why.code, "detail", s->why.detail,
	    "remote", s->remote, "count", (json_int_t)s->count);

	return upstream_call(r->up, "est.refused", args, report_done, NULL,
	    NULL);
}

/* Sends sums while tokens last; unsent ones stay. With the lock held: fine, for
 * report_done(), which runs in another thread, does not take it. */
static void
report_flush_locked(struct report *r, int64_t now_ms)
{
	size_t i;

	if (now_ms / 1000 != r->second) {
		r->second = now_ms / 1000;
		r->tokens = REPORT_PER_SECOND;
	}
	for (i = 0; i < REPORT_KINDS && r->tokens > 0; i++) {
		if (r->sums[i].count == 0)
			continue;
		if (report_send(r, &r->sums[i]) < 0)
			return;
		r->tokens--;
		r->sums[i].count = 0;
	}
}

void
report_refusal(struct report *r, const char *op, const char *label,
    const struct refusal *why, const char *remote, int64_t now_ms)
{
	struct report_sum *s;

	pthread_mutex_lock(&r->lock);
	s = report_find(r, op, why);
	if (s->count == 0) {
		s->why = *why;
		snprintf(s->op, sizeof s->op, "%s", op);
	}
	s->count++;
	memcpy(s->why.detail, why->detail, sizeof s->why.detail);
	snprintf(s->label, sizeof s->label, "%s", label);
	snprintf(s->remote, sizeof s->remote, "%s", remote);
	report_flush_locked(r, now_ms);
	pthread_mutex_unlock(&r->lock);
}

void
report_flush(struct report *r, int64_t now_ms)
{
	pthread_mutex_lock(&r->lock);
	report_flush_locked(r, now_ms);
	pthread_mutex_unlock(&r->lock);
}
