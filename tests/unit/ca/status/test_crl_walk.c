/* SPDX-License-Identifier: Apache-2.0 */
/* The walker over lists that OpenSSL wrote, and over what is left of them when
 * a byte is cut off, turned over or added. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

#include <openssl/x509v3.h>

#include "ca/status/crl_walk.h"

#define NOW_S INT64_C(1795300000)

struct sample {
	uint8_t *p;
	size_t n;
};

static EVP_PKEY *key;

static ASN1_TIME *
at(int64_t s)
{
	return ASN1_TIME_set(NULL, (time_t)s);
}

static void
add_entry(X509_CRL *crl, unsigned long serial, int64_t date, long reason,
    int64_t invalid)
{
	X509_REVOKED *r = X509_REVOKED_new();
	ASN1_INTEGER *n = ASN1_INTEGER_new();
	ASN1_ENUMERATED *e = ASN1_ENUMERATED_new();
	ASN1_GENERALIZEDTIME *t;
	ASN1_TIME *d = at(date);

	ASN1_INTEGER_set_uint64(n, serial);
	X509_REVOKED_set_serialNumber(r, n);
	X509_REVOKED_set_revocationDate(r, d);
	if (reason >= 0) {
		ASN1_ENUMERATED_set(e, reason);
		X509_REVOKED_add1_ext_i2d(r, NID_crl_reason, e, 0, 0);
	}
	if (invalid != 0) {
		t = ASN1_GENERALIZEDTIME_set(NULL, (time_t)invalid);
		X509_REVOKED_add1_ext_i2d(r, NID_invalidity_date, t, 0, 0);
		ASN1_GENERALIZEDTIME_free(t);
	}
	X509_CRL_add0_revoked(crl, r);
	ASN1_INTEGER_free(n);
	ASN1_ENUMERATED_free(e);
	ASN1_TIME_free(d);
}

static X509_CRL *
base(int64_t this, int64_t next)
{
	X509_CRL *crl = X509_CRL_new();
	X509_NAME *name = X509_NAME_new();
	ASN1_TIME *a = at(this), *b = at(next);

	X509_NAME_add_entry_by_txt(name, "CN", MBSTRING_ASC,
	    (const unsigned char *)"CA", -1, -1, 0);
	X509_CRL_set_version(crl, X509_CRL_VERSION_2);
	X509_CRL_set_issuer_name(crl, name);
	X509_CRL_set1_lastUpdate(crl, a);
	X509_CRL_set1_nextUpdate(crl, b);
	X509_NAME_free(name);
	ASN1_TIME_free(a);
	ASN1_TIME_free(b);
	return crl;
}

static void
add_extensions(X509_CRL *crl, int64_t number)
{
	AUTHORITY_KEYID *aki = AUTHORITY_KEYID_new();
	ASN1_INTEGER *n = ASN1_INTEGER_new();
	uint8_t ski[20] = { 1, 2, 3 };

	aki->keyid = ASN1_OCTET_STRING_new();
	ASN1_OCTET_STRING_set(aki->keyid, ski, sizeof ski);
	ASN1_INTEGER_set_int64(n, number);
	X509_CRL_add1_ext_i2d(crl, NID_authority_key_identifier, aki, 0, 0);
	X509_CRL_add1_ext_i2d(crl, NID_crl_number, n, 0, 0);
	AUTHORITY_KEYID_free(aki);
	ASN1_INTEGER_free(n);
}

/* Frees crl. */
static struct sample
finish(X509_CRL *crl)
{
	struct sample s = { NULL, 0 };

	X509_CRL_sort(crl);
	assert_true(X509_CRL_sign(crl, key, EVP_sha256()) > 0);
	s.n = (size_t)i2d_X509_CRL(crl, &s.p);
	X509_CRL_free(crl);
	assert_non_null(s.p);
	return s;
}

static X509_CRL *
three(void)
{
	X509_CRL *crl = base(NOW_S, NOW_S + 3600);

	add_entry(crl, 0x80, NOW_S - 5, 1, NOW_S - 100);
	add_entry(crl, 7, NOW_S, -1, 0);
	add_entry(crl, 0x12345678, NOW_S - 86400, 6, 0);
	return crl;
}

static struct sample
good(void)
{
	X509_CRL *crl = three();

	add_extensions(crl, 77);
	return finish(crl);
}

