/* SPDX-License-Identifier: Apache-2.0 */
#include <openssl/ec.h>
#include <openssl/err.h>
#include <openssl/rsa.h>
#include <string.h>

#include "ca/base/auto.h"
#include "ca/base/log.h"
#include "hsm/internal.h"

#define SIGN_HASH_MAX 48      /* SHA-384 */

/* RFC 8017 section 9.2, note 1: DigestInfo of SHA-256 up to the hash. */
static const uint8_t sign_info_sha256[] = {
	0x30, 0x31, 0x30, 0x0d, 0x06, 0x09, 0x60, 0x86, 0x48, 0x01,
	0x65, 0x03, 0x04, 0x02, 0x01, 0x05, 0x00, 0x04, 0x20
};

/* RFC 5758 section 3.2, RFC 4055 section 5, RFC 8410 section 3: only RSA has
 * parameters, NULL. The mechanisms take a hash made here: every token has them;
 * but for Ed25519, which hashes the data twice, with its secret first. */
static const struct sign_alg {
	int nid;
	int param;
	const char *hash;
	size_t hash_len;
	size_t raw_len;              /* of the token's signature */
	CK_MECHANISM_TYPE mech;
} sign_algs[HSM_KEY_TYPES] = {
	[HSM_EC_P256] = { NID_ecdsa_with_SHA256, V_ASN1_UNDEF, "SHA256", 32,
	    64, CKM_ECDSA },
	[HSM_EC_P384] = { NID_ecdsa_with_SHA384, V_ASN1_UNDEF, "SHA384", 48,
	    96, CKM_ECDSA },
	[HSM_RSA_2048] = { NID_sha256WithRSAEncryption, V_ASN1_NULL, "SHA256",
	    32, 256, CKM_RSA_PKCS },
	[HSM_RSA_3072] = { NID_sha256WithRSAEncryption, V_ASN1_NULL, "SHA256",
	    32, 384, CKM_RSA_PKCS },
	[HSM_RSA_4096] = { NID_sha256WithRSAEncryption, V_ASN1_NULL, "SHA256",
	    32, 512, CKM_RSA_PKCS },
	[HSM_ED25519] = { NID_ED25519, V_ASN1_UNDEF, NULL, 0, 64, CKM_EDDSA },
};

struct sign_job {
	struct hsm_key *key;
	const struct sign_alg *alg;
	const void *data;
	size_t data_len;
	uint8_t in[sizeof sign_info_sha256 + SIGN_HASH_MAX];
	size_t in_len;
	const uint8_t *hash;         /* in the tail of in */
	uint8_t raw[HSM_SIG_MAX];
	size_t raw_len;
};

/* hash NULL: it is made here. */
static int
sign_hash(struct sign_job *j, const uint8_t *hash)
{
	size_t lead = j->alg->mech == CKM_RSA_PKCS ?
	    sizeof sign_info_sha256 : 0;
	size_t len = j->alg->hash_len;

	if (j->alg->mech == CKM_EDDSA)
		return hash == NULL ? CAMCA_OK : CAMCA_EINVAL;
	memcpy(j->in, sign_info_sha256, lead);
	j->hash = j->in + lead;
	if (hash != NULL)
		memcpy(j->in + lead, hash, len);
	else if (EVP_Q_digest(NULL, j->alg->hash, NULL, j->data,
	    j->data_len, j->in + lead, &len) != 1 || len != j->alg->hash_len)
		return CAMCA_ECRYPTO;
	j->in_len = lead + len;
	return CAMCA_OK;
}

/* whole: the token gets all the bytes, and not their hash. */
static CK_RV
sign_with(struct hsm *h, CK_SESSION_HANDLE s, CK_OBJECT_HANDLE o,
    struct sign_job *j, CK_MECHANISM_TYPE type, bool whole)
{
	CK_MECHANISM mech = { type, NULL, 0 };
	CK_ULONG len = sizeof j->raw;
	CK_RV rv;

	rv = h->p11->C_SignInit(s, &mech, o);
	if (rv == CKR_OK)
		rv = h->p11->C_Sign(s, whole ?
		    (CK_BYTE *)(uintptr_t)j->data : j->in,
		    whole ? j->data_len : j->in_len, j->raw, &len);
	j->raw_len = len;
	return rv;
}

