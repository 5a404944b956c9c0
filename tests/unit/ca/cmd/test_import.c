/* SPDX-License-Identifier: Apache-2.0 */
#include "tests/unit/ca/cmd/text.h"

#include <unistd.h>

#include "ca/cmd/import.c"
#include "ca/cmd/options.c"
#include "ca/cmd/out.c"

/* In the place of the authority: joins the parts. */
static struct buf joined;
static size_t parts;
static bool last_more, partial;
static const char *site;
static const char *answer;
static struct labels_wish wish;

int
cmd_call(struct cmd_env *env, const char *op, json_t *args, json_t **out)
{
	json_t *csv = json_object_get(args, "csv");
	char *text = json_dumps(args, 0);

	(void)env;
	assert_string_equal(op, "device.import");
	/* Whatever the bytes are, the call fits a frame. */
	assert_non_null(text);
	assert_true(strlen(text) < (1u << 20));
	free(text);
	assert_int_equal(buf_put(&joined, json_string_value(csv),
	    json_string_length(csv)), 0);
	parts++;
	last_more = json_is_true(json_object_get(args, "more"));
	partial = json_is_true(json_object_get(args, "partial"));
	site = json_is_string(json_object_get(args, "site")) ? "given" : NULL;
	json_decref(args);
	*out = json_loads(last_more ? "{\"received\":1}" : answer, 0, NULL);
	return CMD_DONE;
}

int
cmd_failed(struct cmd_env *env, const char *code, const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	vfprintf(env->err, fmt, ap);
	va_end(ap);
	fprintf(env->err, " [%s]\n", code);
	return CMD_REFUSED;
}

int
labels_write(struct cmd_env *env, const struct labels_wish *w,
    size_t *count_out)
{
	(void)env;
	wish = *w;
	assert_string_equal(w->batch, "ab");
	*count_out = 3;
	return CMD_DONE;
}

static struct text out, err;
static struct cmd_env env;
static struct cmd_values values;
static char path[32];

static const struct cmd_opt opts[] = {
	{ "FILE", CMD_TEXT, CMD_POS, NULL, NULL, "" },
	{ "labels-html", CMD_TEXT, 0, NULL, NULL, "" },
	{ "partial", CMD_FLAG, 0, NULL, NULL, "" },
	{ "site", CMD_TEXT, 0, NULL, NULL, "" },
};

static int
setup(void **state)
{
	(void)state;
	memset(&env, 0, sizeof env);
	memset(&wish, 0, sizeof wish);
	env.out = text_open(&out);
	env.err = text_open(&err);
	values.n = 1;
	values.list[0] = (struct cmd_value){ &opts[0], path };
	buf_init(&joined, 0);
	parts = 0;
	answer = "{\"batch\":\"ab\",\"inserted\":2,\"error_count\":0,"
	    "\"errors\":[]}";
	return 0;
}

static int
teardown(void **state)
{
	(void)state;
	text_close(&out);
	text_close(&err);
	buf_fini(&joined);
	unlink(path);
	return 0;
}

static int
import_text(const void *p, size_t n)
{
	int fd;

	snprintf(path, sizeof path, "/tmp/camca-test-XXXXXX");
	fd = mkstemp(path);
	assert_true(fd >= 0);
	assert_int_equal(write(fd, p, n), (ssize_t)n);
	close(fd);
	return import_run(&env, NULL, &values);
}

static void
test_small(void **state)
{
	(void)state;
	values.list[values.n++] = (struct cmd_value){ &opts[1], "l.html" };
	values.list[values.n++] = (struct cmd_value){ &opts[2], "" };
	values.list[values.n++] = (struct cmd_value){ &opts[3], "hn" };
	assert_int_equal(import_text("model\nM1\n", 9), CMD_DONE);
	assert_string_equal(buf_str(&joined), "model\nM1\n");
	assert_int_equal(parts, 1);
	assert_false(last_more);
	assert_true(partial);
	assert_non_null(site);
	assert_string_equal(wish.html, "l.html");
	assert_non_null(strstr(text_get(&out), "labels:      3"));
}

