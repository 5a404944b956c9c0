/* SPDX-License-Identifier: Apache-2.0 */
#include "tests/unit/ca/store/fixture.h"

#include <pthread.h>
#include <stdatomic.h>

#define MANY 200

struct seen {
	size_t n;
	struct status_row last;
	int64_t ids[MANY];
};

static int
seen_row(const struct status_row *r, void *arg)
{
	struct seen *s = arg;

	assert_true(s->n < MANY);
	s->ids[s->n++] = r->id;
	s->last = *r;
	return 0;
}

static struct seen
list_new(struct tx *tx, int64_t after, int64_t alive, int64_t limit)
{
	struct seen s = { 0 };

	assert_int_equal(store_status_list_new(tx, after, INT64_MAX, alive,
	    limit, seen_row, &s), 0);
	return s;
}

static struct seen
list_changed(struct tx *tx, int64_t after, int64_t limit)
{
	struct seen s = { 0 };

	assert_int_equal(store_status_list_changed(tx, after, limit, seen_row,
	    &s), 0);
	return s;
}

static void
change(struct tx *tx, struct cert_row *r, int64_t at)
{
	r->status = CERT_REVOKED;
	r->reason = 1;
	r->revoked_ms = at;
	assert_int_equal(store_cert_change(tx, r), 0);
}

static void
test_empty(void **state)
{
	struct fix *f = *state;
	int64_t n = -1;

	assert_int_equal(list_new(&f->tx, 0, 0, 10).n, 0);
	assert_int_equal(list_changed(&f->tx, 0, 10).n, 0);
	assert_int_equal(store_rev_seq(&f->tx, &n), 0);
	assert_int_equal(n, 0);
	n = -1;
	assert_int_equal(store_cert_last_id(&f->tx, &n), 0);
	assert_int_equal(n, 0);
}

static void
test_new(void **state)
{
	struct fix *f = *state;
	int64_t issuer = fix_issuer(&f->tx, "a"), last = 0;
	struct cert_row r[MANY];
	struct seen s;
	int i;

	for (i = 0; i < MANY; i++)
		assert_int_equal(fix_cert(&f->tx, issuer, 0, (uint8_t)i,
		    &r[i]), 0);
	s = list_new(&f->tx, 0, 0, MANY);
	assert_int_equal(s.n, MANY);
	assert_int_equal(s.last.id, r[MANY - 1].id);
	assert_memory_equal(s.last.serial, r[MANY - 1].serial, 20);
	assert_int_equal(s.last.issuer, issuer);
	assert_int_equal(s.last.status, CERT_GOOD);
	assert_int_equal(s.last.reason, -1);
	assert_int_equal(s.last.rev_seq, 0);
	assert_int_equal(s.last.not_after_ms, 1000 + MANY - 1);
	assert_int_equal(store_cert_last_id(&f->tx, &last), 0);
	assert_int_equal(last, r[MANY - 1].id);
	s = list_new(&f->tx, r[9].id, 0, 3);
	assert_int_equal(s.n, 3);
	assert_int_equal(s.ids[0], r[10].id);
	/* Those that ended long ago are left out. */
	s = list_new(&f->tx, 0, 1000 + 150, MANY);
	assert_int_equal(s.n, 50);
	assert_int_equal(s.ids[0], r[150].id);
	memset(&s, 0, sizeof s);
	assert_int_equal(store_status_list_new(&f->tx, r[4].id, r[7].id, 0,
	    MANY, seen_row, &s), 0);
	assert_int_equal(s.n, 3);
	assert_int_equal(s.last.id, r[7].id);
}

static void
test_changed(void **state)
{
	struct fix *f = *state;
	int64_t a = fix_issuer(&f->tx, "a"), b = fix_issuer(&f->tx, "b");
	struct cert_row r[3];
	struct seen s;
	int64_t rev;
	int i;

	for (i = 0; i < 3; i++)
		assert_int_equal(fix_cert(&f->tx, i == 1 ? b : a, 0,
		    (uint8_t)(i + 1), &r[i]), 0);
	change(&f->tx, &r[2], 500);
	change(&f->tx, &r[1], 600);
	s = list_changed(&f->tx, 0, 10);
	assert_int_equal(s.n, 2);
	assert_int_equal(s.ids[0], r[2].id);
	assert_int_equal(s.ids[1], r[1].id);
	assert_int_equal(s.last.status, CERT_REVOKED);
	assert_int_equal(s.last.reason, 1);
	assert_int_equal(s.last.revoked_ms, 600);
	assert_int_equal(s.last.issuer, b);
	assert_int_equal(store_rev_seq(&f->tx, &rev), 0);
	assert_int_equal(s.last.rev_seq, rev);
	s = list_changed(&f->tx, r[2].rev_seq, 10);
	assert_int_equal(s.n, 1);
	assert_int_equal(list_changed(&f->tx, 0, 1).n, 1);
	assert_int_equal(list_changed(&f->tx, rev, 10).n, 0);
	assert_int_equal(list_new(&f->tx, 0, 0, 10).n, 3);
}

