/* SPDX-License-Identifier: Apache-2.0 */
/* The n-th allocation fails, of SQLite or of the store itself, for n = 1, 2, ..
 * until a run passes: a named error, nothing half, and the next transaction
 * works. */
#include "tests/unit/ca/store/faults.h"

#include <sqlite3.h>
#include <stdatomic.h>

static atomic_int left;            /* allocations until one fails, 0: never */
static atomic_int hits;

static bool
fail_now(void)
{
	int n = atomic_load(&left);

	if (n == 0)
		return false;
	atomic_store(&left, n - 1);
	if (n > 1)
		return false;
	atomic_fetch_add(&hits, 1);
	return true;
}

#if !defined __SANITIZE_ADDRESS__ && !defined __SANITIZE_THREAD__
/* Every allocation of the program. Sanitizers bring allocators of their own;
 * there only those of SQLite fail. */
#define WHOLE_PROGRAM 1
void *__libc_malloc(size_t n);
void *__libc_calloc(size_t n, size_t size);
void *__libc_realloc(void *p, size_t n);

void *
malloc(size_t n)
{
	return fail_now() ? NULL : __libc_malloc(n);
}

void *
calloc(size_t n, size_t size)
{
	return fail_now() ? NULL : __libc_calloc(n, size);
}

void *
realloc(void *p, size_t n)
{
	return fail_now() ? NULL : __libc_realloc(p, n);
}
#else
#define WHOLE_PROGRAM 0
static sqlite3_mem_methods real;

static void *
mem_malloc(int n)
{
	return fail_now() ? NULL : real.xMalloc(n);
}

static void *
mem_realloc(void *p, int n)
{
	return fail_now() ? NULL : real.xRealloc(p, n);
}
#endif

static void
mem_setup(void)
{
#if !WHOLE_PROGRAM
	sqlite3_mem_methods m;

	assert_int_equal(sqlite3_config(SQLITE_CONFIG_GETMALLOC, &real),
	    SQLITE_OK);
	m = real;
	m.xMalloc = mem_malloc;
	m.xRealloc = mem_realloc;
	assert_int_equal(sqlite3_config(SQLITE_CONFIG_MALLOC, &m), SQLITE_OK);
#endif
}

static bool
armed_run(struct store *s, int n, struct enroll *e, int64_t *good)
{
	struct state st;
	int err;

	atomic_store(&hits, 0);
	atomic_store(&left, n);
	err = store_tx(s, DB_WRITE, faults_enroll, e);
	atomic_store(&left, 0);
	*good += err == 0;
	assert_true(err == 0 || err == CAMCA_ENOMEM);
	if (err == 0)
		e->n++;
	assert_int_equal(store_tx(s, DB_READ, faults_look, &st), 0);
	assert_int_equal(st.devices, *good);
	assert_int_equal(st.certs, *good);
	assert_int_equal(st.events, *good);
	return atomic_load(&hits) == 0;
}

static void
test_write(void **state)
{
	struct store_conf conf;
	struct refusal why = { 0 };
	struct enroll e = { 1 };
	struct store *s = NULL;
	struct fix f;
	int64_t good = 0;
	int n = 1;

	(void)state;
	fix_folder(&f);
	conf = faults_conf(f.path);
	assert_int_equal(store_open(&s, &conf, true, &why), 0);
	assert_int_equal(store_tx(s, DB_WRITE, faults_base, NULL), 0);
	while (!armed_run(s, n, &e, &good))
		assert_true(n++ < 5000);
	assert_true(n > 5);
	faults_check(s, good);
	store_close(s);
	fix_folder_remove(&f);
}

static void
test_read(void **state)
{
	struct store_conf conf;
	struct refusal why = { 0 };
	struct enroll e = { 1 };
	struct store *s = NULL;
	struct state st;
	struct fix f;
	int n, err;

	(void)state;
	fix_folder(&f);
	conf = faults_conf(f.path);
	assert_int_equal(store_open(&s, &conf, true, &why), 0);
	assert_int_equal(store_tx(s, DB_WRITE, faults_base, NULL), 0);
	for (; e.n <= 70; e.n++)
		assert_int_equal(store_tx(s, DB_WRITE, faults_enroll, &e), 0);
	for (n = 1;; n++) {
		assert_true(n < 5000);
		atomic_store(&hits, 0);
		atomic_store(&left, n);
		err = store_tx(s, DB_READ, faults_look, &st);
		atomic_store(&left, 0);
		if (atomic_load(&hits) == 0)
			break;
		assert_true(err == 0 || err == CAMCA_ENOMEM);
	}
	assert_int_equal(err, 0);
	faults_check(s, 70);
	store_close(s);
	fix_folder_remove(&f);
}

static void
test_open(void **state)
{
	struct store_conf conf;
	struct refusal why;
	struct store *s;
	struct fix f;
	int n, err;

	(void)state;
	fix_folder(&f);
	conf = faults_conf(f.path);
	assert_int_equal(store_open(&s, &conf, true, NULL), 0);
	store_close(s);
	for (n = 1;; n++) {
		assert_true(n < 40000);
		s = NULL;
		memset(&why, 0, sizeof why);
		atomic_store(&hits, 0);
		atomic_store(&left, n);
		err = store_open(&s, &conf, false, &why);
		atomic_store(&left, 0);
		store_close(s);
		if (atomic_load(&hits) == 0)
			break;
		if (err < 0) {
			assert_int_equal(err, CAMCA_ENOMEM);
			assert_int_equal(why.http, 503);
		}
		/* Every allocation at first, then samples: there are many. */
		if (n > 150)
			n += n / 40;
	}
	assert_int_equal(err, 0);
	fix_folder_remove(&f);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_write),
		cmocka_unit_test(test_read),
		cmocka_unit_test(test_open),
	};

	log_setup("test", (enum log_level)0);
	mem_setup();
	return cmocka_run_group_tests(tests, NULL, NULL);
}
