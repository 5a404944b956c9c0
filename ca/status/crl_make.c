/* SPDX-License-Identifier: Apache-2.0 */
#include "ca/status/crl_make.h"

#include <openssl/err.h>
#include <openssl/x509v3.h>
#include <string.h>

#include "ca/base/auto.h"

AUTO_DEFINE(AUTHORITY_KEYID, AUTHORITY_KEYID_free)
AUTO_DEFINE(ASN1_TIME, ASN1_TIME_free)
AUTO_DEFINE(X509_ALGOR, X509_ALGOR_free)
AUTO_DEFINE(ASN1_BIT_STRING, ASN1_BIT_STRING_free)

#define MAKE_SIG_MAX 600
#define MAKE_OUTER_MAX 16        /* two headers of a SEQUENCE */

/* Pieces of DER one after the other; the room is checked once a piece. */
struct make {
	uint8_t data[CRL_HEAD_ROOM];
	size_t n;
	bool bad;
};

/* An i2d function's length, then the function itself. */
#define MAKE_PUT(m, i2d, obj) do { \
	uint8_t *p_ = make_room((m), (i2d)((obj), NULL)); \
	if (p_ != NULL) \
		(void)(i2d)((obj), &p_); \
} while (0)

static uint8_t *
make_room(struct make *m, int n)
{
	uint8_t *p = m->data + m->n;

	if (n <= 0 || (size_t)n > sizeof m->data - MAKE_OUTER_MAX - m->n) {
		m->bad = true;
		return NULL;
	}
	m->n += (size_t)n;
	return p;
}

/* Header of a constructed element of n bytes. */
static void
make_header(struct make *m, int tag, int class, size_t n)
{
	int whole = ASN1_object_size(1, (int)n, tag);
	uint8_t *p = make_room(m, whole - (int)n);

	if (p != NULL)
		ASN1_put_object(&p, 1, (int)n, tag, class);
}

static void
make_time(struct make *m, int64_t ms)
{
	AUTO(ASN1_TIME) *t = ASN1_TIME_set(NULL, (time_t)(ms / 1000));

	if (t == NULL)
		m->bad = true;
	else
		MAKE_PUT(m, i2d_ASN1_TIME, t);
}

static void
make_algorithm(struct make *m, const struct ca *ca)
{
	AUTO(X509_ALGOR) *alg = X509_ALGOR_new();

	if (alg == NULL || hsm_key_algorithm(ca->key, alg) < 0)
		m->bad = true;
	else
		MAKE_PUT(m, i2d_X509_ALGOR, alg);
}

/* What stands before the entries; the name as it is in the CA certificate, byte
 * by byte (RFC 5280 5.1.2.3). */
static void
make_head(struct make *m, const struct ca *ca, const struct crl_file_row *row,
    size_t entries_len)
{
	AUTO(ASN1_INTEGER) *version = ASN1_INTEGER_new();

	if (version == NULL ||
	    ASN1_INTEGER_set(version, X509_CRL_VERSION_2) != 1) {
		m->bad = true;
		return;
	}
	MAKE_PUT(m, i2d_ASN1_INTEGER, version);
	make_algorithm(m, ca);
	MAKE_PUT(m, i2d_X509_NAME, X509_get_subject_name(ca->cert));
	make_time(m, row->this_update_ms);
	make_time(m, row->next_update_ms);
	if (entries_len > 0)
		make_header(m, V_ASN1_SEQUENCE, V_ASN1_UNIVERSAL, entries_len);
}

static STACK_OF(X509_EXTENSION) *
make_extensions(const struct ca *ca, int64_t number)
{
	AUTO(AUTHORITY_KEYID) *aki = AUTHORITY_KEYID_new();
	AUTO(ASN1_INTEGER) *n = ASN1_INTEGER_new();
	const ASN1_OCTET_STRING *ski = X509_get0_subject_key_id(ca->cert);
	STACK_OF(X509_EXTENSION) *x = NULL;

	if (aki == NULL || n == NULL || ski == NULL ||
	    (aki->keyid = ASN1_OCTET_STRING_dup(ski)) == NULL ||
	    ASN1_INTEGER_set_int64(n, number) != 1 ||
	    X509V3_add1_i2d(&x, NID_authority_key_identifier, aki, 0,
	    X509V3_ADD_APPEND) != 1 ||
	    X509V3_add1_i2d(&x, NID_crl_number, n, 0,
	    X509V3_ADD_APPEND) != 1) {
		sk_X509_EXTENSION_pop_free(x, X509_EXTENSION_free);
		return NULL;
	}
	return x;
}

