/* SPDX-License-Identifier: Apache-2.0 */
#include "enroll/renew/keys.h"

#include <limits.h>
#include <openssl/ec.h>
#include <openssl/err.h>
#include <openssl/objects.h>
#include <openssl/pem.h>
#include <openssl/rsa.h>
#include <string.h>

#include "ca/base/auto.h"

static const struct {
	const char *name;
	int curve_nid;
	int rsa_bits;
	bool fixed;
} keys_types[] = {
	{ "auto", NID_X9_62_prime256v1, 0, false },
	{ "p256", NID_X9_62_prime256v1, 0, true },
	{ "p384", NID_secp384r1, 0, true },
	{ "p521", NID_secp521r1, 0, true },
	{ "rsa2048", NID_undef, 2048, true },
	{ "rsa3072", NID_undef, 3072, true },
	{ "rsa4096", NID_undef, 4096, true },
};

static int
keys_failed(struct refusal *why, int err, const char *what)
{
	char text[160] = "no detail";
	unsigned long e = ERR_peek_last_error();

	if (e != 0)
		ERR_error_string_n(e, text, sizeof text);
	ERR_clear_error();
	return refuse(why, err, 500, "key.failed", "%s: %s.", what, text);
}

int
keys_type_parse(struct keys_type *out, const char *text, struct refusal *why)
{
	size_t i;

	for (i = 0; i < sizeof keys_types / sizeof keys_types[0]; i++) {
		if (strcmp(text, keys_types[i].name) != 0)
			continue;
		out->curve_nid = keys_types[i].curve_nid;
		out->rsa_bits = keys_types[i].rsa_bits;
		out->fixed = keys_types[i].fixed;
		return CAMCA_OK;
	}
	return refuse(why, CAMCA_EINVAL, 400, "key.type",
	    "Key type \"%s\" is none of auto, p256, p384, p521, rsa2048, "
	    "rsa3072, rsa4096.", text);
}

static int
keys_type_ec(struct keys_type *out, int curve_nid, struct refusal *why)
{
	if (curve_nid == NID_undef)
		curve_nid = NID_X9_62_prime256v1;
	if (curve_nid != NID_X9_62_prime256v1 && curve_nid != NID_secp384r1 &&
	    curve_nid != NID_secp521r1)
		return refuse(why, CAMCA_EPOLICY, 502, "key.unknown-curve",
		    "The server asks for a key on a curve that is none of "
		    "P-256, P-384, P-521.");
	out->curve_nid = curve_nid;
	out->rsa_bits = 0;
	return CAMCA_OK;
}

static int
keys_type_rsa(struct keys_type *out, int bits, struct refusal *why)
{
	if (bits == 0)
		bits = 3072;
	/* A downgrade by whoever speaks for the server is not followed. */
	if (bits < 2048 || bits > 8192 || bits % 8 != 0)
		return refuse(why, CAMCA_EPOLICY, 502, "key.rsa-size",
		    "The server asks for an RSA key of %d bits; 2048 to 8192 "
		    "are made.", bits);
	out->curve_nid = NID_undef;
	out->rsa_bits = bits;
	return CAMCA_OK;
}

/* An operator's choice stands: where it does not please the server, the server
 * says so in words, which helps more than a silent change. */
int
keys_type_choose(struct keys_type *out, const struct keys_type *own,
    const struct csrattrs *wish, struct refusal *why)
{
	*out = *own;
	if (own->fixed || wish == NULL || wish->key_nid == NID_undef)
		return CAMCA_OK;
	if (wish->key_nid == NID_X9_62_id_ecPublicKey)
		return keys_type_ec(out, wish->curve_nid, why);
	if (wish->key_nid == NID_rsaEncryption)
		return keys_type_rsa(out, wish->rsa_bits, why);
	return refuse(why, CAMCA_EPOLICY, 502, "key.unknown-type",
	    "The server asks for a key that is neither EC nor RSA.");
}

/* A pending key of a kind that is no longer wanted must not be asked with. */
bool
keys_fits(EVP_PKEY *key, const struct keys_type *type)
{
	char group[64] = "";
	size_t n = 0;

	if (type->curve_nid == NID_undef)
		return EVP_PKEY_get_base_id(key) == EVP_PKEY_RSA &&
		    EVP_PKEY_get_bits(key) == type->rsa_bits;
	if (EVP_PKEY_get_base_id(key) != EVP_PKEY_EC ||
	    EVP_PKEY_get_group_name(key, group, sizeof group, &n) != 1) {
		ERR_clear_error();
		return false;
	}
	return OBJ_sn2nid(group) == type->curve_nid;
}

int
keys_generate(EVP_PKEY **out, const struct keys_type *type,
    struct refusal *why)
{
	EVP_PKEY *key;

	if (type->curve_nid == NID_undef)
		key = EVP_RSA_gen((unsigned)type->rsa_bits);
	else
		key = EVP_EC_gen(OBJ_nid2sn(type->curve_nid));
	if (key == NULL)
		return keys_failed(why, CAMCA_ECRYPTO, "No key could be made");
	*out = key;
	return CAMCA_OK;
}

int
keys_to_pem(struct buf *out, EVP_PKEY *key)
{
	/* Secure memory where the machine gives it; else ordinary. */
	AUTO(BIO) *bio = BIO_new(BIO_s_secmem());
	char *data;
	long n;
	int ret;

	if (bio == NULL || PEM_write_bio_PKCS8PrivateKey(bio, key, NULL, NULL,
	    0, NULL, NULL) != 1) {
		ERR_clear_error();
		return CAMCA_ECRYPTO;
	}
	n = BIO_get_mem_data(bio, &data);
	ret = n > 0 ? buf_put(out, data, (size_t)n) : CAMCA_ECRYPTO;
	if (n > 0)
		OPENSSL_cleanse(data, (size_t)n);
	return ret;
}

/* Never asks a person: an encrypted key file is refused. */
static int
keys_no_password(char *out, int n, int rwflag, void *arg)
{
	(void)out;
	(void)n;
	(void)rwflag;
	(void)arg;
	return -1;
}

int
keys_from_pem(EVP_PKEY **out, const struct buf *pem, struct refusal *why)
{
	AUTO(BIO) *bio = NULL;
	EVP_PKEY *key;

	if (pem->len > INT_MAX)
		return CAMCA_ELIMIT;
	bio = BIO_new_mem_buf(buf_str(pem), (int)pem->len);
	if (bio == NULL)
		return CAMCA_ENOMEM;
	key = PEM_read_bio_PrivateKey(bio, NULL, keys_no_password, NULL);
	if (key == NULL)
		return keys_failed(why, CAMCA_EINVAL,
		    "The private key cannot be read");
	*out = key;
	return CAMCA_OK;
}

int
keys_hash(uint8_t out[static 32], EVP_PKEY *key)
{
	unsigned char *der = NULL;
	int n = i2d_PUBKEY(key, &der), ok = 0;

	if (n > 0)
		ok = EVP_Digest(der, (size_t)n, out, NULL, EVP_sha256(), NULL);
	OPENSSL_free(der);
	ERR_clear_error();
	return ok == 1 ? CAMCA_OK : CAMCA_ECRYPTO;
}
