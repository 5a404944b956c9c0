/* SPDX-License-Identifier: Apache-2.0 */
#include "ca/custody/timestamp.h"

#include <openssl/err.h>
#include <openssl/objects.h>
#include <openssl/pem.h>
#include <openssl/ts.h>
#include <stdbool.h>
#include <string.h>
#include <time.h>

#include "ca/base/auto.h"

#define TIMESTAMP_TRUST_MAX 32
#define TIMESTAMP_PEM_MAX (256 * 1024)
#define TIMESTAMP_AUTH_LEVEL 2         /* OpenSSL: 112 bits and more */

AUTO_DEFINE(TS_REQ, TS_REQ_free)
AUTO_DEFINE(TS_RESP, TS_RESP_free)
AUTO_DEFINE(TS_MSG_IMPRINT, TS_MSG_IMPRINT_free)
AUTO_DEFINE(TS_VERIFY_CTX, TS_VERIFY_CTX_free)
AUTO_DEFINE(X509_ALGOR, X509_ALGOR_free)

/* ---- the request ---- */

static int
timestamp_imprint(TS_REQ *req, const uint8_t sha256[static 32])
{
	AUTO(TS_MSG_IMPRINT) *im = TS_MSG_IMPRINT_new();
	AUTO(X509_ALGOR) *alg = X509_ALGOR_new();
	uint8_t copy[32];

	memcpy(copy, sha256, sizeof copy);
	if (im == NULL || alg == NULL || X509_ALGOR_set0(alg,
	    OBJ_nid2obj(NID_sha256), V_ASN1_NULL, NULL) != 1 ||
	    TS_MSG_IMPRINT_set_algo(im, alg) != 1 ||
	    TS_MSG_IMPRINT_set_msg(im, copy, sizeof copy) != 1 ||
	    TS_REQ_set_msg_imprint(req, im) != 1)
		return CAMCA_ENOMEM;
	return CAMCA_OK;
}

static int
timestamp_nonce(TS_REQ *req, const uint8_t nonce[static TIMESTAMP_NONCE_LEN])
{
	AUTO(BIGNUM) *n = BN_bin2bn(nonce, TIMESTAMP_NONCE_LEN, NULL);
	AUTO(ASN1_INTEGER) *i = n != NULL ? BN_to_ASN1_INTEGER(n, NULL) : NULL;

	if (i == NULL || TS_REQ_set_nonce(req, i) != 1)
		return CAMCA_ENOMEM;
	return CAMCA_OK;
}

/* nonce NULL: without one. */
static int
timestamp_req(const uint8_t sha256[static 32], const uint8_t *nonce,
    TS_REQ **out)
{
	AUTO(TS_REQ) *req = TS_REQ_new();
	int ret = CAMCA_ENOMEM;

	if (req != NULL && TS_REQ_set_version(req, 1) == 1 &&
	    TS_REQ_set_cert_req(req, 1) == 1)
		ret = timestamp_imprint(req, sha256);
	if (ret == CAMCA_OK && nonce != NULL)
		ret = timestamp_nonce(req, nonce);
	if (ret == CAMCA_OK)
		*out = TAKE(req);
	return ret;
}

int
timestamp_request(const uint8_t sha256[static 32],
    const uint8_t nonce[static TIMESTAMP_NONCE_LEN], struct buf *out)
{
	AUTO(TS_REQ) *req = NULL;
	unsigned char *der = NULL;
	int n, ret;

	if (nonce[0] == 0 || nonce[0] > 127)
		return CAMCA_EINVAL;
	ret = timestamp_req(sha256, nonce, &req);
	if (ret < 0) {
		ERR_clear_error();
		return ret;
	}
	n = i2d_TS_REQ(req, &der);
	ret = n > 0 ? buf_put(out, der, (size_t)n) : CAMCA_ENOMEM;
	OPENSSL_free(der);
	ERR_clear_error();
	return ret;
}

