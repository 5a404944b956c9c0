/* SPDX-License-Identifier: Apache-2.0 */
/* Whatever is changed in the database, the check finds it and says where. */
#include "tests/unit/ca/custody/sign_fixture.h"

#define ENTRIES 600

/* All steps; what was wrong in *why. The place goes through its text, as it
 * does between the authority and its caller. */
static int check_steps;

static int
check(struct sign_fix *x, struct refusal *why)
{
	char text[FSCK_TEXT_MAX] = "";
	struct fsck f;
	int ret;

	check_steps = 0;
	memset(why, 0, sizeof *why);
	do {
		assert_int_equal(fsck_parse(&f, text), 0);
		ret = fsck_step(x->f->store, x->dir, &f, why);
		fsck_text(&f, text);
		assert_true(++check_steps < 1000);
	} while (ret == 0 && text[0] != '\0');
	assert_true(ret < 0 || f.phase == FSCK_DONE);
	return ret;
}

static void
good(struct sign_fix *x)
{
	struct refusal why;

	if (check(x, &why) < 0)
		fail_msg("%s: %s", why.code, why.detail);
}

static void
build(struct sign_fix *x)
{
	sign_start(x);
	sign_now(x);
	sign_append(x);
	sign_now(x);
	sign_grow(x, 200);
	sign_now(x);
	sign_grow(x, ENTRIES - (int)sign_size(x));
	sign_now(x);
	assert_int_equal(sign_size(x), ENTRIES);
}

static void
test_good(void **state)
{
	struct sign_fix *x = *state;

	/* A store without a log yet, and one without keys. */
	good(x);
	sign_grow(x, 300);
	good(x);
	sign_start(x);
	sign_now(x);
	good(x);
	sign_events(x, 5);
	good(x);
	sign_append(x);
	good(x);
	sign_now(x);
	good(x);
}

/* More than one step of each kind. */
static void
test_steps(void **state)
{
	struct sign_fix *x = *state;
	struct refusal why;

	sign_grow(x, 3000);
	sign_grow(x, 3000);
	sign_start(x);
	sign_now(x);
	assert_true(check(x, &why) == 0 && check_steps >= 6);
	sign_sql(x, "UPDATE log_entry SET leaf = zeroblob(32)"
	    " WHERE idx = 5999");
	assert_int_equal(check(x, &why), CAMCA_ECONFLICT);
	assert_non_null(strstr(why.detail, "Entry 5999"));
}

/* While it runs, the log goes on. */
static void
test_moving(void **state)
{
	struct sign_fix *x = *state;
	struct refusal why = { 0 };
	struct fsck f = { .phase = FSCK_ENTRIES };

	build(x);
	while (f.phase < FSCK_DONE) {
		assert_int_equal(fsck_step(x->f->store, x->dir, &f, &why), 0);
		sign_grow(x, 150);
		sign_now(x);
		sign_events(x, 1);
	}
	assert_int_equal(f.size, ENTRIES);
	assert_int_equal(fsck_step(x->f->store, x->dir, &f, &why), 0);
}

/* After a fork: the old checkpoints hold, and so do the new ones. */
static void
test_forked(void **state)
{
	struct sign_fix *x = *state;
	struct refusal why;

	build(x);
	assert_int_equal(unlink(x->file), 0);
	assert_int_equal(check(x, &why), CAMCA_ECONFLICT);
	assert_string_equal(why.code, "custody.fork");
	assert_int_equal(signer_fork(x->s, "uid:0", "lost", 0, &why), 0);
	good(x);
	sign_append(x);
	sign_now(x);
	good(x);
	sign_sql(x, "UPDATE meta SET value = '9' WHERE key ="
	    " 'custody.number'");
	assert_int_equal(check(x, &why), CAMCA_ECONFLICT);
}

struct change {
	const char *sql, *says;
};

static void
damage(struct sign_fix *x, const struct change *c)
{
	struct refusal why;

	sign_backup(x, true);
	sign_sql(x, c->sql);
	if (check(x, &why) != CAMCA_ECONFLICT)
		fail_msg("not found: %s", c->sql);
	if (strstr(why.detail, c->says) == NULL)
		fail_msg("%s: %s", c->sql, why.detail);
	assert_int_equal(why.http, 409);
	assert_string_equal(why.code, "custody.damaged");
}