static CK_RV
sign_rsa_way(struct hsm *h, CK_SESSION_HANDLE s, CK_OBJECT_HANDLE o,
    struct sign_job *j, bool token_hashes)
{
	return sign_with(h, s, o, j, token_hashes ? CKM_SHA256_RSA_PKCS :
	    CKM_RSA_PKCS, token_hashes);
}

/* CKM_RSA_PKCS is what every HSM has, and spares sending it a whole CRL. A TPM
 * can do it only with a key that may decrypt too, and those we do not make: it
 * has to be asked to hash and sign. Which of the two holds is learned from the
 * first signature of a key; later failures are failures. */
static CK_RV
sign_rsa(struct hsm *h, CK_SESSION_HANDLE s, CK_OBJECT_HANDLE o,
    struct sign_job *j)
{
	enum hsm_rsa_way way;
	CK_RV rv, rv2;

	pthread_mutex_lock(&j->key->lock);
	way = j->key->rsa_way;
	pthread_mutex_unlock(&j->key->lock);
	rv = sign_rsa_way(h, s, o, j, way == HSM_RSA_TOKEN_HASHES);
	if (way != HSM_RSA_UNKNOWN)
		return rv;
	way = HSM_RSA_WE_HASH;
	if (rv != CKR_OK) {
		way = HSM_RSA_TOKEN_HASHES;
		rv2 = sign_rsa_way(h, s, o, j, true);
		if (rv2 != CKR_OK)
			return rv;
	}
	pthread_mutex_lock(&j->key->lock);
	j->key->rsa_way = way;
	pthread_mutex_unlock(&j->key->lock);
	return CKR_OK;
}

static CK_RV
sign_call(struct hsm *h, CK_SESSION_HANDLE s, void *arg)
{
	struct sign_job *j = arg;
	CK_OBJECT_HANDLE o;
	CK_RV rv;

	rv = key_handle(h, s, j->key, &o);
	if (rv != CKR_OK)
		return rv;
	if (j->alg->mech == CKM_RSA_PKCS)
		return sign_rsa(h, s, o, j);
	if (j->alg->mech != CKM_EDDSA)
		return sign_with(h, s, o, j, j->alg->mech, false);
	HSM_LEAKS_BEGIN();
	rv = sign_with(h, s, o, j, CKM_EDDSA, true);
	HSM_LEAKS_END();
	return rv;
}

/* PKCS#11 gives r and s side by side; X.509 wants a SEQUENCE (RFC 3279
 * section 2.2.3). *len_io: room, then length. */
static int
sign_to_der(const struct sign_job *j, uint8_t *out, size_t *len_io)
{
	size_t half = j->raw_len / 2;
	ECDSA_SIG *sig = ECDSA_SIG_new();
	BIGNUM *r = BN_bin2bn(j->raw, (int)half, NULL);
	BIGNUM *s = BN_bin2bn(j->raw + half, (int)half, NULL);
	int len, ret = CAMCA_ENOMEM;

	if (sig == NULL || r == NULL || s == NULL ||
	    ECDSA_SIG_set0(sig, r, s) != 1) {
		BN_free(r);
		BN_free(s);
		goto out;
	}
	len = i2d_ECDSA_SIG(sig, NULL);
	ret = len <= 0 ? CAMCA_ECRYPTO : (size_t)len > *len_io ?
	    CAMCA_ELIMIT : CAMCA_OK;
	if (ret == CAMCA_OK)
		*len_io = (size_t)i2d_ECDSA_SIG(sig, &out);
out:
	ECDSA_SIG_free(sig);
	return ret;
}

static int
sign_encode(const struct sign_job *j, uint8_t *out, size_t *len_io)
{
	if (j->alg->mech == CKM_ECDSA)
		return sign_to_der(j, out, len_io);
	if (j->raw_len > *len_io)
		return CAMCA_ELIMIT;
	memcpy(out, j->raw, j->raw_len);
	*len_io = j->raw_len;
	return CAMCA_OK;
}

/* A context to verify with; setting one up costs a third of a verification, so
 * they are kept. */
