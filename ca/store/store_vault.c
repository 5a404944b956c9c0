/* SPDX-License-Identifier: Apache-2.0 */
/* Accounts of cameras and their sealed passwords. That an account has one
 * current password and one pending one at the most is a rule of the tables
 * (partial unique indexes), whatever a caller does. */
#include "ca/store/store_vault.h"

#include "ca/store/tx.h"

static const struct col account_cols[] = {
	COL(INT, vault_account, id),
	COL(INT, vault_account, device),
	COL(TEXT, vault_account, username),
	COL(INT, vault_account, role),
	COL(TEXT, vault_account, level),
	COL(INT, vault_account, created_ms),
	COL(TEXT, vault_account, device_id),
};
#define ACCOUNT_STORED 5       /* all but the key and what is read only */

static const struct col vault_cols[] = {
	COL(INT, vault_secret, id),
	COL(INT, vault_secret, account),
	COL(INT, vault_secret, state),
	COL(BYTES, vault_secret, uid),
	COL(BLOB, vault_secret, sealed),
	COL(TEXT, vault_secret, rule),
	COL(INT, vault_secret, job),
	COL(INT, vault_secret, compromised_ms),
	COL(INT, vault_secret, created_ms),
	COL(INT, vault_secret, changed_ms),
	COL(TEXT, vault_secret, device_id),
	COL(TEXT, vault_secret, username),
};
#define VAULT_STORED 9

LIST_VISIT(vault_account)
LIST_VISIT(vault_secret)

static const char *const vault_roles[] = {
	[ACCOUNT_SERVICE] = "service",
	[ACCOUNT_ADMINISTRATOR] = "administrator",
	[ACCOUNT_BREAK_GLASS] = "break-glass",
};

const char *
vault_role_name(int64_t role)
{
	return role < 0 || role >= VAULT_ROLES ? "?" : vault_roles[role];
}

int
vault_role_parse(const char *name)
{
	int i;

	for (i = 0; i < VAULT_ROLES; i++)
		if (strcmp(vault_roles[i], name) == 0)
			return i;
	return -1;
}

const char *
vault_state_name(int64_t state)
{
	static const char *const names[] = {
		[VAULT_PENDING] = "pending",
		[VAULT_CURRENT] = "current",
		[VAULT_OLD] = "old",
		[VAULT_COMPROMISED] = "compromised",
	};

	return state < 0 || state >= VAULT_STATES ? "?" : names[state];
}

void
vault_secret_free(struct vault_secret *s)
{
	store_blob_free(&s->sealed);
}

int
store_vault_account_insert(struct tx *tx, struct vault_account *r)
{
	struct db_val v[ACCOUNT_STORED];
	int err = row_vals(account_cols + 1, COUNT(v), r, v);

	return err < 0 ? err : tx_insert(tx, ST_VAULT_ACCOUNT_INSERT, v,
	    COUNT(v), &r->id);
}

int
store_vault_account_get(struct tx *tx, int64_t device, const char *username,
    struct vault_account *out)
{
	const struct db_val v[] = { db_int(device), db_text(username) };

	return tx_get(tx, ST_VAULT_ACCOUNT_GET, v, COUNT(v), account_cols,
	    COUNT(account_cols), out);
}

int
store_vault_account_by_id(struct tx *tx, int64_t id, struct vault_account *out)
{
	struct db_val v = db_int(id);

	return tx_get(tx, ST_VAULT_ACCOUNT_BY_ID, &v, 1, account_cols,
	    COUNT(account_cols), out);
}

int
store_vault_account_set(struct tx *tx, int64_t id, enum vault_role role,
    const char *level)
{
	const struct db_val v[] = { db_int(id), db_int(role), db_text(level) };

	return tx_change(tx, ST_VAULT_ACCOUNT_SET, v, COUNT(v),
	    ST_VAULT_ACCOUNT_EXISTS);
}

int
store_vault_account_list(struct tx *tx, int64_t device, int64_t after_id,
    int64_t limit, int (*fn)(const struct vault_account *r, void *arg),
    void *arg)
{
	struct list l = { ST_VAULT_ACCOUNT_ALL, account_cols,
	    COUNT(account_cols), sizeof (struct vault_account), LIST_INT, 0 };
	struct vault_account_list visit = { fn, arg };
	struct db_val v[3] = { db_int(after_id), db_int(0), db_int(device) };

	if (device != 0)
		l.id = ST_VAULT_ACCOUNT_LIST;
	return tx_list(tx, &l, v, device != 0 ? 3 : 2, limit,
	    vault_account_visit, &visit);
}

int
store_vault_secret_insert(struct tx *tx, struct vault_secret *r)
{
	struct db_val v[VAULT_STORED];
	int err = row_vals(vault_cols + 1, COUNT(v), r, v);

	return err < 0 ? err : tx_insert(tx, ST_VAULT_INSERT, v, COUNT(v),
	    &r->id);
}

int
store_vault_secret_get(struct tx *tx, int64_t id, struct vault_secret *out)
{
	struct db_val v = db_int(id);

	return tx_get(tx, ST_VAULT_GET, &v, 1, vault_cols, COUNT(vault_cols),
	    out);
}

int
store_vault_secret_in(struct tx *tx, int64_t account, enum vault_state state,
    struct vault_secret *out)
{
	const struct db_val v[] = { db_int(account), db_int(state) };

	if (state != VAULT_PENDING && state != VAULT_CURRENT)
		return CAMCA_EINVAL;
	return tx_get(tx, ST_VAULT_IN, v, COUNT(v), vault_cols,
	    COUNT(vault_cols), out);
}

int
store_vault_secret_move(struct tx *tx, int64_t id, enum vault_state from,
    enum vault_state to, int64_t job, int64_t now_ms)
{
	const struct db_val v[] = { db_int(id), db_int(from), db_int(to),
	    db_int(job), db_int(now_ms) };

	return tx_change(tx, ST_VAULT_MOVE, v, COUNT(v), ST_VAULT_EXISTS);
}

int
store_vault_secret_mark(struct tx *tx, int64_t id, int64_t now_ms)
{
	const struct db_val v[] = { db_int(id), db_int(now_ms) };

	return tx_change(tx, ST_VAULT_MARK, v, COUNT(v), ST_VAULT_EXISTS);
}

int
store_vault_secret_list(struct tx *tx, int64_t account, int64_t after_id,
    int64_t limit, int (*fn)(const struct vault_secret *r, void *arg),
    void *arg)
{
	static const struct list l = { ST_VAULT_LIST, vault_cols,
	    COUNT(vault_cols), sizeof (struct vault_secret), LIST_INT, 0 };
	struct vault_secret_list visit = { fn, arg };
	struct db_val v[3] = { db_int(after_id), db_int(0), db_int(account) };

	return tx_list(tx, &l, v, COUNT(v), limit, vault_secret_visit,
	    &visit);
}

int
store_vault_secret_prune(struct tx *tx, int64_t account, int64_t keep)
{
	const struct db_val v[] = { db_int(account), db_int(keep) };

	return tx_exec(tx, ST_VAULT_PRUNE, v, COUNT(v), NULL);
}
