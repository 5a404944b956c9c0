/* SPDX-License-Identifier: Apache-2.0 */
/* The ceremony: keys in the HSM, root and issuing CAs, all of it recorded in
 * one transaction. A run that was cut short can be run again. */
#include <openssl/x509.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "ca/authority/custody.h"
#include "ca/base/auto.h"
#include "ca/base/log.h"
#include "ca/issue/cert.h"

#define INIT_ROOT_LIFE_MS (25LL * 365 * 86400000)
#define INIT_ISSUING_LIFE_MS (10LL * 365 * 86400000)
#define INIT_CAS_MAX 3

struct init {
	struct authority *a;
	const struct init_options *o;
	struct issuer_row rows[INIT_CAS_MAX];
	X509 *certs[INIT_CAS_MAX];
	const char *types[INIT_CAS_MAX];
	size_t n;
};

static int
init_cert(struct init *x, size_t k)
{
	const unsigned char *p = x->rows[k].cert.p;

	x->certs[k] = d2i_X509(NULL, &p, (long)x->rows[k].cert.n);
	return x->certs[k] != NULL ? CAMCA_OK : CAMCA_ECRYPTO;
}

static int
init_root(struct init *x, struct refusal *why)
{
	char cn[256];
	struct ca_spec spec = {
		.name = "root", .organization = x->a->conf.organization,
		.common_name = cn, .key = HSM_EC_P384,
		.validity_ms = INIT_ROOT_LIFE_MS,
	};
	int ret;

	snprintf(cn, sizeof cn, "%.40s Camera Root CA",
	    x->a->conf.organization);
	ret = ca_make(x->a->hsm, x->a->ctx, &spec, NULL, NULL, NULL, NULL,
	    &x->rows[0], why);
	if (ret < 0)
		return ret;
	x->types[0] = hsm_key_type_name(spec.key);
	x->n = 1;
	return init_cert(x, 0);
}

static int
init_issuing(struct init *x, const struct ca *root, const char *name,
    const char *what, enum hsm_key_type type, struct refusal *why)
{
	char cn[256], crl_url[400], issuer_url[400], ocsp_url[400];
	struct ca_spec spec = {
		.name = name, .organization = x->a->conf.organization,
		.common_name = cn, .key = type,
		.validity_ms = INIT_ISSUING_LIFE_MS,
	};
	int ret;

	snprintf(cn, sizeof cn, "%.36s Camera %s CA",
	    x->a->conf.organization, what);
	authority_urls(x->a, root, crl_url, issuer_url, ocsp_url);
	ret = ca_make(x->a->hsm, x->a->ctx, &spec, root, crl_url, issuer_url,
	    ocsp_url, &x->rows[x->n], why);
	if (ret < 0)
		return ret;
	x->types[x->n] = hsm_key_type_name(type);
	return init_cert(x, x->n++);
}

static int
init_make_cas(struct init *x, struct refusal *why)
{
	struct ca root = { 0 };
	int ret = init_root(x, why);

	if (ret < 0)
		return ret;
	root.row = x->rows[0];
	root.cert = x->certs[0];
	ret = cert_times(root.cert, &root.not_before_ms, &root.not_after_ms);
	if (ret == CAMCA_OK)
		ret = hsm_key_open(x->a->hsm, x->rows[0].key_uri, &root.key,
		    why);
	if (ret == CAMCA_OK)
		ret = init_issuing(x, &root, "ec", "EC Issuing", HSM_EC_P256,
		    why);
	if (ret == CAMCA_OK && x->o->rsa)
		ret = init_issuing(x, &root, "rsa", "RSA Issuing",
		    HSM_RSA_3072, why);
	hsm_key_free(root.key);
	return ret;
}

static int
init_event_ca(struct tx *tx, struct init *x, size_t k)
{
	uint8_t hash[32];
	struct event e;

	if (X509_digest(x->certs[k], EVP_sha256(), hash, NULL) != 1)
		return CAMCA_ECRYPTO;
	event_init(&e, &x->a->events, k == 0 ? "ceremony.init" : "ca.created",
	    NULL, "ceremony");
	if (k > 0) {
		event_add(&e, "ca", "%s", x->rows[k].name);
		event_add(&e, "generation", "1");
		event_add(&e, "key-type", "%s", x->types[k]);
	}
	event_add_hex(&e, "cert-sha256", hash, sizeof hash);
	event_add_hex(&e, "ski", x->rows[k].ski, sizeof x->rows[k].ski);
	if (k == 0)
		event_add(&e, "version", "%s", CAMCA_VERSION);
	return event_put(tx, &e);
}

static int
init_tx(struct tx *tx, void *arg)
{
	struct init *x = arg;
	int64_t root = 0;
	size_t k;
	int ret;

	for (k = 0; k < x->n; k++) {
		x->rows[k].parent = root;
		if ((ret = store_issuer_insert(tx, &x->rows[k])) < 0 ||
		    (ret = init_event_ca(tx, x, k)) < 0)
			return ret;
		if (k == 0)
			root = x->rows[0].id;
	}
	return store_meta_set(tx, "initialized", "1");
}

static int
init_known_tx(struct tx *tx, void *arg)
{
	char text[8];

	(void)arg;
	return store_meta_get(tx, "initialized", text, sizeof text);
}

static int
init_ceremony(struct authority *a, const struct init_options *o,
    struct refusal *why)
{
	struct init x = { .a = a, .o = o };
	size_t k;
	int ret;

	ret = store_tx(a->store, DB_READ, init_known_tx, NULL);
	if (ret == CAMCA_OK)
		return refuse(why, CAMCA_ECONFLICT, 409, "init.done",
		    "This state folder has had its ceremony already.");
	if (ret != CAMCA_ENOENT)
		return ret;
	ret = init_make_cas(&x, why);
	/* SoftHSM leaves new key files to the page cache: no certificate may be
	 * on record whose key a power cut could take. */
	if (ret == CAMCA_OK) {
		sync();
		ret = store_tx(a->store, DB_WRITE, init_tx, &x);
	}
	for (k = 0; k < INIT_CAS_MAX; k++) {
		X509_free(x.certs[k]);
		store_issuer_free(&x.rows[k]);
	}
	return ret;
}

int
authority_init(struct authority *a, const struct init_options *o,
    struct refusal *why)
{
	struct policies *p = NULL;
	int ret;

	pthread_mutex_init(&a->lock, NULL);
	pthread_mutex_init(&a->rollover, NULL);
	a->events.ctx = a->ctx;
	a->events.node = a->conf.node;
	/* A mistake in the policies is better found before the keys are made. */
	if ((ret = policies_read(a->conf.policies, &p, why)) < 0)
		return ret;
	policies_free(p);
	if ((ret = authority_open_store(a, true, why)) < 0 ||
	    (ret = authority_open_hsm(a, why)) < 0)
		return ret;
	if ((ret = init_ceremony(a, o, why)) < 0)
		return ret;
	authority_log_keys(a);
	return authority_open_vault(a);
}
