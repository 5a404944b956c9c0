/* SPDX-License-Identifier: Apache-2.0 */
/* From a preview to the facts: one transaction that looks again, and changes
 * either all of it or, where the world is another one, only the preview. */
#include <inttypes.h>
#include <openssl/evp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "ca/authority/revoke.h"
#include "ca/base/enc.h"
#include "ca/base/uptime.h"

struct revoke *
revoke_new(struct op_call *c)
{
	struct revoke *r = calloc(1, sizeof *r);
	struct policies *p;

	if (r == NULL)
		return NULL;
	r->c = c;
	r->cas = authority_cas(c->a);
	p = authority_policies(c->a);
	r->rules = p->revocation;
	memcpy(r->policy, p->hex, sizeof r->policy);
	authority_policies_put(c->a, p);
	return r;
}

void
revoke_free(struct revoke *r)
{
	if (r == NULL)
		return;
	authority_cas_put(r->c->a, r->cas);
	selection_free(&r->found);
	selector_free(&r->selector);
	free(r);
}

/* ---- events ---- */

void
revoke_event(struct event *e, struct revoke *r, const char *type,
    const struct revoke_counts *n)
{
	event_init(e, &r->c->a->events, type, NULL, r->c->caller->actor);
	event_add(e, "batch", "%" PRId64, r->row.id);
	if (n == NULL)
		return;
	event_add_hex(e, "world", r->row.world, sizeof r->row.world);
	event_add(e, "devices", "%" PRId64, n->devices);
	event_add(e, "certificates", "%" PRId64, n->certs);
}

/* The lines that a batch puts into the event of a device or certificate. */
static void
apply_event_batch(struct event *e, const struct revoke *r)
{
	event_add(e, "reason", "%s", r->row.reason);
	event_add(e, "batch", "%" PRId64, r->row.id);
	if (r->row.reference[0] != '\0')
		event_add(e, "reference", "%s", r->row.reference);
}

/* Status and number of a certificate that was changed. */
static void
apply_event_cert(struct event *e, const struct revoke *r,
    const struct select_cert *c, int64_t seq)
{
	const struct ca *ca = ca_by_id(r->cas, c->pick.issuer);

	event_add_hex(e, "serial", c->pick.serial, sizeof c->pick.serial);
	if (ca != NULL)
		event_add_hex(e, "issuer-ski", ca->row.ski,
		    sizeof ca->row.ski);
	else
		event_add(e, "issuer-ski", "-");
	event_add(e, "status", "%s", cert_status_name((int64_t)c->to));
	event_add(e, "crl-reason", "%s", c->to == CERT_GOOD ? "-" :
	    c->to == CERT_HOLD ? reason_name(6) :
	    reason_name(r->row.crl_reason));
	if (c->to != CERT_GOOD && r->row.invalidity_ms != 0)
		event_add_time(e, "invalidity", r->row.invalidity_ms);
	event_add(e, "rev-seq", "%" PRId64, seq);
}

/* ---- one device ---- */

static int
apply_cert(struct tx *tx, struct revoke *r, const struct select_cert *c,
    int64_t *seq)
{
	const struct cert_pick *p = &c->pick;
	struct status_to to = { .status = c->to, .reason = r->row.crl_reason,
	    .invalidity_ms = r->row.invalidity_ms };
	struct cert_row row = { .id = p->id, .issuer = p->issuer,
	    .device = p->device, .not_before_ms = p->not_before_ms,
	    .not_after_ms = p->not_after_ms, .status = p->status,
	    .reason = p->reason, .revoked_ms = p->revoked_ms,
	    .invalidity_ms = p->invalidity_ms, .rev_seq = p->rev_seq,
	    .created_ms = p->created_ms, .replaced_by = p->replaced_by };
	int ret;

	memcpy(row.serial, p->serial, sizeof row.serial);
	if (c->to == CERT_HOLD)
		to.reason = 6;
	ret = status_change(tx, &row, &to, r->now, seq, &r->c->why);
	if (ret == CAMCA_OK && *seq > r->row.rev_seq)
		r->row.rev_seq = *seq;
	return ret;
}

