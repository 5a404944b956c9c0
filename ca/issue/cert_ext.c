/* SPDX-License-Identifier: Apache-2.0 */
#include "ca/issue/cert_ext.h"

#include <ctype.h>
#include <openssl/err.h>
#include <string.h>

#include "ca/base/auto.h"
#include "ca/base/log.h"
#include "ca/issue/cert.h"

AUTO_DEFINE(AUTHORITY_KEYID, AUTHORITY_KEYID_free)
AUTO_DEFINE(BASIC_CONSTRAINTS, BASIC_CONSTRAINTS_free)
AUTO_DEFINE(ASN1_BIT_STRING, ASN1_BIT_STRING_free)
AUTO_DEFINE(CRL_DIST_POINTS, CRL_DIST_POINTS_free)
AUTO_DEFINE(DIST_POINT, DIST_POINT_free)
AUTO_DEFINE(AUTHORITY_INFO_ACCESS, AUTHORITY_INFO_ACCESS_free)
AUTO_DEFINE(ACCESS_DESCRIPTION, ACCESS_DESCRIPTION_free)
AUTO_DEFINE(GENERAL_NAME, GENERAL_NAME_free)
AUTO_DEFINE(ASN1_IA5STRING, ASN1_IA5STRING_free)

int
cert_clear_errors(void)
{
	int err = CAMCA_ECRYPTO;
	unsigned long e;

	while ((e = ERR_get_error()) != 0)
		if (ERR_GET_REASON(e) == ERR_R_MALLOC_FAILURE)
			err = CAMCA_ENOMEM;
	return err;
}

int
cert_failed(const char *what, struct refusal *why)
{
	unsigned long last = ERR_peek_last_error();
	char text[160] = "no detail";
	int err;

	if (last != 0)
		ERR_error_string_n(last, text, sizeof text);
	err = cert_clear_errors();
	log_msg(LOG_ERROR, "certificate", "%s: %s", what, text);
	return refuse_default(why, err);
}

int
cert_key_id(const X509 *cert, uint8_t out[static 20])
{
	const unsigned char *key;
	uint8_t md[32];
	int n;

	/* The BIT STRING's value, without tag, length and unused bits. */
	if (X509_PUBKEY_get0_param(NULL, &key, &n, NULL,
	    X509_get_X509_PUBKEY(cert)) != 1 || n < 0 ||
	    EVP_Digest(key, (size_t)n, md, NULL, EVP_sha256(), NULL) != 1)
		return CAMCA_ECRYPTO;
	memcpy(out, md, 20);
	return CAMCA_OK;
}

static int
cert_set_serial(X509 *cert, const uint8_t serial[static 20])
{
	AUTO(BIGNUM) *bn = BN_bin2bn(serial, 20, NULL);

	if (bn == NULL ||
	    BN_to_ASN1_INTEGER(bn, X509_get_serialNumber(cert)) == NULL)
		return CAMCA_ECRYPTO;
	return CAMCA_OK;
}

int
cert_set_basics(X509 *cert, const uint8_t serial[static 20],
    int64_t not_before_ms, int64_t not_after_ms)
{
	/* ASN1_TIME_set: UTCTime up to 2049, then GeneralizedTime, as RFC 5280
	 * 4.1.2.5 wants it. */
	if (X509_set_version(cert, X509_VERSION_3) != 1 ||
	    cert_set_serial(cert, serial) < 0 ||
	    ASN1_TIME_set(X509_getm_notBefore(cert),
	    (time_t)(not_before_ms / 1000)) == NULL ||
	    ASN1_TIME_set(X509_getm_notAfter(cert),
	    (time_t)(not_after_ms / 1000)) == NULL)
		return CAMCA_ECRYPTO;
	return CAMCA_OK;
}

