/* SPDX-License-Identifier: Apache-2.0 */
/* The authority's own CAs: list, rollover, certificates. */
#include <openssl/x509.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "ca/authority/ops.h"
#include "ca/base/auto.h"
#include "ca/base/enc.h"
#include "ca/base/log.h"

static enum hsm_key_type
ca_key_type(const struct ca *ca)
{
	AUTO(EVP_PKEY) *k = X509_get_pubkey(ca->cert);
	int bits = k != NULL ? EVP_PKEY_get_bits(k) : 0;

	if (k != NULL && EVP_PKEY_is_a(k, "RSA"))
		return bits >= 4096 ? HSM_RSA_4096 : bits >= 3072 ?
		    HSM_RSA_3072 : HSM_RSA_2048;
	return bits > 256 ? HSM_EC_P384 : HSM_EC_P256;
}

/* last_ms: when the last of its certificates ends, 0: it has issued none. A
 * root's are those of other authorities, which are rows of this list. */
static json_t *
ca_json(const struct ca_set *set, const struct ca *ca, int64_t last_ms)
{
	AUTO(BIO) *b = BIO_new(BIO_s_mem());
	const struct ca *parent = ca_by_id(set, ca->row.parent);
	char *subject = NULL;
	long n = 0;
	json_t *o;

	/* RFC 4514 order and quoting, but UTF-8 as it is. */
	if (b != NULL && X509_NAME_print_ex(b,
	    X509_get_subject_name(ca->cert), 0,
	    XN_FLAG_RFC2253 & ~ASN1_STRFLGS_ESC_MSB) >= 0)
		n = BIO_get_mem_data(b, &subject);
	o = json_pack("{s:s, s:I, s:s, s:s%, s:s, s:s}", "name", ca->row.name,
	    "generation", (json_int_t)ca->row.generation, "state",
	    ca->row.state == ISSUER_ACTIVE ? "active" : "old", "subject",
	    n > 0 ? subject : "", n > 0 ? (size_t)n : 0, "key",
	    hsm_key_type_name(ca_key_type(ca)), "parent",
	    parent != NULL ? parent->row.name : "");
	if (o != NULL) {
		json_set_hex(o, "ski", ca->row.ski, sizeof ca->row.ski);
		json_set_time(o, "not_before", ca->not_before_ms);
		json_set_time(o, "not_after", ca->not_after_ms);
		json_set_time(o, "last_expiry", parent != NULL ? last_ms : 0);
	}
	return o;
}

struct ca_list {
	struct ca_set *set;
	json_t *items;
};

static int
ca_list_tx(struct tx *tx, void *arg)
{
	struct ca_list *x = arg;
	int64_t last;
	size_t i;
	int ret;

	json_array_clear(x->items);
	for (i = 0; i < x->set->n; i++) {
		ret = store_cert_last_expiry(tx, x->set->list[i].row.id,
		    &last);
		if (ret < 0)
			return ret;
		if (json_array_append_new(x->items, ca_json(x->set,
		    &x->set->list[i], last)) != 0)
			return CAMCA_ENOMEM;
	}
	return CAMCA_OK;
}

int
op_ca_list(struct op_call *c)
{
	struct ca_list x = { authority_cas(c->a), json_array() };
	int ret = store_tx(c->a->store, DB_READ, ca_list_tx, &x);

	authority_cas_put(c->a, x.set);
	if (ret < 0) {
		json_decref(x.items);
		return ret;
	}
	c->result = json_pack("{s:o}", "items", x.items);
	return c->result != NULL ? CAMCA_OK : CAMCA_ENOMEM;
}

/* The generation that argument "ski" names; borrowed from set, or NULL. */
static const struct ca *
ca_arg(struct op_call *c, const struct ca_set *set)
{
	const struct ca *ca = NULL;
	uint8_t ski[20];

	if (dec_hex(ski, sizeof ski, arg_text(c, "ski")) == CAMCA_OK)
		ca = ca_by_ski(set, ski);
	if (ca == NULL)
		refuse(&c->why, CAMCA_ENOENT, 404, "ca.unknown",
		    "There is no CA with this key identifier.");
	return ca;
}

int
op_ca_certificate(struct op_call *c)
{
	struct ca_set *set = authority_cas(c->a);
	const struct ca *ca = ca_arg(c, set);
	int ret = CAMCA_ENOENT;

	if (ca != NULL) {
		c->result = json_object();
		json_set_base64(c->result, "der", ca->row.cert.p,
		    ca->row.cert.n);
		ret = CAMCA_OK;
	}
	authority_cas_put(c->a, set);
	return ret;
}

