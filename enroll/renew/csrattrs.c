/* SPDX-License-Identifier: Apache-2.0 */
#include "enroll/renew/csrattrs.h"

#include <limits.h>
#include <openssl/asn1t.h>
#include <openssl/err.h>
#include <openssl/objects.h>
#include <openssl/x509v3.h>
#include <string.h>

#include "ca/base/enc.h"

#define OID_EST_IDENTITY_LINKING "1.2.840.113549.1.9.16.2.58"
#define OID_REQUEST_TEMPLATE "1.2.840.113549.1.9.16.2.61"
#define OID_EXTENSION_TEMPLATE "1.2.840.113549.1.9.16.2.62"

/* AttrOrOID ::= CHOICE { oid OBJECT IDENTIFIER, attribute Attribute } */
typedef struct {
	int type;
	union {
		ASN1_OBJECT *oid;
		X509_ATTRIBUTE *attr;
	} v;
} ATTR_OR_OID;

DEFINE_STACK_OF(ATTR_OR_OID)
ASN1_CHOICE(ATTR_OR_OID) = {
	ASN1_SIMPLE(ATTR_OR_OID, v.oid, ASN1_OBJECT),
	ASN1_SIMPLE(ATTR_OR_OID, v.attr, X509_ATTRIBUTE)
} static_ASN1_CHOICE_END(ATTR_OR_OID)

ASN1_ITEM_TEMPLATE(CSR_ATTRS) = ASN1_EX_TEMPLATE_TYPE(ASN1_TFLG_SEQUENCE_OF, 0,
    CsrAttrs, ATTR_OR_OID)
static_ASN1_ITEM_TEMPLATE_END(CSR_ATTRS)

/* RFC 9908 3.4: SingleAttributeTemplate, and a name made of them. */
typedef struct {
	ASN1_OBJECT *type;
	ASN1_TYPE *value;
} NAME_ATTR;

DEFINE_STACK_OF(NAME_ATTR)
typedef STACK_OF(NAME_ATTR) NAME_SET;
DEFINE_STACK_OF(NAME_SET)
ASN1_SEQUENCE(NAME_ATTR) = {
	ASN1_SIMPLE(NAME_ATTR, type, ASN1_OBJECT),
	ASN1_OPT(NAME_ATTR, value, ASN1_ANY)
} static_ASN1_SEQUENCE_END(NAME_ATTR)

ASN1_ITEM_TEMPLATE(NAME_SET) = ASN1_EX_TEMPLATE_TYPE(ASN1_TFLG_SET_OF, 0,
    NameSet, NAME_ATTR)
static_ASN1_ITEM_TEMPLATE_END(NAME_SET)

typedef struct {
	X509_ALGOR *algorithm;
	ASN1_BIT_STRING *key;
} KEY_TEMPLATE;

ASN1_SEQUENCE(KEY_TEMPLATE) = {
	ASN1_SIMPLE(KEY_TEMPLATE, algorithm, X509_ALGOR),
	ASN1_OPT(KEY_TEMPLATE, key, ASN1_BIT_STRING)
} static_ASN1_SEQUENCE_END(KEY_TEMPLATE)

typedef struct {
	ASN1_INTEGER *version;
	STACK_OF(NAME_SET) *subject;
	KEY_TEMPLATE *key;
	STACK_OF(X509_ATTRIBUTE) *attributes;
} REQUEST_TEMPLATE;

ASN1_SEQUENCE(REQUEST_TEMPLATE) = {
	ASN1_SIMPLE(REQUEST_TEMPLATE, version, ASN1_INTEGER),
	ASN1_SEQUENCE_OF_OPT(REQUEST_TEMPLATE, subject, NAME_SET),
	ASN1_IMP_OPT(REQUEST_TEMPLATE, key, KEY_TEMPLATE, 0),
	ASN1_IMP_SET_OF(REQUEST_TEMPLATE, attributes, X509_ATTRIBUTE, 1)
} static_ASN1_SEQUENCE_END(REQUEST_TEMPLATE)

