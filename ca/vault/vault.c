/* SPDX-License-Identifier: Apache-2.0 */
/* The vault's key, and what is sealed to it. */
#include "ca/vault/vault.h"

#include <openssl/cms.h>
#include <openssl/crypto.h>
#include <openssl/err.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "ca/base/auto.h"
#include "ca/base/enc.h"
#include "ca/base/log.h"
#include "ca/base/ossl.h"
#include "ca/vault/seal.h"
#include "ca/vault/vault_int.h"

#define VAULT_META_URI "vault.key"
#define VAULT_META_PUB "vault.pub"
#define VAULT_LABEL "camca-vault"
#define VAULT_URI_MAX 512
#define VAULT_PUB_MAX 512

/* What is sealed: a line each, and zeros up to a multiple of VAULT_PAD, so that
 * its length tells nothing of the password's. No text has controls. */
#define VAULT_MAGIC "camca-vault/v1"
#define VAULT_PAD 320
#define VAULT_CLEAR_MAX (2 * VAULT_PAD)
#define VAULT_LINES 5

AUTO_DEFINE(CMS_ContentInfo, CMS_ContentInfo_free)

void
secret_text_wipe(struct secret_text *s)
{
	OPENSSL_cleanse(s, sizeof *s);
}

int
vault_new(struct vault **out, const struct vault_conf *conf)
{
	struct vault *v = calloc(1, sizeof *v);

	if (v == NULL)
		return CAMCA_ENOMEM;
	v->conf = *conf;
	pthread_mutex_init(&v->lock, NULL);
	*out = v;
	return CAMCA_OK;
}

void
vault_free(struct vault *v)
{
	if (v == NULL)
		return;
	hsm_key_free(v->key);
	X509_free(v->cert);
	pthread_mutex_destroy(&v->lock);
	free(v);
}

/* ---- the key ---- */

struct vault_key {
	struct vault *v;
	char uri[VAULT_URI_MAX];         /* "" none yet */
	char pub[VAULT_PUB_MAX];         /* base64 of its SPKI */
	uint8_t spki[STORE_HASH_LEN];
};

static int
vault_key_get_tx(struct tx *tx, void *arg)
{
	struct vault_key *k = arg;
	int ret = store_meta_get(tx, VAULT_META_URI, k->uri, sizeof k->uri);

	if (ret == CAMCA_ENOENT) {
		k->uri[0] = '\0';
		return CAMCA_OK;
	}
	return ret < 0 ? ret : store_meta_get(tx, VAULT_META_PUB, k->pub,
	    sizeof k->pub);
}

/* The first one that is stored is the vault's. */
static int
vault_key_put_tx(struct tx *tx, void *arg)
{
	struct vault_key *k = arg;
	char had[VAULT_URI_MAX];
	struct event e;
	int ret = store_meta_get(tx, VAULT_META_URI, had, sizeof had);

	if (ret != CAMCA_ENOENT)
		return ret < 0 ? ret : CAMCA_ECONFLICT;
	if ((ret = store_meta_set(tx, VAULT_META_URI, k->uri)) < 0 ||
	    (ret = store_meta_set(tx, VAULT_META_PUB, k->pub)) < 0)
		return ret;
	event_init(&e, k->v->conf.src, "vault.key", NULL, "camcad");
	event_add_hex(&e, "spki", k->spki, sizeof k->spki);
	return event_put(tx, &e);
}

/* base64 and hash of the public key. */
static int
vault_key_name(EVP_PKEY *pub, struct vault_key *k)
{
	unsigned char *der = NULL;
	int n = i2d_PUBKEY(pub, &der);
	struct buf b;
	int ret = CAMCA_ECRYPTO;

	buf_init(&b, sizeof k->pub - 1);
	if (n > 0 && EVP_Digest(der, (size_t)n, k->spki, NULL, EVP_sha256(),
	    NULL) == 1)
		ret = enc_base64(&b, der, (size_t)n, 0);
	if (ret == CAMCA_OK)
		memcpy(k->pub, b.data, b.len + 1);
	OPENSSL_free(der);
	buf_fini(&b);
	ERR_clear_error();
	return ret;
}

