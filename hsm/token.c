/* SPDX-License-Identifier: Apache-2.0 */
#include <openssl/err.h>
#include <stdio.h>
#include <string.h>

#include "hsm/internal.h"

#define TOKEN_SLOTS_MAX 256

bool
token_matches(const struct hsm_uri *uri, const char *label,
    const char *manufacturer, const char *model, const char *serial,
    unsigned long slot)
{
	return (uri->token[0] == '\0' || strcmp(uri->token, label) == 0) &&
	    (uri->manufacturer[0] == '\0' ||
	    strcmp(uri->manufacturer, manufacturer) == 0) &&
	    (uri->model[0] == '\0' || strcmp(uri->model, model) == 0) &&
	    (uri->serial[0] == '\0' || strcmp(uri->serial, serial) == 0) &&
	    (!uri->has_slot || uri->slot == slot);
}

/* libp11 gives NULL for an empty field. */
static const char *
token_text(const char *s)
{
	return s != NULL ? s : "";
}

static bool
token_slot_matches(const struct hsm *h, PKCS11_SLOT *slot)
{
	const PKCS11_TOKEN *t = slot->token;

	return t != NULL && t->initialized &&
	    token_matches(&h->uri, token_text(t->label),
	    token_text(t->manufacturer), token_text(t->model),
	    token_text(t->serialnr), PKCS11_get_slotid_from_slot(slot));
}

/* The module that libp11 failed to load or list says why in the queue. */
static int
token_refuse_libp11(const struct hsm *h, const char *what, struct refusal *why)
{
	const char *text = ERR_reason_error_string(ERR_peek_last_error());
	int ret;

	ret = refuse(why, CAMCA_EHSM, 503, "hsm.module",
	    "PKCS#11 module %s: %s: %s.", h->module, what,
	    text != NULL ? text : "no reason given");
	ERR_clear_error();
	return ret;
}

/* PKCS11_enumerate_slots of libp11 0.4.12 leaks what it has gathered when a
 * slot fails to answer. A token that is ill for a week, asked once a second, would
 * eat the memory; so the same questions are put here first. */
static CK_RV
token_probe(const struct hsm *h)
{
	CK_SLOT_ID slots[TOKEN_SLOTS_MAX];
	CK_ULONG n = TOKEN_SLOTS_MAX, i;
	CK_SLOT_INFO slot;
	CK_TOKEN_INFO token;
	CK_RV rv;

	rv = h->p11->C_GetSlotList(CK_FALSE, slots, &n);
	for (i = 0; rv == CKR_OK && i < n; i++) {
		rv = h->p11->C_GetSlotInfo(slots[i], &slot);
		if (rv != CKR_OK || !(slot.flags & CKF_TOKEN_PRESENT))
			continue;
		rv = h->p11->C_GetTokenInfo(slots[i], &token);
		if (rv == CKR_TOKEN_NOT_PRESENT ||
		    rv == CKR_TOKEN_NOT_RECOGNIZED)
			rv = CKR_OK;
	}
	return rv;
}

static int
token_init_module(struct hsm *h, struct refusal *why)
{
	CK_RV rv;

	h->ctx = PKCS11_CTX_new();
	if (h->ctx == NULL)
		return refuse_default(why, CAMCA_ENOMEM);
	if (PKCS11_CTX_load(h->ctx, h->module) != 0) {
		/* Not loaded, so it must not be unloaded. */
		PKCS11_CTX_free(h->ctx);
		h->ctx = NULL;
		return token_refuse_libp11(h, "cannot be initialized", why);
	}
	rv = token_probe(h);
	if (rv != CKR_OK)
		return ckr_refuse(rv, "list its slots", why);
	if (PKCS11_enumerate_slots(h->ctx, &h->slots, &h->n_slots) != 0) {
		h->slots = NULL;
		h->n_slots = 0;
		return token_refuse_libp11(h, "does not list its slots", why);
	}
	return CAMCA_OK;
}

/* Exactly one token: with two, which CA key signs would hang on slot order. */
static int
token_find(struct hsm *h, PKCS11_SLOT **out, struct refusal *why)
{
	PKCS11_SLOT *found = NULL;
	unsigned int i;

	for (i = 0; i < h->n_slots; i++) {
		if (!token_slot_matches(h, &h->slots[i]))
			continue;
		if (found != NULL)
			return refuse(why, CAMCA_ECONFLICT, 503,
			    "hsm.token-ambiguous", "Several tokens of module "
			    "%s match the URI; add serial.", h->module);
		found = &h->slots[i];
	}
	if (found == NULL)
		return refuse(why, CAMCA_ENOENT, 503, "hsm.token-missing",
		    "No token of module %s matches the URI (%u slots seen).",
		    h->module, h->n_slots);
	*out = found;
	return CAMCA_OK;
}

/* Tokens lock after few wrong PINs, some for good, so a login that cannot
 * succeed, or that could be the last one, is not tried. */
