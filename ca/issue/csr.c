/* SPDX-License-Identifier: Apache-2.0 */
#include "ca/issue/csr.h"

#include <openssl/asn1t.h>
#include <openssl/err.h>
#include <openssl/objects.h>
#include <openssl/rsa.h>
#include <openssl/sha.h>
#include <string.h>

#include "ca/base/auto.h"
#include "ca/issue/csr_int.h"
#include "ca/issue/keycheck_int.h"

/* OpenSSL's own X509_REQ is not used: reading one decodes the public key by a
 * search over all decoders, which costs three times the signature check, and
 * its encoder gives back the bytes that were read, whatever they were. */
typedef struct {
	X509_ALGOR *alg;
	ASN1_BIT_STRING *key;
} CSR_SPKI;

typedef struct {
	ASN1_INTEGER *version;
	X509_NAME *subject;
	CSR_SPKI *spki;
	STACK_OF(X509_ATTRIBUTE) *attrs;
} CSR_INFO;

typedef struct {
	ASN1_STRING *info;        /* DER of CertificationRequestInfo */
	X509_ALGOR *alg;
	ASN1_BIT_STRING *signature;
} CSR_REQUEST;

ASN1_SEQUENCE(CSR_SPKI) = {
	ASN1_SIMPLE(CSR_SPKI, alg, X509_ALGOR),
	ASN1_SIMPLE(CSR_SPKI, key, ASN1_BIT_STRING),
} static_ASN1_SEQUENCE_END(CSR_SPKI)

/* [0] is a SET OF. Read as a SEQUENCE OF, which looks the same behind its tag,
 * so that encoding it again keeps the sender's order. Senders also leave it
 * out where it is empty. */
ASN1_SEQUENCE(CSR_INFO) = {
	ASN1_SIMPLE(CSR_INFO, version, ASN1_INTEGER),
	ASN1_SIMPLE(CSR_INFO, subject, X509_NAME),
	ASN1_SIMPLE(CSR_INFO, spki, CSR_SPKI),
	ASN1_IMP_SEQUENCE_OF_OPT(CSR_INFO, attrs, X509_ATTRIBUTE, 0),
} static_ASN1_SEQUENCE_END(CSR_INFO)

ASN1_SEQUENCE(CSR_REQUEST) = {
	ASN1_SIMPLE(CSR_REQUEST, info, ASN1_SEQUENCE),
	ASN1_SIMPLE(CSR_REQUEST, alg, X509_ALGOR),
	ASN1_SIMPLE(CSR_REQUEST, signature, ASN1_BIT_STRING),
} static_ASN1_SEQUENCE_END(CSR_REQUEST)

static void
csr_info_free(CSR_INFO *p)
{
	ASN1_item_free((ASN1_VALUE *)p, ASN1_ITEM_rptr(CSR_INFO));
}

static void
csr_request_free(CSR_REQUEST *p)
{
	ASN1_item_free((ASN1_VALUE *)p, ASN1_ITEM_rptr(CSR_REQUEST));
}
AUTO_DEFINE(CSR_INFO, csr_info_free)
AUTO_DEFINE(CSR_REQUEST, csr_request_free)

/* Does v encode to exactly these bytes? Second line of defence behind
 * csr_der_check(). */
static int
csr_same_bytes(const void *v, const ASN1_ITEM *it, const uint8_t *der,
    size_t n, struct refusal *why)
{
	uint8_t *again = NULL;
	int len = ASN1_item_i2d((const ASN1_VALUE *)v, &again, it);
	bool same = len >= 0 && (size_t)len == n &&
	    memcmp(again, der, n) == 0;

	OPENSSL_free(again);
	if (len < 0)
		return CAMCA_ENOMEM;
	if (!same)
		return refuse(why, CAMCA_EINVAL, 400, "csr.not-der",
		    "The request is not DER: encoding it again gives other "
		    "bytes.");
	return CAMCA_OK;
}

/* OpenSSL brings names to a canonical form while it reads them, and fails
 * there where a string is not valid in its character set: the oldest error
 * says so. */
static int
csr_refuse_form(struct refusal *why)
{
	int reason = ERR_GET_REASON(ERR_peek_error());

	if (reason == ASN1_R_INVALID_UTF8STRING ||
	    reason == ASN1_R_BMPSTRING_IS_WRONG_LENGTH ||
	    reason == ASN1_R_UNIVERSALSTRING_IS_WRONG_LENGTH)
		return refuse(why, CAMCA_EINVAL, 400, "csr.name-encoding",
		    "A name in the request is not valid in its character set "
		    "(UTF-8 for UTF8String).");
	return refuse(why, CAMCA_EINVAL, 400, "csr.not-pkcs10",
	    "The request is not a PKCS #10 CertificationRequest (RFC 2986 "
	    "4).");
}

/* In two steps: the signature is over the bytes of the inner part, so they are
 * kept as they came. */
static int
csr_read(const uint8_t *der, size_t n, CSR_REQUEST **req_out,
    CSR_INFO **info_out, struct refusal *why)
{
	const uint8_t *p = der;
	CSR_REQUEST *req;
	int ret;

	req = (CSR_REQUEST *)ASN1_item_d2i(NULL, &p, (long)n,
	    ASN1_ITEM_rptr(CSR_REQUEST));
	*req_out = req;
	if (req == NULL || p != der + n)
		return csr_refuse_form(why);
	ret = csr_same_bytes(req, ASN1_ITEM_rptr(CSR_REQUEST), der, n, why);
	if (ret < 0)
		return ret;
	p = ASN1_STRING_get0_data(req->info);
	n = (size_t)ASN1_STRING_length(req->info);
	der = p;
	*info_out = (CSR_INFO *)ASN1_item_d2i(NULL, &p, (long)n,
	    ASN1_ITEM_rptr(CSR_INFO));
	if (*info_out == NULL || p != der + n)
		return csr_refuse_form(why);
	return csr_same_bytes(*info_out, ASN1_ITEM_rptr(CSR_INFO), der, n,
	    why);
}

