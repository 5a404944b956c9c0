/* SPDX-License-Identifier: Apache-2.0 */
#include <arpa/inet.h>
#include <ctype.h>
#include <openssl/err.h>
#include <string.h>

#include "ca/base/auto.h"
#include "ca/issue/cert.h"
#include "ca/issue/cert_ext.h"

AUTO_DEFINE(GENERAL_NAME, GENERAL_NAME_free)
AUTO_DEFINE(ASN1_STRING, ASN1_STRING_free)

#define CERT_ITEM_MAX 512
#define CERT_DNS_MAX 253            /* RFC 1035 2.3.4 without the root dot */
#define CERT_LABEL_MAX 63

/* Character sets and upper bounds (RFC 5280 appendix A) are OpenSSL's table
 * of strings; rule is what a refusal says about them. */
static const struct {
	const char *type;
	int nid;
	const char *rule;
} subject_types[] = {
	{ "CN", NID_commonName, "1 to 64 characters of UTF-8" },
	{ "serialNumber", NID_serialNumber,
	    "1 to 64 letters, digits, spaces or '()+,-./:=?" },
	{ "O", NID_organizationName, "1 to 64 characters of UTF-8" },
	{ "OU", NID_organizationalUnitName, "1 to 64 characters of UTF-8" },
	{ "L", NID_localityName, "1 to 128 characters of UTF-8" },
	{ "ST", NID_stateOrProvinceName, "1 to 128 characters of UTF-8" },
	{ "C", NID_countryName, "2 letters" },
};

/* Splits "type<sep>value" in place; NULL where there is no such separator. */
static char *
cert_item_value(char *item, char sep)
{
	char *p = strchr(item, sep);

	if (p != NULL)
		*p++ = '\0';
	return p;
}

static bool
cert_has_control(const char *s)
{
	for (; *s != '\0'; s++)
		if ((unsigned char)*s < 0x20 || *s == 0x7f)
			return true;
	return false;
}

static int
cert_subject_add(X509_NAME *name, char *item, struct refusal *why)
{
	char *value = cert_item_value(item, '=');
	size_t i, n = sizeof subject_types / sizeof subject_types[0];

	for (i = 0; value != NULL && i < n; i++)
		if (strcmp(subject_types[i].type, item) == 0)
			break;
	if (value == NULL || i == n)
		return refuse(why, CAMCA_EPOLICY, 500, "issue.subject-type",
		    "%s is no subject attribute that a profile may use.", item);
	/* Its own RDN each: a '+' in a value cannot make a second attribute. */
	if (*value == '\0' || cert_has_control(value) ||
	    X509_NAME_add_entry_by_NID(name, subject_types[i].nid,
	    MBSTRING_UTF8, (const unsigned char *)value, -1, -1, 0) != 1) {
		if (cert_clear_errors() == CAMCA_ENOMEM)
			return refuse_default(why, CAMCA_ENOMEM);
		return refuse(why, CAMCA_EPOLICY, 403, "issue.subject-value",
		    "%s=%s does not fit a certificate: %s.", item, value,
		    subject_types[i].rule);
	}
	return CAMCA_OK;
}

/* Preferred name syntax of RFC 1034 3.5 with leading digits (RFC 1123 2.1),
 * at least two labels, no wildcard: a camera has a name of its own. */
static bool
cert_dns_valid(const char *s)
{
	size_t label = 0, dots = 0;

	if (strlen(s) > CERT_DNS_MAX)
		return false;
	for (; *s != '\0'; s++) {
		if (*s == '.') {
			if (label == 0 || s[-1] == '-')
				return false;
			label = 0;
			dots++;
			continue;
		}
		if (!isalnum((unsigned char)*s) && (*s != '-' || label == 0))
			return false;
		if ((unsigned char)*s >= 0x80 || ++label > CERT_LABEL_MAX)
			return false;
	}
	return label > 0 && s[-1] != '-' && dots > 0;
}

/* RFC 5321 4.1.2 without quoting: enough for a mailbox that gets alarms. */
static bool
cert_email_valid(const char *s)
{
	const char *at = strchr(s, '@');

	if (at == NULL || at == s || at - s > 64 || !cert_dns_valid(at + 1))
		return false;
	for (; s < at; s++)
		if (!isalnum((unsigned char)*s) &&
		    strchr("!#$%&'*+-/=?^_`{|}~.", *s) == NULL)
			return false;
	return true;
}

/* Octets of the GeneralName into out[CERT_ITEM_MAX]; *n_out 0 where the value
 * does not fit its type. Returns the GEN_* type, -1 for an unknown one. */