static int
walk(const struct sample *s, struct crl_view *v)
{
	return crl_walk(v, s->p, s->n, NULL, NULL, NULL);
}

static void
bad(struct sample s, const char *what)
{
	struct refusal why = { 0 };
	struct crl_view v;

	assert_int_equal(crl_walk(&v, s.p, s.n, NULL, NULL, &why),
	    CAMCA_EINVAL);
	assert_string_equal(why.code, "crl.form");
	if (strstr(why.detail, what) == NULL)
		fail_msg("'%s' is not in '%s'", what, why.detail);
	OPENSSL_free(s.p);
}

struct seen {
	int n;
	int64_t date;
	uint64_t hash;
};

static int
see(const struct crl_walk_entry *e, void *arg)
{
	struct seen *s = arg;

	s->n++;
	s->date = e->date_s;
	s->hash += crl_entry_hash(e->der, e->n);
	return s->n == 2 ? 99 : 0;
}

static void
test_good(void **state)
{
	struct sample s = good();
	struct seen seen = { 0 };
	struct crl_view v;

	(void)state;
	assert_int_equal(walk(&s, &v), 0);
	assert_int_equal(v.this_s, NOW_S);
	assert_int_equal(v.next_s, NOW_S + 3600);
	assert_int_equal(v.number, 77);
	assert_int_equal(v.entries, 3);
	assert_int_equal(v.aki[2], 3);
	assert_true(v.tbs > s.p && v.tbs + v.tbs_n < v.sig);
	/* What the function returns ends the walk. */
	assert_int_equal(crl_walk(&v, s.p, s.n, see, &seen, NULL), 99);
	assert_int_equal(seen.n, 2);
	OPENSSL_free(s.p);
}

/* C3: without entries there is no list of them. */
static void
test_empty(void **state)
{
	X509_CRL *crl = base(NOW_S, NOW_S + 1);
	struct sample s;
	struct crl_view v;

	(void)state;
	add_extensions(crl, 0);
	s = finish(crl);
	assert_int_equal(walk(&s, &v), 0);
	assert_int_equal(v.entries, 0);
	assert_int_equal(v.hash, 0);
	OPENSSL_free(s.p);
}

static void
test_cut_at_each_byte(void **state)
{
	struct sample s = good();
	struct crl_view v;
	uint8_t *copy;

	(void)state;
	for (size_t n = 0; n < s.n; n++) {
		copy = malloc(n > 0 ? n : 1);    /* its exact size */
		memcpy(copy, s.p, n);
		assert_int_equal(crl_walk(&v, copy, n, NULL, NULL, NULL),
		    CAMCA_EINVAL);
		free(copy);
	}
	copy = malloc(s.n + 1);
	memcpy(copy, s.p, s.n);
	copy[s.n] = 0;
	assert_int_equal(crl_walk(&v, copy, s.n + 1, NULL, NULL, NULL),
	    CAMCA_EINVAL);
	free(copy);
	OPENSSL_free(s.p);
}

/* A bit that was turned over is refused, or it shows: another signature, issuer,
 * key identifier, number, time, count or sum. */
static void
test_each_bit(void **state)
{
	struct sample s = good();
	struct crl_view a, b;

	(void)state;
	assert_int_equal(walk(&s, &a), 0);
	for (size_t i = 0; i < s.n * 8; i++) {
		s.p[i / 8] ^= (uint8_t)(1u << i % 8);
		/* Inside name, algorithm and signature any byte may stand. */
		if (walk(&s, &b) == 0 &&
		    !(s.p + i / 8 >= a.issuer && s.p + i / 8 < a.issuer +
		    a.issuer_n) && s.p + i / 8 < a.sig)
			assert_true(a.hash != b.hash || a.number != b.number ||
			    a.this_s != b.this_s || a.next_s != b.next_s ||
			    memcmp(a.aki, b.aki, 20) != 0);
		s.p[i / 8] ^= (uint8_t)(1u << i % 8);
	}
	OPENSSL_free(s.p);
}

static void
replace(struct sample *s, const void *from, const void *to, size_t n)
{
	uint8_t *at_p = memmem(s->p, s->n, from, n);

	assert_non_null(at_p);
	memcpy(at_p, to, n);
}

