/* SPDX-License-Identifier: Apache-2.0 */
/* A device's record: as a bundle that others can check, and as a history for
 * people. */
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "ca/authority/bundle.h"
#include "ca/authority/ops.h"
#include "ca/base/id.h"
#include "ca/custody/reader.h"
#include "ca/custody/tell.h"

/* ---- custody.bundle ---- */

/* A new one for this connection; the one before is forgotten. */
static int
bundle_begin(struct op_call *c, const char *device)
{
	struct bundle *made = NULL, *before;
	int ret;

	if (!id_ok(device, strlen(device)))
		return refuse(&c->why, CAMCA_ENOENT, 404, "device.unknown",
		    "There is no device '%s'.", device);
	ret = bundle_make(c, device, arg_bool(c, "timestamp", false), &made);
	if (ret < 0)
		return ret;
	pthread_mutex_lock(&c->session->lock);
	before = c->session->bundle;
	c->session->bundle = made;
	pthread_mutex_unlock(&c->session->lock);
	bundle_free(before);
	return CAMCA_OK;
}

/* With the session's lock. */
static int
bundle_answer(struct op_call *c)
{
	struct bundle *b = c->session->bundle;
	json_t *files = json_array();
	bool done = false;
	int ret;

	if (b == NULL) {
		json_decref(files);
		return refuse(&c->why, CAMCA_ECONFLICT, 409,
		    "custody.bundle", "No bundle was begun on this "
		    "connection: name a device.");
	}
	ret = files != NULL ? bundle_page(b, files, &done) : CAMCA_ENOMEM;
	if (ret < 0) {
		json_decref(files);
	} else {
		c->result = json_pack("{s:s, s:s, s:I, s:b, s:o}", "device",
		    bundle_device(b), "origin", bundle_origin(b), "size",
		    (json_int_t)bundle_size(b), "more", !done, "files", files);
		if (c->result == NULL)
			ret = CAMCA_ENOMEM;
	}
	/* One that broke off cannot go on: its MANIFEST would not fit. */
	if (ret < 0 || done) {
		c->session->bundle = NULL;
		bundle_free(b);
	}
	return ret;
}

int
op_custody_bundle(struct op_call *c)
{
	const char *device = arg_text(c, "device");
	int ret = device != NULL ? bundle_begin(c, device) : CAMCA_OK;

	if (ret < 0)
		return ret;
	pthread_mutex_lock(&c->session->lock);
	ret = bundle_answer(c);
	pthread_mutex_unlock(&c->session->lock);
	return ret;
}

/* ---- custody.show ---- */

struct show {
	struct op_call *c;
	struct page page;
	int64_t after;                 /* idx + 1; 0: from the start */
};

/* The certificate that an event is about; "" where it is about none. */
static void
show_serial(const struct event_view *v, char out[static 41])
{
	struct event_text t;

	out[0] = '\0';
	/* In these, "serial" is the maker's number of the device. */
	if (strcmp(v->type->name, "device.added") == 0 ||
	    strcmp(v->type->name, "device.imported") == 0)
		return;
	if (event_view_get(v, "serial", &t) < 0 || t.n > 40)
		return;
	memcpy(out, t.p, t.n);
	out[t.n] = '\0';
}

static json_t *
show_json(const struct log_entry_row *r, const struct event_view *v)
{
	char serial[41], what[TELL_MAX];
	json_t *o;

	event_tell(v, what);
	show_serial(v, serial);
	o = json_pack("{s:I, s:I, s:s, s:s, s:s%, s:s}", "entry",
	    (json_int_t)r->idx, "n", (json_int_t)v->dev_seq, "type",
	    v->type->name, "what", what, "actor", v->actor.p, v->actor.n,
	    "serial", serial);
	if (o != NULL)
		json_set_time(o, "time", v->time_ms);
	return o;
}

static int
show_row(const struct log_entry_row *r, void *arg)
{
	struct page *p = arg;
	struct event_view v;
	int ret = event_parse(&v, r->data.p, r->data.n, NULL);

	if (ret < 0)
		return ret == CAMCA_ENOMEM ? ret : CAMCA_EDB;
	snprintf(p->next, sizeof p->next, "%" PRId64, r->idx + 1);
	return json_array_append_new(p->items, show_json(r, &v)) == 0 ? 0 :
	    CAMCA_ENOMEM;
}

static int
show_tx(struct tx *tx, void *arg)
{
	struct show *x = arg;
	const char *device = arg_text(x->c, "device");
	int64_t n, last;
	int ret = store_log_device(tx, device, &n, &last);

	json_array_clear(x->page.items);
	if (ret == CAMCA_ENOENT)
		return refuse(&x->c->why, ret, 404, "custody.unknown",
		    "The log has no event of '%s'.", device);
	return ret < 0 ? ret : reader_device(tx, device, x->after - 1,
	    x->page.limit, show_row, &x->page);
}

int
op_custody_show(struct op_call *c)
{
	struct show x = { .c = c };
	int ret = page_after(c, &x.after);

	if (ret < 0)
		return ret;
	page_begin(c, &x.page);
	if (x.page.limit > 500)
		x.page.limit = 500;
	ret = store_tx(c->a->store, DB_READ, show_tx, &x);
	if (ret < 0) {
		json_decref(x.page.items);
		return ret;
	}
	return page_end(c, &x.page);
}
