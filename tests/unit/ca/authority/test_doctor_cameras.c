/* SPDX-License-Identifier: Apache-2.0 */
/* What camca doctor says of sites, jobs, agents and passwords. */
#include "tests/unit/ca/authority/fixture.h"

#include "ca/authority/doctor.h"
#include "ca/store/store_job.h"

#define DAY (24 * 3600000LL)

struct look {
	struct doctor d;
	int warnings;
};

/* The line of that name, whose warnings are counted. */
static const char *
line(struct look *l, const char *name, bool *ok)
{
	const json_t *item;
	size_t i;

	json_array_foreach(l->d.checks, i, item)
		if (strcmp(json_string_value(json_object_get(item, "name")),
		    name) == 0) {
			*ok = json_is_true(json_object_get(item, "ok"));
			return json_string_value(json_object_get(item,
			    "detail"));
		}
	fail_msg("doctor says nothing of %s", name);
	return NULL;
}

static void
look(struct fix *f, struct look *l)
{
	const json_t *item;
	size_t i;

	*l = (struct look){ .d = { &f->a, json_array() } };
	doctor_cameras(&l->d);
	json_array_foreach(l->d.checks, i, item) {
		assert_string_not_equal(json_string_value(json_object_get(item,
		    "level")), "error");
		l->warnings += !json_is_true(json_object_get(item, "ok"));
	}
}

/* The line says this, and is not ok; NULL: it is ok. */
static void
expect(struct fix *f, const char *name, const char *part, int warnings)
{
	const char *detail;
	struct look l;
	bool ok = false;

	look(f, &l);
	detail = line(&l, name, &ok);
	assert_int_equal(ok, part == NULL);
	if (part != NULL && strstr(detail, part) == NULL)
		fail_msg("%s: %s", name, detail);
	assert_int_equal(l.warnings, warnings);
	json_decref(l.d.checks);
}

static void
sites(struct fix *f)
{
	static const char *const calls[] = {
		"{\"id\":1,\"op\":\"site.add\",\"args\":{\"id\":\"s1\","
		    "\"name\":\"One\",\"level\":1}}",
		"{\"id\":1,\"op\":\"site.add\",\"args\":{\"id\":\"s3\","
		    "\"name\":\"Three\",\"level\":3}}",
		"{\"id\":1,\"op\":\"device.add\",\"args\":{\"id\":\"cam-1\","
		    "\"manufacturer\":\"A\",\"model\":\"M\",\"serial\":\"1\","
		    "\"site\":\"s1\"}}",
		"{\"id\":1,\"op\":\"device.add\",\"args\":{\"id\":\"cam-3\","
		    "\"manufacturer\":\"A\",\"model\":\"M\",\"serial\":\"3\","
		    "\"site\":\"s3\"}}",
		"{\"id\":1,\"op\":\"agent.add\",\"args\":{\"id\":\"ra-1\","
		    "\"site\":\"s1\"}}",
	};
	size_t i;

	for (i = 0; i < sizeof calls / sizeof calls[0]; i++)
		assert_int_equal(fix_call(f, calls[i]), 200);
}

struct put {
	const char *device;
	enum vault_role role;
	enum job_state state;
	const char *code;
	int64_t ms;
};

static int
password_tx(struct tx *tx, void *arg)
{
	const struct put *p = arg;
	struct vault_account a = { .role = p->role, .level = "User" };
	uint8_t bytes[4] = { 1 };
	struct vault_secret s = { .state = VAULT_CURRENT,
	    .sealed = { bytes, sizeof bytes }, .changed_ms = p->ms };
	struct device_row d;
	int ret = store_device_get(tx, p->device, &d);

	a.device = d.pk;
	snprintf(a.username, sizeof a.username, "u%d", (int)p->role);
	if (ret == CAMCA_OK)
		ret = ctx_random(&camca_ctx_system, s.uid, sizeof s.uid);
	if (ret == CAMCA_OK)
		ret = store_vault_account_insert(tx, &a);
	s.account = a.id;
	return ret < 0 ? ret : store_vault_secret_insert(tx, &s);
}

static void
password(struct fix *f, const char *device, enum vault_role role, int64_t ms)
{
	struct put p = { .device = device, .role = role, .ms = ms };

	assert_int_equal(store_tx(f->a.store, DB_WRITE, password_tx, &p), 0);
}

static int
job_tx(struct tx *tx, void *arg)
{
	const struct put *p = arg;
	struct job_row r = { .kind = JOB_ROTATE, .state = p->state,
	    .step = -1, .created_ms = p->ms, .updated_ms = p->ms };
	struct device_row d;
	int ret = store_device_get(tx, p->device, &d);

	r.device = d.pk;
	snprintf(r.site, sizeof r.site, "%s", d.site);
	snprintf(r.outcome, sizeof r.outcome, "%s", p->code);
	return ret < 0 ? ret : store_job_insert(tx, &r);
}

