/* SPDX-License-Identifier: Apache-2.0 */
/* secret.list, secret.rotate, secret.reveal: the passwords of cameras, as an
 * operator sees them, which is not at all but for reveal. */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "ca/authority/ops.h"
#include "ca/job/job.h"

#define VAULT_HISTORY_MAX 100          /* rows of an account, the oldest first */
#define VAULT_ROTATE_PAGE 200          /* devices in one transaction */

/* ---- secret.list ---- */

struct vault_list {
	struct op_call *c;
	struct tx *tx;
	int64_t after;
	struct page page;
};

/* {"created","changed","job","compromised"} of the one in this state, null
 * where there is none. */
static int
vault_state_json(struct tx *tx, int64_t account, enum vault_state state,
    json_t **out)
{
	struct vault_secret s = { 0 };
	int ret = store_vault_secret_in(tx, account, state, &s);

	*out = json_null();
	if (ret == CAMCA_ENOENT)
		return CAMCA_OK;
	if (ret < 0)
		return ret;
	vault_secret_free(&s);
	*out = json_pack("{s:I, s:b}", "job", (json_int_t)s.job,
	    "compromised", s.compromised_ms != 0);
	if (*out == NULL)
		return CAMCA_ENOMEM;
	json_set_time(*out, "created", s.created_ms);
	json_set_time(*out, "changed", s.changed_ms);
	return CAMCA_OK;
}

static int
vault_history_row(const struct vault_secret *r, void *arg)
{
	json_t *o;

	if (r->state == VAULT_PENDING || r->state == VAULT_CURRENT)
		return CAMCA_OK;
	o = json_pack("{s:s, s:I}", "state", vault_state_name(r->state),
	    "job", (json_int_t)r->job);
	json_set_time(o, "created", r->created_ms);
	json_set_time(o, "changed", r->changed_ms);
	return json_array_append_new(arg, o) == 0 ? CAMCA_OK : CAMCA_ENOMEM;
}

/* What was before; told of one device at a time. */
static int
vault_history(struct tx *tx, int64_t account, json_t *item)
{
	json_t *list = json_array();
	int ret = store_vault_secret_list(tx, account, 0, VAULT_HISTORY_MAX,
	    vault_history_row, list);

	if (ret == CAMCA_OK && json_object_set(item, "history", list) != 0)
		ret = CAMCA_ENOMEM;
	json_decref(list);
	return ret;
}

static int
vault_list_row(const struct vault_account *r, void *arg)
{
	struct vault_list *x = arg;
	json_t *current = NULL, *pending = NULL, *o;
	int ret = vault_state_json(x->tx, r->id, VAULT_CURRENT, &current);

	if (ret == CAMCA_OK)
		ret = vault_state_json(x->tx, r->id, VAULT_PENDING, &pending);
	if (ret < 0) {
		json_decref(current);
		return ret;
	}
	o = json_pack("{s:I, s:s, s:s, s:s, s:s, s:o, s:o}", "account",
	    (json_int_t)r->id, "device", r->device_id, "username",
	    r->username, "role", vault_role_name(r->role), "level", r->level,
	    "current", current, "pending", pending);
	snprintf(x->page.next, sizeof x->page.next, "%" PRId64, r->id);
	if (o == NULL || json_array_append_new(x->page.items, o) != 0)
		return CAMCA_ENOMEM;
	return arg_text(x->c, "device") != NULL ? vault_history(x->tx, r->id,
	    o) : CAMCA_OK;
}

static int
vault_device(struct tx *tx, struct op_call *c, struct device_row *out)
{
	const char *id = arg_text(c, "device");
	int ret = store_device_get(tx, id, out);

	return ret == CAMCA_ENOENT ? refuse(&c->why, ret, 404,
	    "device.unknown", "There is no device '%s'.", id) : ret;
}

