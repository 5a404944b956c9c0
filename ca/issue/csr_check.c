/* SPDX-License-Identifier: Apache-2.0 */
#include <openssl/core_names.h>
#include <openssl/err.h>
#include <openssl/objects.h>
#include <stdlib.h>
#include <string.h>

#include "ca/base/auto.h"
#include "ca/issue/csr.h"

#define NAMES_MAX 256         /* more than any list that gets here */

/* ---- the key ---- */

static int
csr_check_modulus(const BIGNUM *n, const BIGNUM *e, struct refusal *why)
{
	unsigned factor;

	/* FIPS 186-5 A.1.1: 2^16 < e < 2^256, odd. */
	if (!BN_is_odd(e) || BN_num_bits(e) < 17)
		return refuse(why, CAMCA_EPOLICY, 400, "csr.key-exponent",
		    "The RSA exponent is not an odd number of at least "
		    "65537.");
	factor = keycheck_small_factor(n);
	if (factor != 0)
		return refuse(why, CAMCA_EPOLICY, 400, "csr.key-modulus",
		    "The RSA modulus is divisible by %u.", factor);
	if (keycheck_roca(n))
		return refuse(why, CAMCA_EPOLICY, 400, "csr.key-roca",
		    "The RSA key was made by the faulty library of "
		    "CVE-2017-15361 (ROCA): its private key can be computed.");
	return CAMCA_OK;
}

/* Sizes are the profile's, the rest holds for all. */
static int
csr_check_rsa(const struct csr *c, const struct profile *p,
    struct refusal *why)
{
	BIGNUM *n = NULL, *e = NULL;
	int ret;

	if (c->key_bits < p->rsa_min_bits)
		return refuse(why, CAMCA_EPOLICY, 400, "csr.key-too-small",
		    "The RSA key has %d bits; profile %s needs %lld.",
		    c->key_bits, p->name, (long long)p->rsa_min_bits);
	if (c->key_bits > p->rsa_max_bits)
		return refuse(why, CAMCA_EPOLICY, 400, "csr.key-too-large",
		    "The RSA key has %d bits; profile %s takes %lld.",
		    c->key_bits, p->name, (long long)p->rsa_max_bits);
	if (!EVP_PKEY_get_bn_param(c->key, OSSL_PKEY_PARAM_RSA_N, &n) ||
	    !EVP_PKEY_get_bn_param(c->key, OSSL_PKEY_PARAM_RSA_E, &e))
		ret = CAMCA_ECRYPTO;
	else
		ret = csr_check_modulus(n, e, why);
	BN_free(n);
	BN_free(e);
	ERR_clear_error();
	return ret;
}

int
csr_check_key(const struct csr *c, const struct keycheck *keys,
    const struct profile *p, struct refusal *why)
{
	static const char *const names[PROFILE_KEYS] = { "EC P-256",
		"EC P-384", "EC P-521", "Ed25519", "RSA" };
	int ret = CAMCA_OK;

	if ((p->keys & 1u << c->key_kind) == 0)
		return refuse(why, CAMCA_EPOLICY, 400, "csr.key-type",
		    "Profile %s takes no %s keys.", p->name,
		    names[c->key_kind]);
	if (c->key_kind == KEY_RSA)
		ret = csr_check_rsa(c, p, why);
	if (ret == CAMCA_OK && keycheck_is_weak(keys, c->spki))
		ret = refuse(why, CAMCA_EPOLICY, 400, "csr.key-weak",
		    "The key is on the list of known weak keys: others have "
		    "its private key.");
	return ret;
}

/* ---- names ---- */

/* UTF8String and PrintableString of the same characters: which of the two a
 * client writes is its library's habit (Go and strongSwan the latter). Case and
 * spaces are not folded, as RFC 5280 7.1 would: RFC 7030 4.2.2 says
 * "identical". */
static bool
csr_text_equal(const ASN1_STRING *a, const ASN1_STRING *b)
{
	int ta = ASN1_STRING_type(a), tb = ASN1_STRING_type(b);
	int n = ASN1_STRING_length(a);
	bool texts = (ta == V_ASN1_UTF8STRING ||
	    ta == V_ASN1_PRINTABLESTRING) && (tb == V_ASN1_UTF8STRING ||
	    tb == V_ASN1_PRINTABLESTRING);

	return (ta == tb || texts) && n == ASN1_STRING_length(b) &&
	    memcmp(ASN1_STRING_get0_data(a), ASN1_STRING_get0_data(b),
	    (size_t)n) == 0;
}