int
cert_window(const X509 *issuer, int64_t now_ms, int64_t validity_ms,
    int64_t *not_before_ms, int64_t *not_after_ms, struct refusal *why)
{
	int64_t first = 0, last = CERT_TIME_MAX_MS, end;

	if (now_ms < CERT_SKEW_MS || now_ms > CERT_TIME_MAX_MS ||
	    validity_ms < 1000 || validity_ms > CERT_TIME_MAX_MS)
		return refuse(why, CAMCA_EINVAL, 500, "issue.validity",
		    "The clock or the validity is outside the years 1970 to "
		    "9999.");
	if (issuer != NULL && cert_times(issuer, &first, &last) < 0)
		return refuse(why, CAMCA_EINVAL, 500, "issue.issuer",
		    "The issuing CA's certificate has no readable validity.");
	/* A clock that was set back would date certificates before their CA. */
	if (now_ms < first)
		return refuse(why, CAMCA_ETIME, 503, "issue.clock",
		    "The clock is before the issuing CA's notBefore.");
	end = now_ms + validity_ms;
	if (end > last)
		end = last;
	if (end - now_ms < validity_ms / 10 || end - now_ms < 1000)
		return refuse(why, CAMCA_EPOLICY, 503, "issue.issuer-expires",
		    "The issuing CA expires before a tenth of the validity is "
		    "over; it needs its next generation.");
	*not_before_ms = now_ms - CERT_SKEW_MS < first ? first :
	    (now_ms - CERT_SKEW_MS) / 1000 * 1000;
	*not_after_ms = end / 1000 * 1000;
	return CAMCA_OK;
}

bool
cert_uri_valid(const char *uri)
{
	const char *colon = strchr(uri, ':');

	/* RFC 3986 3.1: a scheme first; RFC 5280 4.2.1.6: never relative. */
	if (colon == NULL || colon == uri || colon[1] == '\0' ||
	    !isalpha((unsigned char)uri[0]))
		return false;
	for (const char *p = uri; p < colon; p++)
		if (!isalnum((unsigned char)*p) && strchr("+-.", *p) == NULL)
			return false;
	for (const char *p = colon; *p != '\0'; p++)
		if (*p <= ' ' || *p >= 0x7f ||
		    strchr("\"<>\\^`{|}", *p) != NULL)
			return false;
	return true;
}

static int
cert_add(X509 *cert, int nid, void *value, int critical)
{
	return X509_add1_ext_i2d(cert, nid, value, critical,
	    X509V3_ADD_DEFAULT) == 1 ? CAMCA_OK : CAMCA_ECRYPTO;
}

int
cert_add_ski(X509 *cert)
{
	AUTO(ASN1_OCTET_STRING) *ski = ASN1_OCTET_STRING_new();
	uint8_t id[20];

	if (ski == NULL || cert_key_id(cert, id) < 0 ||
	    ASN1_OCTET_STRING_set(ski, id, sizeof id) != 1)
		return CAMCA_ECRYPTO;
	return cert_add(cert, NID_subject_key_identifier, ski, 0);
}

int
cert_add_aki(X509 *cert, const ASN1_OCTET_STRING *issuer_ski)
{
	AUTO(AUTHORITY_KEYID) *aki = AUTHORITY_KEYID_new();

	if (aki == NULL || issuer_ski == NULL)
		return CAMCA_ECRYPTO;
	aki->keyid = ASN1_OCTET_STRING_dup(issuer_ski);
	if (aki->keyid == NULL)
		return CAMCA_ECRYPTO;
	return cert_add(cert, NID_authority_key_identifier, aki, 0);
}

int
cert_add_bc(X509 *cert, bool ca, int pathlen)
{
	AUTO(BASIC_CONSTRAINTS) *bc = BASIC_CONSTRAINTS_new();

	if (bc == NULL)
		return CAMCA_ECRYPTO;
	bc->ca = ca ? 0xff : 0;
	if (ca && pathlen >= 0) {
		bc->pathlen = ASN1_INTEGER_new();
		if (bc->pathlen == NULL ||
		    ASN1_INTEGER_set(bc->pathlen, pathlen) != 1)
			return CAMCA_ECRYPTO;
	}
	return cert_add(cert, NID_basic_constraints, bc, 1);
}

