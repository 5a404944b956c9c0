/* SPDX-License-Identifier: Apache-2.0 */
#include "tests/unit/ca/cmd/text.h"

#include <sys/stat.h>

#include "ca/cmd/options.c"
#include "ca/cmd/up.c"

int
cmd_failed(struct cmd_env *env, const char *code, const char *fmt, ...)
{
	(void)fmt;
	fprintf(env->err, "%s", code);
	return CMD_REFUSED;
}

/* Programs to run are put here by the tests, in the place of the real ones. */
static const char *programs[3];

int
where_program(const char *name, char *out, size_t out_len)
{
	int i = strcmp(name, "camcad") == 0 ? 0 :
	    strcmp(name, "camca-gate") == 0 ? 1 : 2;

	snprintf(out, out_len, "%s", programs[i] != NULL ? programs[i] : "");
	return CAMCA_OK;
}

int
where_urls(const char *state, struct where_urls *out, char *error,
    size_t error_len)
{
	(void)state;
	(void)error;
	(void)error_len;
	snprintf(out->est, sizeof out->est, "E");
	snprintf(out->http, sizeof out->http, "H");
	return CAMCA_OK;
}

static void
test_again(void **state)
{
	struct up_history h = { .n = 0 };
	int64_t start, last = 0, now = 1000000;
	int i;

	(void)state;
	for (i = 0; i < UP_RESTARTS; i++) {
		assert_true(up_again(&h, now, &start));
		assert_true(start - now > last);
		last = start - now;
		now += 1000;
	}
	assert_true(last <= 4000);
	assert_false(up_again(&h, now, &start));
	assert_false(up_again(&h, now + 1, &start));
	/* The first of them leaves the window. */
	assert_true(up_again(&h, 1000000 + UP_WINDOW_MS, &start));
	assert_false(up_again(&h, 1000000 + UP_WINDOW_MS, &start));
	assert_true(up_again(&h, now + 2 * UP_WINDOW_MS, &start));
	assert_int_equal(h.n, 1);
	assert_int_equal(start, now + 2 * UP_WINDOW_MS + 250);
}

static char folder[32];

static const char *
script(const char *name, const char *body)
{
	static char path[3][64];
	char *p = path[name[0] - 'a'];
	FILE *f;

	snprintf(p, 64, "%s/%s", folder, name);
	f = fopen(p, "we");
	assert_non_null(f);
	fprintf(f, "#!/bin/sh\n# args: --state DIR --ready-fd N\n%s\n", body);
	fclose(f);
	assert_int_equal(chmod(p, 0700), 0);
	return p;
}

/* Runs camca up in a process of its own; its exit code. stdout of it goes to
 * text. */
static int
run(const char *a, const char *b, struct text *out, struct text *err)
{
	struct cmd_env env = { .state = folder };
	struct cmd_values v = { .n = 0 };
	sigset_t none;
	int ret;

	programs[0] = script("a", a);
	programs[1] = script("b", b);
	env.out = text_open(out);
	env.err = text_open(err);
	ret = up_run(&env, NULL, &v);
	sigemptyset(&none);
	sigprocmask(SIG_SETMASK, &none, NULL);
	return ret;
}

#define READY "eval \"echo ready >&$4; exec $4>&-\"; "
/* Waits for SIGTERM, does what is in front of it, and ends. */
#define HOLD(end) "tail -f /dev/null & p=$!; trap 'kill $p; " end \
	"exit 0' TERM; "

/* The gate is started after the authority is ready; a signal to camca up ends
 * both. The gate's script sends it: no sleeping here. */
static void
test_up_and_down(void **state)
{
	char a[200], b[200], path[64];
	struct text out, err;

	(void)state;
	snprintf(a, sizeof a, HOLD("echo a >> %s/ended; ") READY "wait",
	    folder);
	snprintf(b, sizeof b, HOLD("echo b >> %s/ended; ") READY
	    "kill -TERM $PPID; wait", folder);
	assert_int_equal(run(a, b, &out, &err), CMD_DONE);
	snprintf(path, sizeof path, "%s/ended", folder);
	assert_int_equal(access(path, F_OK), 0);
	text_close(&out);
	text_close(&err);
}

