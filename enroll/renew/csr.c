/* SPDX-License-Identifier: Apache-2.0 */
#include "enroll/renew/csr.h"

#include <openssl/err.h>
#include <openssl/objects.h>
#include <openssl/x509v3.h>
#include <string.h>

#include "ca/base/auto.h"

#define CSR_NAME_PART_MAX 256u
#define CSR_SAN_MAX 1024u
#define OID_EST_IDENTITY_LINKING "1.2.840.113549.1.9.16.2.58"

static int
csr_bad(struct refusal *why, const char *what)
{
	ERR_clear_error();
	return refuse(why, CAMCA_EINVAL, 400, "csr.names", "%s.", what);
}

static int
csr_failed(struct refusal *why)
{
	char text[160] = "no detail";
	unsigned long e = ERR_peek_last_error();

	if (e != 0)
		ERR_error_string_n(e, text, sizeof text);
	ERR_clear_error();
	return refuse(why, CAMCA_ECRYPTO, 500, "csr.failed",
	    "The certification request cannot be made: %s.", text);
}

/* Copies up to an unescaped stop character or the end; the position behind is
 * returned, NULL where it is too long or ends in a backslash. */
static const char *
csr_token(char *out, size_t out_len, const char *s, char stop)
{
	size_t n = 0;

	for (; *s != '\0' && *s != stop; s++) {
		if (*s == '\\' && *++s == '\0')
			return NULL;
		if (n + 1 >= out_len)
			return NULL;
		out[n++] = *s;
	}
	out[n] = '\0';
	return s;
}

int
csr_subject_parse(X509_NAME **out, const char *text, struct refusal *why)
{
	AUTO(X509_NAME) *name = X509_NAME_new();
	char type[64], value[CSR_NAME_PART_MAX];
	const char *s = text;

	if (name == NULL)
		return CAMCA_ENOMEM;
	while (*s != '\0') {
		s = csr_token(type, sizeof type, s, '=');
		if (s == NULL || *s != '=')
			return csr_bad(why, "The subject has no TYPE=value");
		s = csr_token(value, sizeof value, s + 1, ',');
		if (s == NULL || value[0] == '\0')
			return csr_bad(why, "A value of the subject is empty, "
			    "too long or ends in a backslash");
		if (X509_NAME_add_entry_by_txt(name, type, MBSTRING_UTF8,
		    (const unsigned char *)value, -1, -1, 0) != 1)
			return csr_bad(why, "The subject has an unknown type "
			    "or a value that does not fit it");
		if (*s == ',' && *++s == '\0')
			return csr_bad(why, "The subject ends in a comma");
	}
	*out = TAKE(name);
	return CAMCA_OK;
}

/* One "DNS:..." item into the list. a2i_GENERAL_NAME would also read
 * configuration syntax; only plain values get there. */
static int
csr_san_item(GENERAL_NAMES *list, const char *item, struct refusal *why)
{
	static const struct {
		const char *prefix;
		int type;
	} kinds[] = {
		{ "DNS:", GEN_DNS }, { "IP:", GEN_IPADD }, { "URI:", GEN_URI },
		{ "email:", GEN_EMAIL },
	};
	GENERAL_NAME *g;
	size_t i, n;

	for (i = 0; i < sizeof kinds / sizeof kinds[0]; i++) {
		n = strlen(kinds[i].prefix);
		if (strncmp(item, kinds[i].prefix, n) != 0 || item[n] == '\0')
			continue;
		g = a2i_GENERAL_NAME(NULL, NULL, NULL, kinds[i].type, item + n,
		    0);
		if (g == NULL)
			return csr_bad(why, "A subject alternative name is "
			    "malformed");
		if (sk_GENERAL_NAME_push(list, g) > 0)
			return CAMCA_OK;
		GENERAL_NAME_free(g);
		return CAMCA_ENOMEM;
	}
	return csr_bad(why, "A subject alternative name is not one of DNS:, "
	    "IP:, URI:, email:");
}

