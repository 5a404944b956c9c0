/* SPDX-License-Identifier: Apache-2.0 */
#include "tests/unit/ca/cmd/text.h"

#include "ca/cmd/event.c"

static void
test_detail(void **state)
{
	static const char hash[] = "00112233445566778899aabbccddeeff"
	    "00112233445566778899aabbccddeeff";
	static const struct {
		const char *body, *detail;
	} rows[] = {
		{ "", "" }, { "camca-event/v1\n", "" }, { "alone\n", "" },
		{ "camca-event/v1\nid 0\ntime t\ntype x\ndevice d\nactor me\n"
		    "reason a b\nnode n\n", "actor=me reason=a b" },
		{ "reason cut", "reason=cut" },
		{ "spki HASH\n", "spki=001122334455…" },
		{ "serial HASH\n", "serial=HASH" },
		{ "reason HASHx\n", "reason=HASHx" },
	};
	char body[300], want[300];
	const char *at;
	struct buf b;
	json_t *item;
	size_t i;

	(void)state;
	buf_init(&b, 0);
	for (i = 0; i < sizeof rows / sizeof rows[0]; i++) {
		snprintf(body, sizeof body, "%s", rows[i].body);
		snprintf(want, sizeof want, "%s", rows[i].detail);
		at = strstr(rows[i].body, "HASH");
		if (at != NULL)
			snprintf(body, sizeof body, "%.*s%s%s",
			    (int)(at - rows[i].body), rows[i].body, hash,
			    at + 4);
		at = strstr(rows[i].detail, "HASH");
		if (at != NULL)
			snprintf(want, sizeof want, "%.*s%s%s",
			    (int)(at - rows[i].detail), rows[i].detail, hash,
			    at + 4);
		item = json_pack("{s:s}", "body", body);
		buf_reset(&b);
		assert_int_equal(event_detail(&b, item), 0);
		assert_string_equal(buf_str(&b), want);
		json_decref(item);
	}
	item = json_object();
	buf_reset(&b);
	assert_int_equal(event_detail(&b, item), 0);
	assert_string_equal(buf_str(&b), "");
	json_decref(item);
	buf_fini(&b);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_detail),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
