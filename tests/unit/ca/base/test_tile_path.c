/* SPDX-License-Identifier: Apache-2.0 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <cmocka.h>

#include "ca/base/tile_path.h"

static void
test_tile_paths(void **state)
{
	static const struct {
		int level;
		int64_t n;
		int width;
		const char *path;
	} good[] = {
		{0, 0, 256, "0/000"},
		{0, 1234067, 256, "0/x001/x234/067"},
		{3, 1234067, 8, "3/x001/x234/067.p/8"},
		{-1, 5, 256, "entries/005"},
		{-1, 1000, 255, "entries/x001/000.p/255"},
		{63, 999, 1, "63/999.p/1"},
		{0, (int64_t)1 << 48, 256,
		    "0/x281/x474/x976/x710/656"},
	};
	char path[TILE_PATH_MAX];
	int level, width;
	int64_t n;
	size_t i;

	(void)state;
	for (i = 0; i < sizeof good / sizeof *good; i++) {
		tile_path(path, good[i].level, good[i].n, good[i].width);
		assert_string_equal(path, good[i].path);
		assert_int_equal(tile_parse(path, &level, &n, &width), 0);
		assert_int_equal(level, good[i].level);
		assert_int_equal(n, good[i].n);
		assert_int_equal(width, good[i].width);
	}
	tile_path(path, -1, INT64_MAX, 255);
	assert_true(strlen(path) < TILE_PATH_MAX);
}

static void
test_tile_paths_bad(void **state)
{
	static const char *const bad[] = {"", "0", "0/", "0/0", "0/00",
	    "0/0000", "0/000/", "/0/000", "00/000", "64/000", "-1/000",
	    "+0/000", "0/-01", "0/x000/000", "0/x001", "0/001/234",
	    "0/x01/234", "0/x001/x234", "0/000.p", "0/000.p/", "0/000.p/0",
	    "0/000.p/256", "0/000.p/01", "0/000.p/1/", "0/000.p/-1",
	    "0/000.p/1x", "entries", "entries/", "entriesx/000", "Entries/000",
	    "entries/000 ", " 0/000", "0//000", "0/000.P/1", "0/../000",
	    "0/%30%30%30", "0/x999/x999/x999/x999/x999/x999/x999/999",
	    "0/x999/x999/x999/x999/x999/999", "100/000", "999999999/000",
	    "data/000"};
	int level = 7, width = 7;
	int64_t n = 7;
	char cut[32];
	size_t i;

	(void)state;
	for (i = 0; i < sizeof bad / sizeof *bad; i++)
		if (tile_parse(bad[i], &level, &n, &width) != CAMCA_EINVAL)
			fail_msg("'%s' is read", bad[i]);
	assert_true(level == 7 && n == 7 && width == 7);
	for (i = 0; i < strlen("entries/x001/234.p/17"); i++) {
		snprintf(cut, sizeof cut, "%.*s", (int)i,
		    "entries/x001/234.p/17");
		/* Cut before ".p", or to ".p/1", it is another tile. */
		assert_int_equal(tile_parse(cut, &level, &n, &width),
		    i == 16 || i == 20 ? 0 : CAMCA_EINVAL);
	}
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_tile_paths),
		cmocka_unit_test(test_tile_paths_bad),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
