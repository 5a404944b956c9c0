/* SPDX-License-Identifier: Apache-2.0 */
/* Every refusal is an event, but who is refused without having shown who he is
 * could fill the disk with them, which would stop the enrollment of all. So of
 * strangers' refusals the first of each rule and minute are written one by one,
 * and the rest as a sum. A crash loses the sums of the minute. */
#include <stdio.h>
#include <string.h>

#include "ca/authority/authority.h"
#include "ca/base/log.h"

#define REFUSALS_PER_MINUTE 60

/* The sum of this rule, a free one, or, where all are in use, the last: with
 * the lock held. */
static struct refusal_sum *
refusals_find(struct refusals *r, const char *rule, const char *op)
{
	struct refusal_sum *s;
	size_t i;

	for (i = 0; i < REFUSAL_SUMS; i++) {
		s = &r->sums[i];
		if (s->written == 0)
			break;
		if (strcmp(s->rule, rule) == 0 && strcmp(s->op, op) == 0)
			return s;
	}
	if (i == REFUSAL_SUMS)
		return &r->sums[REFUSAL_SUMS - 1];
	snprintf(s->rule, sizeof s->rule, "%s", rule);
	snprintf(s->op, sizeof s->op, "%s", op);
	return s;
}

/* False: it is written one by one. */
static bool
refusals_count(struct authority *a, const char *rule, const char *op)
{
	int64_t now = ctx_now_ms(a->ctx);
	struct refusal_sum *s;
	bool summed;

	pthread_mutex_lock(&a->refusals.lock);
	s = refusals_find(&a->refusals, rule, op);
	summed = s->written >= REFUSALS_PER_MINUTE;
	if (!summed) {
		s->written++;
	} else {
		if (s->summed++ == 0)
			s->since_ms = now;
		s->until_ms = now;
	}
	pthread_mutex_unlock(&a->refusals.lock);
	return summed;
}

void
authority_refused_stranger(struct authority *a, const char *type,
    const char *actor, const char *op, const char *label,
    const struct refusal *why)
{
	if (!refusals_count(a, why->code, op))
		authority_refused(a, type, NULL, actor, op, label, why);
}

static int
refusals_put_tx(struct tx *tx, void *arg)
{
	struct authority *a = arg;
	const struct refusal_sum *s;
	struct event e;
	size_t i;
	int ret = CAMCA_OK;

	for (i = 0; ret == CAMCA_OK && i < REFUSAL_SUMS; i++) {
		s = &a->refusals.flushing[i];
		if (s->summed == 0)
			continue;
		event_init(&e, &a->events, "throttle.summary", NULL, "camcad");
		event_add(&e, "rule", "%s", s->rule);
		event_add(&e, "count", "%lld", (long long)s->summed);
		event_add_time(&e, "since", s->since_ms);
		event_add_time(&e, "until", s->until_ms);
		event_add(&e, "op", "%s", s->op);
		ret = event_put(tx, &e);
	}
	return ret;
}

void
authority_refusals_flush(struct authority *a)
{
	struct refusals *r = &a->refusals;
	size_t i, n = 0;
	int ret;

	pthread_mutex_lock(&r->lock);
	memcpy(r->flushing, r->sums, sizeof r->flushing);
	memset(r->sums, 0, sizeof r->sums);
	pthread_mutex_unlock(&r->lock);
	for (i = 0; i < REFUSAL_SUMS; i++)
		n += r->flushing[i].summed > 0;
	ret = n > 0 ? store_tx(a->store, DB_WRITE, refusals_put_tx, a) :
	    CAMCA_OK;
	if (ret < 0)
		log_msg(LOG_ERROR, "refusals", "sums of %zu rules are not "
		    "recorded: %s", n, camca_strerror(ret));
}
