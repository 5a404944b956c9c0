/* SPDX-License-Identifier: Apache-2.0 */
/* To be preloaded: kills the process just after a file has got its name, where
 * the file CAMCA_TEST_KILL exists (and takes that away first, so that the next
 * process lives). What is on the disk then has been heard of by nobody. */
#include <dlfcn.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

int
rename(const char *from, const char *to)
{
	int (*real)(const char *, const char *);
	const char *mark = getenv("CAMCA_TEST_KILL");
	void *sym = dlsym(RTLD_NEXT, "rename");
	int ret;

	memcpy(&real, &sym, sizeof real);
	ret = real(from, to);
	if (ret == 0 && mark != NULL && access(mark, F_OK) == 0 &&
	    strstr(to, "/state/") != NULL) {
		unlink(mark);
		kill(getpid(), SIGKILL);
	}
	return ret;
}
