/* SPDX-License-Identifier: Apache-2.0 */
/* The gate's own TLS certificate: key made by the gate, names from the
 * settings, never from the gate. */
#include <arpa/inet.h>
#include <openssl/pem.h>
#include <string.h>

#include "ca/authority/ops.h"
#include "ca/base/auto.h"
#include "ca/base/log.h"
#include "ca/issue/cert.h"
#include "ca/issue/csr.h"

#define GATE_PROFILE "gate-server"

struct gate {
	struct op_call *c;
	const struct policies *pol;
	const struct ca_set *cas;
	const struct profile *profile;
	const struct ca *ca;
	struct csr csr;
	X509 *cert;
	struct cert_row row;
};

static int
gate_san_add(GENERAL_NAMES *san, const char *name)
{
	GENERAL_NAME *g = GENERAL_NAME_new();
	ASN1_OCTET_STRING *ip = a2i_IPADDRESS(name);
	ASN1_IA5STRING *dns = NULL;

	if (g == NULL)
		goto fail;
	if (ip != NULL) {
		GENERAL_NAME_set0_value(g, GEN_IPADD, ip);
		ip = NULL;
	} else {
		dns = ASN1_IA5STRING_new();
		if (dns == NULL || ASN1_STRING_set(dns, name, -1) != 1)
			goto fail;
		GENERAL_NAME_set0_value(g, GEN_DNS, dns);
		dns = NULL;
	}
	if (sk_GENERAL_NAME_push(san, g) <= 0)
		goto fail;
	return CAMCA_OK;
fail:
	ASN1_STRING_free(dns);
	ASN1_STRING_free(ip);
	GENERAL_NAME_free(g);
	return CAMCA_ENOMEM;
}

static int
gate_names(const struct config *conf, X509_NAME **subject, GENERAL_NAMES **san)
{
	size_t i;
	int ret;

	*subject = X509_NAME_new();
	*san = GENERAL_NAMES_new();
	if (*subject == NULL || *san == NULL ||
	    X509_NAME_add_entry_by_NID(*subject, NID_organizationName,
	    MBSTRING_UTF8, (const unsigned char *)conf->organization, -1, -1,
	    0) != 1 ||
	    X509_NAME_add_entry_by_NID(*subject, NID_commonName, MBSTRING_UTF8,
	    (const unsigned char *)"camca-gate", -1, -1, 0) != 1)
		return CAMCA_ENOMEM;
	for (i = 0; i < conf->nnames; i++) {
		ret = gate_san_add(*san, conf->names[i]);
		if (ret < 0)
			return ret;
	}
	return CAMCA_OK;
}

static int
gate_build(struct gate *g, int64_t now)
{
	AUTO(X509_NAME) *subject = NULL;
	AUTO(GENERAL_NAMES) *san = NULL;
	char crl_url[400], issuer_url[400], ocsp_url[400];
	struct cert_plan plan;
	int ret, len;

	if ((ret = gate_names(&g->c->a->conf, &subject, &san)) < 0 ||
	    (ret = cert_serial(g->c->a->ctx, now, g->row.serial)) < 0)
		return ret;
	authority_urls(g->c->a, g->ca, crl_url, issuer_url, ocsp_url);
	plan = (struct cert_plan){
		.profile = g->profile, .issuer = g->ca->cert,
		.key = g->csr.key, .subject = subject, .san = san,
		.serial = g->row.serial, .now_ms = now, .crl_url = crl_url,
		.issuer_url = issuer_url, .ocsp_url = ocsp_url,
	};
	if ((ret = cert_build(&plan, &g->cert, &g->c->why)) < 0 ||
	    (ret = hsm_sign_cert(g->ca->key, g->cert)) < 0 ||
	    (ret = cert_times(g->cert, &g->row.not_before_ms,
	    &g->row.not_after_ms)) < 0)
		return ret;
	if ((len = i2d_X509(g->cert, &g->row.der.p)) <= 0)
		return CAMCA_ENOMEM;
	g->row.der.n = (size_t)len;
	g->row.issuer = g->ca->row.id;
	memcpy(g->row.profile, g->profile->name, sizeof g->row.profile);
	memcpy(g->row.spki, g->csr.spki, sizeof g->row.spki);
	g->row.reason = -1;
	g->row.created_ms = now;
	return CAMCA_OK;
}

