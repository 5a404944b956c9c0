/* SPDX-License-Identifier: Apache-2.0 */
#include "ca/verify/files.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define FILES_CODE "bundle.file"
/* No name is longer; what is longer is not printed whole. */
#define FILES_SHOWN 120

/* Room for one more. CAMCA_ELIMIT, CAMCA_ENOMEM. */
static int
files_grow(struct files *f, struct refusal *why)
{
	size_t cap = f->cap > 0 ? 2 * f->cap : 64;
	struct file *list;

	if (f->n >= BUNDLE_FILES_MAX)
		return refuse(why, CAMCA_ELIMIT, 400, FILES_CODE,
		    "more than %d files", BUNDLE_FILES_MAX);
	if (f->n < f->cap)
		return CAMCA_OK;
	list = realloc(f->list, cap * sizeof *list);
	if (list == NULL)
		return refuse_default(why, CAMCA_ENOMEM);
	f->list = list;
	f->cap = cap;
	return CAMCA_OK;
}

/* A new file of n bytes that the caller fills; it is not in f yet: f->n + 1
 * makes it so. */
static int
files_new(struct files *f, const char *name, size_t name_len, size_t n,
    struct file **out, struct refusal *why)
{
	enum bundle_kind kind = bundle_kind(name, name_len);
	struct file *x;
	int ret;

	if (kind == BUNDLE_NONE)
		return refuse(why, CAMCA_EINVAL, 400, FILES_CODE,
		    "'%.*s' is no file of a bundle",
		    (int)(name_len < FILES_SHOWN ? name_len : FILES_SHOWN),
		    name);
	if (n > bundle_kind_max(kind) || n > BUNDLE_BYTES_MAX - f->bytes)
		return refuse(why, CAMCA_ELIMIT, 400, FILES_CODE,
		    "'%.*s' is too large", (int)name_len, name);
	if ((ret = files_grow(f, why)) < 0)
		return ret;
	x = &f->list[f->n];
	memset(x, 0, sizeof *x);
	memcpy(x->name, name, name_len);
	x->kind = kind;
	x->n = n;
	x->p = malloc(n + 1);
	if (x->p == NULL)
		return refuse_default(why, CAMCA_ENOMEM);
	x->p[n] = '\0';
	*out = x;
	return CAMCA_OK;
}

int
files_add(struct files *f, const char *name, size_t name_len, const void *p,
    size_t n, struct refusal *why)
{
	struct file *x;
	int ret = files_new(f, name, name_len, n, &x, why);

	if (ret < 0)
		return ret;
	if (n > 0)
		memcpy(x->p, p, n);
	f->n++;
	f->bytes += n;
	return CAMCA_OK;
}

static int
files_order(const void *a, const void *b)
{
	return strcmp(((const struct file *)a)->name,
	    ((const struct file *)b)->name);
}

int
files_done(struct files *f, struct refusal *why)
{
	size_t i;

	if (f->n > 0)
		qsort(f->list, f->n, sizeof *f->list, files_order);
	for (i = 1; i < f->n; i++)
		if (strcmp(f->list[i - 1].name, f->list[i].name) == 0)
			return refuse(why, CAMCA_EINVAL, 400, FILES_CODE,
			    "'%s' is there twice", f->list[i].name);
	return CAMCA_OK;
}

/* ---- a folder ---- */

static int
files_io(const char *name, struct refusal *why)
{
	int e = errno, ret = e == ENOENT ? CAMCA_ENOENT : e == ENOMEM ?
	    CAMCA_ENOMEM : e == ELOOP || e == ENOTDIR ? CAMCA_EINVAL :
	    CAMCA_EIO;

	return refuse(why, ret, 400, FILES_CODE, "'%.*s' cannot be read: %s",
	    FILES_SHOWN, name, e == ELOOP ? "it is a link" : strerror(e));
}

/* A file that grows or shrinks meanwhile is not taken. */
static int
files_fill(struct file *x, int fd, struct refusal *why)
{
	size_t got = 0;
	uint8_t past;
	ssize_t n;

	for (;;) {
		n = got < x->n ? read(fd, x->p + got, x->n - got) :
		    read(fd, &past, 1);
		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0)
			return files_io(x->name, why);
		if (n == 0 || got == x->n)
			break;
		got += (size_t)n;
	}
	if (got != x->n || n != 0)
		return refuse(why, CAMCA_EIO, 400, FILES_CODE,
		    "'%s' changed while it was read", x->name);
	return CAMCA_OK;
}

/* name is the file's name in the bundle, at its own in the folder of dir. */
static int
files_read_one(struct files *f, int dir, const char *at, const char *name,
    struct refusal *why)
{
	struct file *x = NULL;
	struct stat st;
	int fd, ret;