static int
apply_cert_event(struct tx *tx, struct revoke *r,
    const struct select_device *d, const struct select_cert *c, int64_t seq)
{
	struct event e;

	event_init_many(&e, &r->c->a->events, "cert.revoked", d->id,
	    r->c->caller->actor, &r->ids);
	apply_event_cert(&e, r, c, seq);
	apply_event_batch(&e, r);
	return event_put(tx, &e);
}

/* One event for the device, with its first certificate in it: a batch has
 * thousands of them. Further certificates have their own. */
static int
apply_device_event(struct tx *tx, struct revoke *r,
    const struct select_device *d, const struct select_cert *c, int64_t seq)
{
	struct event e;

	event_init_many(&e, &r->c->a->events, "device.moved", d->id,
	    r->c->caller->actor, &r->ids);
	event_add(&e, "from", "%s", device_state_name(d->from.state));
	event_add(&e, "to", "%s", device_state_name(d->to.state));
	if (d->from.restriction != d->to.restriction)
		event_add(&e, "restriction", "%s",
		    device_restriction_name(d->to.restriction));
	if (c != NULL)
		apply_event_cert(&e, r, c, seq);
	apply_event_batch(&e, r);
	return event_put(tx, &e);
}

static bool
apply_moves(const struct select_device *d)
{
	return d->from.state != d->to.state ||
	    d->from.restriction != d->to.restriction;
}

static int
apply_device(struct tx *tx, struct revoke *r, const struct select_device *d)
{
	const struct select_cert *c;
	bool moves = apply_moves(d), told = !moves;
	int64_t seq = 0;
	size_t i;
	int ret = CAMCA_OK;

	if (moves)
		ret = store_device_standing(tx, d->pk, d->to.state,
		    d->to.restriction, r->now);
	for (i = d->certs; i < d->certs + d->ncerts && ret == CAMCA_OK; i++) {
		c = &r->found.certs[i];
		if (!c->changes)
			continue;
		ret = apply_cert(tx, r, c, &seq);
		if (ret < 0)
			break;
		ret = told ? apply_cert_event(tx, r, d, c, seq) :
		    apply_device_event(tx, r, d, c, seq);
		told = true;
	}
	if (ret == CAMCA_OK && !told)
		ret = apply_device_event(tx, r, d, NULL, 0);
	return ret;
}

/* ---- the batch ---- */

int
revoke_load(struct tx *tx, struct revoke *r, int64_t id)
{
	int ret = store_rev_batch_get(tx, id, &r->row);

	if (ret == CAMCA_ENOENT)
		return refuse(&r->c->why, ret, 404, "revoke.unknown",
		    "There is no batch %" PRId64 ".", id);
	r->action = (struct select_action){
	    (enum device_action)r->row.action, r->row.crl_reason };
	return ret;
}

int
revoke_check_open(struct revoke *r)
{
	const char *world = arg_text(r->c, "world");
	uint8_t seen[STORE_HASH_LEN];

	if (r->row.state != REV_PLANNED && r->row.state != REV_APPROVED)
		return refuse(&r->c->why, CAMCA_ECONFLICT, 409,
		    "revoke.state", "Batch %" PRId64 " is %s.", r->row.id,
		    revoke_state_name(r->row.state));
	if (r->row.created_ms + r->rules.batch_ttl_ms <= r->now)
		return refuse(&r->c->why, CAMCA_ECONFLICT, 409,
		    "revoke.expired", "The preview of batch %" PRId64
		    " is too old: plan it again.", r->row.id);
	if (world != NULL && (dec_hex(seen, sizeof seen, world) < 0 ||
	    memcmp(seen, r->row.world, sizeof seen) != 0))
		return refuse(&r->c->why, CAMCA_ECONFLICT, 409,
		    "revoke.changed", "Batch %" PRId64 " has another preview "
		    "now than the one you saw: look at it again.", r->row.id);
	return CAMCA_OK;
}

static int
apply_look(struct tx *tx, struct revoke *r)
{
	int64_t begin = uptime_ms();
	int ret;

	selection_free(&r->found);
	selector_free(&r->selector);
	ret = selector_load(&r->selector, r->row.selector, &r->c->why);
	if (ret == CAMCA_OK)
		ret = select_run(tx, &r->selector, &r->action, r->now,
		    &r->found, &r->c->why);
	r->plan_ms = uptime_ms() - begin;
	return ret;
}

