/* SPDX-License-Identifier: Apache-2.0 */
/* device.show: everything about one device in one snapshot. */
#include <string.h>

#include "ca/authority/agent.h"

struct show {
	struct op_call *c;
	struct device_row dev;
	struct ca_set *cas;
	json_t *documents, *certs, *pending, *secret;
	json_t *reach, *read;          /* NULL: none */
};

static int
show_document(const struct document_row *r, void *arg)
{
	struct show *x = arg;

	return json_array_append_new(x->documents, document_json(r)) == 0 ? 0 :
	    CAMCA_ENOMEM;
}

static int
show_cert(const struct cert_row *r, void *arg)
{
	struct show *x = arg;
	const struct ca *ca = ca_by_id(x->cas, r->issuer);

	return json_array_append_new(x->certs, cert_json(r, x->dev.id,
	    ca != NULL ? ca->row.name : "")) == 0 ? 0 : CAMCA_ENOMEM;
}

static int
show_pending(const struct pending_row *r, void *arg)
{
	struct show *x = arg;

	if (r->device != x->dev.pk)
		return 0;
	return json_array_append_new(x->pending,
	    pending_json(r, x->dev.id)) == 0 ? 0 : CAMCA_ENOMEM;
}

static int
show_secret(struct tx *tx, struct show *x)
{
	static const char *const states[] = { "active", "reserved", "used",
	    "locked", "replaced" };
	struct secret_row r;
	int ret = store_secret_latest(tx, x->dev.pk, &r);

	if (ret == CAMCA_ENOENT)
		return CAMCA_OK;
	if (ret < 0)
		return ret;
	x->secret = json_pack("{s:s, s:I}", "state", states[r.state],
	    "attempts", (json_int_t)r.attempts);
	if (x->secret == NULL)
		return CAMCA_ENOMEM;
	json_set_time(x->secret, "created", r.created_ms);
	json_set_time(x->secret, "expires", r.expires_ms);
	return CAMCA_OK;
}

/* What is declared stands in the device; this is what was read there. */
static int
show_read(struct tx *tx, struct show *x)
{
	struct observation_row r;
	int ret = store_observation_get(tx, x->dev.pk, &r);

	if (ret < 0)
		return ret == CAMCA_ENOENT ? CAMCA_OK : ret;
	x->read = json_pack("{s:s, s:o*}", "findings", r.findings, "values",
	    json_loadb((const char *)r.body.p, r.body.n, 0, NULL));
	json_set_time(x->read, "time", r.time_ms);
	store_observation_free(&r);
	return x->read != NULL ? CAMCA_OK : CAMCA_ENOMEM;
}

static int
show_reach(struct tx *tx, struct show *x)
{
	struct reach_row r;
	int ret = store_reach_get(tx, x->dev.pk, &r);

	if (ret < 0)
		return ret == CAMCA_ENOENT ? CAMCA_OK : ret;
	x->reach = reach_json(&r);
	return x->reach != NULL ? CAMCA_OK : CAMCA_ENOMEM;
}

static void
show_again(struct show *x)
{
	json_array_clear(x->documents);
	json_array_clear(x->certs);
	json_array_clear(x->pending);
	json_decref(x->secret);
	json_decref(x->reach);
	json_decref(x->read);
	x->secret = x->reach = x->read = NULL;
}

static int
show_tx(struct tx *tx, void *arg)
{
	struct show *x = arg;
	int ret = store_device_get(tx, arg_text(x->c, "id"), &x->dev);

	if (ret == CAMCA_ENOENT)
		return refuse(&x->c->why, ret, 404, "device.unknown",
		    "There is no device '%s'.", arg_text(x->c, "id"));
	if (ret < 0)
		return ret;
	show_again(x);
	if ((ret = store_document_list(tx, x->dev.pk, show_document, x)) < 0 ||
	    (ret = store_cert_list(tx, x->dev.pk, 0, 0, 1000, show_cert,
	    x)) < 0 ||
	    (ret = store_pending_device(tx, x->dev.pk, show_pending, x)) < 0 ||
	    (ret = show_reach(tx, x)) < 0 || (ret = show_read(tx, x)) < 0)
		return ret;
	return show_secret(tx, x);
}

int
op_device_show(struct op_call *c)
{
	struct show x = { .c = c, .documents = json_array(),
	    .certs = json_array(), .pending = json_array() };
	int ret;

	x.cas = authority_cas(c->a);
	ret = store_tx(c->a->store, DB_READ, show_tx, &x);
	authority_cas_put(c->a, x.cas);
	if (ret == CAMCA_OK) {
		c->result = json_pack("{s:o, s:O, s:O, s:O, s:O?, s:O*, "
		    "s:O*}", "device",
		    device_json(&x.dev), "documents", x.documents,
		    "certificates", x.certs, "pending", x.pending, "secret",
		    x.secret, "reach", x.reach, "read", x.read);
		if (c->result == NULL)
			ret = CAMCA_ENOMEM;
	}
	json_decref(x.documents);
	json_decref(x.certs);
	json_decref(x.pending);
	json_decref(x.secret);
	json_decref(x.reach);
	json_decref(x.read);
	return ret;
}