static int
vault_key_make(struct vault *v, struct vault_key *k, struct refusal *why)
{
	struct hsm_key *key = NULL;
	AUTO(EVP_PKEY) *pub = NULL;
	char *uri = NULL;
	int ret = hsm_generate_derive(v->conf.hsm, VAULT_LABEL, &uri, why);

	if (ret == CAMCA_OK && strlen(uri) >= sizeof k->uri)
		ret = CAMCA_ELIMIT;
	if (ret == CAMCA_OK)
		ret = hsm_key_open_derive(v->conf.hsm, uri, &key, why);
	if (ret == CAMCA_OK) {
		memcpy(k->uri, uri, strlen(uri) + 1);
		pub = hsm_key_public(key);
		ret = pub == NULL ? CAMCA_ECRYPTO : vault_key_name(pub, k);
	}
	if (ret == CAMCA_OK) {
		/* SoftHSM leaves new key files to the page cache: nothing may
		 * be sealed to a key that a power cut could take. */
		sync();
		ret = store_tx(v->conf.store, DB_WRITE, vault_key_put_tx, k);
	}
	if (ret == CAMCA_OK)
		log_msg(LOG_NOTE, "vault", "the vault has its key");
	hsm_key_free(key);
	free(uri);
	/* Another one was faster: that is the vault's. */
	return ret == CAMCA_ECONFLICT ? CAMCA_OK : ret;
}

/* The key of this URI must be the one that was there when something was sealed
 * to it: an empty token with the same labels is none. */
static int
vault_key_open(struct vault *v, struct vault_key *k, struct refusal *why)
{
	struct vault_key now = { 0 };
	struct refusal hsm_why = { 0 };
	AUTO(EVP_PKEY) *pub = NULL;
	struct hsm_key *key = NULL;
	X509 *cert = NULL;
	int ret = hsm_key_open_derive(v->conf.hsm, k->uri, &key, &hsm_why);

	if (ret == CAMCA_ENOENT ||
	    strcmp(hsm_why.code, "hsm.key-public") == 0) {
		return refuse(why, CAMCA_EHSM, 503, "vault.key-lost",
		    "The token does not hold the vault's key: no stored "
		    "password can be opened. Restore the token.");
	}
	if (ret < 0) {
		if (why != NULL)
			*why = hsm_why;
		return ret;
	}
	pub = hsm_key_public(key);
	ret = pub == NULL ? CAMCA_ECRYPTO : vault_key_name(pub, &now);
	if (ret == CAMCA_OK && strcmp(now.pub, k->pub) != 0)
		ret = refuse(why, CAMCA_EHSM, 503, "vault.key-lost",
		    "The token holds another key in place of the vault's: no "
		    "stored password can be opened. Restore the token.");
	if (ret == CAMCA_OK)
		ret = seal_cert(pub, &cert);
	if (ret < 0) {
		hsm_key_free(key);
		return ret;
	}
	v->cert = cert;
	__atomic_store_n(&v->key, key, __ATOMIC_RELEASE);
	return CAMCA_OK;
}

static int
vault_key_take(struct vault *v, struct refusal *why)
{
	struct vault_key k = { .v = v };
	int ret = store_tx(v->conf.store, DB_READ, vault_key_get_tx, &k);

	if (ret == CAMCA_OK && k.uri[0] == '\0') {
		ret = vault_key_make(v, &k, why);
		if (ret == CAMCA_OK)
			ret = store_tx(v->conf.store, DB_READ,
			    vault_key_get_tx, &k);
	}
	return ret < 0 ? ret : vault_key_open(v, &k, why);
}

int
vault_ready(struct vault *v, struct refusal *why)
{
	int ret = CAMCA_OK;

	if (v == NULL)
		return refuse(why, CAMCA_EHSM, 503, "vault.none",
		    "There is no vault.");
	if (__atomic_load_n(&v->key, __ATOMIC_ACQUIRE) != NULL)
		return CAMCA_OK;
	pthread_mutex_lock(&v->lock);
	if (v->key == NULL)
		ret = vault_key_take(v, why);
	pthread_mutex_unlock(&v->lock);
	return refuse_default(why, ret);
}

/* As vault_ready, but a key that is not there stays so: whoever looks changes
 * nothing. */
