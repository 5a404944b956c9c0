/* SPDX-License-Identifier: Apache-2.0 */
#include <openssl/err.h>
#include <stdio.h>
#include <string.h>

#include "hsm/internal.h"

#define TOKEN_SLOTS_MAX 256

/* A slot with an initialized token in it. */
struct token_seen {
	CK_SLOT_ID slot;
	CK_FLAGS flags;
	struct hsm_names names;
};

bool
token_matches(const struct hsm_uri *uri, const struct hsm_names *names,
    unsigned long slot)
{
	return (uri->token[0] == '\0' ||
	    strcmp(uri->token, names->label) == 0) &&
	    (uri->manufacturer[0] == '\0' ||
	    strcmp(uri->manufacturer, names->manufacturer) == 0) &&
	    (uri->model[0] == '\0' || strcmp(uri->model, names->model) == 0) &&
	    (uri->serial[0] == '\0' ||
	    strcmp(uri->serial, names->serial) == 0) &&
	    (!uri->has_slot || uri->slot == slot);
}

static bool
token_differ(const char *a, const char *b)
{
	return a[0] != '\0' && b[0] != '\0' && strcmp(a, b) != 0;
}

bool
token_excluded(const struct hsm_uri *a, const struct hsm_uri *b)
{
	return token_differ(a->token, b->token) ||
	    token_differ(a->manufacturer, b->manufacturer) ||
	    token_differ(a->model, b->model) ||
	    token_differ(a->serial, b->serial) ||
	    (a->has_slot && b->has_slot && a->slot != b->slot);
}

static bool
token_is_log(const struct hsm_token *t)
{
	return t == &t->h->tokens[HSM_LOG];
}

/* PKCS#11 pads with blanks, some modules with NUL. out has room for n + 1. */
static void
token_text(const CK_UTF8CHAR *field, size_t n, char *out)
{
	while (n > 0 && (field[n - 1] == ' ' || field[n - 1] == '\0'))
		n--;
	memcpy(out, field, n);
	out[n] = '\0';
}

#define TOKEN_TEXT(info, field, out) \
	token_text((info)->field, sizeof (info)->field, out)

static void
token_see(const CK_TOKEN_INFO *info, CK_SLOT_ID slot, struct token_seen *out)
{
	out->slot = slot;
	out->flags = info->flags;
	TOKEN_TEXT(info, label, out->names.label);
	TOKEN_TEXT(info, manufacturerID, out->names.manufacturer);
	TOKEN_TEXT(info, model, out->names.model);
	TOKEN_TEXT(info, serialNumber, out->names.serial);
}

/* CKR_TOKEN_NOT_PRESENT where the slot has none that is initialized. */
static CK_RV
token_look(const struct hsm *h, CK_SLOT_ID slot, struct token_seen *out)
{
	CK_SLOT_INFO at;
	CK_TOKEN_INFO info;
	CK_RV rv = h->p11->C_GetSlotInfo(slot, &at);

	if (rv == CKR_OK && !(at.flags & CKF_TOKEN_PRESENT))
		rv = CKR_TOKEN_NOT_PRESENT;
	if (rv == CKR_OK)
		rv = h->p11->C_GetTokenInfo(slot, &info);
	if (rv == CKR_TOKEN_NOT_RECOGNIZED ||
	    (rv == CKR_OK && !(info.flags & CKF_TOKEN_INITIALIZED)))
		rv = CKR_TOKEN_NOT_PRESENT;
	if (rv == CKR_OK)
		token_see(&info, slot, out);
	return rv;
}

static int
token_refuse_missing(const struct hsm_token *t, CK_RV failed, CK_ULONG slots,
    struct refusal *why)
{
	/* It may well be in the slot that did not answer. */
	if (failed != CKR_OK)
		return ckr_refuse(failed, "list its slots", why);
	return refuse(why, CAMCA_ENOENT, 503, "hsm.token-missing",
	    "No token of module %s matches the URI of the %stoken (%lu slots "
	    "seen).", t->h->module, token_is_log(t) ? "log " : "", slots);
}

/* Exactly one token: with two, which CA key signs would hang on slot order. A
 * slot that fails is passed over: another's illness is not this token's. */
static int
token_find(const struct hsm_token *t, struct token_seen *out,
    struct refusal *why)
{
	const struct hsm *h = t->h;
	CK_SLOT_ID slots[TOKEN_SLOTS_MAX];
	CK_ULONG n = TOKEN_SLOTS_MAX, i, matches = 0;
	CK_RV rv, failed = CKR_OK;
	struct token_seen seen;

