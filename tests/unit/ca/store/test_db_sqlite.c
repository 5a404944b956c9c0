/* SPDX-License-Identifier: Apache-2.0 */
#include "tests/unit/ca/store/fixture.h"

#include <sqlite3.h>
#include <sys/stat.h>

static void
test_explain_each(void **state)
{
	struct fix *f = *state;
	char sql[4096];
	int i;

	for (i = 0; i < STMT_COUNT; i++) {
		snprintf(sql, sizeof sql, "EXPLAIN %s",
		    db_sqlite.stmts[i].text);
		if (db_sqlite.script(f->db, sql) < 0)
			fail_msg("%s", db_sqlite.stmts[i].name);
	}
}

/* A plan that reads a table of a million rows from end to end, or sorts it, is
 * a mistake in a statement or a missing index. */
static void
test_no_scans(void **state)
{
	struct fix *f = *state;
	sqlite3_stmt *st;
	sqlite3 *h;
	char sql[4096];
	const char *plan;
	int i;

	db_sqlite.rollback(f->db);
	assert_int_equal(sqlite3_open(f->path, &h), SQLITE_OK);
	for (i = 0; i < STMT_COUNT; i++) {
		snprintf(sql, sizeof sql, "EXPLAIN QUERY PLAN %s",
		    db_sqlite.stmts[i].text);
		assert_int_equal(sqlite3_prepare_v2(h, sql, -1, &st, NULL),
		    SQLITE_OK);
		while (sqlite3_step(st) == SQLITE_ROW) {
			plan = (const char *)sqlite3_column_text(st, 3);
			if ((strncmp(plan, "SCAN ", 5) == 0 &&
			    strcmp(plan, "SCAN issuer_stat") != 0 &&
			    /* What fsck counts over the whole log. */
			    i != ST_LOG_DEVICE_SUM && i != ST_LOG_TILE_COUNT &&
			    i != ST_OUTBOX_ROWS &&
			    /* Of which it wants one row. */
			    i != ST_ANCHORED &&
			    /* When a person has accepted a clock. */
			    i != ST_AHEAD_WAIT && i != ST_AHEAD_JOB &&
			    i != ST_AHEAD_LAST &&
			    strcmp(plan, "SCAN CONSTANT ROW") != 0) ||
			    strstr(plan, "TEMP B-TREE") != NULL)
				fail_msg("%s: %s", db_sqlite.stmts[i].name,
				    plan);
		}
		sqlite3_finalize(st);
	}
	sqlite3_close(h);
}

static int64_t
ask(const char *path, const char *sql)
{
	sqlite3_stmt *st = NULL;
	sqlite3 *h = NULL;
	int64_t out = -1;

	assert_int_equal(sqlite3_open(path, &h), SQLITE_OK);
	assert_int_equal(sqlite3_prepare_v2(h, sql, -1, &st, NULL),
	    SQLITE_OK);
	if (sqlite3_step(st) == SQLITE_ROW)
		out = sqlite3_column_int64(st, 0);
	sqlite3_finalize(st);
	sqlite3_close(h);
	return out;
}

static void
test_strict_tables(void **state)
{
	struct fix *f = *state;

	db_sqlite.rollback(f->db);
	assert_true(ask(f->path, "SELECT COUNT(*) FROM sqlite_schema"
	    " WHERE type = 'table'") > 10);
	assert_int_equal(ask(f->path, "SELECT COUNT(*) FROM"
	    " pragma_table_list WHERE schema = 'main' AND type = 'table'"
	    " AND name NOT LIKE 'sqlite_%' AND strict = 0"), 0);
	assert_int_equal(ask(f->path, "SELECT journal_mode = 'wal' FROM"
	    " pragma_journal_mode"), 1);
	assert_int_equal(ask(f->path, "PRAGMA page_size"), 4096);
}

/* A job that goes back over more than the engine keeps in memory: thousands of
 * pages that were there before it. */
static void
test_large_undo(void **state)
{
	struct fix *f = *state;
	char key[32], value[2000], got[2001];
	int i, round;

	memset(value, 'a', sizeof value);
	value[sizeof value - 1] = '\0';
	for (i = 0; i < 2000; i++) {
		snprintf(key, sizeof key, "k%06d", i);
		assert_int_equal(store_meta_set(&f->tx, key, value), 0);
	}
	for (round = 0; round < 2; round++) {
		assert_int_equal(db_sqlite.mark(f->db), 0);
		memset(value, 'b', sizeof value - 1);
		for (i = 0; i < 2000; i++) {
			snprintf(key, sizeof key, "k%06d", i);
			assert_int_equal(store_meta_set(&f->tx, key, value),
			    0);
		}
		assert_int_equal(round == 0 ? db_sqlite.undo(f->db) :
		    db_sqlite.release(f->db), 0);
		assert_int_equal(store_meta_get(&f->tx, "k001000", got,
		    sizeof got), 0);
		assert_int_equal(got[0], "ab"[round]);
	}
}

static void
test_modes(void **state)
{
	struct fix *f = *state;
	char path[320];
	struct stat st;

	assert_int_equal(stat(f->path, &st), 0);
	assert_int_equal(st.st_mode & 0777, 0600);
	snprintf(path, sizeof path, "%s-wal", f->path);
	assert_int_equal(stat(path, &st), 0);
	assert_int_equal(st.st_mode & 0777, 0600);
}

