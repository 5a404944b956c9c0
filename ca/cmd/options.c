/* SPDX-License-Identifier: Apache-2.0 */
#include "ca/cmd/options.h"

#include <errno.h>
#include <getopt.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#define OPTIONS_BASE 256    /* val of the first option of a subcommand */

static const struct option options_globals[] = {
	{ "state", required_argument, NULL, 's' },
	{ "json", no_argument, NULL, 'j' },
	{ "help", no_argument, NULL, 'h' },
};
#define OPTIONS_GLOBALS (sizeof options_globals / sizeof options_globals[0])

static int options_bad(char error[static OPTIONS_ERROR_MAX], const char *fmt,
    ...) __attribute__((format(printf, 2, 3)));

static int
options_bad(char error[static OPTIONS_ERROR_MAX], const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	vsnprintf(error, OPTIONS_ERROR_MAX, fmt, ap);
	va_end(ap);
	refusal_sanitize(error);
	return CMD_USAGE;
}

int
options_int(const char *text, int64_t *out)
{
	char *end;
	long long n;

	if (*text == '\0' || strspn(text, "-0123456789") != strlen(text))
		return CAMCA_EINVAL;
	errno = 0;
	n = strtoll(text, &end, 10);
	if (errno != 0 || *end != '\0' || end == text)
		return CAMCA_EINVAL;
	*out = n;
	return CAMCA_OK;
}

int
options_span(const char *text, int64_t *out_s)
{
	static const struct {
		char unit;
		int64_t seconds;
	} units[] = { { 's', 1 }, { 'm', 60 }, { 'h', 3600 }, { 'd', 86400 },
	    { 'y', 365 * 86400 } };
	size_t i, n = strspn(text, "0123456789");
	char digits[12];

	if (n == 0 || n >= sizeof digits || text[n] == '\0' ||
	    text[n + 1] != '\0')
		return CAMCA_EINVAL;
	memcpy(digits, text, n);
	digits[n] = '\0';
	for (i = 0; i < sizeof units / sizeof units[0]; i++)
		if (text[n] == units[i].unit) {
			*out_s = strtoll(digits, NULL, 10) * units[i].seconds;
			return CAMCA_OK;
		}
	return CAMCA_EINVAL;
}

static int
options_check_kind(const struct cmd_opt *o, const char *text,
    char error[static OPTIONS_ERROR_MAX])
{
	const char *dash = o->flags & CMD_POS ? "" : "--";
	int64_t n;

	if (o->kind == CMD_INT && options_int(text, &n) < 0)
		return options_bad(error, "%s%s must be a whole number, "
		    "not '%s'", dash, o->name, text);
	if (o->kind == CMD_SPAN && options_span(text, &n) < 0)
		return options_bad(error, "%s%s must be a time such as 90s, "
		    "10m, 12h, 30d or 2y, not '%s'", dash, o->name, text);
	if (o->kind == CMD_BOOL && strcmp(text, "true") != 0 &&
	    strcmp(text, "false") != 0)
		return options_bad(error, "%s%s must be true or false, "
		    "not '%s'", dash, o->name, text);
	return CMD_DONE;
}

static bool
options_given(const struct cmd_values *v, const struct cmd_opt *o)
{
	size_t i;

	for (i = 0; i < v->n; i++)
		if (v->list[i].opt == o)
			return true;
	return false;
}

static int
options_add(struct cmd_values *v, const struct cmd_opt *o, const char *text,
    char error[static OPTIONS_ERROR_MAX])
{
	if (!(o->flags & CMD_MANY) && options_given(v, o))
		return options_bad(error, "--%s is given twice", o->name);
	if (v->n == CMD_VALUES_MAX)
		return options_bad(error, "more than %d words",
		    CMD_VALUES_MAX);
	v->list[v->n].opt = o;
	v->list[v->n].text = text != NULL ? text : "";
	v->n++;
	return text != NULL ? options_check_kind(o, text, error) : CMD_DONE;
}

/* The words without a name go to the positions in order; the last position
 * takes several where it is CMD_MANY. */
static int
options_positions(const struct cmd *cmd, int argc, char **argv,
    struct cmd_values *out, char error[static OPTIONS_ERROR_MAX])
{
	const struct cmd_opt *o = cmd->opts;
	int i, ret;

	for (i = optind; i < argc; i++) {
		while (o != NULL && o->name != NULL && !(o->flags & CMD_POS))
			o++;
		if (o == NULL || o->name == NULL)
			return options_bad(error, "'%s' is one word too many",
			    argv[i]);
		ret = options_add(out, o, argv[i], error);
		if (ret != CMD_DONE)
			return ret;
		if (!(o->flags & CMD_MANY))
			o++;
	}
	return CMD_DONE;
}

