/* SPDX-License-Identifier: Apache-2.0 */
/* Any bytes as a CSV: what comes out is sound, or a refusal says why. */
#include <stdlib.h>
#include <string.h>

#include "ca/admit/admit.h"
#include "tests/fuzz/replay.h"

static void
check(int ok)
{
	if (!ok)
		abort();
}

static void
check_row(const struct import_row *r, size_t size)
{
	struct device_row d = r->device;
	size_t i;

	check(device_normalize(&d, NULL) == CAMCA_OK);
	check(memcmp(&d, &r->device, sizeof d) == 0);
	check(r->line > 0 && (uint64_t)r->line <= size && r->ndocs <= 3);
	for (i = 0; i < r->ndocs; i++)
		check(r->docs[i].number[0] != '\0');
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct refusal why = { 0 };
	struct import imp;
	size_t i;
	/* The first byte chooses whether there is a default site. */
	const char *site = size > 0 && data[0] % 2 == 1 ? "s1" : NULL;
	int ret;

	ret = import_parse(&imp, (const char *)data, size, site, &why);
	check(ret == CAMCA_OK || why.http >= 400);
	for (i = 0; i < imp.nrows; i++)
		check_row(&imp.rows[i], size);
	for (i = 0; i < imp.errors.n; i++)
		check(imp.errors.list[i].line > 0 &&
		    (uint64_t)imp.errors.list[i].line <= size &&
		    imp.errors.list[i].reason[0] != '\0');
	import_free(&imp);
	return 0;
}
