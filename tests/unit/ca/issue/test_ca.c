/* SPDX-License-Identifier: Apache-2.0 */
/* Making, storing, loading and showing CAs. */
#include "tests/unit/ca/issue/ca_fixture.h"

#include <openssl/pkcs7.h>

#include "ca/issue/cert_ext.h"

#define CA_USAGE (KU_KEY_CERT_SIGN | KU_CRL_SIGN)

static const struct ca_spec spec_ok = { "ec", "Org", "Cameras", HSM_EC_P256,
	10 * YEAR_MS };

static void
make_refused(struct fix *f, const struct ca_spec *spec, const char *crl_url,
    int err, const char *code)
{
	struct issuer_row row;

	memset(&f->why, 0, sizeof f->why);
	assert_int_equal(ca_make(f->hsm, &f->ctx, spec, ca_root(f->set),
	    crl_url, NULL, NULL, &row, &f->why), err);
	assert_string_equal(f->why.code, code);
	assert_int_equal(ERR_peek_error(), 0);
}

static void
test_root_and_issuing(void **state)
{
	STACK_OF(OPENSSL_STRING) *ocsp;
	struct fix *f = *state;
	const struct ca *root, *ec;
	int critical = 0;

	fix_cas(f);
	root = ca_root(f->set);
	ec = ca_active(f->set, "ec");
	assert_non_null(root);
	assert_ptr_equal(ca_by_id(f->set, ec->row.id), ec);
	assert_ptr_equal(ca_by_ski(f->set, ec->row.ski), ec);
	assert_null(ca_active(f->set, "rsa"));
	assert_null(ca_by_id(f->set, 99));
	assert_int_equal(X509_get_pathlen(root->cert), -1);
	assert_int_equal(X509_get_pathlen(ec->cert), 0);
	assert_int_equal(X509_get_key_usage(root->cert), CA_USAGE);
	assert_int_equal(X509_get_key_usage(ec->cert), CA_USAGE);
	assert_int_equal(X509_self_signed(root->cert, 1), 1);
	assert_memory_equal(ASN1_STRING_get0_data(X509_get0_authority_key_id(
	    ec->cert)), root->row.ski, 20);
	assert_true(X509_get_ext_by_NID(ec->cert, NID_crl_distribution_points,
	    -1) >= 0);
	assert_true(X509_get_ext_by_NID(ec->cert, NID_info_access, -1) >= 0);
	ocsp = X509_get1_ocsp(ec->cert);
	assert_int_equal(sk_OPENSSL_STRING_num(ocsp), 1);
	assert_string_equal(sk_OPENSSL_STRING_value(ocsp, 0),
	    "http://pki.example/ocsp");
	X509_email_free(ocsp);
	assert_true(X509_get_ext_by_NID(root->cert, NID_crl_distribution_points,
	    -1) < 0);
	BASIC_CONSTRAINTS_free(X509_get_ext_d2i(ec->cert, NID_basic_constraints,
	    &critical, NULL));
	assert_int_equal(critical, 1);
	ASN1_BIT_STRING_free(X509_get_ext_d2i(ec->cert, NID_key_usage,
	    &critical, NULL));
	assert_int_equal(critical, 1);
	assert_int_equal(ec->not_before_ms, FIX_NOW_MS - 300000);
	assert_int_equal(ec->not_after_ms, FIX_NOW_MS + 10 * YEAR_MS);
}

static void
test_names_are_utf8(void **state)
{
	struct fix *f = *state;
	const X509_NAME *n;
	ASN1_STRING *s;

	fix_ca(f, "root", NULL, 20 * YEAR_MS);
	n = X509_get_subject_name(ca_root(f->set)->cert);
	assert_int_equal(X509_NAME_entry_count(n), 2);
	s = X509_NAME_ENTRY_get_data(X509_NAME_get_entry(n, 0));
	assert_int_equal(ASN1_STRING_type(s), V_ASN1_UTF8STRING);
	assert_memory_equal(ASN1_STRING_get0_data(s), "Trường Điện", 15);
}

