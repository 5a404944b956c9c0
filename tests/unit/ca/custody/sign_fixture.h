/* SPDX-License-Identifier: Apache-2.0 */
/* A custody log with a token for its keys, a folder for the checkpoint outside,
 * and hands that reach into the database behind everybody's back. */
#ifndef CAMCA_TEST_SIGN_FIXTURE_H
#define CAMCA_TEST_SIGN_FIXTURE_H

#include "tests/unit/ca/issue/ca_fixture.h"

#include <sqlite3.h>
#include <stdio.h>

#include "ca/base/log.h"
#include "ca/custody/append.h"
#include "ca/custody/fsck.h"
#include "ca/custody/signer.h"

#define ORIGIN "log.example/custody"

struct sign_fix {
	struct fix *f;
	struct event_source src;
	struct append *append;
	struct signer *s;
	char dir[256], file[300];
	int calls;                       /* of published() */
};


static int
sign_group(void **state)
{
	struct fix *f = calloc(1, sizeof *f);
	struct hsm_conf conf = { .token_uri = "pkcs11:token=camca",
	    .log_token_uri = "pkcs11:token=camca-log" };
	char token[256], soft[256], pin[256];

	assert_non_null(f);
	log_setup("test", LOG_ERROR - 1);
	snprintf(f->dir, sizeof f->dir, "%s/camca-test-XXXXXX",
	    access("/dev/shm", W_OK) == 0 ? "/dev/shm" : "/tmp");
	assert_non_null(mkdtemp(f->dir));
	f->ctx = (struct camca_ctx){ fix_now_ms, fix_random, f };
	fix_path(f, "token", token);
	fix_path(f, "token/softhsm2.conf", soft);
	fix_path(f, "token/pin", pin);
	assert_int_equal(hsm_softhsm_make(token, "camca", &f->why), 0);
	assert_int_equal(hsm_softhsm_make(token, "camca-log", &f->why), 0);
	conf.softhsm_conf = soft;
	conf.pin.file = pin;
	if (hsm_open(&f->hsm, &conf, &f->why) < 0)
		fail_msg("%s", f->why.detail);
	*state = f;
	return 0;
}

static void
sign_published(void *arg)
{
	__atomic_add_fetch((int *)arg, 1, __ATOMIC_RELAXED);
}

static inline struct signer_conf
sign_conf(struct sign_fix *x)
{
	return (struct signer_conf){ .store = x->f->store, .hsm = x->f->hsm,
	    .src = &x->src, .dir = x->dir, .origin = ORIGIN,
	    .algs = ORIGIN_ALGS, .checkpoint_ms = 3600000,
	    .published = sign_published, .arg = &x->calls };
}

static inline void
sign_start(struct sign_fix *x)
{
	struct signer_conf conf = sign_conf(x);

	assert_null(x->s);
	assert_int_equal(signer_start(&x->s, &conf), 0);
}

static inline void
sign_stop(struct sign_fix *x)
{
	signer_stop(x->s);
	x->s = NULL;
}

static int
sign_setup(void **state)
{
	struct fix *f = *state;
	struct sign_fix *x = calloc(1, sizeof *x);

	assert_non_null(x);
	assert_int_equal(fix_setup(state), 0);
	x->f = f;
	x->src = (struct event_source){ &f->ctx, "test" };
	fix_path(f, "custody", x->dir);
	snprintf(x->file, sizeof x->file, "%s/checkpoint", x->dir);
	assert_int_equal(append_new(&x->append, &x->src, APPEND_MAX), 0);
	*state = x;
	return 0;
}

static int
sign_teardown(void **state)
{
	struct sign_fix *x = *state;
	char old[256];

	sign_stop(x);
	append_free(x->append);
	nftw(x->dir, fix_remove, 16, FTW_DEPTH | FTW_PHYS);
	fix_path(x->f, "old", old);
	unlink(old);
	*state = x->f;
	free(x);
	return fix_teardown(state);
}

