/* SPDX-License-Identifier: Apache-2.0 */
/* policies/rules/passwords.yaml. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "ca/base/yaml.h"
#include "ca/vault/password.h"

#define SOURCE_MAX 512

/* All keys of a rule are optional: what is not said is as in the rule that
 * stands there already. */
static int
rules_rule(struct yaml_doc *d, struct yaml_node *m, struct password_rule *r)
{
	const char *marks = NULL;
	struct refusal why = { 0 };

	if (yaml_int(d, m, "min", false, 0, PASSWORD_MAX, &r->min) < 0 ||
	    yaml_int(d, m, "max", false, 1, PASSWORD_MAX, &r->max) < 0 ||
	    yaml_int(d, m, "upper", false, 0, PASSWORD_MAX, &r->upper) < 0 ||
	    yaml_int(d, m, "lower", false, 0, PASSWORD_MAX, &r->lower) < 0 ||
	    yaml_int(d, m, "digit", false, 0, PASSWORD_MAX, &r->digit) < 0 ||
	    yaml_int(d, m, "special", false, 0, PASSWORD_MAX,
	    &r->special) < 0 ||
	    yaml_str(d, m, "specials", false, PASSWORD_SPECIALS_MAX,
	    &marks) < 0 ||
	    yaml_int(d, m, "run", false, 0, PASSWORD_MAX, &r->run) < 0 ||
	    yaml_bool(d, m, "no_username", false, &r->no_username) < 0)
		return CAMCA_EINVAL;
	if (marks != NULL)
		snprintf(r->specials, sizeof r->specials, "%s", marks);
	if (password_rule_check(r, &why) < 0)
		return yaml_fail(d, m, "%s", why.detail);
	if (password_bits(r, r->max) < PASSWORD_BITS_LEAST)
		return yaml_fail(d, m, "passwords by this rule can be "
		    "guessed: under %d bits", PASSWORD_BITS_LEAST);
	return CAMCA_OK;
}

/* "factory": published, so they may stand here in clear. */
static int
rules_factory(struct yaml_doc *d, struct yaml_node *m,
    struct password_profile *p)
{
	struct yaml_node *seq = NULL, *item;
	const char *user = NULL, *password = NULL;
	struct password_factory *f;
	size_t i;

	if (yaml_get(d, m, "factory") == NULL)
		return CAMCA_OK;
	if (yaml_seq(d, m, "factory", true, PASSWORD_FACTORY_MAX, &seq) < 0)
		return CAMCA_EINVAL;
	for (i = 0; i < yaml_seq_len(seq); i++) {
		item = yaml_seq_at(seq, i);
		f = &p->factory[p->factories++];
		if (yaml_str(d, item, "user", true, sizeof f->user - 1,
		    &user) < 0 ||
		    yaml_str(d, item, "password", true,
		    sizeof f->password - 1, &password) < 0)
			return CAMCA_EINVAL;
		if (user[0] == '\0' || password[0] == '\0')
			return yaml_fail(d, item, "factory: user and password "
			    "are not empty");
		snprintf(f->user, sizeof f->user, "%s", user);
		snprintf(f->password, sizeof f->password, "%s", password);
		if (yaml_end(d, item) < 0)
			return CAMCA_EINVAL;
	}
	return CAMCA_OK;
}

static int
rules_profile(struct yaml_doc *d, struct yaml_node *m,
    struct password_rules *r)
{
	struct password_profile *p = &r->list[r->n];
	const char *maker = NULL, *model = "", *source = NULL;
	size_t i;

	p->rule = r->defaults;
	if (yaml_str(d, m, "manufacturer", true, PASSWORD_PRODUCT_MAX,
	    &maker) < 0 ||
	    yaml_str(d, m, "model", false, PASSWORD_PRODUCT_MAX, &model) < 0 ||
	    yaml_str(d, m, "source", true, SOURCE_MAX, &source) < 0 ||
	    rules_rule(d, m, &p->rule) < 0 || rules_factory(d, m, p) < 0)
		return CAMCA_EINVAL;
	snprintf(p->manufacturer, sizeof p->manufacturer, "%s", maker);
	snprintf(p->model, sizeof p->model, "%s", model);
	if (maker[0] == '\0' || source[0] == '\0')
		return yaml_fail(d, m, "manufacturer and source are not empty");
	for (i = 0; i < r->n; i++)
		if (strcasecmp(r->list[i].manufacturer, maker) == 0 &&
		    strcasecmp(r->list[i].model, model) == 0)
			return yaml_fail(d, m, "a second profile for '%s' "
			    "'%s'", maker, model);
	r->n++;
	return yaml_end(d, m);
}

static int
rules_read(struct yaml_doc *d, void *out)
{
	struct password_rules *r = out;
	struct yaml_node *top = yaml_top(d), *m = NULL, *seq = NULL;
	size_t i, n;

	if (top == NULL ||
	    yaml_int(d, top, "version", true, 1, INT32_MAX, &r->version) < 0 ||
	    yaml_map(d, top, "defaults", true, &m) < 0 ||
	    rules_rule(d, m, &r->defaults) < 0 || yaml_end(d, m) < 0 ||
	    yaml_seq(d, top, "profiles", true, PASSWORD_PROFILES_MAX,
	    &seq) < 0)
		return CAMCA_EINVAL;
	n = yaml_seq_len(seq);
	r->list = calloc(n > 0 ? n : 1, sizeof *r->list);
	if (r->list == NULL)
		return CAMCA_ENOMEM;
	for (i = 0; i < n; i++)
		if (rules_profile(d, yaml_seq_at(seq, i), r) < 0)
			return CAMCA_EINVAL;
	return yaml_end(d, top);
}

int
password_rules_load(struct password_rules *out, const char *path,
    char *error, size_t error_len)
{
	int ret;

	memset(out, 0, sizeof *out);
	password_rule_init(&out->defaults);
	ret = yaml_load(path, rules_read, out, error, error_len);
	return ret == CAMCA_ENOENT ? CAMCA_OK : ret;
}

void
password_rules_free(struct password_rules *r)
{
	free(r->list);
	memset(r, 0, sizeof *r);
}

static const struct password_profile *
rules_best(const struct password_rules *r, const char *manufacturer,
    const char *model)
{
	const struct password_profile *p, *best = NULL;
	size_t n;

	for (p = r->list; p < r->list + r->n; p++) {
		n = strlen(p->model);
		if (strcasecmp(p->manufacturer, manufacturer) == 0 &&
		    strncasecmp(p->model, model, n) == 0 &&
		    (best == NULL || n > strlen(best->model)))
			best = p;
	}
	return best;
}

void
password_rules_for(const struct password_rules *r, const char *manufacturer,
    const char *model, struct password_rule *out)
{
	const struct password_profile *p = rules_best(r, manufacturer, model);

	*out = p != NULL ? p->rule : r->defaults;
}

const struct password_factory *
password_rules_factory(const struct password_rules *r,
    const char *manufacturer, const char *model, size_t *n_out)
{
	const struct password_profile *p = rules_best(r, manufacturer, model);

	*n_out = p != NULL ? p->factories : 0;
	return p != NULL ? p->factory : NULL;
}
