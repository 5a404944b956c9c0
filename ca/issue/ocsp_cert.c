/* SPDX-License-Identifier: Apache-2.0 */
#include "ca/issue/ocsp_cert.h"

#include <openssl/err.h>

#include "ca/base/auto.h"
#include "ca/issue/cert.h"
#include "ca/issue/cert_ext.h"

AUTO_DEFINE(ASN1_NULL, ASN1_NULL_free)

const struct profile ocsp_cert_profile = {
	.name = OCSP_CERT_PROFILE,
	.version = 1,
	.kind = -1,
	.keys = 1u << KEY_P256,
	.validity_ms = INT64_C(7) * 86400 * 1000,
	.key_usage = KU_DIGITAL_SIGNATURE,
	.eku_nids = { NID_OCSP_sign },
};

static int
ocsp_cert_subject(const char *organization, X509_NAME **out)
{
	AUTO(X509_NAME) *name = X509_NAME_new();

	if (name == NULL || X509_NAME_add_entry_by_NID(name,
	    NID_organizationName, MBSTRING_UTF8,
	    (const unsigned char *)organization, -1, -1, 0) != 1 ||
	    X509_NAME_add_entry_by_NID(name, NID_commonName, MBSTRING_UTF8,
	    (const unsigned char *)"camca OCSP responder", -1, -1, 0) != 1)
		return CAMCA_ECRYPTO;
	*out = TAKE(name);
	return CAMCA_OK;
}

int
ocsp_cert_build(X509 *issuer, EVP_PKEY *key, const char *organization,
    const uint8_t serial[static 20], int64_t now_ms, X509 **out,
    struct refusal *why)
{
	AUTO(X509_NAME) *subject = NULL;
	AUTO(ASN1_NULL) *null = ASN1_NULL_new();
	AUTO(X509) *cert = NULL;
	struct cert_plan plan;
	int ret;

	if (null == NULL || ocsp_cert_subject(organization, &subject) < 0)
		return cert_failed("name of an OCSP responder", why);
	plan = (struct cert_plan){
		.profile = &ocsp_cert_profile, .issuer = issuer, .key = key,
		.subject = subject, .serial = serial, .now_ms = now_ms,
	};
	ret = cert_build(&plan, &cert, why);
	if (ret < 0)
		return ret;
	if (X509_add1_ext_i2d(cert, NID_id_pkix_OCSP_noCheck, null, 0,
	    X509V3_ADD_DEFAULT) != 1)
		return cert_failed("certificate of an OCSP responder", why);
	*out = TAKE(cert);
	return CAMCA_OK;
}
