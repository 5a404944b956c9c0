/* SPDX-License-Identifier: Apache-2.0 */
/* Start and stop, and how each anchor stands. */
#include "ca/custody/anchor.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "ca/base/mono.h"
#include "ca/base/uptime.h"
#include "ca/custody/anchor_int.h"

int64_t
anchor_clock(const struct anchor *an)
{
	return an->conf.clock_ms != NULL ? an->conf.clock_ms(an->conf.arg) :
	    uptime_ms();
}

int64_t
anchor_backoff_ms(int fails)
{
	int64_t ms = ANCHOR_BACKOFF_MS;

	while (--fails > 0 && ms < ANCHOR_BACKOFF_MAX_MS)
		ms *= 2;
	return ms < ANCHOR_BACKOFF_MAX_MS ? ms : ANCHOR_BACKOFF_MAX_MS;
}

struct anchor_target *
anchor_find(struct anchor *an, enum anchor_kind kind, const char *name)
{
	size_t i;

	for (i = 0; i < an->n; i++)
		if (an->targets[i].kind == kind &&
		    strcmp(an->targets[i].name, name) == 0)
			return &an->targets[i];
	return NULL;
}

struct anchor_policy *
anchor_policy_ref(struct anchor *an)
{
	if (an->policy != NULL)
		atomic_fetch_add(&an->policy->refs, 1);
	return an->policy;
}

void
anchor_policy_put(struct anchor_policy *p)
{
	if (p == NULL || atomic_fetch_sub(&p->refs, 1) != 1)
		return;
	tlog_policy_free(p->p);
	buf_fini(&p->text);
	free(p);
}

void
anchor_flight_fini(struct anchor_flight *f)
{
	buf_fini(&f->text);
	anchor_policy_put(f->policy);
	timestamp_trust_free(f->trust);
	memset(f, 0, sizeof *f);
}

void
anchor_targets_free(struct anchor_target *t, size_t n)
{
	size_t i;

	for (i = 0; i < n; i++) {
		anchor_flight_fini(&t[i].flight);
		timestamp_trust_free(t[i].trust);
		buf_fini(&t[i].pem);
	}
	free(t);
}

/* ---- start and stop ---- */

int
anchor_open(struct anchor **out, const struct anchor_conf *conf)
{
	struct anchor *an = calloc(1, sizeof *an);
	int ret;

	if (an == NULL)
		return CAMCA_ENOMEM;
	an->conf = *conf;
	snprintf(an->dir, sizeof an->dir, "%s", conf->dir);
	an->conf.dir = an->dir;
	if (an->conf.ntsas > CONFIG_TSAS_MAX)
		an->conf.ntsas = CONFIG_TSAS_MAX;
	memcpy(an->tsas, conf->tsas, an->conf.ntsas * sizeof an->tsas[0]);
	an->conf.tsas = an->tsas;
	an->goal = an->asked_ms = -1;
	pthread_mutex_init(&an->lock, NULL);
	mono_cond_init(&an->judged);
	ret = anchor_reload(an, NULL);
	if (ret < 0 && ret != CAMCA_EINVAL) {
		anchor_close(an);
		return ret;
	}
	*out = an;
	return CAMCA_OK;
}

void
anchor_close(struct anchor *an)
{
	if (an == NULL)
		return;
	anchor_targets_free(an->targets, an->n);
	anchor_policy_put(an->policy);
	pthread_cond_destroy(&an->judged);
	pthread_mutex_destroy(&an->lock);
	free(an);
}

void
anchor_kick(struct anchor *an)
{
	if (an != NULL)
		store_commits_wake(an->conf.store);
}

void
anchor_stop(struct anchor *an)
{
	if (an == NULL)
		return;
	pthread_mutex_lock(&an->lock);
	an->stopping = true;
	pthread_cond_broadcast(&an->judged);
	pthread_mutex_unlock(&an->lock);
	store_commits_wake(an->conf.store);
}

/* ---- how they stand ---- */

const char *
anchor_state_name(enum anchor_state_is is)
{
	static const char *const names[] = { "unknown", "answering", "failing",
	    "contradicts" };

	return names[is];
}

static void
anchor_describe(const struct anchor_target *t, struct anchor_state *s)
{
	memset(s, 0, sizeof *s);
	s->kind = t->kind;
	s->is = t->is;
	memcpy(s->name, t->name, sizeof s->name);
	memcpy(s->url, t->url, sizeof s->url);
	s->size = t->kind == ANCHOR_WITNESS && t->answered_ms == 0 ? -1 :
	    t->size;
	s->answered_ms = t->answered_ms;
	s->time_ms = t->time_ms;
	memcpy(s->failed, t->failed, sizeof s->failed);
}

int
anchor_list(struct anchor *an,
    int (*fn)(const struct anchor_state *s, void *arg), void *arg)
{
	struct anchor_state *list;
	size_t i, n;
	int ret = CAMCA_OK;

	if (an == NULL)
		return CAMCA_OK;
	list = calloc(ANCHOR_TARGETS, sizeof *list);
	if (list == NULL)
		return CAMCA_ENOMEM;
	pthread_mutex_lock(&an->lock);
	n = an->n;
	for (i = 0; i < n; i++)
		anchor_describe(&an->targets[i], &list[i]);
	pthread_mutex_unlock(&an->lock);
	for (i = 0; ret == CAMCA_OK && i < n; i++)
		ret = fn(&list[i], arg);
	free(list);
	return ret;
}

int
anchor_policy_text(struct anchor *an, struct buf *out)
{
	struct anchor_policy *p;
	int ret;

	if (an == NULL)
		return CAMCA_ENOENT;
	pthread_mutex_lock(&an->lock);
	p = anchor_policy_ref(an);
	pthread_mutex_unlock(&an->lock);
	ret = p != NULL ? buf_put(out, p->text.data, p->text.len) :
	    CAMCA_ENOENT;
	anchor_policy_put(p);
	return ret;
}

int
anchor_tsa_trust(struct anchor *an, const char *tsa, struct buf *out)
{
	const struct anchor_target *t;
	int ret = CAMCA_ENOENT;

	if (an == NULL)
		return ret;
	pthread_mutex_lock(&an->lock);
	t = anchor_find(an, ANCHOR_TSA, tsa);
	if (t != NULL && t->trust != NULL)
		ret = buf_put(out, t->pem.data, t->pem.len);
	pthread_mutex_unlock(&an->lock);
	return ret;
}
