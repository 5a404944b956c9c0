/* SPDX-License-Identifier: Apache-2.0 */
#include "enroll/ocsp/signer.h"

#include <openssl/err.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "ca/base/auto.h"
#include "ca/base/enc.h"
#include "ca/base/file.h"
#include "ca/base/log.h"
#include "enroll/ocsp/signer_cert.h"

#define SIGNER_CAS_MAX 256
#define SIGNER_RETRY_MS 1000
#define SIGNER_RETRY_HELD_MS 30000
#define SIGNER_FILE_MAX 16384

struct signer_slot {
	struct signer *owner;
	uint32_t issuer;
	uint8_t ski[20];
	char hex[41];
	X509 *ca;
	struct signer_cert *current; /* NULL: none yet */
	EVP_PKEY *next;              /* being certified, or NULL */
	bool asking;                 /* a request is on its way */
	bool told;                   /* the present trouble is in the log */
	int64_t retry_ms;            /* monotonic: not before */
};

struct signer {
	const struct config *cfg;
	const struct camca_ctx *ctx;
	struct upstream *up;
	struct issuers_box *issuers;
	pthread_mutex_t lock;        /* guards the slots */
	struct signer_slot *slots[SIGNER_CAS_MAX];
	size_t n;
	bool full;                   /* and it is in the log */
};

int
signer_open(struct signer **out, const struct config *cfg,
    const struct camca_ctx *ctx, struct upstream *up,
    struct issuers_box *issuers)
{
	struct signer *s = calloc(1, sizeof *s);

	if (s == NULL)
		return CAMCA_ENOMEM;
	s->cfg = cfg;
	s->ctx = ctx;
	s->up = up;
	s->issuers = issuers;
	pthread_mutex_init(&s->lock, NULL);
	*out = s;
	return CAMCA_OK;
}

static void
signer_slot_free(struct signer_slot *slot)
{
	signer_cert_free(slot->current);
	EVP_PKEY_free(slot->next);
	X509_free(slot->ca);
	free(slot);
}

void
signer_close(struct signer *s)
{
	if (s == NULL)
		return;
	for (size_t i = 0; i < s->n; i++)
		signer_slot_free(s->slots[i]);
	pthread_mutex_destroy(&s->lock);
	free(s);
}

static int
signer_path(const struct signer_slot *slot, char *out, size_t out_len)
{
	char name[64];

	snprintf(name, sizeof name, "gate/ocsp-%s.pem", slot->hex);
	return file_join(out, out_len, slot->owner->cfg->state, name);
}

static void
signer_use(struct signer_slot *slot, struct signer_cert *c)
{
	struct signer *s = slot->owner;
	struct signer_cert *old;

	pthread_mutex_lock(&s->lock);
	old = slot->current;
	slot->current = c;
	slot->told = false;
	pthread_mutex_unlock(&s->lock);
	signer_cert_free(old);
}

/* A stored pair that does not fit any more is no error: another one is asked
 * for. */
static void
signer_load(struct signer_slot *slot)
{
	const struct signer *s = slot->owner;
	struct signer_cert *c = NULL;
	char path[300];
	struct buf pem;
	int ret;

	buf_init(&pem, SIGNER_FILE_MAX + 4096);
	ret = signer_path(slot, path, sizeof path);
	if (ret == CAMCA_OK)
		ret = file_read(path, SIGNER_FILE_MAX, &pem);
	if (ret == CAMCA_OK)
		ret = signer_cert_read(&c, &pem, !s->cfg->ocsp_hsm, slot->ca,
		    ctx_now_ms(s->ctx) / 1000);
	buf_cleanse(&pem);
	if (c != NULL)
		signer_use(slot, c);
	else if (ret != CAMCA_ENOENT)
		log_msg(LOG_NOTE, path, "not used: %s", camca_strerror(ret));
}

