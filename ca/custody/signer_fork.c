/* SPDX-License-Identifier: Apache-2.0 */
/* The way out of a fork, by a person's decision: the old name is closed, and
 * the log goes on under a new one. Whoever holds a checkpoint of the old name
 * keeps a true one; nobody is ever shown two trees under one name. */
#include <stdio.h>
#include <string.h>

#include "ca/base/enc.h"
#include "ca/base/log.h"
#include "ca/custody/signer_int.h"
#include "ca/store/store_log.h"

struct fork {
	struct signer *s;
	const char *actor, *reason;
	int64_t number;                  /* of the new origin */
	struct judge *j;
	char name[NOTE_NAME_MAX];        /* of the new origin */
};

static int
fork_event(struct tx *tx, const struct fork *f)
{
	const struct checkpoint *last = f->j->outside.size >= 0 ?
	    &f->j->outside : &f->j->newest;
	struct event e;

	event_init(&e, f->s->conf.src, "custody.forked", NULL, f->actor);
	event_add(&e, "old-origin", "%s", last->size >= 0 ? last->origin :
	    f->j->origin.name);
	event_add(&e, "origin", "%s", f->name);
	if (last->size >= 0) {
		event_add(&e, "size", "%lld", (long long)last->size);
		event_add_hex(&e, "root", last->root.b, sizeof last->root.b);
	}
	if (f->j->file != NULL)
		event_add_hex(&e, "file", f->j->sha256, sizeof f->j->sha256);
	event_add(&e, "reason", "%s", f->reason);
	return event_put(tx, &e);
}

static int
fork_tx(struct tx *tx, void *arg)
{
	const struct fork *f = arg;
	struct outbox_state o;
	char number[24], from[24], past[2 * STORE_HASH_LEN + 1];
	int ret = store_outbox_state(tx, &o);

	if (ret < 0)
		return ret;
	/* The event is the next one: seq = index + 1, so this is the size of
	 * the first tree that has it. */
	snprintf(number, sizeof number, "%lld", (long long)f->number);
	snprintf(from, sizeof from, "%lld", (long long)o.given + 1);
	enc_hex(past, f->j->sha256, sizeof f->j->sha256);
	if ((ret = store_meta_set(tx, ORIGIN_META_NUMBER, number)) < 0 ||
	    (ret = store_meta_set(tx, ORIGIN_META_PAST, past)) < 0 ||
	    (ret = store_meta_set(tx, ORIGIN_META_FROM, from)) < 0)
		return ret;
	return fork_event(tx, f);
}

/* One above every number that can be seen to have been used. */
static int64_t
fork_next(const struct judge *j)
{
	int64_t n = j->origin.number;

	if (j->newest.size >= 0 && j->newest_number > n)
		n = j->newest_number;
	if (j->outside.size >= 0 && j->outside_number > n)
		n = j->outside_number;
	return n + 1;
}

static int
fork_decide(struct fork *f, int64_t number, struct refusal *why)
{
	int64_t next = fork_next(f->j);
	int ret;

	if (number != 0 && number < next)
		return refuse(why, CAMCA_EINVAL, 400, "custody.number",
		    "The new origin's number must be %lld or more.",
		    (long long)next);
	f->number = number != 0 ? number : next;
	origin_name(f->name, &f->j->origin, f->number);
	ret = store_tx(f->s->conf.store, DB_WRITE, fork_tx, f);
	if (ret < 0)
		return refuse_default(why, ret);
	log_msg(LOG_WARN, "custody", "%s decides that the log goes on as %s",
	    f->actor, f->name);
	return CAMCA_OK;
}

int
signer_fork(struct signer *s, const char *actor, const char *reason,
    int64_t number, struct refusal *why)
{
	struct judge j = { 0 };
	struct fork f = { .s = s, .actor = actor, .reason = reason, .j = &j };
	struct buf file;
	int ret;

	if (s == NULL)
		return refuse_default(why, CAMCA_EBUSY);
	j.path = s->path;
	buf_init(&file, SIGNER_FILE_MAX + 1);
	if ((ret = signer_take(s, -1)) < 0)
		return refuse_default(why, ret);
	ret = signer_outside(s, &file, &j.file, why);
	if (ret < 0)
		goto out;
	ret = store_tx(s->conf.store, DB_READ, judge_tx, &j);
	if (ret == CAMCA_EPOLICY && strcmp(j.why.code, "custody.fork") == 0)
		ret = fork_decide(&f, number, why);
	else if (ret == CAMCA_OK)
		ret = refuse(why, CAMCA_ECONFLICT, 409, "custody.no-fork",
		    "There is nothing to decide: the log continues all of its "
		    "checkpoints.");
	else if (why != NULL && j.why.http != 0)
		*why = j.why;
	else
		refuse_default(why, ret);
	pthread_mutex_lock(&s->lock);
	if (ret == CAMCA_OK)
		s->pause_ms = 0;
	pthread_cond_broadcast(&s->wake);
	pthread_mutex_unlock(&s->lock);
out:
	signer_leave(s);
	judge_fini(&j);
	buf_fini(&file);
	return ret;
}
