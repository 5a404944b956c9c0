/* SPDX-License-Identifier: Apache-2.0 */
/* SQLite engine: WAL, synchronous FULL, STRICT tables, foreign keys. */
#include "ca/store/db.h"

#include <assert.h>
#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <sqlite3.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <unistd.h>

#include "ca/base/log.h"

/* The writer keeps the inner pages, and the leaves in use, of every index of a
 * million rows in its cache. */
#define SQLITE_WRITER_CACHE "65536"    /* KiB */
/* A commit of the writer empties every reader's cache: a large one only keeps
 * memory. */
#define SQLITE_READER_CACHE "2048"
/* A page that changed often is written once to its place at a checkpoint, so a
 * larger WAL does less work in all, with longer pauses: at 64 MiB (pages of
 * 4 KiB) 1.3 times the enrollments a second of 16 MiB, pauses up to 75 ms. */
#define SQLITE_WAL_PAGES 16384
/* SQLite 3.40 keeps this memory in one piece and writes it by one call, whose
 * length it cuts to 17 bits: from 128 KiB on, a job that spills would fail as
 * if the disk were full. */
#define SQLITE_SPILL (126 * 1024)
/* store_tx retries a busy writer 8 times: about 5 s in all. */
#define SQLITE_WRITER_BUSY_MS 500
#define SQLITE_READER_BUSY_MS 5000

enum ctl { CTL_BEGIN, CTL_COMMIT, CTL_ROLLBACK, CTL_MARK, CTL_RELEASE,
	CTL_UNDO, CTL_COUNT };

struct sqlite_stmt {
	sqlite3_stmt *st;
	int n;
	/* SQLite takes $1 for a name and numbers names as they appear. */
	unsigned char index[DB_PARAMS_MAX];
};

struct db {
	sqlite3 *h;
	enum db_mode mode;
	int wal_pages;
	int tidy_at;
	int logged;                    /* error of the last log line */
	sqlite3_stmt *ctl[CTL_COUNT];
	struct sqlite_stmt stmts[STMT_COUNT];
};

static const struct db_stmt sqlite_stmts[STMT_COUNT] = {
#define STMT(id, access, text, override) { #id, access, text },
#include "ca/store/stmts.h"
#undef STMT
};

#define INT64 "INTEGER"
#define BYTES "BLOB"
#define KEYTEXT "TEXT"
#define ROWKEY "INTEGER PRIMARY KEY"
#define END ") STRICT;"
#define END_KEYED ") STRICT, WITHOUT ROWID;"
#define APPEND_ONLY(table) \
	"CREATE TRIGGER " table "_no_update BEFORE UPDATE ON " table \
	" BEGIN SELECT RAISE(ABORT, '" table " only grows'); END;" \
	"CREATE TRIGGER " table "_no_delete BEFORE DELETE ON " table \
	" BEGIN SELECT RAISE(ABORT, '" table " only grows'); END;"
#define STEP(number, sql) { sql },
static const struct db_step sqlite_steps[] = {
#include "ca/store/schema.h"
};
#undef STEP

/* SQLite counts its memory under one lock for all threads unless told not to.
 * What a savepoint needs to go back stays in memory for jobs of the usual size;
 * a large one spills to an unnamed file, because SQLite walks that memory as a
 * list after each statement. Where another user of the library was first in
 * this process, its settings stay. */
static void
sqlite_once(void)
{
	if (sqlite3_config(SQLITE_CONFIG_MEMSTATUS, 0) != SQLITE_OK ||
	    sqlite3_config(SQLITE_CONFIG_STMTJRNL_SPILL, SQLITE_SPILL) !=
	    SQLITE_OK)
		log_msg(LOG_INFO, "store", "SQLite was set up already");
}

static bool
sqlite_no_space(const struct db *d)
{
	int e = sqlite3_system_errno(d->h);

	return e == ENOSPC || e == EDQUOT || e == EFBIG;
}

static int
sqlite_constraint(int rc)
{
	switch (rc) {
	case SQLITE_CONSTRAINT_FOREIGNKEY:
		return CAMCA_ENOENT;
	case SQLITE_CONSTRAINT_UNIQUE:
	case SQLITE_CONSTRAINT_PRIMARYKEY:
	case SQLITE_CONSTRAINT_ROWID:
		return CAMCA_ECONFLICT;
	default:
		return CAMCA_EINVAL;
	}
}

/* Failures of the database itself: one line, and not the same one for each
 * transaction of a full disk. */
