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
	snprintf(a.hsm_log_token, sizeof a.hsm_log_token,
	    "pkcs11:token=log;serial=1");
	snprintf(a.hsm_log_pin_file, sizeof a.hsm_log_pin_file, "/log pin");
	snprintf(a.http_url, sizeof a.http_url, "http://pki.example");
	snprintf(a.custody_origin, sizeof a.custody_origin, "pki.example/log");
	a.custody_ed25519 = false;
	a.custody_interval_ms = 50;
	a.custody_access = ACCESS_OFF;
	snprintf(a.operators[0], sizeof a.operators[0], "alice");
	snprintf(a.operators[1], sizeof a.operators[1], "true");
	a.noperators = 2;
	snprintf(a.names[0], sizeof a.names[0], "2001:db8::1");
	snprintf(a.est_host, sizeof a.est_host, "::1");
	a.est_port = 0;
	text = config_write(&a);
	assert_non_null(text);
	assert_non_null(strstr(text, "est_listen: \"[::1]:0\""));
	if (load_text(state, text, strlen(text), &b, error, sizeof error) < 0)
		fail_msg("%s in:\n%s", error, text);
	assert_memory_equal(&a, &b, sizeof a);
	free(text);
}

/* Which signatures a checkpoint of the custody log has, and its name. */
static void
test_custody_keys(void **state)
{
	static const struct {
		const char *text, *why;
		bool ed25519, ecdsa;
	} t[] = {
		{ "", NULL, true, true },
		{ "custody:\n  checkpoint_ms: 50\n", NULL, true, true },
		{ "custody:\n  keys: [ecdsa]\n", NULL, false, true },
		{ "custody:\n  keys: [ed25519]\n", NULL, true, false },
		{ "custody:\n  keys: [ecdsa, ed25519]\n", NULL, true, true },
		{ "custody:\n  keys: []\n", "needs a key", false, false },
		{ "custody:\n  keys: [rsa]\n", "ed25519 or ecdsa", 0, 0 },
		{ "custody:\n  keys: [[ecdsa]]\n", "ed25519 or ecdsa", 0, 0 },
		{ "custody:\n  origin: \"a b\"\n", "no space", 0, 0 },
		{ "custody:\n  origin: \"a+b\"\n", "no space", 0, 0 },
		{ "custody:\n  origin: \"\xc4\x91/log\"\n", "ASCII", 0, 0 },
		{ "custody:\n  checkpoint_ms: 9\n", "checkpoint_ms", 0, 0 },
	};
	char text[300], error[600];
	struct config c;
	int ret;

	for (size_t i = 0; i < sizeof t / sizeof t[0]; i++) {
		snprintf(text, sizeof text, "gate:\n  names: [pki.example]\n%s",
		    t[i].text);
		ret = load_text(state, text, strlen(text), &c, error,
		    sizeof error);
		if (t[i].why != NULL) {
			assert_int_equal(ret, CAMCA_EINVAL);
			assert_non_null(strstr(error, t[i].why));
			continue;
		}
		assert_int_equal(ret, 0);
		assert_int_equal(c.custody_ed25519, t[i].ed25519);
		assert_int_equal(c.custody_ecdsa, t[i].ecdsa);
		assert_string_equal(c.custody_origin, "pki.example/custody");
	}
}

/* How long events wait for the log, and how many may. */
static void
test_custody_waiting(void **state)
{
	static const struct {
		const char *text;
		int64_t interval_ms, max;      /* -1: refused */
	} t[] = {
		{ "", 25, 65536 },
		{ "custody:\n  interval_ms: 5\n", 5, 65536 },
		{ "custody:\n  interval_ms: 60000\n", 60000, 65536 },
		{ "authority:\n  outbox_max: 0\n", 25, 0 },
		{ "authority:\n  outbox_max: 7\n", 25, 7 },
		{ "custody:\n  interval_ms: 4\n", -1, 0 },
		{ "custody:\n  interval_ms: 60001\n", -1, 0 },
		{ "custody:\n  interval_ms: soon\n", -1, 0 },
		{ "authority:\n  outbox_max: -1\n", -1, 0 },
	};
	char text[300], error[600];
	struct config c;
	int ret;

	for (size_t i = 0; i < sizeof t / sizeof t[0]; i++) {
		snprintf(text, sizeof text, "gate:\n  names: [a.example]\n%s",
		    t[i].text);
		ret = load_text(state, text, strlen(text), &c, error,
		    sizeof error);
		if (t[i].interval_ms < 0) {
			assert_int_equal(ret, CAMCA_EINVAL);
			continue;
		}
		assert_int_equal(ret, 0);
		assert_int_equal(c.custody_interval_ms, t[i].interval_ms);
		assert_int_equal(c.outbox_max, t[i].max);
	}
}

#define PRINT "4E:F9:00:11:22:33:44:55:66:77:88:99:aa:bb:cc:dd:" \
    "4E:F9:00:11:22:33:44:55:66:77:88:99:AA:BB:CC:DD"
#define PLAIN "0000000000000000000000000000000000000000000000000000000000000001"

