/* SPDX-License-Identifier: Apache-2.0 */
#include "tests/unit/ca/store/fixture.h"

#include "ca/store/store_job.h"

static struct job_row
row(int64_t device, int64_t kind, int64_t state)
{
	struct job_row r = { .device = device, .site = "hq", .kind = kind,
	    .state = state, .step = -1, .created_ms = 5, .updated_ms = 5,
	    .created_by = "uid:0", .reason = "test" };

	return r;
}

static int
ids(const struct job_row *r, void *arg)
{
	char *text = arg;
	size_t n = strlen(text);

	snprintf(text + n, 200 - n, "%s%lld", n > 0 ? " " : "",
	    (long long)r->id);
	return 0;
}

static void
test_rows(void **state)
{
	struct tx *tx = &((struct fix *)*state)->tx;
	int64_t dev = fix_device(tx, "cam-1");
	struct job_row r = row(dev, JOB_RENEW, JOB_WAITING), got;

	assert_int_equal(store_job_insert(tx, &r), 0);
	assert_int_equal(store_job_get(tx, r.id, &got), 0);
	assert_string_equal(got.device_id, "cam-1");
	assert_string_equal(got.reason, "test");
	assert_int_equal(got.step, -1);
	assert_int_equal(store_job_get(tx, r.id + 1, &got), CAMCA_ENOENT);
	got.state = JOB_LEASED;
	got.agent = 9;
	got.lease_until_ms = 77;
	assert_int_equal(store_job_get(tx, r.id, &r), 0);
	r.state = JOB_DONE;
	assert_int_equal(store_job_move(tx, &r, JOB_LEASED), CAMCA_ECONFLICT);
	assert_int_equal(store_job_move(tx, &r, JOB_WAITING), 0);
	r.id++;
	assert_int_equal(store_job_move(tx, &r, JOB_WAITING), CAMCA_ENOENT);
	r = row(dev + 1, JOB_RENEW, JOB_WAITING);
	assert_int_equal(store_job_insert(tx, &r), CAMCA_ENOENT);
	r = row(dev, JOB_KINDS, JOB_WAITING);
	assert_int_equal(store_job_insert(tx, &r), CAMCA_EINVAL);
	assert_string_equal(job_state_name(JOB_PARKED), "parked");
	assert_string_equal(job_state_name(-1), "?");
	assert_int_equal(job_state_parse("leased"), JOB_LEASED);
	assert_int_equal(job_state_parse("gone"), -1);
}

static void
test_lists(void **state)
{
	struct tx *tx = &((struct fix *)*state)->tx;
	int64_t a = fix_device(tx, "cam-1"), b = fix_device(tx, "cam-2");
	struct job_filter f = { -1, -1, 0, NULL };
	struct job_row r;
	char text[200] = "";
	int64_t n;

	r = row(a, JOB_RENEW, JOB_WAITING);
	assert_int_equal(store_job_insert(tx, &r), 0);       /* 1 */
	r = row(a, JOB_ROTATE, JOB_WAITING);
	r.not_before_ms = 100;
	assert_int_equal(store_job_insert(tx, &r), 0);       /* 2 */
	r = row(b, JOB_RENEW, JOB_LEASED);
	r.agent = 7;
	r.lease_until_ms = 50;
	r.series = 1;
	assert_int_equal(store_job_insert(tx, &r), 0);       /* 3 */
	r = row(b, JOB_CRL, JOB_WAITING);
	assert_int_equal(store_job_insert(tx, &r), 0);       /* 4 */
	/* Not due, or at a camera that somebody works on. */
	assert_int_equal(store_job_ready(tx, "hq", 50, 0, ids, text), 0);
	assert_string_equal(text, "1");
	text[0] = '\0';
	assert_int_equal(store_job_ready(tx, "hq", 100, 0, ids, text), 0);
	assert_string_equal(text, "1 2");
	text[0] = '\0';
	assert_int_equal(store_job_over(tx, 49, ids, text), 0);
	assert_string_equal(text, "");
	assert_int_equal(store_job_over(tx, 50, ids, text), 0);
	assert_string_equal(text, "3");
	text[0] = '\0';
	assert_int_equal(store_job_leased(tx, 8, ids, text), 0);
	assert_string_equal(text, "");
	assert_int_equal(store_job_leased(tx, 7, ids, text), 0);
	assert_string_equal(text, "3");
	assert_int_equal(store_job_leased_count(tx, "hq", &n), 0);
	assert_int_equal(n, 1);
	text[0] = '\0';
	assert_int_equal(store_job_list(tx, &f, 0, 3, ids, text), 0);
	assert_string_equal(text, "4 3 2");
	text[0] = '\0';
	f.device = a;
	assert_int_equal(store_job_list(tx, &f, 2, 9, ids, text), 0);
	assert_string_equal(text, "1");
	text[0] = '\0';
	f = (struct job_filter){ JOB_WAITING, JOB_CRL, 0, "hq" };
	assert_int_equal(store_job_list(tx, &f, 0, 9, ids, text), 0);
	assert_string_equal(text, "4");
	assert_int_equal(store_job_open(tx, b, JOB_RENEW, JOB_APPLY, 0, &r),
	    0);
	assert_int_equal(r.id, 3);
	assert_int_equal(store_job_open(tx, b, JOB_RENEW, JOB_PLAN, 0, &r),
	    CAMCA_ENOENT);
}

