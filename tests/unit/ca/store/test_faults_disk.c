/* SPDX-License-Identifier: Apache-2.0 */
/* The n-th write, sync or truncation of a file fails, for n = 1, 2, .. until a
 * run passes: every call gets a named error or is wholly stored, also after a
 * crash at that moment, and the next transaction works. */
#include "tests/unit/ca/store/faults.h"

#include <errno.h>
#include <pthread.h>
#include <sqlite3.h>
#include <stdatomic.h>

enum fault { FAULT_IO, FAULT_FULL, FAULT_NOSPC, FAULT_SYNC };

/* A VFS around the default one; counts down and then fails. */
static struct {
	atomic_int left;               /* calls until the failure, 0: never */
	atomic_int hits;
	atomic_bool stuck;             /* keeps failing */
	enum fault kind;
	sqlite3_vfs *real;
} shim;

struct shim_file {
	sqlite3_file base;
	sqlite3_file *real;
};

static bool
shim_hit(void)
{
	int left = atomic_load(&shim.left);

	if (left == 0)
		return false;
	if (left > 1) {
		atomic_store(&shim.left, left - 1);
		return false;
	}
	if (!atomic_load(&shim.stuck))
		atomic_store(&shim.left, 0);
	atomic_fetch_add(&shim.hits, 1);
	return true;
}

static sqlite3_file *
real(sqlite3_file *f)
{
	return ((struct shim_file *)(void *)f)->real;
}

static int
shim_close(sqlite3_file *f)
{
	return real(f)->pMethods->xClose(real(f));
}

static int
shim_read(sqlite3_file *f, void *p, int n, sqlite3_int64 at)
{
	return real(f)->pMethods->xRead(real(f), p, n, at);
}

static int
shim_write(sqlite3_file *f, const void *p, int n, sqlite3_int64 at)
{
	if (shim.kind != FAULT_SYNC && shim_hit())
		return shim.kind == FAULT_FULL ? SQLITE_FULL :
		    SQLITE_IOERR_WRITE;
	return real(f)->pMethods->xWrite(real(f), p, n, at);
}

static int
shim_truncate(sqlite3_file *f, sqlite3_int64 n)
{
	if (shim.kind != FAULT_SYNC && shim_hit())
		return SQLITE_IOERR_TRUNCATE;
	return real(f)->pMethods->xTruncate(real(f), n);
}

static int
shim_sync(sqlite3_file *f, int flags)
{
	(void)f;
	(void)flags;
	/* No real one: what counts as the disk here is the page cache. */
	return shim_hit() ? SQLITE_IOERR_FSYNC : SQLITE_OK;
}

static int
shim_size(sqlite3_file *f, sqlite3_int64 *out)
{
	return real(f)->pMethods->xFileSize(real(f), out);
}

static int
shim_lock(sqlite3_file *f, int level)
{
	return real(f)->pMethods->xLock(real(f), level);
}

static int
shim_unlock(sqlite3_file *f, int level)
{
	return real(f)->pMethods->xUnlock(real(f), level);
}

static int
shim_reserved(sqlite3_file *f, int *out)
{
	return real(f)->pMethods->xCheckReservedLock(real(f), out);
}

static int
shim_control(sqlite3_file *f, int op, void *arg)
{
	return real(f)->pMethods->xFileControl(real(f), op, arg);
}

static int
shim_sector(sqlite3_file *f)
{
	return real(f)->pMethods->xSectorSize(real(f));
}

static int
shim_device(sqlite3_file *f)
{
	return real(f)->pMethods->xDeviceCharacteristics(real(f));
}

static int
shim_map(sqlite3_file *f, int region, int size, int extend,
    void volatile **out)
{
	return real(f)->pMethods->xShmMap(real(f), region, size, extend, out);
}

static int
shim_shm_lock(sqlite3_file *f, int offset, int n, int flags)
{
	return real(f)->pMethods->xShmLock(real(f), offset, n, flags);
}

static void
shim_barrier(sqlite3_file *f)
{
	real(f)->pMethods->xShmBarrier(real(f));
}

static int
shim_unmap(sqlite3_file *f, int delete_flag)
{
	return real(f)->pMethods->xShmUnmap(real(f), delete_flag);
}

static int
shim_open(sqlite3_vfs *vfs, const char *name, sqlite3_file *f, int flags,
    int *out_flags)
{
	static const sqlite3_io_methods methods = { 2, shim_close, shim_read,
	    shim_write, shim_truncate, shim_sync, shim_size, shim_lock,
	    shim_unlock, shim_reserved, shim_control, shim_sector,
	    shim_device, shim_map, shim_shm_lock, shim_barrier, shim_unmap,
	    NULL, NULL };
	struct shim_file *sf = (struct shim_file *)(void *)f;
	int rc;

	(void)vfs;
	sf->real = (sqlite3_file *)(void *)(sf + 1);
	rc = shim.real->xOpen(shim.real, name, sf->real, flags, out_flags);
	f->pMethods = sf->real->pMethods != NULL ? &methods : NULL;
	return rc;
}

static int
shim_last_error(sqlite3_vfs *vfs, int n, char *text)
{
	(void)vfs;
	(void)n;
	(void)text;
	return shim.kind == FAULT_NOSPC ? ENOSPC : EIO;
}

static void
shim_register(void)
{
	static sqlite3_vfs vfs;

	shim.real = sqlite3_vfs_find(NULL);
	assert_non_null(shim.real);
	vfs = *shim.real;
	vfs.pNext = NULL;
	vfs.zName = "shim";
	vfs.szOsFile = (int)sizeof (struct shim_file) + shim.real->szOsFile;
	vfs.xOpen = shim_open;
	vfs.xGetLastError = shim_last_error;
	assert_int_equal(sqlite3_vfs_register(&vfs, 1), SQLITE_OK);
}

