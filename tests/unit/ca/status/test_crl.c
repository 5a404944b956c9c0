/* SPDX-License-Identifier: Apache-2.0 */
/* Complete CRLs (C1 to C14) over a real store and token. */
#include "tests/unit/ca/status/crl_fixture.h"

static void
test_empty(void **state)
{
	struct crl_fix *f = *state;
	X509_CRL *crl;
	AUTHORITY_KEYID *aki;
	ASN1_INTEGER *number;

	build(f);
	crl = published(f);
	assert_int_equal(X509_CRL_get_version(crl), X509_CRL_VERSION_2);
	assert_int_equal(X509_NAME_cmp(X509_CRL_get_issuer(crl),
	    X509_get_subject_name(f->ca->cert)), 0);
	assert_null(X509_CRL_get_REVOKED(crl));            /* absent: C3 */
	aki = X509_CRL_get_ext_d2i(crl, NID_authority_key_identifier, NULL,
	    NULL);
	assert_memory_equal(ASN1_STRING_get0_data(aki->keyid), f->ca->row.ski,
	    20);
	AUTHORITY_KEYID_free(aki);
	number = X509_CRL_get_ext_d2i(crl, NID_crl_number, NULL, NULL);
	assert_int_equal(ASN1_INTEGER_get(number), 1);
	ASN1_INTEGER_free(number);
	assert_int_equal(X509_CRL_get_ext_count(crl), 2);  /* and no IDP */
	for (int i = 0; i < 2; i++)
		assert_false(X509_EXTENSION_get_critical(
		    X509_CRL_get_ext(crl, i)));
	assert_int_equal(X509_CRL_get0_lastUpdate(crl)->type, V_ASN1_UTCTIME);
	X509_CRL_free(crl);
	assert_int_equal(f->row.this_update_ms, FIX_NOW_MS - SKEW_MS);
	assert_int_equal(f->row.next_update_ms, FIX_NOW_MS + LIFE_MS);
	assert_int_equal(f->row.number, 1);
}

/* C11: hold, release, revoke, and the reason getting worse: each is a change
 * and is in the next list. */
static void
test_each_change_is_in_the_next(void **state)
{
	struct crl_fix *f = *state;
	int64_t id, last = 0;

	build(f);
	for (uint8_t i = 1; i <= 5; i++) {
		revoked_cert(f, i, 1);
		assert_int_equal(entries(f), i);
		assert_int_equal(f->row.number, i + 1);
		assert_true(f->row.this_update_ms > last);
		assert_true(f->row.this_update_ms <= f->f->now_ms);
		assert_int_equal(f->row.entries, i);
		last = f->row.this_update_ms;
	}
	id = cert_new(f, 9, f->f->now_ms + YEAR_MS);
	assert_int_equal(entries(f), 5);
	change(f, id, CERT_HOLD, 6);
	assert_int_equal(entries(f), 6);
	assert_int_equal(reason(f, 9), 6);
	change(f, id, CERT_GOOD, -1);
	assert_int_equal(entries(f), 5);
	assert_int_equal(reason(f, 9), NOT_LISTED);
	change(f, id, CERT_HOLD, 6);
	change(f, id, CERT_REVOKED, 9);
	assert_int_equal(entries(f), 6);
	assert_int_equal(reason(f, 9), 9);
	change(f, id, CERT_REVOKED, 1);
	assert_int_equal(entries(f), 6);
	assert_int_equal(reason(f, 9), 1);
	/* All between two lists: only the end counts. */
	id = cert_new(f, 10, f->f->now_ms + YEAR_MS);
	change(f, id, CERT_HOLD, 6);
	change(f, id, CERT_GOOD, -1);
	assert_int_equal(entries(f), 6);
}

static void
test_restart_goes_on(void **state)
{
	struct crl_fix *f = *state;
	int64_t held;

	revoked_cert(f, 1, 1);
	held = cert_new(f, 2, f->f->now_ms + YEAR_MS);
	change(f, held, CERT_HOLD, 6);
	assert_int_equal(entries(f), 2);
	reopen(f);
	/* What was published is so at once, with nothing built. */
	look(f);
	assert_int_equal(f->row.number, 1);
	assert_int_equal(f->row.entries, 2);
	change(f, held, CERT_GOOD, -1);
	revoked_cert(f, 3, 5);
	reopen(f);
	assert_int_equal(entries(f), 2);
	assert_int_equal(f->row.number, 2);
	assert_int_equal(reason(f, 2), NOT_LISTED);
	assert_int_equal(reason(f, 3), 5);
}

