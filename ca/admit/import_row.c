/* SPDX-License-Identifier: Apache-2.0 */
#include "ca/admit/import_row.h"

#include <stddef.h>
#include <stdio.h>
#include <string.h>
#include <strings.h>

#include "ca/base/enc.h"
#include "ca/custody/event.h"

/* The table below is the whole format: a new column is one new row. */
enum column_type { CT_TEXT, CT_PLACE, CT_KIND, CT_DOC_TEXT, CT_DOC_TIME,
	CT_DOC_SHA256, CT_DOC_BOOL };
/* Cells of a document; which of them were given. */
enum { GIVEN_NUMBER = 1, GIVEN_DATE = 2, GIVEN_ISSUER = 4, GIVEN_SHA256 = 8,
	GIVEN_EXPIRES = 16, GIVEN_PASSED = 32 };

struct column {
	const char *name;
	enum column_type type;
	bool required;
	int doc;              /* enum document_kind, index into given[] */
	unsigned given;
	size_t offset, size;      /* in device_row or document_row */
};

#define DEV(n, t, r, f) { n, t, r, 0, 0, \
	offsetof(struct device_row, f), \
	sizeof ((struct device_row *)0)->f }
#define DOC(n, t, d, g, f) { n, t, false, d, g, \
	offsetof(struct document_row, f), \
	sizeof ((struct document_row *)0)->f }
#define DOCUMENT(n, d) \
	DOC(n "_number", CT_DOC_TEXT, d, GIVEN_NUMBER, number), \
	DOC(n "_date", CT_DOC_TIME, d, GIVEN_DATE, date_ms), \
	DOC(n "_issuer", CT_DOC_TEXT, d, GIVEN_ISSUER, issuer), \
	DOC(n "_sha256", CT_DOC_SHA256, d, GIVEN_SHA256, sha256)

static const struct column columns[] = {
	DEV("id", CT_TEXT, false, id),
	DEV("manufacturer", CT_TEXT, true, manufacturer),
	DEV("model", CT_TEXT, true, model),
	DEV("serial", CT_TEXT, true, serial),
	DEV("mac", CT_TEXT, false, mac),
	DEV("hardware_id", CT_TEXT, false, hardware_id),
	DEV("firmware", CT_TEXT, false, firmware),
	DEV("site", CT_TEXT, true, site),
	DEV("place", CT_PLACE, false, place),
	DEV("kind", CT_KIND, false, kind),
	DOCUMENT("origin", DOC_ORIGIN),
	DOCUMENT("quality", DOC_QUALITY),
	DOCUMENT("assessment", DOC_ASSESSMENT),
	DOC("assessment_expires", CT_DOC_TIME, DOC_ASSESSMENT, GIVEN_EXPIRES,
	    expires_ms),
	DOC("assessment_passed", CT_DOC_BOOL, DOC_ASSESSMENT, GIVEN_PASSED,
	    passed),
};
#define COLUMNS ((int)(sizeof columns / sizeof columns[0]))
_Static_assert(sizeof columns / sizeof columns[0] <= IMPORT_COLUMNS_MAX,
    "a bit for each column");

int
import_column_count(void)
{
	return COLUMNS;
}

/* Case does not count in a header; in the cells it does. */
int
import_column_find(const char *name, size_t n)
{
	int i;

	while (n > 0 && *name == ' ') {
		name++;
		n--;
	}
	while (n > 0 && name[n - 1] == ' ')
		n--;
	for (i = 0; i < COLUMNS; i++)
		if (strlen(columns[i].name) == n &&
		    strncasecmp(columns[i].name, name, n) == 0)
			return i;
	return CAMCA_EINVAL;
}

const char *
import_column_name(int column)
{
	return columns[column].name;
}

bool
import_column_required(int column, bool have_site)
{
	return columns[column].required &&
	    !(have_site && strcmp(columns[column].name, "site") == 0);
}

void
import_work_init(struct import_work *w, int64_t line, const char *default_site)
{
	memset(w, 0, sizeof *w);
	w->row.line = line;
	w->default_site = default_site;
}

static int
import_cell_text(char *out, size_t size, const char *p, size_t n,
    struct refusal *why)
{
	if (n >= size)
		return refuse(why, CAMCA_EINVAL, 400, "import.cell",
		    "longer than %zu bytes", size - 1);
	memcpy(out, p, n);
	out[n] = '\0';
	return CAMCA_OK;
}

/* Texts of a device are checked as a whole by device_normalize. */
static int
import_cell_doc_text(char *out, size_t size, const char *p, size_t n,
    struct refusal *why)
{
	int ret = import_cell_text(out, size, p, n, why);

	if (ret == CAMCA_OK && !event_text_ok(out, n, size - 1))
		return refuse(why, CAMCA_EINVAL, 400, "import.cell",
		    "not UTF-8, or has control or text-direction characters");
	return ret;
}

static int
import_cell_time(const char *text, int64_t *out, struct refusal *why)
{
	if (ctx_time_parse(text, out) < 0)
		return refuse(why, CAMCA_EINVAL, 400, "import.cell",
		    "'%s' is not a date YYYY-MM-DD", text);
	return CAMCA_OK;
}

/* Given as text by sha256sum; either case of the digits. */
static int
import_cell_sha256(const char *text, uint8_t *out, struct refusal *why)
{
	if (dec_hex(out, STORE_HASH_LEN, text) < 0)
		return refuse(why, CAMCA_EINVAL, 400, "import.cell",
		    "not a SHA-256 of 64 hex digits");
	return CAMCA_OK;
}

