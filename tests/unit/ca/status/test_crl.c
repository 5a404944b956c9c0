/* SPDX-License-Identifier: Apache-2.0 */
/* Complete CRLs (C1 to C14) over a real store and token. */
#include "tests/unit/ca/issue/ca_fixture.h"

#include <pthread.h>

#include "ca/status/crl.h"

#define HOUR_MS INT64_C(3600000)
#define LIFE_MS (24 * HOUR_MS)
#define SKEW_MS INT64_C(300000)

struct change {
	int64_t id, at_ms, reason;
	enum cert_status status;
};

static int
insert_tx(struct tx *tx, void *arg)
{
	return store_cert_insert(tx, arg);
}

static int
change_tx(struct tx *tx, void *arg)
{
	const struct change *c = arg;
	int64_t seq;

	return store_cert_set_status(tx, c->id, c->status, c->reason, c->at_ms,
	    &seq);
}

/* A certificate of ca that ends at not_after_ms; its row id. */
static int64_t
cert_new(struct fix *f, const struct ca *ca, uint8_t tag, int64_t not_after_ms)
{
	struct cert_row r = { .issuer = ca->row.id, .profile = "camera",
	    .not_before_ms = f->now_ms - SKEW_MS, .not_after_ms = not_after_ms,
	    .reason = -1, .created_ms = f->now_ms };
	static uint8_t der[] = { 0x30, 0x00 };

	assert_int_equal(cert_serial(&f->ctx, f->now_ms, r.serial), 0);
	r.serial[19] = tag;
	r.spki[0] = tag;
	r.der = (struct store_blob){ der, sizeof der };
	assert_int_equal(store_tx(f->store, DB_WRITE, insert_tx, &r), 0);
	return r.id;
}

static void
change(struct fix *f, int64_t id, enum cert_status status, int64_t reason)
{
	struct change c = { id, f->now_ms, reason, status };

	assert_int_equal(store_tx(f->store, DB_WRITE, change_tx, &c), 0);
}

static int64_t
revoked_cert(struct fix *f, const struct ca *ca, uint8_t tag, int64_t reason)
{
	int64_t id = cert_new(f, ca, tag, f->now_ms + YEAR_MS);

	change(f, id, CERT_REVOKED, reason);
	return id;
}

static int
current(struct fix *f, const struct ca *ca, int64_t life_ms,
    struct crl_row *row)
{
	const struct event_source src = { &f->ctx, "test" };

	return crl_current(f->store, ca, &src, life_ms, row, &f->why);
}

static void
crl_get(struct fix *f, const struct ca *ca, struct crl_row *row)
{
	memset(row, 0, sizeof *row);
	memset(&f->why, 0, sizeof f->why);
	if (current(f, ca, LIFE_MS, row) < 0)
		fail_msg("%s: %s", f->why.code, f->why.detail);
	assert_int_equal(ERR_peek_error(), 0);
}

/* The list as a client reads it; the caller frees. */
static X509_CRL *
crl_read(struct fix *f, const struct ca *ca, struct crl_row *row)
{
	const unsigned char *p;
	X509_CRL *crl;

	crl_get(f, ca, row);
	p = row->der.p;
	crl = d2i_X509_CRL(NULL, &p, (long)row->der.n);
	assert_non_null(crl);
	assert_ptr_equal(p, row->der.p + row->der.n);
	store_blob_free(&row->der);
	assert_int_equal(X509_CRL_verify(crl, X509_get0_pubkey(ca->cert)), 1);
	return crl;
}

static int
entries(struct fix *f, const struct ca *ca, struct crl_row *row)
{
	X509_CRL *crl = crl_read(f, ca, row);
	int n = sk_X509_REVOKED_num(X509_CRL_get_REVOKED(crl));

	X509_CRL_free(crl);
	return n < 0 ? 0 : n;
}

