/* SPDX-License-Identifier: Apache-2.0 */
/* Key agreement with a key of the token. OpenSSL reads the CMS and unwraps; the
 * one multiplication by the private key is the token's, behind an EC_KEY_METHOD.
 * That interface is deprecated since OpenSSL 3.0, and the only one that works
 * without a provider of our own, which would hide the token's errors. */
#define OPENSSL_API_COMPAT 0x10100000L

#include <openssl/ec.h>
#include <openssl/err.h>
#include <string.h>

#include "ca/base/auto.h"
#include "ca/base/log.h"
#include "ca/base/ossl.h"
#include "hsm/internal.h"

#define DERIVE_OPEN_MAX (1024 * 1024)  /* bytes of what was sealed */
#define DERIVE_BLOCK 32                /* a cipher may ask for room for one */
#define DERIVE_ATTR(t, v) { (t), (v), sizeof *(v) }

CK_RV
derive_check_token(struct hsm *h, CK_SLOT_ID slot)
{
	CK_MECHANISM_INFO info;
	CK_RV rv = h->p11->C_GetMechanismInfo(slot, CKM_ECDH1_DERIVE, &info);

	if (rv == CKR_MECHANISM_INVALID ||
	    (rv == CKR_OK && (info.flags & CKF_DERIVE) == 0))
		return HSM_RV_NO_DERIVE;
	return ckr_is_lost(rv) ? rv : CKR_OK;
}

CK_RV
derive_check_key(struct hsm *h, CK_SESSION_HANDLE s, CK_OBJECT_HANDLE o)
{
	bool derives = false, signs = true;
	CK_RV rv;

	rv = key_flag(h, s, o, CKA_DERIVE, &derives);
	if (rv == CKR_OK)
		rv = key_flag(h, s, o, CKA_SIGN, &signs);
	if (rv == CKR_ATTRIBUTE_TYPE_INVALID)
		return HSM_RV_KEY_USE;
	return rv == CKR_OK && (!derives || signs) ? HSM_RV_KEY_USE : rv;
}

static CK_RV
derive_can_call(struct hsm *h, CK_SESSION_HANDLE s, void *arg)
{
	const struct hsm_token *t = arg;

	(void)s;
	return derive_check_token(h, t->slot);
}

int
hsm_can_derive(struct hsm *h, struct refusal *why)
{
	struct hsm_token *t = &h->tokens[HSM_MAIN];

	return session_run(t, false, "ask for ECDH", derive_can_call, t, why);
}

int
hsm_key_open_derive(struct hsm *h, const char *uri, struct hsm_key **out,
    struct refusal *why)
{
	struct hsm_key *k = NULL;
	int ret = key_open(h, uri, true, &k, why);

	if (ret == CAMCA_OK && k->type != HSM_EC_P256) {
		hsm_key_free(k);
		return refuse(why, CAMCA_EINVAL, 503, "hsm.key-type",
		    "A key to derive with is a P-256 one.");
	}
	if (ret == CAMCA_OK)
		*out = k;
	return ret;
}

struct derive_job {
	struct hsm_key *key;
	const uint8_t *point;
	uint8_t *out;
	int err;                     /* of the token, where it failed */
	struct refusal *why;
};

/* The secret is an object of the session for a moment: it has to be, to be
 * read. Where it cannot be destroyed the session is closed, which does it. */
