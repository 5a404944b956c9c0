/* SPDX-License-Identifier: Apache-2.0 */
#include "tests/unit/ca/authority/fixture.h"

#define SITE(id) "{\"id\":1,\"op\":\"site.add\",\"args\":{\"id\":\"" id \
	"\",\"name\":\"Tr\xe1\xba\xa1m\",\"level\":2}}"

static void
test_result(void **state)
{
	struct fix *f = *state;

	assert_int_equal(fix_call(f, "{\"id\":41,\"op\":\"system.ping\"}"), 200);
	assert_int_equal(json_integer_value(json_object_get(f->answer, "id")),
	    41);
	assert_int_equal(fix_call(f, SITE("hn-01")), 200);
	assert_int_equal(fix_call(f, SITE("hn-01")), 409);
	assert_string_equal(fix_code(f), "site.exists");
}

/* What is not a call is refused, whatever it is instead. */
static void
test_malformed(void **state)
{
	static const char *const bad[] = { "", "{", "[]", "7", "null",
	    "{\"id\":1}", "{\"id\":1,\"op\":7}", "{\"id\":1,\"op\":\"\"}",
	    "{\"id\":1,\"op\":\"no.such\"}",
	    "{\"id\":1,\"id\":2,\"op\":\"system.ping\"}",
	    "{\"id\":1,\"op\":\"system.ping\",\"args\":[]}",
	    "{\"id\":1,\"op\":\"system.ping\",\"args\":{\"x\":1}}" };
	struct fix *f = *state;
	size_t i;

	for (i = 0; i < sizeof bad / sizeof bad[0]; i++) {
		int http = fix_call(f, bad[i]);

		assert_true(http == 400 || http == 404);
	}
}

static void
test_cut_and_flipped(void **state)
{
	static const char call[] = SITE("cut");
	struct fix *f = *state;
	char copy[sizeof call];
	size_t i;
	int bit;

	for (i = 0; i + 1 < sizeof call - 1; i++)
		assert_int_not_equal(fix_raw(f, call, i), 200);
	for (i = 0; i < sizeof call - 1; i++)
		for (bit = 0; bit < 8; bit++) {
			memcpy(copy, call, sizeof call);
			copy[i] = (char)(copy[i] ^ 1 << bit);
			fix_raw(f, copy, sizeof call - 1);
		}
	/* Still alive and sane. */
	assert_int_equal(fix_call(f, "{\"op\":\"system.ping\"}"), 200);
}

static void
test_arguments(void **state)
{
	static const char *const bad[] = {
	    "{\"op\":\"site.add\",\"args\":{\"id\":\"a\",\"name\":\"b\"}}",
	    "{\"op\":\"site.add\",\"args\":{\"id\":\"a\",\"name\":\"b\",\"level\":\"2\"}}",
	    "{\"op\":\"site.add\",\"args\":{\"id\":\"a\",\"name\":\"b\",\"level\":6}}",
	    "{\"op\":\"site.add\",\"args\":{\"id\":\"a\",\"name\":\"b\",\"level\":-1}}",
	    "{\"op\":\"site.add\",\"args\":{\"id\":\"a\",\"name\":\"b\",\"level\":2,\"z\":1}}",
	    "{\"op\":\"device.list\",\"args\":{\"limit\":1001}}",
	    "{\"op\":\"device.list\",\"args\":{\"after\":\"x\"}}",
	    "{\"op\":\"device.labels\"}",
	    "{\"op\":\"device.move\",\"args\":{\"id\":\"a\",\"state\":\"lost\",\"reason\":\"\"}}",
	    "{\"op\":\"device.move\",\"args\":{\"id\":\"a\",\"state\":\"lost\",\"reason\":\" \\n\"}}",
	    "{\"op\":\"enroll.deny\",\"args\":{\"id\":1}}",
	    "{\"op\":\"enroll.deny\",\"args\":{\"id\":1,\"reason\":\"\"}}",
	    "{\"op\":\"cert.revoke\",\"args\":{\"serial\":\"00\","
	    "\"reason\":\"superseded\",\"text\":\"\"}}" };
	struct fix *f = *state;
	size_t i;

	for (i = 0; i < sizeof bad / sizeof bad[0]; i++) {
		assert_int_equal(fix_call(f, bad[i]), 400);
		assert_string_equal(fix_code(f), "request.argument");
	}
}

/* A misspelt site is not one without cameras. */
static void
test_labels_of_no_site(void **state)
{
	struct fix *f = *state;

	assert_int_equal(fix_call(f, "{\"op\":\"device.labels\",\"args\":"
	    "{\"site\":\"none\"}}"), 404);
	assert_string_equal(fix_code(f), "device.no-such-site");
	assert_int_equal(fix_call(f, SITE("s1")), 200);
	assert_int_equal(fix_call(f, "{\"op\":\"device.labels\",\"args\":"
	    "{\"site\":\"s1\"}}"), 200);
}

/* A refused write is an event; a refused read is not. */
static void
test_refusal_is_event(void **state)
{
	struct fix *f = *state;
	int64_t before = fix_events(f);

	assert_int_equal(fix_call(f, "{\"op\":\"enroll.secret\",\"args\":"
	    "{\"device\":\"none\"}}"), 404);
	assert_int_equal(fix_events(f), before + 1);
	assert_int_equal(fix_call(f, "{\"op\":\"device.show\",\"args\":"
	    "{\"id\":\"none\"}}"), 404);
	assert_int_equal(fix_events(f), before + 1);
}

