/* SPDX-License-Identifier: Apache-2.0 */
/* device.move: the state of a device and of its certificates, in one step. */
#include <string.h>

#include "ca/authority/ops.h"

struct device_move {
	struct op_call *c;
	struct device_row dev;
	struct ca_set *cas;
	int to;
	int64_t now;
	struct tx *tx;
};

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
	enum cert_status to = move_means[x->to].status;
	int64_t seq = 0;
	struct event e;
	int ret = store_cert_set_status(x->tx, r->id, to,
	    move_means[x->to].reason, x->now, &seq);

	if (ret < 0)
		return ret;
	event_init(&e, &x->c->a->events, "cert.revoked", x->dev.id,
	    x->c->caller->actor);
	event_add_hex(&e, "serial", r->serial, sizeof r->serial);
	if (ca != NULL)
		event_add_hex(&e, "issuer-ski", ca->row.ski,
		    sizeof ca->row.ski);
	event_add(&e, "status", "%s", cert_status_name(to));
	event_add(&e, "crl-reason", "%s", to == CERT_GOOD ? "-" :
	    reason_name(move_means[x->to].reason));
	event_add(&e, "rev-seq", "%lld", (long long)seq);
	event_add(&e, "reason", "%s", arg_text(x->c, "reason"));
	return event_put(x->tx, &e);
}

/* A device that may not be used must not keep a certificate that says it may,
 * however many it has: a stolen key could renew until a limit is reached. */
static int
move_each(const struct cert_row *r, void *arg)
{
	struct device_move *x = arg;

	if (r->not_after_ms <= x->now || r->status == CERT_REVOKED ||
	    r->status == (int64_t)move_means[x->to].status)
		return 0;
	return move_cert(x, r);
}

static int
device_move_tx(struct tx *tx, void *arg)
{
	struct device_move *x = arg;
	enum device_state from;
	struct event e;
	int ret = store_device_get(tx, arg_text(x->c, "id"), &x->dev);

	if (ret == CAMCA_ENOENT)
		return refuse(&x->c->why, ret, 404, "device.unknown",
		    "There is no device '%s'.", arg_text(x->c, "id"));
	if (ret < 0)
		return ret;
	from = (enum device_state)x->dev.state;
	if (!device_move_ok(from, (enum device_state)x->to))
		return refuse(&x->c->why, CAMCA_ECONFLICT, 409, "device.move",
		    "A device that is %s cannot become %s.",
		    device_state_name(from),
		    device_state_name((enum device_state)x->to));
	ret = store_device_move(tx, x->dev.pk, from, (enum device_state)x->to,
	    x->now);
	if (ret < 0)
		return ret;
	x->dev.state = x->to;
	x->dev.updated_ms = x->now;
	x->tx = tx;
	if ((ret = store_cert_list(tx, x->dev.pk, 0, 0, INT64_MAX, move_each,
	    x)) < 0)
		return ret;
	event_init(&e, &x->c->a->events, "device.moved", x->dev.id,
	    x->c->caller->actor);
	event_add(&e, "from", "%s", device_state_name(from));
	event_add(&e, "to", "%s", device_state_name((enum device_state)x->to));
	event_add(&e, "reason", "%s", arg_text(x->c, "reason"));
	return event_put(tx, &e);
}

int
op_device_move(struct op_call *c)
{
	struct device_move x = { .c = c, .cas = authority_cas(c->a) };
	int ret;

	if ((ret = device_state_arg(c, "state", &x.to)) == CAMCA_OK &&
	    (ret = authority_now(c->a, &x.now, &c->why)) == CAMCA_OK)
		ret = store_tx(c->a->store, DB_WRITE, device_move_tx, &x);
	if (ret == CAMCA_OK) {
		c->result = json_pack("{s:o}", "device", device_json(&x.dev));
		ret = c->result != NULL ? CAMCA_OK : CAMCA_ENOMEM;
	}
	authority_cas_put(c->a, x.cas);
	return ret;
}
