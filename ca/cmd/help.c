/* SPDX-License-Identifier: Apache-2.0 */
#include "ca/cmd/help.h"

#include <string.h>

#include "ca/cmd/options.h"
#include "ca/cmd/out.h"

#ifndef CAMCA_VERSION
#define CAMCA_VERSION "unknown"
#endif

const struct cmd *
help_noun(const char *noun)
{
	size_t i;

	for (i = 0; cmd_nouns[i] != NULL; i++)
		if (strcmp(cmd_nouns[i]->noun, noun) == 0)
			return cmd_nouns[i];
	return NULL;
}

static int
help_name(FILE *f, const struct cmd *c)
{
	return fprintf(f, "  %s%s%s", c->noun, c->verb != NULL ? " " : "",
	    c->verb != NULL ? c->verb : "");
}

static void
help_line(FILE *f, const struct cmd *c)
{
	fprintf(f, "%*s%s\n", 24 - help_name(f, c), "", c->help);
}

int
help_show_all(FILE *f)
{
	const struct cmd *c;
	size_t i;

	fputs("usage: camca [--state DIR] [--json] COMMAND …\n\n", f);
	for (i = 0; cmd_nouns[i] != NULL; i++)
		for (c = cmd_nouns[i]; c->noun != NULL; c++)
			help_line(f, c);
	fputs("\n--state DIR picks the state folder (or CAMCA_STATE; default "
	    "/var/lib/camca);\n--json prints JSON; camca help COMMAND tells "
	    "more. Exit codes: 0 done,\n1 refused or failed, 2 wrong command "
	    "line, 3 authority unreachable.\n", f);
	return CMD_DONE;
}

int
help_show_noun(FILE *f, const char *noun)
{
	const struct cmd *c;

	fprintf(f, "commands of camca %s:\n\n", noun);
	for (c = help_noun(noun); c != NULL && c->noun != NULL; c++)
		help_line(f, c);
	fprintf(f, "\ncamca help %s VERB tells more.\n", noun);
	return CMD_DONE;
}

static const char *
help_meta(const struct cmd_opt *o)
{
	static const char *const metas[] = {
		[CMD_TEXT] = "TEXT", [CMD_INT] = "N", [CMD_FLAG] = "",
		[CMD_BOOL] = "true|false", [CMD_FILE] = "FILE",
		[CMD_SPAN] = "TIME",
	};

	return o->meta != NULL ? o->meta : metas[o->kind];
}

/* "--level N", "ID", "--json". */
static int
help_opt(FILE *f, const struct cmd_opt *o)
{
	if (o->flags & CMD_POS)
		return fprintf(f, "%s", o->name);
	if (o->kind == CMD_FLAG)
		return fprintf(f, "--%s", o->name);
	return fprintf(f, "--%s %s", o->name, help_meta(o));
}

void
help_show_usage(FILE *f, const struct cmd *cmd)
{
	const struct cmd_opt *o;
	bool options = false;

	fprintf(f, "usage: camca %s%s%s", cmd->noun,
	    cmd->verb != NULL ? " " : "", cmd->verb != NULL ? cmd->verb : "");
	for (o = cmd->opts; o != NULL && o->name != NULL; o++) {
		if (!(o->flags & (CMD_MUST | CMD_POS))) {
			options = true;
			continue;
		}
		fputs(o->flags & CMD_MUST ? " " : " [", f);
		help_opt(f, o);
		fputs(o->flags & CMD_MANY ? " …" : "", f);
		fputs(o->flags & CMD_MUST ? "" : "]", f);
	}
	fputs(options ? " [options]\n" : "\n", f);
}

int
help_show(FILE *f, const struct cmd *cmd)
{
	const struct cmd_opt *o;
	int n;

	help_show_usage(f, cmd);
	fprintf(f, "\n%s.\n", cmd->help);
	if (cmd->opts != NULL)
		fputc('\n', f);
	for (o = cmd->opts; o != NULL && o->name != NULL; o++) {
		fputs("  ", f);
		n = help_opt(f, o);
		if (n > 24) {
			fputc('\n', f);
			n = -2;
		}
		fprintf(f, "%*s%s%s%s\n", 26 - n, "", o->help,
		    o->flags & CMD_MANY ? " (may be repeated)" : "",
		    (o->flags & CMD_MUST) && !(o->flags & CMD_POS) ?
		    " (required)" : "");
	}
	if (cmd->more != NULL)
		fprintf(f, "\n%s\n", cmd->more);
	if (cmd->op != NULL)
		fprintf(f, "\nOperation: %s\n", cmd->op);
	return CMD_DONE;
}