/* C12: revocationDate <= thisUpdate <= now; and the second in which no more can
 * come out is waited for. */
static void
test_dates(void **state)
{
	struct crl_fix *f = *state;
	int64_t id = cert_new(f, 1, f->f->now_ms + YEAR_MS);
	struct refusal why = { 0 };

	build(f);
	f->f->now_ms += 7777;
	change(f, id, CERT_REVOKED, 1);
	assert_int_equal(crl_build(f->crl, f->ca, f->f->now_ms, &why), 0);
	look(f);
	assert_int_equal(f->row.this_update_ms, f->f->now_ms / 1000 * 1000);
	/* The same second again: not in the future, and not the same. */
	revoked_cert(f, 2, 1);
	assert_int_equal(crl_build(f->crl, f->ca, f->f->now_ms, &why),
	    CAMCA_EBUSY);
	assert_int_equal(why.http, 0);
	assert_int_equal(crl_not_before_ms(f->crl), f->row.this_update_ms +
	    1000);
	f->f->now_ms = crl_not_before_ms(f->crl);
	assert_int_equal(crl_build(f->crl, f->ca, f->f->now_ms, &why), 0);
	look(f);
	assert_int_equal(f->row.this_update_ms, f->f->now_ms);
	assert_int_equal(f->row.number, 3);
	/* Revoked long ago: dated back five minutes again. */
	f->f->now_ms += 20 * HOUR_MS;
	build(f);
	assert_int_equal(f->row.this_update_ms, (f->f->now_ms - SKEW_MS) /
	    1000 * 1000);
}

/* N5, C13: a clock that was set back takes neither number nor thisUpdate back. */
static void
test_clock_set_back(void **state)
{
	struct crl_fix *f = *state;
	struct crl_file_row a;

	build(f);
	a = f->row;
	f->f->now_ms -= HOUR_MS;
	revoked_cert(f, 1, 1);
	assert_int_equal(entries(f), 1);
	assert_int_equal(f->row.number, a.number + 1);
	assert_int_equal(f->row.this_update_ms, a.this_update_ms + 1000);
	assert_true(f->row.next_update_ms >= f->row.this_update_ms + LIFE_MS);
}

static int
count_entry(const struct crl_entry_row *r, void *arg)
{
	(void)r;
	++*(int *)arg;
	return 0;
}

static int
count_tx(struct tx *tx, void *arg)
{
	int *n = arg;

	*n = 0;
	return store_crl_entry_list(tx, 2, 0, INT64_MAX, count_entry, n);
}

/* C9, RFC 5280 3.3. */
static void
test_entry_goes_after_expiry(void **state)
{
	struct crl_fix *f = *state;
	int64_t id = cert_new(f, 1, f->f->now_ms + HOUR_MS);
	int n;

	change(f, id, CERT_REVOKED, 1);
	assert_int_equal(entries(f), 1);
	f->f->now_ms += 2 * HOUR_MS;             /* expired, list still good */
	revoked_cert(f, 2, 1);
	assert_int_equal(entries(f), 2);
	assert_true(f->row.this_update_ms > FIX_NOW_MS + HOUR_MS);
	/* That list was issued after the expiry and carried it: now it goes,
	 * from the store too. */
	revoked_cert(f, 3, 1);
	assert_int_equal(entries(f), 2);
	assert_int_equal(reason(f, 1), NOT_LISTED);
	assert_int_equal(store_tx(f->f->store, DB_READ, count_tx, &n), 0);
	assert_int_equal(n, 2);
	revoked_cert(f, 4, 1);
	assert_int_equal(entries(f), 3);
	/* A certificate revoked after its end is listed once. */
	id = cert_new(f, 5, f->f->now_ms - HOUR_MS + 1);
	f->f->now_ms += 1000;
	change(f, id, CERT_REVOKED, 1);
	assert_int_equal(entries(f), 4);
	revoked_cert(f, 6, 1);
	assert_int_equal(entries(f), 4);
	reopen(f);
	revoked_cert(f, 7, 1);
	assert_int_equal(entries(f), 5);
}

/* C9: a list that came out while the clock ran ahead is of after the end of
 * certificates that are in force; they stay revoked once the clock is right. */
