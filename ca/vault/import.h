/* SPDX-License-Identifier: Apache-2.0 */
/* Reads accounts from CSV (RFC 4180): a header with the columns device,
 * username, password and, where they are not "administrator" and
 * "Administrator", role and level; then a row each. No other columns, no line
 * breaks inside a cell, spaces are part of a cell. */
#ifndef CAMCA_VAULT_IMPORT_H
#define CAMCA_VAULT_IMPORT_H

#include "ca/base/bad_rows.h"
#include "ca/base/buf.h"
#include "ca/store/store_vault.h"

#define VAULT_IMPORT_MAX_BYTES 900000
#define VAULT_IMPORT_MAX_ROWS 10000

struct vault_import_row {
	int64_t line;
	const char *device, *username, *password, *level;  /* in the text */
	int role;                      /* enum vault_role */
};
struct vault_import {
	struct vault_import_row *rows;
	size_t n;
	struct bad_rows errors;
};
/* text is cut up in place, wiped by its owner, and lives for as long as out.
 * Bad rows are in out->errors, the others in out->rows. CAMCA_EINVAL with why
 * (400 "import.…": no header, an unknown column, a NUL byte), CAMCA_ELIMIT
 * (413), CAMCA_ENOMEM. Free with vault_import_free in every case. */
CAMCA_MUST int vault_import_parse(struct vault_import *out, struct buf *text,
    struct refusal *why);
void vault_import_free(struct vault_import *x);

#endif
