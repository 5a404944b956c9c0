/* SPDX-License-Identifier: Apache-2.0 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include <errno.h>
#include <pthread.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#include "ca/authority/gates.h"
#include "ca/base/log.h"

#define A "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa"
#define B "bbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbb"

struct fix {
	_Atomic int64_t now_ms;
	struct gates *g;
	int a[2], b[2];                /* a[0]: our end of gate A */
};

static int64_t
fix_clock(void *arg)
{
	return atomic_load((_Atomic int64_t *)arg);
}

static int
fix_setup(void **state)
{
	static struct fix fix;

	log_setup("test", (enum log_level)0);
	atomic_store(&fix.now_ms, 1000000);
	assert_int_equal(gates_new(&fix.g, fix_clock, &fix.now_ms), 0);
	assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM, 0, fix.a), 0);
	assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM, 0, fix.b), 0);
	*state = &fix;
	return 0;
}

static int
fix_teardown(void **state)
{
	struct fix *f = *state;

	gates_free(f->g);
	close(f->a[0]);
	close(f->a[1]);
	close(f->b[0]);
	close(f->b[1]);
	return 0;
}

/* The gate has joined, is stored, and has everything up to rev. */
static void
fix_join(struct fix *f, const char *id, int fd, int64_t rev)
{
	bool fresh;

	assert_int_equal(gates_join(f->g, id, fd, &fresh), 0);
	if (fresh)
		gates_stored(f->g, id);
	assert_true(gates_confirm(f->g, id, fd, rev));
	assert_true(gates_grant(f->g, id, fd, rev));
}

/* A barrier in a thread: the fake clock is moved by the test meanwhile. */
struct wait {
	struct gates *g;
	int64_t rev;
	struct feed_result out;
	pthread_t thread;
	atomic_bool done;
};

static void *
wait_thread(void *arg)
{
	struct wait *w = arg;

	gates_barrier(w->g, w->rev, &w->out);
	atomic_store(&w->done, true);
	return NULL;
}

static void
wait_begin(struct wait *w, struct gates *g, int64_t rev)
{
	memset(w, 0, sizeof *w);
	w->g = g;
	w->rev = rev;
	assert_int_equal(pthread_create(&w->thread, NULL, wait_thread, w), 0);
}

/* Two looks of the barrier: what could happen has happened. */
static void
wait_looks(void)
{
	const struct timespec two = { 0, 120000000 };

	nanosleep(&two, NULL);
}

static void
wait_open(struct wait *w)
{
	wait_looks();
	assert_false(atomic_load(&w->done));
}

static void
wait_end(struct wait *w, int confirmed, int cut)
{
	assert_int_equal(pthread_join(w->thread, NULL), 0);
	assert_int_equal(w->out.confirmed, confirmed);
	assert_int_equal(w->out.cut, cut);
}

/* Has our end of the connection been shut down? */
static bool
is_cut(int peer)
{
	char c;

	return recv(peer, &c, 1, MSG_DONTWAIT) == 0;
}

static void
test_nobody(void **state)
{
	struct fix *f = *state;
	struct feed_result r;

	gates_barrier(f->g, 5, &r);
	assert_int_equal(r.confirmed, 0);
	assert_int_equal(r.cut, 0);
	assert_int_equal(r.waited_ms, 0);
}

static void
test_confirmed(void **state)
{
	struct fix *f = *state;
	struct wait w;

	fix_join(f, A, f->a[0], 4);
	fix_join(f, B, f->b[0], 5);
	wait_begin(&w, f->g, 5);
	wait_open(&w);
	assert_true(gates_confirm(f->g, A, f->a[0], 5));
	wait_end(&w, 2, 0);
	assert_false(is_cut(f->a[1]));
}

/* One that has it already costs no time. */
static void
test_confirmed_before(void **state)
{
	struct fix *f = *state;
	struct feed_result r;

	fix_join(f, A, f->a[0], 9);
	gates_barrier(f->g, 9, &r);
	assert_int_equal(r.confirmed, 1);
	assert_int_equal(r.waited_ms, 0);
	gates_barrier(f->g, 3, &r);
	assert_int_equal(r.confirmed, 1);
}

