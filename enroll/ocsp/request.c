/* SPDX-License-Identifier: Apache-2.0 */
#include "enroll/ocsp/request.h"

#include <openssl/err.h>
#include <string.h>

#include "ca/base/auto.h"

/* A decoder that meets more extensions than this is being made to work. */
#define REQUEST_EXTS_MAX 16

static int
request_error(void)
{
	unsigned long e;
	int ret = CAMCA_EINVAL;

	while ((e = ERR_get_error()) != 0)
		if (ERR_GET_REASON(e) == ERR_R_MALLOC_FAILURE)
			ret = CAMCA_ENOMEM;
	return ret;
}

/* DER has one encoding: what decodes and encodes to other bytes was BER. */
static int
request_canonical(OCSP_REQUEST *req, const uint8_t *der, size_t n)
{
	unsigned char *again = NULL;
	int len = i2d_OCSP_REQUEST(req, &again);
	bool same = len >= 0 && (size_t)len == n && memcmp(again, der, n) == 0;

	OPENSSL_free(again);
	return same ? CAMCA_OK : len < 0 ? CAMCA_ENOMEM : CAMCA_EINVAL;
}

static size_t
request_hash_len(const ASN1_OBJECT *alg, const ASN1_OCTET_STRING *name,
    const ASN1_OCTET_STRING *key)
{
	int nid = OBJ_obj2nid(alg);
	int n = nid == NID_sha1 ? 20 : nid == NID_sha256 ? 32 : 0;

	return ASN1_STRING_length(name) == n && ASN1_STRING_length(key) == n ?
	    (size_t)n : 0;
}

/* As an unsigned number in 20 octets. Ours are positive and fit; one that is
 * negative or longer is nobody's, but no reason to call the request broken. */
static bool
request_serial(const ASN1_INTEGER *serial, uint8_t out[static 20])
{
	int n = ASN1_STRING_length(serial);

	memset(out, 0, 20);
	if (ASN1_STRING_type(serial) != V_ASN1_INTEGER || n < 1 || n > 20)
		return false;
	memcpy(out + 20 - n, ASN1_STRING_get0_data(serial), (size_t)n);
	return true;
}

static int
request_id(struct ocsp_id *out, OCSP_CERTID *id)
{
	ASN1_OCTET_STRING *name, *key;
	ASN1_OBJECT *alg;
	ASN1_INTEGER *serial;

	if (OCSP_id_get0_info(&name, &alg, &key, &serial, id) != 1)
		return CAMCA_EINVAL;
	out->der = id;
	out->hash_len = request_hash_len(alg, name, key);
	out->name_hash = ASN1_STRING_get0_data(name);
	out->key_hash = ASN1_STRING_get0_data(key);
	out->serial_fits = request_serial(serial, out->serial);
	return CAMCA_OK;
}

/* RFC 9654 2.1: an OCTET STRING inside the extension's own. Shorter ones than
 * the 16 octets that it asks for are echoed as well: old clients send them. */
static int
request_nonce(struct ocsp_request *out, X509_EXTENSION *ext)
{
	/* Not by X509V3_EXT_d2i(): OpenSSL takes the extension's value for the
	 * nonce, whatever stands there. */
	const ASN1_OCTET_STRING *value = X509_EXTENSION_get_data(ext);
	const unsigned char *p = ASN1_STRING_get0_data(value);
	const unsigned char *end = p + ASN1_STRING_length(value);
	AUTO(ASN1_OCTET_STRING) *nonce = d2i_ASN1_OCTET_STRING(NULL, &p,
	    end - p);
	int n = nonce != NULL && p == end ? ASN1_STRING_length(nonce) : 0;

	if (n < 1 || n > OCSP_NONCE_MAX || out->nonce_len != 0 ||
	    i2d_ASN1_OCTET_STRING(nonce, NULL) != ASN1_STRING_length(value))
		return CAMCA_EINVAL;
	out->nonce_len = (size_t)n;
	memcpy(out->nonce, ASN1_STRING_get0_data(nonce), (size_t)n);
	return CAMCA_OK;
}

/* Extensions of the whole request that we know: nonce; response type, which can
 * only name the one there is; preferred signature algorithms, which must not
 * talk us into another one (RFC 6960 4.4.3, 4.4.7). */
static int
request_ext(struct ocsp_request *out, X509_EXTENSION *ext)
{
	ASN1_OBJECT *oid = X509_EXTENSION_get_object(ext);
	char text[32] = "";

	switch (OBJ_obj2nid(oid)) {
	case NID_id_pkix_OCSP_Nonce:
		return request_nonce(out, ext);
	case NID_id_pkix_OCSP_acceptableResponses:
		return CAMCA_OK;
	default:
		break;
	}
	OBJ_obj2txt(text, sizeof text, oid, 1);
	if (strcmp(text, "1.3.6.1.5.5.7.48.1.8") == 0)
		return CAMCA_OK;
	return X509_EXTENSION_get_critical(ext) ? CAMCA_EINVAL : CAMCA_OK;
}

