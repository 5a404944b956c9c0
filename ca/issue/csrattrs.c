/* SPDX-License-Identifier: Apache-2.0 */
#include "ca/issue/csrattrs.h"

#include <openssl/asn1t.h>
#include <openssl/err.h>
#include <openssl/objects.h>
#include <openssl/x509.h>
#include <stdlib.h>
#include <string.h>

#include "ca/base/auto.h"
#include "ca/issue/csr.h"
#include "ca/issue/csrattrs_tmpl.h"

typedef struct {
	int type;                 /* 0 oid, 1 attribute */
	union {
		ASN1_OBJECT *oid;
		X509_ATTRIBUTE *attribute;
	} d;
} CSRATTRS_ITEM;

DEFINE_STACK_OF(CSRATTRS_ITEM)

/* AttrOrOID, RFC 8951 section 4 (the one of RFC 7030 cannot be compiled). */
ASN1_CHOICE(CSRATTRS_ITEM) = {
	ASN1_SIMPLE(CSRATTRS_ITEM, d.oid, ASN1_OBJECT),
	ASN1_SIMPLE(CSRATTRS_ITEM, d.attribute, X509_ATTRIBUTE),
} static_ASN1_CHOICE_END(CSRATTRS_ITEM)

ASN1_ITEM_TEMPLATE(CSRATTRS) =
	ASN1_EX_TEMPLATE_TYPE(ASN1_TFLG_SEQUENCE_OF, 0, CSRATTRS,
	    CSRATTRS_ITEM)
static_ASN1_ITEM_TEMPLATE_END(CSRATTRS)

struct csrattrs {
	STACK_OF(CSRATTRS_ITEM) *items;
};

static void
csrattrs_item_free(CSRATTRS_ITEM *i)
{
	ASN1_item_free((ASN1_VALUE *)i, ASN1_ITEM_rptr(CSRATTRS_ITEM));
}
AUTO_DEFINE(CSRATTRS_ITEM, csrattrs_item_free)
AUTO_DEFINE(ASN1_OBJECT, ASN1_OBJECT_free)

int
csrattrs_new(struct csrattrs **out)
{
	struct csrattrs *c = calloc(1, sizeof *c);

	*out = NULL;
	if (c == NULL)
		return CAMCA_ENOMEM;
	c->items = sk_CSRATTRS_ITEM_new_null();
	if (c->items == NULL) {
		free(c);
		return CAMCA_ENOMEM;
	}
	*out = c;
	return CAMCA_OK;
}

void
csrattrs_free(struct csrattrs *c)
{
	if (c == NULL)
		return;
	sk_CSRATTRS_ITEM_pop_free(c->items, csrattrs_item_free);
	free(c);
}

/* Without a lookup by name: "CN" is no object identifier here. */
static ASN1_OBJECT *
csrattrs_object(const char *oid)
{
	ASN1_OBJECT *o = OBJ_txt2obj(oid, 1);

	ERR_clear_error();
	return o;
}

/* value is taken where this succeeds. */
static int
csrattrs_push(struct csrattrs *c, int type, void *value)
{
	AUTO(CSRATTRS_ITEM) *i = (CSRATTRS_ITEM *)ASN1_item_new(
	    ASN1_ITEM_rptr(CSRATTRS_ITEM));

	if (i == NULL || sk_CSRATTRS_ITEM_push(c->items, i) <= 0)
		return CAMCA_ENOMEM;
	i->type = type;
	if (type == 0)
		i->d.oid = value;
	else
		i->d.attribute = value;
	i = NULL;
	return CAMCA_OK;
}

int
csrattrs_add_oid(struct csrattrs *c, const char *oid)
{
	ASN1_OBJECT *o = csrattrs_object(oid);
	int ret;

	if (o == NULL)
		return CAMCA_EINVAL;
	ret = csrattrs_push(c, 0, o);
	if (ret < 0)
		ASN1_OBJECT_free(o);
	return ret;
}

