/* SPDX-License-Identifier: Apache-2.0 */
/* CSV (RFC 4180) to rows and errors. libcsv does the quoting; what it does not
 * tell, the line on which a record starts, comes from feeding line by line. */
#include "ca/admit/import_row.h"

#include <csv.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

/* Fields of a header: each column once, and empty ones between and behind. */
#define IMPORT_FIELDS_MAX (4 * IMPORT_COLUMNS_MAX)

struct import_reader {
	struct import *imp;
	const char *default_site;
	struct refusal *why;
	struct csv_parser csv;
	int error;                 /* sticky: ends the reading */
	bool have_header;
	int column[IMPORT_FIELDS_MAX];    /* of each field of the header */
	int ncolumns;
	int64_t line;              /* being fed */
	int64_t start;             /* of the record; 0: between records */
	int field;                 /* next one of the record */
	bool bad;                  /* the record has an error already */
	bool filled;               /* one of its fields holds something */
	struct import_work work;
	size_t rows_cap;
};

/* One error a row is enough; the rest of its cells is skipped. */
static void
import_row_bad(struct import_reader *r, const char *column, const char *reason)
{
	if (r->bad || r->error != CAMCA_OK)
		return;
	r->bad = true;
	r->error = bad_rows_add(&r->imp->errors, r->start, column, false, reason);
}

static bool
import_blank(const char *p, size_t n)
{
	while (n > 0 && (*p == ' ' || *p == '\t' || *p == '\r' || *p == '\n')) {
		p++;
		n--;
	}
	return n == 0;
}

/* ---- header ----
 * Unlike a bad row, a bad header ends the reading: with an unknown column,
 * every row would lose something that its author meant to say. A column without
 * a name is what a spreadsheet leaves where one was cleared: fine while it is
 * empty (column -1), and so is a row of nothing but commas. */

static void
import_header_bad(struct import_reader *r, const char *code, const char *what,
    const char *name, int n)
{
	r->error = refuse(r->why, CAMCA_EINVAL, 400, code,
	    "line %lld: %s '%.*s'", (long long)r->start, what, n, name);
}

static void
import_header_cell(struct import_reader *r, const char *p, size_t n)
{
	int i, c = import_column_find(p, n);

	if (import_blank(p, n) && r->ncolumns < IMPORT_FIELDS_MAX) {
		r->column[r->ncolumns++] = -1;
		return;
	}
	/* What a spreadsheet writes where the comma is the decimal point. */
	if (c < 0 && memchr(p, ';', n) != NULL) {
		r->error = refuse(r->why, CAMCA_EINVAL, 400, "import.header",
		    "line %lld: columns must be separated by ',' and not by "
		    "';'", (long long)r->start);
		return;
	}
	if (c < 0 || r->ncolumns >= IMPORT_FIELDS_MAX) {
		import_header_bad(r, "import.column-unknown",
		    "unknown column", p, n > 64 ? 64 : (int)n);
		return;
	}
	for (i = 0; i < r->ncolumns; i++) {
		if (r->column[i] != c)
			continue;
		import_header_bad(r, "import.column-twice",
		    "given twice: column", p, n > 64 ? 64 : (int)n);
		return;
	}
	r->column[r->ncolumns++] = c;
}

static void
import_header_end(struct import_reader *r)
{
	const char *name;
	int c, i;

	r->have_header = true;
	for (c = 0; c < import_column_count(); c++) {
		if (!import_column_required(c, r->default_site != NULL))
			continue;
		for (i = 0; i < r->ncolumns && r->column[i] != c; i++)
			;
		if (i < r->ncolumns)
			continue;
		name = import_column_name(c);
		import_header_bad(r, "import.column-missing",
		    "missing: column", name, (int)strlen(name));
		return;
	}
}

/* ---- records ---- */

/* From libcsv: one field, not ended by NUL. Nothing but r may be touched, and
 * after an error the rest of the input passes without effect. */
static void
import_field(void *p, size_t n, void *arg)
{
	struct import_reader *r = arg;
	struct refusal why = { 0 };
	int i = r->field++;

	if (r->error != CAMCA_OK)
		return;
	if (!r->have_header) {
		import_header_cell(r, p, n);
		return;
	}
	r->filled = r->filled || !import_blank(p, n);
	if (r->bad || i >= r->ncolumns)
		return;
	if (r->column[i] < 0) {
		if (!import_blank(p, n))
			import_row_bad(r, "", "a value in a column that has "
			    "no name in the header");
		return;
	}
	if (import_work_cell(&r->work, r->column[i], p, n, &why) < 0)
		import_row_bad(r, import_column_name(r->column[i]),
		    why.detail);
}

