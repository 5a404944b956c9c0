/* SPDX-License-Identifier: Apache-2.0 */
/* policies/levels/level-N.yaml, read strictly. */
#include <limits.h>
#include <stdio.h>
#include <string.h>

#include "ca/admit/admit.h"
#include "ca/base/yaml.h"
#include "ca/custody/event.h"

#define LEVEL_MINUTE_MS 60000LL
#define LEVEL_DAY_MS 86400000LL
#define LEVEL_YEAR_MS (365 * LEVEL_DAY_MS)

/* Texts that people will read; checked as strictly as what is recorded. */
static int
level_text(struct yaml_doc *d, struct yaml_node *m, const char *key,
    char *out, size_t size)
{
	const char *s = NULL;

	if (yaml_str(d, m, key, true, size - 1, &s) < 0)
		return CAMCA_EINVAL;
	if (!event_text_ok(s, strlen(s), size - 1))
		return yaml_fail(d, yaml_get(d, m, key), "'%s' must be one "
		    "line without control characters or spaces at its ends",
		    key);
	memcpy(out, s, strlen(s) + 1);
	return CAMCA_OK;
}

/* The level stands in the file as well as in its name: a copied file must not
 * become another level by being renamed in a hurry. */
static int
level_head(struct yaml_doc *d, struct yaml_node *m, struct level *l)
{
	int n = (int)l->level;

	if (yaml_int(d, m, "level", true, 1, 5, &l->level) < 0 ||
	    yaml_int(d, m, "version", true, 1, INT32_MAX, &l->version) < 0 ||
	    level_text(d, m, "name", l->name, sizeof l->name) < 0 ||
	    level_text(d, m, "legal_basis", l->legal_basis,
	    sizeof l->legal_basis) < 0)
		return CAMCA_EINVAL;
	if (l->level != n)
		return yaml_fail(d, yaml_get(d, m, "level"), "'level' is %d, "
		    "but the file is that of level %d", (int)l->level, n);
	return CAMCA_OK;
}

/* Every key is required: a line that got lost must not weaken a level. Its
 * number is set already. */
static int
level_read(struct yaml_doc *d, void *out)
{
	struct level *l = out;
	struct yaml_node *m = yaml_top(d);

	if (m == NULL || level_head(d, m, l) < 0 ||
	    yaml_bool(d, m, "need_origin", true, &l->need_origin) < 0 ||
	    yaml_bool(d, m, "need_quality", true, &l->need_quality) < 0 ||
	    yaml_bool(d, m, "need_assessment", true,
	    &l->need_assessment) < 0 ||
	    yaml_bool(d, m, "assessment_replaces_documents", true,
	    &l->assessment_replaces_documents) < 0 ||
	    yaml_duration(d, m, "assessment_max_age", true, 0,
	    10 * LEVEL_YEAR_MS, &l->assessment_max_age_ms) < 0 ||
	    yaml_bool(d, m, "need_hardware_identity", true,
	    &l->need_hardware_identity) < 0 ||
	    yaml_bool(d, m, "approval", true, &l->approval) < 0 ||
	    yaml_duration(d, m, "secret_ttl", true, 10 * LEVEL_MINUTE_MS,
	    LEVEL_YEAR_MS, &l->secret_ttl_ms) < 0 ||
	    yaml_duration(d, m, "max_validity", true, LEVEL_DAY_MS,
	    10 * LEVEL_YEAR_MS, &l->max_validity_ms) < 0)
		return CAMCA_EINVAL;
	return yaml_end(d, m);
}

static int
level_load(struct level *l, const char *dir, int n, char *error,
    size_t error_len)
{
	char path[PATH_MAX];
	int ret, len;

	len = snprintf(path, sizeof path, "%s/level-%d.yaml", dir, n);
	if (len < 0 || (size_t)len >= sizeof path) {
		snprintf(error, error_len, "%s: the name is too long", dir);
		return CAMCA_EINVAL;
	}
	l->level = n;
	ret = yaml_load(path, level_read, l, error, error_len);
	/* A level that is missing is as wrong as one that can not be read. */
	return ret == CAMCA_ENOENT ? CAMCA_EINVAL : ret;
}

int
level_set_load(struct level_set *out, const char *dir, char *error,
    size_t error_len)
{
	int n, ret;

	memset(out, 0, sizeof *out);
	for (n = 1; n <= 5; n++) {
		ret = level_load(&out->list[n - 1], dir, n, error, error_len);
		if (ret < 0)
			return ret;
	}
	return CAMCA_OK;
}