static void
sqlite_log(struct db *d, int rc, const char *what)
{
	if (d->logged == rc)
		return;
	d->logged = rc;
	log_msg(LOG_ERROR, "store", "%s: %s (SQLite %d, errno %d)%s", what,
	    sqlite3_errmsg(d->h), rc, sqlite3_system_errno(d->h),
	    (rc & 0xff) == SQLITE_CORRUPT || (rc & 0xff) == SQLITE_NOTADB ?
	    ": THE DATABASE FILE IS DAMAGED, restore it from a backup" : "");
}

static int
sqlite_err(struct db *d, int rc, const char *what)
{
	int err = CAMCA_EDB;

	switch (rc & 0xff) {
	case SQLITE_OK:
	case SQLITE_ROW:
	case SQLITE_DONE:
		return CAMCA_OK;
	case SQLITE_CONSTRAINT:
		return sqlite_constraint(rc);
	case SQLITE_TOOBIG:
		return CAMCA_ELIMIT;
	case SQLITE_BUSY:
	case SQLITE_LOCKED:
		return CAMCA_EBUSY;
	case SQLITE_NOMEM:
		return CAMCA_ENOMEM;
	case SQLITE_FULL:
		err = CAMCA_EFULL;
		break;
	case SQLITE_IOERR:
		if (rc == SQLITE_IOERR_NOMEM)
			return CAMCA_ENOMEM;
		if (sqlite_no_space(d))
			err = CAMCA_EFULL;
		break;
	default:
		break;
	}
	sqlite_log(d, rc, what);
	return err;
}

static int
sqlite_script(struct db *d, const char *sql)
{
	return sqlite_err(d, sqlite3_exec(d->h, sql, NULL, NULL, NULL),
	    "schema");
}

static int
sqlite_ctl(struct db *d, enum ctl which)
{
	static const char *const what[] = { "begin", "commit", "rollback",
	    "savepoint", "release", "undo" };
	int rc = sqlite3_step(d->ctl[which]);

	sqlite3_reset(d->ctl[which]);
	return sqlite_err(d, rc, what[which]);
}

static int
sqlite_begin(struct db *d)
{
	if (d->mode == DB_READ)
		d->logged = 0;
	return sqlite_ctl(d, CTL_BEGIN);
}

static bool
sqlite_active(const struct db *d)
{
	return sqlite3_get_autocommit(d->h) == 0;
}

static void
sqlite_rollback(struct db *d)
{
	if (sqlite_active(d) && sqlite_ctl(d, CTL_ROLLBACK) < 0)
		sqlite_log(d, sqlite3_extended_errcode(d->h), "rollback");
}

/* A commit whose fsync failed has left whole frames in the WAL. This process
 * forgets them, but recovery after a crash would take them for committed,
 * although their callers were told of a failure. So they are written over at
 * once with a commit that changes nothing. */
static void
sqlite_bury(struct db *d)
{
	int rc;

	rc = sqlite3_exec(d->h, "BEGIN IMMEDIATE; PRAGMA user_version = 1;"
	    " COMMIT", NULL, NULL, NULL);
	if (rc != SQLITE_OK && sqlite_active(d))
		(void)sqlite3_exec(d->h, "ROLLBACK", NULL, NULL, NULL);
}

static int
sqlite_commit(struct db *d)
{
	int err = sqlite_ctl(d, CTL_COMMIT);

	if (err == CAMCA_OK) {
		d->logged = 0;
		return err;
	}
	sqlite_rollback(d);
	if (d->mode == DB_WRITE && err != CAMCA_EBUSY)
		sqlite_bury(d);
	return err;
}

static int
sqlite_mark(struct db *d)
{
	return sqlite_ctl(d, CTL_MARK);
}

static int
sqlite_release(struct db *d)
{
	return sqlite_ctl(d, CTL_RELEASE);
}

static int
sqlite_undo(struct db *d)
{
	int err = sqlite_ctl(d, CTL_UNDO);

	/* ROLLBACK TO keeps the savepoint; it has to go as well. */
	return err < 0 ? err : sqlite_ctl(d, CTL_RELEASE);
}

static int
sqlite_bind_one(sqlite3_stmt *st, int i, const struct db_val *v)
{
	switch (v->type) {
	case DB_INT:
		return sqlite3_bind_int64(st, i, v->i);
	case DB_TEXT:
		return sqlite3_bind_text64(st, i, v->p, v->n, SQLITE_STATIC,
		    SQLITE_UTF8);
	case DB_BYTES:
		/* A NULL pointer would bind NULL: no bytes are still bytes. */
		return sqlite3_bind_blob64(st, i, v->p != NULL ? v->p : "",
		    v->n, SQLITE_STATIC);
	default:
		return sqlite3_bind_null(st, i);
	}
}

