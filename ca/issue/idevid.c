/* SPDX-License-Identifier: Apache-2.0 */
#include <openssl/err.h>
#include <openssl/x509v3.h>
#include <string.h>

#include "ca/base/auto.h"
#include "ca/issue/ca.h"
#include "ca/issue/idevid_pem.h"
#include "ca/issue/idevid_serial.h"

#define IDEVID_CHAIN_MAX 10         /* what a peer may send */
#define IDEVID_DEPTH_MAX 8
#define IDEVID_AUTH_LEVEL 2         /* 112 bits: RSA 2048, SHA-224 */
#define IDEVID_CRL_SKEW_MS (5 * 60 * 1000)

static int
idevid_refused(struct refusal *why, const char *code, const char *detail)
{
	ERR_clear_error();
	return refuse(why, CAMCA_EAUTH, 403, code, "%s", detail);
}

static const struct {
	int error;
	const char *code;
	const char *detail;
} path_errors[] = {
	{ X509_V_ERR_UNABLE_TO_GET_ISSUER_CERT, "idevid.untrusted", NULL },
	{ X509_V_ERR_UNABLE_TO_GET_ISSUER_CERT_LOCALLY, "idevid.untrusted",
	    NULL },
	{ X509_V_ERR_DEPTH_ZERO_SELF_SIGNED_CERT, "idevid.untrusted", NULL },
	{ X509_V_ERR_SELF_SIGNED_CERT_IN_CHAIN, "idevid.untrusted", NULL },
	{ X509_V_ERR_UNABLE_TO_VERIFY_LEAF_SIGNATURE, "idevid.untrusted",
	    NULL },
	{ X509_V_ERR_CERT_SIGNATURE_FAILURE, "idevid.signature",
	    "A signature in the factory identity's chain is wrong." },
	{ X509_V_ERR_CERT_NOT_YET_VALID, "idevid.not-yet-valid",
	    "A certificate of the factory identity's chain is not valid yet." },
	{ X509_V_ERR_CERT_HAS_EXPIRED, "idevid.expired",
	    "A certificate of the factory identity's chain has expired." },
	{ X509_V_ERR_INVALID_PURPOSE, "idevid.purpose",
	    "The factory identity may not be used for client authentication." },
	{ X509_V_ERR_INVALID_CA, "idevid.invalid-ca",
	    "An issuer in the factory identity's chain is no CA." },
	{ X509_V_ERR_PATH_LENGTH_EXCEEDED, "idevid.path-length",
	    "The factory identity's chain is longer than its CA allows." },
	{ X509_V_ERR_CERT_CHAIN_TOO_LONG, "idevid.chain-too-long",
	    "The factory identity's chain is too long." },
	{ X509_V_ERR_UNHANDLED_CRITICAL_EXTENSION, "idevid.critical-extension",
	    "The factory identity's chain has an unknown critical extension." },
	{ X509_V_ERR_EE_KEY_TOO_SMALL, "idevid.weak",
	    "The factory identity's key is too weak." },
	{ X509_V_ERR_CA_KEY_TOO_SMALL, "idevid.weak",
	    "A CA key of the factory identity's chain is too weak." },
	{ X509_V_ERR_CA_MD_TOO_WEAK, "idevid.weak",
	    "A signature of the factory identity's chain uses a weak digest." },
};

static int
idevid_path_refused(int error, struct refusal *why)
{
	size_t n = sizeof path_errors / sizeof path_errors[0];

	ERR_clear_error();
	if (error == X509_V_ERR_OUT_OF_MEM)
		return refuse_default(why, CAMCA_ENOMEM);
	for (size_t i = 0; i < n; i++) {
		if (path_errors[i].error != error)
			continue;
		return refuse(why, CAMCA_EAUTH, 403, path_errors[i].code, "%s",
		    path_errors[i].detail != NULL ? path_errors[i].detail :
		    "The factory identity does not chain to a pinned root of "
		    "its vendor.");
	}
	return refuse(why, CAMCA_EAUTH, 403, "idevid.invalid",
	    "The factory identity is refused: %s.",
	    X509_verify_cert_error_string(error));
}

static int
idevid_init(X509_STORE_CTX *ctx, X509_STORE *store,
    const STACK_OF(X509) *roots, STACK_OF(X509) *chain, int64_t now_ms)
{
	X509_VERIFY_PARAM *param;

	for (int i = 0; i < sk_X509_num(roots); i++)
		if (X509_STORE_add_cert(store, sk_X509_value(roots, i)) != 1)
			return CAMCA_ENOMEM;
	if (X509_STORE_CTX_init(ctx, store, sk_X509_value(chain, 0),
	    chain) != 1 ||
	    X509_STORE_CTX_set_purpose(ctx, X509_PURPOSE_SSL_CLIENT) != 1)
		return CAMCA_ENOMEM;
	param = X509_STORE_CTX_get0_param(ctx);
	/* Never the machine's clock: a test, or a wrong clock, decides here. */
	X509_VERIFY_PARAM_set_time(param, (time_t)(now_ms / 1000));
	X509_VERIFY_PARAM_set_depth(param, IDEVID_DEPTH_MAX);
	X509_VERIFY_PARAM_set_auth_level(param, IDEVID_AUTH_LEVEL);
	return CAMCA_OK;
}

