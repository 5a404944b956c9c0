/* SPDX-License-Identifier: Apache-2.0 */
/* Files: read with a maximum, replaced atomically and durably. */
#ifndef CAMCA_BASE_FILE_H
#define CAMCA_BASE_FILE_H

#include <stdbool.h>
#include <stddef.h>
#include <sys/types.h>

#include "ca/base/buf.h"

/* Whole file into out (appended; unchanged on failure). CAMCA_ENOENT where it
 * is missing, CAMCA_EPERM, CAMCA_EINVAL for a folder, CAMCA_ELIMIT past
 * max_bytes or out's maximum, CAMCA_EIO otherwise; errno tells more. */
CAMCA_MUST int file_read(const char *path, size_t max_bytes, struct buf *out);
/* What such an error says of a file: "there is no such file or folder", "it is
 * a folder". Static memory. */
const char *file_strerror(int err);
/* Replaces path: temporary file beside it, fsync, rename, fsync of the folder.
 * After a power cut the path holds the old or the new content, whole.
 * CAMCA_EFULL without space, CAMCA_EIO otherwise. */
CAMCA_MUST int file_replace(const char *path, const void *p, size_t n,
    mode_t mode);
/* Makes path and its missing parents (0755), on disk when this returns; an
 * existing folder is fine, a file in its place is CAMCA_EIO. */
CAMCA_MUST int file_mkdirs(const char *path, mode_t mode);
/* dir + "/" + name into out. CAMCA_ELIMIT where it does not fit. */
CAMCA_MUST int file_join(char *out, size_t out_len, const char *dir,
    const char *name);
bool file_exists(const char *path);
/* fsync of the folder that holds path. */
CAMCA_MUST int file_sync_dir(const char *path);

#endif
