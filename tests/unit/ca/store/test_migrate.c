/* SPDX-License-Identifier: Apache-2.0 */
#include "tests/unit/ca/store/fixture.h"

#include "ca/base/buf.h"
#include "ca/store/store_log.h"

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

/* ---- from schema 2: what changes left the rows of what does not ---- */

/* Devices in each state, with and without a restriction; certificates that were
 * never changed, held, revoked, released (good, with a number), and two that
 * were replaced: one still good, one revoked. */
#define SERIAL(n) "CAST('0000000000000000000" n "' AS BLOB)"
static const char schema_2_rows[] =
    "INSERT INTO site VALUES ('hq', 'HQ', 3, 1);"
    "INSERT INTO device (pk, id, kind, manufacturer, model, serial, mac,"
    " hardware_id, firmware, site, place, state, import_batch, created_ms,"
    " updated_ms, restriction) SELECT value + 1, 'cam-' || value, 0, 'Acme',"
    " 'M', 'SN' || value, '', '', 'V1', 'hq', 1, value % 6, '', 10,"
    " CASE WHEN value = 6 THEN 10 ELSE 10 + value END,"
    " CASE WHEN value > 5 THEN value - 6 ELSE 0 END"
    " FROM json_each('[0,1,2,3,4,5,6,7,8]');"
    "INSERT INTO issuer VALUES (1, 'ec', 1, NULL, 0, 'pkcs11:', zeroblob(20),"
    " x'3000', NULL, NULL, 1), (2, 'rsa', 1, NULL, 0, 'pkcs11:',"
    " randomblob(20), x'3000', NULL, NULL, 1);"
    "INSERT INTO cert (id, serial, issuer, device, profile, label,"
    " not_before_ms, not_after_ms, spki, spki_key, status, reason,"
    " revoked_ms, rev_seq, created_ms, seen_ms, replaced_by,"
    " revocation_challenge, invalidity_ms) VALUES"
    " (1, " SERIAL("1") ", 1, 2, 'p', 'l', 5, 900,"
    " zeroblob(32), 1, 0, -1, 0, NULL, 5, 0, NULL, '', 0),"
    " (2, " SERIAL("2") ", 1, 3, 'p', 'l', 5, 901,"
    " zeroblob(32), 1, 1, 6, 50, 7, 5, 0, NULL, '', 40),"
    " (3, " SERIAL("3") ", 2, 4, 'p', 'l', 5, 902,"
    " zeroblob(32), 1, 2, 1, 51, 3, 5, 0, NULL, '', 0),"
    " (4, " SERIAL("4") ", 1, 5, 'p', 'l', 5, 903,"
    " zeroblob(32), 1, 0, -1, 0, 9, 5, 0, NULL, '', 0),"
    " (5, " SERIAL("5") ", 1, 2, 'p', 'l', 5, 904,"
    " zeroblob(32), 1, 0, -1, 0, NULL, 5, 60, 1, '', 0),"
    " (6, " SERIAL("6") ", 1, 2, 'p', 'l', 5, 905,"
    " zeroblob(32), 1, 2, 4, 52, 8, 5, 60, 1, 'cc', 0);"
    "UPDATE cert SET seen_ms = 70 WHERE id = 1;"
    "INSERT INTO cert_der SELECT id, x'3000' FROM cert;"
    "INSERT INTO issuer_stat VALUES (1, 5, 905, 9), (2, 1, 902, 3);"
    "INSERT INTO crl_entry SELECT issuer, rev_seq, id, not_after_ms, x'30'"
    " FROM cert WHERE status <> 0 AND id <> 6;"
    "UPDATE counter SET n = 9 WHERE name = 'device';"
    "UPDATE counter SET n = 9 WHERE name = 'rev_seq';";

struct kept {
	struct tx *tx;
	int n;
	int64_t ids[8];
};

static int
keep_cert(const struct cert_row *r, void *arg)
{
	struct kept *k = arg;

	k->ids[k->n++] = r->id;
	return 0;
}

static int
keep_status(const struct status_row *r, void *arg)
{
	struct kept *k = arg;

	k->ids[k->n++] = r->id;
	return 0;
}

