/* SPDX-License-Identifier: Apache-2.0 */
#include "enroll/est/media.h"

#include <stddef.h>
#include <string.h>
#include <strings.h>

bool
est_media_is(const char *value, const char *type)
{
	size_t n = strlen(type);

	if (value == NULL)
		return false;
	value += strspn(value, " \t");
	if (strncasecmp(value, type, n) != 0)
		return false;
	value += n;
	value += strspn(value, " \t");
	/* What follows ';' says nothing that matters: RFC 5967 defines no
	 * parameter for PKCS#10, and clients send several. */
	return *value == '\0' || *value == ';';
}
