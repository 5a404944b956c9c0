/* SPDX-License-Identifier: Apache-2.0 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "ca/base/daemon_args.h"

#define WORDS_MAX 8
#define ARGS(...) (char *[WORDS_MAX]){ "prog", __VA_ARGS__ }

static int
parse(char **argv, struct daemon_args *out)
{
	int n = 0;

	while (n < WORDS_MAX && argv[n] != NULL)
		n++;
	return daemon_args_parse(n, argv, "What it is for.", out);
}

/* Exit code of a program with this command line; 0 where it goes on. */
static int
exit_of(char **argv)
{
	struct daemon_args a;
	int status;
	pid_t pid = fork();

	if (pid == 0) {
		if (freopen("/dev/null", "w", stderr) == NULL ||
		    freopen("/dev/null", "w", stdout) == NULL)
			_exit(99);
		_exit(parse(argv, &a) == CAMCA_OK ? 0 : 98);
	}
	assert_int_equal(waitpid(pid, &status, 0), pid);
	assert_true(WIFEXITED(status));
	return WEXITSTATUS(status);
}

static void
test_defaults(void **state)
{
	struct daemon_args a;

	(void)state;
	unsetenv("CAMCA_STATE");
	assert_int_equal(parse(ARGS(NULL), &a), CAMCA_OK);
	assert_string_equal(a.state, "/var/lib/camca");
	assert_int_equal(a.ready_fd, -1);
	assert_int_equal(a.level, LOG_NOTE);
	setenv("CAMCA_STATE", "/srv/ca", 1);
	assert_int_equal(parse(ARGS(NULL), &a), CAMCA_OK);
	assert_string_equal(a.state, "/srv/ca");
	unsetenv("CAMCA_STATE");
}

static void
test_given(void **state)
{
	struct daemon_args a;

	(void)state;
	assert_int_equal(parse(ARGS("--state", "x", "--ready-fd=7",
	    "--log-level", "trace"), &a), CAMCA_OK);
	assert_string_equal(a.state, "x");
	assert_int_equal(a.ready_fd, 7);
	assert_int_equal(a.level, LOG_TRACE);
	assert_int_equal(parse(ARGS("-s", "y"), &a), CAMCA_OK);
	assert_string_equal(a.state, "y");
}

static void
test_wrong(void **state)
{
	(void)state;
	assert_int_equal(exit_of(ARGS("-s", "y")), 0);
	assert_int_equal(exit_of(ARGS("--ready-fd=")), 2);
	assert_int_equal(exit_of(ARGS("--ready-fd=-1")), 2);
	assert_int_equal(exit_of(ARGS("--ready-fd=3x")), 2);
	assert_int_equal(exit_of(ARGS("--ready-fd=65536")), 2);
	assert_int_equal(exit_of(ARGS("--log-level=loud")), 2);
	assert_int_equal(exit_of(ARGS("--nothing")), 2);
	assert_int_equal(exit_of(ARGS("word")), 2);
	assert_int_equal(exit_of(ARGS("--state")), 2);
	assert_int_equal(exit_of(ARGS("--help")), 0);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_defaults),
		cmocka_unit_test(test_given),
		cmocka_unit_test(test_wrong),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
