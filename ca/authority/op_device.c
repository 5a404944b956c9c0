/* SPDX-License-Identifier: Apache-2.0 */
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "ca/authority/ops.h"
#include "ca/base/enc.h"

json_t *
device_json(const struct device_row *d)
{
	json_t *o = json_pack("{s:s, s:s, s:s, s:s, s:s, s:s, s:s, s:s, s:s, "
	    "s:s, s:s, s:s}", "id", d->id,
	    "kind", device_kind_name((enum device_kind)d->kind),
	    "manufacturer", d->manufacturer, "model", d->model,
	    "serial", d->serial, "mac", d->mac, "hardware_id", d->hardware_id,
	    "firmware", d->firmware, "site", d->site,
	    "place", device_place_name((enum device_place)d->place),
	    "state", device_state_name((enum device_state)d->state),
	    "restriction", device_restriction_name(
	    (enum device_restriction)d->restriction));

	if (o != NULL) {
		json_set_time(o, "created", d->created_ms);
		json_set_time(o, "updated", d->updated_ms);
	}
	return o;
}

json_t *
document_json(const struct document_row *d)
{
	json_t *o = json_pack("{s:s, s:s, s:s}",
	    "kind", document_kind_name((enum document_kind)d->kind),
	    "number", d->number, "issuer", d->issuer);

	if (o != NULL) {
		if (d->kind == DOC_ASSESSMENT)
			json_object_set_new(o, "passed",
			    json_boolean(d->passed));
		json_set_time(o, "date", d->date_ms);
		json_set_time(o, "expires", d->expires_ms);
		json_set_hex(o, "sha256", d->sha256, sizeof d->sha256);
	}
	return o;
}

void
device_event_fields(struct event *e, const struct device_row *d)
{
	event_add(e, "site", "%s", d->site);
	event_add(e, "kind", "%s", device_kind_name((enum device_kind)d->kind));
	event_add(e, "place", "%s",
	    device_place_name((enum device_place)d->place));
	event_add(e, "manufacturer", "%s", d->manufacturer);
	event_add(e, "model", "%s", d->model);
	event_add(e, "serial", "%s", d->serial);
	if (d->mac[0] != '\0')
		event_add(e, "mac", "%s", d->mac);
	if (d->hardware_id[0] != '\0')
		event_add(e, "hardware-id", "%s", d->hardware_id);
	if (d->firmware[0] != '\0')
		event_add(e, "firmware", "%s", d->firmware);
}

static void
device_text(const struct op_call *c, const char *name, char *out, size_t len)
{
	const char *s = arg_text(c, name);

	snprintf(out, len, "%s", s != NULL ? s : "");
}

struct device_add {
	struct op_call *c;
	struct device_row row;
};

static int
device_add_tx(struct tx *tx, void *arg)
{
	struct device_add *x = arg;
	struct event e;
	int ret = store_device_insert(tx, &x->row);

	if (ret == CAMCA_ECONFLICT)
		return refuse(&x->c->why, ret, 409, "device.exists",
		    "There is a device with id '%s' or with this manufacturer "
		    "and serial already.", x->row.id);
	if (ret == CAMCA_ENOENT)
		return refuse(&x->c->why, ret, 404, "device.no-such-site",
		    "There is no site '%s'.", x->row.site);
	if (ret < 0)
		return ret;
	event_init(&e, &x->c->a->events, "device.added", x->row.id,
	    x->c->caller->actor);
	device_event_fields(&e, &x->row);
	return event_put(tx, &e);
}

static int
device_add_kinds(struct op_call *c, struct device_row *r)
{
	const char *place = arg_text(c, "place"), *kind = arg_text(c, "kind");
	int n = place != NULL ? device_place_parse(place) : PLACE_OTHER;

	if (n < 0)
		return refuse(&c->why, CAMCA_EINVAL, 400, "device.place",
		    "A place is key-area, public or other.");
	r->place = n;
	n = kind != NULL ? device_kind_parse(kind) : DEVICE_CAMERA;
	if (n < 0)
		return refuse(&c->why, CAMCA_EINVAL, 400, "device.kind",
		    "A kind is camera or ra.");
	r->kind = n;
	return CAMCA_OK;
}

