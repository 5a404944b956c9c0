/* SPDX-License-Identifier: Apache-2.0 */
/* The custody log as the database keeps it: entries in their order, the chain
 * of each device, tiles of hashes, and the head that all of it hangs on. What
 * the bytes mean is ca/custody's; what was signed over them is in
 * store_log_sign.h. Errors as in store.h. */
#ifndef CAMCA_STORE_STORE_LOG_H
#define CAMCA_STORE_STORE_LOG_H

#include "ca/store/store.h"

#define STORE_LOG_ID_LEN 16

/* ---- the head ---- */
struct log_head_row {
	int64_t size;                    /* entries 0 .. size - 1 exist */
	struct store_blob edge;          /* roots of the full subtrees, widest
	                                  * first, 32 bytes each; the caller
	                                  * frees it with store_blob_free */
};
CAMCA_MUST int store_log_head(struct tx *tx, struct log_head_row *out);
/* The size alone. */
CAMCA_MUST int store_log_size(struct tx *tx, int64_t *out);
/* Compare and set: from old_size to r. CAMCA_ECONFLICT where the head is
 * another one by now: nothing of this transaction may be kept then. */
CAMCA_MUST int store_log_set_head(struct tx *tx, int64_t old_size,
    const struct log_head_row *r);

/* ---- who else writes ---- */
/* In a DB_WRITE transaction: a number that is another one than before where
 * anybody but this store's writer has written to the database in between. Costs
 * a microsecond, reads no row. */
CAMCA_MUST int store_others(struct tx *tx, int64_t *out);

/* ---- the text of an entry ---- */
#define STORE_LOG_TEXT_MAX 4096
#define STORE_LOG_BODY_MAX (STORE_LOG_TEXT_MAX - 101)
/* An event's body with dev-seq and dev-prev put behind its line "device": what
 * is hashed, and what everybody reads. prev: a hash, NULL: the device's first.
 * body must be one that event_parse() takes (ca/custody/event.h), of at most
 * STORE_LOG_BODY_MAX bytes. *n_out bytes in out, no NUL. CAMCA_EINVAL,
 * CAMCA_ELIMIT. */
CAMCA_MUST int store_log_text(const void *body, size_t n, int64_t dev_seq,
    const uint8_t *prev, uint8_t out[static STORE_LOG_TEXT_MAX],
    size_t *n_out);

/* ---- entries ---- */
struct log_entry_row {
	int64_t idx;                     /* from the head, never from the store */
	uint8_t event_id[STORE_LOG_ID_LEN];      /* of its event, as stored */
	int64_t time_ms;
	char device[STORE_ID_MAX];
	int64_t prev;                    /* of the same device, -1: its first */
	int64_t n;                       /* number among the device's events */
	uint8_t dev_prev[STORE_HASH_LEN];        /* leaf of prev; none where -1 */
	uint8_t leaf[STORE_HASH_LEN];
	struct store_blob data;          /* the bytes that leaf is the hash of */
};
void store_log_entry_free(struct log_entry_row *r);     /* its blob */
/* What is not in its event already: idx, prev, n, dev_prev, leaf.
 * CAMCA_ECONFLICT: the index is there already. Never changed or deleted again:
 * triggers refuse it. */
CAMCA_MUST int store_log_entry_insert(struct tx *tx,
    const struct log_entry_row *r);
/* With data as store_log_text() makes it; where somebody altered the event so
 * that this is impossible, data is its body, which leaf does not fit. An entry
 * without its event is none: CAMCA_ENOENT. */
CAMCA_MUST int store_log_entry_get(struct tx *tx, int64_t idx,
    struct log_entry_row *out);
/* Order by idx, from `from` on; data until fn returns. */
CAMCA_MUST int store_log_entry_list(struct tx *tx, int64_t from,
    int64_t limit, int (*fn)(const struct log_entry_row *r, void *arg),
    void *arg);
/* A part of an entry, without its bytes. */
CAMCA_MUST int store_log_prev(struct tx *tx, int64_t idx, int64_t *out);

/* ---- the chain of each device, "-" among them ---- */
struct log_device_row {
	char device[STORE_ID_MAX];
	int64_t n;                       /* events so far */
	int64_t last;                    /* idx of the newest */
};
/* CAMCA_ENOENT: no event of the device is in the log. */
CAMCA_MUST int store_log_device(struct tx *tx, const char *device,
    int64_t *n_out, int64_t *last_out);
/* The same with the leaf hash of the newest: what the next one points back to.
 * there: such an entry exists; fits: it has that number, and its event is of
 * that device. */
struct log_chain_row {
	int64_t n, last;
	uint8_t leaf[STORE_HASH_LEN];
	bool there, fits;
};
CAMCA_MUST int store_log_chain(struct tx *tx, const char *device,
    struct log_chain_row *out);
/* CAMCA_ECONFLICT: the device has one; CAMCA_ENOENT: it has none. Two, because
 * the one that does either costs twice the update. */
CAMCA_MUST int store_log_device_insert(struct tx *tx,
    const struct log_device_row *r);
CAMCA_MUST int store_log_device_update(struct tx *tx,
    const struct log_device_row *r);
/* Order by device, above after ("" = from the start). */
CAMCA_MUST int store_log_device_list(struct tx *tx, const char *after,
    int64_t limit, int (*fn)(const struct log_device_row *r, void *arg),
    void *arg);

/* ---- tiles: 32 bytes a hash, at most 256 of them ---- */
/* The caller frees *out. CAMCA_ENOENT. */
CAMCA_MUST int store_log_tile_get(struct tx *tx, int level, int64_t n,
    struct store_blob *out);
CAMCA_MUST int store_log_tile_put(struct tx *tx, int level, int64_t n,
    const struct store_blob *hashes);

/* ---- what comes in: events that the log does not have yet ---- */
struct outbox_state {
	int64_t given;                   /* numbers given so far: rows ever put */
	int64_t first, last;             /* seq of the rows that wait; 0: none */
	int64_t first_ms;                /* time of the first one's event */
};
CAMCA_MUST int store_outbox_state(struct tx *tx, struct outbox_state *out);
/* Rows above after_seq, in their order, as a sequencer needs them: fn must not
 * use tx, and the body is the engine's until fn returns. c: the
 * chain of r->device as the log has it, n = 0 where it has none. */
CAMCA_MUST int store_outbox_read(struct tx *tx, int64_t after_seq,
    int64_t limit, int (*fn)(const struct event_row *r,
    const struct log_chain_row *c, void *arg), void *arg);
/* ---- bodies that no reader understands (ca/custody/append.h) ---- */
struct log_odd_row {
	int64_t idx;
	struct store_blob body;
};
/* body: the one that entry idx is made of instead. */
CAMCA_MUST int store_log_odd_put(struct tx *tx, const struct log_odd_row *r);
/* body: what entry idx stands for; the caller frees it. CAMCA_ENOENT: it stands
 * for itself. */
CAMCA_MUST int store_log_odd_get(struct tx *tx, int64_t idx,
    struct log_odd_row *out);

#endif
