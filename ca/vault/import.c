/* SPDX-License-Identifier: Apache-2.0 */
/* A reader of its own, in place: a CSV library would leave copies of the
 * passwords in memory that it frees. */
#include "ca/vault/import.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "ca/custody/event.h"
#include "ca/vault/password.h"

enum import_column { COLUMN_DEVICE, COLUMN_USERNAME, COLUMN_PASSWORD,
	COLUMN_ROLE, COLUMN_LEVEL, COLUMNS };

static const char *const import_columns[COLUMNS] = {
	[COLUMN_DEVICE] = "device", [COLUMN_USERNAME] = "username",
	[COLUMN_PASSWORD] = "password", [COLUMN_ROLE] = "role",
	[COLUMN_LEVEL] = "level",
};

/* ONVIF Core, tt:UserLevel. */
static const char *const import_levels[] = { "Administrator", "Operator",
	"User", "Anonymous", "Extended" };

struct import_header {
	int at[COLUMNS];               /* cell of each column, -1: absent */
	size_t n;
};

/* The cell at *p, unquoted in place; *p behind its comma, NULL at the end of
 * the line. NULL: quotes that do not fit. */
static char *
import_cell(char **p)
{
	char *start = *p, *in = *p, *out = *p;
	bool quoted = *in == '"';

	for (in += quoted; *in != '\0'; in++) {
		if (quoted && in[0] == '"' && in[1] == '"')
			in++;
		else if (quoted && in[0] == '"')
			break;
		else if (!quoted && in[0] == ',')
			break;
		else if (!quoted && in[0] == '"')
			return NULL;
		*out++ = *in;
	}
	if (quoted && *in++ != '"')
		return NULL;
	if (*in != '\0' && *in != ',')
		return NULL;
	*p = *in == ',' ? in + 1 : NULL;
	*out = '\0';
	return start;
}

/* Cells of a line; 0: malformed, or more than there are columns. */
static size_t
import_cells(char *line, char *cells[static COLUMNS])
{
	size_t n = 0;

	while (line != NULL) {
		if (n == COLUMNS || (cells[n] = import_cell(&line)) == NULL)
			return 0;
		n++;
	}
	return n;
}

static int
import_header(char *line, struct import_header *h, struct refusal *why)
{
	char *cells[COLUMNS];
	size_t i, c;

	h->n = 0;
	for (c = 0; c < COLUMNS; c++)
		h->at[c] = -1;
	if ((unsigned char)line[0] == 0xef && (unsigned char)line[1] == 0xbb &&
	    (unsigned char)line[2] == 0xbf)
		line += 3;             /* what spreadsheets put in front */
	/* And what they write where the comma is the decimal point. */
	if (strncmp(line, "device;", 7) == 0)
		return refuse(why, CAMCA_EINVAL, 400, "import.header",
		    "line 1: columns must be separated by ',' and not by "
		    "';'");
	h->n = import_cells(line, cells);
	for (i = 0; i < h->n; i++) {
		for (c = 0; c < COLUMNS; c++)
			if (strcmp(cells[i], import_columns[c]) == 0)
				break;
		/* Not repeated: in a file without a header it is a secret. */
		if (c == COLUMNS || h->at[c] >= 0)
			break;
		h->at[c] = (int)i;
	}
	if (h->n > 0 && i == h->n && h->at[COLUMN_DEVICE] >= 0 &&
	    h->at[COLUMN_USERNAME] >= 0 && h->at[COLUMN_PASSWORD] >= 0)
		return CAMCA_OK;
	return refuse(why, CAMCA_EINVAL, 400, "import.header",
	    "The first line names the columns: device,username,password and, "
	    "if wanted, role and level, each once and no others.");
}

static const char *
import_get(const struct import_header *h, char *const *cells, int column,
    const char *otherwise)
{
	const char *s = h->at[column] >= 0 ? cells[h->at[column]] : "";

	return s[0] != '\0' ? s : otherwise;
}

static bool
import_level_ok(const char *level)
{
	size_t i;

	for (i = 0; i < sizeof import_levels / sizeof import_levels[0]; i++)
		if (strcmp(import_levels[i], level) == 0)
			return true;
	return false;
}