static int
sqlite_bind(const struct sqlite_stmt *s, const struct db_val *v)
{
	int i, rc;

	for (i = 0; i < s->n; i++) {
		rc = sqlite_bind_one(s->st, s->index[i], &v[i]);
		if (rc != SQLITE_OK)
			return rc;
	}
	return SQLITE_OK;
}

static int
sqlite_col(sqlite3_stmt *st, int i, struct db_val *out)
{
	memset(out, 0, sizeof *out);
	switch (sqlite3_column_type(st, i)) {
	case SQLITE_INTEGER:
		*out = db_int(sqlite3_column_int64(st, i));
		return CAMCA_OK;
	case SQLITE_TEXT:
		out->type = DB_TEXT;
		out->p = sqlite3_column_text(st, i);
		break;
	case SQLITE_BLOB:
		out->type = DB_BYTES;
		out->p = sqlite3_column_blob(st, i);
		break;
	default:
		return CAMCA_OK;
	}
	out->n = (size_t)sqlite3_column_bytes(st, i);
	return out->p == NULL && (out->n > 0 || out->type == DB_TEXT) ?
	    CAMCA_ENOMEM : CAMCA_OK;
}

static int
sqlite_row(sqlite3_stmt *st, db_row_fn row, void *arg)
{
	struct db_val cols[DB_COLS_MAX];
	int i, n = sqlite3_column_count(st);
	int err;

	if (row == NULL)
		return CAMCA_OK;
	assert(n <= DB_COLS_MAX);
	for (i = 0; i < n; i++)
		if ((err = sqlite_col(st, i, &cols[i])) < 0)
			return err;
	return row(cols, (size_t)n, arg);
}

static int
sqlite_exec(struct db *d, enum stmt_id id, const struct db_val *v, size_t n,
    db_row_fn row, void *arg, int64_t *changed)
{
	struct sqlite_stmt *s = &d->stmts[id];
	int rc, ret = CAMCA_OK;

	assert(s->st != NULL && (size_t)s->n == n);
	/* Outside a transaction each statement would commit by itself. */
	if (!sqlite_active(d))
		return CAMCA_EDB;
	rc = sqlite_bind(s, v);
	while (rc == SQLITE_OK && (rc = sqlite3_step(s->st)) == SQLITE_ROW) {
		ret = sqlite_row(s->st, row, arg);
		rc = ret == 0 ? SQLITE_OK : SQLITE_DONE;
	}
	if (ret == 0)
		ret = sqlite_err(d, rc, sqlite_stmts[id].name);
	if (ret == 0 && changed != NULL)
		*changed = sqlite3_changes64(d->h);
	sqlite3_reset(s->st);
	return ret;
}

static int
sqlite_prepare_one(struct db *d, enum stmt_id id)
{
	struct sqlite_stmt *s = &d->stmts[id];
	char name[16];
	int i, at, rc;

	rc = sqlite3_prepare_v3(d->h, sqlite_stmts[id].text, -1,
	    SQLITE_PREPARE_PERSISTENT, &s->st, NULL);
	if (rc != SQLITE_OK)
		return sqlite_err(d, rc, sqlite_stmts[id].name);
	s->n = sqlite3_bind_parameter_count(s->st);
	assert(s->n <= DB_PARAMS_MAX);
	for (i = 0; i < s->n; i++) {
		snprintf(name, sizeof name, "$%d", i + 1);
		at = sqlite3_bind_parameter_index(s->st, name);
		assert(at > 0);
		s->index[i] = (unsigned char)at;
	}
	return CAMCA_OK;
}

static int
sqlite_prepare(struct db *d)
{
	int id, err;

	for (id = 0; id < STMT_COUNT; id++) {
		if (d->mode == DB_READ && sqlite_stmts[id].access == STMT_W)
			continue;
		if ((err = sqlite_prepare_one(d, (enum stmt_id)id)) < 0)
			return err;
	}
	return CAMCA_OK;
}

