/* SPDX-License-Identifier: Apache-2.0 */
#include "ca/status/publisher.h"

#include <errno.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "ca/base/log.h"
#include "ca/base/mono.h"
#include "ca/status/crl_entry.h"

#define PUBLISHER_ISSUERS 1024
#define PUBLISHER_QUIET_MS 200   /* after the last change of a run */
#define PUBLISHER_LATE_MS 800    /* after the first */
#define PUBLISHER_STEP_MS 50     /* commits are looked at so often at most */
#define PUBLISHER_IDLE_MS 1000
#define PUBLISHER_RETRY_MS 1000
#define PUBLISHER_RETRY_MAX_MS 30000

struct item {
	struct crl *crl;
	char name[STORE_ID_MAX];
	int64_t generation;
	uint8_t ski[20];
	int64_t seen_rev;                /* newest change that was noticed */
	int64_t first_ms, last_ms;       /* monotonic: of the run of changes */
	int64_t retry_ms;                /* monotonic: not before */
	int fails;
	bool alarmed;
	int failed;                      /* guarded by lock, as why */
	char why[REFUSAL_DETAIL_MAX];
};

struct publisher {
	struct publisher_conf conf;
	struct crl_conf crl;
	pthread_t thread;
	pthread_mutex_t lock;            /* guards what follows */
	pthread_cond_t wake;
	bool stop;
	bool looked;                     /* once at every CA */
	struct item *items[PUBLISHER_ISSUERS];   /* only grow */
	size_t n;
};

/* ---- items ---- */

static struct item *
publisher_find(struct publisher *p, const uint8_t ski[static 20])
{
	struct item *it = NULL;
	size_t i;

	pthread_mutex_lock(&p->lock);
	for (i = 0; i < p->n && it == NULL; i++)
		if (memcmp(p->items[i]->ski, ski, 20) == 0)
			it = p->items[i];
	pthread_mutex_unlock(&p->lock);
	return it;
}

static void
item_free(struct item *it)
{
	if (it != NULL)
		crl_close(it->crl);
	free(it);
}

static int
publisher_add(struct publisher *p, const struct ca *ca, struct item **out)
{
	struct item *it = calloc(1, sizeof *it);
	int ret = CAMCA_ENOMEM;

	if (it != NULL)
		ret = crl_open(&it->crl, &p->crl, ca);
	if (ret == CAMCA_OK) {
		memcpy(it->name, ca->row.name, sizeof it->name);
		it->generation = ca->row.generation;
		memcpy(it->ski, ca->row.ski, sizeof it->ski);
		pthread_mutex_lock(&p->lock);
		if (p->n < PUBLISHER_ISSUERS)
			p->items[p->n++] = it;
		else
			ret = CAMCA_ELIMIT;
		pthread_mutex_unlock(&p->lock);
	}
	if (ret < 0) {
		item_free(it);
		return ret;
	}
	*out = it;
	return CAMCA_OK;
}

/* Half of the life that the list itself states, or less where the setting is
 * shorter by now. */
static bool
item_half_over(const struct publisher *p, const struct crl_file *f,
    int64_t now_ms)
{
	int64_t life;

	if (f == NULL)
		return true;
	life = f->row.next_update_ms - f->row.this_update_ms;
	if (life > p->conf.life_ms)
		life = p->conf.life_ms;
	return now_ms >= f->row.this_update_ms + life / 2;
}

/* ---- one round ---- */

struct revs {
	const struct ca_set *set;
	int64_t *list;
};

static int
revs_tx(struct tx *tx, void *arg)
{
	struct revs *r = arg;
	size_t i;
	int ret = CAMCA_OK;

	for (i = 0; ret == CAMCA_OK && i < r->set->n; i++)
		ret = store_issuer_rev_seq(tx, r->set->list[i].row.id,
		    &r->list[i]);
	return ret;
}

/* Time until the list should come out; 0: now, -1: nothing is to be done. */
static int64_t
item_wait(const struct publisher *p, struct item *it, int64_t rev_seq,
    int64_t now_ms)
{
	struct crl_file *f = crl_published(it->crl, 0);
	bool half = item_half_over(p, f, now_ms);
	bool changed = f != NULL && f->row.rev_seq != rev_seq;
	int64_t mono = mono_ms(), at = mono;

	crl_file_free(f);
	if (!changed)
		it->first_ms = 0;
	if (!changed && !half)
		return -1;
	if (changed && it->first_ms == 0)
		it->first_ms = mono;
	if (changed && it->seen_rev != rev_seq)
		it->last_ms = mono;
	it->seen_rev = rev_seq;
	if (!half) {
		at = it->last_ms + PUBLISHER_QUIET_MS;
		if (at > it->first_ms + PUBLISHER_LATE_MS)
			at = it->first_ms + PUBLISHER_LATE_MS;
	}
	if (at < it->retry_ms)
		at = it->retry_ms;
	return at > mono ? at - mono : 0;
}

struct alarm {
	const struct publisher *p;
	const struct item *it;
	int64_t number, next_ms;
};

