/* SPDX-License-Identifier: Apache-2.0 */
#include "ca/custody/event.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "ca/base/enc.h"
#include "ca/base/id.h"
#include "ca/base/log.h"

/* Order of the file; searched from the front, which for this many short names
 * costs less than anything cleverer. */
static const struct event_type event_types[] = {
#define EVENT_TYPE(name, keys) { name, keys, sizeof name - 1 },
#include "ca/custody/event_types.h"
#undef EVENT_TYPE
};
#define EVENT_TYPES (sizeof event_types / sizeof event_types[0])

const struct event_type *
event_type_find(const char *name, size_t n)
{
	size_t i;

	for (i = 0; i < EVENT_TYPES; i++)
		if (event_types[i].n == n &&
		    memcmp(event_types[i].name, name, n) == 0)
			return &event_types[i];
	return NULL;
}

bool
event_key_next(const char **pos, struct event_key *out)
{
	const char *p = *pos;

	while (*p == ' ')
		p++;
	out->p = p;
	while (*p != ' ' && *p != '?' && *p != '\0')
		p++;
	out->n = (size_t)(p - out->p);
	out->optional = *p == '?';
	*pos = out->optional ? p + 1 : p;
	return out->n > 0;
}

/* Bytes of a character at s that is valid UTF-8 but must not stand in a
 * record: C1 controls, U+2028..202E and U+2066..2069 (separators, direction
 * overrides), U+200E/F, U+FEFF. With these, a line can read differently on a
 * screen than it does in the hash ("Trojan Source"). 0: harmless. */
static size_t
event_hidden(const unsigned char *s)
{
	if (s[0] == 0xc2 && s[1] >= 0x80 && s[1] <= 0x9f)
		return 2;
	if (s[0] == 0xef && s[1] == 0xbb && s[2] == 0xbf)
		return 3;
	if (s[0] != 0xe2)
		return 0;
	if (s[1] == 0x80 && (s[2] == 0x8e || s[2] == 0x8f ||
	    (s[2] >= 0xa8 && s[2] <= 0xae)))
		return 3;
	return s[1] == 0x81 && s[2] >= 0xa6 && s[2] <= 0xa9 ? 3 : 0;
}

/* Printable ASCII without spaces at its ends: nearly every value. */
static bool
event_plain(const char *s)
{
	const char *p;

	for (p = s; *p >= ' ' && *p <= '~'; p++)
		;
	return *p == '\0' && p > s && *s != ' ' && p[-1] != ' ';
}

/* Makes any text fit the grammar, in place; "" becomes "-". */
static void
event_clean(char *s, size_t size)
{
	unsigned char *p;
	size_t n, hidden;
	char *start = s;

	if (event_plain(s))
		return;
	refusal_sanitize(s);
	for (p = (unsigned char *)s; *p != '\0'; p++) {
		hidden = event_hidden(p);
		if (hidden == 0)
			continue;
		memset(p, '?', hidden);
	}
	while (*start == ' ')
		start++;
	n = strlen(start);
	while (n > 0 && start[n - 1] == ' ')
		n--;
	memmove(s, start, n);
	s[n] = '\0';
	if (n == 0 && size > 1)
		memcpy(s, "-", 2);
}

/* Marks a text that did not fit: whole characters, then U+2026. */
static void
event_cut(char *s, size_t max)
{
	static const char more[] = "\xe2\x80\xa6";
	size_t n = max - (sizeof more - 1);

	while (n > 0 && ((unsigned char)s[n] & 0xc0) == 0x80)
		n--;
	memcpy(s + n, more, sizeof more);
}

/* Copies a text of our own side into a line of at most max bytes. */
static void
event_copy(char *out, size_t max, const char *s)
{
	size_t n = s != NULL ? strnlen(s, max + 1) : 0;

	if (n > 0)
		memcpy(out, s, n <= max ? n : max);
	out[n <= max ? n : max] = '\0';
	if (n > max)
		event_cut(out, max);
	event_clean(out, max + 1);
}

/* Printable ASCII, eight bytes at a time: where none has its high bit set,
 * taking a space from each borrows only below ' ', and adding one carries only
 * past '~'. */
