/* SPDX-License-Identifier: Apache-2.0 */
/* The clock and jobs: what it makes, when, and what it forgets. */
#include "tests/unit/ca/authority/fixture.h"

#include "ca/authority/agent.h"

#define HOUR 3600000LL
#define DAY (24 * HOUR)

static struct fix *fix_here;

/* One site, cameras cam-0 .. with an address, enrolled, one account each whose
 * password is as old as the site. */
static void
cameras(struct fix *f, int n)
{
	char text[256];
	int i;

	assert_int_equal(fix_call(f, "{\"id\":1,\"op\":\"site.add\",\"args\":"
	    "{\"id\":\"s1\",\"name\":\"One\",\"level\":1}}"), 200);
	for (i = 0; i < n; i++) {
		snprintf(text, sizeof text, "{\"id\":1,\"op\":\"device.add\","
		    "\"args\":{\"id\":\"cam-%d\",\"manufacturer\":\"A\","
		    "\"model\":\"M\",\"serial\":\"S%d\",\"site\":\"s1\"}}",
		    i, i);
		assert_int_equal(fix_call(f, text), 200);
		snprintf(text, sizeof text, "{\"id\":1,\"op\":"
		    "\"device.reach\",\"args\":{\"id\":\"cam-%d\",\"host\":"
		    "\"192.0.2.1\"}}", i);
		assert_int_equal(fix_call(f, text), 200);
	}
}

static int
enroll_row(const struct device_row *d, void *arg)
{
	return store_device_move(arg, d->pk, DEVICE_REGISTERED,
	    DEVICE_ENROLLED, FIX_NOW);
}

static int
enroll_tx(struct tx *tx, void *arg)
{
	struct device_filter all = { .state = -1, .kind = -1 };

	(void)arg;
	return store_device_list(tx, &all, 0, INT64_MAX, enroll_row, tx);
}

static int
password_tx(struct tx *tx, void *arg)
{
	uint8_t bytes[4] = { 1 };
	struct vault_account a = { .username = "admin",
	    .role = ACCOUNT_ADMINISTRATOR, .level = "Administrator" };
	struct vault_secret s = { .state = VAULT_CURRENT,
	    .sealed = { bytes, sizeof bytes }, .created_ms = FIX_NOW,
	    .changed_ms = FIX_NOW };
	struct device_row d;
	int ret = store_device_get(tx, arg, &d);

	a.device = d.pk;
	if (ret == CAMCA_OK)
		ret = store_vault_account_insert(tx, &a);
	s.account = a.id;
	return ret < 0 ? ret : store_vault_secret_insert(tx, &s);
}

struct seen {
	int kind[JOB_KINDS], state[JOB_STATES], n, series;
	int64_t first_ms, last_ms;
};

static int
seen_row(const struct job_row *r, void *arg)
{
	struct seen *s = arg;

	s->n++;
	s->kind[r->kind]++;
	s->state[r->state]++;
	s->series += (int)r->series;
	if (r->kind == JOB_ROTATE) {
		if (s->first_ms == 0 || r->not_before_ms < s->first_ms)
			s->first_ms = r->not_before_ms;
		if (r->not_before_ms > s->last_ms)
			s->last_ms = r->not_before_ms;
	}
	return 0;
}

static int
seen_tx(struct tx *tx, void *arg)
{
	struct job_filter all = { -1, -1, 0, NULL };

	memset(arg, 0, sizeof (struct seen));
	return store_job_list(tx, &all, 0, INT64_MAX, seen_row, arg);
}

static struct seen
after_tick(struct fix *f)
{
	struct policies *pol = authority_policies(&f->a);
	struct seen s;

	assert_int_equal(jobs_tick(&f->a, pol, f->now_ms), CAMCA_OK);
	authority_policies_put(&f->a, pol);
	assert_int_equal(store_tx(f->a.store, DB_READ, seen_tx, &s), 0);
	return s;
}

