/* SPDX-License-Identifier: Apache-2.0 */
/* CRLs as the publisher has brought them out. */
#include <stdlib.h>
#include <string.h>

#include "ca/authority/ops.h"
#include "ca/base/enc.h"
#include "ca/base/file.h"
#include "ca/status/publisher.h"

/* In base64, with the rest of the answer, it fits a frame of 1 MiB. */
#define CRL_PAGE (720 * 1024)

static struct ca_set *
crl_cas(void *arg)
{
	return authority_cas(arg);
}

static void
crl_cas_put(void *arg, struct ca_set *set)
{
	authority_cas_put(arg, set);
}

/* A large list takes longer, but then there is one from before. */
#define CRL_SETTLE_MS 1000

static int
crl_now(void *arg, int64_t *now_ms, struct refusal *why)
{
	return authority_now(arg, now_ms, why);
}

int
authority_publish(struct authority *a, struct refusal *why)
{
	struct publisher_conf conf = {
		.store = a->store, .src = &a->events, .dir = a->crl_dir,
		.life_ms = a->conf.crl_life_s * 1000, .cas = crl_cas,
		.cas_put = crl_cas_put, .now = crl_now, .arg = a,
	};
	int ret;

	ret = file_join(a->crl_dir, sizeof a->crl_dir, a->conf.state, "crl");
	if (ret == CAMCA_OK)
		ret = file_mkdirs(a->crl_dir, 0700);
	if (ret < 0)
		return refuse(why, ret, 503, "crl.folder",
		    "Cannot make %s.", a->crl_dir);
	ret = publisher_start(&a->publisher, &conf);
	if (ret < 0)
		return refuse_default(why, ret);
	/* Who asks for a list right after "ready" should get one. */
	publisher_settle(a->publisher, CRL_SETTLE_MS);
	return CAMCA_OK;
}

static int
crl_get_page(struct op_call *c, const struct crl_file *f)
{
	int64_t offset = arg_int(c, "offset", 0);
	uint8_t *page;
	size_t n = 0;
	int ret;

	c->result = json_pack("{s:I, s:I, s:I}", "number",
	    (json_int_t)f->row.number, "size", (json_int_t)f->row.size,
	    "offset", (json_int_t)offset);
	json_set_hex(c->result, "sha256", f->row.sha256,
	    sizeof f->row.sha256);
	json_set_time(c->result, "this_update", f->row.this_update_ms);
	json_set_time(c->result, "next_update", f->row.next_update_ms);
	/* Whoever has this one already needs no bytes. */
	if (arg_int(c, "have", 0) == f->row.number)
		return c->result != NULL ? CAMCA_OK : CAMCA_ENOMEM;
	if ((page = malloc(CRL_PAGE)) == NULL)
		return CAMCA_ENOMEM;
	ret = crl_file_read(f, offset, page, CRL_PAGE, &n);
	if (ret == CAMCA_OK)
		json_set_base64(c->result, "der", page, n);
	free(page);
	if (ret == CAMCA_EINVAL)
		return refuse(&c->why, ret, 400, "crl.offset",
		    "The CRL has %lld bytes.", (long long)f->row.size);
	return ret;
}

int
op_crl_get(struct op_call *c)
{
	struct ca_set *set = authority_cas(c->a);
	int64_t number = arg_int(c, "number", 0);
	struct crl_file *f = NULL;
	uint8_t ski[20];
	bool known;
	int ret;

	known = dec_hex(ski, sizeof ski, arg_text(c, "ski")) == CAMCA_OK &&
	    ca_by_ski(set, ski) != NULL;
	authority_cas_put(c->a, set);
	if (!known)
		return refuse(&c->why, CAMCA_ENOENT, 404, "ca.unknown",
		    "There is no CA with this key identifier.");
	if (c->a->publisher != NULL)
		f = publisher_get(c->a->publisher, ski, number);
	if (f == NULL && number > 0)
		return refuse(&c->why, CAMCA_ECONFLICT, 409, "crl.replaced",
		    "CRL %lld has been replaced: begin again.",
		    (long long)number);
	if (f == NULL)
		return refuse_default(&c->why, CAMCA_EBUSY);
	ret = crl_get_page(c, f);
	crl_file_free(f);
	return ret;
}

static int
crl_list_row(const struct publisher_state *s, void *arg)
{
	bool current = s->row.number > 0 && s->row.rev_seq >= s->rev_seq;
	json_t *o = json_pack("{s:s, s:I, s:I, s:I, s:I, s:I, s:b, s:b, s:s}",
	    "name", s->name, "generation", (json_int_t)s->generation,
	    "number", (json_int_t)s->row.number, "entries",
	    (json_int_t)s->row.entries, "size", (json_int_t)s->row.size,
	    "rev_seq", (json_int_t)s->row.rev_seq, "current", current,
	    "overdue", s->due && s->failed < 0, "error", s->why);

	json_set_time(o, "this_update", s->row.this_update_ms);
	json_set_time(o, "next_update", s->row.next_update_ms);
	json_set_hex(o, "ski", s->ski, sizeof s->ski);
	return json_array_append_new(arg, o) == 0 ? CAMCA_OK : CAMCA_ENOMEM;
}

int
op_crl_list(struct op_call *c)
{
	json_t *list = json_array();
	bool current = true;
	json_t *item;
	size_t i;
	int ret = CAMCA_EBUSY;

	if (c->a->publisher != NULL)
		ret = publisher_list(c->a->publisher, crl_list_row, list);
	if (ret < 0) {
		json_decref(list);
		return refuse_default(&c->why, ret);
	}
	json_array_foreach(list, i, item)
		if (!json_is_true(json_object_get(item, "current")))
			current = false;
	/* True: every list holds every change that was committed. */
	c->result = json_pack("{s:o, s:b}", "items", list, "current", current);
	return c->result != NULL ? CAMCA_OK : CAMCA_ENOMEM;
}
