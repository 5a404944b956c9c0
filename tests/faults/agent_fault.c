/* SPDX-License-Identifier: Apache-2.0 */
/* Preloaded into camca-agent: kills it, by the signal that nobody can catch, at
 * a boundary of a job's steps. A visit names its thread after the step, with a
 * dot behind once the step has done its work and not told of it:
 *   CAMCA_FAULT_STEP=assign:before   as the step begins
 *   CAMCA_FAULT_STEP=assign:after    done, nobody knows
 * CAMCA_FAULT_NTH=2 takes the second time instead of the first. With
 * CAMCA_FAULT_HOLD=FILE it is not killed: it makes the file and waits until
 * somebody has removed it, so that something else can die at this boundary. */
#include <fcntl.h>
#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static atomic_long times;

int pthread_setname_np(pthread_t thread, const char *name);

/* Is name the boundary that was asked for? */
static int
here(const char *name)
{
	const char *want = getenv("CAMCA_FAULT_STEP"), *colon;
	size_t n = strlen(name);
	int after = n > 0 && name[n - 1] == '.';

	if (want == NULL || (colon = strchr(want, ':')) == NULL)
		return 0;
	n -= (size_t)after;
	return (size_t)(colon - want) == n && strncmp(want, name, n) == 0 &&
	    strcmp(colon + 1, after ? "after" : "before") == 0;
}

static void
happen(void)
{
	const char *hold = getenv("CAMCA_FAULT_HOLD");
	int fd;

	if (hold == NULL)
		kill(getpid(), SIGKILL);
	fd = open(hold, O_CREAT | O_WRONLY | O_CLOEXEC, 0600);
	if (fd >= 0)
		close(fd);
	while (access(hold, F_OK) == 0)
		usleep(20000);
}

int
pthread_setname_np(pthread_t thread, const char *name)
{
	const char *nth = getenv("CAMCA_FAULT_NTH");

	(void)thread;
	if (here(name) && atomic_fetch_add(&times, 1) + 1 ==
	    (nth != NULL ? strtol(nth, NULL, 10) : 1))
		happen();
	return 0;
}