static void
test_entry_stays_after_a_wrong_clock(void **state)
{
	struct crl_fix *f = *state;
	int64_t id = cert_new(f, 1, f->f->now_ms + YEAR_MS);

	change(f, id, CERT_REVOKED, 1);
	assert_int_equal(entries(f), 1);
	f->f->now_ms += 2 * YEAR_MS;
	build(f);
	f->f->now_ms = FIX_NOW_MS + HOUR_MS;
	revoked_cert(f, 2, 1);
	assert_int_equal(entries(f), 2);
	assert_int_equal(reason(f, 1), 1);
}

static int
lose_tx(struct tx *tx, void *arg)
{
	const struct cert_row *r = arg;

	return store_crl_entry_delete(tx, r->issuer, r->rev_seq);
}

static int
by_id_tx(struct tx *tx, void *arg)
{
	struct cert_row *r = arg;

	return store_cert_by_id(tx, r->id, r);
}

/* C13: rows that vanish must not make the list shrink. */
static void
test_gate_refuses_to_shrink(void **state)
{
	struct crl_fix *f = *state;
	struct cert_row r = { .id = revoked_cert(f, 1, 1) };
	struct crl_file_row before;

	assert_int_equal(entries(f), 1);
	before = f->row;
	assert_int_equal(store_tx(f->f->store, DB_READ, by_id_tx, &r), 0);
	assert_int_equal(store_tx(f->f->store, DB_WRITE, lose_tx, &r), 0);
	/* The process that published it still has it. */
	revoked_cert(f, 2, 1);
	assert_int_equal(entries(f), 2);
	reopen(f);
	revoked_cert(f, 3, 1);
	refused_build(f, CAMCA_EPOLICY, "crl.shrinks");
	assert_non_null(strstr(f->f->why.detail, "its entry is missing"));
	assert_int_equal(f->f->why.http, 503);
	look(f);
	assert_int_equal(f->row.number, before.number + 1);
	/* Without the file there is the number of entries still. */
	unlink(f->path);
	reopen(f);
	assert_null(crl_published(f->crl, 0));
	refused_build(f, CAMCA_OK, NULL);                /* 2 of 2: one more */
}

static void
test_gate_counts_without_a_file(void **state)
{
	struct crl_fix *f = *state;
	struct cert_row r = { .id = revoked_cert(f, 1, 1) };
	int64_t held;

	revoked_cert(f, 2, 1);
	held = cert_new(f, 3, f->f->now_ms + YEAR_MS);
	change(f, held, CERT_HOLD, 6);
	assert_int_equal(entries(f), 3);
	change(f, held, CERT_GOOD, -1);
	assert_int_equal(store_tx(f->f->store, DB_READ, by_id_tx, &r), 0);
	assert_int_equal(store_tx(f->f->store, DB_WRITE, lose_tx, &r), 0);
	unlink(f->path);
	reopen(f);
	refused_build(f, CAMCA_EPOLICY, "crl.shrinks");
	refused_build(f, CAMCA_EPOLICY, "crl.shrinks");
	/* The released one alone may be missing. */
	revoked_cert(f, 4, 1);
	refused_build(f, CAMCA_OK, NULL);
	assert_int_equal(f->row.number, 2);
}

static void
corrupt(struct crl_fix *f, long at, uint8_t bits)
{
	FILE *fp = fopen(f->path, "r+b");
	int c;

	assert_non_null(fp);
	assert_int_equal(fseek(fp, at, at < 0 ? SEEK_END : SEEK_SET), 0);
	c = fgetc(fp);
	assert_int_equal(fseek(fp, -1, SEEK_CUR), 0);
	assert_int_not_equal(fputc(c ^ bits, fp), EOF);
	assert_int_equal(fclose(fp), 0);
}

/* Damage is never served; the store knows what belongs there. */
static void
test_damaged_file(void **state)
{
	struct crl_fix *f = *state;

	revoked_cert(f, 1, 1);
	assert_int_equal(entries(f), 1);
	corrupt(f, 40, 1);
	reopen(f);
	assert_null(crl_published(f->crl, 0));
	assert_int_equal(entries(f), 1);
	assert_int_equal(f->row.number, 2);
	corrupt(f, -1, 1);
	reopen(f);
	assert_null(crl_published(f->crl, 0));
	/* Somebody else's signed list is no list of ours. */
	assert_int_equal(file_replace(f->path, "0", 1, 0600), 0);
	reopen(f);
	assert_null(crl_published(f->crl, 0));
	assert_int_equal(entries(f), 1);
	assert_int_equal(f->row.number, 3);
}

