/* SPDX-License-Identifier: Apache-2.0 */
#include "enroll/ocsp/issuers.h"

#include <openssl/err.h>
#include <openssl/evp.h>
#include <openssl/x509v3.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include "ca/base/buf.h"
#include "ca/base/enc.h"

#define ISSUERS_MAX 4096
#define ISSUERS_CERT_MAX 16384

static void
issuers_free(struct issuers *l)
{
	size_t i;

	for (i = 0; i < l->n; i++)
		X509_free(l->list[i].cert);
	free(l->list);
	free(l);
}

static X509 *
issuers_cert(const char *base64)
{
	const unsigned char *p;
	X509 *cert = NULL;
	struct buf der;

	buf_init(&der, ISSUERS_CERT_MAX);
	if (dec_base64(&der, base64, strlen(base64), 0) == CAMCA_OK &&
	    der.len > 0) {
		p = der.data;
		cert = d2i_X509(NULL, &p, (long)der.len);
		/* Its extensions are read now, before other threads see it. */
		if (cert != NULL && (p != der.data + der.len ||
		    X509_check_purpose(cert, -1, 0) != 1)) {
			X509_free(cert);
			cert = NULL;
		}
	}
	buf_fini(&der);
	ERR_clear_error();
	return cert;
}

static int
issuers_hash(struct issuer *s)
{
	const X509_NAME *name = X509_get_subject_name(s->cert);

	return X509_NAME_digest(name, EVP_sha1(), s->name_sha1, NULL) == 1 &&
	    X509_NAME_digest(name, EVP_sha256(), s->name_sha256, NULL) == 1 &&
	    X509_pubkey_digest(s->cert, EVP_sha1(), s->key_sha1, NULL) == 1 &&
	    X509_pubkey_digest(s->cert, EVP_sha256(), s->key_sha256,
	    NULL) == 1 ? CAMCA_OK : CAMCA_ENOMEM;
}

static int
issuers_parse_one(struct issuer *out, const json_t *o)
{
	json_int_t id = json_integer_value(json_object_get(o, "id"));
	const char *ski = json_string_value(json_object_get(o, "ski"));
	const char *cert = json_string_value(json_object_get(o, "cert"));

	if (id <= 0 || id > (json_int_t)UINT32_MAX || ski == NULL ||
	    cert == NULL || dec_hex(out->ski, sizeof out->ski, ski) < 0 ||
	    (out->cert = issuers_cert(cert)) == NULL)
		return CAMCA_EPROTO;
	out->id = (uint32_t)id;
	return issuers_hash(out);
}

int
issuers_parse(struct issuers **out, const json_t *array, int64_t epoch)
{
	size_t i, n = json_array_size(array);
	struct issuers *l;
	int ret = CAMCA_OK;

	if (!json_is_array(array) || n > ISSUERS_MAX)
		return CAMCA_EPROTO;
	if ((l = calloc(1, sizeof *l)) == NULL)
		return CAMCA_ENOMEM;
	atomic_init(&l->refs, 1);
	l->epoch = epoch;
	l->list = calloc(n + 1, sizeof *l->list);
	if (l->list == NULL)
		ret = CAMCA_ENOMEM;
	for (i = 0; ret == CAMCA_OK && i < n; i++) {
		l->n = i + 1;
		ret = issuers_parse_one(&l->list[i], json_array_get(array, i));
		if (ret == CAMCA_OK && i > 0 &&
		    l->list[i].id <= l->list[i - 1].id)
			ret = CAMCA_EPROTO;
	}
	if (ret < 0) {
		issuers_free(l);
		return ret;
	}
	*out = l;
	return CAMCA_OK;
}

/* One more holder; returns l. Any thread that holds it already. */
static struct issuers *
issuers_ref(struct issuers *l)
{
	atomic_fetch_add(&l->refs, 1);
	return l;
}

void
issuers_put(struct issuers *l)
{
	if (l != NULL && atomic_fetch_sub(&l->refs, 1) == 1)
		issuers_free(l);
}

const struct issuer *
issuers_by_ski(const struct issuers *l, const uint8_t ski[static 20])
{
	size_t i;

	for (i = 0; i < l->n; i++)
		if (memcmp(l->list[i].ski, ski, 20) == 0)
			return &l->list[i];
	return NULL;
}

static bool
issuers_has_hash(const struct issuer *s, size_t hash_len, const uint8_t *name,
    const uint8_t *key)
{
	if (hash_len == sizeof s->name_sha1)
		return memcmp(s->name_sha1, name, hash_len) == 0 &&
		    memcmp(s->key_sha1, key, hash_len) == 0;
	return hash_len == sizeof s->name_sha256 &&
	    memcmp(s->name_sha256, name, hash_len) == 0 &&
	    memcmp(s->key_sha256, key, hash_len) == 0;
}

const struct issuer *
issuers_by_hash(const struct issuers *l, size_t hash_len,
    const uint8_t *name_hash, const uint8_t *key_hash)
{
	size_t i;

	for (i = 0; i < l->n; i++)
		if (issuers_has_hash(&l->list[i], hash_len, name_hash,
		    key_hash))
			return &l->list[i];
	return NULL;
}

void
issuers_box_init(struct issuers_box *b)
{
	pthread_mutex_init(&b->lock, NULL);
	b->list = NULL;
}

void
issuers_box_fini(struct issuers_box *b)
{
	issuers_put(b->list);
	b->list = NULL;
	pthread_mutex_destroy(&b->lock);
}

struct issuers *
issuers_box_get(struct issuers_box *b)
{
	struct issuers *l;

	pthread_mutex_lock(&b->lock);
	l = b->list != NULL ? issuers_ref(b->list) : NULL;
	pthread_mutex_unlock(&b->lock);
	return l;
}

void
issuers_box_set(struct issuers_box *b, struct issuers *l)
{
	struct issuers *old;

	pthread_mutex_lock(&b->lock);
	old = b->list;
	b->list = l;
	pthread_mutex_unlock(&b->lock);
	issuers_put(old);
}
