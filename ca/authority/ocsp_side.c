/* SPDX-License-Identifier: Apache-2.0 */
#include <stdlib.h>
#include <string.h>

#include "ca/authority/authority.h"
#include "ca/base/log.h"

#define OCSP_BURST 16
#define OCSP_EACH_MS (INT64_C(3600) * 1000)
#define OCSP_KEY_META "ocsp.key"
#define OCSP_URI_MAX 512

void
ocsp_side_init(struct ocsp_side *s)
{
	memset(s, 0, sizeof *s);
	pthread_mutex_init(&s->lock, NULL);
}

void
ocsp_side_fini(struct ocsp_side *s)
{
	size_t i;

	hsm_key_free(s->key);
	s->key = NULL;
	for (i = 0; i < OCSP_SIDE_CAS; i++) {
		X509_free(s->own[i].cert);
		s->own[i].cert = NULL;
	}
	pthread_mutex_destroy(&s->lock);
}

int
ocsp_side_allow(struct authority *a, const struct ca *ca, int64_t now_ms,
    struct refusal *why)
{
	struct ocsp_side *s = &a->ocsp;
	int64_t *full = &s->full_ms[(size_t)ca->row.id % OCSP_SIDE_CAS], next;
	bool ok;

	pthread_mutex_lock(&s->lock);
	/* A clock that was set back must not close the door for long. */
	if (*full > now_ms + OCSP_BURST * OCSP_EACH_MS)
		*full = now_ms;
	next = (*full > now_ms ? *full : now_ms) + OCSP_EACH_MS;
	ok = next <= now_ms + OCSP_BURST * OCSP_EACH_MS;
	if (ok)
		*full = next;
	pthread_mutex_unlock(&s->lock);
	if (ok)
		return CAMCA_OK;
	refuse(why, CAMCA_EPOLICY, 429, "ocsp.too-many",
	    "Too many OCSP responder certificates were asked for under CA %s; "
	    "one an hour is left.", ca->row.name);
	if (why != NULL)
		why->retry_after_s = (int)(OCSP_EACH_MS / 1000);
	return CAMCA_EPOLICY;
}

X509 *
ocsp_side_cert(struct ocsp_side *s, const struct ca *ca, int64_t until_ms)
{
	struct ocsp_own *o = &s->own[(size_t)ca->row.id % OCSP_SIDE_CAS];
	X509 *cert = NULL;

	pthread_mutex_lock(&s->lock);
	if (o->cert != NULL && o->ca == ca->row.id &&
	    o->not_after_ms > until_ms && X509_up_ref(o->cert) == 1)
		cert = o->cert;
	pthread_mutex_unlock(&s->lock);
	return cert;
}

void
ocsp_side_keep(struct ocsp_side *s, const struct ca *ca, X509 *cert,
    int64_t not_after_ms)
{
	struct ocsp_own *o = &s->own[(size_t)ca->row.id % OCSP_SIDE_CAS];

	pthread_mutex_lock(&s->lock);
	if (X509_up_ref(cert) == 1) {
		X509_free(o->cert);
		o->cert = cert;
		o->ca = ca->row.id;
		o->not_after_ms = not_after_ms;
	}
	pthread_mutex_unlock(&s->lock);
}

struct ocsp_uri {
	char uri[OCSP_URI_MAX];
};

static int
ocsp_uri_get(struct tx *tx, void *arg)
{
	struct ocsp_uri *u = arg;

	return store_meta_get(tx, OCSP_KEY_META, u->uri, sizeof u->uri);
}

static int
ocsp_uri_set(struct tx *tx, void *arg)
{
	struct ocsp_uri *u = arg;

	return store_meta_set(tx, OCSP_KEY_META, u->uri);
}

/* Kept in the store only once it exists: a crash in between leaves an unused
 * key in the token and nothing else. */
static int
ocsp_key_make(struct authority *a, struct ocsp_uri *u, struct refusal *why)
{
	char *uri = NULL;
	size_t n;
	int ret = hsm_generate(a->hsm, HSM_EC_P256, "camca-ocsp", &uri, why);

	if (ret < 0)
		return ret;
	n = strlen(uri);
	ret = n < sizeof u->uri ? CAMCA_OK : CAMCA_ELIMIT;
	if (ret == CAMCA_OK) {
		memcpy(u->uri, uri, n + 1);
		ret = store_tx(a->store, DB_WRITE, ocsp_uri_set, u);
	}
	free(uri);
	if (ret == CAMCA_OK)
		log_msg(LOG_NOTE, "ocsp", "a key for OCSP answers was made in "
		    "the HSM");
	return ret;
}

/* With the lock held. */
static int
ocsp_key_open(struct authority *a, struct refusal *why)
{
	struct ocsp_uri u;
	int ret = store_tx(a->store, DB_READ, ocsp_uri_get, &u);

	if (ret == CAMCA_ENOENT)
		ret = ocsp_key_make(a, &u, why);
	if (ret < 0)
		return ret;
	return hsm_key_open(a->hsm, u.uri, &a->ocsp.key, why);
}

int
ocsp_side_key(struct authority *a, struct hsm_key **out, struct refusal *why)
{
	int ret = CAMCA_OK;

	pthread_mutex_lock(&a->ocsp.lock);
	if (a->ocsp.key == NULL)
		ret = ocsp_key_open(a, why);
	*out = a->ocsp.key;
	pthread_mutex_unlock(&a->ocsp.lock);
	return ret;
}
