/* SPDX-License-Identifier: Apache-2.0 */
#include <stdlib.h>
#include <string.h>

#include "ca/cmd/cmd.h"
#include "ca/cmd/options.h"
#include "ca/cmd/out.h"

#define BATCH { "BATCH", CMD_INT, CMD_MUST | CMD_POS, "batch", NULL, \
	"number of the batch" }
#define WORLD { "world", CMD_TEXT, 0, "world", "HEX", \
	"only if the preview is still the one with this \"world\"" }
#define WHY { "reason", CMD_TEXT, 0, "reason", NULL, "for the record" }

static const struct cmd_opt plan_opts[] = {
	{ "ACTION", CMD_TEXT, CMD_MUST | CMD_POS, "action", NULL,
	    "watch, stop-renewal, hold, release or revoke" },
	{ "reason", CMD_TEXT, CMD_MUST, "reason", NULL,
	    "why, for the record" },
	{ "reference", CMD_TEXT, 0, "reference", NULL,
	    "number of a letter, id of an advisory" },
	{ "crl-reason", CMD_TEXT, 0, "crl_reason", "REASON",
	    "of revoke, as RFC 5280 names them (privilegeWithdrawn)" },
	{ "invalidity", CMD_TEXT, 0, "invalidity", "DATE",
	    "the keys were not to be trusted since then" },
	{ "device", CMD_TEXT, CMD_MANY, "device", "ID", "this device" },
	{ "manufacturer", CMD_TEXT, CMD_MANY, "manufacturer", NULL,
	    "of this maker; * and ? stand for any text, any character" },
	{ "model", CMD_TEXT, CMD_MANY, "model", NULL,
	    "of this model; * and ? as above" },
	{ "firmware", CMD_TEXT, 0, "firmware", "RANGE",
	    "\"<5.5.800\", \">=1.2,<1.4\", \"=5.4.5\"" },
	{ "site", CMD_TEXT, CMD_MANY, "site", "SITE", "at this site" },
	{ "level", CMD_INT, 0, "level", NULL, "at sites of this level" },
	{ "place", CMD_TEXT, 0, "place", "CLASS",
	    "key-area, public or other" },
	{ "serial", CMD_TEXT, CMD_MANY, "serial", "HEX",
	    "this certificate, and not its device" },
	{ "issuer", CMD_TEXT, 0, "issuer", "NAME",
	    "certificates of this issuing CA, by name or key identifier" },
	{ "issued-after", CMD_TEXT, 0, "issued_after", "TIME",
	    "certificates made then or later" },
	{ "issued-before", CMD_TEXT, 0, "issued_before", "TIME",
	    "certificates made before then" },
	{ .name = NULL },
};

static const struct cmd_opt apply_opts[] = {
	BATCH, WORLD,
	{ .name = NULL },
};

static const struct cmd_opt approve_opts[] = {
	BATCH, WORLD, WHY,
	{ .name = NULL },
};

static const struct cmd_opt cancel_opts[] = {
	BATCH, WHY,
	{ .name = NULL },
};

static const struct cmd_opt show_opts[] = {
	BATCH,
	{ "items", CMD_FLAG, 0, NULL, NULL, "list each item" },
	{ "verdict", CMD_TEXT, 0, "verdict", NULL,
	    "items that are changes, undetermined or unchanged" },
	{ "limit", CMD_INT, 0, NULL, NULL, "at most so many items" },
	{ "after", CMD_TEXT, 0, "after", NULL, "go on where a list ended" },
	{ .name = NULL },
};

static const struct cmd_opt list_opts[] = {
	{ "status", CMD_TEXT, 0, "state", "STATE",
	    "planned, approved, applied or cancelled" },
	{ "limit", CMD_INT, 0, NULL, NULL, "at most so many" },
	{ "after", CMD_TEXT, 0, "after", NULL, "go on where a list ended" },
	{ .name = NULL },
};

static const struct out_column list_columns[] = {
	{ "id", "BATCH", NULL }, { "state", "STATE", NULL },
	{ "action", "ACTION", NULL }, { "devices", "DEVICES", NULL },
	{ "certificates", "CERTIFICATES", NULL },
	{ "undetermined", "UNDETERMINED", NULL },
	{ "planned", "PLANNED", NULL }, { "planned_by", "BY", NULL },
	{ "reference", "REFERENCE", NULL }, { "reason", "REASON", NULL },
	{ NULL, NULL, NULL },
};

