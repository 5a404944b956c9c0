/* SPDX-License-Identifier: Apache-2.0 */
/* One round of the signer. The order is what makes it safe to be killed at any
 * moment: the tree is judged in a read transaction, signed outside of any (the
 * writer never waits for the HSM), checked in software, put into the file
 * outside, and only then stored, from where it is published. A signature that
 * is in no file was seen by nobody; one that is in the file and not in the
 * store is stored by the next round, before anything larger is signed. */
#include <stdio.h>
#include <string.h>

#include "ca/base/file.h"
#include "ca/base/log.h"
#include "ca/base/uptime.h"
#include "ca/custody/signer_int.h"

#define ROUND_PAUSE_MS 1000
#define ROUND_PAUSE_MAX_MS 16000

int
signer_file(const char *dir, struct buf *out)
{
	char path[400];
	int ret = file_join(path, sizeof path, dir, SIGNER_FILE);

	return ret < 0 ? ret : file_read(path, SIGNER_FILE_MAX, out);
}

int
signer_outside(struct signer *s, struct buf *out, const struct buf **file_out,
    struct refusal *why)
{
	int ret = signer_file(s->dir, out);

	*file_out = ret == CAMCA_ENOENT ? NULL : out;
	if (ret == CAMCA_OK || ret == CAMCA_ENOENT)
		return CAMCA_OK;
	/* Too large is no checkpoint of ours: judged as an empty one. */
	if (ret == CAMCA_ELIMIT)
		return CAMCA_OK;
	return refuse(why, ret == CAMCA_ENOMEM ? ret : CAMCA_EIO, 503,
	    "custody.file", "Cannot read %s: %s.", s->path,
	    camca_strerror(ret));
}

/* ---- signing ---- */

/* The HSM's key i, opened once; it must be the one on record. */
static int
round_key(struct signer *s, const struct origin *o, size_t i,
    struct refusal *why)
{
	EVP_PKEY *pub;
	bool same;
	int ret;

	if (s->keys[i] != NULL)
		return CAMCA_OK;
	ret = hsm_key_open(s->conf.hsm, o->keys[i].uri, &s->keys[i], why);
	if (ret < 0)
		return ret;
	pub = hsm_key_public(s->keys[i]);
	same = pub != NULL && EVP_PKEY_eq(pub, o->keys[i].pub) == 1;
	EVP_PKEY_free(pub);
	if (same)
		return CAMCA_OK;
	hsm_key_free(s->keys[i]);
	s->keys[i] = NULL;
	return refuse(why, CAMCA_EHSM, 503, "custody.key", "The token's key "
	    "%.200s is not the %s key that the log has on record.",
	    o->keys[i].uri, origin_alg_name(o->keys[i].alg));
}

/* Appends the line of key i over text. */
static int
round_line(struct signer *s, const struct origin *o, size_t i,
    const char *text, size_t n, struct buf *out, struct refusal *why)
{
	uint8_t sig[NOTE_SIG_MAX];
	size_t len = sizeof sig;
	struct note_key k;
	int ret = round_key(s, o, i, why);

	if (ret == CAMCA_OK)
		ret = hsm_sign_data(s->keys[i], text, n, sig, &len);
	if (ret == CAMCA_EHSM || ret == CAMCA_EPIN)
		return refuse(why, ret, 503, "system.hsm", "The token of the custody log "
		    "does not answer, or not with its %s key.",
		    origin_alg_name(o->keys[i].alg));
	if (ret < 0 || (ret = origin_note_key(o, i, o->name, &k)) < 0)
		return ret;
	ret = note_line(&k, 0, sig, len, out);
	note_key_fini(&k);
	return ret;
}

/* The whole note over c, checked as any reader would. */
static int
round_note(struct signer *s, const struct origin *o,
    const struct checkpoint *c, struct buf *out, struct refusal *why)
{
	struct checkpoint again;
	int64_t number;
	size_t i, n;
	char text[NOTE_NAME_MAX + 128];
	int ret = checkpoint_text(c, out);

	n = out->len;
	if (ret == CAMCA_OK && n >= sizeof text)
		ret = CAMCA_ELIMIT;
	if (ret == CAMCA_OK) {
		memcpy(text, out->data, n);
		ret = buf_putc(out, '\n');
	}
	for (i = 0; ret == CAMCA_OK && i < o->nkeys; i++)
		if (s->conf.algs & ORIGIN_ALG(o->keys[i].alg))
			ret = round_line(s, o, i, text, n, out, why);
	if (ret == CAMCA_OK)
		ret = origin_check(o, out->data, out->len, s->conf.algs,
		    &again, &number, why);
	if (ret == CAMCA_OK && (again.size != c->size || number != o->number ||
	    memcmp(&again.root, &c->root, sizeof again.root) != 0))
		ret = CAMCA_ECRYPTO;
	return ret;
}

