/* SPDX-License-Identifier: Apache-2.0 */
#include "ca/custody/sequencer.h"

#include <errno.h>
#include <inttypes.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

#include "ca/base/log.h"
#include "ca/base/mono.h"
#include "ca/custody/chains.h"

#define SEQUENCER_IDLE_MS 30000      /* only in case a wake-up was missed */
#define SEQUENCER_LOOK_MS 250        /* while something waits */
#define SEQUENCER_RETRY_MS 50
#define SEQUENCER_RETRY_MAX_MS 5000
#define SEQUENCER_STILL_MS 30000     /* where a person has to act */

struct sequencer {
	struct sequencer_conf conf;
	struct append *append;
	pthread_t thread;
	int64_t seen;                    /* the thread's: commits so far */
	int64_t retry_ms;                /* the thread's: the last pause */
	int64_t given_at_start;
	/* The thread's, of the chains of devices (chains.h): */
	bool trusts;                     /* they were looked at ... */
	int64_t others;                  /* ... with this of store_others() */
	int64_t off;                     /* entries known to be in none */
	int64_t walked;                  /* entries that were walked over */
	atomic_int_fast64_t waiting;     /* without those of before the start */
	pthread_mutex_t lock;            /* guards what follows */
	pthread_cond_t wake;
	bool stop, hurry;
	int64_t size;                    /* of the log, as last seen */
	int64_t rounds;                  /* tries to append so far */
	int error;
	char why[REFUSAL_DETAIL_MAX];
};

/* Waits on s->wake, which the caller holds the lock of, until a time. */
static bool
sequencer_until(struct sequencer *s, int64_t end_ms)
{
	struct timespec ts = mono_at(end_ms);

	return pthread_cond_timedwait(&s->wake, &s->lock, &ts) != ETIMEDOUT;
}

/* ---- looking ---- */

struct sequencer_look {
	struct outbox_state outbox;
	int64_t size;
};

static int
sequencer_look_tx(struct tx *tx, void *arg)
{
	struct sequencer_look *k = arg;
	int ret = store_log_size(tx, &k->size);

	return ret < 0 ? ret : store_outbox_state(tx, &k->outbox);
}

/* What waited when the thread started does not hold up new work: an older store
 * may bring a million events. */
static void
sequencer_saw(struct sequencer *s, int64_t given, int64_t size)
{
	atomic_store(&s->waiting, given -
	    (size > s->given_at_start ? size : s->given_at_start));
	pthread_mutex_lock(&s->lock);
	s->size = size;
	pthread_cond_broadcast(&s->wake);
	pthread_mutex_unlock(&s->lock);
}

/* True where something is to be done, also where that cannot be seen. */
static bool
sequencer_look(struct sequencer *s)
{
	struct sequencer_look k;

	if (store_tx(s->conf.store, DB_READ, sequencer_look_tx, &k) < 0)
		return true;
	sequencer_saw(s, k.outbox.given, k.size);
	/* A number without a row, or a row without a number, is one too. */
	return k.outbox.given != k.size || k.outbox.first != 0;
}

/* ---- waiting ---- */

/* Up to ms, or until settle or stop wants something; looks from time to time.
 * False: stop. */
static bool
sequencer_pause(struct sequencer *s, int64_t ms)
{
	int64_t now = mono_ms(), end = now + ms, next;
	bool hurry, stop;

	for (;;) {
		next = now + SEQUENCER_LOOK_MS;
		if (next > end)
			next = end;
		pthread_mutex_lock(&s->lock);
		while (!s->stop && !s->hurry && sequencer_until(s, next))
			;
		hurry = s->hurry;
		stop = s->stop;
		pthread_mutex_unlock(&s->lock);
		now = mono_ms();
		if (stop || hurry || now >= end)
			return !stop;
		(void)sequencer_look(s);
	}
}

/* Until something was committed, or sequencer_rouse(). False: stop. What was set
 * before a wake-up that s->seen has counted is seen here. */
static bool
sequencer_sleep(struct sequencer *s, int64_t ms)
{
	bool hurry, stop;

	pthread_mutex_lock(&s->lock);
	stop = s->stop;
	hurry = s->hurry;
	pthread_mutex_unlock(&s->lock);
	if (stop || hurry)
		return !stop;
	return store_commits_wait(s->conf.store, s->seen, (int)ms,
	    &s->seen) == CAMCA_OK;         /* else the store is closing */
}

/* Gets the thread out of its sleep or pause; the lock is held. */
static void
sequencer_rouse(struct sequencer *s)
{
	pthread_cond_broadcast(&s->wake);
	store_commits_wake(s->conf.store);
}

