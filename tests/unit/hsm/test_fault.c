/* SPDX-License-Identifier: Apache-2.0 */
/* The n-th PKCS#11 call fails, for n = 1.. until open, generate and sign meet
 * no failure any more: each run ends well or with a named error, and leaves
 * neither memory (the address sanitizer looks) nor half a key behind. */
#include "tests/unit/hsm/fixture.h"

#include "hsm/internal.h"

static struct fixture fx;

static int
setup(void **state)
{
	(void)state;
	fixture_fault(&fx);
	return 0;
}

static int
teardown(void **state)
{
	(void)state;
	fixture_remove(&fx);
	return 0;
}

/* Everything that the authority does with a token. */
static int
run_once(unsigned *keys_made)
{
	struct hsm_conf conf = fixture_conf(&fx);
	struct hsm_key *k = NULL;
	struct hsm *h = NULL;
	char *uri = NULL;
	int ret;

	memset(&fx.why, 0, sizeof fx.why);
	ret = hsm_open(&h, &conf, &fx.why);
	if (ret == 0) {
		ret = hsm_generate(h, HSM_EC_P256, "issuer", &uri, &fx.why);
		*keys_made += ret == 0;
	}
	if (ret == 0)
		ret = hsm_key_open(h, uri, &k, &fx.why);
	if (ret == 0)
		ret = hsm_check(h, &fx.why);
	hsm_key_free(k);
	hsm_close(h);
	free(uri);
	assert_int_equal(ERR_peek_error(), 0);
	return ret;
}

/* Everything that the log does with its token; the CAs' is open beside it. */
static int
run_log_once(unsigned *keys_made)
{
	struct hsm_conf conf = fixture_conf(&fx);
	struct hsm_key *k = NULL;
	struct hsm *h = NULL;
	char *uri = NULL;
	int ret;

	conf.log_token_uri = "pkcs11:token=camca-log";
	memset(&fx.why, 0, sizeof fx.why);
	ret = hsm_open(&h, &conf, &fx.why);
	if (ret == 0) {
		ret = hsm_generate_log(h, HSM_ED25519, "log", &uri, &fx.why);
		*keys_made += ret == 0;
	}
	if (ret == 0)
		ret = hsm_key_open(h, uri, &k, &fx.why);
	if (ret == 0)
		ret = hsm_check_log(h, &fx.why);
	/* Whatever befell the log: the CAs are as they were. */
	if (h != NULL)
		assert_int_equal(hsm_check(h, NULL), 0);
	hsm_key_free(k);
	hsm_close(h);
	free(uri);
	assert_int_equal(ERR_peek_error(), 0);
	return ret;
}

static void
check_refusal(int ret)
{
	assert_true(ret == CAMCA_EHSM || ret == CAMCA_ENOENT);
	assert_int_equal(fx.why.http, 503);
	assert_true(strncmp(fx.why.code, "hsm.", 4) == 0);
	assert_true(strlen(fx.why.detail) > 10);
}

static CK_RV
count_call(struct hsm *h, CK_SESSION_HANDLE s, void *arg)
{
	CK_OBJECT_HANDLE found[512];
	CK_ULONG *n = arg;
	CK_RV rv = h->p11->C_FindObjectsInit(s, NULL, 0);

	if (rv == CKR_OK)
		rv = h->p11->C_FindObjects(s, found, 512, n);
	h->p11->C_FindObjectsFinal(s);
	return rv;
}

static CK_ULONG
count_objects(const char *token)
{
	struct hsm_conf conf = fixture_conf(&fx);
	struct hsm *h = NULL;
	CK_ULONG n = 0;

	conf.token_uri = token;
	assert_int_equal(hsm_open(&h, &conf, NULL), 0);
	assert_int_equal(session_run(h->tokens, false, "count", count_call, &n,
	    NULL), 0);
	hsm_close(h);
	return n;
}

/* One failure: most are healed inside the call. */
static void
test_nth_call(void **state)
{
	unsigned keys = 0, n, failed = 0;
	char order[32];
	int ret;

	(void)state;
	for (n = 1; n < 1000; n++) {
		snprintf(order, sizeof order, "after %u", n);
		fixture_write(fx.control, order);
		ret = run_once(&keys);
		if (fixture_count(&fx, "pkcs11_fault_fired") == 0)
			break;
		if (ret < 0)
			check_refusal(ret);
		failed += ret < 0;
	}
	assert_int_equal(ret, 0);
	assert_true(n > 30 && n < 1000);
	assert_true(failed < n / 2);
	fixture_write(fx.control, "");
	assert_int_equal(count_objects("pkcs11:token=camca"), 2 * keys);
}

static void
test_nth_call_log(void **state)
{
	unsigned keys = 0, n, failed = 0;
	char order[32];
	int ret;

	(void)state;
	fixture_log(&fx);
	for (n = 1; n < 1000; n++) {
		snprintf(order, sizeof order, "after %u", n);
		fixture_write(fx.control, order);
		ret = run_log_once(&keys);
		if (fixture_count(&fx, "pkcs11_fault_fired") == 0)
			break;
		if (ret < 0)
			check_refusal(ret);
		failed += ret < 0;
	}
	assert_int_equal(ret, 0);
	assert_true(n > 30 && n < 1000);
	assert_true(failed < n / 2);
	fixture_write(fx.control, "");
	assert_int_equal(count_objects("pkcs11:token=camca-log"), 2 * keys);
	assert_int_equal(count_objects("pkcs11:token=camca"), 0);
}

/* The token fails and goes on failing. */
static void
test_from_nth_call(void **state)
{
	unsigned keys = 0, n;
	char order[32];
	int ret;

	(void)state;
	for (n = 1; n < 1000; n++) {
		snprintf(order, sizeof order, "from %u", n);
		fixture_write(fx.control, order);
		ret = run_once(&keys);
		if (fixture_count(&fx, "pkcs11_fault_fired") == 0)
			break;
		check_refusal(ret);
	}
	assert_int_equal(ret, 0);
	assert_true(n > 30 && n < 1000);
}

#define CASE(t) cmocka_unit_test_setup_teardown(t, setup, teardown)

int
main(void)
{
	const struct CMUnitTest tests[] = {
		CASE(test_nth_call),
		CASE(test_nth_call_log),
		CASE(test_from_nth_call),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