static EVP_PKEY_CTX *
sign_checker_take(struct hsm_key *k, const struct sign_alg *alg)
{
	const EVP_MD *md = alg->hash_len == 48 ? EVP_sha384() : EVP_sha256();
	EVP_PKEY_CTX *ctx = NULL;

	pthread_mutex_lock(&k->lock);
	if (k->n_checkers > 0)
		ctx = k->checkers[--k->n_checkers];
	pthread_mutex_unlock(&k->lock);
	if (ctx != NULL)
		return ctx;
	ctx = EVP_PKEY_CTX_new(k->pub, NULL);
	if (ctx != NULL && EVP_PKEY_verify_init(ctx) == 1 &&
	    (alg->mech != CKM_RSA_PKCS ||
	    EVP_PKEY_CTX_set_rsa_padding(ctx, RSA_PKCS1_PADDING) == 1) &&
	    EVP_PKEY_CTX_set_signature_md(ctx, md) == 1)
		return ctx;
	EVP_PKEY_CTX_free(ctx);
	return NULL;
}

static void
sign_checker_give(struct hsm_key *k, EVP_PKEY_CTX *ctx)
{
	pthread_mutex_lock(&k->lock);
	if (k->n_checkers < HSM_POOL_MAX)
		k->checkers[k->n_checkers++] = TAKE(ctx);
	pthread_mutex_unlock(&k->lock);
	EVP_PKEY_CTX_free(ctx);
}

static bool
sign_check_ed25519(const struct sign_job *j, const uint8_t *sig, size_t len)
{
	AUTO(EVP_MD_CTX) *ctx = EVP_MD_CTX_new();

	return ctx != NULL && EVP_DigestVerifyInit(ctx, NULL, NULL, NULL,
	    j->key->pub) == 1 &&
	    EVP_DigestVerify(ctx, sig, len, j->data, j->data_len) == 1;
}

/* Nothing leaves that the public key does not accept. One wrong RSA signature
 * made with the Chinese remainder theorem gives the private key away (Boneh,
 * DeMillo, Lipton), faulty ECDSA leaks bits of it too, and a failing token must
 * not fill the field with certificates that no camera accepts. It costs about
 * 0.1 ms with P-256, which is as much as a software token takes to sign. */
static bool
sign_is_good(const struct sign_job *j, const uint8_t *sig, size_t len)
{
	EVP_PKEY_CTX *ctx;
	bool good;

	if (j->alg->mech == CKM_EDDSA)
		return sign_check_ed25519(j, sig, len);
	ctx = sign_checker_take(j->key, j->alg);
	if (ctx == NULL)
		return false;
	good = EVP_PKEY_verify(ctx, sig, len, j->hash, j->alg->hash_len) == 1;
	sign_checker_give(j->key, ctx);
	return good;
}

static int
sign_hashed(struct sign_job *j, uint8_t *out, size_t *len_io,
    struct refusal *why)
{
	int ret;

	ret = session_run(j->key->t, false, "sign", sign_call, j, why);
	/* A key that vanished from its token is a failing HSM, not a missing
	 * object of the caller's. */
	if (ret < 0)
		return ret == CAMCA_EPIN ? ret : CAMCA_EHSM;
	if (j->raw_len != j->alg->raw_len)
		return refuse(why, CAMCA_EHSM, 503, "hsm.signature-length",
		    "The token gave a signature of %zu bytes instead of %zu.",
		    j->raw_len, j->alg->raw_len);
	ret = sign_encode(j, out, len_io);
	if (ret < 0)
		return refuse_default(why, ret);
	if (!sign_is_good(j, out, *len_io)) {
		OPENSSL_cleanse(out, *len_io);
		return refuse(why, CAMCA_EHSM, 503, "hsm.signature-wrong",
		    "The token gave a signature that its public key refuses.");
	}
	return CAMCA_OK;
}

static int
sign_run(struct hsm_key *k, const void *p, size_t n, const uint8_t *hash,
    uint8_t *out, size_t *len_io, struct refusal *why)
{
	struct sign_job j = { .key = k, .alg = &sign_algs[k->type],
	    .data = p, .data_len = n };
	int ret;

	if (k->derives)
		return refuse(why, CAMCA_EPOLICY, 503, "hsm.key-use",
		    "A key that derives signs nothing.");
	ERR_clear_error();
	ret = sign_hash(&j, hash);
	if (ret == CAMCA_OK)
		ret = sign_hashed(&j, out, len_io, why);
	ERR_clear_error();
	return refuse_default(why, ret);
}