static void
test_never_ready(void **state)
{
	struct text out, err;

	(void)state;
	assert_int_equal(run("exit 3", "exit 0", &out, &err), CMD_REFUSED);
	assert_non_null(strstr(text_get(&err),
	    "camcad ended with 3 before it was ready"));
	text_close(&out);
	text_close(&err);
	/* The gate fails: the authority is ended too. */
	assert_int_equal(run(HOLD("") READY "wait", "kill -KILL $$", &out,
	    &err), CMD_REFUSED);
	assert_non_null(strstr(text_get(&err),
	    "camca-gate ended by signal 9 before it was ready"));
	text_close(&out);
	text_close(&err);
}

/* The gate ends once after it was ready: it is started again. The second one
 * asks for the end. */
static void
test_restart(void **state)
{
	char b[300];
	struct text out, err;

	(void)state;
	snprintf(b, sizeof b, "if [ -e %s/second ]; then " HOLD("") READY
	    "kill -TERM $PPID; wait; fi; >%s/second; " READY "exit 5", folder,
	    folder);
	assert_int_equal(run(HOLD("") READY "wait", b, &out, &err), CMD_DONE);
	assert_non_null(strstr(text_get(&err),
	    "camca-gate ended with 5; it is started again"));
	text_close(&out);
	text_close(&err);
}

/* With a TSA in the settings there is a third program. It ends at once, and
 * again: nobody else is stopped for that. */
static void
test_anchor(void **state)
{
	char b[300], path[64];
	struct text out, err;
	FILE *f;

	(void)state;
	snprintf(path, sizeof path, "%s/camca.yaml", folder);
	f = fopen(path, "we");
	assert_non_null(f);
	fprintf(f, "gate:\n  names: [a.test]\ncustody:\n"
	    "  tsa: [\"t http://t.test\"]\n");
	fclose(f);
	snprintf(path, sizeof path, "%s/second", folder);
	assert_int_equal(mkfifo(path, 0600), 0);
	snprintf(b, sizeof b, HOLD("") READY "read x <%s; kill -TERM $PPID; "
	    "wait", path);
	/* The third one tells the gate's script that it has been there. */
	snprintf(path, sizeof path, "echo x >%s/second; exit 3", folder);
	programs[2] = script("c", path);
	assert_int_equal(run(HOLD("") READY "wait", b, &out, &err), CMD_DONE);
	assert_null(strstr(text_get(&err), "camca-gate ended"));
	text_close(&out);
	text_close(&err);
}

/* Who is a witness, for the start of camca-anchor. */
static void
test_has_witness(void **state)
{
	(void)state;
	assert_true(up_has_witness("log x\nwitness a b http://c\n"));
	assert_true(up_has_witness("witness a b http://c"));
	assert_false(up_has_witness("witness a b\nquorum a\n"));
	assert_false(up_has_witness("# witness a b http://c\n"));
	assert_false(up_has_witness("group witness a b c\n"));
	assert_false(up_has_witness(""));
}

static void
test_no_state(void **state)
{
	struct cmd_env env = { .state = "/nonexistent" };
	struct cmd_values v = { .n = 0 };
	struct text err;

	(void)state;
	env.err = text_open(&err);
	assert_int_equal(up_run(&env, NULL, &v), CMD_REFUSED);
	assert_string_equal(text_get(&err), "up.no-state");
	text_close(&err);
}

static int
setup(void **state)
{
	char path[64];
	FILE *f;

	(void)state;
	snprintf(folder, sizeof folder, "/tmp/camca-test-XXXXXX");
	if (mkdtemp(folder) == NULL)
		return -1;
	snprintf(path, sizeof path, "%s/camca.yaml", folder);
	f = fopen(path, "we");
	return f == NULL || fclose(f) != 0 ? -1 : 0;
}

static int
teardown(void **state)
{
	static const char *const names[] = { "camca.yaml", "a", "b", "c",
	    "ended", "second" };
	char path[64];
	size_t i;

	(void)state;
	for (i = 0; i < sizeof names / sizeof names[0]; i++) {
		snprintf(path, sizeof path, "%s/%s", folder, names[i]);
		unlink(path);
	}
	return rmdir(folder);
}

#define UP(t) cmocka_unit_test_setup_teardown(t, setup, teardown)

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_again),
		UP(test_up_and_down),
		UP(test_never_ready),
		UP(test_restart),
		UP(test_anchor),
		cmocka_unit_test(test_has_witness),
		cmocka_unit_test(test_no_state),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
