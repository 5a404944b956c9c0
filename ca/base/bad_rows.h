/* SPDX-License-Identifier: Apache-2.0 */
/* What is wrong with the rows of a table that somebody imports: one list for
 * whoever reads it, not one mistake an attempt. */
#ifndef CAMCA_BASE_BAD_ROWS_H
#define CAMCA_BASE_BAD_ROWS_H

#include <jansson.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "ca/base/err.h"

#define BAD_ROWS_SHOWN 1000

struct bad_row {
	int64_t line;              /* of the CSV, header is 1 */
	char column[33];           /* "" where the whole row */
	char reason[256];          /* never what a cell of a secret holds */
	bool from_store;           /* not by the row itself: by what is stored */
};
struct bad_rows {              /* all zeros: none */
	struct bad_row *list;
	size_t n;
};
/* One more; texts are cut to fit and without controls. CAMCA_ENOMEM. */
CAMCA_MUST int bad_rows_add(struct bad_rows *b, int64_t line,
    const char *column, bool from_store, const char *reason);
/* In order of line. */
void bad_rows_sort(struct bad_rows *b);
/* Without those from the store: a transaction may run more than once. */
void bad_rows_afresh(struct bad_rows *b);
/* The first BAD_ROWS_SHOWN as [{line, column, reason}]; the caller's. NULL:
 * no memory. */
json_t *bad_rows_json(const struct bad_rows *b);
void bad_rows_fini(struct bad_rows *b);

#endif