/* Who may read the custody log at the gate. */
static void
test_custody_access(void **state)
{
	static const struct {
		const char *text, *why;
		enum config_access access;
		size_t n;
	} t[] = {
		{ "", NULL, ACCESS_PUBLIC, 0 },
		{ "custody:\n  access: public\n", NULL, ACCESS_PUBLIC, 0 },
		{ "custody:\n  access: off\n", NULL, ACCESS_OFF, 0 },
		{ "custody:\n  access: staff\n  readers: [\"" PRINT "\", "
		    PLAIN "]\n", NULL, ACCESS_STAFF, 2 },
		{ "custody:\n  access: all\n", "staff, off", 0, 0 },
		{ "custody:\n  access: [off]\n", ":4:", 0, 0 },
		{ "custody:\n  readers: x\n", ":4:", 0, 0 },
		{ "custody:\n  readers: [\"\"]\n", "SHA-256", 0, 0 },
		{ "custody:\n  readers: [[x]]\n", "SHA-256", 0, 0 },
		{ "custody:\n  readers: [" PLAIN "0]\n", "SHA-256", 0, 0 },
		{ "custody:\n  readers: [\"" PRINT ":\", 4E]\n", "SHA-256",
		    0, 0 },
	};
	char text[600], error[600];
	struct config c;
	int ret;

	for (size_t i = 0; i < sizeof t / sizeof t[0]; i++) {
		snprintf(text, sizeof text, "gate:\n  names: [pki.example]\n%s",
		    t[i].text);
		ret = load_text(state, text, strlen(text), &c, error,
		    sizeof error);
		if (t[i].why != NULL) {
			assert_int_equal(ret, CAMCA_EINVAL);
			if (strstr(error, t[i].why) == NULL)
				fail_msg("%zu: %s", i, error);
			continue;
		}
		if (ret < 0)
			fail_msg("%s", error);
		assert_int_equal(c.custody_access, t[i].access);
		assert_int_equal(c.ncustody_readers, t[i].n);
		if (t[i].n == 0)
			continue;
		assert_memory_equal(c.custody_readers[0], "\x4e\xf9\0\x11", 4);
		assert_int_equal(c.custody_readers[1][31], 1);
	}
}

/* Who time-stamps checkpoints. */
static void
test_custody_tsa(void **state)
{
	static const struct {
		const char *text;
		int n;                   /* -1: refused */
	} t[] = {
		{ "", 0 },
		{ "  tsa: []\n", 0 },
		{ "  tsa: [\"a http://tsa.example/x?y\"]\n", 1 },
		{ "  tsa: [\"a https://t\", \"b-2.x http://[::1]:80/\"]\n", 2 },
		{ "  tsa: [\"a http://t\", \"b http://t\", \"c http://t\","
		    " \"d http://t\"]\n", 4 },
		{ "  tsa: [\"a http://t\", \"b http://t\", \"c http://t\","
		    " \"d http://t\", \"e http://t\"]\n", -1 },
		{ "  tsa: [\"a http://t\", \"a http://u\"]\n", -1 },
		{ "  tsa: x\n", -1 },
		{ "  tsa: [\"\"]\n", -1 },
		{ "  tsa: [\"a\"]\n", -1 },
		{ "  tsa: [\"http://t\"]\n", -1 },
		{ "  tsa: [\"a  http://t\"]\n", -1 },
		{ "  tsa: [\"a http://t \"]\n", -1 },
		{ "  tsa: [\"../a http://t\"]\n", -1 },
		{ "  tsa: [\".a http://t\"]\n", -1 },
		{ "  tsa: [\"a/b http://t\"]\n", -1 },
		{ "  tsa: [\"a ftp://t\"]\n", -1 },
		{ "  tsa: [\"a file:///t\"]\n", -1 },
		{ "  tsa: [\"a http://\"]\n", -1 },
		{ "  tsa: [\"a http:///t\"]\n", -1 },
		{ "  tsa: [\"a http://user:word@t\"]\n", -1 },
		{ "  timestamp_s: 0\n", -1 },
		{ "  timestamp_s: 31622401\n", -1 },
		{ "  timestamp_s: 60\n  proxy: \"http://p:1\"\n"
		    "  ca_file: \"/x.pem\"\n", 0 },
	};
	char text[600], error[600];
	struct config c;
	int ret;

	for (size_t i = 0; i < sizeof t / sizeof t[0]; i++) {
		snprintf(text, sizeof text, "gate:\n  names: [pki.example]\n"
		    "custody:\n  interval_ms: 25\n%s", t[i].text);
		ret = load_text(state, text, strlen(text), &c, error,
		    sizeof error);
		if ((ret < 0) != (t[i].n < 0))
			fail_msg("%zu: %d %s", i, ret, error);
		if (t[i].n >= 0)
			assert_int_equal(c.ntsas, t[i].n);
	}
	assert_int_equal(c.timestamp_s, 60);
	assert_string_equal(c.anchor_proxy, "http://p:1");
	assert_string_equal(c.anchor_ca_file, "/x.pem");
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
		IN_FOLDER(test_custody_keys), IN_FOLDER(test_custody_waiting),
		IN_FOLDER(test_custody_access), IN_FOLDER(test_custody_tsa),
		IN_FOLDER(test_refuses),
		IN_FOLDER(test_missing),
		cmocka_unit_test(test_socket_path),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
