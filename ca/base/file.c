/* SPDX-License-Identifier: Apache-2.0 */
#include "ca/base/file.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

static int
file_errno(void)
{
	switch (errno) {
	case ENOENT:
		return CAMCA_ENOENT;
	case EACCES:
	case EPERM:
		return CAMCA_EPERM;
	case ENOSPC:
	case EDQUOT:
		return CAMCA_EFULL;
	case ENOMEM:
		return CAMCA_ENOMEM;
	default:
		return CAMCA_EIO;
	}
}

static int
file_read_fd(int fd, size_t max_bytes, struct buf *out)
{
	size_t start = out->len, room;
	uint8_t past;
	ssize_t n;
	int ret;

	for (;;) {
		room = out->max != 0 && out->max - out->len < 4096 ?
		    out->max - out->len : 4096;
		if ((ret = buf_reserve(out, room)) < 0)
			return ret;
		/* A full buffer is fine where the file ends just there. */
		n = room > 0 ? read(fd, out->data + out->len, room) :
		    read(fd, &past, 1);
		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0)
			return file_errno();
		if (n == 0)
			break;
		if (room == 0 || out->len + (size_t)n - start > max_bytes)
			return CAMCA_ELIMIT;
		out->len += (size_t)n;
	}
	out->data[out->len] = '\0';
	return CAMCA_OK;
}

int
file_read(const char *path, size_t max_bytes, struct buf *out)
{
	size_t start = out->len;
	struct stat st;
	int fd, ret;

	fd = open(path, O_RDONLY | O_CLOEXEC);
	if (fd < 0)
		return file_errno();
	if (fstat(fd, &st) != 0)
		ret = file_errno();
	else if (S_ISDIR(st.st_mode))
		ret = CAMCA_EINVAL;
	else
		ret = file_read_fd(fd, max_bytes, out);
	if (ret < 0 && out->data != NULL) {
		out->len = start;
		out->data[start] = '\0';
	}
	close(fd);
	return ret;
}

const char *
file_strerror(int err)
{
	switch (err) {
	case CAMCA_ENOENT:
		return "there is no such file or folder";
	case CAMCA_EINVAL:
		return "it is a folder";
	case CAMCA_EPERM:
		return "its mode or its owner does not permit it";
	case CAMCA_ELIMIT:
		return "it is too large";
	default:
		return camca_strerror(err);
	}
}

static int
file_write_all(int fd, const void *p, size_t n)
{
	const char *s = p;
	ssize_t w;

	while (n > 0) {
		w = write(fd, s, n);
		if (w < 0 && errno == EINTR)
			continue;
		if (w < 0)
			return file_errno();
		s += w;
		n -= (size_t)w;
	}
	return CAMCA_OK;
}

int
file_sync_dir(const char *path)
{
	char dir[PATH_MAX];
	char *slash;
	int fd, ret = CAMCA_OK;

	if ((size_t)snprintf(dir, sizeof dir, "%s", path) >= sizeof dir)
		return CAMCA_ELIMIT;
	slash = strrchr(dir, '/');
	if (slash == NULL)
		snprintf(dir, sizeof dir, ".");
	else if (slash == dir)
		dir[1] = '\0';
	else
		*slash = '\0';
	fd = open(dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (fd < 0)
		return file_errno();
	if (fsync(fd) != 0)
		ret = file_errno();
	close(fd);
	return ret;
}

int
file_replace(const char *path, const void *p, size_t n, mode_t mode)
{
	char tmp[PATH_MAX];
	int fd, ret;

	if ((size_t)snprintf(tmp, sizeof tmp, "%s.XXXXXX", path) >= sizeof tmp)
		return CAMCA_ELIMIT;
	fd = mkostemp(tmp, O_CLOEXEC);
	if (fd < 0)
		return file_errno();
	ret = file_write_all(fd, p, n);
	if (ret == CAMCA_OK && (fchmod(fd, mode) != 0 || fsync(fd) != 0))
		ret = file_errno();
	if (close(fd) != 0 && ret == CAMCA_OK)
		ret = file_errno();
	if (ret == CAMCA_OK && rename(tmp, path) != 0)
		ret = file_errno();
	if (ret < 0) {
		unlink(tmp);
		return ret;
	}
	return file_sync_dir(path);
}

/* One folder; that it is there already is fine, that a file is there not. */
static int
file_mkdir(const char *path, mode_t mode)
{
	struct stat st;

	int ret;

	if (mkdir(path, mode) == 0) {
		ret = file_sync_dir(path);
		/* A parent that may be written but not read cannot be opened. */
		return ret == CAMCA_EPERM ? CAMCA_OK : ret;
	}
	if (errno != EEXIST || stat(path, &st) != 0)
		return file_errno();
	if (S_ISDIR(st.st_mode))
		return CAMCA_OK;
	errno = ENOTDIR;
	return file_errno();
}

int
file_mkdirs(const char *path, mode_t mode)
{
	char dir[PATH_MAX];
	char *p;
	int ret;

	if (path[0] == '\0')
		return CAMCA_EINVAL;
	if ((size_t)snprintf(dir, sizeof dir, "%s", path) >= sizeof dir)
		return CAMCA_ELIMIT;
	/* "a/b/" names b: it must get mode, not a parent's 0755. */
	for (p = dir + strlen(dir) - 1; p > dir && *p == '/'; p--)
		*p = '\0';
	for (p = dir + 1; *p != '\0'; p++) {
		if (*p != '/')
			continue;
		*p = '\0';
		if ((ret = file_mkdir(dir, 0755)) < 0)
			return ret;
		*p = '/';
	}
	return file_mkdir(dir, mode);
}

int
file_join(char *out, size_t out_len, const char *dir, const char *name)
{
	int n = snprintf(out, out_len, "%s/%s", dir, name);

	return n < 0 || (size_t)n >= out_len ? CAMCA_ELIMIT : CAMCA_OK;
}

bool
file_exists(const char *path)
{
	return access(path, F_OK) == 0;
}