static int
vault_list_tx(struct tx *tx, void *arg)
{
	struct vault_list *x = arg;
	struct device_row d = { 0 };
	int ret;

	x->tx = tx;
	json_array_clear(x->page.items);
	if (arg_text(x->c, "device") != NULL &&
	    (ret = vault_device(tx, x->c, &d)) < 0)
		return ret;
	return store_vault_account_list(tx, d.pk, x->after, x->page.limit,
	    vault_list_row, x);
}

int
op_vault_list(struct op_call *c)
{
	struct vault_list x = { .c = c };
	int ret = page_after(c, &x.after);

	if (ret < 0)
		return ret;
	page_begin(c, &x.page);
	ret = store_tx(c->a->store, DB_READ, vault_list_tx, &x);
	if (ret < 0) {
		json_decref(x.page.items);
		return ret;
	}
	return page_end(c, &x.page);
}

/* ---- secret.rotate ---- */

struct vault_rotate {
	struct op_call *c;
	struct job_by by;
	struct device_row *devs;       /* of one page */
	size_t ndevs;
	int64_t after;                 /* pk */
	int64_t made, found, without;  /* of all pages before */
	int64_t now_made, now_found, now_without;
	int64_t last;                  /* id of a job */
};

/* -1: a device without such an account, nothing to do there. */
static int
vault_rotate_account(struct tx *tx, struct vault_rotate *x,
    const struct device_row *d, int64_t *out)
{
	const char *name = arg_text(x->c, "account");
	struct vault_account a;
	struct vault_entries e;
	int ret;

	*out = 0;
	if (name == NULL) {
		ret = vault_accounts(tx, d->pk, &e);
		if (ret == CAMCA_OK && e.n == 0)
			*out = -1;
		if (ret == CAMCA_OK)
			vault_entries_free(&e);
		return ret;
	}
	ret = store_vault_account_get(tx, d->pk, name, &a);
	*out = ret == CAMCA_OK ? a.id : -1;
	return ret == CAMCA_ENOENT ? CAMCA_OK : ret;
}

static int
vault_rotate_device(struct tx *tx, struct vault_rotate *x,
    const struct device_row *d, bool series)
{
	struct job_spec spec = { .kind = JOB_ROTATE, .mode = JOB_APPLY,
	    .dev = d, .reason = arg_text(x->c, "reason"), .series = series };
	bool made = false;
	int ret = vault_rotate_account(tx, x, d, &spec.account);

	if (ret == CAMCA_OK && spec.account < 0) {
		x->now_without++;
		return ret;
	}
	if (ret == CAMCA_OK)
		ret = job_create(tx, &x->by, &spec, &x->last, &made,
		    &x->c->why);
	/* One that is out of service does not stop the others of its site. */
	if (ret == CAMCA_ECONFLICT && series) {
		memset(&x->c->why, 0, sizeof x->c->why);
		x->now_without++;
		return CAMCA_OK;
	}
	x->now_made += made;
	x->now_found += !made;
	return ret;
}

static int
vault_rotate_row(const struct device_row *r, void *arg)
{
	struct vault_rotate *x = arg;

	x->devs[x->ndevs++] = *r;
	return CAMCA_OK;
}

static int
vault_rotate_site_tx(struct tx *tx, void *arg)
{
	struct vault_rotate *x = arg;
	struct device_filter f = { .site = arg_text(x->c, "site"),
	    .state = -1, .kind = DEVICE_CAMERA };
	struct site_row site;
	size_t i;
	int ret = store_site_get(tx, f.site, &site);

	x->ndevs = 0;
	x->now_made = x->now_found = x->now_without = 0;
	if (ret == CAMCA_ENOENT)
		return refuse(&x->c->why, ret, 404, "site.unknown",
		    "There is no site '%s'.", f.site);
	if (ret == CAMCA_OK)
		ret = store_device_list(tx, &f, x->after, VAULT_ROTATE_PAGE,
		    vault_rotate_row, x);
	for (i = 0; ret == CAMCA_OK && i < x->ndevs; i++)
		ret = vault_rotate_device(tx, x, &x->devs[i], true);
	return ret;
}

