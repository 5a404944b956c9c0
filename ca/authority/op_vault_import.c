/* SPDX-License-Identifier: Apache-2.0 */
/* secret.import: accounts and passwords from CSV, all rows or none. They are
 * sealed one by one before the transaction, which then only stores. */
#include <openssl/crypto.h>
#include <stdlib.h>
#include <string.h>

#include "ca/authority/custody.h"
#include "ca/authority/ops.h"
#include "ca/store/store_job.h"
#include "ca/vault/import.h"

struct vault_job {
	struct op_call *c;
	struct vault_import imp;
	struct vault_draft *drafts;    /* of imp.rows */
	size_t ndrafts;
	int64_t now;
};

static int
vault_import_leased(const struct job_row *r, void *arg)
{
	(void)r;
	*(bool *)arg = true;
	return CAMCA_OK;
}

/* Is an agent at this camera now? What it was given, and is setting perhaps,
 * must stay what the vault calls pending. Where nobody is there a person may say
 * what the password is: that is how an unknown one becomes known. */
static int
vault_import_busy(struct tx *tx, int64_t device, bool *out)
{
	struct job_filter f = { .state = JOB_LEASED, .kind = -1,
	    .device = device };

	*out = false;
	return store_job_list(tx, &f, 0, 1, vault_import_leased, out);
}

static int
vault_import_row_tx(struct tx *tx, struct vault_job *x, size_t i)
{
	const struct vault_import_row *r = &x->imp.rows[i];
	struct vault_by by = { &x->c->a->events, x->c->caller->actor, x->now,
	    0 };
	struct refusal why = { 0 };
	struct device_row d;
	bool busy = false;
	int ret = store_device_get(tx, r->device, &d);

	if (ret == CAMCA_ENOENT)
		return bad_rows_add(&x->imp.errors, r->line, "device", true,
		    "is not registered");
	if (ret == CAMCA_OK && d.kind != DEVICE_CAMERA)
		return bad_rows_add(&x->imp.errors, r->line, "device", true,
		    "is no camera");
	if (ret == CAMCA_OK)
		ret = vault_import_busy(tx, d.pk, &busy);
	if (ret == CAMCA_OK)
		ret = vault_put(tx, &by, &d, &x->drafts[i],
		    (enum vault_role)r->role, r->level, !busy, &why);
	if (ret == CAMCA_ECONFLICT)
		return bad_rows_add(&x->imp.errors, r->line, "username", true,
		    "is being given a new password by an agent that is at the "
		    "camera now; try again");
	if (ret == CAMCA_ELIMIT && why.code[0] != '\0')
		return bad_rows_add(&x->imp.errors, r->line, "", true,
		    why.detail);
	return ret;
}

static int
vault_import_tx(struct tx *tx, void *arg)
{
	struct vault_job *x = arg;
	size_t i;
	int ret = CAMCA_OK;

	bad_rows_afresh(&x->imp.errors);
	for (i = 0; ret == CAMCA_OK && i < x->imp.n; i++)
		ret = vault_import_row_tx(tx, x, i);
	return ret == CAMCA_OK && x->imp.errors.n > 0 ? CAMCA_EINVAL : ret;
}

/* An account may be named once: the second row would make the first one's
 * password an old one. */
static int
vault_import_twice(const void *a, const void *b)
{
	const struct vault_import_row *x = a, *y = b;
	int n = strcmp(x->device, y->device);

	if (n == 0)
		n = strcmp(x->username, y->username);
	return n != 0 ? n : (x->line > y->line) - (x->line < y->line);
}

/* As in the file: of too many, the last ones are too many. */
static int
vault_import_order(const void *a, const void *b)
{
	const struct vault_import_row *x = a, *y = b;

	return (x->line > y->line) - (x->line < y->line);
}

static int
vault_import_check(struct vault_job *x)
{
	struct vault_import_row *r = x->imp.rows;
	size_t i;
	int ret = CAMCA_OK;

	qsort(r, x->imp.n, sizeof *r, vault_import_twice);
	for (i = 1; ret == CAMCA_OK && i < x->imp.n; i++)
		if (strcmp(r[i].device, r[i - 1].device) == 0 &&
		    strcmp(r[i].username, r[i - 1].username) == 0)
			ret = bad_rows_add(&x->imp.errors, r[i].line,
			    "username", false,
			    "stands in another row for this device too");
	bad_rows_sort(&x->imp.errors);
	qsort(r, x->imp.n, sizeof *r, vault_import_order);
	return ret;
}

static int
vault_import_seal(struct vault_job *x)
{
	const struct vault_import_row *r = x->imp.rows;
	int ret = CAMCA_OK;

	x->drafts = calloc(x->imp.n > 0 ? x->imp.n : 1, sizeof *x->drafts);
	if (x->drafts == NULL)
		return CAMCA_ENOMEM;
	for (; ret == CAMCA_OK && x->ndrafts < x->imp.n; r++) {
		ret = vault_draft_text(x->c->a->vault, r->device, r->username,
		    r->password, &x->drafts[x->ndrafts], &x->c->why);
		x->ndrafts += ret == CAMCA_OK;
	}
	return ret;
}

static int
vault_import_run(struct vault_job *x, struct buf *csv)
{
	struct op_call *c = x->c;
	int ret = vault_import_parse(&x->imp, csv, &c->why);

	if (ret == CAMCA_OK)
		ret = vault_import_check(x);
	if (ret == CAMCA_OK && x->imp.errors.n == 0) {
		ret = vault_import_seal(x);
		if (ret == CAMCA_OK)
			ret = store_tx(c->a->store, DB_WRITE, vault_import_tx,
			    x);
	}
	/* Bad rows are the answer, not a failure of the call. */
	if (ret == CAMCA_EINVAL && x->imp.errors.n > 0) {
		memset(&c->why, 0, sizeof c->why);
		ret = CAMCA_OK;
	}
	if (ret == CAMCA_OK)
		c->result = json_pack("{s:I, s:I, s:o}", "imported",
		    (json_int_t)(x->imp.errors.n == 0 ? x->imp.n : 0),
		    "error_count", (json_int_t)x->imp.errors.n, "errors",
		    bad_rows_json(&x->imp.errors));
	return ret < 0 || c->result != NULL ? ret : CAMCA_ENOMEM;
}

int
op_vault_import(struct op_call *c)
{
	struct vault_job x = { .c = c };
	struct buf csv;
	int ret;

	buf_init(&csv, VAULT_IMPORT_MAX_BYTES);
	if ((ret = custody_behind(c)) == CAMCA_OK &&
	    (ret = authority_now(c->a, &x.now, &c->why)) == CAMCA_OK)
		ret = buf_puts(&csv, arg_text(c, "csv"));
	if (ret == CAMCA_OK)
		ret = vault_import_run(&x, &csv);
	while (x.ndrafts > 0)
		vault_draft_fini(&x.drafts[--x.ndrafts]);
	free(x.drafts);
	vault_import_free(&x.imp);
	buf_cleanse(&csv);
	return ret;
}
