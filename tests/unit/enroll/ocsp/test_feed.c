/* SPDX-License-Identifier: Apache-2.0 */
#include "tests/unit/enroll/gate/fake_authority.h"

#include <poll.h>

#include "ca/base/enc.h"
#include "ca/base/log.h"
#include "ca/base/uptime.h"
#include "enroll/ocsp/feed.h"

#define STORE1 "11111111111111111111111111111111"
#define STORE2 "22222222222222222222222222222222"

struct fix {
	struct fake fake;
	struct table *table;
	struct issuers_box issuers;
	struct ocsp_feed *feed;
	json_t *call;                  /* the one to be answered next */
};

static int
fix_setup(void **state)
{
	static struct fix fix;
	struct fix *f = &fix;
	struct ocsp_feed_conf c;

	memset(f, 0, sizeof *f);
	log_setup("test", (enum log_level)0);
	fake_init(&f->fake);
	fake_listen(&f->fake);
	issuers_box_init(&f->issuers);
	assert_int_equal(table_new(&f->table), 0);
	ocsp_feed_defaults(&c, f->fake.path);
	c.table = f->table;
	c.issuers = &f->issuers;
	c.retry_min_ms = 1;
	c.retry_max_ms = 5;
	assert_int_equal(ocsp_feed_start(&f->feed, &c), 0);
	fake_accept(&f->fake);
	*state = f;
	return 0;
}

static int
fix_teardown(void **state)
{
	struct fix *f = *state;

	/* Nobody there to say good-bye to. */
	close(f->fake.listen_fd);
	f->fake.listen_fd = -1;
	ocsp_feed_stop(f->feed);
	table_free(f->table);
	issuers_box_fini(&f->issuers);
	json_decref(f->call);
	fake_fini(&f->fake);
	return 0;
}

static void
fix_next(struct fix *f)
{
	json_decref(f->call);
	f->call = fake_call(&f->fake);
	assert_string_equal(json_string_value(json_object_get(f->call, "op")),
	    "status.feed");
}

static json_t *
fix_arg(const struct fix *f, const char *name)
{
	return json_object_get(json_object_get(f->call, "args"), name);
}

static void
fix_asked(struct fix *f, const char *store, int cert, int rev)
{
	fix_next(f);
	assert_string_equal(json_string_value(fix_arg(f, "store")), store);
	assert_int_equal(json_integer_value(fix_arg(f, "after_cert")), cert);
	if (rev >= 0)
		assert_int_equal(json_integer_value(fix_arg(f, "after_rev")),
		    rev);
	else
		assert_null(fix_arg(f, "after_rev"));
}

static struct status_wire
cert(uint8_t n)
{
	struct status_wire w = { .issuer = 1, .status = STATUS_WIRE_GOOD,
	    .reason = STATUS_WIRE_NO_REASON, .not_after_s = 2000000000 };

	memset(w.serial, n, sizeof w.serial);
	return w;
}

static struct status_wire
revoked(uint8_t n, int64_t rev)
{
	struct status_wire w = cert(n);

	w.status = STATUS_WIRE_REVOKED;
	w.reason = 4;
	w.revoked_s = 1800000000;
	w.rev_seq = rev;
	return w;
}

/* Answers with up to two records (issuer 0: none). */
static void
fix_answer(struct fix *f, const char *store, int after_cert, int after_rev,
    bool more, struct status_wire a, struct status_wire b)
{
	uint8_t bytes[2 * STATUS_WIRE_LEN];
	size_t n = 0;
	char *text, *records;

	if (a.issuer != 0)
		status_wire_put(bytes + STATUS_WIRE_LEN * n++, &a);
	if (b.issuer != 0)
		status_wire_put(bytes + STATUS_WIRE_LEN * n++, &b);
	records = enc_base64_dup(bytes, n * STATUS_WIRE_LEN);
	assert_true(asprintf(&text, "\"result\":{\"store\":\"%s\","
	    "\"records\":\"%s\",\"after_cert\":%d,\"after_rev\":%d,"
	    "\"more\":%s,\"issuers_epoch\":5}", store, records, after_cert,
	    after_rev, more ? "true" : "false") > 0);
	fake_answer(&f->fake, f->call, text);
	free(text);
	free(records);
}

