/* SPDX-License-Identifier: Apache-2.0 */
#include "enroll/ocsp/signer_cert.h"

#include <openssl/err.h>
#include <openssl/pem.h>
#include <stdlib.h>
#include <string.h>

#include "ca/base/auto.h"
#include "ca/base/enc.h"
#include "enroll/gate/tlskey.h"

AUTO_DEFINE(ASN1_TIME, ASN1_TIME_free)

void
signer_cert_free(struct signer_cert *c)
{
	if (c == NULL || atomic_fetch_sub(&c->refs, 1) > 1)
		return;
	EVP_PKEY_CTX_free(c->ready);
	EVP_PKEY_free(c->key);
	buf_fini(&c->der);
	free(c);
}

int
signer_cert_request(EVP_PKEY *key, struct buf *out)
{
	AUTO(X509_REQ) *req = X509_REQ_new();
	unsigned char *der = NULL;
	int n, ret;

	/* The authority gives the name that it thinks right. */
	if (req == NULL || X509_NAME_add_entry_by_NID(
	    X509_REQ_get_subject_name(req), NID_commonName, MBSTRING_UTF8,
	    (const unsigned char *)"camca-ocsp", -1, -1, 0) != 1 ||
	    X509_REQ_set_pubkey(req, key) != 1 ||
	    X509_REQ_sign(req, key, EVP_sha256()) <= 0)
		return CAMCA_ECRYPTO;
	n = i2d_X509_REQ(req, &der);
	if (n <= 0)
		return CAMCA_ENOMEM;
	ret = buf_put(out, der, (size_t)n);
	OPENSSL_free(der);
	return ret;
}

static bool
signer_time_s(const ASN1_TIME *t, int64_t *out)
{
	AUTO(ASN1_TIME) *epoch = ASN1_TIME_set(NULL, 0);
	int days, secs;

	if (epoch == NULL || ASN1_TIME_diff(&days, &secs, epoch, t) != 1)
		return false;
	*out = (int64_t)days * 86400 + secs;
	return true;
}

static bool
signer_cert_p256(X509 *cert)
{
	EVP_PKEY *key = X509_get0_pubkey(cert);
	char group[32];
	size_t n;

	return key != NULL && EVP_PKEY_get_group_name(key, group,
	    sizeof group, &n) == 1 && strcmp(group, "prime256v1") == 0;
}

static bool
signer_cert_key_hash(X509 *cert, uint8_t out[static 20])
{
	const ASN1_BIT_STRING *key = X509_get0_pubkey_bitstr(cert);

	return key != NULL && EVP_Digest(ASN1_STRING_get0_data(key),
	    (size_t)ASN1_STRING_length(key), out, NULL, EVP_sha1(), NULL) == 1;
}

/* RFC 6960 4.2.2.2: a client takes the answer only if the very CA that issued
 * the certificate asked about has signed this one, for this use. */
static int
signer_cert_check(struct signer_cert *c, X509 *cert, X509 *ca, int64_t now_s)
{
	if (X509_verify(cert, X509_get0_pubkey(ca)) != 1 ||
	    X509_NAME_cmp(X509_get_issuer_name(cert),
	    X509_get_subject_name(ca)) != 0 ||
	    X509_get_extended_key_usage(cert) != XKU_OCSP_SIGN ||
	    !signer_cert_p256(cert) ||
	    (c->key != NULL && X509_check_private_key(cert, c->key) != 1) ||
	    !signer_cert_key_hash(cert, c->key_hash) ||
	    !signer_time_s(X509_get0_notBefore(cert), &c->not_before_s) ||
	    !signer_time_s(X509_get0_notAfter(cert), &c->not_after_s))
		return CAMCA_EINVAL;
	return now_s < c->not_before_s || now_s >= c->not_after_s ?
	    CAMCA_ETIME : CAMCA_OK;
}

static void
signer_cert_ca(struct signer_cert *c, X509 *ca)
{
	const ASN1_OCTET_STRING *ski = X509_get0_subject_key_id(ca);

	if (ski != NULL && ASN1_STRING_length(ski) == 20)
		enc_hex(c->ski, ASN1_STRING_get0_data(ski), 20);
}

