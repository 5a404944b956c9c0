/* SPDX-License-Identifier: Apache-2.0 */
#include <openssl/core_names.h>
#include <openssl/err.h>
#include <openssl/param_build.h>
#include <stdlib.h>
#include <string.h>

#include "hsm/internal.h"

#define KEY_ATTR_MAX 1024   /* RSA 4096 modulus: 512; labels, ids: 255 */
#define KEY_ATTR(t, p, n) { (t), (void *)(uintptr_t)(p), (n) }

/* One attribute into a buffer of fixed size; longer ones are an error of the
 * token (CKR_BUFFER_TOO_SMALL). */
struct key_attr {
	uint8_t data[KEY_ATTR_MAX];
	size_t len;
};

static CK_RV
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

/* A flag that the token does not know is CKR_ATTRIBUTE_TYPE_INVALID. */
static CK_RV
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

static CK_RV
key_curve(const struct key_attr *oid, enum hsm_key_type *out)
{
	enum hsm_key_type t;
	const uint8_t *want;
	size_t len;

	for (t = HSM_EC_P256; t <= HSM_EC_P384; t++) {
		want = key_curve_oid(t, &len);
		if (len == oid->len && memcmp(want, oid->data, len) == 0) {
			*out = t;
			return CKR_OK;
		}
	}
	return HSM_RV_KEY_TYPE;
}

/* PKCS#11 2.40 section 2.3.3 wraps the point in an OCTET STRING; some modules
 * give it bare. The bare form begins with 4 too (uncompressed, X9.62), so the
 * length decides. */
static CK_RV
key_point(struct key_attr *a, enum hsm_key_type type)
{
	size_t bare = type == HSM_EC_P256 ? 65 : 97;

	if (a->len == bare + 2 && a->data[0] == V_ASN1_OCTET_STRING &&
	    a->data[1] == bare) {
		memmove(a->data, a->data + 2, bare);
		a->len = bare;
	}
	return a->len == bare && a->data[0] == POINT_CONVERSION_UNCOMPRESSED ?
	    CKR_OK : HSM_RV_NO_PUBLIC;
}

/* bld is freed. Errors of OpenSSL mean that the token's numbers are no key. */
static EVP_PKEY *
key_from_params(const char *algorithm, OSSL_PARAM_BLD *bld)
{
	OSSL_PARAM *params = OSSL_PARAM_BLD_to_param(bld);
	EVP_PKEY_CTX *ctx = EVP_PKEY_CTX_new_from_name(NULL, algorithm, NULL);
	EVP_PKEY *pub = NULL;

	if (params == NULL || ctx == NULL ||
	    EVP_PKEY_fromdata_init(ctx) != 1 ||
	    EVP_PKEY_fromdata(ctx, &pub, EVP_PKEY_PUBLIC_KEY, params) != 1)
		pub = NULL;
	EVP_PKEY_CTX_free(ctx);
	OSSL_PARAM_free(params);
	OSSL_PARAM_BLD_free(bld);
	return pub;
}

static CK_RV
key_public_ec(struct hsm *h, CK_SESSION_HANDLE s, CK_OBJECT_HANDLE o,
    enum hsm_key_type *type, EVP_PKEY **out)
{
	struct key_attr a;
	OSSL_PARAM_BLD *bld;
	CK_RV rv;

	rv = key_read(h, s, o, CKA_EC_PARAMS, &a);
	if (rv == CKR_OK)
		rv = key_curve(&a, type);
	if (rv == CKR_OK)
		rv = key_read(h, s, o, CKA_EC_POINT, &a);
	if (rv == CKR_OK)
		rv = key_point(&a, *type);
	if (rv != CKR_OK)
		return rv;
	bld = OSSL_PARAM_BLD_new();
	if (bld == NULL ||
	    OSSL_PARAM_BLD_push_utf8_string(bld, OSSL_PKEY_PARAM_GROUP_NAME,
	    *type == HSM_EC_P256 ? "P-256" : "P-384", 0) != 1 ||
	    OSSL_PARAM_BLD_push_octet_string(bld, OSSL_PKEY_PARAM_PUB_KEY,
	    a.data, a.len) != 1) {
		OSSL_PARAM_BLD_free(bld);
		return HSM_RV_NO_PUBLIC;
	}
	*out = key_from_params("EC", bld);
	return *out != NULL ? CKR_OK : HSM_RV_NO_PUBLIC;
}

static CK_RV
key_rsa_type(const BIGNUM *n, enum hsm_key_type *out)
{
	switch (BN_num_bits(n)) {
	case 2048:
		*out = HSM_RSA_2048;
		return CKR_OK;
	case 3072:
		*out = HSM_RSA_3072;
		return CKR_OK;
	case 4096:
		*out = HSM_RSA_4096;
		return CKR_OK;
	default:
		return HSM_RV_KEY_TYPE;
	}
}

static CK_RV
key_rsa_from_numbers(const BIGNUM *n, const BIGNUM *e, EVP_PKEY **out)
{
	OSSL_PARAM_BLD *bld = OSSL_PARAM_BLD_new();

	if (bld == NULL ||
	    OSSL_PARAM_BLD_push_BN(bld, OSSL_PKEY_PARAM_RSA_N, n) != 1 ||
	    OSSL_PARAM_BLD_push_BN(bld, OSSL_PKEY_PARAM_RSA_E, e) != 1) {
		OSSL_PARAM_BLD_free(bld);
		return HSM_RV_NO_PUBLIC;
	}
	*out = key_from_params("RSA", bld);
	return *out != NULL ? CKR_OK : HSM_RV_NO_PUBLIC;
}

