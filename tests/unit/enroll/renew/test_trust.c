/* SPDX-License-Identifier: Apache-2.0 */
#include <stdio.h>

#include "enroll/renew/trust.h"
#include "pki.h"
#include "rmtree.h"

/* Old and new root of one CA, NewWithOld, an issuing CA and its twin. */
static EVP_PKEY *old_key, *new_key, *sub_key, *leaf_key;
static X509 *old_root, *new_root, *new_with_old, *sub, *leaf;

static X509 *
make(const char *cn, EVP_PKEY *key, X509 *issuer, EVP_PKEY *issuer_key,
    const char *basic, int64_t begin_s, int64_t end_s)
{
	struct pki_want w = { .cn = cn, .key = key, .issuer = issuer,
	    .issuer_key = issuer_key, .begin_s = begin_s, .end_s = end_s,
	    .basic = basic };

	return pki_cert(&w);
}

static int
setup(void **state)
{
	(void)state;
	old_key = pki_key();
	new_key = pki_key();
	sub_key = pki_key();
	leaf_key = pki_key();
	old_root = pki_root("Site Root", old_key);
	new_root = pki_root("Site Root", new_key);
	new_with_old = make("Site Root", new_key, old_root, old_key,
	    "critical,CA:TRUE", 0, 3650 * PKI_DAY_S);
	sub = make("Issuing CA", sub_key, old_root, old_key,
	    "critical,CA:TRUE,pathlen:0", 0, 365 * PKI_DAY_S);
	leaf = make("cam", leaf_key, sub, sub_key, NULL, 0, PKI_DAY_S);
	return 0;
}

static int
teardown(void **state)
{
	X509 *certs[] = { old_root, new_root, new_with_old, sub, leaf };
	EVP_PKEY *keys[] = { old_key, new_key, sub_key, leaf_key };

	(void)state;
	for (size_t i = 0; i < 5; i++)
		X509_free(certs[i]);
	for (size_t i = 0; i < 4; i++)
		EVP_PKEY_free(keys[i]);
	return 0;
}

static STACK_OF(X509) *
bag_of(X509 *a, X509 *b, X509 *c)
{
	STACK_OF(X509) *s = sk_X509_new_null();
	X509 *in[] = { a, b, c };

	for (size_t i = 0; i < 3; i++)
		if (in[i] != NULL) {
			X509_up_ref(in[i]);
			sk_X509_push(s, in[i]);
		}
	return s;
}

/* How many roots a client that trusts old_root takes from the three. */
static int
follow_at(X509 *a, X509 *b, X509 *c, int64_t now_ms)
{
	STACK_OF(X509) *anchors = bag_of(old_root, NULL, NULL);
	STACK_OF(X509) *bag = bag_of(a, b, c);
	int n = trust_follow(anchors, bag, now_ms);

	bag_free(anchors);
	bag_free(bag);
	assert_int_equal(ERR_peek_error(), 0);
	return n;
}

static int
follow(X509 *a, X509 *b, X509 *c)
{
	return follow_at(a, b, c, PKI_NOW_MS + 1000);
}

static void
fingerprints(void **state)
{
	static const char hex[] = "00112233445566778899aabbccddeeff"
	    "00112233445566778899AABBCCDDEEFF";
	struct refusal why;
	uint8_t pin[32];
	char text[128];

	(void)state;
	snprintf(text, sizeof text, "sha256:%s", hex);
	assert_int_equal(trust_fingerprint_parse(pin, text, &why), 0);
	assert_int_equal(pin[1], 0x11);
	assert_int_equal(pin[31], 0xff);
	assert_int_equal(trust_fingerprint_parse(pin, hex, &why), 0);
	for (size_t n = 7 + 64; n-- > 0;) {
		text[n] = '\0';
		assert_int_equal(trust_fingerprint_parse(pin, text, &why),
		    CAMCA_EINVAL);
	}
	assert_int_equal(trust_fingerprint_parse(pin, "sha1:00", &why),
	    CAMCA_EINVAL);
	snprintf(text, sizeof text, "sha256:%s00", hex);
	assert_int_equal(trust_fingerprint_parse(pin, text, &why),
	    CAMCA_EINVAL);
}

static void
pinned_root(void **state)
{
	STACK_OF(X509) *anchors = sk_X509_new_null();
	STACK_OF(X509) *bag = bag_of(sub, old_root, new_with_old);
	struct refusal why;
	uint8_t pin[32];
	unsigned n;

	(void)state;
	X509_digest(new_root, EVP_sha256(), pin, &n);
	assert_int_equal(trust_add_pinned(anchors, bag, pin, &why),
	    CAMCA_EAUTH);
	/* An issuing CA or a link certificate cannot be pinned. */
	X509_digest(sub, EVP_sha256(), pin, &n);
	assert_int_equal(trust_add_pinned(anchors, bag, pin, &why),
	    CAMCA_EAUTH);
	X509_digest(new_with_old, EVP_sha256(), pin, &n);
	assert_int_equal(trust_add_pinned(anchors, bag, pin, &why),
	    CAMCA_EAUTH);
	assert_int_equal(sk_X509_num(anchors), 0);
	X509_digest(old_root, EVP_sha256(), pin, &n);
	assert_int_equal(trust_add_pinned(anchors, bag, pin, &why), 0);
	assert_int_equal(sk_X509_num(anchors), 1);
	bag_free(anchors);
	bag_free(bag);
}