/* Only these words: a failed assessment must never be taken for a passed one
 * because of how a spreadsheet spells "no". */
static int
import_cell_bool(const char *text, int64_t *out, struct refusal *why)
{
	*out = strcasecmp(text, "true") == 0 || strcasecmp(text, "yes") == 0;
	if (*out != 0 || strcasecmp(text, "false") == 0 ||
	    strcasecmp(text, "no") == 0)
		return CAMCA_OK;
	return refuse(why, CAMCA_EINVAL, 400, "import.cell",
	    "'%s' is neither true nor false", text);
}

static int
import_cell_name(int value, int64_t *out, const char *names,
    struct refusal *why)
{
	if (value < 0)
		return refuse(why, CAMCA_EINVAL, 400, "import.cell",
		    "must be %s", names);
	*out = value;
	return CAMCA_OK;
}

int
import_work_cell(struct import_work *w, int column, const char *p, size_t n,
    struct refusal *why)
{
	const struct column *c = &columns[column];
	struct document_row *doc = &w->row.docs[c->doc];
	char *dev = (char *)&w->row.device + c->offset;
	char *field = (char *)doc + c->offset;
	char text[STORE_NAME_MAX];
	int ret;

	if (n == 0)
		return CAMCA_OK;
	if (memchr(p, '\0', n) != NULL)
		return refuse(why, CAMCA_EINVAL, 400, "import.cell",
		    "has a NUL character");
	if (c->type == CT_TEXT)
		return import_cell_text(dev, c->size, p, n, why);
	ret = import_cell_text(text, sizeof text, p, n, why);
	if (ret < 0)
		return ret;
	w->given[c->doc] |= c->given;
	switch (c->type) {
	case CT_PLACE:
		return import_cell_name(device_place_parse(text),
		    &w->row.device.place, "key-area, public or other", why);
	case CT_KIND:
		return import_cell_name(device_kind_parse(text),
		    &w->row.device.kind, "camera or ra", why);
	case CT_DOC_TIME:
		return import_cell_time(text, c->given == GIVEN_DATE ?
		    &doc->date_ms : &doc->expires_ms, why);
	case CT_DOC_SHA256:
		return import_cell_sha256(text, doc->sha256, why);
	case CT_DOC_BOOL:
		return import_cell_bool(text, &doc->passed, why);
	default:
		return import_cell_doc_text(field, c->size, p, n, why);
	}
}

/* What a document that was begun still lacks. Without its hash, a paper that
 * turns up later could be any paper. */
static int
import_document(const struct import_work *w, int doc, const char **column_out,
    struct refusal *why)
{
	unsigned missing = GIVEN_NUMBER | GIVEN_DATE | GIVEN_SHA256;
	int i;

	if (doc == DOC_ASSESSMENT)
		missing |= GIVEN_PASSED;
	missing &= ~w->given[doc];
	for (i = 0; i < COLUMNS; i++) {
		if (columns[i].given == 0 || columns[i].doc != doc ||
		    (columns[i].given & missing) == 0)
			continue;
		*column_out = columns[i].name;
		return refuse(why, CAMCA_EINVAL, 400, "import.document",
		    "missing: a document needs number, date%s and sha256",
		    doc == DOC_ASSESSMENT ? ", passed" : "");
	}
	if (w->row.docs[doc].expires_ms != 0 &&
	    w->row.docs[doc].expires_ms <= w->row.docs[doc].date_ms) {
		*column_out = "assessment_expires";
		return refuse(why, CAMCA_EINVAL, 400, "import.document",
		    "not after assessment_date");
	}
	return CAMCA_OK;
}

/* Packs the documents that the row has to the front, in the order of kinds. */
static int
import_documents(struct import_work *w, const char **column_out,
    struct refusal *why)
{
	int doc, ret;

	for (doc = 0; doc < 3; doc++) {
		if (w->given[doc] == 0)
			continue;
		ret = import_document(w, doc, column_out, why);
		if (ret < 0)
			return ret;
		w->row.docs[doc].kind = doc;
		if (w->row.ndocs != (size_t)doc)
			w->row.docs[w->row.ndocs] = w->row.docs[doc];
		w->row.ndocs++;
	}
	return CAMCA_OK;
}

/* "device.hardware-id" names the column hardware_id. */
static const char *
import_column_of(const struct refusal *why)
{
	const char *field = strchr(why->code, '.');
	char name[REFUSAL_CODE_MAX];
	size_t i;
	int column;

	if (strncmp(why->code, "device.", 7) != 0 || field == NULL)
		return "";
	snprintf(name, sizeof name, "%s", field + 1);
	for (i = 0; name[i] != '\0'; i++)
		if (name[i] == '-')
			name[i] = '_';
	column = import_column_find(name, strlen(name));
	return column < 0 ? "" : columns[column].name;
}

int
import_work_finish(struct import_work *w, const char **column_out,
    struct refusal *why)
{
	struct device_row *d = &w->row.device;
	int ret = CAMCA_OK;

	*column_out = "";
	if (d->site[0] == '\0' && w->default_site != NULL)
		ret = import_cell_text(d->site, sizeof d->site,
		    w->default_site, strlen(w->default_site), why);
	if (ret < 0)
		return ret;
	if (d->id[0] == '\0')
		ret = device_default_id(d, why);
	if (ret == CAMCA_OK)
		ret = device_normalize(d, why);
	if (ret < 0) {
		*column_out = import_column_of(why);
		return ret;
	}
	return import_documents(w, column_out, why);
}