static int
request_exts(struct ocsp_request *out)
{
	int n = OCSP_REQUEST_get_ext_count(out->der), ret;
	X509_EXTENSION *ext;

	if (n > REQUEST_EXTS_MAX)
		return CAMCA_EINVAL;
	for (int i = 0; i < n; i++) {
		ext = OCSP_REQUEST_get_ext(out->der, i);
		/* RFC 5280 4.2: not more than one of a kind. */
		if (OCSP_REQUEST_get_ext_by_OBJ(out->der,
		    X509_EXTENSION_get_object(ext), i) >= 0)
			return CAMCA_EINVAL;
		ret = request_ext(out, ext);
		if (ret < 0)
			return ret;
	}
	if (n > 0)
		out->plain = false;
	return CAMCA_OK;
}

/* singleRequestExtensions: serviceLocator is meant for proxies; nothing else
 * is known. */
static int
request_single_exts(struct ocsp_request *out, OCSP_ONEREQ *one)
{
	int n = OCSP_ONEREQ_get_ext_count(one);
	X509_EXTENSION *ext;

	if (n > REQUEST_EXTS_MAX)
		return CAMCA_EINVAL;
	for (int i = 0; i < n; i++) {
		ext = OCSP_ONEREQ_get_ext(one, i);
		if (OBJ_obj2nid(X509_EXTENSION_get_object(ext)) !=
		    NID_id_pkix_OCSP_serviceLocator &&
		    X509_EXTENSION_get_critical(ext))
			return CAMCA_EINVAL;
	}
	if (n > 0)
		out->plain = false;
	return CAMCA_OK;
}

static int
request_ids(struct ocsp_request *out)
{
	int n = OCSP_request_onereq_count(out->der), ret;
	OCSP_ONEREQ *one;

	if (n < 1 || n > OCSP_IDS_MAX)
		return CAMCA_EINVAL;
	for (int i = 0; i < n; i++) {
		one = OCSP_request_onereq_get0(out->der, i);
		ret = request_id(&out->ids[i], OCSP_onereq_get0_id(one));
		if (ret == CAMCA_OK)
			ret = request_single_exts(out, one);
		if (ret < 0)
			return ret;
	}
	out->n = (size_t)n;
	if (n > 1)
		out->plain = false;
	return CAMCA_OK;
}

/* OCSPRequest { TBSRequest { version [0] DEFAULT v1 …: no other version, and
 * DER leaves a default out. */
static bool
request_v1(const uint8_t *der, size_t n)
{
	long len;
	int tag, cls;
	const unsigned char *p = der;

	for (int depth = 0; depth < 2; depth++)
		if ((ASN1_get_object(&p, &len, &tag, &cls,
		    (long)(n - (size_t)(p - der))) & 0x80) != 0)
			return false;
	return (size_t)(p - der) < n && *p != 0xa0;
}

/* Name, signature: allowed, but then no two requests are alike. */
static bool
request_bare(const uint8_t *der, size_t n)
{
	long len;
	int tag, cls;
	const unsigned char *p = der;

	/* TBSRequest fills OCSPRequest, and begins with requestList. */
	if ((ASN1_get_object(&p, &len, &tag, &cls, (long)n) & 0x80) != 0 ||
	    (ASN1_get_object(&p, &len, &tag, &cls,
	    (long)(n - (size_t)(p - der))) & 0x80) != 0)
		return false;
	return p + len == der + n && *p == 0x30;
}

int
ocsp_request_parse(struct ocsp_request *out, const uint8_t *der, size_t n)
{
	const unsigned char *p = der;
	int ret = CAMCA_EINVAL;

	memset(out, 0, sizeof *out);
	if (n == 0 || n > OCSP_REQUEST_MAX)
		return CAMCA_EINVAL;
	out->der = d2i_OCSP_REQUEST(NULL, &p, (long)n);
	if (out->der == NULL)
		return request_error();
	if (p == der + n && request_v1(der, n))
		ret = request_canonical(out->der, der, n);
	out->plain = ret == CAMCA_OK && request_bare(der, n);
	if (ret == CAMCA_OK)
		ret = request_ids(out);
	if (ret == CAMCA_OK)
		ret = request_exts(out);
	if (ret < 0)
		ocsp_request_fini(out);
	if (ret == CAMCA_EINVAL)
		ret = request_error();
	ERR_clear_error();
	return ret;
}

void
ocsp_request_fini(struct ocsp_request *r)
{
	OCSP_REQUEST_free(r->der);
	memset(r, 0, sizeof *r);
}