/* The preview is made anew in place. An approval was given to the old one. */
static int
apply_replan(struct tx *tx, struct revoke *r)
{
	enum rev_batch_state from = (enum rev_batch_state)r->row.state;
	struct revoke_counts n;
	struct event e;
	int ret;

	r->changed = true;
	if ((ret = revoke_items_compare(tx, r)) < 0 ||
	    (ret = revoke_summary(r)) < 0)
		return ret;
	r->row.state = REV_PLANNED;
	r->row.created_ms = r->now;
	r->row.approved_ms = 0;
	r->row.approved_by[0] = '\0';
	if ((ret = store_rev_batch_move(tx, &r->row, from)) < 0 ||
	    (ret = revoke_items_put(tx, r)) < 0)
		return ret;
	revoke_count(&r->found, &n);
	revoke_event(&e, r, "revoke.changed", &n);
	event_add(&e, "undetermined", "%" PRId64, n.undetermined);
	event_add(&e, "unchanged", "%" PRId64, n.unchanged);
	event_add(&e, "reason", "%s", r->what);
	return event_put(tx, &e);
}

/* The record holds what was done: cameras may have renewed since. */
static int
apply_items(struct tx *tx, struct revoke *r)
{
	char was[sizeof r->row.summary];
	int ret;

	memcpy(was, r->row.summary, sizeof was);
	if ((ret = revoke_summary(r)) < 0)
		return ret;
	return strcmp(was, r->row.summary) == 0 ? CAMCA_OK :
	    revoke_items_put(tx, r);
}

static int
apply_done(struct tx *tx, struct revoke *r, const struct revoke_counts *n)
{
	enum rev_batch_state from = (enum rev_batch_state)r->row.state;
	struct event e;
	int ret;

	r->row.state = REV_APPLIED;
	r->row.decided_ms = r->now;
	snprintf(r->row.decided_by, sizeof r->row.decided_by, "%s",
	    r->c->caller->actor);
	if ((ret = store_rev_batch_move(tx, &r->row, from)) < 0)
		return ret;
	revoke_event(&e, r, "revoke.applied", n);
	event_add(&e, "action", "%s", device_action_name(r->action.action));
	event_add(&e, "reason", "%s", r->row.reason);
	event_add(&e, "policy", "%s", r->policy);
	if (r->row.rev_seq != 0)
		event_add(&e, "rev-seq", "%" PRId64, r->row.rev_seq);
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
apply_all(struct tx *tx, struct revoke *r)
{
	const struct selection *s = &r->found;
	struct revoke_counts n;
	size_t i;
	int ret = CAMCA_OK;

	revoke_count(s, &n);
	if (r->row.state != REV_APPROVED && revoke_needs_second(&r->rules, &n))
		return refuse(&r->c->why, CAMCA_EPOLICY, 403,
		    "revoke.second-person", "Batch %" PRId64 " changes more "
		    "than %" PRId64 " items: another person has to approve it "
		    "first.", r->row.id, r->rules.second_person_above);
	r->row.rev_seq = 0;
	for (i = 0; i < s->ndevices && ret == CAMCA_OK; i++)
		if (s->devices[i].verdict == REV_CHANGES)
			ret = apply_device(tx, r, &s->devices[i]);
	if (ret == CAMCA_OK)
		ret = apply_items(tx, r);
	return ret < 0 ? ret : apply_done(tx, r, &n);
}

int
revoke_apply_tx(struct tx *tx, void *arg)
{
	struct revoke *r = arg;
	int64_t begin;
	int ret;

	r->changed = false;
	if ((ret = revoke_load(tx, r, arg_int(r->c, "batch", 0))) < 0 ||
	    (ret = revoke_check_open(r)) < 0 || (ret = apply_look(tx, r)) < 0)
		return ret;
	begin = uptime_ms();
	ret = memcmp(r->found.world, r->row.world, sizeof r->row.world) != 0 ?
	    apply_replan(tx, r) : apply_all(tx, r);
	if (ret == CAMCA_OK)
		ret = store_rev_seq(tx, &r->rev_seq);
	r->write_ms = uptime_ms() - begin;
	return ret;
}
