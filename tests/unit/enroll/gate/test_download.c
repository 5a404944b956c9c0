/* SPDX-License-Identifier: Apache-2.0 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <cmocka.h>

#include "enroll/gate/download.h"

/* SHA-256 of "abcdefghij" */
#define HASH "72399361da6a7754fec986dca5b7cbaf1c810a28ded4abaf56b2106d06cb78b0"

static json_t *
page(int number, int size, int offset, const char *b64, const char *hash)
{
	return json_pack("{s:i, s:i, s:i, s:s, s:s}", "number", number, "size",
	    size, "offset", offset, "der", b64, "sha256", hash);
}

static int
add(struct download *d, json_t *answer)
{
	int ret = download_add(d, answer);

	json_decref(answer);
	return ret;
}

static void
test_whole(void **state)
{
	struct download d;

	(void)state;
	download_init(&d);
	assert_int_equal(add(&d, json_pack("{s:s}", "der", "YWJj")), 0);
	assert_int_equal(d.got, 3);
	assert_memory_equal(d.p, "abc", 3);
	assert_int_equal(d.sha256[0], 0xba);
	download_fini(&d);
	assert_int_equal(add(&d, page(1, 10, 0, "YWJjZGVmZ2hpag==", HASH)), 0);
	assert_int_equal(d.number, 1);
	download_fini(&d);
}

static void
test_pages(void **state)
{
	struct download d;

	(void)state;
	download_init(&d);
	assert_int_equal(add(&d, page(7, 10, 0, "YWJjZA==", HASH)),
	    CAMCA_EPENDING);
	assert_int_equal(d.got, 4);
	assert_int_equal(add(&d, page(7, 10, 4, "ZWZnaA==", HASH)),
	    CAMCA_EPENDING);
	assert_int_equal(add(&d, page(7, 10, 8, "aWo=", HASH)), 0);
	assert_memory_equal(d.p, "abcdefghij", 10);
	download_fini(&d);
}

/* Whatever does not continue what is there. */
static void
test_refused(void **state)
{
	struct download d;

	(void)state;
	for (int i = 0; i < 8; i++) {
		json_t *const bad[8] = {
			page(8, 10, 4, "ZWZnaA==", HASH),     /* another one */
			page(7, 11, 4, "ZWZnaA==", HASH),
			page(7, 10, 5, "ZWZnaA==", HASH),     /* a gap */
			page(7, 10, 0, "YWJjZA==", HASH),     /* again */
			page(7, 10, 4, "ZWZnaGlqaw==", HASH), /* too much */
			page(7, 10, 4, "", HASH),
			page(7, 10, 4, "not base64!", HASH),
			page(7, 10, 4, "ZWZnaGlq", "00"),     /* hash */
		};

		download_init(&d);
		assert_int_equal(add(&d, page(7, 10, 0, "YWJjZA==", HASH)),
		    CAMCA_EPENDING);
		assert_int_equal(download_add(&d, bad[i]), CAMCA_EPROTO);
		download_fini(&d);
		for (int k = 0; k < 8; k++)
			json_decref(bad[k]);
	}
	download_init(&d);
	assert_int_equal(add(&d, page(1, 0, 0, "YQ==", HASH)), CAMCA_EPROTO);
	assert_int_equal(add(&d, page(1, -5, 0, "YQ==", HASH)), CAMCA_EPROTO);
	assert_int_equal(add(&d, page(1, DOWNLOAD_MAX + 1, 0, "YQ==", HASH)),
	    CAMCA_EPROTO);
	assert_int_equal(add(&d, page(1, 10, 0, "YWJjZGVmZ2hpaw==", HASH)),
	    CAMCA_EPROTO);
	download_fini(&d);
	assert_int_equal(add(&d, json_object()), CAMCA_EPROTO);
	assert_int_equal(add(&d, json_array()), CAMCA_EPROTO);
	download_fini(&d);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_whole), cmocka_unit_test(test_pages),
		cmocka_unit_test(test_refused),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
