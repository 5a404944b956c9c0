/* SPDX-License-Identifier: Apache-2.0 */
/* Accounts and the states of their passwords. All of it inside the caller's
 * transaction, with the event in the same one. Order matters in one place: a
 * pending password that a camera may have been given is never lost, whatever
 * follows it. */
#include <openssl/rand.h>
#include <stdlib.h>
#include <string.h>

#include "ca/store/store_job.h"
#include "ca/vault/vault_int.h"

/* ---- drafts ---- */

static int
draft_check(const char *device, const char *username, struct refusal *why)
{
	if (!id_ok(device, strlen(device)))
		return refuse(why, CAMCA_EINVAL, 400, "vault.device",
		    "'%s' is no id of a device.", device);
	if (!event_text_ok(username, strlen(username), VAULT_USER_MAX - 1))
		return refuse(why, CAMCA_EINVAL, 400, "vault.username",
		    "A username has 1 to %d bytes of UTF-8, without controls "
		    "or a space at its ends.", VAULT_USER_MAX - 1);
	return CAMCA_OK;
}

/* Unlike other texts it may begin or end with a space. */
static bool
draft_password_ok(const char *p)
{
	char inner[PASSWORD_STORED_MAX + 3];
	size_t n = strlen(p);
	bool ok;

	if (n == 0 || n > PASSWORD_STORED_MAX)
		return false;
	inner[0] = inner[n + 1] = 'x';
	memcpy(inner + 1, p, n);
	ok = event_text_ok(inner, n + 2, sizeof inner);
	OPENSSL_cleanse(inner, sizeof inner);
	return ok;
}

/* secret is in out already. */
static int
draft_seal(struct vault *v, struct vault_draft *out, struct refusal *why)
{
	struct vault_sealed s = { out->device, out->username, out->uid };
	int ret = ctx_random(v->conf.src->ctx, out->uid, sizeof out->uid);

	if (ret == CAMCA_OK)
		ret = vault_seal(v, &s, out->secret.text, &out->sealed, why);
	if (ret < 0)
		vault_draft_fini(out);
	return refuse_default(why, ret);
}

static int
draft_begin(struct vault *v, const char *device, const char *username,
    struct vault_draft *out, struct refusal *why)
{
	int ret;

	memset(out, 0, sizeof *out);
	if ((ret = draft_check(device, username, why)) < 0 ||
	    (ret = vault_ready(v, why)) < 0)
		return ret;
	memcpy(out->device, device, strlen(device) + 1);
	memcpy(out->username, username, strlen(username) + 1);
	return CAMCA_OK;
}

int
vault_draft(struct vault *v, const char *device, const char *username,
    const struct password_rule *rule, struct vault_draft *out,
    struct refusal *why)
{
	struct password_rule r = *rule;
	int ret = draft_begin(v, device, username, out, why);

	if (ret < 0 || (ret = password_rule_check(&r, why)) < 0)
		return ret;
	password_rule_format(&r, out->rule);
	ret = password_make(v->conf.src->ctx, &r, username, out->secret.text,
	    why);
	if (ret < 0) {
		vault_draft_fini(out);
		return ret;
	}
	return draft_seal(v, out, why);
}

int
vault_draft_text(struct vault *v, const char *device, const char *username,
    const char *password, struct vault_draft *out, struct refusal *why)
{
	int ret = draft_begin(v, device, username, out, why);

	if (ret < 0)
		return ret;
	if (!draft_password_ok(password))
		return refuse(why, CAMCA_EINVAL, 400, "vault.password",
		    "A password has 1 to %d bytes of UTF-8 without controls.",
		    PASSWORD_STORED_MAX);
	memcpy(out->secret.text, password, strlen(password) + 1);
	return draft_seal(v, out, why);
}

void
vault_draft_fini(struct vault_draft *d)
{
	store_blob_free(&d->sealed);
	OPENSSL_cleanse(d, sizeof *d);
}

/* ---- accounts ---- */

struct account_count {
	int all, service;
};

static int
account_count(const struct vault_account *r, void *arg)
{
	struct account_count *n = arg;

	n->all++;
	n->service += r->role == ACCOUNT_SERVICE;
	return 0;
}

/* An agent refuses a job with more. */
static int
account_room(struct tx *tx, int64_t device_pk, enum vault_role role,
    struct refusal *why)
{
	struct account_count n = { 0 };
	int max = JOB_ACCOUNTS_MAX;
	int ret = store_vault_account_list(tx, device_pk, 0, max,
	    account_count, &n);

	if (n.service == 0 && role != ACCOUNT_SERVICE)
		max--;
	if (ret == CAMCA_OK && n.all >= max)
		ret = refuse(why, CAMCA_ELIMIT, 409, "vault.accounts",
		    "The vault holds %d accounts of a camera, one of them for "
		    "service.", JOB_ACCOUNTS_MAX);
	return ret;
}