int
csr_san_parse(X509_EXTENSION **out, const char *text, struct refusal *why)
{
	AUTO(GENERAL_NAMES) *list = sk_GENERAL_NAME_new_null();
	char item[CSR_NAME_PART_MAX];
	const char *s = text;
	int ret;

	if (list == NULL)
		return CAMCA_ENOMEM;
	if (*s == '\0' || strlen(s) > CSR_SAN_MAX)
		return csr_bad(why, "The subject alternative names are empty "
		    "or too long");
	while (*s != '\0') {
		s = csr_token(item, sizeof item, s, ',');
		if (s == NULL)
			return csr_bad(why, "A subject alternative name is "
			    "too long");
		if ((ret = csr_san_item(list, item, why)) < 0)
			return ret;
		if (*s == ',')
			s++;
	}
	*out = X509V3_EXT_i2d(NID_subject_alt_name, 0, list);
	return *out != NULL ? CAMCA_OK : CAMCA_ENOMEM;
}

int
csr_san_of(X509_EXTENSION **out, const X509 *cert)
{
	int at = X509_get_ext_by_NID(cert, NID_subject_alt_name, -1);

	*out = NULL;
	if (at < 0)
		return CAMCA_OK;
	if (X509_get_ext_by_NID(cert, NID_subject_alt_name, at) >= 0)
		return CAMCA_EINVAL;
	*out = X509_EXTENSION_dup(X509_get_ext(cert, at));
	return *out != NULL ? CAMCA_OK : CAMCA_ENOMEM;
}

/* One naming attribute of a template: the server's value, or ours of the same
 * type. */
static int
csr_template_entry(X509_NAME *name, const struct csrattrs_rdn *r,
    bool same_set, const X509_NAME *own, struct refusal *why)
{
	const X509_NAME_ENTRY *e;
	const ASN1_STRING *s;
	char type[64];
	int at;

	if (r->value != NULL) {
		at = ASN1_TYPE_get(r->value);
		if (at != V_ASN1_UTF8STRING && at != V_ASN1_PRINTABLESTRING &&
		    at != V_ASN1_IA5STRING && at != V_ASN1_T61STRING &&
		    at != V_ASN1_BMPSTRING)
			return csr_bad(why, "A value of the server's subject "
			    "template is no text");
		s = r->value->value.asn1_string;
	} else {
		at = X509_NAME_get_index_by_OBJ(own, r->type, -1);
		OBJ_obj2txt(type, sizeof type, r->type, 0);
		if (at < 0)
			return refuse(why, CAMCA_EPOLICY, 400,
			    "csr.template-name", "The server asks for subject "
			    "attribute %s, which --subject does not give.",
			    type);
		e = X509_NAME_get_entry(own, at);
		s = X509_NAME_ENTRY_get_data(e);
	}
	if (X509_NAME_add_entry_by_OBJ(name, r->type, ASN1_STRING_type(s),
	    ASN1_STRING_get0_data(s), ASN1_STRING_length(s), -1,
	    same_set ? -1 : 0) != 1)
		return csr_failed(why);
	return CAMCA_OK;
}

/* The subject: on a re-enrollment that of the certificate (RFC 7030 4.2.2),
 * else the server's template, else what the operator gave. */
static int
csr_subject(X509_REQ *req, const struct csr_spec *spec, struct refusal *why)
{
	const struct csrattrs *w = spec->wish;
	AUTO(X509_NAME) *name = NULL;
	size_t i;
	int ret;

	if (spec->same_names || w == NULL || w->rdn_count == 0)
		return X509_REQ_set_subject_name(req, spec->subject) == 1 ?
		    CAMCA_OK : csr_failed(why);
	if ((name = X509_NAME_new()) == NULL)
		return CAMCA_ENOMEM;
	for (i = 0; i < w->rdn_count; i++) {
		ret = csr_template_entry(name, &w->rdn[i],
		    i > 0 && w->rdn[i].set == w->rdn[i - 1].set, spec->subject,
		    why);
		if (ret < 0)
			return ret;
	}
	return X509_REQ_set_subject_name(req, name) == 1 ? CAMCA_OK :
	    csr_failed(why);
}

static bool
csr_is_san(X509_EXTENSION *e)
{
	return OBJ_obj2nid(X509_EXTENSION_get_object(e)) ==
	    NID_subject_alt_name;
}

static int
csr_push(STACK_OF(X509_EXTENSION) *list, X509_EXTENSION *e)
{
	X509_EXTENSION *copy = X509_EXTENSION_dup(e);

	if (copy != NULL && sk_X509_EXTENSION_push(list, copy) > 0)
		return CAMCA_OK;
	X509_EXTENSION_free(copy);
	return CAMCA_ENOMEM;
}

/* Our SAN, and the extensions whose values the server gave. On a re-enrollment
 * RFC 7030 4.2.2 wants the SAN of the old certificate, present or absent; on a
 * first enrollment ours goes before the server's. */
