/* SPDX-License-Identifier: Apache-2.0 */
/* The thread over a real store: no event is left behind, and what keeps it from
 * appending is told and passes. */
#include "tests/unit/ca/store/fixture.h"

#include <pthread.h>
#include <sqlite3.h>

#include "ca/custody/reader.h"
#include "ca/custody/sequencer.h"

#define SETTLE_MS 20000

static int64_t
now(void *arg)
{
	(void)arg;
	return INT64_C(1800000000000);
}

static int
rnd(void *arg, uint8_t *out, size_t n)
{
	(void)arg;
	return ctx_random(&camca_ctx_system, out, n);
}

static const struct camca_ctx ctx = { now, rnd, NULL };
static const struct event_source src = { &ctx, "node-1" };

struct env {
	struct fix f;
	struct store *s;
	struct sequencer *q;
};

static int
setup(void **state)
{
	struct env *e = calloc(1, sizeof *e);
	struct refusal why = { 0 };
	struct store_conf c = { .readers = 4, .batch_max = 64,
	    .queue_max = 256, .ctx = &ctx };

	assert_non_null(e);
	log_setup("test", (enum log_level)0);
	fix_folder(&e->f);
	c.path = e->f.path;
	assert_int_equal(store_open(&e->s, &c, true, &why), 0);
	*state = e;
	return 0;
}

static int
teardown(void **state)
{
	struct env *e = *state;

	sequencer_stop(e->q);
	store_close(e->s);
	fix_folder_remove(&e->f);
	free(e);
	return 0;
}

static void
start(struct env *e, int interval_ms)
{
	struct sequencer_conf c = { .store = e->s, .src = &src,
	    .interval_ms = interval_ms, .batch_max = 256 };

	assert_int_equal(sequencer_start(&e->q, &c), 0);
}

struct put {
	const char *device;
	int n;
};

static int
put_tx(struct tx *tx, void *arg)
{
	const struct put *p = arg;
	struct event e;
	int i, ret = CAMCA_OK;

	for (i = 0; i < p->n && ret == CAMCA_OK; i++) {
		event_init(&e, &src, "secret.made", p->device, "uid 0");
		event_add_time(&e, "expires", 0);
		ret = event_put(tx, &e);
	}
	return ret;
}

static void
put(struct env *e, const char *device, int n)
{
	struct put p = { device, n };

	assert_int_equal(store_tx(e->s, DB_WRITE, put_tx, &p), 0);
}

/* From outside, as somebody with the file would. */
static void
sql(struct env *e, const char *text)
{
	sqlite3 *h = NULL;

	assert_int_equal(sqlite3_open(e->f.path, &h), SQLITE_OK);
	sqlite3_busy_timeout(h, 10000);
	if (sqlite3_exec(h, text, NULL, NULL, NULL) != SQLITE_OK)
		fail_msg("%s", sqlite3_errmsg(h));
	sqlite3_close(h);
}

static struct sequencer_state
state_of(struct env *e)
{
	struct sequencer_state s;

	assert_int_equal(sequencer_state(e->q, &s), 0);
	return s;
}

static void
test_settle(void **state)
{
	struct env *e = *state;
	struct sequencer_state s;

	put(e, "cam-1", 3);
	start(e, 60000);
	/* It would wait a minute by itself. */
	assert_int_equal(sequencer_settle(e->q, SETTLE_MS), 0);
	put(e, "cam-1", 700);
	assert_int_equal(sequencer_waiting(e->q) <= 700, 1);
	assert_int_equal(sequencer_settle(e->q, SETTLE_MS), 0);
	assert_int_equal(sequencer_settle(e->q, SETTLE_MS), 0);
	s = state_of(e);
	assert_int_equal(s.size, 703);
	assert_int_equal(s.waiting, 0);
	assert_int_equal(s.oldest_ms, 0);
	assert_int_equal(s.error, 0);
	assert_int_equal(sequencer_waiting(e->q), 0);
}

/* Nobody asks: the commit alone wakes it. */
static void
test_by_itself(void **state)
{
	struct env *e = *state;
	int64_t seen = -1;
	int i;

	start(e, 5);
	for (i = 0; i < 3; i++) {
		put(e, "cam-1", 1);
		while (state_of(e).size < i + 1)
			assert_int_equal(store_commits_wait(e->s, seen, 1000,
			    &seen), 0);
	}
}

static void
test_stop(void **state)
{
	struct env *e = *state;
	struct sequencer_state s;
	int i;

	/* Whatever it is doing: looking, asleep, or in its pause. */
	for (i = 0; i < 50; i++) {
		start(e, i % 2 ? 5 : 60000);
		put(e, "cam-1", i % 3);
		sequencer_stop(e->q);
		e->q = NULL;
	}
	start(e, 60000);
	assert_int_equal(sequencer_settle(e->q, SETTLE_MS), 0);
	s = state_of(e);
	assert_int_equal(s.size, 49);
	sequencer_stop(NULL);
}

