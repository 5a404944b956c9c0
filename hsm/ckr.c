/* SPDX-License-Identifier: Apache-2.0 */
#include <stddef.h>

#include "hsm/internal.h"

/* What a value means for us. LOST is also what an unknown value means. */
enum ckr_kind { CKR_LOST, CKR_REFUSED, CKR_PIN };

static const struct {
	CK_RV rv;
	const char *name;
	enum ckr_kind kind;
} ckrs[] = {
#define LOST(rv) { rv, #rv, CKR_LOST }
#define REFUSED(rv) { rv, #rv, CKR_REFUSED }
#define PIN(rv) { rv, #rv, CKR_PIN }
	/* The token, the session or the login is no more. */
	LOST(CKR_HOST_MEMORY), LOST(CKR_SLOT_ID_INVALID),
	LOST(CKR_GENERAL_ERROR), LOST(CKR_FUNCTION_FAILED),
	LOST(CKR_DEVICE_ERROR), LOST(CKR_DEVICE_MEMORY),
	LOST(CKR_DEVICE_REMOVED), LOST(CKR_FUNCTION_CANCELED),
	LOST(CKR_KEY_HANDLE_INVALID), LOST(CKR_OBJECT_HANDLE_INVALID),
	LOST(CKR_OPERATION_ACTIVE), LOST(CKR_OPERATION_NOT_INITIALIZED),
	LOST(CKR_SESSION_CLOSED), LOST(CKR_SESSION_HANDLE_INVALID),
	LOST(CKR_TOKEN_NOT_PRESENT), LOST(CKR_TOKEN_NOT_RECOGNIZED),
	LOST(CKR_USER_NOT_LOGGED_IN), LOST(CKR_CRYPTOKI_NOT_INITIALIZED),
	LOST(CKR_SESSION_READ_ONLY_EXISTS),
	/* The token is there and will not do this: loading again for that
	 * would make the others wait. */
	REFUSED(CKR_ARGUMENTS_BAD), REFUSED(CKR_ATTRIBUTE_READ_ONLY),
	REFUSED(CKR_ATTRIBUTE_SENSITIVE), REFUSED(CKR_ATTRIBUTE_TYPE_INVALID),
	REFUSED(CKR_ATTRIBUTE_VALUE_INVALID), REFUSED(CKR_BUFFER_TOO_SMALL),
	REFUSED(CKR_CURVE_NOT_SUPPORTED), REFUSED(CKR_DATA_INVALID),
	REFUSED(CKR_DATA_LEN_RANGE), REFUSED(CKR_DOMAIN_PARAMS_INVALID),
	REFUSED(CKR_FUNCTION_NOT_SUPPORTED), REFUSED(CKR_FUNCTION_REJECTED),
	REFUSED(CKR_KEY_FUNCTION_NOT_PERMITTED), REFUSED(CKR_KEY_SIZE_RANGE),
	REFUSED(CKR_KEY_TYPE_INCONSISTENT), REFUSED(CKR_MECHANISM_INVALID),
	REFUSED(CKR_MECHANISM_PARAM_INVALID), REFUSED(CKR_SESSION_COUNT),
	REFUSED(CKR_SESSION_READ_ONLY), REFUSED(CKR_TEMPLATE_INCOMPLETE),
	REFUSED(CKR_TEMPLATE_INCONSISTENT),
	REFUSED(CKR_TOKEN_WRITE_PROTECTED), REFUSED(CKR_RANDOM_NO_RNG),
	REFUSED(CKR_ACTION_PROHIBITED),
	PIN(CKR_PIN_INCORRECT), PIN(CKR_PIN_INVALID), PIN(CKR_PIN_LEN_RANGE),
	PIN(CKR_PIN_EXPIRED), PIN(CKR_PIN_LOCKED),
	PIN(CKR_USER_PIN_NOT_INITIALIZED),
};
#define CKRS (sizeof ckrs / sizeof ckrs[0])

