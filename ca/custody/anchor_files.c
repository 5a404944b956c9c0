/* SPDX-License-Identifier: Apache-2.0 */
/* Who the anchors are: policy.tlog and the trust of the TSAs, read at the start
 * and on request. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "ca/base/file.h"
#include "ca/base/log.h"
#include "ca/custody/anchor_int.h"

#define ANCHOR_POLICY "policy.tlog"
#define FILES_POLICY_MAX (256 * 1024)
#define FILES_PEM_MAX (256 * 1024)

/* What is being made of the files, before it takes the place of the old. */
struct files {
	struct anchor *an;
	struct anchor_policy *policy;
	struct anchor_target *targets;
	size_t n;
	bool unread;                   /* policy.tlog is there, and wrong */
	struct refusal why;            /* the first thing that is wrong */
};

static int
files_path(const struct anchor *an, const char *name, const char *end,
    char *out, size_t len)
{
	int n = snprintf(out, len, "%s/%s%s", an->conf.dir, name, end);

	return n < 0 || (size_t)n >= len ? CAMCA_ELIMIT : CAMCA_OK;
}

/* *out NULL where there is no such file. */
static int
files_policy(struct anchor *an, struct anchor_policy **out,
    struct refusal *why)
{
	struct anchor_policy *p = calloc(1, sizeof *p);
	char path[400];
	int ret;

	*out = NULL;
	if (p == NULL)
		return CAMCA_ENOMEM;
	atomic_init(&p->refs, 1);
	buf_init(&p->text, 0);
	ret = files_path(an, ANCHOR_POLICY, "", path, sizeof path);
	if (ret == CAMCA_OK)
		ret = file_read(path, FILES_POLICY_MAX, &p->text);
	if (ret == CAMCA_OK)
		ret = tlog_policy_parse(&p->p, buf_str(&p->text), p->text.len,
		    why);
	else if (ret != CAMCA_ENOENT)
		refuse(why, ret, 503, "custody.policy", "%s cannot be read: "
		    "%s.", path, camca_strerror(ret));
	if (ret == CAMCA_OK)
		*out = p;
	else
		anchor_policy_put(p);
	return ret == CAMCA_ENOENT ? CAMCA_OK : ret;
}

static bool
files_url_ok(const char *url)
{
	return url != NULL && strlen(url) < ANCHOR_URL_MAX &&
	    (strncmp(url, "http://", 7) == 0 ||
	    strncmp(url, "https://", 8) == 0) && strpbrk(url, " @") == NULL;
}

/* Witnesses are known by the name of their key: to the store, and in a note. */
static bool
files_named(const struct files *f, const char *name)
{
	size_t i;

	for (i = 0; i < f->n; i++)
		if (strcmp(f->targets[i].name, name) == 0)
			return true;
	return false;
}

/* A witness without a URL is one whose signatures count, and nothing more. */
static void
files_witness(struct files *f, size_t i)
{
	const char *name, *url;
	const struct note_key *k = tlog_policy_witness(f->policy->p, i, &name,
	    &url);
	struct anchor_target *t = &f->targets[f->n];
	size_t len;

	if (url == NULL)
		return;
	if (!files_url_ok(url) || k->alg != NOTE_COSIG_ED25519) {
		refuse(f->why.http == 0 ? &f->why : NULL, CAMCA_EINVAL, 400,
		    "custody.policy", "Witness %s cannot be asked: its URL is "
		    "not http or https, or its key not Ed25519 (0x04).",
		    k->name);
		return;
	}
	if (files_named(f, k->name)) {
		refuse(f->why.http == 0 ? &f->why : NULL, CAMCA_EINVAL, 400,
		    "custody.policy", "Witness %s is asked once: another key "
		    "has this name, too.", k->name);
		return;
	}
	t->kind = ANCHOR_WITNESS;
	t->key = k;
	t->has = t->skip = -1;
	snprintf(t->name, sizeof t->name, "%s", k->name);
	len = strlen(url);
	while (len > 0 && url[len - 1] == '/')
		len--;
	snprintf(t->url, sizeof t->url, "%.*s", (int)len, url);
	f->n++;
}

static void
files_tsa(struct files *f, const struct config_tsa *tsa)
{
	struct anchor_target *t = &f->targets[f->n];
	struct refusal why = { 0 };
	char path[400];
	int ret;

	t->kind = ANCHOR_TSA;
	t->size = t->has = t->skip = -1;
	snprintf(t->name, sizeof t->name, "%s", tsa->name);
	snprintf(t->url, sizeof t->url, "%s", tsa->url);
	buf_init(&t->pem, 0);
	ret = files_path(f->an, tsa->name, ".pem", path, sizeof path);
	if (ret == CAMCA_OK)
		ret = file_read(path, FILES_PEM_MAX, &t->pem);
	if (ret < 0)
		refuse(&why, ret, 503, "custody.tsa-trust", "%s: %s", path,
		    camca_strerror(ret));
	else
		ret = timestamp_trust(buf_str(&t->pem), t->pem.len, &t->trust,
		    &why);
	f->n++;
	if (ret == CAMCA_OK)
		return;
	t->is = ANCHOR_FAILING;
	snprintf(t->failed, sizeof t->failed, "%.128s", why.detail);
	refuse(f->why.http == 0 ? &f->why : NULL, ret, 400,
	    "custody.tsa-trust", "TSA %s is not asked: its trust cannot be "
	    "read: %s", tsa->name, why.detail);
}

