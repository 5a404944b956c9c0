/* SPDX-License-Identifier: Apache-2.0 */
/* A throwaway CA in memory, for certificates of tests. */
#ifndef CAMCA_TESTS_SIGNER_H
#define CAMCA_TESTS_SIGNER_H

#include <openssl/evp.h>
#include <openssl/pem.h>
#include <openssl/x509v3.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "ca/base/auto.h"

static inline void
signer_name(X509_NAME *name, const char *cn)
{
	X509_NAME_add_entry_by_NID(name, NID_commonName, MBSTRING_UTF8,
	    (const unsigned char *)cn, -1, -1, 0);
}

/* PEM of a certificate of name cn for key, valid from from_s to until_s (UTC),
 * signed by signer in the name of issuer; malloc'd. */
static inline char *
signer_named(EVP_PKEY *key, const char *cn, EVP_PKEY *signer,
    const char *issuer, int64_t from_s, int64_t until_s)
{
	AUTO(X509) *c = X509_new();
	AUTO(BIO) *mem = BIO_new(BIO_s_mem());
	AUTO(X509_NAME) *from = X509_NAME_new();
	char *p, *text = NULL;
	long n;

	X509_set_version(c, 2);
	ASN1_INTEGER_set(X509_get_serialNumber(c), 7);
	signer_name(X509_get_subject_name(c), cn);
	signer_name(from, issuer);
	X509_set_issuer_name(c, from);
	ASN1_TIME_set(X509_getm_notBefore(c), (time_t)from_s);
	ASN1_TIME_set(X509_getm_notAfter(c), (time_t)until_s);
	X509_set_pubkey(c, key);
	if (X509_sign(c, signer, EVP_sha256()) > 0 &&
	    PEM_write_bio_X509(mem, c) == 1) {
		n = BIO_get_mem_data(mem, &p);
		text = strndup(p, (size_t)n);
	}
	return text;
}

/* The same for "localhost", in its own name. */
static inline char *
signer_pem(EVP_PKEY *key, EVP_PKEY *signer, int64_t from_s, int64_t until_s)
{
	return signer_named(key, "localhost", signer, "localhost", from_s,
	    until_s);
}

#endif
