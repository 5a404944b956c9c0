/* SPDX-License-Identifier: Apache-2.0 */
/* agent.secret: a new password for a camera of a leased job. It is in the vault
 * as pending, for good, before the agent hears it. */
#include <openssl/crypto.h>
#include <stdlib.h>
#include <string.h>

#include "ca/authority/agent.h"
#include "ca/authority/custody.h"
#include "ca/base/enc.h"

static const struct body_key secret_keys[] = {
	{ "job", BODY_INT, true, INT64_MAX },
	{ "account", BODY_INT, false, INT64_MAX },
	{ "user", BODY_TEXT, false, VAULT_USER_MAX - 1 },
	{ "role", BODY_TEXT, false, 16 },
	{ "level", BODY_TEXT, false, VAULT_LEVEL_MAX - 1 },
	{ "rule", BODY_OBJECT, false, 0 },
	{ .type = BODY_END },
};
static const struct body_key rule_keys[] = {
	{ "min", BODY_INT, false, 1024 },
	{ "max", BODY_INT, false, 1024 },
	{ "upper", BODY_INT, false, 1024 },
	{ "lower", BODY_INT, false, 1024 },
	{ "digit", BODY_INT, false, 1024 },
	{ "special", BODY_INT, false, 1024 },
	{ "specials", BODY_TEXT, false, PASSWORD_SPECIALS_MAX },
	{ .type = BODY_END },
};

struct fresh {
	struct agent_call x;
	struct job_row job;
	struct device_row dev;
	struct vault_account account;  /* id 0: it is new */
	struct vault_draft draft;
	struct vault_secret row;
	bool made;
};

/* A camera or an agent may have been moved, or the camera given up, since the
 * job was leased. */
static int
fresh_device(const struct fresh *f)
{
	const struct device_row *d = &f->dev;

	if (strcmp(d->site, f->x.dev.site) != 0)
		return refuse(&f->x.c->why, CAMCA_EPERM, 403, "job.site",
		    "The camera of this job is not at this agent's site any "
		    "more.");
	if (d->state == DEVICE_LOST || d->state == DEVICE_REVOKED ||
	    d->state == DEVICE_RETIRED)
		return refuse(&f->x.c->why, CAMCA_ECONFLICT, 409, "job.state",
		    "Camera '%s' is %s: its password is not changed.", d->id,
		    device_state_name((enum device_state)d->state));
	return CAMCA_OK;
}

/* Only what works on passwords gets one, and only for its own account. */
static int
fresh_job(struct tx *tx, struct fresh *f)
{
	struct refusal *why = &f->x.c->why;
	int ret = store_job_get(tx, body_int(f->x.body, "job", 0), &f->job);

	if (ret < 0 && ret != CAMCA_ENOENT)
		return ret;
	if (ret == CAMCA_ENOENT ||
	    !job_lease_holds(&f->job, f->x.dev.pk, f->x.now))
		return refuse(why, CAMCA_ECONFLICT, 409, "job.lease",
		    "This job is not leased to this agent.");
	if (f->job.mode != JOB_APPLY || (f->job.kind != JOB_ENROLL &&
	    f->job.kind != JOB_ROTATE))
		return refuse(why, CAMCA_EPERM, 403, "job.kind",
		    "This job changes no password.");
	ret = store_device_by_pk(tx, f->job.device, &f->dev);
	return ret < 0 ? ret : fresh_device(f);
}

/* An agent makes camca's own account on a camera, and no other. */
static int
fresh_new(struct fresh *f)
{
	struct refusal *why = &f->x.c->why;

	if (f->job.account != 0)
		return refuse(why, CAMCA_EPERM, 403, "job.account",
		    "This job is about another account.");
	if (strcmp(body_text(f->x.body, "user"),
	    f->x.pol->jobs.service_account) != 0 ||
	    strcmp(body_text(f->x.body, "role"), "service") != 0 ||
	    body_text(f->x.body, "level")[0] == '\0')
		return refuse(why, CAMCA_EPERM, 403, "job.account",
		    "The only account that an agent makes is the service "
		    "account that policy names, with its level.");
	return CAMCA_OK;
}

static int
fresh_account(struct tx *tx, struct fresh *f)
{
	int64_t id = body_int(f->x.body, "account", 0);
	struct refusal *why = &f->x.c->why;
	int ret;

	memset(&f->account, 0, sizeof f->account);
	ret = id != 0 ? store_vault_account_by_id(tx, id, &f->account) :
	    store_vault_account_get(tx, f->dev.pk,
	    body_text(f->x.body, "user"), &f->account);
	if (ret == CAMCA_ENOENT && id == 0)
		return fresh_new(f);
	if (ret == CAMCA_ENOENT || (ret == CAMCA_OK &&
	    f->account.device != f->dev.pk))
		return refuse(why, CAMCA_ENOENT, 404, "job.account",
		    "The camera of this job has no such account.");
	if (ret == CAMCA_OK && f->job.account != 0 &&
	    f->job.account != f->account.id)
		return refuse(why, CAMCA_EPERM, 403, "job.account",
		    "This job is about another account.");
	/* An agent without the old one has no business with the new one. */
	if (ret == CAMCA_OK && f->account.role == ACCOUNT_BREAK_GLASS &&
	    f->job.account != f->account.id)
		return refuse(why, CAMCA_EPERM, 403, "job.account",
		    "The account for emergencies is changed by a job of its "
		    "own.");
	return ret;
}

static int
fresh_look_tx(struct tx *tx, void *arg)
{
	struct fresh *f = arg;
	int ret;

	if ((ret = agent_check(tx, &f->x)) < 0 ||
	    (ret = fresh_job(tx, f)) < 0)
		return ret;
	return fresh_account(tx, f);
}

