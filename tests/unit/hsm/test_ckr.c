/* SPDX-License-Identifier: Apache-2.0 */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <cmocka.h>

#include <string.h>

#include "hsm/internal.h"

static void
test_name(void **state)
{
	(void)state;
	assert_string_equal(ckr_name(CKR_DEVICE_REMOVED), "CKR_DEVICE_REMOVED");
	assert_string_equal(ckr_name(CKR_PIN_LOCKED), "CKR_PIN_LOCKED");
	assert_string_equal(ckr_name(0x12345678UL), "CKR_?");
}

/* What nobody knows must lead to a fresh start, not to a dead session. */
static void
test_lost(void **state)
{
	(void)state;
	assert_false(ckr_is_lost(CKR_OK));
	assert_true(ckr_is_lost(CKR_TOKEN_NOT_PRESENT));
	assert_true(ckr_is_lost(CKR_SESSION_HANDLE_INVALID));
	assert_true(ckr_is_lost(CKR_USER_NOT_LOGGED_IN));
	assert_true(ckr_is_lost(0x12345678UL));
	assert_true(ckr_is_lost(CKR_VENDOR_DEFINED | 1UL));
	assert_false(ckr_is_lost(CKR_MECHANISM_INVALID));
	assert_false(ckr_is_lost(CKR_PIN_INCORRECT));
	assert_false(ckr_is_lost(HSM_RV_NO_KEY));
}

static void
test_pin(void **state)
{
	(void)state;
	assert_true(ckr_is_pin(CKR_PIN_INCORRECT));
	assert_true(ckr_is_pin(CKR_PIN_LOCKED));
	assert_false(ckr_is_pin(CKR_OK));
	assert_false(ckr_is_pin(CKR_DEVICE_ERROR));
}

/* Every value of 12 bits and each of ours gives a name, a status and a
 * sentence. */
static void
test_refuse(void **state)
{
	struct refusal why;
	CK_RV rv;
	int err;

	(void)state;
	assert_int_equal(ckr_refuse(CKR_OK, "sign", NULL), 0);
	for (rv = 1; rv < 0x1000; rv++) {
		err = ckr_refuse(rv, "sign", &why);
		assert_int_equal(err, CAMCA_EHSM);
		assert_int_equal(why.http, 503);
		assert_non_null(strstr(why.detail, "sign"));
	}
	for (rv = HSM_RV_NO_KEY; rv <= HSM_RV_OTHER_TOKEN; rv++) {
		assert_true(ckr_refuse(rv, "sign", &why) < 0);
		assert_null(strstr(why.detail, "CKR_"));
	}
	assert_int_equal(ckr_refuse(HSM_RV_EXTRACTABLE, "x", NULL),
	    CAMCA_EPOLICY);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_name),
		cmocka_unit_test(test_lost),
		cmocka_unit_test(test_pin),
		cmocka_unit_test(test_refuse),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
