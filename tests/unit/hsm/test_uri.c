/* SPDX-License-Identifier: Apache-2.0 */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <cmocka.h>

#include <stdlib.h>
#include <string.h>

#include "hsm/uri.h"

static const char whole[] = "pkcs11:token=cam%20ca;manufacturer=SoftHSM%20"
    "project;model=SoftHSM%20v2;serial=0a1b;slot-id=17;object=issuer%3b1;"
    "id=%00%ff%10;type=private?module-path=/usr/lib/p11.so&pin-source="
    "file:/etc/pin";

static void
test_all_attributes(void **state)
{
	struct hsm_uri u;

	(void)state;
	assert_int_equal(hsm_uri_parse(whole, &u, NULL), 0);
	assert_string_equal(u.token, "cam ca");
	assert_string_equal(u.manufacturer, "SoftHSM project");
	assert_string_equal(u.model, "SoftHSM v2");
	assert_string_equal(u.serial, "0a1b");
	assert_true(u.has_slot && u.slot == 17);
	assert_string_equal(u.object, "issuer;1");
	assert_int_equal(u.id_len, 3);
	assert_memory_equal(u.id, "\x00\xff\x10", 3);
	assert_true(u.has_type);
	assert_string_equal(u.module_path, "/usr/lib/p11.so");
	assert_string_equal(u.pin_source, "file:/etc/pin");
}

static void
test_good(void **state)
{
	static const char *const good[] = {
		"pkcs11:", "PKCS11:token=a", "pkcs11:token=a&b",
		"pkcs11:id=abc", "pkcs11:token=%C3%A9",
		"pkcs11:token=12345678901234567890123456789012",
		"pkcs11:token=:[]@!$'()*+,=", "pkcs11:?module-path=/a|b?c",
	};
	struct hsm_uri u;
	size_t i;

	(void)state;
	for (i = 0; i < sizeof good / sizeof good[0]; i++)
		if (hsm_uri_parse(good[i], &u, NULL) != 0)
			fail_msg("refused: %s", good[i]);
}

static void
test_bad(void **state)
{
	static const char *const bad[] = {
		"", "pkcs11", "pkcs12:token=a", "token=a", " pkcs11:token=a",
		"pkcs11:token", "pkcs11:token=", "pkcs11:=a", "pkcs11:;",
		"pkcs11:token=a;", "pkcs11:;token=a", "pkcs11:token=a;;id=b",
		"pkcs11:token=a;token=b", "pkcs11:token=a b",
		"pkcs11:token=a/b", "pkcs11:token=a%", "pkcs11:token=a%4",
		"pkcs11:token=%4g", "pkcs11:token=%00", "pkcs11:token=a%0a",
		"pkcs11:token=%ff", "pkcs11:token=\xc3\xa9", "pkcs11:token=\"",
		"pkcs11:token=123456789012345678901234567890123",
		"pkcs11:serial=12345678901234567", "pkcs11:Token=a",
		"pkcs11:slot-id=", "pkcs11:slot-id=-1", "pkcs11:slot-id=0x1",
		"pkcs11:slot-id=99999999999999999999", "pkcs11:slot-id=1%31",
		"pkcs11:type=public", "pkcs11:type=cert", "pkcs11:type=",
		"pkcs11:id=", "pkcs11:library-version=1", "pkcs11:x-vendor=1",
		"pkcs11:pin-source=/a", "pkcs11:module-path=/a",
		"pkcs11:token=a?", "pkcs11:token=a?token=b",
		"pkcs11:token=a?module-name=x", "pkcs11:?module-path=/a&",
		"pkcs11:?module-path=/a;pin-source=/b", "pkcs11:a#b",
	};
	struct hsm_uri u, empty;
	struct refusal why;
	size_t i;

	(void)state;
	memset(&empty, 0, sizeof empty);
	for (i = 0; i < sizeof bad / sizeof bad[0]; i++) {
		memset(&why, 0, sizeof why);
		if (hsm_uri_parse(bad[i], &u, &why) != CAMCA_EINVAL)
			fail_msg("taken: %s", bad[i]);
		assert_int_equal(why.http, 400);
		assert_memory_equal(&u, &empty, sizeof u);
	}
}

