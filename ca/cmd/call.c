/* SPDX-License-Identifier: Apache-2.0 */
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include "ca/base/config.h"
#include "ca/base/file.h"
#include "ca/cmd/cmd.h"
#include "ca/cmd/options.h"
#include "ca/cmd/out.h"

/* An RSA-4096 key made in a slow HSM, or an import of 100,000 rows, may take
 * minutes; past this the authority is taken for dead. */
#define CALL_TIMEOUT_MS 300000
#define CALL_FILE_MAX (700u * 1024)

int
cmd_refused(struct cmd_env *env, const struct refusal *why)
{
	bool away = strcmp(why->code, "system.authority-unreachable") == 0;

	if (env->json)
		out_json_refusal(env->out, why);
	else
		fprintf(env->err, "%s: %s [%s]\n", away ? "unreachable" :
		    "refused", why->detail, why->code);
	return away ? CMD_UNREACHABLE : CMD_REFUSED;
}

int
cmd_failed(struct cmd_env *env, const char *code, const char *fmt, ...)
{
	struct refusal why = { .http = 0 };
	va_list ap;

	snprintf(why.code, sizeof why.code, "%s", code);
	va_start(ap, fmt);
	vsnprintf(why.detail, sizeof why.detail, fmt, ap);
	va_end(ap);
	refusal_sanitize(why.detail);
	if (env->json)
		out_json_refusal(env->out, &why);
	else
		fprintf(env->err, "failed: %s [%s]\n", why.detail, why.code);
	return CMD_REFUSED;
}

/* Opens the authority's socket, once. */
static int
call_connect(struct cmd_env *env, struct refusal *why)
{
	char path[512];
	int ret;

	if (env->rpc != NULL)
		return CAMCA_OK;
	ret = config_socket_path(env->state, path, sizeof path);
	if (ret == CAMCA_OK)
		ret = rpc_open(&env->rpc, path);
	if (ret == CAMCA_OK)
		return ret;
	if (ret == CAMCA_EPERM)
		return refuse(why, ret, 503, "system.authority-unreachable",
		    "%s may not be opened: be root, or stand under users: "
		    "operators: in camca.yaml.", path);
	if (ret == CAMCA_ELIMIT)
		return refuse(why, ret, 503, "system.authority-unreachable",
		    "The state folder's name is too long for a Unix socket.");
	return refuse(why, ret, 503, "system.authority-unreachable",
	    "Nobody answers at %s: is camcad running there "
	    "(camca up), and is --state right?", path);
}

int
cmd_try(struct cmd_env *env, const char *op, json_t *args, json_t **out,
    struct refusal *why)
{
	int ret = call_connect(env, why);

	*out = NULL;
	if (ret < 0) {
		json_decref(args);
		return ret;
	}
	ret = rpc_call(env->rpc, op, args, CALL_TIMEOUT_MS, out, why);
	if (ret < 0 && strcmp(why->code, "system.authority-unreachable") == 0)
		refuse(why, ret, 503, "system.authority-unreachable",
		    "camcad went away before it answered: what was to be "
		    "changed may be changed, or not. Look before you repeat "
		    "it.");
	return ret;
}

int
cmd_call(struct cmd_env *env, const char *op, json_t *args, json_t **out)
{
	struct refusal why = { .http = 0 };
	int ret = cmd_try(env, op, args, out, &why);

	if (ret == CAMCA_OK)
		return CMD_DONE;
	refuse_default(&why, ret);
	return cmd_refused(env, &why);
}

/* The text of a file as a JSON string; NULL after printing why. */
static json_t *
call_file(struct cmd_env *env, const char *path)
{
	struct buf b;
	json_t *text = NULL;
	int ret;

	buf_init(&b, 0);
	ret = file_read(path, CALL_FILE_MAX, &b);
	if (ret < 0) {
		cmd_failed(env, "file.unreadable", "%s cannot be read: %s.",
		    path, file_strerror(ret));
	} else {
		text = json_stringn(buf_str(&b), b.len);
		if (text == NULL)
			cmd_failed(env, "file.not-text",
			    "%s is not UTF-8 text (PEM is wanted).", path);
	}
	buf_cleanse(&b);
	return text;
}

static json_t *
call_value(struct cmd_env *env, const struct cmd_value *v)
{
	json_t *text;
	int64_t n = 0;

	switch (v->opt->kind) {
	case CMD_INT:
		return options_int(v->text, &n) < 0 ? NULL : json_integer(n);
	case CMD_SPAN:
		return options_span(v->text, &n) < 0 ? NULL : json_integer(n);
	case CMD_FLAG:
		return json_true();
	case CMD_BOOL:
		return json_boolean(strcmp(v->text, "true") == 0);
	case CMD_FILE:
		return call_file(env, v->text);
	default:
		text = json_string(v->text);
		if (text == NULL)
			cmd_failed(env, "text.not-utf8",
			    "The value of %s is not UTF-8.", v->opt->name);
		return text;
	}
}