static void
test_roles(void **state)
{
	const struct op *op;
	struct fix *f = *state;
	char call[128];
	int http;

	f->caller = (struct caller){ ROLE_GATE, 7, "gate" };
	for (op = op_table; op->name != NULL; op++) {
		snprintf(call, sizeof call, "{\"op\":\"%s\"}", op->name);
		if (op->callers & (ROLE_GATE | ROLE_LOG))
			continue;
		http = fix_call(f, call);
		assert_int_equal(http, 403);
		assert_string_equal(fix_code(f), "auth.not-permitted");
	}
}

/* custody: access: off holds for the gate itself, and for nobody else; who asks
 * all the same is on record. */
static void
test_log_is_withheld(void **state)
{
	static const char *const calls[] = {
	    "{\"op\":\"custody.tile\",\"args\":{\"level\":0,\"n\":0,"
	    "\"width\":1}}",
	    "{\"op\":\"custody.entries\",\"args\":{\"n\":0,\"width\":1}}",
	    "{\"op\":\"custody.checkpoint\",\"args\":{\"size\":7}}" };
	static const enum config_access served[] = { ACCESS_PUBLIC,
	    ACCESS_STAFF };
	struct fix *f = *state;
	int64_t before;
	size_t i, k;

	for (i = 0; i < sizeof calls / sizeof calls[0]; i++) {
		f->caller = (struct caller){ ROLE_GATE, 7, "gate" };
		for (k = 0; k < sizeof served / sizeof served[0]; k++) {
			f->a.conf.custody_access = served[k];
			assert_int_equal(fix_call(f, calls[i]), 404);
			assert_string_equal(fix_code(f), "custody.unknown");
		}
		f->a.conf.custody_access = ACCESS_OFF;
		before = fix_events(f);
		assert_int_equal(fix_call(f, calls[i]), 403);
		assert_string_equal(fix_code(f), "auth.not-permitted");
		assert_int_equal(fix_events(f), before + 1);
		f->caller.roles = ROLE_FEED;
		assert_int_equal(fix_call(f, calls[i]), 403);
		f->caller = (struct caller){ ROLE_OPERATOR, 0, "uid:0" };
		assert_int_equal(fix_call(f, calls[i]), 404);
		/* A gate without a user of its own is an operator too. */
		f->caller.roles |= ROLE_GATE;
		assert_int_equal(fix_call(f, calls[i]), 404);
	}
	f->caller = (struct caller){ ROLE_GATE, 7, "gate" };
	assert_int_equal(fix_call(f, "{\"op\":\"system.ping\"}"), 200);
}

/* The table itself: names are noun.verb and unique, all is explained. */
static void
test_table(void **state)
{
	const struct op *op, *other;
	const struct op_arg *x;

	(void)state;
	for (op = op_table; op->name != NULL; op++) {
		assert_non_null(strchr(op->name, '.'));
		assert_non_null(op->handler);
		assert_int_not_equal(op->callers, 0);
		assert_true(strlen(op->help) > 0);
		for (other = op + 1; other->name != NULL; other++)
			assert_string_not_equal(op->name, other->name);
		for (x = op->args; x->type != ARG_END; x++)
			assert_true(x->max > 0 || x->type == ARG_BOOL ||
			    x->type == ARG_OBJECT);
	}
}

static void
test_import_in_parts(void **state)
{
	struct fix *f = *state;

	assert_int_equal(fix_call(f, SITE("s1")), 200);
	assert_int_equal(fix_call(f, "{\"op\":\"device.import\",\"args\":"
	    "{\"more\":true,\"csv\":\"manufacturer,model,ser\"}}"), 200);
	assert_int_equal(fix_call(f, "{\"op\":\"device.import\",\"args\":"
	    "{\"csv\":\"ial,site\\nAcme,M1,1,s1\\nAcme,M1,2,s1\\n\"}}"), 200);
	assert_int_equal(json_integer_value(json_object_get(json_object_get(
	    f->answer, "result"), "inserted")), 2);
	/* The parts are gone: a new import begins with a header. */
	assert_int_equal(fix_call(f, "{\"op\":\"device.import\",\"args\":"
	    "{\"csv\":\"Acme,M1,3,s1\\n\"}}"), 400);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(test_result, fix_setup, fix_teardown),
		cmocka_unit_test_setup_teardown(test_malformed, fix_setup, fix_teardown),
		cmocka_unit_test_setup_teardown(test_cut_and_flipped, fix_setup, fix_teardown),
		cmocka_unit_test_setup_teardown(test_arguments, fix_setup, fix_teardown),
		cmocka_unit_test_setup_teardown(test_labels_of_no_site, fix_setup, fix_teardown),
		cmocka_unit_test_setup_teardown(test_refusal_is_event, fix_setup, fix_teardown),
		cmocka_unit_test_setup_teardown(test_roles, fix_setup, fix_teardown),
		cmocka_unit_test_setup_teardown(test_log_is_withheld, fix_setup, fix_teardown),
		cmocka_unit_test(test_table),
		cmocka_unit_test_setup_teardown(test_import_in_parts, fix_setup, fix_teardown),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