static int
alarm_tx(struct tx *tx, void *arg)
{
	const struct alarm *a = arg;
	struct event e;

	event_init(&e, a->p->conf.src, "crl.overdue", NULL, "camcad");
	event_add_hex(&e, "issuer-ski", a->it->ski, sizeof a->it->ski);
	event_add(&e, "number", "%lld", (long long)a->number);
	if (a->number > 0)
		event_add_time(&e, "next-update", a->next_ms);
	event_add(&e, "reason", "%s", a->it->why);
	return event_put(tx, &e);
}

/* Half the life is over, and no new list: somebody must look (C14). Once, until
 * a list comes out again. */
static void
item_alarm(struct publisher *p, struct item *it, int64_t now_ms)
{
	struct crl_file *f = crl_published(it->crl, 0);
	struct alarm a = { p, it, f != NULL ? f->row.number : 0,
	    f != NULL ? f->row.next_update_ms : 0 };
	char until[CTX_TIME_LEN] = "never";

	if (!it->alarmed && item_half_over(p, f, now_ms)) {
		if (f != NULL)
			ctx_time_format(until, a.next_ms);
		log_msg(LOG_ERROR, it->name, "no new CRL comes out past half "
		    "of the life of number %lld, which ends at %s: %s",
		    (long long)a.number, until, it->why);
		it->alarmed = store_tx(p->conf.store, DB_WRITE, alarm_tx,
		    &a) == CAMCA_OK;
	}
	crl_file_free(f);
}

static void
item_result(struct publisher *p, struct item *it, int ret,
    const struct refusal *why, int64_t now_ms)
{
	int64_t pause = PUBLISHER_RETRY_MAX_MS;

	pthread_mutex_lock(&p->lock);
	if (ret < 0 && ret != it->failed)
		log_msg(LOG_ERROR, it->name, "the next CRL does not come out: "
		    "%s", why->detail);
	if (ret == CAMCA_OK && it->failed < 0)
		log_msg(LOG_NOTE, it->name, "CRLs come out again");
	it->failed = ret;
	snprintf(it->why, sizeof it->why, "%s", ret < 0 ? why->detail : "");
	pthread_mutex_unlock(&p->lock);
	if (ret == CAMCA_OK) {
		it->fails = 0;
		it->alarmed = false;
		it->retry_ms = 0;
		return;
	}
	if (it->fails < 5)
		pause = PUBLISHER_RETRY_MS << it->fails++;
	it->retry_ms = mono_ms() + pause;
	item_alarm(p, it, now_ms);
}

static void
item_build(struct publisher *p, struct item *it, const struct ca *ca,
    int64_t now_ms)
{
	struct refusal why = { 0 };
	int ret = crl_build(it->crl, ca, now_ms, &why);

	if (ret == CAMCA_EBUSY && why.http == 0) {
		it->retry_ms = mono_ms() + crl_not_before_ms(it->crl) - now_ms;
		return;
	}
	item_result(p, it, ret, &why, now_ms);
}

/* Builds what is due; the time until the next look. */
static int64_t
publisher_ca(struct publisher *p, const struct ca *ca, int64_t rev_seq,
    int64_t now_ms)
{
	struct item *it = publisher_find(p, ca->row.ski);
	int64_t wait;
	int ret;

	/* Every certificate under an expired CA has expired too. */
	if (it == NULL && ca->not_after_ms > now_ms) {
		ret = publisher_add(p, ca, &it);
		if (ret < 0)
			log_msg(LOG_ERROR, ca->row.name, "its CRLs cannot be "
			    "read: %s", camca_strerror(ret));
	}
	if (it == NULL || ca->not_after_ms <= now_ms)
		return PUBLISHER_IDLE_MS;
	wait = item_wait(p, it, rev_seq, now_ms);
	if (wait == 0) {
		item_build(p, it, ca, now_ms);
		wait = item_wait(p, it, rev_seq, now_ms);
	}
	return wait < 0 || wait > PUBLISHER_IDLE_MS ? PUBLISHER_IDLE_MS : wait;
}

static int64_t
publisher_round(struct publisher *p)
{
	struct ca_set *set = p->conf.cas(p->conf.arg);
	struct revs r = { set, calloc(set->n + 1, sizeof (int64_t)) };
	int64_t now_ms, wait = PUBLISHER_IDLE_MS, one;
	size_t i;

	if (r.list != NULL &&
	    p->conf.now(p->conf.arg, &now_ms, NULL) == CAMCA_OK &&
	    store_tx(p->conf.store, DB_READ, revs_tx, &r) == CAMCA_OK)
		for (i = 0; i < set->n; i++) {
			one = publisher_ca(p, &set->list[i], r.list[i],
			    now_ms);
			wait = one < wait ? one : wait;
		}
	free(r.list);
	p->conf.cas_put(p->conf.arg, set);
	return wait;
}

/* ---- the thread ---- */

static bool
publisher_pause(struct publisher *p, int64_t ms)
{
	struct timespec ts = mono_after(ms);
	bool stop;

	pthread_mutex_lock(&p->lock);
	while (!p->stop && pthread_cond_timedwait(&p->wake, &p->lock,
	    &ts) != ETIMEDOUT)
		;
	stop = p->stop;
	pthread_mutex_unlock(&p->lock);
	return !stop;
}

