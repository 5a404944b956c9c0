/* SPDX-License-Identifier: Apache-2.0 */
#include "tests/unit/ca/base/folder.h"

#include <dirent.h>
#include <errno.h>
#include <signal.h>
#include <sys/resource.h>
#include <sys/wait.h>

#include "ca/base/file.h"

static size_t
count_entries(const char *path)
{
	DIR *d = opendir(path);
	size_t n = 0;

	assert_non_null(d);
	while (readdir(d) != NULL)
		n++;
	closedir(d);
	return n - 2;
}

static void
test_replace_and_read(void **state)
{
	const char *path = folder_path(state, "f");
	struct stat st;
	struct buf b;

	buf_init(&b, 0);
	assert_int_equal(file_replace(path, "one", 3, 0600), 0);
	assert_int_equal(file_replace(path, "three", 5, 0640), 0);
	assert_int_equal(stat(path, &st), 0);
	assert_int_equal(st.st_mode & 0777, 0640);
	assert_int_equal(buf_puts(&b, "x"), 0);
	assert_int_equal(file_read(path, 100, &b), 0);
	assert_string_equal(buf_str(&b), "xthree");
	assert_int_equal(file_replace(path, "", 0, 0600), 0);
	buf_reset(&b);
	assert_int_equal(file_read(path, 0, &b), 0);
	assert_int_equal(b.len, 0);
	assert_true(file_exists(path));
	assert_int_equal(count_entries(((struct folder *)*state)->path), 1);
	buf_fini(&b);
}

static void
test_read_limits(void **state)
{
	const char *path = folder_path(state, "f");
	char big[10000];
	struct buf b;
	size_t i;

	memset(big, 'a', sizeof big);
	assert_int_equal(file_replace(path, big, sizeof big, 0600), 0);
	for (i = 0; i < 4; i++) {
		static const size_t max[] = { 9999, 10000, 0, 5000 };

		buf_init(&b, 0);
		assert_int_equal(buf_puts(&b, "kept"), 0);
		assert_int_equal(file_read(path, max[i], &b),
		    max[i] == 10000 ? CAMCA_OK : CAMCA_ELIMIT);
		if (max[i] != 10000)
			assert_string_equal(buf_str(&b), "kept");
		else
			assert_int_equal(b.len, 10004);
		buf_fini(&b);
	}
}

/* The buffer's own maximum: a file that just fits is read. */
static void
test_read_small_buffer(void **state)
{
	const char *path = folder_path(state, "f");
	struct buf b;

	assert_int_equal(file_replace(path, "0123456789", 10, 0600), 0);
	buf_init(&b, 10);
	assert_int_equal(file_read(path, 100, &b), 0);
	assert_string_equal(buf_str(&b), "0123456789");
	buf_fini(&b);
	buf_init(&b, 9);
	assert_int_equal(file_read(path, 100, &b), CAMCA_ELIMIT);
	assert_string_equal(buf_str(&b), "");
	buf_fini(&b);
}

static void
test_read_refuses(void **state)
{
	struct buf b;

	buf_init(&b, 0);
	assert_int_equal(file_read(folder_path(state, "none"), 10, &b),
	    CAMCA_ENOENT);
	assert_int_equal(file_read(((struct folder *)*state)->path, 10, &b),
	    CAMCA_EINVAL);
	assert_false(file_exists(folder_path(state, "none")));
	buf_fini(&b);
}

/* The disk is full in the middle of the write: the old file stays whole and
 * nothing is left beside it. A child, since the limit cannot be taken back. */
static void
test_replace_without_space(void **state)
{
	const char *path = folder_path(state, "f");
	struct rlimit small = { 1000, 1000 };
	char big[5000];
	struct buf b;
	int status;
	pid_t pid;

	memset(big, 'b', sizeof big);
	assert_int_equal(file_replace(path, "old", 3, 0600), 0);
	pid = fork();
	assert_true(pid >= 0);
	if (pid == 0) {
		int ret;

		signal(SIGXFSZ, SIG_IGN);
		if (setrlimit(RLIMIT_FSIZE, &small) != 0)
			_exit(10);
		ret = file_replace(path, big, sizeof big, 0600);
		_exit(ret == CAMCA_EIO || ret == CAMCA_EFULL ? 0 : 11);
	}
	assert_int_equal(waitpid(pid, &status, 0), pid);
	assert_true(WIFEXITED(status));
	assert_int_equal(WEXITSTATUS(status), 0);
	buf_init(&b, 0);
	assert_int_equal(file_read(path, 100, &b), 0);
	assert_string_equal(buf_str(&b), "old");
	assert_int_equal(count_entries(((struct folder *)*state)->path), 1);
	buf_fini(&b);
}

