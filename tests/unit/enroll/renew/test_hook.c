/* SPDX-License-Identifier: Apache-2.0 */
#include <signal.h>
#include <stdio.h>
#include <sys/stat.h>

#include "enroll/renew/hook.h"
#include "pki.h"
#include "rmtree.h"

static char *dir;
static char path[128];

static void
script(const char *text)
{
	struct buf b;

	buf_init(&b, 0);
	assert_int_equal(buf_printf(&b, "#!/bin/sh\n%s\n", text), 0);
	pki_write(dir, "hook", &b);
	assert_int_equal(chmod(path, 0755), 0);
	buf_fini(&b);
}

static int
setup(void **state)
{
	(void)state;
	dir = pki_tmpdir();
	snprintf(path, sizeof path, "%s/hook", dir);
	return 0;
}

static int
teardown(void **state)
{
	(void)state;
	rmtree(dir);
	return 0;
}

/* What the hook sees: its argument, four variables, no input, no secret. */
static void
surroundings(void **state)
{
	char out[128], want[512];
	struct buf got;

	(void)state;
	setenv("SOME_SECRET", "x", 1);
	script("{ echo \"$1\"; echo \"$CAMCA_RENEW_CURRENT\"; "
	    "echo \"$CAMCA_RENEW_GENERATION\"; echo \"[$SOME_SECRET]\"; "
	    "cat; } > \"$CAMCA_RENEW_DIR/out\"");
	assert_int_equal(hook_run(path, dir, 7, 10000), 0);
	buf_init(&got, 0);
	snprintf(out, sizeof out, "%s/out", dir);
	snprintf(want, sizeof want, "%s\n%s/current\n7\n[]\n", dir, dir);
	assert_int_equal(file_read(out, 4096, &got), 0);
	assert_string_equal(buf_str(&got), want);
	buf_fini(&got);
}

static void
failures(void **state)
{
	(void)state;
	script("exit 3");
	assert_int_equal(hook_run(path, dir, 1, 10000), CAMCA_EIO);
	script("kill -9 $$");
	assert_int_equal(hook_run(path, dir, 1, 10000), CAMCA_EIO);
	assert_int_equal(hook_run("/nonexistent/hook", dir, 1, 10000),
	    CAMCA_EIO);
	assert_int_equal(chmod(path, 0644), 0);
	assert_int_equal(hook_run(path, dir, 1, 10000), CAMCA_EIO);
}

/* A hook that hangs is ended with its children; a blocked signal mask does
 * not reach it. */
static void
hanging(void **state)
{
	sigset_t all, old;

	(void)state;
	script("sleep 1000 & wait");
	sigfillset(&all);
	sigprocmask(SIG_BLOCK, &all, &old);
	assert_int_equal(hook_run(path, dir, 1, 100), CAMCA_EIO);
	script("kill -TERM $$; exit 0");
	assert_int_equal(hook_run(path, dir, 1, 10000), CAMCA_EIO);
	sigprocmask(SIG_SETMASK, &old, NULL);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(surroundings),
		cmocka_unit_test(failures),
		cmocka_unit_test(hanging),
	};

	return cmocka_run_group_tests(tests, setup, teardown);
}
