/* SPDX-License-Identifier: Apache-2.0 */
#include "tests/unit/ca/base/folder.h"

#include "ca/cmd/bundle.c"

static void
under(const struct folder *d, const char *name, char out[static 256])
{
	snprintf(out, 256, "%s/%s", d->path, name);
}

static int
write_text(struct bundle_folder *b, const char *name, size_t at,
    const char *text, bool more)
{
	return bundle_folder_write(b, name, at, text, strlen(text), more,
	    NULL);
}

static size_t
entries(const char *path)
{
	DIR *d = opendir(path);
	struct dirent *e;
	size_t n = 0;

	assert_non_null(d);
	while ((e = readdir(d)) != NULL)
		n += e->d_name[0] != '.';
	closedir(d);
	return n;
}

static void
test_whole(void **state)
{
	const struct folder *d = *state;
	struct bundle_folder b;
	char path[256], name[300];
	struct stat st;

	under(d, "out/", path);
	assert_int_equal(bundle_folder_open(&b, path, NULL), 0);
	under(d, "out", path);
	assert_int_not_equal(lstat(path, &st), 0);
	assert_int_equal(write_text(&b, "events/000001.event", 0, "one",
	    false), 0);
	assert_int_equal(write_text(&b, "checkpoint", 0, "two", true), 0);
	assert_int_equal(write_text(&b, "checkpoint", 3, "three", false), 0);
	assert_int_equal(write_text(&b, "MANIFEST", 0, "", false), 0);
	assert_int_equal(bundle_folder_finish(&b, NULL), 0);
	bundle_folder_drop(&b);
	assert_int_equal(entries(d->path), 1);
	assert_int_equal(stat(path, &st), 0);
	assert_int_equal(st.st_mode & 07777, 0755);
	snprintf(name, sizeof name, "%s/checkpoint", path);
	assert_int_equal(stat(name, &st), 0);
	assert_int_equal(st.st_size, 8);
	assert_int_equal(st.st_mode & 07777, 0644);
	/* Not a second time. */
	assert_int_equal(bundle_folder_open(&b, path, NULL),
	    CAMCA_ECONFLICT);
	bundle_folder_drop(&b);
}

static void
test_not_whole(void **state)
{
	const struct folder *d = *state;
	struct bundle_folder b;
	char path[256];

	under(d, "out", path);
	assert_int_equal(bundle_folder_open(&b, path, NULL), 0);
	assert_int_equal(write_text(&b, "checkpoint", 0, "x", false), 0);
	assert_int_equal(bundle_folder_finish(&b, NULL), CAMCA_EPROTO);
	assert_int_equal(write_text(&b, "MANIFEST", 0, "x", true), 0);
	assert_int_equal(bundle_folder_finish(&b, NULL), CAMCA_EPROTO);
	bundle_folder_drop(&b);
	assert_int_equal(entries(d->path), 0);
}

/* What an authority that lies could send. */
static void
test_odd_answers(void **state)
{
	const struct folder *d = *state;
	struct bundle_folder b;
	char path[256], *large = calloc(1, 5000);

	assert_non_null(large);
	memset(large, 'x', 4999);
	under(d, "out", path);
	assert_int_equal(bundle_folder_open(&b, path, NULL), 0);
	assert_int_equal(write_text(&b, "../escaped", 0, "x", false),
	    CAMCA_EPROTO);
	assert_int_equal(write_text(&b, "/etc/x", 0, "x", false),
	    CAMCA_EPROTO);
	assert_int_equal(write_text(&b, "events/../x", 0, "x", false),
	    CAMCA_EPROTO);
	assert_int_equal(write_text(&b, "checkpoint", 1, "x", false),
	    CAMCA_EPROTO);
	assert_int_equal(write_text(&b, "events/000001.event", 0, large,
	    false), CAMCA_ELIMIT);
	bundle_folder_drop(&b);
	assert_int_equal(bundle_folder_open(&b, path, NULL), 0);
	assert_int_equal(write_text(&b, "checkpoint", 0, "x", true), 0);
	assert_int_equal(write_text(&b, "policy.tlog", 0, "x", false),
	    CAMCA_EPROTO);
	assert_int_equal(write_text(&b, "checkpoint", 2, "x", false),
	    CAMCA_EPROTO);
	assert_int_equal(write_text(&b, "checkpoint", 1, "x", false), 0);
	assert_int_equal(write_text(&b, "checkpoint", 0, "x", false),
	    CAMCA_EPROTO);
	assert_int_equal(write_text(&b, "MANIFEST", 0, "x", false), 0);
	assert_int_equal(write_text(&b, "README.txt", 0, "x", false),
	    CAMCA_EPROTO);
	bundle_folder_drop(&b);
	assert_int_equal(entries(d->path), 0);
	free(large);
}

/* Somebody makes the folder meanwhile: it is left alone. */
static void
test_faster(void **state)
{
	const struct folder *d = *state;
	struct bundle_folder b;
	char path[256];

	under(d, "out", path);
	assert_int_equal(bundle_folder_open(&b, path, NULL), 0);
	assert_int_equal(write_text(&b, "MANIFEST", 0, "x", false), 0);
	assert_int_equal(mkdir(path, 0700), 0);
	assert_int_equal(bundle_folder_finish(&b, NULL), CAMCA_ECONFLICT);
	bundle_folder_drop(&b);
	assert_int_equal(entries(d->path), 1);
	assert_int_equal(entries(path), 0);
	under(d, "none/out", path);
	assert_true(bundle_folder_open(&b, path, NULL) < 0);
	bundle_folder_drop(&b);
	assert_int_equal(bundle_folder_open(&b, "", NULL), CAMCA_ELIMIT);
	bundle_folder_drop(&b);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(test_whole, folder_setup,
		    folder_teardown),
		cmocka_unit_test_setup_teardown(test_not_whole, folder_setup,
		    folder_teardown),
		cmocka_unit_test_setup_teardown(test_odd_answers,
		    folder_setup, folder_teardown),
		cmocka_unit_test_setup_teardown(test_faster, folder_setup,
		    folder_teardown),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
