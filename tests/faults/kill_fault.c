/* SPDX-License-Identifier: Apache-2.0 */
/* Preloaded into camcad: kills it, by the signal that nobody can catch, right
 * before the CAMCA_KILL_AT-th call that reaches the disk, counted from the
 * moment when a new file beside CAMCA_KILL_FILE is begun. So each step between
 * a signature, the file outside and the database can be the last one. */
#include <dlfcn.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/types.h>
#include <unistd.h>

static atomic_bool armed;
static atomic_long calls;

static void
point(void)
{
	const char *at = getenv("CAMCA_KILL_AT");

	if (!atomic_load(&armed) || at == NULL)
		return;
	if (atomic_fetch_add(&calls, 1) == strtol(at, NULL, 10))
		kill(getpid(), SIGKILL);
}

/* A function under its own name behind us; a union, because ISO C has no cast
 * from an object to a function pointer. */
#define NEXT(type, name) \
	static void *_Atomic found; \
	union { void *p; type; } next = { atomic_load(&found) }; \
	if (next.p == NULL) { \
		next.p = dlsym(RTLD_NEXT, name); \
		atomic_store(&found, next.p); \
	}

int
mkostemp(char *template, int flags)
{
	const char *file = getenv("CAMCA_KILL_FILE");
	NEXT(int (*fn)(char *, int), "mkostemp");

	if (file != NULL && strncmp(template, file, strlen(file)) == 0)
		atomic_store(&armed, true);
	point();
	return next.fn(template, flags);
}

int
rename(const char *from, const char *to)
{
	NEXT(int (*fn)(const char *, const char *), "rename");

	point();
	return next.fn(from, to);
}

int
fsync(int fd)
{
	NEXT(int (*fn)(int), "fsync");

	point();
	return next.fn(fd);
}

int
fdatasync(int fd)
{
	NEXT(int (*fn)(int), "fdatasync");

	point();
	return next.fn(fd);
}

ssize_t
write(int fd, const void *p, size_t n)
{
	NEXT(ssize_t (*fn)(int, const void *, size_t), "write");

	if (fd > 2)
		point();
	return next.fn(fd, p, n);
}

ssize_t
pwrite64(int fd, const void *p, size_t n, off_t at)
{
	NEXT(ssize_t (*fn)(int, const void *, size_t, off_t), "pwrite64");

	point();
	return next.fn(fd, p, n, at);
}

ssize_t
pwrite(int fd, const void *p, size_t n, off_t at)
{
	NEXT(ssize_t (*fn)(int, const void *, size_t, off_t), "pwrite");

	point();
	return next.fn(fd, p, n, at);
}