static int
compromised_row(const struct vault_secret *r, void *arg)
{
	return store_vault_secret_mark(arg, r->id, FIX_NOW);
}

static int
compromised_tx(struct tx *tx, void *arg)
{
	struct vault_account a;
	struct device_row d;
	int ret = store_device_get(tx, arg, &d);

	if (ret < 0 || (ret = store_vault_account_get(tx, d.pk, "admin",
	    &a)) < 0)
		return ret;
	return store_vault_secret_list(tx, a.id, 0, 10, compromised_row, tx);
}

static int
finish_row(const struct job_row *r, void *arg)
{
	struct tx *tx = arg;
	struct job_row row = *r;
	struct job_last_row last = { r->device, r->kind, r->updated_ms,
	    r->updated_ms };

	if (r->state != JOB_WAITING)
		return 0;
	row.state = JOB_DONE;
	return store_job_move(tx, &row, JOB_WAITING) == CAMCA_OK ?
	    store_job_last_put(tx, &last) : CAMCA_EDB;
}

static int
finish_tx(struct tx *tx, void *arg)
{
	struct job_filter all = { -1, -1, 0, NULL };

	(void)arg;
	return store_job_list(tx, &all, 0, INT64_MAX, finish_row, tx);
}

static void
test_due(void **state)
{
	struct fix *f = *state;
	struct seen s;

	cameras(f, 3);
	/* What is not enrolled is nobody's business yet. */
	s = after_tick(f);
	assert_int_equal(s.n, 0);
	assert_int_equal(store_tx(f->a.store, DB_WRITE, enroll_tx, NULL), 0);
	s = after_tick(f);
	assert_int_equal(s.n, 3);
	assert_int_equal(s.kind[JOB_OBSERVE], 3);
	assert_int_equal(s.series, 3);
	/* Once: what waits is not made again. */
	s = after_tick(f);
	assert_int_equal(s.n, 3);
	assert_int_equal(store_tx(f->a.store, DB_WRITE, finish_tx, NULL), 0);
	s = after_tick(f);
	assert_int_equal(s.n, 3);
	f->now_ms += 7 * DAY + 3 * HOUR;
	s = after_tick(f);
	assert_int_equal(s.n, 6);
	/* In a year it has forgotten what is done. */
	assert_int_equal(store_tx(f->a.store, DB_WRITE, finish_tx, NULL), 0);
	f->now_ms += 400 * DAY;
	s = after_tick(f);
	assert_int_equal(s.state[JOB_DONE], 0);
	assert_int_equal(s.state[JOB_WAITING], 3);
}

static void
test_rotate(void **state)
{
	struct fix *f = *state;
	struct policies *pol;
	char id[16];
	struct seen s;
	int i;

	cameras(f, 20);
	assert_int_equal(store_tx(f->a.store, DB_WRITE, enroll_tx, NULL), 0);
	for (i = 0; i < 20; i++) {
		snprintf(id, sizeof id, "cam-%d", i);
		assert_int_equal(store_tx(f->a.store, DB_WRITE, password_tx,
		    id), 0);
	}
	s = after_tick(f);
	assert_int_equal(s.kind[JOB_ROTATE], 0);
	f->now_ms += 90 * DAY + 3 * HOUR;
	s = after_tick(f);
	assert_int_equal(s.kind[JOB_ROTATE], 20);
	/* All of them in the window, each at its own place there. */
	pol = authority_policies(&f->a);
	assert_true(s.first_ms >= f->now_ms);
	assert_true(job_window_open(&pol->jobs.levels[0].window,
	    pol->jobs.offset_min, s.first_ms));
	assert_true(job_window_open(&pol->jobs.levels[0].window,
	    pol->jobs.offset_min, s.last_ms));
	authority_policies_put(&f->a, pol);
	/* (FIX_NOW is 08:00 UTC, 15:00 of the shipped rules: closed.) */
	assert_true(s.last_ms > s.first_ms);
	assert_true(s.first_ms > f->now_ms);
}

