/* SPDX-License-Identifier: Apache-2.0 */
/* Who is asked what, and when: rounds of witnesses, the turns of the TSAs, and
 * the request itself. */
#include <openssl/sha.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "ca/base/enc.h"
#include "ca/base/log.h"
#include "ca/custody/anchor_int.h"
#include "ca/custody/reader.h"

#define NEXT_STEP_MS 50                /* commits are looked at so often */
#define NEXT_ROUND_MS 1500             /* a round waits no longer for a slow
                                        * witness */
#define NEXT_WITNESS_MS 1000           /* C2SP: a second is enough */
#define NEXT_TSA_MS 10000
#define NEXT_GRACE_MS 5000             /* of the courier, above these */

/* ---- whose turn it is; with the lock ---- */

static bool
target_flies(const struct anchor_target *t)
{
	return t->flight.id[0] != '\0' || t->judged;
}

/* Does the round still want something of this witness, now? */
static bool
witness_wants(const struct anchor *an, const struct anchor_target *t,
    int64_t now)
{
	return t->kind == ANCHOR_WITNESS && !target_flies(t) &&
	    t->has < an->goal && t->skip != an->goal && now >= t->due_ms;
}

/* All have been asked, and have answered or had their time. One that failed and
 * tries again can do so with the newest. */
static bool
round_over(const struct anchor *an, int64_t now)
{
	bool flies = false;
	size_t i;

	for (i = 0; i < an->n; i++) {
		if (witness_wants(an, &an->targets[i], now) &&
		    an->targets[i].fails == 0)
			return false;
		flies |= an->targets[i].kind == ANCHOR_WITNESS &&
		    target_flies(&an->targets[i]);
	}
	return !flies || now - an->goal_ms >= NEXT_ROUND_MS;
}

static bool
tsa_wants(const struct anchor *an, const struct anchor_target *t,
    int64_t newest, int64_t now)
{
	int64_t fresh = newest - (t->size > 0 ? t->size : 0);

	if (t->kind != ANCHOR_TSA || t->trust == NULL || target_flies(t) ||
	    newest <= 0 || now < t->due_ms)
		return false;
	if (t->wanted > t->size)
		return true;
	/* Stamps are events: those alone are nothing new. */
	return fresh > 0 && (t->size < 0 || fresh > an->own - t->own);
}

static struct anchor_target *
next_target(struct anchor *an, int64_t newest, int64_t now)
{
	struct anchor_target *t;
	size_t i, flights = 0;

	for (i = 0; i < an->n; i++)
		flights += an->targets[i].flight.id[0] != '\0';
	if (newest < 0 || flights >= ANCHOR_FLIGHTS)
		return NULL;
	if (newest > an->goal && round_over(an, now)) {
		an->goal = newest;
		an->goal_ms = now;
	}
	for (i = 0; i < an->n; i++) {
		t = &an->targets[i];
		if (witness_wants(an, t, now) ||
		    tsa_wants(an, t, newest, now) ||
		    (t->evidence && !target_flies(t) && an->goal >= 0))
			return t;
	}
	return NULL;
}

/* Until when nothing can become due by itself. */
static int64_t
next_due(const struct anchor *an, int64_t now, int64_t end)
{
	int64_t due = end;
	size_t i;

	for (i = 0; i < an->n; i++) {
		const struct anchor_target *t = &an->targets[i];

		if (t->flight.id[0] != '\0' && t->flight.ends_ms < due)
			due = t->flight.ends_ms;
		if (t->due_ms > now && t->due_ms < due)
			due = t->due_ms;
	}
	return due;
}

/* ---- requests whose answer never came ---- */

static bool
next_lost(struct anchor *an, int64_t now, struct anchor_verdict *v)
{
	bool evidence;
	size_t i;

	for (i = 0; i < an->n; i++) {
		struct anchor_target *t = &an->targets[i];

		if (t->flight.id[0] == '\0' || now < t->flight.ends_ms)
			continue;
		memset(v, 0, sizeof *v);
		v->kind = t->kind;
		memcpy(v->name, t->name, sizeof v->name);
		v->asked = t->flight.size;
		v->is = ANCHOR_FAILING;
		v->size = -1;
		snprintf(v->failed, sizeof v->failed,
		    "camca-anchor did not come back with an answer");
		memcpy(v->reason, v->failed, sizeof v->reason);
		evidence = t->flight.evidence;
		anchor_flight_fini(&t->flight);
		/* Nothing follows from what was only looked for. */
		if (evidence)
			continue;
		t->judged = true;
		return true;
	}
	return false;
}

static int
next_expire(struct anchor *an)
{
	struct anchor_verdict v;
	bool lost;
	int ret = CAMCA_OK;

	do {
		pthread_mutex_lock(&an->lock);
		lost = next_lost(an, anchor_clock(an), &v);
		pthread_mutex_unlock(&an->lock);
		if (lost)
			ret = anchor_settle(an, &v);
	} while (lost && ret == CAMCA_OK);
	return ret;
}

