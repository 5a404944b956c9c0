/* SPDX-License-Identifier: Apache-2.0 */
/* What came back: is it what was asked for, and what follows from it. Whoever
 * carries the bytes is not believed: only signatures are. */
#include <openssl/crypto.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <strings.h>

#include "ca/base/log.h"
#include "ca/custody/anchor_int.h"

/* A TSA whose clock, or ours, is so far off: somebody should look. */
#define DONE_CLOCK_MS 300000

/* ---- judging ---- */

static void judge_failed(struct anchor_verdict *v, enum anchor_state_is is,
    const char *fmt, ...) __attribute__((format(printf, 3, 4)));

/* The same words for the log and for the event. */
static void
judge_failed(struct anchor_verdict *v, enum anchor_state_is is,
    const char *fmt, ...)
{
	va_list ap;

	v->is = is;
	va_start(ap, fmt);
	vsnprintf(v->failed, sizeof v->failed, fmt, ap);
	va_end(ap);
	refusal_sanitize(v->failed);
	memcpy(v->reason, v->failed, sizeof v->reason);
}

/* Its tree is of another size than we thought. Below our newest checkpoint that
 * is nothing: it was asked by a process before this one, or has forgotten. Above
 * it, either somebody else writes under our origin, or our store went back to
 * an older copy. */
static int
judge_conflict(struct anchor *an, const struct anchor_flight *f,
    const struct anchor_answer *a, struct anchor_verdict *v)
{
	int64_t newest;
	int ret;

	if (!witness_size_type(a->type) ||
	    witness_size_parse(a->body, a->body_len, &v->size) < 0) {
		v->size = -1;
		judge_failed(v, ANCHOR_CONTRADICTS, "HTTP 409 without the size"
		    " of its tree");
		return CAMCA_OK;
	}
	ret = anchor_newest(an, &newest);
	if (ret < 0)
		return ret;
	if (v->size > newest)
		judge_failed(v, ANCHOR_CONTRADICTS, "it knows this log with "
		    "%lld entries, the newest checkpoint here has %lld: a "
		    "restored backup, or another log under our origin",
		    (long long)v->size, (long long)newest);
	else if (v->size == f->old_size)
		judge_failed(v, ANCHOR_CONTRADICTS, "HTTP 409 for the very "
		    "size that it states, %lld: it may know another tree",
		    (long long)v->size);
	else
		v->again = true;
	return CAMCA_OK;
}

static int
judge_cosig(const struct anchor_flight *f, const struct anchor_answer *a,
    struct anchor_verdict *v)
{
	struct refusal why = { 0 };
	int64_t time_s = 0;
	int ret = witness_cosig_take(f->key, buf_str(&f->text), f->text.len,
	    a->body, a->body_len, &v->bytes, &time_s, &why);

	if (ret == CAMCA_OK) {
		v->is = ANCHOR_ANSWERING;
		v->size = f->size;
		v->time_ms = time_s * 1000;
	} else if (ret == CAMCA_EINVAL || ret == CAMCA_ENOENT) {
		judge_failed(v, ANCHOR_FAILING, "%.120s", why.detail);
	} else {
		return ret;
	}
	return CAMCA_OK;
}

static int
judge_witness(struct anchor *an, const struct anchor_flight *f,
    const struct anchor_answer *a, struct anchor_verdict *v)
{
	switch (a->status) {
	case 200:
		return judge_cosig(f, a, v);
	case 409:
		return judge_conflict(an, f, a, v);
	case 403:
		judge_failed(v, ANCHOR_FAILING, "HTTP 403: it does not trust "
		    "the keys of this log");
		break;
	case 404:
		judge_failed(v, ANCHOR_FAILING, "HTTP 404: it does not know "
		    "this log");
		break;
	case 422:
		judge_failed(v, ANCHOR_CONTRADICTS, "HTTP 422: our tree does "
		    "not extend the one it knows");
		break;
	default:
		judge_failed(v, ANCHOR_FAILING, "HTTP %d", a->status);
		break;
	}
	return CAMCA_OK;
}

static bool
judge_type(const char *type, const char *want)
{
	size_t n = strlen(want);

	return strncasecmp(type, want, n) == 0 &&
	    (type[n] == '\0' || type[n] == ';' || type[n] == ' ');
}