static int
import_row_keep(struct import_reader *r)
{
	struct import *imp = r->imp;
	struct import_row *rows;
	size_t cap;

	if (imp->nrows == r->rows_cap) {
		cap = r->rows_cap == 0 ? 64 : r->rows_cap * 2;
		rows = reallocarray(imp->rows, cap, sizeof *rows);
		if (rows == NULL)
			return CAMCA_ENOMEM;
		imp->rows = rows;
		r->rows_cap = cap;
	}
	imp->rows[imp->nrows++] = r->work.row;
	return CAMCA_OK;
}

/* Errors count as rows: a file of only bad ones must not grow without end. */
static void
import_row_end(struct import_reader *r)
{
	struct refusal why = { 0 };
	const char *column = "";
	char text[96];

	if (!r->filled && !r->bad)
		return;
	if (r->imp->nrows + r->imp->errors.n >= IMPORT_MAX_ROWS) {
		r->error = refuse(r->why, CAMCA_ELIMIT, 413,
		    "import.too-large", "more than %d rows: split the file",
		    IMPORT_MAX_ROWS);
		return;
	}
	if (r->field != r->ncolumns) {
		snprintf(text, sizeof text, "%d fields, the header has %d",
		    r->field, r->ncolumns);
		import_row_bad(r, "", text);
	}
	if (r->bad)
		return;
	if (import_work_finish(&r->work, &column, &why) < 0)
		import_row_bad(r, column, why.detail);
	else
		r->error = import_row_keep(r);
}

static void
import_record_begin(struct import_reader *r)
{
	r->start = r->line;
	r->field = 0;
	r->bad = false;
	r->filled = false;
	import_work_init(&r->work, r->line, r->default_site);
}

/* From libcsv: the record is complete. */
static void
import_record(int end, void *arg)
{
	struct import_reader *r = arg;

	(void)end;
	if (r->error == CAMCA_OK && !r->have_header)
		import_header_end(r);
	else if (r->error == CAMCA_OK)
		import_row_end(r);
	r->start = 0;
}

/* ---- the file ---- */

/* Bytes of the line at p, with its end: LF, CR LF or CR. */
static size_t
import_line(const char *p, size_t n)
{
	size_t i;

	for (i = 0; i < n; i++) {
		if (p[i] == '\n')
			return i + 1;
		if (p[i] == '\r')
			return i + 1 < n && p[i + 1] == '\n' ? i + 2 : i + 1;
	}
	return n;
}

/* Strict: without it, libcsv guesses what a stray quote means, and a guess
 * may put one camera's serial into another camera's row. */
static int
import_csv_open(struct import_reader *r)
{
	if (csv_init(&r->csv, CSV_STRICT | CSV_STRICT_FINI) != 0)
		return CAMCA_ENOMEM;
	csv_set_blk_size(&r->csv, 4096);
	return CAMCA_OK;
}

/* Quotes are wrong somewhere in the record being read: one error for its first
 * line, and reading goes on at the next line, so that a stray quote
 * costs one row and not the rest of the file. A line is read at most twice so:
 * a record that reaches past a line with an odd number of quotes ends there. */
static void
import_resync(struct import_reader *r)
{
	if (csv_error(&r->csv) == CSV_ENOMEM ||
	    csv_error(&r->csv) == CSV_ETOOBIG) {
		r->error = CAMCA_ENOMEM;
		return;
	}
	if (!r->have_header) {
		import_header_bad(r, "import.header",
		    "the quotes of the header do not match", "", 0);
		return;
	}
	r->bad = false;
	import_row_bad(r, "", "the quotes do not match: a field with a quote "
	    "is written \"24\"\" dome\"");
	r->line = r->start;
	r->start = 0;
	csv_free(&r->csv);
	if (r->error == CAMCA_OK)
		r->error = import_csv_open(r);
}

/* Feeds one line, and the end of the file after the last one. */
static bool
import_feed(struct import_reader *r, const char *p, size_t n, bool last)
{
	if (csv_parse(&r->csv, p, n, import_field, import_record, r) != n)
		return false;
	return !last ||
	    csv_fini(&r->csv, import_field, import_record, r) == 0;
}

/* Line by line; the callbacks do the work. */
static void
import_read(struct import_reader *r, const char *csv, size_t n)
{
	size_t pos = 0, start = 0, len;

	for (r->line = 1; r->error == CAMCA_OK && pos < n; r->line++) {
		len = import_line(csv + pos, n - pos);
		/* Between records a blank line is none; in a quoted field it
		 * is part of the value. */
		if (r->start == 0 && import_blank(csv + pos, len)) {
			pos += len;
			continue;
		}
		if (r->start == 0) {
			start = pos;
			import_record_begin(r);
		}
		if (import_feed(r, csv + pos, len, pos + len == n)) {
			pos += len;
		} else if (r->error == CAMCA_OK) {
			import_resync(r);
			pos = start + import_line(csv + start, n - start);
		}
	}
}

/* ---- duplicates within the file ---- */

struct import_key {
	const char *a, *b;
	size_t row;
};

