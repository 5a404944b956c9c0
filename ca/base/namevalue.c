/* SPDX-License-Identifier: Apache-2.0 */
#include "ca/base/namevalue.h"

#include <string.h>

#define NAMEVALUE_BLANKS " \t\r"
#define NAMEVALUE_MAX 64                /* names */

struct namevalue {
	const char *const *names;
	size_t n;
	const char *seen[NAMEVALUE_MAX];
	struct refusal *why;
};

static int
namevalue_bad(struct refusal *why, const char *name, const char *what)
{
	return refuse(why, CAMCA_EINVAL, 400, "settings.value", "%s: %s.", name,
	    what);
}

/* Cuts blanks off both ends of s, in place. */
static char *
namevalue_trim(char *s)
{
	size_t n;

	s += strspn(s, NAMEVALUE_BLANKS);
	n = strlen(s);
	while (n > 0 && strchr(NAMEVALUE_BLANKS, s[n - 1]) != NULL)
		s[--n] = '\0';
	return s;
}

static int
namevalue_line(struct namevalue *x, char *line)
{
	char *eq, *name;
	size_t i;

	line = namevalue_trim(line);
	if (*line == '\0' || *line == '#')
		return CAMCA_OK;
	eq = strchr(line, '=');
	if (eq == NULL)
		return namevalue_bad(x->why, line, "no \"name = value\" line");
	*eq = '\0';
	name = namevalue_trim(line);
	for (i = 0; i < x->n; i++)
		if (strcmp(name, x->names[i]) == 0)
			break;
	if (i == x->n)
		return namevalue_bad(x->why, name, "unknown setting");
	if (x->seen[i] != NULL)
		return namevalue_bad(x->why, name, "given twice");
	x->seen[i] = namevalue_trim(eq + 1);
	return CAMCA_OK;
}

int
namevalue_read(struct buf *text, const char *const *names, size_t n,
    const char **value, struct refusal *why)
{
	struct namevalue x = { .names = names, .n = n, .why = why };
	char *line = (char *)text->data, *next;
	size_t i;
	int ret = CAMCA_OK;

	if (text->len == 0)
		return CAMCA_OK;
	if (n > NAMEVALUE_MAX)
		return refuse_default(why, CAMCA_ELIMIT);
	if (strlen(line) != text->len)
		return namevalue_bad(why, "config", "a NUL byte in the file");
	for (; line != NULL && ret == CAMCA_OK; line = next) {
		next = strchr(line, '\n');
		if (next != NULL)
			*next++ = '\0';
		ret = namevalue_line(&x, line);
	}
	for (i = 0; i < n && ret == CAMCA_OK; i++)
		if (x.seen[i] != NULL)
			value[i] = x.seen[i];
	return ret;
}