static void
test_replace_refuses(void **state)
{
	const char *dir = ((struct folder *)*state)->path;
	char name[5000];

	assert_int_equal(file_replace(folder_path(state, "no/f"), "x", 1,
	    0600), CAMCA_ENOENT);
	/* A folder in its place: nothing is left beside it. */
	assert_int_equal(mkdir(folder_path(state, "d"), 0700), 0);
	assert_true(file_replace(folder_path(state, "d"), "x", 1, 0600) < 0);
	assert_int_equal(count_entries(dir), 1);
	memset(name, 'n', sizeof name - 1);
	name[sizeof name - 1] = '\0';
	assert_int_equal(file_replace(name, "x", 1, 0600), CAMCA_ELIMIT);
	assert_int_equal(file_mkdirs(name, 0700), CAMCA_ELIMIT);
	assert_int_equal(file_sync_dir(name), CAMCA_ELIMIT);
}

static void
test_mkdirs(void **state)
{
	struct stat st;
	mode_t mask = umask(0);

	assert_int_equal(file_mkdirs(folder_path(state, "a/b/c"), 0700), 0);
	assert_int_equal(file_mkdirs(folder_path(state, "a/b/c"), 0700), 0);
	assert_int_equal(stat(folder_path(state, "a/b/c"), &st), 0);
	assert_int_equal(st.st_mode & 0777, 0700);
	assert_int_equal(stat(folder_path(state, "a/b"), &st), 0);
	assert_int_equal(st.st_mode & 0777, 0755);
	/* A slash at the end does not open the folder to others. */
	assert_int_equal(file_mkdirs(folder_path(state, "a/x//"), 0700), 0);
	assert_int_equal(stat(folder_path(state, "a/x"), &st), 0);
	assert_int_equal(st.st_mode & 0777, 0700);
	assert_int_equal(file_mkdirs("/", 0700), 0);
	assert_int_equal(file_mkdirs("", 0700), CAMCA_EINVAL);
	/* A file in the way is not a folder. */
	assert_int_equal(file_replace(folder_path(state, "f"), "", 0, 0600), 0);
	assert_true(file_mkdirs(folder_path(state, "f"), 0700) < 0);
	assert_true(file_mkdirs(folder_path(state, "f/g"), 0700) < 0);
	umask(mask);
}

static void
test_join(void **state)
{
	char out[8];

	(void)state;
	assert_int_equal(file_join(out, sizeof out, "abc", "def"), 0);
	assert_string_equal(out, "abc/def");
	assert_int_equal(file_join(out, sizeof out, "abc", "defg"),
	    CAMCA_ELIMIT);
}

static void
test_sync_dir(void **state)
{
	assert_int_equal(file_sync_dir(folder_path(state, "x")), 0);
	assert_int_equal(file_sync_dir("name-only"), 0);
	assert_int_equal(file_sync_dir("/x"), 0);
	assert_int_equal(file_sync_dir(folder_path(state, "none/x")),
	    CAMCA_ENOENT);
}

#define IN_FOLDER(t) cmocka_unit_test_setup_teardown(t, folder_setup, \
	folder_teardown)

int
main(void)
{
	const struct CMUnitTest tests[] = {
		IN_FOLDER(test_replace_and_read),
		IN_FOLDER(test_read_limits),
		IN_FOLDER(test_read_small_buffer),
		IN_FOLDER(test_read_refuses),
		IN_FOLDER(test_replace_without_space),
		IN_FOLDER(test_replace_refuses),
		IN_FOLDER(test_mkdirs),
		cmocka_unit_test(test_join),
		IN_FOLDER(test_sync_dir),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
