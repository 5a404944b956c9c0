/* SPDX-License-Identifier: Apache-2.0 */
/* Rules that the tables keep whatever a caller does. What callers do:
 * tests/unit/ca/vault/test_vault.c. */
#include <ftw.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include "ca/base/file.h"
#include "ca/store/store_vault.h"

struct fix {
	char dir[64];
	struct store *store;
	struct device_row dev[2];
	int seen;
	int64_t last;
};

static int
add_devices(struct tx *tx, void *arg)
{
	struct site_row site = { .id = "s", .name = "S", .level = 1 };
	struct fix *f = arg;
	int ret = store_site_insert(tx, &site);

	for (int i = 0; ret == 0 && i < 2; i++) {
		snprintf(f->dev[i].id, sizeof f->dev[i].id, "cam-%d", i);
		snprintf(f->dev[i].site, sizeof f->dev[i].site, "s");
		ret = store_device_insert(tx, &f->dev[i]);
	}
	return ret;
}

static int
setup(void **state)
{
	struct fix *f = calloc(1, sizeof *f);
	struct store_conf conf = { .readers = 1, .batch_max = 4,
	    .queue_max = 16, .ctx = &camca_ctx_system };
	char path[128];

	assert_non_null(f);
	snprintf(f->dir, sizeof f->dir, "/tmp/camca-vault.XXXXXX");
	assert_non_null(mkdtemp(f->dir));
	assert_int_equal(file_join(path, sizeof path, f->dir, "db"), 0);
	conf.path = path;
	assert_int_equal(store_open(&f->store, &conf, true, NULL), 0);
	assert_int_equal(store_tx(f->store, DB_WRITE, add_devices, f), 0);
	*state = f;
	return 0;
}

static int
remove_one(const char *path, const struct stat *st, int flag, struct FTW *at)
{
	(void)st;
	(void)flag;
	(void)at;
	return remove(path);
}

static int
teardown(void **state)
{
	struct fix *f = *state;

	store_close(f->store);
	nftw(f->dir, remove_one, 8, FTW_DEPTH | FTW_PHYS);
	free(f);
	return 0;
}

static struct vault_account
account(const struct fix *f, int dev, const char *user)
{
	struct vault_account a = { .device = f->dev[dev].pk,
	    .level = "Administrator", .created_ms = 5 };

	snprintf(a.username, sizeof a.username, "%s", user);
	return a;
}

static struct vault_secret
secret(int64_t account_id, enum vault_state state, uint8_t uid)
{
	static uint8_t sealed[] = { 1, 2, 3 };
	struct vault_secret s = { .account = account_id, .state = state,
	    .sealed = { sealed, sizeof sealed }, .created_ms = uid,
	    .changed_ms = uid };

	s.uid[0] = uid;
	return s;
}

static int
accounts_tx(struct tx *tx, void *arg)
{
	struct fix *f = arg;
	struct vault_account a = account(f, 0, "admin"), got;

	assert_int_equal(store_vault_account_insert(tx, &a), 0);
	assert_int_equal(store_vault_account_insert(tx, &a), CAMCA_ECONFLICT);
	a = account(f, 1, "admin");
	assert_int_equal(store_vault_account_insert(tx, &a), 0);
	a.device = 999;
	assert_true(store_vault_account_insert(tx, &a) < 0);
	a = account(f, 0, "");
	assert_int_equal(store_vault_account_insert(tx, &a), CAMCA_EINVAL);
	a = account(f, 0, "x");
	a.role = 3;
	assert_int_equal(store_vault_account_insert(tx, &a), CAMCA_EINVAL);
	a.role = 0;
	memset(a.username, 'x', sizeof a.username);
	assert_int_equal(store_vault_account_insert(tx, &a), CAMCA_EINVAL);
	assert_int_equal(store_vault_account_get(tx, f->dev[0].pk, "admin",
	    &got), 0);
	assert_string_equal(got.device_id, "cam-0");
	assert_int_equal(store_vault_account_set(tx, got.id,
	    ACCOUNT_BREAK_GLASS, "Operator"), 0);
	assert_int_equal(store_vault_account_by_id(tx, got.id, &got), 0);
	assert_int_equal(got.role, ACCOUNT_BREAK_GLASS);
	assert_string_equal(got.level, "Operator");
	assert_int_equal(store_vault_account_set(tx, 999, 0, "User"),
	    CAMCA_ENOENT);
	assert_int_equal(store_vault_account_get(tx, f->dev[0].pk, "Admin",
	    &got), CAMCA_ENOENT);
	return 0;
}

static void
test_accounts(void **state)
{
	struct fix *f = *state;

	assert_int_equal(store_tx(f->store, DB_WRITE, accounts_tx, f), 0);
}

static int
row_tx(const struct vault_secret *r, void *arg)
{
	struct fix *f = arg;

	assert_true(r->id > f->last);
	assert_string_equal(r->username, "admin");
	f->last = r->id;
	f->seen++;
	return 0;
}