static bool
csr_name_equal(const X509_NAME *a, const X509_NAME *b)
{
	int i, n = X509_NAME_entry_count(a);
	const X509_NAME_ENTRY *x, *y;

	if (n != X509_NAME_entry_count(b))
		return false;
	for (i = 0; i < n; i++) {
		x = X509_NAME_get_entry(a, i);
		y = X509_NAME_get_entry(b, i);
		/* The set says which entries share a RelativeDistinguishedName. */
		if (X509_NAME_ENTRY_set(x) != X509_NAME_ENTRY_set(y) ||
		    OBJ_cmp(X509_NAME_ENTRY_get_object(x),
		    X509_NAME_ENTRY_get_object(y)) != 0 ||
		    !csr_text_equal(X509_NAME_ENTRY_get_data(x),
		    X509_NAME_ENTRY_get_data(y)))
			return false;
	}
	return true;
}

struct name_der {
	uint8_t *p;
	size_t n;
};

static int
csr_der_compare(const void *a, const void *b)
{
	const struct name_der *x = a, *y = b;
	int c = memcmp(x->p, y->p, x->n < y->n ? x->n : y->n);

	return c != 0 ? c : (x->n > y->n) - (x->n < y->n);
}

static void
csr_names_free(struct name_der *list, int n)
{
	int i;

	for (i = 0; list != NULL && i < n; i++)
		OPENSSL_free(list[i].p);
	free(list);
}

/* Each GeneralName in DER, sorted. */
static int
csr_names_sorted(const GENERAL_NAMES *names, int n, struct name_der **out)
{
	struct name_der *list = calloc((size_t)n, sizeof *list);
	int i, len;

	if (list == NULL)
		return CAMCA_ENOMEM;
	for (i = 0; i < n; i++) {
		len = i2d_GENERAL_NAME(sk_GENERAL_NAME_value(names, i),
		    &list[i].p);
		if (len < 0) {
			csr_names_free(list, n);
			return CAMCA_ENOMEM;
		}
		list[i].n = (size_t)len;
	}
	qsort(list, (size_t)n, sizeof *list, csr_der_compare);
	*out = list;
	return CAMCA_OK;
}

/* The same names in any order; NULL is the same as NULL only. */
static int
csr_san_equal(const GENERAL_NAMES *a, const GENERAL_NAMES *b, bool *same_out)
{
	struct name_der *x = NULL, *y = NULL;
	int i, n, ret;

	*same_out = a == NULL && b == NULL;
	if (a == NULL || b == NULL)
		return CAMCA_OK;
	n = sk_GENERAL_NAME_num(a);
	if (n != sk_GENERAL_NAME_num(b) || n < 1 || n > NAMES_MAX)
		return CAMCA_OK;
	ret = csr_names_sorted(a, n, &x);
	if (ret == CAMCA_OK)
		ret = csr_names_sorted(b, n, &y);
	*same_out = ret == CAMCA_OK;
	for (i = 0; i < n && *same_out; i++)
		*same_out = csr_der_compare(&x[i], &y[i]) == 0;
	csr_names_free(x, n);
	csr_names_free(y, n);
	return ret;
}

int
csr_same_identity(const struct csr *c, X509 *cert, struct refusal *why)
{
	AUTO(GENERAL_NAMES) *san = NULL;
	int crit = -1, ret;
	bool same;

	if (!csr_name_equal(c->subject, X509_get_subject_name(cert)))
		return refuse(why, CAMCA_EPOLICY, 403,
		    "reenroll.subject-differs", "The subject of the request "
		    "is not that of the current certificate (RFC 7030 "
		    "4.2.2).");
	san = X509_get_ext_d2i(cert, NID_subject_alt_name, &crit, NULL);
	ERR_clear_error();
	/* -1: the certificate has none. Anything else without a value is a
	 * SAN that cannot be read, and so equal to nothing. */
	if (san == NULL && crit != -1)
		same = false, ret = CAMCA_OK;
	else
		ret = csr_san_equal(c->san, san, &same);
	if (ret == CAMCA_OK && !same)
		ret = refuse(why, CAMCA_EPOLICY, 403, "reenroll.san-differs",
		    "The subjectAltName of the request is not that of the "
		    "current certificate (RFC 7030 4.2.2).");
	return ret;
}