static void
test_validity_is_cut_at_parent(void **state)
{
	struct fix *f = *state;
	const struct ca *ec;

	fix_ca(f, "root", NULL, YEAR_MS);
	ec = fix_ca(f, "ec", "root", 3 * YEAR_MS);
	assert_int_equal(ec->not_after_ms, ca_root(f->set)->not_after_ms);
	assert_true(ec->not_before_ms >= ca_root(f->set)->not_before_ms);
}

static void
test_every_key_type(void **state)
{
	static const enum hsm_key_type types[] = { HSM_EC_P384, HSM_RSA_2048 };
	struct fix *f = *state;

	fix_ca(f, "root", NULL, 20 * YEAR_MS);
	for (size_t i = 0; i < sizeof types / sizeof types[0]; i++) {
		struct ca_spec spec = { i == 0 ? "p384" : "rsa", "O", "CN",
		    types[i], YEAR_MS };
		struct issuer_row row;

		assert_int_equal(ca_make(f->hsm, &f->ctx, &spec,
		    ca_root(f->set), NULL, NULL, NULL, &row, &f->why), 0);
		fix_store(f, &row);
	}
	assert_non_null(ca_active(f->set, "rsa"));
	assert_non_null(ca_active(f->set, "p384"));
}

static void
test_make_refuses(void **state)
{
	struct fix *f = *state;
	struct ca_spec s = spec_ok;
	char long_name[66];

	fix_ca(f, "root", NULL, 20 * YEAR_MS);
	memset(long_name, 'x', 65);
	long_name[65] = '\0';
	s.name = "";
	make_refused(f, &s, NULL, CAMCA_EINVAL, "ca.name");
	s.name = "../etc";
	make_refused(f, &s, NULL, CAMCA_EINVAL, "ca.name");
	s.name = long_name;
	make_refused(f, &s, NULL, CAMCA_EINVAL, "ca.name");
	s = spec_ok;
	s.common_name = "";
	make_refused(f, &s, NULL, CAMCA_EINVAL, "ca.subject");
	s.common_name = "\xff\xfe";
	make_refused(f, &s, NULL, CAMCA_EINVAL, "ca.subject");
	s = spec_ok;
	s.organization = long_name;
	make_refused(f, &s, NULL, CAMCA_EINVAL, "ca.subject");
	s = spec_ok;
	make_refused(f, &s, "root.crl", CAMCA_EINVAL, "ca.url");
	make_refused(f, &s, "http://x/ y", CAMCA_EINVAL, "ca.url");
	s.validity_ms = 0;
	make_refused(f, &s, NULL, CAMCA_EINVAL, "issue.validity");
	s.validity_ms = INT64_MAX;
	make_refused(f, &s, NULL, CAMCA_EINVAL, "issue.validity");
	s.validity_ms = -DAY_MS;
	make_refused(f, &s, NULL, CAMCA_EINVAL, "issue.validity");
}

static void
test_make_clock(void **state)
{
	struct fix *f = *state;

	fix_ca(f, "root", NULL, YEAR_MS);
	f->now_ms = FIX_NOW_MS - DAY_MS;
	make_refused(f, &spec_ok, NULL, CAMCA_ETIME, "issue.clock");
	f->now_ms = FIX_NOW_MS + YEAR_MS - DAY_MS;
	make_refused(f, &spec_ok, NULL, CAMCA_EPOLICY, "issue.issuer-expires");
	f->now_ms = FIX_NOW_MS + YEAR_MS + DAY_MS;
	make_refused(f, &spec_ok, NULL, CAMCA_EPOLICY, "issue.issuer-expires");
}

static void
test_token_away(void **state)
{
	struct fix *f = *state;
	char token[256], away[256];

	fix_ca(f, "root", NULL, 20 * YEAR_MS);
	fix_path(f, "token/tokens", token);
	fix_path(f, "token/away", away);
	assert_int_equal(rename(token, away), 0);
	make_refused(f, &spec_ok, NULL, CAMCA_EHSM, f->why.code);
	assert_int_equal(f->why.http, 503);
	assert_int_equal(rename(away, token), 0);
}