static void
job(struct fix *f, const char *device, enum job_state state, const char *code)
{
	struct put p = { .device = device, .state = state, .code = code,
	    .ms = f->now_ms };

	assert_int_equal(store_tx(f->a.store, DB_WRITE, job_tx, &p), 0);
}

static int
stop_tx(struct tx *tx, void *arg)
{
	struct job_site_row r = { .site = "s3", .failures = 3,
	    .code = "camera.timeout", .stopped_ms = *(int64_t *)arg };

	return store_job_site_put(tx, &r);
}

static int
agent_tx(struct tx *tx, void *arg)
{
	struct agent_row r = { .version = "1", .seen_ms = *(int64_t *)arg };
	struct device_row d;
	int ret = store_device_get(tx, "ra-1", &d);

	r.device = d.pk;
	if (ret == CAMCA_OK && d.state == DEVICE_REGISTERED)
		ret = store_device_move(tx, d.pk, DEVICE_REGISTERED,
		    DEVICE_ENROLLED, r.seen_ms);
	return ret < 0 ? ret : store_agent_put(tx, &r);
}

static int
agent_gone_tx(struct tx *tx, void *arg)
{
	struct device_row d;
	int ret = store_device_get(tx, "ra-1", &d);

	(void)arg;
	return ret < 0 ? ret : store_device_move(tx, d.pk, DEVICE_ENROLLED,
	    DEVICE_REVOKED, 1);
}

static void
test_content(void **state)
{
	struct fix *f = *state;

	expect(f, "series", NULL, 0);
	sites(f);
	job(f, "cam-1", JOB_WAITING, "");
	job(f, "cam-1", JOB_FAILED, "camera.password-unknown");
	password(f, "cam-1", ACCOUNT_ADMINISTRATOR, f->now_ms);
	expect(f, "parked jobs", NULL, 0);
	expect(f, "unknown passwords", NULL, 0);
	expect(f, "agents", NULL, 0);
	expect(f, "passwords", NULL, 0);
}

static void
test_series(void **state)
{
	struct fix *f = *state;
	int64_t zero = 0;

	sites(f);
	assert_int_equal(store_tx(f->a.store, DB_WRITE, stop_tx, &f->now_ms),
	    0);
	expect(f, "series", ": 1 (s3 (camera.timeout))", 1);
	assert_int_equal(store_tx(f->a.store, DB_WRITE, stop_tx, &zero), 0);
	expect(f, "series", NULL, 0);
}

static void
test_parked(void **state)
{
	struct fix *f = *state;
	int i;

	sites(f);
	job(f, "cam-1", JOB_PARKED, "camera.identity");
	expect(f, "parked jobs", ": 1 (1 at cam-1 (camera.identity))", 1);
	job(f, "cam-3", JOB_PARKED, "camera.password-unknown");
	expect(f, "parked jobs", ": 1 (", 2);
	expect(f, "unknown passwords", "cam-3", 2);
	/* Many are counted, three are named. */
	for (i = 0; i < 5; i++)
		job(f, "cam-1", JOB_PARKED, "camera.identity");
	expect(f, "parked jobs", ": 6 (", 2);
	expect(f, "parked jobs", "4 at cam-1 (camera.identity) and others).",
	    2);
}

static void
test_agents(void **state)
{
	struct fix *f = *state;

	sites(f);
	assert_int_equal(store_tx(f->a.store, DB_WRITE, agent_tx, &f->now_ms),
	    0);
	f->now_ms += 10 * 60000;
	expect(f, "agents", NULL, 0);
	f->now_ms += 1;
	expect(f, "agents", "ra-1 of s1 (", 1);
	/* One that was cut off is not waited for. */
	assert_int_equal(store_tx(f->a.store, DB_WRITE, agent_gone_tx, NULL),
	    0);
	expect(f, "agents", NULL, 0);
}

/* Level 1 of the shipped rules rotates in 90 days, level 3 in 30; the place in
 * the window is 2 hours, two days more are the window's and the batches'. */
static void
test_passwords(void **state)
{
	struct fix *f = *state;
	int64_t slack = 2 * DAY + 2 * 3600000LL;

	sites(f);
	password(f, "cam-1", ACCOUNT_ADMINISTRATOR, f->now_ms);
	password(f, "cam-3", ACCOUNT_SERVICE, f->now_ms);
	password(f, "cam-3", ACCOUNT_BREAK_GLASS, f->now_ms);
	f->now_ms += 30 * DAY + slack;
	expect(f, "passwords", NULL, 0);
	f->now_ms += 1;
	expect(f, "passwords", "of their level: 1 (", 1);
	expect(f, "passwords", "u0 of cam-3 (", 1);
	f->now_ms += 60 * DAY - 1;
	expect(f, "passwords", ": 1 (", 1);
	f->now_ms += 1;
	expect(f, "passwords", ": 2 (", 1);
}

#define CASE(t) cmocka_unit_test_setup_teardown(t, fix_setup, fix_teardown)

int
main(void)
{
	const struct CMUnitTest tests[] = {
		CASE(test_content), CASE(test_series), CASE(test_parked),
		CASE(test_agents), CASE(test_passwords),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
