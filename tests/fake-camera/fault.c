/* SPDX-License-Identifier: Apache-2.0 */
#include <stdio.h>
#include <string.h>

#include "tests/fake-camera/camera.h"
#include "tests/fake-camera/fault.h"

static const struct {
	const char *name;
	int64_t value;
	const char *text;
} catalogue[FAULTS] = {
#define FAULT(id, name, value, text) { name, value, text },
	FAULT_NAMES(FAULT)
#undef FAULT
};

int
fault_find(const char *name)
{
	int i;

	for (i = 0; i < FAULTS; i++)
		if (strcmp(catalogue[i].name, name) == 0)
			return i;
	return -1;
}

const char *
fault_name(enum fault f)
{
	return catalogue[f].name;
}

static bool
fault_text(const json_t *body, const char *key, char *out, size_t len)
{
	const json_t *v = json_object_get(body, key);

	out[0] = '\0';
	if (v == NULL)
		return true;
	if (!json_is_string(v) || json_string_length(v) >= len)
		return false;
	snprintf(out, len, "%s", json_string_value(v));
	return true;
}

static bool
fault_number(const json_t *body, const char *key, int64_t *out)
{
	const json_t *v = json_object_get(body, key);

	if (v == NULL)
		return true;
	if (!json_is_integer(v))
		return false;
	*out = json_integer_value(v);
	return true;
}

/* A word that nobody reads would be a fault that is never tested. */
static const char *
fault_keys(const json_t *body)
{
	static const char *const known[] = { "fault", "operation", "count",
	    "after", "value", "when", "user" };
	const char *key;
	json_t *v;
	size_t i;

	json_object_foreach((json_t *)(uintptr_t)body, key, v) {
		for (i = 0; i < sizeof known / sizeof known[0]; i++)
			if (strcmp(key, known[i]) == 0)
				break;
		if (i == sizeof known / sizeof known[0])
			return "a key that is not known";
	}
	return NULL;
}

const char *
fault_set(struct camera *cam, const json_t *body)
{
	struct fault_state st = { .on = true };
	int64_t count = 0, after = 0;
	char when[16];
	const char *wrong;
	const json_t *name = json_object_get(body, "fault");
	int f;

	if (!json_is_string(name))
		return "\"fault\" must be a name of GET /faults";
	if ((f = fault_find(json_string_value(name))) < 0)
		return "no such fault, see GET /faults";
	if ((wrong = fault_keys(body)) != NULL)
		return wrong;
	st.value = catalogue[f].value;
	if (!fault_number(body, "count", &count) || count < 0 ||
	    !fault_number(body, "after", &after) || after < 0 ||
	    !fault_number(body, "value", &st.value))
		return "\"count\", \"after\" and \"value\" are whole numbers";
	if (!fault_text(body, "operation", st.operation, sizeof st.operation)
	    || !fault_text(body, "user", st.user, sizeof st.user) ||
	    !fault_text(body, "when", when, sizeof when) ||
	    (when[0] != '\0' && strcmp(when, "before") != 0 &&
	    strcmp(when, "after") != 0))
		return "\"operation\", \"user\" and \"when\" are texts, "
		    "\"when\" is before or after";
	st.after_change = strcmp(when, "after") == 0;
	st.count = (unsigned)count;
	st.after = (unsigned)after;
	cam->faults[f] = st;
	if (f == CF_CLOCK_SKEW)
		cam->offset_ms = st.value * 1000;
	if (f == CF_FACTORY_RESET && st.operation[0] == '\0') {
		cam->faults[f].on = false;
		camera_reset(cam, false);
	}
	return NULL;
}

void
fault_clear(struct camera *cam, const char *name)
{
	int i;

	for (i = 0; i < FAULTS; i++)
		if (name == NULL || strcmp(catalogue[i].name, name) == 0)
			memset(&cam->faults[i], 0, sizeof cam->faults[i]);
}

bool
fault_hit(struct camera *cam, enum fault f, const char *op)
{
	struct fault_state *st = &cam->faults[f];

	if (!st->on || (st->operation[0] != '\0' &&
	    (op == NULL || strcmp(st->operation, op) != 0)))
		return false;
	if (st->after > 0) {
		st->after--;
		return false;
	}
	st->hits++;
	if (st->count > 0 && --st->count == 0)
		st->on = false;
	return true;
}

bool
fault_on(const struct camera *cam, enum fault f)
{
	return cam->faults[f].on;
}

int64_t
fault_value(const struct camera *cam, enum fault f)
{
	return cam->faults[f].value;
}

json_t *
fault_catalogue(void)
{
	json_t *list = json_array();
	int i;

	for (i = 0; i < FAULTS; i++)
		json_array_append_new(list, json_pack("{s:s, s:s, s:I}",
		    "name", catalogue[i].name, "text", catalogue[i].text,
		    "value", (json_int_t)catalogue[i].value));
	return list;
}

json_t *
fault_list(const struct camera *cam)
{
	json_t *o = json_object();
	const struct fault_state *st;
	int i;

	for (i = 0; i < FAULTS; i++) {
		st = &cam->faults[i];
		if (st->on || st->hits > 0)
			json_object_set_new(o, catalogue[i].name,
			    json_pack("{s:b, s:i, s:s, s:I}", "on", st->on,
			    "hits", (int)st->hits, "operation", st->operation,
			    "value", (json_int_t)st->value));
	}
	return o;
}