static bool
event_ascii(const char *p, size_t n)
{
	const uint64_t each = UINT64_C(0x0101010101010101);
	uint64_t x;
	size_t i;

	for (i = 0; i + sizeof x <= n; i += sizeof x) {
		memcpy(&x, p + i, sizeof x);
		if (((x | (x - each * ' ') | (x + each)) & each * 0x80) != 0)
			return false;
	}
	for (; i < n; i++)
		if (p[i] < ' ' || p[i] > '~')
			return false;
	return true;
}

bool
event_text_ok(const char *p, size_t n, size_t max)
{
	char copy[EVENT_VALUE_MAX + 1];
	size_t i;

	if (n == 0 || n > max || n > EVENT_VALUE_MAX || p[0] == ' ' ||
	    p[n - 1] == ' ')
		return false;
	/* Nearly every value is printable ASCII. */
	if (event_ascii(p, n))
		return true;
	if (memchr(p, '\0', n) != NULL)
		return false;
	memcpy(copy, p, n);
	copy[n] = '\0';
	refusal_sanitize(copy);
	if (memcmp(copy, p, n) != 0)
		return false;
	for (i = 0; i < n; i++)
		if (event_hidden((const unsigned char *)copy + i) > 0)
			return false;
	return true;
}

/* The first mistake stays, and is the one that is logged. */
static void
event_fail(struct event *e, int err, const char *key, const char *what)
{
	if (e->error != CAMCA_OK)
		return;
	e->error = err;
	log_msg(LOG_ERROR, "event", "%s: %s: %s",
	    e->type != NULL ? e->type->name : "(no type)", key, what);
}

/* Six bytes of time, ten random ones: no two alike, and in the order of time. */
static int
event_id(const struct camca_ctx *ctx, int64_t now_ms, uint8_t id[static 16],
    struct event_ids *ids)
{
	int i, ret;

	for (i = 0; i < 6; i++)
		id[i] = (uint8_t)(now_ms >> (40 - 8 * i));
	if (ids == NULL)
		return ctx_random(ctx, id + 6, 10);
	if (ids->left == 0) {
		ret = ctx_random(ctx, ids->bytes, sizeof ids->bytes);
		if (ret < 0)
			return ret;
		ids->left = sizeof ids->bytes / 10;
	}
	memcpy(id + 6, ids->bytes + 10 * --ids->left, 10);
	return CAMCA_OK;
}

void
event_init(struct event *e, const struct event_source *src, const char *type,
    const char *device, const char *actor)
{
	event_init_many(e, src, type, device, actor, NULL);
}

void
event_init_many(struct event *e, const struct event_source *src,
    const char *type, const char *device, const char *actor,
    struct event_ids *ids)
{
	/* Not the whole struct: text[] is only read where it was written. */
	memset(e, 0, offsetof(struct event, text));
	e->src = src;
	e->type = event_type_find(type, strlen(type));
	if (e->type == NULL) {
		event_fail(e, CAMCA_EINVAL, type, "no such type of event");
		return;
	}
	e->time_ms = ctx_now_ms(src->ctx);
	if (event_id(src->ctx, e->time_ms, e->id, ids) < 0)
		event_fail(e, CAMCA_ECRYPTO, "id", "no random bytes");
	snprintf(e->device, sizeof e->device, "%s",
	    device != NULL && id_ok(device, strlen(device)) ?
	    device : "-");
	event_copy(e->actor, EVENT_WHO_MAX, actor);
}

/* Place of key in the type's list, or -1. */
static int
event_key_index(const struct event_type *t, const char *key)
{
	const char *pos = t->keys;
	struct event_key k;
	size_t n = strlen(key);
	int i;

	for (i = 0; event_key_next(&pos, &k); i++)
		if (k.n == n && memcmp(k.p, key, n) == 0)
			return i;
	return -1;
}

/* Takes the printed value at e->text + e->used (len bytes before any cut). */
static void
event_keep(struct event *e, const char *key, int len)
{
	char *s = e->text + e->used;
	int i = event_key_index(e->type, key);

	if (len < 0 || i < 0 || i >= EVENT_KEYS_MAX) {
		event_fail(e, CAMCA_EINVAL, key, "no such key");
		return;
	}
	if (e->at[i] != 0) {
		event_fail(e, CAMCA_EINVAL, key, "given twice");
		return;
	}
	/* Cut before cleaning: half a character must not become '?'. */
	if (len > EVENT_VALUE_MAX)
		event_cut(s, EVENT_VALUE_MAX);
	event_clean(s, EVENT_VALUE_MAX + 1);
	e->at[i] = e->used + 1;
	e->used += strlen(s) + 1;
}

