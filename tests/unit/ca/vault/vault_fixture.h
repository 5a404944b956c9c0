/* SPDX-License-Identifier: Apache-2.0 */
/* A vault over a real token and store, with two cameras. Defines functions: one
 * include a program. */
#ifndef CAMCA_TEST_VAULT_FIXTURE_H
#define CAMCA_TEST_VAULT_FIXTURE_H

#include "tests/unit/ca/issue/ca_fixture.h"

#include <sqlite3.h>
#include <stdio.h>

#include "ca/base/log.h"
#include "ca/vault/vault.h"

struct vfix {
	struct fix *f;
	struct event_source src;
	struct vault *v;
	struct device_row cam[2];
};

static inline struct vault *
new_vault(struct vfix *x)
{
	struct vault_conf conf = { x->f->store, x->f->hsm, &x->src };
	struct vault *v = NULL;

	assert_int_equal(vault_new(&v, &conf), 0);
	return v;
}

static inline int
cams_tx(struct tx *tx, void *arg)
{
	struct vfix *x = arg;
	struct site_row site = { .id = "s", .name = "S", .level = 1 };
	int ret = store_site_insert(tx, &site);

	for (int i = 0; ret == 0 && i < 2; i++) {
		memset(&x->cam[i], 0, sizeof x->cam[i]);
		snprintf(x->cam[i].id, sizeof x->cam[i].id, "cam-%d", i + 1);
		snprintf(x->cam[i].site, sizeof x->cam[i].site, "s");
		ret = store_device_insert(tx, &x->cam[i]);
	}
	return ret;
}

static inline int
vsetup(void **state)
{
	struct fix *f = *state;
	struct vfix *x = calloc(1, sizeof *x);

	assert_non_null(x);
	log_setup("test", LOG_ERROR - 1);
	assert_int_equal(fix_setup(state), 0);
	x->f = f;
	x->src = (struct event_source){ &f->ctx, "test" };
	assert_int_equal(store_tx(f->store, DB_WRITE, cams_tx, x), 0);
	x->v = new_vault(x);
	*state = x;
	return 0;
}

static inline int
vteardown(void **state)
{
	struct vfix *x = *state;

	vault_free(x->v);
	*state = x->f;
	free(x);
	return fix_teardown(state);
}

/* ---- calls in transactions of their own ---- */

struct call {
	struct vfix *x;
	struct vault_by by;
	const struct device_row *dev;
	struct vault_draft *draft;
	enum vault_role role;
	bool over_pending;
	int64_t account;
	struct vault_secret row;
	bool made;
	struct refusal why;
	struct vault_entries all;
	char sql[300];
	int64_t secret;
};

static inline struct call
call(struct vfix *x, int64_t job)
{
	return (struct call){ .x = x, .dev = &x->cam[0],
	    .by = { &x->src, "test", FIX_NOW_MS, job },
	    .role = ACCOUNT_ADMINISTRATOR };
}

static inline int
put_tx(struct tx *tx, void *arg)
{
	struct call *c = arg;

	return vault_put(tx, &c->by, c->dev, c->draft, c->role,
	    "Administrator", c->over_pending, &c->why);
}

static inline int
pend_tx(struct tx *tx, void *arg)
{
	struct call *c = arg;

	return vault_make_pending(tx, &c->by, c->account, c->draft, &c->row,
	    &c->made);
}

static inline int
confirm_tx(struct tx *tx, void *arg)
{
	struct call *c = arg;

	return vault_confirm(tx, &c->by, c->account);
}

static inline int
mark_tx(struct tx *tx, void *arg)
{
	struct call *c = arg;

	return vault_mark_compromised(tx, &c->by, c->secret, "found");
}

static inline int
all_tx(struct tx *tx, void *arg)
{
	struct call *c = arg;

	return vault_accounts(tx, c->dev->pk, &c->all);
}

static inline int
run(struct call *c, int (*fn)(struct tx *tx, void *arg))
{
	return store_tx(c->x->f->store, DB_WRITE, fn, c);
}

