/* SPDX-License-Identifier: Apache-2.0 */
/* PKCS#10 made by the camera (RFC 2986). */
#include <openssl/err.h>
#include <stdio.h>
#include <string.h>

#include "ca/base/auto.h"
#include "tests/fake-camera/keygen.h"
#include "tests/fake-camera/security.h"
#include "tests/fake-camera/store.h"

static const struct { const char *element; int nid; } attributes[] = {
	{ "Country", NID_countryName }, { "Organization",
	    NID_organizationName }, { "OrganizationalUnit",
	    NID_organizationalUnitName }, { "DistinguishedNameQualifier",
	    NID_dnQualifier }, { "StateOrProvinceName",
	    NID_stateOrProvinceName }, { "CommonName", NID_commonName },
	{ "SerialNumber", NID_serialNumber }, { "Locality",
	    NID_localityName }, { "Title", NID_title }, { "Surname",
	    NID_surname }, { "GivenName", NID_givenName }, { "Initials",
	    NID_initials }, { "Pseudonym", NID_pseudonym },
	{ "GenerationQualifier", NID_generationQualifier },
	{ "DomainComponent", NID_domainComponent },
};

static int
subject_nid(const xmlNode *n)
{
	size_t i;

	for (i = 0; i < sizeof attributes / sizeof attributes[0]; i++)
		if (strcmp((const char *)n->name, attributes[i].element) == 0)
			return attributes[i].nid;
	return NID_undef;
}

static int
subject_add(X509_NAME *name, const xmlNode *n)
{
	char text[300];
	int nid = subject_nid(n);

	if (nid == NID_undef || !xml_raw(n, text, sizeof text) ||
	    text[0] == '\0')
		return CAMCA_EINVAL;
	return X509_NAME_add_entry_by_NID(name, nid, MBSTRING_UTF8,
	    (uint8_t *)text, -1, -1, 0) == 1 ? CAMCA_OK : CAMCA_EINVAL;
}

static X509_NAME *
csr_subject(struct call *c)
{
	AUTO(X509_NAME) *name = X509_NAME_new();
	const xmlNode *n, *d;
	unsigned count = 0;

	if (name == NULL)
		return NULL;
	if (fault_hit(c->cam, CF_CSR_SUBJECT, c->name))
		return X509_NAME_add_entry_by_txt(name, "CN", MBSTRING_UTF8,
		    (const uint8_t *)"camera.factory", -1, -1, 0) == 1 ?
		    TAKE(name) : NULL;
	n = xml_first(xml_child(c->body, "Subject"));
	for (; n != NULL; n = xml_next(n), count++) {
		if (strcmp((const char *)n->name, "anyAttribute") != 0) {
			if (subject_add(name, n) < 0)
				return NULL;
			continue;
		}
		for (d = xml_first(n); d != NULL; d = xml_next(d))
			if (subject_add(name, d) < 0)
				return NULL;
	}
	return count > 0 ? TAKE(name) : NULL;
}

static X509_EXTENSION *
csr_extension(const xmlNode *e)
{
	AUTO(ASN1_OCTET_STRING) *value = ASN1_OCTET_STRING_new();
	ASN1_OBJECT *oid;
	X509_EXTENSION *out = NULL;
	struct buf der;
	char text[100];

	buf_init(&der, 16384);
	xml_text(xml_child(e, "extnOID"), text, sizeof text);
	oid = OBJ_txt2obj(text, 1);
	if (oid != NULL && value != NULL &&
	    xml_base64(xml_child(e, "extnValue"), &der) == 0 &&
	    ASN1_OCTET_STRING_set(value, der.data, (int)der.len) == 1)
		out = X509_EXTENSION_create_by_OBJ(NULL, oid, xml_bool(
		    xml_child(e, "critical"), false), value);
	/* Of what it knows, the camera looks at the inside too. */
	if (out != NULL && OBJ_obj2nid(oid) != NID_undef &&
	    X509V3_EXT_get(out) != NULL) {
		void *inside = X509V3_EXT_d2i(out);

		if (inside == NULL) {
			X509_EXTENSION_free(out);
			out = NULL;
		} else {
			const X509V3_EXT_METHOD *m = X509V3_EXT_get(out);

			if (m->it != NULL)
				ASN1_item_free(inside, ASN1_ITEM_ptr(m->it));
		}
	}
	ASN1_OBJECT_free(oid);
	buf_fini(&der);
	return out;
}