	rv = h->p11->C_GetSlotList(CK_FALSE, slots, &n);
	if (rv != CKR_OK)
		return ckr_refuse(rv, "list its slots", why);
	for (i = 0; i < n; i++) {
		rv = token_look(h, slots[i], &seen);
		if (rv != CKR_OK && rv != CKR_TOKEN_NOT_PRESENT)
			failed = rv;
		if (rv != CKR_OK ||
		    !token_matches(&t->uri, &seen.names, seen.slot))
			continue;
		if (matches++ == 0)
			*out = seen;
	}
	if (matches == 0)
		return token_refuse_missing(t, failed, n, why);
	if (matches > 1)
		return refuse(why, CAMCA_ECONFLICT, 503, "hsm.token-ambiguous",
		    "Several tokens of module %s match the URI; add serial.",
		    h->module);
	return CAMCA_OK;
}

/* Tokens lock after few wrong PINs, some for good, so a login that cannot
 * succeed, or that could be the last one, is not tried. */
static int
token_may_try(const struct token_seen *seen, struct refusal *why)
{
	if (seen->flags & CKF_USER_PIN_LOCKED)
		return refuse(why, CAMCA_EPIN, 503, "hsm.pin-locked",
		    "The user PIN of token %s is locked.", seen->names.label);
	if (seen->flags & CKF_USER_PIN_FINAL_TRY)
		return refuse(why, CAMCA_EPIN, 503, "hsm.pin-final-try",
		    "Token %s has one PIN attempt left, which is not taken "
		    "automatically: log in once with the tools of its maker.",
		    seen->names.label);
	if (!(seen->flags & CKF_USER_PIN_INITIALIZED))
		return refuse(why, CAMCA_EPIN, 503, "hsm.pin-unset",
		    "Token %s has no user PIN yet.", seen->names.label);
	return CAMCA_OK;
}

/* Nobody is asked twice for one PIN, and not by a thread that signs. The main
 * token's is there, and stays: it is opened first. */
static int
token_first_pin(struct hsm_token *t, struct refusal *why)
{
	const struct hsm_pin *main_pin = &t->h->tokens[HSM_MAIN].pin;
	const struct hsm_pin_source *s = &t->source;

	if (t->same_pin && s->file == NULL && s->credential == NULL &&
	    main_pin->text != NULL)
		return refuse_default(why, hsm_pin_copy(main_pin, &t->pin));
	return hsm_pin_read(s, &t->pin, why);
}

/* A PIN that the token refused is tried again only where the source gives
 * another one now. */
static int
token_get_pin(struct hsm_token *t, struct refusal *why)
{
	struct hsm_pin fresh = { NULL, 0 };
	int ret;

	if (t->pin.text == NULL)
		return token_first_pin(t, why);
	if (!t->pin_refused)
		return CAMCA_OK;
	if (t->source.file == NULL && t->source.credential == NULL)
		return refuse(why, CAMCA_EPIN, 503, "hsm.pin-wrong",
		    "The token refused the PIN; it is not tried again.");
	if ((ret = hsm_pin_read(&t->source, &fresh, why)) < 0)
		return ret;
	if (hsm_pin_same(&fresh, &t->pin)) {
		hsm_pin_fini(&fresh);
		return refuse(why, CAMCA_EPIN, 503, "hsm.pin-wrong",
		    "The token refused the PIN; it is tried again when the "
		    "PIN file has another one.");
	}
	hsm_pin_fini(&t->pin);
	t->pin = fresh;
	t->pin_refused = false;
	return CAMCA_OK;
}

static int
token_login(struct hsm_token *t, const struct token_seen *seen,
    struct refusal *why)
{
	/* A PIN pad of its own: the person types there. */
	bool pad = (seen->flags & CKF_PROTECTED_AUTHENTICATION_PATH) != 0;
	CK_RV rv;
	int ret;