/* One certificate of cam-0, of that life; n tells them apart. */
struct life {
	int64_t begin, end;
	uint8_t n;
	bool revoked;
};

static int
life_tx(struct tx *tx, void *arg)
{
	const struct life *l = arg;
	uint8_t der[] = { 0x30, 0 };
	struct issuer_row ca = { .name = "ec", .generation = 1,
	    .key_uri = "pkcs11:",
	    .cert = { der, sizeof der } };
	struct cert_row c = { .reason = -1, .profile = "p", .label = "l",
	    .serial = { l->n }, .spki = { l->n }, .created_ms = l->begin,
	    .not_before_ms = l->begin, .not_after_ms = l->end,
	    .der = { der, sizeof der } };
	struct device_row d;
	int ret = store_device_get(tx, "cam-0", &d);

	if (ret == CAMCA_OK && l->n == 1)
		ret = store_issuer_insert(tx, &ca);
	if (ret < 0)
		return ret;
	c.device = d.pk;
	c.issuer = 1;
	if ((ret = store_cert_insert(tx, &c)) < 0 || !l->revoked)
		return ret;
	c.status = CERT_REVOKED;
	c.reason = 1;
	c.revoked_ms = l->begin;
	return store_cert_change(tx, &c);
}

static void
life(int64_t begin, int64_t end, uint8_t n, bool revoked)
{
	struct life l = { begin, end, n, revoked };

	assert_int_equal(store_tx(fix_here->a.store, DB_WRITE,
	    life_tx, &l), 0);
}

/* A site that was away until the certificate had ended: it is renewed all the
 * same, at any hour. */
static void
test_ended(void **state)
{
	struct fix *f = fix_here = *state;
	struct seen s;

	cameras(f, 1);
	assert_int_equal(store_tx(f->a.store, DB_WRITE, enroll_tx, NULL), 0);
	life(FIX_NOW - 400 * DAY, FIX_NOW - 35 * DAY, 1, false);
	s = after_tick(f);
	assert_int_equal(s.kind[JOB_RENEW], 1);
	assert_int_equal(s.n - s.series, 1);
}

/* One that a person revoked is not replaced by the clock, also when an older
 * one ended by itself. */
static void
test_ended_revoked(void **state)
{
	struct fix *f = fix_here = *state;
	struct seen s;

	cameras(f, 1);
	assert_int_equal(store_tx(f->a.store, DB_WRITE, enroll_tx, NULL), 0);
	life(FIX_NOW - 400 * DAY, FIX_NOW - 35 * DAY, 1, false);
	life(FIX_NOW - 100 * DAY, FIX_NOW + 265 * DAY, 2, true);
	s = after_tick(f);
	assert_int_equal(s.kind[JOB_RENEW], 0);
}

/* What waits of a kind ends so. */
struct ending {
	struct tx *tx;
	enum job_kind kind;
	enum job_state state;
};

static int
ending_row(const struct job_row *r, void *arg)
{
	const struct ending *e = arg;
	struct job_last_row last = { r->device, r->kind, FIX_NOW,
	    e->state == JOB_DONE ? FIX_NOW : 0 };
	struct job_row row = *r;

	if (r->state != JOB_WAITING || r->kind != e->kind)
		return 0;
	row.state = e->state;
	return store_job_move(e->tx, &row, JOB_WAITING) == CAMCA_OK ?
	    store_job_last_put(e->tx, &last) : CAMCA_EDB;
}

static int
ending_tx(struct tx *tx, void *arg)
{
	struct job_filter all = { -1, -1, 0, NULL };
	struct ending *e = arg;

	e->tx = tx;
	return store_job_list(tx, &all, 0, INT64_MAX, ending_row, e);
}