static CK_RV
derive_call(struct hsm *h, CK_SESSION_HANDLE s, void *arg)
{
	struct derive_job *j = arg;
	CK_OBJECT_CLASS class = CKO_SECRET_KEY;
	CK_KEY_TYPE type = CKK_GENERIC_SECRET;
	CK_ULONG len = HSM_SHARED_LEN;
	CK_BBOOL yes = CK_TRUE, no = CK_FALSE;
	CK_ATTRIBUTE want[] = { DERIVE_ATTR(CKA_CLASS, &class),
	    DERIVE_ATTR(CKA_KEY_TYPE, &type), DERIVE_ATTR(CKA_TOKEN, &no),
	    DERIVE_ATTR(CKA_SENSITIVE, &no), DERIVE_ATTR(CKA_EXTRACTABLE, &yes),
	    DERIVE_ATTR(CKA_VALUE_LEN, &len) };
	CK_ECDH1_DERIVE_PARAMS params = { .kdf = CKD_NULL,
	    .public_data_len = HSM_POINT_LEN,
	    .public_data = (CK_BYTE *)(uintptr_t)j->point };
	CK_MECHANISM mech = { CKM_ECDH1_DERIVE, &params, sizeof params };
	CK_ATTRIBUTE value = { CKA_VALUE, j->out, HSM_SHARED_LEN };
	CK_OBJECT_HANDLE o, secret;
	CK_RV rv, rv2;

	rv = key_handle(h, s, j->key, &o);
	if (rv == CKR_OK)
		rv = h->p11->C_DeriveKey(s, &mech, o, want,
		    sizeof want / sizeof want[0], &secret);
	if (rv != CKR_OK)
		return rv;
	rv = h->p11->C_GetAttributeValue(s, secret, &value, 1);
	rv2 = h->p11->C_DestroyObject(s, secret);
	if (rv == CKR_OK && value.ulValueLen != HSM_SHARED_LEN)
		rv = CKR_DATA_LEN_RANGE;
	return rv != CKR_OK ? rv : rv2;
}

/* A point that is not on the curve would make the token multiply on another
 * one, whose small groups tell its key bit by bit (invalid curve attack); not
 * every module looks. */
static bool
derive_on_curve(const uint8_t *point)
{
	EC_GROUP *g = EC_GROUP_new_by_curve_name(NID_X9_62_prime256v1);
	EC_POINT *p = g != NULL ? EC_POINT_new(g) : NULL;
	bool good = p != NULL && point[0] == POINT_CONVERSION_UNCOMPRESSED &&
	    EC_POINT_oct2point(g, p, point, HSM_POINT_LEN, NULL) == 1;

	EC_POINT_free(p);
	EC_GROUP_free(g);
	return good;
}

/* The point is one that OpenSSL has read, or derive_on_curve has. */
static int
derive_run(struct derive_job *j)
{
	int ret = session_run(j->key->t, false, "derive", derive_call, j,
	    j->why);

	if (ret == CAMCA_OK)
		return ret;
	OPENSSL_cleanse(j->out, HSM_SHARED_LEN);
	/* A key that vanished from its token is a failing HSM. */
	return ret == CAMCA_EPIN ? ret : CAMCA_EHSM;
}

int
hsm_derive(struct hsm_key *k, const uint8_t point[static HSM_POINT_LEN],
    uint8_t out[static HSM_SHARED_LEN], struct refusal *why)
{
	struct derive_job j = { .key = k, .point = point, .out = out,
	    .why = why };
	bool good;

	if (!k->derives)
		return refuse(why, CAMCA_EPOLICY, 503, "hsm.key-use",
		    "A key that signs derives nothing.");
	good = derive_on_curve(point);
	ERR_clear_error();
	if (!good)
		return refuse(why, CAMCA_EINVAL, 400, "hsm.point",
		    "The point does not lie on P-256.");
	return derive_run(&j);
}

int
derive_probe(struct hsm_key *k, struct refusal *why)
{
	uint8_t point[HSM_POINT_LEN], out[HSM_SHARED_LEN];
	size_t len = 0;
	int ret;

	if (EVP_PKEY_get_octet_string_param(k->pub, "pub", point, sizeof point,
	    &len) != 1 || len != sizeof point) {
		ERR_clear_error();
		return refuse_default(why, CAMCA_ECRYPTO);
	}
	ret = hsm_derive(k, point, out, why);
	OPENSSL_cleanse(out, sizeof out);
	return ret;
}

/* ---- CMS ---- */

