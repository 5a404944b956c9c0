/* SPDX-License-Identifier: Apache-2.0 */
#include "ca/issue/profile.h"

#include <dirent.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "ca/base/file.h"
#include "ca/issue/profile_int.h"

#define PROFILES_MAX 256
#define PATH_MAX_BYTES 512
#define SUFFIX ".yaml"

/* The first mistake stays. */
static int
profile_error(char *error, size_t error_len, const char *at, const char *why)
{
	if (error_len > 0 && error[0] == '\0')
		snprintf(error, error_len, "%s: %s", at, why);
	return CAMCA_EINVAL;
}

/* Not the leftovers of editors: ".x.yaml.swp", "x.yaml~", "x.yaml.bak". */
static int
profile_wanted(const struct dirent *e)
{
	size_t n = strlen(e->d_name), s = strlen(SUFFIX);

	return e->d_name[0] != '.' && n > s &&
	    strcmp(e->d_name + n - s, SUFFIX) == 0;
}

/* Not by locale: the order of messages must not depend on it. */
static int
profile_by_byte(const struct dirent **a, const struct dirent **b)
{
	return strcmp((*a)->d_name, (*b)->d_name);
}

static int
profile_whole(struct yaml_doc *d, void *out)
{
	struct profile *p = out;
	int ret = profile_read(d, p);

	return ret == CAMCA_OK ? profile_check(d, p) : ret;
}

/* One file into p. */
static int
profile_load(struct profile *p, const char *dir, const char *file,
    char *error, size_t error_len)
{
	char path[PATH_MAX_BYTES];
	int n = (int)(strlen(file) - strlen(SUFFIX)), ret;

	if (file_join(path, sizeof path, dir, file) < 0)
		return profile_error(error, error_len, dir,
		    "the path is too long");
	snprintf(p->name, sizeof p->name, "%.*s", n, file);
	if ((size_t)n >= sizeof p->name || !profile_name_ok(p->name))
		return profile_error(error, error_len, path, "the name of a "
		    "profile must be 1 to 64 letters, digits, '.', '_' or '-'");
	ret = yaml_load(path, profile_whole, p, error, error_len);
	return ret == CAMCA_ENOENT ? CAMCA_EINVAL : ret;
}

/* What must hold between files. */
static int
profile_set_check(const struct profile_set *s, const char *dir, char *error,
    size_t error_len)
{
	const struct profile *p, *q, *def = NULL;
	char text[256];

	for (p = s->list; p < s->list + s->n; p++) {
		for (q = s->list; q < p && p->label[0] != '\0'; q++) {
			if (strcmp(q->label, p->label) != 0)
				continue;
			snprintf(text, sizeof text, "profiles %s and %s have "
			    "the same label '%s'", q->name, p->name, p->label);
			return profile_error(error, error_len, dir, text);
		}
		if (p->is_default && def != NULL) {
			snprintf(text, sizeof text, "profiles %s and %s are "
			    "both the default", def->name, p->name);
			return profile_error(error, error_len, dir, text);
		}
		if (p->is_default)
			def = p;
	}
	if (def == NULL)
		return profile_error(error, error_len, dir, "no profile has "
		    "'default: true'");
	return CAMCA_OK;
}

/* All of them or none: a set with a profile missing would send devices to the
 * default. */
static int
profile_set_files(struct profile_set *out, const char *dir,
    struct dirent **files, size_t n, char *error, size_t error_len)
{
	size_t i;
	int ret = CAMCA_OK;

	if (n > PROFILES_MAX)
		return profile_error(error, error_len, dir,
		    "more than 256 profiles");
	out->list = calloc(n + 1, sizeof *out->list);
	if (out->list == NULL)
		return CAMCA_ENOMEM;
	for (i = 0; i < n && ret == CAMCA_OK; i++) {
		out->n = i + 1;
		ret = profile_load(&out->list[i], dir, files[i]->d_name,
		    error, error_len);
	}
	return ret == CAMCA_OK ? profile_set_check(out, dir, error, error_len)
	    : ret;
}

int
profile_set_load(struct profile_set *out, const char *dir, char *error,
    size_t error_len)
{
	struct dirent **files = NULL;
	int i, n, ret;

	memset(out, 0, sizeof *out);
	if (error_len > 0)
		error[0] = '\0';
	n = scandir(dir, &files, profile_wanted, profile_by_byte);
	if (n < 0)
		return profile_error(error, error_len, dir, strerror(errno));
	ret = profile_set_files(out, dir, files, (size_t)n, error, error_len);
	for (i = 0; i < n; i++)
		free(files[i]);
	free(files);
	if (ret < 0) {
		profile_set_free(out);
		profile_error(error, error_len, dir, camca_strerror(ret));
	}
	return ret;
}

void
profile_set_free(struct profile_set *s)
{
	size_t i;

	if (s == NULL)
		return;
	for (i = 0; i < s->n; i++)
		profile_clear(&s->list[i]);
	free(s->list);
	memset(s, 0, sizeof *s);
}

const struct profile *
profile_by_label(const struct profile_set *s, const char *label)
{
	const struct profile *p;

	for (p = s->list; p < s->list + s->n; p++) {
		if (label == NULL || label[0] == '\0') {
			if (p->is_default)
				return p;
		} else if (strcmp(p->label, label) == 0) {
			return p;
		}
	}
	return NULL;
}

const struct profile *
profile_by_name(const struct profile_set *s, const char *name)
{
	const struct profile *p;

	for (p = s->list; p < s->list + s->n; p++)
		if (strcmp(p->name, name) == 0)
			return p;
	return NULL;
}
