/* SPDX-License-Identifier: Apache-2.0 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

#include "enroll/gate/custody.h"

static void
good(const char *uri, int level, int64_t n, int width)
{
	struct refusal why = { 0 };
	struct custody_name name;

	assert_true(custody_uri_is(uri));
	assert_int_equal(custody_uri_parse(&name, uri, &why), CAMCA_OK);
	assert_int_equal(name.level, level);
	assert_int_equal(name.n, n);
	assert_int_equal(name.width, width);
}

static void
test_addresses(void **state)
{
	(void)state;
	good("/custody/checkpoint", CUSTODY_CHECKPOINT, 0, 0);
	good("/custody/tile/0/000", 0, 0, 256);
	good("/custody/tile/7/000.p/1", 7, 0, 1);
	good("/custody/tile/3/x001/x234/067.p/8", 3, 1234067, 8);
	good("/custody/tile/entries/x001/000", TILE_ENTRIES, 1000, 256);
	good("http://pki.example/custody/tile/0/000", 0, 0, 256);
	good("HTTPS://pki.example:8443/custody/checkpoint",
	    CUSTODY_CHECKPOINT, 0, 0);
}

static void
test_not_ours(void **state)
{
	static const char *const other[] = { "", "/", "/custody", "/Custody/",
	    "custody/checkpoint", "/x/custody/checkpoint", "http://",
	    "http:///custody/checkpoint", "/crl/00.crl", "//custody/",
	    "/custod%79/checkpoint" };
	size_t i;

	(void)state;
	for (i = 0; i < sizeof other / sizeof *other; i++)
		assert_false(custody_uri_is(other[i]));
}

static void
test_bad(void **state)
{
	static const char *const bad[] = { "/custody/", "/custody/checkpoint/",
	    "/custody/checkpoint?", "/custody/checkpoint#x",
	    "/custody/checkpoin", "/custody/Checkpoint", "/custody//checkpoint",
	    "/custody/tile", "/custody/tile/", "/custody/tile/0",
	    "/custody/tile/8/000", "/custody/tile/0/0", "/custody/tile/0/000?",
	    "/custody/tile/0/000.p/256", "/custody/tile/data/000",
	    "/custody/tile/0/%30%30%30", "/custody/tile/0/../0/000",
	    "/custody/tile/0/x281/x474/x976/x710/657", "/custody/tile/0/000 ",
	    "/custody/tile/0/x000/000", "/custody/tile/-1/000" };
	const char *whole = "/custody/tile/entries/x001/234.p/17";
	char text[600];
	struct refusal why;
	struct custody_name name;
	size_t i;

	(void)state;
	for (i = 0; i < sizeof bad / sizeof *bad; i++) {
		memset(&why, 0, sizeof why);
		if (custody_uri_parse(&name, bad[i], &why) != CAMCA_ENOENT)
			fail_msg("%s is an address", bad[i]);
		assert_int_equal(why.http, 404);
	}
	for (i = 0; i < strlen(whole) - 1; i++) {
		snprintf(text, sizeof text, "%.*s", (int)i, whole);
		if (strcmp(text, "/custody/tile/entries/x001/234") == 0)
			continue;
		assert_int_equal(custody_uri_parse(&name, text, NULL),
		    CAMCA_ENOENT);
	}
	memset(text, 'a', sizeof text);
	memcpy(text, "http://", 7);
	snprintf(text + 550, 50, "/custody/checkpoint");
	assert_int_equal(custody_uri_parse(&name, text, NULL), CAMCA_ENOENT);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_addresses),
		cmocka_unit_test(test_not_ours),
		cmocka_unit_test(test_bad),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
