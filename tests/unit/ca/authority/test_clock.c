/* SPDX-License-Identifier: Apache-2.0 */
#include "tests/unit/ca/authority/fixture.h"

static void
test_rises(void **state)
{
	struct fix *f = *state;
	int64_t now;

	assert_int_equal(authority_now(&f->a, &now, NULL), 0);
	assert_int_equal(now, FIX_NOW);
	f->now_ms = FIX_NOW + 1000;
	assert_int_equal(authority_now(&f->a, &now, NULL), 0);
	assert_int_equal(now, FIX_NOW + 1000);
}

/* N5: a small step back is evened out, a large one stops decisions. */
static void
test_n5_step_back(void **state)
{
	struct fix *f = *state;
	struct refusal why = { 0 };
	int64_t now, events;

	assert_int_equal(authority_now(&f->a, &now, NULL), 0);
	f->now_ms = FIX_NOW - 60000;
	assert_int_equal(authority_now(&f->a, &now, NULL), 0);
	assert_int_equal(now, FIX_NOW);
	events = fix_events(f);
	f->now_ms = FIX_NOW - 301000;
	assert_int_equal(authority_now(&f->a, &now, &why), CAMCA_ETIME);
	assert_int_equal(why.http, 503);
	assert_string_equal(why.code, "system.clock-back");
	assert_int_equal(fix_events(f), events + 1);
	assert_int_equal(authority_now(&f->a, &now, &why), CAMCA_ETIME);
	assert_int_equal(fix_events(f), events + 1);
	f->now_ms = FIX_NOW;
	assert_int_equal(authority_now(&f->a, &now, &why), 0);
}

/* The mark outlives the process, and an operator can lift it. */
static void
test_n5_mark_is_stored(void **state)
{
	struct fix *f = *state;
	int64_t now;

	assert_int_equal(authority_now(&f->a, &now, NULL), 0);
	assert_int_equal(clock_store(&f->a), 0);
	f->a.clock_high_ms = 0;
	assert_int_equal(clock_load(&f->a), 0);
	f->now_ms = FIX_NOW - 86400000;
	assert_int_equal(authority_now(&f->a, &now, NULL), CAMCA_ETIME);
	assert_int_equal(fix_call(f, "{\"op\":\"system.clock-accept\"}"), 200);
	assert_int_equal(authority_now(&f->a, &now, NULL), 0);
	assert_int_equal(now, FIX_NOW - 86400000);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(test_rises, fix_setup, fix_teardown),
		cmocka_unit_test_setup_teardown(test_n5_step_back, fix_setup, fix_teardown),
		cmocka_unit_test_setup_teardown(test_n5_mark_is_stored, fix_setup, fix_teardown),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
