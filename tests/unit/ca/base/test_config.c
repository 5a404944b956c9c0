/* SPDX-License-Identifier: Apache-2.0 */
#include "tests/unit/ca/base/folder.h"

#include "ca/base/config.h"

static int
load_text(void **state, const char *text, size_t n, struct config *c,
    char *error, size_t len)
{
	FILE *f = fopen(folder_path(state, "camca.yaml"), "we");

	assert_non_null(f);
	assert_int_equal(fwrite(text, 1, n, f), n);
	assert_int_equal(fclose(f), 0);
	error[0] = '\0';
	return config_load(c, ((struct folder *)*state)->path, error, len);
}

static void
test_round_trip(void **state)
{
	struct config a, b;
	char error[600], *text;

	config_default(&a, ((struct folder *)*state)->path);
	snprintf(a.organization, sizeof a.organization, "%s",
	    "Công ty \"Mắt\\Thần\": #1 - {x} & *y");
	snprintf(a.node, sizeof a.node, "%s", "yes: no #3");
	snprintf(a.hsm_module, sizeof a.hsm_module, "%s", "/x y/\"p\".so");
	snprintf(a.hsm_pin_env, sizeof a.hsm_pin_env, "PIN");
	snprintf(a.http_url, sizeof a.http_url, "http://pki.example");
	snprintf(a.operators[0], sizeof a.operators[0], "alice");
	snprintf(a.operators[1], sizeof a.operators[1], "true");
	a.noperators = 2;
	snprintf(a.names[0], sizeof a.names[0], "2001:db8::1");
	snprintf(a.est_host, sizeof a.est_host, "::1");
	a.est_port = 0;
	text = config_write(&a);
	assert_non_null(text);
	if (load_text(state, text, strlen(text), &b, error, sizeof error) < 0)
		fail_msg("%s in:\n%s", error, text);
	assert_memory_equal(&a, &b, sizeof a);
	free(text);
}

static void
test_defaults(void **state)
{
	static const char text[] = "gate:\n  names: [pki.example]\n";
	struct config c;
	char error[600];

	assert_int_equal(load_text(state, text, sizeof text - 1, &c, error,
	    sizeof error), 0);
	assert_int_equal(c.nnames, 1);
	assert_int_equal(c.est_port, 8443);
	assert_string_equal(c.http_url, "http://pki.example:8080");
	assert_string_equal(c.authority_user, "camca");
	assert_int_equal(c.workers, 16);
}

static void
test_cut(void **state)
{
	struct config c;
	char error[600], *text;
	size_t i, n;

	config_default(&c, "/x");
	text = config_write(&c);
	assert_non_null(text);
	n = strlen(text);
	for (i = 0; i < n; i++)
		if (load_text(state, text, i, &c, error, sizeof error) < 0)
			assert_true(error[0] != '\0');
	free(text);
}

#define GATE "gate:\n  names: [a]\n"

static void
test_ocsp(void **state)
{
	static const char text[] = GATE "ocsp:\n  signer: hsm\n  life: 10m\n"
	    "  max_age: 5m\n  sign_rate: 7\n  cache: 64\n"
	    "  unissued: revoked\n  retention: 30d\n";
	static const char *const bad[] = {
		"signer: tpm", "life: 59s", "life: 25h", "max_age: 0s",
		"life: 60s\n  max_age: 31s", "sign_rate: 0", "cache: 63",
		"unissued: good", "retention: forever", "colour: red",
	};
	char error[600], line[200];
	struct config c;

	assert_int_equal(load_text(state, text, sizeof text - 1, &c, error,
	    sizeof error), 0);
	assert_true(c.ocsp_hsm);
	assert_int_equal(c.ocsp_life_s, 600);
	assert_int_equal(c.ocsp_max_age_s, 300);
	assert_int_equal(c.ocsp_sign_rate, 7);
	assert_int_equal(c.ocsp_cache, 64);
	assert_true(c.ocsp_unissued_revoked);
	assert_int_equal(c.ocsp_retention_s, 30 * 86400);
	for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) {
		snprintf(line, sizeof line, GATE "ocsp:\n  %s\n", bad[i]);
		assert_int_equal(load_text(state, line, strlen(line), &c,
		    error, sizeof error), CAMCA_EINVAL);
	}
}