/* What OpenSSL lets pass outside its strict mode. */
static int
idevid_check_path(STACK_OF(X509) *path, struct refusal *why)
{
	int n = sk_X509_num(path);

	if (n < 2 || (X509_get_extension_flags(sk_X509_value(path, 0)) &
	    EXFLAG_CA) != 0)
		return idevid_refused(why, "idevid.is-ca",
		    "The factory identity is a CA certificate.");
	/* A version 1 or keyCertSign-only issuer would count as a CA. */
	for (int i = 1; i < n; i++)
		if (X509_check_ca(sk_X509_value(path, i)) != 1)
			return idevid_refused(why, "idevid.invalid-ca",
			    "An issuer in the factory identity's chain is no "
			    "CA.");
	return CAMCA_OK;
}

/* Leaf to root; *path_out is the caller's. */
static int
idevid_path(STACK_OF(X509) *chain, const STACK_OF(X509) *roots,
    int64_t now_ms, STACK_OF(X509) **path_out, struct refusal *why)
{
	AUTO(X509_STORE) *store = X509_STORE_new();
	AUTO(X509_STORE_CTX) *ctx = X509_STORE_CTX_new();
	int ret;

	if (store == NULL || ctx == NULL ||
	    idevid_init(ctx, store, roots, chain, now_ms) < 0) {
		ERR_clear_error();
		return refuse_default(why, CAMCA_ENOMEM);
	}
	if (X509_verify_cert(ctx) != 1)
		return idevid_path_refused(X509_STORE_CTX_get_error(ctx), why);
	ret = idevid_check_path(X509_STORE_CTX_get0_chain(ctx), why);
	if (ret < 0)
		return ret;
	*path_out = X509_STORE_CTX_get1_chain(ctx);
	return *path_out != NULL ? CAMCA_OK :
	    refuse_default(why, CAMCA_ENOMEM);
}

/* Why a CRL of the issuer does not count, the gravest reason last. */
enum idevid_crl_fault { CRL_MISSING, CRL_UNUSABLE, CRL_EARLY, CRL_FOREIGN };
static const struct {
	const char *code;
	const char *detail;
} crl_faults[] = {
	[CRL_MISSING] = { "idevid.crl-missing",
	    "The vendor's CRL for the factory identity's chain is missing." },
	[CRL_UNUSABLE] = { "idevid.crl-unusable",
	    "The vendor's CRL is partial, malformed or has unknown critical "
	    "extensions." },
	[CRL_FOREIGN] = { "idevid.crl-signature",
	    "The vendor's CRL is not signed by the certificate's issuer." },
	[CRL_EARLY] = { "idevid.crl-not-yet-valid",
	    "The vendor's CRL is not valid yet." },
};

struct idevid_crl {
	X509_CRL *crl;               /* NULL: none counts, fault says why */
	enum idevid_crl_fault fault;
	int64_t this_ms, next_ms;
};

/* By name, and by key identifier where the CRL has one: generations of a CA
 * share a name. */
static bool
idevid_crl_is_by(X509_CRL *crl, X509 *issuer)
{
	AUTHORITY_KEYID *aki;
	bool same;

	if (X509_NAME_cmp(X509_CRL_get_issuer(crl),
	    X509_get_subject_name(issuer)) != 0)
		return false;
	aki = X509_CRL_get_ext_d2i(crl, NID_authority_key_identifier, NULL,
	    NULL);
	same = aki == NULL || X509_check_akid(issuer, aki) == X509_V_OK;
	AUTHORITY_KEYID_free(aki);
	return same;
}

static enum idevid_crl_fault
idevid_crl_check(X509_CRL *crl, X509 *issuer, int64_t now_ms,
    int64_t *this_ms, int64_t *next_ms)
{
	if (idevid_crl_unusable(crl) != NULL ||
	    idevid_crl_times(crl, this_ms, next_ms) < 0 ||
	    (X509_get_key_usage(issuer) & KU_CRL_SIGN) == 0)
		return CRL_UNUSABLE;
	if (X509_CRL_verify(crl, X509_get0_pubkey(issuer)) != 1)
		return CRL_FOREIGN;
	if (*this_ms > now_ms + IDEVID_CRL_SKEW_MS)
		return CRL_EARLY;
	return CRL_MISSING;          /* nothing is wrong with it */
}