/* ---- the request ---- */

/* What is built without the lock, and taken by the target under it. */
struct launch {
	struct anchor *an;
	struct anchor_work *work;
	struct anchor_flight flight;
	enum anchor_kind kind;
	char name[STORE_WITNESS_MAX], url[ANCHOR_URL_MAX];
	int64_t goal;                  /* checkpoint to be asked about */
	struct checkpoint_row row;     /* that one */
	struct witness_request request;
};

static int
launch_proof(struct tx *tx, struct launch *l)
{
	struct reader *r = NULL;
	int ret;

	if (l->flight.old_size <= 0 || l->flight.old_size >= l->goal)
		return CAMCA_OK;
	ret = reader_open(&r, tx);
	if (ret == CAMCA_OK)
		ret = tree_consistency(reader_tiles(r), l->flight.old_size,
		    l->goal, &l->request.proof);
	reader_close(r);
	return ret;
}

static int
launch_tx(struct tx *tx, void *arg)
{
	struct launch *l = arg;
	int ret;

	store_checkpoint_free(&l->row);
	memset(&l->request, 0, sizeof l->request);
	ret = store_checkpoint_at(tx, l->goal, &l->row);
	if (ret == CAMCA_OK && l->kind == ANCHOR_WITNESS &&
	    !l->flight.evidence)
		ret = launch_proof(tx, l);
	return ret;
}

static int
launch_witness(struct launch *l)
{
	l->request.old_size = l->flight.old_size;
	l->request.note = (const char *)l->row.note.p;
	l->request.note_len = l->row.note.n;
	l->work->type = "text/plain; charset=utf-8";
	l->work->timeout_ms = NEXT_WITNESS_MS;
	l->work->max_bytes = WITNESS_ANSWER_MAX;
	return witness_request_text(&l->request, &l->work->body);
}

/* tlog-witness: the newest checkpoint it has of a log, by the log's name. */
static int
launch_evidence(struct launch *l)
{
	const char *text = buf_str(&l->flight.text);
	uint8_t sha[SHA256_DIGEST_LENGTH];
	char hex[2 * sizeof sha + 1];

	SHA256((const uint8_t *)text, strcspn(text, "\n"), sha);
	enc_hex(hex, sha, sizeof sha);
	snprintf(l->work->url, sizeof l->work->url, "%s/%s/checkpoint",
	    l->url, hex);
	l->work->get = true;
	l->work->type = "text/plain; charset=utf-8";
	l->work->timeout_ms = NEXT_WITNESS_MS;
	l->work->max_bytes = WITNESS_ANSWER_MAX;
	return CAMCA_OK;
}

static int
launch_tsa(struct launch *l)
{
	struct anchor_flight *f = &l->flight;
	int ret = ctx_random(l->an->conf.src->ctx, f->nonce,
	    sizeof f->nonce);

	if (ret < 0)
		return ret;
	f->nonce[0] = (uint8_t)((f->nonce[0] & 0x3f) | 0x40);
	l->work->type = TIMESTAMP_QUERY_TYPE;
	l->work->timeout_ms = NEXT_TSA_MS;
	l->work->max_bytes = TIMESTAMP_ANSWER_MAX;
	return timestamp_request(f->sha256, f->nonce, &l->work->body);
}

static int
launch_build(struct launch *l)
{
	struct anchor_flight *f = &l->flight;
	uint8_t id[ANCHOR_ID_LEN / 2];
	int ret = store_tx(l->an->conf.store, DB_READ, launch_tx, l);

	f->size = l->goal;
	if (ret == CAMCA_OK)
		ret = anchor_note_text(&l->row.note, &f->text);
	if (ret == CAMCA_OK)
		ret = ctx_random(l->an->conf.src->ctx, id, sizeof id);
	if (ret < 0)
		return ret;
	SHA256(f->text.data, f->text.len, f->sha256);
	enc_hex(l->work->id, id, sizeof id);
	if (f->evidence)
		return launch_evidence(l);
	return l->kind == ANCHOR_WITNESS ? launch_witness(l) : launch_tsa(l);
}

/* With the lock: what the request is about. The target is ours from here on:
 * nobody else begins anything with one that is being judged. */
static int
launch_begin(struct launch *l, struct anchor *an, struct anchor_target *t,
    int64_t newest, struct anchor_work *w)
{
	memset(l, 0, sizeof *l);
	l->an = an;
	l->work = w;
	l->kind = t->kind;
	memcpy(l->name, t->name, sizeof l->name);
	memcpy(l->url, t->url, sizeof l->url);
	l->flight.evidence = t->evidence;
	t->evidence = false;
	l->goal = t->kind == ANCHOR_WITNESS ? an->goal : newest;
	buf_init(&l->flight.text, 0);
	if (t->kind == ANCHOR_TSA) {
		l->flight.trust = X509_chain_up_ref(t->trust);
		if (l->flight.trust == NULL)
			return CAMCA_ENOMEM;
	}
	l->flight.policy = anchor_policy_ref(an);
	l->flight.key = t->key;
	/* Larger than all we have: to ask with it would be malformed, and 0
	 * makes the witness say how large. */
	l->flight.old_size = t->size <= l->goal ? t->size : 0;
	snprintf(w->url, sizeof w->url, "%s%s", t->url,
	    t->kind == ANCHOR_WITNESS ? WITNESS_PATH : "");
	t->judged = true;
	return CAMCA_OK;
}

