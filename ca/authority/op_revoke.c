/* SPDX-License-Identifier: Apache-2.0 */
/* revoke.*: graded actions on many devices at once, with a preview. */
#include <inttypes.h>
#include <openssl/evp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "ca/authority/feed.h"
#include "ca/authority/revoke.h"
#include "ca/base/uptime.h"

/* ---- revoke.plan ---- */

/* One line of a person's, as the record holds it. */
static int
plan_text(struct op_call *c, const char *name, char out[static REV_TEXT_MAX])
{
	const char *s = arg_text(c, name);

	if (s == NULL || s[0] == '\0')
		return CAMCA_OK;
	if (!event_text_ok(s, strlen(s), REV_TEXT_MAX - 1))
		return refuse(&c->why, CAMCA_EINVAL, 400, "revoke.text",
		    "'%s' is one line of at most %d bytes without control "
		    "characters or spaces at its ends.", name,
		    REV_TEXT_MAX - 1);
	snprintf(out, REV_TEXT_MAX, "%s", s);
	return CAMCA_OK;
}

static int
plan_reason(struct revoke *r)
{
	const char *s = arg_text(r->c, "crl_reason");
	enum device_action a = r->action.action;
	int64_t i;

	r->row.crl_reason = a == ACTION_HOLD ? 6 :
	    a == ACTION_REVOKE ? 9 : -1;         /* privilegeWithdrawn */
	if (s == NULL)
		return CAMCA_OK;
	if (a != ACTION_REVOKE)
		return refuse(&r->c->why, CAMCA_EINVAL, 400,
		    "revoke.crl-reason", "Only 'revoke' has a CRL reason.");
	for (i = 0; i <= 10; i++)
		if (i != 6 && s[0] != '\0' && strcmp(s, reason_name(i)) == 0) {
			r->row.crl_reason = i;
			return CAMCA_OK;
		}
	return refuse(&r->c->why, CAMCA_EINVAL, 400, "revoke.crl-reason",
	    "'%s' is no reason of RFC 5280 section 5.3.1 for a final "
	    "revocation.", s);
}

static int
plan_invalidity(struct revoke *r)
{
	const char *s = arg_text(r->c, "invalidity");
	enum device_action a = r->action.action;

	if (s == NULL)
		return CAMCA_OK;
	if (a != ACTION_REVOKE && a != ACTION_HOLD)
		return refuse(&r->c->why, CAMCA_EINVAL, 400,
		    "revoke.invalidity",
		    "Only 'hold' and 'revoke' have an invalidity date.");
	if (ctx_time_parse(s, &r->row.invalidity_ms) < 0 ||
	    r->row.invalidity_ms == 0 || r->row.invalidity_ms > r->now)
		return refuse(&r->c->why, CAMCA_EINVAL, 400,
		    "revoke.invalidity", "The date from which a key was not "
		    "to be trusted is written YYYY-MM-DD or in full, and lies "
		    "in the past.");
	return CAMCA_OK;
}

static int
plan_selector(struct revoke *r)
{
	struct op_call *c = r->c;
	struct buf b;
	int ret = selector_parse(&r->selector, c->args, &c->why);

	if (ret < 0)
		return ret;
	if (selector_by_cert(&r->selector) &&
	    (r->action.action == ACTION_WATCH ||
	    r->action.action == ACTION_STOP_RENEWAL))
		return refuse(&c->why, CAMCA_EINVAL, 400, "revoke.action",
		    "'%s' is about devices: a serial, issuer or time of issue "
		    "selects certificates.",
		    device_action_name(r->action.action));
	buf_init(&b, REV_SELECTOR_MAX - 1);
	ret = selector_text(&r->selector, &b);
	if (ret == CAMCA_ELIMIT)
		ret = refuse(&c->why, ret, 413, "revoke.selector-too-long",
		    "The selection has too many values: plan it in parts.");
	if (ret == CAMCA_OK)
		snprintf(r->row.selector, sizeof r->row.selector, "%s",
		    buf_str(&b));
	buf_fini(&b);
	return ret;
}

static int
plan_args(struct revoke *r)
{
	struct op_call *c = r->c;
	int ret, action = device_action_parse(arg_text(c, "action"));

	if (action < 0)
		return refuse(&c->why, CAMCA_EINVAL, 400, "revoke.action",
		    "An action is watch, stop-renewal, hold, release or "
		    "revoke.");
	r->row.action = action;
	r->action.action = (enum device_action)action;
	if ((ret = plan_text(c, "reason", r->row.reason)) < 0 ||
	    (ret = plan_text(c, "reference", r->row.reference)) < 0)
		return ret;
	if (r->row.reason[0] == '\0')
		return refuse(&c->why, CAMCA_EINVAL, 400, "revoke.reason",
		    "Say why: the reason is kept in the record.");
	if ((ret = plan_reason(r)) < 0 || (ret = plan_invalidity(r)) < 0)
		return ret;
	r->action.crl_reason = r->row.crl_reason;
	return plan_selector(r);
}

