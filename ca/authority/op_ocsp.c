/* SPDX-License-Identifier: Apache-2.0 */
/* OCSP: certificates for the gate's responder keys, and with ocsp.signer hsm
 * the signatures of answers. */
#include <openssl/evp.h>
#include <string.h>

#include "ca/authority/ops.h"
#include "ca/base/auto.h"
#include "ca/base/enc.h"
#include "ca/base/log.h"
#include "ca/issue/cert.h"
#include "ca/issue/csr.h"
#include "ca/issue/ocsp_cert.h"

struct ocsp_certify {
	struct op_call *c;
	const struct ca *ca;
	EVP_PKEY *key;
	bool own;                    /* the HSM's key, not a gate's */
	X509 *cert;
	struct cert_row row;
};

static int
ocsp_ca(struct op_call *c, const struct ca_set *cas, const struct ca **out)
{
	uint8_t ski[20];

	if (dec_hex(ski, sizeof ski, arg_text(c, "issuer")) < 0)
		return refuse(&c->why, CAMCA_EINVAL, 400, "ocsp.issuer",
		    "A key identifier has 40 hex digits.");
	*out = ca_by_ski(cas, ski);
	if (*out == NULL)
		return refuse(&c->why, CAMCA_ENOENT, 404, "ocsp.issuer",
		    "There is no such CA.");
	return CAMCA_OK;
}

/* Where answers are signed by the HSM, no other key may sign any: a gate that
 * was taken over must not be given one. */
static int
ocsp_key(struct ocsp_certify *x, const struct policies *pol)
{
	struct op_call *c = x->c;
	struct csr csr = { 0 };
	struct hsm_key *own;
	struct buf der;
	int ret;

	if (json_object_get(c->args, "csr") == NULL) {
		if (!c->a->conf.ocsp_hsm)
			return refuse(&c->why, CAMCA_EINVAL, 400, "ocsp.csr",
			    "A certificate request is missing: the setting "
			    "ocsp.signer is gate.");
		x->own = true;
		ret = ocsp_side_key(c->a, &own, &c->why);
		if (ret == CAMCA_OK && (x->key = hsm_key_public(own)) == NULL)
			ret = CAMCA_EHSM;
		return ret;
	}
	if (c->a->conf.ocsp_hsm)
		return refuse(&c->why, CAMCA_EPOLICY, 403, "ocsp.signer",
		    "OCSP answers are signed in the HSM here (setting "
		    "ocsp.signer).");
	buf_init(&der, CSR_MAX_BYTES + 1);
	ret = arg_base64(c, "csr", &der);
	if (ret == CAMCA_OK)
		ret = csr_parse(&csr, pol->keys, der.data, der.len, &c->why);
	buf_fini(&der);
	if (ret == CAMCA_OK)
		ret = csr_check_key(&csr, pol->keys, &ocsp_cert_profile,
		    &c->why);
	if (ret == CAMCA_OK && EVP_PKEY_up_ref(csr.key) == 1)
		x->key = csr.key;
	csr_fini(&csr);
	return ret;
}

static int
ocsp_build(struct ocsp_certify *x, int64_t now)
{
	struct op_call *c = x->c;
	int ret, len;

	if ((ret = cert_serial(c->a->ctx, now, x->row.serial)) < 0 ||
	    (ret = ocsp_cert_build(x->ca->cert, x->key,
	    c->a->conf.organization, x->row.serial, now, &x->cert,
	    &c->why)) < 0 ||
	    (ret = hsm_sign_cert(x->ca->key, x->cert)) < 0 ||
	    (ret = cert_times(x->cert, &x->row.not_before_ms,
	    &x->row.not_after_ms)) < 0 ||
	    (ret = cert_spki_sha256(x->cert, x->row.spki)) < 0)
		return ret;
	if ((len = i2d_X509(x->cert, &x->row.der.p)) <= 0)
		return CAMCA_ENOMEM;
	x->row.der.n = (size_t)len;
	x->row.issuer = x->ca->row.id;
	memcpy(x->row.profile, OCSP_CERT_PROFILE, sizeof OCSP_CERT_PROFILE);
	x->row.reason = -1;
	x->row.created_ms = now;
	return CAMCA_OK;
}

