/* SPDX-License-Identifier: Apache-2.0 */
/* secret.*, job.* and agent.* with the n-th allocation, then the n-th statement
 * of the store failing, for n = 1, 2, .. until a run passes: 503 or a whole
 * answer, nothing half in the store, and no password left in memory. */
#include "tests/unit/nth.h"
#include "tests/unit/ca/authority/agent_fixture.h"

#include <inttypes.h>

/* ---- statements that fail ---- */

static atomic_int step_left;           /* until one fails, 0: never */
static atomic_int step_hits;

int __attribute__((noipa))
sqlite3_step(sqlite3_stmt *st)
{
	static int (*real)(sqlite3_stmt *);
	const char *sql = sqlite3_sql(st);
	int n = atomic_load(&step_left);

	if (real == NULL)
		*(void **)(&real) = dlsym(RTLD_NEXT, "sqlite3_step");
	/* To go back cannot fail: SQLite needs nothing for it. */
	if (n == 0 || (sql != NULL && strncmp(sql, "ROLLBACK", 8) == 0))
		return real(st);
	atomic_store(&step_left, n - 1);
	if (n > 1)
		return real(st);
	atomic_fetch_add(&step_hits, 1);
	return SQLITE_IOERR;
}

static void
step_arm(int n)
{
	atomic_store(&step_hits, 0);
	atomic_store(&step_left, n);
}

static bool
step_disarm(void)
{
	atomic_store(&step_left, 0);
	return atomic_load(&step_hits) > 0;
}

/* ---- what there is ---- */

static int
look_row(void *arg, int n, char **v, char **names)
{
	struct buf *b = arg;
	int i;

	(void)names;
	for (i = 0; i < n; i++)
		assert_int_equal(buf_printf(b, "%s ", v[i] != NULL ? v[i] :
		    "-"), 0);
	return 0;
}

/* What must change together or not at all, as text. */
static void
look(const struct afix *f, struct buf *out)
{
	static const char sql[] =
	    "SELECT (SELECT COUNT(*) FROM event), (SELECT COUNT(*) FROM "
	    "device), (SELECT COUNT(*) FROM enroll_secret), (SELECT COUNT(*) "
	    "FROM agent_sealed), (SELECT COUNT(*) FROM job_step), (SELECT "
	    "COUNT(*) FROM observation);"
	    "SELECT 'job', id, state, attempts, step, outcome FROM job "
	    "ORDER BY id;"
	    "SELECT 'account', id, device, username FROM vault_account "
	    "ORDER BY id;"
	    "SELECT 'secret', account, state, job, COUNT(*) FROM vault_secret "
	    "GROUP BY account, state, job ORDER BY account, state, job;"
	    "SELECT 'move', device, state FROM device_standing ORDER BY "
	    "device;"
	    "SELECT 'cert', COUNT(*) FROM cert_status";
	char path[128];
	sqlite3 *db;

	out->len = 0;
	afix_path(f, "db/camca.sqlite", path);
	assert_int_equal(sqlite3_open_v2(path, &db, SQLITE_OPEN_READONLY,
	    NULL), SQLITE_OK);
	if (sqlite3_exec(db, sql, look_row, out, NULL) != SQLITE_OK)
		fail_msg("%s", sqlite3_errmsg(db));
	sqlite3_close(db);
}

/* The same members everywhere, lists of the same length. */
static bool
same_shape(const json_t *a, const json_t *b)
{
	const char *name;
	json_t *v, *o;
	size_t i;

	if (json_typeof(a) != json_typeof(b) ||
	    json_object_size(a) != json_object_size(b) ||
	    json_array_size(a) != json_array_size(b))
		return false;
	json_object_foreach((json_t *)(uintptr_t)a, name, v) {
		o = json_object_get(b, name);
		if (o == NULL || !same_shape(v, o))
			return false;
	}
	json_array_foreach(a, i, v)
		if (!same_shape(v, json_array_get(b, i)))
			return false;
	return true;
}

/* A password in what can be written to, but for the stacks. Not beside a
 * sanitizer: what it keeps of its own are terabytes. */
