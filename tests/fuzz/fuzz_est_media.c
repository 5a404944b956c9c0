/* SPDX-License-Identifier: Apache-2.0 */
/* Any text as a Content-Type: what is accepted begins with the type. */
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "enroll/est/media.h"
#include "tests/fuzz/replay.h"

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static const char type[] = "application/pkcs10";
	char *text = malloc(size + 1);
	const char *p = text;

	if (text == NULL)
		return 0;
	if (size > 0)
		memcpy(text, data, size);
	text[size] = '\0';
	if (est_media_is(text, type)) {
		p += strspn(p, " \t");
		if (strncasecmp(p, type, sizeof type - 1) != 0)
			abort();
	}
	free(text);
	return 0;
}
