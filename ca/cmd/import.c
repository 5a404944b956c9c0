/* SPDX-License-Identifier: Apache-2.0 */
/* device import: sends a CSV in parts, prints the bad rows, and on wish makes
 * the labels of what was registered. */
#include <string.h>

#include "ca/base/file.h"
#include "ca/cmd/device.h"
#include "ca/cmd/options.h"
#include "ca/cmd/out.h"

#define IMPORT_MAX (16u << 20)
/* JSON may write a byte as six: so a part always fits a frame of 1 MiB. */
#define IMPORT_PART (128u * 1024)

/* Bytes of text up to max that can be sent as one part: never in the middle of
 * a UTF-8 character. */
static size_t
import_part(const char *text, size_t n, size_t max)
{
	size_t k = n < max ? n : max;

	while (k < n && k > 0 && ((unsigned char)text[k] & 0xc0) == 0x80)
		k--;
	return k;
}

size_t
import_bad_line(const char *text, size_t n)
{
	size_t line = 1, len, i;
	json_t *s;

	for (i = 0; i < n; i += len + 1, line++) {
		const char *end = memchr(text + i, '\n', n - i);

		len = end != NULL ? (size_t)(end - text) - i : n - i;
		if (memchr(text + i, '\0', len) != NULL)
			return line;
		s = json_stringn(text + i, len);
		if (s == NULL)
			return line;
		json_decref(s);
	}
	return 0;
}

/* The whole file, checked to be text. */
static int
import_read(struct cmd_env *env, const char *path, struct buf *out)
{
	size_t line;
	int ret = file_read(path, IMPORT_MAX, out);

	if (ret == CAMCA_ELIMIT)
		return cmd_failed(env, "import.too-large",
		    "%s is larger than %u bytes.", path, IMPORT_MAX);
	if (ret < 0)
		return cmd_failed(env, "file.unreadable",
		    "%s cannot be read: %s.", path, file_strerror(ret));
	if (out->len == 0)
		return cmd_failed(env, "import.empty", "%s is empty.", path);
	line = import_bad_line(buf_str(out), out->len);
	if (line > 0)
		return cmd_failed(env, "import.not-utf8",
		    "%s, line %zu: not UTF-8 text (save the sheet as "
		    "'CSV UTF-8').", path, line);
	return CMD_DONE;
}

static int
import_send(struct cmd_env *env, const struct cmd_values *v,
    const struct buf *csv, json_t **result)
{
	const char *text = buf_str(csv), *site = values_text(v, "site");
	size_t n = csv->len, k;
	json_t *args;
	int ret;

	for (;; text += k, n -= k) {
		k = import_part(text, n, IMPORT_PART);
		args = json_pack("{s:s%, s:b, s:b}", "csv", text, k, "more",
		    k < n, "partial", values_flag(v, "partial"));
		if (args == NULL || (site != NULL && json_object_set_new(args,
		    "site", json_string(site)) != 0)) {
			json_decref(args);
			return cmd_failed(env, "system.memory",
			    "Out of memory.");
		}
		ret = cmd_call(env, "device.import", args, result);
		if (ret != CMD_DONE || k == n)
			return ret;
		json_decref(*result);
	}
}

/* Prints the bad rows on standard error; how many there were. */
static json_int_t
import_report(struct cmd_env *env, const char *path, const json_t *result)
{
	json_t *list = json_object_get(result, "errors"), *item;
	json_int_t count = json_integer_value(json_object_get(result,
	    "error_count"));
	const char *column, *reason;
	char text[400];
	size_t i;

	json_array_foreach(list, i, item) {
		column = json_string_value(json_object_get(item, "column"));
		reason = json_string_value(json_object_get(item, "reason"));
		snprintf(text, sizeof text, "%s%s%s", column != NULL ? column :
		    "", column != NULL && column[0] != '\0' ? ": " : "",
		    reason != NULL ? reason : "");
		refusal_sanitize(text);
		fprintf(env->err, "%s:%lld: %s\n", path,
		    (long long)json_integer_value(json_object_get(item,
		    "line")), text);
	}
	if (count > (json_int_t)json_array_size(list))
		fprintf(env->err, "%s: and %lld more\n", path,
		    (long long)count - (long long)json_array_size(list));
	return count;
}

static int
import_labels(struct cmd_env *env, const struct cmd_values *v,
    json_t *result)
{
	struct labels_wish w = { .csv = values_text(v, "labels-csv"),
	    .html = values_text(v, "labels-html"),
	    .url = values_text(v, "url"), .ttl_s = values_span(v, "ttl", 0) };
	size_t count = 0;
	int ret;

	if (w.csv == NULL && w.html == NULL)
		return CMD_DONE;
	if (json_integer_value(json_object_get(result, "inserted")) == 0)
		return CMD_DONE;
	w.batch = json_string_value(json_object_get(result, "batch"));
	ret = labels_write(env, &w, &count);
	if (ret == CMD_DONE)
		json_object_set_new(result, "labels",
		    json_integer((json_int_t)count));
	return ret;
}

int
import_run(struct cmd_env *env, const struct cmd *cmd,
    const struct cmd_values *v)
{
	const char *path = values_text(v, "FILE");
	json_t *result = NULL;
	struct buf csv;
	int ret;

	(void)cmd;
	buf_init(&csv, 0);
	ret = import_read(env, path, &csv);
	if (ret == CMD_DONE)
		ret = import_send(env, v, &csv, &result);
	buf_fini(&csv);
	if (ret != CMD_DONE)
		return ret;
	ret = import_labels(env, v, result);
	if (env->json && ret == CMD_DONE) {
		out_json(env->out, result);
	} else if (!env->json) {
		import_report(env, path, result);
		json_object_del(result, "errors");
		if (out_object(env->out, result) < 0)
			ret = CMD_REFUSED;
	}
	if (ret == CMD_DONE && json_integer_value(json_object_get(result,
	    "error_count")) > 0)
		ret = CMD_REFUSED;
	json_decref(result);
	return ret;
}