/* Silent for two seconds: cut. Done only when its lease is over. */
static void
test_cut(void **state)
{
	struct fix *f = *state;
	struct wait w;

	fix_join(f, A, f->a[0], 4);
	fix_join(f, B, f->b[0], 4);
	atomic_fetch_add(&f->now_ms, 1000);
	wait_begin(&w, f->g, 5);
	assert_true(gates_confirm(f->g, B, f->b[0], 5));
	wait_open(&w);
	atomic_fetch_add(&f->now_ms, GATES_CONFIRM_MS - 1);
	wait_open(&w);
	assert_false(is_cut(f->a[1]));
	atomic_fetch_add(&f->now_ms, 1);
	wait_open(&w);
	assert_true(is_cut(f->a[1]));
	assert_false(is_cut(f->b[1]));
	atomic_fetch_add(&f->now_ms, GATES_LEASE_MS - GATES_CONFIRM_MS - 1001);
	wait_open(&w);
	atomic_fetch_add(&f->now_ms, 1);
	wait_end(&w, 1, 1);
	assert_int_equal(w.out.waited_ms, GATES_LEASE_MS - 1000);
}

/* A gate that went away may still say good, until its lease is over. */
static void
test_gone(void **state)
{
	struct fix *f = *state;
	struct wait w;

	fix_join(f, A, f->a[0], 4);
	gates_leave(f->g, A, f->a[0]);
	wait_begin(&w, f->g, 5);
	wait_open(&w);
	atomic_fetch_add(&f->now_ms, GATES_LEASE_MS);
	wait_end(&w, 0, 1);
	assert_true(gates_sweep(f->g));
	assert_false(gates_sweep(f->g));
}

/* It was cut, came back on another connection and confirmed. */
static void
test_back_again(void **state)
{
	struct fix *f = *state;
	struct wait w;
	bool fresh;

	fix_join(f, A, f->a[0], 4);
	wait_begin(&w, f->g, 5);
	wait_open(&w);
	atomic_fetch_add(&f->now_ms, GATES_CONFIRM_MS);
	wait_open(&w);
	gates_leave(f->g, A, f->a[0]);
	assert_int_equal(gates_join(f->g, A, f->b[0], &fresh), 0);
	assert_false(fresh);
	assert_true(gates_confirm(f->g, A, f->b[0], 4));
	/* Its new lease is of an answer that has the change: the barrier does
	 * not wait for that one. */
	assert_true(gates_grant(f->g, A, f->b[0], 5));
	wait_open(&w);
	assert_true(gates_confirm(f->g, A, f->b[0], 5));
	wait_end(&w, 1, 0);
}

/* An answer read before the change must not begin a lease after the barrier has
 * looked who has one. */
static void
test_no_old_lease(void **state)
{
	struct fix *f = *state;
	struct feed_result r;
	bool fresh;

	assert_int_equal(gates_join(f->g, A, f->a[0], &fresh), 0);
	assert_true(fresh);
	gates_stored(f->g, A);
	gates_barrier(f->g, 5, &r);
	assert_int_equal(r.confirmed + r.cut, 0);
	assert_false(gates_grant(f->g, A, f->a[0], 4));
	assert_true(gates_grant(f->g, A, f->a[0], 5));
}

/* What the next process will not know of must not begin. */
static void
test_stored_first(void **state)
{
	struct fix *f = *state;
	bool fresh;

	assert_int_equal(gates_join(f->g, A, f->a[0], &fresh), 0);
	assert_true(fresh);
	assert_false(gates_grant(f->g, A, f->a[0], 0));
	assert_int_equal(gates_join(f->g, A, f->a[0], &fresh), 0);
	assert_true(fresh);
	gates_stored(f->g, A);
	assert_true(gates_grant(f->g, A, f->a[0], 0));
}

/* camcad was killed: its gates may say good for a lease from the new start. */
static void
test_known_before(void **state)
{
	struct fix *f = *state;
	struct wait w;
	bool fresh;

	gates_expect(f->g, A);
	gates_expect(f->g, B);
	gates_expect(f->g, "no gate at all");
	wait_begin(&w, f->g, 5);
	wait_open(&w);
	assert_int_equal(gates_join(f->g, A, f->a[0], &fresh), 0);
	assert_false(fresh);
	assert_true(gates_confirm(f->g, A, f->a[0], 5));
	wait_open(&w);
	atomic_fetch_add(&f->now_ms, GATES_LEASE_MS);
	wait_end(&w, 1, 1);
}