/* ---- the answer ---- */

static int
timestamp_refuse(struct refusal *why, int err, const char *what)
{
	const char *data = NULL, *reason;
	int flags = 0;
	unsigned long e = ERR_peek_error_data(&data, &flags);

	reason = e != 0 ? ERR_reason_error_string(e) : NULL;
	refuse(why, err, 502, "custody.timestamp", "RFC 3161: %s%s%s%s%s.",
	    what, reason != NULL ? ": " : "", reason != NULL ? reason : "",
	    (flags & ERR_TXT_STRING) && data[0] != '\0' ? ", " : "",
	    (flags & ERR_TXT_STRING) ? data : "");
	ERR_clear_error();
	return err;
}

/* Digests that stand for years: what signs, and over what. */
static bool
timestamp_digest_ok(const X509_ALGOR *alg)
{
	const ASN1_OBJECT *o = NULL;

	X509_ALGOR_get0(&o, NULL, NULL, alg);
	switch (OBJ_obj2nid(o)) {
	case NID_sha256:
	case NID_sha384:
	case NID_sha512:
		return true;
	default:
		return false;
	}
}

/* What OpenSSL does not insist on. */
static int
timestamp_signer_form(TS_RESP *resp, struct refusal *why)
{
	PKCS7 *p7 = TS_RESP_get_token(resp);
	STACK_OF(PKCS7_SIGNER_INFO) *list = p7 != NULL &&
	    PKCS7_type_is_signed(p7) ? PKCS7_get_signer_info(p7) : NULL;
	PKCS7_SIGNER_INFO *si;

	if (list == NULL || sk_PKCS7_SIGNER_INFO_num(list) != 1)
		return timestamp_refuse(why, CAMCA_EPOLICY,
		    "the token has not exactly one signer");
	si = sk_PKCS7_SIGNER_INFO_value(list, 0);
	if (PKCS7_get_signed_attribute(si,
	    NID_id_smime_aa_signingCertificateV2) == NULL)
		return timestamp_refuse(why, CAMCA_EPOLICY, "the token does "
		    "not name its certificate by ESSCertIDv2 (RFC 5816)");
	if (!timestamp_digest_ok(si->digest_alg))
		return timestamp_refuse(why, CAMCA_EPOLICY,
		    "the token's digest is weaker than SHA-256");
	return CAMCA_OK;
}

static int
timestamp_time(TS_RESP *resp, int64_t *time_ms_out, struct refusal *why)
{
	TS_TST_INFO *info = TS_RESP_get_tst_info(resp);
	const ASN1_GENERALIZEDTIME *t = info != NULL ?
	    TS_TST_INFO_get_time(info) : NULL;
	struct tm tm;

	if (t == NULL || ASN1_TIME_to_tm(t, &tm) != 1)
		return timestamp_refuse(why, CAMCA_EPOLICY,
		    "the answer has no token with a time");
	*time_ms_out = (int64_t)timegm(&tm) * 1000;
	return CAMCA_OK;
}

/* A store of its own: its time is set. */
static X509_STORE *
timestamp_store(STACK_OF(X509) *trust, int64_t at_ms)
{
	AUTO(X509_STORE) *store = X509_STORE_new();
	X509_VERIFY_PARAM *p;
	int i;

	if (store == NULL)
		return NULL;
	p = X509_STORE_get0_param(store);
	X509_VERIFY_PARAM_set_time(p, (time_t)(at_ms / 1000));
	X509_VERIFY_PARAM_set_auth_level(p, TIMESTAMP_AUTH_LEVEL);
	for (i = 0; i < sk_X509_num(trust); i++)
		if (X509_STORE_add_cert(store, sk_X509_value(trust, i)) != 1)
			return NULL;
	return TAKE(store);
}