static int
gate_tx(struct tx *tx, void *arg)
{
	struct gate *g = arg;
	uint8_t hash[32];
	struct event e;
	int ret = store_cert_insert(tx, &g->row);

	if (ret < 0)
		return ret;
	if (EVP_Digest(g->row.der.p, g->row.der.n, hash, NULL, EVP_sha256(),
	    NULL) != 1)
		return CAMCA_ECRYPTO;
	event_init(&e, &g->c->a->events, "gate.certified", NULL,
	    g->c->caller->actor);
	event_add_hex(&e, "cert-sha256", hash, sizeof hash);
	event_add_hex(&e, "serial", g->row.serial, sizeof g->row.serial);
	event_add_hex(&e, "issuer-ski", g->ca->row.ski, sizeof g->ca->row.ski);
	event_add(&e, "profile", "%s", g->profile->name);
	event_add(&e, "policy", "%s", g->pol->hex);
	event_add_hex(&e, "spki", g->row.spki, sizeof g->row.spki);
	return event_put(tx, &e);
}

static int
gate_answer(struct gate *g)
{
	const struct ca *root = ca_root(g->cas);
	AUTO(BIO) *b = BIO_new(BIO_s_mem());
	AUTO(BIO) *r = BIO_new(BIO_s_mem());
	struct buf chain;
	char *leaf, *root_pem;
	long n, rn;
	int ret = CAMCA_ENOMEM;

	buf_init(&chain, 0);
	if (b != NULL && r != NULL && PEM_write_bio_X509(b, g->cert) == 1 &&
	    PEM_write_bio_X509(r, root->cert) == 1) {
		n = BIO_get_mem_data(b, &leaf);
		rn = BIO_get_mem_data(r, &root_pem);
		ret = buf_put(&chain, leaf, (size_t)n);
		if (ret == CAMCA_OK)
			ret = ca_chain_pem(g->cas, g->ca, &chain);
		if (ret == CAMCA_OK)
			g->c->result = json_pack("{s:s%, s:s%}", "chain",
			    buf_str(&chain), chain.len, "root", root_pem,
			    (size_t)rn);
	}
	buf_fini(&chain);
	if (ret == CAMCA_OK && g->c->result == NULL)
		ret = CAMCA_ENOMEM;
	if (ret == CAMCA_OK) {
		json_set_time(g->c->result, "not_before", g->row.not_before_ms);
		json_set_time(g->c->result, "not_after", g->row.not_after_ms);
	}
	return ret;
}

static int
gate_certify(struct gate *g)
{
	struct op_call *c = g->c;
	struct buf der;
	int64_t now;
	int ret;

	g->profile = profile_by_name(&g->pol->profiles, GATE_PROFILE);
	if (g->profile == NULL || g->profile->kind != -1)
		return refuse(&c->why, CAMCA_EPOLICY, 403, "gate.profile",
		    "There is no profile '" GATE_PROFILE "' of the authority's "
		    "own.");
	g->ca = ca_active(g->cas, g->profile->issuer);
	if (g->ca == NULL)
		return refuse(&c->why, CAMCA_EPOLICY, 403, "gate.issuer",
		    "The issuing CA '%s' does not exist here.",
		    g->profile->issuer);
	buf_init(&der, CSR_MAX_BYTES + 1);
	ret = arg_base64(c, "csr", &der);
	if (ret == CAMCA_OK)
		ret = csr_parse(&g->csr, g->pol->keys, der.data, der.len,
		    &c->why);
	buf_fini(&der);
	if (ret < 0 || (ret = csr_check_key(&g->csr, g->pol->keys,
	    g->profile, &c->why)) < 0 || (ret = authority_now(c->a, &now, &c->why)) < 0 ||
	    (ret = gate_build(g, now)) < 0 ||
	    (ret = store_tx(c->a->store, DB_WRITE, gate_tx, g)) < 0)
		return ret;
	log_msg(LOG_NOTE, "gate", "TLS certificate issued");
	return gate_answer(g);
}

int
op_gate_certify(struct op_call *c)
{
	struct policies *pol = authority_policies(c->a);
	struct ca_set *cas = authority_cas(c->a);
	struct gate g = { .c = c, .pol = pol, .cas = cas };
	int ret = gate_certify(&g);

	csr_fini(&g.csr);
	X509_free(g.cert);
	store_cert_free(&g.row);
	authority_cas_put(c->a, cas);
	authority_policies_put(c->a, pol);
	return ret;
}
