/* SPDX-License-Identifier: Apache-2.0 */
#include "tests/unit/ca/store/fixture.h"

#include "ca/job/job.h"

static int64_t clock_ms = 1000000;

static int64_t
now_ms(void *arg)
{
	(void)arg;
	return clock_ms;
}

static int
fill(void *arg, uint8_t *out, size_t n)
{
	static uint8_t k;
	size_t i;

	(void)arg;
	for (i = 0; i < n; i++)
		out[i] = k++;
	return CAMCA_OK;
}

static const struct camca_ctx fake = { now_ms, fill, NULL };
static const struct event_source source = { &fake, "test" };
static struct job_rules rules;

static struct job_by
by(void)
{
	return (struct job_by){ &source, "uid:0", clock_ms };
}

struct world {
	struct tx *tx;
	struct device_row cam, agent;
};

static struct world
world(void **state)
{
	struct world w = { .tx = &((struct fix *)*state)->tx };
	struct device_row ra = fix_device_row("agent-1");

	job_rules_shipped(&rules);
	rules.attempts = 3;
	rules.stop_after = 2;
	fix_device(w.tx, "cam-1");
	assert_int_equal(store_device_get(w.tx, "cam-1", &w.cam), 0);
	ra.kind = DEVICE_RA;
	assert_int_equal(store_device_insert(w.tx, &ra), 0);
	assert_int_equal(store_device_get(w.tx, "agent-1", &w.agent), 0);
	return w;
}

static struct job_row
made(struct world *w, enum job_kind kind, bool series)
{
	struct job_by b = by();
	struct job_spec s = { .kind = kind, .dev = &w->cam,
	    .reason = "test", .series = series };
	struct job_row r;
	int64_t id;
	bool fresh;

	assert_int_equal(job_create(w->tx, &b, &s, &id, &fresh, NULL), 0);
	assert_true(fresh);
	assert_int_equal(store_job_get(w->tx, id, &r), 0);
	assert_int_equal(r.state, JOB_WAITING);
	return r;
}

static void
lease(struct world *w, struct job_row *r)
{
	struct job_by b = by();

	assert_int_equal(job_lease(w->tx, &b, r, &w->agent, rules.lease_ms),
	    0);
}

static void
finish(struct world *w, struct job_row *r, enum job_end end, const char *code)
{
	struct job_by b = by();
	struct job_finish how = { .end = end, .code = code, .detail = "",
	    .agent = "agent-1" };

	assert_int_equal(job_finish(w->tx, &b, r, &how, &rules), 0);
}

static void
test_create(void **state)
{
	struct world w = world(state);
	struct job_by b = by();
	struct job_spec s = { .kind = JOB_ROTATE, .dev = &w.cam,
	    .reason = "old\nage" };
	struct refusal why = { 0 };
	int64_t id, again;
	struct job_row r;
	bool fresh;

	assert_int_equal(job_create(w.tx, &b, &s, &id, &fresh, &why), 0);
	assert_true(fresh);
	assert_int_equal(store_job_get(w.tx, id, &r), 0);
	assert_string_equal(r.reason, "old?age");
	assert_string_equal(r.device_id, "cam-1");
	assert_string_equal(r.site, "hq");
	assert_int_equal(r.step, -1);
	assert_int_equal(job_create(w.tx, &b, &s, &again, &fresh, &why), 0);
	assert_false(fresh);
	assert_int_equal(again, id);
	/* Another account, or another mode, is another job. */
	s.account = 5;
	assert_int_equal(job_create(w.tx, &b, &s, &again, &fresh, &why), 0);
	assert_true(fresh);
	/* A leased one may be past the point. */
	lease(&w, &r);
	s.account = 0;
	assert_int_equal(job_create(w.tx, &b, &s, &again, &fresh, &why), 0);
	assert_true(fresh);
	s.dev = &w.agent;
	assert_int_equal(job_create(w.tx, &b, &s, &again, NULL, &why),
	    CAMCA_EINVAL);
	assert_string_equal(why.code, "job.device");
	w.cam.state = DEVICE_RETIRED;
	s.dev = &w.cam;
	assert_int_equal(job_create(w.tx, &b, &s, &again, NULL, &why),
	    CAMCA_ECONFLICT);
	s.kind = JOB_RETIRE;
	assert_int_equal(job_create(w.tx, &b, &s, &again, NULL, &why), 0);
}

