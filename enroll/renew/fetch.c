/* SPDX-License-Identifier: Apache-2.0 */
/* From trust anchors to an installed pair: the part that meets the server. */
#include <openssl/err.h>
#include <stdio.h>
#include <string.h>

#include "ca/base/auto.h"
#include "ca/base/enc.h"
#include "ca/base/file.h"
#include "ca/base/log.h"
#include "enroll/renew/bag.h"
#include "enroll/renew/cycle.h"
#include "enroll/renew/est.h"
#include "enroll/renew/trust.h"

#define FETCH_FILE_MAX (256u * 1024)
#define FETCH_SKEW_MS (86400 * INT64_C(1000))

struct fetch {
	struct cycle *c;
	bool again;
	STACK_OF(X509) *anchors;
	STACK_OF(X509) *helpers;  /* this cycle's /cacerts, not trusted */
	X509_STORE *store;
	struct est est;
	struct csrattrs wish;
	X509 *id_cert;            /* what the TLS client shows */
	STACK_OF(X509) *id_chain;
	EVP_PKEY *id_key;
	struct buf auth;          /* secret */
};

/* The exit code that fits an error on the way to the server and back. */
static enum renew_exit
fetch_exit(int err)
{
	switch (err) {
	case CAMCA_EAUTH:
		return RENEW_TRUST;
	case CAMCA_EPOLICY:
		return RENEW_REFUSED;
	case CAMCA_EPENDING:
		return RENEW_PENDING;
	case CAMCA_EPROTO:
	case CAMCA_EINVAL:
	case CAMCA_ELIMIT:
		return RENEW_ANSWER;
	case CAMCA_EHSM:
	case CAMCA_EPIN:
	case CAMCA_ECRYPTO:
		return RENEW_INSTALL;
	default:                  /* EIO, ETIME, EBUSY, ENOMEM */
		return RENEW_RETRY;
	}
}

static void
fetch_fini(struct fetch *f)
{
	est_close(&f->est);
	csrattrs_fini(&f->wish);
	bag_free(f->anchors);
	bag_free(f->helpers);
	X509_STORE_free(f->store);
	X509_free(f->id_cert);
	bag_free(f->id_chain);
	EVP_PKEY_free(f->id_key);
	buf_cleanse(&f->auth);
}

static int
fetch_save_anchors(const struct fetch *f)
{
	char path[PATH_MAX];
	struct buf pem;
	int ret;

	buf_init(&pem, 0);
	ret = file_join(path, sizeof path, install_dir(f->c->in), "trust.pem");
	if (ret == CAMCA_OK)
		ret = bag_to_pem(&pem, f->anchors);
	if (ret == CAMCA_OK)
		ret = file_replace(path, buf_str(&pem), pem.len, 0644);
	buf_fini(&pem);
	return ret == CAMCA_OK ? ret : refuse(&f->c->why, ret, 500,
	    "install.failed", "The trust anchors cannot be stored: %s.",
	    camca_strerror(ret));
}

static int
fetch_store(struct fetch *f)
{
	X509_STORE_free(f->store);
	f->store = NULL;
	return trust_store(&f->store, f->anchors);
}

/* RFC 7030 4.1.1: /cacerts over a connection that nobody vouches for, without
 * a secret and without our certificate; the pinned fingerprint decides. */
static enum renew_exit
fetch_bootstrap(struct fetch *f)
{
	struct renew_config *cfg = f->c->cfg;
	struct est est = { .conn_config = { .url = &cfg->url,
	    .connect_to = cfg->connect_to, .tls_max = cfg->tls_max,
	    .timeout_ms = cfg->timeout_ms, .now_ms = f->c->now_ms } };
	STACK_OF(X509) *bag = NULL;
	int ret;

	ret = est_cacerts(&est, &bag, &f->c->why);
	est_close(&est);
	if (ret == CAMCA_OK)
		ret = trust_add_pinned(f->anchors, bag, cfg->pin, &f->c->why);
	bag_free(bag);
	return ret == CAMCA_OK ? RENEW_DONE : fetch_exit(ret);
}

/* Anchors: those kept from earlier, those of the operator's file, else the
 * pinned one. */
static enum renew_exit
fetch_anchors(struct fetch *f)
{
	struct renew_config *cfg = f->c->cfg;
	char path[PATH_MAX];
	enum renew_exit code;
	int ret, kept;

	f->anchors = sk_X509_new_null();
	if (f->anchors == NULL ||
	    file_join(path, sizeof path, install_dir(f->c->in), "trust.pem"))
		return RENEW_RETRY;
	ret = trust_add_file(f->anchors, path, &f->c->why);
	if (ret < 0 && ret != CAMCA_ENOENT)
		return RENEW_TRUST;
	memset(&f->c->why, 0, sizeof f->c->why);
	kept = sk_X509_num(f->anchors);
	if (cfg->trust_file != NULL && trust_add_file(f->anchors,
	    cfg->trust_file, &f->c->why) < 0)
		return RENEW_TRUST;
	if (sk_X509_num(f->anchors) == 0 && cfg->has_pin &&
	    (code = fetch_bootstrap(f)) != RENEW_DONE)
		return code;
	if (sk_X509_num(f->anchors) == 0) {
		refuse(&f->c->why, CAMCA_EAUTH, 400, "trust.none",
		    "No trust anchor: give --trust or --trust-fingerprint.");
		return RENEW_TRUST;
	}
	if (sk_X509_num(f->anchors) > kept &&
	    fetch_save_anchors(f) < 0)
		return RENEW_INSTALL;
	return fetch_store(f) < 0 ? RENEW_RETRY : RENEW_DONE;
}

