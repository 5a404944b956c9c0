/* SPDX-License-Identifier: Apache-2.0 */
#include "ca/cmd/cmd.h"
#include "ca/cmd/out.h"

static int
policy_check(struct cmd_env *env, const struct cmd *cmd,
    const struct cmd_values *v)
{
	json_t *result;
	bool ok;
	int ret = cmd_call(env, cmd->op, NULL, &result);

	(void)v;
	if (ret != CMD_DONE)
		return ret;
	ok = json_is_true(json_object_get(result, "ok"));
	if (env->json)
		out_json(env->out, result);
	else if (out_object(env->out, result) < 0)
		ok = false;
	json_decref(result);
	return ok ? CMD_DONE : CMD_REFUSED;
}

/* Seconds as the policy files write them: "365d", "12h". */
static int
policy_validity(struct buf *b, const json_t *item)
{
	static const struct {
		json_int_t seconds;
		char unit;
	} units[] = { { 86400, 'd' }, { 3600, 'h' }, { 60, 'm' }, { 1, 's' } };
	json_int_t n = json_integer_value(json_object_get(item, "validity_s"));
	size_t i = 0;

	while (n % units[i].seconds != 0)
		i++;
	return buf_printf(b, "%lld%c", (long long)(n / units[i].seconds),
	    units[i].unit);
}

static const struct out_column profile_columns[] = {
	{ "name", "PROFILE", NULL }, { "label", "LABEL", NULL },
	{ "default", "DEFAULT", NULL }, { "issuer", "ISSUER", NULL },
	{ "auth", "AUTHENTICATION", NULL }, { "pop", "PROOF", NULL },
	{ "validity_s", "VALIDITY", policy_validity }, { NULL, NULL, NULL },
};

static const struct out_column level_columns[] = {
	{ "level", "LEVEL", NULL }, { "name", "NAME", NULL },
	{ "need_origin", "ORIGIN", NULL }, { "need_quality", "QUALITY", NULL },
	{ "need_assessment", "ASSESSMENT", NULL },
	{ "need_hardware_identity", "FACTORY ID", NULL },
	{ "approval", "APPROVAL", NULL }, { NULL, NULL, NULL },
};

static int
policy_table(struct cmd_env *env, const json_t *items,
    const struct out_column *columns)
{
	struct out_table t;
	int ret;

	out_table_open(&t, env->out, false, columns);
	ret = out_table_rows(&t, items);
	out_table_close(&t, "", NULL);
	return ret;
}

static int
policy_list(struct cmd_env *env, const struct cmd *cmd,
    const struct cmd_values *v)
{
	json_t *result;
	int ret = cmd_call(env, cmd->op, NULL, &result);

	(void)v;
	if (ret != CMD_DONE)
		return ret;
	if (env->json) {
		out_json(env->out, result);
	} else {
		if (policy_table(env, json_object_get(result, "profiles"),
		    profile_columns) < 0)
			ret = CMD_REFUSED;
		fputc('\n', env->out);
		if (policy_table(env, json_object_get(result, "levels"),
		    level_columns) < 0)
			ret = CMD_REFUSED;
	}
	json_decref(result);
	return ret;
}

const struct cmd cmd_policy[] = {
	{ .noun = "policy", .verb = "check",
	    .help = "Reads the policy files and says whether they are right",
	    .op = "policy.check", .run = policy_check,
	    .more = "Nothing changes: camca policy reload puts them in "
	    "force." },
	{ .noun = "policy", .verb = "list",
	    .help = "Lists the profiles and levels in force",
	    .op = "policy.list", .run = policy_list },
	{ .noun = "policy", .verb = "reload",
	    .help = "Puts the policy files in force",
	    .op = "policy.reload" },
	{ .noun = NULL },
};