static int
token_may_try(const PKCS11_TOKEN *t, struct refusal *why)
{
	if (t->userPinLocked)
		return refuse(why, CAMCA_EPIN, 503, "hsm.pin-locked",
		    "The user PIN of token %s is locked.",
		    token_text(t->label));
	if (t->userPinFinalTry)
		return refuse(why, CAMCA_EPIN, 503, "hsm.pin-final-try",
		    "Token %s has one PIN attempt left, which is not taken "
		    "automatically: log in once with the tools of its maker.",
		    token_text(t->label));
	if (!t->userPinSet)
		return refuse(why, CAMCA_EPIN, 503, "hsm.pin-unset",
		    "Token %s has no user PIN yet.", token_text(t->label));
	return CAMCA_OK;
}

/* A PIN that the token refused is tried again only where the source gives
 * another one now. */
static int
token_get_pin(struct hsm *h, struct refusal *why)
{
	struct hsm_pin fresh = { NULL, 0 };
	int ret;

	if (h->pin.text == NULL)
		return hsm_pin_read(&h->source, &h->pin, why);
	if (!h->pin_refused)
		return CAMCA_OK;
	if (h->source.file == NULL && h->source.credential == NULL)
		return refuse(why, CAMCA_EPIN, 503, "hsm.pin-wrong",
		    "The token refused the PIN; it is not tried again.");
	if ((ret = hsm_pin_read(&h->source, &fresh, why)) < 0)
		return ret;
	if (hsm_pin_same(&fresh, &h->pin)) {
		hsm_pin_fini(&fresh);
		return refuse(why, CAMCA_EPIN, 503, "hsm.pin-wrong",
		    "The token refused the PIN; it is tried again when the "
		    "PIN file has another one.");
	}
	hsm_pin_fini(&h->pin);
	h->pin = fresh;
	h->pin_refused = false;
	return CAMCA_OK;
}

static int
token_login(struct hsm *h, const PKCS11_TOKEN *t, struct refusal *why)
{
	CK_RV rv;
	int ret;

	if (!t->loginRequired)
		return CAMCA_OK;
	/* A PIN pad of its own: the person types there. */
	if (!t->secureLogin && ((ret = token_may_try(t, why)) < 0 ||
	    (ret = token_get_pin(h, why)) < 0))
		return ret;
	rv = h->p11->C_Login(h->anchor, CKU_USER,
	    t->secureLogin ? NULL : (CK_UTF8CHAR *)h->pin.text,
	    t->secureLogin ? 0 : h->pin.len);
	if (rv == CKR_OK || rv == CKR_USER_ALREADY_LOGGED_IN)
		return CAMCA_OK;
	if (!ckr_is_pin(rv))
		return ckr_refuse(rv, "log in", why);
	h->pin_refused = true;
	return refuse(why, CAMCA_EPIN, 503, "hsm.pin-wrong",
	    "Token %s refused the PIN: %s.", token_text(t->label),
	    ckr_name(rv));
}

static int
token_start(struct hsm *h, PKCS11_SLOT *slot, struct refusal *why)
{
	const PKCS11_TOKEN *t = slot->token;
	CK_RV rv;

	h->slot = PKCS11_get_slotid_from_slot(slot);
	snprintf(h->label, sizeof h->label, "%s", token_text(t->label));
	snprintf(h->manufacturer, sizeof h->manufacturer, "%s",
	    token_text(t->manufacturer));
	snprintf(h->model, sizeof h->model, "%s", token_text(t->model));
	snprintf(h->serial, sizeof h->serial, "%s", token_text(t->serialnr));
	rv = h->p11->C_OpenSession(h->slot, CKF_SERIAL_SESSION, NULL, NULL,
	    &h->anchor);
	if (rv != CKR_OK)
		return ckr_refuse(rv, "open a session", why);
	h->anchor_open = true;
	return token_login(h, t, why);
}

int
token_load(struct hsm *h, struct refusal *why)
{
	PKCS11_SLOT *slot = NULL;
	int ret;

	ERR_clear_error();
	ret = token_init_module(h, why);
	if (ret == CAMCA_OK)
		ret = token_find(h, &slot, why);
	if (ret == CAMCA_OK)
		ret = token_start(h, slot, why);
	if (ret < 0)
		token_unload(h);
	ERR_clear_error();
	return ret;
}

void
token_unload(struct hsm *h)
{
	if (h->anchor_open)
		h->p11->C_CloseSession(h->anchor);
	h->anchor_open = false;
	if (h->slots != NULL)
		PKCS11_release_all_slots(h->ctx, h->slots, h->n_slots);
	h->slots = NULL;
	h->n_slots = 0;
	if (h->ctx != NULL) {
		PKCS11_CTX_unload(h->ctx);
		PKCS11_CTX_free(h->ctx);
	}
	h->ctx = NULL;
	ERR_clear_error();
}