static int
ocsp_tx(struct tx *tx, void *arg)
{
	struct ocsp_certify *x = arg;
	uint8_t hash[32];
	struct event e;
	int ret = store_cert_insert(tx, &x->row);

	if (ret < 0)
		return ret;
	if (EVP_Digest(x->row.der.p, x->row.der.n, hash, NULL, EVP_sha256(),
	    NULL) != 1)
		return CAMCA_ECRYPTO;
	event_init(&e, &x->c->a->events, "ocsp.certified", NULL,
	    x->c->caller->actor);
	event_add_hex(&e, "cert-sha256", hash, sizeof hash);
	event_add_hex(&e, "serial", x->row.serial, sizeof x->row.serial);
	event_add_hex(&e, "issuer-ski", x->ca->row.ski,
	    sizeof x->ca->row.ski);
	event_add_hex(&e, "spki", x->row.spki, sizeof x->row.spki);
	event_add(&e, "signer", "%s", x->own ? "hsm" : "gate");
	event_add_time(&e, "not-after", x->row.not_after_ms);
	return event_put(tx, &e);
}

static int
ocsp_certify(struct ocsp_certify *x, const struct ca_set *cas,
    const struct policies *pol)
{
	struct op_call *c = x->c;
	int64_t now;
	int ret;

	if ((ret = ocsp_ca(c, cas, &x->ca)) < 0 ||
	    (ret = ocsp_key(x, pol)) < 0 ||
	    (ret = authority_now(c->a, &now, &c->why)) < 0 ||
	    (ret = ocsp_side_allow(c->a, x->ca, now, &c->why)) < 0 ||
	    (ret = ocsp_build(x, now)) < 0 ||
	    (ret = store_tx(c->a->store, DB_WRITE, ocsp_tx, x)) < 0)
		return ret;
	log_msg(LOG_NOTE, "ocsp", "responder certificate issued under %s",
	    x->ca->row.name);
	c->result = json_object();
	if (c->result == NULL)
		return CAMCA_ENOMEM;
	json_set_base64(c->result, "cert", x->row.der.p, x->row.der.n);
	json_set_time(c->result, "not_after", x->row.not_after_ms);
	return CAMCA_OK;
}

int
op_ocsp_certify(struct op_call *c)
{
	struct policies *pol = authority_policies(c->a);
	struct ca_set *cas = authority_cas(c->a);
	struct ocsp_certify x = { .c = c };
	int ret = ocsp_certify(&x, cas, pol);

	EVP_PKEY_free(x.key);
	X509_free(x.cert);
	store_cert_free(&x.row);
	authority_cas_put(c->a, cas);
	authority_policies_put(c->a, pol);
	return ret;
}

/* ---- answers of our own ---- */

#define OCSP_OWN_LEFT_MS (INT64_C(86400) * 1000)

static int
ocsp_own_make(struct ocsp_certify *x, int64_t now)
{
	struct op_call *c = x->c;
	struct hsm_key *key;
	int ret = ocsp_side_key(c->a, &key, &c->why);

	if (ret < 0)
		return ret;
	x->key = hsm_key_public(key);
	if (x->key == NULL)
		return CAMCA_EHSM;
	if ((ret = ocsp_build(x, now)) < 0 ||
	    (ret = store_tx(c->a->store, DB_WRITE, ocsp_tx, x)) < 0)
		return ret;
	log_msg(LOG_NOTE, "ocsp", "responder certificate issued under %s for "
	    "answers of our own", x->ca->row.name);
	return CAMCA_OK;
}