static void
test_forms(void **state)
{
	X509_CRL *crl;
	struct sample s;

	(void)state;
	/* C1, C2, C4 */
	crl = three();
	bad(finish(crl), "no extensions");
	s = good();
	replace(&s, "\x02\x01\x01\x30", "\x02\x01\x02\x30", 4);
	bad(s, "a version");
	crl = base(NOW_S, NOW_S);
	add_extensions(crl, 1);
	bad(finish(crl), "times");
	/* C12: after thisUpdate, or twice */
	crl = base(NOW_S, NOW_S + 9);
	add_entry(crl, 1, NOW_S + 1, -1, 0);
	add_extensions(crl, 1);
	bad(finish(crl), "a revocation after thisUpdate");
	crl = three();
	add_entry(crl, 7, NOW_S, -1, 0);
	add_extensions(crl, 1);
	bad(finish(crl), "serials that do not rise");
	/* C8 */
	for (long reason = 0; reason <= 11; reason++) {
		if (reason != 0 && reason != 7 && reason != 8 && reason != 11)
			continue;
		crl = base(NOW_S, NOW_S + 9);
		add_entry(crl, 1, NOW_S, reason, 0);
		add_extensions(crl, 1);
		bad(finish(crl), "a reason");
	}
	/* another algorithm inside than outside */
	s = good();
	replace(&s, "\x2a\x86\x48\xce\x3d\x04\x03\x02",
	    "\x2a\x86\x48\xce\x3d\x04\x03\x03", 8);
	bad(s, "another algorithm");
}

static void
test_extensions(void **state)
{
	GENERAL_NAMES *names = GENERAL_NAMES_new();
	ISSUING_DIST_POINT *idp = ISSUING_DIST_POINT_new();
	X509_CRL *crl = three();

	(void)state;
	/* An IDP would make it a list of something else. */
	add_extensions(crl, 1);
	idp->onlyuser = 0xff;
	X509_CRL_add1_ext_i2d(crl, NID_issuing_distribution_point, idp, 1, 0);
	bad(finish(crl), "more extensions");
	crl = three();
	add_extensions(crl, -5);
	bad(finish(crl), "a CRL number");
	GENERAL_NAMES_free(names);
	ISSUING_DIST_POINT_free(idp);
}

/* C2: 2050 */
static void
test_years(void **state)
{
	static const int64_t when[] = { 0, 951782399, 951782400, 2524607999,
	    2524608000, INT64_C(4107542399), INT64_C(253402300798) };
	struct crl_view v;
	struct sample s;

	(void)state;
	for (size_t i = 0; i < sizeof when / sizeof when[0]; i++) {
		X509_CRL *crl = base(when[i], when[i] + 1);

		add_entry(crl, 1, when[i], -1, 0);
		add_extensions(crl, INT64_MAX);
		s = finish(crl);
		assert_int_equal(walk(&s, &v), 0);
		assert_int_equal(v.this_s, when[i]);
		assert_int_equal(v.next_s, when[i] + 1);
		assert_int_equal(v.number, INT64_MAX);
		OPENSSL_free(s.p);
	}
	/* A date that is none, and one of the wrong type. */
	s = good();
	replace(&s, "261121222640Z", "260229222640Z", 13);
	bad(s, "times");
	s = good();
	replace(&s, "261121222640Z", "261121222640+", 13);
	bad(s, "times");
	s = good();
	replace(&s, "261121222640Z", "261121246040Z", 13);
	bad(s, "times");
}

static void
test_hash_is_a_sum(void **state)
{
	static const uint8_t a[] = "entry a", b[] = "entry b";

	(void)state;
	assert_true(crl_entry_hash(a, 7) != crl_entry_hash(b, 7));
	assert_true(crl_entry_hash(a, 6) != crl_entry_hash(a, 7));
	assert_true(crl_entry_hash(a, 7) == crl_entry_hash(a, 7));
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_good), cmocka_unit_test(test_empty),
		cmocka_unit_test(test_cut_at_each_byte),
		cmocka_unit_test(test_each_bit), cmocka_unit_test(test_forms),
		cmocka_unit_test(test_extensions),
		cmocka_unit_test(test_years),
		cmocka_unit_test(test_hash_is_a_sum),
	};
	int ret;

	key = EVP_EC_gen("P-256");
	ret = cmocka_run_group_tests(tests, NULL, NULL);
	EVP_PKEY_free(key);
	return ret;
}
