/* SPDX-License-Identifier: Apache-2.0 */
#include <openssl/err.h>

#include "ca/base/auto.h"
#include "ca/issue/cert.h"
#include "ca/issue/cert_ext.h"

AUTO_DEFINE(EXTENDED_KEY_USAGE, EXTENDED_KEY_USAGE_free)

static int
cert_add_eku(X509 *cert, const int nids[static 8])
{
	AUTO(EXTENDED_KEY_USAGE) *eku = NULL;

	if (nids[0] == 0)
		return CAMCA_OK;
	eku = sk_ASN1_OBJECT_new_null();
	if (eku == NULL)
		return CAMCA_ECRYPTO;
	for (int i = 0; i < 8 && nids[i] != 0; i++) {
		ASN1_OBJECT *o = OBJ_nid2obj(nids[i]);

		if (o == NULL || sk_ASN1_OBJECT_push(eku, o) <= 0)
			return CAMCA_ECRYPTO;
	}
	return X509_add1_ext_i2d(cert, NID_ext_key_usage, eku, 0,
	    X509V3_ADD_DEFAULT) == 1 ? CAMCA_OK : CAMCA_ECRYPTO;
}

static int
cert_add_san(X509 *cert, const struct cert_plan *plan)
{
	/* RFC 5280 4.1.2.6: an empty subject makes the SAN critical. */
	int critical = X509_NAME_entry_count(plan->subject) == 0;

	if (plan->san == NULL || sk_GENERAL_NAME_num(plan->san) <= 0)
		return CAMCA_OK;
	return X509_add1_ext_i2d(cert, NID_subject_alt_name,
	    (GENERAL_NAMES *)(uintptr_t)plan->san, critical,
	    X509V3_ADD_DEFAULT) == 1 ? CAMCA_OK : CAMCA_ECRYPTO;
}

static int
cert_add_all(X509 *cert, const struct cert_plan *plan)
{
	const struct profile *p = plan->profile;
	int ret;

	ret = cert_add_bc(cert, false, -1);
	if (ret == 0)
		ret = cert_add_ku(cert, p->key_usage);
	if (ret == 0)
		ret = cert_add_eku(cert, p->eku_nids);
	if (ret == 0)
		ret = cert_add_ski(cert);
	if (ret == 0)
		ret = cert_add_aki(cert,
		    X509_get0_subject_key_id(plan->issuer));
	if (ret == 0)
		ret = cert_add_san(cert, plan);
	if (ret == 0 && p->cdp)
		ret = cert_add_cdp(cert, plan->crl_url);
	if (ret == 0 && p->aia)
		ret = cert_add_aia(cert, plan->issuer_url, plan->ocsp_url);
	return ret;
}

/* What the caller must have got right; a mistake is ours, not the client's. */
static int
cert_check_plan(const struct cert_plan *plan, struct refusal *why)
{
	const char *urls[] = { plan->crl_url, plan->issuer_url,
	    plan->ocsp_url };

	/* Zero, negative or 21 octets: RFC 5280 4.1.2.2. */
	if (plan->serial[0] == 0 || plan->serial[0] > 0x7f)
		return refuse(why, CAMCA_EINVAL, 500, "issue.serial",
		    "The serial must be positive and 20 octets long.");
	for (size_t i = 0; i < sizeof urls / sizeof urls[0]; i++)
		if (urls[i] != NULL && !cert_uri_valid(urls[i]))
			return refuse(why, CAMCA_EINVAL, 500, "issue.url",
			    "%s is no absolute address for a certificate.",
			    urls[i]);
	if (X509_get0_subject_key_id(plan->issuer) == NULL)
		return refuse(why, CAMCA_EINVAL, 500, "issue.issuer",
		    "The issuing CA's certificate has no subject key "
		    "identifier.");
	if (X509_NAME_entry_count(plan->subject) == 0 && (plan->san == NULL ||
	    sk_GENERAL_NAME_num(plan->san) <= 0))
		return refuse(why, CAMCA_EPOLICY, 403, "issue.no-name",
		    "Profile %s gives this device neither subject nor "
		    "subjectAltName.",
		    plan->profile->name);
	return CAMCA_OK;
}

int
cert_build(const struct cert_plan *plan, X509 **out, struct refusal *why)
{
	AUTO(X509) *cert = NULL;
	int64_t not_before, not_after;
	int ret;

	ret = cert_check_plan(plan, why);
	if (ret < 0)
		return ret;
	ret = cert_window(plan->issuer, plan->now_ms,
	    plan->profile->validity_ms, &not_before, &not_after, why);
	if (ret < 0)
		return ret;
	cert = X509_new();
	if (cert == NULL ||
	    cert_set_basics(cert, plan->serial, not_before, not_after) < 0 ||
	    X509_set_issuer_name(cert,
	    X509_get_subject_name(plan->issuer)) != 1 ||
	    X509_set_subject_name(cert, plan->subject) != 1 ||
	    cert_set_key(cert, plan->key) < 0 ||
	    cert_add_all(cert, plan) < 0)
		return cert_failed("building a certificate", why);
	/* OpenSSL gets over some failed allocations, but not silently. */
	ERR_clear_error();
	*out = TAKE(cert);
	return CAMCA_OK;
}