int
vault_account_ensure(struct tx *tx, const struct vault_by *by,
    int64_t device_pk, const char *username, enum vault_role role,
    const char *level, int64_t *out, struct refusal *why)
{
	struct vault_account a = { .device = device_pk, .role = role,
	    .created_ms = by->now_ms };
	int ret = store_vault_account_get(tx, device_pk, username, &a);

	if (ret != CAMCA_ENOENT) {
		*out = a.id;
		return ret;
	}
	if ((ret = account_room(tx, device_pk, role, why)) < 0)
		return ret;
	a = (struct vault_account){ .device = device_pk, .role = role,
	    .created_ms = by->now_ms };
	if (strlen(username) >= sizeof a.username ||
	    strlen(level) >= sizeof a.level)
		return CAMCA_EINVAL;
	memcpy(a.username, username, strlen(username) + 1);
	memcpy(a.level, level, strlen(level) + 1);
	ret = store_vault_account_insert(tx, &a);
	*out = a.id;
	return ret;
}

/* The event of something that happened to an account. */
static void
account_event(struct event *e, const struct vault_by *by, const char *type,
    const struct vault_account *a)
{
	event_init(e, by->src, type, a->device_id, by->actor);
	event_add(e, "account", "%lld", (long long)a->id);
	event_add(e, "role", "%s", vault_role_name(a->role));
}

static int
account_event_job(struct tx *tx, const struct vault_by *by, const char *type,
    const struct vault_account *a)
{
	struct event e;

	account_event(&e, by, type, a);
	if (by->job != 0)
		event_add(&e, "job", "%lld", (long long)by->job);
	return event_put(tx, &e);
}

static int
account_insert(struct tx *tx, const struct vault_by *by, int64_t account,
    const struct vault_draft *d, enum vault_state state)
{
	struct vault_secret s = { .account = account, .state = state,
	    .sealed = d->sealed, .job = by->job, .created_ms = by->now_ms,
	    .changed_ms = by->now_ms };

	memcpy(s.uid, d->uid, sizeof s.uid);
	memcpy(s.rule, d->rule, sizeof d->rule);
	return store_vault_secret_insert(tx, &s);
}

/* The one that is in this state goes where the past is. Its number, 0 where
 * there was none. */
static int
account_retire(struct tx *tx, const struct vault_by *by, int64_t account,
    enum vault_state state)
{
	struct vault_secret s = { 0 };
	int ret = store_vault_secret_in(tx, account, state, &s);

	if (ret == CAMCA_ENOENT)
		return CAMCA_OK;
	if (ret == CAMCA_OK)
		ret = store_vault_secret_move(tx, s.id, state,
		    s.compromised_ms != 0 ? VAULT_COMPROMISED : VAULT_OLD, 0,
		    by->now_ms);
	/* It opens nothing any more, whoever was given it. */
	if (ret == CAMCA_OK)
		ret = store_agent_sealed_drop(tx, s.id);
	vault_secret_free(&s);
	return ret < 0 ? ret : store_vault_secret_prune(tx, account,
	    VAULT_OLD_MAX);
}

int
vault_put(struct tx *tx, const struct vault_by *by,
    const struct device_row *dev, const struct vault_draft *d,
    enum vault_role role, const char *level, bool over_pending,
    struct refusal *why)
{
	struct vault_secret pending = { 0 };
	struct vault_account a;
	int64_t account = 0;
	int ret;

	if (strcmp(dev->id, d->device) != 0)
		return CAMCA_EINVAL;
	ret = vault_account_ensure(tx, by, dev->pk, d->username, role, level,
	    &account, why);
	if (ret == CAMCA_OK)
		ret = store_vault_secret_in(tx, account, VAULT_PENDING,
		    &pending);
	vault_secret_free(&pending);
	if (ret == CAMCA_OK && !over_pending)
		return refuse(why, CAMCA_ECONFLICT, 409, "vault.pending",
		    "A new password for '%s' of '%s' is on its way to the "
		    "camera.", d->username, dev->id);
	if (ret == CAMCA_OK)
		ret = account_retire(tx, by, account, VAULT_PENDING);
	if (ret < 0 && ret != CAMCA_ENOENT)
		return ret;
	if ((ret = store_vault_account_set(tx, account, role, level)) < 0 ||
	    (ret = account_retire(tx, by, account, VAULT_CURRENT)) < 0 ||
	    (ret = account_insert(tx, by, account, d, VAULT_CURRENT)) < 0 ||
	    (ret = store_vault_account_by_id(tx, account, &a)) < 0)
		return ret;
	return account_event_job(tx, by, "secret.imported", &a);
}

/* Whether the pending one does for what the draft was made for. */
static bool
account_pending_fits(const struct vault_secret *s, const struct vault_draft *d)
{
	struct password_rule have, want;

	return s->compromised_ms == 0 &&
	    password_rule_parse(s->rule, &have) == CAMCA_OK &&
	    password_rule_parse(d->rule, &want) == CAMCA_OK &&
	    password_rule_implies(&have, &want);
}

