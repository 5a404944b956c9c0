/* SPDX-License-Identifier: Apache-2.0 */
/* Short-lived library objects that free themselves at the end of the block:
 *   AUTO(X509) *c = X509_new();   ... return TAKE(c) gives it away. */
#ifndef CAMCA_BASE_AUTO_H
#define CAMCA_BASE_AUTO_H

#include <openssl/asn1.h>
#include <openssl/bio.h>
#include <openssl/bn.h>
#include <openssl/evp.h>
#include <openssl/x509.h>
#include <openssl/x509v3.h>

#define AUTO_DEFINE(type, fn) \
	static inline void auto_free_##type(type **p) { if (*p != NULL) fn(*p); }
#define AUTO(type) __attribute__((cleanup(auto_free_##type))) type
#define TAKE(p) ({ __typeof__(p) take_ = (p); (p) = NULL; take_; })

AUTO_DEFINE(X509, X509_free)
AUTO_DEFINE(X509_REQ, X509_REQ_free)
AUTO_DEFINE(X509_CRL, X509_CRL_free)
AUTO_DEFINE(X509_NAME, X509_NAME_free)
AUTO_DEFINE(X509_EXTENSION, X509_EXTENSION_free)
AUTO_DEFINE(X509_STORE, X509_STORE_free)
AUTO_DEFINE(X509_STORE_CTX, X509_STORE_CTX_free)
AUTO_DEFINE(EVP_PKEY, EVP_PKEY_free)
AUTO_DEFINE(EVP_PKEY_CTX, EVP_PKEY_CTX_free)
AUTO_DEFINE(EVP_MD_CTX, EVP_MD_CTX_free)
AUTO_DEFINE(BIO, BIO_free_all)
AUTO_DEFINE(BIGNUM, BN_free)
AUTO_DEFINE(ASN1_OCTET_STRING, ASN1_OCTET_STRING_free)
AUTO_DEFINE(ASN1_INTEGER, ASN1_INTEGER_free)
AUTO_DEFINE(GENERAL_NAMES, GENERAL_NAMES_free)

#endif
