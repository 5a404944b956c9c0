/* SPDX-License-Identifier: Apache-2.0 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include <cmocka.h>

#include "ca/admit/admit.h"
#include "ca/base/file.h"
#include "ca/base/yaml.h"

#define DAY_MS 86400000LL

static const char good[] =
    "level: 1\nversion: 3\nname: One\nlegal_basis: a letter\n"
    "need_origin: true\nneed_quality: false\nneed_assessment: true\n"
    "assessment_replaces_documents: true\nassessment_max_age: 0d\n"
    "need_hardware_identity: true\napproval: true\nsecret_ttl: 12h\n"
    "max_validity: 90d\n";

static char dir[] = "/tmp/camca-level-XXXXXX";

static void
put_level(int n, const char *text)
{
	char path[64];

	snprintf(path, sizeof path, "%s/level-%d.yaml", dir, n);
	assert_int_equal(file_replace(path, text, strlen(text), 0644), 0);
}

/* good as the file of level n; with line (or NULL) in the place of the line
 * that starts with key, "" drops it. */
static void
put_good(int n, const char *key, const char *line)
{
	char text[1024], level[16];
	const char *p = good, *lf;
	size_t k = 0, len;

	snprintf(level, sizeof level, "level: %d\n", n);
	for (; *p != '\0'; p = lf + 1) {
		const char *from = p;

		lf = strchr(p, '\n');
		len = (size_t)(lf + 1 - p);
		if (strncmp(p, "level:", 6) == 0) {
			from = level;
			len = strlen(level);
		}
		if (key != NULL && strncmp(p, key, strlen(key)) == 0) {
			from = line;
			len = strlen(line);
		}
		memcpy(text + k, from, len);
		k += len;
	}
	text[k] = '\0';
	put_level(n, text);
}

static int
setup(void **state)
{
	(void)state;
	return mkdtemp(dir) != NULL ? 0 : -1;
}

static int
teardown(void **state)
{
	char path[64];
	int n;

	(void)state;
	for (n = 1; n <= 5; n++) {
		snprintf(path, sizeof path, "%s/level-%d.yaml", dir, n);
		unlink(path);
	}
	return rmdir(dir);
}

static int
load(struct level_set *set, char error[static 512])
{
	memset(error, 0, 512);
	return level_set_load(set, dir, error, 512);
}

static void
test_values(void **state)
{
	struct level_set set;
	char error[512];
	int n;

	(void)state;
	for (n = 1; n <= 5; n++)
		put_good(n, NULL, NULL);
	assert_int_equal(load(&set, error), 0);
	for (n = 0; n < 5; n++) {
		assert_int_equal(set.list[n].level, n + 1);
		assert_int_equal(set.list[n].version, 3);
		assert_string_equal(set.list[n].name, "One");
		assert_string_equal(set.list[n].legal_basis, "a letter");
		assert_true(set.list[n].need_origin);
		assert_false(set.list[n].need_quality);
		assert_true(set.list[n].need_assessment);
		assert_true(set.list[n].assessment_replaces_documents);
		assert_int_equal(set.list[n].assessment_max_age_ms, 0);
		assert_true(set.list[n].need_hardware_identity);
		assert_true(set.list[n].approval);
		assert_int_equal(set.list[n].secret_ttl_ms, DAY_MS / 2);
		assert_int_equal(set.list[n].max_validity_ms, 90 * DAY_MS);
	}
}

