/* SPDX-License-Identifier: Apache-2.0 */
/* agent.*: what people do with site agents. */
#include <inttypes.h>
#include <openssl/crypto.h>
#include <stdio.h>
#include <string.h>

#include "ca/authority/agent.h"
#include "ca/authority/feed.h"

#define REASON_KEY_COMPROMISE 1        /* RFC 5280 5.3.1 */

/* ---- agent.add ---- */

struct agent_add {
	struct op_call *c;
	struct policies *pol;
	struct device_row dev;
	struct secret_row secret;
	char text[SECRET_TEXT_MAX];
	int64_t now;
};

static int
add_device(struct tx *tx, struct agent_add *x)
{
	struct event e;
	int ret = store_device_insert(tx, &x->dev);

	if (ret == CAMCA_ECONFLICT)
		return refuse(&x->c->why, ret, 409, "device.exists",
		    "There is a device with id '%s' already.", x->dev.id);
	if (ret == CAMCA_ENOENT)
		return refuse(&x->c->why, ret, 404, "device.no-such-site",
		    "There is no site '%s'.", x->dev.site);
	if (ret < 0)
		return ret;
	event_init(&e, &x->c->a->events, "device.added", x->dev.id,
	    x->c->caller->actor);
	device_event_fields(&e, &x->dev);
	return event_put(tx, &e);
}

static int
agent_add_tx(struct tx *tx, void *arg)
{
	struct agent_add *x = arg;
	struct site_row site;
	struct event e;
	int ret = add_device(tx, x);

	if (ret < 0 || (ret = store_site_get(tx, x->dev.site, &site)) < 0)
		return ret;
	ret = secret_make(x->c->a->ctx, x->dev.pk, x->now,
	    x->pol->levels.list[site.level - 1].secret_ttl_ms, x->text,
	    &x->secret);
	if (ret < 0 || (ret = store_secret_insert(tx, &x->secret)) < 0)
		return ret;
	event_init(&e, &x->c->a->events, "secret.made", x->dev.id,
	    x->c->caller->actor);
	event_add_time(&e, "expires", x->secret.expires_ms);
	return event_put(tx, &e);
}

static int
agent_add_run(struct agent_add *x)
{
	struct op_call *c = x->c;
	struct device_row *d = &x->dev;
	int ret;

	snprintf(d->id, sizeof d->id, "%s", arg_text(c, "id"));
	snprintf(d->site, sizeof d->site, "%s", arg_text(c, "site"));
	d->kind = DEVICE_RA;
	if ((ret = device_normalize(d, &c->why)) < 0 ||
	    (ret = authority_now(c->a, &x->now, &c->why)) < 0)
		return ret;
	d->created_ms = d->updated_ms = x->now;
	ret = store_tx(c->a->store, DB_WRITE, agent_add_tx, x);
	if (ret < 0)
		return ret;
	c->result = json_pack("{s:s, s:s, s:s}", "agent", d->id, "site",
	    d->site, "secret", x->text);
	if (c->result == NULL)
		return CAMCA_ENOMEM;
	json_set_time(c->result, "expires", x->secret.expires_ms);
	return CAMCA_OK;
}

int
op_agent_add(struct op_call *c)
{
	struct agent_add x = { .c = c, .pol = authority_policies(c->a) };
	int ret = agent_add_run(&x);

	authority_policies_put(c->a, x.pol);
	OPENSSL_cleanse(x.text, sizeof x.text);
	return ret;
}

/* ---- agent.list ---- */

struct agent_list {
	struct op_call *c;
	struct tx *tx;
	struct page page;
	struct device_filter filter;
	int64_t after, leases;
};

static int
list_lease(const struct job_row *r, void *arg)
{
	struct agent_list *x = arg;

	(void)r;
	x->leases++;
	return 0;
}

static int
list_row(const struct device_row *d, void *arg)
{
	struct agent_list *x = arg;
	struct agent_row a;
	json_t *o;
	int ret;

	snprintf(x->page.next, sizeof x->page.next, "%" PRId64, d->pk);
	x->leases = 0;
	if ((ret = store_agent_get(x->tx, d->pk, &a)) < 0 ||
	    (ret = store_job_leased(x->tx, d->pk, list_lease, x)) < 0)
		return ret;
	o = json_pack("{s:s, s:s, s:s, s:s, s:I}", "agent", d->id, "site",
	    d->site, "state", device_state_name((enum device_state)d->state),
	    "version", a.version, "leases", (json_int_t)x->leases);
	if (o == NULL)
		return CAMCA_ENOMEM;
	json_set_time(o, "seen", a.seen_ms);
	return json_array_append_new(x->page.items, o) == 0 ? 0 :
	    CAMCA_ENOMEM;
}

