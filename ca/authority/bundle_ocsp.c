/* SPDX-License-Identifier: Apache-2.0 */
/* An OCSP answer for a bundle (RFC 6960), made and signed in here: by the
 * responder's key in the HSM, which each CA certifies for a week at a time. */
#include <openssl/asn1t.h>
#include <openssl/err.h>
#include <openssl/ocsp.h>

#include "ca/authority/bundle_int.h"
#include "ca/authority/ocsp.h"
#include "ca/base/auto.h"
#include "ca/base/ocsp_data.h"

/* What it was true for: the record, not a client that comes back. */
#define OCSP_NEXT_S 3600

/* BasicOCSPResponse, with the signed part as it was signed. */
typedef struct {
	ASN1_TYPE *tbs;
	X509_ALGOR *alg;
	ASN1_BIT_STRING *sig;
	STACK_OF(X509) *certs;
} BO_BASIC;

ASN1_SEQUENCE(BO_BASIC) = {
	ASN1_SIMPLE(BO_BASIC, tbs, ASN1_ANY),
	ASN1_SIMPLE(BO_BASIC, alg, X509_ALGOR),
	ASN1_SIMPLE(BO_BASIC, sig, ASN1_BIT_STRING),
	ASN1_EXP_SEQUENCE_OF_OPT(BO_BASIC, certs, X509, 0),
} static_ASN1_SEQUENCE_END(BO_BASIC)

static void
bo_free(BO_BASIC *p)
{
	ASN1_item_free((ASN1_VALUE *)p, ASN1_ITEM_rptr(BO_BASIC));
}
AUTO_DEFINE(BO_BASIC, bo_free)
AUTO_DEFINE(OCSP_CERTID, OCSP_CERTID_free)
AUTO_DEFINE(OCSP_BASICRESP, OCSP_BASICRESP_free)
AUTO_DEFINE(OCSP_RESPONSE, OCSP_RESPONSE_free)

/* RFC 6960 4.2.1: SHA-1 over the public key's bits. */
static bool
bo_key_hash(X509 *responder, uint8_t out[static 20])
{
	return X509_pubkey_digest(responder, EVP_sha1(), out, NULL) == 1;
}

static int
bo_data(const struct bundle_cert *cert, const OCSP_CERTID *id,
    X509 *responder, int64_t now_ms, struct buf *out)
{
	struct ocsp_data d = { .produced_s = now_ms / 1000, .n = 1 };
	struct ocsp_single *s = &d.singles[0];

	s->id = id;
	s->revoked = cert->status != CERT_GOOD;
	/* "unspecified" is said by saying nothing (RFC 5280 5.3.1). */
	s->reason = cert->reason > 0 ? (int)cert->reason : -1;
	s->revoked_s = cert->revoked_ms / 1000;
	s->this_s = d.produced_s;
	s->next_s = d.produced_s + OCSP_NEXT_S;
	if (!bo_key_hash(responder, d.key_hash))
		return CAMCA_ECRYPTO;
	return ocsp_data_encode(&d, out);
}

static bool
bo_fill(BO_BASIC *x, const struct buf *tbs, struct hsm_key *key,
    const uint8_t *sig, size_t n, X509 *responder)
{
	ASN1_STRING *der = ASN1_STRING_type_new(V_ASN1_SEQUENCE);

	if (der == NULL || ASN1_STRING_set(der, tbs->data,
	    (int)tbs->len) != 1) {
		ASN1_STRING_free(der);
		return false;
	}
	ASN1_TYPE_set(x->tbs, V_ASN1_SEQUENCE, der);
	x->certs = sk_X509_new_null();
	if (x->certs == NULL || hsm_key_algorithm(key, x->alg) < 0 ||
	    ASN1_BIT_STRING_set(x->sig, (unsigned char *)(uintptr_t)sig,
	    (int)n) != 1 || X509_add_cert(x->certs, responder,
	    X509_ADD_FLAG_UP_REF) != 1)
		return false;
	/* No unused bits, whatever the last ones are. */
	x->sig->flags &= ~(ASN1_STRING_FLAG_BITS_LEFT | 7L);
	x->sig->flags |= ASN1_STRING_FLAG_BITS_LEFT;
	return true;
}

static int
bo_wrap(BO_BASIC *x, struct buf *out)
{
	AUTO(OCSP_BASICRESP) *basic = NULL;
	AUTO(OCSP_RESPONSE) *resp = NULL;
	unsigned char *der = NULL, *all = NULL;
	const unsigned char *p;
	int n, ret = CAMCA_ECRYPTO;

	n = ASN1_item_i2d((ASN1_VALUE *)x, &der, ASN1_ITEM_rptr(BO_BASIC));
	p = der;
	if (n > 0)
		basic = d2i_OCSP_BASICRESP(NULL, &p, n);
	OPENSSL_free(der);
	if (basic != NULL)
		resp = OCSP_response_create(OCSP_RESPONSE_STATUS_SUCCESSFUL,
		    basic);
	n = resp != NULL ? i2d_OCSP_RESPONSE(resp, &all) : -1;
	if (n > 0)
		ret = buf_put(out, all, (size_t)n);
	OPENSSL_free(all);
	return ret;
}

static int
bo_sign(struct hsm_key *key, const struct buf *tbs, X509 *responder,
    struct buf *out)
{
	AUTO(BO_BASIC) *x = (BO_BASIC *)ASN1_item_new(
	    ASN1_ITEM_rptr(BO_BASIC));
	uint8_t sig[512];
	size_t n = sizeof sig;
	int ret = hsm_sign_data(key, tbs->data, tbs->len, sig, &n);

	if (ret < 0)
		return ret;
	if (x == NULL || !bo_fill(x, tbs, key, sig, n, responder))
		return CAMCA_ENOMEM;
	return bo_wrap(x, out);
}

int
bundle_ocsp(struct op_call *c, const struct ca *ca, X509 *x,
    const struct bundle_cert *cert, int64_t now_ms, struct buf *out)
{
	AUTO(OCSP_CERTID) *id = OCSP_cert_to_id(EVP_sha1(), x, ca->cert);
	AUTO(X509) *responder = NULL;
	struct hsm_key *key;
	struct buf tbs;
	int ret;

	buf_init(&tbs, OCSP_DATA_MAX);
	if (id == NULL)
		ret = CAMCA_ENOMEM;
	else if ((ret = ocsp_side_key(c->a, &key, &c->why)) == CAMCA_OK &&
	    (ret = ocsp_own_cert(c, ca, now_ms, &responder)) == CAMCA_OK &&
	    (ret = bo_data(cert, id, responder, now_ms, &tbs)) == CAMCA_OK)
		ret = bo_sign(key, &tbs, responder, out);
	buf_fini(&tbs);
	ERR_clear_error();
	return ret;
}