static int
vault_look(struct vault *v, struct refusal *why)
{
	struct vault_key k = { .v = v };
	int ret = CAMCA_OK;

	if (v == NULL)
		return refuse(why, CAMCA_EHSM, 503, "vault.none",
		    "There is no vault.");
	if (__atomic_load_n(&v->key, __ATOMIC_ACQUIRE) != NULL)
		return CAMCA_OK;
	pthread_mutex_lock(&v->lock);
	if (v->key == NULL)
		ret = store_tx(v->conf.store, DB_READ, vault_key_get_tx, &k);
	if (ret == CAMCA_OK && v->key == NULL && k.uri[0] == '\0')
		ret = hsm_can_derive(v->conf.hsm, why) < 0 ? CAMCA_EHSM :
		    refuse(why, CAMCA_EHSM, 503, "vault.no-key", "The vault "
		    "has no key: the HSM could not make it at the start.");
	else if (ret == CAMCA_OK && v->key == NULL)
		ret = vault_key_open(v, &k, why);
	pthread_mutex_unlock(&v->lock);
	return refuse_default(why, ret);
}

/* ---- what is sealed ---- */

static int
vault_clear(const struct vault_sealed *s, const char *password,
    struct buf *out)
{
	char uid[2 * VAULT_UID_LEN + 1];
	size_t pad;
	int ret;

	/* At once all that may be needed: nothing is moved about. */
	if ((ret = buf_reserve(out, VAULT_CLEAR_MAX)) < 0)
		return ret;
	enc_hex(uid, s->uid, VAULT_UID_LEN);
	ret = buf_printf(out, "%s\n%s\n%s\n%s\n%s\n", VAULT_MAGIC, s->device,
	    s->username, uid, password);
	for (pad = 0; ret == CAMCA_OK && out->len % VAULT_PAD != 0; pad++)
		ret = buf_putc(out, '\0');
	return ret;
}

/* Its key is open. */
static int
vault_seal_now(const struct vault *v, const struct vault_sealed *s,
    const char *password, struct store_blob *out, struct refusal *why)
{
	struct buf clear, der;
	int ret;

	buf_init(&clear, VAULT_CLEAR_MAX);
	buf_init(&der, VAULT_SEALED_MAX);
	ret = vault_clear(s, password, &clear);
	if (ret == CAMCA_OK)
		ret = seal_to(v->cert, clear.data, clear.len, &der, why);
	buf_cleanse(&clear);
	if (ret < 0) {
		buf_fini(&der);
		return refuse_default(why, ret);
	}
	out->p = der.data;
	out->n = der.len;
	return CAMCA_OK;
}

int
vault_seal(struct vault *v, const struct vault_sealed *s, const char *password,
    struct store_blob *out, struct refusal *why)
{
	int ret = vault_ready(v, why);

	return ret < 0 ? ret : vault_seal_now(v, s, password, out, why);
}

/* Cuts the clear text into its lines, in place; false where it is not ours. */
static bool
vault_lines(struct buf *b, char *lines[static VAULT_LINES])
{
	char *p = (char *)b->data, *end = (char *)b->data + b->len, *nl;
	size_t i;

	if (b->len == 0 || b->len % VAULT_PAD != 0)
		return false;
	for (i = 0; i < VAULT_LINES; i++) {
		nl = memchr(p, '\n', (size_t)(end - p));
		if (nl == NULL || memchr(p, '\0', (size_t)(nl - p)) != NULL)
			return false;
		*nl = '\0';
		lines[i] = p;
		p = nl + 1;
	}
	for (; p < end; p++)
		if (*p != '\0')
			return false;
	return strcmp(lines[0], VAULT_MAGIC) == 0;
}

static int
vault_take(struct buf *clear, const struct vault_secret *row,
    struct secret_text *out, struct refusal *why)
{
	char *lines[VAULT_LINES], uid[2 * VAULT_UID_LEN + 1];
	size_t n;

	if (!vault_lines(clear, lines) ||
	    (n = strlen(lines[4])) >= sizeof out->text)
		return refuse(why, CAMCA_EPOLICY, 503, "vault.broken",
		    "What is sealed for '%s' of '%s' is no password.",
		    row->username, row->device_id);
	enc_hex(uid, row->uid, VAULT_UID_LEN);
	if (strcmp(lines[1], row->device_id) != 0 ||
	    strcmp(lines[2], row->username) != 0 ||
	    strcmp(lines[3], uid) != 0)
		return refuse(why, CAMCA_EPOLICY, 503, "vault.swapped",
		    "What is stored for '%s' of '%s' was sealed for another "
		    "account: somebody has changed the database.",
		    row->username, row->device_id);
	memcpy(out->text, lines[4], n + 1);
	return CAMCA_OK;
}

