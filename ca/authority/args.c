/* SPDX-License-Identifier: Apache-2.0 */
#include <stdlib.h>
#include <string.h>

#include "ca/authority/authority.h"
#include "ca/base/enc.h"
#include "ca/base/log.h"

const char *
arg_text(const struct op_call *c, const char *name)
{
	return json_string_value(json_object_get(c->args, name));
}

int64_t
arg_int(const struct op_call *c, const char *name, int64_t dflt)
{
	json_t *v = json_object_get(c->args, name);

	return v != NULL ? (int64_t)json_integer_value(v) : dflt;
}

bool
arg_bool(const struct op_call *c, const char *name, bool dflt)
{
	json_t *v = json_object_get(c->args, name);

	return v != NULL ? json_is_true(v) : dflt;
}

int
arg_base64(struct op_call *c, const char *name, struct buf *out)
{
	json_t *v = json_object_get(c->args, name);
	int ret;

	if (v == NULL)
		return CAMCA_OK;
	ret = dec_base64(out, json_string_value(v), json_string_length(v), 0);
	if (ret == CAMCA_ENOMEM)
		return ret;
	if (ret < 0)
		return refuse(&c->why, CAMCA_EINVAL, 400, "request.argument",
		    "Argument '%s' is not base64.", name);
	return CAMCA_OK;
}

void
json_set_time(json_t *o, const char *name, int64_t ms)
{
	char text[CTX_TIME_LEN];

	if (ms == 0) {
		json_object_set_new(o, name, json_null());
		return;
	}
	ctx_time_format(text, ms);
	json_object_set_new(o, name, json_string(text));
}

void
json_set_hex(json_t *o, const char *name, const uint8_t *p, size_t n)
{
	char *s = enc_hex_dup(p, n);

	json_object_set_new(o, name, s != NULL ? json_string(s) : NULL);
	free(s);
}

void
json_set_base64(json_t *o, const char *name, const uint8_t *p, size_t n)
{
	char *s = enc_base64_dup(p, n);

	json_object_set_new(o, name,
	    s != NULL ? json_stringn_nocheck(s, strlen(s)) : NULL);
	free(s);
}

static int
authority_event_tx(struct tx *tx, void *arg)
{
	return event_put(tx, arg);
}

int
authority_event(struct authority *a, struct event *e)
{
	return store_tx(a->store, DB_WRITE, authority_event_tx, e);
}

void
authority_refused(struct authority *a, const char *type, const char *device,
    const char *actor, const char *op, const char *label,
    const struct refusal *why)
{
	struct event e;
	int ret;

	event_init(&e, &a->events, type, device, actor);
	event_add(&e, "op", "%s", op);
	event_add(&e, "label", "%s", label != NULL && label[0] != '\0' ?
	    label : "-");
	event_add_refusal(&e, why);
	ret = authority_event(a, &e);
	if (ret < 0)
		log_msg(LOG_ERROR, device, "refusal %s is not recorded: %s",
		    why->code, camca_strerror(ret));
}

void
page_begin(const struct op_call *c, struct page *p)
{
	memset(p, 0, sizeof *p);
	p->items = json_array();
	p->limit = arg_int(c, "limit", 200);
}

int
page_after(struct op_call *c, int64_t *out)
{
	const char *s = arg_text(c, "after");
	char *end;
	long long n;

	*out = 0;
	if (s == NULL || s[0] == '\0')
		return CAMCA_OK;
	n = strtoll(s, &end, 10);
	if (*end != '\0' || n < 0)
		return refuse(&c->why, CAMCA_EINVAL, 400, "request.argument",
		    "Argument 'after' is not one of ours.");
	*out = n;
	return CAMCA_OK;
}

int
page_end(struct op_call *c, struct page *p)
{
	/* A page that is not full is the last one. */
	if ((int64_t)json_array_size(p->items) < p->limit)
		p->next[0] = '\0';
	c->result = json_pack("{s:o, s:s}", "items", p->items, "next", p->next);
	p->items = NULL;
	return c->result != NULL ? CAMCA_OK : CAMCA_ENOMEM;
}
