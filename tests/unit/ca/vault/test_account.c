/* SPDX-License-Identifier: Apache-2.0 */
/* Accounts over a real token and store: states of passwords move as they may,
 * and what was stays known. */
#include "tests/unit/ca/vault/vault_fixture.h"

static void
test_rotation(void **state)
{
	struct vfix *x = *state;
	int64_t id = import(x, 0, "admin", "first");
	struct password_rule rule;
	char p[PASSWORD_STORED_MAX + 1], again[PASSWORD_STORED_MAX + 1];

	password_rule_init(&rule);
	assert_int_equal(confirm(x, id, 7), CAMCA_ENOENT);
	assert_true(pend(x, id, "admin", &rule, 7, p));
	assert_text(x, id, false, "first");
	assert_text(x, id, true, p);
	/* Asked again, also by another job: the same one, never two. */
	assert_false(pend(x, id, "admin", &rule, 7, again));
	assert_string_equal(again, p);
	assert_false(pend(x, id, "admin", &rule, 8, again));
	assert_string_equal(again, p);
	/* Both were sealed to an agent; of the old one nobody need know. */
	sql(x, "INSERT INTO agent VALUES (1, 0, '', 0)");
	sql(x, "INSERT INTO agent_sealed (agent, secret, account, device)"
	    " SELECT 1, id, account, 1 FROM vault_secret");
	assert_int_equal(sql(x, "SELECT COUNT(*) FROM agent_sealed"), 2);
	/* The job before has no say any more. */
	assert_int_equal(confirm(x, id, 7), CAMCA_ECONFLICT);
	assert_int_equal(confirm(x, id, 8), 0);
	assert_int_equal(sql(x, "SELECT COUNT(*) FROM agent_sealed"), 1);
	assert_int_equal(sql(x, "SELECT COUNT(*) FROM agent_sealed JOIN"
	    " vault_secret s ON s.id = secret WHERE s.state = 1"), 1);
	assert_text(x, id, false, p);
	assert_text(x, id, true, "");
	/* A report that comes twice. */
	assert_int_equal(confirm(x, id, 8), 0);
	assert_int_equal(confirm(x, id, 9), CAMCA_ENOENT);
	assert_int_equal(confirm(x, id, 0), CAMCA_ENOENT);
	assert_int_equal(confirm(x, 12345, 8), CAMCA_ENOENT);
	assert_text(x, id, false, p);
	assert_int_equal(sql(x, "SELECT COUNT(*) FROM vault_secret"), 2);
}

/* Marks are refused by the camera: a new one by the tighter rule, and the one
 * before is kept, for the camera may have taken it after all. */
static void
test_tighter(void **state)
{
	struct vfix *x = *state;
	int64_t id = import(x, 0, "admin", "first");
	struct password_rule wide = { .min = 8, .max = 20, .special = 2,
	    .specials = "-_" }, tight = { .min = 8, .max = 20 };
	char p[PASSWORD_STORED_MAX + 1], q[PASSWORD_STORED_MAX + 1];

	assert_true(pend(x, id, "admin", &wide, 7, p));
	assert_true(pend(x, id, "admin", &tight, 7, q));
	assert_string_not_equal(p, q);
	assert_text(x, id, true, q);
	assert_int_equal(sql(x, "SELECT COUNT(*) FROM vault_secret"
	    " WHERE state = 2"), 1);
	assert_int_equal(sql(x, "SELECT COUNT(*) FROM vault_secret"
	    " WHERE state = 0"), 1);
	assert_false(pend(x, id, "admin", &tight, 7, p));
}

static void
test_import_pending(void **state)
{
	struct vfix *x = *state;
	int64_t id = import(x, 0, "admin", "first");
	struct password_rule rule;
	struct call c = call(x, 0);
	struct vault_draft d;
	char p[PASSWORD_STORED_MAX + 1];

	password_rule_init(&rule);
	assert_true(pend(x, id, "admin", &rule, 7, p));
	assert_int_equal(vault_draft_text(x->v, "cam-1", "admin", "by hand",
	    &d, NULL), 0);
	c.draft = &d;
	assert_int_equal(run(&c, put_tx), CAMCA_ECONFLICT);
	assert_string_equal(c.why.code, "vault.pending");
	assert_text(x, id, false, "first");
	assert_text(x, id, true, p);
	/* Nobody is there with it: what the person says is current, and the
	 * one that was pending is kept. */
	c.over_pending = true;
	assert_int_equal(run(&c, put_tx), 0);
	assert_text(x, id, false, "by hand");
	assert_text(x, id, true, "");
	assert_int_equal(sql(x, "SELECT COUNT(*) FROM vault_secret"
	    " WHERE state = 2"), 2);
	/* A draft is for its own account and device. */
	c.dev = &x->cam[1];
	assert_int_equal(run(&c, put_tx), CAMCA_EINVAL);
	c.account = import(x, 0, "other", "x");
	assert_int_equal(run(&c, pend_tx), CAMCA_ECONFLICT);
	c.account = 999;
	assert_int_equal(run(&c, pend_tx), CAMCA_ENOENT);
	vault_draft_fini(&d);
}