/* ---- storing ---- */

static int
round_put_tx(struct tx *tx, void *arg)
{
	const struct checkpoint_row *row = arg;
	char since[CTX_TIME_LEN];
	int ret = store_checkpoint_put(tx, row);

	if (ret < 0 || (ret = store_meta_get(tx, ORIGIN_META_SIGNED, since,
	    sizeof since)) != CAMCA_ENOENT)
		return ret;
	ctx_time_format(since, row->signed_ms);
	return store_meta_set(tx, ORIGIN_META_SIGNED, since);
}

/* Stores what is in the outside file. */
static int
round_put(struct signer *s, const struct checkpoint *c,
    const struct buf *note, int64_t now_ms)
{
	struct checkpoint_row row = { .size = c->size, .signed_ms = now_ms,
	    .note = { note->data, note->len } };
	int ret;

	memcpy(row.root, &c->root, sizeof row.root);
	ret = store_tx(s->conf.store, DB_WRITE, round_put_tx, &row);
	if (ret < 0)
		return ret;
	pthread_mutex_lock(&s->lock);
	s->state.size = c->size;
	s->state.signed_ms = now_ms;
	pthread_mutex_unlock(&s->lock);
	if (s->conf.published != NULL)
		s->conf.published(s->conf.arg);
	return CAMCA_OK;
}

static int
round_sign(struct signer *s, const struct origin *o,
    const struct checkpoint *c, struct refusal *why)
{
	int64_t now_ms = ctx_now_ms(s->conf.src->ctx);
	struct buf note;
	int ret;

	buf_init(&note, SIGNER_FILE_MAX);
	ret = round_note(s, o, c, &note, why);
	if (ret == CAMCA_OK) {
		ret = file_replace(s->path, note.data, note.len, 0600);
		if (ret < 0)
			refuse(why, ret, 503, "custody.file",
			    "Cannot write %s: %s.", s->path,
			    camca_strerror(ret));
	}
	if (ret == CAMCA_OK)
		ret = round_put(s, c, &note, now_ms);
	buf_fini(&note);
	return ret;
}

/* ---- what a round does ---- */

/* What stands now, for those who ask. */
static int
round_show(struct signer *s, const struct judge *j)
{
	int ret;

	pthread_mutex_lock(&s->lock);
	memcpy(s->state.origin, j->origin.name, sizeof s->state.origin);
	s->state.size = j->newest.size;
	s->state.signed_ms = j->newest_ms;
	buf_reset(&s->vkeys);
	ret = origin_vkeys(&j->origin, j->origin.name, &s->vkeys);
	pthread_mutex_unlock(&s->lock);
	return ret;
}

/* Is it this process's turn to sign the head? */
static bool
round_due(const struct judge *j, int64_t done)
{
	if (j->head.size <= done)
		return false;
	/* The first checkpoint of a fork covers the decision itself. */
	return !j->fresh || j->head.size >= j->origin.from;
}

/* Harmless, since the tree continues both; but who put it there? */
static void
round_older(struct signer *s, const struct judge *j, int64_t done)
{
	bool older = j->outside.size >= 0 && j->outside.size < done;

	if (older && !s->older)
		log_msg(LOG_WARN, s->path, "is older (size %lld) than the "
		    "newest checkpoint of the database (%lld)",
		    (long long)j->outside.size, (long long)done);
	s->older = older;
}

static int
round_act(struct signer *s, struct judge *j, struct refusal *why)
{
	int64_t done = j->newest.size;
	struct checkpoint first = { .size = 0 };
	int ret = CAMCA_OK;

	if (j->outside.size > done) {
		/* One that a kill kept from the database; all of them are
		 * no kill's doing. The tree holds, so nothing is forked. */
		log_msg(j->lost ? LOG_ERROR : LOG_NOTE, j->origin.name,
		    "checkpoint %lld of the outside file was not in the "
		    "database; now it is%s", (long long)j->outside.size,
		    j->lost ? ". All others are gone from there: camca custody "
		    "fsck" : "");
		ret = round_put(s, &j->outside, j->file,
		    ctx_now_ms(s->conf.src->ctx));
		done = j->outside.size;
	}
	round_older(s, j, done);
	if (ret == CAMCA_OK && done < 0 && j->head.size > 0 &&
	    !j->origin.forked) {
		/* A log begins with the empty tree, and so do its witnesses. */
		memcpy(first.origin, j->origin.name, sizeof first.origin);
		if ((ret = tree_empty(&first.root)) == CAMCA_OK)
			ret = round_sign(s, &j->origin, &first, why);
	}
	if (ret == CAMCA_OK && round_due(j, done))
		ret = round_sign(s, &j->origin, &j->head, why);
	return ret;
}

