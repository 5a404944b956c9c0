/* SPDX-License-Identifier: Apache-2.0 */
#include <openssl/asn1t.h>
#include <openssl/err.h>
#include <openssl/objects.h>
#include <string.h>

#include "ca/base/auto.h"
#include "ca/issue/csr_int.h"

#define ATTRIBUTES_MAX 64
#define EXTENSIONS_MAX 64

typedef struct {
	X509_NAME *subject;
	GENERAL_NAMES *alt;
} CSR_CHANGE;

/* RFC 6402 2.8. Both are SEQUENCEs without a tag of their own, so the decoder
 * cannot tell one from the other where only one is there: see csr_change(). */
ASN1_SEQUENCE(CSR_CHANGE) = {
	ASN1_SIMPLE(CSR_CHANGE, subject, X509_NAME),
	ASN1_SEQUENCE_OF_OPT(CSR_CHANGE, alt, GENERAL_NAME),
} static_ASN1_SEQUENCE_END(CSR_CHANGE)

typedef struct {
	GENERAL_NAMES *alt;
} CSR_CHANGE_ALT;

ASN1_SEQUENCE(CSR_CHANGE_ALT) = {
	ASN1_SEQUENCE_OF(CSR_CHANGE_ALT, alt, GENERAL_NAME),
} static_ASN1_SEQUENCE_END(CSR_CHANGE_ALT)

/* Decodes der[n] whole with it; NULL otherwise. OpenSSL's error queue is left
 * for csr_parse() to look at. */
static void *
csr_decode(const uint8_t *der, size_t n, const ASN1_ITEM *it)
{
	const uint8_t *p = der;
	ASN1_VALUE *v = ASN1_item_d2i(NULL, &p, (long)n, it);

	if (v != NULL && p != der + n) {
		ASN1_item_free(v, it);
		v = NULL;
	}
	return v;
}

/* ---- extensions ---- */

static int
csr_ext_refuse(struct refusal *why, const char *name)
{
	return refuse(why, CAMCA_EINVAL, 400, "csr.extension-malformed",
	    "The extension %s in the request is malformed.", name);
}

static int
csr_ext_san(struct csr *c, const uint8_t *der, size_t n, struct refusal *why)
{
	c->san = csr_decode(der, n, ASN1_ITEM_rptr(GENERAL_NAMES));
	if (c->san == NULL)
		return csr_ext_refuse(why, "subjectAltName");
	return csr_general_names_check(c->san, why);
}

/* cA is all that matters: whoever asks for it is refused. */
static int
csr_ext_constraints(struct csr *c, const uint8_t *der, size_t n,
    struct refusal *why)
{
	BASIC_CONSTRAINTS *bc = csr_decode(der, n,
	    ASN1_ITEM_rptr(BASIC_CONSTRAINTS));

	if (bc == NULL)
		return csr_ext_refuse(why, "basicConstraints");
	c->asks_ca = bc->ca != 0;
	BASIC_CONSTRAINTS_free(bc);
	return CAMCA_OK;
}

/* Nine bits in two bytes (RFC 5280 4.2.1.3), in the order of KU_*. */
static int
csr_ext_usage(struct csr *c, const uint8_t *der, size_t n,
    struct refusal *why)
{
	ASN1_BIT_STRING *bits = csr_decode(der, n,
	    ASN1_ITEM_rptr(ASN1_BIT_STRING));
	const uint8_t *p;
	int len;

	if (bits == NULL)
		return csr_ext_refuse(why, "keyUsage");
	p = ASN1_STRING_get0_data(bits);
	len = ASN1_STRING_length(bits);
	if (len > 0)
		c->key_usage = p[0];
	if (len > 1)
		c->key_usage |= (unsigned)p[1] << 8;
	ASN1_BIT_STRING_free(bits);
	return len <= 2 ? CAMCA_OK : csr_ext_refuse(why, "keyUsage");
}

static int
csr_ext_eku(struct csr *c, const uint8_t *der, size_t n, struct refusal *why)
{
	c->eku = csr_decode(der, n, ASN1_ITEM_rptr(EXTENDED_KEY_USAGE));
	if (c->eku == NULL || sk_ASN1_OBJECT_num(c->eku) == 0)
		return csr_ext_refuse(why, "extKeyUsage");
	return CAMCA_OK;
}

/* What a request may wish for and somebody here looks at. Any other extension
 * is left out of the certificate, whatever it says. */
static const struct {
	int nid;
	const char *name;
	int (*read)(struct csr *c, const uint8_t *der, size_t n,
	    struct refusal *why);
} csr_known_ext[] = {
	{ NID_subject_alt_name, "subjectAltName", csr_ext_san },
	{ NID_basic_constraints, "basicConstraints", csr_ext_constraints },
	{ NID_key_usage, "keyUsage", csr_ext_usage },
	{ NID_ext_key_usage, "extKeyUsage", csr_ext_eku },
};

/* Its value is a string of bytes to the outer reader, so the check for DER
 * starts anew inside. */
