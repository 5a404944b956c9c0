/* SPDX-License-Identifier: Apache-2.0 */
/* device.move: the state of a device and of its certificates, in one step. */
#include <string.h>

#include "ca/authority/feed.h"
#include "ca/authority/ops.h"
#include "ca/status/change.h"

struct device_move {
	struct op_call *c;
	struct device_row dev;
	struct ca_set *cas;
	int asked;                     /* enum device_state, or MOVE_RELEASE */
	int to;                        /* enum device_state */
	int64_t now, rev_seq;
	struct tx *tx;
	bool already;                  /* it stands so, nothing to do */
};

/* "released": out of a hold, back to where it was, and without restriction. */
#define MOVE_RELEASE DEVICE_STATES

/* What a state means for the certificates; reasons of RFC 5280 5.3.1. */
static const struct {
	enum cert_status status;
	int64_t reason;
} move_means[DEVICE_STATES] = {
	[DEVICE_REGISTERED] = { CERT_GOOD, -1 },
	[DEVICE_ENROLLED] = { CERT_GOOD, -1 },
	[DEVICE_HELD] = { CERT_HOLD, 6 },
	[DEVICE_REVOKED] = { CERT_REVOKED, 9 },       /* privilegeWithdrawn */
	[DEVICE_RETIRED] = { CERT_REVOKED, 5 },       /* cessationOfOperation */
	[DEVICE_LOST] = { CERT_REVOKED, 1 },          /* keyCompromise */
};

static int
move_cert(struct device_move *x, const struct cert_row *r)
{
	const struct ca *ca = ca_by_id(x->cas, r->issuer);
	struct status_to to = { move_means[x->to].status,
	    move_means[x->to].reason, 0 };
	int64_t seq = 0;
	struct event e;
	int ret = status_change(x->tx, r, &to, x->now, &seq, &x->c->why);

	if (ret < 0)
		return ret;
	event_init(&e, &x->c->a->events, "cert.revoked", x->dev.id,
	    x->c->caller->actor);
	event_add_hex(&e, "serial", r->serial, sizeof r->serial);
	if (ca != NULL)
		event_add_hex(&e, "issuer-ski", ca->row.ski,
		    sizeof ca->row.ski);
	else
		event_add(&e, "issuer-ski", "-");
	event_add(&e, "status", "%s", cert_status_name(to.status));
	event_add(&e, "crl-reason", "%s", to.status == CERT_GOOD ? "-" :
	    reason_name(move_means[x->to].reason));
	event_add(&e, "rev-seq", "%lld", (long long)seq);
	event_add(&e, "reason", "%s", arg_text(x->c, "reason"));
	return event_put(x->tx, &e);
}

/* A device that may not be used must not keep a certificate that says it may,
 * however many it has: a stolen key could renew until a limit is reached. What
 * was revoked for less is a stolen key, too, when its device is lost. */
static int
move_each(const struct cert_row *r, void *arg)
{
	struct device_move *x = arg;
	const int64_t reason = move_means[x->to].reason;

	if (r->not_after_ms <= x->now ||
	    (r->status == CERT_REVOKED ? x->to != DEVICE_LOST ||
	    r->reason == reason :
	    r->status == (int64_t)move_means[x->to].status))
		return 0;
	return move_cert(x, r);
}

/* Who asks again because the answer was lost hears so, but not before it is
 * true at the gates as well. */
static int
move_already(struct device_move *x)
{
	int ret = store_rev_seq(x->tx, &x->rev_seq);

	x->already = ret == CAMCA_OK;
	return ret < 0 ? ret : refuse(&x->c->why, CAMCA_ECONFLICT, 409,
	    "device.move", "The device is %s already.",
	    device_state_name((enum device_state)x->dev.state));
}