#if defined __SANITIZE_ADDRESS__ || defined __SANITIZE_THREAD__
static bool
password_left(void)
{
	return false;
}
#else
static bool
password_left(void)
{
	static const char mark[] = AFIX_MARK;
	unsigned long from, to;
	char line[512];
	const void *left;
	FILE *fp = fopen("/proc/self/maps", "re");
	bool found = false;

	assert_non_null(fp);
	while (fgets(line, sizeof line, fp) != NULL) {
		if (sscanf(line, "%lx-%lx rw", &from, &to) != 2 ||
		    strstr(line, " rw") == NULL ||
		    strstr(line, "[stack") != NULL)
			continue;
		left = memmem((void *)from, to - from, mark, sizeof mark - 2);
		found = found || left != NULL;
	}
	fclose(fp);
	return found;
}
#endif

/* ---- the calls ---- */

struct call {
	const char *op, *args;
	/* agent.*: args is the body. Several transactions: what is left after a
	 * failure is looked at in another way. */
	bool gate, parts;
	const char *before[4];         /* what is called first */
	const char *before_gate[4];    /* "OP BODY", after those */
};

#define CSV_HEAD "device,username,password,role,level\\n"
#define MAKE(kind) "{\"op\":\"job.create\",\"args\":{\"kind\":\"" kind \
	"\",\"device\":\"cam-0\"}}"
#define LEASE "agent.lease {\"version\":\"0.1.0\",\"free\":9," \
	"\"drivers\":[\"onvif\"]}"
#define SECRET "agent.secret {\"job\":1,\"account\":1}"
#define REPORT(step, more) "{\"job\":1,\"step\":\"" step "\",\"outcome\":" \
	"\"done\",\"before\":\"a\",\"after\":\"b\"" more "}"

#define LEAF "000102030405060708090a0b0c0d0e0f" \
	"101112131415161718191a1b1c1d1e1f"

