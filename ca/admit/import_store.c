/* SPDX-License-Identifier: Apache-2.0 */
/* An import into the store: every row is checked first, then stored; nothing
 * is written where one is refused and partial was not asked for. */
#include "ca/admit/import_row.h"

#include <stdio.h>
#include <string.h>

/* As in the decision (admit.c): a day begins first at UTC+14. */
#define IMPORT_DATE_SLACK_MS (14LL * 3600 * 1000)

struct import_job {
	struct tx *tx;
	struct import *imp;
	int64_t now_ms;
	char site[STORE_ID_MAX];   /* the one looked up last */
	bool site_found;
};

/* A transaction may run more than once: what an earlier run left, goes. */
static void
import_afresh(struct import *imp)
{
	size_t i;

	bad_rows_afresh(&imp->errors);
	for (i = 0; i < imp->nrows; i++)
		imp->rows[i].refused = false;
	imp->inserted = 0;
}

static int
import_refuse_row(struct import *imp, struct import_row *row,
    const char *column, const char *reason)
{
	row->refused = true;
	return bad_rows_add(&imp->errors, row->line, column, true, reason);
}

/* Rows come sorted by site as a rule: one look-up a site. */
static int
import_find_site(struct import_job *j, const char *site)
{
	struct site_row row;
	int ret;

	if (j->site[0] != '\0' && strcmp(j->site, site) == 0)
		return CAMCA_OK;
	ret = store_site_get(j->tx, site, &row);
	if (ret < 0 && ret != CAMCA_ENOENT)
		return ret;
	j->site_found = ret == CAMCA_OK;
	snprintf(j->site, sizeof j->site, "%s", site);
	return CAMCA_OK;
}

/* 0: not there, 1: there, or an error of the store. */
static int
import_there(int ret)
{
	return ret == CAMCA_OK ? 1 : ret == CAMCA_ENOENT ? 0 : ret;
}

/* Here and not in the parser, which has no clock. A date in the future is a
 * slip, and would make an assessment last longer than its interval. */
static int
import_check_dates(struct import_job *j, struct import_row *row)
{
	char column[33];
	size_t i;

	for (i = 0; i < row->ndocs; i++) {
		if (row->docs[i].date_ms - IMPORT_DATE_SLACK_MS <= j->now_ms)
			continue;
		snprintf(column, sizeof column, "%s_date", document_kind_name(
		    (enum document_kind)row->docs[i].kind));
		return import_refuse_row(j->imp, row, column,
		    "the date lies in the future");
	}
	return CAMCA_OK;
}

/* Looked up rather than learnt from a failing insert: the reason is exact,
 * and a failed statement would end the transaction in other engines. */
static int
import_check_row(struct import_job *j, struct import_row *row)
{
	struct device_row *d = &row->device, there;
	char text[160];
	int ret;

	ret = import_find_site(j, d->site);
	if (ret < 0)
		return ret;
	if (!j->site_found) {
		snprintf(text, sizeof text, "there is no site %s", d->site);
		return import_refuse_row(j->imp, row, "site", text);
	}
	ret = import_there(store_device_get(j->tx, d->id, &there));
	if (ret == 1) {
		snprintf(text, sizeof text, "there is a device %s already",
		    d->id);
		return import_refuse_row(j->imp, row, "id", text);
	}
	if (ret == 0)
		ret = import_there(store_device_by_serial(j->tx,
		    d->manufacturer, d->serial, &there));
	if (ret == 1) {
		snprintf(text, sizeof text, "device %s has this manufacturer "
		    "and serial already", there.id);
		return import_refuse_row(j->imp, row, "serial", text);
	}
	return ret < 0 ? ret : import_check_dates(j, row);
}

/* State, times and batch are the authority's: no cell of a file sets them. */
static int
import_store_row(struct import_job *j, struct import_row *row,
    const char *batch)
{
	struct device_row *d = &row->device;
	size_t i;
	int ret;

	d->pk = 0;
	d->state = DEVICE_REGISTERED;
	d->created_ms = d->updated_ms = j->now_ms;
	snprintf(d->import_batch, sizeof d->import_batch, "%s", batch);
	ret = store_device_insert(j->tx, d);
	for (i = 0; ret == CAMCA_OK && i < row->ndocs; i++) {
		row->docs[i].id = 0;
		row->docs[i].device = d->pk;
		row->docs[i].created_ms = j->now_ms;
		ret = store_document_insert(j->tx, &row->docs[i]);
	}
	return ret;
}

int
import_store(struct tx *tx, struct import *imp, bool partial,
    const char *batch, int64_t now_ms,
    int (*on_insert)(struct tx *tx, const struct device_row *d, void *arg),
    void *arg)
{
	struct import_job j = { .tx = tx, .imp = imp, .now_ms = now_ms };
	size_t i;
	int ret = CAMCA_OK;

	import_afresh(imp);
	/* All rows are looked at even after a bad one: the integrator gets one
	 * complete list and not one mistake an attempt. */
	for (i = 0; ret == CAMCA_OK && i < imp->nrows; i++)
		ret = import_check_row(&j, &imp->rows[i]);
	bad_rows_sort(&imp->errors);
	if (ret == CAMCA_OK && imp->errors.n > 0 && !partial)
		return CAMCA_EINVAL;
	for (i = 0; ret == CAMCA_OK && i < imp->nrows; i++) {
		if (imp->rows[i].refused)
			continue;
		ret = import_store_row(&j, &imp->rows[i], batch);
		if (ret == CAMCA_OK && on_insert != NULL)
			ret = on_insert(tx, &imp->rows[i].device, arg);
		if (ret == CAMCA_OK)
			imp->inserted++;
	}
	if (ret < 0)
		imp->inserted = 0;
	return ret;
}
