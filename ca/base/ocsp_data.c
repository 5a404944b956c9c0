/* SPDX-License-Identifier: Apache-2.0 */
#include "ca/base/ocsp_data.h"

#include <openssl/asn1t.h>
#include <openssl/err.h>
#include <string.h>
#include <time.h>

#include "ca/base/auto.h"

#define OD_EXTENDED_REVOKE "1.3.6.1.5.5.7.48.1.9"   /* RFC 6960 4.4.8 */

typedef struct {
	ASN1_GENERALIZEDTIME *time;
	ASN1_ENUMERATED *reason;
} OD_REVOKED;

/* CertStatus is a CHOICE; "unknown" is never said. */
typedef struct {
	OCSP_CERTID *id;
	ASN1_NULL *good;
	OD_REVOKED *revoked;
	ASN1_GENERALIZEDTIME *this_update;
	ASN1_GENERALIZEDTIME *next_update;
	STACK_OF(X509_EXTENSION) *exts;
} OD_SINGLE;

typedef struct {
	ASN1_OCTET_STRING *key_hash;   /* ResponderID byKey, the only form */
	ASN1_GENERALIZEDTIME *produced;
	STACK_OF(OD_SINGLE) *singles;
	STACK_OF(X509_EXTENSION) *exts;
} OD_DATA;

DEFINE_STACK_OF(OD_SINGLE)

ASN1_SEQUENCE(OD_REVOKED) = {
	ASN1_SIMPLE(OD_REVOKED, time, ASN1_GENERALIZEDTIME),
	ASN1_EXP_OPT(OD_REVOKED, reason, ASN1_ENUMERATED, 0),
} static_ASN1_SEQUENCE_END(OD_REVOKED)

ASN1_SEQUENCE(OD_SINGLE) = {
	ASN1_SIMPLE(OD_SINGLE, id, OCSP_CERTID),
	ASN1_IMP_OPT(OD_SINGLE, good, ASN1_NULL, 0),
	ASN1_IMP_OPT(OD_SINGLE, revoked, OD_REVOKED, 1),
	ASN1_SIMPLE(OD_SINGLE, this_update, ASN1_GENERALIZEDTIME),
	ASN1_EXP_OPT(OD_SINGLE, next_update, ASN1_GENERALIZEDTIME, 0),
	ASN1_EXP_SEQUENCE_OF_OPT(OD_SINGLE, exts, X509_EXTENSION, 1),
} static_ASN1_SEQUENCE_END(OD_SINGLE)

/* version is DEFAULT v1, so DER leaves it out. */
ASN1_SEQUENCE(OD_DATA) = {
	ASN1_EXP(OD_DATA, key_hash, ASN1_OCTET_STRING, 2),
	ASN1_SIMPLE(OD_DATA, produced, ASN1_GENERALIZEDTIME),
	ASN1_SEQUENCE_OF(OD_DATA, singles, OD_SINGLE),
	ASN1_EXP_SEQUENCE_OF_OPT(OD_DATA, exts, X509_EXTENSION, 1),
} static_ASN1_SEQUENCE_END(OD_DATA)

