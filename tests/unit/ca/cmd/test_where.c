/* SPDX-License-Identifier: Apache-2.0 */
#include "tests/unit/ca/base/folder.h"

#include "ca/cmd/where.c"

static void
test_ports(void **state)
{
	static const char *const bad[] = { "est \n", "est x\n", "est 0\n",
	    "est 65536\n", "est 123456\n", "est 84 43\n", "est -1\n",
	    "http +1\n", "est 1\nhttp \n" };
	unsigned est = 1, http = 2;
	size_t i;

	(void)state;
	assert_int_equal(where_ports("est 8443\nhttp 8080\n", &est, &http), 0);
	assert_int_equal(est, 8443);
	assert_int_equal(http, 8080);
	assert_int_equal(where_ports("", &est, &http), 0);
	assert_int_equal(where_ports("other 5\nest 65535", &est, &http), 0);
	assert_int_equal(est, 65535);
	for (i = 0; i < sizeof bad / sizeof bad[0]; i++)
		assert_int_equal(where_ports(bad[i], &est, &http),
		    CAMCA_EINVAL);
}

static void
put(void **state, const char *name, const char *text)
{
	assert_int_equal(file_replace(folder_path(state, name), text,
	    strlen(text), 0600), 0);
}

static void
test_urls(void **state)
{
	const char *dir = ((struct folder *)*state)->path;
	struct where_urls u;
	char error[600];

	assert_int_equal(where_urls(dir, &u, error, sizeof error),
	    CAMCA_ENOENT);
	put(state, "camca.yaml", "gate:\n  names: [pki.example]\n");
	assert_int_equal(where_urls(dir, &u, error, sizeof error), 0);
	assert_string_equal(u.est, "https://pki.example:8443/.well-known/est");
	assert_string_equal(u.http, "http://pki.example:8080");
	put(state, "camca.yaml", "gate:\n  names: ['2001:db8::1']\n"
	    "  est_listen: '[::]:0'\n  http_listen: '[::]:0'\n");
	assert_int_equal(where_urls(dir, &u, error, sizeof error),
	    CAMCA_EINVAL);
	assert_non_null(strstr(error, "is it running?"));
	assert_int_equal(mkdir(folder_path(state, "gate"), 0700), 0);
	put(state, "gate/ports", "est 40001\nhttp 40002\n");
	assert_int_equal(where_urls(dir, &u, error, sizeof error), 0);
	assert_string_equal(u.est,
	    "https://[2001:db8::1]:40001/.well-known/est");
	assert_string_equal(u.http, "http://[2001:db8::1]:40002");
	put(state, "gate/ports", "est 99999\n");
	assert_int_equal(where_urls(dir, &u, error, sizeof error),
	    CAMCA_EINVAL);
}

static void
test_policies(void **state)
{
	const char *dir = ((struct folder *)*state)->path;
	char out[PATH_MAX], small[4];

	assert_int_equal(where_try(dir, "p", out, sizeof out), CAMCA_ENOENT);
	assert_int_equal(file_mkdirs(folder_path(state, "p"), 0700), 0);
	assert_int_equal(where_try(dir, "p", out, sizeof out), CAMCA_ENOENT);
	assert_int_equal(file_mkdirs(folder_path(state, "p/levels"), 0700), 0);
	assert_int_equal(where_try(dir, "p/../p", out, sizeof out), 0);
	assert_string_equal(out, folder_path(state, "p"));
	assert_int_equal(where_try(dir, "p", small, sizeof small),
	    CAMCA_ELIMIT);
}

static void
test_program(void **state)
{
	char out[PATH_MAX];

	(void)state;
	assert_int_equal(where_program("test_where", out, sizeof out), 0);
	assert_int_equal(out[0], '/');
	assert_int_equal(where_program("no-such-program", out, sizeof out), 0);
	assert_string_equal(out, "no-such-program");
}

#define IN_FOLDER(t) cmocka_unit_test_setup_teardown(t, folder_setup, \
	folder_teardown)

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_ports),
		IN_FOLDER(test_urls),
		IN_FOLDER(test_policies),
		cmocka_unit_test(test_program),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