static const struct out_column item_columns[] = {
	{ "device", "DEVICE", NULL }, { "site", "SITE", NULL },
	{ "place", "PLACE", NULL }, { "state", "STATE", NULL },
	{ "serial", "CERTIFICATE", NULL }, { "status", "STATUS", NULL },
	{ "verdict", "VERDICT", NULL }, { "rule", "RULE", NULL },
	{ NULL, NULL, NULL },
};

/* One of the summary's lists, as a table under its own titles. */
static int
revoke_table(struct cmd_env *env, const json_t *summary, const char *key,
    const char *column, const char *title)
{
	const struct out_column columns[] = {
		{ "devices", "DEVICES", NULL },
		{ "certificates", "CERTIFICATES", NULL },
		{ "losing_service", "LOSE SERVICE", NULL },
		{ column, title, NULL }, { NULL, NULL, NULL },
	};
	const json_t *items = json_object_get(summary, key);
	struct out_table t;
	int ret;

	if (json_array_size(items) == 0)
		return CAMCA_OK;
	fputc('\n', env->out);
	out_table_open(&t, env->out, false, columns);
	ret = out_table_rows(&t, items);
	out_table_close(&t, "", NULL);
	return ret;
}

static int
revoke_tables(struct cmd_env *env, const json_t *summary)
{
	static const struct {
		const char *key, *column, *title;
	} tables[] = {
		{ "by_site", "site", "SITE" },
		{ "by_level", "level", "LEVEL" },
		{ "by_place", "place", "PLACE" },
		{ "by_rule", "rule", "RULE" },
		{ "undetermined_by_rule", "rule",
		    "UNDETERMINED: NOT PART OF THE BATCH" },
		{ "unchanged_by_rule", "rule", "UNCHANGED" },
	};
	size_t i;
	int ret = CAMCA_OK;

	for (i = 0; i < sizeof tables / sizeof tables[0] &&
	    ret == CAMCA_OK; i++)
		ret = revoke_table(env, summary, tables[i].key,
		    tables[i].column, tables[i].title);
	return ret;
}

/* The batch as lines, then what it counts, then the tables. */
static int
revoke_print(struct cmd_env *env, json_t *result)
{
	json_t *batch = json_object_get(result, "batch");
	json_t *summary = json_object_get(result, "summary"), *counts;
	char *selector = json_dumps(json_object_get(batch, "selector"),
	    JSON_COMPACT);
	const char *key;
	json_t *value;
	int ret;

	/* An object inside would be printed as a block of its own. */
	if (selector == NULL || json_object_set_new(batch, "selector",
	    json_string(selector)) != 0)
		ret = CAMCA_ENOMEM;
	else
		ret = out_object(env->out, batch);
	free(selector);
	counts = json_object();
	json_object_foreach(summary, key, value)
		if (json_is_integer(value))
			json_object_set(counts, key, value);
	fputc('\n', env->out);
	if (ret == CAMCA_OK)
		ret = out_object(env->out, counts);
	json_decref(counts);
	if (ret == CAMCA_OK)
		ret = revoke_tables(env, summary);
	if (ret == CAMCA_OK && json_object_get(result, "gates") != NULL) {
		fputc('\n', env->out);
		ret = out_object(env->out, json_object_get(result, "times"));
		if (ret == CAMCA_OK)
			ret = out_object(env->out,
			    json_object_get(result, "gates"));
	}
	return ret == CAMCA_OK ? CMD_DONE :
	    cmd_failed(env, "system.memory", "Out of memory.");
}

