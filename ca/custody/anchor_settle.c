/* SPDX-License-Identifier: Apache-2.0 */
/* What an answer comes to: rows, an event where something has changed, and when
 * to ask again. */
#include <openssl/sha.h>
#include <stdio.h>
#include <string.h>

#include "ca/base/log.h"
#include "ca/custody/anchor_int.h"

/* ---- storing ---- */

struct settle {
	struct anchor *an;
	struct anchor_verdict *v;
	bool event;                    /* custody.witness */
	bool row;                      /* log_witness has to be written */
	struct witness_row witness;
	int64_t now_ms;
};

static int
settle_event(struct tx *tx, struct settle *s)
{
	struct event e;

	event_init(&e, s->an->conf.src, "custody.witness", NULL, "camcad");
	event_add(&e, "witness", "%s", s->v->name);
	event_add(&e, "state", "%s", anchor_state_name(s->v->is));
	if (s->v->reason[0] != '\0')
		event_add(&e, "reason", "%s", s->v->reason);
	return event_put(tx, &e);
}

static int
settle_cosig(struct tx *tx, const struct settle *s)
{
	struct cosig_row r = { .size = s->v->asked, .time_ms = s->v->time_ms,
	    .line = { s->v->bytes.data, s->v->bytes.len } };

	memcpy(r.witness, s->v->name, sizeof r.witness);
	return store_cosig_put(tx, &r);
}

static int
settle_stamp(struct tx *tx, const struct settle *s)
{
	struct timestamp_row r = { .size = s->v->asked,
	    .time_ms = s->v->time_ms,
	    .token = { s->v->bytes.data, s->v->bytes.len } };
	uint8_t hash[STORE_HASH_LEN];
	struct event e;
	int ret;

	snprintf(r.tsa, sizeof r.tsa, "%.*s", STORE_ID_MAX - 1, s->v->name);
	ret = store_timestamp_put(tx, &r);
	if (ret < 0)
		return ret == CAMCA_ECONFLICT ? CAMCA_OK : ret;
	SHA256(r.token.p, r.token.n, hash);
	event_init(&e, s->an->conf.src, "custody.timestamp", NULL, "camcad");
	event_add(&e, "tsa", "%s", r.tsa);
	event_add(&e, "size", "%lld", (long long)r.size);
	event_add_hex(&e, "token-sha256", hash, sizeof hash);
	return event_put(tx, &e);
}

static int
settle_tx(struct tx *tx, void *arg)
{
	struct settle *s = arg;
	bool well = s->v->is == ANCHOR_ANSWERING;
	int ret = CAMCA_OK;

	if (s->v->kind == ANCHOR_TSA)
		return settle_stamp(tx, s);
	if (well)
		ret = settle_cosig(tx, s);
	if (ret == CAMCA_OK && s->row)
		ret = store_witness_put(tx, &s->witness);
	if (ret == CAMCA_OK && s->event)
		ret = settle_event(tx, s);
	return ret;
}

/* ---- what follows; with the lock ---- */

/* Is a change of state to be told, and may it? A contradiction always. */
static bool
settle_tell(struct anchor *an, struct anchor_target *t,
    const struct anchor_verdict *v)
{
	int64_t now = anchor_clock(an);
	bool due = v->kind == ANCHOR_WITNESS && !v->again && v->is != t->told &&
	    (v->is != ANCHOR_FAILING || t->fails >= ANCHOR_FAILS_TOLD);

	if (!due)
		return false;
	if (t->told_full_ms < now)
		t->told_full_ms = now;
	if (v->is != ANCHOR_CONTRADICTS && t->told_full_ms - now >
	    (ANCHOR_EVENTS - 1) * (int64_t)ANCHOR_EVENT_MS)
		return false;
	t->told_full_ms += ANCHOR_EVENT_MS;
	return true;
}

static void
settle_log(const struct anchor_target *t, const struct anchor_verdict *v)
{
	const char *what = t->kind == ANCHOR_WITNESS ? "witness" : "TSA";

	if (v->is == t->is && strcmp(v->failed, t->failed) == 0)
		return;
	if (v->is == ANCHOR_ANSWERING)
		log_msg(LOG_NOTE, t->name, "%s answers", what);
	else
		log_msg(v->is == ANCHOR_CONTRADICTS ? LOG_ERROR : LOG_WARN,
		    t->name, "%s: %s", what, v->failed);
}

