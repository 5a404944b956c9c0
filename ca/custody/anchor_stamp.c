/* SPDX-License-Identifier: Apache-2.0 */
/* A time-stamp on demand: the TSAs get their turn now, and somebody waits. */
#include <string.h>
#include <time.h>

#include "ca/base/mono.h"
#include "ca/custody/anchor_int.h"

#define STAMPS_MAX 4                   /* that wait at a time */

struct stamps {
	struct anchor *an;
	int64_t size;
	unsigned failures[CONFIG_TSAS_MAX];    /* when it began */
};

/* With the lock: has each TSA answered or failed? *well_out: how many have. */
static bool
stamps_done(const struct stamps *x, size_t *well_out)
{
	bool done = true;
	size_t i, k = 0;

	*well_out = 0;
	for (i = 0; i < x->an->n; i++) {
		const struct anchor_target *t = &x->an->targets[i];

		if (t->kind != ANCHOR_TSA || t->trust == NULL ||
		    k == CONFIG_TSAS_MAX)
			continue;
		if (t->size >= x->size)
			++*well_out;
		else if (t->failures == x->failures[k])
			done = false;
		k++;
	}
	return done;
}

static size_t
stamps_want(struct stamps *x)
{
	size_t i, k = 0;

	for (i = 0; i < x->an->n; i++) {
		struct anchor_target *t = &x->an->targets[i];

		if (t->kind != ANCHOR_TSA || t->trust == NULL ||
		    k == CONFIG_TSAS_MAX)
			continue;
		x->failures[k++] = t->failures;
		if (t->size < x->size) {
			t->wanted = x->size;
			t->due_ms = 0;
		}
	}
	return k;
}

static int
stamps_wait(struct stamps *x, int timeout_ms, struct refusal *why)
{
	struct timespec end = mono_after(timeout_ms);
	size_t well;
	int late = 0;

	while (!stamps_done(x, &well) && late == 0 && !x->an->stopping)
		late = pthread_cond_timedwait(&x->an->judged, &x->an->lock,
		    &end);
	return well > 0 ? CAMCA_OK : refuse(why, CAMCA_ETIME, 503,
	    "custody.timestamp", "No TSA has given a time-stamp: camca custody "
	    "status says why.");
}

static int
stamps_run(struct stamps *x, int timeout_ms, struct refusal *why)
{
	struct anchor *an = x->an;
	int ret;

	pthread_mutex_lock(&an->lock);
	if (stamps_want(x) == 0)
		ret = refuse(why, CAMCA_ENOENT, 409, "custody.no-tsa",
		    "No TSA is named in camca.yaml, or none is trusted "
		    "(policies/custody/NAME.pem).");
	else if (an->timestamps >= STAMPS_MAX)
		ret = refuse(why, CAMCA_EBUSY, 503, "custody.timestamp",
		    "Others wait for a time-stamp already; try again.");
	else {
		an->timestamps++;
		store_commits_wake(an->conf.store);
		ret = stamps_wait(x, timeout_ms, why);
		an->timestamps--;
	}
	pthread_mutex_unlock(&an->lock);
	return ret;
}

int
anchor_timestamp(struct anchor *an, int timeout_ms, int64_t *size_out,
    struct refusal *why)
{
	struct stamps x = { .an = an };
	int ret;

	if (an == NULL)
		return refuse(why, CAMCA_ENOENT, 409, "custody.no-tsa",
		    "No TSA is named in camca.yaml.");
	ret = anchor_newest(an, &x.size);
	if (ret == CAMCA_OK && x.size <= 0)
		return refuse(why, CAMCA_ETIME, 503, "custody.timestamp",
		    "There is no checkpoint yet.");
	if (ret == CAMCA_OK)
		ret = stamps_run(&x, timeout_ms, why);
	if (ret == CAMCA_OK && size_out != NULL)
		*size_out = x.size;
	return ret;
}
