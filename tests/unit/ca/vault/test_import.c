/* SPDX-License-Identifier: Apache-2.0 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

#include "ca/vault/import.h"

#define SECRET "Zq9-secret"

static struct vault_import imp;
static struct buf text;
static struct refusal why;

static int
parse_n(const void *p, size_t n)
{
	vault_import_free(&imp);
	buf_fini(&text);
	buf_init(&text, 0);
	memset(&why, 0, sizeof why);
	assert_int_equal(buf_put(&text, p, n), 0);
	return vault_import_parse(&imp, &text, &why);
}

static int
parse(const char *s)
{
	return parse_n(s, strlen(s));
}

static int
teardown(void **state)
{
	(void)state;
	vault_import_free(&imp);
	buf_fini(&text);
	return 0;
}

static void
test_good(void **state)
{
	(void)state;
	assert_int_equal(parse("\xef\xbb\xbf" "level,password,device,role,"
	    "username\r\nOperator,\"a,\"\"b\"\"\",cam-1,service,svc\r\n\r\n"
	    ",plain\"x,cam-2,,root\n,\"\"\"\",cam-3,break-glass,x"), 0);
	/* A quote in an unquoted cell is no CSV. */
	assert_int_equal(imp.errors.n, 1);
	assert_int_equal(imp.errors.list[0].line, 4);
	assert_int_equal(imp.n, 2);
	assert_string_equal(imp.rows[0].device, "cam-1");
	assert_string_equal(imp.rows[0].username, "svc");
	assert_string_equal(imp.rows[0].password, "a,\"b\"");
	assert_string_equal(imp.rows[0].level, "Operator");
	assert_int_equal(imp.rows[0].role, ACCOUNT_SERVICE);
	assert_int_equal(imp.rows[0].line, 2);
	assert_string_equal(imp.rows[1].password, "\"");
	assert_string_equal(imp.rows[1].level, "Administrator");
	assert_int_equal(imp.rows[1].role, ACCOUNT_BREAK_GLASS);
	assert_int_equal(imp.rows[1].line, 5);
}

#define HEAD "device,username,password,role,level\n"

static void
test_rows(void **state)
{
	static const struct {
		const char *row, *column;
	} bad[] = {
		{ "cam 1,u," SECRET ",,", "device" },
		{ ",u," SECRET ",,", "device" },
		{ "cam-1,," SECRET ",,", "username" },
		{ "cam-1, u," SECRET ",,", "username" },
		{ "cam-1,u,,,", "password" },
		{ "cam-1,u," SECRET ",boss,", "role" },
		{ "cam-1,u," SECRET ",,administrator", "level" },
		{ "cam-1,u," SECRET ",", "" },
		{ "cam-1,u," SECRET ",,,", "" },
		{ "cam-1,u," SECRET ",,,,,,,", "" },
		{ "cam-1,u,\"" SECRET ",,", "" },
		{ "cam-1,u,\"" SECRET "\"x,,", "" },
		{ "cam-1,u," SECRET "\",,", "" },
	};
	char line[200];
	size_t i;

	(void)state;
	for (i = 0; i < sizeof bad / sizeof bad[0]; i++) {
		snprintf(line, sizeof line, HEAD "%s\n", bad[i].row);
		assert_int_equal(parse(line), 0);
		assert_int_equal(imp.n, 0);
		assert_int_equal(imp.errors.n, 1);
		assert_int_equal(imp.errors.list[0].line, 2);
		assert_string_equal(imp.errors.list[0].column, bad[i].column);
		assert_null(strstr(imp.errors.list[0].reason, "Zq9"));
	}
	/* The longest password, and one byte more. */
	memset(line, 'p', sizeof line);
	memcpy(line, HEAD "c,u,", sizeof HEAD "c,u," - 1);
	memcpy(line + sizeof HEAD "c,u," - 1 + 128, ",,", 3);
	assert_int_equal(parse(line), 0);
	assert_int_equal(imp.n, 1);
	memset(line + sizeof HEAD "c,u," - 1, 'p', 129);
	memcpy(line + sizeof HEAD "c,u," - 1 + 129, ",,", 3);
	assert_int_equal(parse(line), 0);
	assert_int_equal(imp.errors.n, 1);
}

