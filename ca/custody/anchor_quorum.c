/* SPDX-License-Identifier: Apache-2.0 */
/* What the cosignatures amount to: notes with all their lines, and which of
 * them the policy is content with. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "ca/custody/anchor_int.h"

#define QUORUM_LOOK 256                /* checkpoints, the newest first */

static int
newest_tx(struct tx *tx, void *arg)
{
	struct checkpoint_row r = { .size = -1 };
	int64_t *out = arg;
	int ret = store_checkpoint_latest(tx, &r);

	*out = ret == CAMCA_OK ? r.size : -1;
	store_checkpoint_free(&r);
	return ret == CAMCA_ENOENT ? CAMCA_OK : ret;
}

int
anchor_newest(struct anchor *an, int64_t *out)
{
	*out = -1;
	return store_tx(an->conf.store, DB_READ, newest_tx, out);
}

int
anchor_note_text(const struct store_blob *note, struct buf *out)
{
	struct note *n = malloc(sizeof *n);
	int ret = CAMCA_ENOMEM;

	if (n != NULL)
		ret = note_parse(n, note->p, note->n, NULL);
	if (ret == CAMCA_OK)
		ret = buf_put(out, n->text, n->text_len);
	free(n);
	return ret == CAMCA_ENOMEM ? ret : ret < 0 ? CAMCA_EDB : CAMCA_OK;
}

static int
cosigs_row(const struct cosig_row *r, void *arg)
{
	return buf_put(arg, r->line.p, r->line.n);
}

int
custody_cosigs(struct tx *tx, int64_t size, struct buf *out)
{
	return store_cosig_list(tx, size, cosigs_row, out);
}

/* The note of a checkpoint with all lines, in the place of the bare one. */
static int
quorum_note(struct tx *tx, struct checkpoint_row *r)
{
	struct buf b;
	int ret;

	buf_init(&b, NOTE_TEXT_MAX);
	ret = buf_put(&b, r->note.p, r->note.n);
	if (ret == CAMCA_OK)
		ret = custody_cosigs(tx, r->size, &b);
	if (ret < 0) {
		buf_fini(&b);
		return ret;
	}
	store_blob_free(&r->note);
	r->note = (struct store_blob){ b.data, b.len };
	return CAMCA_OK;
}

/* *out true where p is content with that checkpoint. */
static int
quorum_met(struct tx *tx, const struct anchor_policy *p,
    struct checkpoint_row *r, bool *out)
{
	struct tlog_verdict v;
	int ret = quorum_note(tx, r);

	*out = false;
	if (ret < 0)
		return ret;
	if (p == NULL) {
		*out = true;
		return CAMCA_OK;
	}
	ret = tlog_policy_check(p->p, r->note.p, r->note.n, &v, NULL);
	if (ret == CAMCA_ENOMEM || ret == CAMCA_ECRYPTO)
		return ret;
	*out = ret == CAMCA_OK && v.quorum;
	return CAMCA_OK;
}

static int
quorum_search(struct tx *tx, const struct anchor_policy *p,
    struct checkpoint_row *out)
{
	int64_t below = out->size;     /* that one is not it */
	bool met = false;
	int i, ret = CAMCA_OK;

	for (i = 0; ret == CAMCA_OK && !met && i < QUORUM_LOOK; i++) {
		store_checkpoint_free(out);
		ret = store_cosig_size_below(tx, below, &below);
		if (ret == CAMCA_OK)
			ret = store_checkpoint_at(tx, below, out);
		if (ret == CAMCA_OK)
			ret = quorum_met(tx, p, out, &met);
	}
	return ret < 0 || met ? ret : CAMCA_ENOENT;
}

int
anchor_checkpoint(struct tx *tx, struct anchor *an,
    struct checkpoint_row *out)
{
	struct anchor_policy *p = NULL;
	bool met = false, unread = false;
	int ret;

	memset(out, 0, sizeof *out);
	if (an != NULL) {
		pthread_mutex_lock(&an->lock);
		p = anchor_policy_ref(an);
		unread = an->unread;
		pthread_mutex_unlock(&an->lock);
	}
	ret = store_checkpoint_latest(tx, out);
	/* What a file that cannot be read asks for is not known: it is not
	 * taken for a file that asks for nothing. */
	if (ret == CAMCA_OK && unread)
		ret = CAMCA_ENOENT;
	if (ret == CAMCA_OK)
		ret = quorum_met(tx, p, out, &met);
	if (ret == CAMCA_OK && !met)
		ret = quorum_search(tx, p, out);
	anchor_policy_put(p);
	if (ret < 0)
		store_checkpoint_free(out);
	return ret;
}

/* ---- the summary ---- */

struct summary {
	struct anchor *an;
	struct anchor_policy *policy;
	struct anchor_summary *out;
	struct checkpoint_row row;
};

static int
summary_newest(struct tx *tx, struct summary *x)
{
	struct anchor_summary *s = x->out;
	struct refusal why = { 0 };
	struct tlog_verdict v;
	int ret = store_checkpoint_latest(tx, &x->row);

	if (ret < 0)
		return ret;            /* ENOENT: there is none yet */
	s->newest_size = x->row.size;
	s->newest_ms = x->row.signed_ms;
	/* A policy that names another log, as after a fork: no witness helps. */
	if (x->policy != NULL && s->why[0] == '\0' && tlog_policy_check(
	    x->policy->p, x->row.note.p, x->row.note.n, &v, &why) < 0)
		snprintf(s->why, sizeof s->why, "policy.tlog does not fit this"
		    " log's checkpoints: %.300s", why.detail);
	store_checkpoint_free(&x->row);
	return CAMCA_OK;
}

static int
summary_waiting(const struct checkpoint_row *r, void *arg)
{
	struct anchor_summary *s = arg;

	s->waiting_ms = r->signed_ms;
	return CAMCA_OK;
}

static int
summary_tx(struct tx *tx, void *arg)
{
	struct summary *x = arg;
	struct anchor_summary *s = x->out;
	int ret;

	s->newest_size = s->quorum_size = -1;
	ret = summary_newest(tx, x);
	if (ret == CAMCA_OK)
		ret = anchor_checkpoint(tx, x->an, &x->row);
	if (ret == CAMCA_OK) {
		s->quorum_size = x->row.size;
		s->quorum_ms = x->row.signed_ms;
		store_checkpoint_free(&x->row);
	}
	s->waiting_ms = 0;
	if (ret == CAMCA_OK || ret == CAMCA_ENOENT)
		ret = store_checkpoint_list(tx, s->quorum_size, 1,
		    summary_waiting, s);
	return ret;
}

int
anchor_summary(struct anchor *an, struct anchor_summary *out)
{
	struct summary x = { .an = an, .out = out };
	size_t i;
	int ret;

	memset(out, 0, sizeof *out);
	pthread_mutex_lock(&an->lock);
	x.policy = anchor_policy_ref(an);
	out->policy = an->policy != NULL;
	out->asked_ms = an->asked_ms < 0 ? -1 :
	    anchor_clock(an) - an->asked_ms;
	memcpy(out->why, an->why, sizeof out->why);
	for (i = 0; i < an->n; i++)
		if (an->targets[i].kind == ANCHOR_WITNESS)
			out->witnesses++;
		else
			out->tsas++;
	pthread_mutex_unlock(&an->lock);
	ret = store_tx(an->conf.store, DB_READ, summary_tx, &x);
	anchor_policy_put(x.policy);
	return ret;
}