/* ---- crash points: what is on the disk when the process is gone ---- */

/* After 1: written beside, not in the store. */
static void
test_crash_before_the_store(void **state)
{
	struct crl_fix *f = *state;
	struct buf old;

	buf_init(&old, 1 << 20);
	build(f);
	revoked_cert(f, 1, 1);
	assert_int_equal(file_read(f->path, 1 << 20, &old), 0);
	assert_int_equal(file_replace(f->next, "half a list", 11, 0600), 0);
	reopen(f);
	look(f);
	assert_int_equal(f->row.number, 1);
	assert_int_equal(entries(f), 1);
	assert_int_equal(f->row.number, 2);
	assert_false(file_exists(f->next));
	buf_fini(&old);
}

/* After 2: the store has it, the name has not changed yet. */
static void
test_crash_before_the_name(void **state)
{
	struct crl_fix *f = *state;
	struct buf one, two;

	buf_init(&one, 1 << 20);
	buf_init(&two, 1 << 20);
	build(f);
	assert_int_equal(file_read(f->path, 1 << 20, &one), 0);
	revoked_cert(f, 1, 1);
	build(f);
	assert_int_equal(file_read(f->path, 1 << 20, &two), 0);
	assert_int_equal(file_replace(f->path, one.data, one.len, 0600), 0);
	assert_int_equal(file_replace(f->next, two.data, two.len, 0600), 0);
	reopen(f);
	/* Number 2 is the list that took the number, and no other. */
	look(f);
	assert_int_equal(f->row.number, 2);
	assert_int_equal(f->row.entries, 1);
	buf_reset(&one);
	assert_int_equal(file_read(f->path, 1 << 20, &one), 0);
	assert_int_equal(one.len, two.len);
	assert_memory_equal(one.data, two.data, two.len);
	build(f);
	assert_int_equal(f->row.number, 3);
	buf_fini(&one);
	buf_fini(&two);
}

/* The same, and then the file that took the number is lost: the number is never
 * used again, and the older file is not served any more. */
static void
test_crash_and_loss(void **state)
{
	struct crl_fix *f = *state;
	struct buf one;

	buf_init(&one, 1 << 20);
	build(f);
	assert_int_equal(file_read(f->path, 1 << 20, &one), 0);
	revoked_cert(f, 1, 1);
	build(f);
	assert_int_equal(file_replace(f->path, one.data, one.len, 0600), 0);
	reopen(f);
	assert_null(crl_published(f->crl, 0));
	assert_int_equal(entries(f), 1);
	assert_int_equal(f->row.number, 3);
	buf_fini(&one);
}

/* The database is an older copy than the files: revocations that it does not
 * know stay published, and no number comes again. */
static int
older_tx(struct tx *tx, void *arg)
{
	(void)arg;
	return store_meta_set(tx, "x", "y");
}

static void
test_older_database(void **state)
{
	struct crl_fix *f = *state;
	struct crl_file_row newer;
	struct buf file;
	int64_t id = cert_new(f, 1, f->f->now_ms + YEAR_MS), n;

	buf_init(&file, 1 << 20);
	build(f);
	backup(f, "db", "copy");
	change(f, id, CERT_REVOKED, 1);
	assert_int_equal(entries(f), 1);
	newer = f->row;
	restore(f, "copy", "db");
	assert_int_equal(store_tx(f->f->store, DB_WRITE, older_tx, NULL), 0);
	look(f);
	assert_int_equal(f->row.number, newer.number);
	assert_int_equal(f->row.size, newer.size);
	refused_build(f, CAMCA_EPOLICY, "crl.shrinks");
	assert_non_null(strstr(f->f->why.detail, "revoke it again"));
	look(f);
	assert_int_equal(f->row.number, newer.number);
	/* As it says. */
	n = newer.number;
	change(f, id, CERT_REVOKED, 1);
	f->f->now_ms += 1000;
	assert_int_equal(entries(f), 1);
	assert_int_equal(f->row.number, n + 1);
	buf_fini(&file);
}

