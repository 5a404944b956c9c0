/* SPDX-License-Identifier: Apache-2.0 */
/* What a preview shows: counts by site, level, place and rule. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "ca/authority/revoke.h"

#define SUMMARY_SITES 40               /* the ones with the most devices */
#define SUMMARY_RULES 8

static const char *const revoke_states[REV_STATES] = {
	[REV_PLANNED] = "planned",
	[REV_APPROVED] = "approved",
	[REV_APPLIED] = "applied",
	[REV_CANCELLED] = "cancelled",
};

const char *
revoke_state_name(int64_t state)
{
	return state >= 0 && state < REV_STATES ? revoke_states[state] : "?";
}

static int64_t
revoke_certs(const struct selection *s, const struct select_device *d)
{
	int64_t n = 0;
	size_t i;

	for (i = d->certs; i < d->certs + d->ncerts; i++)
		n += s->certs[i].changes;
	return n;
}

void
revoke_count(const struct selection *s, struct revoke_counts *out)
{
	const struct select_device *d;
	size_t i;

	memset(out, 0, sizeof *out);
	for (i = 0; i < s->ndevices; i++) {
		d = &s->devices[i];
		out->undetermined += d->verdict == REV_UNDETERMINED;
		out->unchanged += d->verdict == REV_UNCHANGED;
		if (d->verdict != REV_CHANGES)
			continue;
		out->devices += d->pk != 0;
		out->certs += revoke_certs(s, d);
		out->registered += d->from.state == DEVICE_REGISTERED;
		out->losing += d->loses_service;
		out->keeping += d->keeps_service;
		out->key_losing += d->loses_service &&
		    d->place == PLACE_KEY_AREA;
	}
}

bool
revoke_needs_second(const struct rev_rules *rules,
    const struct revoke_counts *n)
{
	return n->devices > rules->second_person_above ||
	    n->certs > rules->second_person_above;
}

/* Counts under one heading: a site, a level, a place, a rule. */
struct heading {
	const char *name;
	int number;
	int64_t devices, certs, losing;
};

static void
heading_add(struct heading *h, const struct selection *s,
    const struct select_device *d)
{
	h->devices += d->pk != 0;
	h->certs += revoke_certs(s, d);
	h->losing += d->loses_service;
}

static json_t *
heading_json(const struct heading *h, const char *key)
{
	json_t *o = json_object();

	json_object_set_new(o, key, h->name != NULL ? json_string(h->name) :
	    json_integer(h->number));
	json_object_set_new(o, "devices", json_integer(h->devices));
	json_object_set_new(o, "certificates", json_integer(h->certs));
	json_object_set_new(o, "losing_service", json_integer(h->losing));
	return o;
}

static int
heading_compare(const void *a, const void *b)
{
	const struct heading *x = a, *y = b;

	if (x->devices != y->devices)
		return x->devices < y->devices ? 1 : -1;
	if (x->name != NULL && y->name != NULL)
		return strcmp(x->name, y->name);
	return x->number - y->number;
}

/* The largest first, those without anything left out. */
static json_t *
heading_list(struct heading *h, size_t n, size_t max, const char *key)
{
	json_t *list = json_array();
	size_t i;

	if (n > 0)
		qsort(h, n, sizeof *h, heading_compare);
	for (i = 0; i < n && i < max; i++)
		if (h[i].devices > 0 || h[i].certs > 0)
			json_array_append_new(list, heading_json(&h[i], key));
	return list;
}

static int
summary_sites(json_t *o, const struct selection *s)
{
	struct heading *h = calloc(s->nsites + 1, sizeof *h);
	size_t i, at, used = 0;

	if (h == NULL)
		return CAMCA_ENOMEM;
	for (i = 0; i < s->nsites; i++)
		h[i].name = s->sites[i].id;
	for (i = 0; i < s->ndevices; i++) {
		if (s->devices[i].verdict != REV_CHANGES ||
		    s->devices[i].pk == 0)
			continue;
		/* Its site is one of these: the pointer is its place. */
		at = (size_t)((const char *)s->devices[i].site -
		    s->sites[0].id) / sizeof s->sites[0];
		used += h[at].devices == 0;
		heading_add(&h[at], s, &s->devices[i]);
	}
	json_object_set_new(o, "sites", json_integer((json_int_t)used));
	json_object_set_new(o, "by_site", heading_list(h, s->nsites,
	    SUMMARY_SITES, "site"));
	free(h);
	return CAMCA_OK;
}