#define AT(n) " WHERE idx = " #n
#define TEXT "CAST(replace(CAST(body AS TEXT), "

static void
all_found(struct sign_fix *x, const struct change *changes, size_t n)
{
	size_t i;

	build(x);
	sign_events(x, 3);
	sign_backup(x, false);
	for (i = 0; i < n; i++)
		damage(x, &changes[i]);
	sign_backup(x, true);
	good(x);
}

/* Bodies, and what makes entries of them. */
static void
test_bodies(void **state)
{
	static const struct change changes[] = {
		{ "UPDATE event SET body = " TEXT "'device cam-', 'device "
		    "dam-') AS BLOB) WHERE seq = 60", "Entry 59 is not what was" },
		{ "UPDATE event SET body = x'00' WHERE seq = 60",
		    "Entry 59 is not what was hashed" },
		{ "DELETE FROM event WHERE seq = 60", "Entry 59 is missing" },
		{ "DELETE FROM event WHERE seq = 600",
		    "Entry 599 is missing" },
		{ "UPDATE log_entry SET n = n + 1" AT(70),
		    "Entry 70 is not what was hashed" },
		{ "UPDATE log_entry SET n = 0" AT(70),
		    "Entry 70 is not what was hashed" },
		{ "UPDATE log_entry SET dev_prev = zeroblob(32)" AT(598),
		    "Entry 598 is not what was hashed" },
		{ "INSERT INTO log_odd VALUES (59, (SELECT body FROM event"
		    " WHERE seq = 61))", "Entry 59 is not what was hashed" },
		{ "UPDATE log_entry SET leaf = zeroblob(32)" AT(300),
		    "Entry 300 is not what was hashed" },
		{ "UPDATE event SET id = zeroblob(16) WHERE seq = 8",
		    "Entry 7 is stored under another id" },
		{ "UPDATE event SET time_ms = 5 WHERE seq = 8",
		    "Entry 7 is stored under another time" },
		{ "UPDATE event SET device = 'cam-x' WHERE seq = 8",
		    "Entry 7 is stored under another device" },
		{ "UPDATE log_entry SET prev = prev - 1" AT(599),
		    "Entry 599, number " },
		{ "UPDATE log_entry SET prev = -1" AT(599),
		    "Entry 599 is not what was hashed" },
	};

	all_found(*state, changes, sizeof changes / sizeof changes[0]);
}

static void
test_entries(void **state)
{
	static const struct change changes[] = {
		{ "DELETE FROM log_entry" AT(0), "Entry 0 is missing" },
		{ "DELETE FROM log_entry" AT(255), "Entry 255 is missing" },
		{ "DELETE FROM log_entry" AT(599), "Entry 599 is missing" },
		{ "UPDATE log_entry SET idx = 600" AT(599),
		    "Entry 599 is missing" },
		{ "INSERT INTO log_entry SELECT idx + 1, prev, n, dev_prev,"
		    " leaf FROM log_entry" AT(599),
		    "Entry 600 lies past the head" },
		{ "UPDATE log_device SET n = n + 1 WHERE device = 'cam-1'",
		    "Device cam-1: entry 598 is its newest one" },
		{ "UPDATE log_device SET last = (SELECT last FROM log_device"
		    " WHERE device = 'cam-2') WHERE device = 'cam-1'",
		    "of device cam-1" },
		{ "DELETE FROM log_device WHERE device = '-'",
		    "Device -: entry 0 is its own, and no chain" },
		{ "INSERT INTO log_device VALUES ('cam-9', 1, 5)",
		    "chains of all devices have 601" },
		{ "UPDATE log_head SET size = 599", "lies past the head" },
		{ "UPDATE log_head SET size = 601", "Entry 600 is missing" },
		{ "UPDATE counter SET n = n + 1 WHERE name = 'outbox'",
		    "some are missing" },
		{ "DELETE FROM event WHERE seq = 601", "some are missing" },
		{ "DELETE FROM event WHERE seq = 602", "some are missing" },
		{ "DELETE FROM event WHERE seq = 603", "some are missing" },
		{ "DELETE FROM event WHERE seq > 600", "some are missing" },
	};

	all_found(*state, changes, sizeof changes / sizeof changes[0]);
}