/* ExtensionTemplate: as Extension, but the value may be left out. */
typedef struct {
	ASN1_OBJECT *oid;
	ASN1_BOOLEAN critical;
	ASN1_OCTET_STRING *value;
} EXT_TEMPLATE;

DEFINE_STACK_OF(EXT_TEMPLATE)
ASN1_SEQUENCE(EXT_TEMPLATE) = {
	ASN1_SIMPLE(EXT_TEMPLATE, oid, ASN1_OBJECT),
	ASN1_OPT(EXT_TEMPLATE, critical, ASN1_FBOOLEAN),
	ASN1_OPT(EXT_TEMPLATE, value, ASN1_OCTET_STRING)
} static_ASN1_SEQUENCE_END(EXT_TEMPLATE)

ASN1_ITEM_TEMPLATE(EXT_TEMPLATES) = ASN1_EX_TEMPLATE_TYPE(
    ASN1_TFLG_SEQUENCE_OF, 0, ExtensionTemplates, EXT_TEMPLATE)
static_ASN1_ITEM_TEMPLATE_END(EXT_TEMPLATES)

/* PKCS #1 RSAPublicKey, of which only the size of n matters here. */
typedef struct {
	ASN1_INTEGER *n;
	ASN1_INTEGER *e;
} RSA_TEMPLATE;

ASN1_SEQUENCE(RSA_TEMPLATE) = {
	ASN1_SIMPLE(RSA_TEMPLATE, n, ASN1_INTEGER),
	ASN1_SIMPLE(RSA_TEMPLATE, e, ASN1_INTEGER)
} static_ASN1_SEQUENCE_END(RSA_TEMPLATE)

void
csrattrs_init(struct csrattrs *a)
{
	memset(a, 0, sizeof *a);
}

void
csrattrs_fini(struct csrattrs *a)
{
	size_t i;

	for (i = 0; i < a->rdn_count; i++) {
		ASN1_OBJECT_free(a->rdn[i].type);
		ASN1_TYPE_free(a->rdn[i].value);
	}
	sk_X509_EXTENSION_pop_free(a->extensions, X509_EXTENSION_free);
	csrattrs_init(a);
}

static int
csrattrs_bad(struct refusal *why, const char *what)
{
	ERR_clear_error();
	return refuse(why, CAMCA_EPROTO, 502, "est.bad-csrattrs",
	    "The server's CSR attributes cannot be read: %s.", what);
}

static bool
csrattrs_is(const ASN1_OBJECT *o, const char *dotted)
{
	char text[64];

	return OBJ_obj2txt(text, sizeof text, o, 1) < (int)sizeof text &&
	    strcmp(text, dotted) == 0;
}

/* A bare OID: an attribute to be present, or a wish for an algorithm. */
static void
csrattrs_oid(struct csrattrs *a, const ASN1_OBJECT *o)
{
	int nid = OBJ_obj2nid(o), digest, key;

	if (nid == NID_pkcs9_challengePassword)
		a->challenge_password = true;
	else if (csrattrs_is(o, OID_EST_IDENTITY_LINKING))
		a->identity_linking = true;
	else if (nid == NID_X9_62_id_ecPublicKey || nid == NID_rsaEncryption)
		a->key_nid = nid;
	else if (nid != NID_undef && OBJ_find_sigid_algs(nid, &digest, &key) &&
	    digest != NID_undef) {
		a->digest_nid = digest;
		a->digest_key_nid = key;
	}
}

/* Decodes the only value of an attribute by its template. *out as by
 * ASN1_item_d2i; CAMCA_EPROTO where it is another thing. */
