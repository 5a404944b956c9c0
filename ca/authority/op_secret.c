/* SPDX-License-Identifier: Apache-2.0 */
/* One-time enrollment secrets: shown once to the operator, stored hashed. */
#include <inttypes.h>
#include <openssl/crypto.h>
#include <stdio.h>
#include <string.h>

#include "ca/authority/ops.h"

struct secret_job {
	struct op_call *c;
	const struct level_set *levels;
	int64_t now;
	struct device_filter filter;
	int64_t after;
	struct page page;
	/* one page of devices, gathered before secrets are made */
	struct device_row *devs;
	size_t ndevs, max;
};

/* Makes and stores a secret for one device; item: text for the operator. */
static int
secret_for(struct tx *tx, struct secret_job *x, const struct device_row *d,
    json_t **item)
{
	char text[SECRET_TEXT_MAX];
	struct secret_row row;
	struct site_row site;
	struct event e;
	int64_t ttl;
	int ret;

	if (d->state != DEVICE_REGISTERED && d->state != DEVICE_ENROLLED)
		return refuse(&x->c->why, CAMCA_ECONFLICT, 409, "secret.state",
		    "Device '%s' is %s: it gets no secret.", d->id,
		    device_state_name((enum device_state)d->state));
	if ((ret = store_site_get(tx, d->site, &site)) < 0)
		return ret;
	ttl = x->levels->list[site.level - 1].secret_ttl_ms;
	/* An operator may shorten the level's life of a secret, not stretch it. */
	if (arg_int(x->c, "ttl_s", 0) > 0 &&
	    arg_int(x->c, "ttl_s", 0) * 1000 < ttl)
		ttl = arg_int(x->c, "ttl_s", 0) * 1000;
	ret = secret_make(x->c->a->ctx, d->pk, x->now, ttl, text, &row);
	if (ret == CAMCA_OK)
		ret = store_secret_insert(tx, &row);
	if (ret == CAMCA_OK) {
		event_init(&e, &x->c->a->events, "secret.made", d->id,
		    x->c->caller->actor);
		event_add_time(&e, "expires", row.expires_ms);
		ret = event_put(tx, &e);
	}
	if (ret == CAMCA_OK) {
		*item = json_pack("{s:s, s:s, s:s, s:s, s:s}", "device", d->id,
		    "serial", d->serial, "model", d->model, "site", d->site,
		    "secret", text);
		if (*item == NULL)
			ret = CAMCA_ENOMEM;
		else
			json_set_time(*item, "expires", row.expires_ms);
	}
	OPENSSL_cleanse(text, sizeof text);
	return ret;
}

static int
secret_one_tx(struct tx *tx, void *arg)
{
	struct secret_job *x = arg;
	struct device_row d;
	int ret = store_device_get(tx, arg_text(x->c, "device"), &d);

	json_decref(x->c->result);
	x->c->result = NULL;
	if (ret == CAMCA_ENOENT)
		return refuse(&x->c->why, ret, 404, "device.unknown",
		    "There is no device '%s'.", arg_text(x->c, "device"));
	return ret < 0 ? ret : secret_for(tx, x, &d, &x->c->result);
}

static int
secret_run(struct op_call *c, struct secret_job *x,
    int (*fn)(struct tx *tx, void *arg))
{
	struct policies *p;
	int ret = authority_now(c->a, &x->now, &c->why);

	if (ret < 0)
		return ret;
	p = authority_policies(c->a);
	x->levels = &p->levels;
	ret = store_tx(c->a->store, DB_WRITE, fn, x);
	authority_policies_put(c->a, p);
	return ret;
}

int
op_enroll_secret(struct op_call *c)
{
	struct secret_job x = { .c = c };
	int ret = secret_run(c, &x, secret_one_tx);

	if (ret < 0) {
		json_decref(c->result);
		c->result = NULL;
	}
	return ret;
}

static int
labels_row(const struct device_row *r, void *arg)
{
	struct secret_job *x = arg;

	if (x->ndevs == x->max)
		return CAMCA_ELIMIT;
	x->devs[x->ndevs++] = *r;
	return 0;
}

static int
labels_named(struct tx *tx, struct secret_job *x, json_t *ids)
{
	json_t *v;
	size_t i;
	int ret;

	json_array_foreach(ids, i, v) {
		if (!json_is_string(v))
			return refuse(&x->c->why, CAMCA_EINVAL, 400,
			    "request.argument", "'ids' must be texts.");
		ret = store_device_get(tx, json_string_value(v),
		    &x->devs[x->ndevs]);
		if (ret == CAMCA_ENOENT)
			return refuse(&x->c->why, ret, 404, "device.unknown",
			    "There is no device '%s'.", json_string_value(v));
		if (ret < 0)
			return ret;
		x->ndevs++;
	}
	return CAMCA_OK;
}

/* No labels for a site that is not there would look like a site without
 * cameras. */
static int
labels_found(struct tx *tx, struct secret_job *x)
{
	struct site_row site;
	int ret;

	if (x->filter.site != NULL) {
		ret = store_site_get(tx, x->filter.site, &site);
		if (ret == CAMCA_ENOENT)
			return refuse(&x->c->why, ret, 404, "device.no-such-site",
			    "There is no site '%s'.", x->filter.site);
		if (ret < 0)
			return ret;
	}
	return store_device_list(tx, &x->filter, x->after, x->page.limit,
	    labels_row, x);
}

static int
labels_tx(struct tx *tx, void *arg)
{
	struct secret_job *x = arg;
	json_t *item, *ids = json_object_get(x->c->args, "ids");
	size_t i;
	int ret;

	json_array_clear(x->page.items);
	x->ndevs = 0;
	ret = ids != NULL ? labels_named(tx, x, ids) :
	    labels_found(tx, x);
	for (i = 0; ret == CAMCA_OK && i < x->ndevs; i++) {
		ret = secret_for(tx, x, &x->devs[i], &item);
		if (ret == CAMCA_OK &&
		    json_array_append_new(x->page.items, item) != 0)
			ret = CAMCA_ENOMEM;
		snprintf(x->page.next, sizeof x->page.next, "%" PRId64,
		    x->devs[i].pk);
	}
	return ret;
}

int
op_device_labels(struct op_call *c)
{
	struct secret_job x = { .c = c, .max = 500, .filter = { .kind = -1,
	    .state = DEVICE_REGISTERED } };
	int ret;

	x.filter.site = arg_text(c, "site");
	x.filter.import_batch = arg_text(c, "batch");
	if (x.filter.site == NULL && x.filter.import_batch == NULL &&
	    json_object_get(c->args, "ids") == NULL)
		return refuse(&c->why, CAMCA_EINVAL, 400, "request.argument",
		    "Name devices, a site or an import batch.");
	if ((ret = page_after(c, &x.after)) < 0)
		return ret;
	x.devs = calloc(x.max, sizeof *x.devs);
	if (x.devs == NULL)
		return CAMCA_ENOMEM;
	page_begin(c, &x.page);
	if (x.page.limit > (int64_t)x.max)
		x.page.limit = (int64_t)x.max;
	ret = secret_run(c, &x, labels_tx);
	free(x.devs);
	if (ret < 0) {
		json_decref(x.page.items);
		return ret;
	}
	return page_end(c, &x.page);
}
