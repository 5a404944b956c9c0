/* SPDX-License-Identifier: Apache-2.0 */
/* A database in a folder of its own, and rows to fill it with. The object tests
 * run inside one transaction in the test's own thread. */
#ifndef CAMCA_TEST_STORE_FIXTURE_H
#define CAMCA_TEST_STORE_FIXTURE_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include <cmocka.h>

#include "ca/base/log.h"
#include "ca/store/migrate.h"
#include "ca/store/tx.h"

struct fix {
	char dir[256];
	char path[300];
	struct db *db;
	struct tx tx;
};

static inline void
fix_folder(struct fix *f)
{
	const char *tmp = getenv("TMPDIR");

	snprintf(f->dir, sizeof f->dir, "%s/camca-store-XXXXXX",
	    tmp != NULL && strlen(tmp) < 200 ? tmp : "/tmp");
	assert_non_null(mkdtemp(f->dir));
	snprintf(f->path, sizeof f->path, "%s/camca.db", f->dir);
}

static inline void
fix_folder_remove(struct fix *f)
{
	static const char *const ends[] = { "", "-wal", "-shm", "-copy",
	    "-copy-wal", "-copy-shm" };
	char path[320];
	size_t i;

	for (i = 0; i < COUNT(ends); i++) {
		snprintf(path, sizeof path, "%s%s", f->path, ends[i]);
		unlink(path);
	}
	assert_int_equal(rmdir(f->dir), 0);
}

static inline int
fix_setup(void **state)
{
	struct fix *f = calloc(1, sizeof *f);
	struct db_conf conf = { NULL, DB_WRITE, true };
	struct refusal why = { 0 };
	int64_t version = 0;

	assert_non_null(f);
	log_setup("test", (enum log_level)0);
	fix_folder(f);
	conf.path = f->path;
	assert_int_equal(db_sqlite.open(&f->db, &conf, &why), 0);
	assert_int_equal(migrate_run(&db_sqlite, f->db, db_sqlite.steps,
	    db_sqlite.nsteps, true, &version, &why), 0);
	assert_int_equal(db_sqlite.prepare(f->db), 0);
	assert_int_equal(db_sqlite.begin(f->db), 0);
	f->tx = (struct tx){ .engine = &db_sqlite, .db = f->db,
	    .mode = DB_WRITE };
	*state = f;
	return 0;
}

static inline int
fix_teardown(void **state)
{
	struct fix *f = *state;

	db_sqlite.rollback(f->db);
	db_sqlite.close(f->db);
	fix_folder_remove(f);
	free(f);
	return 0;
}

static inline struct site_row
fix_site_row(const char *id)
{
	struct site_row r = { .level = 3, .created_ms = 1000 };

	snprintf(r.id, sizeof r.id, "%s", id);
	snprintf(r.name, sizeof r.name, "Site %s", id);
	return r;
}

/* Its site is "hq", its serial number the id. */
static inline struct device_row
fix_device_row(const char *id)
{
	struct device_row r = { .kind = DEVICE_CAMERA, .place = PLACE_PUBLIC,
	    .manufacturer = "Acme", .model = "C1", .firmware = "5.7",
	    .mac = "00:11:22:33:44:55", .hardware_id = "hw", .site = "hq",
	    .created_ms = 1, .updated_ms = 1 };

	snprintf(r.id, sizeof r.id, "%s", id);
	snprintf(r.serial, sizeof r.serial, "SN-%s", id);
	return r;
}

/* Site "hq" where needed, and a device; its pk. */
static inline int64_t
fix_device(struct tx *tx, const char *id)
{
	struct site_row s = fix_site_row("hq");
	struct device_row d = fix_device_row(id);
	int err = store_site_insert(tx, &s);

	assert_true(err == 0 || err == CAMCA_ECONFLICT);
	assert_int_equal(store_device_insert(tx, &d), 0);
	return d.pk;
}

static inline int64_t
fix_issuer(struct tx *tx, const char *name)
{
	uint8_t der[] = { 0x30, 0x00 };
	struct issuer_row r = { .generation = 1, .state = ISSUER_ACTIVE,
	    .key_uri = "pkcs11:object=x", .cert = { der, sizeof der } };

	snprintf(r.name, sizeof r.name, "%s", name);
	memset(r.ski, name[0], sizeof r.ski);
	assert_int_equal(store_issuer_insert(tx, &r), 0);
	return r.id;
}

/* Serial number, key and encoding are made from n. */
static inline int
fix_cert(struct tx *tx, int64_t issuer, int64_t device, uint8_t n,
    struct cert_row *out)
{
	uint8_t der[100];
	struct cert_row r = { .issuer = issuer, .device = device,
	    .profile = "camera-tls", .label = "cameras", .not_before_ms = 5,
	    .not_after_ms = 1000 + n, .reason = -1, .created_ms = 5 };
	int err;

	memset(der, n, sizeof der);
	memset(r.serial, n, sizeof r.serial);
	memset(r.spki, n, sizeof r.spki);
	r.der = (struct store_blob){ der, sizeof der };
	err = store_cert_insert(tx, &r);
	r.der = (struct store_blob){ NULL, 0 };
	*out = r;
	return err;
}

/* Any change at all: which ones there are is not the store's business. */
static inline int
fix_status(struct tx *tx, int64_t id, enum cert_status status, int64_t reason,
    int64_t at_ms, int64_t *seq)
{
	struct cert_row r;
	int err = store_cert_by_id(tx, id, &r);

	if (err < 0)
		return err;
	r.status = (int64_t)status;
	r.reason = reason;
	r.revoked_ms = at_ms;
	err = store_cert_change(tx, &r);
	*seq = r.rev_seq;
	return err;
}

#endif