static void
test_one_lease(void **state)
{
	struct world w = world(state);
	struct job_row a = made(&w, JOB_OBSERVE, false);
	struct job_row b = made(&w, JOB_RENEW, false);
	struct job_by who = by();

	lease(&w, &a);
	assert_true(job_lease_holds(&a, w.agent.pk, clock_ms));
	assert_false(job_lease_holds(&a, w.agent.pk + 1, clock_ms));
	assert_false(job_lease_holds(&a, w.agent.pk, clock_ms +
	    rules.lease_ms));
	assert_int_equal(job_lease(w.tx, &who, &b, &w.agent, 1000),
	    CAMCA_ECONFLICT);
	assert_int_equal(store_job_get(w.tx, a.id, &a), 0);
	finish(&w, &a, END_SUCCESS, "");
	assert_int_equal(store_job_get(w.tx, b.id, &b), 0);
	lease(&w, &b);
	/* Nobody finishes what is not leased. */
	assert_int_equal(store_job_get(w.tx, a.id, &a), 0);
	assert_int_equal(a.state, JOB_DONE);
	assert_int_equal(job_finish(w.tx, &who, &a, &(struct job_finish){
	    .end = END_FAILED, .code = "x", .detail = "" }, &rules),
	    CAMCA_ECONFLICT);
}

static void
test_lease_over(void **state)
{
	struct world w = world(state);
	struct job_row r = made(&w, JOB_RENEW, false);
	struct job_by b = by();
	int i;

	for (i = 1; i <= 3; i++) {
		lease(&w, &r);
		assert_int_equal(r.attempts, i);
		assert_int_equal(job_lease_over(w.tx, &b, &r, &rules), 0);
		assert_int_equal(r.state, i < 3 ? JOB_WAITING : JOB_FAILED);
	}
	assert_string_equal(r.outcome, "job.lease");
	/* What is given back was no attempt. */
	r = made(&w, JOB_CRL, false);
	lease(&w, &r);
	assert_int_equal(job_give_back(w.tx, &b, &r, false), 0);
	assert_int_equal(r.attempts, 0);
	assert_int_equal(r.state, JOB_WAITING);
}

static void
test_again(void **state)
{
	struct world w = world(state);
	struct job_row r = made(&w, JOB_ROTATE, false);
	int64_t before;

	lease(&w, &r);
	finish(&w, &r, END_FAILED, "camera.unreachable");
	assert_int_equal(r.state, JOB_WAITING);
	assert_int_equal(r.not_before_ms, clock_ms + 60000);
	before = r.not_before_ms;
	lease(&w, &r);
	finish(&w, &r, END_FAILED, "camera.timeout");
	assert_true(r.not_before_ms > before);
	lease(&w, &r);
	finish(&w, &r, END_FAILED, "camera.unreachable");
	assert_int_equal(r.state, JOB_FAILED);
	/* A login that failed is never tried again by itself. */
	r = made(&w, JOB_ROTATE, false);
	lease(&w, &r);
	finish(&w, &r, END_FAILED, "camera.auth");
	assert_int_equal(r.state, JOB_FAILED);
	r = made(&w, JOB_ROTATE, false);
	lease(&w, &r);
	finish(&w, &r, END_PARKED, "camera.password-unknown");
	assert_int_equal(r.state, JOB_PARKED);
}

static void
test_last(void **state)
{
	struct world w = world(state);
	struct job_row r = made(&w, JOB_RENEW, false);
	struct job_last_row last;

	assert_int_equal(store_job_last_get(w.tx, w.cam.pk, JOB_RENEW,
	    &last), 0);
	assert_int_equal(last.ended_ms, 0);
	lease(&w, &r);
	finish(&w, &r, END_SUCCESS, "");
	assert_int_equal(store_job_last_get(w.tx, w.cam.pk, JOB_RENEW,
	    &last), 0);
	assert_int_equal(last.ok_ms, clock_ms);
	clock_ms += 5000;
	r = made(&w, JOB_RENEW, false);
	lease(&w, &r);
	finish(&w, &r, END_ROLLED_BACK, "camera.tls");
	assert_int_equal(r.state, JOB_FAILED);
	assert_int_equal(store_job_last_get(w.tx, w.cam.pk, JOB_RENEW,
	    &last), 0);
	assert_int_equal(last.ended_ms, clock_ms);
	assert_int_equal(last.ok_ms, clock_ms - 5000);
}

static void
failure(struct world *w, enum job_kind kind, const char *code)
{
	struct job_row r = made(w, kind, true);

	lease(w, &r);
	finish(w, &r, END_FAILED, code);
	if (r.state == JOB_WAITING)
		assert_int_equal(job_cancel(w->tx, &(struct job_by){ &source,
		    "uid:0", clock_ms }, &r, "test", NULL), 0);
}

