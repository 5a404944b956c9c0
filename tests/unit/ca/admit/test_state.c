/* SPDX-License-Identifier: Apache-2.0 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <cmocka.h>

#include "ca/admit/admit.h"

/* The whole table, written out again: rows from, columns to, in the order
 * registered, enrolled, held, revoked, retired, lost. */
static void
test_moves(void **state)
{
	static const char *const allowed[DEVICE_STATES] = {
		".x..xx",
		"..xxxx",
		".x.xxx",
		".....x",
		".....x",
		"......",
	};
	int from, to;

	(void)state;
	for (from = 0; from < DEVICE_STATES; from++)
		for (to = 0; to < DEVICE_STATES; to++)
			assert_int_equal(device_move_ok(
			    (enum device_state)from, (enum device_state)to),
			    allowed[from][to] == 'x');
	assert_false(device_move_ok(DEVICE_STATES, DEVICE_LOST));
	assert_false(device_move_ok(DEVICE_ENROLLED, DEVICE_STATES));
	assert_false(device_move_ok((enum device_state)-1, DEVICE_LOST));
	assert_false(device_move_ok(DEVICE_ENROLLED, (enum device_state)-1));
	assert_false(device_move_ok(DEVICE_ENROLLED, (enum device_state)33));
}

static void
test_names(void **state)
{
	int i;

	(void)state;
	for (i = 0; i < DEVICE_PLACES; i++)
		assert_int_equal(device_place_parse(device_place_name(
		    (enum device_place)i)), i);
	for (i = DEVICE_CAMERA; i <= DEVICE_RA; i++)
		assert_int_equal(device_kind_parse(device_kind_name(
		    (enum device_kind)i)), i);
	for (i = 0; i < DOC_KINDS; i++)
		assert_int_equal(document_kind_parse(document_kind_name(
		    (enum document_kind)i)), i);
	assert_string_equal(device_state_name(DEVICE_HELD), "held");
	assert_string_equal(device_state_name(DEVICE_STATES), "?");
	assert_string_equal(device_state_name((enum device_state)-1), "?");
	assert_string_equal(device_place_name(DEVICE_PLACES), "?");
	assert_string_equal(device_kind_name((enum device_kind)9), "?");
	assert_string_equal(document_kind_name(DOC_KINDS), "?");
}

static void
test_unknown_names(void **state)
{
	static const char *const bad[] = { "", "Camera", "camera ", "key area",
	    "?", "other1" };
	size_t i;

	(void)state;
	for (i = 0; i < sizeof bad / sizeof bad[0]; i++) {
		assert_int_equal(device_place_parse(bad[i]), CAMCA_EINVAL);
		assert_int_equal(device_kind_parse(bad[i]), CAMCA_EINVAL);
		assert_int_equal(document_kind_parse(bad[i]), CAMCA_EINVAL);
	}
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_moves),
		cmocka_unit_test(test_names),
		cmocka_unit_test(test_unknown_names),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