static int
secrets_tx(struct tx *tx, void *arg)
{
	struct fix *f = arg;
	struct vault_account a = account(f, 0, "admin");
	struct vault_secret s, got;

	f->seen = 0;
	f->last = 0;
	assert_int_equal(store_vault_account_insert(tx, &a), 0);
	s = secret(a.id, VAULT_CURRENT, 1);
	assert_int_equal(store_vault_secret_insert(tx, &s), 0);
	/* One current, one pending, each uid once in them. */
	s = secret(a.id, VAULT_CURRENT, 2);
	assert_int_equal(store_vault_secret_insert(tx, &s), CAMCA_ECONFLICT);
	s = secret(a.id, VAULT_PENDING, 3);
	assert_int_equal(store_vault_secret_insert(tx, &s), 0);
	assert_int_equal(store_vault_secret_insert(tx, &s), CAMCA_ECONFLICT);
	assert_int_equal(store_vault_secret_move(tx, s.id, VAULT_PENDING,
	    VAULT_CURRENT, 0, 9), CAMCA_ECONFLICT);
	assert_int_equal(store_vault_secret_in(tx, a.id, VAULT_CURRENT,
	    &got), 0);
	assert_int_equal(store_vault_secret_move(tx, got.id, VAULT_CURRENT,
	    VAULT_OLD, 0, 9), 0);
	vault_secret_free(&got);
	assert_int_equal(store_vault_secret_move(tx, s.id, VAULT_PENDING,
	    VAULT_CURRENT, 77, 10), 0);
	assert_int_equal(store_vault_secret_move(tx, s.id, VAULT_PENDING,
	    VAULT_CURRENT, 77, 10), CAMCA_ECONFLICT);
	assert_int_equal(store_vault_secret_move(tx, 999, VAULT_PENDING,
	    VAULT_CURRENT, 77, 10), CAMCA_ENOENT);
	assert_int_equal(store_vault_secret_get(tx, s.id, &got), 0);
	assert_int_equal(got.job, 77);
	assert_int_equal(got.changed_ms, 10);
	assert_int_equal(got.sealed.n, 3);
	assert_string_equal(got.device_id, "cam-0");
	vault_secret_free(&got);
	assert_int_equal(store_vault_secret_in(tx, a.id, VAULT_PENDING,
	    &got), CAMCA_ENOENT);
	assert_int_equal(store_vault_secret_in(tx, a.id, VAULT_OLD, &got),
	    CAMCA_EINVAL);
	assert_int_equal(store_vault_secret_list(tx, a.id, 0, 100, row_tx, f),
	    0);
	assert_int_equal(f->seen, 2);
	return 0;
}

static void
test_secrets(void **state)
{
	struct fix *f = *state;

	assert_int_equal(store_tx(f->store, DB_WRITE, secrets_tx, f), 0);
}

static int
prune_tx(struct tx *tx, void *arg)
{
	struct fix *f = arg;
	struct vault_account a = account(f, 0, "admin");
	struct vault_account b = account(f, 1, "admin");
	struct vault_secret s;

	f->seen = 0;
	f->last = 0;
	assert_int_equal(store_vault_account_insert(tx, &a), 0);
	assert_int_equal(store_vault_account_insert(tx, &b), 0);
	s = secret(b.id, VAULT_OLD, 200);
	assert_int_equal(store_vault_secret_insert(tx, &s), 0);
	for (uint8_t i = 0; i < 20; i++) {
		s = secret(a.id, VAULT_OLD, i);
		s.changed_ms = 1000 - i;
		assert_int_equal(store_vault_secret_insert(tx, &s), 0);
		if (i == 2)
			assert_int_equal(store_vault_secret_mark(tx, s.id,
			    50), 0);
	}
	assert_int_equal(store_vault_secret_prune(tx, a.id, 3), 0);
	assert_int_equal(store_vault_secret_list(tx, a.id, 0, 100, row_tx, f),
	    0);
	assert_int_equal(f->seen, 4);              /* and the marked one */
	f->seen = 0;
	f->last = 0;
	assert_int_equal(store_vault_secret_list(tx, b.id, 0, 100, row_tx, f),
	    0);
	assert_int_equal(f->seen, 1);
	return 0;
}

static void
test_prune(void **state)
{
	struct fix *f = *state;

	assert_int_equal(store_tx(f->store, DB_WRITE, prune_tx, f), 0);
}

static void
test_names(void **state)
{
	(void)state;
	for (int i = 0; i < VAULT_ROLES; i++)
		assert_int_equal(vault_role_parse(vault_role_name(i)), i);
	assert_int_equal(vault_role_parse("boss"), -1);
	assert_string_equal(vault_role_name(9), "?");
	assert_string_equal(vault_state_name(VAULT_COMPROMISED),
	    "compromised");
	assert_string_equal(vault_state_name(-1), "?");
}

#define CASE(t) cmocka_unit_test_setup_teardown(t, setup, teardown)

int
main(void)
{
	const struct CMUnitTest tests[] = {
		CASE(test_accounts),
		CASE(test_secrets),
		CASE(test_prune),
		cmocka_unit_test(test_names),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
