/* SPDX-License-Identifier: Apache-2.0 */
/* A camera vendor's PKI with keys in memory: root, intermediate CA, device and
 * CRLs, each as sloppy as a test wants it. */
#ifndef CAMCA_TEST_VENDOR_PKI_H
#define CAMCA_TEST_VENDOR_PKI_H

#include <openssl/err.h>
#include <openssl/pem.h>
#include <openssl/x509v3.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "ca/base/auto.h"
#include "ca/issue/ca.h"
#include "ca/issue/cert_ext.h"

#define DAY_MS INT64_C(86400000)
#define YEAR_MS (365 * DAY_MS)
#define NOW_MS INT64_C(1795300000000)          /* 2026-11-21 */

#define CA_EXT "basicConstraints=critical,CA:TRUE|" \
	"keyUsage=critical,keyCertSign,cRLSign|"

/* Roots, intermediate and device; each test alters what it is about. */
struct pki {
	EVP_PKEY *root_key, *mid_key, *key;
	X509 *root, *mid, *leaf;
	STACK_OF(X509) *chain;
	struct vendor_row v;
	struct refusal why;
	char serial[129];
};

struct spec {
	const char *subject;         /* "CN=x/serialNumber=y" */
	const char *ext;             /* "name=value|name=value" */
	EVP_PKEY *key;
	X509 *issuer;                /* NULL: itself */
	EVP_PKEY *issuer_key;
	const EVP_MD *md;            /* NULL: SHA-256 */
	int64_t from_ms, to_ms;      /* 0: a year around NOW_MS */
};

/* "name=value" up to sep, taken apart in copy; the rest, or NULL at the end. */
static inline const char *
take_pair(const char *list, char sep, char copy[static 256], char **value)
{
	const char *end = strchrnul(list, sep);

	snprintf(copy, 256, "%.*s", (int)(end - list), list);
	*value = strchr(copy, '=');
	if (*value == NULL)
		return NULL;
	*(*value)++ = '\0';
	return *end == '\0' ? end : end + 1;
}

static inline X509_NAME *
name_of(const char *subject)
{
	X509_NAME *n = X509_NAME_new();
	char pair[256], *value;

	while ((subject = take_pair(subject, '/', pair, &value)) != NULL)
		assert_int_equal(X509_NAME_add_entry_by_txt(n, pair,
		    MBSTRING_UTF8, (const unsigned char *)value, -1, -1, 0), 1);
	return n;
}

static inline void
add_ext(X509 *c, const char *list)
{
	char pair[256], *value;

	while ((list = take_pair(list, '|', pair, &value)) != NULL) {
		X509_EXTENSION *e = X509V3_EXT_conf(NULL, NULL, pair, value);

		assert_non_null(e);
		assert_int_equal(X509_add_ext(c, e, -1), 1);
		X509_EXTENSION_free(e);
	}
}

static inline X509 *
cert_of(const struct spec *s)
{
	static uint8_t serial[20] = { 0x20 };
	AUTO(X509) *c = X509_new();
	AUTO(X509_NAME) *n = name_of(s->subject);
	X509 *again;

	serial[19]++;
	assert_int_equal(cert_set_basics(c, serial, s->from_ms != 0 ?
	    s->from_ms : NOW_MS - YEAR_MS, s->to_ms != 0 ? s->to_ms :
	    NOW_MS + YEAR_MS), 0);
	X509_set_subject_name(c, n);
	X509_set_issuer_name(c, s->issuer != NULL ?
	    X509_get_subject_name(s->issuer) : n);
	X509_set_pubkey(c, s->key);
	if (s->ext != NULL)
		add_ext(c, s->ext);
	assert_true(X509_sign(c, s->issuer_key != NULL ? s->issuer_key : s->key,
	    s->md != NULL ? s->md : EVP_sha256()) > 0);
	again = X509_dup(c);
	assert_non_null(again);
	return again;
}

