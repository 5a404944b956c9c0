/* SPDX-License-Identifier: Apache-2.0 */
#include <openssl/err.h>
#include <string.h>

#include "ca/base/ossl.h"
#include "ca/issue/ca.h"
#include "ca/issue/cert.h"

static int
ca_verify_refused(struct refusal *why, const char *code, const char *detail)
{
	/* Nobody's certificate is wrong because memory is short here. */
	if (ossl_failed(CAMCA_EAUTH) == CAMCA_ENOMEM)
		return refuse_default(why, CAMCA_ENOMEM);
	return refuse(why, CAMCA_EAUTH, 403, code, "%s", detail);
}

/* The issuing CA that the leaf names. A root issues no leaf, and a key
 * identifier that is missing or foreign is nobody of ours: vendor roots and
 * the rest of the peer's chain never count here. */
static const struct ca *
ca_of_leaf(const struct ca_set *set, X509 *leaf)
{
	const ASN1_OCTET_STRING *aki = X509_get0_authority_key_id(leaf);
	const struct ca *ca;

	if (aki == NULL || ASN1_STRING_length(aki) != 20)
		return NULL;
	ca = ca_by_ski(set, ASN1_STRING_get0_data(aki));
	if (ca == NULL || ca->row.parent == 0 ||
	    X509_NAME_cmp(X509_get_issuer_name(leaf),
	    X509_get_subject_name(ca->cert)) != 0)
		return NULL;
	return ca;
}

/* RFC 5280 6.1.4 (k)-(o) and 6.1.5 (f) for a path of known CAs. */
static int
ca_check_usage(X509 *leaf, struct refusal *why)
{
	uint32_t flags = X509_get_extension_flags(leaf);

	if ((flags & EXFLAG_INVALID) != 0)
		return ca_verify_refused(why, "client.malformed",
		    "The client certificate's extensions are malformed.");
	if ((flags & EXFLAG_CRITICAL) != 0)
		return ca_verify_refused(why, "client.critical-extension",
		    "The client certificate has an unknown critical "
		    "extension.");
	if ((flags & EXFLAG_CA) != 0)
		return ca_verify_refused(why, "client.is-ca",
		    "The client certificate is a CA's.");
	if ((flags & EXFLAG_KUSAGE) != 0 &&
	    (X509_get_key_usage(leaf) & KU_DIGITAL_SIGNATURE) == 0)
		return ca_verify_refused(why, "client.key-usage",
		    "The client certificate's key usage has no "
		    "digitalSignature.");
	if ((flags & EXFLAG_XKUSAGE) != 0 &&
	    (X509_get_extended_key_usage(leaf) & XKU_SSL_CLIENT) == 0)
		return ca_verify_refused(why, "client.extended-key-usage",
		    "The client certificate's extended key usage has no "
		    "clientAuth.");
	return CAMCA_OK;
}

static int
ca_check_time(const struct ca_set *set, const struct ca *ca, X509 *leaf,
    int64_t now_ms, bool *expired_out, struct refusal *why)
{
	const struct ca *root = ca_by_id(set, ca->row.parent);
	int64_t first, last;

	if (cert_times(leaf, &first, &last) < 0)
		return ca_verify_refused(why, "client.malformed",
		    "The client certificate's validity is malformed.");
	if (root == NULL || now_ms < ca->not_before_ms ||
	    now_ms > ca->not_after_ms + 999 || now_ms < root->not_before_ms ||
	    now_ms > root->not_after_ms + 999)
		return ca_verify_refused(why, "client.issuer-expired",
		    "The CA that issued the client certificate is not valid "
		    "now.");
	if (now_ms < first)
		return ca_verify_refused(why, "client.not-yet-valid",
		    "The client certificate is not valid yet.");
	/* notAfter is the last second that counts (RFC 5280 4.1.2.5). */
	if (expired_out != NULL)
		*expired_out = now_ms > last + 999;
	else if (now_ms > last + 999)
		return ca_verify_refused(why, "client.expired",
		    "The client certificate has expired.");
	return CAMCA_OK;
}

int
ca_verify_leaf(const struct ca_set *set, X509 *leaf, int64_t now_ms,
    const struct ca **ca_out, bool *expired_out, struct refusal *why)
{
	const struct ca *ca;
	int ret;

	ERR_clear_error();
	ca = ca_of_leaf(set, leaf);
	if (ca == NULL)
		return ca_verify_refused(why, "client.issuer-unknown",
		    "The client certificate is not of this authority.");
	ret = ca_check_usage(leaf, why);
	if (ret == 0)
		ret = ca_check_time(set, ca, leaf, now_ms, expired_out, why);
	if (ret < 0)
		return ret;
	/* Last, being the dear one. The CA's own link to the root was checked
	 * when the set was loaded. */
	if (X509_verify(leaf, X509_get0_pubkey(ca->cert)) != 1)
		return ca_verify_refused(why, "client.signature",
		    "The client certificate's signature is wrong.");
	ERR_clear_error();
	*ca_out = ca;
	return CAMCA_OK;
}
