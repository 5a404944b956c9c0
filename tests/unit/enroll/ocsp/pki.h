/* SPDX-License-Identifier: Apache-2.0 */
/* A CA, a responder's certificate and requests, for the tests of OCSP. */
#ifndef CAMCA_TEST_OCSP_PKI_H
#define CAMCA_TEST_OCSP_PKI_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

#include <jansson.h>
#include <openssl/err.h>
#include <openssl/ocsp.h>
#include <openssl/x509v3.h>

#include "ca/base/buf.h"
#include "ca/base/enc.h"
#include "enroll/ocsp/issuers.h"

#define PKI_NOW_S INT64_C(1800000000)    /* 2027-01-15T08:00:00Z */

struct pki_ca {
	EVP_PKEY *key;
	X509 *cert;
	uint8_t ski[20];
};

static inline void
pki_ext(X509 *cert, X509 *issuer, int nid, const char *value)
{
	X509V3_CTX c;
	X509_EXTENSION *e;

	X509V3_set_ctx(&c, issuer, cert, NULL, NULL, 0);
	e = X509V3_EXT_conf_nid(NULL, &c, nid, value);
	assert_non_null(e);
	assert_int_equal(X509_add_ext(cert, e, -1), 1);
	X509_EXTENSION_free(e);
}

/* A certificate for key, by issuer (NULL: itself), not signed yet. */
static inline X509 *
pki_cert(EVP_PKEY *key, X509 *issuer, const char *cn, uint64_t serial,
    int64_t from_s, int64_t to_s)
{
	X509 *x = X509_new();
	X509_NAME *name;

	assert_non_null(x);
	name = X509_get_subject_name(x);
	X509_set_version(x, 2);
	ASN1_INTEGER_set_uint64(X509_get_serialNumber(x), serial);
	X509_NAME_add_entry_by_txt(name, "CN", MBSTRING_UTF8,
	    (const unsigned char *)cn, -1, -1, 0);
	X509_set_issuer_name(x, issuer != NULL ?
	    X509_get_subject_name(issuer) : name);
	ASN1_TIME_set(X509_getm_notBefore(x), (time_t)from_s);
	ASN1_TIME_set(X509_getm_notAfter(x), (time_t)to_s);
	X509_set_pubkey(x, key);
	return x;
}

/* Signed and decoded again: what a peer would see. */
static inline X509 *
pki_sign(X509 *x, EVP_PKEY *by)
{
	X509 *again;

	assert_true(X509_sign(x, by, EVP_sha256()) > 0);
	again = X509_dup(x);
	assert_non_null(again);
	X509_free(x);
	return again;
}

/* parent NULL: a root. */
static inline struct pki_ca
pki_ca(const char *cn, uint64_t serial, const struct pki_ca *parent)
{
	struct pki_ca ca = { .key = EVP_EC_gen("P-256") };
	X509 *by = parent != NULL ? parent->cert : NULL;
	X509 *x = pki_cert(ca.key, by, cn, serial, PKI_NOW_S - 86400,
	    PKI_NOW_S + INT64_C(3650) * 86400);

	pki_ext(x, x, NID_basic_constraints, "critical,CA:TRUE");
	pki_ext(x, x, NID_subject_key_identifier, "hash");
	if (by != NULL)
		pki_ext(x, by, NID_authority_key_identifier, "keyid");
	ca.cert = pki_sign(x, parent != NULL ? parent->key : ca.key);
	memcpy(ca.ski, ASN1_STRING_get0_data(
	    X509_get0_subject_key_id(ca.cert)), 20);
	return ca;
}

static inline void
pki_ca_fini(struct pki_ca *ca)
{
	EVP_PKEY_free(ca->key);
	X509_free(ca->cert);
}

/* DER of a responder's certificate for key. */
static inline void
pki_responder(const struct pki_ca *ca, EVP_PKEY *key, const char *eku,
    int64_t from_s, int64_t to_s, struct buf *out)
{
	X509 *x = pki_cert(key, ca->cert, "responder", 77, from_s, to_s);
	unsigned char *der = NULL;
	int n;

	pki_ext(x, ca->cert, NID_ext_key_usage, eku);
	x = pki_sign(x, ca->key);
	n = i2d_X509(x, &der);
	assert_true(n > 0);
	assert_int_equal(buf_put(out, der, (size_t)n), 0);
	OPENSSL_free(der);
	X509_free(x);
}