static inline void
put_pem(struct store_blob *b, X509 *cert, X509_CRL *crl)
{
	BIO *bio = BIO_new(BIO_s_mem());
	char *p;
	long n;

	assert_int_equal(cert != NULL ? PEM_write_bio_X509(bio, cert) :
	    PEM_write_bio_X509_CRL(bio, crl), 1);
	n = BIO_get_mem_data(bio, &p);
	b->p = realloc(b->p, b->n + (size_t)n);
	memcpy(b->p + b->n, p, (size_t)n);
	b->n += (size_t)n;
	BIO_free(bio);
}

static inline void
set_leaf(struct pki *k, X509 *leaf)
{
	X509_free(k->leaf);
	k->leaf = leaf;
	sk_X509_set(k->chain, 0, leaf);
}

static inline void
set_mid(struct pki *k, X509 *mid)
{
	X509_free(k->mid);
	k->mid = mid;
	sk_X509_set(k->chain, 1, mid);
}

/* A device certificate of the intermediate CA. */
static inline void
issue(struct pki *k, const char *subject, const char *ext)
{
	struct spec s = { .subject = subject, .ext = ext, .key = k->key,
	    .issuer = k->mid, .issuer_key = k->mid_key,
	    .to_ms = CERT_TIME_MAX_MS };

	set_leaf(k, cert_of(&s));
}

static inline void
set_root(struct pki *k, X509 *root)
{
	X509_free(k->root);
	k->root = root;
	store_blob_free(&k->v.roots);
	k->v.roots = (struct store_blob){ NULL, 0 };
	put_pem(&k->v.roots, root, NULL);
}

static inline int
setup(void **state)
{
	struct pki *k = calloc(1, sizeof *k);
	struct spec root = { .subject = "O=Vendor/CN=Root", .ext = CA_EXT };
	struct spec mid = { .subject = "O=Vendor/CN=Mid", .ext = CA_EXT };

	k->root_key = root.key = EVP_EC_gen("P-256");
	k->mid_key = mid.key = EVP_EC_gen("P-256");
	k->key = EVP_EC_gen("P-256");
	k->chain = sk_X509_new_null();
	sk_X509_push(k->chain, NULL);
	sk_X509_push(k->chain, NULL);
	set_root(k, cert_of(&root));
	mid.issuer = k->root;
	mid.issuer_key = k->root_key;
	set_mid(k, cert_of(&mid));
	issue(k, "CN=cam/serialNumber=ACCC8E012345", NULL);
	snprintf(k->v.name, sizeof k->v.name, "Vendor");
	k->v.enabled = 1;
	*state = k;
	return 0;
}

static inline int
teardown(void **state)
{
	struct pki *k = *state;

	EVP_PKEY_free(k->root_key);
	EVP_PKEY_free(k->mid_key);
	EVP_PKEY_free(k->key);
	X509_free(k->root);
	X509_free(k->mid);
	X509_free(k->leaf);
	sk_X509_free(k->chain);
	store_vendor_free(&k->v);
	free(k);
	return 0;
}

static inline int
verify_at(struct pki *k, int64_t now_ms)
{
	int ret;

	memset(&k->why, 0, sizeof k->why);
	snprintf(k->serial, sizeof k->serial, "untouched");
	ret = idevid_verify(k->chain, &k->v, now_ms, k->serial,
	    sizeof k->serial, &k->why);
	assert_int_equal(ERR_peek_error(), 0);
	return ret;
}

static inline void
good(struct pki *k, const char *serial)
{
	if (verify_at(k, NOW_MS) < 0)
		fail_msg("%s: %s", k->why.code, k->why.detail);
	assert_string_equal(k->serial, serial);
}

static inline void
refused_at(struct pki *k, int64_t now_ms, const char *code)
{
	assert_int_equal(verify_at(k, now_ms), CAMCA_EAUTH);
	assert_string_equal(k->why.code, code);
	assert_int_equal(k->why.http, 403);
}

static inline void
refused(struct pki *k, const char *code)
{
	refused_at(k, NOW_MS, code);
}