/* To this key, and to nobody else: what GCM does not cover. */
static bool
vault_is_ours(CMS_ContentInfo *cms, X509 *cert)
{
	STACK_OF(CMS_RecipientEncryptedKey) *reks;
	STACK_OF(CMS_RecipientInfo) *all;
	CMS_RecipientInfo *ri;

	if (OBJ_obj2nid(CMS_get0_type(cms)) !=
	    NID_id_smime_ct_authEnvelopedData ||
	    OBJ_obj2nid(CMS_get0_eContentType(cms)) != NID_pkcs7_data)
		return false;
	all = CMS_get0_RecipientInfos(cms);
	if (all == NULL || sk_CMS_RecipientInfo_num(all) != 1)
		return false;
	ri = sk_CMS_RecipientInfo_value(all, 0);
	if (CMS_RecipientInfo_type(ri) != CMS_RECIPINFO_AGREE)
		return false;
	reks = CMS_RecipientInfo_kari_get0_reks(ri);
	return reks != NULL && sk_CMS_RecipientEncryptedKey_num(reks) == 1 &&
	    CMS_RecipientEncryptedKey_cert_cmp(
	    sk_CMS_RecipientEncryptedKey_value(reks, 0), cert) == 0;
}

static CMS_ContentInfo *
vault_parse(const struct store_blob *b, X509 *cert)
{
	const unsigned char *p = b->p;
	CMS_ContentInfo *cms;

	if (b->n == 0 || b->n > VAULT_SEALED_MAX)
		return NULL;
	cms = d2i_CMS_ContentInfo(NULL, &p, (long)b->n);
	if (cms != NULL && p == b->p + b->n && vault_is_ours(cms, cert))
		return cms;
	CMS_ContentInfo_free(cms);
	return NULL;
}

static int
vault_open_clear(struct vault *v, const struct vault_secret *row,
    struct buf *clear, struct refusal *why)
{
	AUTO(CMS_ContentInfo) *cms = NULL;

	ERR_clear_error();
	cms = vault_parse(&row->sealed, v->cert);
	return cms == NULL ? ossl_failed(CAMCA_EPOLICY) :
	    hsm_cms_open(v->key, cms, clear, why);
}

/* Its key is open. */
static int
vault_open_now(struct vault *v, const struct vault_secret *row,
    struct secret_text *out, struct refusal *why)
{
	struct buf clear;
	int ret;

	buf_init(&clear, VAULT_SEALED_MAX);
	ret = vault_open_clear(v, row, &clear, why);
	/* OpenSSL does not always tell that it was memory it lacked, and a
	 * password that is said to be broken ends its job. */
	if (ret == CAMCA_EPOLICY)
		ret = vault_open_clear(v, row, &clear, why);
	if (ret == CAMCA_EPOLICY) {
		if (why != NULL)
			memset(why, 0, sizeof *why);
		refuse(why, ret, 503, "vault.broken",
		    "What is stored for '%s' of '%s' was changed, or sealed "
		    "to another key.", row->username, row->device_id);
	} else if (ret == CAMCA_OK) {
		ret = vault_take(&clear, row, out, why);
	}
	buf_cleanse(&clear);
	return ret;
}

int
vault_open(struct vault *v, const struct vault_secret *row,
    struct secret_text *out, struct refusal *why)
{
	int ret;

	memset(out, 0, sizeof *out);
	ret = vault_ready(v, why);
	return ret < 0 ? ret : vault_open_now(v, row, out, why);
}

int
vault_check(struct vault *v, struct refusal *why)
{
	struct vault_secret row = { .device_id = "doctor",
	    .username = "doctor" };
	struct vault_sealed s = { .device = row.device_id,
	    .username = row.username, .uid = row.uid };
	struct secret_text got = { "" };
	int ret = vault_look(v, why);

	if (ret < 0)
		return ret;
	ret = vault_seal_now(v, &s, "doctor", &row.sealed, why);
	if (ret < 0)
		return ret;
	ret = vault_open_now(v, &row, &got, why);
	if (ret == CAMCA_OK && strcmp(got.text, "doctor") != 0)
		ret = refuse_default(why, CAMCA_ECRYPTO);
	secret_text_wipe(&got);
	vault_secret_free(&row);
	return ret;
}