/* As snprintf() with "%s" would. */
static int
event_string(char out[static EVENT_VALUE_MAX + 1], const char *s)
{
	size_t n = strnlen(s, EVENT_VALUE_MAX + 1);
	size_t kept = n <= EVENT_VALUE_MAX ? n : EVENT_VALUE_MAX;

	memcpy(out, s, kept);
	out[kept] = '\0';
	return (int)n;
}

void
event_add(struct event *e, const char *key, const char *fmt, ...)
{
	va_list ap;
	int n;

	if (e->error != CAMCA_OK)
		return;
	if (sizeof e->text - e->used < EVENT_VALUE_MAX + 1) {
		event_fail(e, CAMCA_ELIMIT, key, "the event is too large");
		return;
	}
	va_start(ap, fmt);
	if (strcmp(fmt, "%s") == 0)
		n = event_string(e->text + e->used, va_arg(ap, const char *));
	else
		n = vsnprintf(e->text + e->used, EVENT_VALUE_MAX + 1, fmt, ap);
	va_end(ap);
	event_keep(e, key, n);
}

void
event_add_hex(struct event *e, const char *key, const void *p, size_t n)
{
	char hex[EVENT_VALUE_MAX + 1];

	if (n > EVENT_VALUE_MAX / 2) {
		event_fail(e, CAMCA_ELIMIT, key, "too many bytes");
		return;
	}
	enc_hex(hex, p, n);
	event_add(e, key, "%s", hex);
}

void
event_add_time(struct event *e, const char *key, int64_t ms)
{
	char when[CTX_TIME_LEN];

	ctx_time_format(when, ms);
	event_add(e, key, "%s", when);
}

void
event_add_refusal(struct event *e, const struct refusal *why)
{
	event_add(e, "rule", "%s", why->code);
	event_add(e, "http", "%d", why->http);
	event_add(e, "reason", "%s", why->detail);
}

/* Lines being put together; the first error stays. */
struct event_out {
	char *p;
	size_t n;
	int error;
};

static void
event_line(struct event_out *o, const char *key, size_t key_len,
    const char *value)
{
	size_t n = strlen(value);

	if (o->error != CAMCA_OK)
		return;
	if (EVENT_OUTBOX_MAX - o->n < key_len + n + 2) {
		o->error = CAMCA_ELIMIT;
		return;
	}
	memcpy(o->p + o->n, key, key_len);
	o->n += key_len;
	o->p[o->n++] = ' ';
	memcpy(o->p + o->n, value, n);
	o->n += n;
	o->p[o->n++] = '\n';
}

/* The type's own lines, in its order whatever order they were added in. A
 * missing one is our mistake: a record with a hole is not written. */
static void
event_lines(const struct event *e, struct event_out *o)
{
	const char *pos = e->type->keys;
	struct event_key k;
	size_t i;

	for (i = 0; event_key_next(&pos, &k) && o->error == CAMCA_OK; i++) {
		if (e->at[i] != 0) {
			event_line(o, k.p, k.n, e->text + e->at[i] - 1);
		} else if (!k.optional) {
			log_msg(LOG_ERROR, "event", "%s: key %.*s is missing",
			    e->type->name, (int)k.n, k.p);
			o->error = CAMCA_EINVAL;
		}
	}
}

int
event_format(const struct event *e, char out[static EVENT_BODY_MAX],
    size_t *n_out)
{
	struct event_out o = { .p = out, .n = sizeof EVENT_HEADER - 1 };
	char id[2 * sizeof e->id + 1], when[CTX_TIME_LEN];
	char node[EVENT_WHO_MAX + 1];

	if (e->error != CAMCA_OK)
		return e->error;
	enc_hex(id, e->id, sizeof e->id);
	ctx_time_format(when, e->time_ms);
	event_copy(node, EVENT_WHO_MAX, e->src->node);
	memcpy(out, EVENT_HEADER, o.n);
	event_line(&o, "id", 2, id);
	event_line(&o, "time", 4, when);
	event_line(&o, "type", 4, e->type->name);
	event_line(&o, "device", 6, e->device);
	event_line(&o, "actor", 5, e->actor);
	event_lines(e, &o);
	event_line(&o, "node", 4, node);
	*n_out = o.n;
	return o.error;
}