static int
csr_extension(struct csr *c, X509_EXTENSION *ext, struct refusal *why)
{
	int nid = OBJ_obj2nid(X509_EXTENSION_get_object(ext)), ret;
	const ASN1_OCTET_STRING *v = X509_EXTENSION_get_data(ext);
	const uint8_t *der = ASN1_STRING_get0_data(v);
	size_t i, n = (size_t)ASN1_STRING_length(v);

	for (i = 0; i < sizeof csr_known_ext / sizeof csr_known_ext[0]; i++) {
		if (csr_known_ext[i].nid != nid)
			continue;
		ret = csr_der_check(der, n, csr_known_ext[i].name, why);
		return ret < 0 ? ret : csr_known_ext[i].read(c, der, n, why);
	}
	return CAMCA_OK;
}

static bool
csr_extension_twice(const X509_EXTENSIONS *exts, int i)
{
	const ASN1_OBJECT *a, *b;
	int k;

	a = X509_EXTENSION_get_object(sk_X509_EXTENSION_value(exts, i));
	for (k = 0; k < i; k++) {
		b = X509_EXTENSION_get_object(
		    sk_X509_EXTENSION_value(exts, k));
		if (OBJ_cmp(a, b) == 0)
			return true;
	}
	return false;
}

static void
csr_exts_free(X509_EXTENSIONS *exts)
{
	sk_X509_EXTENSION_pop_free(exts, X509_EXTENSION_free);
}
AUTO_DEFINE(X509_EXTENSIONS, csr_exts_free)

/* One Extensions value: SAN, basicConstraints, key usages into c. */
static int
csr_extensions(struct csr *c, const uint8_t *der, size_t n,
    struct refusal *why)
{
	AUTO(X509_EXTENSIONS) *exts = csr_decode(der, n,
	    ASN1_ITEM_rptr(X509_EXTENSIONS));
	int i, count, ret = CAMCA_OK;

	if (exts == NULL)
		return refuse(why, CAMCA_EINVAL, 400, "csr.extensions",
		    "The extension request is malformed (RFC 2985 5.4.2).");
	count = sk_X509_EXTENSION_num(exts);
	if (count > EXTENSIONS_MAX)
		return refuse(why, CAMCA_EINVAL, 400, "csr.too-complex",
		    "The request asks for more than %d extensions.",
		    EXTENSIONS_MAX);
	for (i = 0; i < count && ret == CAMCA_OK; i++) {
		/* One reader takes the first, another the last of them. */
		if (csr_extension_twice(exts, i))
			return refuse(why, CAMCA_EINVAL, 400,
			    "csr.extension-twice", "The request asks for the "
			    "same extension twice (RFC 5280 4.2).");
		ret = csr_extension(c, sk_X509_EXTENSION_value(exts, i), why);
	}
	return ret;
}

/* ---- attributes ---- */

static int
csr_attr_extensions(struct csr *c, const ASN1_TYPE *v, struct refusal *why)
{
	if (v->type != V_ASN1_SEQUENCE)
		return refuse(why, CAMCA_EINVAL, 400, "csr.extensions",
		    "The extension request is malformed (RFC 2985 5.4.2).");
	return csr_extensions(c,
	    ASN1_STRING_get0_data(v->value.sequence),
	    (size_t)ASN1_STRING_length(v->value.sequence), why);
}

/* These four are secrets or linking values: their text is in no message. */
static int
csr_attr_challenge(struct csr *c, const ASN1_TYPE *v, struct refusal *why)
{
	return csr_text(v, "challengePassword", c->challenge, why);
}

static int
csr_attr_otp(struct csr *c, const ASN1_TYPE *v, struct refusal *why)
{
	return csr_text(v, "otpChallenge", c->otp, why);
}

static int
csr_attr_revocation(struct csr *c, const ASN1_TYPE *v, struct refusal *why)
{
	return csr_text(v, "revocationChallenge", c->revocation, why);
}

static int
csr_attr_linking(struct csr *c, const ASN1_TYPE *v, struct refusal *why)
{
	return csr_text(v, "estIdentityLinking", c->linking, why);
}

/* A subject is tried first: it holds SETs, GeneralNames hold context tags, so
 * no value fits both but the empty SEQUENCE, which is then an empty subject
 * (GeneralNames have at least one). */