/* A certificates-only bag taken apart; the caller frees. */
static PKCS7 *
bag_of(struct fix *f, const char *name, int n)
{
	struct buf b;
	const unsigned char *p;
	PKCS7 *p7;

	buf_init(&b, 0);
	assert_int_equal(ca_bag(f->set, name, f->now_ms, &b), 0);
	p = b.data;
	p7 = d2i_PKCS7(NULL, &p, (long)b.len);
	assert_non_null(p7);
	assert_ptr_equal(p, b.data + b.len);
	assert_int_equal(sk_X509_num(p7->d.sign->cert), n);
	buf_fini(&b);
	return p7;
}

static void
test_bag_holds_own_ca_only(void **state)
{
	struct fix *f = *state;
	struct buf b;
	PKCS7 *p7;

	fix_cas(f);
	fix_ca(f, "rsa", "root", YEAR_MS);
	p7 = bag_of(f, "ec", 2);
	assert_int_equal(X509_cmp(sk_X509_value(p7->d.sign->cert, 0),
	    ca_active(f->set, "ec")->cert), 0);
	assert_int_equal(X509_cmp(sk_X509_value(p7->d.sign->cert, 1),
	    ca_root(f->set)->cert), 0);
	PKCS7_free(p7);
	PKCS7_free(bag_of(f, "root", 1));
	buf_init(&b, 0);
	assert_int_equal(ca_bag(f->set, "nobody", f->now_ms, &b), CAMCA_ENOENT);
	/* Expired ones are not handed out. */
	f->now_ms = FIX_NOW_MS + 2 * YEAR_MS;
	PKCS7_free(bag_of(f, "rsa", 1));
	buf_fini(&b);
}

static void
test_chain_pem(void **state)
{
	struct fix *f = *state;
	struct buf b;
	BIO *bio;
	X509 *cert;

	fix_cas(f);
	buf_init(&b, 0);
	assert_int_equal(buf_puts(&b, "before\n"), 0);
	assert_int_equal(ca_chain_pem(f->set, ca_active(f->set, "ec"), &b), 0);
	bio = BIO_new_mem_buf(b.data, (int)b.len);
	cert = PEM_read_bio_X509(bio, NULL, NULL, NULL);
	assert_int_equal(X509_cmp(cert, ca_active(f->set, "ec")->cert), 0);
	X509_free(cert);
	assert_null(PEM_read_bio_X509(bio, NULL, NULL, NULL));
	ERR_clear_error();
	BIO_free(bio);
	buf_fini(&b);
}

static void
test_empty_store(void **state)
{
	struct fix *f = *state;
	struct buf b;

	fix_load(f);
	assert_int_equal(f->set->n, 0);
	assert_null(ca_root(f->set));
	buf_init(&b, 0);
	assert_int_equal(ca_bag(f->set, "ec", f->now_ms, &b), CAMCA_ENOENT);
	buf_fini(&b);
}

static void
test_epoch_and_references(void **state)
{
	struct fix *f = *state;
	struct ca_set *held;
	int64_t epoch;

	fix_cas(f);
	held = ca_set_ref(f->set);
	epoch = held->epoch;
	fix_load(f);
	assert_int_equal(f->set->epoch, epoch);
	fix_next(f, "ec", 10 * YEAR_MS);
	assert_true(f->set->epoch > epoch);
	/* The old snapshot still works for the one that holds it. */
	assert_int_equal(ca_active(held, "ec")->row.generation, 1);
	ca_set_free(held);
	ca_set_free(NULL);
}

/* ---- rows that contradict themselves ---- */

static struct issuer_row
made(struct fix *f, const char *name)
{
	struct ca_spec s = spec_ok;
	struct issuer_row row;

	s.name = name;
	assert_int_equal(ca_make(f->hsm, &f->ctx, &s, ca_root(f->set), NULL,
	    NULL, NULL, &row, &f->why), 0);
	return row;
}

static void
load_refused(struct fix *f, struct issuer_row *row)
{
	size_t n = f->set->n;

	assert_int_equal(store_tx(f->store, DB_WRITE, fix_insert_tx, row), 0);
	store_issuer_free(row);
	assert_int_equal(fix_try_load(f), CAMCA_EINVAL);
	assert_string_equal(f->why.code, "ca.issuer");
	assert_int_equal(f->set->n, n);
	assert_int_equal(ERR_peek_error(), 0);
}

