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

/* One event, with its own bytes where they can be read; where not, it was not
 * written by this program (of an entry, custody fsck says more). */
static int
event_list_add(struct event_list *x, int64_t seq, const uint8_t *id,
    const struct store_blob *text)
{
	static const char none[] = "-";
	struct event_view v;
	bool ok = event_parse(&v, text->p, text->n, NULL) == CAMCA_OK;
	json_t *o;

	if (!ok) {
		v.time_ms = 0;
		v.device = (struct event_text){ none, 1 };
	}
	o = json_pack("{s:I, s:s, s:s%, s:s%}", "seq", (json_int_t)seq,
	    "type", ok ? v.type->name : none, "device", v.device.p, v.device.n,
	    "body", ok ? (const char *)text->p : "", ok ? text->n : 0);
	if (o == NULL)
		return CAMCA_ENOMEM;
	json_set_hex(o, "id", id, STORE_LOG_ID_LEN);
	json_set_time(o, "time", v.time_ms);
	snprintf(x->page.next, sizeof x->page.next, "%" PRId64, seq);
	return json_array_append_new(x->page.items, o) == 0 ? 0 :
	    CAMCA_ENOMEM;
}

/* One that waits still. */
static int
event_list_row(const struct event_row *r, void *arg)
{
	return event_list_add(arg, r->seq, r->id, &r->body);
}

static int
event_list_entry(const struct log_entry_row *e, void *arg)
{
	return event_list_add(arg, e->idx + 1, e->event_id, &e->data);
}

static int64_t
event_list_room(const struct event_list *x)
{
	return x->page.limit - (int64_t)json_array_size(x->page.items);
}

/* An event keeps its number (seq) when the log takes it (as index seq - 1), and
 * one transaction sees it in the log or waiting: none is shown twice or left out
 * between two pages. */
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
