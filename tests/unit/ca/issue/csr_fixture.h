/* SPDX-License-Identifier: Apache-2.0 */
/* PKCS #10 requests built by hand, byte by byte, so that each part can be wrong
 * while the signature is right. Nothing here comes from the code under test. */
#ifndef CAMCA_TEST_CSR_FIXTURE_H
#define CAMCA_TEST_CSR_FIXTURE_H

#include <openssl/err.h>
#include <openssl/evp.h>
#include <openssl/x509.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "ca/base/buf.h"
#include "ca/issue/csr.h"

#define BYTES(s) (s), sizeof(s) - 1

#define OID_CN "\x55\x04\x03"
#define OID_SERIAL "\x55\x04\x05"
#define OID_PKCS9 "\x2a\x86\x48\x86\xf7\x0d\x01\x09"
#define OID_CHALLENGE OID_PKCS9 "\x07"
#define OID_EXTENSIONS OID_PKCS9 "\x0e"
#define OID_MS_EXTENSIONS "\x2b\x06\x01\x04\x01\x82\x37\x02\x01\x0e"
#define OID_OTP OID_PKCS9 "\x10\x02\x38"
#define OID_REVOCATION OID_PKCS9 "\x10\x02\x39"
#define OID_LINKING OID_PKCS9 "\x10\x02\x3a"
#define OID_CHANGE "\x2b\x06\x01\x05\x05\x07\x07\x24"
#define OID_BC "\x55\x1d\x13"
#define OID_KU "\x55\x1d\x0f"
#define OID_EKU "\x55\x1d\x25"
#define OID_SAN "\x55\x1d\x11"
#define UTF8 0x0c
#define PRINTABLE 0x13
#define IA5 0x16
#define BMP 0x1e

/* AlgorithmIdentifier of ecdsa-with-SHA256. */
#define ALG_ECDSA_SHA256 "\x30\x0a\x06\x08\x2a\x86\x48\xce\x3d\x04\x03\x02"

struct fx {
	struct keycheck *keys;
	EVP_PKEY *key;
	struct buf subject;       /* DER of Name */
	struct buf spki;          /* empty: of key */
	struct buf attrs;         /* Attributes one after the other */
	struct buf exts;          /* Extensions one after the other */
	struct buf alg;           /* empty: ecdsa-with-SHA256 */
	const EVP_MD *md;
	const char *version;      /* one byte as a string */
	bool no_attrs;            /* leave [0] out */
	struct buf der;           /* the request */
};

static inline void
fx_put(struct buf *b, const void *p, size_t n)
{
	assert_int_equal(buf_put(b, p, n), 0);
}

static inline void
fx_tlv(struct buf *out, uint8_t tag, const void *p, size_t n)
{
	uint8_t head[5] = { tag, (uint8_t)n };
	size_t len = 2;

	if (n >= 0x10000) {
		head[1] = 0x83;
		head[2] = (uint8_t)(n >> 16);
		head[3] = (uint8_t)(n >> 8);
		head[4] = (uint8_t)n;
		len = 5;
	} else if (n >= 0x100) {
		head[1] = 0x82;
		head[2] = (uint8_t)(n >> 8);
		head[3] = (uint8_t)n;
		len = 4;
	} else if (n >= 0x80) {
		head[1] = 0x81;
		head[2] = (uint8_t)n;
		len = 3;
	}
	fx_put(out, head, len);
	fx_put(out, p, n);
}

/* The bytes of b become the value of one part. */
static inline void
fx_wrap(struct buf *b, uint8_t tag)
{
	struct buf out;

	buf_init(&out, 0);
	fx_tlv(&out, tag, b->data, b->len);
	buf_fini(b);
	*b = out;
}

/* Appends a part {OID, value} with this tag. */
static inline void
fx_pair(struct buf *out, const char *oid, size_t oid_len, const void *value,
    size_t n)
{
	struct buf b;

	buf_init(&b, 0);
	fx_tlv(&b, 0x06, oid, oid_len);
	fx_put(&b, value, n);
	fx_tlv(out, 0x30, b.data, b.len);
	buf_fini(&b);
}

/* Appends an RDN with one value to a list of RDNs. */
static inline void
fx_rdn(struct buf *rdns, const char *oid, size_t oid_len, uint8_t type,
    const void *text, size_t n)
{
	struct buf v, pair;

	buf_init(&v, 0);
	buf_init(&pair, 0);
	fx_tlv(&v, type, text, n);
	fx_pair(&pair, oid, oid_len, v.data, v.len);
	fx_tlv(rdns, 0x31, pair.data, pair.len);
	buf_fini(&v);
	buf_fini(&pair);
}

/* Replaces the subject by one with a single CN. */
static inline void
fx_cn(struct fx *f, uint8_t type, const void *text, size_t n)
{
	buf_reset(&f->subject);
	fx_rdn(&f->subject, BYTES(OID_CN), type, text, n);
	fx_wrap(&f->subject, 0x30);
}

/* Appends an attribute; values are whole parts. */
static inline void
fx_attr(struct fx *f, const char *oid, size_t oid_len, const void *values,
    size_t n)
{
	struct buf set;

	buf_init(&set, 0);
	fx_tlv(&set, 0x31, values, n);
	fx_pair(&f->attrs, oid, oid_len, set.data, set.len);
	buf_fini(&set);
}

static inline void
fx_attr_text(struct fx *f, const char *oid, size_t oid_len, uint8_t type,
    const void *text, size_t n)
{
	struct buf v;

	buf_init(&v, 0);
	fx_tlv(&v, type, text, n);
	fx_attr(f, oid, oid_len, v.data, v.len);
	buf_fini(&v);
}