/* What stands behind the entries: [0] EXPLICIT Extensions. */
static void
make_tail(struct make *m, const struct ca *ca, int64_t number)
{
	STACK_OF(X509_EXTENSION) *x = make_extensions(ca, number);
	int n = x != NULL ? i2d_X509_EXTENSIONS(x, NULL) : 0;

	if (n <= 0) {
		m->bad = true;
	} else {
		make_header(m, 0, V_ASN1_CONTEXT_SPECIFIC, (size_t)n);
		MAKE_PUT(m, i2d_X509_EXTENSIONS, x);
	}
	sk_X509_EXTENSION_pop_free(x, X509_EXTENSION_free);
}

/* The signed part, contiguous in the list's memory. */
static int
make_tbs(struct crl_list *l, const struct ca *ca,
    const struct crl_file_row *row, struct crl_made *out)
{
	struct make head = { .n = 0 }, tail = { .n = 0 }, outer = { .n = 0 };
	uint8_t *p = l->mem + CRL_HEAD_ROOM;

	make_head(&head, ca, row, l->len);
	make_tail(&tail, ca, row->number);
	make_header(&outer, V_ASN1_SEQUENCE, V_ASN1_UNIVERSAL,
	    head.n + l->len + tail.n);
	if (head.bad || tail.bad || outer.bad ||
	    tail.n + MAKE_SIG_MAX > CRL_TAIL_ROOM)
		return CAMCA_ELIMIT;
	memcpy(p + l->len, tail.data, tail.n);
	p -= head.n;
	memcpy(p, head.data, head.n);
	p -= outer.n;
	memcpy(p, outer.data, outer.n);
	out->tbs = p;
	out->tbs_n = outer.n + head.n + l->len + tail.n;
	return CAMCA_OK;
}

/* Algorithm, signature and the outermost header around the signed part. */
static int
make_outer(const struct ca *ca, const uint8_t *sig, size_t sig_n,
    struct crl_made *out)
{
	struct make tail = { .n = 0 }, outer = { .n = 0 };
	AUTO(ASN1_BIT_STRING) *bits = ASN1_BIT_STRING_new();
	/* The list's own memory, which is not const. */
	uint8_t *p = (uint8_t *)(uintptr_t)out->tbs;

	if (bits == NULL || ASN1_STRING_set(bits, sig, (int)sig_n) != 1)
		return CAMCA_ENOMEM;
	/* No unused bits, whatever the last byte ends in (X.690 8.6.2). */
	bits->flags &= ~(ASN1_STRING_FLAG_BITS_LEFT | 0x07L);
	bits->flags |= ASN1_STRING_FLAG_BITS_LEFT;
	make_algorithm(&tail, ca);
	MAKE_PUT(&tail, i2d_ASN1_BIT_STRING, bits);
	make_header(&outer, V_ASN1_SEQUENCE, V_ASN1_UNIVERSAL,
	    out->tbs_n + tail.n);
	if (tail.bad || outer.bad || tail.n > MAKE_SIG_MAX)
		return CAMCA_ELIMIT;
	memcpy(p + out->tbs_n, tail.data, tail.n);
	memcpy(p - outer.n, outer.data, outer.n);
	out->p = p - outer.n;
	out->n = outer.n + out->tbs_n + tail.n;
	return CAMCA_OK;
}

int
crl_make(struct crl_list *l, const struct ca *ca,
    const struct crl_file_row *row, struct crl_made *out)
{
	uint8_t sig[512];
	size_t sig_n = sizeof sig;
	int ret;

	if (l->len > CRL_SIZE_MAX - CRL_HEAD_ROOM - CRL_TAIL_ROOM)
		return CAMCA_ELIMIT;
	ERR_clear_error();
	ret = make_tbs(l, ca, row, out);
	/* Hashed once: for the token, and for the check of what it gives. */
	if (ret == CAMCA_OK && EVP_Digest(out->tbs, out->tbs_n, out->tbs_hash,
	    &out->tbs_hash_n, hsm_key_md(ca->key), NULL) != 1)
		ret = CAMCA_ECRYPTO;
	if (ret == CAMCA_OK)
		ret = hsm_sign_hashed(ca->key, out->tbs, out->tbs_n,
		    out->tbs_hash, sig, &sig_n);
	if (ret == CAMCA_OK)
		ret = make_outer(ca, sig, sig_n, out);
	ERR_clear_error();
	return ret;
}