static void
copy_file(const char *from, const char *to)
{
	char buf[65536];
	size_t n;
	FILE *in = fopen(from, "rb"), *out = fopen(to, "wb");

	assert_non_null(out);
	while (in != NULL && (n = fread(buf, 1, sizeof buf, in)) > 0)
		assert_int_equal(fwrite(buf, 1, n, out), n);
	if (in != NULL)
		fclose(in);
	fclose(out);
}

/* What a machine that stops now would find: database and WAL as they are. */
static void
check_crash(struct fix *f, int64_t want)
{
	char from[320], to[320];
	struct store_conf conf;
	struct refusal why = { 0 };
	struct store *s = NULL;
	int left = atomic_exchange(&shim.left, 0);

	snprintf(to, sizeof to, "%s-copy", f->path);
	copy_file(f->path, to);
	conf = faults_conf(to);
	snprintf(from, sizeof from, "%s-wal", f->path);
	snprintf(to, sizeof to, "%s-copy-wal", f->path);
	copy_file(from, to);
	snprintf(to, sizeof to, "%s-copy", f->path);
	assert_int_equal(store_open(&s, &conf, false, &why), 0);
	faults_check(s, want);
	store_close(s);
	atomic_store(&shim.left, left);
}

static int
expected(enum fault kind)
{
	return kind == FAULT_FULL || kind == FAULT_NOSPC ? CAMCA_EFULL :
	    CAMCA_EDB;
}

/* An enrollment with the n-th operation failing, then one that must work. True
 * where the fault was never reached. */
static bool
one_run(struct fix *f, struct store *s, int n, bool stuck, int64_t *good)
{
	struct enroll e = { *good + 1 };
	struct store_health h;
	int err;

	atomic_store(&shim.hits, 0);
	atomic_store(&shim.stuck, stuck);
	atomic_store(&shim.left, n);
	err = store_tx(s, DB_WRITE, faults_enroll, &e);
	/* A disk that cannot truncate or sync is not a full one. */
	if (err < 0)
		assert_true(err == CAMCA_EDB || err == expected(shim.kind));
	assert_int_equal(store_health(s, &h), 0);
	assert_int_equal(h.last_error, err);
	*good += err == 0;
	/* Where the disk stays dead nothing can be undone on it. */
	if (err < 0 && !stuck)
		check_crash(f, *good);
	atomic_store(&shim.left, 0);
	e.n = *good + 1;
	assert_int_equal(store_tx(s, DB_WRITE, faults_enroll, &e), 0);
	++*good;
	faults_check(s, *good);
	return atomic_load(&shim.hits) == 0;
}

static void
all_runs(enum fault kind, bool stuck)
{
	struct store_conf conf;
	struct refusal why = { 0 };
	struct store *s = NULL;
	int64_t good = 0;
	struct fix f;
	int n = 1;

	fix_folder(&f);
	conf = faults_conf(f.path);
	shim.kind = kind;
	assert_int_equal(store_open(&s, &conf, true, &why), 0);
	assert_int_equal(store_tx(s, DB_WRITE, faults_base, NULL), 0);
	while (!one_run(&f, s, n, stuck, &good))
		assert_true(n++ < 500);
	assert_true(n > 1);
	store_close(s);
	assert_int_equal(store_open(&s, &conf, false, &why), 0);
	faults_check(s, good);
	store_close(s);
	fix_folder_remove(&f);
}

static void
test_write_fails(void **state)
{
	(void)state;
	all_runs(FAULT_IO, false);
}

static void
test_disk_full(void **state)
{
	(void)state;
	all_runs(FAULT_FULL, false);
	all_runs(FAULT_FULL, true);
}

static void
test_disk_full_errno(void **state)
{
	(void)state;
	all_runs(FAULT_NOSPC, false);
}

static void
test_sync_fails(void **state)
{
	(void)state;
	all_runs(FAULT_SYNC, false);
	all_runs(FAULT_SYNC, true);
}

/* Opening and closing with the n-th operation failing: refused with a reason,
 * or working; never a database that cannot be opened afterwards. */
static void
test_open_fails(void **state)
{
	struct store_conf conf;
	struct refusal why;
	struct store *s;
	struct fix f;
	int n, err;

	(void)state;
	fix_folder(&f);
	conf = faults_conf(f.path);
	shim.kind = FAULT_IO;
	atomic_store(&shim.stuck, false);
	for (n = 1;; n++) {
		assert_true(n < 500);
		atomic_store(&shim.hits, 0);
		atomic_store(&shim.left, n);
		s = NULL;
		memset(&why, 0, sizeof why);
		err = store_open(&s, &conf, true, &why);
		if (err < 0) {
			assert_int_equal(err, CAMCA_EDB);
			assert_int_equal(why.http, 503);
		}
		store_close(s);
		atomic_store(&shim.left, 0);
		assert_int_equal(store_open(&s, &conf, true, &why), 0);
		assert_int_equal(store_tx(s, DB_WRITE, faults_base, NULL), 0);
		store_close(s);
		unlink(f.path);
		if (atomic_load(&shim.hits) == 0)
			break;
	}
	assert_true(n > 5);
	fix_folder_remove(&f);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_write_fails),
		cmocka_unit_test(test_disk_full),
		cmocka_unit_test(test_disk_full_errno),
		cmocka_unit_test(test_sync_fails),
		cmocka_unit_test(test_open_fails),
	};

	log_setup("test", (enum log_level)0);
	shim_register();
	return cmocka_run_group_tests(tests, NULL, NULL);
}
