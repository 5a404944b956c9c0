/* SPDX-License-Identifier: Apache-2.0 */
/* Columns of an import and what a cell of each becomes. Private to ca/admit. */
#ifndef CAMCA_ADMIT_IMPORT_ROW_H
#define CAMCA_ADMIT_IMPORT_ROW_H

#include "ca/admit/admit.h"

#define IMPORT_COLUMNS_MAX 64

/* Index of the column of this name (n bytes, ASCII case and spaces at the ends
 * ignored), or CAMCA_EINVAL. Constant tables, any thread. */
CAMCA_MUST int import_column_find(const char *name, size_t n);
const char *import_column_name(int column);
/* Must the header have it? (site only without a default.) */
bool import_column_required(int column, bool have_site);
int import_column_count(void);

/* A row being read. */
struct import_work {
	struct import_row row;
	const char *default_site;
	unsigned given[3];         /* per document: bits of the cells it has */
};
void import_work_init(struct import_work *w, int64_t line,
    const char *default_site);
/* One cell of n bytes; an empty one changes nothing. CAMCA_EINVAL with why. */
CAMCA_MUST int import_work_cell(struct import_work *w, int column,
    const char *p, size_t n, struct refusal *why);
/* The whole row: id made where it has none, documents complete, the device
 * normal. *column_out names the column at fault ("" for the row). */
CAMCA_MUST int import_work_finish(struct import_work *w,
    const char **column_out, struct refusal *why);

#endif