/* Puts value (taken) under the option's field; options that may be given
 * several times make an array. */
static int
call_put(json_t *args, const struct cmd_opt *o, json_t *value)
{
	json_t *list;

	if (!(o->flags & CMD_MANY))
		return json_object_set_new(args, o->field, value);
	list = json_object_get(args, o->field);
	if (list == NULL) {
		list = json_array();
		if (json_object_set_new(args, o->field, list) != 0) {
			json_decref(value);
			return -1;
		}
	}
	return json_array_append_new(list, value);
}

int
cmd_args(struct cmd_env *env, const struct cmd_values *v, json_t **out)
{
	json_t *args = json_object(), *value;
	size_t i;

	*out = NULL;
	for (i = 0; i < v->n; i++) {
		if (v->list[i].opt->field == NULL)
			continue;
		value = call_value(env, &v->list[i]);
		if (value == NULL || call_put(args, v->list[i].opt, value)) {
			json_decref(args);
			return CMD_REFUSED;
		}
	}
	*out = args;
	return args != NULL ? CMD_DONE : CMD_REFUSED;
}

/* One page of op from `after` on ("" = as args say). */
static int
call_page(struct cmd_env *env, const char *op, const json_t *args,
    const char *after, int64_t limit, json_t **out, struct refusal *why)
{
	json_t *page_args = json_copy((json_t *)(uintptr_t)args);
	int ret;

	if (page_args == NULL || json_object_set_new(page_args, "limit",
	    json_integer(limit)) != 0 || (after[0] != '\0' &&
	    json_object_set_new(page_args, "after", json_string(after)))) {
		json_decref(page_args);
		return refuse_default(why, CAMCA_ENOMEM);
	}
	ret = cmd_try(env, op, page_args, out, why);
	refuse_default(why, ret);
	return ret;
}

/* Where the next page starts; "" at the end. A list that does not move on
 * would never end. */
static int
call_next(const json_t *page, char *after, size_t len)
{
	const char *next = json_string_value(json_object_get(page, "next"));

	if (next == NULL)
		next = "";
	if (strlen(next) >= len || (next[0] != '\0' &&
	    strcmp(next, after) == 0))
		return CAMCA_EPROTO;
	snprintf(after, len, "%s", next);
	return CAMCA_OK;
}

int
cmd_list(struct cmd_env *env, const char *op, json_t *args,
    const struct out_column *columns, int64_t limit)
{
	struct refusal why = { .http = 0 };
	struct out_table t;
	json_t *page = NULL, *items;
	char after[512] = "";
	int64_t left = limit > 0 ? limit : INT64_MAX;
	bool open = false;
	int ret;

	do {
		ret = call_page(env, op, args, after, left < CMD_PAGE ? left :
		    CMD_PAGE, &page, &why);
		if (ret < 0)
			break;
		if (!open)
			out_table_open(&t, env->out, env->json, columns);
		open = true;
		items = json_object_get(page, "items");
		left -= (int64_t)json_array_size(items);
		if ((ret = out_table_rows(&t, items)) < 0 ||
		    (ret = call_next(page, after, sizeof after)) < 0)
			refuse_default(&why, ret);
		json_decref(page);
	} while (ret == CAMCA_OK && after[0] != '\0' && left > 0);
	json_decref(args);
	if (open)
		out_table_close(&t, after, ret < 0 ? &why : NULL);
	if (ret == CAMCA_OK)
		return CMD_DONE;
	return open && env->json ? CMD_REFUSED : cmd_refused(env, &why);
}

int
cmd_list_whole(struct cmd_env *env, const struct cmd *cmd,
    const struct cmd_values *v)
{
	struct out_table t;
	json_t *result;
	int ret = cmd_call(env, cmd->op, NULL, &result);

	(void)v;
	if (ret != CMD_DONE)
		return ret;
	out_table_open(&t, env->out, env->json, cmd->columns);
	if (out_table_rows(&t, json_object_get(result, "items")) < 0)
		ret = CMD_REFUSED;
	out_table_close(&t, "", NULL);
	json_decref(result);
	return ret;
}

int
cmd_run(struct cmd_env *env, const struct cmd *cmd,
    const struct cmd_values *v)
{
	json_t *args, *result;
	int ret = cmd_args(env, v, &args);

	if (ret != CMD_DONE)
		return ret;
	if (cmd->columns != NULL)
		return cmd_list(env, cmd->op, args, cmd->columns,
		    values_int(v, "limit", 0));
	ret = cmd_call(env, cmd->op, args, &result);
	if (ret != CMD_DONE)
		return ret;
	if (env->json)
		out_json(env->out, result);
	else if (out_object(env->out, result) < 0)
		ret = cmd_failed(env, "system.memory", "Out of memory.");
	json_decref(result);
	return ret;
}
