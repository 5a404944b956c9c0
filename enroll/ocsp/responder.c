/* SPDX-License-Identifier: Apache-2.0 */
#include "enroll/ocsp/responder.h"

#include <openssl/err.h>
#include <string.h>

#include "ca/base/auto.h"
#include "ca/base/enc.h"
#include "ca/base/uptime.h"
#include "enroll/ocsp/judge.h"

#define RESPONDER_ADDRESSES 4096
#define RESPONDER_HSM_CALLS 256

static int
responder_make_error(struct responder *r, enum answer_status s)
{
	const struct prepared_caching none = { .shared = false };
	uint8_t bytes[ANSWER_ERROR_LEN];
	struct buf der;
	int ret;

	answer_error(bytes, s);
	buf_init(&der, ANSWER_MAX);
	ret = buf_put(&der, bytes, sizeof bytes);
	if (ret == CAMCA_OK)
		ret = prepared_new(&r->errors[s], &der, &none, false, NULL, 0);
	buf_fini(&der);
	return ret;
}

int
responder_init(struct responder *r)
{
	static const enum answer_status errors[] = { ANSWER_MALFORMED,
	    ANSWER_INTERNAL, ANSWER_TRY_LATER, ANSWER_UNAUTHORIZED };
	int ret;

	if ((ret = prepared_cache_new(&r->cache, r->ctx,
	    (size_t)r->cfg->ocsp_cache)) < 0 ||
	    (ret = bucket_new(&r->bucket, r->ctx, RESPONDER_ADDRESSES,
	    r->cfg->ocsp_sign_rate)) < 0)
		return ret;
	for (size_t i = 0; i < sizeof errors / sizeof errors[0]; i++)
		if ((ret = responder_make_error(r, errors[i])) < 0)
			return ret;
	return CAMCA_OK;
}

void
responder_fini(struct responder *r)
{
	for (size_t i = 0; i < sizeof r->errors / sizeof r->errors[0]; i++)
		prepared_free(r->errors[i]);
	prepared_cache_free(r->cache);
	bucket_free(r->bucket);
}

struct prepared *
responder_error(struct responder *r, enum answer_status s)
{
	struct prepared *p = r->errors[s];

	atomic_fetch_add(&p->refs, 1);
	return p;
}

static int64_t
responder_now_s(const struct responder *r)
{
	return ctx_now_ms(r->ctx) / 1000;
}

void
question_init(struct question *q, struct responder *r, bool get,
    const uint8_t *request, size_t n, const struct client_key *from)
{
	q->owner = r;
	q->get = get;
	q->request = request;
	q->n = n;
	q->from = *from;
	q->raw = NULL;
	q->nabout = 0;
	q->kept = q->nonced = false;
	q->signer = NULL;
	buf_init(&q->tbs, OCSP_DATA_MAX);
}

/* The table's version is compared at each use, so that nothing stale leaves,
 * however long it was kept. */
struct prepared *
responder_ready(struct question *q)
{
	struct responder *r = q->owner;
	struct prepared *p = prepared_find(r->cache, q->get, q->request, q->n);
	enum judge_verdict v;
	int64_t now_ms;

	if (p == NULL)
		return NULL;
	/* Made by a clock that was set back since: it would lie in the future
	 * until that time comes. */
	now_ms = ctx_now_ms(r->ctx);
	v = now_ms >= p->fresh_ms || now_ms < p->made_ms ? JUDGE_CHANGED :
	    judge_again(r->table, &p->about);
	if (v == JUDGE_SAME)
		return p;
	prepared_free(p);
	return v == JUDGE_NOT_NOW ? responder_error(r, ANSWER_TRY_LATER) :
	    NULL;
}

static void
question_end(struct question *q)
{
	signer_cert_free(q->signer);
	q->signer = NULL;
	buf_fini(&q->tbs);
}

/* Wraps the signature: the answer with its header fields. */
static struct prepared *
question_answer(struct question *q, const uint8_t *sig, size_t sig_len)
{
	struct responder *r = q->owner;
	const struct ocsp_single *s = &q->data.singles[0];
	struct prepared_caching c = { .shared = q->get && !q->nonced,
	    .max_age_s = r->cfg->ocsp_max_age_s, .this_s = s->this_s,
	    .next_s = s->next_s };
	int64_t half_s = (s->next_s - q->data.produced_s) / 2;
	struct prepared *p = NULL;
	struct buf der;
	int ret;

	if (c.max_age_s > half_s)
		c.max_age_s = half_s;
	buf_init(&der, ANSWER_MAX);
	ret = answer_wrap(&q->tbs, sig, sig_len, &q->signer->der, &der);
	if (ret == CAMCA_OK && q->raw != NULL)
		ret = buf_put(q->raw, der.data, der.len);
	if (ret == CAMCA_OK)
		ret = prepared_new(&p, &der, &c, q->get,
		    q->kept ? q->request : NULL, q->kept ? q->n : 0);
	buf_fini(&der);
	if (ret < 0)
		return responder_error(r, ANSWER_INTERNAL);
	p->about = q->about[0];
	p->made_ms = q->data.produced_s * 1000;
	p->fresh_ms = p->made_ms + half_s * 1000;
	if (q->kept)
		prepared_keep(r->cache, p);
	return p;
}

