/* SPDX-License-Identifier: Apache-2.0 */
/* Finding the token and logging in. */
#include "tests/unit/hsm/fixture.h"

#include "hsm/internal.h"

static struct fixture fx;
static int64_t clock_ms;

static int64_t
fake_clock(void *arg)
{
	(void)arg;
	return clock_ms;
}

static int
setup(void **state)
{
	(void)state;
	fixture_fault(&fx);
	clock_ms = 1000000;
	return 0;
}

static int
teardown(void **state)
{
	(void)state;
	fixture_remove(&fx);
	return 0;
}

static void
open_fails(const struct hsm_conf *conf, int err, const char *code)
{
	struct refusal why = { 0 };
	struct hsm *h = NULL;

	assert_int_equal(hsm_open(&h, conf, &why), err);
	assert_null(h);
	assert_string_equal(why.code, code);
	assert_true(why.detail[0] != '\0');
	assert_int_equal(ERR_peek_error(), 0);
	assert_int_equal(hsm_open(&h, conf, NULL), err);
}

static void
test_uri(void **state)
{
	static const struct { const char *uri; int err; const char *code; }
	    bad[] = {
		{ "pkcs11:token=other", CAMCA_ENOENT, "hsm.token-missing" },
		{ "pkcs11:token=camca;serial=00", CAMCA_ENOENT,
		    "hsm.token-missing" },
		{ "pkcs11:token=camca;model=x", CAMCA_ENOENT,
		    "hsm.token-missing" },
		{ "pkcs11:token=camca;manufacturer=x", CAMCA_ENOENT,
		    "hsm.token-missing" },
		{ "pkcs11:slot-id=123456789", CAMCA_ENOENT,
		    "hsm.token-missing" },
		{ "pkcs11:token=camca;object=x", CAMCA_EINVAL, "hsm.uri" },
		{ "pkcs11:token=camca;type=private", CAMCA_EINVAL, "hsm.uri" },
		{ "camca", CAMCA_EINVAL, "hsm.uri" },
		{ "pkcs11:token=camca?pin-value=1", CAMCA_EINVAL,
		    "hsm.uri-pin" },
		{ "pkcs11:token=camca?module-path=/other.so", CAMCA_EINVAL,
		    "hsm.module" },
	};
	struct hsm_conf conf = fixture_conf(&fx);
	size_t i;

	(void)state;
	for (i = 0; i < sizeof bad / sizeof bad[0]; i++) {
		conf.token_uri = bad[i].uri;
		open_fails(&conf, bad[i].err, bad[i].code);
	}
}

/* All that the token says of itself selects it. */
static void
test_uri_whole(void **state)
{
	struct hsm_conf conf = fixture_conf(&fx);
	struct hsm *h = fixture_open(&fx);
	char uri[512];

	(void)state;
	snprintf(uri, sizeof uri, "pkcs11:token=camca;manufacturer=SoftHSM%%20"
	    "project;model=SoftHSM%%20v2;serial=%s;slot-id=%lu",
	    h->tokens->names.serial, h->tokens->slot);
	hsm_close(h);
	conf.token_uri = uri;
	assert_int_equal(hsm_open(&h, &conf, &fx.why), 0);
	hsm_close(h);
}

static void
test_uri_query(void **state)
{
	struct hsm_conf conf = fixture_conf(&fx);
	struct hsm *h = NULL;
	char uri[2 * PATH_MAX + 100];

	(void)state;
	snprintf(uri, sizeof uri, "pkcs11:token=camca?module-path=%s&"
	    "pin-source=file://%s", conf.module, conf.pin.file);
	conf.module = NULL;
	conf.pin.file = NULL;
	conf.token_uri = uri;
	assert_int_equal(hsm_open(&h, &conf, &fx.why), 0);
	hsm_close(h);
	conf.token_uri = "pkcs11:token=camca?pin-source=|id";
	open_fails(&conf, CAMCA_EINVAL, "hsm.uri");
	conf.token_uri = "pkcs11:token=camca?pin-source=file:pin";
	open_fails(&conf, CAMCA_EINVAL, "hsm.uri");
}

static void
test_two_tokens(void **state)
{
	struct hsm_conf conf = fixture_conf(&fx);

	(void)state;
	assert_int_equal(hsm_softhsm_make(fx.token, "second", &fx.why), 0);
	conf.token_uri = "pkcs11:";
	open_fails(&conf, CAMCA_ECONFLICT, "hsm.token-ambiguous");
	conf.token_uri = "pkcs11:token=second";
	fx.fault[0] = '\0';
	hsm_close(fixture_open(&fx));
}