static int
plan_look_tx(struct tx *tx, void *arg)
{
	struct revoke *r = arg;

	selection_free(&r->found);
	return select_run(tx, &r->selector, &r->action, r->now, &r->found,
	    &r->c->why);
}

static int
plan_event(struct tx *tx, struct revoke *r)
{
	uint8_t hash[32];
	struct revoke_counts n;
	struct event e;

	if (EVP_Digest(r->row.selector, strlen(r->row.selector), hash, NULL,
	    EVP_sha256(), NULL) != 1)
		return CAMCA_ECRYPTO;
	revoke_count(&r->found, &n);
	revoke_event(&e, r, "revoke.planned", &n);
	event_add(&e, "action", "%s", device_action_name(r->action.action));
	event_add(&e, "selector", "%s", r->row.selector);
	event_add_hex(&e, "selector-sha256", hash, sizeof hash);
	event_add(&e, "undetermined", "%" PRId64, n.undetermined);
	event_add(&e, "unchanged", "%" PRId64, n.unchanged);
	event_add(&e, "reason", "%s", r->row.reason);
	if (r->row.reference[0] != '\0')
		event_add(&e, "reference", "%s", r->row.reference);
	if (r->row.crl_reason >= 0)
		event_add(&e, "crl-reason", "%s",
		    reason_name(r->row.crl_reason));
	if (r->row.invalidity_ms != 0)
		event_add_time(&e, "invalidity", r->row.invalidity_ms);
	return event_put(tx, &e);
}

static int
plan_store_tx(struct tx *tx, void *arg)
{
	struct revoke *r = arg;
	int ret;

	if ((ret = store_rev_batch_insert(tx, &r->row)) < 0 ||
	    (ret = revoke_items_put(tx, r)) < 0)
		return ret;
	return plan_event(tx, r);
}

static int
revoke_plan(struct revoke *r)
{
	struct store *s = r->c->a->store;
	int64_t begin = uptime_ms();
	int ret;

	/* Read beside the writer, then stored: enrollments go on meanwhile.
	 * What changes in between, apply finds. */
	if ((ret = authority_now(r->c->a, &r->now, &r->c->why)) < 0 ||
	    (ret = plan_args(r)) < 0 ||
	    (ret = store_tx(s, DB_READ, plan_look_tx, r)) < 0)
		return ret;
	if (r->found.ndevices == 0)
		return refuse(&r->c->why, CAMCA_ENOENT, 404, "revoke.nothing",
		    "No device and no certificate in force matches.");
	r->row.created_ms = r->now;
	snprintf(r->row.created_by, sizeof r->row.created_by, "%s",
	    r->c->caller->actor);
	if ((ret = revoke_summary(r)) < 0 ||
	    (ret = store_tx(s, DB_WRITE, plan_store_tx, r)) < 0)
		return ret;
	r->c->result = revoke_json(&r->row, &r->rules);
	if (r->c->result == NULL)
		return CAMCA_ENOMEM;
	json_object_set_new(r->c->result, "plan_ms",
	    json_integer(uptime_ms() - begin));
	return CAMCA_OK;
}

int
op_revoke_plan(struct op_call *c)
{
	struct revoke *r = revoke_new(c);
	int ret = r != NULL ? revoke_plan(r) : CAMCA_ENOMEM;

	revoke_free(r);
	return ret;
}

/* ---- revoke.apply ---- */

static int
revoke_apply(struct revoke *r)
{
	struct op_call *c = r->c;
	struct feed_result gates = { 0 };
	int64_t begin = uptime_ms(), commit_ms;
	int ret;

	if ((ret = authority_now(c->a, &r->now, &c->why)) < 0)
		return ret;
	ret = store_tx(c->a->store, DB_WRITE, revoke_apply_tx, r);
	/* Who asks again because the answer was lost takes "is applied" for
	 * "done". */
	if (ret < 0 && strcmp(c->why.code, "revoke.state") == 0 &&
	    r->row.state == REV_APPLIED)
		feed_barrier(c->a, r->row.rev_seq, NULL);
	if (ret < 0)
		return ret;
	if (r->changed)
		return refuse(&c->why, CAMCA_ECONFLICT, 409, "revoke.changed",
		    "The world has changed since the preview of batch %" PRId64
		    ": %s. Nothing was applied; the preview is a new one: look "
		    "at it, then apply again.", r->row.id, r->what);
	commit_ms = uptime_ms() - begin;
	/* Also where nothing changed: "it is so already" is said here too. */
	feed_barrier(c->a, r->rev_seq, &gates);
	c->result = revoke_json(&r->row, &r->rules);
	if (c->result == NULL)
		return CAMCA_ENOMEM;
	feed_result_json(c->result, &gates);
	json_object_set_new(c->result, "times", json_pack(
	    "{s:I, s:I, s:I, s:I}", "plan_ms", (json_int_t)r->plan_ms,
	    "write_ms", (json_int_t)r->write_ms, "commit_ms",
	    (json_int_t)(commit_ms - r->plan_ms - r->write_ms), "gates_ms",
	    (json_int_t)gates.waited_ms));
	return CAMCA_OK;
}