/* The factory identity (IEEE 802.1AR) where the operator names one. */
static enum renew_exit
fetch_idevid(struct fetch *f)
{
	struct renew_config *cfg = f->c->cfg;
	struct keys_source src = cfg->key;
	struct buf pem;
	int ret;

	buf_init(&pem, 0);
	ret = file_read(cfg->idevid_cert, FETCH_FILE_MAX, &pem);
	if (ret == CAMCA_OK)
		ret = bag_from_pem(&f->id_chain, &pem, &f->c->why);
	if (ret == CAMCA_OK)
		f->id_cert = sk_X509_shift(f->id_chain);
	buf_reset(&pem);
	src.uri = cfg->idevid_key;
	if (ret == CAMCA_OK && strchr(src.uri, ':') != NULL)
		ret = keys_open(&f->id_key, &src, &f->c->why);
	else if (ret == CAMCA_OK &&
	    (ret = file_read(src.uri, FETCH_FILE_MAX, &pem)) == CAMCA_OK)
		ret = keys_from_pem(&f->id_key, &pem, &f->c->why);
	buf_cleanse(&pem);
	if (ret == CAMCA_OK && f->id_cert != NULL)
		return RENEW_DONE;
	if (f->c->why.http == 0)
		refuse(&f->c->why, CAMCA_EINVAL, 500, "idevid.unreadable",
		    "The factory certificate or its key cannot be read.");
	return RENEW_INSTALL;
}

/* Who we say we are: the current pair, or factory identity and secret. */
static enum renew_exit
fetch_identity(struct fetch *f)
{
	struct renew_config *cfg = f->c->cfg;
	enum renew_exit code = RENEW_DONE;
	struct buf plain;
	int ret = CAMCA_OK;

	if (f->again) {
		f->est.conn_config.cert = f->c->pair.cert;
		f->est.conn_config.chain = f->c->pair.chain;
		f->est.conn_config.key = f->c->pair.key;
		return RENEW_DONE;
	}
	if (cfg->idevid_cert != NULL) {
		code = fetch_idevid(f);
		f->est.conn_config.cert = f->id_cert;
		f->est.conn_config.chain = f->id_chain;
		f->est.conn_config.key = f->id_key;
	}
	if (code != RENEW_DONE || cfg->secret.len == 0)
		return code;
	buf_init(&plain, 0);
	ret = buf_printf(&plain, "%s:%s", cfg->user, buf_str(&cfg->secret));
	if (ret == CAMCA_OK)
		ret = enc_base64(&f->auth, plain.data, plain.len, 0);
	buf_cleanse(&plain);
	f->est.auth = buf_str(&f->auth);
	return ret == CAMCA_OK ? RENEW_DONE : RENEW_RETRY;
}

/* Fresh CA certificates, and a new root where the old one vouches for it. */
static enum renew_exit
fetch_cacerts(struct fetch *f)
{
	STACK_OF(X509) *bag = NULL;
	int ret, added;

	ret = est_cacerts(&f->est, &bag, &f->c->why);
	if (ret < 0)
		return fetch_exit(ret);
	f->helpers = bag;
	added = trust_follow(f->anchors, bag, f->c->now_ms);
	if (added < 0)
		log_msg(LOG_WARN, NULL, "no further trust anchor taken: %s",
		    camca_strerror(added));
	if (added > 0) {
		log_msg(LOG_NOTE, NULL, "CA rollover: %d new trust anchor(s)",
		    added);
		if (fetch_save_anchors(f) < 0)
			return RENEW_INSTALL;
	}
	return fetch_store(f) < 0 ? RENEW_RETRY : RENEW_DONE;
}

/* The key to ask with: the one behind the URI, the current one where keys are
 * kept, the one of an unfinished request, or a new one made durable first. */
static int
fetch_key(struct fetch *f, EVP_PKEY **out)
{
	struct cycle *c = f->c;
	struct keys_type type;
	int ret;

	if (c->cfg->key.uri != NULL)
		return keys_open(out, &c->cfg->key, &c->why);
	if (c->has_pair && !c->cfg->rekey) {
		*out = c->pair.key;
		return EVP_PKEY_up_ref(*out) == 1 ? CAMCA_OK : CAMCA_ENOMEM;
	}
	ret = keys_type_choose(&type, &c->cfg->key_type, &f->wish, &c->why);
	if (ret < 0)
		return ret;
	ret = install_pending_load(c->in, out);
	if (ret == CAMCA_OK && keys_fits(*out, &type))
		return CAMCA_OK;
	if (ret == CAMCA_OK) {
		EVP_PKEY_free(*out);
		*out = NULL;
	} else if (ret != CAMCA_ENOENT) {
		return CAMCA_ECRYPTO;
	}
	if ((ret = keys_generate(out, &type, &c->why)) < 0)
		return ret;
	if ((ret = install_pending_save(c->in, *out)) < 0)
		return refuse(&c->why, CAMCA_ECRYPTO, 500, "install.pending",
		    "The new key cannot be stored: %s.", camca_strerror(ret));
	return CAMCA_OK;
}

