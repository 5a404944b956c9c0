/* SPDX-License-Identifier: Apache-2.0 */
/* Reads what event.c writes, and the sequenced form of it. The verifier of a
 * bundle runs on bytes that an opponent may have chosen, so an event has exactly
 * one accepted spelling: what a reader sees is what was hashed. */
#include "ca/custody/event.h"

#include <string.h>

#include "ca/base/id.h"

struct event_cursor {
	const char *p, *end;
	int line;                     /* of the text, the header is 1 */
	struct refusal *why;
};

static int
event_bad(const struct event_cursor *c, const char *code, const char *what)
{
	return refuse(c->why, CAMCA_EINVAL, 400, code, "event, line %d: %s",
	    c->line, what);
}

/* Is the next line one of this key? */
static bool
event_peek(const struct event_cursor *c, const char *key, size_t n)
{
	return (size_t)(c->end - c->p) > n && memcmp(c->p, key, n) == 0 &&
	    c->p[n] == ' ';
}

/* The value of the next line, which must be of this key. */
static int
event_take(struct event_cursor *c, const char *key, size_t n, size_t max,
    struct event_text *out)
{
	const char *lf;

	c->line++;
	if (!event_peek(c, key, n))
		return refuse(c->why, CAMCA_EINVAL, 400, "event.key",
		    "event, line %d: '%.*s' must stand here", c->line, (int)n,
		    key);
	out->p = c->p + n + 1;
	lf = memchr(out->p, '\n', (size_t)(c->end - out->p));
	if (lf == NULL)
		return event_bad(c, "event.line", "the line has no end");
	out->n = (size_t)(lf - out->p);
	if (!event_text_ok(out->p, out->n, max))
		return event_bad(c, "event.value", "the value is empty, too "
		    "long, not UTF-8, has control characters, or a space at "
		    "an end");
	c->p = lf + 1;
	return CAMCA_OK;
}

static int
event_take_named(struct event_cursor *c, const char *key, size_t max,
    struct event_text *out)
{
	return event_take(c, key, strlen(key), max, out);
}

/* Without branches: half of the digits of a hash are letters, and which ones
 * nobody can foretell. 16: none, also an upper-case one. */
static unsigned
event_hex_digit(char c)
{
	unsigned d = (unsigned)(unsigned char)c - '0';
	unsigned l = (unsigned)(unsigned char)c - 'a';

	return d < 10 ? d : l < 6 ? l + 10 : 16;
}

/* n bytes of lower-case hex: one spelling only. */
static int
event_hex(const struct event_cursor *c, const struct event_text *t,
    uint8_t *out, size_t n)
{
	unsigned hi, lo, all = 0;
	size_t i;

	if (t->n != 2 * n)
		return event_bad(c, "event.hex", "wrong number of hex digits");
	for (i = 0; i < n; i++) {
		hi = event_hex_digit(t->p[2 * i]);
		lo = event_hex_digit(t->p[2 * i + 1]);
		all |= hi | lo;
		out[i] = (uint8_t)(hi << 4 | lo);
	}
	return all < 16 ? CAMCA_OK : event_bad(c, "event.hex",
	    "not a hex digit, or an upper-case one");
}

static int
event_take_time(struct event_cursor *c, int64_t *ms_out)
{
	char text[CTX_TIME_LEN];
	struct event_text t;
	int ret = event_take_named(c, "time", CTX_TIME_LEN - 1, &t);

	if (ret < 0)
		return ret;
	if (t.n != CTX_TIME_LEN - 1)
		return event_bad(c, "event.time",
		    "not YYYY-MM-DDThh:mm:ss.mmmZ");
	memcpy(text, t.p, t.n);
	text[t.n] = '\0';
	if (ctx_time_parse(text, ms_out) < 0)
		return event_bad(c, "event.time",
		    "not YYYY-MM-DDThh:mm:ss.mmmZ");
	return CAMCA_OK;
}

/* Decimal 1.., no sign, no leading zero. */
static int
event_take_seq(struct event_cursor *c, int64_t *out)
{
	struct event_text t;
	int64_t v = 0;
	size_t i;
	int ret = event_take_named(c, "dev-seq", 18, &t);

	if (ret < 0)
		return ret;
	for (i = 0; i < t.n; i++) {
		if (t.p[i] < '0' || t.p[i] > '9' || t.p[0] == '0')
			return event_bad(c, "event.dev-seq", "not a number "
			    "from 1 on without leading zero");
		v = v * 10 + (t.p[i] - '0');
	}
	*out = v;
	return CAMCA_OK;
}

