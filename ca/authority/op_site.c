/* SPDX-License-Identifier: Apache-2.0 */
#include <stdio.h>
#include <string.h>

#include "ca/authority/ops.h"

static json_t *
site_json(const struct site_row *s)
{
	json_t *o = json_pack("{s:s, s:s, s:I}", "id", s->id, "name", s->name,
	    "level", (json_int_t)s->level);

	if (o != NULL)
		json_set_time(o, "created", s->created_ms);
	return o;
}

struct site_add {
	struct op_call *c;
	struct site_row row;
};

static int
site_add_tx(struct tx *tx, void *arg)
{
	struct site_add *x = arg;
	struct event e;
	int ret = store_site_insert(tx, &x->row);

	if (ret == CAMCA_ECONFLICT)
		return refuse(&x->c->why, ret, 409, "site.exists",
		    "There is a site '%s' already.", x->row.id);
	if (ret < 0)
		return ret;
	event_init(&e, &x->c->a->events, "site.added", NULL,
	    x->c->caller->actor);
	event_add(&e, "site", "%s", x->row.id);
	event_add(&e, "level", "%lld", (long long)x->row.level);
	return event_put(tx, &e);
}

int
op_site_add(struct op_call *c)
{
	struct site_add x = { .c = c };
	int ret;

	snprintf(x.row.id, sizeof x.row.id, "%s", arg_text(c, "id"));
	snprintf(x.row.name, sizeof x.row.name, "%s", arg_text(c, "name"));
	x.row.level = arg_int(c, "level", 0);
	if ((ret = site_normalize(&x.row, &c->why)) < 0 ||
	    (ret = authority_now(c->a, &x.row.created_ms, &c->why)) < 0 ||
	    (ret = store_tx(c->a->store, DB_WRITE, site_add_tx, &x)) < 0)
		return ret;
	c->result = json_pack("{s:o}", "site", site_json(&x.row));
	return c->result != NULL ? CAMCA_OK : CAMCA_ENOMEM;
}

static int
site_list_row(const struct site_row *r, void *arg)
{
	struct page *p = arg;

	snprintf(p->next, sizeof p->next, "%s", r->id);
	return json_array_append_new(p->items, site_json(r)) == 0 ? 0 :
	    CAMCA_ENOMEM;
}

struct site_list {
	struct op_call *c;
	struct page page;
};

static int
site_list_tx(struct tx *tx, void *arg)
{
	struct site_list *x = arg;
	const char *after = arg_text(x->c, "after");

	json_array_clear(x->page.items);
	return store_site_list(tx, after != NULL ? after : "", x->page.limit,
	    site_list_row, &x->page);
}

int
op_site_list(struct op_call *c)
{
	struct site_list x = { .c = c };
	int ret;

	page_begin(c, &x.page);
	ret = store_tx(c->a->store, DB_READ, site_list_tx, &x);
	if (ret < 0) {
		json_decref(x.page.items);
		return ret;
	}
	return page_end(c, &x.page);
}
