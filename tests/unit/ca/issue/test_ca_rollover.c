/* SPDX-License-Identifier: Apache-2.0 */
/* CA rollover, P1 to P6: what other people's path builders make of our
 * generations. openssl(1), certtool(1) and NSS judge, each with a negative
 * control; a tool that is not installed is left out. */
#include "tests/unit/ca/issue/ca_fixture.h"

#include <openssl/pkcs7.h>
#include <openssl/x509_vfy.h>

/* Everything that the tests look at: two generations, a leaf under each. */
struct roll {
	const struct ca *root, *old, *now;
	X509 *old_leaf, *new_leaf;
};

static struct roll
roll_make(struct fix *f)
{
	struct roll r;

	fix_cas(f);
	r.old_leaf = fix_leaf(f, ca_active(f->set, "ec"), "cam-old", YEAR_MS);
	fix_next(f, "ec", 10 * YEAR_MS);
	r.root = ca_root(f->set);
	r.now = ca_active(f->set, "ec");
	r.old = ca_by_id(f->set, r.now->row.id - 1);
	r.new_leaf = fix_leaf(f, r.now, "cam-new", YEAR_MS);
	fix_pem(f, "root.pem", r.root->cert, NULL);
	fix_pem(f, "old.pem", r.old->cert, NULL);
	fix_pem(f, "new.pem", r.now->cert, NULL);
	fix_pem(f, "own.pem", r.now->old_with_new, NULL);
	fix_pem(f, "nwo.pem", r.now->new_with_old, NULL);
	fix_pem(f, "old-leaf.pem", r.old_leaf, NULL);
	fix_pem(f, "new-leaf.pem", r.new_leaf, NULL);
	return r;
}

static void
roll_fini(struct roll *r)
{
	X509_free(r->old_leaf);
	X509_free(r->new_leaf);
}

/* openssl verify -x509_strict at the test's clock: 0 where it says OK. */
static int
openssl_verify(struct fix *f, const char *trusted, const char *untrusted,
    const char *leaf)
{
	char at[32];

	snprintf(at, sizeof at, "%lld", (long long)(f->now_ms / 1000));
	if (untrusted == NULL)
		return RUN(f, "openssl", "verify", "-x509_strict", "-attime",
		    at, "-purpose", "sslclient", "-partial_chain", "-trusted",
		    trusted, leaf);
	return RUN(f, "openssl", "verify", "-x509_strict", "-attime", at,
	    "-purpose", "sslclient", "-partial_chain", "-trusted", trusted,
	    "-untrusted", untrusted, leaf);
}

static int64_t
first_of(X509 *cert)
{
	int64_t first, last;

	assert_int_equal(cert_times(cert, &first, &last), 0);
	return first;
}

static int64_t
last_of(X509 *cert)
{
	int64_t first, last;

	assert_int_equal(cert_times(cert, &first, &last), 0);
	return last;
}

static void
self_issued(X509 *cert, const struct ca *subject, const struct ca *signer)
{
	assert_int_equal(X509_NAME_cmp(X509_get_subject_name(cert),
	    X509_get_issuer_name(cert)), 0);
	assert_memory_equal(ASN1_STRING_get0_data(
	    X509_get0_subject_key_id(cert)), subject->row.ski, 20);
	assert_memory_equal(ASN1_STRING_get0_data(
	    X509_get0_authority_key_id(cert)), signer->row.ski, 20);
	assert_int_equal(X509_verify(cert, X509_get0_pubkey(signer->cert)), 1);
	assert_int_equal(EVP_PKEY_eq(X509_get0_pubkey(cert),
	    X509_get0_pubkey(subject->cert)), 1);
	assert_int_equal(X509_get_pathlen(cert), 0);
	assert_int_equal(X509_check_ca(cert), 1);
}

static void
test_p1_p2_shape(void **state)
{
	struct fix *f = *state;
	struct roll r;

	f->now_ms = FIX_NOW_MS - 5 * YEAR_MS;
	fix_cas(f);
	f->now_ms = FIX_NOW_MS;
	fix_next(f, "ec", 10 * YEAR_MS);
	r.now = ca_active(f->set, "ec");
	r.old = ca_by_id(f->set, r.now->row.id - 1);
	assert_int_equal(X509_NAME_cmp(X509_get_subject_name(r.now->cert),
	    X509_get_subject_name(r.old->cert)), 0);
	assert_memory_not_equal(r.now->row.ski, r.old->row.ski, 20);
	self_issued(r.now->new_with_old, r.now, r.old);
	self_issued(r.now->old_with_new, r.old, r.now);
	/* NewWithOld lives from the new key to the old certificate's end. */
	assert_int_equal(first_of(r.now->new_with_old), r.now->not_before_ms);
	assert_int_equal(last_of(r.now->new_with_old), r.old->not_after_ms);
	/* OldWithNew covers the old certificate's whole life. */
	assert_int_equal(first_of(r.now->old_with_new), r.old->not_before_ms);
	assert_int_equal(last_of(r.now->old_with_new), r.old->not_after_ms);
	assert_int_equal(r.now->row.generation, 2);
	assert_int_equal(r.old->row.state, ISSUER_OLD);
}

