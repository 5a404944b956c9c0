/* SPDX-License-Identifier: Apache-2.0 */
#include "tests/unit/ca/base/folder.h"

#include "ca/base/file.h"
#include "ca/base/yaml.h"

static const char good[] =
    "name: \"tiếng Việt\"\n"
    "count: 42\n"
    "on: true\n"
    "life: 30d\n"
    "kind: two   # why\n"
    "inner:\n"
    "  a: x\n"
    "list:\n"
    "  - one\n"
    "  - two\n";

static const char *const kinds[] = { "one", "two", NULL };

/* Reads all of good's keys; the first failure. */
static int
read_all(struct yaml_doc *d)
{
	struct yaml_node *top = yaml_top(d), *m, *seq;
	const char *s = NULL;
	int64_t n = 0;
	bool b = false;
	int kind = 0, ret;

	if (top == NULL)
		return CAMCA_EINVAL;
	if ((ret = yaml_str(d, top, "name", true, 40, &s)) < 0 ||
	    (ret = yaml_int(d, top, "count", true, 0, 100, &n)) < 0 ||
	    (ret = yaml_bool(d, top, "on", true, &b)) < 0 ||
	    (ret = yaml_duration(d, top, "life", true, 1000,
	    31 * 86400000LL, &n)) < 0 ||
	    (ret = yaml_enum(d, top, "kind", true, kinds, &kind)) < 0 ||
	    (ret = yaml_map(d, top, "inner", true, &m)) < 0 ||
	    (ret = yaml_str(d, m, "a", true, 10, &s)) < 0 ||
	    (ret = yaml_end(d, m)) < 0 ||
	    (ret = yaml_seq(d, top, "list", true, 2, &seq)) < 0)
		return ret;
	for (size_t i = 0; i < yaml_seq_len(seq); i++)
		if ((ret = yaml_item_enum(d, yaml_seq_at(seq, i), kinds,
		    &kind)) < 0)
			return ret;
	return yaml_end(d, top);
}

static int
parse(const char *text, size_t n, char *error, size_t len)
{
	struct yaml_doc *d;
	int ret = yaml_open_text(&d, "t.yaml", text, n);

	if (ret == CAMCA_OK)
		ret = read_all(d);
	if (ret < 0)
		assert_non_null(yaml_error(d));
	else
		assert_null(yaml_error(d));
	if (error != NULL)
		snprintf(error, len, "%s", yaml_error(d) != NULL ?
		    yaml_error(d) : "");
	yaml_close(d);
	return ret;
}

static void
test_good(void **state)
{
	struct yaml_doc *d;
	struct yaml_node *top, *seq;
	const char *s = NULL;
	int64_t n = 7;

	(void)state;
	assert_int_equal(parse(good, sizeof good - 1, NULL, 0), 0);
	assert_int_equal(yaml_open_text(&d, "t", good, sizeof good - 1), 0);
	top = yaml_top(d);
	assert_int_equal(yaml_str(d, top, "name", true, 40, &s), 0);
	assert_string_equal(s, "tiếng Việt");
	assert_int_equal(yaml_duration(d, top, "life", true, 0, INT64_MAX,
	    &n), 0);
	assert_int_equal(n, 30 * 86400000LL);
	assert_int_equal(yaml_seq(d, top, "list", true, 10, &seq), 0);
	assert_int_equal(yaml_seq_len(seq), 2);
	assert_string_equal(yaml_text(yaml_seq_at(seq, 1)), "two");
	assert_null(yaml_seq_at(seq, 2));
	assert_null(yaml_text(seq));
	/* Missing and not required: the value stays as it was. */
	n = 7;
	assert_int_equal(yaml_int(d, top, "none", false, 0, 1, &n), 0);
	assert_int_equal(n, 7);
	yaml_close(d);
	yaml_close(NULL);
}

