/* SPDX-License-Identifier: Apache-2.0 */
/* Writes an evidence bundle to the disk: into a new folder, which appears under
 * its name only when all of it is there. */
#ifndef CAMCA_CMD_BUNDLE_H
#define CAMCA_CMD_BUNDLE_H

#include <limits.h>
#include <stdbool.h>

#include "ca/base/bundle.h"
#include "ca/base/refusal.h"

struct bundle_folder {
	char path[PATH_MAX];           /* as it will be called */
	char part[PATH_MAX];           /* as it is called until then */
	int fd;                        /* of that folder; -1: none */
	int file;                      /* being written; -1: none */
	char name[BUNDLE_NAME_MAX];    /* of that file */
	size_t at;                     /* its bytes so far */
	size_t files, events, bytes;
	bool manifest;                 /* MANIFEST is whole */
};

/* Makes the folder under a name of its own beside path. CAMCA_ECONFLICT: path is
 * there already; CAMCA_ELIMIT, CAMCA_EPERM, CAMCA_EIO; why (409, 503
 * "bundle.folder"). */
CAMCA_MUST int bundle_folder_open(struct bundle_folder *b, const char *path,
    struct refusal *why);
/* n bytes of a file: a new one at offset 0, else where it ended; with more the
 * next call goes on. Names that no bundle has, and files that come twice, are
 * refused (CAMCA_EPROTO). */
CAMCA_MUST int bundle_folder_write(struct bundle_folder *b, const char *name,
    size_t offset, const void *p, size_t n, bool more, struct refusal *why);
/* On the disk, and under its name. CAMCA_EPROTO where it is not whole;
 * CAMCA_ECONFLICT where somebody was faster. Closes b. */
CAMCA_MUST int bundle_folder_finish(struct bundle_folder *b,
    struct refusal *why);
/* Takes what is there away again. After bundle_folder_finish(): nothing. */
void bundle_folder_drop(struct bundle_folder *b);

#endif