static void
publisher_looked(struct publisher *p)
{
	pthread_mutex_lock(&p->lock);
	p->looked = true;
	pthread_cond_broadcast(&p->wake);
	pthread_mutex_unlock(&p->lock);
}

void
publisher_settle(struct publisher *p, int timeout_ms)
{
	struct timespec ts = mono_after(timeout_ms);

	pthread_mutex_lock(&p->lock);
	while (!p->looked && pthread_cond_timedwait(&p->wake, &p->lock,
	    &ts) != ETIMEDOUT)
		;
	pthread_mutex_unlock(&p->lock);
}

static void *
publisher_main(void *arg)
{
	struct publisher *p = arg;
	int64_t seen = -1, wait;
	int ret;

	while ((ret = crl_entry_backfill(p->conf.store)) < 0) {
		log_msg(LOG_ERROR, "crl", "entries of an older store are not "
		    "written: %s", camca_strerror(ret));
		if (!publisher_pause(p, PUBLISHER_RETRY_MAX_MS))
			return NULL;
	}
	/* Without a pause the commits of a busy day would be all it does. */
	while (publisher_pause(p, PUBLISHER_STEP_MS)) {
		if (store_commits_wait(p->conf.store, -1, 0, &seen) < 0)
			continue;
		wait = publisher_round(p);
		publisher_looked(p);
		if (wait > PUBLISHER_STEP_MS && store_commits_wait(
		    p->conf.store, seen, (int)wait, &seen) < 0)
			continue;
	}
	return NULL;
}

int
publisher_start(struct publisher **out, const struct publisher_conf *conf)
{
	struct publisher *p = calloc(1, sizeof *p);

	if (p == NULL)
		return CAMCA_ENOMEM;
	p->conf = *conf;
	p->crl = (struct crl_conf){ conf->store, conf->src, conf->dir,
	    conf->life_ms };
	pthread_mutex_init(&p->lock, NULL);
	mono_cond_init(&p->wake);
	if (pthread_create(&p->thread, NULL, publisher_main, p) != 0) {
		pthread_cond_destroy(&p->wake);
		pthread_mutex_destroy(&p->lock);
		free(p);
		return CAMCA_ENOMEM;
	}
	*out = p;
	return CAMCA_OK;
}

void
publisher_stop(struct publisher *p)
{
	size_t i;

	if (p == NULL)
		return;
	pthread_mutex_lock(&p->lock);
	p->stop = true;
	pthread_cond_signal(&p->wake);
	pthread_mutex_unlock(&p->lock);
	store_commits_wake(p->conf.store);
	pthread_join(p->thread, NULL);
	for (i = 0; i < p->n; i++)
		item_free(p->items[i]);
	pthread_cond_destroy(&p->wake);
	pthread_mutex_destroy(&p->lock);
	free(p);
}

struct crl_file *
publisher_get(struct publisher *p, const uint8_t ski[static 20],
    int64_t number)
{
	struct item *it = publisher_find(p, ski);

	return it != NULL ? crl_published(it->crl, number) : NULL;
}

static void
publisher_describe(struct publisher *p, const struct ca *ca, int64_t now_ms,
    struct publisher_state *s)
{
	struct item *it = publisher_find(p, ca->row.ski);
	struct crl_file *f = it != NULL ? crl_published(it->crl, 0) : NULL;

	memcpy(s->name, ca->row.name, sizeof s->name);
	s->generation = ca->row.generation;
	memcpy(s->ski, ca->row.ski, sizeof s->ski);
	if (f != NULL)
		s->row = f->row;
	s->due = item_half_over(p, f, now_ms);
	crl_file_free(f);
	if (it == NULL)
		return;
	pthread_mutex_lock(&p->lock);
	s->failed = it->failed;
	memcpy(s->why, it->why, sizeof s->why);
	pthread_mutex_unlock(&p->lock);
}

int
publisher_list(struct publisher *p,
    int (*fn)(const struct publisher_state *s, void *arg), void *arg)
{
	struct ca_set *set = p->conf.cas(p->conf.arg);
	struct revs r = { set, calloc(set->n + 1, sizeof (int64_t)) };
	struct publisher_state *s = calloc(1, sizeof *s);
	int64_t now_ms = ctx_now_ms(p->conf.src->ctx);
	size_t i;
	int ret = CAMCA_ENOMEM;

	if (r.list != NULL && s != NULL)
		ret = store_tx(p->conf.store, DB_READ, revs_tx, &r);
	for (i = 0; ret == CAMCA_OK && i < set->n; i++) {
		if (set->list[i].not_after_ms <= now_ms)
			continue;
		memset(s, 0, sizeof *s);
		s->rev_seq = r.list[i];
		publisher_describe(p, &set->list[i], now_ms, s);
		ret = fn(s, arg);
	}
	free(s);
	free(r.list);
	p->conf.cas_put(p->conf.arg, set);
	return ret;
}