int
cert_add_ku(X509 *cert, unsigned usage)
{
	AUTO(ASN1_BIT_STRING) *ku = NULL;

	if (usage == 0)
		return CAMCA_OK;
	ku = ASN1_BIT_STRING_new();
	if (ku == NULL)
		return CAMCA_ECRYPTO;
	/* KU_* has bit 0 of the BIT STRING at 0x80 and bit 8 at 0x8000. */
	for (int i = 0; i < 9; i++) {
		unsigned mask = i < 8 ? 0x80u >> i : 0x8000u;

		if ((usage & mask) != 0 &&
		    ASN1_BIT_STRING_set_bit(ku, i, 1) != 1)
			return CAMCA_ECRYPTO;
	}
	return cert_add(cert, NID_key_usage, ku, 1);
}

static GENERAL_NAME *
cert_uri_name(const char *uri)
{
	AUTO(GENERAL_NAME) *gn = GENERAL_NAME_new();
	AUTO(ASN1_IA5STRING) *s = ASN1_IA5STRING_new();

	if (gn == NULL || s == NULL || ASN1_STRING_set(s, uri, -1) != 1)
		return NULL;
	GENERAL_NAME_set0_value(gn, GEN_URI, TAKE(s));
	return TAKE(gn);
}

int
cert_add_cdp(X509 *cert, const char *crl_url)
{
	AUTO(CRL_DIST_POINTS) *points = NULL;
	AUTO(DIST_POINT) *dp = NULL;
	AUTO(GENERAL_NAME) *gn = NULL;

	if (crl_url == NULL)
		return CAMCA_OK;
	points = sk_DIST_POINT_new_null();
	dp = DIST_POINT_new();
	gn = cert_uri_name(crl_url);
	if (points == NULL || dp == NULL || gn == NULL ||
	    (dp->distpoint = DIST_POINT_NAME_new()) == NULL ||
	    (dp->distpoint->name.fullname = GENERAL_NAMES_new()) == NULL)
		return CAMCA_ECRYPTO;
	dp->distpoint->type = 0;       /* fullName */
	if (sk_GENERAL_NAME_push(dp->distpoint->name.fullname, gn) <= 0)
		return CAMCA_ECRYPTO;
	gn = NULL;
	if (sk_DIST_POINT_push(points, dp) <= 0)
		return CAMCA_ECRYPTO;
	dp = NULL;
	return cert_add(cert, NID_crl_distribution_points, points, 0);
}

static int
cert_aia_push(AUTHORITY_INFO_ACCESS *aia, int method, const char *url)
{
	AUTO(ACCESS_DESCRIPTION) *ad = NULL;

	if (url == NULL)
		return CAMCA_OK;
	ad = ACCESS_DESCRIPTION_new();
	if (ad == NULL)
		return CAMCA_ECRYPTO;
	GENERAL_NAME_free(ad->location);
	ASN1_OBJECT_free(ad->method);
	ad->method = OBJ_nid2obj(method);
	ad->location = cert_uri_name(url);
	if (ad->location == NULL || sk_ACCESS_DESCRIPTION_push(aia, ad) <= 0)
		return CAMCA_ECRYPTO;
	ad = NULL;
	return CAMCA_OK;
}

int
cert_add_aia(X509 *cert, const char *issuer_url, const char *ocsp_url)
{
	AUTO(AUTHORITY_INFO_ACCESS) *aia = NULL;

	if (issuer_url == NULL && ocsp_url == NULL)
		return CAMCA_OK;
	aia = sk_ACCESS_DESCRIPTION_new_null();
	if (aia == NULL ||
	    cert_aia_push(aia, NID_ad_OCSP, ocsp_url) < 0 ||
	    cert_aia_push(aia, NID_ad_ca_issuers, issuer_url) < 0)
		return CAMCA_ECRYPTO;
	return cert_add(cert, NID_info_access, aia, 0);
}