int
op_device_add(struct op_call *c)
{
	struct device_add x = { .c = c };
	struct device_row *r = &x.row;
	int ret;

	device_text(c, "id", r->id, sizeof r->id);
	device_text(c, "manufacturer", r->manufacturer, sizeof r->manufacturer);
	device_text(c, "model", r->model, sizeof r->model);
	device_text(c, "serial", r->serial, sizeof r->serial);
	device_text(c, "site", r->site, sizeof r->site);
	device_text(c, "hardware_id", r->hardware_id, sizeof r->hardware_id);
	device_text(c, "firmware", r->firmware, sizeof r->firmware);
	if (arg_text(c, "mac") != NULL && strlen(arg_text(c, "mac")) > 17)
		return refuse(&c->why, CAMCA_EINVAL, 400, "device.mac",
		    "A MAC address has 12 hex digits.");
	device_text(c, "mac", r->mac, sizeof r->mac);
	if ((ret = device_add_kinds(c, r)) < 0 ||
	    (r->id[0] == '\0' &&
	    (ret = device_default_id(r, &c->why)) < 0) ||
	    (ret = device_normalize(r, &c->why)) < 0 ||
	    (ret = authority_now(c->a, &r->created_ms, &c->why)) < 0)
		return ret;
	r->updated_ms = r->created_ms;
	ret = store_tx(c->a->store, DB_WRITE, device_add_tx, &x);
	if (ret < 0)
		return ret;
	c->result = json_pack("{s:o}", "device", device_json(r));
	return c->result != NULL ? CAMCA_OK : CAMCA_ENOMEM;
}

struct device_list {
	struct op_call *c;
	struct page page;
	struct device_filter filter;
	int64_t after;
};

static int
device_list_row(const struct device_row *r, void *arg)
{
	struct page *p = arg;

	snprintf(p->next, sizeof p->next, "%" PRId64, r->pk);
	return json_array_append_new(p->items, device_json(r)) == 0 ? 0 :
	    CAMCA_ENOMEM;
}

static int
device_list_tx(struct tx *tx, void *arg)
{
	struct device_list *x = arg;

	json_array_clear(x->page.items);
	return store_device_list(tx, &x->filter, x->after, x->page.limit,
	    device_list_row, &x->page);
}

int
device_state_arg(struct op_call *c, const char *name, int *out)
{
	const char *s = arg_text(c, name);
	int i;

	*out = -1;
	if (s == NULL)
		return CAMCA_OK;
	for (i = 0; i < DEVICE_STATES; i++)
		if (strcmp(s, device_state_name((enum device_state)i)) == 0) {
			*out = i;
			return CAMCA_OK;
		}
	return refuse(&c->why, CAMCA_EINVAL, 400, "device.state",
	    "There is no device state '%s'.", s);
}

int
op_device_list(struct op_call *c)
{
	struct device_list x = { .c = c, .filter = { .kind = -1 } };
	int ret;

	x.filter.site = arg_text(c, "site");
	x.filter.manufacturer = arg_text(c, "manufacturer");
	x.filter.model = arg_text(c, "model");
	x.filter.import_batch = arg_text(c, "batch");
	if ((ret = device_state_arg(c, "state", &x.filter.state)) < 0 ||
	    (ret = page_after(c, &x.after)) < 0)
		return ret;
	page_begin(c, &x.page);
	ret = store_tx(c->a->store, DB_READ, device_list_tx, &x);
	if (ret < 0) {
		json_decref(x.page.items);
		return ret;
	}
	return page_end(c, &x.page);
}

