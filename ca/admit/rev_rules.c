/* SPDX-License-Identifier: Apache-2.0 */
#include "ca/admit/rev_rules.h"

#include <stdio.h>

#include "ca/base/yaml.h"

#define MINUTE_MS 60000LL
#define DAY_MS 86400000LL

static const struct rev_rules rev_rules_shipped = { .second_person_above = 50,
	.batch_ttl_ms = DAY_MS, .crl_warn_bytes = 65536 };

static int
rev_rules_read(struct yaml_doc *d, void *out)
{
	struct rev_rules *r = out;
	struct yaml_node *m = yaml_top(d);

	if (m == NULL ||
	    yaml_int(d, m, "version", true, 1, INT32_MAX, &r->version) < 0 ||
	    yaml_int(d, m, "second_person_above", true, 0, INT32_MAX,
	    &r->second_person_above) < 0 ||
	    yaml_duration(d, m, "batch_ttl", true, MINUTE_MS, 30 * DAY_MS,
	    &r->batch_ttl_ms) < 0 ||
	    yaml_int(d, m, "crl_warn_bytes", true, 1024, INT64_C(1) << 40,
	    &r->crl_warn_bytes) < 0)
		return CAMCA_EINVAL;
	return yaml_end(d, m);
}

int
rev_rules_load(struct rev_rules *out, const char *path, char *error,
    size_t error_len)
{
	int ret;

	*out = rev_rules_shipped;
	ret = yaml_load(path, rev_rules_read, out, error, error_len);
	return ret == CAMCA_ENOENT ? CAMCA_OK : ret;
}
