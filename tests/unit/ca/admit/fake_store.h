/* SPDX-License-Identifier: Apache-2.0 */
/* A store in memory for tests of the rules: the few functions that ca/admit
 * calls, and a fault in the n-th call. Defines the functions: one include a
 * program. */
#ifndef CAMCA_TESTS_FAKE_STORE_H
#define CAMCA_TESTS_FAKE_STORE_H

#include <string.h>

#include "ca/store/store.h"

#define FAKE_MAX 64

struct tx {
	struct site_row sites[FAKE_MAX];
	size_t nsites;
	struct device_row devices[FAKE_MAX];
	size_t ndevices;
	struct document_row documents[FAKE_MAX];
	size_t ndocuments;
	size_t nevents;
	int fail_at;               /* the n-th call gives CAMCA_EDB, 0: none */
	int calls;
};

static int
fake_fault(struct tx *tx)
{
	return ++tx->calls == tx->fail_at ? CAMCA_EDB : CAMCA_OK;
}

int
store_site_get(struct tx *tx, const char *id, struct site_row *out)
{
	size_t i;

	if (fake_fault(tx) < 0)
		return CAMCA_EDB;
	for (i = 0; i < tx->nsites; i++)
		if (strcmp(tx->sites[i].id, id) == 0) {
			*out = tx->sites[i];
			return CAMCA_OK;
		}
	return CAMCA_ENOENT;
}

int
store_device_get(struct tx *tx, const char *id, struct device_row *out)
{
	size_t i;

	if (fake_fault(tx) < 0)
		return CAMCA_EDB;
	for (i = 0; i < tx->ndevices; i++)
		if (strcmp(tx->devices[i].id, id) == 0) {
			*out = tx->devices[i];
			return CAMCA_OK;
		}
	return CAMCA_ENOENT;
}

int
store_device_by_serial(struct tx *tx, const char *manufacturer,
    const char *serial, struct device_row *out)
{
	size_t i;

	if (fake_fault(tx) < 0)
		return CAMCA_EDB;
	for (i = 0; i < tx->ndevices; i++)
		if (strcmp(tx->devices[i].manufacturer, manufacturer) == 0 &&
		    strcmp(tx->devices[i].serial, serial) == 0) {
			*out = tx->devices[i];
			return CAMCA_OK;
		}
	return CAMCA_ENOENT;
}

int
store_device_insert(struct tx *tx, struct device_row *r)
{
	if (fake_fault(tx) < 0 || tx->ndevices == FAKE_MAX)
		return CAMCA_EDB;
	r->pk = (int64_t)tx->ndevices + 1;
	tx->devices[tx->ndevices++] = *r;
	return CAMCA_OK;
}

int
store_document_insert(struct tx *tx, struct document_row *r)
{
	if (fake_fault(tx) < 0 || tx->ndocuments == FAKE_MAX)
		return CAMCA_EDB;
	r->id = (int64_t)tx->ndocuments + 1;
	tx->documents[tx->ndocuments++] = *r;
	return CAMCA_OK;
}

/* In the order of entry: the rules must not depend on the store's order. */
int
store_document_list(struct tx *tx, int64_t device,
    int (*fn)(const struct document_row *r, void *arg), void *arg)
{
	size_t i;
	int ret;

	if (fake_fault(tx) < 0)
		return CAMCA_EDB;
	for (i = 0; i < tx->ndocuments; i++) {
		if (tx->documents[i].device != device)
			continue;
		ret = fn(&tx->documents[i], arg);
		if (ret != 0)
			return ret;
	}
	return CAMCA_OK;
}

int
store_outbox_put(struct tx *tx, const struct event_row *r)
{
	(void)r;
	if (fake_fault(tx) < 0)
		return CAMCA_EDB;
	tx->nevents++;
	return CAMCA_OK;
}

#endif
