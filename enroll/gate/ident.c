/* SPDX-License-Identifier: Apache-2.0 */
#include "enroll/gate/ident.h"

#include <openssl/evp.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "ca/base/enc.h"
#include "ca/base/file.h"
#include "ca/base/log.h"
#include "enroll/gate/tlskey.h"

#define IDENT_CHAIN_MAX 8
#define IDENT_PEM_MAX (64u * 1024)
#define IDENT_RETRY_MS 1000
#define IDENT_RETRY_HELD_MS 30000

struct ident_pair {
	atomic_uint refs;
	gnutls_pcert_st chain[IDENT_CHAIN_MAX];
	unsigned nchain;
	gnutls_privkey_t key;
	int64_t not_before_s;
	int64_t not_after_s;
};

struct ident {
	const struct config *cfg;
	const struct camca_ctx *ctx;
	struct upstream *up;
	EVP_PKEY *key;               /* never changes */
	char pem_path[300];
	pthread_mutex_t lock;        /* guards what follows */
	struct ident_pair *current;  /* NULL: none yet */
	bool asking;                 /* a request is on its way */
	bool told;                   /* the present trouble is in the log */
	int64_t retry_ms;            /* monotonic: not before */
};

void
ident_pair_free(struct ident_pair *p)
{
	unsigned i;

	if (p == NULL || atomic_fetch_sub(&p->refs, 1) > 1)
		return;
	for (i = 0; i < p->nchain; i++)
		gnutls_pcert_deinit(&p->chain[i]);
	if (p->key != NULL)
		gnutls_privkey_deinit(p->key);
	free(p);
}

static int
ident_pair_load(struct ident_pair *p, EVP_PKEY *key, const char *chain,
    size_t n)
{
	gnutls_datum_t d = { (unsigned char *)(uintptr_t)chain, (unsigned)n };
	unsigned count = IDENT_CHAIN_MAX;
	struct buf pem;
	int ret, bad;

	/* In the authority's order: after a rollover NewWithOld comes last, and
	 * certifies the leaf, not the certificate before it. */
	if (gnutls_pcert_list_import_x509_raw(p->chain, &count, &d,
	    GNUTLS_X509_FMT_PEM, 0) < 0)
		return CAMCA_EINVAL;
	p->nchain = count;
	buf_init(&pem, IDENT_PEM_MAX);
	ret = tlskey_pem(key, &pem);
	if (ret == CAMCA_OK) {
		d = (gnutls_datum_t){ pem.data, (unsigned)pem.len };
		bad = gnutls_privkey_init(&p->key);
		if (bad == 0)
			bad = gnutls_privkey_import_x509_raw(p->key, &d,
			    GNUTLS_X509_FMT_PEM, NULL, 0);
		ret = bad != 0 ? CAMCA_ECRYPTO : CAMCA_OK;
	}
	buf_cleanse(&pem);
	return ret;
}

static int
ident_pair_new(struct ident_pair **out, struct ident *id, const char *chain,
    size_t n)
{
	struct ident_pair *p = calloc(1, sizeof *p);
	int ret;

	if (p == NULL)
		return CAMCA_ENOMEM;
	atomic_init(&p->refs, 1);
	ret = tlskey_chain_check(id->key, chain, n,
	    ctx_now_ms(id->ctx) / 1000, &p->not_before_s, &p->not_after_s);
	if (ret == CAMCA_OK)
		ret = ident_pair_load(p, id->key, chain, n);
	if (ret < 0) {
		ident_pair_free(p);
		return ret;
	}
	*out = p;
	return CAMCA_OK;
}

gnutls_pcert_st *
ident_pair_chain(struct ident_pair *p, unsigned *n_out)
{
	*n_out = p->nchain;
	return p->chain;
}

gnutls_privkey_t
ident_pair_key(struct ident_pair *p)
{
	return p->key;
}

struct ident_pair *
ident_take(struct ident *id)
{
	struct ident_pair *p;

	pthread_mutex_lock(&id->lock);
	p = id->current;
	if (p != NULL)
		atomic_fetch_add(&p->refs, 1);
	pthread_mutex_unlock(&id->lock);
	return p;
}

/* Connections that shook hands with the old pair keep it until they end. */
static void
ident_use(struct ident *id, struct ident_pair *p)
{
	struct ident_pair *old;

	pthread_mutex_lock(&id->lock);
	old = id->current;
	id->current = p;
	id->told = false;
	pthread_mutex_unlock(&id->lock);
	ident_pair_free(old);
}

bool
ident_ready(struct ident *id)
{
	int64_t now_s = ctx_now_ms(id->ctx) / 1000;
	struct ident_pair *p = ident_take(id);
	bool ready = p != NULL && now_s >= p->not_before_s &&
	    now_s <= p->not_after_s;

	ident_pair_free(p);
	return ready;
}

/* A stored chain that does not fit any more is not an error: another one is
 * asked for. */