#define SIGN_TEST(fn) \
	cmocka_unit_test_setup_teardown(fn, sign_setup, sign_teardown)

/* ---- the log grows ---- */

struct sign_events {
	struct sign_fix *x;
	int n;
};

static int
sign_events_tx(struct tx *tx, void *arg)
{
	struct sign_events *g = arg;
	char device[16];
	struct event e;
	int ret = 0;

	for (int i = 0; ret == 0 && i < g->n; i++) {
		snprintf(device, sizeof device, "cam-%d", i % 5);
		event_init(&e, &g->x->src, "secret.made",
		    i % 7 == 0 ? NULL : device, "test");
		event_add_time(&e, "expires", FIX_NOW_MS);
		ret = event_put(tx, &e);
	}
	return ret;
}

static int
sign_append_tx(struct tx *tx, void *arg)
{
	struct sign_fix *x = arg;
	int64_t taken, left;

	return log_append(tx, x->append, &taken, &left, &x->f->why);
}

/* n events, not in the log yet. */
static inline void
sign_events(struct sign_fix *x, int n)
{
	struct sign_events g = { x, n };

	assert_int_equal(store_tx(x->f->store, DB_WRITE, sign_events_tx, &g),
	    0);
}

static inline void
sign_append(struct sign_fix *x)
{
	if (store_tx(x->f->store, DB_WRITE, sign_append_tx, x) < 0)
		fail_msg("%s", x->f->why.detail);
}

static inline void
sign_grow(struct sign_fix *x, int n)
{
	sign_events(x, n);
	sign_append(x);
}

static int
sign_size_tx(struct tx *tx, void *arg)
{
	return store_log_size(tx, arg);
}

static inline int64_t
sign_size(struct sign_fix *x)
{
	int64_t n = -1;

	assert_int_equal(store_tx(x->f->store, DB_READ, sign_size_tx, &n), 0);
	return n;
}

/* ---- what is stored ---- */

struct sign_look {
	struct checkpoint cp;
	int64_t number, n, sizes[64];
};

static int
sign_look_row(const struct checkpoint_row *r, void *arg)
{
	struct sign_look *l = arg;

	if (l->n < 64)
		l->sizes[l->n] = r->size;
	l->n++;
	return 0;
}

static int
sign_look_tx(struct tx *tx, void *arg)
{
	struct sign_look *l = arg;
	struct checkpoint_row row;
	struct origin o;
	int ret;

	l->n = 0;
	l->cp.size = -1;
	ret = store_checkpoint_list(tx, -1, INT64_MAX, sign_look_row, l);
	if (ret == 0)
		ret = store_checkpoint_latest(tx, &row);
	if (ret < 0)
		return ret == CAMCA_ENOENT ? 0 : ret;
	if ((ret = origin_load(tx, &o)) == 0) {
		ret = origin_check(&o, row.note.p, row.note.n, 0, &l->cp,
		    &l->number, NULL);
		origin_fini(&o);
	}
	store_checkpoint_free(&row);
	return ret;
}

/* Reads the newest checkpoint, which must be good. */
static inline struct sign_look
sign_look(struct sign_fix *x)
{
	struct sign_look l = { 0 };

	assert_int_equal(store_tx(x->f->store, DB_READ, sign_look_tx, &l), 0);
	return l;
}

/* All that is in the log is signed now. */
static inline void
sign_now(struct sign_fix *x)
{
	struct refusal why = { 0 };
	int64_t size = sign_size(x);

	if (signer_now(x->s, size, 5000, &why) < 0)
		fail_msg("%s: %s", why.code, why.detail);
}

static inline void
sign_refused(struct sign_fix *x, int err, const char *code)
{
	struct refusal why = { 0 };
	struct signer_state st;
	int64_t n = sign_look(x).n;

	sign_grow(x, 1);
	assert_int_equal(signer_now(x->s, sign_size(x), 5000, &why), err);
	assert_string_equal(why.code, code);
	signer_state(x->s, &st);
	assert_int_equal(st.failed, err);
	assert_string_equal(st.code, code);
	assert_int_equal(st.fork, strcmp(code, "custody.fork") == 0);
	assert_int_equal(sign_look(x).n, n);
}

