/* SPDX-License-Identifier: Apache-2.0 */
/* What the files of the check share; nobody outside includes this. */
#ifndef CAMCA_CUSTODY_FSCK_INT_H
#define CAMCA_CUSTODY_FSCK_INT_H

#include "ca/custody/fsck.h"
#include "ca/custody/reader.h"

/* One step, inside its transaction. */
struct fsck_run {
	struct fsck f;                   /* the place; moves in a copy */
	const struct fsck *from;
	struct tx *tx;
	int64_t head;                    /* size in this snapshot */
	struct reader *reader;
	struct store_blob tile;          /* of level 0, while entries pass */
	int64_t tile_n;
	struct origin origin;
	struct refusal why;
};

#define WRONG(r, ...) \
	refuse(&(r)->why, CAMCA_ECONFLICT, 409, "custody.damaged", __VA_ARGS__)

/* The part of a step that belongs to a phase; moves r->f on. fsck_entries.c, */
CAMCA_MUST int fsck_entries(struct fsck_run *r);
CAMCA_MUST int fsck_devices(struct fsck_run *r);
/* and fsck_tiles.c. */
CAMCA_MUST int fsck_tiles(struct fsck_run *r);
CAMCA_MUST int fsck_checkpoints(struct fsck_run *r);

#endif