static void
test_load_foreign_key(void **state)
{
	struct fix *f = *state;
	struct issuer_row row;

	fix_cas(f);
	row = made(f, "bad");
	memcpy(row.key_uri, ca_active(f->set, "ec")->row.key_uri,
	    sizeof row.key_uri);
	load_refused(f, &row);
}

static void
test_load_missing_key(void **state)
{
	struct fix *f = *state;
	struct issuer_row row;

	fix_cas(f);
	row = made(f, "bad");
	snprintf(row.key_uri, sizeof row.key_uri,
	    "pkcs11:token=camca;object=nobody;type=private");
	assert_int_equal(store_tx(f->store, DB_WRITE, fix_insert_tx, &row), 0);
	store_issuer_free(&row);
	assert_true(fix_try_load(f) < 0);
	assert_int_not_equal(f->why.http, 0);
}

static void
test_load_wrong_ski(void **state)
{
	struct fix *f = *state;
	struct issuer_row row;

	fix_cas(f);
	row = made(f, "bad");
	row.ski[0] ^= 1;
	load_refused(f, &row);
}

static void
test_load_cut_certificate(void **state)
{
	struct fix *f = *state;
	struct issuer_row row;

	fix_cas(f);
	row = made(f, "bad");
	row.cert.n--;
	load_refused(f, &row);
}

static void
test_load_trailing_byte(void **state)
{
	struct fix *f = *state;
	struct issuer_row row;

	fix_cas(f);
	row = made(f, "bad");
	row.cert.p = realloc(row.cert.p, row.cert.n + 1);
	row.cert.p[row.cert.n++] = 0;
	load_refused(f, &row);
}

static void
test_load_flipped_signature(void **state)
{
	struct fix *f = *state;
	struct issuer_row row;

	fix_cas(f);
	row = made(f, "bad");
	row.cert.p[row.cert.n - 1] ^= 1;
	load_refused(f, &row);
}

static void
test_load_wrong_parent(void **state)
{
	struct fix *f = *state;
	struct issuer_row row;

	fix_cas(f);
	row = made(f, "bad");
	row.parent = ca_active(f->set, "ec")->row.id;
	load_refused(f, &row);
}

static void
test_load_leaf_as_ca(void **state)
{
	struct fix *f = *state;
	struct issuer_row row;
	unsigned char *p;
	X509 *leaf;

	fix_cas(f);
	row = made(f, "bad");
	leaf = fix_leaf(f, ca_active(f->set, "ec"), "cam-1", YEAR_MS);
	row.cert.n = (size_t)i2d_X509(leaf, NULL);
	p = row.cert.p = realloc(row.cert.p, row.cert.n);
	i2d_X509(leaf, &p);
	assert_int_equal(cert_key_id(leaf, row.ski), 0);
	X509_free(leaf);
	load_refused(f, &row);
}

static void
test_load_half_rollover(void **state)
{
	struct fix *f = *state;
	struct issuer_row row;

	fix_cas(f);
	row = made(f, "bad");
	row.new_with_old.n = row.cert.n;
	row.new_with_old.p = malloc(row.cert.n);
	memcpy(row.new_with_old.p, row.cert.p, row.cert.n);
	load_refused(f, &row);
}

#define T(fn) FIX_TEST(fn)

int
main(void)
{
	const struct CMUnitTest tests[] = {
		T(test_root_and_issuing), T(test_names_are_utf8),
		T(test_validity_is_cut_at_parent), T(test_every_key_type),
		T(test_make_refuses), T(test_make_clock),
		T(test_bag_holds_own_ca_only), T(test_chain_pem),
		T(test_empty_store), T(test_epoch_and_references),
		T(test_load_foreign_key), T(test_load_missing_key),
		T(test_load_wrong_ski), T(test_load_cut_certificate),
		T(test_load_trailing_byte), T(test_load_flipped_signature),
		T(test_load_wrong_parent), T(test_load_leaf_as_ca),
		T(test_load_half_rollover), T(test_token_away),
	};

	return cmocka_run_group_tests(tests, fix_group, fix_group_end);
}