/* Imports a password of cam; the id of its account. */
static inline int64_t
import(struct vfix *x, int cam, const char *user, const char *password)
{
	struct vault_draft d;
	struct call c = call(x, 0);
	struct vault_account a;
	int64_t id = 0;

	c.dev = &x->cam[cam];
	c.draft = &d;
	if (vault_draft_text(x->v, c.dev->id, user, password, &d, &c.why) < 0)
		fail_msg("%s", c.why.detail);
	assert_int_equal(run(&c, put_tx), 0);
	vault_draft_fini(&d);
	assert_int_equal(run(&c, all_tx), 0);
	for (size_t i = 0; i < c.all.n; i++) {
		a = c.all.list[i].account;
		if (strcmp(a.username, user) == 0)
			id = a.id;
	}
	vault_entries_free(&c.all);
	assert_true(id > 0);
	return id;
}

/* A new pending one by this rule for job; whether it is new, and its text. */
static inline bool
pend(struct vfix *x, int64_t account, const char *user,
    const struct password_rule *rule, int64_t job,
    char text[static PASSWORD_STORED_MAX + 1])
{
	struct vault_draft d;
	struct call c = call(x, job);
	struct secret_text s;

	assert_int_equal(vault_draft(x->v, x->cam[0].id, user, rule, &d,
	    &c.why), 0);
	c.draft = &d;
	c.account = account;
	assert_int_equal(run(&c, pend_tx), 0);
	assert_int_equal(vault_open(x->v, &c.row, &s, &c.why), 0);
	if (c.made)
		assert_string_equal(s.text, d.secret.text);
	memcpy(text, s.text, sizeof s.text);
	assert_int_equal(c.row.job, job);
	assert_true(password_keeps(rule, user, s.text));
	secret_text_wipe(&s);
	vault_draft_fini(&d);
	vault_secret_free(&c.row);
	return c.made;
}

static inline int
confirm(struct vfix *x, int64_t account, int64_t job)
{
	struct call c = call(x, job);

	c.account = account;
	return run(&c, confirm_tx);
}

/* The password in this state, opened; "" where there is none. */
static inline void
text_in(struct vfix *x, int64_t account, bool pending,
    char out[static PASSWORD_STORED_MAX + 1])
{
	struct call c = call(x, 0);
	struct vault_secret *s;
	struct secret_text text;

	out[0] = '\0';
	assert_int_equal(run(&c, all_tx), 0);
	for (size_t i = 0; i < c.all.n; i++) {
		if (c.all.list[i].account.id != account)
			continue;
		s = pending ? &c.all.list[i].pending : &c.all.list[i].current;
		if (s->id == 0)
			continue;
		assert_int_equal(vault_open(x->v, s, &text, &c.why), 0);
		memcpy(out, text.text, sizeof text.text);
		secret_text_wipe(&text);
	}
	vault_entries_free(&c.all);
}

static inline void
assert_text(struct vfix *x, int64_t account, bool pending, const char *want)
{
	char got[PASSWORD_STORED_MAX + 1];

	text_in(x, account, pending, got);
	assert_string_equal(got, want);
}

/* Behind everybody's back. */
static inline int64_t
sql(struct vfix *x, const char *text)
{
	char path[256];
	sqlite3 *db = NULL;
	sqlite3_stmt *st = NULL;
	int64_t n = -1;

	fix_path(x->f, "db", path);
	assert_int_equal(sqlite3_open(path, &db), SQLITE_OK);
	assert_int_equal(sqlite3_prepare_v2(db, text, -1, &st, NULL),
	    SQLITE_OK);
	if (sqlite3_step(st) == SQLITE_ROW)
		n = sqlite3_column_int64(st, 0);
	sqlite3_finalize(st);
	sqlite3_close(db);
	return n;
}

#define VCASE(t) cmocka_unit_test_setup_teardown(t, vsetup, vteardown)

#endif
