/* SPDX-License-Identifier: Apache-2.0 */
#include "ca/job/body.h"

#include <string.h>

#include "ca/base/json_memory.h"

int
body_parse(const char *text, json_t **out, struct refusal *why)
{
	json_t *o = NULL;
	int ret = json_memory_parse(text, strlen(text), &o);

	if (ret == CAMCA_ENOMEM)
		return refuse_default(why, ret);
	if (json_is_object(o)) {
		*out = o;
		return CAMCA_OK;
	}
	json_decref(o);
	return refuse(why, CAMCA_EINVAL, 400, "request.malformed",
	    "The body is not one JSON object.");
}

static const struct body_key *
body_find(const struct body_key *keys, const char *name)
{
	for (; keys->type != BODY_END; keys++)
		if (strcmp(keys->name, name) == 0)
			return keys;
	return NULL;
}

static bool
body_fits(const struct body_key *k, const json_t *v)
{
	switch (k->type) {
	case BODY_TEXT:
		return json_is_string(v) &&
		    (int64_t)json_string_length(v) <= k->max &&
		    strlen(json_string_value(v)) == json_string_length(v);
	case BODY_INT:
		return json_is_integer(v) && json_integer_value(v) >= 0 &&
		    json_integer_value(v) <= k->max;
	case BODY_BOOL:
		return json_is_boolean(v);
	case BODY_OBJECT:
		return json_is_object(v);
	case BODY_LIST:
		return json_is_array(v) &&
		    (int64_t)json_array_size(v) <= k->max;
	default:
		return false;
	}
}

int
body_check(const json_t *o, const struct body_key *keys, const char *where,
    struct refusal *why)
{
	const struct body_key *k;
	const char *name;
	json_t *v;

	json_object_foreach((json_t *)(uintptr_t)o, name, v) {
		k = body_find(keys, name);
		if (k == NULL)
			return refuse(why, CAMCA_EINVAL, 400,
			    "request.argument", "%s has no member '%.64s'.",
			    where, name);
		if (!body_fits(k, v))
			return refuse(why, CAMCA_EINVAL, 400,
			    "request.argument", "Member '%s' of %s has a "
			    "wrong type or is too large (most: %lld).", name,
			    where, (long long)k->max);
	}
	for (k = keys; k->type != BODY_END; k++)
		if (k->required && json_object_get(o, k->name) == NULL)
			return refuse(why, CAMCA_EINVAL, 400,
			    "request.argument", "%s needs a member '%s'.",
			    where, k->name);
	return CAMCA_OK;
}

const char *
body_text(const json_t *o, const char *name)
{
	const char *s = json_string_value(json_object_get(o, name));

	return s != NULL ? s : "";
}

int64_t
body_int(const json_t *o, const char *name, int64_t dflt)
{
	json_t *v = json_object_get(o, name);

	return json_is_integer(v) ? (int64_t)json_integer_value(v) : dflt;
}