static void
test_p3_openssl(void **state)
{
	struct fix *f = *state;
	struct roll r = roll_make(f);

	/* The plain path first. */
	assert_int_equal(openssl_verify(f, "root.pem", "old.pem",
	    "old-leaf.pem"), 0);
	assert_int_equal(openssl_verify(f, "root.pem", "new.pem",
	    "new-leaf.pem"), 0);
	/* Trust in the new key reaches old leaves, and the other way. */
	assert_int_equal(openssl_verify(f, "new.pem", "own.pem",
	    "old-leaf.pem"), 0);
	assert_int_equal(openssl_verify(f, "old.pem", "nwo.pem",
	    "new-leaf.pem"), 0);
	/* Negative controls: without the rollover certificate, or with the
	 * wrong one, nothing verifies. */
	assert_int_not_equal(openssl_verify(f, "new.pem", NULL,
	    "old-leaf.pem"), 0);
	assert_int_not_equal(openssl_verify(f, "old.pem", NULL,
	    "new-leaf.pem"), 0);
	assert_int_not_equal(openssl_verify(f, "new.pem", "nwo.pem",
	    "old-leaf.pem"), 0);
	assert_int_not_equal(openssl_verify(f, "old.pem", "own.pem",
	    "new-leaf.pem"), 0);
	roll_fini(&r);
}

/* RFC 5280 6.1.4 (l): a self-issued certificate does not count against the
 * pathLen of 0 of the CA that signed it, with the root as the only anchor. */
static void
test_p3_from_the_root(void **state)
{
	struct fix *f = *state;
	struct roll r = roll_make(f);

	fix_pem(f, "via-old.pem", r.old->cert, r.now->new_with_old, NULL);
	fix_pem(f, "via-new.pem", r.now->cert, r.now->old_with_new, NULL);
	assert_int_equal(openssl_verify(f, "root.pem", "via-old.pem",
	    "new-leaf.pem"), 0);
	assert_int_equal(openssl_verify(f, "root.pem", "via-new.pem",
	    "old-leaf.pem"), 0);
	roll_fini(&r);
}

/* certtool knows no clock but the machine's: it runs under faketime. */
static int
gnutls_verify(struct fix *f, const char *trusted, const char *chain)
{
	return RUN(f, "faketime", "2026-11-22 00:00:00", "certtool", "--verify",
	    "--load-ca-certificate", trusted, "--infile", chain);
}

static bool
gnutls_is_here(struct fix *f)
{
	return RUN(f, "faketime", "2026-11-22 00:00:00", "certtool",
	    "--version") == 0;
}

static void
test_p3_gnutls(void **state)
{
	struct fix *f = *state;
	struct roll r = roll_make(f);

	if (!gnutls_is_here(f)) {
		roll_fini(&r);
		skip();
	}
	/* certtool takes leaf and untrusted certificates in one file. */
	fix_pem(f, "c1", r.new_leaf, r.now->cert, NULL);
	fix_pem(f, "c2", r.old_leaf, r.old->cert, NULL);
	fix_pem(f, "c3", r.new_leaf, r.now->cert, r.now->new_with_old, NULL);
	fix_pem(f, "before.pem", r.root->cert, r.old->cert, NULL);
	assert_int_equal(gnutls_verify(f, "root.pem", "c1"), 0);
	assert_int_equal(gnutls_verify(f, "root.pem", "c2"), 0);
	assert_int_equal(gnutls_verify(f, "before.pem", "c3"), 0);
	assert_int_not_equal(gnutls_verify(f, "new.pem", "old-leaf.pem"), 0);
	/* GnuTLS counts self-issued certificates against pathLen, other than
	 * RFC 5280 6.1.4 (l): it gets from one generation to the other by the
	 * root alone. When it learns better, this line will tell. */
	fix_pem(f, "c4", r.new_leaf, r.now->new_with_old, NULL);
	assert_int_not_equal(gnutls_verify(f, "old.pem", "c4"), 0);
	roll_fini(&r);
}

