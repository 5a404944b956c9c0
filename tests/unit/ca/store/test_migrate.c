/* SPDX-License-Identifier: Apache-2.0 */
#include "tests/unit/ca/store/fixture.h"

static struct db *
open_db(struct fix *f)
{
	struct db_conf conf = { f->path, DB_WRITE, true };
	struct refusal why = { 0 };
	struct db *d = NULL;

	assert_int_equal(db_sqlite.open(&d, &conf, &why), 0);
	return d;
}

static int
migrate(struct db *d, const struct db_step *steps, size_t n, bool create,
    const char *code)
{
	struct refusal why = { 0 };
	int64_t version = -1;
	int err = migrate_run(&db_sqlite, d, steps, n, create, &version, &why);

	if (err < 0) {
		assert_string_equal(why.code, code);
		assert_int_equal(why.http, 503);
		assert_true(strlen(why.detail) > 10);
		return err;
	}
	assert_int_equal(version, n);
	return 0;
}

/* The schema of this program, and one more step. */
static void
next_steps(struct db_step out[static 16], const char *sql)
{
	assert_true(db_sqlite.nsteps < 15);
	memcpy(out, db_sqlite.steps, db_sqlite.nsteps * sizeof *out);
	out[db_sqlite.nsteps].sql = sql;
}

static int
setup(void **state)
{
	struct fix *f = calloc(1, sizeof *f);

	assert_non_null(f);
	log_setup("test", (enum log_level)0);
	fix_folder(f);
	*state = f;
	return 0;
}

static int
teardown(void **state)
{
	fix_folder_remove(*state);
	free(*state);
	return 0;
}

static void
put_site(struct db *d, const char *id)
{
	struct tx tx = { .engine = &db_sqlite, .db = d,
	    .mode = DB_WRITE };
	struct site_row r = fix_site_row(id);

	assert_int_equal(db_sqlite.prepare(d), 0);
	assert_int_equal(db_sqlite.begin(d), 0);
	assert_int_equal(store_site_insert(&tx, &r), 0);
	assert_int_equal(db_sqlite.commit(d), 0);
}

static void
test_new(void **state)
{
	struct db *d = open_db(*state);

	assert_int_equal(migrate(d, db_sqlite.steps, db_sqlite.nsteps, false,
	    "store.missing"), CAMCA_ENOENT);
	assert_int_equal(migrate(d, db_sqlite.steps, db_sqlite.nsteps, true,
	    ""), 0);
	assert_int_equal(migrate(d, db_sqlite.steps, db_sqlite.nsteps, false,
	    ""), 0);
	db_sqlite.close(d);
}

static void
test_each_version(void **state)
{
	struct db *d = open_db(*state);
	size_t i;

	for (i = 1; i <= db_sqlite.nsteps; i++)
		assert_int_equal(migrate(d, db_sqlite.steps, i, true, ""), 0);
	put_site(d, "hq");
	db_sqlite.close(d);
}

static void
test_older(void **state)
{
	struct db *d = open_db(*state);
	struct db_step steps[16];
	struct tx tx;
	struct site_row r;

	assert_int_equal(migrate(d, db_sqlite.steps, db_sqlite.nsteps, true,
	    ""), 0);
	put_site(d, "hq");
	db_sqlite.close(d);
	d = open_db(*state);
	next_steps(steps, "ALTER TABLE site ADD COLUMN note TEXT NOT NULL"
	    " DEFAULT ''; UPDATE site SET level = level + 1;");
	assert_int_equal(migrate(d, steps, db_sqlite.nsteps + 1, false, ""),
	    0);
	/* Once only. */
	assert_int_equal(migrate(d, steps, db_sqlite.nsteps + 1, false, ""),
	    0);
	assert_int_equal(db_sqlite.prepare(d), 0);
	tx = (struct tx){ .engine = &db_sqlite, .db = d, .mode = DB_WRITE };
	assert_int_equal(db_sqlite.begin(d), 0);
	assert_int_equal(store_site_get(&tx, "hq", &r), 0);
	assert_int_equal(r.level, 4);
	db_sqlite.rollback(d);
	db_sqlite.close(d);
}

static void
test_step_fails(void **state)
{
	struct db *d = open_db(*state);
	struct db_step steps[16];
	int64_t version = -1;

	assert_int_equal(migrate(d, db_sqlite.steps, db_sqlite.nsteps, true,
	    ""), 0);
	next_steps(steps, "CREATE TABLE half (id INTEGER) STRICT;"
	    " INSERT INTO nowhere VALUES (1);");
	assert_int_equal(migrate(d, steps, db_sqlite.nsteps + 1, false,
	    "store.migrate"), CAMCA_EDB);
	assert_false(db_sqlite.active(d));
	assert_int_equal(db_sqlite.version(d, &version), 0);
	assert_int_equal(version, db_sqlite.nsteps);
	/* Nothing of the step is left: it can be run once it is right. */
	next_steps(steps, "CREATE TABLE half (id INTEGER) STRICT;");
	assert_int_equal(migrate(d, steps, db_sqlite.nsteps + 1, false, ""),
	    0);
	db_sqlite.close(d);
}

static void
test_newer(void **state)
{
	struct db *d = open_db(*state);
	struct db_step steps[16];

	next_steps(steps, "CREATE TABLE later (id INTEGER) STRICT;");
	assert_int_equal(migrate(d, steps, db_sqlite.nsteps + 1, true, ""),
	    0);
	assert_int_equal(migrate(d, steps, db_sqlite.nsteps, true,
	    "store.newer"), CAMCA_EDB);
	db_sqlite.close(d);
}

static void
test_not_ours(void **state)
{
	struct db *d = open_db(*state);

	assert_int_equal(db_sqlite.script(d, "CREATE TABLE objects (id)"), 0);
	assert_int_equal(migrate(d, db_sqlite.steps, db_sqlite.nsteps, true,
	    "store.foreign"), CAMCA_EDB);
	db_sqlite.close(d);
}

static void
test_damaged(void **state)
{
	struct db *d = open_db(*state);

	assert_int_equal(migrate(d, db_sqlite.steps, db_sqlite.nsteps, true,
	    ""), 0);
	assert_int_equal(db_sqlite.script(d, "UPDATE schema_version SET"
	    " version = -1"), 0);
	assert_int_equal(migrate(d, db_sqlite.steps, db_sqlite.nsteps, true,
	    "store.version"), CAMCA_EDB);
	assert_int_equal(db_sqlite.script(d, "DELETE FROM schema_version"),
	    0);
	assert_int_equal(migrate(d, db_sqlite.steps, db_sqlite.nsteps, true,
	    "store.migrate"), CAMCA_EDB);
	db_sqlite.close(d);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(test_new, setup, teardown),
		cmocka_unit_test_setup_teardown(test_each_version, setup,
		    teardown),
		cmocka_unit_test_setup_teardown(test_older, setup, teardown),
		cmocka_unit_test_setup_teardown(test_step_fails, setup,
		    teardown),
		cmocka_unit_test_setup_teardown(test_newer, setup, teardown),
		cmocka_unit_test_setup_teardown(test_not_ours, setup,
		    teardown),
		cmocka_unit_test_setup_teardown(test_damaged, setup,
		    teardown),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
