/* SPDX-License-Identifier: Apache-2.0 */
/* Power cuts and failing disks, one file operation at a time. The functions
 * below stand in front of the C library's for the whole test program, those of
 * ca/base/file.c included. Include in one source file only. */
#ifndef CAMCA_TEST_RENEW_FAULT_H
#define CAMCA_TEST_RENEW_FAULT_H

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

enum fault_mode {
	FAULT_OFF,
	FAULT_ERROR,              /* the n-th operation gives EIO */
	FAULT_CUT,                /* the power goes before the n-th operation;
	                             what no fsync covered is gone */
	FAULT_TORN                /* the same, after half of it where that can
	                             be: a half-written file */
};

#define FAULT_CUT_EXIT 99
#define FAULT_DIRTY_MAX 64

static struct {
	enum fault_mode mode;
	long countdown;           /* operations until the fault */
	long count;               /* operations so far */
	bool unsynced_switch;     /* `current` changed while data was dirty */
	struct { dev_t dev; ino_t ino; int fd; } dirty[FAULT_DIRTY_MAX];
} fault;

static inline void
fault_arm(enum fault_mode mode, long n)
{
	for (int i = 0; i < FAULT_DIRTY_MAX; i++)
		if (fault.dirty[i].ino != 0)
			close(fault.dirty[i].fd);
	memset(&fault, 0, sizeof fault);
	fault.mode = mode;
	fault.countdown = n;
}

/* Marks what fd names as not yet on disk, or as safe. */
static inline void
fault_mark(int fd, bool is_dirty)
{
	struct stat st;
	int i, free_at = -1;

	if (fstat(fd, &st) != 0)
		return;
	for (i = 0; i < FAULT_DIRTY_MAX; i++) {
		if (fault.dirty[i].ino == 0)
			free_at = i;
		if (fault.dirty[i].ino != st.st_ino ||
		    fault.dirty[i].dev != st.st_dev)
			continue;
		if (!is_dirty) {
			close(fault.dirty[i].fd);
			memset(&fault.dirty[i], 0, sizeof fault.dirty[i]);
		}
		return;
	}
	if (!is_dirty || free_at < 0)
		return;
	fault.dirty[free_at].dev = st.st_dev;
	fault.dirty[free_at].ino = st.st_ino;
	fault.dirty[free_at].fd = fcntl(fd, F_DUPFD_CLOEXEC, 3);
}

/* The folder that holds path has an entry that is not yet on disk. */
static inline void
fault_mark_parent(const char *path)
{
	char dir[PATH_MAX], *slash;
	int fd;

	snprintf(dir, sizeof dir, "%s", path);
	slash = strrchr(dir, '/');
	if (slash == NULL)
		return;
	*slash = '\0';
	fd = (int)syscall(SYS_openat, AT_FDCWD, dir, O_RDONLY | O_DIRECTORY);
	if (fd < 0)
		return;
	fault_mark(fd, true);
	close(fd);
}

/* Unsynced file contents are lost; the process is gone with them. */
static inline void
fault_cut(void)
{
	for (int i = 0; i < FAULT_DIRTY_MAX; i++)
		if (fault.dirty[i].ino != 0)
			(void)!ftruncate(fault.dirty[i].fd, 0);
	_exit(FAULT_CUT_EXIT);
}

/* One operation is about to happen. True: let it fail. */
static inline bool
fault_now(void)
{
	if (fault.mode == FAULT_OFF)
		return false;
	fault.count++;
	if (--fault.countdown != 0)
		return false;
	if (fault.mode != FAULT_ERROR)
		fault_cut();
	errno = EIO;
	return true;
}

ssize_t
write(int fd, const void *p, size_t n)
{
	struct stat st;
	ssize_t w;

	if (fault.mode == FAULT_OFF || fd <= 2 || fstat(fd, &st) != 0 ||
	    !S_ISREG(st.st_mode))
		return syscall(SYS_write, fd, p, n);
	if (fault.mode == FAULT_TORN && fault.countdown == 1) {
		(void)!syscall(SYS_write, fd, p, n / 2);
		_exit(FAULT_CUT_EXIT);
	}
	if (fault_now())
		return -1;
	w = syscall(SYS_write, fd, p, n);
	fault_mark(fd, true);
	return w;
}

int
fsync(int fd)
{
	int ret;

	if (fault_now())
		return -1;
	ret = (int)syscall(SYS_fsync, fd);
	if (ret == 0 && fault.mode != FAULT_OFF)
		fault_mark(fd, false);
	return ret;
}

int
rename(const char *from, const char *to)
{
	int ret;

	if (fault_now())
		return -1;
	ret = (int)syscall(SYS_renameat, AT_FDCWD, from, AT_FDCWD, to);
	if (ret == 0 && fault.mode != FAULT_OFF)
		fault_mark_parent(to);
	return ret;
}

int
symlink(const char *target, const char *path)
{
	int i, ret;

	if (fault_now())
		return -1;
	for (i = 0; i < FAULT_DIRTY_MAX; i++)
		if (fault.dirty[i].ino != 0)
			fault.unsynced_switch = true;
	ret = (int)syscall(SYS_symlinkat, target, AT_FDCWD, path);
	if (ret == 0 && fault.mode != FAULT_OFF)
		fault_mark_parent(path);
	return ret;
}

int
unlink(const char *path)
{
	int ret;

	if (fault_now())
		return -1;
	ret = (int)syscall(SYS_unlinkat, AT_FDCWD, path, 0);
	if (ret == 0 && fault.mode != FAULT_OFF)
		fault_mark_parent(path);
	return ret;
}

int
mkdir(const char *path, mode_t mode)
{
	int ret;

	if (fault_now())
		return -1;
	ret = (int)syscall(SYS_mkdirat, AT_FDCWD, path, mode);
	if (ret == 0 && fault.mode != FAULT_OFF)
		fault_mark_parent(path);
	return ret;
}

int
rmdir(const char *path)
{
	if (fault_now())
		return -1;
	return (int)syscall(SYS_unlinkat, AT_FDCWD, path, AT_REMOVEDIR);
}

#endif