static const struct {
	CK_RV rv;
	int err;
	int http;
	const char *code;
	const char *detail;
} ours[] = {
	{ HSM_RV_NO_KEY, CAMCA_ENOENT, 503, "hsm.key-missing",
	    "The token holds no private key that the URI names." },
	{ HSM_RV_TWO_KEYS, CAMCA_ECONFLICT, 503, "hsm.key-ambiguous",
	    "The token holds several private keys that the URI names; add "
	    "id." },
	{ HSM_RV_EXTRACTABLE, CAMCA_EPOLICY, 503, "hsm.key-extractable",
	    "The token does not say that the key is sensitive and not "
	    "extractable; such a key may exist outside it." },
	{ HSM_RV_KEY_TYPE, CAMCA_EINVAL, 503, "hsm.key-type",
	    "The key is none of ec-p256, ec-p384, rsa-2048, rsa-3072, "
	    "rsa-4096, ed25519." },
	{ HSM_RV_OTHER_KEY, CAMCA_EHSM, 503, "hsm.key-changed",
	    "The token came back with another key under the same URI." },
	{ HSM_RV_NO_PUBLIC, CAMCA_EHSM, 503, "hsm.key-public",
	    "The token does not give the public key." },
	{ HSM_RV_TIMEOUT, CAMCA_EHSM, 503, "hsm.busy",
	    "All sessions of the token stayed busy." },
	{ HSM_RV_ASKS_PIN, CAMCA_EPOLICY, 503, "hsm.key-always-authenticate",
	    "The key wants a PIN at each signature." },
	{ HSM_RV_NO_ED25519, CAMCA_EHSM, 503, "hsm.refused",
	    "The token has no Ed25519 (CKM_EDDSA, PKCS#11 3.0)." },
	{ HSM_RV_NO_DERIVE, CAMCA_EHSM, 503, "hsm.no-derive",
	    "The token has no ECDH (CKM_ECDH1_DERIVE): nothing can be sealed "
	    "to a key in it." },
	{ HSM_RV_KEY_USE, CAMCA_EPOLICY, 503, "hsm.key-use",
	    "The key is not one that derives and does not sign." },
	{ HSM_RV_OTHER_TOKEN, CAMCA_ENOENT, 503, "hsm.key-missing",
	    "The URI names another token than those that are open." },
};
#define OURS (sizeof ours / sizeof ours[0])

const char *
ckr_name(CK_RV rv)
{
	size_t i;

	for (i = 0; i < CKRS; i++)
		if (ckrs[i].rv == rv)
			return ckrs[i].name;
	return "CKR_?";
}

bool
ckr_is_lost(CK_RV rv)
{
	size_t i;

	if (rv == CKR_OK)
		return false;
	for (i = 0; i < OURS; i++)
		if (ours[i].rv == rv)
			return false;
	for (i = 0; i < CKRS; i++)
		if (ckrs[i].rv == rv)
			return ckrs[i].kind == CKR_LOST;
	return true;
}

bool
ckr_is_pin(CK_RV rv)
{
	size_t i;

	for (i = 0; i < CKRS; i++)
		if (ckrs[i].rv == rv)
			return ckrs[i].kind == CKR_PIN;
	return false;
}

int
ckr_refuse(CK_RV rv, const char *what, struct refusal *why)
{
	size_t i;

	if (rv == CKR_OK)
		return CAMCA_OK;
	for (i = 0; i < OURS; i++)
		if (ours[i].rv == rv)
			return refuse(why, ours[i].err, ours[i].http,
			    ours[i].code, "%s", ours[i].detail);
	return refuse(why, CAMCA_EHSM, 503,
	    ckr_is_lost(rv) ? "hsm.token-lost" : "hsm.refused",
	    "The token did not %s: %s (0x%lx).", what, ckr_name(rv), rv);
}