static void
summary_levels(json_t *o, const struct selection *s)
{
	struct heading level[6] = { { .name = NULL } };
	struct heading place[DEVICE_PLACES] = { { .name = NULL } };
	const struct select_device *d;
	size_t i;

	for (i = 0; i < 6; i++)
		level[i].number = (int)i;
	for (i = 0; i < DEVICE_PLACES; i++)
		place[i].name = device_place_name((enum device_place)i);
	for (i = 0; i < s->ndevices; i++) {
		d = &s->devices[i];
		if (d->verdict != REV_CHANGES || d->pk == 0)
			continue;
		if (d->level >= 1 && d->level <= 5)
			heading_add(&level[d->level], s, d);
		if (d->place >= 0 && d->place < DEVICE_PLACES)
			heading_add(&place[d->place], s, d);
	}
	json_object_set_new(o, "by_level", heading_list(level, 6, 6,
	    "level"));
	json_object_set_new(o, "by_place", heading_list(place, DEVICE_PLACES,
	    DEVICE_PLACES, "place"));
}

static int
rule_compare(const void *a, const void *b)
{
	const struct heading *x = a, *y = b;

	return x->name == y->name ? 0 : strcmp(x->name, y->name);
}

/* The rules that matched most devices: of which products these are. */
static int
summary_rules(json_t *o, const char *key, const struct selection *s,
    enum rev_verdict verdict)
{
	struct heading *h = calloc(s->ndevices + 1, sizeof *h);
	size_t i, n = 0, kinds = 0;

	if (h == NULL)
		return CAMCA_ENOMEM;
	for (i = 0; i < s->ndevices; i++)
		if (s->devices[i].verdict == verdict)
			h[n++] = (struct heading){ s->devices[i].rule, 0, 1,
			    revoke_certs(s, &s->devices[i]),
			    s->devices[i].loses_service };
	if (n > 0)
		qsort(h, n, sizeof *h, rule_compare);
	for (i = 0; i < n; i++) {
		if (kinds == 0 || rule_compare(&h[kinds - 1], &h[i]) != 0) {
			h[kinds++] = h[i];
			continue;
		}
		h[kinds - 1].devices += h[i].devices;
		h[kinds - 1].certs += h[i].certs;
		h[kinds - 1].losing += h[i].losing;
	}
	json_object_set_new(o, key, heading_list(h, kinds, SUMMARY_RULES,
	    "rule"));
	free(h);
	return CAMCA_OK;
}

static json_t *
summary_json(const struct revoke *r, const char *items)
{
	struct revoke_counts n;
	json_t *o;

	revoke_count(&r->found, &n);
	o = json_pack("{s:I, s:I, s:I, s:I, s:I, s:I, s:I, s:I, s:s}",
	    "devices", (json_int_t)n.devices,
	    "certificates", (json_int_t)n.certs,
	    "registered", (json_int_t)n.registered,
	    "losing_service", (json_int_t)n.losing,
	    "key_area_losing_service", (json_int_t)n.key_losing,
	    "keeping_service", (json_int_t)n.keeping,
	    "undetermined", (json_int_t)n.undetermined,
	    "unchanged", (json_int_t)n.unchanged, "items_sha256", items);
	if (o == NULL || summary_sites(o, &r->found) < 0 ||
	    summary_rules(o, "by_rule", &r->found, REV_CHANGES) < 0 ||
	    summary_rules(o, "undetermined_by_rule", &r->found,
	    REV_UNDETERMINED) < 0 ||
	    summary_rules(o, "unchanged_by_rule", &r->found,
	    REV_UNCHANGED) < 0) {
		json_decref(o);
		return NULL;
	}
	summary_levels(o, &r->found);
	return o;
}

