/* SPDX-License-Identifier: Apache-2.0 */
/* The engine seam: what a database must do for ca/store. db_sqlite.c is one
 * such engine; another is one more file with its own `struct db_engine`. The
 * statements (stmts.h) and the schema (schema.h) are shared. */
#ifndef CAMCA_STORE_DB_H
#define CAMCA_STORE_DB_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include "ca/base/refusal.h"
#include "ca/store/store.h"

#define DB_PARAMS_MAX 24       /* $1..$24 */
#define DB_COLS_MAX 24

enum stmt_id {
#define STMT(id, access, text, override) id,
#include "ca/store/stmts.h"
#undef STMT
	STMT_COUNT
};

/* STMT_R statements only read; those alone may run in a DB_READ transaction. */
enum stmt_access { STMT_R, STMT_W };

struct db_stmt {
	const char *name;
	enum stmt_access access;
	const char *text;
};

/* One numbered step of the schema; steps[i] leads to version i + 1. */
struct db_step {
	const char *sql;
};

/* No floats, no dates, no booleans: time is int64 milliseconds UTC, flags are
 * 0/1. Text and bytes are borrowed: by the engine until exec returns, by a row
 * function until it returns. */
enum db_type { DB_NULL, DB_INT, DB_TEXT, DB_BYTES };
struct db_val {
	enum db_type type;
	int64_t i;             /* DB_INT */
	const void *p;         /* DB_TEXT (n bytes, no NUL), DB_BYTES */
	size_t n;
};

static inline struct db_val
db_int(int64_t i)
{
	return (struct db_val){ .type = DB_INT, .i = i };
}

static inline struct db_val
db_bytes(const void *p, size_t n)
{
	return (struct db_val){ .type = DB_BYTES, .p = p, .n = n };
}

/* NULL where s is NULL. */
static inline struct db_val
db_text(const char *s)
{
	if (s == NULL)
		return (struct db_val){ .type = DB_NULL };
	return (struct db_val){ .type = DB_TEXT, .p = s, .n = strlen(s) };
}

/* Sees one result row; n columns. Must not call the engine. Non-zero ends the
 * statement and becomes the value of exec. */
typedef int (*db_row_fn)(const struct db_val *cols, size_t n, void *arg);

struct db_conf {
	const char *path;
	enum db_mode mode;
	bool create;
};

struct db;                     /* one connection, one thread at a time */

/* Errors of every int function: CAMCA_EBUSY (run the transaction again),
 * CAMCA_EFULL, CAMCA_ENOMEM, CAMCA_EDB; exec also CAMCA_ECONFLICT (a unique
 * rule), CAMCA_ENOENT (a foreign key), CAMCA_EINVAL (any other rule of a
 * table), CAMCA_ELIMIT (a value too large for the engine). */
struct db_engine {
	const char *name;
	const struct db_stmt *stmts;             /* STMT_COUNT of them */
	const struct db_step *steps;
	size_t nsteps;
	/* why is filled on failure. CAMCA_ENOENT: no database, !create. */
	int (*open)(struct db **out, const struct db_conf *conf,
	    struct refusal *why);
	void (*close)(struct db *d);             /* NULL is fine */
	/* Version of the schema, 0 where the database is empty; CAMCA_EINVAL
	 * where it holds something that is not ours. */
	int (*version)(struct db *d, int64_t *out);
	/* Runs several statements of fixed text (schema steps). */
	int (*script)(struct db *d, const char *sql);
	/* Prepares every statement this connection may run. */
	int (*prepare)(struct db *d);
	int (*begin)(struct db *d);
	/* After an error nothing of the transaction is stored, and none is
	 * open. */
	int (*commit)(struct db *d);
	void (*rollback)(struct db *d);
	/* A point inside the transaction to go back to, one at a time. */
	int (*mark)(struct db *d);
	int (*release)(struct db *d);
	int (*undo)(struct db *d);
	/* False where the engine itself has ended the transaction (no memory,
	 * disk full): what was done in it is gone. */
	bool (*active)(const struct db *d);
	/* v has one value for each of $1..$n. row may be NULL. *changed (may be
	 * NULL) is the number of rows written. */
	int (*exec)(struct db *d, enum stmt_id id, const struct db_val *v,
	    size_t n, db_row_fn row, void *arg, int64_t *changed);
	/* Housekeeping between two transactions of a DB_WRITE connection. */
	void (*tidy)(struct db *d);
	/* Free bytes where path lies, bytes the database takes there. */
	int (*space)(const char *path, int64_t *free_out, int64_t *used_out);
};

extern const struct db_engine db_sqlite;

#endif
