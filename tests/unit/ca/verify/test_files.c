/* SPDX-License-Identifier: Apache-2.0 */
#include <fcntl.h>

#include "tests/unit/ca/base/folder.h"

#include "ca/verify/files.h"

static void
at(const struct folder *d, const char *name, char out[static 256])
{
	snprintf(out, 256, "%s/%s", d->path, name);
}

static void
put(const struct folder *d, const char *name, const char *text)
{
	char path[256];
	FILE *f;

	at(d, name, path);
	f = fopen(path, "w");
	assert_non_null(f);
	fputs(text, f);
	fclose(f);
}

static void
dir(const struct folder *d, const char *name)
{
	char path[256];

	at(d, name, path);
	assert_int_equal(mkdir(path, 0755), 0);
}

static void
refused(const struct folder *d, int err, const char *words)
{
	struct files f = { .list = NULL };
	struct refusal why = { .http = 0 };

	assert_int_equal(files_read(&f, d->path, &why), err);
	assert_non_null(strstr(why.detail, words));
	files_fini(&f);
}

static void
gone(const struct folder *d, const char *name)
{
	char path[256];

	at(d, name, path);
	assert_int_equal(remove(path), 0);
}

static void
test_folder(void **state)
{
	const struct folder *d = *state;
	struct files f = { .list = NULL };

	dir(d, "events");
	dir(d, "crl");
	put(d, "events/000002.event", "two");
	put(d, "events/000001.event", "one");
	put(d, "checkpoint", "");
	assert_int_equal(files_read(&f, d->path, NULL), 0);
	assert_int_equal(f.n, 3);
	assert_string_equal(f.list[0].name, "checkpoint");
	assert_string_equal((char *)files_find(&f, "events/000001.event")->p,
	    "one");
	assert_int_equal(files_find(&f, "checkpoint")->n, 0);
	assert_null(files_find(&f, "events/000003.event"));
	assert_int_equal(files_count(&f, BUNDLE_EVENT), 2);
	assert_int_equal(files_next(&f, BUNDLE_CRL, 0), f.n);
	files_fini(&f);
}

static void
test_odd_folders(void **state)
{
	const struct folder *d = *state;
	char path[256];

	put(d, "checkpoint.bak", "");
	refused(d, CAMCA_EINVAL, "no file of a bundle");
	gone(d, "checkpoint.bak");
	dir(d, "more");
	refused(d, CAMCA_EINVAL, "no file of a bundle");
	gone(d, "more");
	dir(d, "events");
	dir(d, "events/000001.event");
	refused(d, CAMCA_EINVAL, "neither a file nor a folder");
	gone(d, "events/000001.event");
	at(d, "events/000001.event", path);
	assert_int_equal(symlink("/etc/passwd", path), 0);
	refused(d, CAMCA_EINVAL, "it is a link");
	gone(d, "events/000001.event");
	assert_int_equal(mkfifo(path, 0600), 0);
	refused(d, CAMCA_EINVAL, "neither a file nor a folder");
	gone(d, "events/000001.event");
	at(d, "crl", path);
	assert_int_equal(symlink("events", path), 0);
	refused(d, CAMCA_EINVAL, "cannot be read");
	gone(d, "crl");
	put(d, "crl", "a file");
	refused(d, CAMCA_EINVAL, "cannot be read");
	gone(d, "crl");
	put(d, "policy.tlog", "");
	at(d, "policy.tlog", path);
	assert_int_equal(truncate(path, 64 * 1024 + 1), 0);
	refused(d, CAMCA_ELIMIT, "too large");
	assert_int_equal(truncate(path, INT64_C(1) << 40), 0);
	refused(d, CAMCA_ELIMIT, "too large");
}

static void
test_no_folder(void **state)
{
	struct folder none = { "/tmp/camca-test-none" };
	const struct folder *d = *state;
	char path[256];

	refused(&none, CAMCA_ENOENT, "cannot be read");
	put(d, "checkpoint", "");
	at(d, "checkpoint", path);
	snprintf(none.path, sizeof none.path, "%.63s", path);
	refused(&none, CAMCA_EINVAL, "cannot be read");
}

/* ---- one block ---- */

static const uint8_t block[] = "\x08" "MANIFEST" "\0\0\0\x03" "abc"
    "\x0a" "checkpoint" "\0\0\0\0";

static void
test_block(void **state)
{
	struct files f = { .list = NULL };
	size_t n;

	(void)state;
	assert_int_equal(files_unpack(&f, block, sizeof block - 1, NULL), 0);
	assert_int_equal(f.n, 2);
	assert_int_equal(f.bytes, 3);
	files_fini(&f);
	for (n = 1; n < sizeof block - 1; n++) {
		if (n == 16)
			continue;          /* the end of the first file */
		assert_true(files_unpack(&f, block, n, NULL) < 0);
		files_fini(&f);
	}
}

static void
test_twice(void **state)
{
	struct files f = { .list = NULL };
	struct refusal why;

	(void)state;
	assert_int_equal(files_add(&f, "MANIFEST", 8, "a", 1, NULL), 0);
	assert_int_equal(files_add(&f, "MANIFEST", 8, "b", 1, NULL), 0);
	assert_int_equal(files_done(&f, &why), CAMCA_EINVAL);
	assert_non_null(strstr(why.detail, "twice"));
	files_fini(&f);
}

static void
test_limits(void **state)
{
	struct files f = { .list = NULL };
	char *large = calloc(1, 4097);

	(void)state;
	assert_non_null(large);
	assert_int_equal(files_add(&f, "events/000001.event", 19, large, 4096,
	    NULL), 0);
	assert_int_equal(files_add(&f, "events/000002.event", 19, large, 4097,
	    NULL), CAMCA_ELIMIT);
	f.bytes = BUNDLE_BYTES_MAX;
	assert_int_equal(files_add(&f, "events/000002.event", 19, large, 1,
	    NULL), CAMCA_ELIMIT);
	assert_int_equal(files_add(&f, "events/../../../etc", 19, large, 0,
	    NULL), CAMCA_EINVAL);
	files_fini(&f);
	free(large);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(test_folder, folder_setup,
		    folder_teardown),
		cmocka_unit_test_setup_teardown(test_odd_folders,
		    folder_setup, folder_teardown),
		cmocka_unit_test_setup_teardown(test_no_folder, folder_setup,
		    folder_teardown),
		cmocka_unit_test(test_block),
		cmocka_unit_test(test_twice),
		cmocka_unit_test(test_limits),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
