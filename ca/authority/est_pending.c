/* SPDX-License-Identifier: Apache-2.0 */
/* The approval queue. An entry is matched on device, key and label, never on
 * the bytes of the request: a client that proves possession signs a new CSR
 * each time (RFC 7030 4.2.3). */
#include <inttypes.h>
#include <string.h>

#include "ca/authority/est.h"

#define PENDING_PER_DEVICE 4

struct queue {
	struct est *x;
	bool fresh;                    /* entry made now */
};

static const char *
queue_auth_name(unsigned auth)
{
	return auth == AUTH_SECRET ? "secret" : auth == AUTH_IDEVID ?
	    "idevid" : auth == AUTH_RA ? "ra" : "cert+secret";
}

static int
queue_add(struct tx *tx, struct est *x)
{
	struct pending_row *r = &x->pending;
	struct event e;
	int64_t open = 0;
	int ret;

	ret = store_pending_open_count(tx, x->dev.pk, x->now, &open);
	if (ret < 0)
		return ret;
	if (open >= PENDING_PER_DEVICE)
		return refuse(&x->c->why, CAMCA_EPOLICY, 403,
		    "enroll.queue-full", "Device '%s' has %lld requests "
		    "waiting already.", x->dev.id, (long long)open);
	memset(r, 0, sizeof *r);
	r->device = x->dev.pk;
	memcpy(r->label, x->profile->label, sizeof r->label);
	memcpy(r->spki, x->csr.spki, sizeof r->spki);
	r->state = PENDING_WAITING;
	r->created_ms = x->now;
	r->expires_ms = x->now + x->profile->approval_ttl_ms;
	ret = store_pending_insert(tx, r);
	if (ret == CAMCA_OK && x->have_secret)
		ret = store_secret_reserve(tx, x->selector, x->csr.spki);
	if (ret == CAMCA_ECONFLICT)
		return secret_refuse(&x->c->why);
	if (ret < 0)
		return ret;
	event_init(&e, &x->a->events, "enroll.pending", x->dev.id,
	    x->c->caller->actor);
	event_add(&e, "label", "%s", r->label[0] != '\0' ? r->label : "-");
	event_add_hex(&e, "spki", r->spki, sizeof r->spki);
	event_add_time(&e, "expires", r->expires_ms);
	event_add(&e, "auth", "%s", queue_auth_name(x->auth));
	event_add(&e, "policy", "%s", x->pol->hex);
	return event_put(tx, &e);
}

static int
queue_expire(struct tx *tx, struct est *x)
{
	struct event e;
	int ret = store_pending_move(tx, x->pending.id,
	    (enum pending_state)x->pending.state, PENDING_EXPIRED, x->now,
	    "camcad", "");

	if (ret < 0)
		return ret;
	event_init(&e, &x->a->events, "enroll.expired", x->dev.id, "camcad");
	event_add(&e, "label", "%s",
	    x->pending.label[0] != '\0' ? x->pending.label : "-");
	event_add_hex(&e, "spki", x->pending.spki, sizeof x->pending.spki);
	return event_put(tx, &e);
}

static bool
queue_is_open(const struct pending_row *r)
{
	return r->state == PENDING_WAITING || r->state == PENDING_APPROVED;
}

static int
queue_tx(struct tx *tx, void *arg)
{
	struct queue *q = arg;
	struct est *x = q->x;
	int ret = store_pending_find(tx, x->dev.pk, x->csr.spki,
	    x->profile->label, &x->pending);

	q->fresh = false;
	if (ret < 0 && ret != CAMCA_ENOENT)
		return ret;
	if (ret == CAMCA_OK && queue_is_open(&x->pending) &&
	    x->pending.expires_ms <= x->now) {
		if ((ret = queue_expire(tx, x)) < 0)
			return ret;
		ret = CAMCA_ENOENT;
	}
	if (ret == CAMCA_OK && (queue_is_open(&x->pending) ||
	    x->pending.state == PENDING_DENIED))
		return CAMCA_OK;
	q->fresh = true;
	return queue_add(tx, x);
}

/* Polling an entry that stands changes nothing: no write for it. */
static int
queue_peek_tx(struct tx *tx, void *arg)
{
	struct queue *q = arg;
	struct est *x = q->x;
	int ret = store_pending_find(tx, x->dev.pk, x->csr.spki,
	    x->profile->label, &x->pending);

	if (ret == CAMCA_OK && (x->pending.state == PENDING_DENIED ||
	    (queue_is_open(&x->pending) && x->pending.expires_ms > x->now)))
		return CAMCA_OK;
	return ret < 0 ? ret : CAMCA_ENOENT;
}

int
est_queue(struct est *x)
{
	struct queue q = { .x = x };
	int ret = store_tx(x->a->store, DB_READ, queue_peek_tx, &q);

	if (ret == CAMCA_ENOENT)
		ret = store_tx(x->a->store, DB_WRITE, queue_tx, &q);
	if (ret < 0)
		return ret;
	if (x->pending.state == PENDING_APPROVED)
		return CAMCA_OK;
	if (x->pending.state == PENDING_DENIED)
		return refuse(&x->c->why, CAMCA_EPOLICY, 403, "enroll.denied",
		    "An operator denied this enrollment%s%s.",
		    x->pending.reason[0] != '\0' ? ": " : "",
		    x->pending.reason);
	refuse(&x->c->why, CAMCA_EPENDING, 202, "enroll.pending",
	    "The enrollment of '%s' waits for approval.", x->dev.id);
	x->c->why.retry_after_s = (int)x->profile->retry_after_s;
	return CAMCA_EPENDING;
}
