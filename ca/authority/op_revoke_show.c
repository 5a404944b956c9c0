/* SPDX-License-Identifier: Apache-2.0 */
/* revoke.show and revoke.list: what was previewed, and what became of it. */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "ca/authority/revoke.h"
#include "ca/base/enc.h"

#define REVOKE_PAGE 500                /* items: a frame holds a MiB */

static const char *const verdict_names[REV_VERDICTS] = {
	[REV_CHANGES] = "changes",
	[REV_UNDETERMINED] = "undetermined",
	[REV_UNCHANGED] = "unchanged",
};

struct revoke_show {
	struct op_call *c;
	struct tx *tx;
	struct revoke *r;
	struct page page;
	int64_t after_device, after_cert;
	int verdict;
};

/* "DEVICE.CERT", as the page before ended. */
static int
show_after(struct revoke_show *x)
{
	const char *s = arg_text(x->c, "after");
	char rest;

	x->after_device = x->after_cert = -1;
	if (s == NULL || s[0] == '\0' || sscanf(s, "%" SCNd64 ".%" SCNd64 "%c",
	    &x->after_device, &x->after_cert, &rest) == 2)
		return CAMCA_OK;
	return refuse(&x->c->why, CAMCA_EINVAL, 400, "request.argument",
	    "Argument 'after' is not one of ours.");
}

static int
show_verdict(struct revoke_show *x)
{
	const char *s = arg_text(x->c, "verdict");
	int i;

	x->verdict = -1;
	for (i = 0; s != NULL && i < REV_VERDICTS; i++)
		if (strcmp(s, verdict_names[i]) == 0)
			x->verdict = i;
	if (s == NULL || x->verdict >= 0)
		return CAMCA_OK;
	return refuse(&x->c->why, CAMCA_EINVAL, 400, "revoke.verdict",
	    "A verdict is changes, undetermined or unchanged.");
}

/* How the device and the certificate stand now, not when it was planned. */
static int
show_item(const struct rev_item_row *item, void *arg)
{
	struct revoke_show *x = arg;
	struct device_pick d = { .id = "-" };
	struct cert_pick c = { .id = 0 };
	json_t *o;
	int ret = CAMCA_OK;

	if (item->device != 0)
		ret = store_pick_pk(x->tx, item->device, &d);
	if (ret == CAMCA_OK && item->cert != 0)
		ret = store_cert_pick_id(x->tx, item->cert, &c);
	if (ret < 0)
		return ret;
	o = json_pack("{s:s, s:s, s:s, s:s, s:s, s:s}", "device", d.id,
	    "site", d.site, "place", item->device == 0 ? "" :
	    device_place_name((enum device_place)d.place), "state",
	    item->device == 0 ? "" :
	    device_state_name((enum device_state)d.state), "verdict",
	    verdict_names[item->verdict], "rule", item->rule);
	if (o == NULL)
		return CAMCA_ENOMEM;
	if (item->cert != 0) {
		json_set_hex(o, "serial", c.serial, sizeof c.serial);
		json_object_set_new(o, "status",
		    json_string(cert_status_name(c.status)));
	}
	snprintf(x->page.next, sizeof x->page.next, "%" PRId64 ".%" PRId64,
	    item->device, item->cert);
	return json_array_append_new(x->page.items, o) == 0 ? 0 :
	    CAMCA_ENOMEM;
}

static int
show_tx(struct tx *tx, void *arg)
{
	struct revoke_show *x = arg;
	int ret;

	x->tx = tx;
	json_array_clear(x->page.items);
	ret = revoke_load(tx, x->r, arg_int(x->c, "batch", 0));
	return ret < 0 ? ret : store_rev_item_list(tx, x->r->row.id,
	    x->verdict, x->after_device, x->after_cert, x->page.limit,
	    show_item, x);
}

static int
revoke_show(struct revoke_show *x)
{
	json_t *head;
	int ret;

	if ((ret = show_after(x)) < 0 || (ret = show_verdict(x)) < 0)
		return ret;
	page_begin(x->c, &x->page);
	if (x->page.limit > REVOKE_PAGE)
		x->page.limit = REVOKE_PAGE;
	ret = store_tx(x->c->a->store, DB_READ, show_tx, x);
	if (ret < 0) {
		json_decref(x->page.items);
		return ret;
	}
	if ((ret = page_end(x->c, &x->page)) < 0)
		return ret;
	if ((head = revoke_json(&x->r->row, &x->r->rules)) == NULL)
		return CAMCA_ENOMEM;
	json_object_update(head, x->c->result);
	json_decref(x->c->result);
	x->c->result = head;
	return CAMCA_OK;
}

int
op_revoke_show(struct op_call *c)
{
	struct revoke_show x = { .c = c, .r = revoke_new(c) };
	int ret = x.r != NULL ? revoke_show(&x) : CAMCA_ENOMEM;

	revoke_free(x.r);
	return ret;
}

struct revoke_list {
	struct op_call *c;
	struct page page;
	int64_t before;
	int state;
};

static int
list_row(const struct rev_batch_row *r, void *arg)
{
	struct page *p = arg;

	snprintf(p->next, sizeof p->next, "%" PRId64, r->id);
	return json_array_append_new(p->items, revoke_line_json(r)) == 0 ? 0 :
	    CAMCA_ENOMEM;
}

static int
list_tx(struct tx *tx, void *arg)
{
	struct revoke_list *x = arg;

	json_array_clear(x->page.items);
	return store_rev_batch_list(tx, x->state, x->before, x->page.limit,
	    list_row, &x->page);
}

static int
list_state(struct revoke_list *x)
{
	const char *s = arg_text(x->c, "state");
	int i;

	x->state = -1;
	for (i = 0; s != NULL && i < REV_STATES; i++)
		if (strcmp(s, revoke_state_name(i)) == 0)
			x->state = i;
	if (s == NULL || x->state >= 0)
		return CAMCA_OK;
	return refuse(&x->c->why, CAMCA_EINVAL, 400, "revoke.state",
	    "A batch is planned, approved, applied or cancelled.");
}

int
op_revoke_list(struct op_call *c)
{
	struct revoke_list x = { .c = c };
	int ret;

	if ((ret = page_after(c, &x.before)) < 0 || (ret = list_state(&x)) < 0)
		return ret;
	page_begin(c, &x.page);
	if (x.page.limit > REVOKE_PAGE)
		x.page.limit = REVOKE_PAGE;
	ret = store_tx(c->a->store, DB_READ, list_tx, &x);
	if (ret < 0) {
		json_decref(x.page.items);
		return ret;
	}
	return page_end(c, &x.page);
}
