/* SPDX-License-Identifier: Apache-2.0 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

#include "ca/job/observe.h"

static struct job_rules rules;
static struct findings found;
static const struct device_row camera = { .id = "cam-1",
    .manufacturer = "Hikvision", .model = "DS-2CD2143", .serial = "AB12345",
    .hardware_id = "88", .firmware = "V5.7.0" };
static const char *const users[] = { "admin", "camca-svc" };
static uint8_t certs[2][STORE_HASH_LEN];

static struct observe_facts
facts(void)
{
	job_rules_shipped(&rules);
	memset(certs[0], 0x11, sizeof certs[0]);
	memset(certs[1], 0x22, sizeof certs[1]);
	return (struct observe_facts){ .dev = &camera, .rules = &rules,
	    .level = &rules.levels[0], .users = users, .nusers = 2,
	    .certs = (const uint8_t (*)[STORE_HASH_LEN])certs, .ncerts = 2 };
}

/* The codes that were found, with a blank between them. */
static const char *
judged(const char *json, const struct observe_facts *f)
{
	static char text[512];
	json_t *o = json_loads(json, 0, NULL);
	size_t i, n = 0;

	assert_non_null(o);
	observe_judge(o, f, &found);
	json_decref(o);
	text[0] = '\0';
	for (i = 0; i < found.n; i++)
		n += (size_t)snprintf(text + n, sizeof text - n, "%s%s",
		    n > 0 ? " " : "", found.list[i].code + 7);
	return text;
}

static void
test_nothing(void **state)
{
	struct observe_facts f = facts();

	(void)state;
	assert_string_equal(judged("{}", &f), "");
	assert_string_equal(judged("{\"manufacturer\":\"HIKVISION\","
	    "\"model\":\"DS-2CD2143G0-I\",\"serial\":\"DS-2CD2143G0-I20190101"
	    "AAWRAB12345\",\"hardware_id\":\"88\",\"firmware\":\"v5.7.0\","
	    "\"clock_offset_ms\":-299000,\"accounts\":[{\"user\":\"admin\","
	    "\"level\":\"Administrator\"},{\"user\":\"viewer\",\"level\":"
	    "\"User\"}],\"served\":null,\"discoverable\":true}", &f), "");
	/* What is of another type is not there. */
	assert_string_equal(judged("{\"manufacturer\":1,\"accounts\":{},"
	    "\"served\":[],\"clock_offset_ms\":\"x\",\"protocols\":7}", &f),
	    "");
}

static void
test_identity(void **state)
{
	struct observe_facts f = facts();

	(void)state;
	assert_string_equal(judged("{\"serial\":\"ZZ99\"}", &f),
	    "identity-drift");
	assert_string_equal(found.list[0].declared, "serial AB12345");
	assert_string_equal(found.list[0].read, "serial ZZ99");
	assert_string_equal(judged("{\"manufacturer\":\"Dahua\",\"model\":"
	    "\"IPC\"}", &f), "identity-drift");
	assert_string_equal(judged("{\"firmware\":\"V5.7.1\"}", &f),
	    "firmware-changed");
	assert_true(found.list[0].once);
	f.firmware = "5.8";
	assert_string_equal(judged("{\"firmware\":\"V5.7.0\"}", &f),
	    "firmware-changed");
	assert_string_equal(found.list[0].declared, "5.8");
}

static void
test_accounts(void **state)
{
	struct observe_facts f = facts();

	(void)state;
	assert_string_equal(judged("{\"accounts\":[{\"user\":\"ghost\","
	    "\"level\":\"Administrator\"},{\"user\":\"ghost2\",\"level\":"
	    "\"Administrator\"},{\"user\":\"op\",\"level\":\"Operator\"}]}",
	    &f), "second-administrator");
	assert_string_equal(found.list[0].read, "ghost, ghost2");
	assert_string_equal(judged("{\"default_password\":true}", &f),
	    "default-password");
	/* Not all could be tried: as it was. */
	assert_string_equal(judged("{\"default_password\":null}", &f), "");
	f.default_before = true;
	assert_string_equal(judged("{\"default_password\":null}", &f),
	    "default-password");
	assert_string_equal(judged("{\"default_password\":false}", &f), "");
	f.default_password = true;
	assert_string_equal(judged("{}", &f), "default-password");
	assert_true(password_is_default("12345"));
	assert_true(password_is_default(""));
	assert_false(password_is_default("Admin"));
}