/* One word a line for bash: nouns, verbs of a noun, options of a command. */
static int
help_words(FILE *f, const char *noun, const char *verb)
{
	const struct cmd *c = noun != NULL ? help_noun(noun) : NULL;
	const struct cmd_opt *o;
	size_t i;

	for (i = 0; noun == NULL && cmd_nouns[i] != NULL; i++)
		fprintf(f, "%s\n", cmd_nouns[i]->noun);
	for (; c != NULL && c->noun != NULL; c++) {
		if (c->verb != NULL && verb == NULL)
			fprintf(f, "%s\n", c->verb);
		if (c->verb != NULL &&
		    (verb == NULL || strcmp(c->verb, verb) != 0))
			continue;
		for (o = c->opts; o != NULL && o->name != NULL; o++)
			if (!(o->flags & CMD_POS))
				fprintf(f, "--%s\n", o->name);
	}
	return CMD_DONE;
}

/* The operations of the running authority, by its own table. */
static int
help_operations(struct cmd_env *env)
{
	static const struct out_column columns[] = {
		{ "name", "OPERATION", NULL }, { "who", "WHO", NULL },
		{ "writes", "WRITES", NULL }, { "help", "WHAT", NULL },
		{ NULL, NULL, NULL },
	};
	struct out_table t;
	json_t *result;
	int ret = cmd_call(env, "system.ops", NULL, &result);

	if (ret != CMD_DONE)
		return ret;
	if (env->json) {
		out_json(env->out, result);
	} else {
		out_table_open(&t, env->out, false, columns);
		if (out_table_rows(&t, json_object_get(result, "ops")) < 0)
			ret = CMD_REFUSED;
		out_table_close(&t, "", NULL);
	}
	json_decref(result);
	return ret;
}

static int
help_run(struct cmd_env *env, const struct cmd *cmd,
    const struct cmd_values *v)
{
	const char *noun = values_text(v, "NOUN");
	const char *verb = values_text(v, "VERB");
	const struct cmd *c = noun != NULL ? help_noun(noun) : NULL;

	(void)cmd;
	if (values_flag(v, "words"))
		return help_words(env->out, noun, verb);
	if (noun == NULL)
		return help_show_all(env->out);
	if (strcmp(noun, "ops") == 0)
		return help_operations(env);
	if (c == NULL) {
		fprintf(env->err, "camca: no such command: '%s'\n", noun);
		return CMD_USAGE;
	}
	if (verb == NULL && c->verb != NULL)
		return help_show_noun(env->out, noun);
	for (; c->noun != NULL; c++)
		if (c->verb == NULL || strcmp(c->verb, verb) == 0)
			return help_show(env->out, c);
	fprintf(env->err, "camca: '%s' is not a command of '%s'\n", verb,
	    noun);
	return CMD_USAGE;
}

static int
version_run(struct cmd_env *env, const struct cmd *cmd,
    const struct cmd_values *v)
{
	(void)cmd;
	(void)v;
	fprintf(env->out, env->json ? "{\"version\": \"%s\"}\n" :
	    "camca %s\n", CAMCA_VERSION);
	return CMD_DONE;
}

static const struct cmd_opt help_opts[] = {
	{ "NOUN", CMD_TEXT, CMD_POS, NULL, NULL,
	    "a command, or 'ops' for the operations of the authority" },
	{ "VERB", CMD_TEXT, CMD_POS, NULL, NULL, "its second word" },
	{ "words", CMD_FLAG, 0, NULL, NULL,
	    "only the words that may follow, one a line (for completion)" },
	{ .name = NULL },
};

const struct cmd cmd_help[] = {
	{ .noun = "help", .help = "Explains a command", .opts = help_opts,
	    .run = help_run },
	{ .noun = NULL },
};

const struct cmd cmd_version[] = {
	{ .noun = "version", .help = "Prints the version",
	    .run = version_run },
	{ .noun = NULL },
};