static const struct status_wire none;

/* The first exchange: the list of issuers, which is empty. */
static void
fix_issuers(struct fix *f)
{
	fix_asked(f, "", 0, -1);
	assert_null(fix_arg(f, "issuers"));
	fake_answer(&f->fake, f->call, "\"result\":{\"store\":\"" STORE1 "\","
	    "\"records\":\"\",\"after_cert\":0,\"after_rev\":-1,\"more\":true,"
	    "\"issuers_epoch\":5,\"issuers\":[]}");
}

/* Certificates 1 (good) and 2 (revoked by change 3) are loaded. */
static void
fix_loaded(struct fix *f)
{
	fix_issuers(f);
	fix_asked(f, STORE1, 0, -1);
	fix_answer(f, STORE1, 2, 3, false, cert(1), revoked(2, 3));
	fix_asked(f, STORE1, 2, 3);
}

static enum status_value
look(struct fix *f, uint8_t n)
{
	struct status_wire w = cert(n);
	struct status s;

	table_lookup(f->table, w.issuer, w.serial, &s);
	return s.value;
}

static bool
may_say_good(struct fix *f, int later_ms)
{
	return table_may_say_good(f->table, uptime_ms() + later_ms);
}

static bool
nothing_asked(struct fix *f, int wait_ms)
{
	struct pollfd p = { .fd = f->fake.fd, .events = POLLIN };

	return poll(&p, 1, wait_ms) == 0;
}

/* The connection ends, and another one is made. */
static void
fix_reconnected(struct fix *f)
{
	char c;

	while (recv(f->fake.fd, &c, 1, 0) > 0)
		;
	fake_hang_up(&f->fake);
	fake_accept(&f->fake);
}

static void
test_load(void **state)
{
	struct fix *f = *state;
	struct issuers *l;

	fix_issuers(f);
	fix_asked(f, STORE1, 0, -1);
	assert_int_equal(json_integer_value(fix_arg(f, "issuers")), 5);
	assert_int_equal(json_integer_value(fix_arg(f, "wait_ms")), 0);
	assert_int_equal(json_string_length(fix_arg(f, "gate")), 32);
	l = issuers_box_get(&f->issuers);
	assert_non_null(l);
	assert_int_equal(l->epoch, 5);
	issuers_put(l);
	fix_answer(f, STORE1, 1, 3, true, cert(1), none);
	fix_asked(f, STORE1, 1, 3);
	/* A part of the table says nothing. */
	assert_false(table_loaded(f->table));
	assert_false(may_say_good(f, 0));
	assert_int_equal(look(f, 1), STATUS_UNKNOWN);
	fix_answer(f, STORE1, 2, 3, false, revoked(2, 3), none);
	fix_asked(f, STORE1, 2, 3);
	assert_int_equal(json_integer_value(fix_arg(f, "wait_ms")), 1000);
	assert_true(table_loaded(f->table));
	assert_true(may_say_good(f, 0));
	assert_int_equal(look(f, 1), STATUS_GOOD);
	assert_int_equal(look(f, 2), STATUS_REVOKED);
}

/* The lease counts from the request, not from the answer. */
static void
test_lease(void **state)
{
	struct fix *f = *state;
	int64_t asked, answered;

	fix_loaded(f);
	answered = uptime_ms();
	/* The request that is open now was sent before this moment. */
	asked = uptime_ms();
	assert_true(nothing_asked(f, 30));
	fix_answer(f, STORE1, 2, 3, false, none, none);
	fix_asked(f, STORE1, 2, 3);
	assert_true(table_may_say_good(f->table, answered + 4000));
	assert_false(table_may_say_good(f->table, asked + STATUS_LEASE_MS));
	/* One that is not the last page prolongs nothing. */
	fix_answer(f, STORE1, 2, 3, true, none, none);
	fix_asked(f, STORE1, 2, 3);
	assert_false(table_may_say_good(f->table,
	    uptime_ms() + STATUS_LEASE_MS));
}

