/* SPDX-License-Identifier: Apache-2.0 */
#include "tests/unit/ca/cmd/text.h"

#include "ca/cmd/options.c"

static const struct cmd_opt opts[] = {
	{ "ID", CMD_TEXT, CMD_MUST | CMD_POS, "id", NULL, "" },
	{ "level", CMD_INT, CMD_MUST, "level", NULL, "" },
	{ "name", CMD_TEXT, 0, "name", NULL, "" },
	{ "fast", CMD_FLAG, 0, NULL, NULL, "" },
	{ "good", CMD_BOOL, 0, NULL, NULL, "" },
	{ "ttl", CMD_SPAN, 0, NULL, NULL, "" },
	{ "tag", CMD_TEXT, CMD_MANY, NULL, NULL, "" },
	{ "MORE", CMD_TEXT, CMD_POS | CMD_MANY, NULL, NULL, "" },
	{ .name = NULL },
};
static const struct cmd command = { .noun = "x", .opts = opts };
static const struct cmd plain = { .noun = "y" };

static struct cmd_env env;
static struct cmd_values values;
static char error[OPTIONS_ERROR_MAX];

/* Words are NULL-ended; argv[0] is put in front. */
static int
parse(const struct cmd *c, const char *const *words)
{
	char *argv[40] = { (char *)(uintptr_t)"x" };
	int argc = 1;

	while (words[argc - 1] != NULL) {
		argv[argc] = (char *)(uintptr_t)words[argc - 1];
		argc++;
	}
	memset(&env, 0, sizeof env);
	error[0] = '\0';
	return options_parse(&env, c, argc, argv, &values, error);
}
#define PARSE(...) parse(&command, (const char *const[]){ __VA_ARGS__, NULL })

static void
test_good(void **state)
{
	(void)state;
	assert_int_equal(PARSE("a", "--level", "3", "--name=b c", "--fast",
	    "--good", "true", "--ttl", "2d", "--tag", "1", "--tag", "2",
	    "--state", "/s", "--json", "m1", "m2"), CMD_DONE);
	assert_string_equal(values_text(&values, "ID"), "a");
	assert_int_equal(values_int(&values, "level", 0), 3);
	assert_string_equal(values_text(&values, "name"), "b c");
	assert_true(values_flag(&values, "fast"));
	assert_int_equal(values_span(&values, "ttl", 0), 172800);
	assert_string_equal(values_text(&values, "MORE"), "m1");
	assert_int_equal(values.n, 10);
	assert_string_equal(env.state, "/s");
	assert_true(env.json);
	assert_null(values_text(&values, "none"));
	assert_int_equal(values_int(&values, "none", 7), 7);
}

static void
test_refuses(void **state)
{
	(void)state;
	assert_int_equal(PARSE("--level", "3"), CMD_USAGE);
	assert_string_equal(error, "ID is missing");
	assert_int_equal(PARSE("a"), CMD_USAGE);
	assert_string_equal(error, "--level is missing");
	assert_int_equal(PARSE("a", "--level"), CMD_USAGE);
	assert_string_equal(error, "'--level' needs a value");
	assert_int_equal(PARSE("a", "--bogus"), CMD_USAGE);
	assert_string_equal(error, "no such option: '--bogus'");
	assert_int_equal(PARSE("a", "--level", "3", "--level", "4"), CMD_USAGE);
	assert_string_equal(error, "--level is given twice");
	assert_int_equal(PARSE("a", "--level", "x"), CMD_USAGE);
	assert_int_equal(PARSE("a", "--level", "3", "--good", "yes"),
	    CMD_USAGE);
	assert_int_equal(PARSE("a", "--level", "3", "--ttl", "2"), CMD_USAGE);
	assert_int_equal(PARSE("a", "--fast=1", "--level", "3"), CMD_USAGE);
	assert_int_equal(parse(&plain, (const char *const[]){ "a", NULL }),
	    CMD_USAGE);
	assert_string_equal(error, "'a' is one word too many");
	assert_int_equal(PARSE("a", "--b\x1b[31m"), CMD_USAGE);
	assert_null(strchr(error, '\x1b'));
}

/* "--" ends the options: values may begin with a dash. */
static void
test_dashes(void **state)
{
	(void)state;
	assert_int_equal(PARSE("--level", "-3", "--", "--name"), CMD_DONE);
	assert_string_equal(values_text(&values, "ID"), "--name");
	assert_int_equal(values_int(&values, "level", 0), -3);
}

static void
test_help_needs_nothing_else(void **state)
{
	(void)state;
	assert_int_equal(PARSE("--help"), CMD_DONE);
	assert_true(env.help);
	assert_int_equal(PARSE("-h"), CMD_DONE);
	assert_true(env.help);
}

static void
test_too_many_words(void **state)
{
	static char *argv[CMD_VALUES_MAX + 8];
	size_t i;

	(void)state;
	memset(&env, 0, sizeof env);
	for (i = 0; i < CMD_VALUES_MAX + 6; i++)
		argv[i] = (char *)(uintptr_t)"w";
	assert_int_equal(options_parse(&env, &command, CMD_VALUES_MAX + 6,
	    argv, &values, error), CMD_USAGE);
	assert_int_equal(values.n, CMD_VALUES_MAX);
}

static void
test_global(void **state)
{
	char *argv[] = { (char *)(uintptr_t)"camca",
	    (char *)(uintptr_t)"--state=/x", (char *)(uintptr_t)"site",
	    (char *)(uintptr_t)"--json", NULL };
	int rest;

	(void)state;
	memset(&env, 0, sizeof env);
	assert_int_equal(options_global(&env, 4, argv, &rest, error), 0);
	assert_int_equal(rest, 2);
	assert_string_equal(env.state, "/x");
	assert_false(env.json);          /* stands behind the noun */
	argv[1] = (char *)(uintptr_t)"--bogus";
	assert_int_equal(options_global(&env, 4, argv, &rest, error),
	    CMD_USAGE);
}

static void
test_numbers(void **state)
{
	static const char *const bad_int[] = { "", "-", "x", "1x", " 1", "+1",
	    "0x10", "1.5", "--1", "9223372036854775808" };
	static const char *const bad_span[] = { "", "s", "1", "1w", "1ss", "-1s",
	    " 1s", "1 s", "1.5h", "999999999999s" };
	int64_t n;
	size_t i;

	(void)state;
	for (i = 0; i < sizeof bad_int / sizeof bad_int[0]; i++)
		assert_int_equal(options_int(bad_int[i], &n), CAMCA_EINVAL);
	for (i = 0; i < sizeof bad_span / sizeof bad_span[0]; i++)
		assert_int_equal(options_span(bad_span[i], &n), CAMCA_EINVAL);
	assert_int_equal(options_int("-9223372036854775808", &n), 0);
	assert_true(n == INT64_MIN);
	assert_int_equal(options_span("99999999999y", &n), 0);
	assert_true(n > 0);
	assert_int_equal(options_span("10m", &n), 0);
	assert_int_equal(n, 600);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_good),
		cmocka_unit_test(test_refuses),
		cmocka_unit_test(test_dashes),
		cmocka_unit_test(test_help_needs_nothing_else),
		cmocka_unit_test(test_too_many_words),
		cmocka_unit_test(test_global),
		cmocka_unit_test(test_numbers),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