static void
test_outside_transaction(void **state)
{
	struct fix *f = *state;
	struct db_val v[] = { db_text("k"), db_text("v") };

	assert_int_equal(db_sqlite.exec(f->db, ST_META_SET, v, 2, NULL, NULL,
	    NULL), 0);
	db_sqlite.rollback(f->db);
	assert_false(db_sqlite.active(f->db));
	assert_int_equal(db_sqlite.exec(f->db, ST_META_SET, v, 2, NULL, NULL,
	    NULL), CAMCA_EDB);
	assert_int_equal(ask(f->path, "SELECT COUNT(*) FROM meta"), 0);
}

static int
stop(const struct db_val *cols, size_t n, void *arg)
{
	(void)cols;
	(void)n;
	(*(int *)arg)++;
	return 42;
}

static void
test_marks(void **state)
{
	struct fix *f = *state;
	struct db_val v[] = { db_text("k"), db_text("v") };
	int rows = 0;

	assert_int_equal(db_sqlite.mark(f->db), 0);
	assert_int_equal(store_meta_set(&f->tx, "a", "1"), 0);
	assert_int_equal(db_sqlite.undo(f->db), 0);
	assert_int_equal(db_sqlite.mark(f->db), 0);
	assert_int_equal(store_meta_set(&f->tx, "k", "2"), 0);
	assert_int_equal(db_sqlite.release(f->db), 0);
	assert_int_equal(db_sqlite.exec(f->db, ST_META_GET, v, 1, stop,
	    &rows, NULL), 42);
	assert_int_equal(rows, 1);
	assert_int_equal(db_sqlite.commit(f->db), 0);
	assert_int_equal(ask(f->path, "SELECT COUNT(*) FROM meta"), 1);
	/* Nothing is open: ending nothing fails and does no harm. */
	assert_int_equal(db_sqlite.commit(f->db), CAMCA_EDB);
	assert_int_equal(db_sqlite.begin(f->db), 0);
}

static void
test_busy(void **state)
{
	struct fix *f = *state;
	struct db_conf conf = { f->path, DB_WRITE, false };
	struct refusal why = { 0 };
	struct db *two = NULL;

	assert_int_equal(db_sqlite.open(&two, &conf, &why), 0);
	assert_int_equal(store_meta_set(&f->tx, "a", "1"), 0);
	assert_int_equal(db_sqlite.begin(two), CAMCA_EBUSY);
	assert_false(db_sqlite.active(two));
	assert_int_equal(db_sqlite.commit(f->db), 0);
	assert_int_equal(db_sqlite.begin(two), 0);
	db_sqlite.rollback(two);
	db_sqlite.close(two);
	db_sqlite.close(NULL);
}

static void
test_large_values(void **state)
{
	struct fix *f = *state;
	struct db_val v[3] = { db_bytes("0123456789abcdef0123456789abcdef",
	    32), db_text("x"), db_int(1) };

	v[1].n = (size_t)INT32_MAX + 10;
	assert_int_equal(db_sqlite.exec(f->db, ST_POLICY_PUT, v, 3, NULL,
	    NULL, NULL), CAMCA_ELIMIT);
}

static void
open_fails(const char *path, bool create, int err, const char *code)
{
	struct db_conf conf = { path, DB_WRITE, create };
	struct refusal why = { 0 };
	struct db *d = NULL;

	assert_int_equal(db_sqlite.open(&d, &conf, &why), err);
	assert_null(d);
	assert_int_equal(why.http, 503);
	assert_string_equal(why.code, code);
	assert_non_null(strstr(why.detail, path));
}

static void
test_open_refusals(void **state)
{
	struct fix f;
	FILE *out;
	int i;

	(void)state;
	fix_folder(&f);
	open_fails(f.path, false, CAMCA_ENOENT, "store.missing");
	open_fails(f.dir, true, CAMCA_EDB, "store.open");
	assert_non_null(out = fopen(f.path, "w"));
	for (i = 0; i < 2000; i++)
		fputs("no database", out);
	fclose(out);
	open_fails(f.path, true, CAMCA_EDB, "store.open");
	unlink(f.path);
	snprintf(f.path, sizeof f.path, "%s/x/y", f.dir);
	open_fails(f.path, true, CAMCA_ENOENT, "store.missing");
	assert_int_equal(rmdir(f.dir), 0);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(test_explain_each, fix_setup,
		    fix_teardown),
		cmocka_unit_test_setup_teardown(test_no_scans, fix_setup,
		    fix_teardown),
		cmocka_unit_test_setup_teardown(test_strict_tables, fix_setup,
		    fix_teardown),
		cmocka_unit_test_setup_teardown(test_large_undo, fix_setup,
		    fix_teardown),
		cmocka_unit_test_setup_teardown(test_modes, fix_setup,
		    fix_teardown),
		cmocka_unit_test_setup_teardown(test_outside_transaction,
		    fix_setup, fix_teardown),
		cmocka_unit_test_setup_teardown(test_marks, fix_setup,
		    fix_teardown),
		cmocka_unit_test_setup_teardown(test_busy, fix_setup,
		    fix_teardown),
		cmocka_unit_test_setup_teardown(test_large_values, fix_setup,
		    fix_teardown),
		cmocka_unit_test(test_open_refusals),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
