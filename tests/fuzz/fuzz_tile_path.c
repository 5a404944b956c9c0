/* SPDX-License-Identifier: Apache-2.0 */
/* Any text as the name of a tile: refused, or the one spelling that it has. */
#include <stdlib.h>
#include <string.h>

#include "ca/base/tile_path.h"
#include "tests/fuzz/replay.h"

static void
check(int ok)
{
	if (!ok)
		abort();
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	char *text = malloc(size + 1), again[TILE_PATH_MAX];
	int level, width;
	int64_t n;

	check(text != NULL);
	if (size > 0)
		memcpy(text, data, size);
	text[size] = '\0';
	if (tile_parse(text, &level, &n, &width) == CAMCA_OK) {
		check(level >= TILE_ENTRIES && level < 64 && n >= 0);
		check(width >= 1 && width <= TILE_HASHES);
		tile_path(again, level, n, width);
		check(strcmp(text, again) == 0);
	}
	free(text);
	return 0;
}
