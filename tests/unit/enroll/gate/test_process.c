/* SPDX-License-Identifier: Apache-2.0 */
#include "tests/unit/ca/base/folder.h"

#include <pwd.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/wait.h>

#include <jansson.h>

#include "enroll/gate/process.h"

/* Each in a process of its own: none of it can be undone. Its exit status. */
static int
in_child(void (*fn)(const char *dir), const char *dir)
{
	int status = 0;
	pid_t pid = fork();

	if (pid == 0) {
		fn(dir);
		_exit(0);
	}
	assert_true(pid > 0);
	assert_int_equal(waitpid(pid, &status, 0), pid);
	return WIFEXITED(status) ? WEXITSTATUS(status) : 255;
}

static void
must(int ok)
{
	if (!ok)
		_exit(1);
}

static void
child_harden(const char *dir)
{
	struct rlimit r;

	(void)dir;
	process_harden(64);
	must(prctl(PR_GET_DUMPABLE) == 0);
	must(prctl(PR_GET_NO_NEW_PRIVS, 0, 0, 0, 0) == 1);
	must(getrlimit(RLIMIT_CORE, &r) == 0 && r.rlim_max == 0);
	must(getrlimit(RLIMIT_NOFILE, &r) == 0 && r.rlim_cur >= 64);
	must(umask(0) == 077);
}

static void
child_drop(const char *dir)
{
	const struct passwd *pw = getpwnam("nobody");
	struct stat st;

	must(process_drop("nobody", dir) == CAMCA_OK);
	must(stat(dir, &st) == 0);
	if (pw == NULL || st.st_uid == 0)
		return;          /* not root: nothing to drop */
	must(getuid() == pw->pw_uid && geteuid() == pw->pw_uid);
	must(getgid() == pw->pw_gid && getegid() == pw->pw_gid);
	must(setuid(0) != 0 && setgid(0) != 0);
	must(st.st_uid == pw->pw_uid);
	must(prctl(PR_GET_DUMPABLE) == 0);
	must(prctl(PR_GET_NO_NEW_PRIVS, 0, 0, 0, 0) == 1);
}

static void
child_no_user(const char *dir)
{
	uid_t before = getuid();

	must(process_drop("no-such-user-here", dir) == CAMCA_OK);
	must(getuid() == before);
}

static void
child_no_folder(const char *dir)
{
	(void)dir;
	must(process_drop("nobody", "/proc/1/none/none") < 0);
}

static void
test_process(void **state)
{
	const struct folder *f = *state;
	char dir[256];

	/* The user that we become must be able to look into it. */
	assert_int_equal(chmod(f->path, 0755), 0);
	snprintf(dir, sizeof dir, "%s", folder_path(state, "gate"));
	assert_int_equal(in_child(child_harden, dir), 0);
	assert_int_equal(in_child(child_no_user, dir), 0);
	assert_int_equal(in_child(child_drop, dir), 0);
	assert_int_equal(in_child(child_no_folder, dir), 0);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(test_process, folder_setup,
		    folder_teardown),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