/* One that begins anew has confirmed nothing, whatever it said before. */
static void
test_begins_anew(void **state)
{
	struct fix *f = *state;
	struct wait w;

	fix_join(f, A, f->a[0], 9);
	assert_true(gates_confirm(f->g, A, f->a[0], -1));
	wait_begin(&w, f->g, 5);
	wait_open(&w);
	atomic_fetch_add(&f->now_ms, GATES_LEASE_MS);
	wait_end(&w, 0, 1);
}

/* The newer connection is the gate; the older one is shut and says nothing. */
static void
test_replaced(void **state)
{
	struct fix *f = *state;
	bool fresh;

	fix_join(f, A, f->a[0], 4);
	assert_int_equal(gates_join(f->g, A, f->b[0], &fresh), 0);
	assert_true(is_cut(f->a[1]));
	assert_false(gates_here(f->g, A, f->a[0]));
	assert_false(gates_confirm(f->g, A, f->a[0], 5));
	assert_false(gates_grant(f->g, A, f->a[0], 5));
	gates_leave(f->g, A, f->a[0]);
	assert_true(gates_here(f->g, A, f->b[0]));
}

/* One that has said good-bye is not waited for, nor remembered. */
static void
test_release(void **state)
{
	struct fix *f = *state;
	struct feed_result r;
	struct wait w;

	fix_join(f, A, f->a[0], 4);
	gates_release(f->g, A, f->b[0]);       /* not its connection */
	wait_begin(&w, f->g, 5);
	wait_open(&w);
	gates_release(f->g, A, f->a[0]);
	wait_end(&w, 1, 0);
	gates_barrier(f->g, 6, &r);
	assert_int_equal(r.confirmed + r.cut, 0);
	gates_leave(f->g, A, f->a[0]);
	assert_true(gates_sweep(f->g));
}

static void
test_names(void **state)
{
	static const char *const bad[] = { "", "a", A "a", "g" A,
	    "Aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa",
	    "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa\n" };
	struct fix *f = *state;
	struct buf out;
	bool fresh;
	size_t i;

	for (i = 0; i < sizeof bad / sizeof bad[0]; i++)
		assert_int_equal(gates_join(f->g, bad[i], 3, &fresh),
		    CAMCA_EINVAL);
	fix_join(f, A, f->a[0], 0);
	fix_join(f, B, f->b[0], 0);
	buf_init(&out, 0);
	assert_int_equal(gates_names(f->g, &out), 0);
	assert_string_equal(buf_str(&out), A "\n" B "\n");
	buf_fini(&out);
}

static void
test_too_many(void **state)
{
	struct fix *f = *state;
	char id[GATE_ID_LEN + 1];
	bool fresh;
	int i;

	for (i = 0; i <= GATES_MAX; i++) {
		snprintf(id, sizeof id, "%032x", (unsigned)i);
		assert_int_equal(gates_join(f->g, id, 100 + i, &fresh),
		    i < GATES_MAX ? 0 : CAMCA_EBUSY);
		gates_leave(f->g, id, 100 + i);
	}
	gates_expect(f->g, A);         /* no room: ignored */
	/* None of them was ever given a lease: all may be forgotten, and the
	 * stored list never had them. */
	assert_false(gates_sweep(f->g));
	assert_int_equal(gates_join(f->g, A, f->a[0], &fresh), 0);
}

/* Many barriers and a gate at the same time: for the thread sanitizer. */
static void
test_together(void **state)
{
	struct fix *f = *state;
	struct wait w[4];
	int i;

	fix_join(f, A, f->a[0], 0);
	for (i = 0; i < 4; i++)
		wait_begin(&w[i], f->g, i + 1);
	for (i = 1; i <= 4; i++)
		assert_true(gates_confirm(f->g, A, f->a[0], i));
	for (i = 0; i < 4; i++)
		wait_end(&w[i], 1, 0);
}

#define T(fn) cmocka_unit_test_setup_teardown(fn, fix_setup, fix_teardown)

int
main(void)
{
	const struct CMUnitTest tests[] = {
		T(test_nobody), T(test_confirmed), T(test_confirmed_before),
		T(test_cut), T(test_gone), T(test_back_again),
		T(test_no_old_lease), T(test_stored_first),
		T(test_known_before), T(test_begins_anew), T(test_replaced),
		T(test_release), T(test_names), T(test_too_many), T(test_together),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
