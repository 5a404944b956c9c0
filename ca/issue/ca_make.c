/* SPDX-License-Identifier: Apache-2.0 */
#include <openssl/err.h>
#include <stdlib.h>
#include <string.h>

#include "ca/base/auto.h"
#include "ca/base/log.h"
#include "ca/issue/ca.h"
#include "ca/issue/cert.h"
#include "ca/issue/cert_ext.h"

#define CA_KEY_USAGE (KU_KEY_CERT_SIGN | KU_CRL_SIGN)

/* One CA certificate: whose key and name, signed by whom. */
struct ca_plan {
	const struct camca_ctx *ctx;
	const X509_NAME *subject;
	EVP_PKEY *key;
	X509 *signer;                /* NULL: self-signed */
	struct hsm_key *signer_key;
	int pathlen;                 /* -1: none */
	int64_t not_before_ms, not_after_ms;
	const char *crl_url, *issuer_url, *ocsp_url;
};

/* A key made for a CA and what comes of it. */
struct ca_new {
	char *uri;
	struct hsm_key *key;
	EVP_PKEY *pub;
	X509 *cert, *old_with_new, *new_with_old;
};

static void
ca_new_fini(struct ca_new *n)
{
	X509_free(n->cert);
	X509_free(n->old_with_new);
	X509_free(n->new_with_old);
	EVP_PKEY_free(n->pub);
	hsm_key_free(n->key);
	free(n->uri);
}

static int
ca_new_key(struct hsm *h, enum hsm_key_type type, const char *name,
    int64_t generation, struct ca_new *n, struct refusal *why)
{
	char label[128];
	int ret;

	snprintf(label, sizeof label, "camca-%s-g%lld", name,
	    (long long)generation);
	ret = hsm_generate(h, type, label, &n->uri, why);
	if (ret == 0)
		ret = hsm_key_open(h, n->uri, &n->key, why);
	if (ret == 0 && (n->pub = hsm_key_public(n->key)) == NULL)
		ret = CAMCA_EHSM;
	if (ret < 0)
		log_msg(LOG_ERROR, name, "no CA key made: %s",
		    camca_strerror(ret));
	return refuse_default(why, ret);
}

static int
ca_fill(X509 *cert, const struct ca_plan *p)
{
	uint8_t serial[20];
	int64_t now_ms = ctx_now_ms(p->ctx);
	int ret = cert_serial(p->ctx, now_ms, serial);

	if (ret < 0)
		return ret;
	if (cert_set_basics(cert, serial, p->not_before_ms,
	    p->not_after_ms) < 0 ||
	    X509_set_subject_name(cert, p->subject) != 1 ||
	    X509_set_issuer_name(cert, p->signer != NULL ?
	    X509_get_subject_name(p->signer) : p->subject) != 1 ||
	    X509_set_pubkey(cert, p->key) != 1 ||
	    cert_add_bc(cert, true, p->pathlen) < 0 ||
	    cert_add_ku(cert, CA_KEY_USAGE) < 0 || cert_add_ski(cert) < 0)
		return CAMCA_ECRYPTO;
	/* Generations share a name: the key identifier is what tells a path
	 * builder which of them signed (RFC 5280 4.2.1.1). */
	if (p->signer != NULL &&
	    cert_add_aki(cert, X509_get0_subject_key_id(p->signer)) < 0)
		return CAMCA_ECRYPTO;
	if (cert_add_cdp(cert, p->crl_url) < 0 ||
	    cert_add_aia(cert, p->issuer_url, p->ocsp_url) < 0)
		return CAMCA_ECRYPTO;
	return CAMCA_OK;
}

static int
ca_sign(const struct ca_plan *p, X509 **out, struct refusal *why)
{
	AUTO(X509) *cert = X509_new();
	AUTO(X509) *again = NULL;
	EVP_PKEY *by = p->signer != NULL ? X509_get0_pubkey(p->signer) : p->key;
	int ret;

	if (cert == NULL || ca_fill(cert, p) < 0)
		return cert_failed("building a CA certificate", why);
	ret = hsm_sign_cert(p->signer_key, cert);
	if (ret < 0) {
		log_msg(LOG_ERROR, "ca", "CA certificate not signed: %s",
		    camca_strerror(ret));
		return refuse_default(why, ret);
	}
	/* From here on it is what clients will see: decoded from its own DER,
	 * and never with a signature that a broken token got wrong. */
	again = X509_dup(cert);
	if (again == NULL || X509_verify(again, by) != 1) {
		log_openssl("ca", "the token's signature does not verify");
		return refuse(why, CAMCA_EHSM, 503, "ca.bad-signature",
		    "The token signed a CA certificate wrongly.");
	}
	*out = TAKE(again);
	return CAMCA_OK;
}