static int
csrattrs_value(X509_ATTRIBUTE *attr, int tag, const ASN1_ITEM *it,
    void **out, struct refusal *why)
{
	ASN1_TYPE *t = X509_ATTRIBUTE_get0_type(attr, 0);
	const ASN1_STRING *s;
	const unsigned char *p;

	if (X509_ATTRIBUTE_count(attr) != 1 || t == NULL ||
	    ASN1_TYPE_get(t) != tag)
		return csrattrs_bad(why, "an attribute without its one value");
	s = t->value.asn1_string;
	p = s->data;
	*out = ASN1_item_d2i(NULL, &p, s->length, it);
	if (*out != NULL && p == s->data + s->length)
		return CAMCA_OK;
	ASN1_item_free(*out, it);
	*out = NULL;
	return csrattrs_bad(why, "an attribute value");
}

/* ecPublicKey with a curve, or rsaEncryption with a size (RFC 9908 3.2). */
static int
csrattrs_key(struct csrattrs *a, X509_ATTRIBUTE *attr, int nid,
    struct refusal *why)
{
	ASN1_TYPE *t = X509_ATTRIBUTE_get0_type(attr, 0);
	int64_t bits = 0;

	a->key_nid = nid;
	if (X509_ATTRIBUTE_count(attr) == 0 || t == NULL)
		return CAMCA_OK;
	if (X509_ATTRIBUTE_count(attr) > 1)
		return csrattrs_bad(why, "more than one curve or size");
	if (nid == NID_X9_62_id_ecPublicKey) {
		if (ASN1_TYPE_get(t) != V_ASN1_OBJECT)
			return csrattrs_bad(why, "the curve is no OID");
		a->curve_nid = OBJ_obj2nid(t->value.object);
		return CAMCA_OK;
	}
	if (ASN1_TYPE_get(t) != V_ASN1_INTEGER ||
	    ASN1_INTEGER_get_int64(&bits, t->value.integer) != 1 ||
	    bits < 0 || bits > 16384)
		return csrattrs_bad(why, "the RSA key size");
	a->rsa_bits = (int)bits;
	return CAMCA_OK;
}

/* extensionReq with one Extensions value. Bare OIDs in its place, as the
 * example of RFC 7030 4.5.2 has them, say nothing that we could fill in. */
static int
csrattrs_extensions(struct csrattrs *a, X509_ATTRIBUTE *attr,
    struct refusal *why)
{
	ASN1_TYPE *t = X509_ATTRIBUTE_get0_type(attr, 0);
	void *exts = NULL;
	int ret;

	if (t == NULL || ASN1_TYPE_get(t) == V_ASN1_OBJECT)
		return CAMCA_OK;
	if (a->extensions != NULL)
		return csrattrs_bad(why, "two extension requests");
	ret = csrattrs_value(attr, V_ASN1_SEQUENCE,
	    ASN1_ITEM_rptr(X509_EXTENSIONS), &exts, why);
	if (ret == CAMCA_OK)
		a->extensions = exts;
	return ret;
}

static int
csrattrs_ext_add(struct csrattrs *a, EXT_TEMPLATE *t)
{
	X509_EXTENSION *e;

	if (t->value == NULL)     /* the client's to fill in: csr.c does */
		return CAMCA_OK;
	if (a->extensions == NULL &&
	    (a->extensions = sk_X509_EXTENSION_new_null()) == NULL)
		return CAMCA_ENOMEM;
	e = X509_EXTENSION_create_by_OBJ(NULL, t->oid, t->critical != 0,
	    t->value);
	if (e != NULL && sk_X509_EXTENSION_push(a->extensions, e) > 0)
		return CAMCA_OK;
	X509_EXTENSION_free(e);
	return CAMCA_ENOMEM;
}

static int
csrattrs_ext_templates(struct csrattrs *a, X509_ATTRIBUTE *attr,
    struct refusal *why)
{
	STACK_OF(EXT_TEMPLATE) *list;
	void *v = NULL;
	int i, ret;

