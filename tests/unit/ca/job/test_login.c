/* SPDX-License-Identifier: Apache-2.0 */
#include "tests/unit/ca/store/fixture.h"

#include "ca/job/login.h"

#define MINUTE 60000

static int64_t now = 1000000000;
static struct job_rules rules;

struct world {
	struct tx *tx;
	int64_t cam;
};

static struct world
world(void **state)
{
	struct world w = { .tx = &((struct fix *)*state)->tx };

	job_rules_shipped(&rules);
	w.cam = fix_device(w.tx, "cam-1");
	return w;
}

/* A job as it stands in the table; the one before has ended. */
static struct job_row
job(struct world *w, enum job_state state)
{
	struct job_row r = { .device = w->cam, .site = "hq",
	    .kind = JOB_ROTATE, .state = (int64_t)state, .step = -1,
	    .created_by = "uid:0", .updated_ms = now };

	assert_int_equal(store_job_insert(w->tx, &r), 0);
	return r;
}

static void
move(struct world *w, struct job_row *r, enum job_state state)
{
	enum job_state from = (enum job_state)r->state;

	r->state = (int64_t)state;
	r->updated_ms = now;
	assert_int_equal(store_job_move(w->tx, r, from), 0);
}

static int64_t
left(struct world *w)
{
	struct login_left l;

	assert_int_equal(login_left(w->tx, w->cam, now, &rules, &l), 0);
	assert_true((l.left == 0) == (l.again_ms != 0));
	return l.left;
}

static int64_t
again(struct world *w)
{
	struct login_left l;

	assert_int_equal(login_left(w->tx, w->cam, now, &rules, &l), 0);
	return l.again_ms;
}

/* As a lease does: first what is left, then the job is written. */
static void
grant(struct world *w, struct job_row *r)
{
	struct login_left l;

	assert_int_equal(login_left(w->tx, w->cam, now, &rules, &l), 0);
	move(w, r, JOB_LEASED);
	assert_int_equal(login_grant(w->tx, r->id, &l), 0);
}

static struct job_row
begin(struct world *w)
{
	struct job_row r = job(w, JOB_WAITING);

	grant(w, &r);
	return r;
}

static void
end(struct world *w, struct job_row *r, int64_t failed, bool proven)
{
	move(w, r, proven ? JOB_DONE : JOB_FAILED);
	assert_int_equal(login_settle(w->tx, r, failed, proven, now, &rules),
	    0);
}

static void
test_visits_add_up(void **state)
{
	struct world w = world(state);
	struct job_row r;

	assert_int_equal(left(&w), 3);
	r = begin(&w);
	end(&w, &r, 1, false);
	assert_int_equal(left(&w), 2);
	/* Told twice counts once. */
	assert_int_equal(login_settle(w.tx, &r, 1, false, now, &rules), 0);
	assert_int_equal(left(&w), 2);
	now += MINUTE;
	r = begin(&w);
	end(&w, &r, 0, false);
	assert_int_equal(left(&w), 2);
	r = begin(&w);
	end(&w, &r, 1, false);
	/* With one left nothing can be proven: later. */
	assert_int_equal(left(&w), 0);
	assert_int_equal(again(&w), now + rules.login_window_ms);
	now += rules.login_window_ms - 1;
	assert_int_equal(left(&w), 0);
	now++;
	assert_int_equal(left(&w), 3);
}

static void
test_killed(void **state)
{
	struct world w = world(state);
	struct job_row r = begin(&w);
	int64_t died = now;

	/* Its lease is over, and it told nothing. */
	now += 2 * MINUTE;
	move(&w, &r, JOB_WAITING);
	now += MINUTE;
	assert_int_equal(left(&w), 0);
	assert_int_equal(again(&w), died + 2 * MINUTE +
	    rules.login_window_ms);
	now = again(&w);
	assert_int_equal(left(&w), 3);
	/* Again and again: never more than the budget a window. */
	grant(&w, &r);
	move(&w, &r, JOB_WAITING);
	assert_int_equal(left(&w), 0);
	/* It was only slow: what it tells late is exact. */
	assert_int_equal(login_settle(w.tx, &r, 1, false, now, &rules), 0);
	assert_int_equal(left(&w), 2);
	/* Told nothing at its end. */
	grant(&w, &r);
	end(&w, &r, -1, false);
	assert_int_equal(left(&w), 0);
}

static void
test_job_gone(void **state)
{
	struct world w = world(state);
	struct job_row r = begin(&w);

	move(&w, &r, JOB_CANCELLED);
	(void)job(&w, JOB_WAITING);
	assert_int_equal(store_job_delete(w.tx, r.id), 0);
	/* Counted from when it is noticed. */
	now += rules.login_window_ms;
	assert_int_equal(left(&w), 0);
	assert_int_equal(again(&w), now + rules.login_window_ms);
}

static void
test_proven(void **state)
{
	struct world w = world(state);
	struct job_row r = begin(&w);

	end(&w, &r, 2, true);
	assert_int_equal(left(&w), 3);
	/* Another visit has been granted something since. */
	r = begin(&w);
	move(&w, &r, JOB_WAITING);
	now += rules.login_window_ms;
	assert_int_equal(left(&w), 3);
}

static void
test_person(void **state)
{
	struct world w = world(state);
	struct job_row r = begin(&w);

	assert_int_equal(login_forgive(w.tx, w.cam), 0);
	end(&w, &r, 3, false);
	assert_int_equal(left(&w), 0);
	assert_int_equal(login_forgive(w.tx, w.cam), 0);
	assert_int_equal(left(&w), 3);
	assert_int_equal(login_forgive(w.tx, w.cam), 0);
	/* One that never told is forgotten as well. */
	r = begin(&w);
	move(&w, &r, JOB_WAITING);
	assert_int_equal(left(&w), 0);
	assert_int_equal(login_forgive(w.tx, w.cam), 0);
	assert_int_equal(left(&w), 3);
}

static void
test_wait(void **state)
{
	struct world w = world(state);
	struct job_row r = job(&w, JOB_WAITING);

	assert_int_equal(login_wait(w.tx, &r, now, now + MINUTE), 0);
	assert_int_equal(store_job_get(w.tx, r.id, &r), 0);
	assert_int_equal(r.state, JOB_WAITING);
	assert_int_equal(r.not_before_ms, now + MINUTE);
	assert_string_equal(r.outcome, "agent.next-visit");
	assert_non_null(strstr(r.detail, "camca job retry"));
	move(&w, &r, JOB_LEASED);
	assert_int_equal(login_wait(w.tx, &r, now, now), CAMCA_ECONFLICT);
}

static void
test_clock_and_window(void **state)
{
	struct world w = world(state);
	struct job_row r = begin(&w);

	end(&w, &r, 3, false);
	/* Set back by a day: nobody waits longer than the window. */
	now -= 86400000;
	assert_int_equal(again(&w), now + rules.login_window_ms);
	rules.login_window_ms = 0;
	assert_int_equal(left(&w), 3);
}

int
main(void)
{
#define T(f) cmocka_unit_test_setup_teardown(f, fix_setup, fix_teardown)
	const struct CMUnitTest tests[] = {
		T(test_visits_add_up), T(test_killed), T(test_job_gone),
		T(test_proven), T(test_person), T(test_wait),
		T(test_clock_and_window),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