static int
ca_blob_der(X509 *cert, struct store_blob *out)
{
	unsigned char *p;
	int n;

	if (cert == NULL)
		return CAMCA_OK;
	n = i2d_X509(cert, NULL);
	if (n <= 0 || (out->p = malloc((size_t)n)) == NULL)
		return CAMCA_ENOMEM;
	p = out->p;
	out->n = (size_t)n;
	return i2d_X509(cert, &p) == n ? CAMCA_OK : CAMCA_ENOMEM;
}

static int
ca_row(const struct ca_new *n, const char *name, int64_t generation,
    int64_t parent, int64_t now_ms, struct issuer_row *out)
{
	struct issuer_row r = { .generation = generation, .parent = parent,
	    .state = ISSUER_ACTIVE, .created_ms = now_ms };

	if (strlen(name) >= sizeof r.name || strlen(n->uri) >= sizeof r.key_uri)
		return CAMCA_ELIMIT;
	memcpy(r.name, name, strlen(name) + 1);
	memcpy(r.key_uri, n->uri, strlen(n->uri) + 1);
	if (cert_key_id(n->cert, r.ski) < 0 ||
	    ca_blob_der(n->cert, &r.cert) < 0 ||
	    ca_blob_der(n->old_with_new, &r.old_with_new) < 0 ||
	    ca_blob_der(n->new_with_old, &r.new_with_old) < 0) {
		store_issuer_free(&r);
		return CAMCA_ENOMEM;
	}
	*out = r;
	return CAMCA_OK;
}

static int
ca_check_urls(const struct ca_plan *p, struct refusal *why)
{
	const char *urls[] = { p->crl_url, p->issuer_url, p->ocsp_url };

	for (size_t i = 0; i < sizeof urls / sizeof urls[0]; i++)
		if (urls[i] != NULL && !cert_uri_valid(urls[i]))
			return refuse(why, CAMCA_EINVAL, 400, "ca.url",
			    "%s is no absolute address for a certificate.",
			    urls[i]);
	return CAMCA_OK;
}

/* Names as UTF8String: Vietnamese ones too. RFC 5280 appendix A bounds them. */
static int
ca_subject(const struct ca_spec *spec, X509_NAME **out, struct refusal *why)
{
	AUTO(X509_NAME) *name = X509_NAME_new();

	if (name == NULL)
		return cert_failed("CA name", why);
	if (spec->name[0] == '\0' || strlen(spec->name) > 32 ||
	    strspn(spec->name, "abcdefghijklmnopqrstuvwxyz0123456789-") !=
	    strlen(spec->name))
		return refuse(why, CAMCA_EINVAL, 400, "ca.name",
		    "A CA's short name has 1 to 32 of a-z, 0-9 and '-'.");
	if (X509_NAME_add_entry_by_NID(name, NID_organizationName,
	    MBSTRING_UTF8, (const unsigned char *)spec->organization, -1, -1,
	    0) != 1 ||
	    X509_NAME_add_entry_by_NID(name, NID_commonName, MBSTRING_UTF8,
	    (const unsigned char *)spec->common_name, -1, -1, 0) != 1) {
		ERR_clear_error();
		return refuse(why, CAMCA_EINVAL, 400, "ca.subject",
		    "Organization and common name of CA %s need 1 to 64 "
		    "characters of UTF-8 each.",
		    spec->name);
	}
	*out = TAKE(name);
	return CAMCA_OK;
}

int
ca_make(struct hsm *h, const struct camca_ctx *ctx, const struct ca_spec *spec,
    const struct ca *parent, const char *crl_url, const char *issuer_url,
    const char *ocsp_url, struct issuer_row *out_row, struct refusal *why)
{
	struct ca_plan p = { .ctx = ctx, .pathlen = parent != NULL ? 0 : -1,
	    .crl_url = crl_url, .issuer_url = issuer_url,
	    .ocsp_url = ocsp_url };
	struct ca_new n = { 0 };
	AUTO(X509_NAME) *subject = NULL;
	int64_t now_ms = ctx_now_ms(ctx);
	int ret;

	ret = ca_check_urls(&p, why);
	if (ret == 0)
		ret = ca_subject(spec, &subject, why);
	if (ret == 0)
		ret = cert_window(parent != NULL ? parent->cert : NULL, now_ms,
		    spec->validity_ms, &p.not_before_ms, &p.not_after_ms, why);
	if (ret == 0)
		ret = ca_new_key(h, spec->key, spec->name, 1, &n, why);
	if (ret == 0) {
		p.subject = subject;
		p.key = n.pub;
		p.signer = parent != NULL ? parent->cert : NULL;
		p.signer_key = parent != NULL ? parent->key : n.key;
		ret = ca_sign(&p, &n.cert, why);
	}
	if (ret == 0)
		ret = ca_row(&n, spec->name, 1,
		    parent != NULL ? parent->row.id : 0, now_ms, out_row);
	ca_new_fini(&n);
	return refuse_default(why, ret);
}