/* Where it stood before the files were read anew. */
static void
files_carry(struct anchor_target *t, const struct anchor_target *old)
{
	t->size = old->size;
	t->has = old->has;
	t->answered_ms = old->answered_ms;
	t->time_ms = old->time_ms;
	t->own = old->own;
	t->wanted = old->wanted;
	t->failures = old->failures;
	t->told = old->told;
	t->told_full_ms = old->told_full_ms;
	if (t->kind == ANCHOR_TSA && old->fails == 0)
		t->due_ms = old->due_ms;
	/* A file that was mended does not look broken any longer. */
	if (t->is == ANCHOR_UNKNOWN &&
	    (t->kind == ANCHOR_WITNESS || old->trust != NULL)) {
		t->is = old->is;
		memcpy(t->failed, old->failed, sizeof t->failed);
	}
}

struct stored {
	struct anchor *an;
	struct anchor_target *t;
	struct timestamp_row stamp;
	int64_t now_ms;                /* wall clock */
};

static int
stored_witness(struct tx *tx, struct anchor_target *t)
{
	struct witness_row r;
	int ret = store_witness_get(tx, t->name, &r);

	if (ret < 0)
		return ret;
	t->size = r.size;
	t->answered_ms = r.answered_ms;
	memcpy(t->failed, r.failed, sizeof t->failed);
	t->is = r.failed[0] != '\0' ? ANCHOR_FAILING :
	    r.answered_ms > 0 ? ANCHOR_ANSWERING : ANCHOR_UNKNOWN;
	t->told = t->is;
	return CAMCA_OK;
}

static int
stored_stamp(struct tx *tx, struct stored *x)
{
	struct anchor_target *t = x->t;
	int64_t past_ms;
	int ret = store_timestamp_latest(tx, t->name, &x->stamp);

	if (ret < 0)
		return ret;
	t->size = t->has = x->stamp.size;
	t->time_ms = t->answered_ms = x->stamp.time_ms;
	if (t->is == ANCHOR_UNKNOWN)
		t->is = ANCHOR_ANSWERING;
	store_timestamp_free(&x->stamp);
	past_ms = x->now_ms - t->time_ms;
	if (past_ms >= 0 && past_ms < x->an->conf.timestamp_ms)
		t->due_ms = anchor_clock(x->an) + x->an->conf.timestamp_ms -
		    past_ms;
	return CAMCA_OK;
}

static int
stored_tx(struct tx *tx, void *arg)
{
	struct stored *x = arg;
	int ret = x->t->kind == ANCHOR_WITNESS ?
	    stored_witness(tx, x->t) : stored_stamp(tx, x);

	return ret == CAMCA_ENOENT ? CAMCA_OK : ret;
}

/* Those that were not there before: what the store knows of them. */
static int
files_recall(struct files *f)
{
	struct stored x = { .an = f->an,
	    .now_ms = ctx_now_ms(f->an->conf.src->ctx) };
	struct anchor_target *old;
	size_t i;
	int ret = CAMCA_OK;

	for (i = 0; ret == CAMCA_OK && i < f->n; i++) {
		x.t = &f->targets[i];
		pthread_mutex_lock(&f->an->lock);
		old = anchor_find(f->an, x.t->kind, x.t->name);
		if (old != NULL)
			files_carry(x.t, old);
		pthread_mutex_unlock(&f->an->lock);
		if (old == NULL)
			ret = store_tx(f->an->conf.store, DB_READ,
			    stored_tx, &x);
	}
	return ret;
}

static int
files_read(struct files *f)
{
	struct anchor *an = f->an;
	size_t i;
	int ret;

	f->targets = calloc(ANCHOR_TARGETS, sizeof *f->targets);
	if (f->targets == NULL)
		return CAMCA_ENOMEM;
	ret = files_policy(an, &f->policy, &f->why);
	if (ret == CAMCA_ENOMEM)
		return ret;
	/* A policy that is wrong does not undo the one in force. */
	if (ret < 0) {
		pthread_mutex_lock(&an->lock);
		f->policy = anchor_policy_ref(an);
		pthread_mutex_unlock(&an->lock);
		f->unread = f->policy == NULL;
	}
	for (i = 0; f->policy != NULL &&
	    i < tlog_policy_witnesses(f->policy->p); i++)
		files_witness(f, i);
	for (i = 0; i < an->conf.ntsas; i++)
		files_tsa(f, &an->tsas[i]);
	return files_recall(f);
}

/* Requests under way are forgotten: nobody waits for their answers. */
static void
files_use(struct files *f)
{
	struct anchor *an = f->an;
	struct anchor_policy *policy;
	struct anchor_target *targets;
	size_t n;

	pthread_mutex_lock(&an->lock);
	policy = an->policy;
	targets = an->targets;
	n = an->n;
	an->policy = f->policy;
	an->unread = f->unread;
	an->targets = f->targets;
	an->n = f->n;
	snprintf(an->why, sizeof an->why, "%s",
	    f->why.http != 0 ? f->why.detail : "");
	pthread_mutex_unlock(&an->lock);
	anchor_targets_free(targets, n);
	anchor_policy_put(policy);
}

int
anchor_reload(struct anchor *an, struct refusal *why)
{
	struct files f = { .an = an };
	int ret;

	if (an == NULL)
		return CAMCA_OK;
	ret = files_read(&f);
	if (ret < 0) {
		anchor_targets_free(f.targets, f.targets != NULL ? f.n : 0);
		anchor_policy_put(f.policy);
		return ret;
	}
	files_use(&f);
	anchor_kick(an);
	if (f.why.http == 0)
		return CAMCA_OK;
	log_msg(LOG_ERROR, "custody", "%s", f.why.detail);
	return refuse(why, CAMCA_EINVAL, 400, f.why.code, "%s", f.why.detail);
}
