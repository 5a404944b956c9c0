/* SPDX-License-Identifier: Apache-2.0 */
#include <openssl/asn1t.h>
#include <openssl/core_names.h>
#include <openssl/err.h>
#include <openssl/objects.h>
#include <openssl/param_build.h>
#include <string.h>

#include "ca/base/auto.h"
#include "ca/issue/keycheck.h"
#include "ca/issue/keycheck_int.h"

#define RSA_EXPONENT_MAX_BYTES 8
#define RSA_KEY_MAX_BYTES (KEYCHECK_RSA_MAX_BITS / 8 + 64)

static const struct {
	int nid;
	const char *name;
	const char *group;
	int bits;
	int point_bytes;          /* 0x04, x, y */
} keycheck_curve[KEYCHECK_CURVES] = {
	[KEY_P256] = { NID_X9_62_prime256v1, "P-256", SN_X9_62_prime256v1, 256,
	    65 },
	[KEY_P384] = { NID_secp384r1, "P-384", SN_secp384r1, 384, 97 },
	[KEY_P521] = { NID_secp521r1, "P-521", SN_secp521r1, 521, 133 },
};

typedef struct {
	ASN1_INTEGER *n;
	ASN1_INTEGER *e;
} KEYCHECK_RSA;

/* RSAPublicKey (RFC 8017 A.1.1). Not OpenSSL's own: that one reads a modulus
 * without its leading zero and so gives one key two encodings. */
ASN1_SEQUENCE(KEYCHECK_RSA) = {
	ASN1_SIMPLE(KEYCHECK_RSA, n, ASN1_INTEGER),
	ASN1_SIMPLE(KEYCHECK_RSA, e, ASN1_INTEGER),
} static_ASN1_SEQUENCE_END(KEYCHECK_RSA)

static void
keycheck_rsa_free(KEYCHECK_RSA *r)
{
	ASN1_item_free((ASN1_VALUE *)r, ASN1_ITEM_rptr(KEYCHECK_RSA));
}
AUTO_DEFINE(KEYCHECK_RSA, keycheck_rsa_free)
AUTO_DEFINE(OSSL_PARAM_BLD, OSSL_PARAM_BLD_free)
AUTO_DEFINE(OSSL_PARAM, OSSL_PARAM_free)

/* Reading a curve's parameters by name costs more than copying them, and
 * OpenSSL's generic decoder for a whole SubjectPublicKeyInfo costs three
 * signature checks: hence a key per curve to copy from. */
int
keycheck_curves(struct keycheck *k)
{
	size_t i;

	for (i = 0; i < KEYCHECK_CURVES; i++) {
		AUTO(EVP_PKEY_CTX) *ctx = EVP_PKEY_CTX_new_from_name(NULL,
		    "EC", NULL);

		if (ctx == NULL || EVP_PKEY_paramgen_init(ctx) <= 0 ||
		    EVP_PKEY_CTX_set_ec_paramgen_curve_nid(ctx,
		    keycheck_curve[i].nid) <= 0 ||
		    EVP_PKEY_paramgen(ctx, &k->curves[i]) <= 0) {
			ERR_clear_error();
			return CAMCA_ECRYPTO;
		}
	}
	return CAMCA_OK;
}

/* Points are taken uncompressed only: every stack writes them so. */
static int
keycheck_ec(const struct keycheck *k, const X509_ALGOR *alg,
    const uint8_t *point, int n, struct keycheck_key *out,
    struct refusal *why)
{
	const ASN1_OBJECT *curve;
	const void *param;
	int type, i = 0;