/* Page by page: the one writer has others to serve. What was made before a
 * failure stays, and is found again by whoever repeats the call. */
static int
vault_rotate_site(struct vault_rotate *x)
{
	int ret;

	x->devs = calloc(VAULT_ROTATE_PAGE, sizeof *x->devs);
	if (x->devs == NULL)
		return CAMCA_ENOMEM;
	do {
		ret = store_tx(x->c->a->store, DB_WRITE, vault_rotate_site_tx,
		    x);
		if (ret < 0)
			break;
		x->made += x->now_made;
		x->found += x->now_found;
		x->without += x->now_without;
		if (x->ndevs > 0)
			x->after = x->devs[x->ndevs - 1].pk;
	} while (x->ndevs == VAULT_ROTATE_PAGE);
	free(x->devs);
	return ret;
}

static int
vault_rotate_one_tx(struct tx *tx, void *arg)
{
	struct vault_rotate *x = arg;
	struct device_row d;
	int ret = vault_device(tx, x->c, &d);

	x->now_made = x->now_found = x->now_without = 0;
	if (ret == CAMCA_OK)
		ret = vault_rotate_device(tx, x, &d, false);
	if (ret == CAMCA_OK && x->now_without > 0)
		return refuse(&x->c->why, CAMCA_ENOENT, 404, "secret.account",
		    "The vault has no such account of '%s'.", d.id);
	x->made = x->now_made;
	x->found = x->now_found;
	return ret;
}

int
op_vault_rotate(struct op_call *c)
{
	struct vault_rotate x = { .c = c, .by = { .src = &c->a->events,
	    .actor = c->caller->actor } };
	bool site = arg_text(c, "site") != NULL;
	int ret = authority_now(c->a, &x.by.now_ms, &c->why);

	if (ret < 0)
		return ret;
	if (site == (arg_text(c, "device") != NULL))
		return refuse(&c->why, CAMCA_EINVAL, 400, "request.argument",
		    "Name a device or a site.");
	ret = site ? vault_rotate_site(&x) : store_tx(c->a->store, DB_WRITE,
	    vault_rotate_one_tx, &x);
	if (ret < 0)
		return ret;
	c->result = json_pack("{s:I, s:I, s:I}", "made", (json_int_t)x.made,
	    "waiting_already", (json_int_t)x.found, "without",
	    (json_int_t)x.without);
	if (c->result != NULL && !site)
		json_object_set_new(c->result, "job",
		    json_integer((json_int_t)x.last));
	return c->result != NULL ? CAMCA_OK : CAMCA_ENOMEM;
}

/* ---- secret.reveal ---- */

struct vault_reveal {
	struct op_call *c;
	int64_t now;
	struct device_row dev;
	struct vault_account account;
	struct vault_secret current, pending;  /* sealed; id 0: none */
	struct vault_secret old[VAULT_OLD_MAX];  /* the newest first */
	int64_t old_id[VAULT_OLD_MAX];
	size_t nold;
	int64_t job;
	bool moved;                    /* they are others meanwhile */
};

static void
vault_reveal_free(struct vault_reveal *x)
{
	size_t i;

	vault_secret_free(&x->current);
	vault_secret_free(&x->pending);
	for (i = 0; i < x->nold; i++)
		vault_secret_free(&x->old[i]);
	x->current.id = x->pending.id = 0;
	x->nold = 0;
}

/* Rows come the oldest first; the newest are kept. */
static int
vault_reveal_old_row(const struct vault_secret *r, void *arg)
{
	struct vault_reveal *x = arg;

	if (r->state == VAULT_PENDING || r->state == VAULT_CURRENT)
		return 0;
	memmove(x->old_id + 1, x->old_id, sizeof x->old_id -
	    sizeof x->old_id[0]);
	x->old_id[0] = r->id;
	return 0;
}

