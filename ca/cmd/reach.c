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

struct reach_table {
	struct cmd_env *env;
	const char *path;
	int at[REACH_FIELDS];          /* index into reach_columns */
	size_t n;                      /* columns of the file */
	size_t line, done;
	json_t *seen;                  /* id: its line */
	json_t *errors;
};

/* The cell at *p, its quotes taken off in place; *p goes on after the comma, or
 * is NULL after the last one. NULL: quotes that do not end. */
static char *
reach_cell(char **p)
{
	char *cell = *p, *from, *to;
	bool closed = false;

	if (*cell != '"') {
		from = cell + strcspn(cell, ",");
		*p = *from == ',' ? from + 1 : NULL;
		*from = '\0';
		return cell;
	}
	for (from = to = ++cell; *from != '\0' && !closed; ) {
		closed = *from == '"' && *++from != '"';
		if (!closed)
			*to++ = *from++;
	}
	if (!closed || (*from != ',' && *from != '\0'))
		return NULL;
	*p = *from == ',' ? from + 1 : NULL;
	*to = '\0';
	return cell;
}

/* The cells of a line; 0: too many, or quotes that do not end. */
static size_t
reach_cut(char *line, char *out[static REACH_FIELDS])
{
	size_t n = 0;

	line[strcspn(line, "\r")] = '\0';
	while (line != NULL) {
		if (n == REACH_FIELDS || (out[n] = reach_cell(&line)) == NULL)
			return 0;
		n++;
	}
	return n;
}

/* Which column stands where; false where the line names others. */
static bool
reach_header(struct reach_table *t, char *line)
{
	char *field[REACH_FIELDS];
	unsigned had = 0;
	size_t i;
	int k;

	/* What spreadsheets put in front. */
	if (strncmp(line, "\xef\xbb\xbf", 3) == 0)
		line += 3;
	t->n = reach_cut(line, field);
	for (i = 0; i < t->n; i++) {
		for (k = 0; k < REACH_FIELDS; k++)
			if (strcmp(field[i], reach_columns[k]) == 0)
				break;
		if (k == REACH_FIELDS || (had & (1u << k)) != 0)
			return false;
		t->at[i] = k;
		had |= 1u << k;
	}
	return (had & 3) == 3;
}

static int
reach_header_bad(struct reach_table *t, bool semicolon)
{
	return cmd_failed(t->env, "reach.header", "%s: %s", t->path,
	    semicolon ? "columns must be separated by ',' and not by ';'." :
	    "the first line names the columns: id,host, and "
	    "http_port,https_port,path as far as wanted.");
}

static void
reach_bad(struct reach_table *t, const char *code, const char *detail)
{
	fprintf(t->env->err, "%s:%zu: %s [%s]\n", t->path, t->line, detail,
	    code);
	json_array_append_new(t->errors, json_pack("{s:I, s:s, s:s}", "line",
	    (json_int_t)t->line, "code", code, "detail", detail));
}

/* NULL after saying what is wrong. */
static json_t *
reach_args(struct reach_table *t, char *line)
{
	char *field[REACH_FIELDS], text[160];
	json_t *args = NULL;
	int64_t port;
	size_t i;

	if (reach_cut(line, field) != t->n) {
		reach_bad(t, "reach.cells", "It does not have as many cells as "
		    "the header, or quotes that do not end.");
		return NULL;
	}
	args = json_object();
	for (i = 0; i < t->n; i++) {
		const char *name = reach_columns[t->at[i]];

		if (field[i][0] == '\0')
			continue;
		if (strstr(name, "port") == NULL) {
			json_object_set_new(args, name, json_string(field[i]));
		} else if (options_int(field[i], &port) == CAMCA_OK) {
			json_object_set_new(args, name,
			    json_integer((json_int_t)port));
		} else {
			snprintf(text, sizeof text, "%s is a number from 0 "
			    "(no such port) to 65535.", name);
			reach_bad(t, "reach.port", text);
			json_decref(args);
			return NULL;
		}
	}
	return args;
}

/* Two rows for one camera: which of them was meant? */
static bool
reach_again(struct reach_table *t, const json_t *args)
{
	const char *id = json_string_value(json_object_get(args, "id"));
	const json_t *before;
	char text[120];

	if (id == NULL)
		return false;
	before = json_object_get(t->seen, id);
	if (before == NULL) {
		json_object_set_new(t->seen, id,
		    json_integer((json_int_t)t->line));
		return false;
	}
	snprintf(text, sizeof text, "The id is that of line %lld already.",
	    (long long)json_integer_value(before));
	reach_bad(t, "reach.again", text);
	return true;
}

static void
reach_line(struct reach_table *t, char *text)
{
	struct refusal why = { .http = 0 };
	json_t *args = reach_args(t, text), *result = NULL;

	if (args == NULL)
		return;
	if (reach_again(t, args)) {
		json_decref(args);
		return;
	}
	if (cmd_try(t->env, "device.reach", args, &result, &why) < 0)
		reach_bad(t, why.code, why.detail);
	else
		t->done++;
	json_decref(result);
}

static int
reach_rows(struct reach_table *t, char *text)
{
	bool semicolon;
	char *next;

	for (; text != NULL && *text != '\0'; text = next) {
		next = strchr(text, '\n');
		if (next != NULL)
			*next++ = '\0';
		if (++t->line == 1) {
			semicolon = strchr(text, ';') != NULL;
			if (!reach_header(t, text))
				return reach_header_bad(t, semicolon);
		} else if (text[0] != '\0' && text[0] != '\r') {
			reach_line(t, text);
		}
	}
	if (t->done == 0 && json_array_size(t->errors) == 0)
		return cmd_failed(t->env, "reach.empty",
		    "%s has no row below its header.", t->path);
	return json_array_size(t->errors) == 0 ? CMD_DONE : CMD_REFUSED;
}

static int
reach_table(struct reach_table *t, char *text)
{
	int ret;

	t->seen = json_object();
	t->errors = json_array();
	ret = reach_rows(t, text);
	if (t->done > 0 || json_array_size(t->errors) > 0) {
		json_t *o = json_pack("{s:I, s:O}", "set",
		    (json_int_t)t->done, "errors", t->errors);

		if (t->env->json)
			out_json(t->env->out, o);
		else
			fprintf(t->env->out, "%zu cameras have their "
			    "address.\n", t->done);
		json_decref(o);
	}
	json_decref(t->seen);
	json_decref(t->errors);
	return ret;
}

static int
reach_file(struct cmd_env *env, const char *path)
{
	struct reach_table t = { .env = env, .path = path };
	struct buf text;
	size_t line;
	int ret;

	buf_init(&text, REACH_MAX);
	ret = file_read(path, REACH_MAX, &text);
	if (ret < 0)
		ret = cmd_failed(env, "file.unreadable",
		    "%s cannot be read: %s.", path, file_strerror(ret));
	else if ((line = import_bad_line(buf_str(&text), text.len)) > 0)
		ret = cmd_failed(env, "import.not-utf8", "%s, line %zu: not "
		    "UTF-8 text (save the sheet as 'CSV UTF-8').", path, line);
	else
		ret = reach_table(&t, text.len > 0 ? (char *)text.data : NULL);
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
