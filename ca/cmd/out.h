/* SPDX-License-Identifier: Apache-2.0 */
/* Prints answers: as tables and "key: value" lines for people, as JSON for
 * programs. Text that came from outside never reaches a terminal with control
 * characters in it. */
#ifndef CAMCA_CMD_OUT_H
#define CAMCA_CMD_OUT_H

#include <jansson.h>
#include <stdbool.h>
#include <stdio.h>

#include "ca/base/buf.h"
#include "ca/base/refusal.h"

#define OUT_COLUMNS_MAX 12

struct out_column {
	const char *key;         /* member of the item */
	const char *title;
	/* Appends the text of the cell for this item; NULL: the member's. */
	int (*cell)(struct buf *b, const json_t *item);
};

/* A table printed page by page: the widths only grow, the titles stand once.
 * With json: {"items":[…],"next":"…"}, one item a line. */
struct out_table {
	FILE *f;
	bool json;
	const struct out_column *columns;   /* ends with a NULL key */
	size_t width[OUT_COLUMNS_MAX];
	size_t rows;
};
void out_table_open(struct out_table *t, FILE *f, bool json,
    const struct out_column *columns);
/* Prints the items (a JSON array, borrowed). CAMCA_ENOMEM. */
CAMCA_MUST int out_table_rows(struct out_table *t, const json_t *items);
/* next: where the list goes on, "" at its end. With why (or NULL) JSON gets an
 * "error" member too, so that a list that broke off is still one JSON value. */
void out_table_close(struct out_table *t, const char *next,
    const struct refusal *why);

/* {"error":{"code","http","detail"}}, the form of a refusal. */
void out_json_refusal(FILE *f, const struct refusal *why);
/* A whole JSON value and a line feed. */
void out_json(FILE *f, const json_t *value);
/* An object as "key: value" lines; objects and arrays of objects inside as
 * blocks, an object that comes first without a title. CAMCA_ENOMEM. */
CAMCA_MUST int out_object(FILE *f, const json_t *object);
/* The text of a value as it stands in a cell ("-" for null), appended. */
CAMCA_MUST int out_cell(struct buf *b, const json_t *value);
/* Columns that UTF-8 text takes on a terminal; combining marks take none. */
size_t out_width(const char *s);

#endif
