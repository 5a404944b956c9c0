/* SPDX-License-Identifier: Apache-2.0 */
/* A range, NUL, a version: what is understood has one spelling that means the
 * same. */
#include <stdlib.h>
#include <string.h>

#include "ca/admit/firmware.h"
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
	struct firmware_range r, again;
	struct refusal why = { 0 };
	char text[2048], version[256] = "";
	struct buf a, b;
	size_t n;

	if (size >= sizeof text)
		return 0;
	memcpy(text, data, size);
	text[size] = '\0';
	n = strlen(text);
	if (n < size)
		strncpy(version, text + n + 1, sizeof version - 1);
	if (firmware_range_parse(&r, text, &why) < 0) {
		check(why.http == 400);
		return 0;
	}
	buf_init(&a, 0);
	buf_init(&b, 0);
	check(firmware_range_text(&r, &a) == CAMCA_OK);
	check(firmware_range_parse(&again, buf_str(&a), NULL) == CAMCA_OK);
	check(firmware_range_text(&again, &b) == CAMCA_OK);
	check(strcmp(buf_str(&a), buf_str(&b)) == 0);
	check(firmware_judge(&r, version) == firmware_judge(&again, version));
	buf_fini(&a);
	buf_fini(&b);
	return 0;
}