/* Each cut is a smaller document or a mistake with a name, never a crash. */
static void
test_cut_and_flip(void **state)
{
	size_t i, whole = (size_t)(strstr(good, "- one") - good);
	char text[sizeof good];
	unsigned bit;

	(void)state;
	/* From the first list item on, a cut may be a shorter list. */
	for (i = 0; i < sizeof good - 2; i++)
		assert_true(parse(good, i, NULL, 0) < 0 || i > whole);
	for (i = 0; i < sizeof good - 1; i++)
		for (bit = 0; bit < 8; bit++) {
			memcpy(text, good, sizeof text);
			text[i] = (char)(text[i] ^ (1 << bit));
			(void)parse(text, sizeof good - 1, NULL, 0);
		}
}

/* text, and what the message has to say. */
static void
test_refuses(void **state)
{
	static const struct {
		const char *text, *says;
	} rows[] = {
		{ "", "empty" }, { "# only a comment\n", "empty" },
		{ "- a\n", "mapping" }, { "plain\n", "mapping" },
		{ "a: 1\na: 2\n", "given twice" },
		{ "a: &x 1\nb: *x\n", "anchors and tags" },
		{ "a: &x 1\n", "anchors and tags" },
		{ "a: !!str 1\n", "anchors and tags" },
		{ "a: !x {}\n", "anchors and tags" },
		{ "a: &x [1]\n", "anchors and tags" },
		{ "a: 1\n---\nb: 2\n", "second document" },
		{ "{a: 1}: 2\n", "plain text" },
		{ "a: \"\\0\"\n", "NUL" },
		{ "a: [1\n", "t.yaml:" }, { "a: 'x\n", "t.yaml:" },
		{ "\ta: 1\n", "t.yaml:1" }, { "a: \x01\n", "t.yaml" },
		{ "a: \xff\n", "t.yaml" },
		{ "name: x\n", "'count' is missing" },
	};
	char error[600];
	size_t i;

	(void)state;
	for (i = 0; i < sizeof rows / sizeof rows[0]; i++) {
		assert_true(parse(rows[i].text, strlen(rows[i].text), error,
		    sizeof error) < 0);
		if (strstr(error, rows[i].says) == NULL)
			fail_msg("'%s' gives '%s'", rows[i].text, error);
	}
}

/* One line of good replaced, and what the message says. */
static void
test_types(void **state)
{
	static const struct {
		const char *line, *with, *says;
	} rows[] = {
		{ "count: 42", "count: x", "t.yaml:2: 'count' must be a whole" },
		{ "count: 42", "count: 4x", "whole" },
		{ "count: 42", "count:", "whole" },
		{ "count: 42", "count: 101", "0..100" },
		{ "count: 42", "count: -1", "0..100" },
		{ "count: 42", "count: 99999999999999999999", "whole" },
		{ "count: 42", "count: [1]", "single value" },
		{ "on: true", "on: yes", "true or false" },
		{ "on: true", "on: True", "true or false" },
		{ "life: 30d", "life: 30", "duration" },
		{ "life: 30d", "life: 30w", "duration" },
		{ "life: 30d", "life: -1d", "duration" },
		{ "life: 30d", "life: 30dd", "duration" },
		{ "life: 30d", "life: 99999999999999y", "duration" },
		{ "life: 30d", "life: 32d", "between" },
		{ "life: 30d", "life: 0s", "between" },
		{ "kind: two ", "kind: three ", "not one of: one, two" },
		{ "inner:\n  a: x", "inner: 5", "mapping" },
		{ "inner:\n  a: x", "inner: []", "mapping" },
		{ "  a: x", "  a: x\n  b: y", "unknown key 'b'" },
		{ "  a: x", "  a: ''", "'a' is empty" },
		{ "  a: x", "  a: 12345678901", "longer than 10" },
		{ "  - two", "  - two\n  - one", "more than 2" },
		{ "  - two", "  - six", "not one of" },
		{ "  - two", "  - [two]", "single value" },
		{ "count: 42", "count: 42\nmore: 1", "unknown key 'more'" },
	};
	char text[1024], error[600];
	const char *at;
	size_t i;

	(void)state;
	for (i = 0; i < sizeof rows / sizeof rows[0]; i++) {
		at = strstr(good, rows[i].line);
		assert_non_null(at);
		snprintf(text, sizeof text, "%.*s%s%s", (int)(at - good), good,
		    rows[i].with, at + strlen(rows[i].line));
		assert_true(parse(text, strlen(text), error, sizeof error) < 0);
		if (strstr(error, rows[i].says) == NULL)
			fail_msg("'%s' gives '%s'", rows[i].with, error);
	}
}

