/* SPDX-License-Identifier: Apache-2.0 */
#include "ca/issue/csrattrs_tmpl.h"

#include <openssl/asn1t.h>
#include <openssl/err.h>
#include <openssl/objects.h>
#include <openssl/x509.h>
#include <stdio.h>
#include <string.h>

#include "ca/base/auto.h"
#include "ca/issue/profile_int.h"

#define OID_EXTENSION_TEMPLATE "1.2.840.113549.1.9.16.2.62"

/* RFC 9908 appendix A. As in a PKCS #10 request, but what the client fills in
 * may be absent. */
typedef struct {
	ASN1_OBJECT *type;
	ASN1_TYPE *value;         /* absent: the client fills it in */
} TMPL_NAME_ATTR;

typedef STACK_OF(TMPL_NAME_ATTR) TMPL_RDN;

typedef struct {
	X509_ALGOR *alg;
	ASN1_BIT_STRING *key;     /* only says the size of an RSA key */
} TMPL_SPKI;

typedef struct {
	ASN1_OBJECT *id;
	ASN1_BOOLEAN critical;
	ASN1_OCTET_STRING *value;
} TMPL_EXTENSION;

typedef STACK_OF(TMPL_EXTENSION) TMPL_EXTENSIONS;

typedef struct {
	ASN1_INTEGER *version;
	STACK_OF(TMPL_RDN) *subject;
	TMPL_SPKI *spki;
	STACK_OF(X509_ATTRIBUTE) *attrs;
} TMPL_REQUEST;

typedef struct {
	ASN1_INTEGER *n;
	ASN1_INTEGER *e;
} TMPL_RSA;

DEFINE_STACK_OF(TMPL_NAME_ATTR)
DEFINE_STACK_OF(TMPL_RDN)
DEFINE_STACK_OF(TMPL_EXTENSION)

ASN1_SEQUENCE(TMPL_NAME_ATTR) = {
	ASN1_SIMPLE(TMPL_NAME_ATTR, type, ASN1_OBJECT),
	ASN1_OPT(TMPL_NAME_ATTR, value, ASN1_ANY),
} static_ASN1_SEQUENCE_END(TMPL_NAME_ATTR)

ASN1_ITEM_TEMPLATE(TMPL_RDN) =
	ASN1_EX_TEMPLATE_TYPE(ASN1_TFLG_SET_OF, 0, TMPL_RDN, TMPL_NAME_ATTR)
static_ASN1_ITEM_TEMPLATE_END(TMPL_RDN)

ASN1_SEQUENCE(TMPL_SPKI) = {
	ASN1_SIMPLE(TMPL_SPKI, alg, X509_ALGOR),
	ASN1_OPT(TMPL_SPKI, key, ASN1_BIT_STRING),
} static_ASN1_SEQUENCE_END(TMPL_SPKI)

ASN1_SEQUENCE(TMPL_EXTENSION) = {
	ASN1_SIMPLE(TMPL_EXTENSION, id, ASN1_OBJECT),
	ASN1_OPT(TMPL_EXTENSION, critical, ASN1_FBOOLEAN),
	ASN1_OPT(TMPL_EXTENSION, value, ASN1_OCTET_STRING),
} static_ASN1_SEQUENCE_END(TMPL_EXTENSION)

ASN1_ITEM_TEMPLATE(TMPL_EXTENSIONS) =
	ASN1_EX_TEMPLATE_TYPE(ASN1_TFLG_SEQUENCE_OF, 0, TMPL_EXTENSIONS,
	    TMPL_EXTENSION)
static_ASN1_ITEM_TEMPLATE_END(TMPL_EXTENSIONS)

/* [1] is not OPTIONAL: A1 00 where nothing is asked for. */
ASN1_SEQUENCE(TMPL_REQUEST) = {
	ASN1_SIMPLE(TMPL_REQUEST, version, ASN1_INTEGER),
	ASN1_SEQUENCE_OF_OPT(TMPL_REQUEST, subject, TMPL_RDN),
	ASN1_IMP_OPT(TMPL_REQUEST, spki, TMPL_SPKI, 0),
	ASN1_IMP_SET_OF(TMPL_REQUEST, attrs, X509_ATTRIBUTE, 1),
} static_ASN1_SEQUENCE_END(TMPL_REQUEST)

ASN1_SEQUENCE(TMPL_RSA) = {
	ASN1_SIMPLE(TMPL_RSA, n, ASN1_INTEGER),
	ASN1_SIMPLE(TMPL_RSA, e, ASN1_INTEGER),
} static_ASN1_SEQUENCE_END(TMPL_RSA)

