/* SPDX-License-Identifier: Apache-2.0 */
/* Reading the log of the store: hashes for proofs, the head, bundles of
 * entries, the chain of a device. Everything is of one transaction. */
#ifndef CAMCA_CUSTODY_READER_H
#define CAMCA_CUSTODY_READER_H

#include "ca/base/buf.h"
#include "ca/custody/tree.h"
#include "ca/store/store_log.h"

struct reader;

/* Remembers the tiles it has read (at most 64, 8 kB each), so that the proofs
 * of many entries share them. tx outlives it. CAMCA_ENOMEM. */
CAMCA_MUST int reader_open(struct reader **out, struct tx *tx);
void reader_close(struct reader *r);            /* NULL is fine */
/* Borrowed, for tree_root, tree_inclusion, tree_consistency. CAMCA_EDB where a
 * tile is missing or too short: damage. */
const struct tiles *reader_tiles(struct reader *r);

/* The right edge and size of the log: tree size is out->size. CAMCA_EDB where
 * it is not that of its size. */
CAMCA_MUST int reader_edge(struct tx *tx, struct edge *out);

/* Appends the C2SP tlog-tiles entry bundle n of `width` entries: for each a
 * 16-bit big-endian length and its bytes. CAMCA_ENOENT past the end of the log,
 * CAMCA_EINVAL (width not in 1..256). */
CAMCA_MUST int reader_bundle(struct tx *tx, int64_t n, int width,
    struct buf *out);

/* The entries of a device in their order, with idx > after (-1: from its first
 * one), at most limit (1..1000); CAMCA_OK where it has none. Walks its chain
 * back from the newest. fn as in store.h. */
#define READER_DEVICE_MAX 1000
CAMCA_MUST int reader_device(struct tx *tx, const char *device, int64_t after,
    int64_t limit, int (*fn)(const struct log_entry_row *r, void *arg),
    void *arg);

#endif
