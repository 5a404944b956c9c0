/* SPDX-License-Identifier: Apache-2.0 */
#include <stddef.h>
#include <string.h>

#include "ca/issue/profile.h"
#include "ca/issue/profile_int.h"

static const struct {
	const char *name;
	size_t at;
	bool device;
} profile_vars[] = {
	{ "device.id", offsetof(struct profile_fields, device_id), true },
	{ "device.serial", offsetof(struct profile_fields, device_serial),
	    true },
	{ "device.manufacturer", offsetof(struct profile_fields,
	    device_manufacturer), false },
	{ "device.model", offsetof(struct profile_fields, device_model),
	    false },
	{ "device.mac", offsetof(struct profile_fields, device_mac), true },
	{ "device.hardware_id", offsetof(struct profile_fields,
	    device_hardware_id), true },
	{ "site.id", offsetof(struct profile_fields, site_id), false },
	{ "site.name", offsetof(struct profile_fields, site_name), false },
};

#define PROFILE_VARS (sizeof profile_vars / sizeof profile_vars[0])

/* Index of the variable named by the n bytes at s, PROFILE_VARS if none. */
static size_t
profile_var(const char *s, size_t n)
{
	size_t i;

	for (i = 0; i < PROFILE_VARS; i++)
		if (strlen(profile_vars[i].name) == n &&
		    memcmp(profile_vars[i].name, s, n) == 0)
			break;
	return i;
}

/* "" where the field is missing. */
static const char *
profile_value(const struct profile_fields *f, size_t var)
{
	const char *v;

	memcpy(&v, (const char *)f + profile_vars[var].at, sizeof v);
	return v != NULL ? v : "";
}

const char *
profile_template_body(const char *item)
{
	return item[0] == '?' ? item + 1 : item;
}

const char *
profile_template_error(const char *item, bool *names_device)
{
	const char *s = profile_template_body(item), *end;
	size_t var;

	for (; *s != '\0'; s++) {
		if (*s == '}')
			return "a '}' without its '{'";
		if (*s != '{')
			continue;
		end = strchr(s, '}');
		if (end == NULL)
			return "a '{' without its '}'";
		var = profile_var(s + 1, (size_t)(end - s) - 1);
		if (var == PROFILE_VARS)
			return "an unknown variable";
		if (profile_vars[var].device)
			*names_device = true;
		s = end;
	}
	return NULL;
}

static int
profile_append(char *out, size_t out_len, size_t *used, const char *s,
    size_t n)
{
	if (n >= out_len - *used)
		return CAMCA_ELIMIT;
	memcpy(out + *used, s, n);
	*used += n;
	out[*used] = '\0';
	return CAMCA_OK;
}

/* One variable at s ("{...}"); *end_out is its '}'. */
static int
profile_expand_var(const char *item, const char *s,
    const struct profile_fields *f, const char **end_out, const char **value,
    struct refusal *why)
{
	const char *end = strchr(s, '}');
	size_t var = PROFILE_VARS;

	if (end != NULL)
		var = profile_var(s + 1, (size_t)(end - s) - 1);
	if (var == PROFILE_VARS)
		return refuse(why, CAMCA_EPOLICY, 500, "profile.template",
		    "The profile item '%s' cannot be filled in.", item);
	*end_out = end;
	*value = profile_value(f, var);
	if (**value != '\0')
		return CAMCA_OK;
	if (item[0] == '?')
		return CAMCA_ENOENT;
	return refuse(why, CAMCA_EPOLICY, 403, "profile.field-empty",
	    "The profile item '%s' needs %s, which the inventory does not "
	    "have for this device.", item, profile_vars[var].name);
}

int
profile_expand(const char *item, const struct profile_fields *f, char *out,
    size_t out_len, struct refusal *why)
{
	const char *s = profile_template_body(item), *end = s, *value = "";
	size_t used = 0, n;
	int ret = CAMCA_OK;

	if (out_len == 0)
		return CAMCA_ELIMIT;
	out[0] = '\0';
	while (*s != '\0' && ret == CAMCA_OK) {
		if (*s != '{') {
			n = strcspn(s, "{");
			ret = profile_append(out, out_len, &used, s, n);
			s += n;
			continue;
		}
		ret = profile_expand_var(item, s, f, &end, &value, why);
		if (ret < 0)
			break;
		ret = profile_append(out, out_len, &used, value,
		    strlen(value));
		s = end + 1;
	}
	if (ret == CAMCA_ELIMIT)
		refuse(why, ret, 403, "profile.field-long",
		    "The profile item '%s' becomes longer than %zu bytes.",
		    item, out_len - 1);
	if (ret < 0)
		out[0] = '\0';
	return ret;
}
