/* SPDX-License-Identifier: Apache-2.0 */
#include "tests/unit/ca/cmd/text.h"

#include <unistd.h>

#include "ca/cmd/call.c"
#include "ca/cmd/options.c"
#include "ca/cmd/out.c"

/* In the place of the authority: prepared answers, and the calls kept. */
static const char *const *answers;
static int open_error;
static json_t *calls;

int
rpc_open(struct rpc **out, const char *path)
{
	(void)path;
	*out = (struct rpc *)&open_error;
	return open_error;
}

void
rpc_close(struct rpc *r)
{
	(void)r;
}

int
rpc_call(struct rpc *r, const char *op, json_t *args, int timeout_ms,
    json_t **result_out, struct refusal *why)
{
	(void)r;
	assert_true(timeout_ms > 0);
	json_array_append_new(calls, json_pack("{s:s, s:o}", "op", op, "args",
	    args != NULL ? args : json_object()));
	assert_non_null(*answers);
	if (**answers == '!')
		return refuse(why, CAMCA_EPOLICY, 403, "a.refused", "%s",
		    *answers++ + 1);
	*result_out = json_loads(*answers++, 0, NULL);
	assert_non_null(*result_out);
	return CAMCA_OK;
}

static struct text out, err;
static struct cmd_env env;
static struct cmd_values values;

static int
setup(void **state)
{
	(void)state;
	memset(&env, 0, sizeof env);
	env.state = "/s";
	env.out = text_open(&out);
	env.err = text_open(&err);
	values.n = 0;
	calls = json_array();
	open_error = 0;
	return 0;
}

static int
teardown(void **state)
{
	(void)state;
	text_close(&out);
	text_close(&err);
	json_decref(calls);
	return 0;
}

static const struct out_column columns[] = { { "id", "ID", NULL },
	{ NULL, NULL, NULL } };

static const char *
call_arg(size_t i, const char *name)
{
	return json_string_value(json_object_get(json_object_get(
	    json_array_get(calls, i), "args"), name));
}

static json_int_t
call_limit(size_t i)
{
	return json_integer_value(json_object_get(json_object_get(
	    json_array_get(calls, i), "args"), "limit"));
}

static void
test_list_takes_all_pages(void **state)
{
	answers = (const char *const[]){
	    "{\"items\":[{\"id\":1}],\"next\":\"1\"}",
	    "{\"items\":[{\"id\":2}],\"next\":\"2\"}",
	    "{\"items\":[],\"next\":\"\"}", NULL };
	(void)state;
	assert_int_equal(cmd_list(&env, "x.list", json_pack("{s:s}", "site",
	    "a"), columns, 0), CMD_DONE);
	assert_string_equal(text_get(&out), "ID\n1\n2\n");
	assert_int_equal(json_array_size(calls), 3);
	assert_null(call_arg(0, "after"));
	assert_string_equal(call_arg(1, "after"), "1");
	assert_string_equal(call_arg(2, "after"), "2");
	assert_string_equal(call_arg(2, "site"), "a");
	assert_int_equal(call_limit(0), CMD_PAGE);
}

static void
test_list_limit(void **state)
{
	answers = (const char *const[]){
	    "{\"items\":[{\"id\":1},{\"id\":2}],\"next\":\"2\"}", NULL };
	(void)state;
	assert_int_equal(cmd_list(&env, "x.list", json_object(), columns, 2),
	    CMD_DONE);
	assert_int_equal(call_limit(0), 2);
	assert_string_equal(text_get(&out), "ID\n1\n2\n(more: --after 2)\n");
}

/* A list that does not move on must not be asked for for ever. */
static void
test_list_stuck(void **state)
{
	answers = (const char *const[]){
	    "{\"items\":[{\"id\":1}],\"next\":\"1\"}",
	    "{\"items\":[{\"id\":1}],\"next\":\"1\"}", NULL };
	(void)state;
	assert_int_equal(cmd_list(&env, "x.list", json_object(), columns, 0),
	    CMD_REFUSED);
	assert_int_equal(json_array_size(calls), 2);
}

static void
test_list_breaks_off(void **state)
{
	json_t *j;

	answers = (const char *const[]){
	    "{\"items\":[{\"id\":1}],\"next\":\"1\"}", "!enough", NULL };
	(void)state;
	env.json = true;
	assert_int_equal(cmd_list(&env, "x.list", json_object(), columns, 0),
	    CMD_REFUSED);
	j = json_loads(text_get(&out), 0, NULL);
	assert_non_null(j);
	assert_string_equal(json_string_value(json_object_get(
	    json_object_get(j, "error"), "detail")), "enough");
	json_decref(j);
}