static void
test_header(void **state)
{
	static const char *const bad[] = { "\n", "device,username\n",
	    "device,username,password,password\n",
	    "device,username,password,x\n", "cam-1,admin," SECRET "\n",
	    "device;username;password\n", "device,username,password,\n",
	    "\"device,username,password\n", "Device,username,password\n",
	    "device,username,password,role,level,role\n" };
	size_t i;

	(void)state;
	for (i = 0; i < sizeof bad / sizeof bad[0]; i++) {
		assert_int_equal(parse(bad[i]), CAMCA_EINVAL);
		assert_string_equal(why.code, "import.header");
		assert_null(strstr(why.detail, "Zq9"));
	}
	assert_int_equal(parse(""), CAMCA_EINVAL);
	assert_string_equal(why.code, "import.empty");
	assert_int_equal(parse_n(HEAD "\0", sizeof HEAD), CAMCA_EINVAL);
	assert_string_equal(why.code, "import.not-text");
	assert_int_equal(parse("device,username,password"), 0);
	assert_int_equal(imp.n, 0);
}

static void
test_large(void **state)
{
	size_t i, n = VAULT_IMPORT_MAX_ROWS + 1;
	char *all = malloc(VAULT_IMPORT_MAX_BYTES + 2);
	size_t at = 0;

	(void)state;
	assert_non_null(all);
	at += (size_t)snprintf(all, 64, HEAD);
	for (i = 0; i < n; i++)
		at += (size_t)snprintf(all + at, 32, "c%zu,u,p,,\n", i);
	assert_int_equal(parse_n(all, at), CAMCA_ELIMIT);
	assert_int_equal(parse_n(all, at - strlen("c10000,u,p,,\n")), 0);
	assert_int_equal(imp.n, VAULT_IMPORT_MAX_ROWS);
	/* And each of them may be wrong. */
	for (i = strlen(HEAD); i < at; i++)
		all[i] = all[i] == 'u' ? ' ' : all[i];
	assert_int_equal(parse_n(all, at), 0);
	assert_int_equal(imp.errors.n, n);
	memset(all, 'x', VAULT_IMPORT_MAX_BYTES + 1);
	assert_int_equal(parse_n(all, VAULT_IMPORT_MAX_BYTES + 1),
	    CAMCA_ELIMIT);
	free(all);
}

/* Cut at each byte, and each bit turned: an answer, and rows that hold what a
 * row must. */
static void
test_damage(void **state)
{
	char good[] = HEAD "cam-1,u,\"a\"\"b\",service,User\r\ncam-2,v,p,,\n";
	size_t n, bit, i;

	(void)state;
	for (n = 0; n < sizeof good - 1; n++)
		assert_true(parse_n(good, n) <= 0);
	for (bit = 0; bit < 8 * (sizeof good - 1); bit++) {
		good[bit / 8] = (char)(good[bit / 8] ^ 1 << bit % 8);
		if (parse_n(good, sizeof good - 1) == 0)
			for (i = 0; i < imp.n; i++)
				assert_true(imp.rows[i].password[0] != '\0' &&
				    imp.rows[i].device[0] != '\0' &&
				    imp.rows[i].role >= 0);
		good[bit / 8] = (char)(good[bit / 8] ^ 1 << bit % 8);
	}
}

#define CASE(t) cmocka_unit_test_teardown(t, teardown)

int
main(void)
{
	const struct CMUnitTest tests[] = {
		CASE(test_good),
		CASE(test_rows),
		CASE(test_header),
		CASE(test_large),
		CASE(test_damage),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
