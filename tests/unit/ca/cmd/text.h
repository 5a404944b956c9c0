/* SPDX-License-Identifier: Apache-2.0 */
/* What a function prints on a stream, as text. */
#ifndef CAMCA_TESTS_CMD_TEXT_H
#define CAMCA_TESTS_CMD_TEXT_H

#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

struct text {
	FILE *f;
	char *p;
	size_t n;
};

static inline FILE *
text_open(struct text *t)
{
	t->f = open_memstream(&t->p, &t->n);
	assert_non_null(t->f);
	return t->f;
}

/* The text so far; borrowed until text_close. */
static inline const char *
text_get(struct text *t)
{
	fflush(t->f);
	return t->p;
}

static inline void
text_close(struct text *t)
{
	fclose(t->f);
	free(t->p);
}

#endif