static void
signer_add(struct signer *s, const struct issuer *ca)
{
	struct signer_slot *slot;

	if (s->n == SIGNER_CAS_MAX) {
		if (!s->full)
			log_msg(LOG_ERROR, "ocsp", "more than %d CAs: no "
			    "answers for the others", SIGNER_CAS_MAX);
		s->full = true;
		return;
	}
	slot = calloc(1, sizeof *slot);
	if (slot == NULL)
		return;      /* the next tick tries again */
	slot->owner = s;
	slot->issuer = ca->id;
	memcpy(slot->ski, ca->ski, sizeof slot->ski);
	enc_hex(slot->hex, ca->ski, sizeof slot->ski);
	X509_up_ref(ca->cert);
	slot->ca = ca->cert;
	pthread_mutex_lock(&s->lock);
	s->slots[s->n++] = slot;
	pthread_mutex_unlock(&s->lock);
	signer_load(slot);
}

/* Slots are only added, by the one thread that ticks: it reads them without
 * the lock. */
static struct signer_slot *
signer_find(struct signer *s, const struct issuer *ca)
{
	for (size_t i = 0; i < s->n; i++)
		if (s->slots[i]->issuer == ca->id &&
		    memcmp(s->slots[i]->ski, ca->ski, 20) == 0)
			return s->slots[i];
	return NULL;
}

static void
signer_trouble(struct signer_slot *slot, const char *detail)
{
	struct signer *s = slot->owner;
	bool told;

	pthread_mutex_lock(&s->lock);
	told = slot->told;
	slot->told = true;
	pthread_mutex_unlock(&s->lock);
	if (!told)
		log_msg(LOG_WARN, "ocsp", "no new certificate under %s yet: "
		    "%s", slot->hex, detail);
}

static void
signer_keep(struct signer_slot *slot, const struct signer_cert *c)
{
	char path[300];
	struct buf pem;
	int ret;

	buf_init(&pem, SIGNER_FILE_MAX);
	ret = signer_cert_write(c, &pem);
	if (ret == CAMCA_OK)
		ret = signer_path(slot, path, sizeof path);
	if (ret == CAMCA_OK)
		ret = file_replace(path, pem.data, pem.len, 0600);
	buf_cleanse(&pem);
	if (ret < 0)
		log_msg(LOG_WARN, "ocsp", "the certificate under %s is not "
		    "kept: %s", slot->hex, camca_strerror(ret));
}

/* A bad answer is treated like none: what is held stays in use. */
static void
signer_accept(struct signer_slot *slot, const char *b64)
{
	const struct signer *s = slot->owner;
	char after[CTX_TIME_LEN];
	struct signer_cert *c = NULL;
	struct buf der;
	int ret;

	buf_init(&der, SIGNER_FILE_MAX);
	ret = dec_base64(&der, b64, strlen(b64), 0);
	if (ret == CAMCA_OK)
		ret = signer_cert_new(&c, slot->next, der.data, der.len,
		    slot->ca, ctx_now_ms(s->ctx) / 1000);
	buf_fini(&der);
	if (ret < 0) {
		signer_trouble(slot, "the authority's answer does not fit the "
		    "key, the CA or the time");
		return;
	}
	signer_keep(slot, c);
	ctx_time_format(after, c->not_after_s * 1000);
	log_msg(LOG_NOTE, "ocsp", "answers for %s are signed until %s",
	    slot->hex, after);
	signer_use(slot, c);
}

static void
signer_asked(struct signer_slot *slot)
{
	pthread_mutex_lock(&slot->owner->lock);
	EVP_PKEY_free(slot->next);
	slot->next = NULL;
	slot->asking = false;
	pthread_mutex_unlock(&slot->owner->lock);
}