static int
agent_list_tx(struct tx *tx, void *arg)
{
	struct agent_list *x = arg;
	int ret;

	x->tx = tx;
	json_array_clear(x->page.items);
	if (x->filter.site != NULL && (ret = site_must_be(tx, x->filter.site,
	    &x->c->why)) < 0)
		return ret;
	return store_device_list(tx, &x->filter, x->after, x->page.limit,
	    list_row, x);
}

int
op_agent_list(struct op_call *c)
{
	struct agent_list x = { .c = c, .filter = { .state = -1,
	    .kind = DEVICE_RA } };
	int ret;

	x.filter.site = arg_text(c, "site");
	if ((ret = page_after(c, &x.after)) < 0)
		return ret;
	page_begin(c, &x.page);
	ret = store_tx(c->a->store, DB_READ, agent_list_tx, &x);
	if (ret < 0) {
		json_decref(x.page.items);
		return ret;
	}
	return page_end(c, &x.page);
}

/* ---- agent.revoke ---- */

struct agent_gone {
	struct op_call *c;
	struct ca_set *cas;
	struct tx *tx;
	struct device_row dev;
	struct job_by by;
	int64_t jobs, secrets;
	struct standing_change change;
};

static int
gone_lease(const struct job_row *r, void *arg)
{
	struct agent_gone *x = arg;
	struct job_row row = *r;

	x->jobs++;
	return job_give_back(x->tx, &x->by, &row, true);
}

/* Whoever has the agent has had this password. */
static int
gone_secret(const struct agent_sealed_row *r, void *arg)
{
	struct agent_gone *x = arg;
	struct vault_by by = { .src = x->by.src, .actor = x->by.actor,
	    .now_ms = x->by.now_ms };
	struct device_row d;
	struct job_spec s = { .kind = JOB_ROTATE, .dev = &d,
	    .account = r->account, .reason = "The agent that had the password "
	    "was revoked." };
	int64_t id;
	int ret = vault_mark_compromised(x->tx, &by, r->secret, "The agent "
	    "that had it was revoked.");

	if (ret < 0 || (ret = store_device_by_pk(x->tx, r->device, &d)) < 0)
		return ret;
	x->secrets++;
	ret = job_create(x->tx, &x->by, &s, &id, NULL, NULL);
	/* A camera that is gone has no password to change. */
	return ret == CAMCA_ECONFLICT ? CAMCA_OK : ret;
}

static int
gone_find(struct tx *tx, struct agent_gone *x)
{
	const char *id = arg_text(x->c, "id");
	int ret = store_device_get(tx, id, &x->dev);

	if (ret == CAMCA_ENOENT || (ret == CAMCA_OK &&
	    x->dev.kind != DEVICE_RA))
		return refuse(&x->c->why, CAMCA_ENOENT, 404, "agent.unknown",
		    "There is no agent '%s'.", id);
	return ret;
}

static int
agent_gone_tx(struct tx *tx, void *arg)
{
	struct agent_gone *x = arg;
	struct event e;
	int ret;

	x->tx = tx;
	x->jobs = x->secrets = 0;
	if ((ret = gone_find(tx, x)) < 0)
		return ret;
	x->change = (struct standing_change){ .a = x->c->a, .cas = x->cas,
	    .by = &x->by, .dev = &x->dev, .action = ACTION_REVOKE,
	    .crl_reason = REASON_KEY_COMPROMISE,
	    .reason = arg_text(x->c, "reason") };
	if ((ret = standing_change(tx, &x->change)) < 0 ||
	    (ret = store_job_leased(tx, x->dev.pk, gone_lease, x)) < 0 ||
	    (ret = store_agent_sealed_list(tx, x->dev.pk, gone_secret,
	    x)) < 0)
		return ret;
	event_init(&e, x->by.src, "agent.revoked", x->dev.id, x->by.actor);
	event_add(&e, "jobs", "%" PRId64, x->jobs);
	event_add(&e, "secrets", "%" PRId64, x->secrets);
	event_add(&e, "reason", "%s", arg_text(x->c, "reason"));
	return event_put(tx, &e);
}

int
op_agent_revoke(struct op_call *c)
{
	struct agent_gone x = { .c = c, .cas = authority_cas(c->a),
	    .by = { &c->a->events, c->caller->actor, 0 } };
	struct feed_result gates = { 0 };
	int ret = authority_now(c->a, &x.by.now_ms, &c->why);

	if (ret == CAMCA_OK)
		ret = store_tx(c->a->store, DB_WRITE, agent_gone_tx, &x);
	authority_cas_put(c->a, x.cas);
	if (ret < 0)
		return ret;
	feed_barrier(c->a, x.change.rev_seq, &gates);
	c->result = json_pack("{s:s, s:s, s:I, s:I}", "agent", x.dev.id,
	    "state", device_state_name((enum device_state)x.dev.state),
	    "leases_ended", (json_int_t)x.jobs, "rotations",
	    (json_int_t)x.secrets);
	if (c->result == NULL)
		return CAMCA_ENOMEM;
	feed_result_json(c->result, &gates);
	return CAMCA_OK;
}
