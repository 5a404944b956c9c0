/* SPDX-License-Identifier: Apache-2.0 */
/* The table log_device says where the chain of each device ends, so that its
 * next event can be bound to that entry. It follows from the entries, but is
 * not in the tree: whoever alters it lets a chain go on at a wrong place, for
 * ever. So its rows are held against the entries that they name. */
#ifndef CAMCA_CUSTODY_CHAINS_H
#define CAMCA_CUSTODY_CHAINS_H

#include "ca/base/refusal.h"
#include "ca/store/store_log.h"

/* Is the entry that a row names what the row says: of that device, of that
 * number? By the bytes of the entry: store_log_chain() compares its columns, and
 * only where they do not fit has anybody to look closer. CAMCA_EPOLICY (500
 * "custody.chain") with why. */
CAMCA_MUST int chains_row(struct tx *tx, const char *device, int64_t dev_seq,
    int64_t last, struct refusal *why);

/* The same from the other side: is the chain that entry e of a device is in
 * known to go up to e at least, and if it ends there, rightly so? dev_seq: the
 * number that e says. CAMCA_EPOLICY as above. */
CAMCA_MUST int chains_entry(struct tx *tx, const struct log_entry_row *e,
    const char *device, int64_t dev_seq, struct refusal *why);

/* Entries of the log that are in no device's chain: 0, or rows were deleted or
 * altered (below 0: too many). Reads all rows of log_device: 0.1 s for a
 * million. */
CAMCA_MUST int chains_off(struct tx *tx, int64_t *out);

/* chains_entry() for the entries from *at on, a bounded number of them; *at is
 * moved on, to where the next call goes on. *done_out: the end was reached.
 * After CAMCA_EPOLICY *at is the entry whose chain is wrong. Any thread but one
 * inside a transaction. */
CAMCA_MUST int chains_walk(struct store *store, int64_t *at, bool *done_out,
    struct refusal *why);

#endif