int
vault_make_pending(struct tx *tx, const struct vault_by *by, int64_t account,
    const struct vault_draft *d, struct vault_secret *row_out, bool *made_out)
{
	struct vault_account a;
	int ret;

	memset(row_out, 0, sizeof *row_out);
	*made_out = false;
	if ((ret = store_vault_account_by_id(tx, account, &a)) < 0)
		return ret;
	if (strcmp(a.device_id, d->device) != 0 ||
	    strcmp(a.username, d->username) != 0)
		return CAMCA_ECONFLICT;
	ret = store_vault_secret_in(tx, account, VAULT_PENDING, row_out);
	if (ret == CAMCA_OK && account_pending_fits(row_out, d)) {
		row_out->job = by->job != 0 ? by->job : row_out->job;
		ret = store_vault_secret_move(tx, row_out->id, VAULT_PENDING,
		    VAULT_PENDING, by->job, by->now_ms);
	} else if (ret == CAMCA_OK || ret == CAMCA_ENOENT) {
		vault_secret_free(row_out);
		*made_out = true;
		if ((ret = account_retire(tx, by, account,
		    VAULT_PENDING)) == CAMCA_OK &&
		    (ret = account_insert(tx, by, account, d,
		    VAULT_PENDING)) == CAMCA_OK &&
		    (ret = account_event_job(tx, by, "secret.pending",
		    &a)) == CAMCA_OK)
			ret = store_vault_secret_in(tx, account,
			    VAULT_PENDING, row_out);
	}
	if (ret < 0)
		vault_secret_free(row_out);
	return ret;
}

/* Nothing pending: a report that came twice, or one that is wrong. */
static int
account_confirmed(struct tx *tx, const struct vault_by *by, int64_t account)
{
	struct vault_secret s = { 0 };
	int ret = store_vault_secret_in(tx, account, VAULT_CURRENT, &s);

	if (ret == CAMCA_OK && (by->job == 0 || s.job != by->job))
		ret = CAMCA_ENOENT;
	vault_secret_free(&s);
	return ret;
}

int
vault_confirm(struct tx *tx, const struct vault_by *by, int64_t account)
{
	struct vault_secret s = { 0 };
	struct vault_account a;
	int64_t id, job;
	int ret;

	if ((ret = store_vault_account_by_id(tx, account, &a)) < 0)
		return ret;
	ret = store_vault_secret_in(tx, account, VAULT_PENDING, &s);
	if (ret == CAMCA_ENOENT)
		return account_confirmed(tx, by, account);
	if (ret < 0)
		return ret;
	id = s.id;
	job = s.job;
	vault_secret_free(&s);
	if (job != by->job)
		return CAMCA_ECONFLICT;
	if ((ret = account_retire(tx, by, account, VAULT_CURRENT)) < 0 ||
	    (ret = store_vault_secret_move(tx, id, VAULT_PENDING,
	    VAULT_CURRENT, 0, by->now_ms)) < 0)
		return ret;
	return account_event_job(tx, by, "secret.rotated", &a);
}

int
vault_mark_compromised(struct tx *tx, const struct vault_by *by,
    int64_t secret, const char *reason)
{
	struct vault_secret s = { 0 };
	struct vault_account a;
	struct event e;
	int ret;

	if ((ret = store_vault_secret_get(tx, secret, &s)) < 0)
		return ret;
	ret = store_vault_account_by_id(tx, s.account, &a);
	if (ret == CAMCA_OK && s.compromised_ms == 0) {
		account_event(&e, by, "secret.compromised", &a);
		event_add(&e, "state", "%s", vault_state_name(s.state));
		event_add(&e, "reason", "%s", reason);
		ret = store_vault_secret_mark(tx, secret, by->now_ms);
		if (ret == CAMCA_OK)
			ret = event_put(tx, &e);
	}
	vault_secret_free(&s);
	return ret;
}

/* ---- reading ---- */

static int
entries_add(const struct vault_account *a, void *arg)
{
	struct vault_entries *e = arg;
	struct vault_entry *list = realloc(e->list,
	    (e->n + 1) * sizeof *list);

	if (list == NULL)
		return CAMCA_ENOMEM;
	e->list = list;
	memset(&list[e->n], 0, sizeof *list);
	list[e->n++].account = *a;
	return CAMCA_OK;
}

int
vault_accounts(struct tx *tx, int64_t device_pk, struct vault_entries *out)
{
	struct vault_entry *e;
	int ret;

	memset(out, 0, sizeof *out);
	ret = store_vault_account_list(tx, device_pk, 0, JOB_ACCOUNTS_MAX,
	    entries_add, out);
	for (e = out->list; ret == CAMCA_OK && e < out->list + out->n; e++) {
		ret = store_vault_secret_in(tx, e->account.id, VAULT_CURRENT,
		    &e->current);
		if (ret == CAMCA_OK || ret == CAMCA_ENOENT)
			ret = store_vault_secret_in(tx, e->account.id,
			    VAULT_PENDING, &e->pending);
		if (ret == CAMCA_ENOENT)
			ret = CAMCA_OK;
	}
	if (ret < 0)
		vault_entries_free(out);
	return ret;
}

void
vault_entries_free(struct vault_entries *e)
{
	size_t i;

	for (i = 0; i < e->n; i++) {
		vault_secret_free(&e->list[i].current);
		vault_secret_free(&e->list[i].pending);
	}
	free(e->list);
	memset(e, 0, sizeof *e);
}
