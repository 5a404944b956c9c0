/* SPDX-License-Identifier: Apache-2.0 */
#include "enroll/gate/staple.h"

#include <openssl/err.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>

#include "ca/base/auto.h"
#include "ca/base/log.h"
#include "enroll/ocsp/judge.h"

#define STAPLE_RETRY_MS 1000
#define STAPLE_REQUEST_MAX 512

AUTO_DEFINE(OCSP_REQUEST, OCSP_REQUEST_free)
AUTO_DEFINE(OCSP_CERTID, OCSP_CERTID_free)

struct staples {
	struct responder *responder;
	struct ident *ident;
	/* Of the one question under way. */
	struct question question;
	struct ident_pair *pair;     /* what it is about, counted */
	uint8_t request[STAPLE_REQUEST_MAX];
	size_t len;
	struct buf raw;
	atomic_bool asking;
	/* Of the thread that ticks, monotonic. */
	int64_t renew_ms;
	int64_t retry_ms;
	pthread_mutex_t lock;        /* guards what follows */
	struct staple *current;
};

int
staples_new(struct staples **out, struct responder *r, struct ident *id)
{
	struct staples *s = calloc(1, sizeof *s);

	if (s == NULL)
		return CAMCA_ENOMEM;
	s->responder = r;
	s->ident = id;
	buf_init(&s->raw, ANSWER_MAX);
	pthread_mutex_init(&s->lock, NULL);
	*out = s;
	return CAMCA_OK;
}

void
staple_free(struct staple *st)
{
	if (st == NULL || atomic_fetch_sub(&st->refs, 1) > 1)
		return;
	ident_pair_free(st->pair);
	buf_fini(&st->der);
	free(st);
}

void
staples_free(struct staples *s)
{
	if (s == NULL)
		return;
	staple_free(s->current);
	ident_pair_free(s->pair);
	buf_fini(&s->raw);
	pthread_mutex_destroy(&s->lock);
	free(s);
}

static void
staples_use(struct staples *s, struct staple *st)
{
	struct staple *old;

	pthread_mutex_lock(&s->lock);
	old = s->current;
	s->current = st;
	pthread_mutex_unlock(&s->lock);
	staple_free(old);
}

/* An error of OCSP leaves no bytes: then nothing is stapled. */
static struct staple *
staple_new(struct staples *s)
{
	struct staple *st = s->raw.len > 0 ? calloc(1, sizeof *st) : NULL;

	if (st == NULL)
		return NULL;
	atomic_init(&st->refs, 1);
	st->pair = s->pair;
	s->pair = NULL;
	st->about = s->question.about[0];
	st->next_s = s->question.data.singles[0].next_s;
	st->der = s->raw;
	buf_init(&s->raw, ANSWER_MAX);
	st->data.response.data = st->der.data;
	st->data.response.size = (unsigned)st->der.len;
	st->data.exptime = (time_t)st->next_s;
	return st;
}

/* With ocsp.signer hsm, in the thread of the upstream. */
static void
staples_answered(void *arg, struct prepared *p)
{
	struct staples *s = arg;

	prepared_free(p);
	staples_use(s, staple_new(s));
	atomic_store(&s->asking, false);
}

/* SHA-1: what every client matches. */
static int
staples_request(struct staples *s, X509 *leaf, X509 *ca)
{
	AUTO(OCSP_REQUEST) *req = OCSP_REQUEST_new();
	AUTO(OCSP_CERTID) *id = OCSP_cert_to_id(EVP_sha1(), leaf, ca);
	unsigned char *p = s->request;
	int n = -1;

	if (req != NULL && id != NULL &&
	    OCSP_request_add0_id(req, id) != NULL) {
		id = NULL;
		n = i2d_OCSP_REQUEST(req, NULL);
	}
	ERR_clear_error();
	if (n <= 0 || n > STAPLE_REQUEST_MAX)
		return CAMCA_ECRYPTO;
	s->len = (size_t)i2d_OCSP_REQUEST(req, &p);
	return CAMCA_OK;
}

static int
staples_prepare(struct staples *s, X509 *leaf)
{
	const ASN1_OCTET_STRING *aki = X509_get0_authority_key_id(leaf);
	struct issuers *l = issuers_box_get(s->responder->issuers);
	const struct issuer *ca = NULL;
	int ret = CAMCA_ENOENT;

	if (l != NULL && aki != NULL && ASN1_STRING_length(aki) == 20)
		ca = issuers_by_ski(l, ASN1_STRING_get0_data(aki));
	if (ca != NULL)
		ret = staples_request(s, leaf, ca->cert);
	issuers_put(l);
	return ret;
}

static void
staples_ask(struct staples *s, X509 *leaf)
{
	const struct client_key own = { { 0 } };
	struct prepared *p = NULL;
	unsigned epoch;

	if (staples_prepare(s, leaf) < 0)
		return;
	buf_reset(&s->raw);
	question_init(&s->question, s->responder, false, s->request, s->len,
	    &own);
	s->question.raw = &s->raw;
	atomic_store(&s->asking, true);
	epoch = table_enter(s->responder->table);
	if (responder_answer(&s->question, staples_answered, s, &p) ==
	    CAMCA_OK)
		staples_answered(s, p);
	table_leave(s->responder->table, epoch);
}

static void
staples_begin(struct staples *s, struct ident_pair *pair, int64_t mono_ms)
{
	const gnutls_datum_t *der;
	const unsigned char *p;
	AUTO(X509) *leaf = NULL;
	unsigned n;

	ident_pair_free(s->pair);
	s->pair = pair;
	s->retry_ms = mono_ms + STAPLE_RETRY_MS;
	s->renew_ms = mono_ms + s->responder->cfg->ocsp_max_age_s * 1000;
	der = &ident_pair_chain(pair, &n)->cert;
	p = der->data;
	leaf = d2i_X509(NULL, &p, (long)der->size);
	ERR_clear_error();
	if (leaf != NULL)
		staples_ask(s, leaf);
}

void
staples_tick(struct staples *s, int64_t mono_ms)
{
	struct ident_pair *pair;
	bool fits;

	if (atomic_load(&s->asking) || mono_ms < s->retry_ms)
		return;
	pair = ident_take(s->ident);
	if (pair == NULL)
		return;
	pthread_mutex_lock(&s->lock);
	fits = s->current != NULL && s->current->pair == pair;
	pthread_mutex_unlock(&s->lock);
	if (fits && mono_ms < s->renew_ms)
		ident_pair_free(pair);
	else
		staples_begin(s, pair, mono_ms);
}

/* Of another certificate, too old, or not true any more: none. */
struct staple *
staples_take(struct staples *s, const struct ident_pair *pair)
{
	int64_t now_s = ctx_now_ms(s->responder->ctx) / 1000;
	struct staple *st;

	pthread_mutex_lock(&s->lock);
	st = s->current;
	if (st != NULL)
		atomic_fetch_add(&st->refs, 1);
	pthread_mutex_unlock(&s->lock);
	if (st == NULL || (st->pair == pair && now_s < st->next_s &&
	    judge_again(s->responder->table, &st->about) == JUDGE_SAME))
		return st;
	staple_free(st);
	return NULL;
}