/* First column of the first row of a query without parameters. */
static int
sqlite_number(struct db *d, const char *sql, int64_t *out)
{
	sqlite3_stmt *st = NULL;
	int rc;

	rc = sqlite3_prepare_v2(d->h, sql, -1, &st, NULL);
	if (rc == SQLITE_OK && (rc = sqlite3_step(st)) == SQLITE_ROW)
		*out = sqlite3_column_int64(st, 0);
	sqlite3_finalize(st);
	return sqlite_err(d, rc, "schema version");
}

static int
sqlite_version(struct db *d, int64_t *out)
{
	int64_t tables = 0, ours = 0;
	int err;

	*out = 0;
	err = sqlite_number(d, "SELECT COUNT(*) FROM sqlite_schema", &tables);
	if (err < 0 || tables == 0)
		return err;
	err = sqlite_number(d, "SELECT COUNT(*) FROM sqlite_schema"
	    " WHERE type = 'table' AND name = 'schema_version'", &ours);
	if (err < 0)
		return err;
	if (ours == 0)
		return CAMCA_EINVAL;
	return sqlite_number(d, "SELECT version FROM schema_version", out);
}

static void
sqlite_tidy(struct db *d)
{
	int all = 0, done = 0;

	if (d->wal_pages < d->tidy_at)
		return;
	/* PASSIVE waits for no reader. What a long reader still needs stays in
	 * the WAL; then try again only after some more pages. */
	if (sqlite3_wal_checkpoint_v2(d->h, NULL, SQLITE_CHECKPOINT_PASSIVE,
	    &all, &done) != SQLITE_OK)
		sqlite_log(d, sqlite3_extended_errcode(d->h), "checkpoint");
	d->tidy_at = done >= all ? SQLITE_WAL_PAGES :
	    d->wal_pages + SQLITE_WAL_PAGES / 4;
	d->wal_pages = 0;
}

static int
sqlite_on_commit(void *arg, sqlite3 *h, const char *name, int pages)
{
	struct db *d = arg;

	(void)h;
	(void)name;
	d->wal_pages = pages;
	return SQLITE_OK;
}

static int
sqlite_wal_mode(struct db *d)
{
	sqlite3_stmt *st = NULL;
	const unsigned char *mode;
	int rc, err = CAMCA_EDB;

	rc = sqlite3_prepare_v2(d->h, "PRAGMA journal_mode = WAL", -1, &st,
	    NULL);
	if (rc == SQLITE_OK)
		rc = sqlite3_step(st);
	if (rc == SQLITE_ROW) {
		mode = sqlite3_column_text(st, 0);
		err = mode != NULL && strcmp((const char *)mode, "wal") == 0 ?
		    CAMCA_OK : CAMCA_EDB;
	} else {
		err = sqlite_err(d, rc, "journal_mode");
	}
	sqlite3_finalize(st);
	return err;
}

static int
sqlite_setup(struct db *d)
{
	static const char *const common = "PRAGMA foreign_keys = ON;"
	    "PRAGMA trusted_schema = OFF; PRAGMA synchronous = FULL;";
	int err;

	/* No statement, whatever its origin, may change the schema table or the
	 * file behind the engine's back. */
	if (sqlite3_db_config(d->h, SQLITE_DBCONFIG_DEFENSIVE, 1, NULL) !=
	    SQLITE_OK)
		return CAMCA_EDB;
	if ((err = sqlite_script(d, common)) < 0)
		return err;
	if (d->mode == DB_READ)
		return sqlite_script(d, "PRAGMA query_only = ON;"
		    "PRAGMA cache_size = -" SQLITE_READER_CACHE);
	err = sqlite_script(d, "PRAGMA page_size = 4096;"
	    "PRAGMA auto_vacuum = NONE; PRAGMA secure_delete = FAST;"
	    "PRAGMA journal_size_limit = 134217728;"
	    "PRAGMA cache_size = -" SQLITE_WRITER_CACHE);
	if (err == CAMCA_OK)
		err = sqlite_wal_mode(d);
	if (err == CAMCA_OK)
		sqlite3_wal_hook(d->h, sqlite_on_commit, d);
	return err;
}

static int
sqlite_prepare_ctl(struct db *d)
{
	const char *const text[] = {
		d->mode == DB_WRITE ? "BEGIN IMMEDIATE" : "BEGIN", "COMMIT",
		"ROLLBACK", "SAVEPOINT job", "RELEASE job", "ROLLBACK TO job",
	};
	int i, rc;

	for (i = 0; i < CTL_COUNT; i++) {
		rc = sqlite3_prepare_v3(d->h, text[i], -1,
		    SQLITE_PREPARE_PERSISTENT, &d->ctl[i], NULL);
		if (rc != SQLITE_OK)
			return sqlite_err(d, rc, text[i]);
	}
	return CAMCA_OK;
}