static void
launch_end(struct launch *l, int ret)
{
	struct anchor *an = l->an;
	struct anchor_target *t;
	bool ours;

	pthread_mutex_lock(&an->lock);
	t = anchor_find(an, l->kind, l->name);
	/* Not one of a policy that was read meanwhile. */
	ours = t != NULL && t->judged && t->flight.id[0] == '\0';
	if (ours && ret == CAMCA_OK) {
		memcpy(l->flight.id, l->work->id, sizeof l->flight.id);
		l->flight.ends_ms = anchor_clock(an) + l->work->timeout_ms +
		    NEXT_GRACE_MS;
		t->flight = l->flight;
		memset(&l->flight, 0, sizeof l->flight);
	} else {
		l->work->id[0] = '\0';
	}
	if (ours && ret < 0)
		t->due_ms = anchor_clock(an) + anchor_backoff_ms(++t->fails);
	if (ours)
		t->judged = false;
	pthread_mutex_unlock(&an->lock);
	anchor_flight_fini(&l->flight);
	store_checkpoint_free(&l->row);
}

/* CAMCA_EPENDING: nobody's turn. */
static int
next_try(struct anchor *an, int64_t newest, struct anchor_work *out)
{
	struct anchor_target *t;
	struct launch l;
	int ret = CAMCA_EPENDING;

	pthread_mutex_lock(&an->lock);
	t = next_target(an, newest, anchor_clock(an));
	if (t != NULL)
		ret = launch_begin(&l, an, t, newest, out);
	pthread_mutex_unlock(&an->lock);
	if (t == NULL || ret < 0)
		return ret;
	ret = launch_build(&l);
	if (ret < 0)
		log_msg(LOG_ERROR, l.name, "no request can be made: %s",
		    camca_strerror(ret));
	launch_end(&l, ret);
	return ret;
}

static int
next_look(struct anchor *an, struct anchor_work *out)
{
	int64_t newest;
	int ret = next_expire(an);

	if (ret == CAMCA_OK)
		ret = anchor_newest(an, &newest);
	return ret < 0 ? ret : next_try(an, newest, out);
}

/* ---- waiting ---- */

static void
next_pause(void)
{
	struct timespec ts = { 0, NEXT_STEP_MS * 1000000L };

	nanosleep(&ts, NULL);
}

static int
next_wait(struct anchor *an, int64_t end, struct anchor_work *out)
{
	int64_t seen, now, until;
	bool stop;
	int ret;

	for (;;) {
		ret = store_commits_wait(an->conf.store, -1, 0, &seen);
		if (ret == CAMCA_OK)
			ret = next_look(an, out);
		if (ret != CAMCA_EPENDING)
			return ret;
		now = anchor_clock(an);
		pthread_mutex_lock(&an->lock);
		until = next_due(an, now, end);
		stop = an->stopping;
		pthread_mutex_unlock(&an->lock);
		if (now >= end || stop)
			return CAMCA_EPENDING;
		/* A busy store commits hundreds of times a second. */
		next_pause();
		if (until > now + NEXT_STEP_MS && (ret = store_commits_wait(
		    an->conf.store, seen, (int)(until - now - NEXT_STEP_MS),
		    &seen)) < 0)
			return ret;
	}
}

void
anchor_work_fini(struct anchor_work *w)
{
	buf_fini(&w->body);
}

int
anchor_next(struct anchor *an, int wait_ms, struct anchor_work *out)
{
	int64_t end = anchor_clock(an);
	bool first;
	int ret;

	memset(out, 0, sizeof *out);
	buf_init(&out->body, 0);
	pthread_mutex_lock(&an->lock);
	an->asked_ms = end;
	first = !an->waited_for;
	an->waited_for = true;
	pthread_mutex_unlock(&an->lock);
	if (first && wait_ms > 0)
		end += wait_ms < ANCHOR_WAIT_MAX_MS ? wait_ms :
		    ANCHOR_WAIT_MAX_MS;
	ret = next_wait(an, end, out);
	if (first) {
		pthread_mutex_lock(&an->lock);
		an->waited_for = false;
		pthread_mutex_unlock(&an->lock);
	}
	if (ret < 0) {
		anchor_work_fini(out);
		out->id[0] = '\0';
	}
	return ret == CAMCA_EPENDING ? CAMCA_OK : ret;
}
