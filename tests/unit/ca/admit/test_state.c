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
		".xxxxx",
		"..xxxx",
		"xx.xxx",
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

/* Every action on every standing, written out: the state it leads to and the
 * restriction, '-' unchanged, '!' refused. Columns in the order of the states,
 * for restriction none, watched, renewal-stopped. */
static void
test_actions(void **state)
{
	static const char *const want[DEVICE_ACTIONS][DEVICE_RESTRICTIONS] = {
		{ "rW eW hW ! ! !", "- - - ! ! !", "- - - ! ! !" },
		{ "rS eS hS ! ! !", "rS eS hS ! ! !", "- - - ! ! !" },
		{ "hN hN - ! ! !", "hW hW - ! ! !", "hS hS - ! ! !" },
		{ "- - eN ! ! !", "rN eN eN ! ! !", "rN eN eN ! ! !" },
		{ "xN xN xN ! ! !", "xW xW xW ! ! !", "xS xS xS ! ! !" },
	};
	static const char states[] = "rehxtl", restrictions[] = "NWS";
	struct device_standing from, to;
	enum device_effect e;
	char got[64], *p;
	int a, r, s;

	(void)state;
	for (a = 0; a < DEVICE_ACTIONS; a++)
		for (r = 0; r < DEVICE_RESTRICTIONS; r++) {
			p = got;
			for (s = 0; s < DEVICE_STATES; s++) {
				from.state = (enum device_state)s;
				from.restriction = (enum device_restriction)r;
				e = device_action((enum device_action)a, &from,
				    true, &to);
				if (s > 0)
					*p++ = ' ';
				if (e == EFFECT_CHANGES) {
					*p++ = states[to.state];
					*p++ = restrictions[to.restriction];
					continue;
				}
				*p++ = e == EFFECT_NONE ? '-' : '!';
				assert_memory_equal(&from, &to, sizeof to);
			}
			*p = '\0';
			assert_string_equal(got, want[a][r]);
		}
}

static void
test_action_edges(void **state)
{
	struct device_standing from = { DEVICE_HELD, RESTRICT_NONE }, to;

	(void)state;
	/* Never enrolled: back into its box. */
	assert_int_equal(device_action(ACTION_RELEASE, &from, false, &to),
	    EFFECT_CHANGES);
	assert_int_equal(to.state, DEVICE_REGISTERED);
	assert_int_equal(device_action(DEVICE_ACTIONS, &from, true, &to),
	    EFFECT_REFUSED);
	assert_int_equal(device_action((enum device_action)-1, &from, true,
	    &to), EFFECT_REFUSED);
	from.state = DEVICE_STATES;
	assert_int_equal(device_action(ACTION_HOLD, &from, true, &to),
	    EFFECT_REFUSED);
	from = (struct device_standing){ DEVICE_HELD, DEVICE_RESTRICTIONS };
	assert_int_equal(device_action(ACTION_RELEASE, &from, true, &to),
	    EFFECT_REFUSED);
	assert_int_equal(device_action_parse("stop-renewal"),
	    ACTION_STOP_RENEWAL);
	assert_int_equal(device_action_parse("Hold"), CAMCA_EINVAL);
	assert_string_equal(device_action_name(ACTION_HOLD), "hold");
	assert_string_equal(device_action_name(DEVICE_ACTIONS), "?");
	assert_string_equal(device_restriction_name(RESTRICT_RENEWAL),
	    "renewal-stopped");
}

static void
test_cert_actions(void **state)
{
	/* Rows: the actions; columns: good, hold, revoked(9), revoked(1). */
	static const char *const want[2][DEVICE_ACTIONS] = {
		{ "....", "....", "h...", ".g..", "rr.." },      /* 9 */
		{ "....", "....", "h...", ".g..", "rrr." },      /* 1 */
	};
	static const int64_t reasons[] = { 9, 1 }, was[] = { -1, 6, 9, 1 };
	static const enum cert_status status[] = { CERT_GOOD, CERT_HOLD,
	    CERT_REVOKED, CERT_REVOKED };
	enum cert_status to;
	int a, k, i;
	bool does;

	(void)state;
	for (k = 0; k < 2; k++)
		for (a = 0; a < DEVICE_ACTIONS; a++)
			for (i = 0; i < 4; i++) {
				does = cert_action((enum device_action)a,
				    reasons[k], status[i], was[i], &to);
				assert_int_equal(does, want[k][a][i] != '.');
				if (does)
					assert_int_equal("ghr"[to],
					    want[k][a][i]);
			}
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
		cmocka_unit_test(test_actions),
		cmocka_unit_test(test_action_edges),
		cmocka_unit_test(test_cert_actions),
		cmocka_unit_test(test_names),
		cmocka_unit_test(test_unknown_names),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