static void
test_refused(void **state)
{
	static const struct {
		const char *key, *line, *want;
	} cases[] = {
		{ "version", "", "'version' is missing" },
		{ "need_origin", "", "'need_origin' is missing" },
		{ "need_assessment", "", "'need_assessment' is missing" },
		{ "approval", "", "'approval' is missing" },
		{ "approval", "approval: yes\n", "true or false" },
		{ "approval", "approval: true\napproval: false\n", "twice" },
		{ "approval", "approval: true\naproval: true\n",
		  "unknown key 'aproval'" },
		{ "version", "version: 0\n", "'version'" },
		{ "level", "level: 4\n", "file is that of level 3" },
		{ "level", "level: 6\n", "1..5" },
		{ "name", "name: ''\n", "empty" },
		{ "name", "name: \"a\\tb\"\n", "one line" },
		{ "legal_basis", "legal_basis: \"a\\nb\"\n", "one line" },
		{ "secret_ttl", "secret_ttl: 1m\n", "between" },
		{ "secret_ttl", "secret_ttl: 2y\n", "between" },
		{ "secret_ttl", "secret_ttl: soon\n", "duration" },
		{ "max_validity", "max_validity: 1h\n", "between" },
		{ "max_validity", "max_validity: 11y\n", "between" },
		{ "assessment_max_age", "assessment_max_age: -1d\n",
		  "duration" },
	};
	struct level_set set;
	char error[512], long_line[700];
	size_t i;

	(void)state;
	for (i = 1; i <= 5; i++)
		put_good((int)i, NULL, NULL);
	for (i = 0; i < sizeof cases / sizeof cases[0]; i++) {
		put_good(3, cases[i].key, cases[i].line);
		assert_int_equal(load(&set, error), CAMCA_EINVAL);
		assert_non_null(strstr(error, "level-3.yaml"));
		if (strstr(error, cases[i].want) == NULL)
			fail_msg("%s: no \"%s\"", error, cases[i].want);
	}
	memset(long_line, 'x', sizeof long_line);
	memcpy(long_line, "legal_basis: ", 13);
	memcpy(long_line + 13 + 513, "\n", 2);
	put_good(3, "legal_basis", long_line);
	assert_int_equal(load(&set, error), CAMCA_EINVAL);
	memcpy(long_line + 13 + 512, "\n", 2);
	put_good(3, "legal_basis", long_line);
	assert_int_equal(load(&set, error), 0);
}

/* Whatever is missing at the end of a file, it is never a weaker level. */
static void
test_cut_at_each_byte(void **state)
{
	struct level_set set;
	char error[512], text[sizeof good];
	size_t n;

	(void)state;
	for (n = 2; n <= 5; n++)
		put_good((int)n, NULL, NULL);
	for (n = 0; n < strlen(good) - 3; n++) {
		memcpy(text, good, n);
		text[n] = '\0';
		put_level(1, text);
		assert_int_equal(load(&set, error), CAMCA_EINVAL);
		assert_non_null(strstr(error, "level-1.yaml"));
	}
}

static void
test_missing(void **state)
{
	struct level_set set;
	char error[512], path[64], name[4200];

	(void)state;
	put_good(1, NULL, NULL);
	snprintf(path, sizeof path, "%s/level-4.yaml", dir);
	unlink(path);
	assert_int_equal(load(&set, error), CAMCA_EINVAL);
	assert_non_null(strstr(error, "level-4.yaml"));
	memset(name, 'd', sizeof name - 1);
	name[sizeof name - 1] = '\0';
	assert_int_equal(level_set_load(&set, name, error, sizeof error),
	    CAMCA_EINVAL);
	assert_int_equal(level_set_load(&set, "/nonexistent", error,
	    sizeof error), CAMCA_EINVAL);
}

/* The files we ship: the promises made about them. */
static void
test_shipped(void **state)
{
	struct level_set set;
	char error[512] = "";
	const struct level *l;
	int n;

	(void)state;
	if (level_set_load(&set, "policies/levels", error, sizeof error) < 0)
		fail_msg("%s", error);
	for (n = 0; n < 5; n++) {
		l = &set.list[n];
		assert_int_equal(l->need_origin, n >= 2);
		assert_int_equal(l->need_quality, n >= 2);
		assert_int_equal(l->need_assessment, n >= 2);
		assert_false(l->assessment_replaces_documents);
		assert_int_equal(l->approval, n >= 3);
		assert_int_equal(l->need_hardware_identity, n >= 4);
		assert_true(l->assessment_max_age_ms > 0);
		if (n == 0)
			continue;
		assert_true(l->secret_ttl_ms < l[-1].secret_ttl_ms);
		assert_true(l->max_validity_ms < l[-1].max_validity_ms);
		assert_true(l->assessment_max_age_ms <=
		    l[-1].assessment_max_age_ms);
	}
}

/* Data for people: at least it can be read. */
static void
test_rules_readable(void **state)
{
	static const char *const files[] = { "policies/rules/legal-basis.yaml",
	    "policies/rules/qcvn-135.yaml" };
	struct yaml_doc *d;
	size_t i;

	(void)state;
	for (i = 0; i < sizeof files / sizeof files[0]; i++) {
		if (yaml_open_file(&d, files[i]) < 0)
			fail_msg("%s", yaml_error(d));
		assert_non_null(yaml_top(d));
		yaml_close(d);
	}
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_values),
		cmocka_unit_test(test_refused),
		cmocka_unit_test(test_cut_at_each_byte),
		cmocka_unit_test(test_missing),
		cmocka_unit_test(test_shipped),
		cmocka_unit_test(test_rules_readable),
	};

	return cmocka_run_group_tests(tests, setup, teardown);
}