/* OpenSSL's question for x of key times point. The job hangs on the EC_KEY as
 * its application data, index 0 of ex_data, which needs no registration. */
static int
derive_compute(unsigned char **out, size_t *len_out, const EC_POINT *point,
    const EC_KEY *ec)
{
	struct derive_job *j = EC_KEY_get_ex_data(ec, 0);
	uint8_t octets[HSM_POINT_LEN];

	if (EC_POINT_point2oct(EC_KEY_get0_group(ec), point,
	    POINT_CONVERSION_UNCOMPRESSED, octets, sizeof octets,
	    NULL) != sizeof octets)
		return 0;
	*out = OPENSSL_malloc(HSM_SHARED_LEN);
	if (*out == NULL)
		return 0;
	j->point = octets;
	j->out = *out;
	j->err = derive_run(j);
	if (j->err == CAMCA_OK) {
		*len_out = HSM_SHARED_LEN;
		return 1;
	}
	OPENSSL_free(*out);
	*out = NULL;
	return 0;
}

/* A key without a private part whose method asks the token. */
static EVP_PKEY *
derive_key_new(const struct hsm_key *k)
{
	const EC_KEY *pub = EVP_PKEY_get0_EC_KEY(k->pub);
	AUTO(EVP_PKEY) *key = EVP_PKEY_new();
	EC_KEY *ec = EC_KEY_new_by_curve_name(NID_X9_62_prime256v1);

	if (key == NULL || ec == NULL || pub == NULL ||
	    EC_KEY_set_public_key(ec, EC_KEY_get0_public_key(pub)) != 1 ||
	    EC_KEY_set_method(ec, k->method) != 1 ||
	    EVP_PKEY_assign_EC_KEY(key, ec) != 1) {
		EC_KEY_free(ec);
		return NULL;
	}
	return TAKE(key);
}

static bool
derive_key_is(EVP_PKEY *key, struct derive_job *j)
{
	EC_KEY *ec = (EC_KEY *)(uintptr_t)EVP_PKEY_get0_EC_KEY(key);

	return EC_KEY_set_ex_data(ec, 0, j) == 1;
}

/* One that is this job's until it is given back. Setting one up costs a tenth
 * of an opening, so they are kept. */
static EVP_PKEY *
derive_key_take(struct derive_job *j)
{
	struct hsm_key *k = j->key;
	EVP_PKEY *key = NULL;

	pthread_mutex_lock(&k->lock);
	if (k->method == NULL) {
		k->method = EC_KEY_METHOD_new(EC_KEY_OpenSSL());
		if (k->method != NULL)
			EC_KEY_METHOD_set_compute_key(k->method,
			    derive_compute);
	}
	if (k->n_derivers > 0)
		key = k->derivers[--k->n_derivers];
	pthread_mutex_unlock(&k->lock);
	if (key == NULL && k->method != NULL)
		key = derive_key_new(k);
	if (key != NULL && derive_key_is(key, j))
		return key;
	EVP_PKEY_free(key);
	return NULL;
}

static void
derive_key_give(struct hsm_key *k, EVP_PKEY *key)
{
	if (key != NULL && derive_key_is(key, NULL)) {
		pthread_mutex_lock(&k->lock);
		if (k->n_derivers < HSM_POOL_MAX)
			k->derivers[k->n_derivers++] = TAKE(key);
		pthread_mutex_unlock(&k->lock);
	}
	EVP_PKEY_free(key);
}

void
derive_fini(struct hsm_key *k)
{
	size_t i;

	for (i = 0; i < k->n_derivers; i++)
		EVP_PKEY_free(k->derivers[i]);
	/* Unlike the others it does not take NULL. */
	if (k->method != NULL)
		EC_KEY_METHOD_free(k->method);
}

/* Exactly one recipient: with more of them it could not be said which of them
 * costs an operation. NULL: another form. */
