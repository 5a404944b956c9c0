/* SPDX-License-Identifier: Apache-2.0 */
#include "ca/base/bad_rows.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "ca/base/refusal.h"

int
bad_rows_add(struct bad_rows *b, int64_t line, const char *column,
    bool from_store, const char *reason)
{
	struct bad_row *r;

	/* Doubling: full at 0 and at each power of two. */
	if ((b->n & (b->n - 1)) == 0) {
		r = reallocarray(b->list, b->n == 0 ? 1 : b->n * 2, sizeof *r);
		if (r == NULL)
			return CAMCA_ENOMEM;
		b->list = r;
	}
	r = &b->list[b->n++];
	memset(r, 0, sizeof *r);
	r->line = line;
	r->from_store = from_store;
	snprintf(r->column, sizeof r->column, "%s", column);
	snprintf(r->reason, sizeof r->reason, "%s", reason);
	refusal_sanitize(r->reason);
	return CAMCA_OK;
}

static int
bad_rows_order(const void *a, const void *b)
{
	const struct bad_row *x = a, *y = b;

	return x->line < y->line ? -1 : x->line > y->line;
}

void
bad_rows_sort(struct bad_rows *b)
{
	if (b->n > 1)
		qsort(b->list, b->n, sizeof *b->list, bad_rows_order);
}

void
bad_rows_afresh(struct bad_rows *b)
{
	size_t i, n = 0;

	for (i = 0; i < b->n; i++)
		if (!b->list[i].from_store)
			b->list[n++] = b->list[i];
	b->n = n;
}

json_t *
bad_rows_json(const struct bad_rows *b)
{
	json_t *list = json_array();
	size_t i;

	for (i = 0; i < b->n && i < BAD_ROWS_SHOWN && list != NULL; i++)
		if (json_array_append_new(list, json_pack("{s:I, s:s, s:s}",
		    "line", (json_int_t)b->list[i].line,
		    "column", b->list[i].column,
		    "reason", b->list[i].reason)) < 0) {
			json_decref(list);
			list = NULL;
		}
	return list;
}

void
bad_rows_fini(struct bad_rows *b)
{
	free(b->list);
	memset(b, 0, sizeof *b);
}