/* The two lines that the sequencer adds; absent in the outbox. A device's
 * first event, and no other, has no predecessor. */
static int
event_take_chain(struct event_cursor *c, struct event_view *v)
{
	struct event_text t;
	int ret;

	if (!event_peek(c, "dev-seq", 7))
		return CAMCA_OK;
	if ((ret = event_take_seq(c, &v->dev_seq)) < 0 ||
	    (ret = event_take_named(c, "dev-prev", EVENT_VALUE_MAX, &t)) < 0)
		return ret;
	v->has_prev = v->dev_seq > 1;
	if (v->has_prev)
		return event_hex(c, &t, v->dev_prev, sizeof v->dev_prev);
	if (t.n != 1 || t.p[0] != '-')
		return event_bad(c, "event.dev-prev", "must be '-' in the "
		    "first event of a device");
	return CAMCA_OK;
}

static int
event_take_device(struct event_cursor *c, struct event_text *out)
{
	int ret = event_take_named(c, "device", STORE_ID_MAX - 1, out);

	if (ret < 0 || (out->n == 1 && out->p[0] == '-'))
		return ret;
	if (!id_ok(out->p, out->n))
		return event_bad(c, "event.device", "not the id of a device");
	return CAMCA_OK;
}

static int
event_take_head(struct event_cursor *c, struct event_view *v)
{
	struct event_text t;
	int ret;

	if ((ret = event_take_named(c, "id", EVENT_VALUE_MAX, &t)) < 0 ||
	    (ret = event_hex(c, &t, v->id, sizeof v->id)) < 0 ||
	    (ret = event_take_time(c, &v->time_ms)) < 0 ||
	    (ret = event_take_named(c, "type", STORE_ID_MAX - 1, &t)) < 0)
		return ret;
	v->type = event_type_find(t.p, t.n);
	if (v->type == NULL)
		return event_bad(c, "event.type", "no such type of event");
	if ((ret = event_take_device(c, &v->device)) < 0 ||
	    (ret = event_take_chain(c, v)) < 0)
		return ret;
	return event_take_named(c, "actor", EVENT_WHO_MAX, &v->actor);
}

/* One pass over the type's keys: order, presence and doubles come for free. */
static int
event_take_fields(struct event_cursor *c, struct event_view *v)
{
	const char *pos = v->type->keys;
	struct event_key k;
	int ret;

	while (event_key_next(&pos, &k)) {
		if (k.optional && !event_peek(c, k.p, k.n))
			continue;
		ret = event_take(c, k.p, k.n, EVENT_VALUE_MAX,
		    &v->fields[v->nfields].value);
		if (ret < 0)
			return ret;
		v->fields[v->nfields].key.p = k.p;
		v->fields[v->nfields].key.n = k.n;
		v->nfields++;
	}
	return CAMCA_OK;
}

int
event_parse(struct event_view *out, const void *p, size_t n,
    struct refusal *why)
{
	struct event_cursor c = { .p = p, .line = 1, .why = why };
	size_t head = sizeof EVENT_HEADER - 1;
	int ret;

	memset(out, 0, sizeof *out);
	if (n > EVENT_BODY_MAX)
		return refuse(why, CAMCA_ELIMIT, 400, "event.size",
		    "an event is at most %d bytes", EVENT_BODY_MAX);
	if (n < head || memcmp(p, EVENT_HEADER, head) != 0)
		return event_bad(&c, "event.header", "not camca-event/v1");
	c.end = c.p + n;
	c.p += head;
	if ((ret = event_take_head(&c, out)) < 0 ||
	    (ret = event_take_fields(&c, out)) < 0 ||
	    (ret = event_take_named(&c, "node", EVENT_WHO_MAX,
	    &out->node)) < 0)
		return ret;
	if (c.p != c.end)
		return event_bad(&c, "event.trailing", "more bytes after the "
		    "line 'node'");
	return CAMCA_OK;
}

int
event_view_get(const struct event_view *v, const char *key,
    struct event_text *out)
{
	size_t i, n = strlen(key);

	for (i = 0; i < v->nfields; i++) {
		if (v->fields[i].key.n != n ||
		    memcmp(v->fields[i].key.p, key, n) != 0)
			continue;
		*out = v->fields[i].value;
		return CAMCA_OK;
	}
	return CAMCA_ENOENT;
}