static struct job_site_row
site(struct world *w)
{
	struct job_site_row s;

	assert_int_equal(store_job_site_get(w->tx, "hq", &s), 0);
	return s;
}

static void
test_series(void **state)
{
	struct world w = world(state);
	struct job_by b = by();
	struct job_row r;

	failure(&w, JOB_RENEW, "camera.refused");
	assert_int_equal(site(&w).failures, 1);
	/* A camera that is not there says nothing about the others. */
	failure(&w, JOB_RENEW, "camera.unreachable");
	/* Nor does one that was only looked at. */
	failure(&w, JOB_OBSERVE, "camera.refused");
	assert_int_equal(site(&w).failures, 1);
	r = made(&w, JOB_CRL, true);
	lease(&w, &r);
	finish(&w, &r, END_SUCCESS, "");
	assert_int_equal(site(&w).failures, 0);
	failure(&w, JOB_RENEW, "camera.refused");
	assert_int_equal(site(&w).stopped_ms, 0);
	failure(&w, JOB_ROTATE, "camera.auth");
	assert_int_equal(site(&w).stopped_ms, clock_ms);
	assert_string_equal(site(&w).code, "camera.auth");
	assert_int_equal(job_resume_site(w.tx, &b, "hq", "mended"), 0);
	assert_int_equal(site(&w).stopped_ms, 0);
	assert_int_equal(site(&w).failures, 0);
	rules.stop_after = 0;
	failure(&w, JOB_RENEW, "camera.refused");
	failure(&w, JOB_RENEW, "camera.refused");
	failure(&w, JOB_RENEW, "camera.refused");
	assert_int_equal(site(&w).stopped_ms, 0);
}

/* Of a job that the clock made. */
static void
clock_failure(struct world *w, enum job_kind kind)
{
	struct job_by b = by();
	struct job_spec s = { .kind = kind, .dev = &w->cam,
	    .reason = "age", .series = true };
	struct job_row r;
	int64_t id;

	b.actor = "camcad";
	clock_ms += 1000;
	assert_int_equal(job_create(w->tx, &b, &s, &id, NULL, NULL), 0);
	assert_int_equal(store_job_get(w->tx, id, &r), 0);
	lease(w, &r);
	finish(w, &r, END_FAILED, "camera.no-such");
}

/* One camera whose account somebody has removed, tried again every six hours
 * for years: its site goes on. */
static void
test_series_one_camera(void **state)
{
	struct world w = world(state);
	struct job_row r;
	int i;

	for (i = 0; i < 20; i++)
		clock_failure(&w, JOB_ROTATE);
	assert_int_equal(site(&w).failures, 1);
	assert_int_equal(site(&w).stopped_ms, 0);
	/* It was mended, and fails again: that is news. */
	clock_ms += 1000;
	r = made(&w, JOB_ROTATE, false);
	lease(&w, &r);
	finish(&w, &r, END_SUCCESS, "");
	clock_failure(&w, JOB_ROTATE);
	assert_int_equal(site(&w).failures, 2);
	assert_int_equal(site(&w).stopped_ms, clock_ms);
}

static void
test_people(void **state)
{
	struct world w = world(state);
	struct job_row r = made(&w, JOB_RENEW, false);
	struct job_by b = by();
	struct refusal why = { 0 };

	lease(&w, &r);
	assert_int_equal(job_retry(w.tx, &b, &r, NULL, &why),
	    CAMCA_ECONFLICT);
	assert_string_equal(why.code, "job.state");
	assert_int_equal(job_cancel(w.tx, &b, &r, "enough", &why), 0);
	assert_false(job_lease_holds(&r, w.agent.pk, clock_ms));
	assert_int_equal(job_cancel(w.tx, &b, &r, "enough", &why),
	    CAMCA_ECONFLICT);
	assert_int_equal(job_retry(w.tx, &b, &r, NULL, &why),
	    CAMCA_ECONFLICT);
	r = made(&w, JOB_RENEW, false);
	lease(&w, &r);
	finish(&w, &r, END_PARKED, "camera.auth");
	assert_int_equal(job_retry(w.tx, &b, &r, "new password", &why), 0);
	assert_int_equal(r.state, JOB_WAITING);
	assert_int_equal(r.attempts, 0);
	/* What waits already is as it should be. */
	assert_int_equal(job_retry(w.tx, &b, &r, NULL, &why), 0);
}

int
main(void)
{
#define T(f) cmocka_unit_test_setup_teardown(f, fix_setup, fix_teardown)
	const struct CMUnitTest tests[] = {
		T(test_create), T(test_one_lease), T(test_lease_over),
		T(test_again), T(test_last), T(test_series), T(test_series_one_camera),
		T(test_people),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