static void
check_devices(struct tx *tx)
{
	struct device_row d;
	struct device_pick p;
	char id[16];

	for (int i = 0; i < 9; i++) {
		snprintf(id, sizeof id, "cam-%d", i);
		assert_int_equal(store_device_get(tx, id, &d), 0);
		assert_int_equal(d.pk, i + 1);
		assert_int_equal(d.state, i % 6);
		assert_int_equal(d.restriction, i > 5 ? i - 6 : 0);
		assert_int_equal(d.created_ms, 10);
		assert_int_equal(d.updated_ms, i == 6 ? 10 : 10 + i);
		assert_string_equal(d.firmware, "V1");
		assert_int_equal(store_pick_pk(tx, d.pk, &p), 0);
		assert_int_equal(p.state, d.state);
		assert_int_equal(p.restriction, d.restriction);
	}
}

static void
check_certs(struct tx *tx)
{
	/* status, reason, revoked_ms, invalidity_ms, rev_seq, replaced_by */
	static const int64_t want[][6] = {
		{ CERT_GOOD, -1, 0, 0, 0, 0 }, { CERT_HOLD, 6, 50, 40, 7, 0 },
		{ CERT_REVOKED, 1, 51, 0, 3, 0 }, { CERT_GOOD, -1, 0, 0, 9, 0 },
		{ CERT_GOOD, -1, 0, 0, 0, 1 }, { CERT_REVOKED, 4, 52, 0, 8, 1 },
	};
	struct cert_row r;

	for (int i = 0; i < 6; i++) {
		assert_int_equal(store_cert_by_id(tx, i + 1, &r), 0);
		assert_int_equal(r.status, want[i][0]);
		assert_int_equal(r.reason, want[i][1]);
		assert_int_equal(r.revoked_ms, want[i][2]);
		assert_int_equal(r.invalidity_ms, want[i][3]);
		assert_int_equal(r.rev_seq, want[i][4]);
		assert_int_equal(r.replaced_by, want[i][5]);
		assert_int_equal(r.not_after_ms, 900 + i);
		assert_int_equal(r.serial[19], '1' + i);
		assert_string_equal(r.revocation_challenge,
		    i == 5 ? "cc" : "");
	}
}

static void
check_lists(struct tx *tx)
{
	static const int64_t changed[] = { 3, 2, 6, 4 };
	struct kept k = { .tx = tx };
	int64_t n;

	assert_int_equal(store_status_list_changed(tx, 0, 9, keep_status, &k),
	    0);
	assert_int_equal(k.n, 4);
	assert_memory_equal(k.ids, changed, sizeof changed);
	k.n = 0;
	assert_int_equal(store_status_list_new(tx, 0, 6, 0, 9, keep_status,
	    &k), 0);
	assert_int_equal(k.n, 6);
	k.n = 0;
	assert_int_equal(store_cert_superseded_list(tx, 100, 9, keep_cert, &k),
	    0);
	assert_int_equal(k.n, 1);
	assert_int_equal(k.ids[0], 5);
	k.n = 0;
	assert_int_equal(store_cert_released_list(tx, 1, 0, keep_cert, &k), 0);
	assert_int_equal(k.n, 1);
	assert_int_equal(k.ids[0], 4);
	k.n = 0;
	assert_int_equal(store_crl_entry_missing(tx, 0, 9, keep_cert, &k), 0);
	assert_int_equal(k.n, 1);
	assert_int_equal(k.ids[0], 6);
	assert_int_equal(store_issuer_rev_seq(tx, 2, &n), 0);
	assert_int_equal(n, 3);
}

/* What was changed before goes on from there. */
static void
check_changes(struct tx *tx)
{
	struct cert_row r;

	assert_int_equal(store_cert_by_id(tx, 2, &r), 0);
	r.status = CERT_REVOKED;
	assert_int_equal(store_cert_change(tx, &r), 0);
	assert_int_equal(r.rev_seq, 10);
	assert_int_equal(store_cert_by_id(tx, 1, &r), 0);
	r.status = CERT_HOLD;
	assert_int_equal(store_cert_change(tx, &r), 0);
	assert_int_equal(r.rev_seq, 11);
	assert_int_equal(store_device_move(tx, 1, DEVICE_REGISTERED,
	    DEVICE_ENROLLED, 99), 0);
	assert_int_equal(store_device_move(tx, 3, DEVICE_HELD,
	    DEVICE_ENROLLED, 99), 0);
	assert_int_equal(store_device_move(tx, 3, DEVICE_REGISTERED,
	    DEVICE_ENROLLED, 99), CAMCA_ECONFLICT);
}

/* A store of that version with these rows, brought up to date; a transaction is
 * open. */