/* No gate can ask for it, so there is no allowance. */
int
ocsp_own_cert(struct op_call *c, const struct ca *ca, int64_t now_ms,
    X509 **out)
{
	struct ocsp_certify x = { .c = c, .ca = ca, .own = true };
	const unsigned char *p;
	int ret;

	*out = ocsp_side_cert(&c->a->ocsp, ca, now_ms + OCSP_OWN_LEFT_MS);
	if (*out != NULL)
		return CAMCA_OK;
	ret = ocsp_own_make(&x, now_ms);
	p = x.row.der.p;
	/* Decoded: of one that was built the key is not known yet. */
	if (ret == CAMCA_OK && (*out = d2i_X509(NULL, &p,
	    (long)x.row.der.n)) == NULL)
		ret = CAMCA_ENOMEM;
	if (ret == CAMCA_OK)
		ocsp_side_keep(&c->a->ocsp, ca, *out, x.row.not_after_ms);
	EVP_PKEY_free(x.key);
	X509_free(x.cert);
	store_cert_free(&x.row);
	return ret;
}

/* ---- ocsp.sign ---- */

/* RFC 6960 4.2.1: SHA-1 over the public key's bits. */
static int
ocsp_key_hash(struct hsm_key *key, uint8_t out[static 20])
{
	AUTO(EVP_PKEY) *pub = hsm_key_public(key);
	unsigned char *point = NULL;
	size_t n = pub != NULL ? EVP_PKEY_get1_encoded_public_key(pub,
	    &point) : 0;
	int ret = n > 0 && EVP_Digest(point, n, out, NULL, EVP_sha1(),
	    NULL) == 1 ? CAMCA_OK : CAMCA_ECRYPTO;

	OPENSSL_free(point);
	return ret;
}

static int
ocsp_sign(struct op_call *c, const struct ca_set *cas, const struct buf *tbs)
{
	uint8_t key_hash[20], sig[512];
	size_t n = sizeof sig;
	const struct ca *ca;
	struct hsm_key *key;
	struct ocsp_data d;
	void *hold = NULL;
	int64_t now;
	int ret;

	if ((ret = ocsp_ca(c, cas, &ca)) < 0 ||
	    (ret = ocsp_side_key(c->a, &key, &c->why)) < 0 ||
	    (ret = ocsp_key_hash(key, key_hash)) < 0 ||
	    (ret = authority_now(c->a, &now, &c->why)) < 0)
		return ret;
	ret = ocsp_data_decode(&d, tbs->data, tbs->len, &hold);
	if (ret == CAMCA_EINVAL)
		return refuse(&c->why, ret, 400, "ocsp.data",
		    "This is no OCSP answer that may be signed.");
	if (ret == CAMCA_OK)
		ret = ocsp_check(c->a, cas, ca, &d, key_hash, now, &c->why);
	if (ret == CAMCA_OK)
		ret = hsm_sign_data(key, tbs->data, tbs->len, sig, &n);
	ocsp_data_release(hold);
	if (ret < 0)
		return ret;
	c->result = json_object();
	if (c->result == NULL)
		return CAMCA_ENOMEM;
	json_set_base64(c->result, "signature", sig, n);
	return CAMCA_OK;
}

int
op_ocsp_sign(struct op_call *c)
{
	struct ca_set *cas = authority_cas(c->a);
	struct buf tbs;
	int ret;

	buf_init(&tbs, OCSP_DATA_MAX);
	if (!c->a->conf.ocsp_hsm)
		ret = refuse(&c->why, CAMCA_EPOLICY, 403, "ocsp.signer",
		    "OCSP answers are signed by the gate here (setting "
		    "ocsp.signer).");
	else
		ret = arg_base64(c, "tbs", &tbs);
	if (ret == CAMCA_OK)
		ret = ocsp_sign(c, cas, &tbs);
	buf_fini(&tbs);
	authority_cas_put(c->a, cas);
	return ret;
}