static int
judge_tsa(struct anchor *an, const struct anchor_flight *f,
    const struct anchor_answer *a, struct anchor_verdict *v)
{
	int64_t now = ctx_now_ms(an->conf.src->ctx);
	struct timestamp_expect x = { .sha256 = f->sha256, .nonce = f->nonce,
	    .trust = f->trust, .at_ms = now };
	struct refusal why = { 0 };
	int ret;

	if (a->status != 200 || !judge_type(a->type, TIMESTAMP_REPLY_TYPE)) {
		judge_failed(v, ANCHOR_FAILING, "HTTP %d, %s", a->status,
		    a->status == 200 ? "but no time-stamp reply" : "refused");
		return CAMCA_OK;
	}
	ret = timestamp_check(a->body, a->body_len, &x, &v->time_ms, &why);
	if (ret == CAMCA_EINVAL || ret == CAMCA_EPOLICY) {
		judge_failed(v, ANCHOR_FAILING, "%.120s", why.detail);
		return CAMCA_OK;
	}
	if (ret < 0)
		return ret;
	if (v->time_ms > now + DONE_CLOCK_MS || v->time_ms < now -
	    DONE_CLOCK_MS)
		log_msg(LOG_WARN, v->name, "the time-stamp's clock and ours "
		    "are %lld s apart", (long long)((v->time_ms - now) / 1000));
	v->is = ANCHOR_ANSWERING;
	v->size = f->size;
	return buf_put(&v->bytes, a->body, a->body_len);
}

static int
judge(struct anchor *an, const struct anchor_flight *f,
    const struct anchor_answer *a, struct anchor_verdict *v)
{
	if (a->error != NULL) {
		judge_failed(v, ANCHOR_FAILING, "%.120s", a->error);
		/* What a library says names addresses. */
		snprintf(v->reason, sizeof v->reason, "no answer");
		return CAMCA_OK;
	}
	return v->kind == ANCHOR_WITNESS ? judge_witness(an, f, a, v) :
	    judge_tsa(an, f, a, v);
}

/* ---- the courier's report ---- */

/* Takes the request of that name out of the air: it serves once. */
static bool
done_claim(struct anchor *an, const char *id, struct anchor_flight *f,
    struct anchor_verdict *v)
{
	struct anchor_target *t = NULL;
	size_t i;

	for (i = 0; t == NULL && i < an->n; i++)
		if (strlen(id) == ANCHOR_ID_LEN &&
		    CRYPTO_memcmp(an->targets[i].flight.id, id,
		    ANCHOR_ID_LEN) == 0)
			t = &an->targets[i];
	if (t == NULL || anchor_clock(an) >= t->flight.ends_ms)
		return false;
	*f = t->flight;
	memset(&t->flight, 0, sizeof t->flight);
	t->judged = true;
	memset(v, 0, sizeof *v);
	buf_init(&v->bytes, 0);
	v->kind = t->kind;
	memcpy(v->name, t->name, sizeof v->name);
	v->asked = f->size;
	v->size = -1;
	return true;
}

/* It is for others to see what follows from it: the signature on it is the
 * log's own, or it is nothing. Not with the lock. */
static void
done_evidence(struct anchor *an, const struct anchor_answer *a,
    const struct anchor_verdict *v)
{
	struct anchor_target *t;

	if (a->error == NULL && a->status == 200 && a->body_len > 0)
		an->conf.shown(an->conf.shown_arg, v->name, a->body,
		    a->body_len);
	pthread_mutex_lock(&an->lock);
	t = anchor_find(an, v->kind, v->name);
	if (t != NULL)
		t->judged = false;
	pthread_cond_broadcast(&an->judged);
	pthread_mutex_unlock(&an->lock);
}

int
anchor_done(struct anchor *an, const struct anchor_answer *a,
    struct refusal *why)
{
	struct anchor_flight f;
	struct anchor_verdict v;
	bool ours;
	int ret;

	pthread_mutex_lock(&an->lock);
	ours = done_claim(an, a->id, &f, &v);
	pthread_mutex_unlock(&an->lock);
	if (!ours)
		return refuse(why, CAMCA_ENOENT, 404, "custody.no-such-work",
		    "Nobody asked for this answer, or too long ago.");
	if (f.evidence) {
		done_evidence(an, a, &v);
		anchor_flight_fini(&f);
		return CAMCA_OK;
	}
	ret = judge(an, &f, a, &v);
	/* Memory or store: no fault of the one that was asked. */
	if (ret < 0)
		judge_failed(&v, ANCHOR_FAILING, "its answer could not be "
		    "looked at: %s", camca_strerror(ret));
	ret = anchor_settle(an, &v);
	buf_fini(&v.bytes);
	anchor_flight_fini(&f);
	return ret;
}
