/* SPDX-License-Identifier: Apache-2.0 */
#include "ca/cmd/bundle.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "ca/base/file.h"

#define FOLDER_CODE "bundle.folder"
#define FOLDER_MODE 0755
#define FOLDER_FILE_MODE 0644

static int
folder_io(struct refusal *why, const char *what)
{
	int e = errno;

	return refuse(why, e == EACCES || e == EPERM ? CAMCA_EPERM :
	    e == ENOSPC || e == EDQUOT ? CAMCA_EFULL : CAMCA_EIO, 503,
	    FOLDER_CODE, "%.300s cannot be written: %s.", what, strerror(e));
}

static int
folder_exists(struct refusal *why, const char *path)
{
	return refuse(why, CAMCA_ECONFLICT, 409, FOLDER_CODE,
	    "%.300s is there already: name a new folder.", path);
}

static int
folder_mkdirs(struct bundle_folder *b, struct refusal *why)
{
	size_t i;

	for (i = 0; bundle_folders[i] != NULL; i++)
		if (mkdirat(b->fd, bundle_folders[i], 0700) != 0 ||
		    fchmodat(b->fd, bundle_folders[i], FOLDER_MODE, 0) != 0)
			return folder_io(why, bundle_folders[i]);
	return CAMCA_OK;
}

int
bundle_folder_open(struct bundle_folder *b, const char *path,
    struct refusal *why)
{
	size_t n = strlen(path);
	struct stat st;
	int ret;

	memset(b, 0, sizeof *b);
	b->fd = b->file = -1;
	while (n > 1 && path[n - 1] == '/')
		n--;
	if (n == 0 || n + 16 >= sizeof b->path)
		return refuse(why, CAMCA_ELIMIT, 400, FOLDER_CODE,
		    "That is no name for a folder.");
	snprintf(b->path, sizeof b->path, "%.*s", (int)n, path);
	if (lstat(b->path, &st) == 0)
		return folder_exists(why, b->path);
	snprintf(b->part, sizeof b->part, "%.*s.part-XXXXXX", (int)n, path);
	if (mkdtemp(b->part) == NULL) {
		ret = folder_io(why, b->path);
		b->part[0] = '\0';
		return ret;
	}
	b->fd = open(b->part, O_RDONLY | O_DIRECTORY | O_NOFOLLOW |
	    O_CLOEXEC);
	ret = b->fd >= 0 ? folder_mkdirs(b, why) : folder_io(why, b->part);
	if (ret < 0)
		bundle_folder_drop(b);
	return ret;
}

/* ---- files ---- */

static int
folder_odd(struct refusal *why, const char *name)
{
	return refuse(why, CAMCA_EPROTO, 502, "system.answer",
	    "The authority sent '%.100s' where it does not belong.", name);
}

static int
folder_new(struct bundle_folder *b, const char *name, struct refusal *why)
{
	enum bundle_kind kind = bundle_kind(name, strlen(name));

	/* MANIFEST is over all the others: nothing comes behind it. */
	if (kind == BUNDLE_NONE || b->manifest ||
	    b->files >= BUNDLE_FILES_MAX)
		return folder_odd(why, name);
	b->file = openat(b->fd, name, O_WRONLY | O_CREAT | O_EXCL |
	    O_NOFOLLOW | O_CLOEXEC, FOLDER_FILE_MODE);
	if (b->file < 0 && errno == EEXIST)
		return folder_odd(why, name);
	if (b->file < 0 || fchmod(b->file, FOLDER_FILE_MODE) != 0)
		return folder_io(why, name);
	snprintf(b->name, sizeof b->name, "%s", name);
	b->at = 0;
	b->files++;
	b->events += kind == BUNDLE_EVENT;
	return CAMCA_OK;
}

static int
folder_write_all(struct bundle_folder *b, const uint8_t *p, size_t n,
    struct refusal *why)
{
	ssize_t w;

	while (n > 0) {
		w = write(b->file, p, n);
		if (w < 0 && errno == EINTR)
			continue;
		if (w < 0)
			return folder_io(why, b->name);
		p += w;
		n -= (size_t)w;
		b->at += (size_t)w;
		b->bytes += (size_t)w;
	}
	return CAMCA_OK;
}

static int
folder_end(struct bundle_folder *b, struct refusal *why)
{
	int ret = close(b->file);

	b->file = -1;
	if (ret != 0)
		return folder_io(why, b->name);
	b->manifest = bundle_kind(b->name, strlen(b->name)) ==
	    BUNDLE_MANIFEST;
	return CAMCA_OK;
}

int
bundle_folder_write(struct bundle_folder *b, const char *name, size_t offset,
    const void *p, size_t n, bool more, struct refusal *why)
{
	int ret = CAMCA_OK;

	if (b->file < 0 && offset == 0)
		ret = folder_new(b, name, why);
	else if (b->file < 0 || strcmp(name, b->name) != 0 ||
	    offset != b->at)
		ret = folder_odd(why, name);
	if (ret < 0)
		return ret;
	if (n > bundle_kind_max(bundle_kind(name, strlen(name))) - b->at ||
	    n > BUNDLE_BYTES_MAX - b->bytes)
		return refuse(why, CAMCA_ELIMIT, 502, "system.answer",
		    "%s is larger than a bundle's file may be.", name);
	ret = folder_write_all(b, p, n, why);
	return ret < 0 || more ? ret : folder_end(b, why);
}

/* ---- the end ---- */

int
bundle_folder_finish(struct bundle_folder *b, struct refusal *why)
{
	int ret = CAMCA_OK;

	if (!b->manifest || b->file >= 0)
		return refuse(why, CAMCA_EPROTO, 502, "system.answer",
		    "The authority's answer ended before the bundle did.");
	if (fchmod(b->fd, FOLDER_MODE) != 0 || syncfs(b->fd) != 0)
		return folder_io(why, b->part);
	if (renameat2(AT_FDCWD, b->part, AT_FDCWD, b->path,
	    RENAME_NOREPLACE) != 0)
		ret = errno == EEXIST ? folder_exists(why, b->path) :
		    folder_io(why, b->path);
	if (ret == CAMCA_OK)
		b->part[0] = '\0';
	if (ret == CAMCA_OK && file_sync_dir(b->path) < 0)
		ret = folder_io(why, b->path);
	return ret;
}

/* Our own files: nothing else is in there, and no folder in a folder. */
static void
folder_empty(int fd)
{
	DIR *d = fd >= 0 ? fdopendir(fd) : NULL;
	struct dirent *e;

	if (d == NULL) {
		if (fd >= 0)
			close(fd);
		return;
	}
	while ((e = readdir(d)) != NULL)
		if (e->d_name[0] != '.')
			(void)!unlinkat(dirfd(d), e->d_name, 0);
	closedir(d);
}

void
bundle_folder_drop(struct bundle_folder *b)
{
	size_t i;

	if (b->file >= 0)
		close(b->file);
	b->file = -1;
	if (b->fd >= 0 && b->part[0] != '\0') {
		for (i = 0; bundle_folders[i] != NULL; i++) {
			folder_empty(openat(b->fd, bundle_folders[i],
			    O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC));
			(void)!unlinkat(b->fd, bundle_folders[i],
			    AT_REMOVEDIR);
		}
		folder_empty(dup(b->fd));
		(void)!rmdir(b->part);
	}
	if (b->fd >= 0)
		close(b->fd);
	b->fd = -1;
	b->part[0] = '\0';
}