/* Made by a clock that was two years ahead. */
static void
test_not_yet(void **state)
{
	struct fix *f = fix_here = *state;
	struct ending done = { NULL, JOB_RENEW, JOB_DONE };
	struct seen s;

	cameras(f, 1);
	assert_int_equal(store_tx(f->a.store, DB_WRITE, enroll_tx, NULL), 0);
	life(FIX_NOW - 10 * DAY, FIX_NOW + 355 * DAY, 1, false);
	s = after_tick(f);
	assert_int_equal(s.kind[JOB_RENEW], 0);
	life(FIX_NOW + 730 * DAY, FIX_NOW + 1095 * DAY, 2, false);
	s = after_tick(f);
	assert_int_equal(s.kind[JOB_RENEW], 1);
	/* What came of it is the newest, although the other begins later. */
	assert_int_equal(store_tx(f->a.store, DB_WRITE, ending_tx, &done), 0);
	life(FIX_NOW, FIX_NOW + 365 * DAY, 3, false);
	s = after_tick(f);
	assert_int_equal(s.kind[JOB_RENEW], 1);
}

/* A password that a revoked agent had: the job that was made then failed, for
 * the camera was away. It is changed all the same, at any hour. */
static void
test_compromised(void **state)
{
	struct fix *f = *state;
	char id[] = "cam-0";
	struct ending failed = { NULL, JOB_ROTATE, JOB_FAILED };
	struct seen s;

	cameras(f, 1);
	assert_int_equal(store_tx(f->a.store, DB_WRITE, enroll_tx, NULL), 0);
	assert_int_equal(store_tx(f->a.store, DB_WRITE, password_tx, id), 0);
	s = after_tick(f);
	assert_int_equal(s.kind[JOB_ROTATE], 0);
	assert_int_equal(store_tx(f->a.store, DB_WRITE, compromised_tx, id),
	    0);
	s = after_tick(f);
	assert_int_equal(s.kind[JOB_ROTATE], 1);
	assert_true(s.first_ms <= f->now_ms);
	s = after_tick(f);
	assert_int_equal(s.kind[JOB_ROTATE], 1);
	assert_int_equal(store_tx(f->a.store, DB_WRITE, ending_tx, &failed), 0);
	s = after_tick(f);
	assert_int_equal(s.kind[JOB_ROTATE], 1);
	f->now_ms += 7 * HOUR;
	s = after_tick(f);
	assert_int_equal(s.kind[JOB_ROTATE], 2);
}

static int
lease_row(const struct job_row *r, void *arg)
{
	struct tx *tx = arg;
	struct job_row row = *r;

	row.state = JOB_LEASED;
	row.agent = 1;
	row.attempts++;
	row.lease_until_ms = FIX_NOW + 1000;
	return r->state == JOB_WAITING ? store_job_move(tx, &row,
	    JOB_WAITING) : 0;
}

static int
lease_tx(struct tx *tx, void *arg)
{
	struct job_filter all = { -1, -1, 0, NULL };

	(void)arg;
	return store_job_list(tx, &all, 0, INT64_MAX, lease_row, tx);
}

static void
test_over(void **state)
{
	struct fix *f = *state;
	struct seen s;
	int i;

	cameras(f, 2);
	assert_int_equal(fix_call(f, "{\"id\":1,\"op\":\"job.create\",\"args\":"
	    "{\"kind\":\"renew\",\"device\":\"cam-0\"}}"), 200);
	for (i = 0; i < 5; i++) {
		assert_int_equal(store_tx(f->a.store, DB_WRITE, lease_tx,
		    NULL), 0);
		f->now_ms = FIX_NOW + 999;
		s = after_tick(f);
		assert_int_equal(s.state[JOB_LEASED], 1);
		f->now_ms = FIX_NOW + 1000;
		s = after_tick(f);
		assert_int_equal(s.state[i < 4 ? JOB_WAITING : JOB_FAILED],
		    1);
	}
}

