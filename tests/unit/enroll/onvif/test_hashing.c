/* SPDX-License-Identifier: Apache-2.0 */
/* Which digests a camera offers, and SHA-256 on and off again. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "tests/unit/enroll/onvif/mock.h"

#define SHA "Digest realm=\"r\", qop=\"auth\", nonce=\"s1\", " \
	"algorithm=SHA-256\n"
#define SET_OK SOAP("<d:SetHashingAlgorithmResponse/>")

static void
test_offers(void **state)
{
	static const struct {
		const char *offers;
		int status;
		bool md5, sha256;
	} cases[] = {
		{ DIGEST, 401, true, false }, { SHA, 401, false, true },
		{ SHA DIGEST, 401, true, true }, { DIGEST SHA, 401, true, true },
		{ "Basic realm=\"r\"\n", 401, false, false },
		{ NULL, 400, false, false },
		{ "Digest realm=\"r\", nonce=\"n\", algorithm=SHA-512\n",
		    401, false, false },
	};
	struct cam_digests d;
	struct cam_why why;
	struct mock m;
	size_t i;

	(void)state;
	for (i = 0; i < sizeof cases / sizeof cases[0]; i++) {
		mock_init(&m, "admin", "secret");
		mock_say(&m, cases[i].status, cases[i].offers, NULL);
		assert_int_equal(onvif_digests(&m.c, &d, &why), CAMCA_OK);
		assert_int_equal(d.md5, cases[i].md5);
		assert_int_equal(d.sha256, cases[i].sha256);
		assert_string_equal(m.asked[0].authorization, "");
		assert_int_equal(m.c.failed, 0);
		mock_fini(&m);
	}
	mock_init(&m, "admin", "secret");
	mock_fail(&m, CAMCA_EIO, false);
	assert_int_equal(onvif_digests(&m.c, &d, &why), CAMCA_EIO);
	mock_fini(&m);
}

/* On; refused in SHA-256; off again, asked for in MD5, and MD5 from then on. */
static void
test_on_and_off(void **state)
{
	struct cam_accounts l;
	struct cam_why why;
	struct mock m;

	(void)state;
	mock_init(&m, "admin", "secret");
	mock_say(&m, 401, DIGEST, NULL);
	mock_say(&m, 200, NULL, SET_OK);
	assert_int_equal(onvif_sha256_set(&m.c, true, &why), CAMCA_OK);
	assert_true(m.asked[1].changes);
	assert_non_null(strstr(m.asked[1].body,
	    "<tds:Algorithm>MD5 SHA-256</tds:Algorithm>"));
	mock_say(&m, 401, SHA DIGEST, NULL);
	mock_say(&m, 401, SHA DIGEST, NULL);
	assert_int_equal(onvif_accounts(&m.c, &l, &why), CAMCA_EAUTH);
	assert_non_null(strstr(m.asked[3].authorization, "SHA-256"));
	assert_int_equal(m.c.failed, 1);
	mock_say(&m, 401, SHA DIGEST, NULL);
	mock_say(&m, 200, NULL, SET_OK);
	assert_int_equal(onvif_sha256_set(&m.c, false, &why), CAMCA_OK);
	assert_non_null(strstr(m.asked[5].authorization, "algorithm=MD5"));
	assert_non_null(strstr(m.asked[5].body,
	    "<tds:Algorithm>MD5</tds:Algorithm>"));
	/* It may go on offering both. */
	mock_say(&m, 401, SHA DIGEST, NULL);
	mock_say(&m, 200, NULL, SOAP("<d:GetUsersResponse/>"));
	assert_int_equal(onvif_accounts(&m.c, &l, &why), CAMCA_OK);
	cam_accounts_fini(&l);
	assert_non_null(strstr(m.asked[7].authorization, "algorithm=MD5"));
	mock_fini(&m);
}

/* A camera that lists its algorithms with a comma is spoken to so. */
static void
test_comma(void **state)
{
	struct cam_why why;
	struct mock m;

	(void)state;
	mock_init(&m, "admin", "secret");
	m.c.comma = true;
	mock_say(&m, 401, DIGEST, NULL);
	mock_say(&m, 500, NULL, FAULT1("ActionNotSupported"));
	assert_int_equal(onvif_sha256_set(&m.c, true, &why), CAMCA_EPERM);
	assert_non_null(strstr(m.asked[1].body, ">MD5,SHA-256<"));
	mock_fini(&m);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_offers),
		cmocka_unit_test(test_on_and_off),
		cmocka_unit_test(test_comma),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
