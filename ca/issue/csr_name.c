/* SPDX-License-Identifier: Apache-2.0 */
#include <openssl/err.h>
#include <openssl/x509.h>
#include <string.h>

#include "ca/issue/csr_int.h"

#define NAMES_MAX 100
#define NAME_VALUE_MAX 1024

static int
name_refuse_encoding(struct refusal *why)
{
	return refuse(why, CAMCA_EINVAL, 400, "csr.name-encoding",
	    "A name in the request is not valid in its character set (UTF-8 "
	    "for UTF8String, ASCII for PrintableString and IA5String).");
}

/* A NUL lets a checker that uses C strings see another name than one that
 * does not (CVE-2009-2408); other controls forge log lines. */
static int
name_check_bytes(const uint8_t *p, size_t n, struct refusal *why)
{
	size_t i;

	if (n == 0)
		return refuse(why, CAMCA_EINVAL, 400, "csr.name-empty",
		    "A name in the request is empty.");
	if (n > NAME_VALUE_MAX)
		return refuse(why, CAMCA_EINVAL, 400, "csr.name-too-long",
		    "A name in the request is longer than %d bytes.",
		    NAME_VALUE_MAX);
	for (i = 0; i < n; i++) {
		if (p[i] == 0)
			return refuse(why, CAMCA_EINVAL, 400, "csr.name-nul",
			    "A name in the request has a NUL in it.");
		if (p[i] < 0x20 || p[i] == 0x7f)
			return refuse(why, CAMCA_EINVAL, 400,
			    "csr.name-control", "A name in the request has a "
			    "control character in it.");
	}
	return CAMCA_OK;
}

/* PrintableString is not held to its 74 characters: too many clients put an
 * '@' or '_' there, and no harm comes of it. */
static int
name_check_ascii(const ASN1_STRING *s, struct refusal *why)
{
	const uint8_t *p = ASN1_STRING_get0_data(s);
	int i, n = ASN1_STRING_length(s);

	for (i = 0; i < n; i++)
		if (p[i] >= 0x80)
			return name_refuse_encoding(why);
	return name_check_bytes(p, (size_t)n, why);
}

/* TeletexString, BMPString and UniversalString are old, but RFC 5280 4.1.2.4
 * has them, and cameras of that age are about. */
static int
name_check_string(const ASN1_STRING *s, struct refusal *why)
{
	unsigned char *utf8 = NULL;
	int n, ret, type = ASN1_STRING_type(s);

	if (type == V_ASN1_PRINTABLESTRING || type == V_ASN1_IA5STRING ||
	    type == V_ASN1_NUMERICSTRING)
		return name_check_ascii(s, why);
	if (type != V_ASN1_UTF8STRING && type != V_ASN1_T61STRING &&
	    type != V_ASN1_BMPSTRING && type != V_ASN1_UNIVERSALSTRING)
		return refuse(why, CAMCA_EINVAL, 400, "csr.name-type",
		    "A name in the request is of a type that names do not "
		    "have.");
	n = ASN1_STRING_to_UTF8(&utf8, s);
	if (n < 0)
		return name_refuse_encoding(why);
	ret = name_check_bytes(utf8, (size_t)n, why);
	OPENSSL_free(utf8);
	return ret;
}

int
csr_name_check(const X509_NAME *name, struct refusal *why)
{
	const X509_NAME_ENTRY *e;
	int i, ret = CAMCA_OK, n = X509_NAME_entry_count(name);

	if (n > NAMES_MAX)
		return refuse(why, CAMCA_EINVAL, 400, "csr.name-too-long",
		    "A name in the request has more than %d parts.",
		    NAMES_MAX);
	for (i = 0; i < n && ret == CAMCA_OK; i++) {
		e = X509_NAME_get_entry(name, i);
		/* unique identifiers are bits, not text (RFC 4519 2.41) */
		if (ASN1_STRING_type(X509_NAME_ENTRY_get_data(e)) ==
		    V_ASN1_BIT_STRING)
			continue;
		ret = name_check_string(X509_NAME_ENTRY_get_data(e), why);
	}
	return ret;
}

/* Syntax of DNS names and URIs is not looked at: none of them gets into a
 * certificate. */
static int
general_name_check(const GENERAL_NAME *g, struct refusal *why)
{
	int n;

	switch (g->type) {
	case GEN_DNS:
	case GEN_EMAIL:
	case GEN_URI:
		return name_check_ascii(g->d.ia5, why);
	case GEN_DIRNAME:
		return csr_name_check(g->d.directoryName, why);
	case GEN_IPADD:
		n = ASN1_STRING_length(g->d.iPAddress);
		if (n == 4 || n == 16)
			return CAMCA_OK;
		return refuse(why, CAMCA_EINVAL, 400, "csr.san-ip",
		    "An IP address in the request has %d bytes, not 4 or 16.",
		    n);
	default:
		/* otherName and the rest hold what nobody here reads. */
		return CAMCA_OK;
	}
}

int
csr_general_names_check(const GENERAL_NAMES *names, struct refusal *why)
{
	int i, ret = CAMCA_OK, n = sk_GENERAL_NAME_num(names);

	if (n < 1 || n > NAMES_MAX)
		return refuse(why, CAMCA_EINVAL, 400, "csr.san-count",
		    "A subjectAltName in the request has %d names, not 1 to "
		    "%d.", n, NAMES_MAX);
	for (i = 0; i < n && ret == CAMCA_OK; i++)
		ret = general_name_check(sk_GENERAL_NAME_value(names, i), why);
	return ret;
}

int
csr_text(const ASN1_TYPE *value, const char *what,
    char out[static CSR_ATTR_MAX], struct refusal *why)
{
	const ASN1_STRING *s;
	int n, ret;

	if (value->type != V_ASN1_PRINTABLESTRING &&
	    value->type != V_ASN1_UTF8STRING && value->type != V_ASN1_IA5STRING)
		return refuse(why, CAMCA_EINVAL, 400, "csr.attribute-type",
		    "The attribute %s is neither PrintableString nor "
		    "UTF8String (RFC 2985 5.4.1).", what);
	s = value->value.asn1_string;
	n = ASN1_STRING_length(s);
	/* An empty one must not pass for an absent one. */
	if (n == 0 || n >= CSR_ATTR_MAX)
		return refuse(why, CAMCA_EINVAL, 400, "csr.attribute-length",
		    "The attribute %s has %d bytes, not 1 to %d.", what, n,
		    CSR_ATTR_MAX - 1);
	ret = name_check_string(s, NULL);
	if (ret == CAMCA_EINVAL)
		return refuse(why, ret, 400, "csr.attribute-text",
		    "The attribute %s is not clean text.", what);
	memcpy(out, ASN1_STRING_get0_data(s), (size_t)n);
	out[n] = '\0';
	return CAMCA_OK;
}