	if (!(seen->flags & CKF_LOGIN_REQUIRED))
		return CAMCA_OK;
	if (!pad && ((ret = token_may_try(seen, why)) < 0 ||
	    (ret = token_get_pin(t, why)) < 0))
		return ret;
	rv = t->h->p11->C_Login(t->anchor, CKU_USER,
	    pad ? NULL : (CK_UTF8CHAR *)t->pin.text, pad ? 0 : t->pin.len);
	if (rv == CKR_OK || rv == CKR_USER_ALREADY_LOGGED_IN)
		return CAMCA_OK;
	if (!ckr_is_pin(rv))
		return ckr_refuse(rv, "log in", why);
	t->pin_refused = true;
	return refuse(why, CAMCA_EPIN, 503, "hsm.pin-wrong",
	    "Token %s refused the PIN: %s.", seen->names.label, ckr_name(rv));
}

/* One login and one set of sessions a slot: closing the log token's would
 * throw the CAs' keys out. */
static int
token_claim(struct hsm_token *t, CK_SLOT_ID slot, struct refusal *why)
{
	struct hsm *h = t->h;
	struct hsm_token *other = &h->tokens[token_is_log(t) ? HSM_MAIN :
	    HSM_LOG];
	bool taken;

	pthread_mutex_lock(&h->lock);
	taken = other->claimed && other->slot == slot;
	if (!taken) {
		t->slot = slot;
		t->claimed = true;
	}
	pthread_mutex_unlock(&h->lock);
	return !taken ? CAMCA_OK : refuse(why, CAMCA_EHSM, 503, "hsm.log-token",
	    "The log token must be another token than the CAs'.");
}

/* all: also the sessions that were in the pool, and with them the login. */
static void
token_close(struct hsm_token *t, bool all)
{
	if (t->anchor_open && all)
		t->h->p11->C_CloseAllSessions(t->slot);
	else if (t->anchor_open)
		t->h->p11->C_CloseSession(t->anchor);
	t->anchor_open = false;
	pthread_mutex_lock(&t->h->lock);
	t->claimed = false;
	pthread_mutex_unlock(&t->h->lock);
}

static int
token_start(struct hsm_token *t, struct refusal *why)
{
	struct token_seen seen;
	CK_RV rv;
	int ret = token_find(t, &seen, why);

	if (ret == CAMCA_OK)
		ret = token_claim(t, seen.slot, why);
	if (ret < 0)
		return ret;
	t->names = seen.names;
	rv = t->h->p11->C_OpenSession(t->slot, CKF_SERIAL_SESSION, NULL, NULL,
	    &t->anchor);
	if (rv != CKR_OK)
		return ckr_refuse(rv, "open a session", why);
	t->anchor_open = true;
	return token_login(t, &seen, why);
}

int
token_reopen(struct hsm_token *t, struct refusal *why)
{
	int ret;

	ERR_clear_error();
	token_close(t, true);
	ret = token_start(t, why);
	if (ret < 0)
		token_close(t, false);
	ERR_clear_error();
	return ret;
}

/* The module that libp11 failed to load says why in the queue. */
static int
token_refuse_libp11(const struct hsm *h, struct refusal *why)
{
	const char *text = ERR_reason_error_string(ERR_peek_last_error());
	int ret;

	ret = refuse(why, CAMCA_EHSM, 503, "hsm.module",
	    "PKCS#11 module %s: cannot be initialized: %s.", h->module,
	    text != NULL ? text : "no reason given");
	ERR_clear_error();
	return ret;
}

static int
token_init_module(struct hsm *h, struct refusal *why)
{
	h->ctx = PKCS11_CTX_new();
	if (h->ctx == NULL)
		return refuse_default(why, CAMCA_ENOMEM);
	if (PKCS11_CTX_load(h->ctx, h->module) == 0)
		return CAMCA_OK;
	/* Not loaded, so it must not be unloaded. */
	PKCS11_CTX_free(h->ctx);
	h->ctx = NULL;
	return token_refuse_libp11(h, why);
}

int
token_load(struct hsm *h, struct refusal *why)
{
	int ret;

	ERR_clear_error();
	ret = token_init_module(h, why);
	if (ret == CAMCA_OK)
		ret = token_start(&h->tokens[HSM_MAIN], why);
	if (ret < 0)
		token_unload(h);
	ERR_clear_error();
	return ret;
}

void
token_unload(struct hsm *h)
{
	token_close(&h->tokens[HSM_LOG], false);
	token_close(&h->tokens[HSM_MAIN], false);
	if (h->ctx != NULL) {
		PKCS11_CTX_unload(h->ctx);
		PKCS11_CTX_free(h->ctx);
	}
	h->ctx = NULL;
	ERR_clear_error();
}