	ret = csrattrs_value(attr, V_ASN1_SEQUENCE,
	    ASN1_ITEM_rptr(EXT_TEMPLATES), &v, why);
	if (ret < 0)
		return ret;
	list = v;
	for (i = 0; i < sk_EXT_TEMPLATE_num(list) && ret == CAMCA_OK; i++)
		ret = csrattrs_ext_add(a, sk_EXT_TEMPLATE_value(list, i));
	ASN1_item_free(v, ASN1_ITEM_rptr(EXT_TEMPLATES));
	return ret;
}

static int
csrattrs_rdn_add(struct csrattrs *a, NAME_ATTR *n, int set,
    struct refusal *why)
{
	struct csrattrs_rdn *r = &a->rdn[a->rdn_count];

	if (a->rdn_count == CSRATTRS_RDN_MAX)
		return csrattrs_bad(why, "more than 16 naming attributes");
	r->type = n->type;
	r->value = n->value;
	r->set = set;
	n->type = NULL;
	n->value = NULL;
	a->rdn_count++;
	return CAMCA_OK;
}

static int
csrattrs_subject(struct csrattrs *a, STACK_OF(NAME_SET) *name,
    struct refusal *why)
{
	NAME_SET *set;
	int i, k, ret;

	for (i = 0; i < sk_NAME_SET_num(name); i++) {
		set = sk_NAME_SET_value(name, i);
		for (k = 0; k < sk_NAME_ATTR_num(set); k++) {
			ret = csrattrs_rdn_add(a, sk_NAME_ATTR_value(set, k),
			    i, why);
			if (ret < 0)
				return ret;
		}
	}
	return CAMCA_OK;
}

/* The key part of a template: algorithm, and for RSA a modulus as long as the
 * wanted one. */
static int
csrattrs_key_template(struct csrattrs *a, const KEY_TEMPLATE *k,
    struct refusal *why)
{
	const ASN1_OBJECT *alg;
	const unsigned char *p;
	const void *par;
	RSA_TEMPLATE *rsa;
	int type;

	X509_ALGOR_get0(&alg, &type, &par, k->algorithm);
	a->key_nid = OBJ_obj2nid(alg);
	if (a->key_nid == NID_X9_62_id_ecPublicKey && type == V_ASN1_OBJECT)
		a->curve_nid = OBJ_obj2nid(par);
	if (a->key_nid != NID_rsaEncryption || k->key == NULL)
		return CAMCA_OK;
	p = k->key->data;
	rsa = (RSA_TEMPLATE *)ASN1_item_d2i(NULL, &p, k->key->length,
	    ASN1_ITEM_rptr(RSA_TEMPLATE));
	if (rsa == NULL)
		return csrattrs_bad(why, "the RSA key of the template");
	a->rsa_bits = rsa->n->length > 2048 ? 16384 : rsa->n->length * 8;
	ASN1_item_free((ASN1_VALUE *)rsa, ASN1_ITEM_rptr(RSA_TEMPLATE));
	return CAMCA_OK;
}

static int
csrattrs_template_attrs(struct csrattrs *a, const REQUEST_TEMPLATE *t,
    struct refusal *why)
{
	X509_ATTRIBUTE *attr;
	ASN1_OBJECT *o;
	int i, ret = CAMCA_OK;

	for (i = 0; i < sk_X509_ATTRIBUTE_num(t->attributes) &&
	    ret == CAMCA_OK; i++) {
		attr = sk_X509_ATTRIBUTE_value(t->attributes, i);
		o = X509_ATTRIBUTE_get0_object(attr);
		if (csrattrs_is(o, OID_EXTENSION_TEMPLATE))
			ret = csrattrs_ext_templates(a, attr, why);
		else if (OBJ_obj2nid(o) == NID_ext_req)
			ret = csrattrs_extensions(a, attr, why);
		else
			csrattrs_oid(a, o);
	}
	return ret;
}

static int
csrattrs_template(struct csrattrs *a, X509_ATTRIBUTE *attr,
    struct refusal *why)
{
	REQUEST_TEMPLATE *t;
	void *v = NULL;
	int ret;