static void
test_refusal(void **state)
{
	json_t *result;

	answers = (const char *const[]){ "!no way", "!no way", NULL };
	(void)state;
	assert_int_equal(cmd_call(&env, "x.y", NULL, &result), CMD_REFUSED);
	assert_string_equal(text_get(&err), "refused: no way [a.refused]\n");
	assert_string_equal(text_get(&out) != NULL ? out.p : "", "");
	env.json = true;
	assert_int_equal(cmd_call(&env, "x.y", NULL, &result), CMD_REFUSED);
	assert_non_null(strstr(text_get(&out), "\"code\":\"a.refused\""));
}

static void
test_unreachable(void **state)
{
	static const int errors[] = { CAMCA_EIO, CAMCA_EPERM, CAMCA_ELIMIT };
	json_t *result;
	size_t i;

	(void)state;
	for (i = 0; i < 3; i++) {
		open_error = errors[i];
		env.rpc = NULL;
		assert_int_equal(cmd_call(&env, "x.y", json_object(), &result),
		    CMD_UNREACHABLE);
	}
	assert_int_equal(json_array_size(calls), 0);
	assert_non_null(strstr(text_get(&err), "unreachable: "));
	assert_non_null(strstr(err.p, "operators"));
}

static const struct cmd_opt opts[] = {
	{ "level", CMD_INT, 0, "level", NULL, "" },
	{ "ttl", CMD_SPAN, 0, "ttl_s", NULL, "" },
	{ "good", CMD_BOOL, 0, "good", NULL, "" },
	{ "fast", CMD_FLAG, 0, "fast", NULL, "" },
	{ "file", CMD_FILE, 0, "pem", NULL, "" },
	{ "name", CMD_TEXT, CMD_MANY, "names", NULL, "" },
	{ "own", CMD_TEXT, 0, NULL, NULL, "" },
};

static void
give(size_t opt, const char *text)
{
	values.list[values.n].opt = &opts[opt];
	values.list[values.n++].text = text;
}

static void
test_args(void **state)
{
	json_t *args;
	char *text, path[] = "/tmp/camca-test-XXXXXX";
	int fd = mkstemp(path);

	(void)state;
	assert_true(fd >= 0);
	assert_int_equal(write(fd, "P\n", 2), 2);
	close(fd);
	give(0, "5");
	give(1, "1h");
	give(2, "false");
	give(3, "");
	give(4, path);
	give(5, "a");
	give(5, "b");
	give(6, "not sent");
	assert_int_equal(cmd_args(&env, &values, &args), CMD_DONE);
	text = json_dumps(args, JSON_COMPACT);
	assert_string_equal(text, "{\"level\":5,\"ttl_s\":3600,"
	    "\"good\":false,\"fast\":true,\"pem\":\"P\\n\","
	    "\"names\":[\"a\",\"b\"]}");
	free(text);
	json_decref(args);
	unlink(path);
	values.n = 0;
	give(4, path);
	assert_int_equal(cmd_args(&env, &values, &args), CMD_REFUSED);
	assert_null(args);
	values.n = 0;
	give(5, "\xff");
	assert_int_equal(cmd_args(&env, &values, &args), CMD_REFUSED);
	assert_non_null(strstr(text_get(&err), "not UTF-8"));
}

static void
test_run_prints_the_answer(void **state)
{
	static const struct cmd one = { .noun = "x", .op = "x.y" };

	answers = (const char *const[]){ "{\"a\":1}", "{\"a\":1}", NULL };
	(void)state;
	assert_int_equal(cmd_run(&env, &one, &values), CMD_DONE);
	assert_string_equal(text_get(&out), "a: 1\n");
	env.json = true;
	assert_int_equal(cmd_run(&env, &one, &values), CMD_DONE);
	assert_string_equal(text_get(&out), "a: 1\n{\n  \"a\": 1\n}\n");
}

#define CALL(t) cmocka_unit_test_setup_teardown(t, setup, teardown)

int
main(void)
{
	const struct CMUnitTest tests[] = {
		CALL(test_list_takes_all_pages),
		CALL(test_list_limit),
		CALL(test_list_stuck),
		CALL(test_list_breaks_off),
		CALL(test_refusal),
		CALL(test_unreachable),
		CALL(test_args),
		CALL(test_run_prints_the_answer),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
