/* SPDX-License-Identifier: Apache-2.0 */
#include "enroll/renew/trust.h"

#include <openssl/err.h>
#include <openssl/x509v3.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>

#include "ca/base/auto.h"
#include "ca/base/enc.h"
#include "ca/base/file.h"
#include "enroll/renew/bag.h"

#define TRUST_FILE_MAX (256u * 1024)

int
trust_fingerprint_parse(uint8_t out[static 32], const char *text,
    struct refusal *why)
{
	const char *s = text;
	char hex[65];
	size_t n = 0;

	if (strncmp(s, "sha256:", 7) == 0)
		s += 7;
	for (; *s != '\0' && n < sizeof hex; s++)
		if (*s != ':')
			hex[n++] = *s;
	if (*s == '\0' && n == 64) {
		hex[n] = '\0';
		if (dec_hex(out, 32, hex) == CAMCA_OK)
			return CAMCA_OK;
	}
	return refuse(why, CAMCA_EINVAL, 400, "trust.fingerprint",
	    "The fingerprint is not \"sha256:\" and 64 hexadecimal digits.");
}

/* A root: CA certificate, self-signed, and the signature is right. */
static bool
trust_is_root(X509 *c)
{
	EVP_PKEY *key = X509_get0_pubkey(c);
	bool ok = key != NULL && X509_check_ca(c) == 1 &&
	    X509_NAME_cmp(X509_get_subject_name(c),
	    X509_get_issuer_name(c)) == 0 && X509_verify(c, key) == 1;

	ERR_clear_error();
	return ok;
}

static bool
trust_has(const STACK_OF(X509) *anchors, const X509 *c)
{
	int i;

	for (i = 0; i < sk_X509_num(anchors); i++)
		if (X509_cmp(sk_X509_value(anchors, i), c) == 0)
			return true;
	return false;
}

static int
trust_add(STACK_OF(X509) *anchors, X509 *c)
{
	if (trust_has(anchors, c))
		return CAMCA_OK;
	if (sk_X509_num(anchors) >= TRUST_ANCHORS_MAX)
		return CAMCA_ELIMIT;
	if (X509_up_ref(c) != 1)
		return CAMCA_ENOMEM;
	if (sk_X509_push(anchors, c) > 0)
		return CAMCA_OK;
	X509_free(c);
	return CAMCA_ENOMEM;
}

static int
trust_add_roots(STACK_OF(X509) *anchors, STACK_OF(X509) *bag,
    const char *path, struct refusal *why)
{
	int i, ret, roots = 0;

	for (i = 0; i < sk_X509_num(bag); i++) {
		if (!trust_is_root(sk_X509_value(bag, i)))
			continue;
		roots++;
		ret = trust_add(anchors, sk_X509_value(bag, i));
		if (ret == CAMCA_ELIMIT)
			return refuse(why, ret, 400, "trust.too-many",
			    "More than %d trust anchors.", TRUST_ANCHORS_MAX);
		if (ret < 0)
			return ret;
	}
	if (roots == 0)
		return refuse(why, CAMCA_EINVAL, 400, "trust.no-root",
		    "%s holds no self-signed CA certificate.", path);
	return CAMCA_OK;
}

int
trust_add_file(STACK_OF(X509) *anchors, const char *path, struct refusal *why)
{
	STACK_OF(X509) *bag = NULL;
	struct buf pem;
	int ret;

	buf_init(&pem, 0);
	ret = file_read(path, TRUST_FILE_MAX, &pem);
	if (ret < 0)
		refuse(why, ret, 400, "trust.file", "%s cannot be read: %s.",
		    path, camca_strerror(ret));
	else if ((ret = bag_from_pem(&bag, &pem, why)) == CAMCA_OK)
		ret = trust_add_roots(anchors, bag, path, why);
	else if (ret == CAMCA_EINVAL)
		refuse(why, ret, 400, "trust.file",
		    "%s holds a malformed certificate.", path);
	bag_free(bag);
	buf_fini(&pem);
	return ret;
}

int
trust_add_pinned(STACK_OF(X509) *anchors, STACK_OF(X509) *bag,
    const uint8_t pin[static 32], struct refusal *why)
{
	uint8_t md[32];
	unsigned n = sizeof md;
	X509 *c;
	int i;

	for (i = 0; i < sk_X509_num(bag); i++) {
		c = sk_X509_value(bag, i);
		if (X509_digest(c, EVP_sha256(), md, &n) != 1 || n != 32 ||
		    CRYPTO_memcmp(md, pin, 32) != 0)
			continue;
		if (!trust_is_root(c))
			return refuse(why, CAMCA_EAUTH, 502,
			    "trust.pinned-not-root", "The pinned certificate "
			    "is no self-signed CA certificate.");
		return trust_add(anchors, c);
	}
	return refuse(why, CAMCA_EAUTH, 502, "trust.pin-not-found",
	    "None of the server's %d CA certificates has the pinned "
	    "fingerprint.", sk_X509_num(bag));
}