/* Appends an extension to the request for extensions. */
static inline void
fx_ext(struct fx *f, const char *oid, size_t oid_len, const void *value,
    size_t n)
{
	struct buf v;

	buf_init(&v, 0);
	fx_tlv(&v, 0x04, value, n);
	fx_pair(&f->exts, oid, oid_len, v.data, v.len);
	buf_fini(&v);
}

/* A subjectAltName of one name: tag is 0x82 for dNSName. */
static inline void
fx_san(struct fx *f, uint8_t tag, const void *name, size_t n)
{
	struct buf v;

	buf_init(&v, 0);
	fx_tlv(&v, tag, name, n);
	fx_wrap(&v, 0x30);
	fx_ext(f, BYTES(OID_SAN), v.data, v.len);
	buf_fini(&v);
}

static inline void
fx_sign(struct fx *f, const struct buf *info, struct buf *out)
{
	EVP_MD_CTX *ctx = EVP_MD_CTX_new();
	uint8_t sig[1200];
	size_t n = sizeof sig - 1;

	sig[0] = 0;
	assert_int_equal(EVP_DigestSignInit(ctx, NULL, f->md, NULL, f->key), 1);
	assert_int_equal(EVP_DigestSign(ctx, sig + 1, &n, info->data,
	    info->len), 1);
	EVP_MD_CTX_free(ctx);
	fx_tlv(out, 0x03, sig, n + 1);
}

/* CertificationRequestInfo. */
static inline void
fx_info(struct fx *f, struct buf *info)
{
	struct buf exts;
	uint8_t *spki = NULL;
	int n;

	fx_tlv(info, 0x02, f->version, 1);
	fx_put(info, f->subject.data, f->subject.len);
	if (f->spki.len > 0) {
		fx_put(info, f->spki.data, f->spki.len);
	} else {
		n = i2d_PUBKEY(f->key, &spki);
		assert_true(n > 0);
		fx_put(info, spki, (size_t)n);
		OPENSSL_free(spki);
	}
	if (f->exts.len > 0) {
		buf_init(&exts, 0);
		fx_tlv(&exts, 0x30, f->exts.data, f->exts.len);
		fx_attr(f, BYTES(OID_EXTENSIONS), exts.data, exts.len);
		buf_fini(&exts);
	}
	if (!f->no_attrs)
		fx_tlv(info, 0xa0, f->attrs.data, f->attrs.len);
	fx_wrap(info, 0x30);
}

/* Builds f->der from the parts. */
static inline void
fx_build(struct fx *f)
{
	struct buf info;

	buf_init(&info, 0);
	buf_reset(&f->der);
	fx_info(f, &info);
	fx_put(&f->der, info.data, info.len);
	if (f->alg.len > 0)
		fx_put(&f->der, f->alg.data, f->alg.len);
	else
		fx_put(&f->der, BYTES(ALG_ECDSA_SHA256));
	fx_sign(f, &info, &f->der);
	fx_wrap(&f->der, 0x30);
	buf_fini(&info);
}

/* One key for all requests of a test program: P-256. */
static inline void
fx_init(struct fx *f)
{
	char error[256];

	memset(f, 0, sizeof *f);
	assert_int_equal(keycheck_load(&f->keys, NULL, error, sizeof error), 0);
	f->key = EVP_EC_gen("P-256");
	assert_non_null(f->key);
	f->md = EVP_sha256();
	f->version = "\0";
	fx_cn(f, UTF8, BYTES("cam-1"));
}

static inline void
fx_fini(struct fx *f)
{
	keycheck_free(f->keys);
	EVP_PKEY_free(f->key);
	buf_fini(&f->subject);
	buf_fini(&f->spki);
	buf_fini(&f->attrs);
	buf_fini(&f->exts);
	buf_fini(&f->alg);
	buf_fini(&f->der);
}

/* Parses f->der, which must be refused with this code; out must be zeroed, the
 * sentence whole, and OpenSSL's error queue empty. */
static inline void
fx_refused_bytes(struct fx *f, const uint8_t *der, size_t n, const char *code)
{
	static const struct csr zero;
	struct refusal why = { 0 };
	struct csr c;
	int ret;

	memset(&c, 0xff, sizeof c);
	ret = csr_parse(&c, f->keys, der, n, &why);
	if (ret == 0)
		csr_fini(&c);
	assert_int_equal(ret, CAMCA_EINVAL);
	assert_int_equal(why.http, 400);
	if (code != NULL)
		assert_string_equal(why.code, code);
	assert_memory_equal(why.code, "csr.", 4);
	assert_true(strlen(why.detail) > 10 &&
	    why.detail[strlen(why.detail) - 1] == '.');
	assert_memory_equal(&c, &zero, sizeof c);
	assert_int_equal(ERR_peek_error(), 0);
}

static inline void
fx_refused(struct fx *f, const char *code)
{
	fx_build(f);
	fx_refused_bytes(f, f->der.data, f->der.len, code);
}

/* Builds and parses; must be accepted. */
static inline void
fx_accepted(struct fx *f, struct csr *out)
{
	struct refusal why = { 0 };
	int ret;

	fx_build(f);
	ret = csr_parse(out, f->keys, f->der.data, f->der.len, &why);
	if (ret < 0)
		print_error("%s: %s\n", why.code, why.detail);
	assert_int_equal(ret, 0);
	assert_int_equal(ERR_peek_error(), 0);
}

#endif