/* A camera that was put back, or told of a change that was never made, has one
 * of these: nobody else may be able to get in. */
static int
vault_reveal_old(struct tx *tx, struct vault_reveal *x)
{
	size_t i;
	int ret;

	memset(x->old_id, 0, sizeof x->old_id);
	if (!arg_bool(x->c, "old", false))
		return CAMCA_OK;
	ret = store_vault_secret_list(tx, x->account.id, 0, INT64_MAX,
	    vault_reveal_old_row, x);
	for (i = 0; ret == CAMCA_OK && i < VAULT_OLD_MAX &&
	    x->old_id[i] != 0; i++) {
		ret = store_vault_secret_get(tx, x->old_id[i], &x->old[i]);
		x->nold += ret == CAMCA_OK;
	}
	return ret;
}

static int
vault_reveal_read_tx(struct tx *tx, void *arg)
{
	struct vault_reveal *x = arg;
	const char *name = arg_text(x->c, "account");
	int ret = vault_device(tx, x->c, &x->dev);

	vault_reveal_free(x);
	if (ret < 0)
		return ret;
	ret = store_vault_account_get(tx, x->dev.pk, name, &x->account);
	if (ret == CAMCA_OK)
		ret = store_vault_secret_in(tx, x->account.id, VAULT_CURRENT,
		    &x->current);
	if (ret == CAMCA_OK || ret == CAMCA_ENOENT)
		ret = store_vault_secret_in(tx, x->account.id, VAULT_PENDING,
		    &x->pending);
	if (ret == CAMCA_ENOENT)
		ret = CAMCA_OK;
	if (ret == CAMCA_OK && x->current.id == 0 && x->pending.id == 0)
		return refuse(&x->c->why, CAMCA_ENOENT, 404, "secret.account",
		    "The vault has no password of '%s' of '%s'.", name,
		    x->dev.id);
	return ret < 0 ? ret : vault_reveal_old(tx, x);
}

/* Is what was opened still what there is? */
static int
vault_reveal_same(struct tx *tx, struct vault_reveal *x,
    enum vault_state state, int64_t id)
{
	struct vault_secret s = { 0 };
	int ret = store_vault_secret_in(tx, x->account.id, state, &s);

	vault_secret_free(&s);
	if (ret == CAMCA_OK || ret == CAMCA_ENOENT) {
		x->moved = x->moved || id != (ret == CAMCA_OK ? s.id : 0);
		ret = CAMCA_OK;
	}
	return ret;
}

static int
vault_reveal_tx(struct tx *tx, void *arg)
{
	struct vault_reveal *x = arg;
	struct job_by by = { &x->c->a->events, x->c->caller->actor, x->now };
	struct job_spec spec = { .kind = JOB_ROTATE, .mode = JOB_APPLY,
	    .dev = &x->dev, .account = x->account.id,
	    .reason = "the password was revealed" };
	struct event e;
	int ret;

	x->moved = false;
	x->job = 0;
	if ((ret = vault_reveal_same(tx, x, VAULT_CURRENT,
	    x->current.id)) < 0 ||
	    (ret = vault_reveal_same(tx, x, VAULT_PENDING,
	    x->pending.id)) < 0 || x->moved)
		return ret;
	event_init(&e, &x->c->a->events, "secret.revealed", x->dev.id,
	    x->c->caller->actor);
	event_add(&e, "account", "%lld", (long long)x->account.id);
	event_add(&e, "role", "%s", vault_role_name(x->account.role));
	event_add(&e, "reason", "%s", arg_text(x->c, "reason"));
	if (x->nold > 0)
		event_add(&e, "old", "%zu", x->nold);
	if ((ret = event_put(tx, &e)) < 0)
		return ret;
	ret = job_create(tx, &by, &spec, &x->job, NULL, &x->c->why);
	/* Nobody will visit a camera that is retired or lost again; whoever
	 * has it on the bench may need its password all the same. */
	if (ret == CAMCA_ECONFLICT) {
		memset(&x->c->why, 0, sizeof x->c->why);
		x->job = 0;
		ret = CAMCA_OK;
	}
	return ret;
}