/* By the cycle's clock, not the machine's: tests set it. */
static bool
trust_valid_at(const X509 *c, int64_t now_ms)
{
	time_t t = (time_t)(now_ms / 1000);

	return X509_cmp_time(X509_get0_notBefore(c), &t) < 0 &&
	    X509_cmp_time(X509_get0_notAfter(c), &t) > 0;
}

/* Is link a NewWithOld of anchor for root? The three share one CA name. That
 * is the point: otherwise whoever holds an issuing CA's key could publish a
 * self-signed twin of that CA and become a root of every camera. */
static bool
trust_links(X509 *link, X509 *anchor, X509 *root, int64_t now_ms)
{
	const X509_NAME *name = X509_get_subject_name(anchor);
	bool ok;

	ok = X509_NAME_cmp(X509_get_subject_name(link), name) == 0 &&
	    X509_NAME_cmp(X509_get_issuer_name(link), name) == 0 &&
	    X509_NAME_cmp(X509_get_subject_name(root), name) == 0 &&
	    X509_check_ca(link) == 1 && trust_valid_at(link, now_ms) &&
	    trust_valid_at(anchor, now_ms) &&
	    EVP_PKEY_eq(X509_get0_pubkey(link), X509_get0_pubkey(root)) == 1 &&
	    X509_verify(link, X509_get0_pubkey(anchor)) == 1;
	ERR_clear_error();
	return ok;
}

/* Any certificate of the bag may be the link, any anchor its issuer. Both are
 * short lists: BAG_CERTS_MAX times TRUST_ANCHORS_MAX signatures at worst. */
static bool
trust_vouched(const STACK_OF(X509) *anchors, const STACK_OF(X509) *bag,
    X509 *root, int64_t now_ms)
{
	int i, k;

	for (i = 0; i < sk_X509_num(bag); i++)
		for (k = 0; k < sk_X509_num(anchors); k++)
			if (trust_links(sk_X509_value(bag, i),
			    sk_X509_value(anchors, k), root, now_ms))
				return true;
	return false;
}

/* Until a round adds nothing: a camera that was in a box for years may have
 * several generations to catch up with, each vouched for by the one before. */
int
trust_follow(STACK_OF(X509) *anchors, STACK_OF(X509) *bag, int64_t now_ms)
{
	int i, ret, before, start = sk_X509_num(anchors);
	X509 *c;

	do {
		before = sk_X509_num(anchors);
		for (i = 0; i < sk_X509_num(bag); i++) {
			c = sk_X509_value(bag, i);
			if (trust_has(anchors, c) || !trust_is_root(c) ||
			    !trust_valid_at(c, now_ms) ||
			    !trust_vouched(anchors, bag, c, now_ms))
				continue;
			if ((ret = trust_add(anchors, c)) < 0)
				return ret;
		}
	} while (sk_X509_num(anchors) > before);
	return sk_X509_num(anchors) - start;
}

int
trust_store(X509_STORE **out, const STACK_OF(X509) *anchors)
{
	AUTO(X509_STORE) *st = X509_STORE_new();
	int i;

	if (st == NULL)
		return CAMCA_ENOMEM;
	for (i = 0; i < sk_X509_num(anchors); i++)
		if (X509_STORE_add_cert(st, sk_X509_value(anchors, i)) != 1)
			return CAMCA_ENOMEM;
	*out = TAKE(st);
	return CAMCA_OK;
}

/* The verified path without its ends. */
static int
trust_between(STACK_OF(X509) **out, const STACK_OF(X509) *path)
{
	STACK_OF(X509) *mid = sk_X509_new_null();
	X509 *c;
	int i;

	for (i = 1; mid != NULL && i < sk_X509_num(path) - 1; i++) {
		c = sk_X509_value(path, i);
		if (X509_up_ref(c) == 1 && sk_X509_push(mid, c) <= 0) {
			X509_free(c);
			bag_free(mid);
			return CAMCA_ENOMEM;
		}
	}
	*out = mid;
	return mid != NULL ? CAMCA_OK : CAMCA_ENOMEM;
}

int
trust_verify(STACK_OF(X509) **chain_out, const STACK_OF(X509) *anchors,
    STACK_OF(X509) *helpers, X509 *leaf, int64_t now_ms,
    struct refusal *why)
{
	AUTO(X509_STORE) *store = NULL;
	AUTO(X509_STORE_CTX) *sc = NULL;
	X509_VERIFY_PARAM *p;
	int ret;

	if ((ret = trust_store(&store, anchors)) < 0)
		return ret;
	sc = X509_STORE_CTX_new();
	if (sc == NULL || X509_STORE_CTX_init(sc, store, leaf, helpers) != 1)
		return CAMCA_ENOMEM;
	p = X509_STORE_CTX_get0_param(sc);
	X509_VERIFY_PARAM_set_time(p, (time_t)(now_ms / 1000));
	if (X509_verify_cert(sc) != 1) {
		ret = X509_STORE_CTX_get_error(sc);
		ERR_clear_error();
		return refuse(why, CAMCA_EAUTH, 502, "trust.chain",
		    "The certificate does not chain to a trust anchor: %s.",
		    X509_verify_cert_error_string(ret));
	}
	ERR_clear_error();
	return trust_between(chain_out, X509_STORE_CTX_get0_chain(sc));
}