int
revoke_summary(struct revoke *r)
{
	char items[65], *text;
	json_t *o;
	size_t n;
	int ret = revoke_items_hash(r, items);

	if (ret < 0)
		return ret;
	memcpy(r->row.world, r->found.world, sizeof r->row.world);
	if ((o = summary_json(r, items)) == NULL)
		return CAMCA_ENOMEM;
	text = json_dumps(o, JSON_COMPACT);
	n = text != NULL ? strlen(text) : 0;
	if (n >= sizeof r->row.summary) {
		/* Long names in every rule: the counts are what matters. */
		free(text);
		json_object_del(o, "by_rule");
		json_object_del(o, "undetermined_by_rule");
		json_object_del(o, "unchanged_by_rule");
		text = json_dumps(o, JSON_COMPACT);
		n = text != NULL ? strlen(text) : 0;
	}
	json_decref(o);
	ret = text == NULL ? CAMCA_ENOMEM : n >= sizeof r->row.summary ?
	    CAMCA_ELIMIT : CAMCA_OK;
	if (ret == CAMCA_OK)
		memcpy(r->row.summary, text, n + 1);
	free(text);
	return ret;
}

static json_t *
revoke_parsed(const char *text)
{
	json_t *o = json_loads(text, 0, NULL);

	return o != NULL ? o : json_object();
}

static bool
revoke_open(const struct rev_batch_row *row)
{
	return row->state == REV_PLANNED || row->state == REV_APPROVED;
}

static json_t *
revoke_batch_json(const struct rev_batch_row *row,
    const struct rev_rules *rules, bool second)
{
	json_t *o = json_pack("{s:I, s:s, s:s, s:s, s:s, s:s, s:s, s:s}",
	    "id", (json_int_t)row->id, "state", revoke_state_name(row->state),
	    "action", device_action_name((enum device_action)row->action),
	    "crl_reason", reason_name(row->crl_reason), "reason", row->reason,
	    "reference", row->reference, "planned_by", row->created_by,
	    "approved_by", row->approved_by);

	if (o == NULL)
		return NULL;
	json_object_set_new(o, "selector", revoke_parsed(row->selector));
	json_set_time(o, "invalidity", row->invalidity_ms);
	json_set_time(o, "planned", row->created_ms);
	json_set_time(o, "expires", revoke_open(row) ? row->created_ms +
	    rules->batch_ttl_ms : 0);
	json_object_set_new(o, "needs_second_person", json_boolean(second));
	json_set_time(o, "approved", row->approved_ms);
	json_set_time(o, "decided", row->decided_ms);
	json_object_set_new(o, "decided_by", json_string(row->decided_by));
	json_object_set_new(o, "rev_seq", json_integer(row->rev_seq));
	json_set_hex(o, "world", row->world, sizeof row->world);
	return o;
}

static int64_t
revoke_number(const json_t *summary, const char *key)
{
	return json_integer_value(json_object_get(summary, key));
}

json_t *
revoke_json(const struct rev_batch_row *row, const struct rev_rules *rules)
{
	json_t *summary = revoke_parsed(row->summary);
	struct revoke_counts n = {
		.devices = revoke_number(summary, "devices"),
		.certs = revoke_number(summary, "certificates") };
	bool second = revoke_open(row) && revoke_needs_second(rules, &n);

	return json_pack("{s:o, s:o}", "batch",
	    revoke_batch_json(row, rules, second), "summary", summary);
}

json_t *
revoke_line_json(const struct rev_batch_row *row)
{
	json_t *summary = revoke_parsed(row->summary);
	json_t *o = json_pack("{s:I, s:s, s:s, s:I, s:I, s:I, s:s, s:s, s:s}",
	    "id", (json_int_t)row->id, "state", revoke_state_name(row->state),
	    "action", device_action_name((enum device_action)row->action),
	    "devices", (json_int_t)revoke_number(summary, "devices"),
	    "certificates", (json_int_t)revoke_number(summary, "certificates"),
	    "undetermined", (json_int_t)revoke_number(summary, "undetermined"),
	    "reason", row->reason, "reference", row->reference,
	    "planned_by", row->created_by);

	json_decref(summary);
	if (o != NULL)
		json_set_time(o, "planned", row->created_ms);
	return o;
}
