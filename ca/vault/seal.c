/* SPDX-License-Identifier: Apache-2.0 */
#include "ca/vault/seal.h"

#include <openssl/cms.h>
#include <openssl/core_names.h>
#include <openssl/ec.h>
#include <openssl/err.h>
#include <string.h>

#include "ca/base/auto.h"
#include "ca/base/ossl.h"
#include "ca/vault/vault.h"

AUTO_DEFINE(CMS_ContentInfo, CMS_ContentInfo_free)

/* RFC 5753 section 7.1.4: the hash of the KDF goes with the curve, which RFC
 * 5480 section 2.1.1 names beside the key. NULL for other keys. */
static const EVP_MD *
seal_md(const X509 *cert)
{
	const ASN1_OBJECT *oid = NULL;
	X509_ALGOR *alg = NULL;
	const void *curve = NULL;
	int type = V_ASN1_UNDEF;

	if (X509_PUBKEY_get0_param(NULL, NULL, NULL, &alg,
	    X509_get_X509_PUBKEY(cert)) != 1)
		return NULL;
	X509_ALGOR_get0(&oid, &type, &curve, alg);
	if (OBJ_obj2nid(oid) != NID_X9_62_id_ecPublicKey ||
	    type != V_ASN1_OBJECT)
		return NULL;
	if (OBJ_obj2nid(curve) == NID_X9_62_prime256v1)
		return EVP_sha256();
	return OBJ_obj2nid(curve) == NID_secp384r1 ? EVP_sha384() : NULL;
}

/* One signature algorithm, as the encoder asks for one. */
static bool
seal_cert_alg(X509 *c)
{
	const ASN1_BIT_STRING *sig;
	const X509_ALGOR *outer;

	X509_get0_signature(&sig, &outer, c);
	return X509_ALGOR_set0((X509_ALGOR *)(uintptr_t)outer,
	    OBJ_nid2obj(NID_ecdsa_with_SHA256), V_ASN1_UNDEF, NULL) == 1 &&
	    X509_ALGOR_set0(
	    (X509_ALGOR *)(uintptr_t)X509_get0_tbs_sigalg(c),
	    OBJ_nid2obj(NID_ecdsa_with_SHA256), V_ASN1_UNDEF, NULL) == 1;
}

static bool
seal_cert_fill(X509 *c, EVP_PKEY *pub)
{
	AUTO(ASN1_OCTET_STRING) *ski = ASN1_OCTET_STRING_new();
	X509_NAME *name = X509_get_subject_name(c);
	uint8_t id[EVP_MAX_MD_SIZE];
	unsigned int n = sizeof id;

	if (ski == NULL || X509_set_version(c, X509_VERSION_3) != 1 ||
	    ASN1_INTEGER_set(X509_get_serialNumber(c), 1) != 1 ||
	    X509_NAME_add_entry_by_txt(name, "CN", MBSTRING_ASC,
	    (const unsigned char *)"vault", -1, -1, 0) != 1 ||
	    X509_set_issuer_name(c, name) != 1 ||
	    X509_gmtime_adj(X509_getm_notBefore(c), 0) == NULL ||
	    X509_gmtime_adj(X509_getm_notAfter(c), 1) == NULL ||
	    X509_set_pubkey(c, pub) != 1 || !seal_cert_alg(c))
		return false;
	return X509_pubkey_digest(c, EVP_sha1(), id, &n) == 1 &&
	    ASN1_OCTET_STRING_set(ski, id, (int)n) == 1 &&
	    X509_add1_ext_i2d(c, NID_subject_key_identifier, ski, 0, 0) == 1;
}

int
seal_cert(EVP_PKEY *pub, X509 **out)
{
	AUTO(X509) *c = X509_new();

	ERR_clear_error();
	/* Asked for here, the identifier is ready for every thread. */
	if (c == NULL || !seal_cert_fill(c, pub) ||
	    X509_get0_subject_key_id(c) == NULL)
		return ossl_failed(CAMCA_ECRYPTO);
	*out = TAKE(c);
	return CAMCA_OK;
}

static bool
seal_recipient(CMS_ContentInfo *cms, X509 *cert, const EVP_MD *md)
{
	unsigned int flags = CMS_KEY_PARAM;
	CMS_RecipientInfo *ri;
	EVP_PKEY_CTX *ctx;

	if (X509_get0_subject_key_id(cert) != NULL)
		flags |= CMS_USE_KEYID;
	ri = CMS_add1_recipient_cert(cms, cert, flags);
	ctx = ri != NULL ? CMS_RecipientInfo_get0_pkey_ctx(ri) : NULL;
	/* OpenSSL's default is SHA-1. */
	return ctx != NULL && EVP_PKEY_CTX_set_ecdh_kdf_md(ctx, md) == 1;
}

static int
seal_encode(const CMS_ContentInfo *cms, struct buf *out)
{
	int n = i2d_CMS_ContentInfo(cms, NULL), ret;
	unsigned char *p;

	if (n <= 0)
		return CAMCA_ECRYPTO;
	if ((ret = buf_reserve(out, (size_t)n)) < 0)
		return ret;
	p = out->data + out->len;
	if (i2d_CMS_ContentInfo(cms, &p) != n)
		return CAMCA_ECRYPTO;
	out->len += (size_t)n;
	out->data[out->len] = '\0';
	return CAMCA_OK;
}

/* Not CMS_final(): it puts a buffer of its own before the cipher, and frees it
 * with what was sealed in it. */
static bool
seal_content(CMS_ContentInfo *cms, const void *p, int n)
{
	BIO *out = CMS_dataInit(cms, NULL);
	bool ok = out != NULL && (n == 0 || BIO_write(out, p, n) == n) &&
	    BIO_flush(out) == 1 && CMS_dataFinal(cms, out) == 1;

	BIO_free_all(out);
	return ok;
}

int
seal_to(X509 *cert, const void *p, size_t n, struct buf *out,
    struct refusal *why)
{
	AUTO(CMS_ContentInfo) *cms = NULL;
	const EVP_MD *md = seal_md(cert);
	int ret = CAMCA_ECRYPTO;

	if (md == NULL)
		return refuse(why, CAMCA_EINVAL, 400, "vault.recipient",
		    "Only P-256 and P-384 keys can be sealed to.");
	if (n > INT_MAX)
		return refuse_default(why, CAMCA_ELIMIT);
	ERR_clear_error();
	cms = CMS_AuthEnvelopedData_create(EVP_aes_256_gcm());
	if (cms != NULL && CMS_set_detached(cms, 0) == 1 &&
	    seal_recipient(cms, cert, md) && seal_content(cms, p, (int)n))
		ret = seal_encode(cms, out);
	return refuse_default(why, ret < 0 ? ossl_failed(ret) : ret);
}

int
vault_seal_to(X509 *cert, const void *p, size_t n, struct buf *out,
    struct refusal *why)
{
	return seal_to(cert, p, n, out, why);
}