/* A change is confirmed only when no older answer is on its way. */
static void
test_confirm(void **state)
{
	struct fix *f = *state;
	unsigned epoch;

	fix_loaded(f);
	epoch = table_enter(f->table);
	assert_int_equal(look(f, 1), STATUS_GOOD);
	fix_answer(f, STORE1, 2, 4, false, revoked(1, 4), none);
	assert_true(nothing_asked(f, 100));
	assert_int_equal(look(f, 1), STATUS_REVOKED);
	table_leave(f->table, epoch);
	fix_asked(f, STORE1, 2, 4);
	/* A client that never takes its answer holds it up for half a second
	 * and no longer. */
	epoch = table_enter(f->table);
	fix_answer(f, STORE1, 2, 5, false, revoked(2, 5), none);
	fix_asked(f, STORE1, 2, 5);
	table_leave(f->table, epoch);
	assert_true(may_say_good(f, 0));
}

static void
test_reconnect(void **state)
{
	struct fix *f = *state;
	char gate[33];

	fix_loaded(f);
	snprintf(gate, sizeof gate, "%s",
	    json_string_value(fix_arg(f, "gate")));
	fake_hang_up(&f->fake);
	fake_accept(&f->fake);
	/* It goes on where it was, and wants to be current at once. */
	fix_asked(f, STORE1, 2, 3);
	assert_string_equal(json_string_value(fix_arg(f, "gate")), gate);
	assert_int_equal(json_integer_value(fix_arg(f, "wait_ms")), 0);
	assert_true(may_say_good(f, 0));
	assert_false(may_say_good(f, STATUS_LEASE_MS));
	assert_int_equal(look(f, 2), STATUS_REVOKED);
	/* camcad was restarted: its store has another name, and fits. */
	fix_answer(f, STORE2, 2, 3, false, none, none);
	fix_asked(f, STORE2, 2, 3);
}

static void
test_refused(void **state)
{
	struct fix *f = *state;

	fix_loaded(f);
	fake_answer(&f->fake, f->call, "\"error\":{\"code\":\"system.busy\","
	    "\"http\":503,\"detail\":\"No.\"}");
	fix_reconnected(f);
	fix_asked(f, STORE1, 2, 3);
}

/* The store is another one: no good at all until the table is whole again. */
static void
test_resync(void **state)
{
	struct fix *f = *state;

	fix_loaded(f);
	assert_true(may_say_good(f, 0));
	fake_answer(&f->fake, f->call, "\"result\":{\"store\":\"" STORE2 "\","
	    "\"resync\":true}");
	fix_asked(f, STORE2, 0, -1);
	assert_false(may_say_good(f, 0));
	assert_int_equal(look(f, 2), STATUS_REVOKED);
	fix_answer(f, STORE2, 1, 1, true, revoked(1, 1), none);
	fix_asked(f, STORE2, 1, 1);
	assert_false(may_say_good(f, 0));
	assert_int_equal(look(f, 2), STATUS_REVOKED);
	fix_answer(f, STORE2, 2, 1, false, cert(2), none);
	fix_asked(f, STORE2, 2, 1);
	assert_true(may_say_good(f, 0));
	assert_int_equal(look(f, 1), STATUS_REVOKED);
	assert_int_equal(look(f, 2), STATUS_GOOD);
}