static int
import_key_order(const void *a, const void *b)
{
	const struct import_key *x = a, *y = b;
	int c = strcmp(x->a, y->a);

	if (c == 0)
		c = strcmp(x->b, y->b);
	if (c == 0)
		c = x->row < y->row ? -1 : x->row > y->row;
	return c;
}

/* Sorted, so that no choice of names makes this quadratic. */
static int
import_dup_mark(struct import *imp, struct import_key *keys, size_t n,
    const char *column, const char *what)
{
	size_t i, first = 0;
	char text[128];
	int ret;

	qsort(keys, n, sizeof *keys, import_key_order);
	for (i = 1; i < n; i++) {
		if (strcmp(keys[first].a, keys[i].a) != 0 ||
		    strcmp(keys[first].b, keys[i].b) != 0) {
			first = i;
			continue;
		}
		if (imp->rows[keys[i].row].refused)
			continue;
		imp->rows[keys[i].row].refused = true;
		snprintf(text, sizeof text, "%s is that of line %lld already",
		    what, (long long)imp->rows[keys[first].row].line);
		ret = bad_rows_add(&imp->errors, imp->rows[keys[i].row].line,
		    column, false, text);
		if (ret < 0)
			return ret;
	}
	return CAMCA_OK;
}

/* Three kinds of sameness. The first two the store would refuse, too; two
 * cameras with one MAC address are a slip of the typist. */
static int
import_dup_keys(struct import *imp, struct import_key *keys)
{
	size_t i, n;
	int ret;

	for (i = 0; i < imp->nrows; i++)
		keys[i] = (struct import_key){ imp->rows[i].device.id, "", i };
	ret = import_dup_mark(imp, keys, i, "id", "the id");
	if (ret < 0)
		return ret;
	for (i = 0; i < imp->nrows; i++)
		keys[i] = (struct import_key){
		    imp->rows[i].device.manufacturer,
		    imp->rows[i].device.serial, i };
	ret = import_dup_mark(imp, keys, i, "serial",
	    "this serial of the manufacturer");
	if (ret < 0)
		return ret;
	for (i = 0, n = 0; i < imp->nrows; i++)
		if (imp->rows[i].device.mac[0] != '\0')
			keys[n++] = (struct import_key){
			    imp->rows[i].device.mac, "", i };
	return import_dup_mark(imp, keys, n, "mac", "the MAC address");
}

static int
import_dup(struct import *imp)
{
	struct import_key *keys;
	size_t i, n = 0;
	int ret;

	if (imp->nrows < 2)
		return CAMCA_OK;
	keys = reallocarray(NULL, imp->nrows, sizeof *keys);
	if (keys == NULL)
		return CAMCA_ENOMEM;
	ret = import_dup_keys(imp, keys);
	free(keys);
	for (i = 0; i < imp->nrows; i++) {
		if (imp->rows[i].refused)
			continue;
		if (n != i)
			imp->rows[n] = imp->rows[i];
		n++;
	}
	imp->nrows = n;
	return ret;
}

static int
import_check_size(const char *csv, size_t n, struct refusal *why)
{
	if (n > IMPORT_MAX_BYTES)
		return refuse(why, CAMCA_ELIMIT, 413, "import.too-large",
		    "the file is larger than %u MiB: split it",
		    IMPORT_MAX_BYTES >> 20);
	if (n >= 2 && (memcmp(csv, "\xff\xfe", 2) == 0 ||
	    memcmp(csv, "\xfe\xff", 2) == 0))
		return refuse(why, CAMCA_EINVAL, 400, "import.encoding",
		    "the file is UTF-16: save it as CSV in UTF-8");
	return CAMCA_OK;
}

int
import_parse(struct import *out, const char *csv, size_t n,
    const char *default_site, struct refusal *why)
{
	struct import_reader r = { .imp = out, .why = why };
	size_t skip;
	int ret;

	memset(out, 0, sizeof *out);
	ret = import_check_size(csv, n, why);
	if (ret < 0)
		return ret;
	skip = n >= 3 && memcmp(csv, "\xef\xbb\xbf", 3) == 0 ? 3 : 0;
	if (default_site != NULL && default_site[0] != '\0')
		r.default_site = default_site;
	ret = import_csv_open(&r);
	if (ret < 0)
		return refuse_default(why, ret);
	import_read(&r, csv + skip, n - skip);
	csv_free(&r.csv);
	ret = r.error;
	if (ret == CAMCA_OK && !r.have_header)
		return refuse(why, CAMCA_EINVAL, 400, "import.header",
		    "the file has no header line");
	if (ret == CAMCA_OK)
		ret = import_dup(out);
	bad_rows_sort(&out->errors);
	return refuse_default(why, ret);
}

void
import_free(struct import *imp)
{
	free(imp->rows);
	bad_rows_fini(&imp->errors);
	memset(imp, 0, sizeof *imp);
}