static int
csr_extensions(X509_REQ *req, const struct csr_spec *spec,
    struct refusal *why)
{
	STACK_OF(X509_EXTENSION) *list = sk_X509_EXTENSION_new_null();
	STACK_OF(X509_EXTENSION) *wish;
	X509_EXTENSION *e;
	int i, ret = list != NULL ? CAMCA_OK : CAMCA_ENOMEM;

	wish = spec->wish != NULL ? spec->wish->extensions : NULL;
	if (ret == CAMCA_OK && spec->san != NULL)
		ret = csr_push(list, spec->san);
	for (i = 0; i < sk_X509_EXTENSION_num(wish) && ret == CAMCA_OK; i++) {
		e = sk_X509_EXTENSION_value(wish, i);
		if (!csr_is_san(e) || (!spec->same_names && spec->san == NULL))
			ret = csr_push(list, e);
	}
	if (ret == CAMCA_OK && sk_X509_EXTENSION_num(list) > 0 &&
	    X509_REQ_add_extensions(req, list) != 1)
		ret = csr_failed(why);
	sk_X509_EXTENSION_pop_free(list, X509_EXTENSION_free);
	return ret;
}

/* RFC 7030 3.5: the value ties this request to this TLS connection. Where the
 * server asks by RFC 7894 it goes into estIdentityLinking, which cannot be
 * mistaken for a password; where it asks both ways, into both. */
static int
csr_binding(X509_REQ *req, const struct csr_spec *spec, struct refusal *why)
{
	const unsigned char *v = (const unsigned char *)spec->binding;
	const struct csrattrs *w = spec->wish;
	int n;

	if (v == NULL || w == NULL)
		return CAMCA_OK;
	/* The length must be given: with -1 these calls take the value for a
	 * ready ASN1_STRING. */
	n = (int)strlen(spec->binding);
	if (w->challenge_password && X509_REQ_add1_attr_by_NID(req,
	    NID_pkcs9_challengePassword, V_ASN1_PRINTABLESTRING, v, n) != 1)
		return csr_failed(why);
	if (w->identity_linking && X509_REQ_add1_attr_by_txt(req,
	    OID_EST_IDENTITY_LINKING, V_ASN1_PRINTABLESTRING, v, n) != 1)
		return csr_failed(why);
	return CAMCA_OK;
}

/* The digest that the server wants with this kind of key, else one that fits
 * the key's strength. */
static const EVP_MD *
csr_digest(const struct csrattrs *w, EVP_PKEY *key)
{
	int base = EVP_PKEY_get_base_id(key);
	int wanted = w != NULL && (w->digest_key_nid == base ||
	    (w->digest_key_nid == NID_X9_62_id_ecPublicKey &&
	    base == EVP_PKEY_EC)) ? w->digest_nid : NID_undef;

	switch (wanted) {
	case NID_sha256:
		return EVP_sha256();
	case NID_sha384:
		return EVP_sha384();
	case NID_sha512:
		return EVP_sha512();
	default:                  /* SHA-1 and the like are not followed */
		break;
	}
	if (base == EVP_PKEY_ED25519 || base == EVP_PKEY_ED448)
		return NULL;
	if (base == EVP_PKEY_EC && EVP_PKEY_get_bits(key) > 256)
		return EVP_PKEY_get_bits(key) > 384 ? EVP_sha512() :
		    EVP_sha384();
	return EVP_sha256();
}

int
csr_build(struct buf *der_out, const struct csr_spec *spec, EVP_PKEY *key,
    struct refusal *why)
{
	AUTO(X509_REQ) *req = X509_REQ_new();
	unsigned char *der = NULL;
	int n, ret;

	if (req == NULL)
		return CAMCA_ENOMEM;
	if (X509_REQ_set_version(req, 0) != 1 ||
	    X509_REQ_set_pubkey(req, key) != 1)
		return csr_failed(why);
	if ((ret = csr_subject(req, spec, why)) < 0 ||
	    (ret = csr_extensions(req, spec, why)) < 0 ||
	    (ret = csr_binding(req, spec, why)) < 0)
		return ret;
	if (X509_REQ_sign(req, key, csr_digest(spec->wish, key)) <= 0)
		return csr_failed(why);
	n = i2d_X509_REQ(req, &der);
	if (n <= 0)
		return csr_failed(why);
	ret = buf_put(der_out, der, (size_t)n);
	OPENSSL_free(der);
	return ret;
}