static int
ca_check_next(const struct ca *cur, int64_t now_ms, int64_t not_after_ms,
    struct refusal *why)
{
	if (cur->row.state != ISSUER_ACTIVE)
		return refuse(why, CAMCA_ECONFLICT, 409, "ca.not-active",
		    "Generation %lld of CA %s is not the active one.",
		    (long long)cur->row.generation, cur->row.name);
	if (now_ms >= cur->not_after_ms)
		return refuse(why, CAMCA_EPOLICY, 409, "ca.expired",
		    "CA %s has expired: nothing can be rolled over from it.",
		    cur->row.name);
	/* Else OldWithNew would end before the certificates that need it. */
	if (not_after_ms < cur->not_after_ms)
		return refuse(why, CAMCA_EPOLICY, 409, "ca.next-too-short",
		    "The next generation of CA %s must not expire before this "
		    "one.",
		    cur->row.name);
	return CAMCA_OK;
}

/* The two self-issued certificates that join both generations (RFC 4210 4.4.1,
 * RFC 9810 4.4.1). Being self-issued they do not count against a pathLen of 0
 * (RFC 5280 6.1.4 (l)). They carry no CDP: CRLs of the CA are found by name and
 * key identifier. */
static int
ca_rollover(const struct ca_plan *own, const struct ca *cur, struct ca_new *n,
    struct refusal *why)
{
	struct ca_plan p = *own;
	int ret;

	p.crl_url = p.issuer_url = p.ocsp_url = NULL;
	p.key = X509_get0_pubkey(cur->cert);
	p.signer = n->cert;
	p.signer_key = n->key;
	p.not_before_ms = cur->not_before_ms;
	p.not_after_ms = cur->not_after_ms;
	ret = ca_sign(&p, &n->old_with_new, why);
	if (ret < 0)
		return ret;
	p.key = n->pub;
	p.signer = cur->cert;
	p.signer_key = cur->key;
	p.not_before_ms = own->not_before_ms > cur->not_before_ms ?
	    own->not_before_ms : cur->not_before_ms;
	return ca_sign(&p, &n->new_with_old, why);
}

int
ca_make_next(struct hsm *h, const struct camca_ctx *ctx, const struct ca *cur,
    const struct ca *root, enum hsm_key_type key, int64_t validity_ms,
    const char *crl_url, const char *issuer_url, const char *ocsp_url,
    struct issuer_row *out_row, struct refusal *why)
{
	const struct ca *parent = cur->row.parent != 0 ? root : NULL;
	int64_t generation = cur->row.generation + 1, now_ms = ctx_now_ms(ctx);
	struct ca_plan p = { .ctx = ctx, .pathlen = parent != NULL ? 0 : -1,
	    .subject = X509_get_subject_name(cur->cert), .crl_url = crl_url,
	    .issuer_url = issuer_url, .ocsp_url = ocsp_url };
	struct ca_new n = { 0 };
	int ret;

	ret = ca_check_urls(&p, why);
	if (ret == 0)
		ret = cert_window(parent != NULL ? parent->cert : NULL, now_ms,
		    validity_ms, &p.not_before_ms, &p.not_after_ms, why);
	if (ret == 0)
		ret = ca_check_next(cur, now_ms, p.not_after_ms, why);
	if (ret == 0)
		ret = ca_new_key(h, key, cur->row.name, generation, &n, why);
	if (ret == 0) {
		p.key = n.pub;
		p.signer = parent != NULL ? parent->cert : NULL;
		p.signer_key = parent != NULL ? parent->key : n.key;
		ret = ca_sign(&p, &n.cert, why);
	}
	if (ret == 0)
		ret = ca_rollover(&p, cur, &n, why);
	if (ret == 0)
		ret = ca_row(&n, cur->row.name, generation,
		    parent != NULL ? parent->row.id : 0, now_ms, out_row);
	ca_new_fini(&n);
	return refuse_default(why, ret);
}