/* The extensions asked for into the request. */
static int
csr_attributes(struct call *c, X509_REQ *req)
{
	STACK_OF(X509_EXTENSION) *all = sk_X509_EXTENSION_new_null();
	X509_EXTENSION *e;
	const xmlNode *n, *x;
	int ret = all != NULL ? CAMCA_OK : CAMCA_ENOMEM;

	for (n = xml_first(c->body); n != NULL && ret == 0; n = xml_next(n)) {
		if (strcmp((const char *)n->name, "CSRAttribute") != 0)
			continue;
		if ((x = xml_child(n, "X509v3Extension")) == NULL ||
		    (e = csr_extension(x)) == NULL) {
			ret = CAMCA_EINVAL;
			break;
		}
		if (OBJ_obj2nid(X509_EXTENSION_get_object(e)) ==
		    NID_subject_alt_name && fault_hit(c->cam, CF_CSR_NO_SAN,
		    c->name))
			X509_EXTENSION_free(e);
		else if (sk_X509_EXTENSION_push(all, e) <= 0) {
			X509_EXTENSION_free(e);
			ret = CAMCA_ENOMEM;
		}
	}
	if (ret == 0 && sk_X509_EXTENSION_num(all) > 0 &&
	    X509_REQ_add_extensions(req, all) != 1)
		ret = CAMCA_ECRYPTO;
	sk_X509_EXTENSION_pop_free(all, X509_EXTENSION_free);
	return ret;
}

/* The digest of an algorithm that this camera has, and its kind of key. */
static const EVP_MD *
csr_digest(struct call *c, int *key_type)
{
	static const struct { const char *oid; int type;
		const EVP_MD *(*md)(void); } known[] = {
		{ "1.2.840.113549.1.1.11", EVP_PKEY_RSA, EVP_sha256 },
		{ "1.2.840.113549.1.1.12", EVP_PKEY_RSA, EVP_sha384 },
		{ "1.2.840.10045.4.3.2", EVP_PKEY_EC, EVP_sha256 },
		{ "1.2.840.10045.4.3.3", EVP_PKEY_EC, EVP_sha384 },
	};
	char oid[64];
	size_t i;

	xml_text(xml_child(xml_child(c->body, "SignatureAlgorithm"),
	    "algorithm"), oid, sizeof oid);
	for (i = 0; i < sizeof known / sizeof known[0]; i++)
		if (strcmp(known[i].oid, oid) == 0 && (known[i].type ==
		    EVP_PKEY_RSA || c->cam->persona->ec)) {
			*key_type = known[i].type;
			return known[i].md();
		}
	return NULL;
}

static int
csr_write(struct call *c, X509_REQ *req, EVP_PKEY *key, const EVP_MD *md)
{
	uint8_t *der = NULL;
	int n;

	if (X509_REQ_set_pubkey(req, key) != 1 ||
	    X509_REQ_sign(req, key, md) == 0 ||
	    (n = i2d_X509_REQ(req, &der)) <= 0) {
		ERR_clear_error();
		return soap_receiver(c, "Action", "CSRCreationFailed",
		    "the request could not be made");
	}
	xo_base64(c->out, "tas:PKCS10CSR", der, (size_t)n);
	OPENSSL_free(der);
	return CAMCA_OK;
}

static int
csr_fill(struct call *c, EVP_PKEY *key, const EVP_MD *md)
{
	AUTO(X509_REQ) *req = X509_REQ_new();
	AUTO(X509_NAME) *name = csr_subject(c);

	ERR_clear_error();
	if (name == NULL)
		return soap_sender(c, "InvalidArgVal", "InvalidSubject",
		    "a name of the subject is not possible");
	if (req == NULL || X509_REQ_set_subject_name(req, name) != 1 ||
	    csr_attributes(c, req) < 0) {
		ERR_clear_error();
		return soap_sender(c, "InvalidArgVal", "InvalidAttribute",
		    "an attribute cannot be read");
	}
	return csr_write(c, req, key, md);
}

int
csr_create(struct call *c)
{
	struct key *k;
	const EVP_MD *md;
	char id[72];
	int type = 0, ret;

	xml_text(xml_child(c->body, "KeyID"), id, sizeof id);
	k = store_key(c->cam, id);
	if (k == NULL || !k->has_private)
		return soap_sender(c, "InvalidArgVal", "KeyID",
		    "no key pair of that id");
	if (store_key_status(c->cam, k) != KEY_OK)
		return soap_sender(c, "InvalidArgVal", "InvalidKeyStatus",
		    "the key is not ready");
	if ((md = csr_digest(c, &type)) == NULL)
		return soap_sender(c, "InvalidArgVal",
		    "UnsupportedSignatureAlgorithm", "no such signature");
	if (EVP_PKEY_get_base_id(k->pkey) != type)
		return soap_sender(c, "InvalidArgVal",
		    "KeySignatureAlgorithmMismatch",
		    "not a signature of that kind of key");
	if (fault_hit(c->cam, CF_CSR_2048, c->name)) {
		AUTO(EVP_PKEY) *other = keygen_now(2048, "");

		return other != NULL ? csr_fill(c, other, EVP_sha256()) :
		    soap_receiver(c, "Action", "CSRCreationFailed", "no key");
	}
	ret = csr_fill(c, k->pkey, md);
	return ret;
}