/* The index itself forbids it, whoever asks. */
static void
test_one_lease(void **state)
{
	struct tx *tx = &((struct fix *)*state)->tx;
	int64_t dev = fix_device(tx, "cam-1");
	struct job_row a = row(dev, JOB_RENEW, JOB_LEASED), b;

	assert_int_equal(store_job_insert(tx, &a), 0);
	b = row(dev, JOB_ROTATE, JOB_LEASED);
	assert_int_equal(store_job_insert(tx, &b), CAMCA_ECONFLICT);
	b = row(dev, JOB_ROTATE, JOB_WAITING);
	assert_int_equal(store_job_insert(tx, &b), 0);
	b.state = JOB_LEASED;
	assert_int_equal(store_job_move(tx, &b, JOB_WAITING),
	    CAMCA_ECONFLICT);
}

static int
count(const struct job_step_row *r, void *arg)
{
	(void)r;
	++*(int *)arg;
	return 0;
}

static void
test_steps_and_age(void **state)
{
	struct tx *tx = &((struct fix *)*state)->tx;
	int64_t dev = fix_device(tx, "cam-1");
	struct job_row r = row(dev, JOB_RENEW, JOB_DONE), next;
	struct job_step_row s = { .outcome = OUTCOME_DONE }, last;
	char text[200] = "";
	int n = 0;

	assert_int_equal(store_job_insert(tx, &r), 0);
	s.job = r.id;
	assert_int_equal(store_job_step_last(tx, r.id, &last), CAMCA_ENOENT);
	memset(s.before, 'b', sizeof s.before - 1);
	assert_int_equal(store_job_step_insert(tx, &s), 0);
	assert_int_equal(store_job_step_insert(tx, &s), 0);
	assert_int_equal(store_job_step_last(tx, r.id, &last), 0);
	assert_int_equal(last.n, 2);
	assert_int_equal(strlen(last.before), JOB_TEXT_MAX);
	assert_int_equal(store_job_step_list(tx, r.id, 0, 99, count, &n), 0);
	assert_int_equal(n, 2);
	s.job = r.id + 1;
	assert_int_equal(store_job_step_insert(tx, &s), CAMCA_ENOENT);
	/* Forgotten in time, with its steps; but never the newest number. */
	assert_int_equal(store_job_old(tx, 5, 9, ids, text), 0);
	assert_string_equal(text, "");
	assert_int_equal(store_job_old(tx, 6, 9, ids, text), 0);
	assert_string_equal(text, "1");
	assert_int_equal(store_job_delete(tx, r.id), 0);
	assert_int_equal(store_job_get(tx, r.id, &next), 0);
	next = row(dev, JOB_RENEW, JOB_WAITING);
	assert_int_equal(store_job_insert(tx, &next), 0);
	assert_int_equal(store_job_delete(tx, r.id), 0);
	assert_int_equal(store_job_get(tx, r.id, &r), CAMCA_ENOENT);
	assert_int_equal(store_job_delete(tx, next.id), CAMCA_ENOENT);
}

static void
test_small_tables(void **state)
{
	struct tx *tx = &((struct fix *)*state)->tx;
	int64_t dev = fix_device(tx, "cam-1");
	struct job_last_row last = { dev, JOB_RENEW, 10, 10 };
	struct job_site_row site;

	assert_int_equal(store_job_last_put(tx, &last), 0);
	last.ended_ms = 20;
	last.ok_ms = 0;
	assert_int_equal(store_job_last_put(tx, &last), 0);
	assert_int_equal(store_job_last_get(tx, dev, JOB_RENEW, &last), 0);
	assert_int_equal(last.ended_ms, 20);
	assert_int_equal(last.ok_ms, 10);
	assert_int_equal(store_job_last_get(tx, dev, JOB_CRL, &last), 0);
	assert_int_equal(last.ended_ms, 0);
	assert_int_equal(store_job_site_get(tx, "hq", &site), 0);
	assert_string_equal(site.site, "hq");
	site.failures = 3;
	assert_int_equal(store_job_site_put(tx, &site), 0);
	assert_int_equal(store_job_site_get(tx, "hq", &site), 0);
	assert_int_equal(site.failures, 3);
	snprintf(site.site, sizeof site.site, "nowhere");
	assert_int_equal(store_job_site_put(tx, &site), CAMCA_ENOENT);
}

int
main(void)
{
#define T(f) cmocka_unit_test_setup_teardown(f, fix_setup, fix_teardown)
	const struct CMUnitTest tests[] = {
		T(test_rows), T(test_lists), T(test_one_lease),
		T(test_steps_and_age), T(test_small_tables),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
