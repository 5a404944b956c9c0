/* SPDX-License-Identifier: Apache-2.0 */
#include "tests/unit/enroll/ocsp/pki.h"

#include "ca/base/uptime.h"
#include "enroll/ocsp/judge.h"

static const struct judge_times times = { .now_s = PKI_NOW_S, .life_s = 3600,
	.end_s = PKI_NOW_S + 604800 };

static struct ocsp_single
filled(const struct prepared_about *about, const struct judge_times *t,
    bool *extended)
{
	struct ocsp_request req = { .n = 1 };
	struct ocsp_data d;

	judge_fill(&d, about, &req, t);
	assert_int_equal(d.n, 1);
	assert_int_equal(d.produced_s, t->now_s);
	*extended = d.extended_revoke;
	return d.singles[0];
}

static void
test_times(void **state)
{
	struct prepared_about a = { .status = { .value = STATUS_GOOD } };
	struct judge_times t = times;
	struct ocsp_single s;
	bool ext;

	(void)state;
	s = filled(&a, &t, &ext);
	assert_int_equal(s.this_s, PKI_NOW_S - JUDGE_SKEW_S);
	assert_int_equal(s.next_s, PKI_NOW_S + 3600);
	assert_int_equal(s.archive_s, 0);
	assert_false(ext);
	t.end_s = PKI_NOW_S + 10;
	t.retention_s = 7;
	s = filled(&a, &t, &ext);
	assert_int_equal(s.next_s, PKI_NOW_S + 10);
	assert_int_equal(s.archive_s, PKI_NOW_S - 7);
}

/* thisUpdate is never before the revocation, and never after now, even where
 * the revocation seems to lie ahead. */
static void
test_this_update(void **state)
{
	static const struct {
		int64_t revoked_s, this_s;
	} rows[] = { { PKI_NOW_S - 1000, PKI_NOW_S - 300 },
	    { PKI_NOW_S - 299, PKI_NOW_S - 299 }, { PKI_NOW_S, PKI_NOW_S },
	    { PKI_NOW_S + 5, PKI_NOW_S } };
	struct prepared_about a = { .status = { .value = STATUS_REVOKED,
	    .rev_seq = 1 } };
	bool ext;

	(void)state;
	for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
		a.status.revoked_s = rows[i].revoked_s;
		assert_int_equal(filled(&a, &times, &ext).this_s,
		    rows[i].this_s);
	}
}

static void
test_reasons(void **state)
{
	struct prepared_about a = { .status = { .value = STATUS_REVOKED,
	    .rev_seq = 1, .revoked_s = PKI_NOW_S } };
	bool ext;

	(void)state;
	a.status.reason = STATUS_WIRE_NO_REASON;
	assert_int_equal(filled(&a, &times, &ext).reason, -1);
	a.status.reason = 0;
	assert_int_equal(filled(&a, &times, &ext).reason, -1);
	a.status.reason = 10;
	assert_int_equal(filled(&a, &times, &ext).reason, 10);
}

static void
test_not_issued(void **state)
{
	struct prepared_about a = { .status = { .value = STATUS_UNKNOWN } };
	struct ocsp_single s;
	bool ext;

	(void)state;
	s = filled(&a, &times, &ext);
	assert_true(s.revoked);
	assert_int_equal(s.reason, 6);
	assert_int_equal(s.revoked_s, 0);
	assert_true(ext);
	a.ca = true;
	s = filled(&a, &times, &ext);
	assert_false(s.revoked);
	assert_false(ext);
}

static void
test_again(void **state)
{
	struct status_wire w = { .serial = { 1 }, .issuer = 2,
	    .status = STATUS_WIRE_GOOD, .reason = STATUS_WIRE_NO_REASON };
	struct prepared_about a = { .issuer = 2, .serial = { 1 } };
	struct table *t = NULL;

	(void)state;
	assert_int_equal(table_new(&t), 0);
	/* Not issued then, and not now: it holds while the lease does. */
	assert_int_equal(judge_again(t, &a), JUDGE_NOT_NOW);
	table_load_end(t);
	assert_int_equal(table_load_begin(t), 0);
	table_load_end(t);
	table_lease(t, uptime_ms() + 3600000);
	assert_int_equal(judge_again(t, &a), JUDGE_SAME);
	assert_int_equal(table_put(t, &w), 0);
	assert_int_equal(judge_again(t, &a), JUDGE_CHANGED);
	assert_true(table_lookup(t, 2, a.serial, &a.status));
	assert_int_equal(judge_again(t, &a), JUDGE_SAME);
	table_lease(t, 0);
	assert_int_equal(judge_again(t, &a), JUDGE_NOT_NOW);
	w.status = STATUS_WIRE_REVOKED;
	w.revoked_s = PKI_NOW_S;
	w.rev_seq = 1;
	assert_int_equal(table_put(t, &w), 0);
	assert_int_equal(judge_again(t, &a), JUDGE_CHANGED);
	assert_true(table_lookup(t, 2, a.serial, &a.status));
	assert_int_equal(judge_again(t, &a), JUDGE_SAME);
	table_free(t);
}

int
main(void)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_times),
		cmocka_unit_test(test_this_update),
		cmocka_unit_test(test_reasons),
		cmocka_unit_test(test_not_issued),
		cmocka_unit_test(test_again),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
