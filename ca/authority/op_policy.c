/* SPDX-License-Identifier: Apache-2.0 */
#include <string.h>

#include "ca/authority/ops.h"
#include "ca/custody/anchor.h"

/* Profiles whose issuing CA does not exist here: legal, but not offered. */
static json_t *
policy_idle_profiles(const struct policies *p, const struct ca_set *set)
{
	json_t *list = json_array();
	size_t i;

	for (i = 0; i < p->profiles.n; i++)
		if (ca_active(set, p->profiles.list[i].issuer) == NULL)
			json_array_append_new(list,
			    json_string(p->profiles.list[i].name));
	return list;
}

int
op_policy_check(struct op_call *c)
{
	struct policies *p = NULL;
	struct refusal why = { 0 };
	struct ca_set *set;
	int ret = policies_read(c->a->conf.policies, &p, &why);

	if (ret < 0) {
		c->result = json_pack("{s:b, s:s}", "ok", 0, "error",
		    why.http != 0 ? why.detail : camca_strerror(ret));
		return c->result != NULL ? CAMCA_OK : CAMCA_ENOMEM;
	}
	set = authority_cas(c->a);
	c->result = json_pack("{s:b, s:I, s:i, s:I, s:s, s:o}", "ok", 1,
	    "profiles", (json_int_t)p->profiles.n, "levels", 5,
	    "revocation_version", (json_int_t)p->revocation.version, "sha256",
	    p->hex, "without_issuer", policy_idle_profiles(p, set));
	authority_cas_put(c->a, set);
	policies_free(p);
	return c->result != NULL ? CAMCA_OK : CAMCA_ENOMEM;
}

int
op_policy_reload(struct op_call *c)
{
	struct policies *p;
	int ret = authority_load_policies(c->a, c->caller->actor, &c->why);

	if (ret == CAMCA_OK)
		ret = anchor_reload(c->a->anchor, &c->why);
	if (ret < 0)
		return ret;
	p = authority_policies(c->a);
	c->result = json_pack("{s:s}", "sha256", p->hex);
	authority_policies_put(c->a, p);
	return c->result != NULL ? CAMCA_OK : CAMCA_ENOMEM;
}

static json_t *
policy_auth_json(unsigned auth)
{
	static const struct {
		unsigned bit;
		const char *name;
	} bits[] = { { AUTH_SECRET, "secret" }, { AUTH_IDEVID, "idevid" },
	    { AUTH_RA, "ra" }, { AUTH_CERT_SECRET, "cert+secret" } };
	json_t *list = json_array();
	size_t i;

	for (i = 0; i < sizeof bits / sizeof bits[0]; i++)
		if (auth & bits[i].bit)
			json_array_append_new(list, json_string(bits[i].name));
	return list;
}

static json_t *
policy_profile_json(const struct profile *p)
{
	static const char *const pops[] = { "off", "optional", "require" };

	return json_pack("{s:s, s:s, s:b, s:s, s:o, s:s, s:I, s:I, s:b, s:I}",
	    "name", p->name, "label", p->label, "default", p->is_default,
	    "issuer", p->issuer, "auth", policy_auth_json(p->auth), "pop",
	    pops[p->pop], "validity_s", (json_int_t)(p->validity_ms / 1000),
	    "renew_window_s", (json_int_t)(p->renew_window_ms / 1000),
	    "approval", p->approval, "version", (json_int_t)p->version);
}

static json_t *
policy_level_json(const struct level *l)
{
	return json_pack("{s:I, s:s, s:b, s:b, s:b, s:b, s:b, s:I, s:s}",
	    "level", (json_int_t)l->level, "name", l->name,
	    "need_origin", l->need_origin, "need_quality", l->need_quality,
	    "need_assessment", l->need_assessment, "need_hardware_identity",
	    l->need_hardware_identity, "approval", l->approval,
	    "secret_ttl_s", (json_int_t)(l->secret_ttl_ms / 1000),
	    "legal_basis", l->legal_basis);
}

int
op_policy_list(struct op_call *c)
{
	struct policies *p = authority_policies(c->a);
	json_t *profiles = json_array(), *levels = json_array();
	size_t i;

	for (i = 0; i < p->profiles.n; i++)
		json_array_append_new(profiles,
		    policy_profile_json(&p->profiles.list[i]));
	for (i = 0; i < 5; i++)
		json_array_append_new(levels,
		    policy_level_json(&p->levels.list[i]));
	c->result = json_pack("{s:o, s:o, s:{s:I, s:I, s:I, s:I}, s:s}",
	    "profiles", profiles, "levels", levels, "revocation",
	    "version", (json_int_t)p->revocation.version,
	    "second_person_above",
	    (json_int_t)p->revocation.second_person_above,
	    "batch_ttl_s", (json_int_t)(p->revocation.batch_ttl_ms / 1000),
	    "crl_warn_bytes", (json_int_t)p->revocation.crl_warn_bytes,
	    "sha256", p->hex);
	authority_policies_put(c->a, p);
	return c->result != NULL ? CAMCA_OK : CAMCA_ENOMEM;
}