/* Asks for the certificate. A renewal repeats the names of the old one byte
 * for byte (RFC 7030 4.2.2), whatever the settings say by now. */
static int
fetch_enroll(struct fetch *f, EVP_PKEY *key, X509 **leaf,
    STACK_OF(X509) **bag)
{
	struct cycle *c = f->c;
	struct csr_spec spec = { .wish = &f->wish, .same_names = f->again };
	AUTO(X509_EXTENSION) *old_san = NULL;
	int ret;

	spec.subject = c->cfg->subject;
	spec.san = c->cfg->san;
	if (f->again) {
		spec.subject = X509_get_subject_name(c->pair.cert);
		if ((ret = csr_san_of(&old_san, c->pair.cert)) < 0)
			return ret;
		spec.san = old_san;
	}
	ret = est_enroll(&f->est, f->again, &spec, key, leaf, bag, &c->why);
	/* The server dislikes the request itself: the same key would be
	 * refused for ever. Any other refusal keeps it, since an answer that
	 * got lost may have certified it. */
	if (ret == CAMCA_EPOLICY && (c->why.http == 400 ||
	    c->why.http == 422) && install_pending_drop(c->in) < 0)
		log_msg(LOG_WARN, NULL, "pending key cannot be removed");
	return ret;
}

/* Verifies the new certificate, at its own beginning where our clock is a
 * little behind the server's, and installs it. */
static enum renew_exit
fetch_install(struct fetch *f, struct install_pair *p,
    STACK_OF(X509) *bag)
{
	struct cycle *c = f->c;
	int64_t at = c->now_ms, begin = at;
	struct tm tm;
	int ret;

	if (ASN1_TIME_to_tm(X509_get0_notBefore(p->cert), &tm) == 1)
		begin = (int64_t)timegm(&tm) * 1000;
	if (begin > at && begin - at < FETCH_SKEW_MS)
		at = begin;
	if (X509_add_certs(bag, f->helpers, X509_ADD_FLAG_UP_REF |
	    X509_ADD_FLAG_NO_DUP) != 1)
		return RENEW_RETRY;
	ret = trust_verify(&p->chain, f->anchors, bag, p->cert, at, &c->why);
	if (ret < 0)
		return fetch_exit(ret);
	ret = install_switch(c->in, p, c->cfg->key.uri, &c->why);
	if (ret < 0)
		return RENEW_INSTALL;
	if (install_pending_drop(c->in) < 0)
		log_msg(LOG_WARN, NULL, "pending key cannot be removed");
	return RENEW_DONE;
}

/* The new pair takes the place of the old one in the cycle only when it has
 * done so on disk. */
static enum renew_exit
fetch_certificate(struct fetch *f)
{
	struct cycle *c = f->c;
	STACK_OF(X509) *bag = NULL;
	struct install_pair p = { 0 };
	enum renew_exit code;
	int ret;

	if ((ret = fetch_key(f, &p.key)) == CAMCA_OK)
		ret = fetch_enroll(f, p.key, &p.cert, &bag);
	code = ret == CAMCA_OK ? fetch_install(f, &p, bag) : fetch_exit(ret);
	bag_free(bag);
	if (code != RENEW_DONE) {
		install_pair_fini(&p);
		return code;
	}
	install_pair_fini(&c->pair);
	c->pair = p;
	c->has_pair = true;
	return RENEW_DONE;
}

enum renew_exit
fetch_pair(struct cycle *c, bool again)
{
	struct renew_config *cfg = c->cfg;
	struct fetch f = { .c = c, .again = again };
	enum renew_exit code;
	int ret;

	csrattrs_init(&f.wish);
	buf_init(&f.auth, 0);
	f.est.conn_config = (struct conn_config){ .url = &cfg->url,
	    .connect_to = cfg->connect_to, .tls_max = cfg->tls_max,
	    .timeout_ms = cfg->timeout_ms, .now_ms = c->now_ms };
	code = fetch_anchors(&f);
	f.est.conn_config.trust = f.store;
	if (code == RENEW_DONE)
		code = fetch_identity(&f);
	if (code == RENEW_DONE)
		code = fetch_cacerts(&f);
	f.est.conn_config.trust = f.store;
	if (code == RENEW_DONE) {
		ret = est_csrattrs(&f.est, &f.wish, &c->why);
		code = ret == CAMCA_OK ? RENEW_DONE : fetch_exit(ret);
	}
	if (code == RENEW_DONE)
		code = fetch_certificate(&f);
	fetch_fini(&f);
	ERR_clear_error();
	return code;
}
