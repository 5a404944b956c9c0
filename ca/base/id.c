/* SPDX-License-Identifier: Apache-2.0 */
#include "ca/base/id.h"

/* isalnum() is the locale's. */
static bool
id_alnum(char c)
{
	return (c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z') ||
	    (c >= '0' && c <= '9');
}

bool
id_ok(const char *p, size_t n)
{
	size_t i;

	if (n == 0 || n > ID_MAX || !id_alnum(p[0]))
		return false;
	for (i = 1; i < n; i++)
		if (!id_alnum(p[i]) && p[i] != '.' && p[i] != '_' &&
		    p[i] != '-')
			return false;
	return true;
}
