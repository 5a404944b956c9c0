/* SPDX-License-Identifier: Apache-2.0 */
/* The whole log once more, from its entries: each leaf, chain and tile, the
 * head, each checkpoint with its signatures, and the file outside. Runs in
 * steps of a bounded size, each in a read transaction of its own, while the
 * log goes on; the caller carries the place from step to step. */
#ifndef CAMCA_CUSTODY_FSCK_H
#define CAMCA_CUSTODY_FSCK_H

#include "ca/custody/origin.h"

enum fsck_phase { FSCK_ENTRIES, FSCK_DEVICES, FSCK_TILES, FSCK_CHECKPOINTS,
	FSCK_DONE };

struct fsck {
	/* Place: set afresh with {0}; next is where the next step begins. */
	enum fsck_phase phase;
	int64_t size;                  /* of the tree; 0 in FSCK_ENTRIES */
	int level;                     /* FSCK_TILES */
	int64_t at;                    /* entry, tile, checkpoint's size */
	int64_t number;                /* FSCK_CHECKPOINTS: last origin's */
	char device[STORE_ID_MAX];     /* FSCK_DEVICES */
	/* What this step looked at. */
	int64_t checked;
};

/* One step. 0: all of it is right, f is moved on (to FSCK_DONE at the end).
 * CAMCA_ECONFLICT (409 "custody.damaged"): why says what is wrong, the first
 * thing found. Other errors: the step could not be made. dir: of the outside
 * file. Any thread. */
CAMCA_MUST int fsck_step(struct store *store, const char *dir,
    struct fsck *f, struct refusal *why);
const char *fsck_phase_name(enum fsck_phase phase);   /* "entries" */
/* The place as a text without spaces ("" where done), and back. CAMCA_EINVAL.
 */
#define FSCK_TEXT_MAX 160
void fsck_text(const struct fsck *f, char out[static FSCK_TEXT_MAX]);
CAMCA_MUST int fsck_parse(struct fsck *out, const char *text);

#endif
