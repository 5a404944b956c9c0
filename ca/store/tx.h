/* SPDX-License-Identifier: Apache-2.0 */
/* Inside ca/store: a transaction, and rows as tables of columns, so that each
 * object's file is a description and a few short functions. */
#ifndef CAMCA_STORE_TX_H
#define CAMCA_STORE_TX_H

#include "ca/store/db.h"

#define TX_COUNTERS 3
#define TX_ISSUERS 4

struct tx {
	const struct db_engine *engine;
	struct db *db;
	enum db_mode mode;
	int err;               /* failure that has ended it, or 0 */
	/* Counters that this transaction has taken: their rows are locked and
	 * written once at its end, however many numbers were given. */
	struct tx_counter {
		const char *name;      /* NULL: free */
		int64_t n;
		bool dirty;            /* the row has an older number */
	} counters[TX_COUNTERS];
	/* Newest change of a certificate of each issuer, also written at the
	 * end. */
	struct tx_issuer {
		int64_t id;            /* 0: free */
		int64_t rev_seq;
	} issuers[TX_ISSUERS];
};

/* True for failures after which nothing of a transaction can be trusted:
 * database, disk, memory, busy. A broken rule (conflict, no row) is not. */
bool tx_fatal(int err);

/* Runs fn inside the transaction that is open on tx->db: an error that ended
 * the transaction is returned even where fn hid it. */
CAMCA_MUST int tx_run(struct tx *tx, int (*fn)(struct tx *tx, void *arg),
    void *arg);

/* How a field of a row struct looks in a table. */
enum col_type {
	COL_INT,               /* int64_t */
	COL_REF,               /* int64_t, 0 is NULL */
	COL_TEXT,              /* char[size], NUL-terminated */
	COL_BYTES,             /* uint8_t[size], exactly so many */
	COL_BLOB,              /* struct store_blob, not empty */
	COL_BLOB_OPT           /* struct store_blob, empty is NULL */
};
struct col {
	enum col_type type;
	size_t off;
	size_t size;
};
#define COL(t, s, field) \
	{ COL_##t, offsetof(struct s, field), sizeof ((struct s *)0)->field }
#define COUNT(a) (sizeof (a) / sizeof (a)[0])

/* Values of row's fields, borrowed from it. CAMCA_EINVAL for a text without
 * its NUL, or an empty COL_BLOB. */
CAMCA_MUST int row_vals(const struct col *cols, size_t n, const void *row,
    struct db_val *out);

/* Runs a statement that only writes, or whose rows do not matter. *changed may
 * be NULL. */
CAMCA_MUST int tx_exec(struct tx *tx, enum stmt_id id, const struct db_val *v,
    size_t n, int64_t *changed);
/* The same with each row shown to `row`, whose values are borrowed until it
 * returns; it must not use tx. What it returns but 0 ends the statement and is
 * returned. */
CAMCA_MUST int tx_query(struct tx *tx, enum stmt_id id, const struct db_val *v,
    size_t n, db_row_fn row, void *arg, int64_t *changed);
/* First column of the only row, CAMCA_ENOENT where there is none. */
CAMCA_MUST int tx_int(struct tx *tx, enum stmt_id id, const struct db_val *v,
    size_t n, int64_t *out);
/* The only row into *row, whose blobs become the caller's; CAMCA_ENOENT where
 * there is none. On failure row holds no blobs. */
CAMCA_MUST int tx_get(struct tx *tx, enum stmt_id id, const struct db_val *v,
    size_t n, const struct col *cols, size_t ncols, void *row);
/* An INSERT .. ON CONFLICT DO NOTHING RETURNING its key: CAMCA_ECONFLICT where
 * the row was not stored, CAMCA_ENOENT where a row it refers to is missing. */
CAMCA_MUST int tx_insert(struct tx *tx, enum stmt_id id,
    const struct db_val *v, size_t n, int64_t *key_out);
/* A write that must change one row: else CAMCA_ENOENT where `exists` (a
 * statement on $1 = v[0]) finds nothing, CAMCA_ECONFLICT where it does. */
CAMCA_MUST int tx_change(struct tx *tx, enum stmt_id id,
    const struct db_val *v, size_t n, enum stmt_id exists);

/* Lists run in pieces: $1 is the key to go on after, $2 the piece. So memory
 * stays bounded over a million rows, and the caller's function may use the
 * transaction, because no statement is open while it runs. */
enum list_key { LIST_INT, LIST_TEXT, LIST_OFFSET };
struct list {
	enum stmt_id id;
	const struct col *cols;
	size_t ncols;
	size_t row_size;
	enum list_key key;     /* of cols[0], or rows already seen */
	size_t key_col;        /* index into cols */
};
/* v[0] is the first key; v[1] is set here. visit sees each row; its memory is
 * the list's. */
CAMCA_MUST int tx_list(struct tx *tx, const struct list *l, struct db_val *v,
    size_t n, int64_t limit, int (*visit)(const void *row, void *arg),
    void *arg);

/* A typed callback behind the untyped one of tx_list. */
#define LIST_VISIT(type) \
	struct type##_list { \
		int (*fn)(const struct type *r, void *arg); \
		void *arg; \
	}; \
	static int type##_visit(const void *row, void *arg) \
	{ \
		struct type##_list *l = arg; \
		return l->fn(row, l->arg); \
	}

/* Adds 1 to a counter and gives the new value: never given twice, and its row
 * stays locked until the transaction ends. name is a constant. */
CAMCA_MUST int counter_next(struct tx *tx, const char *name, int64_t *out);
/* Takes the last counter_next of this transaction back. */
CAMCA_MUST int counter_back(struct tx *tx, const char *name);
CAMCA_MUST int counter_get(struct tx *tx, const char *name, int64_t *out);

/* rev_seq is the newest change of the issuer's certificates. */
CAMCA_MUST int issuer_changed(struct tx *tx, int64_t issuer, int64_t rev_seq);
/* The one that this transaction has still to write, 0: none. */
int64_t issuer_pending(const struct tx *tx, int64_t issuer);

#endif