#define OURS "1111111111111111111111111111111111111111111111111111111111111111"
#define OTHER "3333333333333333333333333333333333333333333333333333333333333333"

static void
test_leaf(void **state)
{
	struct observe_facts f = facts();

	(void)state;
	/* Before it was enrolled it serves what it wants. */
	assert_string_equal(judged("{\"served\":{\"sha256\":\"" OTHER "\"}}",
	    &f), "");
	f.enrolled = true;
	assert_string_equal(judged("{\"served\":{\"sha256\":\"" OTHER "\"}}",
	    &f), "fallback");
	assert_string_equal(judged("{\"served\":{\"sha256\":\"" OURS "\"}}",
	    &f), "");
	assert_string_equal(judged("{\"served\":{\"sha256\":\"xx\"}}", &f),
	    "fallback");
	assert_string_equal(judged("{\"served\":null}", &f), "tls-off");
	assert_string_equal(judged("{}", &f), "");
	f.shares_key_with = "cam-2";
	assert_string_equal(judged("{}", &f), "key-shared");
	f.enrolled = false;
	assert_string_equal(judged("{}", &f), "key-shared");
}

static void
test_settings(void **state)
{
	const char *http = "{\"protocols\":[{\"name\":\"HTTP\",\"enabled\":"
	    "true,\"port\":80},{\"name\":\"RTSP\",\"enabled\":true}],"
	    "\"discoverable\":true}";
	struct observe_facts f = facts();

	(void)state;
	assert_string_equal(judged("{\"clock_offset_ms\":300001}", &f),
	    "clock-off");
	assert_string_equal(judged("{\"clock_offset_ms\":-63072000000}", &f),
	    "clock-off");
	assert_string_equal(judged(http, &f), "");
	f.enrolled = true;
	assert_string_equal(judged(http, &f), "http-on discoverable");
	rules.levels[0].http_off = rules.levels[0].discovery_off = false;
	assert_string_equal(judged(http, &f), "");
}

static void
test_keys(void **state)
{
	struct finding a = { .code = "camera.fallback", .read = "x" };
	char key[FINDING_KEY_MAX], other[FINDING_KEY_MAX];

	(void)state;
	finding_key(&a, key);
	finding_key(&a, other);
	assert_string_equal(key, other);
	snprintf(a.read, sizeof a.read, "y");
	finding_key(&a, other);
	assert_string_not_equal(key, other);
	assert_true(finding_in("a b c", "b"));
	assert_true(finding_in("a b c", "a"));
	assert_true(finding_in("a b c", "c"));
	assert_false(finding_in("ab bc", "b"));
	assert_false(finding_in("", "b"));
	/* The clock's finding is one, however far it is off. */
	assert_true(observe_same("V5.7.0", "v 5-7-0"));
	assert_false(observe_same("5.7.0", "5.7.01"));
}

/* Never more than there is room for, however much is wrong. */
static void
test_hostile(void **state)
{
	struct observe_facts f = facts();
	json_t *o = json_object(), *list = json_array();
	char name[600];
	int i;

	(void)state;
	memset(name, 'x', sizeof name - 1);
	name[sizeof name - 1] = '\0';
	for (i = 0; i < 500; i++)
		json_array_append_new(list, json_pack("{s:s, s:s}", "user",
		    name, "level", "Administrator"));
	json_object_set_new(o, "accounts", list);
	json_object_set_new(o, "serial", json_string(name));
	json_object_set_new(o, "firmware", json_string("\x01\xc2\x9b[31m"));
	json_object_set_new(o, "clock_offset_ms",
	    json_integer(INT64_MIN + 1));
	f.enrolled = true;
	observe_judge(o, &f, &found);
	for (i = 0; i < (int)found.n; i++) {
		assert_null(strchr(found.list[i].read, '\x01'));
		assert_true(strlen(found.list[i].read) < FINDING_TEXT_MAX);
	}
	json_decref(o);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_nothing),
		cmocka_unit_test(test_identity),
		cmocka_unit_test(test_accounts),
		cmocka_unit_test(test_leaf),
		cmocka_unit_test(test_settings),
		cmocka_unit_test(test_keys),
		cmocka_unit_test(test_hostile),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