int
document_event(struct tx *tx, struct op_call *c, const char *device,
    const struct document_row *r)
{
	struct event e;

	event_init(&e, &c->a->events, "device.document", device,
	    c->caller->actor);
	event_add(&e, "kind", "%s",
	    document_kind_name((enum document_kind)r->kind));
	event_add(&e, "number", "%s", r->number);
	event_add(&e, "issuer", "%s", r->issuer);
	event_add_time(&e, "date", r->date_ms);
	if (r->expires_ms != 0)
		event_add_time(&e, "expires", r->expires_ms);
	event_add_hex(&e, "sha256", r->sha256, STORE_HASH_LEN);
	if (r->kind == DOC_ASSESSMENT)
		event_add(&e, "passed", "%s", r->passed ? "yes" : "no");
	return event_put(tx, &e);
}

struct device_document {
	struct op_call *c;
	struct device_row dev;
	struct document_row row;
};

static int
device_document_tx(struct tx *tx, void *arg)
{
	struct device_document *x = arg;
	int ret = store_device_get(tx, arg_text(x->c, "device"), &x->dev);

	if (ret == CAMCA_ENOENT)
		return refuse(&x->c->why, ret, 404, "device.unknown",
		    "There is no device '%s'.", arg_text(x->c, "device"));
	if (ret < 0)
		return ret;
	x->row.device = x->dev.pk;
	ret = store_document_insert(tx, &x->row);
	return ret < 0 ? ret : document_event(tx, x->c, x->dev.id, &x->row);
}

static int
device_document_args(struct op_call *c, struct document_row *r)
{
	const char *expires = arg_text(c, "expires");
	int kind = document_kind_parse(arg_text(c, "kind"));

	if (kind < 0)
		return refuse(&c->why, CAMCA_EINVAL, 400, "document.kind",
		    "A document is origin, quality, assessment or letter.");
	r->kind = kind;
	device_text(c, "number", r->number, sizeof r->number);
	device_text(c, "issuer", r->issuer, sizeof r->issuer);
	refusal_sanitize(r->number);
	refusal_sanitize(r->issuer);
	if (r->number[0] == '\0' || r->issuer[0] == '\0')
		return refuse(&c->why, CAMCA_EINVAL, 400, "document.empty",
		    "A document needs a number and an issuer.");
	if (dec_hex(r->sha256, sizeof r->sha256, arg_text(c, "sha256")) < 0)
		return refuse(&c->why, CAMCA_EINVAL, 400, "document.sha256",
		    "The SHA-256 of a file has 64 hex digits.");
	if (ctx_time_parse(arg_text(c, "date"), &r->date_ms) < 0 ||
	    (expires != NULL &&
	    ctx_time_parse(expires, &r->expires_ms) < 0))
		return refuse(&c->why, CAMCA_EINVAL, 400, "document.date",
		    "A date is written YYYY-MM-DD.");
	if (r->expires_ms != 0 && r->expires_ms < r->date_ms)
		return refuse(&c->why, CAMCA_EINVAL, 400, "document.date",
		    "The document would expire before its own date.");
	/* The outcome is the whole point of one: a forgotten word must neither
	 * pass a camera nor, as the newest one, stop it. */
	if (r->kind == DOC_ASSESSMENT &&
	    json_object_get(c->args, "passed") == NULL)
		return refuse(&c->why, CAMCA_EINVAL, 400, "document.passed",
		    "An assessment was passed or not: say which.");
	r->passed = arg_bool(c, "passed", false);
	return CAMCA_OK;
}

int
op_device_document(struct op_call *c)
{
	struct device_document x = { .c = c };
	int ret;

	if ((ret = device_document_args(c, &x.row)) < 0 ||
	    (ret = authority_now(c->a, &x.row.created_ms, &c->why)) < 0 ||
	    (ret = store_tx(c->a->store, DB_WRITE, device_document_tx, &x)) < 0)
		return ret;
	c->result = json_pack("{s:o}", "document", document_json(&x.row));
	return c->result != NULL ? CAMCA_OK : CAMCA_ENOMEM;
}
