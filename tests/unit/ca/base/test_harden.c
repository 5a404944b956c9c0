/* SPDX-License-Identifier: Apache-2.0 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include "ca/base/harden.h"

static int
hardened(void)
{
	struct rlimit r;

	return prctl(PR_GET_DUMPABLE, 0, 0, 0, 0) == 0 &&
	    prctl(PR_GET_NO_NEW_PRIVS, 0, 0, 0, 0) == 1 &&
	    getrlimit(RLIMIT_CORE, &r) == 0 && r.rlim_cur == 0 &&
	    r.rlim_max == 0;
}

/* In a process of its own: none of it can be undone. */
static void
test_harden(void **state)
{
	int status = 0;
	pid_t pid = fork();

	(void)state;
	if (pid == 0) {
		if (prctl(PR_SET_DUMPABLE, 1, 0, 0, 0) != 0 || hardened())
			_exit(1);
		harden_process();
		if (!hardened())
			_exit(2);
		/* As a change of user does. */
		if (prctl(PR_SET_DUMPABLE, 1, 0, 0, 0) != 0)
			_exit(3);
		harden_process();
		_exit(hardened() ? 0 : 4);
	}
	assert_true(pid > 0);
	assert_int_equal(waitpid(pid, &status, 0), pid);
	assert_true(WIFEXITED(status));
	assert_int_equal(WEXITSTATUS(status), 0);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_harden),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
