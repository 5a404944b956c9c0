/* SPDX-License-Identifier: Apache-2.0 */
#include "enroll/gate/tlskey.h"

#include <openssl/bio.h>
#include <openssl/ec.h>
#include <openssl/err.h>
#include <openssl/pem.h>
#include <openssl/x509v3.h>
#include <string.h>

#include "ca/base/auto.h"
#include "ca/base/file.h"
#include "ca/base/log.h"

#define TLSKEY_FILE_MAX 4096

AUTO_DEFINE(ASN1_TIME, ASN1_TIME_free)

static int
tlskey_failed(const char *what)
{
	log_openssl("tls", what);
	return CAMCA_ECRYPTO;
}

int
tlskey_pem(EVP_PKEY *key, struct buf *out)
{
	AUTO(BIO) *mem = BIO_new(BIO_s_secmem());
	char *p;
	long n;

	if (mem == NULL || PEM_write_bio_PKCS8PrivateKey(mem, key, NULL, NULL,
	    0, NULL, NULL) != 1)
		return tlskey_failed("key cannot be written as PEM");
	n = BIO_get_mem_data(mem, &p);
	return n > 0 ? buf_put(out, p, (size_t)n) : CAMCA_ECRYPTO;
}

static int
tlskey_make(EVP_PKEY **out, const char *path)
{
	AUTO(EVP_PKEY) *key = EVP_EC_gen("P-256");
	struct buf pem;
	int ret;

	if (key == NULL)
		return tlskey_failed("no new P-256 key");
	buf_init(&pem, TLSKEY_FILE_MAX);
	ret = tlskey_pem(key, &pem);
	if (ret == CAMCA_OK)
		ret = file_replace(path, pem.data, pem.len, 0600);
	buf_cleanse(&pem);
	if (ret == CAMCA_OK)
		*out = TAKE(key);
	return ret;
}

static int
tlskey_parse(EVP_PKEY **out, const struct buf *pem)
{
	AUTO(BIO) *mem = BIO_new_mem_buf(pem->data, (int)pem->len);
	AUTO(EVP_PKEY) *key = NULL;
	char group[32];
	size_t n;

	if (mem == NULL)
		return CAMCA_ENOMEM;
	key = PEM_read_bio_PrivateKey(mem, NULL, NULL, (void *)(uintptr_t)"");
	ERR_clear_error();
	if (key == NULL || EVP_PKEY_get_group_name(key, group, sizeof group,
	    &n) != 1 || strcmp(group, "prime256v1") != 0)
		return CAMCA_EINVAL;
	*out = TAKE(key);
	return CAMCA_OK;
}

int
tlskey_open(EVP_PKEY **out, const char *path)
{
	struct buf pem;
	int ret;

	buf_init(&pem, TLSKEY_FILE_MAX + 4096);
	ret = file_read(path, TLSKEY_FILE_MAX, &pem);
	if (ret == CAMCA_OK)
		ret = tlskey_parse(out, &pem);
	else if (ret == CAMCA_ENOENT)
		ret = tlskey_make(out, path);
	buf_cleanse(&pem);
	return ret;
}

/* GENERAL_NAMES of the configured names: DNS names and addresses. */
static int
tlskey_names(GENERAL_NAMES *out, const struct config *cfg)
{
	GENERAL_NAME *name;
	size_t i;

	for (i = 0; i < cfg->nnames; i++) {
		/* The address form is tried first; a DNS name fails there. */
		name = a2i_GENERAL_NAME(NULL, NULL, NULL, GEN_IPADD,
		    cfg->names[i], 0);
		ERR_clear_error();
		if (name == NULL)
			name = a2i_GENERAL_NAME(NULL, NULL, NULL, GEN_DNS,
			    cfg->names[i], 0);
		if (name == NULL)
			return CAMCA_ECRYPTO;
		if (sk_GENERAL_NAME_push(out, name) <= 0) {
			GENERAL_NAME_free(name);
			return CAMCA_ENOMEM;
		}
	}
	return CAMCA_OK;
}

static int
tlskey_add_names(X509_REQ *req, const struct config *cfg)
{
	AUTO(GENERAL_NAMES) *names = sk_GENERAL_NAME_new_null();
	STACK_OF(X509_EXTENSION) *exts = NULL;
	int ret;

	if (names == NULL)
		return CAMCA_ENOMEM;
	ret = tlskey_names(names, cfg);
	if (ret == CAMCA_OK && (X509V3_add1_i2d(&exts, NID_subject_alt_name,
	    names, 0, X509V3_ADD_DEFAULT) != 1 ||
	    X509_REQ_add_extensions(req, exts) != 1))
		ret = CAMCA_ECRYPTO;
	sk_X509_EXTENSION_pop_free(exts, X509_EXTENSION_free);
	return ret;
}

static int
tlskey_fill(X509_REQ *req, EVP_PKEY *key, const struct config *cfg)
{
	X509_NAME *subject = X509_REQ_get_subject_name(req);
	/* ub-common-name is 64; the full name stands in the SAN. */
	const char *cn = strlen(cfg->names[0]) <= 64 ? cfg->names[0] :
	    "camca-gate";

	if (X509_NAME_add_entry_by_NID(subject, NID_commonName, MBSTRING_UTF8,
	    (const unsigned char *)cn, -1, -1, 0) != 1 ||
	    X509_REQ_set_pubkey(req, key) != 1 ||
	    tlskey_add_names(req, cfg) < 0 ||
	    X509_REQ_sign(req, key, EVP_sha256()) <= 0)
		return CAMCA_ECRYPTO;
	return CAMCA_OK;
}

int
tlskey_request(EVP_PKEY *key, const struct config *cfg, struct buf *out)
{
	AUTO(X509_REQ) *req = X509_REQ_new();
	unsigned char *der = NULL;
	int n, ret;

	if (req == NULL || tlskey_fill(req, key, cfg) < 0)
		return tlskey_failed("certificate request cannot be made");
	n = i2d_X509_REQ(req, &der);
	if (n <= 0)
		return tlskey_failed("certificate request cannot be encoded");
	ret = buf_put(out, der, (size_t)n);
	OPENSSL_free(der);
	return ret;
}

static int
tlskey_time_s(const ASN1_TIME *t, int64_t *out)
{
	AUTO(ASN1_TIME) *epoch = ASN1_TIME_set(NULL, 0);
	int days, secs;

	if (epoch == NULL || ASN1_TIME_diff(&days, &secs, epoch, t) != 1)
		return CAMCA_EINVAL;
	*out = (int64_t)days * 86400 + secs;
	return CAMCA_OK;
}

int
tlskey_chain_check(EVP_PKEY *key, const char *pem, size_t n, int64_t now_s,
    int64_t *not_before_s, int64_t *not_after_s)
{
	AUTO(BIO) *mem = n < INT32_MAX ? BIO_new_mem_buf(pem, (int)n) : NULL;
	AUTO(X509) *leaf = NULL;
	int fits;

	if (mem == NULL)
		return CAMCA_ENOMEM;
	leaf = PEM_read_bio_X509(mem, NULL, NULL, NULL);
	fits = leaf != NULL && X509_check_private_key(leaf, key) == 1;
	ERR_clear_error();
	if (!fits || tlskey_time_s(X509_get0_notBefore(leaf),
	    not_before_s) < 0 || tlskey_time_s(X509_get0_notAfter(leaf),
	    not_after_s) < 0)
		return CAMCA_EINVAL;
	if (now_s < *not_before_s || now_s > *not_after_s)
		return CAMCA_ETIME;
	return CAMCA_OK;
}