/* The reason is logged: it must not hold what the operator typed. */
static void
test_pin_value(void **state)
{
	struct refusal why = { 0 };
	struct hsm_uri u;

	(void)state;
	assert_int_equal(hsm_uri_parse("pkcs11:token=a?pin-value=98761234", &u,
	    &why), CAMCA_EINVAL);
	assert_string_equal(why.code, "hsm.uri-pin");
	assert_null(strstr(why.detail, "98761234"));
	assert_int_equal(hsm_uri_parse("pkcs11:pin-value=98761234", &u, &why),
	    CAMCA_EINVAL);
	assert_null(strstr(why.detail, "98761234"));
}

static void
test_cut(void **state)
{
	char *cut;
	struct hsm_uri u;
	size_t i;
	int ret;

	(void)state;
	for (i = 0; i < sizeof whole - 1; i++) {
		cut = strndup(whole, i);   /* exact size: ASan sees overruns */
		assert_non_null(cut);
		ret = hsm_uri_parse(cut, &u, NULL);
		assert_true(ret == 0 || ret == CAMCA_EINVAL);
		if (i < strlen("pkcs11:"))
			assert_int_equal(ret, CAMCA_EINVAL);
		free(cut);
	}
}

static void
test_flip(void **state)
{
	char copy[sizeof whole];
	struct hsm_uri u;
	size_t i;
	int bit, ret;

	(void)state;
	for (i = 0; i < sizeof whole - 1; i++)
		for (bit = 0; bit < 8; bit++) {
			memcpy(copy, whole, sizeof copy);
			copy[i] = (char)(copy[i] ^ (1 << bit));
			ret = hsm_uri_parse(copy, &u, NULL);
			assert_true(ret == 0 || ret == CAMCA_EINVAL);
			assert_null(memchr(u.token, 1, sizeof u.token));
		}
}

static void
test_oversize(void **state)
{
	char big[HSM_URI_MAX + 2], id[7 + 3 + 3 * (HSM_URI_ID_MAX + 1) + 1];
	struct hsm_uri u;
	size_t i;

	(void)state;
	memset(big, 'a', sizeof big - 1);
	big[sizeof big - 1] = '\0';
	memcpy(big, "pkcs11:object=", 14);
	assert_int_equal(hsm_uri_parse(big, &u, NULL), CAMCA_EINVAL);
	memcpy(id, "pkcs11:id=", 10);
	for (i = 0; i <= HSM_URI_ID_MAX; i++)
		memcpy(id + 10 + 3 * i, "%01", 4);
	assert_int_equal(hsm_uri_parse(id, &u, NULL), CAMCA_EINVAL);
	id[10 + 3 * HSM_URI_ID_MAX] = '\0';
	assert_int_equal(hsm_uri_parse(id, &u, NULL), 0);
	assert_int_equal(u.id_len, HSM_URI_ID_MAX);
}

static void
test_put(void **state)
{
	struct hsm_uri u;
	struct buf b;

	(void)state;
	buf_init(&b, 0);
	assert_int_equal(buf_puts(&b, "pkcs11:"), 0);
	assert_int_equal(hsm_uri_put(&b, "token", "a;b/%\xc3\xa9~", 8, false),
	    0);
	assert_int_equal(hsm_uri_put(&b, "id", "a\0", 2, true), 0);
	assert_string_equal(buf_str(&b),
	    "pkcs11:token=a%3Bb%2F%25%C3%A9~;id=%61%00");
	assert_int_equal(hsm_uri_parse(buf_str(&b), &u, NULL), 0);
	assert_string_equal(u.token, "a;b/%\xc3\xa9~");
	assert_memory_equal(u.id, "a\0", 2);
	buf_fini(&b);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_all_attributes),
		cmocka_unit_test(test_good),
		cmocka_unit_test(test_bad),
		cmocka_unit_test(test_pin_value),
		cmocka_unit_test(test_cut),
		cmocka_unit_test(test_flip),
		cmocka_unit_test(test_oversize),
		cmocka_unit_test(test_put),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
