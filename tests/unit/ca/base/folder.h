/* SPDX-License-Identifier: Apache-2.0 */
/* A temporary folder of a test's own, removed with all in it. */
#ifndef CAMCA_TESTS_BASE_FOLDER_H
#define CAMCA_TESTS_BASE_FOLDER_H

#include <ftw.h>
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

struct folder {
	char path[64];
};

static inline int
folder_remove_one(const char *path, const struct stat *st, int type,
    struct FTW *ftw)
{
	(void)st;
	(void)type;
	(void)ftw;
	return remove(path);
}

static inline int
folder_setup(void **state)
{
	struct folder *f = calloc(1, sizeof *f);

	if (f == NULL)
		return -1;
	snprintf(f->path, sizeof f->path, "/tmp/camca-test-XXXXXX");
	if (mkdtemp(f->path) == NULL) {
		free(f);
		return -1;
	}
	*state = f;
	return 0;
}

static inline int
folder_teardown(void **state)
{
	struct folder *f = *state;

	nftw(f->path, folder_remove_one, 16, FTW_DEPTH | FTW_PHYS);
	free(f);
	return 0;
}

/* Path of a name in the folder; static memory, one at a time. */
static inline const char *
folder_path(void **state, const char *name)
{
	static char path[256];
	const struct folder *f = *state;

	snprintf(path, sizeof path, "%s/%s", f->path, name);
	return path;
}

#endif
