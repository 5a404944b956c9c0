/* SPDX-License-Identifier: Apache-2.0 */
/* device.import: the CSV arrives in parts (a frame holds 1 MiB), is read whole,
 * and becomes devices in one transaction. */
#include <string.h>

#include "ca/authority/custody.h"
#include "ca/authority/ops.h"
#include "ca/base/enc.h"
#include "ca/base/log.h"


struct import_job {
	struct op_call *c;
	struct import imp;
	char batch[33];
	int64_t now;
};

struct import_documents {
	struct tx *tx;
	struct import_job *x;
	const struct device_row *d;
};

static int
import_document(const struct document_row *r, void *arg)
{
	struct import_documents *k = arg;

	return document_event(k->tx, k->x->c, k->d->id, r);
}

static int
import_on_insert(struct tx *tx, const struct device_row *d, void *arg)
{
	struct import_job *x = arg;
	struct import_documents docs = { tx, x, d };
	struct event e;
	int ret;

	event_init(&e, &x->c->a->events, "device.imported", d->id,
	    x->c->caller->actor);
	event_add(&e, "batch", "%s", x->batch);
	device_event_fields(&e, d);
	ret = event_put(tx, &e);
	return ret < 0 ? ret : store_document_list(tx, d->pk, import_document,
	    &docs);
}

static int
import_tx(struct tx *tx, void *arg)
{
	struct import_job *x = arg;

	return import_store(tx, &x->imp, arg_bool(x->c, "partial", false),
	    x->batch, x->now, import_on_insert, x);
}

static int
import_run(struct op_call *c, const struct buf *csv)
{
	struct import_job x = { .c = c };
	uint8_t id[16];
	int ret;

	if ((ret = ctx_random(c->a->ctx, id, sizeof id)) < 0 ||
	    (ret = authority_now(c->a, &x.now, &c->why)) < 0)
		return ret;
	enc_hex(x.batch, id, sizeof id);
	ret = import_parse(&x.imp, buf_str(csv), csv->len,
	    arg_text(c, "site"), &c->why);
	if (ret == CAMCA_OK)
		ret = store_tx(c->a->store, DB_WRITE, import_tx, &x);
	/* Bad rows are the answer, not a failure of the call. */
	if (ret == CAMCA_EINVAL && x.imp.errors.n > 0) {
		memset(&c->why, 0, sizeof c->why);
		x.imp.inserted = 0;
		ret = CAMCA_OK;
	}
	if (ret == CAMCA_OK) {
		c->result = json_pack("{s:s, s:I, s:I, s:o}", "batch", x.batch,
		    "inserted", (json_int_t)x.imp.inserted, "error_count",
		    (json_int_t)x.imp.errors.n, "errors",
		    bad_rows_json(&x.imp.errors));
		log_msg(LOG_NOTE, x.batch, "import: %lld devices, %zu bad rows",
		    (long long)x.imp.inserted, x.imp.errors.n);
	}
	import_free(&x.imp);
	return ret < 0 || c->result != NULL ? ret : CAMCA_ENOMEM;
}

int
op_device_import(struct op_call *c)
{
	struct buf *up = &c->session->upload;
	const char *part = arg_text(c, "csv");
	int ret;

	pthread_mutex_lock(&c->session->lock);
	ret = buf_puts(up, part);
	if (ret == CAMCA_ELIMIT) {
		buf_fini(up);
		refuse(&c->why, ret, 413, "import.too-large",
		    "A CSV may have %u bytes at the most.", IMPORT_MAX_BYTES);
	} else if (ret == CAMCA_OK && arg_bool(c, "more", false)) {
		c->result = json_pack("{s:I}", "received", (json_int_t)up->len);
	} else if (ret == CAMCA_OK) {
		ret = custody_behind(c);
		if (ret == CAMCA_OK)
			ret = import_run(c, up);
		buf_fini(up);
	}
	pthread_mutex_unlock(&c->session->lock);
	return ret;
}