	X509_ALGOR_get0(NULL, &type, &param, alg);
	/* Parameters written out could describe a curve of the sender's own
	 * making (CVE-2020-0601). RFC 5480 2.1.1 forbids them. */
	if (type != V_ASN1_OBJECT)
		return refuse(why, CAMCA_EINVAL, 400, "csr.key-curve-explicit",
		    "The elliptic curve must be given by name (RFC 5480 "
		    "2.1.1).");
	curve = param;
	while (i < KEYCHECK_CURVES && OBJ_obj2nid(curve) !=
	    keycheck_curve[i].nid)
		i++;
	if (i == KEYCHECK_CURVES)
		return refuse(why, CAMCA_EINVAL, 400, "csr.key-curve",
		    "The elliptic curve is none of P-256, P-384 and P-521.");
	if (n != keycheck_curve[i].point_bytes || point[0] != 0x04)
		return refuse(why, CAMCA_EINVAL, 400, "csr.key-point",
		    "The %s key must be an uncompressed point of %d bytes "
		    "(RFC 5480 2.2).", keycheck_curve[i].name,
		    keycheck_curve[i].point_bytes);
	out->kind = (enum profile_key)i;
	out->bits = keycheck_curve[i].bits;
	out->pkey = EVP_PKEY_new();
	if (out->pkey == NULL)
		return CAMCA_ENOMEM;
	if (!EVP_PKEY_copy_parameters(out->pkey, k->curves[i]))
		return CAMCA_ECRYPTO;
	/* Fails for a point that is not on the curve. */
	if (!EVP_PKEY_set1_encoded_public_key(out->pkey, point, (size_t)n))
		return refuse(why, CAMCA_EINVAL, 400, "csr.key-point",
		    "The %s key is not a point of the curve.",
		    keycheck_curve[i].name);
	return CAMCA_OK;
}

/* Encoding what was read must give the same bytes, so that a modulus has one
 * encoding and a key one hash. */
static int
keycheck_rsa_read(const uint8_t *der, int n, KEYCHECK_RSA **out,
    struct refusal *why)
{
	const uint8_t *p = der;
	uint8_t again[RSA_KEY_MAX_BYTES], *q = again;
	int len;

	if (n > RSA_KEY_MAX_BYTES)
		return refuse(why, CAMCA_EINVAL, 400, "csr.key-too-large",
		    "The RSA key has more than %d bits.",
		    KEYCHECK_RSA_MAX_BITS);
	*out = (KEYCHECK_RSA *)ASN1_item_d2i(NULL, &p, n,
	    ASN1_ITEM_rptr(KEYCHECK_RSA));
	len = *out == NULL ? -1 : ASN1_item_i2d((ASN1_VALUE *)*out, NULL,
	    ASN1_ITEM_rptr(KEYCHECK_RSA));
	if (len != n || ASN1_item_i2d((ASN1_VALUE *)*out, &q,
	    ASN1_ITEM_rptr(KEYCHECK_RSA)) != n || memcmp(der, again,
	    (size_t)n) != 0 || ASN1_STRING_type((*out)->n) != V_ASN1_INTEGER ||
	    ASN1_STRING_type((*out)->e) != V_ASN1_INTEGER)
		return refuse(why, CAMCA_EINVAL, 400, "csr.key-encoding",
		    "The RSA key is not two positive integers in DER (RFC "
		    "8017 A.1.1).");
	return CAMCA_OK;
}

static int
keycheck_rsa_make(const BIGNUM *n, const BIGNUM *e, EVP_PKEY **out,
    struct refusal *why)
{
	AUTO(OSSL_PARAM_BLD) *b = OSSL_PARAM_BLD_new();
	AUTO(EVP_PKEY_CTX) *ctx = EVP_PKEY_CTX_new_from_name(NULL, "RSA",
	    NULL);
	AUTO(OSSL_PARAM) *params = NULL;

	if (b == NULL || ctx == NULL)
		return CAMCA_ENOMEM;
	if (!OSSL_PARAM_BLD_push_BN(b, OSSL_PKEY_PARAM_RSA_N, n) ||
	    !OSSL_PARAM_BLD_push_BN(b, OSSL_PKEY_PARAM_RSA_E, e))
		return CAMCA_ENOMEM;
	params = OSSL_PARAM_BLD_to_param(b);
	if (params == NULL)
		return CAMCA_ENOMEM;
	if (EVP_PKEY_fromdata_init(ctx) <= 0)
		return CAMCA_ECRYPTO;
	/* Any number is taken here; what makes a good one is the profile's. */
	if (EVP_PKEY_fromdata(ctx, out, EVP_PKEY_PUBLIC_KEY, params) <= 0)
		return refuse(why, CAMCA_EINVAL, 400, "csr.key-encoding",
		    "The RSA key is not usable.");
	return CAMCA_OK;
}

