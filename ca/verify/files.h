/* SPDX-License-Identifier: Apache-2.0 */
/* The files of a bundle in memory. Whoever made the folder may want to harm the
 * one who reads it: no links, nothing but the names a bundle has, sizes and
 * numbers bounded before anything is allocated. */
#ifndef CAMCA_VERIFY_FILES_H
#define CAMCA_VERIFY_FILES_H

#include <stdint.h>

#include "ca/base/bundle.h"
#include "ca/base/refusal.h"

struct file {
	char name[BUNDLE_NAME_MAX];
	enum bundle_kind kind;
	uint8_t *p;              /* a NUL stands behind the n bytes */
	size_t n;
};
struct files {
	struct file *list;       /* sorted by name, once files_done() ran */
	size_t n, cap;
	size_t bytes;
};

/* Adds a copy. CAMCA_EINVAL (no name of a bundle), CAMCA_ELIMIT, CAMCA_ENOMEM,
 * 400 "bundle.file". */
CAMCA_MUST int files_add(struct files *f, const char *name, size_t name_len,
    const void *p, size_t n, struct refusal *why);
/* All are there: sorts. CAMCA_EINVAL where a name is there twice. */
CAMCA_MUST int files_done(struct files *f, struct refusal *why);
/* Reads a folder: regular files and the folders of a bundle, nothing else in
 * them, no symbolic link anywhere below path. CAMCA_EINVAL, CAMCA_ELIMIT,
 * CAMCA_ENOENT, CAMCA_EIO, CAMCA_ENOMEM with why; f then holds some of it. */
CAMCA_MUST int files_read(struct files *f, const char *path,
    struct refusal *why);
/* The same from one block: for each file a byte with the length of the name, the
 * name, four bytes with the length of the contents (high one first), the
 * contents. For tests. */
CAMCA_MUST int files_unpack(struct files *f, const void *p, size_t n,
    struct refusal *why);
/* f is empty and usable again. */
void files_fini(struct files *f);

/* NULL where there is none. */
const struct file *files_find(const struct files *f, const char *name);
/* Index of the first file of that kind (from on `from`), f->n where there is
 * none. Files of a kind that share a folder with another kind are not beside
 * each other. */
size_t files_next(const struct files *f, enum bundle_kind kind, size_t from);
size_t files_count(const struct files *f, enum bundle_kind kind);

#endif
