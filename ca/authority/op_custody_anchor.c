/* SPDX-License-Identifier: Apache-2.0 */
/* Anchors of the custody log: what the courier (camca-anchor) asks for and
 * brings, and what people are told of it. */
#include <stdio.h>
#include <string.h>

#include "ca/authority/custody.h"
#include "ca/authority/ops.h"
#include "ca/base/file.h"
#include "ca/custody/anchor.h"
#include "ca/custody/signer.h"

#define TIMESTAMP_WAIT_MS 15000
#define TIMESTAMP_SIGN_MS 3000
/* With so few workers none can be spared to wait. */
#define ANCHOR_WORKERS_MIN 3

static void
anchor_shown(void *arg, const char *witness, const void *note, size_t n)
{
	struct authority *a = arg;

	signer_shown(a->signer, witness, note, n);
}

int
authority_anchor(struct authority *a, struct refusal *why)
{
	char dir[400];
	struct anchor_conf conf = {
		.store = a->store, .src = &a->events, .dir = dir,
		.tsas = a->conf.tsas, .ntsas = a->conf.ntsas,
		.timestamp_ms = a->conf.timestamp_s * 1000,
		.shown = anchor_shown, .shown_arg = a,
	};
	int ret = file_join(dir, sizeof dir, a->conf.policies, "custody");

	if (ret == CAMCA_OK)
		ret = anchor_open(&a->anchor, &conf);
	return refuse_default(why, ret);
}

/* ---- the courier ---- */

static int
anchor_off(struct op_call *c)
{
	return refuse(&c->why, CAMCA_EBUSY, 503, "custody.anchor",
	    "The anchors are not served now.");
}

static json_t *
anchor_work_json(const struct anchor_work *w)
{
	json_t *o;

	if (w->id[0] == '\0')
		return json_object();
	o = json_pack("{s:s, s:s, s:s, s:s, s:I, s:i}", "id", w->id, "url",
	    w->url, "method", w->get ? "GET" : "POST", "type", w->type, "max",
	    (json_int_t)w->max_bytes, "timeout_ms", w->timeout_ms);
	if (o != NULL)
		json_set_base64(o, "body", w->body.data, w->body.len);
	return o;
}

int
op_custody_anchor(struct op_call *c)
{
	bool spare = c->a->conf.workers >= ANCHOR_WORKERS_MIN;
	struct anchor_work w;
	int ret;

	if (c->a->anchor == NULL)
		return anchor_off(c);
	ret = anchor_next(c->a->anchor, spare ?
	    (int)arg_int(c, "wait_ms", 0) : 0, &w);
	if (ret < 0)
		return ret;
	c->result = anchor_work_json(&w);
	anchor_work_fini(&w);
	return c->result != NULL ? CAMCA_OK : CAMCA_ENOMEM;
}

/* An answer that nobody waits for is no refusal: camcad was started anew, or the
 * policy read anew, while it was on its way. */
int
op_custody_anchored(struct op_call *c)
{
	const char *type = arg_text(c, "type");
	struct anchor_answer x = { .id = arg_text(c, "id"),
	    .error = arg_text(c, "error"), .type = type != NULL ? type : "",
	    .status = (int)arg_int(c, "status", 0) };
	struct buf body;
	int ret;

	if (c->a->anchor == NULL)
		return anchor_off(c);
	buf_init(&body, 0);
	ret = arg_base64(c, "body", &body);
	if (ret == CAMCA_OK) {
		x.body = buf_str(&body);
		x.body_len = body.len;
		ret = anchor_done(c->a->anchor, &x, NULL);
		c->result = json_pack("{s:b}", "taken", ret == CAMCA_OK);
	}
	buf_fini(&body);
	return ret == CAMCA_ENOENT ? CAMCA_OK : ret;
}

/* ---- a time-stamp on demand ---- */

struct stamps_json {
	int64_t size;
	json_t *list;
};

static int
stamps_row(const struct timestamp_row *r, void *arg)
{
	struct stamps_json *x = arg;
	json_t *o = json_pack("{s:s, s:I}", "tsa", r->tsa, "bytes",
	    (json_int_t)r->token.n);

	if (o == NULL)
		return CAMCA_ENOMEM;
	json_set_time(o, "time", r->time_ms);
	return json_array_append_new(x->list, o) == 0 ? 0 : CAMCA_ENOMEM;
}

static int
stamps_tx(struct tx *tx, void *arg)
{
	struct stamps_json *x = arg;

	json_array_clear(x->list);
	return store_timestamp_list(tx, x->size, stamps_row, x);
}

int
op_custody_timestamp(struct op_call *c)
{
	struct stamps_json x = { 0 };
	int ret;

	/* Best over all that has happened; if it cannot be signed now, over what
	 * has been. */
	(void)!signer_now(c->a->signer, -1, TIMESTAMP_SIGN_MS, NULL);
	ret = anchor_timestamp(c->a->anchor, TIMESTAMP_WAIT_MS, &x.size,
	    &c->why);
	if (ret < 0)
		return ret;
	x.list = json_array();
	if (x.list == NULL)
		return CAMCA_ENOMEM;
	ret = store_tx(c->a->store, DB_READ, stamps_tx, &x);
	c->result = json_pack("{s:I, s:o}", "size", (json_int_t)x.size,
	    "timestamps", x.list);
	return ret < 0 ? ret : c->result != NULL ? CAMCA_OK : CAMCA_ENOMEM;
}

/* ---- custody.status ---- */

struct anchors_json {
	json_t *witnesses, *tsas;
};

static int
anchors_row(const struct anchor_state *s, void *arg)
{
	struct anchors_json *x = arg;
	bool witness = s->kind == ANCHOR_WITNESS;
	json_t *o = json_pack("{s:s, s:s, s:s, s:s}", witness ? "name" : "tsa",
	    s->name, "url", s->url, "state", anchor_state_name(s->is),
	    "failed", s->failed);

	if (o == NULL)
		return CAMCA_ENOMEM;
	if (s->size >= 0)
		json_object_set_new(o, "size", json_integer(s->size));
	json_set_time(o, "answered", s->answered_ms);
	json_set_time(o, "time", s->time_ms);
	return json_array_append_new(witness ? x->witnesses : x->tsas,
	    o) == 0 ? 0 : CAMCA_ENOMEM;
}

static int
anchors_quorum(struct anchor *an, json_t *o)
{
	struct anchor_summary s;
	json_t *q;
	int ret = anchor_summary(an, &s);

	if (ret < 0 || !s.policy)
		return ret;
	q = json_object();
	if (s.quorum_size >= 0)
		json_object_set_new(q, "size", json_integer(s.quorum_size));
	json_set_time(q, "time", s.quorum_ms);
	json_object_set_new(q, "failed", json_string(s.why));
	return json_object_set_new(o, "quorum", q) == 0 ? CAMCA_OK :
	    CAMCA_ENOMEM;
}

int
custody_status_anchor(struct op_call *c, json_t *o)
{
	struct anchors_json x = { json_array(), json_array() };
	int ret = anchor_list(c->a->anchor, anchors_row, &x);

	if (json_object_set_new(o, "witnesses", x.witnesses) != 0 ||
	    json_object_set_new(o, "timestamps", x.tsas) != 0)
		ret = ret < 0 ? ret : CAMCA_ENOMEM;
	if (ret == CAMCA_OK && c->a->anchor != NULL)
		ret = anchors_quorum(c->a->anchor, o);
	return ret;
}