/* What is wrong with a row: its column, or -1. */
static int
import_check(const struct vault_import_row *r, const char **reason)
{
	if (!id_ok(r->device, strlen(r->device))) {
		*reason = "is no id of a device";
		return COLUMN_DEVICE;
	}
	*reason = "has 1 to 64 bytes without controls or a space at its ends";
	if (!event_text_ok(r->username, strlen(r->username),
	    VAULT_USER_MAX - 1))
		return COLUMN_USERNAME;
	*reason = "has 1 to 128 bytes";
	if (r->password[0] == '\0' ||
	    strlen(r->password) > PASSWORD_STORED_MAX)
		return COLUMN_PASSWORD;
	*reason = "is service, administrator or break-glass";
	if (r->role < 0)
		return COLUMN_ROLE;
	*reason = "is Administrator, Operator, User, Anonymous or Extended";
	return import_level_ok(r->level) ? -1 : COLUMN_LEVEL;
}

static int
import_row(struct vault_import *x, const struct import_header *h, char *line,
    int64_t number)
{
	struct vault_import_row *r = &x->rows[x->n];
	char *cells[COLUMNS];
	const char *reason = "";
	int bad;

	if (import_cells(line, cells) != h->n)
		return bad_rows_add(&x->errors, number, "", false, "does not have as many "
		    "cells as the header, or quotes that do not end");
	r->line = number;
	r->device = import_get(h, cells, COLUMN_DEVICE, "");
	r->username = import_get(h, cells, COLUMN_USERNAME, "");
	r->password = import_get(h, cells, COLUMN_PASSWORD, "");
	r->level = import_get(h, cells, COLUMN_LEVEL, "Administrator");
	r->role = vault_role_parse(import_get(h, cells, COLUMN_ROLE,
	    "administrator"));
	bad = import_check(r, &reason);
	if (bad >= 0)
		return bad_rows_add(&x->errors, number, import_columns[bad],
		    false, reason);
	x->n++;
	return CAMCA_OK;
}

/* The next line of p, ended by NUL where LF or CR LF was; NULL: none left. */
static char *
import_line(char **p)
{
	char *line = *p, *end;
	size_t n;

	if (line == NULL || line[0] == '\0')
		return NULL;
	end = strchr(line, '\n');
	*p = end != NULL ? end + 1 : NULL;
	if (end != NULL)
		*end = '\0';
	n = strlen(line);
	if (n > 0 && line[n - 1] == '\r')
		line[n - 1] = '\0';
	return line;
}

int
vault_import_parse(struct vault_import *out, struct buf *text,
    struct refusal *why)
{
	struct import_header h;
	char *p = (char *)text->data, *line;
	int64_t number = 1;
	int ret;

	memset(out, 0, sizeof *out);
	if (text->len > VAULT_IMPORT_MAX_BYTES)
		return refuse(why, CAMCA_ELIMIT, 413, "import.too-large",
		    "A part of a CSV has %d bytes at the most.",
		    VAULT_IMPORT_MAX_BYTES);
	if (text->len > 0 && memchr(p, '\0', text->len) != NULL)
		return refuse(why, CAMCA_EINVAL, 400, "import.not-text",
		    "The file holds a NUL byte.");
	if (text->len == 0 || (line = import_line(&p)) == NULL)
		return refuse(why, CAMCA_EINVAL, 400, "import.empty",
		    "The file is empty.");
	if ((ret = import_header(line, &h, why)) < 0)
		return ret;
	out->rows = calloc(VAULT_IMPORT_MAX_ROWS, sizeof *out->rows);
	if (out->rows == NULL)
		return CAMCA_ENOMEM;
	while (ret == CAMCA_OK && (line = import_line(&p)) != NULL) {
		number++;
		if (line[0] == '\0')
			continue;
		if (out->n == VAULT_IMPORT_MAX_ROWS)
			return refuse(why, CAMCA_ELIMIT, 413,
			    "import.too-large", "A part of a CSV has %d rows "
			    "at the most.", VAULT_IMPORT_MAX_ROWS);
		ret = import_row(out, &h, line, number);
	}
	return ret;
}

void
vault_import_free(struct vault_import *x)
{
	free(x->rows);
	bad_rows_fini(&x->errors);
	memset(x, 0, sizeof *x);
}