static void
test_module(void **state)
{
	struct hsm_conf conf = fixture_conf(&fx);

	(void)state;
	conf.module = "/nonexistent/p11.so";
	open_fails(&conf, CAMCA_EHSM, "hsm.module");
	conf.module = "libsofthsm2.so";      /* would be searched for */
	open_fails(&conf, CAMCA_EINVAL, "hsm.module");
	conf.module = "/lib/x86_64-linux-gnu/libm.so.6";
	if (file_exists(conf.module))
		open_fails(&conf, CAMCA_EHSM, "hsm.module");
	conf = fixture_conf(&fx);
	fixture_write(fx.control, "fail C_Initialize 0x5");
	open_fails(&conf, CAMCA_EHSM, "hsm.module");
	fixture_write(fx.control, "fail C_GetSlotInfo 0x30");
	open_fails(&conf, CAMCA_EHSM, "hsm.token-lost");
}

static void
test_pin_missing(void **state)
{
	struct hsm_conf conf = fixture_conf(&fx);

	(void)state;
	conf.pin.file = NULL;
	open_fails(&conf, CAMCA_EPIN, "hsm.pin-missing");
	conf.pin.file = "/nonexistent/pin";
	open_fails(&conf, CAMCA_EPIN, "hsm.pin-file");
}

/* Each open tries once; nothing tries again by itself. */
static void
test_pin_wrong(void **state)
{
	struct hsm_conf conf = fixture_conf(&fx);
	struct hsm *h = NULL;

	(void)state;
	fixture_write(fx.pin, "87654321\n");
	fixture_write(fx.control, "after 999999");   /* counts from here */
	assert_int_equal(hsm_open(&h, &conf, &fx.why), CAMCA_EPIN);
	assert_string_equal(fx.why.code, "hsm.pin-wrong");
	assert_null(strstr(fx.why.detail, "87654321"));
}

static void
test_pin_last_try(void **state)
{
	struct hsm_conf conf = fixture_conf(&fx);

	(void)state;
	fixture_write(fx.control, "final-try");
	open_fails(&conf, CAMCA_EPIN, "hsm.pin-final-try");
	fixture_write(fx.control, "");
	hsm_close(fixture_open(&fx));
}

static void
test_login_fails(void **state)
{
	static const struct { const char *rv; int err; } cases[] = {
		{ "fail C_Login 0xa0", CAMCA_EPIN },
		{ "fail C_Login 0xa4", CAMCA_EPIN },
		{ "fail C_Login 0x30", CAMCA_EHSM },
		{ "fail C_Login 0x4d2", CAMCA_EHSM },
	};
	struct hsm_conf conf = fixture_conf(&fx);
	struct hsm *h = NULL;
	size_t i;

	(void)state;
	for (i = 0; i < sizeof cases / sizeof cases[0]; i++) {
		fixture_write(fx.control, cases[i].rv);
		assert_int_equal(hsm_open(&h, &conf, NULL), cases[i].err);
	}
	fixture_write(fx.control, "fail C_Login 0x100");  /* is logged in */
	assert_int_equal(hsm_open(&h, &conf, NULL), 0);
	hsm_close(h);
}

/* A PIN refused while the authority runs: tried once, then only when the file
 * has another one. A loop would lock the token. */
static void
test_pin_not_retried(void **state)
{
	struct hsm *h = fixture_open(&fx);
	char *uri = NULL;
	struct hsm_key *k = fixture_key(&fx, h, HSM_EC_P256, &uri);
	unsigned long calls;
	struct buf good;
	int i;

	(void)state;
	buf_init(&good, 0);
	assert_int_equal(file_read(fx.pin, 100, &good), 0);
	session_set_clock(h, fake_clock, NULL);
	fixture_write(fx.control, "gone");
	assert_int_equal(fixture_sign(k), CAMCA_EHSM);
	fixture_write(fx.control, "fail C_Login 0xa0");
	clock_ms += 1000;
	assert_int_equal(fixture_sign(k), CAMCA_EPIN);
	calls = fixture_count(&fx, "pkcs11_fault_fired");
	assert_int_equal(calls, 1);
	for (i = 0; i < 5; i++) {
		clock_ms += 1000;
		assert_int_equal(fixture_sign(k), CAMCA_EPIN);
		assert_int_equal(hsm_check(h, &fx.why), CAMCA_EPIN);
	}
	assert_int_equal(fixture_count(&fx, "pkcs11_fault_fired"), calls);
	fixture_write(fx.pin, "00000000");
	clock_ms += 1000;
	assert_int_equal(fixture_sign(k), CAMCA_EPIN);
	assert_int_equal(fixture_count(&fx, "pkcs11_fault_fired"), calls + 1);
	fixture_write(fx.control, "");
	fixture_write(fx.pin, buf_str(&good));
	clock_ms += 1000;
	assert_int_equal(fixture_sign(k), 0);
	buf_cleanse(&good);
	hsm_key_free(k);
	hsm_close(h);
	free(uri);
}

#define CASE(t) cmocka_unit_test_setup_teardown(t, setup, teardown)

int
main(void)
{
	const struct CMUnitTest tests[] = {
		CASE(test_uri),
		CASE(test_uri_whole),
		CASE(test_uri_query),
		CASE(test_two_tokens),
		CASE(test_module),
		CASE(test_pin_missing),
		CASE(test_pin_wrong),
		CASE(test_pin_last_try),
		CASE(test_login_fails),
		CASE(test_pin_not_retried),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
