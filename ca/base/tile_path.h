/* SPDX-License-Identifier: Apache-2.0 */
/* Names of the tiles of a log (C2SP tlog-tiles): the authority makes them, the
 * gate serves them, an export has them as files. Any thread. */
#ifndef CAMCA_BASE_TILE_PATH_H
#define CAMCA_BASE_TILE_PATH_H

#include <stdint.h>

#include "ca/base/err.h"

#define TILE_HASHES 256               /* in a full tile; entries in a bundle */
#define TILE_PATH_MAX 96              /* bytes with NUL */
#define TILE_ENTRIES (-1)             /* the "level" of bundles of entries */

/* "0/x001/x234/067", or ".../067.p/8" where width < TILE_HASHES; TILE_ENTRIES:
 * "entries/...". level -1..63, n >= 0, width 1..256. */
void tile_path(char out[static TILE_PATH_MAX], int level, int64_t n, int width);
/* Reads what tile_path writes (behind ".../tile/"), and no other spelling; a
 * full tile has *width 256. CAMCA_EINVAL; then nothing is written. */
CAMCA_MUST int tile_parse(const char *path, int *level, int64_t *n, int *width);

#endif
