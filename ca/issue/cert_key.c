/* SPDX-License-Identifier: Apache-2.0 */
/* SubjectPublicKeyInfo of the key types that profiles know. X509_set_pubkey()
 * does the same through OpenSSL 3's encoders: 800 allocations and several
 * times the cost of the signature over the whole certificate. */
#include <openssl/asn1t.h>
#include <openssl/core_names.h>
#include <openssl/ec.h>

#include "ca/base/auto.h"
#include "ca/issue/cert_ext.h"

#define CERT_KEY_MAX 256            /* EC point or Ed25519 key */

/* RSAPublicKey, RFC 8017 A.1.1. */
typedef struct {
	BIGNUM *n, *e;
} CERT_RSA;
ASN1_SEQUENCE(CERT_RSA) = {
	ASN1_SIMPLE(CERT_RSA, n, BIGNUM),
	ASN1_SIMPLE(CERT_RSA, e, BIGNUM)
} static_ASN1_SEQUENCE_END(CERT_RSA)

static int
cert_key_put(X509 *cert, int alg, int ptype, void *param, unsigned char *der,
    int n)
{
	if (der != NULL && n > 0 &&
	    X509_PUBKEY_set0_param(X509_get_X509_PUBKEY(cert), OBJ_nid2obj(alg),
	    ptype, param, der, n) == 1)
		return CAMCA_OK;
	OPENSSL_free(der);
	return CAMCA_ECRYPTO;
}

/* RFC 5480 2.1.1: named curve. */
static int
cert_key_ec(X509 *cert, EVP_PKEY *key)
{
	char group[64];
	unsigned char *point = NULL;
	size_t n;
	int nid;

	if (EVP_PKEY_get_group_name(key, group, sizeof group, NULL) != 1)
		return CAMCA_ECRYPTO;
	nid = OBJ_txt2nid(group);
	if (nid == NID_undef)
		nid = EC_curve_nist2nid(group);
	n = EVP_PKEY_get1_encoded_public_key(key, &point);
	if (nid == NID_undef || n == 0 || n > CERT_KEY_MAX) {
		OPENSSL_free(point);
		return CAMCA_ECRYPTO;
	}
	return cert_key_put(cert, EVP_PKEY_EC, V_ASN1_OBJECT, OBJ_nid2obj(nid),
	    point, (int)n);
}

/* RFC 3279 2.3.1: parameters are NULL. */
static int
cert_key_rsa(X509 *cert, EVP_PKEY *key)
{
	AUTO(BIGNUM) *n = NULL;
	AUTO(BIGNUM) *e = NULL;
	unsigned char *der = NULL;
	CERT_RSA rsa;
	int len;

	if (EVP_PKEY_get_bn_param(key, OSSL_PKEY_PARAM_RSA_N, &n) != 1 ||
	    EVP_PKEY_get_bn_param(key, OSSL_PKEY_PARAM_RSA_E, &e) != 1)
		return CAMCA_ECRYPTO;
	rsa.n = n;
	rsa.e = e;
	len = ASN1_item_i2d((ASN1_VALUE *)&rsa, &der, ASN1_ITEM_rptr(CERT_RSA));
	return cert_key_put(cert, EVP_PKEY_RSA, V_ASN1_NULL, NULL, der, len);
}

/* RFC 8410 section 3: no parameters. */
static int
cert_key_ed25519(X509 *cert, EVP_PKEY *key)
{
	size_t n = 32;
	unsigned char *raw = OPENSSL_malloc(n);

	if (raw == NULL || EVP_PKEY_get_raw_public_key(key, raw, &n) != 1)
		n = 0;
	return cert_key_put(cert, EVP_PKEY_ED25519, V_ASN1_UNDEF, NULL, raw,
	    (int)n);
}

int
cert_set_key(X509 *cert, EVP_PKEY *key)
{
	switch (EVP_PKEY_get_base_id(key)) {
	case EVP_PKEY_EC:
		return cert_key_ec(cert, key);
	case EVP_PKEY_RSA:
		return cert_key_rsa(cert, key);
	case EVP_PKEY_ED25519:
		return cert_key_ed25519(cert, key);
	default:
		return X509_set_pubkey(cert, key) == 1 ?
		    CAMCA_OK : CAMCA_ECRYPTO;
	}
}