/* The leaf with it: the tiles are not taken in. */
static void
test_leaf_and_entry(void **state)
{
	static const struct change c = { "UPDATE event SET body = (SELECT body"
	    " FROM event WHERE seq = 401) WHERE seq = 402; UPDATE log_entry SET"
	    " (prev, n, dev_prev, leaf) = (SELECT prev, n, dev_prev, leaf FROM"
	    " log_entry WHERE idx = 400)" AT(401), "Entry 401" };
	struct sign_fix *x = *state;

	build(x);
	sign_backup(x, false);
	damage(x, &c);
}

static int
odd_tx(struct tx *tx, void *arg)
{
	struct event_row r = { .id = { 1, 2, 3 }, .device = "-",
	    .body = { (uint8_t *)"no event", 8 } };

	(void)arg;
	return store_outbox_put(tx, &r);
}

/* A body that nobody could read: the log has its hash. */
static void
test_odd(void **state)
{
	static const struct change changes[] = {
		{ "UPDATE event SET body = CAST('No event' AS BLOB) WHERE"
		    " CAST(body AS TEXT) = 'no event'",
		    "stands for are not those" },
		{ "DROP TRIGGER log_odd_no_update; UPDATE log_odd SET data ="
		    " zeroblob(9)", "is not what was hashed" },
		{ "DROP TRIGGER log_odd_no_delete; DELETE FROM log_odd",
		    "is not what was hashed" },
	};
	struct sign_fix *x = *state;

	assert_int_equal(store_tx(x->f->store, DB_WRITE, odd_tx, NULL), 0);
	sign_grow(x, 3);
	good(x);
	sign_backup(x, false);
	for (size_t i = 0; i < sizeof changes / sizeof changes[0]; i++)
		damage(x, &changes[i]);
}

#define LEVEL1 "281474976710656"       /* 2^48 */

static void
test_tiles(void **state)
{
	static const struct change changes[] = {
		{ "UPDATE log_tile SET data = zeroblob(8192) WHERE id = 0",
		    "Tile 0 of level 0 does not have the hash of entry 0" },
		{ "UPDATE log_tile SET data = zeroblob(length(data))"
		    " WHERE id = 2", "Tile 2 of level 0" },
		{ "UPDATE log_tile SET data = zeroblob(64) WHERE id = "
		    LEVEL1, "Tile 0 of level 1 does not have the root" },
		{ "UPDATE log_tile SET data = zeroblob(96) WHERE id = "
		    LEVEL1, "Tile 0 of level 1 has 96 bytes, 64 belong" },
		{ "DELETE FROM log_tile WHERE id = 1",
		    "Tile 1 of level 0 is missing" },
		{ "DELETE FROM log_tile WHERE id = " LEVEL1,
		    "Tile 0 of level 1 is missing" },
		{ "INSERT INTO log_tile VALUES (77, zeroblob(32))",
		    "There are 5 tiles, a log of 600 entries has 4" },
		{ "UPDATE log_head SET edge = zeroblob(length(edge))",
		    "The head of the log is not that of its tiles" },
		{ "UPDATE log_head SET edge = substr(edge, 33)",
		    "The head of the log is not one of 600 entries" },
	};
	struct sign_fix *x = *state;

	build(x);
	sign_backup(x, false);
	for (size_t i = 0; i < sizeof changes / sizeof changes[0]; i++)
		damage(x, &changes[i]);
	sign_backup(x, true);
	good(x);
}

#define NOTE(n, from, to) "UPDATE log_checkpoint SET note = CAST(replace(" \
	"CAST(note AS TEXT), " from ", " to ") AS BLOB) WHERE size = " n
#define NEWEST "(SELECT MAX(size) FROM log_checkpoint)"

