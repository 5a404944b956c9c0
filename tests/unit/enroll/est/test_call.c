/* SPDX-License-Identifier: Apache-2.0 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <cmocka.h>

#include "enroll/est/call.h"

static const uint8_t csr[] = { 0x30, 0x03, 0x02, 0x01, 0x05 };

static const char *
text(json_t *o, const char *key)
{
	return json_string_value(json_object_get(o, key));
}

static void
test_read(void **state)
{
	json_t *a = est_call_read("cam");

	(void)state;
	assert_int_equal(json_object_size(a), 1);
	assert_string_equal(text(a, "label"), "cam");
	json_decref(a);
}

/* What is not there is not sent: no empty login, chain or binding. */
static void
test_enroll_bare(void **state)
{
	struct est_login login = { .present = false };
	struct est_peer peer = { .version = "1.3" };
	json_t *a = est_call_enroll("", &(struct est_blob){ csr, sizeof csr },
	    &login, &peer, "192.0.2.1"), *tls;

	(void)state;
	assert_int_equal(json_object_size(a), 5);
	assert_string_equal(text(a, "label"), "");
	assert_string_equal(text(a, "csr"), "MAMCAQU=");
	assert_string_equal(text(a, "remote"), "192.0.2.1");
	assert_true(json_is_false(json_object_get(a, "pop_used")));
	tls = json_object_get(a, "tls");
	assert_int_equal(json_object_size(tls), 2);
	assert_string_equal(text(tls, "version"), "1.3");
	assert_true(json_is_false(json_object_get(tls, "ems")));
	json_decref(a);
}

static void
test_enroll_full(void **state)
{
	struct est_login login = { true, "", "s\xc3\xa9""cret" };
	struct est_peer peer = { .version = "1.2", .ems = true,
	    .pop_used = true, .unique = "abc", .unique_len = 3,
	    .exporter = "defg", .exporter_len = 4, .nchain = 2 };
	json_t *a, *tls, *chain;

	(void)state;
	peer.chain[0] = (struct est_blob){ csr, 5 };
	peer.chain[1] = (struct est_blob){ csr, 2 };
	a = est_call_enroll("cam", &(struct est_blob){ csr, sizeof csr },
	    &login, &peer, "::1");
	assert_int_equal(json_object_size(a), 8);
	assert_string_equal(text(a, "user"), "");
	assert_string_equal(text(a, "password"), "s\xc3\xa9""cret");
	assert_true(json_is_true(json_object_get(a, "pop_used")));
	chain = json_object_get(a, "chain");
	assert_int_equal(json_array_size(chain), 2);
	assert_string_equal(json_string_value(json_array_get(chain, 0)),
	    "MAMCAQU=");
	assert_string_equal(json_string_value(json_array_get(chain, 1)),
	    "MAM=");
	tls = json_object_get(a, "tls");
	assert_string_equal(text(tls, "unique"), "YWJj");
	assert_string_equal(text(tls, "exporter"), "ZGVmZw==");
	assert_true(json_is_true(json_object_get(tls, "ems")));
	json_decref(a);
}

/* Text that is not UTF-8 cannot be said in JSON: nothing is sent then. */
static void
test_enroll_not_utf8(void **state)
{
	struct est_login login = { true, "\xff", "x" };
	struct est_peer peer = { .version = "1.3" };

	(void)state;
	assert_null(est_call_enroll("", &(struct est_blob){ csr, sizeof csr },
	    &login, &peer, "::1"));
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_read),
		cmocka_unit_test(test_enroll_bare),
		cmocka_unit_test(test_enroll_full),
		cmocka_unit_test(test_enroll_not_utf8),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
