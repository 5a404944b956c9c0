/* SPDX-License-Identifier: Apache-2.0 */
/* What hsm_generate asks of the token, seen from the token. */
#include "tests/unit/hsm/fixture.h"

#include "hsm/internal.h"

static struct fixture fx;
static struct hsm *hsm;

static int
setup(void **state)
{
	(void)state;
	fixture_fault(&fx);
	hsm = fixture_open(&fx);
	return 0;
}

static int
teardown(void **state)
{
	(void)state;
	hsm_close(hsm);
	fixture_remove(&fx);
	return 0;
}

static void
attribute_is(struct hsm *h, CK_SESSION_HANDLE s, CK_OBJECT_HANDLE o,
    CK_ATTRIBUTE_TYPE type, CK_BBOOL want)
{
	CK_BBOOL got = 2;
	CK_ATTRIBUTE a = { type, &got, sizeof got };

	assert_int_equal(h->p11->C_GetAttributeValue(s, o, &a, 1), CKR_OK);
	if (got != want)
		fail_msg("attribute 0x%lx is %d", type, got);
}

static CK_RV
look(struct hsm *h, CK_SESSION_HANDLE s, void *arg)
{
	static const struct { CK_ATTRIBUTE_TYPE type; CK_BBOOL want; } is[] = {
		{ CKA_TOKEN, CK_TRUE }, { CKA_PRIVATE, CK_TRUE },
		{ CKA_SENSITIVE, CK_TRUE }, { CKA_ALWAYS_SENSITIVE, CK_TRUE },
		{ CKA_EXTRACTABLE, CK_FALSE },
		{ CKA_NEVER_EXTRACTABLE, CK_TRUE }, { CKA_SIGN, CK_TRUE },
		{ CKA_DECRYPT, CK_FALSE }, { CKA_UNWRAP, CK_FALSE },
		{ CKA_SIGN_RECOVER, CK_FALSE }, { CKA_DERIVE, CK_FALSE },
		{ CKA_LOCAL, CK_TRUE },
	};
	struct hsm_uri *uri = arg;
	CK_OBJECT_HANDLE o;
	CK_RV rv;
	size_t i;

	rv = key_find(h, s, CKO_PRIVATE_KEY, uri, &o);
	for (i = 0; rv == CKR_OK && i < sizeof is / sizeof is[0]; i++)
		attribute_is(h, s, o, is[i].type, is[i].want);
	return rv;
}

/* The value itself does not come out. */
static CK_RV
look_value(struct hsm *h, CK_SESSION_HANDLE s, void *arg)
{
	uint8_t value[1024];
	CK_ATTRIBUTE a = { CKA_VALUE, value, sizeof value };
	CK_OBJECT_HANDLE o;
	CK_RV rv = key_find(h, s, CKO_PRIVATE_KEY, arg, &o);

	return rv == CKR_OK ? h->p11->C_GetAttributeValue(s, o, &a, 1) : rv;
}

static void
test_attributes(void **state)
{
	enum hsm_key_type t;
	struct hsm_uri uri;
	struct refusal why;
	char *text = NULL;

	(void)state;
	for (t = HSM_EC_P256; t <= HSM_RSA_2048; t++) {
		assert_int_equal(hsm_generate(hsm, t, "a;b c%/é", &text,
		    &why), 0);
		assert_int_equal(hsm_uri_parse(text, &uri, NULL), 0);
		assert_string_equal(uri.object, "a;b c%/é");
		assert_string_equal(uri.token, "camca");
		assert_int_equal(uri.id_len, 16);
		assert_true(uri.has_type);
		assert_int_equal(session_run(hsm->tokens, false, "look", look, &uri,
		    NULL), 0);
		assert_int_equal(session_run(hsm->tokens, false, "look", look_value,
		    &uri, &why), CAMCA_EHSM);
		free(text);
		text = NULL;
	}
}

static CK_RV
count_keys(struct hsm *h, CK_SESSION_HANDLE s, void *arg)
{
	CK_OBJECT_HANDLE found[64];
	CK_ULONG *n = arg;
	CK_RV rv = h->p11->C_FindObjectsInit(s, NULL, 0);

	if (rv == CKR_OK)
		rv = h->p11->C_FindObjects(s, found, 64, n);
	h->p11->C_FindObjectsFinal(s);
	return rv;
}

/* A module that answers well and makes something else: the pair is destroyed
 * again, nothing is left. */
static void
test_not_as_asked(void **state)
{
	struct refusal why = { 0 };
	CK_ULONG n = 99;
	char *uri = NULL;

	(void)state;
	fixture_write(fx.control, "fail C_GetAttributeValue 0x12");
	assert_int_equal(hsm_generate(hsm, HSM_EC_P256, "x", &uri, &why),
	    CAMCA_EPOLICY);
	assert_string_equal(why.code, "hsm.key-extractable");
	assert_null(uri);
	fixture_write(fx.control, "");
	assert_int_equal(session_run(hsm->tokens, false, "count", count_keys, &n,
	    NULL), 0);
	assert_int_equal(n, 0);
}

static void
test_refused(void **state)
{
	struct refusal why = { 0 };
	char *uri = NULL;

	(void)state;
	fixture_write(fx.control, "fail C_GenerateKeyPair 0x70");
	assert_int_equal(hsm_generate(hsm, HSM_EC_P256, "x", &uri, &why),
	    CAMCA_EHSM);
	assert_string_equal(why.code, "hsm.refused");
	assert_non_null(strstr(why.detail, "CKR_MECHANISM_INVALID"));
	assert_null(uri);
}

#define CASE(t) cmocka_unit_test_setup_teardown(t, setup, teardown)

int
main(void)
{
	const struct CMUnitTest tests[] = {
		CASE(test_attributes),
		CASE(test_not_as_asked),
		CASE(test_refused),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
