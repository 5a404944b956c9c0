/* SPDX-License-Identifier: Apache-2.0 */
/* main() of a fuzz target that replays files and folders given as arguments,
 * for machines and compilers without a fuzzing engine. With -DCAMCA_LIBFUZZER
 * the engine brings its own. */
#ifndef CAMCA_FUZZ_REPLAY_H
#define CAMCA_FUZZ_REPLAY_H

#include <stddef.h>
#include <stdint.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

#ifndef CAMCA_LIBFUZZER
#include <dirent.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#define REPLAY_MAX_BYTES (1u << 24)

static int
replay_file(const char *path)
{
	FILE *f = fopen(path, "rb");
	uint8_t *exact, *p = malloc(REPLAY_MAX_BYTES);
	size_t n = f != NULL && p != NULL ?
	    fread(p, 1, REPLAY_MAX_BYTES, f) : 0;
	int ret = 1;

	if (f == NULL || p == NULL) {
		perror(path);
		goto out;
	}
	/* A block of its exact size, so that a sanitizer sees one byte more. */
	exact = malloc(n > 0 ? n : 1);
	if (exact == NULL)
		goto out;
	memcpy(exact, p, n);
	LLVMFuzzerTestOneInput(exact, n);
	free(exact);
	ret = 0;
out:
	if (f != NULL)
		fclose(f);
	free(p);
	return ret;
}

static int
replay_path(const char *path)
{
	char name[PATH_MAX];
	struct stat st;
	struct dirent *e;
	int ret = 0;
	DIR *d;

	if (stat(path, &st) == 0 && !S_ISDIR(st.st_mode))
		return replay_file(path);
	d = opendir(path);
	if (d == NULL) {
		perror(path);
		return 1;
	}
	while (ret == 0 && (e = readdir(d)) != NULL) {
		if (e->d_name[0] == '.')
			continue;
		snprintf(name, sizeof name, "%s/%s", path, e->d_name);
		ret = replay_file(name);
	}
	closedir(d);
	return ret;
}

int
main(int argc, char **argv)
{
	int i, ret = 0;

	for (i = 1; i < argc && ret == 0; i++)
		ret = replay_path(argv[i]);
	return ret;
}
#endif

#endif
