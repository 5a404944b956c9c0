/* SPDX-License-Identifier: Apache-2.0 */
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "ca/authority/ops.h"
#include "ca/custody/reader.h"

/* An event has up to 4 kB of text: so many of them fit a frame. */
#define EVENT_PAGE 128

struct event_list {
	struct op_call *c;
	struct page page;
	int64_t after;
};

static int
event_list_add(struct event_list *x, const struct event_row *r)
{
	json_t *o = json_pack("{s:I, s:s, s:s, s:s%}", "seq",
	    (json_int_t)r->seq, "type", r->type, "device", r->device, "body",
	    (const char *)r->body.p, r->body.n);

	if (o == NULL)
		return CAMCA_ENOMEM;
	json_set_hex(o, "id", r->id, sizeof r->id);
	json_set_time(o, "time", r->time_ms);
	snprintf(x->page.next, sizeof x->page.next, "%" PRId64, r->seq);
	return json_array_append_new(x->page.items, o) == 0 ? 0 :
	    CAMCA_ENOMEM;
}

/* One that waits still. */
static int
event_list_row(const struct event_row *r, void *arg)
{
	return event_list_add(arg, r);
}

/* One of the log: what the outbox had in columns is in its text. An entry that
 * cannot be read was not written by this program (custody fsck says more). */
static int
event_list_entry(const struct log_entry_row *e, void *arg)
{
	struct event_row r = { .seq = e->idx + 1, .type = "-", .device = "-" };
	struct event_view v;

	memcpy(r.id, e->event_id, sizeof r.id);
	r.body.p = (uint8_t *)"";
	if (event_parse(&v, e->data.p, e->data.n, NULL) == CAMCA_OK) {
		r.time_ms = v.time_ms;
		r.body = e->data;
		snprintf(r.type, sizeof r.type, "%s", v.type->name);
		snprintf(r.device, sizeof r.device, "%.*s", (int)v.device.n,
		    v.device.p);
	}
	return event_list_add(arg, &r);
}

static int64_t
event_list_room(const struct event_list *x)
{
	return x->page.limit - (int64_t)json_array_size(x->page.items);
}

/* An event keeps its number when it moves from the outbox (seq) into the log
 * (index seq - 1), and one transaction sees it in one of the two: none is shown
 * twice or left out between two pages. */
static int
event_list_tx(struct tx *tx, void *arg)
{
	struct event_list *x = arg;
	const char *device = arg_text(x->c, "device");
	int ret = CAMCA_OK;

	json_array_clear(x->page.items);
	if (device == NULL)
		ret = store_log_entry_list(tx, x->after, x->page.limit,
		    event_list_entry, x);
	else if (x->page.limit > 0)
		ret = reader_device(tx, device, x->after - 1, x->page.limit,
		    event_list_entry, x);
	return ret < 0 ? ret : store_outbox_list(tx, device, x->after,
	    event_list_room(x), event_list_row, x);
}

int
op_event_list(struct op_call *c)
{
	struct event_list x = { .c = c };
	int ret = page_after(c, &x.after);

	if (ret < 0)
		return ret;
	page_begin(c, &x.page);
	if (x.page.limit > EVENT_PAGE)
		x.page.limit = EVENT_PAGE;
	ret = store_tx(c->a->store, DB_READ, event_list_tx, &x);
	if (ret < 0) {
		json_decref(x.page.items);
		return ret;
	}
	return page_end(c, &x.page);
}
