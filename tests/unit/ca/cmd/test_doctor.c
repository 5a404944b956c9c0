/* SPDX-License-Identifier: Apache-2.0 */
#include "tests/unit/ca/base/folder.h"

#include "ca/cmd/doctor.c"
#include "ca/cmd/out.c"
#include "ca/cmd/where.c"
#include "tests/unit/ca/cmd/text.h"

/* No authority answers in this test. */
int
cmd_try(struct cmd_env *env, const char *op, json_t *args, json_t **out,
    struct refusal *why)
{
	(void)env;
	(void)op;
	(void)args;
	*out = NULL;
	return refuse(why, CAMCA_EIO, 503, "system.authority-unreachable",
	    "Nobody answers.");
}

int
cmd_failed(struct cmd_env *env, const char *code, const char *fmt, ...)
{
	(void)env;
	(void)code;
	(void)fmt;
	return CMD_REFUSED;
}

static void
test_cert_level(void **state)
{
	static const struct {
		int64_t left;
		enum doctor_level level;
	} rows[] = { { -1, DOCTOR_ERROR }, { 0, DOCTOR_ERROR },
	    { 1, DOCTOR_WARN }, { 14 * 86400 - 1, DOCTOR_WARN },
	    { 14 * 86400, DOCTOR_FINE }, { INT64_C(1) << 40, DOCTOR_FINE } };
	char text[80];
	size_t i;

	(void)state;
	for (i = 0; i < sizeof rows / sizeof rows[0]; i++)
		assert_int_equal(doctor_cert_level(1000000 + rows[i].left,
		    1000000, text, sizeof text), rows[i].level);
	assert_string_equal(text, "good for 12725829 more days");
}

static void
test_healthy(void **state)
{
	json_t *checks = json_array();

	(void)state;
	assert_true(doctor_healthy(checks));
	doctor_add(checks, "a", DOCTOR_FINE, "", "");
	doctor_add(checks, "b", DOCTOR_WARN, "", "");
	assert_true(doctor_healthy(checks));
	doctor_add(checks, "c", DOCTOR_ERROR, "", "");
	assert_false(doctor_healthy(checks));
	/* A check that is fine is fine, whatever its level. */
	json_array_clear(checks);
	json_array_append_new(checks, json_pack("{s:b, s:s}", "ok", 1, "level",
	    "error"));
	assert_true(doctor_healthy(checks));
	json_array_append_new(checks, json_pack("{s:b}", "ok", 0));
	assert_false(doctor_healthy(checks));
	json_decref(checks);
}

static const char *
level_of(const json_t *checks, const char *name)
{
	json_t *item;
	size_t i;

	json_array_foreach(checks, i, item)
		if (strcmp(json_string_value(json_object_get(item, "name")),
		    name) == 0)
			return json_is_true(json_object_get(item, "ok")) ?
			    "ok" : json_string_value(json_object_get(item,
			    "level"));
	return "none";
}

/* Each row: something broken, and the check that says so. */
static void
test_broken(void **state)
{
	static struct cmd_values none;
	struct cmd_env env = { .json = true, .ctx = &camca_ctx_system,
	    .state = ((struct folder *)*state)->path };
	struct text out;
	json_t *j;

	env.out = text_open(&out);
	assert_int_equal(file_mkdirs(folder_path(state, "gate"), 0700), 0);
	assert_int_equal(file_replace(folder_path(state, "gate/tls.pem"), "x",
	    1, 0600), 0);
	assert_int_equal(chmod(env.state, 0777), 0);
	assert_int_equal(doctor_run(&env, NULL, &none), CMD_REFUSED);
	j = json_loads(text_get(&out), 0, NULL);
	assert_non_null(j);
	assert_true(json_is_false(json_object_get(j, "ok")));
	assert_string_equal(level_of(json_object_get(j, "checks"), "state"),
	    "error");
	assert_string_equal(level_of(json_object_get(j, "checks"),
	    "settings"), "error");
	assert_string_equal(level_of(json_object_get(j, "checks"),
	    "authority"), "error");
	assert_string_equal(level_of(json_object_get(j, "checks"),
	    "gate-certificate"), "error");
	assert_string_not_equal(level_of(json_object_get(j, "checks"), "disk"),
	    "none");
	json_decref(j);
	text_close(&out);
}

static void
test_gate_away(void **state)
{
	static const char yaml[] = "gate:\n  names: [localhost]\n"
	    "  est_listen: 127.0.0.1:0\n  http_listen: 127.0.0.1:0\n";
	static struct cmd_values none;
	struct cmd_env env = { .ctx = &camca_ctx_system,
	    .state = ((struct folder *)*state)->path };
	struct text out;

	env.out = text_open(&out);
	assert_int_equal(file_replace(folder_path(state, "camca.yaml"), yaml,
	    sizeof yaml - 1, 0600), 0);
	assert_int_equal(doctor_run(&env, NULL, &none), CMD_REFUSED);
	assert_non_null(strstr(text_get(&out), "ok       settings"));
	assert_non_null(strstr(out.p, "error    gate "));
	assert_non_null(strstr(out.p, "-> Start it: camca up"));
	text_close(&out);
}

#define IN_FOLDER(t) cmocka_unit_test_setup_teardown(t, folder_setup, \
	folder_teardown)

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_cert_level),
		cmocka_unit_test(test_healthy),
		IN_FOLDER(test_broken),
		IN_FOLDER(test_gate_away),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