static void
test_checkpoints(void **state)
{
	static const struct change changes[] = {
		{ NOTE("0", "'log.example'", "'log.examplf'"),
		    "Checkpoint 0: its origin is log.examplf/custody" },
		{ NOTE(NEWEST, "'/custody\n6'", "'/custody\n5'"),
		    "signature is wrong" },
		{ "UPDATE log_checkpoint SET root = zeroblob(32)"
		    " WHERE size = 0", "Checkpoint 0 is stored under" },
		{ "UPDATE log_checkpoint SET size = size - 1 WHERE size = "
		    NEWEST, "is stored under another size" },
		{ "DELETE FROM log_checkpoint WHERE size = 0",
		    "The checkpoints before that of size 2 are missing" },
		{ "UPDATE log_checkpoint SET size = 700 WHERE size = " NEWEST,
		    "There is a checkpoint of size 700" },
		{ "UPDATE meta SET value = 'other.example' WHERE key ="
		    " 'custody.origin'", "Checkpoint 0: its origin is" },
	};
	struct sign_fix *x = *state;

	build(x);
	sign_backup(x, false);
	for (size_t i = 0; i < sizeof changes / sizeof changes[0]; i++)
		damage(x, &changes[i]);
	sign_backup(x, true);
	good(x);
}

/* The file outside. */
static void
test_outside(void **state)
{
	struct sign_fix *x = *state;
	struct refusal why;
	char away[400];

	build(x);
	sign_stop(x);
	snprintf(away, sizeof away, "%s.away", x->file);
	assert_int_equal(rename(x->file, away), 0);
	assert_int_equal(check(x, &why), CAMCA_ECONFLICT);
	assert_non_null(strstr(why.detail, "is missing"));
	assert_int_equal(file_replace(x->file, "x\n", 2, 0600), 0);
	assert_int_equal(check(x, &why), CAMCA_ECONFLICT);
	assert_non_null(strstr(why.detail, "is not a checkpoint"));
	assert_int_equal(rename(away, x->file), 0);
	good(x);
}

static void
test_place(void **state)
{
	static const char *const bad[] = { "x", "0", "0/0/0/0/0", "9/0/0/0/0/",
	    "4/0/0/0/0/", "-1/0/0/0/0/", "0/-1/0/0/0/", "0/0/0/-1/0/",
	    "0/0/0/0/-1/", "0/0/0/99999999999999999999/0/" };
	struct fsck f = { .phase = FSCK_DEVICES, .size = 5, .level = 2,
	    .at = 1LL << 55, .number = 3, .device = "cam-1" }, g;
	char text[FSCK_TEXT_MAX];

	(void)state;
	fsck_text(&f, text);
	assert_int_equal(fsck_parse(&g, text), 0);
	assert_int_equal(g.phase, f.phase);
	assert_int_equal(g.size, f.size);
	assert_int_equal(g.level, f.level);
	assert_int_equal(g.at, f.at);
	assert_int_equal(g.number, f.number);
	assert_string_equal(g.device, f.device);
	for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++)
		assert_int_equal(fsck_parse(&g, bad[i]), CAMCA_EINVAL);
	memset(text, '1', sizeof text - 1);
	text[1] = text[3] = text[5] = text[7] = text[9] = '/';
	text[0] = '0';
	text[sizeof text - 1] = '\0';
	assert_int_equal(fsck_parse(&g, text), CAMCA_EINVAL);
	for (int p = 0; p <= FSCK_DONE; p++)
		assert_true(fsck_phase_name((enum fsck_phase)p)[0] != '\0');
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		SIGN_TEST(test_good),
		SIGN_TEST(test_steps),
		SIGN_TEST(test_moving),
		SIGN_TEST(test_forked),
		SIGN_TEST(test_bodies),
		SIGN_TEST(test_entries),
		SIGN_TEST(test_leaf_and_entry),
		SIGN_TEST(test_odd),
		SIGN_TEST(test_tiles),
		SIGN_TEST(test_checkpoints),
		SIGN_TEST(test_outside),
		cmocka_unit_test(test_place),
	};

	return cmocka_run_group_tests(tests, sign_group, fix_group_end);
}