static int
signer_cert_key(struct signer_cert *c, EVP_PKEY *key)
{
	if (EVP_PKEY_up_ref(key) != 1)
		return CAMCA_ECRYPTO;
	c->key = key;
	c->ready = EVP_PKEY_CTX_new(key, NULL);
	if (c->ready == NULL || EVP_PKEY_sign_init(c->ready) != 1)
		return CAMCA_ECRYPTO;
	return CAMCA_OK;
}

int
signer_cert_new(struct signer_cert **out, EVP_PKEY *key, const uint8_t *der,
    size_t n, X509 *ca, int64_t now_s)
{
	const unsigned char *p = der;
	AUTO(X509) *cert = d2i_X509(NULL, &p, (long)n);
	struct signer_cert *c;
	int ret;

	if (cert == NULL || p != der + n) {
		ERR_clear_error();
		return CAMCA_EINVAL;
	}
	c = calloc(1, sizeof *c);
	if (c == NULL)
		return CAMCA_ENOMEM;
	atomic_init(&c->refs, 1);
	buf_init(&c->der, 0);
	ret = key != NULL ? signer_cert_key(c, key) : CAMCA_OK;
	signer_cert_ca(c, ca);
	if (ret == CAMCA_OK)
		ret = signer_cert_check(c, cert, ca, now_s);
	if (ret == CAMCA_OK)
		ret = buf_put(&c->der, der, n);
	ERR_clear_error();
	if (ret < 0) {
		signer_cert_free(c);
		return ret;
	}
	*out = c;
	return CAMCA_OK;
}

int
signer_cert_write(const struct signer_cert *c, struct buf *out)
{
	const unsigned char *p = c->der.data;
	AUTO(X509) *cert = d2i_X509(NULL, &p, (long)c->der.len);
	AUTO(BIO) *mem = BIO_new(BIO_s_mem());
	char *text;
	long n;
	int ret = CAMCA_OK;

	if (cert == NULL || mem == NULL || PEM_write_bio_X509(mem, cert) != 1)
		return CAMCA_ENOMEM;
	if (c->key != NULL)
		ret = tlskey_pem(c->key, out);
	n = BIO_get_mem_data(mem, &text);
	return ret < 0 ? ret : buf_put(out, text, (size_t)n);
}

int
signer_cert_read(struct signer_cert **out, const struct buf *pem,
    bool with_key, X509 *ca, int64_t now_s)
{
	AUTO(BIO) *mem = BIO_new_mem_buf(pem->data, (int)pem->len);
	AUTO(BIO) *again = BIO_new_mem_buf(pem->data, (int)pem->len);
	AUTO(EVP_PKEY) *key = NULL;
	AUTO(X509) *cert = NULL;
	unsigned char *der = NULL;
	int n, ret;

	if (mem == NULL || again == NULL)
		return CAMCA_ENOMEM;
	key = PEM_read_bio_PrivateKey(mem, NULL, NULL, (void *)(uintptr_t)"");
	cert = PEM_read_bio_X509(again, NULL, NULL, NULL);
	ERR_clear_error();
	/* The setting may have changed: a key of the gate does not stand in for
	 * the HSM's. */
	if (cert == NULL || (key != NULL) != with_key)
		return CAMCA_EINVAL;
	n = i2d_X509(cert, &der);
	if (n <= 0)
		return CAMCA_ENOMEM;
	ret = signer_cert_new(out, key, der, (size_t)n, ca, now_s);
	OPENSSL_free(der);
	return ret;
}

/* Setting up a context looks algorithms up by name, which costs half as much as
 * the signature itself; copying one does not. */
int
signer_sign(const struct signer_cert *c, const void *p, size_t n,
    uint8_t sig[static SIGNER_SIG_MAX], size_t *len_out)
{
	AUTO(EVP_PKEY_CTX) *ctx = EVP_PKEY_CTX_dup(c->ready);
	uint8_t md[32];

	*len_out = SIGNER_SIG_MAX;
	if (ctx == NULL ||
	    EVP_Digest(p, n, md, NULL, EVP_sha256(), NULL) != 1 ||
	    EVP_PKEY_sign(ctx, sig, len_out, md, sizeof md) != 1) {
		ERR_clear_error();
		return CAMCA_ECRYPTO;
	}
	return CAMCA_OK;
}