static void
rollover_is_followed(void **state)
{
	EVP_PKEY *k3 = pki_key();
	X509 *root3 = pki_root("Site Root", k3);
	X509 *link3 = make("Site Root", k3, new_root, new_key,
	    "critical,CA:TRUE", 0, 365 * PKI_DAY_S);
	STACK_OF(X509) *anchors = bag_of(old_root, NULL, NULL);
	STACK_OF(X509) *bag = bag_of(root3, link3, new_root);

	(void)state;
	assert_int_equal(follow(new_root, new_with_old, NULL), 1);
	assert_int_equal(follow(new_with_old, new_root, old_root), 1);
	/* Two generations at once. */
	X509_up_ref(new_with_old);
	sk_X509_push(bag, new_with_old);
	assert_int_equal(trust_follow(anchors, bag, PKI_NOW_MS + 1000), 2);
	/* And nothing the second time. */
	assert_int_equal(trust_follow(anchors, bag, PKI_NOW_MS + 1000), 0);
	bag_free(anchors);
	bag_free(bag);
	X509_free(root3);
	X509_free(link3);
	EVP_PKEY_free(k3);
}

static void
strangers_are_not(void **state)
{
	X509 *forged = make("Site Root", new_key, old_root, sub_key,
	    "critical,CA:TRUE", 0, PKI_DAY_S);
	X509 *no_ca = make("Site Root", new_key, old_root, old_key,
	    "critical,CA:FALSE", 0, PKI_DAY_S);
	/* The holder of the issuing CA's key publishes a self-signed twin. */
	X509 *twin = make("Issuing CA", sub_key, NULL, sub_key,
	    "critical,CA:TRUE", 0, 9999 * PKI_DAY_S);
	X509 *other = pki_root("Other Root", new_key);

	(void)state;
	assert_int_equal(follow(new_root, NULL, NULL), 0);
	assert_int_equal(follow(new_root, forged, NULL), 0);
	assert_int_equal(follow(new_root, no_ca, NULL), 0);
	assert_int_equal(follow(sub, twin, NULL), 0);
	assert_int_equal(follow(other, new_with_old, NULL), 0);
	/* A link before its time, or after it. */
	assert_int_equal(follow_at(new_root, new_with_old, NULL,
	    PKI_NOW_MS - 1000), 0);
	assert_int_equal(follow_at(new_root, new_with_old, NULL,
	    PKI_NOW_MS + 4000 * PKI_DAY_S * 1000), 0);
	X509_free(forged);
	X509_free(no_ca);
	X509_free(twin);
	X509_free(other);
}

static void
paths(void **state)
{
	STACK_OF(X509) *anchors = bag_of(old_root, NULL, NULL);
	STACK_OF(X509) *helpers = bag_of(sub, NULL, NULL);
	STACK_OF(X509) *none = sk_X509_new_null(), *chain = NULL;
	X509 *lonely = make("cam", leaf_key, NULL, leaf_key, NULL, 0,
	    PKI_DAY_S);
	struct refusal why;
	int64_t now = PKI_NOW_MS + 1000;

	(void)state;
	assert_int_equal(trust_verify(&chain, anchors, helpers, leaf, now,
	    &why), 0);
	assert_int_equal(sk_X509_num(chain), 1);
	assert_int_equal(X509_cmp(sk_X509_value(chain, 0), sub), 0);
	bag_free(chain);
	assert_int_equal(trust_verify(&chain, anchors, none, leaf, now, &why),
	    CAMCA_EAUTH);
	assert_int_equal(trust_verify(&chain, anchors, helpers, leaf,
	    now + 2 * PKI_DAY_S * 1000, &why), CAMCA_EAUTH);
	/* What a server sends along is never an anchor. */
	sk_X509_push(helpers, lonely);
	assert_int_equal(trust_verify(&chain, anchors, helpers, lonely, now,
	    &why), CAMCA_EAUTH);
	assert_string_equal(why.code, "trust.chain");
	bag_free(anchors);
	bag_free(helpers);
	bag_free(none);
}

static void
files(void **state)
{
	STACK_OF(X509) *anchors = sk_X509_new_null();
	char *dir = pki_tmpdir(), path[128];
	struct refusal why;

	(void)state;
	snprintf(path, sizeof path, "%s/t.pem", dir);
	assert_int_equal(trust_add_file(anchors, path, &why), CAMCA_ENOENT);
	pki_write_cert(dir, "t.pem", sub);
	assert_int_equal(trust_add_file(anchors, path, &why), CAMCA_EINVAL);
	assert_int_equal(file_replace(path, "-----BEGIN CERTIFICATE-----\n",
	    28, 0644), 0);
	assert_int_equal(trust_add_file(anchors, path, &why), CAMCA_EINVAL);
	assert_non_null(strstr(why.detail, path));
	pki_write_cert(dir, "t.pem", old_root);
	assert_int_equal(trust_add_file(anchors, path, &why), 0);
	assert_int_equal(trust_add_file(anchors, path, &why), 0);
	assert_int_equal(sk_X509_num(anchors), 1);
	bag_free(anchors);
	rmtree(dir);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(fingerprints),
		cmocka_unit_test(pinned_root),
		cmocka_unit_test(rollover_is_followed),
		cmocka_unit_test(strangers_are_not),
		cmocka_unit_test(paths),
		cmocka_unit_test(files),
	};

	return cmocka_run_group_tests(tests, setup, teardown);
}