/* What camcad never says ends the connection and moves nothing. */
static void
test_nonsense(void **state)
{
#define HEAD "\"result\":{\"store\":\"" STORE1 "\","
#define TAIL "\"after_cert\":2,\"after_rev\":3,\"more\":false," \
    "\"issuers_epoch\":5}"
	static const char *const bad[] = {
		"\"result\":{}",
		"\"result\":[]",
		"\"result\":{\"store\":\"1\",\"records\":\"\"," TAIL,
		"\"result\":{\"store\":1,\"records\":\"\"," TAIL,
		HEAD TAIL,
		HEAD "\"records\":7," TAIL,
		HEAD "\"records\":\"AAAA\"," TAIL,
		HEAD "\"records\":\"A*==\"," TAIL,
		HEAD "\"records\":\"\",\"after_cert\":1,\"after_rev\":3,"
		    "\"more\":false,\"issuers_epoch\":5}",
		HEAD "\"records\":\"\",\"after_cert\":2,\"after_rev\":2,"
		    "\"more\":false,\"issuers_epoch\":5}",
		HEAD "\"records\":\"\",\"after_cert\":2,\"after_rev\":3,"
		    "\"issuers_epoch\":5}",
		HEAD "\"records\":\"\",\"after_cert\":2,\"after_rev\":\"3\","
		    "\"more\":false,\"issuers_epoch\":5}",
		HEAD "\"records\":\"\",\"after_cert\":2,\"after_rev\":3,"
		    "\"more\":false,\"issuers_epoch\":6}",
		HEAD "\"records\":\"\",\"issuers\":{}," TAIL,
		HEAD "\"records\":\"\",\"issuers\":[{\"id\":0}]," TAIL,
	};
	struct fix *f = *state;
	size_t i;

	fix_loaded(f);
	for (i = 0; i < sizeof bad / sizeof bad[0]; i++) {
		fake_answer(&f->fake, f->call, bad[i]);
		fix_reconnected(f);
		fix_asked(f, STORE1, 2, 3);
		assert_int_equal(look(f, 1), STATUS_GOOD);
		assert_int_equal(look(f, 2), STATUS_REVOKED);
	}
}

/* A record with a wrong byte ends it too. */
static void
test_bad_record(void **state)
{
	struct fix *f = *state;
	struct status_wire w = revoked(1, 4);

	fix_loaded(f);
	w.reason = 99;
	fix_answer(f, STORE1, 2, 4, false, w, none);
	fix_reconnected(f);
	fix_asked(f, STORE1, 2, 3);
	assert_int_equal(look(f, 1), STATUS_GOOD);
}

static void *
stop_thread(void *arg)
{
	ocsp_feed_stop(arg);
	return NULL;
}

/* The end does not wait for the answer that is awaited; it says good-bye. */
static void
test_stop(void **state)
{
	struct fix *f = *state;
	pthread_t thread;
	int64_t before;

	fix_loaded(f);
	before = uptime_ms();
	assert_int_equal(pthread_create(&thread, NULL, stop_thread, f->feed),
	    0);
	fix_reconnected(f);
	fix_next(f);
	assert_true(json_is_true(fix_arg(f, "leaving")));
	assert_false(may_say_good(f, 0));
	fake_answer(&f->fake, f->call, "\"result\":{}");
	pthread_join(thread, NULL);
	f->feed = NULL;
	assert_true(uptime_ms() - before < 900);
	ocsp_feed_stop(NULL);
}

static void
test_long_path(void **state)
{
	char path[200];
	struct ocsp_feed_conf c;
	struct ocsp_feed *feed = NULL;

	(void)state;
	memset(path, 'a', sizeof path - 1);
	path[sizeof path - 1] = '\0';
	ocsp_feed_defaults(&c, path);
	assert_int_equal(ocsp_feed_start(&feed, &c), CAMCA_ELIMIT);
	assert_null(feed);
}

#define T(fn) cmocka_unit_test_setup_teardown(fn, fix_setup, fix_teardown)

int
main(void)
{
	const struct CMUnitTest tests[] = {
		T(test_load), T(test_lease), T(test_confirm),
		T(test_reconnect), T(test_refused), T(test_resync),
		T(test_nonsense), T(test_bad_record), T(test_stop),
		cmocka_unit_test(test_long_path),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