static void
sqlite_close(struct db *d)
{
	size_t i;

	if (d == NULL)
		return;
	for (i = 0; i < STMT_COUNT; i++)
		sqlite3_finalize(d->stmts[i].st);
	for (i = 0; i < CTL_COUNT; i++)
		sqlite3_finalize(d->ctl[i]);
	if (sqlite3_close(d->h) != SQLITE_OK)
		log_msg(LOG_ERROR, "store", "close: %s",
		    sqlite3_errmsg(d->h));
	free(d);
}

/* The file exists with mode 0600 before SQLite sees it; the WAL and the shared
 * index take their mode from it. */
static int
sqlite_make_file(const struct db_conf *conf, struct refusal *why)
{
	int flags = O_RDWR | O_CLOEXEC | (conf->create ? O_CREAT : 0);
	int fd = open(conf->path, flags, 0600);

	if (fd >= 0) {
		close(fd);
		return CAMCA_OK;
	}
	if (errno == ENOENT)
		return refuse(why, CAMCA_ENOENT, 503, "store.missing",
		    "The database %s does not exist.", conf->path);
	return refuse(why, errno == ENOSPC || errno == EDQUOT ? CAMCA_EFULL :
	    CAMCA_EDB, 503, "store.open", "The database %s cannot be opened: "
	    "%s.", conf->path, strerror(errno));
}

static int
sqlite_open(struct db **out, const struct db_conf *conf, struct refusal *why)
{
	static pthread_once_t once = PTHREAD_ONCE_INIT;
	bool w = conf->mode == DB_WRITE;
	struct db *d;
	int rc, err = CAMCA_OK;

	pthread_once(&once, sqlite_once);
	if (w && (err = sqlite_make_file(conf, why)) < 0)
		return err;
	if ((d = calloc(1, sizeof *d)) == NULL)
		return CAMCA_ENOMEM;
	d->mode = conf->mode;
	d->tidy_at = SQLITE_WAL_PAGES;
	rc = sqlite3_open_v2(conf->path, &d->h, SQLITE_OPEN_NOMUTEX |
	    (w ? SQLITE_OPEN_READWRITE : SQLITE_OPEN_READONLY), NULL);
	if (d->h != NULL) {
		sqlite3_extended_result_codes(d->h, 1);
		sqlite3_busy_timeout(d->h, w ? SQLITE_WRITER_BUSY_MS :
		    SQLITE_READER_BUSY_MS);
	}
	err = d->h == NULL ? CAMCA_ENOMEM : sqlite_err(d, rc, "open");
	if (err == CAMCA_OK)
		err = sqlite_setup(d);
	if (err == CAMCA_OK)
		err = sqlite_prepare_ctl(d);
	if (err < 0) {
		refuse(why, err, 503, "store.open", "The database %s cannot be"
		    " opened: %s.", conf->path, sqlite3_errmsg(d->h));
		sqlite_close(d);
		return err;
	}
	*out = d;
	return CAMCA_OK;
}

static int
sqlite_space(const char *path, int64_t *free_out, int64_t *used_out)
{
	struct statvfs fs;
	struct stat st;
	char wal[4096];

	if (statvfs(path, &fs) != 0 || stat(path, &st) != 0)
		return CAMCA_EDB;
	*free_out = (int64_t)(fs.f_bavail * fs.f_frsize);
	*used_out = st.st_size;
	snprintf(wal, sizeof wal, "%s-wal", path);
	if (stat(wal, &st) == 0)
		*used_out += st.st_size;
	return CAMCA_OK;
}

const struct db_engine db_sqlite = {
	.name = "SQLite",
	.stmts = sqlite_stmts,
	.steps = sqlite_steps,
	.nsteps = sizeof sqlite_steps / sizeof sqlite_steps[0],
	.open = sqlite_open,
	.close = sqlite_close,
	.version = sqlite_version,
	.script = sqlite_script,
	.prepare = sqlite_prepare,
	.begin = sqlite_begin,
	.commit = sqlite_commit,
	.rollback = sqlite_rollback,
	.mark = sqlite_mark,
	.release = sqlite_release,
	.undo = sqlite_undo,
	.active = sqlite_active,
	.exec = sqlite_exec,
	.tidy = sqlite_tidy,
	.space = sqlite_space,
};