/* ---- appending ---- */

struct sequencer_batch {
	struct sequencer *s;
	struct refusal why;
	int64_t taken, left, size;
	int64_t off;                     /* see chains_off() */
};

/* Nobody but this process writes to the store; where somebody did, or could
 * have while it was not running, chains may have lost their ends: counted, and
 * held against the size of the log, before anything is bound to them. */
static int
sequencer_trust(struct tx *tx, struct sequencer_batch *b)
{
	struct sequencer *s = b->s;
	int64_t others, off;
	int ret = store_others(tx, &others);

	if (ret < 0 || (s->trusts && others == s->others))
		return ret;
	if ((ret = chains_off(tx, &off)) < 0)
		return ret;
	s->trusts = off == s->off;
	s->others = others;
	b->off = off;
	return s->trusts ? CAMCA_OK : CAMCA_EPENDING;
}

static int
sequencer_batch_tx(struct tx *tx, void *arg)
{
	struct sequencer_batch *b = arg;
	int ret;

	b->why = (struct refusal){ 0 };
	if ((ret = sequencer_trust(tx, b)) < 0)
		return ret;
	ret = log_append(tx, b->s->append, &b->taken, &b->left, &b->why);
	return ret < 0 ? ret : store_log_size(tx, &b->size);
}

static bool
sequencer_stops(struct sequencer *s)
{
	bool stop;

	pthread_mutex_lock(&s->lock);
	stop = s->stop;
	pthread_mutex_unlock(&s->lock);
	return stop;
}

/* The chains do not add up. A row that is wrong can be put right: the log
 * stands still until it is. Where all rows fit the entries, a chain has begun
 * anew in the past, and nobody can mend that: the log goes on, doctor and
 * custody.fsck keep saying so. */
static int
sequencer_walk(struct sequencer *s, int64_t off, struct refusal *why)
{
	bool done = false;
	int ret = CAMCA_OK;

	while (ret == CAMCA_OK && !done) {
		if (sequencer_stops(s))
			return CAMCA_EBUSY;
		ret = chains_walk(s->conf.store, &s->walked, &done, why);
	}
	if (ret < 0)
		return ret;
	log_msg(LOG_ERROR, "custody", "the chains of all devices do not add up "
	    "to the log, by %" PRId64 " entries, and nothing here can be put "
	    "right any more: camca custody fsck", off);
	s->off = off;
	s->walked = 0;
	return CAMCA_OK;
}

static void
sequencer_result(struct sequencer *s, int ret, struct refusal *why)
{
	if (ret < 0)
		refuse_default(why, ret);
	pthread_mutex_lock(&s->lock);
	if (ret < 0 && ret != s->error)
		log_msg(LOG_ERROR, "custody", "events do not get into the log:"
		    " %s", why->detail);
	if (ret == CAMCA_OK && s->error < 0)
		log_msg(LOG_NOTE, "custody", "events get into the log again");
	s->error = ret;
	snprintf(s->why, sizeof s->why, "%s", ret < 0 ? why->detail : "");
	s->rounds++;
	s->hurry = false;
	pthread_cond_broadcast(&s->wake);
	pthread_mutex_unlock(&s->lock);
}

/* One transaction. *more_out: a full batch waits still. */
static int
sequencer_batch(struct sequencer *s, bool *more_out)
{
	struct sequencer_batch b = { .s = s };
	int ret = store_tx(s->conf.store, DB_WRITE, sequencer_batch_tx, &b);

	if (ret == CAMCA_EPENDING) {
		ret = sequencer_walk(s, b.off, &b.why);
		if (ret == CAMCA_OK)
			ret = store_tx(s->conf.store, DB_WRITE,
			    sequencer_batch_tx, &b);
		if (ret == CAMCA_EPENDING)
			ret = CAMCA_EBUSY;     /* it changes while we look */
	}
	*more_out = ret == CAMCA_OK && b.left >= s->conf.batch_max;
	/* Who waits for the size finds the state that goes with it. */
	sequencer_result(s, ret, &b.why);
	if (ret == CAMCA_OK)
		sequencer_saw(s, b.size + b.left, b.size);
	return ret;
}

/* All full batches that wait, and what is behind them. A transaction each, so
 * that other writers come in between. */
static int
sequencer_drain(struct sequencer *s)
{
	bool more = true;
	int ret = CAMCA_OK;

	while (ret == CAMCA_OK && more) {
		ret = sequencer_batch(s, &more);
		more = more && !sequencer_stops(s);
	}
	return ret;
}