/* type 0: an empty SET of values. len -1: data is an object of that type. */
static int
csrattrs_add(struct csrattrs *c, const char *oid, int type, const void *data,
    int len)
{
	AUTO(ASN1_OBJECT) *o = csrattrs_object(oid);
	X509_ATTRIBUTE *a;
	int ret;

	if (o == NULL)
		return CAMCA_EINVAL;
	a = X509_ATTRIBUTE_create_by_OBJ(NULL, o, type, data, len);
	if (a == NULL) {
		ERR_clear_error();
		return CAMCA_ENOMEM;
	}
	ret = csrattrs_push(c, 1, a);
	if (ret < 0)
		X509_ATTRIBUTE_free(a);
	return ret;
}

int
csrattrs_add_object(struct csrattrs *c, const char *oid, const char *value)
{
	AUTO(ASN1_OBJECT) *o = NULL;

	if (value == NULL)
		return csrattrs_add(c, oid, 0, NULL, 0);
	o = csrattrs_object(value);
	if (o == NULL)
		return CAMCA_EINVAL;
	return csrattrs_add(c, oid, V_ASN1_OBJECT, o, -1);
}

int
csrattrs_add_integer(struct csrattrs *c, const char *oid, int64_t value)
{
	AUTO(ASN1_INTEGER) *i = ASN1_INTEGER_new();

	if (i == NULL || !ASN1_INTEGER_set_int64(i, value))
		return CAMCA_ENOMEM;
	return csrattrs_add(c, oid, V_ASN1_INTEGER, i, -1);
}

int
csrattrs_add_der(struct csrattrs *c, const char *oid, const uint8_t *der,
    size_t n)
{
	if (n < 2 || n > INT32_MAX || der[0] != 0x30)
		return CAMCA_EINVAL;
	return csrattrs_add(c, oid, V_ASN1_SEQUENCE, der, (int)n);
}

int
csrattrs_encode(const struct csrattrs *c, struct buf *out)
{
	uint8_t *der = NULL;
	int n, ret;

	n = ASN1_item_i2d((const ASN1_VALUE *)c->items, &der,
	    ASN1_ITEM_rptr(CSRATTRS));
	ERR_clear_error();
	if (n < 0)
		return CAMCA_ENOMEM;
	ret = buf_put(out, der, (size_t)n);
	OPENSSL_free(der);
	return ret;
}

/* ---- of a profile ---- */

#define OID_CHALLENGE_PASSWORD "1.2.840.113549.1.9.7"
#define OID_OTP_CHALLENGE "1.2.840.113549.1.9.16.2.56"
#define OID_IDENTITY_LINKING "1.2.840.113549.1.9.16.2.58"
#define OID_REQUEST_TEMPLATE "1.2.840.113549.1.9.16.2.61"
#define OID_EC "1.2.840.10045.2.1"
#define OID_RSA "1.2.840.113549.1.1.1"

/* In the order of enum profile_key. */
static const struct {
	const char *curve;
	const char *signature;
} csrattrs_keys[PROFILE_KEYS] = {
	[KEY_P256] = { "1.2.840.10045.3.1.7", "1.2.840.10045.4.3.2" },
	[KEY_P384] = { "1.3.132.0.34", "1.2.840.10045.4.3.3" },
	[KEY_P521] = { "1.3.132.0.35", "1.2.840.10045.4.3.4" },
	[KEY_ED25519] = { NULL, "1.3.101.112" },
	[KEY_RSA] = { NULL, "1.2.840.113549.1.1.11" },
};

/* RFC 7030 3.5 and RFC 7894 4: what the request must link itself with to the
 * TLS session, and where to put the one-time secret. Beside a template too: a
 * template has no way to ask for an attribute without giving its value. */