#define TMPL_NEW(type) ((type *)ASN1_item_new(ASN1_ITEM_rptr(type)))
#define TMPL_AUTO(type) \
	static void \
	tmpl_free_##type(type *p) \
	{ \
		ASN1_item_free((ASN1_VALUE *)p, ASN1_ITEM_rptr(type)); \
	} \
	AUTO_DEFINE(type, tmpl_free_##type)

TMPL_AUTO(TMPL_NAME_ATTR)
TMPL_AUTO(TMPL_RDN)
TMPL_AUTO(TMPL_EXTENSION)
TMPL_AUTO(TMPL_EXTENSIONS)
TMPL_AUTO(TMPL_REQUEST)
TMPL_AUTO(TMPL_RSA)
AUTO_DEFINE(ASN1_OBJECT, ASN1_OBJECT_free)
AUTO_DEFINE(X509_ATTRIBUTE, X509_ATTRIBUTE_free)

/* "CN" and the like are OpenSSL's short names. */
int
csrattrs_subject_oid(const char *item, char *out, size_t out_len)
{
	const char *body = profile_template_body(item);
	char name[16];
	size_t n = strcspn(body, "=");
	const ASN1_OBJECT *o;

	if (n >= sizeof name)
		return CAMCA_EINVAL;
	memcpy(name, body, n);
	name[n] = '\0';
	o = OBJ_nid2obj(OBJ_txt2nid(name));
	ERR_clear_error();
	if (o == NULL || OBJ_obj2nid(o) == NID_undef ||
	    OBJ_obj2txt(out, (int)out_len, o, 1) <= 0)
		return CAMCA_EINVAL;
	return CAMCA_OK;
}

/* Type only: the value is the device's, and anyone may read /csrattrs. */
static int
tmpl_subject_add(STACK_OF(TMPL_RDN) *subject, const char *item)
{
	AUTO(TMPL_RDN) *rdn = TMPL_NEW(TMPL_RDN);
	AUTO(TMPL_NAME_ATTR) *attr = TMPL_NEW(TMPL_NAME_ATTR);
	char oid[64];
	int ret = csrattrs_subject_oid(item, oid, sizeof oid);

	if (ret < 0)
		return ret;
	if (rdn == NULL || attr == NULL)
		return CAMCA_ENOMEM;
	ASN1_OBJECT_free(attr->type);
	attr->type = OBJ_txt2obj(oid, 1);
	if (attr->type == NULL || sk_TMPL_NAME_ATTR_push(rdn, attr) <= 0)
		return CAMCA_ENOMEM;
	attr = NULL;
	if (sk_TMPL_RDN_push(subject, rdn) <= 0)
		return CAMCA_ENOMEM;
	rdn = NULL;
	return CAMCA_OK;
}

/* RFC 9908 3.4: there only where something is required of the subject. */
static int
tmpl_subject(TMPL_REQUEST *r, const struct profile *p)
{
	int i, ret = CAMCA_OK;

	if (!p->csr_subject_must_match || p->subject[0] == NULL)
		return CAMCA_OK;
	r->subject = sk_TMPL_RDN_new_null();
	if (r->subject == NULL)
		return CAMCA_ENOMEM;
	/* Items with '?' are not in every device's subject. */
	for (i = 0; p->subject[i] != NULL && ret == CAMCA_OK; i++)
		if (p->subject[i][0] != '?')
			ret = tmpl_subject_add(r->subject, p->subject[i]);
	return ret;
}

/* A number of just that many bits in the place of a modulus: nobody's key. */
static int
tmpl_rsa_size(ASN1_BIT_STRING **out, int bits)
{
	AUTO(TMPL_RSA) *rsa = TMPL_NEW(TMPL_RSA);
	AUTO(BIGNUM) *n = BN_new();
	uint8_t *der = NULL;
	int len;

	if (rsa == NULL || n == NULL || !BN_set_bit(n, bits - 1) ||
	    !BN_set_bit(n, 0) || BN_to_ASN1_INTEGER(n, rsa->n) == NULL ||
	    !ASN1_INTEGER_set(rsa->e, RSA_F4))
		return CAMCA_ENOMEM;
	len = ASN1_item_i2d((ASN1_VALUE *)rsa, &der, ASN1_ITEM_rptr(TMPL_RSA));
	*out = len > 0 ? ASN1_BIT_STRING_new() : NULL;
	if (*out == NULL || !ASN1_BIT_STRING_set(*out, der, len)) {
		OPENSSL_free(der);
		return CAMCA_ENOMEM;
	}
	OPENSSL_free(der);
	(*out)->flags &= ~(ASN1_STRING_FLAG_BITS_LEFT | 7);
	(*out)->flags |= ASN1_STRING_FLAG_BITS_LEFT;
	return CAMCA_OK;
}

/* The preferred key type. The size of an RSA key only where there is just one:
 * a range leaves it to the client. */
static int
tmpl_spki(TMPL_REQUEST *r, const struct profile *p)
{
	static const int curves[] = { NID_X9_62_prime256v1, NID_secp384r1,
		NID_secp521r1 };
	int key = 0, ok;

	while (key < KEY_RSA && (p->keys & 1u << key) == 0)
		key++;
	r->spki = TMPL_NEW(TMPL_SPKI);
	if (r->spki == NULL)
		return CAMCA_ENOMEM;
	if (key == KEY_RSA)
		ok = X509_ALGOR_set0(r->spki->alg,
		    OBJ_nid2obj(NID_rsaEncryption), V_ASN1_NULL, NULL);
	else if (key == KEY_ED25519)
		ok = X509_ALGOR_set0(r->spki->alg, OBJ_nid2obj(NID_ED25519),
		    V_ASN1_UNDEF, NULL);
	else
		ok = X509_ALGOR_set0(r->spki->alg,
		    OBJ_nid2obj(NID_X9_62_id_ecPublicKey), V_ASN1_OBJECT,
		    OBJ_nid2obj(curves[key]));
	if (!ok)
		return CAMCA_ENOMEM;
	if (key == KEY_RSA && p->rsa_min_bits == p->rsa_max_bits)
		return tmpl_rsa_size(&r->spki->key, (int)p->rsa_min_bits);
	return CAMCA_OK;
}

/* DER of ExtensionReqTemplate: a subjectAltName that the client fills in. */
static int
tmpl_san(uint8_t **der_out, int *n_out)
{
	AUTO(TMPL_EXTENSIONS) *exts = TMPL_NEW(TMPL_EXTENSIONS);
	AUTO(TMPL_EXTENSION) *san = TMPL_NEW(TMPL_EXTENSION);

	if (exts == NULL || san == NULL)
		return CAMCA_ENOMEM;
	ASN1_OBJECT_free(san->id);
	san->id = OBJ_nid2obj(NID_subject_alt_name);
	if (sk_TMPL_EXTENSION_push(exts, san) <= 0)
		return CAMCA_ENOMEM;
	san = NULL;
	*n_out = ASN1_item_i2d((ASN1_VALUE *)exts, der_out,
	    ASN1_ITEM_rptr(TMPL_EXTENSIONS));
	return *n_out > 0 ? CAMCA_OK : CAMCA_ENOMEM;
}

/* id-aa-extensionReqTemplate, not id-ExtensionReq: that one needs values, and
 * RFC 9908 3.4 forbids both at once. */
static int
tmpl_attributes(TMPL_REQUEST *r, const struct profile *p)
{
	AUTO(ASN1_OBJECT) *o = OBJ_txt2obj(OID_EXTENSION_TEMPLATE, 1);
	AUTO(X509_ATTRIBUTE) *a = NULL;
	uint8_t *der = NULL;
	int n = 0, ret;

	if (!p->csr_subject_must_match || p->san[0] == NULL)
		return CAMCA_OK;
	ret = tmpl_san(&der, &n);
	if (ret == CAMCA_OK && o != NULL)
		a = X509_ATTRIBUTE_create_by_OBJ(NULL, o, V_ASN1_SEQUENCE, der,
		    n);
	OPENSSL_free(der);
	if (a == NULL || sk_X509_ATTRIBUTE_push(r->attrs, a) <= 0)
		return CAMCA_ENOMEM;
	a = NULL;
	return CAMCA_OK;
}

int
csrattrs_tmpl_build(const struct profile *p, struct buf *out)
{
	AUTO(TMPL_REQUEST) *r = TMPL_NEW(TMPL_REQUEST);
	uint8_t *der = NULL;
	int n, ret;

	if (r == NULL || !ASN1_INTEGER_set(r->version, 0))
		return CAMCA_ENOMEM;
	ret = tmpl_subject(r, p);
	if (ret == CAMCA_OK)
		ret = tmpl_spki(r, p);
	if (ret == CAMCA_OK)
		ret = tmpl_attributes(r, p);
	if (ret < 0)
		goto out;
	n = ASN1_item_i2d((ASN1_VALUE *)r, &der, ASN1_ITEM_rptr(TMPL_REQUEST));
	ret = n > 0 ? buf_put(out, der, (size_t)n) : CAMCA_ENOMEM;
	OPENSSL_free(der);
out:
	ERR_clear_error();
	return ret;
}
