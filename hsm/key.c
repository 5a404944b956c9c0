/* SPDX-License-Identifier: Apache-2.0 */
#include <stdlib.h>
#include <string.h>

#include "hsm/internal.h"

#define KEY_ATTR(t, p, n) { (t), (void *)(uintptr_t)(p), (n) }

/* Of fixed size: longer values are an error of the token
 * (CKR_BUFFER_TOO_SMALL). */
CK_RV
key_read(struct hsm *h, CK_SESSION_HANDLE s, CK_OBJECT_HANDLE o,
    CK_ATTRIBUTE_TYPE type, struct key_attr *out)
{
	CK_ATTRIBUTE a = { type, out->data, sizeof out->data };
	CK_RV rv = h->p11->C_GetAttributeValue(s, o, &a, 1);

	if (rv != CKR_OK)
		return rv;
	if (a.ulValueLen > sizeof out->data)
		return CKR_ATTRIBUTE_TYPE_INVALID;
	out->len = a.ulValueLen;
	return CKR_OK;
}

CK_RV
key_flag(struct hsm *h, CK_SESSION_HANDLE s, CK_OBJECT_HANDLE o,
    CK_ATTRIBUTE_TYPE type, bool *out)
{
	struct key_attr a;
	CK_RV rv = key_read(h, s, o, type, &a);

	if (rv == CKR_OK && a.len != sizeof(CK_BBOOL))
		rv = CKR_ATTRIBUTE_TYPE_INVALID;
	if (rv == CKR_OK)
		*out = a.data[0] != CK_FALSE;
	return rv;
}

CK_RV
key_find(struct hsm *h, CK_SESSION_HANDLE s, CK_OBJECT_CLASS class,
    const struct hsm_uri *uri, CK_OBJECT_HANDLE *out)
{
	CK_ATTRIBUTE want[3] = { KEY_ATTR(CKA_CLASS, &class, sizeof class) };
	CK_OBJECT_HANDLE found[2];
	CK_ULONG n = 1, n_found = 0;
	CK_RV rv;

	if (uri->id_len > 0)
		want[n++] = (CK_ATTRIBUTE)KEY_ATTR(CKA_ID, uri->id,
		    uri->id_len);
	if (uri->object[0] != '\0')
		want[n++] = (CK_ATTRIBUTE)KEY_ATTR(CKA_LABEL, uri->object,
		    strlen(uri->object));
	rv = h->p11->C_FindObjectsInit(s, want, n);
	if (rv != CKR_OK)
		return rv;
	rv = h->p11->C_FindObjects(s, found, 2, &n_found);
	/* Its own failure means that the session is good for nothing. */
	if (h->p11->C_FindObjectsFinal(s) != CKR_OK && rv == CKR_OK)
		rv = CKR_SESSION_CLOSED;
	if (rv != CKR_OK)
		return rv;
	if (n_found != 1)
		return n_found == 0 ? HSM_RV_NO_KEY : HSM_RV_TWO_KEYS;
	*out = found[0];
	return CKR_OK;
}

CK_RV
key_check_custody(struct hsm *h, CK_SESSION_HANDLE s, CK_OBJECT_HANDLE o)
{
	bool sensitive = false, extractable = true, asks = false;
	CK_RV rv;

	rv = key_flag(h, s, o, CKA_SENSITIVE, &sensitive);
	if (rv == CKR_OK)
		rv = key_flag(h, s, o, CKA_EXTRACTABLE, &extractable);
	/* A token that cannot say so does not vouch for the key. */
	if (rv == CKR_ATTRIBUTE_TYPE_INVALID ||
	    (rv == CKR_OK && (!sensitive || extractable)))
		return HSM_RV_EXTRACTABLE;
	if (rv != CKR_OK)
		return rv;
	rv = key_flag(h, s, o, CKA_ALWAYS_AUTHENTICATE, &asks);
	if (rv == CKR_ATTRIBUTE_TYPE_INVALID)
		return CKR_OK;
	return rv == CKR_OK && asks ? HSM_RV_ASKS_PIN : rv;
}

/* Everything that makes a handle ours to use. */
static CK_RV
key_look_up(struct hsm *h, CK_SESSION_HANDLE s, const struct hsm_key *k,
    CK_OBJECT_HANDLE *o, enum hsm_key_type *type, EVP_PKEY **pub)
{
	CK_RV rv;

	rv = key_find(h, s, CKO_PRIVATE_KEY, &k->uri, o);
	if (rv == CKR_OK)
		rv = key_check_custody(h, s, *o);
	if (rv == CKR_OK && k->derives)
		rv = derive_check_key(h, s, *o);
	if (rv == CKR_OK)
		rv = public_read(h, s, *o, &k->uri, type, pub);
	return rv;
}

/* After a return of the token the key must be the one it was: another token
 * with the same label could have been put in. */