/* Digest of a signature algorithm: NID_undef where it is part of the algorithm
 * (Ed25519), -1 where nobody knows it. */
static int
csr_digest(const X509_ALGOR *alg)
{
	const ASN1_OBJECT *o;
	const X509_ALGOR *hash;
	RSA_PSS_PARAMS *pss;
	int md = -1, pk;

	X509_ALGOR_get0(&o, NULL, NULL, alg);
	if (OBJ_obj2nid(o) == NID_rsassaPss) {
		pss = ASN1_TYPE_unpack_sequence(ASN1_ITEM_rptr(RSA_PSS_PARAMS),
		    alg->parameter);
		hash = pss != NULL ? pss->hashAlgorithm : NULL;
		/* Its default is SHA-1 (RFC 8017 A.2.3). */
		md = hash != NULL ? OBJ_obj2nid(hash->algorithm) : NID_sha1;
		RSA_PSS_PARAMS_free(pss);
		return md;
	}
	return OBJ_find_sigid_algs(OBJ_obj2nid(o), &md, &pk) ? md : -1;
}

/* RFC 7030 3.4: the signature proves that the sender has the private key. */
static int
csr_verify(struct csr *c, const CSR_REQUEST *req, struct refusal *why)
{
	int ok;

	c->digest_nid = csr_digest(req->alg);
	if (c->digest_nid == -1)
		return refuse(why, CAMCA_EINVAL, 400,
		    "csr.signature-algorithm",
		    "The signature algorithm of the request is not known.");
	if ((req->signature->flags & 7) != 0)
		return refuse(why, CAMCA_EINVAL, 400, "csr.signature",
		    "The signature is not a whole number of bytes.");
	ok = ASN1_item_verify(ASN1_ITEM_rptr(ASN1_SEQUENCE), req->alg,
	    req->signature, req->info, c->key);
	if (ok != 1)
		return refuse(why, CAMCA_EINVAL, 400, "csr.signature",
		    "The signature of the request does not fit the key in it "
		    "(RFC 7030 3.4).");
	return CAMCA_OK;
}

/* The hash is over the encoding, which keycheck_decode() has found to be the
 * only one of this key. */
static int
csr_key(struct csr *c, const struct keycheck *keys, const CSR_SPKI *spki,
    struct refusal *why)
{
	struct keycheck_key key;
	uint8_t *der = NULL;
	int n, ret;

	ret = keycheck_decode(keys, spki->alg, spki->key, &key, why);
	if (ret < 0)
		return ret;
	c->key = key.pkey;
	c->key_kind = key.kind;
	c->key_bits = key.bits;
	n = ASN1_item_i2d((const ASN1_VALUE *)spki, &der,
	    ASN1_ITEM_rptr(CSR_SPKI));
	if (n < 0)
		return CAMCA_ENOMEM;
	SHA256(der, (size_t)n, c->spki);
	OPENSSL_free(der);
	return CAMCA_OK;
}

/* Cheap checks first; the signature, which costs most, last. */
static int
csr_fill(struct csr *c, const struct keycheck *keys, const uint8_t *der,
    size_t n, struct refusal *why)
{
	AUTO(CSR_REQUEST) *req = NULL;
	AUTO(CSR_INFO) *info = NULL;
	int ret = csr_read(der, n, &req, &info, why);

	if (ret < 0)
		return ret;
	if (ASN1_STRING_type(info->version) != V_ASN1_INTEGER ||
	    ASN1_INTEGER_get(info->version) != 0)
		return refuse(why, CAMCA_EINVAL, 400, "csr.version",
		    "The version of the request is not 0 (RFC 2986 4.1).");
	c->subject = TAKE(info->subject);
	ret = csr_name_check(c->subject, why);
	if (ret == CAMCA_OK)
		ret = csr_attributes(c, info->attrs, why);
	if (ret == CAMCA_OK)
		ret = csr_key(c, keys, info->spki, why);
	if (ret == CAMCA_OK)
		ret = csr_verify(c, req, why);
	return ret;
}

int
csr_parse(struct csr *out, const struct keycheck *keys, const uint8_t *der,
    size_t n, struct refusal *why)
{
	int ret;

	ERR_clear_error();
	memset(out, 0, sizeof *out);
	if (n > CSR_MAX_BYTES)
		return refuse(why, CAMCA_EINVAL, 400, "csr.too-large",
		    "The request is larger than %u bytes.", CSR_MAX_BYTES);
	ret = csr_der_check(der, n, "request", why);
	if (ret == CAMCA_OK)
		ret = csr_fill(out, keys, der, n, why);
	if (ret < 0) {
		csr_fini(out);
		ret = keycheck_error_value(ret);
	}
	if (ret == CAMCA_ENOMEM && why != NULL)
		why->http = 0;
	ERR_clear_error();
	return refuse_default(why, ret);
}

void
csr_fini(struct csr *c)
{
	X509_NAME_free(c->subject);
	EVP_PKEY_free(c->key);
	GENERAL_NAMES_free(c->san);
	EXTENDED_KEY_USAGE_free(c->eku);
	X509_NAME_free(c->new_subject);
	GENERAL_NAMES_free(c->new_san);
	OPENSSL_cleanse(c, sizeof *c);
}