/* The newest CRL that the issuer itself signed (RFC 5280 6.3.3 for complete,
 * direct CRLs). */
static struct idevid_crl
idevid_find_crl(const STACK_OF(X509_CRL) *crls, X509 *issuer, int64_t now_ms)
{
	struct idevid_crl best = { .fault = CRL_MISSING };

	for (int i = 0; i < sk_X509_CRL_num(crls); i++) {
		X509_CRL *crl = sk_X509_CRL_value(crls, i);
		enum idevid_crl_fault fault;
		int64_t this_ms = 0, next_ms = 0;

		if (!idevid_crl_is_by(crl, issuer))
			continue;
		fault = idevid_crl_check(crl, issuer, now_ms, &this_ms,
		    &next_ms);
		if (fault > best.fault)
			best.fault = fault;
		if (fault != CRL_MISSING ||
		    (best.crl != NULL && this_ms <= best.this_ms))
			continue;
		best.crl = crl;
		best.this_ms = this_ms;
		best.next_ms = next_ms;
	}
	ERR_clear_error();
	return best;
}

static int
idevid_check_revoked(X509 *cert, X509 *issuer, const STACK_OF(X509_CRL) *crls,
    const struct vendor_row *v, int64_t now_ms, struct refusal *why)
{
	struct idevid_crl found = idevid_find_crl(crls, issuer, now_ms);
	X509_REVOKED *entry = NULL;

	/* Listed is listed, however old the list is. */
	/* Also where CRLs are optional: a signature that could not be checked,
	 * for lack of memory say, must not let a revoked device in. */
	if (found.fault == CRL_FOREIGN)
		return idevid_refused(why, crl_faults[CRL_FOREIGN].code,
		    crl_faults[CRL_FOREIGN].detail);
	if (found.crl != NULL &&
	    X509_CRL_get0_by_cert(found.crl, &entry, cert) != 0)
		return idevid_refused(why, "idevid.revoked",
		    "The vendor has revoked a certificate of the factory "
		    "identity's chain.");
	if (!v->crl_required)
		return CAMCA_OK;
	if (found.crl == NULL)
		return idevid_refused(why, crl_faults[found.fault].code,
		    crl_faults[found.fault].detail);
	if (now_ms - found.next_ms > v->crl_grace_ms)
		return idevid_refused(why, "idevid.crl-expired",
		    "The vendor's CRL is past nextUpdate and its grace.");
	return CAMCA_OK;
}

static int
idevid_check_path_revoked(const STACK_OF(X509) *path,
    const struct vendor_row *v, int64_t now_ms, struct refusal *why)
{
	STACK_OF(X509_CRL) *crls = NULL;
	int ret = idevid_pem_crls((const char *)v->crls.p, v->crls.n, &crls,
	    NULL);

	if (ret == CAMCA_ENOMEM)
		return refuse_default(why, ret);
	if (ret < 0)
		return idevid_refused(why, "idevid.crl-unusable",
		    "The vendor's stored CRLs are damaged.");
	for (int i = 0; ret == 0 && i + 1 < sk_X509_num(path); i++)
		ret = idevid_check_revoked(sk_X509_value(path, i),
		    sk_X509_value(path, i + 1), crls, v, now_ms, why);
	sk_X509_CRL_pop_free(crls, X509_CRL_free);
	return ret;
}

int
idevid_verify(STACK_OF(X509) *chain, const struct vendor_row *v,
    int64_t now_ms, char *serial_out, size_t serial_len, struct refusal *why)
{
	STACK_OF(X509) *roots = NULL, *path = NULL;
	int ret;

	if (chain == NULL || sk_X509_num(chain) < 1)
		return idevid_refused(why, "idevid.missing",
		    "No factory identity was presented.");
	if (sk_X509_num(chain) > IDEVID_CHAIN_MAX)
		return idevid_refused(why, "idevid.chain-too-long",
		    "The factory identity's chain is too long.");
	if (!v->enabled)
		return idevid_refused(why, "idevid.vendor-disabled",
		    "Factory identities of this vendor are switched off.");
	if (idevid_pem_certs((const char *)v->roots.p, v->roots.n, &roots,
	    NULL) < 0)
		return idevid_refused(why, "idevid.roots",
		    "The vendor's stored roots are damaged.");
	ret = idevid_path(chain, roots, now_ms, &path, why);
	if (ret == 0)
		ret = idevid_check_path_revoked(path, v, now_ms, why);
	if (ret == 0)
		ret = idevid_serial(sk_X509_value(chain, 0), serial_out,
		    serial_len, why);
	sk_X509_pop_free(path, X509_free);
	sk_X509_pop_free(roots, X509_free);
	ERR_clear_error();
	return ret;
}
