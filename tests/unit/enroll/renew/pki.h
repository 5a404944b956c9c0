/* SPDX-License-Identifier: Apache-2.0 */
/* A small PKI made on the spot for the tests of camca-renew. */
#ifndef CAMCA_TEST_RENEW_PKI_H
#define CAMCA_TEST_RENEW_PKI_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include <openssl/err.h>
#include <openssl/evp.h>
#include <openssl/pkcs7.h>
#include <openssl/rand.h>
#include <openssl/x509v3.h>

#include "ca/base/enc.h"
#include "ca/base/file.h"
#include "enroll/renew/bag.h"

#define PKI_NOW_S INT64_C(1795000000)
#define PKI_NOW_MS (PKI_NOW_S * 1000)
#define PKI_DAY_S INT64_C(86400)

struct pki_want {
	const char *cn;
	EVP_PKEY *key;            /* subject's */
	X509 *issuer;             /* NULL: issuer is cn itself */
	EVP_PKEY *issuer_key;
	int64_t begin_s;          /* from PKI_NOW_S */
	int64_t end_s;
	const char *basic;        /* basicConstraints, NULL for none */
	const char *san;
};

static inline EVP_PKEY *
pki_key(void)
{
	EVP_PKEY *k = EVP_EC_gen("P-256");

	assert_non_null(k);
	return k;
}

static inline void
pki_ext(X509 *c, X509 *issuer, int nid, const char *value)
{
	X509V3_CTX ctx;
	X509_EXTENSION *e;

	X509V3_set_ctx(&ctx, issuer, c, NULL, NULL, 0);
	e = X509V3_EXT_conf_nid(NULL, &ctx, nid, value);
	assert_non_null(e);
	assert_int_equal(X509_add_ext(c, e, -1), 1);
	X509_EXTENSION_free(e);
}

static inline X509 *
pki_cert(const struct pki_want *w)
{
	X509 *c = X509_new(), *issuer = w->issuer != NULL ? w->issuer : c;
	X509_NAME *n = X509_get_subject_name(c);
	uint8_t serial[8];
	BIGNUM *bn;

	assert_int_equal(X509_set_version(c, 2), 1);
	assert_int_equal(RAND_bytes(serial, sizeof serial), 1);
	serial[0] = (serial[0] & 0x7f) | 1;
	bn = BN_bin2bn(serial, sizeof serial, NULL);
	assert_non_null(BN_to_ASN1_INTEGER(bn, X509_get_serialNumber(c)));
	BN_free(bn);
	X509_NAME_add_entry_by_txt(n, "CN", MBSTRING_UTF8,
	    (const unsigned char *)w->cn, -1, -1, 0);
	X509_set_issuer_name(c, X509_get_subject_name(issuer));
	ASN1_TIME_set(X509_getm_notBefore(c), PKI_NOW_S + w->begin_s);
	ASN1_TIME_set(X509_getm_notAfter(c), PKI_NOW_S + w->end_s);
	X509_set_pubkey(c, w->key);
	if (w->basic != NULL) {
		pki_ext(c, issuer, NID_basic_constraints, w->basic);
		pki_ext(c, issuer, NID_subject_key_identifier, "hash");
		pki_ext(c, issuer, NID_authority_key_identifier, "keyid");
	}
	if (w->san != NULL)
		pki_ext(c, issuer, NID_subject_alt_name, w->san);
	assert_true(X509_sign(c, w->issuer_key, EVP_sha256()) > 0);
	return c;
}

/* A root of ten years around the tests' now. */
static inline X509 *
pki_root(const char *cn, EVP_PKEY *key)
{
	struct pki_want w = { .cn = cn, .key = key, .issuer_key = key,
	    .begin_s = -365 * PKI_DAY_S, .end_s = 3650 * PKI_DAY_S,
	    .basic = "critical,CA:TRUE" };

	return pki_cert(&w);
}

/* Base64 of certs-only SignedData with n certificates. */
static inline void
pki_bag(struct buf *out, X509 **certs, size_t n)
{
	PKCS7 *p7 = PKCS7_new();
	unsigned char *der = NULL;
	int len;

	assert_int_equal(PKCS7_set_type(p7, NID_pkcs7_signed), 1);
	assert_int_equal(PKCS7_content_new(p7, NID_pkcs7_data), 1);
	for (size_t i = 0; i < n; i++)
		assert_int_equal(PKCS7_add_certificate(p7, certs[i]), 1);
	len = i2d_PKCS7(p7, &der);
	assert_true(len > 0);
	assert_int_equal(enc_base64(out, der, (size_t)len, 64), 0);
	OPENSSL_free(der);
	PKCS7_free(p7);
}

static inline void
pki_write(const char *dir, const char *name, const struct buf *text)
{
	char path[512];

	assert_int_equal(file_join(path, sizeof path, dir, name), 0);
	assert_int_equal(file_replace(path, buf_str(text), text->len, 0600), 0);
}

static inline void
pki_write_cert(const char *dir, const char *name, X509 *c)
{
	struct buf pem;

	buf_init(&pem, 0);
	assert_int_equal(bag_cert_to_pem(&pem, c), 0);
	pki_write(dir, name, &pem);
	buf_fini(&pem);
}

/* A folder of its own for each test; removed by rmtree(). */
static inline char *
pki_tmpdir(void)
{
	char *d = strdup("/tmp/camca-renew-test-XXXXXX");

	assert_non_null(d);
	assert_non_null(mkdtemp(d));
	return d;
}

#endif