int
op_revoke_apply(struct op_call *c)
{
	struct revoke *r = revoke_new(c);
	int ret = r != NULL ? revoke_apply(r) : CAMCA_ENOMEM;

	revoke_free(r);
	return ret;
}

/* ---- revoke.approve, revoke.cancel ---- */

static int
revoke_decide(struct revoke *r, int (*fn)(struct tx *tx, void *arg))
{
	int ret;

	if ((ret = authority_now(r->c->a, &r->now, &r->c->why)) < 0 ||
	    (ret = store_tx(r->c->a->store, DB_WRITE, fn, r)) < 0)
		return ret;
	r->c->result = revoke_json(&r->row, &r->rules);
	return r->c->result != NULL ? CAMCA_OK : CAMCA_ENOMEM;
}

static void
revoke_event_reason(struct event *e, const struct revoke *r)
{
	const char *reason = arg_text(r->c, "reason");

	if (reason != NULL && reason[0] != '\0')
		event_add(e, "reason", "%s", reason);
}

static int
revoke_approve_tx(struct tx *tx, void *arg)
{
	struct revoke *r = arg;
	struct revoke_counts n = { 0 };
	json_t *summary;
	struct event e;
	int ret;

	if ((ret = revoke_load(tx, r, arg_int(r->c, "batch", 0))) < 0 ||
	    (ret = revoke_check_open(r)) < 0)
		return ret;
	if (r->row.state == REV_APPROVED)
		return refuse(&r->c->why, CAMCA_ECONFLICT, 409,
		    "revoke.state", "Batch %" PRId64 " is approved already.",
		    r->row.id);
	if (strcmp(r->row.created_by, r->c->caller->actor) == 0)
		return refuse(&r->c->why, CAMCA_EPERM, 403,
		    "revoke.same-person", "%s planned batch %" PRId64
		    ": another person has to approve it.", r->row.created_by,
		    r->row.id);
	r->row.state = REV_APPROVED;
	r->row.approved_ms = r->now;
	snprintf(r->row.approved_by, sizeof r->row.approved_by, "%s",
	    r->c->caller->actor);
	if ((ret = store_rev_batch_move(tx, &r->row, REV_PLANNED)) < 0)
		return ret;
	summary = json_loads(r->row.summary, 0, NULL);
	n.devices = json_integer_value(json_object_get(summary, "devices"));
	n.certs = json_integer_value(json_object_get(summary,
	    "certificates"));
	json_decref(summary);
	revoke_event(&e, r, "revoke.approved", &n);
	revoke_event_reason(&e, r);
	return event_put(tx, &e);
}

int
op_revoke_approve(struct op_call *c)
{
	struct revoke *r = revoke_new(c);
	int ret = r != NULL ? revoke_decide(r, revoke_approve_tx) :
	    CAMCA_ENOMEM;

	revoke_free(r);
	return ret;
}

static int
revoke_cancel_tx(struct tx *tx, void *arg)
{
	struct revoke *r = arg;
	enum rev_batch_state from;
	struct event e;
	int ret = revoke_load(tx, r, arg_int(r->c, "batch", 0));

	if (ret < 0)
		return ret;
	from = (enum rev_batch_state)r->row.state;
	if (from != REV_PLANNED && from != REV_APPROVED)
		return refuse(&r->c->why, CAMCA_ECONFLICT, 409,
		    "revoke.state", "Batch %" PRId64 " is %s.", r->row.id,
		    revoke_state_name(r->row.state));
	r->row.state = REV_CANCELLED;
	r->row.decided_ms = r->now;
	snprintf(r->row.decided_by, sizeof r->row.decided_by, "%s",
	    r->c->caller->actor);
	if ((ret = store_rev_batch_move(tx, &r->row, from)) < 0)
		return ret;
	revoke_event(&e, r, "revoke.cancelled", NULL);
	revoke_event_reason(&e, r);
	return event_put(tx, &e);
}

int
op_revoke_cancel(struct op_call *c)
{
	struct revoke *r = revoke_new(c);
	int ret = r != NULL ? revoke_decide(r, revoke_cancel_tx) :
	    CAMCA_ENOMEM;

	revoke_free(r);
	return ret;
}