/* At two years ahead: a password that was changed then, and a visit. */
static int
ahead_tx(struct tx *tx, void *arg)
{
	struct job_row *r = arg;
	struct vault_account a;
	struct vault_secret s = { 0 };
	struct device_row d;
	int ret;

	if ((ret = store_device_get(tx, "cam-0", &d)) < 0 ||
	    (ret = store_vault_account_get(tx, d.pk, "admin", &a)) < 0 ||
	    (ret = store_vault_secret_in(tx, a.id, VAULT_CURRENT, &s)) < 0)
		return ret;
	vault_secret_free(&s);
	if ((ret = store_vault_secret_move(tx, s.id, VAULT_CURRENT,
	    VAULT_CURRENT, 0, fix_here->now_ms)) < 0 ||
	    (ret = store_job_open(tx, d.pk, JOB_RENEW, JOB_APPLY, 0, r)) < 0)
		return ret;
	r->state = JOB_LEASED;
	r->agent = 1;
	r->lease_until_ms = fix_here->now_ms + 120000;
	return store_job_move(tx, r, JOB_WAITING);
}

static int
last_tx(struct tx *tx, void *arg)
{
	struct job_last_row *r = arg;

	return store_job_last_get(tx, r->device, JOB_OBSERVE, r);
}

/* The clock was two years ahead, jobs were done and begun; it is right again,
 * and somebody says so. No camera is left alone for two years. */
static void
test_clock_was_ahead(void **state)
{
	struct fix *f = fix_here = *state;
	struct job_last_row last;
	char id[] = "cam-0";
	struct job_row r;
	struct seen s;
	int64_t now;

	cameras(f, 1);
	assert_int_equal(store_tx(f->a.store, DB_WRITE, enroll_tx, NULL), 0);
	assert_int_equal(store_tx(f->a.store, DB_WRITE, password_tx, id), 0);
	f->now_ms += 730 * DAY;
	assert_int_equal(authority_now(&f->a, &now, NULL), 0);
	(void)after_tick(f);
	assert_int_equal(store_tx(f->a.store, DB_WRITE, finish_tx, NULL), 0);
	assert_int_equal(fix_call(f, "{\"id\":1,\"op\":\"job.create\",\"args\":"
	    "{\"kind\":\"renew\",\"device\":\"cam-0\"}}"), 200);
	assert_int_equal(store_tx(f->a.store, DB_WRITE, ahead_tx, &r), 0);
	f->now_ms = FIX_NOW + HOUR;
	assert_int_equal(fix_call(f, "{\"op\":\"system.clock-accept\"}"), 200);
	s = after_tick(f);
	assert_int_equal(s.state[JOB_LEASED], 0);
	assert_int_equal(s.state[JOB_WAITING], 1);
	last.device = r.device;
	assert_int_equal(store_tx(f->a.store, DB_READ, last_tx, &last), 0);
	assert_int_equal(last.ended_ms, f->now_ms);
	assert_int_equal(last.ok_ms, f->now_ms);
	f->now_ms += 91 * DAY;
	s = after_tick(f);
	assert_int_equal(s.kind[JOB_OBSERVE], 2);
	assert_int_equal(s.kind[JOB_ROTATE], 2);
}

/* A large fleet is looked at in parts, and to its end. */
static void
test_parts(void **state)
{
	struct fix *f = *state;
	struct seen s;

	cameras(f, 300);
	assert_int_equal(store_tx(f->a.store, DB_WRITE, enroll_tx, NULL), 0);
	s = after_tick(f);
	assert_int_equal(s.n, 256);
	s = after_tick(f);
	assert_int_equal(s.n, 300);
	s = after_tick(f);
	assert_int_equal(s.n, 300);
	assert_int_equal(f->a.plan_after, 0);
}

int
main(void)
{
#define T(f) cmocka_unit_test_setup_teardown(f, fix_setup, fix_teardown)
	const struct CMUnitTest tests[] = {
		T(test_due), T(test_rotate), T(test_compromised), T(test_over), T(test_parts),
		T(test_ended), T(test_ended_revoked), T(test_not_yet),
		T(test_clock_was_ahead),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