/* In the thread of the upstream. */
static void
signer_answered(void *arg, json_t *result, const struct refusal *why)
{
	struct signer_slot *slot = arg;
	const char *cert = json_string_value(json_object_get(result, "cert"));

	if (why != NULL)
		signer_trouble(slot, why->detail);
	else if (cert == NULL)
		signer_trouble(slot, "the authority sent no certificate");
	else
		signer_accept(slot, cert);
	json_decref(result);
	signer_asked(slot);
}

static int
signer_ask(struct signer_slot *slot, struct refusal *why)
{
	const struct signer *s = slot->owner;
	json_t *args = json_pack("{s:s}", "issuer", slot->hex);
	struct buf csr;
	char *text = NULL;
	int ret = CAMCA_OK;

	buf_init(&csr, SIGNER_FILE_MAX);
	if (!s->cfg->ocsp_hsm) {
		slot->next = EVP_EC_gen("P-256");
		ret = slot->next != NULL ? signer_cert_request(slot->next,
		    &csr) : CAMCA_ECRYPTO;
		if (ret == CAMCA_OK)
			text = enc_base64_dup(csr.data, csr.len);
		if (ret == CAMCA_OK && (text == NULL || json_object_set_new(
		    args, "csr", json_string(text)) != 0))
			ret = CAMCA_ENOMEM;
	}
	free(text);
	buf_fini(&csr);
	if (ret < 0) {
		json_decref(args);
		log_openssl("ocsp", "no certificate request");
		return refuse_default(why, ret);
	}
	return upstream_call(s->up, "ocsp.certify", args, signer_answered,
	    slot, why);
}

/* With the lock held: half of the life is over, or there is none. */
static bool
signer_due(const struct signer_slot *slot)
{
	const struct signer_cert *c = slot->current;

	if (c == NULL)
		return true;
	return ctx_now_ms(slot->owner->ctx) / 1000 >=
	    c->not_before_s + (c->not_after_s - c->not_before_s) / 2;
}

static void
signer_tick_one(struct signer_slot *slot, int64_t mono_ms, bool demand)
{
	struct signer *s = slot->owner;
	struct refusal why = { 0 };
	bool ask;

	pthread_mutex_lock(&s->lock);
	ask = !slot->asking && (demand ||
	    (mono_ms >= slot->retry_ms && signer_due(slot)));
	if (ask) {
		slot->asking = true;
		slot->retry_ms = mono_ms + (slot->current != NULL ?
		    SIGNER_RETRY_HELD_MS : SIGNER_RETRY_MS);
	}
	pthread_mutex_unlock(&s->lock);
	if (!ask || signer_ask(slot, &why) == CAMCA_OK)
		return;
	signer_trouble(slot, why.detail);
	signer_asked(slot);
}

void
signer_tick(struct signer *s, int64_t mono_ms, bool demand)
{
	struct issuers *l = issuers_box_get(s->issuers);
	struct signer_slot *slot;

	if (l == NULL)
		return;
	for (size_t i = 0; i < l->n; i++) {
		if (signer_find(s, &l->list[i]) == NULL)
			signer_add(s, &l->list[i]);
		slot = signer_find(s, &l->list[i]);
		if (slot != NULL && upstream_connected(s->up))
			signer_tick_one(slot, mono_ms, demand);
	}
	issuers_put(l);
}

struct signer_cert *
signer_take(struct signer *s, uint32_t issuer)
{
	int64_t now_s = ctx_now_ms(s->ctx) / 1000;
	struct signer_cert *c = NULL;

	pthread_mutex_lock(&s->lock);
	/* Newest first: after a restored backup a number may stand for another
	 * CA than before. */
	for (size_t i = s->n; i > 0 && c == NULL; i--)
		if (s->slots[i - 1]->issuer == issuer)
			c = s->slots[i - 1]->current;
	if (c != NULL && (now_s < c->not_before_s || now_s >= c->not_after_s))
		c = NULL;
	if (c != NULL)
		atomic_fetch_add(&c->refs, 1);
	pthread_mutex_unlock(&s->lock);
	return c;
}