static int
ident_load(struct ident *id)
{
	struct ident_pair *p = NULL;
	struct buf pem;
	int ret;

	buf_init(&pem, IDENT_PEM_MAX + 4096);
	ret = file_read(id->pem_path, IDENT_PEM_MAX, &pem);
	if (ret == CAMCA_OK && pem.len > 0)
		ret = ident_pair_new(&p, id, buf_str(&pem), pem.len);
	buf_fini(&pem);
	if (p != NULL)
		ident_use(id, p);
	else if (ret != CAMCA_ENOENT)
		log_msg(LOG_NOTE, id->pem_path, "not used: %s",
		    camca_strerror(ret));
	return ret == CAMCA_ENOMEM ? ret : CAMCA_OK;
}

int
ident_open(struct ident **out, const struct config *cfg,
    const struct camca_ctx *ctx, struct upstream *up)
{
	struct ident *id = calloc(1, sizeof *id);
	char path[300];
	int ret;

	if (id == NULL)
		return CAMCA_ENOMEM;
	id->cfg = cfg;
	id->ctx = ctx;
	id->up = up;
	pthread_mutex_init(&id->lock, NULL);
	ret = file_join(id->pem_path, sizeof id->pem_path, cfg->state,
	    "gate/tls.pem");
	if (ret == CAMCA_OK)
		ret = file_join(path, sizeof path, cfg->state, "gate/tls.key");
	if (ret == CAMCA_OK) {
		ret = tlskey_open(&id->key, path);
		if (ret < 0)
			log_msg(LOG_ERROR, path, "no usable P-256 key: %s",
			    camca_strerror(ret));
	}
	if (ret == CAMCA_OK)
		ret = ident_load(id);
	if (ret < 0) {
		ident_close(id);
		return ret;
	}
	*out = id;
	return CAMCA_OK;
}

void
ident_close(struct ident *id)
{
	if (id == NULL)
		return;
	ident_pair_free(id->current);
	EVP_PKEY_free(id->key);
	pthread_mutex_destroy(&id->lock);
	free(id);
}

static void
ident_trouble(struct ident *id, const char *detail)
{
	bool told;

	pthread_mutex_lock(&id->lock);
	told = id->told;
	id->told = true;
	pthread_mutex_unlock(&id->lock);
	if (!told)
		log_msg(LOG_WARN, "tls", "no new certificate yet: %s", detail);
}

/* A bad answer is treated like none: what is held stays in use. */
static void
ident_accept(struct ident *id, const char *chain, size_t n)
{
	char after[CTX_TIME_LEN];
	struct ident_pair *p = NULL;
	int ret = ident_pair_new(&p, id, chain, n);

	if (ret < 0) {
		ident_trouble(id, "the authority's answer does not fit the key "
		    "or the time");
		return;
	}
	ctx_time_format(after, p->not_after_s * 1000);
	ident_use(id, p);
	log_msg(LOG_NOTE, "tls", "certificate in use until %s", after);
	ret = file_replace(id->pem_path, chain, n, 0644);
	if (ret < 0)
		log_msg(LOG_WARN, id->pem_path, "not written: %s",
		    camca_strerror(ret));
}

static void
ident_answered(void *arg, json_t *result, const struct refusal *why)
{
	struct ident *id = arg;
	json_t *chain = json_object_get(result, "chain");

	if (why != NULL)
		ident_trouble(id, why->detail);
	else if (!json_is_string(chain))
		ident_trouble(id, "the authority sent no chain");
	else
		ident_accept(id, json_string_value(chain),
		    json_string_length(chain));
	json_decref(result);
	pthread_mutex_lock(&id->lock);
	id->asking = false;
	pthread_mutex_unlock(&id->lock);
}

static int
ident_ask(struct ident *id, struct refusal *why)
{
	json_t *args = NULL;
	struct buf der;
	char *text;
	int ret;

	buf_init(&der, IDENT_PEM_MAX);
	ret = tlskey_request(id->key, id->cfg, &der);
	if (ret == CAMCA_OK) {
		text = enc_base64_dup(der.data, der.len);
		args = text != NULL ? json_pack("{s:s}", "csr", text) : NULL;
		free(text);
	}
	buf_fini(&der);
	if (ret < 0)
		return refuse_default(why, ret);
	return upstream_call(id->up, "gate.certify", args, ident_answered, id,
	    why);
}

/* With the lock held: half of the life is over, or there is none. */
static bool
ident_due(const struct ident *id)
{
	const struct ident_pair *p = id->current;

	if (p == NULL)
		return true;
	return ctx_now_ms(id->ctx) / 1000 >=
	    p->not_before_s + (p->not_after_s - p->not_before_s) / 2;
}

void
ident_tick(struct ident *id, int64_t mono_ms, bool demand)
{
	struct refusal why = { 0 };
	bool ask;

	/* That it is away is in the log already. */
	if (!upstream_connected(id->up))
		return;
	pthread_mutex_lock(&id->lock);
	ask = !id->asking && (demand ||
	    (mono_ms >= id->retry_ms && ident_due(id)));
	if (ask) {
		id->asking = true;
		id->retry_ms = mono_ms + (id->current != NULL ?
		    IDENT_RETRY_HELD_MS : IDENT_RETRY_MS);
	}
	pthread_mutex_unlock(&id->lock);
	if (!ask || ident_ask(id, &why) == CAMCA_OK)
		return;
	ident_trouble(id, why.detail);
	pthread_mutex_lock(&id->lock);
	id->asking = false;
	pthread_mutex_unlock(&id->lock);
}
