/* SPDX-License-Identifier: Apache-2.0 */
/* One device, or one certificate, against the terms of a selector; and the
 * words that say what matched. */
#include "ca/admit/select_int.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "ca/base/enc.h"

void *
select_grow(void *array, size_t n, size_t *cap, size_t size)
{
	size_t want = *cap == 0 ? 64 : *cap * 2;
	void *p;

	if (n < *cap)
		return array;
	p = reallocarray(array, want, size);
	if (p != NULL)
		*cap = want;
	return p;
}

void
rule_add(struct rule *r, const char *fmt, ...)
{
	size_t room;
	va_list ap;
	int n;

	if (r->n > 0 && r->n + 2 < sizeof r->text) {
		memcpy(r->text + r->n, "; ", 3);
		r->n += 2;
	}
	room = sizeof r->text - r->n;
	va_start(ap, fmt);
	n = vsnprintf(r->text + r->n, room, fmt, ap);
	va_end(ap);
	if (n > 0)
		r->n += (size_t)n < room ? (size_t)n : room - 1;
}

const char *
rule_keep(struct select *x, const char *text)
{
	struct selection *o = x->out;
	uint32_t h = 2166136261u;
	const char *p, **slot;
	char **grown;

	for (p = text; *p != '\0'; p++)
		h = (h ^ (unsigned char)*p) * 16777619u;
	slot = &x->slots[h % RULE_SLOTS];
	if (*slot != NULL && strcmp(*slot, text) == 0)
		return *slot;
	grown = select_grow(o->rules, o->nrules, &x->rule_cap,
	    sizeof *o->rules);
	if (grown == NULL)
		return NULL;
	o->rules = grown;
	if ((o->rules[o->nrules] = strdup(text)) == NULL)
		return NULL;
	/* A text that was cut may end in half a character. */
	refusal_sanitize(o->rules[o->nrules]);
	return *slot = o->rules[o->nrules++];
}

static int
site_compare(const void *key, const void *row)
{
	return strcmp(key, ((const struct site_row *)row)->id);
}

const struct site_row *
select_site(const struct selection *o, const char *id)
{
	/* The store lists them in order. */
	return o->nsites == 0 ? NULL : bsearch(id, o->sites, o->nsites,
	    sizeof *o->sites, site_compare);
}

/* The first pattern that fits; NULL where none does. */
static const char *
match_pattern(const struct select_list *l, const char *text)
{
	size_t i;

	for (i = 0; i < l->n; i++)
		if (select_pattern(l->v[i], text))
			return l->v[i];
	return NULL;
}

static int
exact_compare(const void *key, const void *item)
{
	return strcmp(key, *(char *const *)item);
}

static bool
match_exact(const struct select_list *l, const char *text)
{
	return bsearch(text, l->v, l->n, sizeof *l->v, exact_compare) != NULL;
}

/* "model DS-2CD2143G2-I (DS-2CD*)": what stands in the inventory, and what it
 * was held against where that is written differently. */
static bool
match_name(const struct select_list *l, const char *what, const char *text,
    struct rule *r)
{
	const char *pattern;

	if (l->n == 0)
		return true;
	if ((pattern = match_pattern(l, text)) == NULL)
		return false;
	if (strcmp(pattern, text) == 0)
		rule_add(r, "%s %s", what, text);
	else
		rule_add(r, "%s %s (%s)", what, text, pattern);
	return true;
}

enum match
match_product(const struct select *x, const char *manufacturer,
    const char *model, const char *firmware, struct rule *r)
{
	enum firmware_verdict v;

	if (!match_name(&x->s->manufacturers, "manufacturer", manufacturer,
	    r) || !match_name(&x->s->models, "model", model, r))
		return MATCH_NO;
	if (!x->s->by_firmware)
		return MATCH_YES;
	v = firmware_judge(&x->s->firmware, firmware);
	if (v == FIRMWARE_NOT_AFFECTED)
		return MATCH_NO;
	if (v == FIRMWARE_AFFECTED) {
		rule_add(r, "firmware %s (%s)", firmware, x->range);
		return MATCH_YES;
	}
	if (firmware[0] == '\0')
		rule_add(r, "firmware not known (%s)", x->range);
	else
		rule_add(r, "firmware '%s' cannot be compared (%s)", firmware,
		    x->range);
	return MATCH_MAYBE;
}

bool
match_place(const struct select *x, const struct device_pick *p,
    const struct site_row *site, struct rule *r)
{
	const struct selector *s = x->s;

	if ((s->devices.n > 0 && !match_exact(&s->devices, p->id)) ||
	    (s->sites.n > 0 && !match_exact(&s->sites, p->site)) ||
	    (s->level != 0 && site->level != s->level) ||
	    (s->place >= 0 && p->place != s->place))
		return false;
	if (s->devices.n > 0)
		rule_add(r, "device %s", p->id);
	if (s->sites.n > 0)
		rule_add(r, "site %s", p->site);
	if (s->level != 0)
		rule_add(r, "level %d", s->level);
	if (s->place >= 0)
		rule_add(r, "place %s",
		    device_place_name((enum device_place)s->place));
	return true;
}

bool
match_cert(const struct select *x, const struct cert_pick *c)
{
	const struct selector *s = x->s;
	char serial[2 * STORE_SERIAL_LEN + 1];
	size_t i;

	if (s->serials.n > 0) {
		enc_hex(serial, c->serial, sizeof c->serial);
		if (!match_exact(&s->serials, serial))
			return false;
	}
	if ((s->from_ms != 0 && c->created_ms < s->from_ms) ||
	    (s->to_ms != 0 && c->created_ms >= s->to_ms))
		return false;
	for (i = 0; i < x->nissuers; i++)
		if (x->issuers[i] == c->issuer)
			return true;
	return x->nissuers == 0;
}

void
match_cert_rule(const struct select *x, struct rule *r)
{
	char from[CTX_TIME_LEN] = "the beginning", to[CTX_TIME_LEN] = "now";

	if (x->s->serials.n > 0)
		rule_add(r, "serial");
	if (x->s->issuer[0] != '\0')
		rule_add(r, "issuer %s", x->s->issuer);
	if (x->s->from_ms == 0 && x->s->to_ms == 0)
		return;
	if (x->s->from_ms != 0)
		ctx_time_format(from, x->s->from_ms);
	if (x->s->to_ms != 0)
		ctx_time_format(to, x->s->to_ms);
	rule_add(r, "issued from %s to %s", from, to);
}