	if (bundle_kind(name, strlen(name)) == BUNDLE_NONE)
		return files_new(f, name, strlen(name), 0, &x, why);
	/* A pipe or a device is opened without waiting, and then let be. */
	fd = openat(dir, at, O_RDONLY | O_NOFOLLOW | O_CLOEXEC | O_NONBLOCK |
	    O_NOCTTY);
	if (fd < 0 || fstat(fd, &st) != 0)
		ret = files_io(name, why);
	else if (!S_ISREG(st.st_mode))
		ret = refuse(why, CAMCA_EINVAL, 400, FILES_CODE,
		    "'%.*s' is neither a file nor a folder of a bundle",
		    FILES_SHOWN, name);
	else
		ret = files_new(f, name, strlen(name), (size_t)st.st_size, &x,
		    why);
	if (ret == CAMCA_OK) {
		ret = files_fill(x, fd, why);
		if (ret < 0) {
			free(x->p);
		} else {
			f->n++;
			f->bytes += x->n;
		}
	}
	if (fd >= 0)
		close(fd);
	return ret;
}

static bool
files_is_folder(const char *name)
{
	size_t i;

	for (i = 0; bundle_folders[i] != NULL; i++)
		if (strcmp(bundle_folders[i], name) == 0)
			return true;
	return false;
}

static int files_read_dir(struct files *f, int fd, const char *folder,
    struct refusal *why);

static int
files_read_entry(struct files *f, int dir, const char *folder,
    const char *entry, struct refusal *why)
{
	char name[BUNDLE_NAME_MAX + NAME_MAX];
	int fd;

	if (strcmp(entry, ".") == 0 || strcmp(entry, "..") == 0)
		return CAMCA_OK;
	snprintf(name, sizeof name, "%s%s%s", folder, folder[0] != '\0' ?
	    "/" : "", entry);
	if (folder[0] != '\0' || !files_is_folder(entry))
		return files_read_one(f, dir, entry, name, why);
	fd = openat(dir, entry, O_RDONLY | O_DIRECTORY | O_NOFOLLOW |
	    O_CLOEXEC);
	return fd < 0 ? files_io(name, why) :
	    files_read_dir(f, fd, entry, why);
}

/* Takes fd. One level deep: the folders of a bundle have none in them. */
static int
files_read_dir(struct files *f, int fd, const char *folder,
    struct refusal *why)
{
	DIR *d = fdopendir(fd);
	struct dirent *e;
	int ret = CAMCA_OK;

	if (d == NULL) {
		ret = files_io(folder, why);
		close(fd);
		return ret;
	}
	for (;;) {
		errno = 0;
		e = readdir(d);
		if (e == NULL && errno != 0)
			ret = files_io(folder, why);
		if (e == NULL || ret < 0)
			break;
		ret = files_read_entry(f, fd, folder, e->d_name, why);
		if (ret < 0)
			break;
	}
	closedir(d);
	return ret;
}

int
files_read(struct files *f, const char *path, struct refusal *why)
{
	int ret, fd = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);

	if (fd < 0)
		return files_io(path, why);
	ret = files_read_dir(f, fd, "", why);
	return ret < 0 ? ret : files_done(f, why);
}

int
files_unpack(struct files *f, const void *p, size_t n, struct refusal *why)
{
	const uint8_t *s = p, *end = s + n, *name;
	size_t name_len, len;
	int ret;

	while (s < end) {
		name_len = *s++;
		name = s;
		if ((size_t)(end - s) < name_len + 4)
			return refuse(why, CAMCA_EINVAL, 400, FILES_CODE,
			    "a block that is cut");
		s += name_len;
		len = (size_t)s[0] << 24 | (size_t)s[1] << 16 |
		    (size_t)s[2] << 8 | s[3];
		s += 4;
		if ((size_t)(end - s) < len)
			return refuse(why, CAMCA_EINVAL, 400, FILES_CODE,
			    "a block that is cut");
		ret = files_add(f, (const char *)name, name_len, s, len, why);
		if (ret < 0)
			return ret;
		s += len;
	}
	return files_done(f, why);
}

void
files_fini(struct files *f)
{
	size_t i;

	for (i = 0; i < f->n; i++)
		free(f->list[i].p);
	free(f->list);
	memset(f, 0, sizeof *f);
}

/* ---- looking ---- */

const struct file *
files_find(const struct files *f, const char *name)
{
	size_t low = 0, high = f->n, mid;
	int c;

	while (low < high) {
		mid = low + (high - low) / 2;
		c = strcmp(f->list[mid].name, name);
		if (c == 0)
			return &f->list[mid];
		if (c < 0)
			low = mid + 1;
		else
			high = mid;
	}
	return NULL;
}

size_t
files_next(const struct files *f, enum bundle_kind kind, size_t from)
{
	while (from < f->n && f->list[from].kind != kind)
		from++;
	return from;
}

size_t
files_count(const struct files *f, enum bundle_kind kind)
{
	size_t i, n = 0;

	for (i = 0; i < f->n; i++)
		n += f->list[i].kind == kind;
	return n;
}