static void
test_empty(void **state)
{
	struct fix *f = *state;
	const struct ca *ec;
	struct crl_row row;
	X509_CRL *crl;
	AUTHORITY_KEYID *aki;
	ASN1_INTEGER *number;

	fix_cas(f);
	ec = ca_active(f->set, "ec");
	crl = crl_read(f, ec, &row);
	assert_int_equal(X509_CRL_get_version(crl), X509_CRL_VERSION_2);
	assert_int_equal(X509_NAME_cmp(X509_CRL_get_issuer(crl),
	    X509_get_subject_name(ec->cert)), 0);
	assert_null(X509_CRL_get_REVOKED(crl));            /* absent: C3 */
	aki = X509_CRL_get_ext_d2i(crl, NID_authority_key_identifier, NULL,
	    NULL);
	assert_memory_equal(ASN1_STRING_get0_data(aki->keyid), ec->row.ski, 20);
	AUTHORITY_KEYID_free(aki);
	number = X509_CRL_get_ext_d2i(crl, NID_crl_number, NULL, NULL);
	assert_int_equal(ASN1_INTEGER_get(number), 1);
	ASN1_INTEGER_free(number);
	assert_int_equal(X509_CRL_get_ext_count(crl), 2);  /* and no IDP */
	for (int i = 0; i < 2; i++)
		assert_false(X509_EXTENSION_get_critical(
		    X509_CRL_get_ext(crl, i)));
	assert_int_equal(X509_CRL_get0_lastUpdate(crl)->type, V_ASN1_UTCTIME);
	assert_int_equal(row.this_update_ms, FIX_NOW_MS - SKEW_MS);
	assert_int_equal(row.next_update_ms, FIX_NOW_MS + LIFE_MS);
	assert_int_equal(row.number, 1);
	X509_CRL_free(crl);
	/* The root's is a list of its own. */
	assert_int_equal(entries(f, ca_root(f->set), &row), 0);
	assert_int_equal(row.number, 1);
}

static long
reason_of(X509_CRL *crl, int at)
{
	ASN1_ENUMERATED *e = X509_REVOKED_get_ext_d2i(sk_X509_REVOKED_value(
	    X509_CRL_get_REVOKED(crl), at), NID_crl_reason, NULL, NULL);
	long r = e != NULL ? ASN1_ENUMERATED_get(e) : -1;

	ASN1_ENUMERATED_free(e);
	return r;
}

static void
test_reasons(void **state)
{
	struct fix *f = *state;
	const struct ca *ec;
	struct crl_row row;
	X509_CRL *crl;
	int64_t id;

	fix_cas(f);
	ec = ca_active(f->set, "ec");
	revoked_cert(f, ec, 1, 0);       /* unspecified: omitted, C8 */
	revoked_cert(f, ec, 2, 1);       /* keyCompromise */
	revoked_cert(f, ec, 3, 9);       /* privilegeWithdrawn */
	id = cert_new(f, ec, 4, f->now_ms + YEAR_MS);
	change(f, id, CERT_HOLD, 6);
	crl = crl_read(f, ec, &row);
	assert_int_equal(sk_X509_REVOKED_num(X509_CRL_get_REVOKED(crl)), 4);
	for (int i = 0; i < 4; i++) {
		const ASN1_INTEGER *n = X509_REVOKED_get0_serialNumber(
		    sk_X509_REVOKED_value(X509_CRL_get_REVOKED(crl), i));
		static const long want[] = { 0, -1, 1, 9, 6 };

		assert_int_equal(n->length, 20);
		assert_int_equal(reason_of(crl, i), want[n->data[19]]);
	}
	X509_CRL_free(crl);
}

static void
test_stored_one_is_reused(void **state)
{
	struct fix *f = *state;
	const struct ca *ec;
	struct crl_row a, b;

	fix_cas(f);
	ec = ca_active(f->set, "ec");
	crl_get(f, ec, &a);
	f->now_ms += HOUR_MS;
	crl_get(f, ec, &b);
	assert_int_equal(b.number, 1);
	assert_int_equal(a.der.n, b.der.n);
	assert_memory_equal(a.der.p, b.der.p, a.der.n);
	store_blob_free(&a.der);
	store_blob_free(&b.der);
	/* Half of its life is gone: renewed with no revocation at all, C14. */
	f->now_ms = FIX_NOW_MS + LIFE_MS / 2;
	assert_int_equal(entries(f, ec, &b), 0);
	assert_int_equal(b.number, 2);
	assert_true(b.this_update_ms > a.this_update_ms);
}