struct rollover {
	struct op_call *c;
	const struct ca *cur;
	const char *key_type;
	struct issuer_row row;
};

static int
rollover_tx(struct tx *tx, void *arg)
{
	struct rollover *x = arg;
	AUTO(X509) *cert = NULL;
	const unsigned char *p = x->row.cert.p;
	uint8_t hash[32];
	struct event e;
	int ret;

	cert = d2i_X509(NULL, &p, (long)x->row.cert.n);
	if (cert == NULL ||
	    X509_digest(cert, EVP_sha256(), hash, NULL) != 1)
		return CAMCA_ECRYPTO;
	if ((ret = store_issuer_set_state(tx, x->cur->row.id,
	    ISSUER_OLD)) < 0 || (ret = store_issuer_insert(tx, &x->row)) < 0)
		return ret;
	event_init(&e, &x->c->a->events, "ca.rollover", NULL,
	    x->c->caller->actor);
	event_add(&e, "ca", "%s", x->row.name);
	event_add(&e, "generation", "%lld", (long long)x->row.generation);
	event_add_hex(&e, "cert-sha256", hash, sizeof hash);
	event_add_hex(&e, "ski", x->row.ski, sizeof x->row.ski);
	event_add_hex(&e, "old-ski", x->cur->row.ski, sizeof x->cur->row.ski);
	event_add(&e, "key-type", "%s", x->key_type);
	return event_put(tx, &e);
}

static int
rollover_run(struct op_call *c, const struct ca_set *set)
{
	const char *name = arg_text(c, "name"), *key = arg_text(c, "key");
	struct rollover x = { .c = c, .cur = ca_active(set, name) };
	const struct ca *root = ca_root(set);
	char crl_url[400], issuer_url[400], ocsp_url[400];
	enum hsm_key_type type;
	int ret;

	if (x.cur == NULL || x.cur->row.parent == 0)
		return refuse(&c->why, CAMCA_ENOENT, 404, "ca.unknown",
		    "There is no issuing CA '%s'.", name);
	type = ca_key_type(x.cur);
	if (key != NULL && (hsm_key_type_parse(key, &type) < 0 ||
	    !hsm_key_type_is_ca(type)))
		return refuse(&c->why, CAMCA_EINVAL, 400, "ca.key-type",
		    "There is no key type '%s': ec-p256, ec-p384, rsa-2048, "
		    "rsa-3072 or rsa-4096.", key);
	x.key_type = hsm_key_type_name(type);
	authority_urls(c->a, root, crl_url, issuer_url, ocsp_url);
	ret = ca_make_next(c->a->hsm, c->a->ctx, x.cur, root, type,
	    x.cur->not_after_ms - x.cur->not_before_ms, crl_url, issuer_url,
	    ocsp_url, &x.row, &c->why);
	/* As at the ceremony: the key first, then its certificate. */
	if (ret == CAMCA_OK) {
		sync();
		ret = store_tx(c->a->store, DB_WRITE, rollover_tx, &x);
	}
	if (ret == CAMCA_OK) {
		log_msg(LOG_NOTE, name, "generation %lld takes over",
		    (long long)x.row.generation);
		c->result = json_pack("{s:s, s:I}", "name", name, "generation",
		    (json_int_t)x.row.generation);
		json_set_hex(c->result, "ski", x.row.ski, sizeof x.row.ski);
	}
	store_issuer_free(&x.row);
	return ret;
}

int
ca_change(struct op_call *c,
    int (*run)(struct op_call *c, const struct ca_set *set))
{
	struct ca_set *set;
	int ret;

	pthread_mutex_lock(&c->a->rollover);
	/* Read anew: if that failed after the last change, we still sign with
	 * the CAs before. */
	ret = authority_load_cas(c->a, &c->why);
	if (ret == CAMCA_OK) {
		set = authority_cas(c->a);
		ret = run(c, set);
		authority_cas_put(c->a, set);
	}
	if (ret == CAMCA_OK)
		ret = authority_load_cas(c->a, &c->why);
	pthread_mutex_unlock(&c->a->rollover);
	return ret;
}

int
op_ca_rollover(struct op_call *c)
{
	return ca_change(c, rollover_run);
}
