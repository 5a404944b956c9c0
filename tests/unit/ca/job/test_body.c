/* SPDX-License-Identifier: Apache-2.0 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

#include "ca/job/body.h"

static const struct body_key keys[] = {
	{ "job", BODY_INT, true, 100 },
	{ "text", BODY_TEXT, false, 4 },
	{ "on", BODY_BOOL, false, 0 },
	{ "list", BODY_LIST, false, 2 },
	{ "object", BODY_OBJECT, false, 0 },
	{ .type = BODY_END },
};

static int
reads(const char *text)
{
	struct refusal why = { 0 };
	json_t *o = NULL;
	int ret = body_parse(text, &o, &why);

	if (ret == CAMCA_OK)
		ret = body_check(o, keys, "The body", &why);
	if (ret < 0) {
		assert_int_equal(why.http, 400);
		assert_true(why.detail[0] != '\0');
	}
	json_decref(o);
	return ret;
}

static void
test_good(void **state)
{
	(void)state;
	assert_int_equal(reads("{\"job\":0}"), 0);
	assert_int_equal(reads("{\"job\":100,\"text\":\"abcd\",\"on\":true,"
	    "\"list\":[1,2],\"object\":{\"x\":1}}"), 0);
}

static void
test_bad(void **state)
{
	static const char *const bad[] = { "", "[]", "1", "{", "{}",
		"{\"job\":0}x", "{\"job\":0}{}", "{\"job\":0,\"job\":0}",
		"{\"job\":101}", "{\"job\":-1}", "{\"job\":\"1\"}",
		"{\"job\":1.0}", "{\"job\":null}", "{\"job\":0,\"more\":1}",
		"{\"job\":0,\"text\":\"abcde\"}", "{\"job\":0,\"text\":1}",
		"{\"job\":0,\"text\":\"a\\u0000b\"}",
		"{\"job\":0,\"on\":1}", "{\"job\":0,\"list\":[1,2,3]}",
		"{\"job\":0,\"list\":{}}", "{\"job\":0,\"object\":[]}" };
	size_t i;

	(void)state;
	for (i = 0; i < sizeof bad / sizeof bad[0]; i++)
		if (reads(bad[i]) == CAMCA_OK)
			fail_msg("'%s' was taken", bad[i]);
}

/* Cut at each byte it is no object any more. */
static void
test_cut(void **state)
{
	const char *whole = "{\"job\":7,\"text\":\"ab\",\"list\":[1]}";
	char text[64];
	size_t i;

	(void)state;
	assert_int_equal(reads(whole), 0);
	for (i = 0; i < strlen(whole); i++) {
		memcpy(text, whole, i);
		text[i] = '\0';
		assert_true(reads(text) < 0);
	}
}

static void
test_values(void **state)
{
	json_t *o = json_loads("{\"a\":\"x\",\"n\":5}", 0, NULL);

	(void)state;
	assert_string_equal(body_text(o, "a"), "x");
	assert_string_equal(body_text(o, "n"), "");
	assert_string_equal(body_text(NULL, "a"), "");
	assert_int_equal(body_int(o, "n", 1), 5);
	assert_int_equal(body_int(o, "a", 1), 1);
	json_decref(o);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_good),
		cmocka_unit_test(test_bad),
		cmocka_unit_test(test_cut),
		cmocka_unit_test(test_values),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