/* ---- signed by the HSM, through camcad ---- */

static void
question_signed(void *arg, json_t *result, const struct refusal *why)
{
	struct question *q = arg;
	const char *b64 = json_string_value(json_object_get(result,
	    "signature"));
	struct prepared *p;
	struct buf sig;

	buf_init(&sig, SIGNER_SIG_MAX);
	if (why == NULL && b64 != NULL &&
	    dec_base64(&sig, b64, strlen(b64), 0) == CAMCA_OK && sig.len > 0)
		p = question_answer(q, sig.data, sig.len);
	else
		p = responder_error(q->owner, ANSWER_TRY_LATER);
	buf_fini(&sig);
	json_decref(result);
	atomic_fetch_sub(&q->owner->signing, 1);
	question_end(q);
	q->fn(q->arg, p);
}

static json_t *
question_args(const struct question *q)
{
	char *b64 = enc_base64_dup(q->tbs.data, q->tbs.len);
	json_t *args = b64 == NULL ? NULL : json_pack("{s:s, s:s}", "issuer",
	    q->signer->ski, "tbs", b64);

	free(b64);
	return args;
}

/* Each call holds one of camcad's workers for as long as the token takes: only
 * so many may wait. */
static int
question_ask_hsm(struct question *q)
{
	struct responder *r = q->owner;
	json_t *args;

	if (atomic_fetch_add(&r->signing, 1) >= RESPONDER_HSM_CALLS) {
		atomic_fetch_sub(&r->signing, 1);
		return CAMCA_EBUSY;
	}
	args = question_args(q);
	if (args == NULL || upstream_call(r->up, "ocsp.sign", args,
	    question_signed, q, NULL) < 0) {
		atomic_fetch_sub(&r->signing, 1);
		return CAMCA_EBUSY;
	}
	return CAMCA_EPENDING;
}

/* ---- signed here ---- */

static int
question_sign(struct question *q, struct prepared **out)
{
	uint8_t sig[SIGNER_SIG_MAX];
	size_t n;
	int ret = ocsp_data_encode(&q->data, &q->tbs);

	if (ret < 0)
		return ret;
	if (q->signer->key == NULL)
		return question_ask_hsm(q);
	ret = signer_sign(q->signer, q->tbs.data, q->tbs.len, sig, &n);
	if (ret == CAMCA_OK)
		*out = question_answer(q, sig, n);
	return ret;
}

/* From here on it costs a signature. */
static enum answer_status
question_prepare(struct question *q, const struct ocsp_request *req)
{
	struct responder *r = q->owner;
	struct judge_times t = { .now_s = responder_now_s(r),
	    .life_s = r->cfg->ocsp_life_s,
	    .retention_s = r->cfg->ocsp_retention_s };

	if (!bucket_take(r->bucket, &q->from, uptime_ms()))
		return ANSWER_TRY_LATER;
	q->signer = signer_take(r->signer, q->about[0].issuer);
	if (q->signer == NULL)
		return ANSWER_TRY_LATER;
	t.end_s = q->signer->not_after_s;
	judge_fill(&q->data, q->about, req, &t);
	memcpy(q->data.key_hash, q->signer->key_hash, 20);
	q->nonced = req->nonce_len > 0;
	return ANSWER_SIGNED;
}

static enum answer_status
question_judge(struct question *q, const struct ocsp_request *req)
{
	struct responder *r = q->owner;
	struct issuers *l = issuers_box_get(r->issuers);
	enum answer_status s = ANSWER_TRY_LATER;

	if (l != NULL)
		s = judge_request(r->table, l, req,
		    r->cfg->ocsp_unissued_revoked, q->about);
	issuers_put(l);
	if (s != ANSWER_SIGNED)
		return s;
	q->nabout = req->n;
	/* Invented serials must push nothing out. */
	q->kept = req->plain && q->raw == NULL && (q->about[0].ca ||
	    q->about[0].status.value != STATUS_UNKNOWN);
	return s;
}

int
responder_answer(struct question *q, void (*fn)(void *arg, struct prepared *p),
    void *arg, struct prepared **out)
{
	enum answer_status s = ANSWER_MALFORMED;
	struct ocsp_request req;
	int ret;

	q->fn = fn;
	q->arg = arg;
	*out = NULL;
	ret = ocsp_request_parse(&req, q->request, q->n);
	if (ret == CAMCA_OK) {
		s = question_judge(q, &req);
		if (s == ANSWER_SIGNED)
			s = question_prepare(q, &req);
		if (s == ANSWER_SIGNED)
			ret = question_sign(q, out);
		ocsp_request_fini(&req);
	}
	if (ret == CAMCA_EPENDING)
		return ret;
	question_end(q);
	if (ret < 0 && ret != CAMCA_EINVAL)
		s = ret == CAMCA_EBUSY ? ANSWER_TRY_LATER : ANSWER_INTERNAL;
	if (*out == NULL)
		*out = responder_error(q->owner, s == ANSWER_SIGNED ?
		    ANSWER_INTERNAL : s);
	return CAMCA_OK;
}

bool
question_holds(struct question *q)
{
	for (size_t i = 0; i < q->nabout; i++)
		if (judge_again(q->owner->table, &q->about[i]) != JUDGE_SAME)
			return false;
	return true;
}