static int
round_look(struct signer *s, struct refusal *why)
{
	struct judge j = { .path = s->path };
	struct buf file;
	int ret;

	buf_init(&file, SIGNER_FILE_MAX + 1);
	if (!s->made) {
		ret = file_mkdirs(s->dir, 0700);
		if (ret < 0) {
			refuse(why, ret, 503, "custody.folder",
			    "Cannot make %s: %s.", s->dir,
			    camca_strerror(ret));
			goto out;
		}
		ret = origin_make(s->conf.store, s->conf.hsm, s->conf.src,
		    s->conf.origin, s->conf.algs, why);
		s->made = ret == CAMCA_OK;
		if (ret < 0)
			goto out;
	}
	if ((ret = signer_outside(s, &file, &j.file, why)) < 0)
		goto out;
	ret = store_tx(s->conf.store, DB_READ, judge_tx, &j);
	if (ret < 0) {
		if (why != NULL && j.why.http != 0)
			*why = j.why;
		goto out;
	}
	if ((ret = round_show(s, &j)) == CAMCA_OK)
		ret = round_act(s, &j, why);
out:
	judge_fini(&j);
	buf_fini(&file);
	return ret;
}

/* ---- when it does not work ---- */

struct round_alarm {
	struct signer *s;
	const struct refusal *why;
	struct signer_state state;
};

static int
round_alarm_tx(struct tx *tx, void *arg)
{
	const struct round_alarm *a = arg;
	struct event e;

	event_init(&e, a->s->conf.src, "custody.halted", NULL, "camcad");
	event_add(&e, "rule", "%s", a->why->code);
	event_add(&e, "reason", "%s", a->why->detail);
	event_add(&e, "origin", "%s", a->state.origin);
	if (a->state.size >= 0)
		event_add(&e, "size", "%lld", (long long)a->state.size);
	return event_put(tx, &e);
}

/* On record once, until checkpoints come out again: what a person must decide,
 * not what an absent token will mend by itself. */
static void
round_alarm(struct signer *s, int err, const struct refusal *why)
{
	struct round_alarm a = { .s = s, .why = why };

	if (s->alarmed || err != CAMCA_EPOLICY)
		return;
	signer_state(s, &a.state);
	s->alarmed = store_tx(s->conf.store, DB_WRITE, round_alarm_tx, &a) ==
	    CAMCA_OK;
}

static void
round_failed(struct signer *s, int err, const struct refusal *why)
{
	struct signer_state *st = &s->state;

	pthread_mutex_lock(&s->lock);
	if (st->failed != err || strcmp(st->code, why->code) != 0)
		log_msg(LOG_ERROR, "custody", "checkpoints do not come out: %s "
		    "[%s]", why->detail, why->code);
	if (st->failed == CAMCA_OK) {
		st->since_ms = ctx_now_ms(s->conf.src->ctx);
		s->pause_ms = ROUND_PAUSE_MS;
	} else if (s->pause_ms < ROUND_PAUSE_MAX_MS) {
		s->pause_ms *= 2;
	}
	st->failed = err;
	st->fork = strcmp(why->code, "custody.fork") == 0;
	memcpy(st->code, why->code, sizeof st->code);
	memcpy(st->why, why->detail, sizeof st->why);
	pthread_mutex_unlock(&s->lock);
}

static void
round_worked(struct signer *s)
{
	struct signer_state *st = &s->state;

	pthread_mutex_lock(&s->lock);
	if (st->failed < 0)
		log_msg(LOG_NOTE, "custody", "checkpoints come out again");
	st->failed = CAMCA_OK;
	st->fork = false;
	st->since_ms = 0;
	st->code[0] = st->why[0] = '\0';
	s->pause_ms = 0;
	pthread_mutex_unlock(&s->lock);
	s->alarmed = false;
}

int
signer_round(struct signer *s, struct refusal *why)
{
	struct refusal mine = { 0 };
	int ret = round_look(s, &mine);

	if (ret < 0) {
		refuse_default(&mine, ret);
		round_failed(s, ret, &mine);
		round_alarm(s, ret, &mine);
	} else {
		round_worked(s);
	}
	pthread_mutex_lock(&s->lock);
	s->looked = true;
	s->tried_ms = uptime_ms();
	pthread_mutex_unlock(&s->lock);
	if (why != NULL && ret < 0)
		*why = mine;
	return ret;
}
