/* SPDX-License-Identifier: Apache-2.0 */
/* camca device reach: where cameras are reached, one or a table of them. */
#include <stdlib.h>
#include <string.h>

#include "ca/base/buf.h"
#include "ca/base/file.h"
#include "ca/cmd/device.h"
#include "ca/cmd/options.h"
#include "ca/cmd/out.h"

#define REACH_MAX (4u << 20)
#define REACH_FIELDS 5

static const char *const reach_columns[REACH_FIELDS] = { "id", "host",
	"http_port", "https_port", "path" };

/* A line of the file, cut at its commas in place. Nothing that belongs here
 * has a comma or a quote in it. */
static size_t
reach_cut(char *line, char *out[static REACH_FIELDS])
{
	size_t n = 0;

	line[strcspn(line, "\r\n")] = '\0';
	while (line != NULL && n < REACH_FIELDS) {
		out[n++] = line;
		line = strchr(line, ',');
		if (line != NULL)
			*line++ = '\0';
	}
	return line == NULL ? n : 0;
}

/* Which column stands where: index into reach_columns, or all of it is 0. */
static size_t
reach_header(char *line, int at[static REACH_FIELDS])
{
	char *field[REACH_FIELDS];
	size_t n = reach_cut(line, field), i;
	bool id = false, host = false;
	int k;

	for (i = 0; i < n; i++) {
		for (k = 0; k < REACH_FIELDS; k++)
			if (strcmp(field[i], reach_columns[k]) == 0)
				break;
		if (k == REACH_FIELDS)
			return 0;
		at[i] = k;
		id |= k == 0;
		host |= k == 1;
	}
	return id && host ? n : 0;
}

/* NULL: a port that is no number, or no memory. */
static json_t *
reach_args(char *line, const int at[static REACH_FIELDS], size_t n)
{
	char *field[REACH_FIELDS];
	json_t *args = json_object();
	int64_t port;
	size_t i;

	if (reach_cut(line, field) != n)
		goto bad;
	for (i = 0; i < n; i++) {
		if (field[i][0] == '\0')
			continue;
		if (at[i] != 2 && at[i] != 3) {
			json_object_set_new(args, reach_columns[at[i]],
			    json_string(field[i]));
			continue;
		}
		if (options_int(field[i], &port) < 0)
			goto bad;
		json_object_set_new(args, reach_columns[at[i]],
		    json_integer((json_int_t)port));
	}
	return args;
bad:
	json_decref(args);
	return NULL;
}

static int
reach_line(struct cmd_env *env, const char *path, size_t line, json_t *args)
{
	struct refusal why = { .http = 0 };
	json_t *result = NULL;
	int ret;

	if (args == NULL) {
		fprintf(env->err, "%s:%zu: a row has the header's columns, "
		    "and ports are numbers\n", path, line);
		return CMD_REFUSED;
	}
	ret = cmd_try(env, "device.reach", args, &result, &why);
	json_decref(result);
	if (ret < 0)
		fprintf(env->err, "%s:%zu: %s [%s]\n", path, line, why.detail,
		    why.code);
	return ret < 0 ? CMD_REFUSED : CMD_DONE;
}

static int
reach_rows(struct cmd_env *env, const char *path, char *text)
{
	int at[REACH_FIELDS] = { 0 }, ret = CMD_DONE;
	size_t n = 0, line = 0, done = 0;
	char *next;

	for (; text != NULL && *text != '\0'; text = next) {
		next = strchr(text, '\n');
		if (next != NULL)
			*next++ = '\0';
		if (++line == 1) {
			n = reach_header(text, at);
			if (n == 0)
				return cmd_failed(env, "reach.header",
				    "%s: the first line names the columns: "
				    "id,host, and http_port,https_port,path "
				    "as far as wanted.", path);
		} else if (text[0] != '\0' && text[0] != '\r') {
			if (reach_line(env, path, line, reach_args(text, at,
			    n)) == CMD_DONE)
				done++;
			else
				ret = CMD_REFUSED;
		}
	}
	if (env->json)
		fprintf(env->out, "{\"set\":%zu}\n", done);
	else
		fprintf(env->out, "%zu cameras have their address.\n", done);
	return ret;
}

static int
reach_file(struct cmd_env *env, const char *path)
{
	struct buf text;
	int ret;

	buf_init(&text, REACH_MAX);
	ret = file_read(path, REACH_MAX, &text);
	if (ret < 0)
		ret = cmd_failed(env, "file.unreadable",
		    "%s cannot be read: %s.", path, camca_strerror(ret));
	else if (import_bad_line(buf_str(&text), text.len) > 0)
		ret = cmd_failed(env, "import.not-utf8",
		    "%s is not UTF-8 text.", path);
	else
		ret = reach_rows(env, path, (char *)text.data);
	buf_fini(&text);
	return ret;
}

int
reach_run(struct cmd_env *env, const struct cmd *cmd,
    const struct cmd_values *v)
{
	const char *csv = values_text(v, "csv"), *id = values_text(v, "ID");

	if (csv != NULL && id == NULL && v->n == 1)
		return reach_file(env, csv);
	if (csv != NULL || id == NULL || values_text(v, "host") == NULL) {
		fprintf(env->err, "camca: give an ID and --host, or --csv "
		    "alone\n");
		return CMD_USAGE;
	}
	return cmd_run(env, cmd, v);
}