/* What is asked for, by the tables of ca/admit/state.c; CAMCA_ECONFLICT. */
static int
move_standing(struct device_move *x, struct device_standing *to)
{
	struct device_standing from = { (enum device_state)x->dev.state,
	    (enum device_restriction)x->dev.restriction };
	bool had_cert = false;
	int ret = store_cert_any(x->tx, x->dev.pk, &had_cert);

	if (ret < 0)
		return ret;
	if (x->to == MOVE_RELEASE) {
		if (device_action(ACTION_RELEASE, &from, had_cert, to) ==
		    EFFECT_CHANGES)
			return CAMCA_OK;
		return refuse(&x->c->why, CAMCA_ECONFLICT, 409, "device.move",
		    "A device that is %s cannot be released.",
		    device_state_name(from.state));
	}
	*to = from;
	to->state = (enum device_state)x->to;
	if (from.state == to->state)
		return move_already(x);
	if (!device_move_ok(from.state, to->state))
		return refuse(&x->c->why, CAMCA_ECONFLICT, 409, "device.move",
		    "A device that is %s cannot become %s.",
		    device_state_name(from.state),
		    device_state_name(to->state));
	if (from.state == DEVICE_HELD && to->state == (had_cert ?
	    DEVICE_REGISTERED : DEVICE_ENROLLED))
		return refuse(&x->c->why, CAMCA_ECONFLICT, 409, "device.move",
		    "%s %s a certificate: release it.", x->dev.id,
		    had_cert ? "has had" : "never had");
	return CAMCA_OK;
}

static int
move_event(struct tx *tx, struct device_move *x, const char *from,
    const struct device_standing *to)
{
	struct event e;

	event_init(&e, &x->c->a->events, "device.moved", x->dev.id,
	    x->c->caller->actor);
	event_add(&e, "from", "%s", from);
	event_add(&e, "to", "%s", device_state_name(to->state));
	if ((int64_t)to->restriction != x->dev.restriction)
		event_add(&e, "restriction", "%s",
		    device_restriction_name(to->restriction));
	event_add(&e, "reason", "%s", arg_text(x->c, "reason"));
	return event_put(tx, &e);
}

static int
device_move_tx(struct tx *tx, void *arg)
{
	struct device_move *x = arg;
	struct device_standing to;
	const char *from;
	int ret = store_device_get(tx, arg_text(x->c, "id"), &x->dev);

	if (ret == CAMCA_ENOENT)
		return refuse(&x->c->why, ret, 404, "device.unknown",
		    "There is no device '%s'.", arg_text(x->c, "id"));
	x->tx = tx;
	x->to = x->asked;
	x->already = false;
	if (ret < 0 || (ret = move_standing(x, &to)) < 0 ||
	    (ret = store_device_standing(tx, x->dev.pk, to.state,
	    to.restriction, x->now)) < 0)
		return ret;
	from = device_state_name((enum device_state)x->dev.state);
	x->to = (int)to.state;
	if ((ret = store_cert_list(tx, x->dev.pk, 0, 0, INT64_MAX, move_each,
	    x)) < 0 || (ret = move_event(tx, x, from, &to)) < 0)
		return ret;
	x->dev.state = (int64_t)to.state;
	x->dev.restriction = (int64_t)to.restriction;
	x->dev.updated_ms = x->now;
	return store_rev_seq(tx, &x->rev_seq);
}

static int
move_state_arg(struct op_call *c, int *out)
{
	const char *s = arg_text(c, "state");

	if (s == NULL || strcmp(s, "released") != 0)
		return device_state_arg(c, "state", out);
	*out = MOVE_RELEASE;
	return CAMCA_OK;
}

int
op_device_move(struct op_call *c)
{
	struct device_move x = { .c = c, .cas = authority_cas(c->a) };
	struct feed_result gates = { 0 };
	int ret;

	if ((ret = move_state_arg(c, &x.asked)) == CAMCA_OK &&
	    (ret = authority_now(c->a, &x.now, &c->why)) == CAMCA_OK)
		ret = store_tx(c->a->store, DB_WRITE, device_move_tx, &x);
	if (ret == CAMCA_OK || x.already)
		feed_barrier(c->a, x.rev_seq, &gates);
	if (ret == CAMCA_OK) {
		c->result = json_pack("{s:o}", "device", device_json(&x.dev));
		ret = c->result != NULL ? CAMCA_OK : CAMCA_ENOMEM;
	}
	if (ret == CAMCA_OK)
		feed_result_json(c->result, &gates);
	authority_cas_put(c->a, x.cas);
	return ret;
}
