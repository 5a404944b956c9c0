/* SPDX-License-Identifier: Apache-2.0 */
/* The public half of a key in a token, as an OpenSSL key of this process. */
#include <openssl/core_names.h>
#include <openssl/ec.h>
#include <openssl/param_build.h>
#include <string.h>

#include "hsm/internal.h"

/* PKCS#11 2.40 section 2.3.3 wraps the point in an OCTET STRING; some modules
 * give it bare. The bare form begins with 4 too (uncompressed, X9.62) or with
 * anything (Ed25519), so the length decides. */
static CK_RV
public_point(struct key_attr *a, enum hsm_key_type type)
{
	size_t bare = type == HSM_EC_P256 ? 65 : type == HSM_EC_P384 ? 97 : 32;

	if (a->len == bare + 2 && a->data[0] == V_ASN1_OCTET_STRING &&
	    a->data[1] == bare) {
		memmove(a->data, a->data + 2, bare);
		a->len = bare;
	}
	return a->len == bare && (type == HSM_ED25519 ||
	    a->data[0] == POINT_CONVERSION_UNCOMPRESSED) ? CKR_OK :
	    HSM_RV_NO_PUBLIC;
}

/* bld is freed. Errors of OpenSSL mean that the token's numbers are no key. */
static EVP_PKEY *
public_from_params(const char *algorithm, OSSL_PARAM_BLD *bld)
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

/* kind, CKK_EC or CKK_EC_EDWARDS, and the curve must agree. */
static CK_RV
public_read_point(struct hsm *h, CK_SESSION_HANDLE s, CK_OBJECT_HANDLE o,
    CK_KEY_TYPE kind, enum hsm_key_type *type, struct key_attr *out)
{
	CK_RV rv = key_read(h, s, o, CKA_EC_PARAMS, out);

	if (rv == CKR_OK && (!key_curve_type(out->data, out->len, type) ||
	    (*type == HSM_ED25519) != (kind == CKK_EC_EDWARDS)))
		rv = HSM_RV_KEY_TYPE;
	if (rv == CKR_OK)
		rv = key_read(h, s, o, CKA_EC_POINT, out);
	return rv == CKR_OK ? public_point(out, *type) : rv;
}

static CK_RV
public_ec(struct hsm *h, CK_SESSION_HANDLE s, CK_OBJECT_HANDLE o,
    CK_KEY_TYPE kind, enum hsm_key_type *type, EVP_PKEY **out)
{
	struct key_attr a;
	OSSL_PARAM_BLD *bld;
	CK_RV rv = public_read_point(h, s, o, kind, type, &a);

	if (rv != CKR_OK)
		return rv;
	if (*type == HSM_ED25519) {
		*out = EVP_PKEY_new_raw_public_key(EVP_PKEY_ED25519, NULL,
		    a.data, a.len);
		return *out != NULL ? CKR_OK : HSM_RV_NO_PUBLIC;
	}
	bld = OSSL_PARAM_BLD_new();
	if (bld == NULL ||
	    OSSL_PARAM_BLD_push_utf8_string(bld, OSSL_PKEY_PARAM_GROUP_NAME,
	    *type == HSM_EC_P256 ? "P-256" : "P-384", 0) != 1 ||
	    OSSL_PARAM_BLD_push_octet_string(bld, OSSL_PKEY_PARAM_PUB_KEY,
	    a.data, a.len) != 1) {
		OSSL_PARAM_BLD_free(bld);
		return HSM_RV_NO_PUBLIC;
	}
	*out = public_from_params("EC", bld);
	return *out != NULL ? CKR_OK : HSM_RV_NO_PUBLIC;
}

static CK_RV
public_rsa_type(const BIGNUM *n, enum hsm_key_type *out)
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
public_rsa_from_numbers(const BIGNUM *n, const BIGNUM *e, EVP_PKEY **out)
{
	OSSL_PARAM_BLD *bld = OSSL_PARAM_BLD_new();

	if (bld == NULL ||
	    OSSL_PARAM_BLD_push_BN(bld, OSSL_PKEY_PARAM_RSA_N, n) != 1 ||
	    OSSL_PARAM_BLD_push_BN(bld, OSSL_PKEY_PARAM_RSA_E, e) != 1) {
		OSSL_PARAM_BLD_free(bld);
		return HSM_RV_NO_PUBLIC;
	}
	*out = public_from_params("RSA", bld);
	return *out != NULL ? CKR_OK : HSM_RV_NO_PUBLIC;
}

static CK_RV
public_rsa(struct hsm *h, CK_SESSION_HANDLE s, CK_OBJECT_HANDLE o,
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
	    public_rsa_type(bn_n, type);
	if (rv == CKR_OK)
		rv = public_rsa_from_numbers(bn_n, bn_e, out);
	BN_free(bn_n);
	BN_free(bn_e);
	return rv;
}

static CK_RV
public_of(struct hsm *h, CK_SESSION_HANDLE s, CK_OBJECT_HANDLE o,
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
	if (kind == CKK_EC || kind == CKK_EC_EDWARDS)
		return public_ec(h, s, o, kind, type, out);
	if (kind == CKK_RSA)
		return public_rsa(h, s, o, type, out);
	return HSM_RV_KEY_TYPE;
}

/* The public key of a private one: from the public object with the same id (or
 * label, where it has no id), else from the private object, where many tokens
 * keep the public numbers too. */
CK_RV
public_read(struct hsm *h, CK_SESSION_HANDLE s, CK_OBJECT_HANDLE prv,
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
	rv = public_of(h, s, pub, type, out);
	return rv == CKR_ATTRIBUTE_TYPE_INVALID ||
	    rv == CKR_ATTRIBUTE_SENSITIVE ? HSM_RV_NO_PUBLIC : rv;
}
