/* SPDX-License-Identifier: Apache-2.0 */
/* The queue of enrollments that wait for a person (RFC 7030 4.2.3, 202). */
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "ca/authority/ops.h"

static const char *const pending_names[] = { "waiting", "approved", "denied",
    "issued", "expired" };

json_t *
pending_json(const struct pending_row *r, const char *device)
{
	json_t *o = json_pack("{s:I, s:s, s:s, s:s, s:s, s:s}", "id",
	    (json_int_t)r->id, "device", device, "label", r->label, "state",
	    pending_names[r->state], "decided_by", r->decided_by, "reason",
	    r->reason);

	if (o != NULL) {
		json_set_hex(o, "spki", r->spki, sizeof r->spki);
		json_set_time(o, "created", r->created_ms);
		json_set_time(o, "expires", r->expires_ms);
	}
	return o;
}

struct enroll_list {
	struct op_call *c;
	struct tx *tx;
	struct page page;
	int state;
	int64_t after;
};

static int
enroll_list_row(const struct pending_row *r, void *arg)
{
	struct enroll_list *x = arg;
	struct device_row d;
	int ret = store_device_by_pk(x->tx, r->device, &d);

	if (ret < 0)
		return ret;
	snprintf(x->page.next, sizeof x->page.next, "%" PRId64, r->id);
	return json_array_append_new(x->page.items,
	    pending_json(r, d.id)) == 0 ? 0 : CAMCA_ENOMEM;
}

static int
enroll_list_tx(struct tx *tx, void *arg)
{
	struct enroll_list *x = arg;

	x->tx = tx;
	json_array_clear(x->page.items);
	return store_pending_list(tx, x->state, x->after, x->page.limit,
	    enroll_list_row, x);
}

static int
enroll_state_arg(struct op_call *c, int *out)
{
	const char *s = arg_text(c, "state");
	size_t i;

	*out = PENDING_WAITING;
	if (s == NULL)
		return CAMCA_OK;
	*out = -1;
	if (strcmp(s, "all") == 0)
		return CAMCA_OK;
	for (i = 0; i < sizeof pending_names / sizeof pending_names[0]; i++)
		if (strcmp(s, pending_names[i]) == 0) {
			*out = (int)i;
			return CAMCA_OK;
		}
	return refuse(&c->why, CAMCA_EINVAL, 400, "enroll.state",
	    "There is no queue state '%s'.", s);
}

int
op_enroll_list(struct op_call *c)
{
	struct enroll_list x = { .c = c };
	int ret;

	if ((ret = enroll_state_arg(c, &x.state)) < 0 ||
	    (ret = page_after(c, &x.after)) < 0)
		return ret;
	page_begin(c, &x.page);
	ret = store_tx(c->a->store, DB_READ, enroll_list_tx, &x);
	if (ret < 0) {
		json_decref(x.page.items);
		return ret;
	}
	return page_end(c, &x.page);
}

struct enroll_decide {
	struct op_call *c;
	enum pending_state to;
	int64_t now;
	struct pending_row row;
};

static int
enroll_decide_tx(struct tx *tx, void *arg)
{
	struct enroll_decide *x = arg;
	const char *reason = arg_text(x->c, "reason");
	int64_t id = arg_int(x->c, "id", 0);
	struct device_row d;
	struct event e;
	int ret = store_pending_get(tx, id, &x->row);

	if (ret == CAMCA_ENOENT)
		return refuse(&x->c->why, ret, 404, "enroll.unknown",
		    "There is no queue entry %lld.", (long long)id);
	if (ret < 0)
		return ret;
	if (x->row.state != PENDING_WAITING || x->row.expires_ms <= x->now)
		return refuse(&x->c->why, CAMCA_ECONFLICT, 409,
		    "enroll.decided", "Queue entry %lld is %s.", (long long)id,
		    x->row.state == PENDING_WAITING ? "expired" :
		    pending_names[x->row.state]);
	if ((ret = store_device_by_pk(tx, x->row.device, &d)) < 0 ||
	    (ret = store_pending_move(tx, id, PENDING_WAITING, x->to, x->now,
	    x->c->caller->actor, reason != NULL ? reason : "")) < 0)
		return ret;
	event_init(&e, &x->c->a->events, x->to == PENDING_APPROVED ?
	    "enroll.approved" : "enroll.denied", d.id, x->c->caller->actor);
	event_add(&e, "label", "%s", x->row.label[0] ? x->row.label : "-");
	event_add_hex(&e, "spki", x->row.spki, sizeof x->row.spki);
	if (reason != NULL && reason[0] != '\0')
		event_add(&e, "reason", "%s", reason);
	return event_put(tx, &e);
}

static int
enroll_decide(struct op_call *c, enum pending_state to)
{
	struct enroll_decide x = { .c = c, .to = to };
	int ret;

	if ((ret = authority_now(c->a, &x.now, &c->why)) < 0 ||
	    (ret = store_tx(c->a->store, DB_WRITE, enroll_decide_tx, &x)) < 0)
		return ret;
	c->result = json_pack("{s:I, s:s}", "id", (json_int_t)x.row.id, "state",
	    pending_names[to]);
	return c->result != NULL ? CAMCA_OK : CAMCA_ENOMEM;
}

int
op_enroll_approve(struct op_call *c)
{
	return enroll_decide(c, PENDING_APPROVED);
}

int
op_enroll_deny(struct op_call *c)
{
	return enroll_decide(c, PENDING_DENIED);
}
