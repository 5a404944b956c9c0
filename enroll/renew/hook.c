/* SPDX-License-Identifier: Apache-2.0 */
#include "enroll/renew/hook.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <poll.h>
#include <signal.h>
#include <spawn.h>
#include <stdio.h>
#include <string.h>
#include <sys/pidfd.h>
#include <sys/wait.h>
#include <unistd.h>

#include "ca/base/log.h"

/* The child starts with default signals, in a process group of its own, so
 * that a hook that hangs can be ended with all it started. */
static int
hook_attributes(posix_spawnattr_t *at)
{
	sigset_t none, all;

	sigemptyset(&none);
	sigfillset(&all);
	if (posix_spawnattr_setsigmask(at, &none) != 0 ||
	    posix_spawnattr_setsigdefault(at, &all) != 0 ||
	    posix_spawnattr_setpgroup(at, 0) != 0 ||
	    posix_spawnattr_setflags(at, POSIX_SPAWN_SETSIGMASK |
	    POSIX_SPAWN_SETSIGDEF | POSIX_SPAWN_SETPGROUP) != 0)
		return CAMCA_EIO;
	return CAMCA_OK;
}

static int
hook_spawn(pid_t *pid_out, const char *path, const char *dir,
    unsigned generation)
{
	char path_env[] = "PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:"
	    "/usr/bin:/sbin:/bin";
	char dir_env[PATH_MAX + 32], cur_env[PATH_MAX + 32], gen_env[64];
	char prog[PATH_MAX], arg[PATH_MAX];
	char *argv[] = { prog, arg, NULL };
	char *envp[] = { path_env, dir_env, cur_env, gen_env, NULL };
	posix_spawn_file_actions_t fa;
	posix_spawnattr_t at;
	int ret = CAMCA_EIO;

	snprintf(prog, sizeof prog, "%s", path);
	snprintf(arg, sizeof arg, "%s", dir);
	snprintf(dir_env, sizeof dir_env, "CAMCA_RENEW_DIR=%s", dir);
	snprintf(cur_env, sizeof cur_env, "CAMCA_RENEW_CURRENT=%s/current",
	    dir);
	snprintf(gen_env, sizeof gen_env, "CAMCA_RENEW_GENERATION=%u",
	    generation);
	if (posix_spawn_file_actions_init(&fa) != 0)
		return CAMCA_ENOMEM;
	if (posix_spawnattr_init(&at) != 0) {
		posix_spawn_file_actions_destroy(&fa);
		return CAMCA_ENOMEM;
	}
	if (posix_spawn_file_actions_addopen(&fa, STDIN_FILENO, "/dev/null",
	    O_RDONLY, 0) == 0 && hook_attributes(&at) == CAMCA_OK) {
		errno = posix_spawn(pid_out, path, &fa, &at, argv, envp);
		if (errno == 0)
			ret = CAMCA_OK;
		else
			log_msg(LOG_ERROR, path, "hook cannot be started: %s",
			    strerror(errno));
	}
	posix_spawnattr_destroy(&at);
	posix_spawn_file_actions_destroy(&fa);
	return ret;
}

/* Waits for the end of pid. A kernel without pidfd waits without a limit. */
static void
hook_wait(pid_t pid, const char *path, int timeout_ms)
{
	struct pollfd p = { .fd = pidfd_open(pid, 0), .events = POLLIN };
	int n;

	if (p.fd < 0)
		return;
	do
		n = poll(&p, 1, timeout_ms);
	while (n < 0 && errno == EINTR);
	if (n == 0) {
		log_msg(LOG_ERROR, path, "hook killed after %d s",
		    timeout_ms / 1000);
		kill(-pid, SIGKILL);
	}
	close(p.fd);
}

int
hook_run(const char *path, const char *dir, unsigned generation,
    int timeout_ms)
{
	int status = 0, ret;
	pid_t pid;

	if ((ret = hook_spawn(&pid, path, dir, generation)) < 0)
		return ret;
	hook_wait(pid, path, timeout_ms);
	while (waitpid(pid, &status, 0) < 0)
		if (errno != EINTR)
			return CAMCA_EIO;
	if (WIFEXITED(status) && WEXITSTATUS(status) == 0)
		return CAMCA_OK;
	log_msg(LOG_ERROR, path, "hook failed: %s %d",
	    WIFEXITED(status) ? "exit code" : "signal",
	    WIFEXITED(status) ? WEXITSTATUS(status) : WTERMSIG(status));
	return CAMCA_EIO;
}
