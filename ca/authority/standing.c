/* SPDX-License-Identifier: Apache-2.0 */
/* One device and its certificates are taken out of service, or marked, by a
 * rule and not by a person's selection. */
#include <string.h>

#include "ca/authority/agent.h"
#include "ca/status/change.h"

#define REASON_HOLD 6                  /* RFC 5280 5.3.1 */
#define REASON_CESSATION 5

struct standing_walk {
	struct tx *tx;
	struct standing_change *s;
};

static int
standing_cert_event(struct standing_walk *w, const struct cert_row *r,
    const struct status_to *to, int64_t seq)
{
	struct standing_change *s = w->s;
	const struct ca *ca = ca_by_id(s->cas, r->issuer);
	struct event e;

	event_init(&e, s->by->src, "cert.revoked", s->dev->id, s->by->actor);
	event_add_hex(&e, "serial", r->serial, sizeof r->serial);
	if (ca != NULL)
		event_add_hex(&e, "issuer-ski", ca->row.ski,
		    sizeof ca->row.ski);
	else
		event_add(&e, "issuer-ski", "-");
	event_add(&e, "status", "%s", cert_status_name(to->status));
	event_add(&e, "crl-reason", "%s", reason_name(to->reason));
	event_add(&e, "rev-seq", "%lld", (long long)seq);
	event_add(&e, "reason", "%s", s->reason);
	return event_put(w->tx, &e);
}

static int
standing_cert(const struct cert_row *r, void *arg)
{
	struct standing_walk *w = arg;
	struct standing_change *s = w->s;
	struct status_to to = { .reason = s->action == ACTION_HOLD ?
	    REASON_HOLD : s->crl_reason };
	enum cert_status status;
	int64_t seq = 0;
	int ret;

	if (r->not_after_ms <= s->by->now_ms || !cert_action(s->action,
	    s->crl_reason, (enum cert_status)r->status, r->reason, &status))
		return 0;
	to.status = status;
	ret = status_change(w->tx, r, &to, s->by->now_ms, &seq, NULL);
	return ret < 0 ? ret : standing_cert_event(w, r, &to, seq);
}

static int
standing_event(struct tx *tx, const struct standing_change *s,
    const struct device_standing *from, const struct device_standing *to)
{
	struct event e;

	event_init(&e, s->by->src, "device.moved", s->dev->id, s->by->actor);
	event_add(&e, "from", "%s", device_state_name(from->state));
	event_add(&e, "to", "%s", device_state_name(to->state));
	if (from->restriction != to->restriction)
		event_add(&e, "restriction", "%s",
		    device_restriction_name(to->restriction));
	event_add(&e, "reason", "%s", s->reason);
	return event_put(tx, &e);
}

/* Does it change the device, and to what? */
static bool
standing_to(const struct standing_change *s,
    const struct device_standing *from, bool had_cert,
    struct device_standing *to)
{
	if (!s->retire)
		return device_action(s->action, from, had_cert, to) ==
		    EFFECT_CHANGES;
	*to = *from;
	to->state = DEVICE_RETIRED;
	return device_move_ok(from->state, DEVICE_RETIRED);
}

int
standing_change(struct tx *tx, struct standing_change *s)
{
	struct standing_walk w = { tx, s };
	struct device_standing to, from = {
	    (enum device_state)s->dev->state,
	    (enum device_restriction)s->dev->restriction };
	bool had_cert = false;
	int ret = store_cert_any(tx, s->dev->pk, &had_cert);

	s->changed = false;
	if (ret < 0)
		return ret;
	if (s->retire) {
		s->action = ACTION_REVOKE;
		s->crl_reason = REASON_CESSATION;
	}
	if (standing_to(s, &from, had_cert, &to)) {
		if ((ret = store_device_standing(tx, s->dev->pk, to.state,
		    to.restriction, s->by->now_ms)) < 0 ||
		    (ret = standing_event(tx, s, &from, &to)) < 0)
			return ret;
		s->dev->state = (int64_t)to.state;
		s->dev->restriction = (int64_t)to.restriction;
		s->changed = true;
	}
	if (s->action != ACTION_WATCH && (ret = store_cert_list(tx,
	    s->dev->pk, 0, 0, INT64_MAX, standing_cert, &w)) < 0)
		return ret;
	return store_rev_seq(tx, &s->rev_seq);
}