static CK_RV
key_public_rsa(struct hsm *h, CK_SESSION_HANDLE s, CK_OBJECT_HANDLE o,
    enum hsm_key_type *type, EVP_PKEY **out)
{
	struct key_attr n, e;
	BIGNUM *bn_n = NULL, *bn_e = NULL;
	CK_RV rv;

	rv = key_read(h, s, o, CKA_MODULUS, &n);
	if (rv == CKR_OK)
		rv = key_read(h, s, o, CKA_PUBLIC_EXPONENT, &e);
	if (rv != CKR_OK)
		return rv;
	bn_n = BN_bin2bn(n.data, (int)n.len, NULL);
	bn_e = BN_bin2bn(e.data, (int)e.len, NULL);
	rv = bn_n == NULL || bn_e == NULL ? HSM_RV_NO_PUBLIC :
	    key_rsa_type(bn_n, type);
	if (rv == CKR_OK)
		rv = key_rsa_from_numbers(bn_n, bn_e, out);
	BN_free(bn_n);
	BN_free(bn_e);
	return rv;
}

static CK_RV
key_public_of(struct hsm *h, CK_SESSION_HANDLE s, CK_OBJECT_HANDLE o,
    enum hsm_key_type *type, EVP_PKEY **out)
{
	struct key_attr a;
	CK_KEY_TYPE kind;
	CK_RV rv = key_read(h, s, o, CKA_KEY_TYPE, &a);

	if (rv != CKR_OK)
		return rv;
	if (a.len != sizeof kind)
		return HSM_RV_KEY_TYPE;
	memcpy(&kind, a.data, sizeof kind);
	if (kind == CKK_EC)
		return key_public_ec(h, s, o, type, out);
	if (kind == CKK_RSA)
		return key_public_rsa(h, s, o, type, out);
	return HSM_RV_KEY_TYPE;
}

/* The public key of a private one: from the public object with the same id (or
 * label, where it has no id), else from the private object, where many tokens
 * keep the public numbers too. */
static CK_RV
key_public(struct hsm *h, CK_SESSION_HANDLE s, CK_OBJECT_HANDLE prv,
    const struct hsm_uri *uri, enum hsm_key_type *type, EVP_PKEY **out)
{
	struct hsm_uri same = { .id_len = 0 };
	struct key_attr id;
	CK_OBJECT_HANDLE pub;
	CK_RV rv;

	rv = key_read(h, s, prv, CKA_ID, &id);
	if (rv == CKR_OK && id.len > 0 && id.len <= sizeof same.id) {
		memcpy(same.id, id.data, id.len);
		same.id_len = id.len;
	} else {
		memcpy(same.object, uri->object, sizeof same.object);
	}
	if (ckr_is_lost(rv))
		return rv;
	rv = key_find(h, s, CKO_PUBLIC_KEY, &same, &pub);
	if (rv == HSM_RV_NO_KEY)
		pub = prv;
	else if (rv != CKR_OK)
		return rv;
	rv = key_public_of(h, s, pub, type, out);
	return rv == CKR_ATTRIBUTE_TYPE_INVALID ||
	    rv == CKR_ATTRIBUTE_SENSITIVE ? HSM_RV_NO_PUBLIC : rv;
}

/* Everything that makes a handle ours to use. */
static CK_RV
key_look_up(struct hsm *h, CK_SESSION_HANDLE s, const struct hsm_uri *uri,
    CK_OBJECT_HANDLE *o, enum hsm_key_type *type, EVP_PKEY **pub)
{
	CK_RV rv;

	rv = key_find(h, s, CKO_PRIVATE_KEY, uri, o);
	if (rv == CKR_OK)
		rv = key_check_custody(h, s, *o);
	if (rv == CKR_OK)
		rv = key_public(h, s, *o, uri, type, pub);
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
	epoch = h->epoch;
	known = k->epoch == epoch;
	*out = k->handle;
	pthread_mutex_unlock(&h->lock);
	if (known)
		return CKR_OK;
	rv = key_look_up(h, s, &k->uri, out, &type, &pub);
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

/* Inside session_run, where the names of the token hold still. */
static CK_RV
key_open_call(struct hsm *h, CK_SESSION_HANDLE s, void *arg)
{
	struct hsm_key *k = arg;
	EVP_PKEY *pub = NULL;
	CK_RV rv;

	if (!token_matches(&k->uri, h->label, h->manufacturer, h->model,
	    h->serial, h->slot))
		return HSM_RV_NO_KEY;
	rv = key_look_up(h, s, &k->uri, &k->handle, &k->type, &pub);
	if (rv != CKR_OK)
		return rv;
	EVP_PKEY_free(k->pub);
	k->pub = pub;
	pthread_mutex_lock(&h->lock);
	k->epoch = h->epoch;
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
	EVP_PKEY_free(k->pub);
	EVP_PKEY_free(k->stamp);
	pthread_mutex_destroy(&k->lock);
	free(k);
}

int
hsm_key_open(struct hsm *h, const char *uri, struct hsm_key **out,
    struct refusal *why)
{
	struct hsm_key *k = calloc(1, sizeof *k);
	int ret;

	if (k == NULL)
		return refuse_default(why, CAMCA_ENOMEM);
	k->h = h;
	k->refs = 1;
	pthread_mutex_init(&k->lock, NULL);
	ret = key_parse_uri(uri, &k->uri, why);
	if (ret == CAMCA_OK)
		ret = session_run(h, false, "show the key", key_open_call, k,
		    why);
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