struct crowd {
	struct env *e;
	pthread_t thread;
	char device[16];
};

static void *
crowd_main(void *arg)
{
	struct crowd *c = arg;
	int i;

	for (i = 0; i < 100; i++)
		put(c->e, c->device, 1 + i % 3);
	return NULL;
}

static int
count_tx(struct tx *tx, void *arg)
{
	struct reader *r = NULL;
	struct hash a, b;
	struct edge edge;
	int64_t n, last, *out = arg;
	char device[16];
	int i;

	out[8] = 0;
	for (i = 0; i < 8; i++) {
		snprintf(device, sizeof device, "cam-%d", i);
		assert_int_equal(store_log_device(tx, device, &n, &last), 0);
		out[i] = n;
		out[8] += n;
	}
	assert_int_equal(reader_edge(tx, &edge), 0);
	assert_int_equal(edge_root(&edge, &a), 0);
	assert_int_equal(reader_open(&r, tx), 0);
	assert_int_equal(tree_root(reader_tiles(r), edge.size, &b), 0);
	assert_memory_equal(a.b, b.b, 32);
	reader_close(r);
	return edge.size == out[8] ? CAMCA_OK : CAMCA_EDB;
}

/* Many writers, and the log grows among their commits. */
static void
test_crowd(void **state)
{
	struct env *e = *state;
	struct crowd c[8];
	int64_t n[9];
	int i;

	start(e, 5);
	for (i = 0; i < 8; i++) {
		c[i].e = e;
		snprintf(c[i].device, sizeof c[i].device, "cam-%d", i);
		assert_int_equal(pthread_create(&c[i].thread, NULL,
		    crowd_main, &c[i]), 0);
	}
	for (i = 0; i < 8; i++)
		pthread_join(c[i].thread, NULL);
	assert_int_equal(sequencer_settle(e->q, SETTLE_MS), 0);
	assert_int_equal(store_tx(e->s, DB_READ, count_tx, n), 0);
	for (i = 0; i < 8; i++)
		assert_int_equal(n[i], 199);
}

/* A deleted event: it stands still, says so, counts on, and goes on when the
 * event is back. */
static void
test_gap(void **state)
{
	struct env *e = *state;
	struct sequencer_state s;

	put(e, "cam-1", 10);
	sql(e, "DROP TRIGGER event_no_delete; CREATE TABLE kept AS SELECT * FROM"
	    " event WHERE seq = 4; DELETE FROM event WHERE seq = 4");
	start(e, 5);
	assert_int_equal(sequencer_settle(e->q, SETTLE_MS), CAMCA_EBUSY);
	s = state_of(e);
	assert_int_equal(s.error, CAMCA_EPOLICY);
	assert_non_null(strstr(s.why, "event 4 is missing"));
	assert_int_equal(s.size, 0);
	assert_int_equal(s.waiting, 10);
	assert_int_equal(s.oldest_ms, now(NULL));
	put(e, "cam-1", 5);
	assert_int_equal(sequencer_settle(e->q, SETTLE_MS), CAMCA_EBUSY);
	/* What waited at the start is not counted against new work. */
	assert_int_equal(sequencer_waiting(e->q), 5);
	sql(e, "INSERT INTO event SELECT * FROM kept; DROP TABLE kept");
	assert_int_equal(sequencer_settle(e->q, SETTLE_MS), 0);
	s = state_of(e);
	assert_int_equal(s.error, 0);
	assert_string_equal(s.why, "");
	assert_int_equal(s.size, 15);
}

/* Somebody alters where a chain ends: what the log says of it is `says`, nothing
 * is bound to it, and with the row back it goes on. */
static void
chain_stops(struct env *e, const char *change, const char *says)
{
	int64_t size = state_of(e).size;
	struct sequencer_state s;

	sql(e, "CREATE TABLE kept AS SELECT * FROM log_device");
	sql(e, change);
	put(e, "cam-1", 1);
	assert_int_equal(sequencer_settle(e->q, SETTLE_MS), CAMCA_EBUSY);
	s = state_of(e);
	assert_int_equal(s.error, CAMCA_EPOLICY);
	if (strstr(s.why, says) == NULL)
		fail_msg("%s: %s", change, s.why);
	assert_int_equal(s.size, size);
	sql(e, "DELETE FROM log_device; INSERT INTO log_device"
	    " SELECT * FROM kept; DROP TABLE kept");
	assert_int_equal(sequencer_settle(e->q, SETTLE_MS), 0);
	s = state_of(e);
	assert_string_equal(s.why, "");
	assert_int_equal(s.size, size + 1);
}