/* A root has no pathLen: its rollover works everywhere. */
static void
test_root_rollover_gnutls(void **state)
{
	struct fix *f = *state;
	X509 *leaf;

	if (!gnutls_is_here(f))
		skip();
	fix_cas(f);
	fix_pem(f, "root1.pem", ca_root(f->set)->cert, NULL);
	fix_next(f, "root", 20 * YEAR_MS);
	fix_ca(f, "two", "root", 10 * YEAR_MS);
	leaf = fix_leaf(f, ca_active(f->set, "two"), "cam-2", YEAR_MS);
	fix_pem(f, "c1", leaf, ca_active(f->set, "two")->cert,
	    ca_root(f->set)->new_with_old, NULL);
	fix_pem(f, "c2", leaf, ca_active(f->set, "two")->cert, NULL);
	assert_int_equal(gnutls_verify(f, "root1.pem", "c1"), 0);
	assert_int_not_equal(gnutls_verify(f, "root1.pem", "c2"), 0);
	X509_free(leaf);
}

static int
nss_add(struct fix *f, const char *name, const char *trust, const char *file)
{
	return RUN(f, "certutil", "-A", "-d", "sql:nss", "-n", name, "-t",
	    trust, "-i", file);
}

static int
nss_verify(struct fix *f, const char *name)
{
	return RUN(f, "certutil", "-V", "-d", "sql:nss", "-n", name, "-u", "C",
	    "-b", "2611220000Z");
}

/* NSS: a database with the root as the only anchor. */
static void
nss_open(struct fix *f)
{
	char dir[256];

	fix_path(f, "nss", dir);
	nftw(dir, fix_remove, 16, FTW_DEPTH | FTW_PHYS);
	assert_int_equal(file_mkdirs(dir, 0700), 0);
	assert_int_equal(RUN(f, "certutil", "-N", "-d", "sql:nss",
	    "--empty-password"), 0);
	assert_int_equal(nss_add(f, "root", "CT,C,C", "root.pem"), 0);
}

static void
test_p3_nss(void **state)
{
	struct fix *f = *state;
	struct roll r = roll_make(f);

	if (RUN(f, "which", "certutil") != 0) {
		roll_fini(&r);
		skip();
	}
	nss_open(f);
	assert_int_equal(nss_add(f, "nl", ",,", "new-leaf.pem"), 0);
	assert_int_not_equal(nss_verify(f, "nl"), 0);
	assert_int_equal(nss_add(f, "new", ",,", "new.pem"), 0);
	assert_int_equal(nss_verify(f, "nl"), 0);
	nss_open(f);
	assert_int_equal(nss_add(f, "nl", ",,", "new-leaf.pem"), 0);
	assert_int_equal(nss_add(f, "old", ",,", "old.pem"), 0);
	assert_int_not_equal(nss_verify(f, "nl"), 0);
	assert_int_equal(nss_add(f, "nwo", ",,", "nwo.pem"), 0);
	assert_int_equal(nss_verify(f, "nl"), 0);
	roll_fini(&r);
}

static void
bag_has(const struct fix *f, X509 *const *want, int n)
{
	struct buf b;
	const unsigned char *p;
	PKCS7 *p7;

	buf_init(&b, 0);
	assert_int_equal(ca_bag(f->set, "ec", f->now_ms, &b), 0);
	p = b.data;
	p7 = d2i_PKCS7(NULL, &p, (long)b.len);
	assert_non_null(p7);
	assert_int_equal(sk_X509_num(p7->d.sign->cert), n);
	for (int i = 0; i < n; i++)
		assert_int_equal(X509_cmp(sk_X509_value(p7->d.sign->cert, i),
		    want[i]), 0);
	PKCS7_free(p7);
	buf_fini(&b);
}

static void
test_p4_bag(void **state)
{
	struct fix *f = *state;
	struct roll r = roll_make(f);
	X509 *overlap[] = { r.now->cert, r.now->new_with_old,
		r.now->old_with_new, r.old->cert, r.root->cert };
	X509 *after[] = { r.now->cert, r.root->cert };

	bag_has(f, overlap, 5);
	/* Both generations of this fixture end together but for the clock. */
	roll_fini(&r);
	f->now_ms += 5 * YEAR_MS;
	fix_next(f, "ec", 14 * YEAR_MS);
	f->now_ms += 6 * YEAR_MS;
	after[0] = ca_active(f->set, "ec")->cert;
	after[1] = ca_root(f->set)->cert;
	bag_has(f, after, 2);
}

/* D4, D5: with the bag alone, and the root out of it, each leaf verifies. */
static void
test_d4_bag_is_enough(void **state)
{
	struct fix *f = *state;
	struct roll r = roll_make(f);

	fix_pem(f, "bag.pem", r.now->cert, r.now->new_with_old,
	    r.now->old_with_new, r.old->cert, NULL);
	assert_int_equal(openssl_verify(f, "root.pem", "bag.pem",
	    "old-leaf.pem"), 0);
	assert_int_equal(openssl_verify(f, "root.pem", "bag.pem",
	    "new-leaf.pem"), 0);
	roll_fini(&r);
}