static int
options_missing(const struct cmd *cmd, const struct cmd_values *v,
    char error[static OPTIONS_ERROR_MAX])
{
	const struct cmd_opt *o;

	for (o = cmd->opts; o != NULL && o->name != NULL; o++)
		if ((o->flags & CMD_MUST) && !options_given(v, o))
			return options_bad(error, "%s%s is missing",
			    o->flags & CMD_POS ? "" : "--", o->name);
	return CMD_DONE;
}

/* getopt_long's table: the global options, then those of cmd. */
static void
options_table(const struct cmd *cmd, struct option out[static CMD_OPTS_MAX +
    OPTIONS_GLOBALS + 1])
{
	const struct cmd_opt *o = cmd != NULL ? cmd->opts : NULL;
	size_t n = OPTIONS_GLOBALS;
	int i;

	memcpy(out, options_globals, sizeof options_globals);
	for (i = 0; o != NULL && o[i].name != NULL && i < CMD_OPTS_MAX; i++) {
		if (o[i].flags & CMD_POS)
			continue;
		out[n].name = o[i].name;
		out[n].has_arg = o[i].kind == CMD_FLAG ? no_argument :
		    required_argument;
		out[n].flag = NULL;
		out[n].val = OPTIONS_BASE + i;
		n++;
	}
	memset(&out[n], 0, sizeof out[n]);
}

/* One option that getopt_long found. */
static int
options_one(struct cmd_env *env, const struct cmd *cmd, int c, char **argv,
    struct cmd_values *out, char error[static OPTIONS_ERROR_MAX])
{
	switch (c) {
	case 's':
		env->state = optarg;
		return CMD_DONE;
	case 'j':
		env->json = true;
		return CMD_DONE;
	case 'h':
		env->help = true;
		return CMD_DONE;
	case ':':
		return options_bad(error, "'%s' needs a value",
		    argv[optind - 1]);
	case '?':
		return options_bad(error, "no such option: '%s'",
		    argv[optind - 1]);
	default:
		return options_add(out, &cmd->opts[c - OPTIONS_BASE], optarg,
		    error);
	}
}

static int
options_scan(struct cmd_env *env, const struct cmd *cmd, int argc, char **argv,
    struct cmd_values *out, char error[static OPTIONS_ERROR_MAX])
{
	struct option table[CMD_OPTS_MAX + OPTIONS_GLOBALS + 1];
	int c, ret;

	options_table(cmd, table);
	opterr = 0;
	optind = 0;              /* glibc: begin anew */
	while ((c = getopt_long(argc, argv, cmd != NULL ? ":h" : "+:h", table,
	    NULL)) != -1) {
		ret = options_one(env, cmd, c, argv, out, error);
		if (ret != CMD_DONE)
			return ret;
	}
	return CMD_DONE;
}

int
options_global(struct cmd_env *env, int argc, char **argv, int *rest,
    char error[static OPTIONS_ERROR_MAX])
{
	int ret = options_scan(env, NULL, argc, argv, NULL, error);

	*rest = optind;
	return ret;
}

int
options_parse(struct cmd_env *env, const struct cmd *cmd, int argc,
    char **argv, struct cmd_values *out, char error[static OPTIONS_ERROR_MAX])
{
	int ret;

	out->n = 0;
	ret = options_scan(env, cmd, argc, argv, out, error);
	if (ret != CMD_DONE || env->help)
		return ret;
	ret = options_positions(cmd, argc, argv, out, error);
	return ret != CMD_DONE ? ret : options_missing(cmd, out, error);
}

const char *
values_text(const struct cmd_values *v, const char *name)
{
	size_t i;

	for (i = 0; i < v->n; i++)
		if (strcmp(v->list[i].opt->name, name) == 0)
			return v->list[i].text;
	return NULL;
}

bool
values_flag(const struct cmd_values *v, const char *name)
{
	return values_text(v, name) != NULL;
}

int64_t
values_int(const struct cmd_values *v, const char *name, int64_t otherwise)
{
	const char *s = values_text(v, name);
	int64_t n;

	return s != NULL && options_int(s, &n) == CAMCA_OK ? n : otherwise;
}

int64_t
values_span(const struct cmd_values *v, const char *name, int64_t otherwise)
{
	const char *s = values_text(v, name);
	int64_t n;

	return s != NULL && options_span(s, &n) == CAMCA_OK ? n : otherwise;
}
