/* SPDX-License-Identifier: Apache-2.0 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <cmocka.h>

#include "ca/admit/admit.h"
#include "tests/unit/ca/admit/fake_store.h"

#define SHA "00112233445566778899aabbccddeeff00112233445566778899aabbccddeeff"
#define NOW 1795343792123   /* 2026-11-22 */
#define BATCH "0f1e2d3c4b5a69788796a5b4c3d2e1f0"

static const char csv[] =
    "id,manufacturer,model,serial,site,origin_number,origin_date,"
    "origin_sha256\n"
    "a,X,M,1,s1,CO1,2026-01-01," SHA "\n"
    "b,X,M,2,s1,,,\n"
    "c,X,M,3,s2,,,\n";

static struct tx tx;
static struct import imp;
static int inserts;

static int
setup(void **state)
{
	(void)state;
	memset(&tx, 0, sizeof tx);
	snprintf(tx.sites[0].id, STORE_ID_MAX, "s1");
	snprintf(tx.sites[1].id, STORE_ID_MAX, "s2");
	tx.nsites = 2;
	inserts = 0;
	return import_parse(&imp, csv, sizeof csv - 1, NULL, NULL);
}

static int
teardown(void **state)
{
	(void)state;
	import_free(&imp);
	return 0;
}

static int
on_insert(struct tx *t, const struct device_row *d, void *arg)
{
	assert_ptr_equal(t, &tx);
	assert_true(d->pk > 0);
	assert_ptr_equal(arg, &inserts);
	/* The documents are there when the event is written. */
	if (strcmp(d->id, "a") == 0)
		assert_int_equal(tx.ndocuments, 1);
	inserts++;
	return tx.fail_at == -1 ? CAMCA_EFULL : CAMCA_OK;
}

static int
store_all(bool partial)
{
	return import_store(&tx, &imp, partial, BATCH, NOW, on_insert,
	    &inserts);
}

static void
test_stored(void **state)
{
	(void)state;
	assert_int_equal(store_all(false), 0);
	assert_int_equal(imp.inserted, 3);
	assert_int_equal(inserts, 3);
	assert_int_equal(tx.ndevices, 3);
	assert_string_equal(tx.devices[2].site, "s2");
	assert_string_equal(tx.devices[0].import_batch, BATCH);
	assert_int_equal(tx.devices[0].state, DEVICE_REGISTERED);
	assert_int_equal(tx.devices[0].created_ms, NOW);
	assert_int_equal(tx.ndocuments, 1);
	assert_int_equal(tx.documents[0].device, tx.devices[0].pk);
	assert_int_equal(tx.documents[0].created_ms, NOW);
	assert_int_equal(imp.errors.n, 0);
}

static void
test_no_events_asked(void **state)
{
	(void)state;
	assert_int_equal(import_store(&tx, &imp, false, BATCH, NOW, NULL,
	    NULL), 0);
	assert_int_equal(imp.inserted, 3);
}

static void
test_conflicts(void **state)
{
	(void)state;
	tx.nsites = 1;                     /* no s2 */
	tx.ndevices = 2;
	snprintf(tx.devices[0].id, STORE_ID_MAX, "a");
	snprintf(tx.devices[1].id, STORE_ID_MAX, "z");
	snprintf(tx.devices[1].manufacturer, STORE_NAME_MAX, "X");
	snprintf(tx.devices[1].serial, STORE_NAME_MAX, "2");
	assert_int_equal(store_all(false), CAMCA_EINVAL);
	assert_int_equal(tx.ndevices, 2);
	assert_int_equal(imp.inserted, 0);
	assert_int_equal(imp.errors.n, 3);
	assert_int_equal(imp.errors.list[0].line, 2);
	assert_string_equal(imp.errors.list[0].column, "id");
	assert_true(imp.errors.list[0].from_store);
	assert_string_equal(imp.errors.list[1].column, "serial");
	assert_non_null(strstr(imp.errors.list[1].reason, "device z"));
	assert_string_equal(imp.errors.list[2].column, "site");
	assert_non_null(strstr(imp.errors.list[2].reason, "s2"));
}

static void
test_date_in_future(void **state)
{
	(void)state;
	imp.rows[0].docs[0].date_ms = NOW + 14 * 3600000LL + 1;
	assert_int_equal(store_all(false), CAMCA_EINVAL);
	assert_int_equal(imp.errors.n, 1);
	assert_string_equal(imp.errors.list[0].column, "origin_date");
	imp.rows[0].docs[0].date_ms--;
	assert_int_equal(store_all(false), 0);
}

static void
test_partial(void **state)
{
	(void)state;
	tx.nsites = 1;
	assert_int_equal(store_all(true), 0);
	assert_int_equal(imp.inserted, 2);
	assert_int_equal(tx.ndevices, 2);
	assert_int_equal(imp.errors.n, 1);
	assert_int_equal(imp.errors.list[0].line, 4);
}

/* An error of the file stops all of it as well. */
static void
test_parse_error_stops(void **state)
{
	static const char bad[] = "manufacturer,model,serial,site\n"
	    "X,M,9,s1\n,M,8,s1\n";

	(void)state;
	import_free(&imp);
	assert_int_equal(import_parse(&imp, bad, sizeof bad - 1, NULL, NULL),
	    0);
	assert_int_equal(store_all(false), CAMCA_EINVAL);
	assert_int_equal(tx.ndevices, 0);
	assert_int_equal(store_all(true), 0);
	assert_int_equal(imp.inserted, 1);
	assert_int_equal(imp.errors.n, 1);
}

/* A transaction may run again: same answer, errors not twice. */
static void
test_again(void **state)
{
	struct tx fresh = { 0 };

	(void)state;
	tx.nsites = 1;
	fresh = tx;
	assert_int_equal(store_all(true), 0);
	tx = fresh;
	assert_int_equal(store_all(true), 0);
	assert_int_equal(imp.inserted, 2);
	assert_int_equal(imp.errors.n, 1);
	tx = fresh;
	tx.nsites = 2;
	assert_int_equal(store_all(true), 0);
	assert_int_equal(imp.inserted, 3);
	assert_int_equal(imp.errors.n, 0);
}

/* The n-th call of the store fails: its error comes back, nothing counts. */
static void
test_store_fails(void **state)
{
	struct tx fresh = tx;
	int n, ret = CAMCA_EDB;

	(void)state;
	for (n = 1; ret != CAMCA_OK; n++) {
		tx = fresh;
		tx.fail_at = n;
		ret = store_all(n % 2 == 0);
		if (ret == CAMCA_OK)
			break;
		assert_int_equal(ret, CAMCA_EDB);
		assert_int_equal(imp.inserted, 0);
		assert_int_equal(imp.errors.n, 0);
	}
	assert_int_equal(n, 13);   /* 2 sites, 6 look-ups, 4 inserts pass */
	tx = fresh;
	tx.fail_at = -1;
	assert_int_equal(store_all(true), CAMCA_EFULL);
	assert_int_equal(imp.inserted, 0);
}

int
main(void)
{
#define T(fn) cmocka_unit_test_setup_teardown(fn, setup, teardown)
	const struct CMUnitTest tests[] = {
		T(test_stored),
		T(test_no_events_asked),
		T(test_conflicts),
		T(test_date_in_future),
		T(test_partial),
		T(test_parse_error_stops),
		T(test_again),
		T(test_store_fails),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