static int
csrattrs_linking(struct csrattrs *c, const struct profile *p)
{
	int ret = CAMCA_OK;

	if (p->pop == POP_REQUIRE)
		ret = csrattrs_add_oid(c, OID_CHALLENGE_PASSWORD);
	if (ret == CAMCA_OK && p->pop == POP_REQUIRE && p->rfc7894)
		ret = csrattrs_add_oid(c, OID_IDENTITY_LINKING);
	if (ret == CAMCA_OK && p->rfc7894 &&
	    (p->auth & (AUTH_SECRET | AUTH_CERT_SECRET)) != 0)
		ret = csrattrs_add_oid(c, OID_OTP_CHALLENGE);
	return ret;
}

/* The subject's attribute types, where the request has to name them. */
static int
csrattrs_subject(struct csrattrs *c, const struct profile *p)
{
	char oid[64];
	int i, ret = CAMCA_OK;

	for (i = 0; p->csr_subject_must_match && p->subject[i] != NULL &&
	    ret == CAMCA_OK; i++) {
		ret = csrattrs_subject_oid(p->subject[i], oid, sizeof oid);
		if (ret == CAMCA_OK)
			ret = csrattrs_add_oid(c, oid);
	}
	return ret;
}

/* One entry a family, the preferred one first: a client takes the first that it
 * can make. No family twice: some clients keep only the last of a type. */
static int
csrattrs_key(struct csrattrs *c, const struct profile *p, int key)
{
	if (csrattrs_keys[key].curve != NULL)
		return csrattrs_add_object(c, OID_EC,
		    csrattrs_keys[key].curve);
	/* Ed25519 is its own signature algorithm, which follows. */
	if (key != KEY_RSA)
		return CAMCA_OK;
	/* The least that is taken: without a size, old clients make 1024. */
	return csrattrs_add_integer(c, OID_RSA, p->rsa_min_bits);
}

/* RFC 8951 section 4: key types as attributes, signature algorithms as object
 * identifiers. */
static int
csrattrs_legacy(struct csrattrs *c, const struct profile *p)
{
	bool chosen[PROFILE_KEYS] = { false };
	int key, ret = csrattrs_subject(c, p);
	bool curve = false;

	for (key = 0; key < PROFILE_KEYS && ret == CAMCA_OK; key++) {
		if ((p->keys & 1u << key) == 0 ||
		    (curve && csrattrs_keys[key].curve != NULL))
			continue;
		curve = curve || csrattrs_keys[key].curve != NULL;
		chosen[key] = true;
		ret = csrattrs_key(c, p, key);
	}
	for (key = 0; key < PROFILE_KEYS && ret == CAMCA_OK; key++)
		if (chosen[key])
			ret = csrattrs_add_oid(c,
			    csrattrs_keys[key].signature);
	return ret;
}

/* RFC 9908 3.4: at most one, as the only value of its attribute. */
static int
csrattrs_template(struct csrattrs *c, const struct profile *p)
{
	struct buf der;
	int ret;

	buf_init(&der, 64 * 1024);
	ret = csrattrs_tmpl_build(p, &der);
	if (ret == CAMCA_OK)
		ret = csrattrs_add_der(c, OID_REQUEST_TEMPLATE, der.data,
		    der.len);
	buf_fini(&der);
	return ret;
}

int
csrattrs_build(const struct profile *p, struct buf *out)
{
	struct csrattrs *c = NULL;
	int ret = csrattrs_new(&c);

	if (ret == CAMCA_OK)
		ret = csrattrs_linking(c, p);
	if (ret == CAMCA_OK && p->csrattrs != CSRATTRS_TEMPLATE)
		ret = csrattrs_legacy(c, p);
	/* RFC 9908 section 4: a client that knows templates looks at nothing
	 * else, an older one does not look at the template. */
	if (ret == CAMCA_OK && p->csrattrs != CSRATTRS_LEGACY)
		ret = csrattrs_template(c, p);
	if (ret == CAMCA_OK)
		ret = csrattrs_encode(c, out);
	csrattrs_free(c);
	return ret;
}