/* How long to wait after a failure. */
static int64_t
sequencer_back_off(struct sequencer *s, int ret)
{
	if (ret == CAMCA_EPOLICY)
		return SEQUENCER_STILL_MS;
	s->retry_ms = s->retry_ms == 0 ? SEQUENCER_RETRY_MS : 2 * s->retry_ms;
	if (s->retry_ms > SEQUENCER_RETRY_MAX_MS)
		s->retry_ms = SEQUENCER_RETRY_MAX_MS;
	return s->retry_ms;
}

static void *
sequencer_main(void *arg)
{
	struct sequencer *s = arg;
	bool go = true;
	int ret;

	/* Its own commit ends the next sleep once; the look after it finds
	 * nothing, and the sleep after that knows of the commit. */
	while (go) {
		if (s->trusts && !sequencer_look(s)) {
			sequencer_result(s, CAMCA_OK, NULL);
			go = sequencer_sleep(s, SEQUENCER_IDLE_MS);
			continue;
		}
		if (!(go = sequencer_pause(s, s->conf.interval_ms)))
			break;
		ret = sequencer_drain(s);
		if (ret == CAMCA_OK)
			s->retry_ms = 0;
		else
			go = sequencer_pause(s, sequencer_back_off(s, ret));
	}
	return NULL;
}

/* ---- start and stop ---- */

static void
sequencer_free(struct sequencer *s)
{
	append_free(s->append);
	pthread_cond_destroy(&s->wake);
	pthread_mutex_destroy(&s->lock);
	free(s);
}

int
sequencer_start(struct sequencer **out, const struct sequencer_conf *conf)
{
	struct sequencer_look k;
	struct sequencer *s;
	int ret;

	if (conf->batch_max < 1 || conf->interval_ms < 0)
		return CAMCA_EINVAL;
	if ((s = calloc(1, sizeof *s)) == NULL)
		return CAMCA_ENOMEM;
	s->conf = *conf;
	s->seen = -1;
	pthread_mutex_init(&s->lock, NULL);
	mono_cond_init(&s->wake);
	ret = append_new(&s->append, conf->src, (size_t)conf->batch_max);
	if (ret == CAMCA_OK)
		ret = store_tx(conf->store, DB_READ, sequencer_look_tx, &k);
	if (ret == CAMCA_OK) {
		s->size = k.size;
		s->given_at_start = k.outbox.given;
		if (pthread_create(&s->thread, NULL, sequencer_main, s) != 0)
			ret = CAMCA_ENOMEM;
	}
	if (ret < 0) {
		sequencer_free(s);
		return ret;
	}
	*out = s;
	return CAMCA_OK;
}

void
sequencer_stop(struct sequencer *s)
{
	if (s == NULL)
		return;
	pthread_mutex_lock(&s->lock);
	s->stop = true;
	sequencer_rouse(s);
	pthread_mutex_unlock(&s->lock);
	pthread_join(s->thread, NULL);
	sequencer_free(s);
}

/* ---- asked from other threads ---- */

int
sequencer_settle(struct sequencer *s, int timeout_ms)
{
	int64_t end = mono_ms() + timeout_ms, rounds;
	struct sequencer_look k;
	bool done;
	int ret;

	ret = store_tx(s->conf.store, DB_READ, sequencer_look_tx, &k);
	if (ret < 0)
		return ret;
	pthread_mutex_lock(&s->lock);
	rounds = s->rounds;
	while (!(done = s->size >= k.outbox.given) && !s->stop) {
		/* A round that was under way at the call may have failed for
		 * another reason than the next one would. */
		if (s->error < 0 && s->rounds > rounds + 1)
			break;
		s->hurry = true;
		sequencer_rouse(s);
		if (!sequencer_until(s, end))
			break;
	}
	pthread_mutex_unlock(&s->lock);
	return done ? CAMCA_OK : CAMCA_EBUSY;
}

int
sequencer_state(struct sequencer *s, struct sequencer_state *out)
{
	struct sequencer_look k;
	int ret = store_tx(s->conf.store, DB_READ, sequencer_look_tx, &k);

	if (ret < 0)
		return ret;
	out->size = k.size;
	out->waiting = k.outbox.given - k.size;
	out->oldest_ms = k.outbox.first_ms;
	pthread_mutex_lock(&s->lock);
	out->error = s->error;
	snprintf(out->why, sizeof out->why, "%s", s->why);
	pthread_mutex_unlock(&s->lock);
	return CAMCA_OK;
}

int64_t
sequencer_waiting(const struct sequencer *s)
{
	return atomic_load(&s->waiting);
}