static int
cert_san_encode(const char *type, const char *value, uint8_t *out, int *n_out)
{
	*n_out = (int)strnlen(value, CERT_ITEM_MAX);
	memcpy(out, value, (size_t)*n_out);
	if (strcmp(type, "dns") == 0) {
		if (!cert_dns_valid(value))
			*n_out = 0;
		return GEN_DNS;
	}
	if (strcmp(type, "uri") == 0) {
		if (!cert_uri_valid(value))
			*n_out = 0;
		return GEN_URI;
	}
	if (strcmp(type, "email") == 0) {
		if (!cert_email_valid(value))
			*n_out = 0;
		return GEN_EMAIL;
	}
	if (strcmp(type, "ip") != 0)
		return -1;
	*n_out = 0;
	if (inet_pton(AF_INET, value, out) == 1)
		*n_out = 4;
	else if (inet_pton(AF_INET6, value, out) == 1)
		*n_out = 16;
	return GEN_IPADD;
}

static int
cert_san_add(GENERAL_NAMES *san, char *item, struct refusal *why)
{
	AUTO(GENERAL_NAME) *gn = NULL;
	AUTO(ASN1_STRING) *s = NULL;
	char *value = cert_item_value(item, ':');
	uint8_t bytes[CERT_ITEM_MAX];
	int n = 0, type = -1;

	if (value != NULL)
		type = cert_san_encode(item, value, bytes, &n);
	if (type < 0)
		return refuse(why, CAMCA_EPOLICY, 500, "issue.san-type",
		    "%s is no subjectAltName that a profile may use.", item);
	if (n == 0)
		return refuse(why, CAMCA_EPOLICY, 403, "issue.san-value",
		    "%s is no %s name for a certificate.", value, item);
	gn = GENERAL_NAME_new();
	s = ASN1_STRING_type_new(type == GEN_IPADD ? V_ASN1_OCTET_STRING :
	    V_ASN1_IA5STRING);
	if (gn == NULL || s == NULL || ASN1_STRING_set(s, bytes, n) != 1)
		return cert_failed("subjectAltName", why);
	GENERAL_NAME_set0_value(gn, type, TAKE(s));
	if (sk_GENERAL_NAME_push(san, gn) <= 0)
		return cert_failed("subjectAltName", why);
	gn = NULL;
	return CAMCA_OK;
}

static int
cert_subject(const struct profile *p, const struct profile_fields *f,
    X509_NAME *name, struct refusal *why)
{
	char item[CERT_ITEM_MAX];
	int ret;

	for (size_t i = 0; i < PROFILE_ITEMS_MAX && p->subject[i] != NULL;
	    i++) {
		ret = profile_expand(p->subject[i], f, item, sizeof item, why);
		if (ret == CAMCA_ENOENT)
			continue;
		if (ret == 0)
			ret = cert_subject_add(name, item, why);
		if (ret < 0)
			return refuse_default(why, ret);
	}
	return CAMCA_OK;
}

static int
cert_san(const struct profile *p, const struct profile_fields *f,
    GENERAL_NAMES *san, struct refusal *why)
{
	char item[CERT_ITEM_MAX];
	int ret;

	for (size_t i = 0; i < PROFILE_ITEMS_MAX && p->san[i] != NULL; i++) {
		ret = profile_expand(p->san[i], f, item, sizeof item, why);
		if (ret == CAMCA_ENOENT)
			continue;
		if (ret == 0)
			ret = cert_san_add(san, item, why);
		if (ret < 0)
			return refuse_default(why, ret);
	}
	return CAMCA_OK;
}

int
cert_names(const struct profile *p, const struct profile_fields *f,
    X509_NAME **subject_out, GENERAL_NAMES **san_out, struct refusal *why)
{
	AUTO(X509_NAME) *name = X509_NAME_new();
	AUTO(GENERAL_NAMES) *san = sk_GENERAL_NAME_new_null();
	int ret;

	if (name == NULL || san == NULL)
		return cert_failed("certificate names", why);
	ret = cert_subject(p, f, name, why);
	if (ret == 0)
		ret = cert_san(p, f, san, why);
	if (ret < 0)
		return ret;
	if (X509_NAME_entry_count(name) == 0 && sk_GENERAL_NAME_num(san) == 0)
		return refuse(why, CAMCA_EPOLICY, 403, "issue.no-name",
		    "Profile %s gives this device neither subject nor "
		    "subjectAltName.",
		    p->name);
	*san_out = sk_GENERAL_NAME_num(san) > 0 ? TAKE(san) : NULL;
	*subject_out = TAKE(name);
	return CAMCA_OK;
}