static const struct call calls[] = {
	{ .op = "secret.import", .args = "{\"csv\":\"" CSV_HEAD "cam-0,admin,"
	    AFIX_MARK "2,administrator,Administrator\\ncam-1,user,"
	    AFIX_MARK "3,service,Operator\\n\"}" },
	{ .op = "secret.list", .args = "{\"device\":\"cam-0\"}",
	    .before = { "{\"op\":\"secret.import\",\"args\":{\"csv\":\""
	    CSV_HEAD "cam-0,admin," AFIX_MARK "4,administrator,"
	    "Administrator\\n\"}}" } },
	{ .op = "secret.rotate", .args = "{\"device\":\"cam-0\",\"account\":"
	    "\"admin\",\"reason\":\"r\"}" },
	{ .op = "secret.rotate", .args = "{\"site\":\"s1\",\"reason\":"
	    "\"r\"}" },
	{ .op = "secret.reveal", .args = "{\"device\":\"cam-0\",\"account\":"
	    "\"admin\",\"reason\":\"r\"}" },
	{ .op = "job.create", .args = "{\"kind\":\"rotate-password\","
	    "\"device\":\"cam-0\",\"account\":\"admin\",\"reason\":\"r\"}" },
	{ .op = "job.create", .args = "{\"kind\":\"observe\",\"site\":"
	    "\"s1\"}" },
	{ .op = "job.list", .args = "{\"site\":\"s1\"}",
	    .before = { MAKE("observe"), MAKE("renew") } },
	{ .op = "job.show", .args = "{\"job\":1}",
	    .before = { MAKE("observe") }, .before_gate = { LEASE,
	    "agent.report " REPORT("reach", "") } },
	{ .op = "job.cancel", .args = "{\"job\":1,\"reason\":\"r\"}",
	    .before = { MAKE("observe") } },
	{ .op = "job.retry", .args = "{\"job\":1,\"reason\":\"r\"}",
	    .before = { MAKE("observe") }, .before_gate = { LEASE,
	    "agent.report " REPORT("reach", ",\"end\":\"parked\"") } },
	{ .op = "job.retry", .args = "{\"site\":\"s1\",\"reason\":\"r\"}",
	    .before = { "{\"op\":\"job.create\",\"args\":{\"kind\":\"renew\","
	    "\"site\":\"s1\"}}" }, .before_gate = { LEASE,
	    "agent.report " REPORT("reach", ",\"end\":\"failed\"") } },
	{ .op = "agent.add", .args = "{\"id\":\"agent-2\",\"site\":"
	    "\"s1\"}" },
	{ .op = "agent.list", .args = "{}" },
	{ .op = "agent.revoke", .args = "{\"id\":\"agent-1\",\"reason\":"
	    "\"r\"}", .before = { MAKE("rotate-password") },
	    .before_gate = { LEASE } },
	{ .op = "agent.lease", .gate = true, .parts = true,
	    .args = "{\"version\":\"0.1.0\",\"free\":9,\"drivers\":"
	    "[\"onvif\"]}", .before = { MAKE("rotate-password") } },
	{ .op = "agent.secret", .gate = true,
	    .args = "{\"job\":1,\"account\":1,\"rule\":{\"min\":8,\"max\":"
	    "16}}", .before = { MAKE("rotate-password") },
	    .before_gate = { LEASE } },
	{ .op = "agent.secret", .gate = true, .args = "{\"job\":1,\"user\":"
	    "\"camca-svc\",\"role\":\"service\",\"level\":\"Operator\"}",
	    .before = { MAKE("enroll") }, .before_gate = { LEASE } },
	{ .op = "agent.report", .gate = true, .args = REPORT("reach", ""),
	    .before = { MAKE("rotate-password") },
	    .before_gate = { LEASE } },
	{ .op = "agent.report", .gate = true, .args = REPORT("prove",
	    ",\"confirm\":{\"account\":1},\"end\":\"success\""),
	    .before = { MAKE("rotate-password") },
	    .before_gate = { LEASE, SECRET } },
	{ .op = "agent.report", .gate = true, .args = REPORT("observe",
	    ",\"observation\":{\"serial\":\"S0\",\"firmware\":\"1.0\"},"
	    "\"served\":{\"sha256\":\"" LEAF "\"}"),
	    .before = { "{\"op\":\"device.reach\",\"args\":{\"id\":\"cam-0\","
	    "\"host\":\"192.0.2.1\",\"tls_sha256\":\"" LEAF "\"}}",
	    MAKE("observe") }, .before_gate = { LEASE } },
};

/* The frame of a call of the agent's, or of a person's. */
static char *
frame(const struct afix *f, bool gate, const char *op, const char *args)
{
	json_t *call = gate ? json_pack("{s:i, s:s, s:{s:[s], s:s, s:s}}",
	    "id", 7, "op", op, "args", "chain", f->chain, "remote",
	    "192.0.2.7", "body", args) : json_pack("{s:i, s:s, s:o}", "id", 7,
	    "op", op, "args", json_loads(args, 0, NULL));
	char *text = json_dumps(call, JSON_COMPACT);

	assert_non_null(text);
	json_decref(call);
	return text;
}

static void
ready(struct afix *f, const struct call *c)
{
	char op[32], *text;
	const char *body;
	size_t i;

	afix_restore(f);
	for (i = 0; i < 4 && c->before[i] != NULL; i++)
		afix_must(f, false, c->before[i]);
	for (i = 0; i < 4 && c->before_gate[i] != NULL; i++) {
		body = strchr(c->before_gate[i], ' ');
		snprintf(op, sizeof op, "%.*s",
		    (int)(body - c->before_gate[i]), c->before_gate[i]);
		text = frame(f, true, op, body + 1);
		afix_must(f, true, text);
		free(text);
	}
}

/* ---- one call with each of its failures ---- */

struct run {
	struct afix *f;
	const struct call *c;
	void (*arm)(int n);
	bool (*disarm)(void);
	json_t *good;                  /* the whole answer */
	struct buf before, after, now;
	bool hit;
};

static int
run_once(struct run *r, int n)
{
	char *text = frame(r->f, r->c->gate, r->c->op, r->c->args);
	int http = afix_call_armed(r->f, r->c->gate, text, r->arm, r->disarm,
	    n, &r->hit);

	free(text);
	return http;
}