/* ---- hands ---- */

static inline void
sign_copy(const char *from, const char *to)
{
	struct buf b;

	buf_init(&b, 1 << 26);
	assert_int_equal(file_read(from, 1 << 26, &b), 0);
	assert_int_equal(file_replace(to, b.data, b.len, 0600), 0);
	buf_fini(&b);
}

static inline void
sign_open(struct sign_fix *x)
{
	struct store_conf conf = { .readers = 2, .batch_max = 16,
	    .queue_max = 64, .ctx = &x->f->ctx };
	char db[256];

	fix_path(x->f, "db", db);
	conf.path = db;
	assert_int_equal(store_open(&x->f->store, &conf, false, &x->f->why),
	    0);
}

/* Copies the closed database; the store is open again. */
static inline void
sign_backup(struct sign_fix *x, bool restore)
{
	bool running = x->s != NULL;
	char db[256], old[256];

	fix_path(x->f, "db", db);
	fix_path(x->f, "old", old);
	sign_stop(x);
	store_close(x->f->store);
	sign_copy(restore ? old : db, restore ? db : old);
	sign_open(x);
	if (running)
		sign_start(x);
}

/* SQL in the closed database, without the triggers. */
static inline void
sign_sql(struct sign_fix *x, const char *sql)
{
	char db[256], *error = NULL;
	sqlite3 *d;

	fix_path(x->f, "db", db);
	sign_stop(x);
	store_close(x->f->store);
	assert_int_equal(sqlite3_open(db, &d), SQLITE_OK);
	assert_int_equal(sqlite3_exec(d,
	    "DROP TRIGGER IF EXISTS event_no_update;"
	    "DROP TRIGGER IF EXISTS event_no_delete;"
	    "DROP TRIGGER IF EXISTS log_entry_no_update;"
	    "DROP TRIGGER IF EXISTS log_entry_no_delete;"
	    "DROP TRIGGER IF EXISTS log_checkpoint_no_update;"
	    "DROP TRIGGER IF EXISTS log_checkpoint_no_delete;", NULL, NULL,
	    NULL), SQLITE_OK);
	if (sqlite3_exec(d, sql, NULL, NULL, &error) != SQLITE_OK)
		fail_msg("%s: %s", sql, error);
	assert_int_equal(sqlite3_changes(d) > 0, 1);
	sqlite3_close(d);
	sign_open(x);
}

struct sign_count {
	const char *type;
	int n;
};

static void
sign_count_text(struct sign_count *c, const struct store_blob *text)
{
	struct event_view v;

	assert_int_equal(event_parse(&v, text->p, text->n, NULL), 0);
	c->n += strcmp(v.type->name, c->type) == 0;
}

static int
sign_count_entry(const struct log_entry_row *r, void *arg)
{
	sign_count_text(arg, &r->data);
	return 0;
}

static int
sign_count_row(const struct event_row *r, void *arg)
{
	sign_count_text(arg, &r->body);
	return 0;
}

static int
sign_count_tx(struct tx *tx, void *arg)
{
	int ret;

	((struct sign_count *)arg)->n = 0;
	ret = store_log_entry_list(tx, 0, INT64_MAX, sign_count_entry, arg);
	return ret < 0 ? ret : store_outbox_list(tx, NULL, 0, INT64_MAX,
	    sign_count_row, arg);
}

/* Events of a type, in the log and waiting. */
static inline int
sign_count(struct sign_fix *x, const char *type)
{
	struct sign_count c = { type, 0 };

	assert_int_equal(store_tx(x->f->store, DB_READ, sign_count_tx, &c),
	    0);
	return c.n;
}

#endif
