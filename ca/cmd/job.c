/* SPDX-License-Identifier: Apache-2.0 */
/* camca job: work for site agents. */
#include <string.h>

#include "ca/cmd/cmd.h"
#include "ca/cmd/options.h"
#include "ca/cmd/out.h"

#define JOB { "JOB", CMD_INT, CMD_MUST | CMD_POS, "job", NULL, \
	"number of the job" }

static const struct cmd_opt create_opts[] = {
	{ "KIND", CMD_TEXT, CMD_MUST | CMD_POS, "kind", NULL,
	    "enroll, renew, rotate-password, push-crl, observe or retire" },
	{ "device", CMD_TEXT, 0, "device", "ID", "this camera" },
	{ "site", CMD_TEXT, 0, "site", "SITE",
	    "or all cameras of a site whose address is known" },
	{ "mode", CMD_TEXT, 0, "mode", "MODE",
	    "apply (default), plan: only look; rollback: back to the "
	    "certificate before" },
	{ "account", CMD_TEXT, 0, "account", "USER",
	    "of rotate-password: this one only" },
	{ "at", CMD_TEXT, 0, "at", "TIME", "not before then" },
	{ "reason", CMD_TEXT, 0, "reason", NULL, "kept in the record" },
	{ .name = NULL },
};

static const struct cmd_opt list_opts[] = {
	{ "status", CMD_TEXT, 0, "state", "STATE",
	    "waiting, leased, done, failed, cancelled or parked" },
	{ "kind", CMD_TEXT, 0, "kind", "KIND", "of this kind" },
	{ "device", CMD_TEXT, 0, "device", "ID", "at this camera" },
	{ "site", CMD_TEXT, 0, "site", "SITE", "at this site" },
	{ "limit", CMD_INT, 0, NULL, NULL, "at most so many" },
	{ "after", CMD_TEXT, 0, "after", NULL, "go on where a list ended" },
	{ .name = NULL },
};

static const struct out_column list_columns[] = {
	{ "id", "JOB", NULL }, { "kind", "KIND", NULL },
	{ "mode", "MODE", NULL }, { "device", "DEVICE", NULL },
	{ "state", "STATE", NULL }, { "step", "STEP", NULL },
	{ "attempts", "TRIES", NULL }, { "code", "CODE", NULL },
	{ "updated", "UPDATED", NULL }, { NULL, NULL, NULL },
};

static const struct cmd_opt show_opts[] = {
	JOB,
	{ .name = NULL },
};

static const struct cmd_opt retry_opts[] = {
	{ "JOB", CMD_INT, CMD_POS, "job", NULL, "number of the job" },
	{ "site", CMD_TEXT, 0, "site", "SITE",
	    "or what failed at this site, whose series goes on" },
	{ "reason", CMD_TEXT, 0, "reason", NULL, "kept in the record" },
	{ .name = NULL },
};

static const struct cmd_opt cancel_opts[] = {
	JOB,
	{ "reason", CMD_TEXT, CMD_MUST, "reason", NULL,
	    "kept in the record" },
	{ .name = NULL },
};

/* The pages of steps after the first, into its list. */
static int
job_steps(struct cmd_env *env, json_t *args, json_t *job)
{
	json_t *steps = json_object_get(job, "steps"), *page, *last;
	size_t more = json_array_size(steps);
	char after[32];
	int ret = CMD_DONE;

	while (more > 0) {
		last = json_array_get(steps, json_array_size(steps) - 1);
		snprintf(after, sizeof after, "%lld", (long long)
		    json_integer_value(json_object_get(last, "n")));
		json_object_set_new(args, "after", json_string(after));
		ret = cmd_call(env, "job.show", json_deep_copy(args), &page);
		if (ret != CMD_DONE)
			return ret;
		more = json_array_size(json_object_get(page, "steps"));
		if (json_array_extend(steps, json_object_get(page,
		    "steps")) != 0)
			ret = cmd_failed(env, "system.memory",
			    "Out of memory.");
		json_decref(page);
		if (ret != CMD_DONE)
			return ret;
	}
	return ret;
}

/* One step: what was read and done is too long for a table. */
static int
job_print_step(FILE *f, const json_t *step)
{
	static const char *const head[] = { "attempt", "step", "outcome",
	    "time", "code" };
	static const int width[] = { 3, 12, 8, 25, 0 };
	static const char *const body[] = { "before", "after", "detail" };
	struct buf cell;
	size_t i;
	int ret = CAMCA_OK;

	buf_init(&cell, 65536);
	for (i = 0; i < 8 && ret == CAMCA_OK; i++) {
		const char *key = i < 5 ? head[i] : body[i - 5];
		const json_t *value = json_object_get(step, key);

		buf_reset(&cell);
		ret = out_cell(&cell, value);
		if (ret < 0)
			break;
		refusal_sanitize((char *)cell.data);
		if (i < 5)
			fprintf(f, "%-*s%s", width[i], buf_str(&cell),
			    i < 4 ? " " : "\n");
		else if (json_string_length(value) > 0)
			fprintf(f, "    %-7s %s\n", key, buf_str(&cell));
	}
	buf_fini(&cell);
	return ret;
}

static int
job_print(struct cmd_env *env, json_t *result)
{
	json_t *steps = json_object_get(result, "steps"), *step;
	int ret = out_object(env->out, json_object_get(result, "job"));
	size_t i;

	if (ret == CAMCA_OK && json_array_size(steps) > 0)
		fprintf(env->out, "\n%-3s %-12s %-8s %-25s %s\n", "TRY",
		    "STEP", "OUTCOME", "TIME", "CODE");
	json_array_foreach(steps, i, step)
		if (ret == CAMCA_OK)
			ret = job_print_step(env->out, step);
	return ret == CAMCA_OK ? CMD_DONE :
	    cmd_failed(env, "system.memory", "Out of memory.");
}

static int
job_show(struct cmd_env *env, const struct cmd *cmd,
    const struct cmd_values *v)
{
	json_t *args, *result = NULL;
	int ret = cmd_args(env, v, &args);

	if (ret != CMD_DONE)
		return ret;
	ret = cmd_call(env, cmd->op, json_deep_copy(args), &result);
	if (ret == CMD_DONE)
		ret = job_steps(env, args, result);
	if (ret == CMD_DONE && env->json)
		out_json(env->out, result);
	else if (ret == CMD_DONE)
		ret = job_print(env, result);
	json_decref(args);
	json_decref(result);
	return ret;
}

const struct cmd cmd_job[] = {
	{ .noun = "job", .verb = "create",
	    .help = "Gives a site's agent something to do",
	    .opts = create_opts, .op = "job.create",
	    .more = "What waits already for the same camera is not made "
	    "twice." },
	{ .noun = "job", .verb = "list", .help = "Lists jobs, newest first",
	    .opts = list_opts, .op = "job.list", .columns = list_columns },
	{ .noun = "job", .verb = "show",
	    .help = "Shows a job and what its steps read and did",
	    .opts = show_opts, .op = "job.show", .run = job_show },
	{ .noun = "job", .verb = "retry",
	    .help = "Lets a failed or parked job begin anew",
	    .opts = retry_opts, .op = "job.retry",
	    .more = "With --site the series of that site goes on, and what "
	    "had failed\nof it is tried again." },
	{ .noun = "job", .verb = "cancel", .help = "Gives a job up",
	    .opts = cancel_opts, .op = "job.cancel",
	    .more = "An agent that is at work stops at the next safe point; "
	    "what it has\nchanged by then stays." },
	{ .noun = NULL },
};