/* --- waiting for commits --- */

struct open {
	char dir[64], path[96];
	struct store *s;
};

static int
open_setup(void **state)
{
	static struct open o;
	struct store_conf conf = { .readers = 1, .batch_max = 8,
	    .queue_max = 8, .ctx = &camca_ctx_system };

	log_setup("test", (enum log_level)0);
	snprintf(o.dir, sizeof o.dir, "/tmp/camca-store-XXXXXX");
	assert_non_null(mkdtemp(o.dir));
	snprintf(o.path, sizeof o.path, "%s/camca.db", o.dir);
	conf.path = o.path;
	assert_int_equal(store_open(&o.s, &conf, true, NULL), 0);
	*state = &o;
	return 0;
}

static int
open_teardown(void **state)
{
	struct open *o = *state;

	store_close(o->s);
	unlink(o->path);
	return rmdir(o->dir);
}

static int
note_tx(struct tx *tx, void *arg)
{
	return store_meta_set(tx, "note", arg);
}

struct waiter {
	struct store *s;
	int64_t seen, now;
	int ret;
	pthread_t thread;
};

static void *
waiter_thread(void *arg)
{
	struct waiter *w = arg;

	w->ret = store_commits_wait(w->s, w->seen, 20000, &w->now);
	return NULL;
}

static void
waiter_begin(struct waiter *w, struct open *o, int64_t seen)
{
	*w = (struct waiter){ .s = o->s, .seen = seen };
	assert_int_equal(pthread_create(&w->thread, NULL, waiter_thread, w),
	    0);
}

static void
test_commits(void **state)
{
	struct open *o = *state;
	struct waiter w[2];
	int64_t now = -1;
	int i;

	assert_int_equal(store_commits_wait(o->s, -1, 20000, &now), 0);
	for (i = 0; i < 2; i++)
		waiter_begin(&w[i], o, now);
	assert_int_equal(store_tx(o->s, DB_WRITE, note_tx, "1"), 0);
	for (i = 0; i < 2; i++) {
		assert_int_equal(pthread_join(w[i].thread, NULL), 0);
		assert_int_equal(w[i].ret, 0);
		assert_true(w[i].now > now);
	}
	/* One that has missed it does not wait. */
	assert_int_equal(store_commits_wait(o->s, now, 20000, &now), 0);
	assert_int_equal(now, w[0].now);
	/* Nothing happens: the time runs out. */
	assert_int_equal(store_commits_wait(o->s, now, 10, &now), 0);
	assert_int_equal(now, w[0].now);
}

static void
test_commits_wake(void **state)
{
	struct open *o = *state;
	struct waiter w;
	int64_t now, after;

	assert_int_equal(store_commits_wait(o->s, -1, 0, &now), 0);
	/* Once, whether it waits already or not. */
	waiter_begin(&w, o, now);
	store_commits_wake(o->s);
	pthread_join(w.thread, NULL);
	assert_int_equal(w.ret, 0);
	assert_int_not_equal(w.now, now);
	/* Who had read the number before the wake-up does not wait. */
	assert_int_equal(store_commits_wait(o->s, now, 1000, &after), 0);
	assert_int_equal(after, w.now);
	/* Who read it afterwards does. */
	assert_int_equal(store_commits_wait(o->s, after, 10, &now), 0);
	assert_int_equal(now, after);
}

#define T(fn) cmocka_unit_test_setup_teardown(fn, fix_setup, fix_teardown)
#define O(fn) cmocka_unit_test_setup_teardown(fn, open_setup, open_teardown)

int
main(void)
{
	const struct CMUnitTest tests[] = {
		T(test_empty), T(test_new), T(test_changed),
		O(test_commits), O(test_commits_wake),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