/* ---- revocation ---- */
struct crl_spec {
	X509 *issuer;
	EVP_PKEY *key;
	int64_t this_ms, next_ms;    /* 0: no nextUpdate */
	X509 *revoked;               /* NULL: empty */
	const char *ext;             /* "name=value" on the CRL */
	const char *entry_ext;
	const EVP_MD *md;
};

static inline X509_CRL *
crl_of(const struct crl_spec *s)
{
	X509_CRL *c = X509_CRL_new(), *again;
	ASN1_TIME *t = ASN1_TIME_set(NULL, (time_t)(s->this_ms / 1000));
	X509V3_CTX ctx;

	X509_CRL_set_version(c, X509_CRL_VERSION_2);
	X509_CRL_set_issuer_name(c, X509_get_subject_name(s->issuer));
	X509_CRL_set1_lastUpdate(c, t);
	if (s->next_ms != 0) {
		ASN1_TIME_set(t, (time_t)(s->next_ms / 1000));
		X509_CRL_set1_nextUpdate(c, t);
	}
	X509V3_set_ctx_nodb(&ctx);
	if (s->revoked != NULL) {
		X509_REVOKED *r = X509_REVOKED_new();

		ASN1_TIME_set(t, (time_t)(s->this_ms / 1000));
		X509_REVOKED_set_serialNumber(r,
		    X509_get_serialNumber(s->revoked));
		X509_REVOKED_set_revocationDate(r, t);
		if (s->entry_ext != NULL) {
			ASN1_OBJECT *o = OBJ_txt2obj(s->entry_ext, 1);
			ASN1_OCTET_STRING *os = ASN1_OCTET_STRING_new();
			X509_EXTENSION *e;

			ASN1_OCTET_STRING_set(os, (const uint8_t *)"\5\0", 2);
			e = X509_EXTENSION_create_by_OBJ(NULL, o, 1, os);
			X509_REVOKED_add_ext(r, e, -1);
			X509_EXTENSION_free(e);
			ASN1_OCTET_STRING_free(os);
			ASN1_OBJECT_free(o);
		}
		X509_CRL_add0_revoked(c, r);
	}
	if (s->ext != NULL) {
		char copy[128], *eq;
		X509_EXTENSION *e;

		snprintf(copy, sizeof copy, "%s", s->ext);
		eq = strchr(copy, '=');
		*eq = '\0';
		e = X509V3_EXT_conf(NULL, &ctx, copy, eq + 1);
		assert_non_null(e);
		X509_CRL_add_ext(c, e, -1);
		X509_EXTENSION_free(e);
	}
	assert_true(X509_CRL_sign(c, s->key, s->md != NULL ? s->md :
	    EVP_sha256()) > 0);
	again = X509_CRL_dup(c);
	X509_CRL_free(c);
	ASN1_TIME_free(t);
	return again;
}

static inline struct crl_spec
crl_root(struct pki *k)
{
	return (struct crl_spec){ .issuer = k->root, .key = k->root_key,
	    .this_ms = NOW_MS - DAY_MS, .next_ms = NOW_MS + 7 * DAY_MS };
}

static inline struct crl_spec
crl_mid(struct pki *k)
{
	struct crl_spec s = crl_root(k);

	s.issuer = k->mid;
	s.key = k->mid_key;
	return s;
}

/* The vendor's CRLs are these, and nothing else. */
static inline void
publish(struct pki *k, const struct crl_spec *a, const struct crl_spec *b)
{
	const struct crl_spec *list[] = { a, b };

	store_blob_free(&k->v.crls);
	k->v.crls = (struct store_blob){ NULL, 0 };
	k->v.crl_required = 1;
	for (int i = 0; i < 2; i++) {
		X509_CRL *c;

		if (list[i] == NULL)
			continue;
		c = crl_of(list[i]);
		put_pem(&k->v.crls, NULL, c);
		X509_CRL_free(c);
	}
}

#define PKI_TEST(fn) cmocka_unit_test_setup_teardown(fn, setup, teardown)

#endif