/* What a person does next. */
static void
revoke_next(struct cmd_env *env, const json_t *batch, const json_t *summary)
{
	long long keep = (long long)json_integer_value(json_object_get(summary,
	    "keeping_service"));
	long long id = (long long)json_integer_value(json_object_get(batch,
	    "id"));
	const char *state = json_string_value(json_object_get(batch, "state"));

	if (keep > 0)
		fprintf(env->out, "\n%lld devices stay in service with another "
		    "certificate (renewed?): where they are\nmeant, name them "
		    "by --device.\n", keep);
	if (state != NULL && strcmp(state, "planned") == 0 &&
	    json_is_true(json_object_get(batch, "needs_second_person")))
		fprintf(env->out, "\nNothing has changed yet. Another person: "
		    "camca revoke approve %lld; then: camca revoke apply "
		    "%lld\n", id, id);
	else if (state != NULL && (strcmp(state, "planned") == 0 ||
	    strcmp(state, "approved") == 0))
		fprintf(env->out, "\nNothing has changed yet: camca revoke "
		    "apply %lld\n", id);
}

static int
revoke_run(struct cmd_env *env, const struct cmd *cmd,
    const struct cmd_values *v)
{
	json_t *args, *result;
	int ret = cmd_args(env, v, &args);

	if (ret != CMD_DONE)
		return ret;
	if ((ret = cmd_call(env, cmd->op, args, &result)) != CMD_DONE)
		return ret;
	if (env->json) {
		out_json(env->out, result);
	} else {
		ret = revoke_print(env, result);
		revoke_next(env, json_object_get(result, "batch"),
		    json_object_get(result, "summary"));
	}
	json_decref(result);
	return ret;
}

static int
revoke_show(struct cmd_env *env, const struct cmd *cmd,
    const struct cmd_values *v)
{
	json_t *args, *result;
	int ret = cmd_args(env, v, &args);

	if (ret != CMD_DONE)
		return ret;
	if (values_flag(v, "items") || values_text(v, "verdict") != NULL ||
	    values_text(v, "after") != NULL)
		return cmd_list(env, cmd->op, args, item_columns,
		    values_int(v, "limit", 0));
	if (json_object_set_new(args, "limit", json_integer(1)) != 0) {
		json_decref(args);
		return cmd_failed(env, "system.memory", "Out of memory.");
	}
	if ((ret = cmd_call(env, cmd->op, args, &result)) != CMD_DONE)
		return ret;
	json_object_del(result, "items");
	json_object_del(result, "next");
	if (env->json) {
		out_json(env->out, result);
	} else {
		ret = revoke_print(env, result);
		revoke_next(env, json_object_get(result, "batch"),
		    json_object_get(result, "summary"));
	}
	json_decref(result);
	return ret;
}

const struct cmd cmd_revoke[] = {
	{ .noun = "revoke", .verb = "plan",
	    .help = "Previews a graded action on all that match",
	    .opts = plan_opts, .op = "revoke.plan", .run = revoke_run,
	    .more = "Nothing changes before the batch is applied. Options "
	    "that are given\ntogether must all match; one that is repeated "
	    "matches any of its values.\n\n"
	    "  watch         shown in lists, nothing else\n"
	    "  stop-renewal  no new certificate; what a camera has runs out\n"
	    "  hold          out of service, can be released\n"
	    "  release       ends hold, stop-renewal and watch\n"
	    "  revoke        out of service for good\n\n"
	    "Devices whose firmware cannot be compared are shown as "
	    "undetermined and are\nno part of the batch." },
	{ .noun = "revoke", .verb = "apply",
	    .help = "Does what a preview shows", .opts = apply_opts,
	    .op = "revoke.apply", .run = revoke_run,
	    .more = "When it is done, no gate says \"good\" of these "
	    "certificates any more. Where\nthe world is not as it was in the "
	    "preview, nothing is done and the preview is\nmade anew: look, "
	    "then apply again." },
	{ .noun = "revoke", .verb = "approve",
	    .help = "Agrees to a large batch, as another person",
	    .opts = approve_opts, .op = "revoke.approve", .run = revoke_run },
	{ .noun = "revoke", .verb = "cancel", .help = "Gives a batch up",
	    .opts = cancel_opts, .op = "revoke.cancel", .run = revoke_run },
	{ .noun = "revoke", .verb = "show",
	    .help = "Shows a batch, and its items", .opts = show_opts,
	    .op = "revoke.show", .run = revoke_show },
	{ .noun = "revoke", .verb = "list", .help = "Lists batches",
	    .opts = list_opts, .op = "revoke.list", .columns = list_columns },
	{ .noun = NULL },
};
