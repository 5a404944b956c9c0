/* SPDX-License-Identifier: Apache-2.0 */
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "ca/authority/ops.h"

struct event_list {
	struct op_call *c;
	struct page page;
	int64_t after;
};

static int
event_list_row(const struct event_row *r, void *arg)
{
	struct page *p = arg;
	json_t *o = json_pack("{s:I, s:s, s:s, s:s%}", "seq",
	    (json_int_t)r->seq, "type", r->type, "device", r->device, "body",
	    (const char *)r->body.p, r->body.n);

	if (o == NULL)
		return CAMCA_ENOMEM;
	json_set_hex(o, "id", r->id, sizeof r->id);
	json_set_time(o, "time", r->time_ms);
	snprintf(p->next, sizeof p->next, "%" PRId64, r->seq);
	return json_array_append_new(p->items, o) == 0 ? 0 : CAMCA_ENOMEM;
}

static int
event_list_tx(struct tx *tx, void *arg)
{
	struct event_list *x = arg;

	json_array_clear(x->page.items);
	return store_outbox_list(tx, arg_text(x->c, "device"), x->after,
	    x->page.limit, event_list_row, &x->page);
}

int
op_event_list(struct op_call *c)
{
	struct event_list x = { .c = c };
	int ret = page_after(c, &x.after);

	if (ret < 0)
		return ret;
	page_begin(c, &x.page);
	/* An event has up to 4 kB of text: 128 of them fit a frame. */
	if (x.page.limit > 128)
		x.page.limit = 128;
	ret = store_tx(c->a->store, DB_READ, event_list_tx, &x);
	if (ret < 0) {
		json_decref(x.page.items);
		return ret;
	}
	return page_end(c, &x.page);
}