static void
test_each_change_is_in_the_next(void **state)
{
	struct fix *f = *state;
	const struct ca *ec;
	struct crl_row row;
	int64_t id, last = 0;

	fix_cas(f);
	ec = ca_active(f->set, "ec");
	assert_int_equal(entries(f, ec, &row), 0);
	for (uint8_t i = 1; i <= 5; i++) {
		revoked_cert(f, ec, i, 1);
		assert_int_equal(entries(f, ec, &row), i);
		assert_int_equal(row.number, i + 1);
		assert_true(row.this_update_ms >= last);
		assert_true(row.this_update_ms <= f->now_ms);
		last = row.this_update_ms;
	}
	/* Hold, release, revoke: each is a change (C11). */
	id = cert_new(f, ec, 9, f->now_ms + YEAR_MS);
	assert_int_equal(entries(f, ec, &row), 5);
	change(f, id, CERT_HOLD, 6);
	assert_int_equal(entries(f, ec, &row), 6);
	change(f, id, CERT_GOOD, -1);
	assert_int_equal(entries(f, ec, &row), 5);
	change(f, id, CERT_REVOKED, 1);
	assert_int_equal(entries(f, ec, &row), 6);
	/* Another CA's certificates are none of its business. */
	assert_int_equal(entries(f, ca_root(f->set), &row), 0);
}

/* C12: revocationDate <= thisUpdate <= now. */
static void
test_dates(void **state)
{
	struct fix *f = *state;
	const struct ca *ec;
	struct crl_row row;
	X509_CRL *crl;
	int64_t id;
	int day, sec;

	fix_cas(f);
	ec = ca_active(f->set, "ec");
	id = cert_new(f, ec, 1, f->now_ms + YEAR_MS);
	f->now_ms += 7777;
	change(f, id, CERT_REVOKED, 1);
	f->now_ms += 500;
	crl = crl_read(f, ec, &row);
	assert_int_equal(row.this_update_ms, (FIX_NOW_MS + 7777) / 1000 * 1000);
	assert_int_equal(ASN1_TIME_diff(&day, &sec,
	    X509_REVOKED_get0_revocationDate(sk_X509_REVOKED_value(
	    X509_CRL_get_REVOKED(crl), 0)), X509_CRL_get0_lastUpdate(crl)), 1);
	assert_true(day == 0 && sec >= 0);
	X509_CRL_free(crl);
	/* Revoked long ago: dated back five minutes again. */
	f->now_ms += 20 * HOUR_MS;
	crl = crl_read(f, ec, &row);
	assert_int_equal(row.this_update_ms, (f->now_ms - SKEW_MS) / 1000 *
	    1000);
	X509_CRL_free(crl);
}

/* N5: a clock that was set back takes neither number nor thisUpdate back. */
static void
test_clock_set_back(void **state)
{
	struct fix *f = *state;
	const struct ca *ec;
	struct crl_row a, b;

	fix_cas(f);
	ec = ca_active(f->set, "ec");
	entries(f, ec, &a);
	f->now_ms -= HOUR_MS;
	revoked_cert(f, ec, 1, 1);
	assert_int_equal(entries(f, ec, &b), 1);
	assert_int_equal(b.number, a.number + 1);
	assert_true(b.this_update_ms >= a.this_update_ms);
	assert_true(b.next_update_ms >= b.this_update_ms + LIFE_MS);
}

/* C9, RFC 5280 3.3. */
static void
test_entry_goes_after_expiry(void **state)
{
	struct fix *f = *state;
	const struct ca *ec;
	struct crl_row row;
	int64_t id;

	fix_cas(f);
	ec = ca_active(f->set, "ec");
	id = cert_new(f, ec, 1, f->now_ms + HOUR_MS);
	change(f, id, CERT_REVOKED, 1);
	assert_int_equal(entries(f, ec, &row), 1);
	f->now_ms += 2 * HOUR_MS;                /* expired, list still good */
	revoked_cert(f, ec, 2, 1);
	assert_int_equal(entries(f, ec, &row), 2);
	assert_true(row.this_update_ms > FIX_NOW_MS + HOUR_MS);
	/* That list was issued after the expiry and carried it: now it goes. */
	revoked_cert(f, ec, 3, 1);
	assert_int_equal(entries(f, ec, &row), 2);
	revoked_cert(f, ec, 4, 1);
	assert_int_equal(entries(f, ec, &row), 3);
	/* A certificate revoked after its end is listed once. */
	id = cert_new(f, ec, 5, f->now_ms - HOUR_MS + 1);
	f->now_ms += 1000;
	change(f, id, CERT_REVOKED, 1);
	assert_int_equal(entries(f, ec, &row), 4);
	revoked_cert(f, ec, 6, 1);
	assert_int_equal(entries(f, ec, &row), 4);
}