static struct db *
open_from(struct fix *f, size_t version, const char *rows)
{
	struct db *d = open_db(f);

	assert_int_equal(migrate(d, db_sqlite.steps, version, true, ""), 0);
	assert_int_equal(db_sqlite.script(d, rows), 0);
	assert_int_equal(migrate(d, db_sqlite.steps, db_sqlite.nsteps, false,
	    ""), 0);
	assert_int_equal(db_sqlite.prepare(d), 0);
	assert_int_equal(db_sqlite.begin(d), 0);
	return d;
}

static void
test_from_2(void **state)
{
	struct db *d = open_from(*state, 2, schema_2_rows);
	struct tx tx = { .engine = &db_sqlite, .db = d, .mode = DB_WRITE };

	check_devices(&tx);
	check_certs(&tx);
	check_lists(&tx);
	check_changes(&tx);
	db_sqlite.rollback(d);
	db_sqlite.close(d);
}

/* A revocation that the feed would never tell of is not lost quietly: the step
 * does not happen. */
static void
test_from_2_damaged(void **state)
{
	struct db *d = open_db(*state);
	int64_t version = 0;

	assert_int_equal(migrate(d, db_sqlite.steps, 2, true, ""), 0);
	assert_int_equal(db_sqlite.script(d, schema_2_rows), 0);
	assert_int_equal(db_sqlite.script(d, "UPDATE cert SET rev_seq = NULL"
	    " WHERE id = 3"), 0);
	assert_true(migrate(d, db_sqlite.steps, 3, false, "store.migrate") <
	    0);
	assert_int_equal(db_sqlite.version(d, &version), 0);
	assert_int_equal(version, 2);
	db_sqlite.close(d);
}

/* ---- from schema 4: a log and an outbox in use ---- */

#define LEAF_0 "0123456789abcdef0123456789abcdef"
#define LEAF_1 "fedcba9876543210fedcba9876543210"
#define HEX_0 "3031323334353637383961626364656630313233343536373839616263646566"
#define HEAD(id, type, device) "camca-event/v1\nid " id "\n" \
    "time 2026-11-22T10:36:32.09" id "Z\ntype " type "\ndevice " device "\n"
#define REST "actor dev-seq 7\nsite \xc3\xa9t\xc3\xa9 actor \nnode n\n"
#define BLOB(text) "CAST('" text "' AS BLOB)"

/* What was stored of the entries, and what is of their bodies: of a device twice,
 * one that stands for another body, two that no program of ours has written. */
static const struct {
	const char *data, *device, *body;
	int64_t prev, n, time_ms;
} schema_4[] = {
	{ HEAD("0", "a.b", "cam-1") "dev-seq 1\ndev-prev -\n" REST, "cam-1",
	    HEAD("0", "a.b", "cam-1") REST, -1, 1, 1795343792090 },
	{ HEAD("1", "a.b", "cam-1") "dev-seq 2\ndev-prev " HEX_0 "\n" REST,
	    "cam-1", HEAD("1", "a.b", "cam-1") REST, 0, 2, 1795343792091 },
	{ HEAD("2", "record.unreadable", "-") "dev-seq 1\ndev-prev -\n" REST,
	    "-", "odd", -1, 1, 1795343792092 },
	{ HEAD("3", "a.b", "cam-1") "dev-seq 03\ndev-prev -\n" REST, "cam-1",
	    HEAD("3", "a.b", "cam-1") "dev-seq 03\ndev-prev -\n" REST, 1, 0,
	    1795343792093 },
	{ "x", "", "x", -1, 0, 0 },
};

static const char schema_4_rows[] =
    "INSERT INTO log_odd (idx, body) VALUES (2, CAST('odd' AS BLOB));"
    "INSERT INTO log_device (device, n, last, leaf) SELECT 'cam-1', 2, 1, leaf"
    " FROM log_entry WHERE idx = 1;"
    "UPDATE log_head SET size = 5;"
    "UPDATE counter SET n = 8 WHERE name = 'outbox';"
    "INSERT INTO outbox (seq, id, time_ms, type, device, body) VALUES"
    " (8, randomblob(16), 18, 'x', 'cam-1', x'68'),"
    " (6, randomblob(16), 16, 'x', 'cam-1', x'66'),"
    " (7, randomblob(16), 17, 'x', '-', x'67');";

static void
schema_4_entries(struct buf *sql)
{
	size_t i;

	for (i = 0; i < COUNT(schema_4); i++)
		assert_int_equal(buf_printf(sql, "INSERT INTO log_entry (idx,"
		    " event_id, prev, leaf, data) VALUES (%zu, zeroblob(16),"
		    " %d, " BLOB("%s") ", " BLOB("%s") ");", i,
		    (int)schema_4[i].prev, i == 0 ? LEAF_0 : LEAF_1,
		    schema_4[i].data), 0);
	assert_int_equal(buf_put(sql, schema_4_rows, sizeof schema_4_rows),
	    0);
}