int
sign_data(struct hsm_key *k, const void *p, size_t n, uint8_t *out,
    size_t *len_io, struct refusal *why)
{
	return sign_run(k, p, n, NULL, out, len_io, why);
}

int
hsm_sign_hashed(struct hsm_key *k, const void *p, size_t n,
    const uint8_t *hash, uint8_t *out, size_t *len_io)
{
	struct refusal why = { 0 };
	int ret = sign_run(k, p, n, hash, out, len_io, &why);

	/* That a token is lost session.c has logged, once for all callers. */
	if (ret < 0 && session_is_up(k->t))
		log_msg(LOG_ERROR, k->uri.object[0] != '\0' ? k->uri.object :
		    "hsm", "not signed: %s", why.detail);
	return ret;
}

int
hsm_sign_data(struct hsm_key *k, const void *p, size_t n, uint8_t *out,
    size_t *len_io)
{
	return hsm_sign_hashed(k, p, n, NULL, out, len_io);
}

/* Signs der (freed) and puts the signature into the BIT STRING at sig; after a
 * failure that is empty, whatever was in it before. */
static int
sign_into(struct hsm_key *k, uint8_t *der, int der_len, ASN1_BIT_STRING *sig)
{
	uint8_t out[HSM_SIG_MAX];
	size_t len = sizeof out;
	int ret = CAMCA_ECRYPTO;

	if (der_len > 0)
		ret = hsm_sign_data(k, der, (size_t)der_len, out, &len);
	OPENSSL_free(der);
	if (ASN1_STRING_set(sig, out, ret == CAMCA_OK ? (int)len : 0) != 1)
		ret = CAMCA_ENOMEM;
	if (ret < 0) {
		ERR_clear_error();
		return ret;
	}
	/* No unused bits, whatever the last byte ends in (X.690 8.6.2). */
	sig->flags &= ~(ASN1_STRING_FLAG_BITS_LEFT | 0x07L);
	sig->flags |= ASN1_STRING_FLAG_BITS_LEFT;
	return CAMCA_OK;
}

static bool
sign_set_alg(X509_ALGOR *alg, enum hsm_key_type type)
{
	return X509_ALGOR_set0(alg, OBJ_nid2obj(sign_algs[type].nid),
	    sign_algs[type].param, NULL) == 1;
}

int
hsm_key_algorithm(const struct hsm_key *k, X509_ALGOR *out)
{
	return sign_set_alg(out, k->type) ? CAMCA_OK : CAMCA_ENOMEM;
}

const EVP_MD *
hsm_key_md(const struct hsm_key *k)
{
	if (k->type == HSM_ED25519)
		return NULL;
	return k->type == HSM_EC_P384 ? EVP_sha384() : EVP_sha256();
}

/* OpenSSL 3.0 signs only with an EVP_PKEY of its own; a token behind one would
 * need an engine or provider that hides the token's errors. The fields are
 * filled in through its read accessors instead: the objects are the caller's
 * and not const. */
int
hsm_sign_cert(struct hsm_key *k, X509 *cert)
{
	const ASN1_BIT_STRING *sig;
	const X509_ALGOR *outer;
	uint8_t *der = NULL;
	int len;

	/* What names a CA's key is read from the store: were it changed there,
	 * the log's key must not become a CA's. */
	if (k->type == HSM_ED25519 || k->t == &k->h->tokens[HSM_LOG]) {
		log_msg(LOG_ERROR, k->uri.object[0] != '\0' ? k->uri.object :
		    "hsm", "a log key signs no certificate");
		return CAMCA_EPOLICY;
	}
	ERR_clear_error();
	X509_get0_signature(&sig, &outer, cert);
	if (!sign_set_alg((X509_ALGOR *)(uintptr_t)outer, k->type) ||
	    !sign_set_alg((X509_ALGOR *)(uintptr_t)X509_get0_tbs_sigalg(cert),
	    k->type)) {
		ERR_clear_error();
		return CAMCA_ENOMEM;
	}
	len = i2d_re_X509_tbs(cert, &der);
	ERR_clear_error();
	return sign_into(k, der, len, (ASN1_BIT_STRING *)(uintptr_t)sig);
}