static int
vault_reveal_open(struct vault_reveal *x, const struct vault_secret *s,
    const char *name, json_t *o)
{
	struct secret_text text;
	int ret;

	if (s->id == 0)
		return json_object_set_new(o, name, json_null()) == 0 ?
		    CAMCA_OK : CAMCA_ENOMEM;
	ret = vault_open(x->c->a->vault, s, &text, &x->c->why);
	if (ret == CAMCA_OK && json_object_set_new(o, name,
	    json_string(text.text)) != 0)
		ret = CAMCA_ENOMEM;
	secret_text_wipe(&text);
	return ret;
}

/* One that nobody can open any more does not hide the others. */
static int
vault_reveal_open_old(struct vault_reveal *x, json_t *o)
{
	json_t *list = json_array(), *item;
	size_t i;
	int ret = list != NULL ? CAMCA_OK : CAMCA_ENOMEM;

	for (i = 0; ret == CAMCA_OK && i < x->nold; i++) {
		item = json_pack("{s:s}", "state",
		    vault_state_name(x->old[i].state));
		json_set_time(item, "changed", x->old[i].changed_ms);
		ret = vault_reveal_open(x, &x->old[i], "password", item);
		if (ret == CAMCA_EPOLICY) {
			memset(&x->c->why, 0, sizeof x->c->why);
			ret = json_object_set_new(item, "password",
			    json_null()) == 0 ? CAMCA_OK : CAMCA_ENOMEM;
		}
		if (ret == CAMCA_OK && json_array_append(list, item) != 0)
			ret = CAMCA_ENOMEM;
		json_decref(item);
	}
	if (ret == CAMCA_OK && json_object_set(o, "old", list) != 0)
		ret = CAMCA_ENOMEM;
	json_decref(list);
	return ret;
}

/* Opened first, so that nothing is recorded that did not happen; told last, so
 * that nothing happens that is not on record. */
static int
vault_reveal_run(struct vault_reveal *x, json_t *o)
{
	struct store *store = x->c->a->store;
	int ret = store_tx(store, DB_READ, vault_reveal_read_tx, x);

	if (ret == CAMCA_OK)
		ret = vault_reveal_open(x, &x->current, "password", o);
	if (ret == CAMCA_OK)
		ret = vault_reveal_open(x, &x->pending, "pending", o);
	if (ret == CAMCA_OK)
		ret = vault_reveal_open_old(x, o);
	if (ret == CAMCA_OK)
		ret = store_tx(store, DB_WRITE, vault_reveal_tx, x);
	if (ret == CAMCA_OK && x->moved)
		ret = refuse(&x->c->why, CAMCA_EBUSY, 503, "secret.moved",
		    "The password has just been changed: ask again.");
	if (ret == CAMCA_OK && (json_object_set_new(o, "username",
	    json_string(x->account.username)) != 0 ||
	    json_object_set_new(o, "role", json_string(vault_role_name(
	    x->account.role))) != 0 || json_object_set_new(o, "job",
	    x->job != 0 ? json_integer((json_int_t)x->job) :
	    json_null()) != 0))
		ret = CAMCA_ENOMEM;
	return ret;
}

int
op_vault_reveal(struct op_call *c)
{
	struct vault_reveal x = { .c = c };
	json_t *o = json_object();
	int ret = authority_now(c->a, &x.now, &c->why);

	if (ret == CAMCA_OK)
		ret = o != NULL ? vault_reveal_run(&x, o) : CAMCA_ENOMEM;
	vault_reveal_free(&x);
	if (ret < 0)
		json_decref(o);
	else
		c->result = o;
	return ret;
}