/* Whoever reads a list page by page reads one list. */
static void
test_reader_keeps_its_list(void **state)
{
	struct crl_fix *f = *state;
	struct crl_file *one, *again;
	uint8_t a[64], b[64];
	size_t n, m;

	build(f);
	one = crl_published(f->crl, 0);
	assert_int_equal(crl_file_read(one, 0, a, sizeof a, &n), 0);
	revoked_cert(f, 1, 1);
	build(f);
	assert_int_equal(crl_file_read(one, 0, b, sizeof b, &m), 0);
	assert_int_equal(n, m);
	assert_memory_equal(a, b, n);
	again = crl_published(f->crl, 1);
	assert_non_null(again);
	crl_file_free(again);
	assert_int_equal(crl_file_read(one, one->row.size - 3, b, sizeof b,
	    &m), 0);
	assert_int_equal(m, 3);
	assert_int_equal(crl_file_read(one, one->row.size, b, 1, &m),
	    CAMCA_EINVAL);
	assert_int_equal(crl_file_read(one, -1, b, 1, &m), CAMCA_EINVAL);
	crl_file_free(one);
	build(f);
	assert_null(crl_published(f->crl, 1));
	assert_null(crl_published(f->crl, 99));
}

static void
test_no_folder(void **state)
{
	struct crl_fix *f = *state;
	char away[256];

	build(f);
	fix_path(f->f, "away", away);
	assert_int_equal(rename(f->dir, away), 0);
	revoked_cert(f, 1, 1);
	refused_build(f, CAMCA_EIO, "system.io");
	look(f);
	assert_int_equal(f->row.number, 1);
	assert_int_equal(rename(away, f->dir), 0);
	assert_int_equal(entries(f), 1);
	assert_int_equal(f->row.number, 2);
}

static void
test_refused_life(void **state)
{
	static const int64_t bad[] = { INT64_MIN, -1, 0, 59999, INT64_MAX };
	struct crl_fix *f = *state;

	for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) {
		f->conf.life_ms = bad[i];
		refused_build(f, CAMCA_EINVAL, "crl.life");
	}
}

/* Generations and the root have lists of their own. */
static void
test_rollover(void **state)
{
	struct crl_fix *f = *state;
	const struct ca *now;
	int64_t old = f->ca->row.id;
	X509_CRL *crl;

	revoked_cert(f, 1, 1);
	now = fix_next(f->f, "ec", 10 * YEAR_MS);
	f->ca = ca_by_id(f->f->set, old);
	assert_int_equal(entries(f), 1);
	crl = published(f);
	assert_true(X509_CRL_verify(crl, X509_get0_pubkey(now->cert)) != 1);
	ERR_clear_error();
	X509_CRL_free(crl);
	f->ca = now;
	reopen(f);
	assert_int_equal(entries(f), 0);
	assert_int_equal(f->row.number, 1);
	f->ca = ca_root(f->f->set);
	reopen(f);
	assert_int_equal(entries(f), 0);
}

/* Last: the token needs a second to be looked for again. */
static void
test_token_away(void **state)
{
	struct crl_fix *f = *state;
	char token[256], away[256];

	assert_int_equal(entries(f), 0);
	fix_path(f->f, "token/tokens", token);
	fix_path(f->f, "token/away", away);
	assert_int_equal(rename(token, away), 0);
	revoked_cert(f, 1, 1);
	refused_build(f, CAMCA_EHSM, "system.hsm");
	assert_true(f->f->why.retry_after_s > 0);
	look(f);
	assert_int_equal(f->row.number, 1);
	assert_int_equal(rename(away, token), 0);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		CRL_TEST(test_empty),
		CRL_TEST(test_each_change_is_in_the_next),
		CRL_TEST(test_restart_goes_on), CRL_TEST(test_dates),
		CRL_TEST(test_clock_set_back),
		CRL_TEST(test_entry_goes_after_expiry),
		CRL_TEST(test_entry_stays_after_a_wrong_clock),
		CRL_TEST(test_gate_refuses_to_shrink),
		CRL_TEST(test_gate_counts_without_a_file),
		CRL_TEST(test_damaged_file),
		CRL_TEST(test_crash_before_the_store),
		CRL_TEST(test_crash_before_the_name),
		CRL_TEST(test_crash_and_loss), CRL_TEST(test_older_database),
		CRL_TEST(test_reader_keeps_its_list),
		CRL_TEST(test_no_folder), CRL_TEST(test_refused_life),
		CRL_TEST(test_rollover), CRL_TEST(test_token_away),
	};

	return cmocka_run_group_tests(tests, fix_group, fix_group_end);
}