static void
run_note(struct run *r, int n, int http)
{
	char *text = json_dumps(r->f->answer, 0);

	fail_msg("%s %.60s, n %d: %d %.300s\nbefore %s\nafter  %s\nnow    %s",
	    r->c->op, r->c->args, n, http, text != NULL ? text : "-",
	    (char *)r->before.data, (char *)r->after.data,
	    (char *)r->now.data);
}

/* As before, as after, or, where that is several steps, a lease that was given
 * back or runs out. Else NULL. */
static const struct buf *
run_state(const struct run *r)
{
	if (strcmp((char *)r->now.data, (char *)r->before.data) == 0)
		return &r->before;
	if (strcmp((char *)r->now.data, (char *)r->after.data) == 0)
		return &r->after;
	return NULL;
}

static void
run_check(struct run *r, int n, int http)
{
	const struct buf *as;

	look(r->f, &r->now);
	as = run_state(r);
	if (http == 200 && (r->f->answer == NULL ||
	    !same_shape(json_object_get(r->f->answer, "result"), r->good)))
		run_note(r, n, http);
	/* 500: OpenSSL does not always tell that it was memory it lacked. */
	if (http != 200 && http != 503 && http != 500 && http != 0)
		run_note(r, n, http);
	if (http == 200 ? as == NULL || strcmp((char *)as->data,
	    (char *)r->after.data) != 0 : as == NULL && !r->c->parts)
		run_note(r, n, http);
	json_decref(r->f->answer);
	r->f->answer = NULL;
	if ((n % 8 == 1 || n > 1000) && password_left())
		fail_msg("%s %.60s, n %d: %d, a password is left", r->c->op,
		    r->c->args, n, http);
	if (as != &r->before)
		ready(r->f, r->c);
}

/* How it goes where nothing fails. */
static void
run_begin(struct run *r)
{
	int http;

	buf_init(&r->before, 1 << 16);
	buf_init(&r->after, 1 << 16);
	buf_init(&r->now, 1 << 16);
	ready(r->f, r->c);
	look(r->f, &r->before);
	http = run_once(r, 0);
	look(r->f, &r->after);
	assert_int_equal(buf_printf(&r->now, "-"), 0);
	if (http != 200)
		run_note(r, 0, http);
	r->good = json_incref(json_object_get(r->f->answer, "result"));
	if (json_object_get(r->good, "password") != NULL)
		json_object_set_new(r->good, "password", json_string("-"));
	json_decref(r->f->answer);
	r->f->answer = NULL;
}

static void
run_call(struct afix *f, const struct call *c, void (*arm)(int n),
    bool (*disarm)(void), int dense)
{
	struct run r = { .f = f, .c = c, .arm = arm, .disarm = disarm };
	int n, http;

	run_begin(&r);
	ready(f, c);
	for (n = 1;; n++) {
		assert_true(n < 40000);
		http = run_once(&r, n);
		if (!r.hit)
			break;
		run_check(&r, n, http);
		/* Every one at first, then samples: CAMCA_FULL asks for all. */
		if (n > dense)
			n += n / 12;
	}
	assert_int_equal(http, 200);
	assert_true(n > 3);
	json_decref(r.good);
	buf_fini(&r.before);
	buf_fini(&r.after);
	buf_fini(&r.now);
}

static void
test_memory(void **state)
{
	size_t i;

	for (i = 0; i < sizeof calls / sizeof calls[0]; i++)
		run_call(*state, &calls[i], nth_arm, nth_disarm,
		    getenv("CAMCA_FULL") != NULL ? 40000 : 40);
}

static void
test_statements(void **state)
{
	size_t i;

	for (i = 0; i < sizeof calls / sizeof calls[0]; i++)
		run_call(*state, &calls[i], step_arm, step_disarm, 1000);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_memory),
		cmocka_unit_test(test_statements),
	};

	nth_setup();
	return cmocka_run_group_tests(tests, afix_group, afix_group_end);
}