/* Before the store is written: what has to be written. */
static void
settle_plan(struct settle *s, struct anchor_target *t)
{
	const struct anchor_verdict *v = s->v;
	bool well = v->is == ANCHOR_ANSWERING;

	if (!well && !v->again)
		t->fails++;
	s->event = settle_tell(s->an, t, v);
	s->row = well || v->is != t->is ||
	    strcmp(v->failed, t->failed) != 0 ||
	    (v->size >= 0 && v->size != t->size);
	memcpy(s->witness.name, v->name, sizeof s->witness.name);
	s->witness.size = v->size >= 0 ? v->size : t->size;
	s->witness.asked_ms = s->now_ms;
	s->witness.answered_ms = well ? s->now_ms : t->answered_ms;
	memcpy(s->witness.failed, v->failed, sizeof s->witness.failed);
	if (v->again)                  /* its state is as it was */
		memcpy(s->witness.failed, t->failed,
		    sizeof s->witness.failed);
	else
		settle_log(t, v);
}

static void
settle_well(struct anchor *an, struct anchor_target *t,
    const struct anchor_verdict *v, int64_t now_ms)
{
	t->fails = t->conflicts = 0;
	t->has = v->asked > t->has ? v->asked : t->has;
	t->size = v->asked > t->size || t->kind == ANCHOR_WITNESS ? v->asked :
	    t->size;
	t->answered_ms = now_ms;
	t->time_ms = v->time_ms;
	t->due_ms = 0;
	t->failed[0] = '\0';
	if (t->kind == ANCHOR_WITNESS)
		return;
	t->own = ++an->own;
	/* It may have been about an older one than is waited for. */
	if (t->wanted <= t->size) {
		t->wanted = 0;
		t->due_ms = anchor_clock(an) + an->conf.timestamp_ms;
	}
}

/* A 409 tells the size; the request is made anew with it, once. */
static void
settle_again(struct anchor *an, struct anchor_target *t,
    const struct anchor_verdict *v)
{
	t->size = v->size;
	t->due_ms = 0;
	if (v->size > v->asked) {
		t->skip = v->asked;    /* it is past this checkpoint of ours */
		t->conflicts = 0;
	} else if (++t->conflicts > 1) {
		t->due_ms = anchor_clock(an) + anchor_backoff_ms(++t->fails);
		t->conflicts = 0;
	}
}

static void
settle_apply(struct settle *s, struct anchor_target *t, int stored)
{
	struct anchor *an = s->an;
	const struct anchor_verdict *v = s->v;

	t->judged = false;
	pthread_cond_broadcast(&an->judged);
	if (stored < 0) {              /* the store's trouble is not its own */
		t->due_ms = anchor_clock(an) + ANCHOR_BACKOFF_MS;
		t->failures++;
		return;
	}
	if (s->event)
		t->told = v->is;
	if (v->again) {
		settle_again(an, t, v);
		return;
	}
	t->is = v->is;
	if (v->is == ANCHOR_ANSWERING) {
		settle_well(an, t, v, s->now_ms);
		return;
	}
	memcpy(t->failed, v->failed, sizeof t->failed);
	if (v->size >= 0)
		t->size = v->size;
	t->evidence = v->is == ANCHOR_CONTRADICTS && an->conf.shown != NULL;
	t->conflicts = 0;
	t->failures++;
	t->wanted = 0;
	t->due_ms = anchor_clock(an) + anchor_backoff_ms(t->fails);
}

int
anchor_settle(struct anchor *an, struct anchor_verdict *v)
{
	struct settle s = { .an = an, .v = v,
	    .now_ms = ctx_now_ms(an->conf.src->ctx) };
	struct anchor_target *t;
	int ret = CAMCA_OK;

	pthread_mutex_lock(&an->lock);
	t = anchor_find(an, v->kind, v->name);
	if (t != NULL)
		settle_plan(&s, t);
	pthread_mutex_unlock(&an->lock);
	if (t != NULL && (v->is == ANCHOR_ANSWERING ||
	    (v->kind == ANCHOR_WITNESS && (s.row || s.event))))
		ret = store_tx(an->conf.store, DB_WRITE, settle_tx, &s);
	pthread_mutex_lock(&an->lock);
	t = anchor_find(an, v->kind, v->name);
	if (t != NULL)
		settle_apply(&s, t, ret);
	pthread_mutex_unlock(&an->lock);
	return ret;
}