	ret = csrattrs_value(attr, V_ASN1_SEQUENCE,
	    ASN1_ITEM_rptr(REQUEST_TEMPLATE), &v, why);
	if (ret < 0)
		return ret;
	t = v;
	a->has_template = true;
	if (ASN1_INTEGER_get(t->version) != 0)
		ret = csrattrs_bad(why, "version of the template");
	if (ret == CAMCA_OK && t->subject != NULL)
		ret = csrattrs_subject(a, t->subject, why);
	if (ret == CAMCA_OK && t->key != NULL)
		ret = csrattrs_key_template(a, t->key, why);
	if (ret == CAMCA_OK)
		ret = csrattrs_template_attrs(a, t, why);
	ASN1_item_free(v, ASN1_ITEM_rptr(REQUEST_TEMPLATE));
	return ret;
}

static int
csrattrs_attribute(struct csrattrs *a, X509_ATTRIBUTE *attr,
    struct refusal *why)
{
	ASN1_OBJECT *o = X509_ATTRIBUTE_get0_object(attr);
	int nid = OBJ_obj2nid(o);

	if (nid == NID_X9_62_id_ecPublicKey || nid == NID_rsaEncryption)
		return csrattrs_key(a, attr, nid, why);
	if (nid == NID_ext_req)
		return csrattrs_extensions(a, attr, why);
	return CAMCA_OK;
}

/* Where a template stands, the legacy wishes beside it are for other clients
 * (RFC 9908 4); the linking attributes are not wishes and still count. */
static int
csrattrs_list(struct csrattrs *a, STACK_OF(ATTR_OR_OID) *list,
    struct refusal *why)
{
	const ATTR_OR_OID *e;
	int i, ret = CAMCA_OK, n = sk_ATTR_OR_OID_num(list);

	for (i = 0; i < n && ret == CAMCA_OK; i++) {
		e = sk_ATTR_OR_OID_value(list, i);
		if (e->type != 1 || !csrattrs_is(X509_ATTRIBUTE_get0_object(
		    e->v.attr), OID_REQUEST_TEMPLATE))
			continue;
		if (a->has_template)
			return csrattrs_bad(why, "two templates");
		ret = csrattrs_template(a, e->v.attr, why);
	}
	for (i = 0; i < n && ret == CAMCA_OK; i++) {
		e = sk_ATTR_OR_OID_value(list, i);
		if (e->type == 0 && (!a->has_template ||
		    OBJ_obj2nid(e->v.oid) == NID_pkcs9_challengePassword ||
		    csrattrs_is(e->v.oid, OID_EST_IDENTITY_LINKING)))
			csrattrs_oid(a, e->v.oid);
		else if (e->type == 1 && !a->has_template)
			ret = csrattrs_attribute(a, e->v.attr, why);
	}
	return ret;
}

int
csrattrs_parse(struct csrattrs *a, const struct buf *body,
    struct refusal *why)
{
	const unsigned char *p;
	struct buf der;
	void *v = NULL;
	int ret;

	csrattrs_init(a);
	buf_init(&der, 0);
	ret = dec_base64(&der, buf_str(body), body->len, 1);
	if (ret == CAMCA_EINVAL)
		ret = csrattrs_bad(why, "no base64");
	if (ret < 0 || der.len == 0)
		goto out;         /* nothing at all: no wishes */
	p = der.data;
	v = ASN1_item_d2i(NULL, &p, (long)der.len, ASN1_ITEM_rptr(CSR_ATTRS));
	if (v == NULL || p != der.data + der.len)
		ret = csrattrs_bad(why, "no CsrAttrs");
	else
		ret = csrattrs_list(a, v, why);
out:
	ASN1_item_free(v, ASN1_ITEM_rptr(CSR_ATTRS));
	buf_fini(&der);
	return ret;
}