static int
keycheck_rsa(const X509_ALGOR *alg, const uint8_t *der, int len,
    struct keycheck_key *out, struct refusal *why)
{
	AUTO(KEYCHECK_RSA) *r = NULL;
	AUTO(BIGNUM) *n = NULL;
	AUTO(BIGNUM) *e = NULL;
	int type, ret;

	X509_ALGOR_get0(NULL, &type, NULL, alg);
	if (type != V_ASN1_NULL)
		return refuse(why, CAMCA_EINVAL, 400, "csr.key-parameters",
		    "The parameters of an RSA key must be NULL (RFC 3279 "
		    "2.3.1).");
	ret = keycheck_rsa_read(der, len, &r, why);
	if (ret < 0)
		return ret;
	n = ASN1_INTEGER_to_BN(r->n, NULL);
	e = ASN1_INTEGER_to_BN(r->e, NULL);
	if (n == NULL || e == NULL)
		return CAMCA_ENOMEM;
	out->kind = KEY_RSA;
	out->bits = BN_num_bits(n);
	/* Both bound what one signature check can cost (CVE-2023-3446 and its
	 * kin). */
	if (out->bits > KEYCHECK_RSA_MAX_BITS)
		return refuse(why, CAMCA_EINVAL, 400, "csr.key-too-large",
		    "The RSA key has %d bits, more than %d.", out->bits,
		    KEYCHECK_RSA_MAX_BITS);
	if (BN_num_bytes(e) > RSA_EXPONENT_MAX_BYTES)
		return refuse(why, CAMCA_EINVAL, 400, "csr.key-exponent",
		    "The RSA exponent is longer than %d bytes.",
		    RSA_EXPONENT_MAX_BYTES);
	return keycheck_rsa_make(n, e, &out->pkey, why);
}

/* RFC 8410: nothing but the 32 bytes. */
static int
keycheck_ed25519(const X509_ALGOR *alg, const uint8_t *p, int n,
    struct keycheck_key *out, struct refusal *why)
{
	int type;

	X509_ALGOR_get0(NULL, &type, NULL, alg);
	if (type != V_ASN1_UNDEF || n != 32)
		return refuse(why, CAMCA_EINVAL, 400, "csr.key-encoding",
		    "An Ed25519 key has 32 bytes and no parameters (RFC 8410 "
		    "3).");
	out->kind = KEY_ED25519;
	out->bits = 256;
	out->pkey = EVP_PKEY_new_raw_public_key(EVP_PKEY_ED25519, NULL, p, 32);
	return out->pkey != NULL ? CAMCA_OK : CAMCA_ENOMEM;
}

int
keycheck_error_value(int err)
{
	unsigned long e;

	while ((e = ERR_get_error()) != 0)
		if (ERR_GET_REASON(e) == ERR_R_MALLOC_FAILURE)
			err = CAMCA_ENOMEM;
	return err;
}

int
keycheck_decode(const struct keycheck *k, const X509_ALGOR *alg,
    const ASN1_BIT_STRING *bits, struct keycheck_key *out,
    struct refusal *why)
{
	const ASN1_OBJECT *type;
	const uint8_t *p = ASN1_STRING_get0_data(bits);
	int n = ASN1_STRING_length(bits), ret;

	out->pkey = NULL;
	/* The low bits of flags count the unused bits of a BIT STRING. */
	if (n == 0 || (bits->flags & 7) != 0)
		return refuse(why, CAMCA_EINVAL, 400, "csr.key-encoding",
		    "The public key is not a whole number of bytes.");
	X509_ALGOR_get0(&type, NULL, NULL, alg);
	switch (OBJ_obj2nid(type)) {
	case NID_X9_62_id_ecPublicKey:
		ret = keycheck_ec(k, alg, p, n, out, why);
		break;
	case NID_rsaEncryption:
		ret = keycheck_rsa(alg, p, n, out, why);
		break;
	case NID_ED25519:
		ret = keycheck_ed25519(alg, p, n, out, why);
		break;
	default:
		ret = refuse(why, CAMCA_EINVAL, 400, "csr.key-type",
		    "The key is neither RSA, EC nor Ed25519.");
	}
	if (ret < 0) {
		EVP_PKEY_free(out->pkey);
		out->pkey = NULL;
		ret = keycheck_error_value(ret);
	}
	ERR_clear_error();
	return ret;
}