static int
csr_attr_change(struct csr *c, const ASN1_TYPE *v, struct refusal *why)
{
	CSR_CHANGE *both = NULL;
	CSR_CHANGE_ALT *alt = NULL;
	const uint8_t *der = NULL;
	size_t n = 0;
	int ret = CAMCA_OK;

	if (v->type == V_ASN1_SEQUENCE) {
		der = ASN1_STRING_get0_data(v->value.sequence);
		n = (size_t)ASN1_STRING_length(v->value.sequence);
		both = csr_decode(der, n, ASN1_ITEM_rptr(CSR_CHANGE));
	}
	if (both != NULL) {
		c->new_subject = TAKE(both->subject);
		c->new_san = TAKE(both->alt);
	} else if (der != NULL) {
		alt = csr_decode(der, n, ASN1_ITEM_rptr(CSR_CHANGE_ALT));
		if (alt != NULL)
			c->new_san = TAKE(alt->alt);
	}
	ASN1_item_free((ASN1_VALUE *)both, ASN1_ITEM_rptr(CSR_CHANGE));
	ASN1_item_free((ASN1_VALUE *)alt, ASN1_ITEM_rptr(CSR_CHANGE_ALT));
	if (c->new_subject == NULL && c->new_san == NULL)
		return refuse(why, CAMCA_EINVAL, 400, "csr.change-malformed",
		    "The attribute changeSubjectName is malformed (RFC 6402 "
		    "2.8).");
	c->change_subject = true;
	if (c->new_subject != NULL)
		ret = csr_name_check(c->new_subject, why);
	if (ret == CAMCA_OK && c->new_san != NULL)
		ret = csr_general_names_check(c->new_san, why);
	return ret;
}

/* The object identifiers that OpenSSL has no number for are told by their
 * bytes. Two types may mean the same attribute: Microsoft's extension request
 * is the older name of PKCS #9's. */
#define CSR_OID(s) (const uint8_t *)(s), sizeof(s) - 1
#define CSR_PKCS9 "\x2a\x86\x48\x86\xf7\x0d\x01\x09"
static const struct csr_known_attr {
	const uint8_t *oid;
	size_t oid_len;
	int (*read)(struct csr *c, const ASN1_TYPE *v, struct refusal *why);
} csr_known_attrs[] = {
	{ CSR_OID(CSR_PKCS9 "\x0e"), csr_attr_extensions },
	{ CSR_OID("\x2b\x06\x01\x04\x01\x82\x37\x02\x01\x0e"),
	    csr_attr_extensions },
	{ CSR_OID(CSR_PKCS9 "\x07"), csr_attr_challenge },
	{ CSR_OID(CSR_PKCS9 "\x10\x02\x38"), csr_attr_otp },
	{ CSR_OID(CSR_PKCS9 "\x10\x02\x39"), csr_attr_revocation },
	{ CSR_OID(CSR_PKCS9 "\x10\x02\x3a"), csr_attr_linking },
	{ CSR_OID("\x2b\x06\x01\x05\x05\x07\x07\x24"), csr_attr_change },
};

static const struct csr_known_attr *
csr_attr_known(X509_ATTRIBUTE *a)
{
	const ASN1_OBJECT *o = X509_ATTRIBUTE_get0_object(a);
	size_t i, n = OBJ_length(o);

	for (i = 0; i < sizeof csr_known_attrs / sizeof csr_known_attrs[0]; i++)
		if (csr_known_attrs[i].oid_len == n &&
		    memcmp(csr_known_attrs[i].oid, OBJ_get0_data(o), n) == 0)
			return &csr_known_attrs[i];
	return NULL;
}

/* By type, and where it is a known one also by meaning. */
static bool
csr_attr_twice(const STACK_OF(X509_ATTRIBUTE) *attrs, int i)
{
	X509_ATTRIBUTE *a = sk_X509_ATTRIBUTE_value(attrs, i), *b;
	const struct csr_known_attr *known = csr_attr_known(a), *other;
	int k;

	for (k = 0; k < i; k++) {
		b = sk_X509_ATTRIBUTE_value(attrs, k);
		if (OBJ_cmp(X509_ATTRIBUTE_get0_object(a),
		    X509_ATTRIBUTE_get0_object(b)) == 0)
			return true;
		other = csr_attr_known(b);
		if (known != NULL && other != NULL &&
		    known->read == other->read)
			return true;
	}
	return false;
}

int
csr_attributes(struct csr *c, const STACK_OF(X509_ATTRIBUTE) *attrs,
    struct refusal *why)
{
	int i, n = sk_X509_ATTRIBUTE_num(attrs), ret = CAMCA_OK;
	const struct csr_known_attr *known;
	X509_ATTRIBUTE *a;

	if (n > ATTRIBUTES_MAX)
		return refuse(why, CAMCA_EINVAL, 400, "csr.too-complex",
		    "The request has more than %d attributes.",
		    ATTRIBUTES_MAX);
	for (i = 0; i < n && ret == CAMCA_OK; i++) {
		if (csr_attr_twice(attrs, i))
			return refuse(why, CAMCA_EINVAL, 400,
			    "csr.attribute-twice", "The request has the same "
			    "attribute twice.");
		a = sk_X509_ATTRIBUTE_value(attrs, i);
		known = csr_attr_known(a);
		if (known == NULL)
			continue;
		if (X509_ATTRIBUTE_count(a) != 1)
			return refuse(why, CAMCA_EINVAL, 400,
			    "csr.attribute-values", "An attribute of the "
			    "request has %d values, not one (RFC 2985 5.4).",
			    X509_ATTRIBUTE_count(a));
		ret = known->read(c, X509_ATTRIBUTE_get0_type(a, 0), why);
	}
	return ret;
}
