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

#include "ca/vault/password.h"

static int
load(const char *text, struct password_rules *out)
{
	char path[] = "/tmp/camca-rules.XXXXXX", error[400] = "";
	int ret, fd = mkstemp(path);

	assert_true(fd >= 0);
	assert_int_equal(write(fd, text, strlen(text)), (ssize_t)strlen(text));
	close(fd);
	ret = password_rules_load(out, path, error, sizeof error);
	assert_int_equal(error[0] != '\0', ret < 0);
	unlink(path);
	return ret;
}

/* Every profile that is shipped makes good passwords. */
static void
test_shipped(void **state)
{
	struct password_rules r;
	struct password_rule rule;
	struct refusal why = { 0 };
	char error[400] = "", p[PASSWORD_MAX + 1];
	const struct password_factory *factory;
	size_t i;

	(void)state;
	assert_int_equal(password_rules_load(&r,
	    "policies/rules/passwords.yaml", error, sizeof error), 0);
	assert_int_equal(r.version, 1);
	assert_true(r.n >= 10);
	for (i = 0; i < r.n; i++) {
		assert_int_equal(password_make(&camca_ctx_system,
		    &r.list[i].rule, "admin", p, &why), 0);
		assert_true(password_bits(&r.list[i].rule,
		    (int64_t)strlen(p)) >= 75);
	}
	password_rules_for(&r, "hikvision", "DS-2CD2143G0-I", &rule);
	assert_int_equal(rule.max, 16);
	assert_int_equal(rule.run, 2);
	password_rules_for(&r, "Acme", "M1", &rule);
	assert_int_equal(rule.max, r.defaults.max);
	factory = password_rules_factory(&r, "dahua", "IPC", &i);
	assert_int_equal(i, 2);
	assert_string_equal(factory[1].user, "888888");
	assert_string_equal(factory[1].password, "888888");
	(void)password_rules_factory(&r, "Acme", "M1", &i);
	assert_int_equal(i, 0);
	password_rules_free(&r);
}

static void
test_missing(void **state)
{
	struct password_rules r;
	struct password_rule rule, init;
	char error[400] = "";

	(void)state;
	assert_int_equal(password_rules_load(&r, "/nonexistent/x.yaml", error,
	    sizeof error), 0);
	assert_int_equal(r.version, 0);
	password_rules_for(&r, "Acme", "M1", &rule);
	password_rule_init(&init);
	assert_memory_equal(&rule, &init, sizeof rule);
	password_rules_free(&r);
}

#define FACTORY "profiles:\n  - {manufacturer: A, source: a, factory: "
#define HEAD "version: 2\ndefaults:\n  min: 10\n  max: 40\n"

static void
test_profiles(void **state)
{
	struct password_rules r;
	struct password_rule rule;

	(void)state;
	assert_int_equal(load(HEAD "profiles:\n"
	    "  - {manufacturer: Acme, source: a, max: 20}\n"
	    "  - {manufacturer: Acme, model: M1, source: b, max: 18}\n"
	    "  - {manufacturer: ACME, model: M12, source: c, special: 1,"
	    " specials: \"-_\"}\n", &r), 0);
	password_rules_for(&r, "acme", "M2", &rule);
	assert_int_equal(rule.max, 20);
	assert_int_equal(rule.min, 10);
	password_rules_for(&r, "acme", "m1-x", &rule);
	assert_int_equal(rule.max, 18);
	password_rules_for(&r, "acme", "M123", &rule);
	assert_int_equal(rule.special, 1);
	assert_int_equal(rule.max, 40);
	assert_string_equal(rule.specials, "-_");
	password_rules_for(&r, "Acme2", "M1", &rule);
	assert_int_equal(rule.max, 40);
	password_rules_free(&r);
}

static void
test_strict(void **state)
{
	static const char *const bad[] = { "", "[]\n", "version: 1\n",
	    "version: 0\ndefaults: {}\nprofiles: []\n",
	    "version: 1\ndefaults: {}\n",
	    "version: 1\nprofiles: []\n",
	    "version: 1\ndefaults: {}\nprofiles: {}\n",
	    HEAD "  what: 1\nprofiles: []\n",
	    HEAD "profiles: []\nextra: 1\n",
	    HEAD "profiles: [x]\n",
	    HEAD "profiles:\n  - {manufacturer: A}\n",
	    HEAD "profiles:\n  - {source: a}\n",
	    HEAD "profiles:\n  - {manufacturer: A, source: \"\"}\n",
	    HEAD "profiles:\n  - {manufacturer: A, source: a, min: 50}\n",
	    HEAD "profiles:\n  - {manufacturer: A, source: a, max: 65}\n",
	    HEAD "profiles:\n  - {manufacturer: A, source: a, special: 1}\n",
	    HEAD "profiles:\n  - {manufacturer: A, source: a,"
	    " specials: \"ab\"}\n",
	    HEAD "profiles:\n  - {manufacturer: A, source: a, min: 1,"
	    " max: 6}\n",
	    HEAD "profiles:\n  - {manufacturer: A, source: a, upper: -1}\n",
	    HEAD "profiles:\n  - {manufacturer: A, source: a, lower: x}\n",
	    HEAD FACTORY "[x]}\n",
	    HEAD FACTORY "{}}\n",
	    HEAD FACTORY "[{user: a}]}\n",
	    HEAD FACTORY "[{user: a, password: \"\"}]}\n",
	    HEAD FACTORY "[{user: \"\", password: b}]}\n",
	    HEAD FACTORY "[{user: a, password: b, c: d}]}\n",
	    HEAD FACTORY "[{user: a, password: b}, {user: a, password: c},"
	    " {user: a, password: d}]}\n",
	    HEAD "profiles:\n  - {manufacturer: A, source: a}\n"
	    "  - {manufacturer: a, source: b}\n" };
	struct password_rules r;
	size_t i;

	(void)state;
	for (i = 0; i < sizeof bad / sizeof bad[0]; i++) {
		assert_int_equal(load(bad[i], &r), CAMCA_EINVAL);
		password_rules_free(&r);
	}
	assert_int_equal(load(HEAD "profiles: []\n", &r), 0);
	password_rules_free(&r);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_shipped),
		cmocka_unit_test(test_missing),
		cmocka_unit_test(test_profiles),
		cmocka_unit_test(test_strict),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