/* C13: rows that vanish must not make the list shrink. */
static int
forge_tx(struct tx *tx, void *arg)
{
	return store_crl_put(tx, arg);
}

static void
test_gate_refuses_to_shrink(void **state)
{
	struct fix *f = *state;
	const struct ca *root;
	struct crl_row before, row;

	fix_cas(f);
	root = ca_root(f->set);
	revoked_cert(f, ca_active(f->set, "ec"), 1, 1);
	crl_get(f, ca_active(f->set, "ec"), &before);
	/* The root's stored list has an entry that its rows no longer show. */
	before.issuer = root->row.id;
	before.number = 1;
	before.rev_seq = 0;
	before.this_update_ms = f->now_ms - LIFE_MS;
	before.next_update_ms = f->now_ms;
	assert_int_equal(store_tx(f->store, DB_WRITE, forge_tx, &before), 0);
	assert_int_equal(current(f, root, LIFE_MS, &row), CAMCA_EDB);
	assert_string_equal(f->why.code, "crl.shrinks");
	assert_int_equal(f->why.http, 503);
	/* Damaged: no new one on top of it either. */
	before.number = 2;
	before.der.n--;
	assert_int_equal(store_tx(f->store, DB_WRITE, forge_tx, &before), 0);
	assert_int_equal(current(f, root, LIFE_MS, &row), CAMCA_EDB);
	assert_string_equal(f->why.code, "crl.shrinks");
	assert_int_equal(ERR_peek_error(), 0);
	store_blob_free(&before.der);
}

static void
test_refused_life(void **state)
{
	static const int64_t bad[] = { INT64_MIN, -1, 0, 59999, INT64_MAX };
	struct fix *f = *state;
	struct crl_row row;

	fix_cas(f);
	for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) {
		assert_int_equal(current(f, ca_root(f->set), bad[i], &row),
		    CAMCA_EINVAL);
		assert_string_equal(f->why.code, "crl.life");
	}
}

/* P5: the old key's list goes on after a rollover, and is told apart. */
static void
test_rollover(void **state)
{
	struct fix *f = *state;
	const struct ca *old, *now;
	struct crl_row row;
	X509_CRL *crl;
	int64_t old_id;

	fix_cas(f);
	old_id = ca_active(f->set, "ec")->row.id;
	revoked_cert(f, ca_active(f->set, "ec"), 1, 1);
	now = fix_next(f, "ec", 10 * YEAR_MS);
	old = ca_by_id(f->set, old_id);
	crl = crl_read(f, old, &row);
	assert_int_equal(sk_X509_REVOKED_num(X509_CRL_get_REVOKED(crl)), 1);
	assert_true(X509_CRL_verify(crl, X509_get0_pubkey(now->cert)) != 1);
	ERR_clear_error();
	X509_CRL_free(crl);
	assert_int_equal(entries(f, now, &row), 0);
}

/* ---- builders that race ---- */
struct racer {
	struct fix *f;
	const struct ca *ca;
	pthread_t thread;
	int ret, n;
	int64_t number;
};

static void *
race(void *arg)
{
	struct racer *r = arg;
	const struct event_source src = { &r->f->ctx, "test" };
	struct crl_row row = { 0 };
	const unsigned char *p;
	X509_CRL *crl;

	r->ret = crl_current(r->f->store, r->ca, &src, LIFE_MS, &row,
	    NULL);
	if (r->ret < 0)
		return NULL;
	p = row.der.p;
	crl = d2i_X509_CRL(NULL, &p, (long)row.der.n);
	r->n = sk_X509_REVOKED_num(X509_CRL_get_REVOKED(crl));
	r->number = row.number;
	X509_CRL_free(crl);
	store_blob_free(&row.der);
	return NULL;
}

static void
test_race(void **state)
{
	struct fix *f = *state;
	struct racer r[6];

	fix_cas(f);
	for (uint8_t round = 1; round <= 5; round++) {
		revoked_cert(f, ca_active(f->set, "ec"), round, 1);
		for (int i = 0; i < 6; i++) {
			r[i] = (struct racer){ .f = f,
			    .ca = ca_active(f->set, "ec") };
			assert_int_equal(pthread_create(&r[i].thread, NULL,
			    race, &r[i]), 0);
		}
		for (int i = 0; i < 6; i++) {
			assert_int_equal(pthread_join(r[i].thread, NULL), 0);
			assert_int_equal(r[i].ret, 0);
			/* One list for one change, whoever built it. */
			assert_int_equal(r[i].number, round);
			assert_int_equal(r[i].n, round);
		}
	}
}