/* The list that the feed would bring: ids 1, 2, … */
static inline struct issuers *
pki_issuers(const struct pki_ca *cas, size_t n)
{
	json_t *a = json_array();
	struct issuers *l = NULL;

	for (size_t i = 0; i < n; i++) {
		unsigned char *der = NULL;
		int len = i2d_X509(cas[i].cert, &der);
		char *b64 = enc_base64_dup(der, (size_t)len);
		char ski[41];

		enc_hex(ski, cas[i].ski, 20);
		json_array_append_new(a, json_pack("{s:I, s:s, s:s}", "id",
		    (json_int_t)i + 1, "ski", ski, "cert", b64));
		free(b64);
		OPENSSL_free(der);
	}
	assert_int_equal(issuers_parse(&l, a, 1), 0);
	json_decref(a);
	return l;
}

static inline ASN1_INTEGER *
pki_serial(const uint8_t *p, size_t n)
{
	BIGNUM *bn = BN_bin2bn(p, (int)n, NULL);
	ASN1_INTEGER *i = BN_to_ASN1_INTEGER(bn, NULL);

	assert_non_null(i);
	BN_free(bn);
	return i;
}

static inline OCSP_CERTID *
pki_id(const struct pki_ca *ca, const EVP_MD *md, const uint8_t *serial,
    size_t n)
{
	ASN1_INTEGER *i = pki_serial(serial, n);
	OCSP_CERTID *id = OCSP_cert_id_new(md,
	    X509_get_subject_name(ca->cert),
	    X509_get0_pubkey_bitstr(ca->cert), i);

	assert_non_null(id);
	ASN1_INTEGER_free(i);
	return id;
}

static inline void
pki_put(OCSP_REQUEST *req, struct buf *out)
{
	unsigned char *der = NULL;
	int n = i2d_OCSP_REQUEST(req, &der);

	assert_true(n > 0);
	assert_int_equal(buf_put(out, der, (size_t)n), 0);
	OPENSSL_free(der);
}

/* An extension of the request: OID, critical, bytes of its value. */
static inline void
pki_request_ext(OCSP_REQUEST *req, const char *oid, int critical,
    const void *p, size_t n)
{
	ASN1_OCTET_STRING *v = ASN1_OCTET_STRING_new();
	ASN1_OBJECT *o = OBJ_txt2obj(oid, 1);
	X509_EXTENSION *e;

	ASN1_OCTET_STRING_set(v, p, (int)n);
	e = X509_EXTENSION_create_by_OBJ(NULL, o, critical, v);
	assert_non_null(e);
	assert_int_equal(OCSP_REQUEST_add_ext(req, e, -1), 1);
	X509_EXTENSION_free(e);
	ASN1_OBJECT_free(o);
	ASN1_OCTET_STRING_free(v);
}

#define PKI_NONCE_OID "1.3.6.1.5.5.7.48.1.2"

static inline void
pki_nonce(OCSP_REQUEST *req, size_t n)
{
	uint8_t v[300] = { 0x04 };
	size_t head = 2;

	if (n < 128) {
		v[1] = (uint8_t)n;
	} else {
		v[1] = 0x81;
		v[2] = (uint8_t)n;
		head = 3;
	}
	memset(v + head, 0xa5, n);
	pki_request_ext(req, PKI_NONCE_OID, 0, v, head + n);
}

/* A request for one certificate; nonce 0: none. */
static inline void
pki_request(const struct pki_ca *ca, const EVP_MD *md, const uint8_t *serial,
    size_t n, size_t nonce, struct buf *out)
{
	OCSP_REQUEST *req = OCSP_REQUEST_new();

	assert_non_null(OCSP_request_add0_id(req, pki_id(ca, md, serial, n)));
	if (nonce > 0)
		pki_nonce(req, nonce);
	pki_put(req, out);
	OCSP_REQUEST_free(req);
}

#endif