/* ---- wishes ---- */

/* A list of what is good enough, not of what is broken. */
static int
csr_check_digest(const struct csr *c, struct refusal *why)
{
	switch (c->digest_nid) {
	case NID_undef:                  /* Ed25519 has its own */
	case NID_sha256:
	case NID_sha384:
	case NID_sha512:
	case NID_sha3_256:
	case NID_sha3_384:
	case NID_sha3_512:
		return CAMCA_OK;
	default:
		return refuse(why, CAMCA_EINVAL, 400, "csr.signature-digest",
		    "The request is signed with %s; SHA-256 or better is "
		    "needed.", OBJ_nid2sn(c->digest_nid));
	}
}

static bool
csr_profile_has_eku(const struct profile *p, const ASN1_OBJECT *o)
{
	int i, nid = OBJ_obj2nid(o);

	for (i = 0; nid != NID_undef && p->eku_nids[i] != 0; i++)
		if (p->eku_nids[i] == nid)
			return true;
	return false;
}

/* A request for more power is refused, not cut down: whoever sends one is
 * mistaken or attacks, and either should be seen. */
static int
csr_check_usages(const struct csr *c, const struct profile *p,
    struct refusal *why)
{
	int i;

	if (c->asks_ca)
		return refuse(why, CAMCA_EPOLICY, 403, "csr.asks-ca",
		    "The request asks for a CA certificate.");
	if ((c->key_usage & ~p->key_usage) != 0)
		return refuse(why, CAMCA_EPOLICY, 403, "csr.asks-key-usage",
		    "The request asks for a key usage that profile %s does "
		    "not have.", p->name);
	for (i = 0; i < sk_ASN1_OBJECT_num(c->eku); i++)
		if (!csr_profile_has_eku(p, sk_ASN1_OBJECT_value(c->eku, i)))
			return refuse(why, CAMCA_EPOLICY, 403, "csr.asks-eku",
			    "The request asks for an extended key usage that "
			    "profile %s does not have.", p->name);
	return CAMCA_OK;
}

static int
csr_check_names(const X509_NAME *subject, const GENERAL_NAMES *san,
    const X509_NAME *expect_subject, const GENERAL_NAMES *expect_san,
    struct refusal *why)
{
	bool same;
	int ret;

	if (!csr_name_equal(subject, expect_subject))
		return refuse(why, CAMCA_EPOLICY, 403, "csr.subject-differs",
		    "The subject asked for is not the one that this device "
		    "gets.");
	ret = csr_san_equal(san, expect_san, &same);
	if (ret == CAMCA_OK && !same)
		ret = refuse(why, CAMCA_EPOLICY, 403, "csr.san-differs",
		    "The subjectAltName asked for is not the one that this "
		    "device gets.");
	return ret;
}

/* Names come from the inventory. A client that asks for a change must mean the
 * change that the inventory has already made, or it would be given names that
 * it does not expect. */
static int
csr_check_change(const struct csr *c, const struct profile *p,
    const X509_NAME *expect_subject, const GENERAL_NAMES *expect_san,
    struct refusal *why)
{
	AUTO(X509_NAME) *empty = X509_NAME_new();

	if (!p->change_subject)
		return refuse(why, CAMCA_EPOLICY, 403, "csr.change-subject",
		    "Profile %s does not let a request change its names (RFC "
		    "6402 2.8).", p->name);
	if (empty == NULL)
		return CAMCA_ENOMEM;
	return csr_check_names(c->new_subject != NULL ? c->new_subject : empty,
	    c->new_san, expect_subject, expect_san, why);
}

int
csr_check_wishes(const struct csr *c, const struct profile *p,
    const X509_NAME *expect_subject, const GENERAL_NAMES *expect_san,
    struct refusal *why)
{
	int ret;

	ret = csr_check_digest(c, why);
	if (ret == CAMCA_OK)
		ret = csr_check_usages(c, p, why);
	if (ret < 0)
		return ret;
	if (c->change_subject)
		return csr_check_change(c, p, expect_subject, expect_san, why);
	if (p->csr_subject_must_match)
		return csr_check_names(c->subject, c->san, expect_subject,
		    expect_san, why);
	return CAMCA_OK;
}