/* Parts never cut a character, and together are the file. */
static void
test_parts(void **state)
{
	size_t n = 3 * IMPORT_PART + 100, i;
	char *text = malloc(n + 4);

	(void)state;
	assert_non_null(text);
	for (i = 0; i < n; i += 3)
		memcpy(text + i, "\xe1\xba\xa1", 3);
	assert_int_equal(import_text(text, i), CMD_DONE);
	assert_int_equal(joined.len, i);
	assert_memory_equal(joined.data, text, i);
	assert_int_equal(parts, 4);
	assert_false(last_more);
	free(text);
}

/* The worst text for JSON still fits a frame (checked in cmd_call). */
static void
test_control_characters(void **state)
{
	char *text = malloc(2 * IMPORT_PART);

	(void)state;
	assert_non_null(text);
	memset(text, 1, 2 * IMPORT_PART);
	assert_int_equal(import_text(text, 2 * IMPORT_PART), CMD_DONE);
	assert_int_equal(parts, 2);
	free(text);
}

static void
test_bad_rows(void **state)
{
	(void)state;
	answer = "{\"batch\":\"ab\",\"inserted\":0,\"error_count\":7,\"errors\":["
	    "{\"line\":3,\"column\":\"mac\",\"reason\":\"bad\\u001b[1m\"},"
	    "{\"line\":5,\"column\":\"\",\"reason\":\"short\"}]}";
	values.list[values.n++] = (struct cmd_value){ &opts[1], "l.html" };
	assert_int_equal(import_text("x", 1), CMD_REFUSED);
	assert_null(wish.html);          /* nothing inserted, no labels */
	assert_non_null(strstr(text_get(&err), ":3: mac: bad?[1m\n"));
	assert_non_null(strstr(err.p, ":5: short\n"));
	assert_non_null(strstr(err.p, "and 5 more\n"));
}

static void
test_refuses_files(void **state)
{
	static char big[IMPORT_MAX + 1];

	(void)state;
	assert_int_equal(import_text("", 0), CMD_REFUSED);
	assert_non_null(strstr(text_get(&err), "import.empty"));
	unlink(path);
	assert_int_equal(import_text("a\nb\xff\n", 5), CMD_REFUSED);
	assert_non_null(strstr(text_get(&err), "line 2"));
	unlink(path);
	assert_int_equal(import_text("a\0", 2), CMD_REFUSED);
	unlink(path);
	assert_int_equal(import_run(&env, NULL, &values), CMD_REFUSED);
	memset(big, 'a', sizeof big);
	assert_int_equal(import_text(big, sizeof big), CMD_REFUSED);
	assert_non_null(strstr(text_get(&err), "import.too-large"));
	assert_int_equal(parts, 0);
}

static void
test_bad_line(void **state)
{
	(void)state;
	assert_int_equal(import_bad_line("", 0), 0);
	assert_int_equal(import_bad_line("a\nb\n", 4), 0);
	assert_int_equal(import_bad_line("a\nb", 3), 0);
	assert_int_equal(import_bad_line("\xff", 1), 1);
	assert_int_equal(import_bad_line("a\n\n\xe1\xba", 5), 3);
	assert_int_equal(import_bad_line("a\n\0\n", 4), 2);
	/* UTF-16, as some spreadsheets save. */
	assert_int_equal(import_bad_line("\xff\xfe" "a\0", 4), 1);
}

#define IMPORT(t) cmocka_unit_test_setup_teardown(t, setup, teardown)

int
main(void)
{
	const struct CMUnitTest tests[] = {
		IMPORT(test_small),
		IMPORT(test_parts),
		IMPORT(test_control_characters),
		IMPORT(test_bad_rows),
		IMPORT(test_refuses_files),
		cmocka_unit_test(test_bad_line),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