/* Deep or wide documents end early and cheaply. */
static void
test_bombs(void **state)
{
	size_t n = YAML_MAX_BYTES, i;
	char *text = malloc(n + 1), error[600];

	(void)state;
	assert_non_null(text);
	memset(text, '[', n);
	assert_true(parse(text, n, error, sizeof error) < 0);
	memset(text, '[', 40);
	memset(text + 40, ']', 40);
	assert_true(parse(text, 80, error, sizeof error) < 0);
	assert_non_null(strstr(error, "too deep"));
	for (i = 0; i + 1 < n; i += 2)
		memcpy(text + i, "a,", 2);
	text[0] = '[';
	text[n - 1] = ']';
	assert_true(parse(text, n, error, sizeof error) < 0);
	memset(text, 'a', n);
	assert_true(parse(text, n, error, sizeof error) < 0);
	assert_int_equal(parse(text, n + 1, error, sizeof error),
	    CAMCA_ELIMIT);
	free(text);
}

static void
test_first_mistake_stays(void **state)
{
	struct yaml_doc *d;

	(void)state;
	assert_int_equal(yaml_open_text(&d, "t", "a: 1\n", 5), 0);
	assert_int_equal(yaml_fail(d, yaml_top(d), "first"), CAMCA_EINVAL);
	assert_int_equal(yaml_fail(d, NULL, "second"), CAMCA_EINVAL);
	assert_string_equal(yaml_error(d), "t:1: first");
	assert_int_equal(yaml_end(d, NULL), CAMCA_EINVAL);
	yaml_close(d);
	assert_string_equal(yaml_error(NULL), "out of memory");
}

static void
test_file(void **state)
{
	const char *path = folder_path(state, "x.yaml");
	struct yaml_doc *d;

	assert_int_equal(yaml_open_file(&d, path), CAMCA_ENOENT);
	assert_non_null(strstr(yaml_error(d), "cannot be read"));
	yaml_close(d);
	assert_int_equal(file_replace(path, good, sizeof good - 1, 0600), 0);
	assert_int_equal(yaml_open_file(&d, path), 0);
	assert_int_equal(read_all(d), 0);
	yaml_close(d);
}

static int
read_any(struct yaml_doc *d, void *out)
{
	return out != NULL ? *(int *)out : read_all(d);
}

static void
test_load(void **state)
{
	const char *path = folder_path(state, "x.yaml");
	int fails = CAMCA_ELIMIT, none = CAMCA_ENOMEM;
	char error[512] = "";

	assert_int_equal(yaml_load(path, read_any, NULL, error, sizeof error),
	    CAMCA_ENOENT);
	assert_non_null(strstr(error, "cannot be read"));
	assert_int_equal(file_replace(path, "a: [", 4, 0600), 0);
	assert_int_equal(yaml_load(path, read_any, NULL, error, sizeof error),
	    CAMCA_EINVAL);
	assert_non_null(strstr(error, "x.yaml:"));
	assert_int_equal(file_replace(path, good, sizeof good - 1, 0600), 0);
	assert_int_equal(yaml_load(path, read_any, &fails, error, 8),
	    CAMCA_EINVAL);
	assert_int_equal(strlen(error), 7);
	assert_int_equal(yaml_load(path, read_any, &none, error,
	    sizeof error), CAMCA_ENOMEM);
	assert_int_equal(yaml_load(path, read_any, NULL, error, sizeof error),
	    0);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_good),
		cmocka_unit_test(test_cut_and_flip),
		cmocka_unit_test(test_refuses),
		cmocka_unit_test(test_types),
		cmocka_unit_test(test_bombs),
		cmocka_unit_test(test_first_mistake_stays),
		cmocka_unit_test_setup_teardown(test_file, folder_setup,
		    folder_teardown),
		cmocka_unit_test_setup_teardown(test_load, folder_setup,
		    folder_teardown),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