static int
timestamp_verify(TS_RESP *resp, const struct timestamp_expect *x,
    int64_t at_ms, struct refusal *why)
{
	AUTO(TS_VERIFY_CTX) *ctx = NULL;
	AUTO(X509_STORE) *store = timestamp_store(x->trust, at_ms);
	AUTO(TS_REQ) *req = NULL;
	int ret;

	if (store == NULL)
		return CAMCA_ENOMEM;
	ret = timestamp_req(x->sha256, x->nonce, &req);
	if (ret < 0)
		return ret;
	ctx = TS_REQ_to_TS_VERIFY_CTX(req, NULL);
	if (ctx == NULL)
		return CAMCA_ENOMEM;
	TS_VERIFY_CTX_add_flags(ctx, TS_VFY_SIGNATURE);
	TS_VERIFY_CTX_set_store(ctx, TAKE(store));
	ERR_clear_error();
	if (TS_RESP_verify_response(ctx, resp) != 1)
		return timestamp_refuse(why, CAMCA_EPOLICY,
		    "the answer is not a stamp of what was asked for");
	return CAMCA_OK;
}

int
timestamp_check(const void *resp, size_t n, const struct timestamp_expect *x,
    int64_t *time_ms_out, struct refusal *why)
{
	const unsigned char *p = resp;
	AUTO(TS_RESP) *r = NULL;
	int64_t at_ms = x->at_ms;
	int ret;

	ERR_clear_error();
	if (n == 0 || n > TIMESTAMP_ANSWER_MAX)
		return timestamp_refuse(why, CAMCA_EINVAL,
		    "the answer is empty or too large");
	r = d2i_TS_RESP(NULL, &p, (long)n);
	ERR_clear_error();
	if (r == NULL || p != (const unsigned char *)resp + n)
		return timestamp_refuse(why, CAMCA_EINVAL,
		    "the answer is no TimeStampResp");
	/* Refusals of the TSA first: they have no token. */
	if (TS_RESP_get_token(r) != NULL) {
		if ((ret = timestamp_time(r, time_ms_out, why)) < 0 ||
		    (ret = timestamp_signer_form(r, why)) < 0)
			return ret;
		if (at_ms == 0)
			at_ms = *time_ms_out;
	}
	ret = timestamp_verify(r, x, at_ms, why);
	ERR_clear_error();
	return ret;
}

/* ---- trust ---- */

void
timestamp_trust_free(STACK_OF(X509) *trust)
{
	sk_X509_pop_free(trust, X509_free);
}

/* Certificates until the end of the text. */
static int
timestamp_trust_read(BIO *b, STACK_OF(X509) *list)
{
	X509 *x;

	while ((x = PEM_read_bio_X509(b, NULL, NULL, NULL)) != NULL) {
		if (sk_X509_num(list) == TIMESTAMP_TRUST_MAX ||
		    sk_X509_push(list, x) <= 0) {
			X509_free(x);
			return CAMCA_EINVAL;
		}
	}
	/* The end, and not a block that cannot be read. */
	return ERR_GET_REASON(ERR_peek_last_error()) == PEM_R_NO_START_LINE &&
	    sk_X509_num(list) > 0 ? CAMCA_OK : CAMCA_EINVAL;
}

int
timestamp_trust(const void *pem, size_t n, STACK_OF(X509) **out,
    struct refusal *why)
{
	AUTO(BIO) *b = n <= TIMESTAMP_PEM_MAX ?
	    BIO_new_mem_buf(pem, (int)n) : NULL;
	STACK_OF(X509) *list = sk_X509_new_null();
	int ret = CAMCA_EINVAL;

	ERR_clear_error();
	if (b != NULL && list != NULL)
		ret = timestamp_trust_read(b, list);
	ERR_clear_error();
	if (ret < 0) {
		timestamp_trust_free(list);
		return refuse(why, ret, 400, "custody.tsa-trust", "The trust "
		    "of a TSA is not 1 to %d certificates in PEM.",
		    TIMESTAMP_TRUST_MAX);
	}
	*out = list;
	return CAMCA_OK;
}
