/* SPDX-License-Identifier: Apache-2.0 */
#include "enroll/gate/range.h"

#include <stdbool.h>
#include <stdint.h>
#include <strings.h>

/* Digits at *s into *out, past the largest number that number; false where
 * there are none. */
static bool
range_number(const char **s, uint64_t *out)
{
	const char *p = *s;
	uint64_t n = 0;

	for (; *p >= '0' && *p <= '9'; p++)
		n = n > UINT64_MAX / 10 - 1 ? UINT64_MAX / 10 :
		    n * 10 + (uint64_t)(*p - '0');
	if (p == *s)
		return false;
	*s = p;
	*out = n;
	return true;
}

enum range_kind
range_parse(const char *field, size_t size, size_t *from, size_t *n)
{
	uint64_t first = 0, last = UINT64_MAX;
	bool has_first;

	if (field == NULL || strncasecmp(field, "bytes=", 6) != 0)
		return RANGE_ALL;
	field += 6;
	has_first = range_number(&field, &first);
	if (*field++ != '-')
		return RANGE_ALL;
	if (!range_number(&field, &last) && !has_first)
		return RANGE_ALL;
	if (*field != '\0' || (has_first && last < first))
		return RANGE_ALL;
	if (!has_first) {                    /* the last so many bytes */
		if (last == 0 || size == 0)
			return RANGE_NONE;
		first = last < size ? size - last : 0;
		last = size - 1;
	}
	if (first >= size)
		return RANGE_NONE;
	if (last >= size)
		last = size - 1;
	*from = (size_t)first;
	*n = (size_t)(last - first) + 1;
	return RANGE_PART;
}