/* ---- what other people's tools say ---- */
static void
write_file(const struct fix *f, const char *name, const struct store_blob *b)
{
	char path[256];

	fix_path(f, name, path);
	assert_int_equal(file_replace(path, b->p, b->n, 0600), 0);
}

static int
verify_leaf(struct fix *f)
{
	return RUN(f, "openssl", "verify", "-x509_strict", "-attime",
	    "1795300100", "-crl_check", "-CAfile", "root.pem", "-untrusted",
	    "ec.pem", "-CRLfile", "crl.pem", "leaf.pem");
}

static void
test_tools(void **state)
{
	struct fix *f = *state;
	const struct ca *ec;
	struct crl_row row;
	struct cert_row c = { .profile = "camera", .reason = -1 };
	static uint8_t der[] = { 0x30, 0x00 };
	X509 *leaf;

	fix_cas(f);
	ec = ca_active(f->set, "ec");
	leaf = fix_leaf(f, ec, "cam", YEAR_MS);
	fix_pem(f, "root.pem", ca_root(f->set)->cert, NULL);
	fix_pem(f, "ec.pem", ec->cert, NULL);
	fix_pem(f, "leaf.pem", leaf, NULL);
	assert_int_equal(cert_serial_bytes(leaf, c.serial), 0);
	X509_free(leaf);
	c.issuer = ec->row.id;
	c.not_before_ms = f->now_ms - SKEW_MS;
	c.not_after_ms = f->now_ms + YEAR_MS;
	c.der = (struct store_blob){ der, sizeof der };
	assert_int_equal(store_tx(f->store, DB_WRITE, insert_tx, &c), 0);
	crl_get(f, ec, &row);
	write_file(f, "crl.der", &row.der);
	store_blob_free(&row.der);
	assert_int_equal(RUN(f, "openssl", "crl", "-inform", "DER", "-in",
	    "crl.der", "-out", "crl.pem", "-CAfile", "ec.pem"), 0);
	assert_int_equal(verify_leaf(f), 0);
	change(f, c.id, CERT_REVOKED, 1);
	crl_get(f, ec, &row);
	write_file(f, "crl.der", &row.der);
	store_blob_free(&row.der);
	assert_int_equal(RUN(f, "openssl", "crl", "-inform", "DER", "-in",
	    "crl.der", "-out", "crl.pem", "-CAfile", "ec.pem"), 0);
	assert_int_not_equal(verify_leaf(f), 0);
	if (RUN(f, "faketime", "2026-11-22 00:00:00", "certtool",
	    "--version") == 0)
		assert_int_equal(RUN(f, "faketime", "2026-11-22 00:00:00",
		    "certtool", "--verify-crl", "--load-ca-certificate",
		    "ec.pem", "--infile", "crl.pem"), 0);
}

/* Last: the token needs a second to be looked for again. */
static void
test_token_away(void **state)
{
	struct fix *f = *state;
	const struct ca *ec;
	char token[256], away[256];
	struct crl_row row;

	fix_cas(f);
	ec = ca_active(f->set, "ec");
	entries(f, ec, &row);
	fix_path(f, "token/tokens", token);
	fix_path(f, "token/away", away);
	assert_int_equal(rename(token, away), 0);
	/* What is stored and holds everything needs no token. */
	assert_int_equal(entries(f, ec, &row), 0);
	revoked_cert(f, ec, 1, 1);
	assert_int_equal(current(f, ec, LIFE_MS, &row), CAMCA_EHSM);
	assert_int_equal(f->why.http, 503);
	assert_true(f->why.retry_after_s > 0);
	assert_int_equal(rename(away, token), 0);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		FIX_TEST(test_empty), FIX_TEST(test_reasons),
		FIX_TEST(test_stored_one_is_reused),
		FIX_TEST(test_each_change_is_in_the_next), FIX_TEST(test_dates),
		FIX_TEST(test_clock_set_back),
		FIX_TEST(test_entry_goes_after_expiry),
		FIX_TEST(test_gate_refuses_to_shrink),
		FIX_TEST(test_refused_life), FIX_TEST(test_rollover),
		FIX_TEST(test_race), FIX_TEST(test_tools),
		FIX_TEST(test_token_away),
	};

	return cmocka_run_group_tests(tests, fix_group, fix_group_end);
}