static int
fresh_store_tx(struct tx *tx, void *arg)
{
	struct fresh *f = arg;
	struct agent_sealed_row sealed = { .agent = 0 };
	struct vault_by by = agent_vault_by(&f->x, 0);
	int64_t account;
	int ret;

	vault_secret_free(&f->row);
	memset(&f->row, 0, sizeof f->row);
	if ((ret = fresh_look_tx(tx, f)) < 0)
		return ret;
	by.job = f->job.id;
	account = f->account.id;
	if (account == 0)
		ret = vault_account_ensure(tx, &by, f->dev.pk,
		    body_text(f->x.body, "user"), ACCOUNT_SERVICE,
		    body_text(f->x.body, "level"), &account,
		    &f->x.c->why);
	if (ret < 0)
		return ret;
	f->account.id = account;
	ret = vault_make_pending(tx, &by, account, &f->draft, &f->row,
	    &f->made);
	if (ret < 0)
		return ret;
	sealed.agent = f->x.dev.pk;
	sealed.secret = f->row.id;
	sealed.account = account;
	sealed.device = f->dev.pk;
	return store_agent_sealed_put(tx, &sealed);
}

/* ---- the password ---- */

/* What the camera said of itself, met with what is known of its maker. */
static int
fresh_rule(struct fresh *f, struct password_rule *out)
{
	const json_t *o = json_object_get(f->x.body, "rule");
	struct password_rule said;
	int ret;

	password_rules_for(&f->x.pol->passwords, f->dev.manufacturer,
	    f->dev.model, out);
	if (o == NULL)
		return password_rule_check(out, &f->x.c->why);
	ret = body_check(o, rule_keys, "The rule", &f->x.c->why);
	if (ret < 0)
		return ret;
	said = *out;
	said.min = body_int(o, "min", out->min);
	said.max = body_int(o, "max", out->max);
	said.upper = body_int(o, "upper", 0);
	said.lower = body_int(o, "lower", 0);
	said.digit = body_int(o, "digit", 0);
	said.special = body_int(o, "special", 0);
	/* The camera knows best which marks it takes, if it says so. */
	if (json_object_get(o, "specials") != NULL) {
		memcpy(said.specials, body_text(o, "specials"),
		    strlen(body_text(o, "specials")) + 1);
		memcpy(out->specials, said.specials, sizeof out->specials);
		if (said.specials[0] == '\0')
			out->special = 0;
	}
	password_rule_meet(out, &said);
	return password_rule_check(out, &f->x.c->why);
}

static int
fresh_answer(struct fresh *f, const struct secret_text *s)
{
	struct op_call *c = f->x.c;
	json_t *plain = json_pack("{s:I, s:s}", "account",
	    (json_int_t)f->account.id, "password", s->text);
	char *text = plain != NULL ? json_dumps(plain, JSON_COMPACT) : NULL;
	struct buf der;
	int ret = CAMCA_ENOMEM;

	json_decref(plain);
	buf_init(&der, 0);
	if (text != NULL) {
		ret = vault_seal_to(f->x.leaf, text, strlen(text), &der,
		    &c->why);
		OPENSSL_cleanse(text, strlen(text));
	}
	free(text);
	if (ret == CAMCA_OK) {
		c->result = json_object();
		json_set_base64(c->result, "sealed", der.data, der.len);
	}
	buf_fini(&der);
	return ret;
}

static int
fresh_run(struct fresh *f)
{
	struct op_call *c = f->x.c;
	struct password_rule rule;
	struct secret_text opened = { .text = "" };
	const char *user;
	int ret;

	if ((json_object_get(f->x.body, "account") != NULL) ==
	    (json_object_get(f->x.body, "user") != NULL))
		return refuse(&c->why, CAMCA_EINVAL, 400, "request.argument",
		    "Name an account, or the user of a new one.");
	if ((ret = custody_behind(c)) < 0 ||
	    (ret = store_tx(f->x.a->store, DB_READ, fresh_look_tx, f)) < 0 ||
	    (ret = fresh_rule(f, &rule)) < 0 ||
	    (ret = agent_guard_job(&f->x, &f->job)) < 0)
		return ret;
	user = f->account.id != 0 ? f->account.username :
	    body_text(f->x.body, "user");
	if ((ret = vault_draft(f->x.a->vault, f->dev.id, user, &rule,
	    &f->draft, &c->why)) < 0 ||
	    (ret = store_tx(f->x.a->store, DB_WRITE, fresh_store_tx, f)) < 0)
		return ret;
	if (f->made)
		opened = f->draft.secret;
	else if ((ret = vault_open(f->x.a->vault, &f->row, &opened,
	    &c->why)) < 0)
		return ret;
	ret = agent_guard_note(&f->x, f->job.id, opened.text);
	if (ret == CAMCA_OK)
		ret = fresh_answer(f, &opened);
	secret_text_wipe(&opened);
	return ret;
}

int
op_agent_secret(struct op_call *c)
{
	struct fresh *f = calloc(1, sizeof *f);
	int ret;

	if (f == NULL)
		return CAMCA_ENOMEM;
	ret = agent_begin(&f->x, c, secret_keys);
	if (ret == CAMCA_OK)
		ret = fresh_run(f);
	ret = agent_done(&f->x, ret, c->op->name);
	vault_draft_fini(&f->draft);
	vault_secret_free(&f->row);
	agent_end(&f->x);
	OPENSSL_cleanse(f, sizeof *f);
	free(f);
	return ret;
}