/* An agent is told of so many, and one is its own. */
static void
test_accounts_max(void **state)
{
	struct vfix *x = *state;
	struct call c = call(x, 0);
	struct vault_draft d;
	char user[16];
	int i;

	for (i = 1; i < JOB_ACCOUNTS_MAX; i++) {
		snprintf(user, sizeof user, "user-%d", i);
		import(x, 0, user, "password");
	}
	import(x, 0, "user-1", "another");
	assert_int_equal(vault_draft_text(x->v, "cam-1", "more", "p", &d,
	    NULL), 0);
	c.draft = &d;
	c.role = ACCOUNT_BREAK_GLASS;
	assert_int_equal(run(&c, put_tx), CAMCA_ELIMIT);
	assert_string_equal(c.why.code, "vault.accounts");
	c.role = ACCOUNT_SERVICE;
	assert_int_equal(run(&c, put_tx), 0);
	vault_draft_fini(&d);
	assert_int_equal(vault_draft_text(x->v, "cam-1", "last", "p", &d,
	    NULL), 0);
	assert_int_equal(run(&c, put_tx), CAMCA_ELIMIT);
	assert_int_equal(sql(x, "SELECT COUNT(*) FROM vault_account"),
	    JOB_ACCOUNTS_MAX);
	vault_draft_fini(&d);
}

static void
test_history(void **state)
{
	struct vfix *x = *state;
	struct call c = call(x, 0);
	int64_t id = 0;
	char text[16];

	for (int i = 0; i < 15; i++) {
		snprintf(text, sizeof text, "pass-%d", i);
		id = import(x, 0, "admin", text);
		if (i == 0) {
			c.secret = sql(x, "SELECT id FROM vault_secret");
			assert_int_equal(run(&c, mark_tx), 0);
		}
	}
	assert_text(x, id, false, "pass-14");
	assert_int_equal(sql(x, "SELECT COUNT(*) FROM vault_secret"
	    " WHERE state = 2"), VAULT_OLD_MAX);
	/* What strangers know is kept for ever. */
	assert_int_equal(sql(x, "SELECT COUNT(*) FROM vault_secret"
	    " WHERE state = 3"), 1);
	assert_int_equal(sql(x, "SELECT MIN(id) FROM vault_secret"
	    " WHERE state = 3"), c.secret);
}

/* A pending one that somebody saw is not given out again. */
static void
test_compromised_pending(void **state)
{
	struct vfix *x = *state;
	int64_t id = import(x, 0, "admin", "first");
	struct password_rule rule;
	struct call c = call(x, 0);
	char p[PASSWORD_STORED_MAX + 1], q[PASSWORD_STORED_MAX + 1];

	password_rule_init(&rule);
	assert_true(pend(x, id, "admin", &rule, 7, p));
	c.secret = sql(x, "SELECT id FROM vault_secret WHERE state = 0");
	assert_int_equal(run(&c, mark_tx), 0);
	assert_int_equal(run(&c, mark_tx), 0);
	assert_text(x, id, true, p);
	assert_true(pend(x, id, "admin", &rule, 7, q));
	assert_string_not_equal(p, q);
	assert_int_equal(sql(x, "SELECT COUNT(*) FROM vault_secret"
	    " WHERE state = 3"), 1);
	c.secret = 999;
	assert_int_equal(run(&c, mark_tx), CAMCA_ENOENT);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		VCASE(test_rotation),
		VCASE(test_tighter),
		VCASE(test_import_pending),
		VCASE(test_accounts_max),
		VCASE(test_history),
		VCASE(test_compromised_pending),
	};

	return cmocka_run_group_tests(tests, fix_group, fix_group_end);
}