#define OD_NEW(type) ((type *)ASN1_item_new(ASN1_ITEM_rptr(type)))
#define OD_AUTO(type) \
	static void \
	od_free_##type(type *p) \
	{ \
		ASN1_item_free((ASN1_VALUE *)p, ASN1_ITEM_rptr(type)); \
	} \
	AUTO_DEFINE(type, od_free_##type)

OD_AUTO(OD_SINGLE)
OD_AUTO(OD_DATA)
AUTO_DEFINE(ASN1_GENERALIZEDTIME, ASN1_GENERALIZEDTIME_free)

static int
od_failed(int err)
{
	unsigned long e;

	while ((e = ERR_get_error()) != 0)
		if (ERR_GET_REASON(e) == ERR_R_MALLOC_FAILURE)
			err = CAMCA_ENOMEM;
	return err;
}

/* No fractions: RFC 5280 4.1.2.5.2 by RFC 6960 4.2.2.1. */
static bool
od_set_time(ASN1_GENERALIZEDTIME *t, int64_t s)
{
	return t != NULL && ASN1_GENERALIZEDTIME_set(t, (time_t)s) != NULL;
}

static bool
od_get_time(const ASN1_GENERALIZEDTIME *t, int64_t *out)
{
	const char *p = (const char *)ASN1_STRING_get0_data(t);
	struct tm tm;

	if (ASN1_STRING_length(t) != 15 || p[14] != 'Z' ||
	    ASN1_TIME_to_tm(t, &tm) != 1)
		return false;
	*out = (int64_t)timegm(&tm);
	return true;
}

/* ---- encode ---- */

static bool
od_push_ext(STACK_OF(X509_EXTENSION) **exts, int nid, void *value)
{
	return X509V3_add1_i2d(exts, nid, value, 0,
	    X509V3_ADD_APPEND) == 1;
}

static bool
od_fill_revoked(OD_SINGLE *to, const struct ocsp_single *from)
{
	to->revoked = (OD_REVOKED *)ASN1_item_new(ASN1_ITEM_rptr(OD_REVOKED));
	if (to->revoked == NULL ||
	    !od_set_time(to->revoked->time, from->revoked_s))
		return false;
	if (from->reason < 0)
		return true;
	to->revoked->reason = ASN1_ENUMERATED_new();
	return to->revoked->reason != NULL &&
	    ASN1_ENUMERATED_set(to->revoked->reason, from->reason) == 1;
}

static bool
od_fill_single(OD_SINGLE *to, const struct ocsp_single *from)
{
	AUTO(ASN1_GENERALIZEDTIME) *cutoff = NULL;

	/* Lent for the encoding; od_unlend() takes it back. */
	OCSP_CERTID_free(to->id);
	to->id = (OCSP_CERTID *)(uintptr_t)from->id;
	if (from->revoked) {
		if (!od_fill_revoked(to, from))
			return false;
	} else if ((to->good = ASN1_NULL_new()) == NULL) {
		return false;
	}
	to->next_update = ASN1_GENERALIZEDTIME_new();
	if (!od_set_time(to->this_update, from->this_s) ||
	    !od_set_time(to->next_update, from->next_s))
		return false;
	if (from->archive_s == 0)
		return true;
	cutoff = ASN1_GENERALIZEDTIME_new();
	return od_set_time(cutoff, from->archive_s) &&
	    od_push_ext(&to->exts, NID_id_pkix_OCSP_archiveCutoff, cutoff);
}

static void
od_unlend(OD_DATA *d)
{
	for (int i = 0; i < sk_OD_SINGLE_num(d->singles); i++)
		sk_OD_SINGLE_value(d->singles, i)->id = NULL;
}

/* An extension by its OID and the bytes of its value. */
static bool
od_push_raw(STACK_OF(X509_EXTENSION) **exts, const ASN1_OBJECT *oid,
    const uint8_t *p, int n)
{
	AUTO(ASN1_OCTET_STRING) *value = ASN1_OCTET_STRING_new();
	AUTO(X509_EXTENSION) *ext = NULL;

	if (oid == NULL || value == NULL ||
	    ASN1_OCTET_STRING_set(value, p, n) != 1)
		return false;
	ext = X509_EXTENSION_create_by_OBJ(NULL, oid, 0, value);
	return ext != NULL && X509v3_add_ext(exts, ext, -1) != NULL;
}

/* Has no name in OpenSSL. */
static bool
od_push_extended(STACK_OF(X509_EXTENSION) **exts)
{
	ASN1_OBJECT *oid = OBJ_txt2obj(OD_EXTENDED_REVOKE, 1);
	bool ok = od_push_raw(exts, oid, (const uint8_t *)"\x05\x00", 2);

	ASN1_OBJECT_free(oid);
	return ok;
}

/* RFC 9654 2.1: an OCTET STRING in the extension's own, which OpenSSL's method
 * for this extension leaves out. */
static bool
od_push_nonce(STACK_OF(X509_EXTENSION) **exts, const struct ocsp_data *d)
{
	uint8_t der[OCSP_NONCE_MAX + 3], *p = der;

	ASN1_put_object(&p, 0, (int)d->nonce_len, V_ASN1_OCTET_STRING,
	    V_ASN1_UNIVERSAL);
	memcpy(p, d->nonce, d->nonce_len);
	return od_push_raw(exts, OBJ_nid2obj(NID_id_pkix_OCSP_Nonce), der,
	    (int)(p - der) + (int)d->nonce_len);
}

static bool
od_fill(OD_DATA *to, const struct ocsp_data *from)
{
	if (ASN1_OCTET_STRING_set(to->key_hash, from->key_hash, 20) != 1 ||
	    !od_set_time(to->produced, from->produced_s))
		return false;
	for (size_t i = 0; i < from->n; i++) {
		AUTO(OD_SINGLE) *s = OD_NEW(OD_SINGLE);

		if (s == NULL || sk_OD_SINGLE_push(to->singles, s) <= 0)
			return false;
		if (!od_fill_single(TAKE(s), &from->singles[i]))
			return false;
	}
	if (from->extended_revoke && !od_push_extended(&to->exts))
		return false;
	return from->nonce_len == 0 || od_push_nonce(&to->exts, from);
}

int
ocsp_data_encode(const struct ocsp_data *d, struct buf *out)
{
	AUTO(OD_DATA) *data = OD_NEW(OD_DATA);
	unsigned char *der = NULL;
	int n = -1, ret;

	if (data != NULL) {
		if (od_fill(data, d))
			n = ASN1_item_i2d((ASN1_VALUE *)data, &der,
			    ASN1_ITEM_rptr(OD_DATA));
		od_unlend(data);
	}
	if (n <= 0)
		return od_failed(CAMCA_ECRYPTO);
	ret = buf_put(out, der, (size_t)n);
	OPENSSL_free(der);
	return ret;
}

/* ---- decode ---- */

static bool
od_read_nonce(struct ocsp_data *out, const STACK_OF(X509_EXTENSION) *exts)
{
	int at = X509v3_get_ext_by_NID(exts, NID_id_pkix_OCSP_Nonce, -1);
	AUTO(ASN1_OCTET_STRING) *nonce = NULL;
	const ASN1_OCTET_STRING *value;
	const unsigned char *p;

	if (at < 0)
		return true;
	value = X509_EXTENSION_get_data(X509v3_get_ext(exts, at));
	p = ASN1_STRING_get0_data(value);
	nonce = d2i_ASN1_OCTET_STRING(NULL, &p, ASN1_STRING_length(value));
	if (nonce == NULL || ASN1_STRING_length(nonce) < 1 ||
	    ASN1_STRING_length(nonce) > OCSP_NONCE_MAX)
		return false;
	out->nonce_len = (size_t)ASN1_STRING_length(nonce);
	memcpy(out->nonce, ASN1_STRING_get0_data(nonce), out->nonce_len);
	return true;
}

static bool
od_read_exts(struct ocsp_data *out, const STACK_OF(X509_EXTENSION) *exts)
{
	ASN1_OBJECT *oid = OBJ_txt2obj(OD_EXTENDED_REVOKE, 1);

	if (oid == NULL)
		return false;
	out->extended_revoke = X509v3_get_ext_by_OBJ(exts, oid, -1) >= 0;
	ASN1_OBJECT_free(oid);
	return od_read_nonce(out, exts);
}

static bool
od_read_single(struct ocsp_single *out, const OD_SINGLE *s)
{
	AUTO(ASN1_GENERALIZEDTIME) *cutoff = X509V3_get_d2i(s->exts,
	    NID_id_pkix_OCSP_archiveCutoff, NULL, NULL);

	out->id = s->id;
	out->reason = -1;
	out->revoked = s->revoked != NULL;
	if ((s->good != NULL) == out->revoked ||
	    !od_get_time(s->this_update, &out->this_s))
		return false;
	if (s->next_update != NULL &&
	    !od_get_time(s->next_update, &out->next_s))
		return false;
	if (cutoff != NULL && !od_get_time(cutoff, &out->archive_s))
		return false;
	if (!out->revoked)
		return true;
	if (s->revoked->reason != NULL)
		out->reason = (int)ASN1_ENUMERATED_get(s->revoked->reason);
	return od_get_time(s->revoked->time, &out->revoked_s);
}

static bool
od_read(struct ocsp_data *out, const OD_DATA *d)
{
	int n = sk_OD_SINGLE_num(d->singles);

	if (n < 1 || n > OCSP_IDS_MAX ||
	    ASN1_STRING_length(d->key_hash) != 20 ||
	    !od_get_time(d->produced, &out->produced_s))
		return false;
	memcpy(out->key_hash, ASN1_STRING_get0_data(d->key_hash), 20);
	for (int i = 0; i < n; i++)
		if (!od_read_single(&out->singles[i],
		    sk_OD_SINGLE_value(d->singles, i)))
			return false;
	out->n = (size_t)n;
	return od_read_exts(out, d->exts);
}

/* What we would have written ourselves is all that is signed: extensions that
 * we do not know, other spellings and trailing bytes do not survive this. */
static int
od_same(const struct ocsp_data *d, const uint8_t *der, size_t n)
{
	struct buf again;
	int ret;

	buf_init(&again, OCSP_DATA_MAX);
	ret = ocsp_data_encode(d, &again);
	if (ret == CAMCA_OK && (again.len != n ||
	    memcmp(again.data, der, n) != 0))
		ret = CAMCA_EINVAL;
	buf_fini(&again);
	return ret == CAMCA_OK || ret == CAMCA_ENOMEM ? ret : CAMCA_EINVAL;
}

int
ocsp_data_decode(struct ocsp_data *out, const uint8_t *der, size_t n,
    void **hold_out)
{
	AUTO(OD_DATA) *d = NULL;
	const unsigned char *p = der;
	int ret;

	memset(out, 0, sizeof *out);
	if (n > OCSP_DATA_MAX)
		return CAMCA_EINVAL;
	d = (OD_DATA *)ASN1_item_d2i(NULL, &p, (long)n,
	    ASN1_ITEM_rptr(OD_DATA));
	if (d == NULL || !od_read(out, d))
		return od_failed(CAMCA_EINVAL);
	ERR_clear_error();
	ret = od_same(out, der, n);
	if (ret == CAMCA_OK)
		*hold_out = TAKE(d);
	return ret;
}

void
ocsp_data_release(void *hold)
{
	od_free_OD_DATA(hold);
}
