/* SPDX-License-Identifier: Apache-2.0 */
#include "ca/cmd/cmd.h"
#include "ca/cmd/out.h"

static const struct out_column list_columns[] = {
	{ "name", "CA", NULL }, { "generation", "GENERATION", NULL },
	{ "number", "NUMBER", NULL }, { "entries", "ENTRIES", NULL },
	{ "size", "BYTES", NULL }, { "this_update", "THIS UPDATE", NULL },
	{ "next_update", "NEXT UPDATE", NULL },
	{ "rev_seq", "CHANGES", NULL }, { "current", "CURRENT", NULL },
	{ "error", "ERROR", NULL }, { NULL, NULL, NULL },
};

/* crl.list is not paged. */
static int
crl_list(struct cmd_env *env, const struct cmd *cmd,
    const struct cmd_values *v)
{
	struct out_table t;
	json_t *result;
	int ret = cmd_call(env, cmd->op, NULL, &result);

	(void)v;
	if (ret != CMD_DONE)
		return ret;
	out_table_open(&t, env->out, env->json, list_columns);
	if (out_table_rows(&t, json_object_get(result, "items")) < 0)
		ret = CMD_REFUSED;
	out_table_close(&t, "", NULL);
	json_decref(result);
	return ret;
}

const struct cmd cmd_crl[] = {
	{ .noun = "crl", .verb = "list",
	    .help = "Lists the CRL of each CA generation", .op = "crl.list",
	    .run = crl_list,
	    .more = "CHANGES is the number of the last change in it; CURRENT "
	    "says whether\nit holds all that were made. A new list comes out "
	    "within two seconds\nof a change, and when half of the life of the "
	    "one before is over." },
	{ .noun = NULL },
};