static void
test_refuses(void **state)
{
	static const struct {
		const char *text, *says;
	} rows[] = {
		{ "organization: x\n", "'gate' is missing" },
		{ "gate:\n  names: []\n", "at least one" },
		{ "gate:\n  names: ['a b']\n", "not a DNS name" },
		{ "gate:\n  names: ['']\n", "not a DNS name" },
		{ "gate:\n  names: [[a]]\n", "not a DNS name" },
		{ GATE "  est_listen: 8443\n", "ADDRESS:PORT" },
		{ GATE "  est_listen: ':8443'\n", "ADDRESS:PORT" },
		{ GATE "  est_listen: 'a:'\n", "no such port" },
		{ GATE "  est_listen: 'a:65536'\n", "no such port" },
		{ GATE "  est_listen: 'a:-1'\n", "no such port" },
		{ GATE "  est_listen: 'a: 1'\n", "no such port" },
		{ GATE "  est_listen: 'a:+1'\n", "no such port" },
		{ GATE "  est_listen: 'a:99999999999999999999'\n",
		    "no such port" },
		{ GATE "  behind_proxy: true\n", "RFC 9148" },
		{ GATE "  max_connections: 1\n", "16..60000" },
		{ GATE "  colour: red\n", "unknown key 'colour'" },
		{ GATE "hsm: {pin: 1234}\n", "unknown key 'pin'" },
		{ GATE "users: {operators: ['']}\n", "not a user name" },
		{ GATE "authority: {workers: 0}\n", "1..64" },
		{ GATE "authority: {crl_life: 1s}\n", "between" },
		{ GATE "organisation: x\n", "unknown key" },
	};
	struct config c;
	char error[600];
	size_t i;

	for (i = 0; i < sizeof rows / sizeof rows[0]; i++) {
		assert_int_equal(load_text(state, rows[i].text,
		    strlen(rows[i].text), &c, error, sizeof error),
		    CAMCA_EINVAL);
		if (strstr(error, rows[i].says) == NULL)
			fail_msg("'%s' gives '%s'", rows[i].text, error);
		assert_non_null(strstr(error, "camca.yaml:"));
	}
}

static void
test_missing(void **state)
{
	struct config c;
	char error[600] = "", name[400];

	assert_int_equal(config_load(&c, ((struct folder *)*state)->path,
	    error, sizeof error), CAMCA_ENOENT);
	assert_true(error[0] != '\0');
	memset(name, 'n', sizeof name - 1);
	name[sizeof name - 1] = '\0';
	assert_int_equal(config_load(&c, name, error, sizeof error),
	    CAMCA_ELIMIT);
}

static void
test_socket_path(void **state)
{
	char out[40];

	(void)state;
	assert_int_equal(config_socket_path("/s", out, sizeof out), 0);
	assert_string_equal(out, "/s/run/authority.sock");
	assert_int_equal(config_socket_path("/s", out, 10), CAMCA_ELIMIT);
	assert_int_equal(config_status_path("/s", out, sizeof out), 0);
	assert_string_equal(out, "/s/run/status.sock");
	assert_int_equal(config_status_path("/s", out, 10), CAMCA_ELIMIT);
}

#define IN_FOLDER(t) cmocka_unit_test_setup_teardown(t, folder_setup, \
	folder_teardown)

int
main(void)
{
	const struct CMUnitTest tests[] = {
		IN_FOLDER(test_round_trip),
		IN_FOLDER(test_defaults),
		IN_FOLDER(test_cut), IN_FOLDER(test_ocsp),
		IN_FOLDER(test_refuses),
		IN_FOLDER(test_missing),
		cmocka_unit_test(test_socket_path),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
