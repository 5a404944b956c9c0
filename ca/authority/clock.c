/* SPDX-License-Identifier: Apache-2.0 */
/* A clock that was set back would give certificates that begin before older
 * ones and secrets that live again: decisions stop until a person looks. */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

#include "ca/authority/authority.h"
#include "ca/base/log.h"
#include "ca/store/store_job.h"

#define CLOCK_SLACK_MS (5 * 60 * 1000)

static void
clock_complain(struct authority *a, int64_t now, int64_t high)
{
	struct event e;
	char at[CTX_TIME_LEN], mark[CTX_TIME_LEN];

	ctx_time_format(at, now);
	ctx_time_format(mark, high);
	log_msg(LOG_ERROR, "clock", "is at %s, but %s has been seen: nothing is "
	    "issued until it is right (see camca doctor)", at, mark);
	event_init(&e, &a->events, "clock.back", NULL, "camcad");
	event_add_time(&e, "last", high);
	if (authority_event(a, &e) < 0)
		log_msg(LOG_ERROR, "clock", "event is not recorded");
}

int
authority_now(struct authority *a, int64_t *now_ms, struct refusal *why)
{
	int64_t now = ctx_now_ms(a->ctx), high;
	bool back, first = false;

	pthread_mutex_lock(&a->lock);
	back = now + CLOCK_SLACK_MS < a->clock_high_ms;
	if (now > a->clock_high_ms)
		a->clock_high_ms = now;
	high = a->clock_high_ms;
	if (back) {
		first = !a->clock_complained;
		a->clock_complained = true;
	} else {
		a->clock_complained = false;
	}
	pthread_mutex_unlock(&a->lock);
	if (first)
		clock_complain(a, now, high);
	if (back)
		return refuse(why, CAMCA_ETIME, 503, "system.clock-back",
		    "The authority's clock was set back: nothing is decided "
		    "until an operator has looked (camca doctor).");
	/* Small steps back are evened out: time never falls. */
	*now_ms = high;
	return CAMCA_OK;
}

static int
clock_load_tx(struct tx *tx, void *arg)
{
	struct authority *a = arg;
	char text[32];
	int ret = store_meta_get(tx, "clock.high", text, sizeof text);

	if (ret == CAMCA_ENOENT)
		return CAMCA_OK;
	if (ret == CAMCA_OK)
		a->clock_high_ms = strtoll(text, NULL, 10);
	return ret;
}

int
clock_load(struct authority *a)
{
	return store_tx(a->store, DB_READ, clock_load_tx, a);
}

static int
clock_store_tx(struct tx *tx, void *arg)
{
	char text[32];

	snprintf(text, sizeof text, "%" PRId64, *(int64_t *)arg);
	return store_meta_set(tx, "clock.high", text);
}

int
clock_store(struct authority *a)
{
	int64_t high;

	pthread_mutex_lock(&a->lock);
	high = a->clock_high_ms;
	pthread_mutex_unlock(&a->lock);
	return store_tx(a->store, DB_WRITE, clock_store_tx, &high);
}

static int
clock_accept_tx(struct tx *tx, void *arg)
{
	int ret = clock_store_tx(tx, arg);

	return ret < 0 ? ret : store_job_clock_back(tx, *(int64_t *)arg);
}

int
clock_accept(struct authority *a)
{
	int64_t now = ctx_now_ms(a->ctx);

	pthread_mutex_lock(&a->lock);
	a->clock_high_ms = now;
	a->clock_complained = false;
	pthread_mutex_unlock(&a->lock);
	return store_tx(a->store, DB_WRITE, clock_accept_tx, &now);
}