static CMS_RecipientInfo *
derive_recipient(CMS_ContentInfo *cms, CMS_RecipientEncryptedKey **rek_out)
{
	STACK_OF(CMS_RecipientInfo) *all = CMS_get0_RecipientInfos(cms);
	STACK_OF(CMS_RecipientEncryptedKey) *reks;
	CMS_RecipientInfo *ri;

	if (all == NULL || sk_CMS_RecipientInfo_num(all) != 1)
		return NULL;
	ri = sk_CMS_RecipientInfo_value(all, 0);
	if (CMS_RecipientInfo_type(ri) != CMS_RECIPINFO_AGREE)
		return NULL;
	reks = CMS_RecipientInfo_kari_get0_reks(ri);
	if (reks == NULL || sk_CMS_RecipientEncryptedKey_num(reks) != 1)
		return NULL;
	*rek_out = sk_CMS_RecipientEncryptedKey_value(reks, 0);
	return ri;
}

static int
derive_read(CMS_ContentInfo *cms, struct buf *out)
{
	ASN1_OCTET_STRING **sealed = CMS_get0_content(cms);
	AUTO(BIO) *bio = NULL;
	size_t got = 0;
	int n = 0, ret;

	if (sealed == NULL || *sealed == NULL)
		return CAMCA_EPOLICY;
	/* Room for all of it before, so that nothing is moved about. */
	n = ASN1_STRING_length(*sealed);
	if (n > DERIVE_OPEN_MAX)
		return CAMCA_ELIMIT;
	if ((ret = buf_reserve(out, (size_t)n + DERIVE_BLOCK)) < 0)
		return ret;
	bio = CMS_dataInit(cms, NULL);
	while (bio != NULL && got < (size_t)n + DERIVE_BLOCK &&
	    (ret = BIO_read(bio, out->data + out->len + got,
	    n + DERIVE_BLOCK - (int)got)) > 0)
		got += (size_t)ret;
	/* Only now the tag has been looked at. */
	if (bio == NULL || got > (size_t)n || BIO_get_cipher_status(bio) <= 0) {
		OPENSSL_cleanse(out->data + out->len, got);
		return CAMCA_EPOLICY;
	}
	out->len += got;
	out->data[out->len] = '\0';
	return CAMCA_OK;
}

static int
derive_cms(struct derive_job *j, EVP_PKEY *key, CMS_ContentInfo *cms,
    struct buf *out)
{
	CMS_RecipientEncryptedKey *rek = NULL;
	CMS_RecipientInfo *ri = derive_recipient(cms, &rek);
	bool open;

	/* Whatever its name says, it takes a reference of its own. */
	if (ri == NULL || CMS_RecipientInfo_kari_set0_pkey(ri, key) != 1)
		return CAMCA_EPOLICY;
	open = CMS_RecipientInfo_kari_decrypt(cms, ri, rek) == 1;
	/* The message must not hold on to a key whose job ends here. */
	if (CMS_RecipientInfo_kari_set0_pkey(ri, NULL) != 1 || !open)
		return j->err < 0 ? j->err : CAMCA_EPOLICY;
	return derive_read(cms, out);
}

int
hsm_cms_open(struct hsm_key *k, CMS_ContentInfo *cms, struct buf *out,
    struct refusal *why)
{
	struct derive_job j = { .key = k, .why = why };
	EVP_PKEY *key;
	int ret = CAMCA_ENOMEM;

	if (!k->derives)
		return refuse(why, CAMCA_EPOLICY, 503, "hsm.key-use",
		    "A key that signs opens nothing.");
	ERR_clear_error();
	key = derive_key_take(&j);
	if (key != NULL)
		ret = derive_cms(&j, key, cms, out);
	if (ret == CAMCA_EPOLICY)
		ret = ossl_failed(ret);
	derive_key_give(k, key);
	ERR_clear_error();
	if (ret == CAMCA_EPOLICY)
		refuse(why, ret, 503, "hsm.cms", "It was sealed to another "
		    "key, or changed since.");
	if (ret < 0)
		buf_cleanse(out);
	return refuse_default(why, ret);
}