static void
test_chain(void **state)
{
#define CAM_1 " WHERE device = 'cam-1'"
	static const struct {
		const char *change, *says;
	} x[] = {
		{ "DELETE FROM log_device" CAM_1, "no chain is known" },
		{ "DELETE FROM log_device", "no chain is known" },
		{ "UPDATE log_device SET n = n + 1" CAM_1,
		    "with another number" },
		{ "UPDATE log_device SET last = 1000000" CAM_1,
		    "does not exist" },
		{ "UPDATE log_device SET last = (SELECT last FROM log_device"
		    " WHERE device = 'cam-2')" CAM_1,
		    "is not what is said of it" },
		/* All of it fits the entry; only it is not the newest. */
		{ "UPDATE log_device SET n = 1, last = 3" CAM_1,
		    "is a later one" },
	};
	struct env *e = *state;
	size_t i;

	put(e, "cam-4", 3);
	put(e, "cam-1", 3);
	put(e, "cam-3", 3000);
	put(e, "cam-2", 3);
	start(e, 5);
	assert_int_equal(sequencer_settle(e->q, SETTLE_MS), 0);
	for (i = 0; i < sizeof x / sizeof x[0]; i++)
		chain_stops(e, x[i].change, x[i].says);
	/* The same before a start. */
	sequencer_stop(e->q);
	sql(e, "CREATE TABLE kept AS SELECT * FROM log_device;"
	    " DELETE FROM log_device" CAM_1);
	put(e, "cam-1", 1);
	start(e, 5);
	assert_int_equal(sequencer_settle(e->q, SETTLE_MS), CAMCA_EBUSY);
	assert_int_equal(state_of(e).error, CAMCA_EPOLICY);
	sql(e, "INSERT INTO log_device SELECT * FROM kept WHERE device ="
	    " 'cam-1'; DROP TABLE kept");
	assert_int_equal(sequencer_settle(e->q, SETTLE_MS), 0);
}

/* A chain that has begun anew in the past cannot be put right by anybody: that
 * must not stop the log for ever. */
static void
test_chain_for_ever(void **state)
{
	struct env *e = *state;

	put(e, "cam-1", 3);
	start(e, 5);
	assert_int_equal(sequencer_settle(e->q, SETTLE_MS), 0);
	sequencer_stop(e->q);
	sql(e, "UPDATE log_device SET n = 1" CAM_1 "; DROP TRIGGER"
	    " log_entry_no_update; UPDATE log_entry SET n = 1 WHERE idx = 2");
	start(e, 5);
	put(e, "cam-1", 2);
	assert_int_equal(sequencer_settle(e->q, SETTLE_MS), 0);
	assert_int_equal(state_of(e).size, 5);
	/* What is wrong anew is found all the same. */
	chain_stops(e, "DELETE FROM log_device", "no chain is known");
}

/* Another process holds the database for a while. */
static void
test_busy(void **state)
{
	struct env *e = *state;
	sqlite3 *h = NULL;

	put(e, "cam-1", 10);
	assert_int_equal(sqlite3_open(e->f.path, &h), SQLITE_OK);
	assert_int_equal(sqlite3_exec(h, "BEGIN IMMEDIATE", NULL, NULL, NULL),
	    SQLITE_OK);
	start(e, 5);
	assert_int_equal(sequencer_settle(e->q, 50), CAMCA_EBUSY);
	sqlite3_close(h);
	assert_int_equal(sequencer_settle(e->q, SETTLE_MS), 0);
	assert_int_equal(state_of(e).size, 10);
}

static void
test_conf(void **state)
{
	struct env *e = *state;
	struct sequencer_conf c = { .store = e->s, .src = &src,
	    .interval_ms = 5 };

	assert_int_equal(sequencer_start(&e->q, &c), CAMCA_EINVAL);
	c.batch_max = APPEND_MAX + 1;
	assert_int_equal(sequencer_start(&e->q, &c), CAMCA_EINVAL);
	c.batch_max = 1;
	c.interval_ms = -1;
	assert_int_equal(sequencer_start(&e->q, &c), CAMCA_EINVAL);
	c.interval_ms = 0;
	assert_int_equal(sequencer_start(&e->q, &c), 0);
	put(e, "cam-1", 20);
	assert_int_equal(sequencer_settle(e->q, SETTLE_MS), 0);
}

int
main(void)
{
#define TEST(t) cmocka_unit_test_setup_teardown(t, setup, teardown)
	const struct CMUnitTest tests[] = {
		TEST(test_settle), TEST(test_by_itself), TEST(test_stop),
		TEST(test_crowd), TEST(test_gap), TEST(test_chain),
		TEST(test_chain_for_ever), TEST(test_busy),
		TEST(test_conf),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
