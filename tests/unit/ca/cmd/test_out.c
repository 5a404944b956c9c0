/* SPDX-License-Identifier: Apache-2.0 */
#include "tests/unit/ca/cmd/text.h"

#include "ca/cmd/out.c"

static const struct out_column columns[] = { { "id", "ID", NULL },
	{ "n", "NUMBER", NULL }, { NULL, NULL, NULL } };

static json_t *
parsed(const char *text)
{
	json_t *j = json_loads(text, 0, NULL);

	assert_non_null(j);
	return j;
}

static void
print_rows(struct out_table *t, const char *items)
{
	json_t *j = parsed(items);

	assert_int_equal(out_table_rows(t, j), 0);
	json_decref(j);
}

static void
test_table(void **state)
{
	struct out_table t;
	struct text out;

	(void)state;
	out_table_open(&t, text_open(&out), false, columns);
	print_rows(&t, "[{\"id\":\"Đà\",\"n\":5},{\"id\":\"abcd\",\"n\":null}]");
	print_rows(&t, "[{\"id\":\"abcdef\"}]");
	out_table_close(&t, "", NULL);
	assert_string_equal(text_get(&out),
	    "ID    NUMBER\n"
	    "Đà    5\n"
	    "abcd  -\n"
	    "abcdef  -\n");
	text_close(&out);
}

static void
test_empty_table_and_more(void **state)
{
	struct out_table t;
	struct text out;

	(void)state;
	out_table_open(&t, text_open(&out), false, columns);
	print_rows(&t, "[]");
	out_table_close(&t, "", NULL);
	out_table_close(&t, "17", NULL);
	assert_string_equal(text_get(&out), "none\nnone\n(more: --after 17)\n");
	text_close(&out);
}

/* A list is one JSON value, whole or broken off. */
static void
test_json(void **state)
{
	static const struct refusal why = { .http = 503, .code = "a.b",
	    .detail = "say \"no\"", .retry_after_s = 5 };
	struct out_table t;
	struct text out;
	json_t *j;
	int i;

	(void)state;
	for (i = 0; i < 3; i++) {
		out_table_open(&t, text_open(&out), true, columns);
		if (i > 0) {
			print_rows(&t, "[{\"id\":1},{\"id\":2}]");
			print_rows(&t, "[{\"id\":3}]");
		}
		out_table_close(&t, "n\"", i == 2 ? &why : NULL);
		j = parsed(text_get(&out));
		assert_int_equal(json_array_size(json_object_get(j, "items")),
		    i > 0 ? 3 : 0);
		assert_string_equal(json_string_value(json_object_get(j,
		    "next")), "n\"");
		assert_int_equal(json_object_get(j, "error") != NULL, i == 2);
		json_decref(j);
		text_close(&out);
	}
}

static void
test_refusal(void **state)
{
	static const struct refusal why = { .http = 403, .code = "a.b",
	    .detail = "say \"no\"" };
	struct text out;

	(void)state;
	out_json_refusal(text_open(&out), &why);
	assert_string_equal(text_get(&out), "{\"error\":{\"code\":\"a.b\","
	    "\"http\":403,\"detail\":\"say \\\"no\\\"\"}}\n");
	text_close(&out);
}

/* Nothing that a device or a peer chose steers the terminal. */
static void
test_no_controls(void **state)
{
	static const char evil[] = "{\"id\":\"a\\u001b[2J\\rb\\u009b\"}";
	struct out_table t;
	struct text out;
	json_t *j = parsed(evil), *list = json_pack("[O]", j);

	(void)state;
	out_table_open(&t, text_open(&out), false, columns);
	assert_int_equal(out_table_rows(&t, list), 0);
	assert_int_equal(out_object(out.f, j), 0);
	assert_null(strchr(text_get(&out), '\x1b'));
	assert_null(strchr(text_get(&out), '\r'));
	assert_null(strstr(text_get(&out), "\xc2\x9b"));
	json_decref(list);
	json_decref(j);
	text_close(&out);
}

static void
test_object(void **state)
{
	json_t *j = parsed("{\"device\":{\"id\":\"c\",\"hardware_id\":\"\"},"
	    "\"documents\":[{\"a\":1},{\"a\":2}],\"pem\":\"x\\ny\\n\","
	    "\"ok\":true,\"auth\":[\"p\",\"q\"],\"site\":{\"id\":\"s\"}}");
	struct text out;

	(void)state;
	assert_int_equal(out_object(text_open(&out), j), 0);
	assert_string_equal(text_get(&out),
	    "id:          c\nhardware-id: -\n"
	    "pem:\nx\ny\nok:   yes\nauth: p, q\n"
	    "\n[documents 1]\na: 1\n\n[documents 2]\na: 2\n"
	    "\n[site]\nid: s\n");
	json_decref(j);
	text_close(&out);
}

static void
test_width(void **state)
{
	(void)state;
	assert_int_equal(out_width(""), 0);
	assert_int_equal(out_width("abc"), 3);
	assert_int_equal(out_width("Nguyễn"), 6);            /* composed */
	assert_int_equal(out_width("e\xcc\x82\xcc\x83"), 1); /* decomposed */
	assert_int_equal(out_width("\xcd\xb0"), 1);          /* U+0370 */
}

static void
test_cells(void **state)
{
	static const struct {
		const char *json, *text;
	} rows[] = { { "[null]", "-" }, { "[\"\"]", "-" }, { "[false]", "no" },
	    { "[-5]", "-5" }, { "[1.5]", "1.5" }, { "[[]]", "-" },
	    { "[[1,[2]]]", "1, 2" }, { "[{\"a\":1}]", "{\"a\":1}" } };
	struct buf b;
	size_t i;
	json_t *j;

	(void)state;
	buf_init(&b, 0);
	for (i = 0; i < sizeof rows / sizeof rows[0]; i++) {
		j = parsed(rows[i].json);
		buf_reset(&b);
		assert_int_equal(out_cell(&b, json_array_get(j, 0)), 0);
		assert_string_equal(buf_str(&b), rows[i].text);
		json_decref(j);
	}
	buf_reset(&b);
	assert_int_equal(out_cell(&b, NULL), 0);
	assert_string_equal(buf_str(&b), "-");
	buf_fini(&b);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_table),
		cmocka_unit_test(test_empty_table_and_more),
		cmocka_unit_test(test_json),
		cmocka_unit_test(test_refusal),
		cmocka_unit_test(test_no_controls),
		cmocka_unit_test(test_object),
		cmocka_unit_test(test_width),
		cmocka_unit_test(test_cells),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