static int
see_waiting(const struct event_row *r, const struct log_chain_row *c,
    void *arg)
{
	int64_t *last = arg;

	assert_int_equal(r->seq, ++*last);
	assert_int_equal(r->time_ms, 10 + r->seq);
	assert_int_equal(r->body.n, 1);
	assert_int_equal(r->body.p[0], '`' + r->seq);
	assert_string_equal(r->device, r->seq == 7 ? "-" : "cam-1");
	assert_int_equal(c->n, r->seq == 7 ? 0 : 2);
	if (c->n == 2)
		assert_memory_equal(c->leaf, LEAF_1, 32);
	return 0;
}

static int
see_entry(const struct log_entry_row *r, void *arg)
{
	size_t i = (*(size_t *)arg)++;

	assert_int_equal(r->idx, i);
	assert_int_equal(r->prev, schema_4[i].prev);
	assert_int_equal(r->n, schema_4[i].n);
	assert_int_equal(r->time_ms, schema_4[i].time_ms);
	assert_string_equal(r->device, schema_4[i].device);
	assert_memory_equal(r->leaf, i == 0 ? LEAF_0 : LEAF_1, 32);
	assert_int_equal(r->data.n, strlen(schema_4[i].data));
	assert_memory_equal(r->data.p, schema_4[i].data, r->data.n);
	return 0;
}

static int
see_body(const struct db_val *v, size_t n, void *arg)
{
	size_t i = (*(size_t *)arg)++;

	assert_int_equal(n, 10);
	assert_int_equal(v[0].i, i + 1);
	assert_int_equal(v[4].n, strlen(schema_4[i].body));
	assert_memory_equal(v[4].p, schema_4[i].body, v[4].n);
	return 0;
}

/* What was an entry is the same one, byte by byte, of a body without the two
 * lines. What waits still waits, under its numbers, and chains go on; ids may be
 * there twice from now on. */
static void
test_from_4(void **state)
{
	struct buf sql;
	struct db *d;
	struct tx tx = { .engine = &db_sqlite, .mode = DB_WRITE };
	struct event_row r = { .time_ms = 19, .device = "cam-1",
	    .body = { (uint8_t[]){ 'i' }, 1 } };
	struct db_val v[] = { db_int(0), db_int(COUNT(schema_4)) };
	struct log_chain_row c;
	struct log_odd_row odd;
	int64_t last = 5;
	size_t n = 0;

	buf_init(&sql, 0);
	schema_4_entries(&sql);
	tx.db = d = open_from(*state, 4, (const char *)sql.data);
	buf_fini(&sql);
	assert_int_equal(store_log_entry_list(&tx, 0, 100, see_entry, &n), 0);
	assert_int_equal(n, COUNT(schema_4));
	n = 0;
	assert_int_equal(tx_query(&tx, ST_OUTBOX_READ, v, 2, see_body, &n,
	    NULL), 0);
	assert_int_equal(n, COUNT(schema_4));
	assert_int_equal(store_log_odd_get(&tx, 2, &odd), 0);
	assert_int_equal(odd.body.n, 3);
	store_blob_free(&odd.body);
	assert_int_equal(store_log_odd_get(&tx, 1, &odd), CAMCA_ENOENT);
	assert_int_equal(store_log_chain(&tx, "cam-1", &c), 0);
	assert_int_equal(c.n, 2);
	assert_int_equal(c.last, 1);
	assert_true(c.there && c.fits);
	assert_memory_equal(c.leaf, LEAF_1, 32);
	assert_int_equal(store_outbox_put(&tx, &r), 0);
	r.time_ms = 20;
	r.body.p[0] = 'j';
	assert_int_equal(store_outbox_put(&tx, &r), 0);
	assert_int_equal(store_outbox_read(&tx, 5, 10, see_waiting, &last),
	    0);
	assert_int_equal(last, 10);
	assert_int_equal(db_sqlite.script(d, "UPDATE event SET time_ms = 1"),
	    CAMCA_EINVAL);
	db_sqlite.rollback(d);
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
		cmocka_unit_test_setup_teardown(test_from_2, setup, teardown),
		cmocka_unit_test_setup_teardown(test_from_2_damaged, setup,
		    teardown),
		cmocka_unit_test_setup_teardown(test_from_4, setup, teardown),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