CK_RV
key_handle(struct hsm *h, CK_SESSION_HANDLE s, struct hsm_key *k,
    CK_OBJECT_HANDLE *out)
{
	enum hsm_key_type type;
	EVP_PKEY *pub = NULL;
	uint64_t epoch;
	bool known;
	CK_RV rv;

	pthread_mutex_lock(&h->lock);
	epoch = k->t->epoch;
	known = k->epoch == epoch;
	*out = k->handle;
	pthread_mutex_unlock(&h->lock);
	if (known)
		return CKR_OK;
	rv = key_look_up(h, s, k, out, &type, &pub);
	if (rv == CKR_OK && EVP_PKEY_eq(pub, k->pub) != 1)
		rv = HSM_RV_OTHER_KEY;
	EVP_PKEY_free(pub);
	if (rv != CKR_OK)
		return rv;
	pthread_mutex_lock(&h->lock);
	k->handle = *out;
	k->epoch = epoch;
	pthread_mutex_unlock(&h->lock);
	return CKR_OK;
}

struct key_opening {
	struct hsm_key *key;
	bool other_token;            /* the URI does not mean this one */
};

/* Inside session_run, where the names of the token hold still. */
static CK_RV
key_open_call(struct hsm *h, CK_SESSION_HANDLE s, void *arg)
{
	struct key_opening *x = arg;
	struct hsm_key *k = x->key;
	EVP_PKEY *pub = NULL;
	CK_RV rv;

	x->other_token = !token_matches(&k->uri, &k->t->names,
	    k->t->slot);
	if (x->other_token)
		return HSM_RV_OTHER_TOKEN;
	rv = k->derives ? derive_check_token(h, k->t->slot) : CKR_OK;
	if (rv == CKR_OK)
		rv = key_look_up(h, s, k, &k->handle, &k->type, &pub);
	if (rv != CKR_OK)
		return rv;
	EVP_PKEY_free(k->pub);
	k->pub = pub;
	pthread_mutex_lock(&h->lock);
	k->epoch = k->t->epoch;
	pthread_mutex_unlock(&h->lock);
	return CKR_OK;
}

static int
key_parse_uri(const char *text, struct hsm_uri *uri, struct refusal *why)
{
	int ret = hsm_uri_parse(text, uri, why);

	if (ret < 0)
		return ret;
	if (uri->id_len == 0 && uri->object[0] == '\0')
		return refuse(why, CAMCA_EINVAL, 400, "hsm.uri",
		    "A key's PKCS#11 URI needs id or object.");
	if (uri->module_path[0] != '\0' || uri->pin_source[0] != '\0')
		return refuse(why, CAMCA_EINVAL, 400, "hsm.uri",
		    "module-path and pin-source belong in the token's URI, "
		    "not in a key's.");
	return CAMCA_OK;
}

static void
key_destroy(struct hsm_key *k)
{
	size_t i;

	for (i = 0; i < k->n_checkers; i++)
		EVP_PKEY_CTX_free(k->checkers[i]);
	derive_fini(k);
	EVP_PKEY_free(k->pub);
	pthread_mutex_destroy(&k->lock);
	free(k);
}

/* In the first token that the URI can mean. One whose own URI already says
 * otherwise is not asked: it may be away, and that must not be felt here. */
static int
key_open_somewhere(struct hsm_key *k, struct refusal *why)
{
	struct key_opening x = { .key = k };
	struct hsm_token *t;
	int ret;

	for (t = k->h->tokens; t < k->h->tokens + HSM_TOKENS; t++) {
		if (!t->used || token_excluded(&t->uri, &k->uri))
			continue;
		k->t = t;
		x.other_token = false;
		ret = session_run(t, false, "show the key", key_open_call, &x,
		    why);
		if (!x.other_token)
			return ret;
	}
	return ckr_refuse(HSM_RV_OTHER_TOKEN, "show the key", why);
}

int
key_open(struct hsm *h, const char *uri, bool derives, struct hsm_key **out,
    struct refusal *why)
{
	struct hsm_key *k = calloc(1, sizeof *k);
	int ret;

	if (k == NULL)
		return refuse_default(why, CAMCA_ENOMEM);
	k->h = h;
	k->refs = 1;
	k->derives = derives;
	pthread_mutex_init(&k->lock, NULL);
	ret = key_parse_uri(uri, &k->uri, why);
	if (ret == CAMCA_OK)
		ret = key_open_somewhere(k, why);
	if (ret < 0) {
		key_destroy(k);
		return ret;
	}
	pthread_mutex_lock(&h->lock);
	k->next = h->keys;
	h->keys = k;
	pthread_mutex_unlock(&h->lock);
	*out = k;
	return CAMCA_OK;
}

int
hsm_key_open(struct hsm *h, const char *uri, struct hsm_key **out,
    struct refusal *why)
{
	return key_open(h, uri, false, out, why);
}

void
key_unref(struct hsm_key *k)
{
	struct hsm *h = k->h;
	struct hsm_key **at;
	bool last;

	pthread_mutex_lock(&h->lock);
	last = --k->refs == 0;
	for (at = &h->keys; last && *at != NULL; at = &(*at)->next)
		if (*at == k) {
			*at = k->next;
			break;
		}
	pthread_mutex_unlock(&h->lock);
	if (!last)
		return;
	key_destroy(k);
}

void
hsm_key_free(struct hsm_key *k)
{
	if (k != NULL)
		key_unref(k);
}

EVP_PKEY *
hsm_key_public(const struct hsm_key *k)
{
	return EVP_PKEY_up_ref(k->pub) == 1 ? k->pub : NULL;
}