/* P6: a client that took its trust from /cacerts before the switch (the root
 * and the old generation) meets a server under the new one. */
static void
test_p6_server_chain(void **state)
{
	struct fix *f = *state;
	struct roll r = roll_make(f);
	struct buf b;
	char path[256];

	buf_init(&b, 0);
	assert_int_equal(ca_chain_pem(f->set, r.now, &b), 0);
	fix_path(f, "sent.pem", path);
	assert_int_equal(file_replace(path, b.data, b.len, 0600), 0);
	fix_pem(f, "before.pem", r.root->cert, r.old->cert, NULL);
	fix_pem(f, "other.pem", r.old_leaf, NULL);
	assert_int_equal(openssl_verify(f, "before.pem", "sent.pem",
	    "new-leaf.pem"), 0);
	assert_int_equal(openssl_verify(f, "root.pem", "sent.pem",
	    "new-leaf.pem"), 0);
	assert_int_not_equal(openssl_verify(f, "other.pem", "sent.pem",
	    "new-leaf.pem"), 0);
	buf_fini(&b);
	roll_fini(&r);
}

static void
test_root_rollover(void **state)
{
	struct fix *f = *state;
	X509 *leaf, *again;

	fix_ca(f, "root", NULL, 20 * YEAR_MS);
	fix_ca(f, "ec", "root", 10 * YEAR_MS);
	leaf = fix_leaf(f, ca_active(f->set, "ec"), "cam-1", YEAR_MS);
	fix_next(f, "root", 20 * YEAR_MS);
	assert_int_equal(ca_root(f->set)->row.generation, 2);
	assert_int_equal(X509_self_signed(ca_root(f->set)->cert, 1), 1);
	/* An issuing CA under the old root: the new root reaches it. */
	fix_pem(f, "root2.pem", ca_root(f->set)->cert, NULL);
	fix_pem(f, "mid.pem", ca_active(f->set, "ec")->cert,
	    ca_root(f->set)->old_with_new, NULL);
	fix_pem(f, "leaf.pem", leaf, NULL);
	assert_int_equal(openssl_verify(f, "root2.pem", "mid.pem",
	    "leaf.pem"), 0);
	fix_next(f, "ec", 10 * YEAR_MS);
	again = fix_leaf(f, ca_active(f->set, "ec"), "cam-2", YEAR_MS);
	X509_free(again);
	X509_free(leaf);
}

static void
next_refused(struct fix *f, const struct ca *cur, int64_t life_ms, int err,
    const char *code)
{
	struct issuer_row row;

	memset(&f->why, 0, sizeof f->why);
	assert_int_equal(ca_make_next(f->hsm, &f->ctx, cur, ca_root(f->set),
	    HSM_EC_P256, life_ms, NULL, NULL, NULL, &row, &f->why), err);
	assert_string_equal(f->why.code, code);
}

static void
test_next_refuses(void **state)
{
	struct fix *f = *state;

	fix_cas(f);
	next_refused(f, ca_active(f->set, "ec"), YEAR_MS, CAMCA_EPOLICY,
	    "ca.next-too-short");
	fix_next(f, "ec", 10 * YEAR_MS);
	next_refused(f, ca_by_id(f->set, ca_active(f->set, "ec")->row.id - 1),
	    10 * YEAR_MS, CAMCA_ECONFLICT, "ca.not-active");
	f->now_ms += 11 * YEAR_MS;
	next_refused(f, ca_active(f->set, "ec"), 5 * YEAR_MS, CAMCA_EPOLICY,
	    "ca.expired");
	f->now_ms = FIX_NOW_MS - DAY_MS;
	next_refused(f, ca_active(f->set, "ec"), 10 * YEAR_MS, CAMCA_ETIME,
	    "issue.clock");
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		FIX_TEST(test_p1_p2_shape), FIX_TEST(test_p3_openssl),
		FIX_TEST(test_p3_from_the_root), FIX_TEST(test_p3_gnutls),
		FIX_TEST(test_p3_nss), FIX_TEST(test_p4_bag),
		FIX_TEST(test_d4_bag_is_enough), FIX_TEST(test_p6_server_chain),
		FIX_TEST(test_root_rollover),
		FIX_TEST(test_root_rollover_gnutls),
		FIX_TEST(test_next_refuses),
	};

	return cmocka_run_group_tests(tests, fix_group, fix_group_end);
}
