/* SPDX-License-Identifier: Apache-2.0 */
/* Which steps each job takes, in which order. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include <stdio.h>
#include <string.h>

#include "enroll/agent/visit.h"

static const char *const expected[JOB_KINDS][JOB_MODES] = {
	[JOB_ENROLL] = {
		"reach clock observe key csr certificate upload path assign! "
		"tls account password crl protocols collect end ",
		"reach clock observe key assign account password crl "
		"protocols collect end ",
		"reach observe assign! tls end " },
	[JOB_RENEW] = {
		"reach clock observe key csr certificate upload path assign! "
		"tls collect end ",
		"reach clock observe key assign collect end ",
		"reach observe assign! tls end " },
	[JOB_ROTATE] = { "reach clock observe password end ",
		"reach clock observe password end ", "" },
	[JOB_CRL] = { "reach observe crl end ", "reach observe crl end ", "" },
	[JOB_OBSERVE] = { "reach clock observe end ",
		"reach clock observe end ", "" },
	[JOB_RETIRE] = { "reach observe assign! tls collect end ",
		"reach observe assign end ", "" },
};

static void
test_rows(void **state)
{
	const struct visit_row *r;
	char text[256];
	size_t n;
	int k, m;

	(void)state;
	for (k = 0; k < JOB_KINDS; k++)
		for (m = 0; m < JOB_MODES; m++) {
			n = 0;
			text[0] = '\0';
			for (r = visit_next((enum job_kind)k, (enum job_mode)m,
			    NULL); r != NULL; r = visit_next((enum job_kind)k,
			    (enum job_mode)m, r))
				n += (size_t)snprintf(text + n, sizeof text - n,
				    "%s%s ", job_step_name(r->step),
				    r->critical ? "!" : "");
			assert_string_equal(text, expected[k][m]);
		}
}

static bool
row_changes(const struct visit_row *r)
{
	static int (*const changing[])(struct visit *v) = { step_clock,
	    step_key, step_csr, step_certificate, step_upload, step_path,
	    step_assign, step_assign_away, step_assign_back, step_account,
	    step_password, step_crl, step_protocols, step_collect,
	    step_collect_all };
	size_t i;

	for (i = 0; i < sizeof changing / sizeof changing[0]; i++)
		if (r->run == changing[i])
			return true;
	return false;
}

/* Looking at a camera changes nothing there; a rotation nothing but passwords;
 * and each step is taken once. */
static void
test_only_looks(void **state)
{
	const struct visit_row *r, *last;
	int k;

	(void)state;
	for (k = 0; k < JOB_KINDS; k++)
		for (r = last = NULL; (r = visit_next((enum job_kind)k,
		    JOB_PLAN, r)) != NULL; last = r) {
			assert_false(row_changes(r));
			assert_true(last == NULL || last->step < r->step);
		}
	for (r = NULL; (r = visit_next(JOB_OBSERVE, JOB_APPLY, r)) != NULL; )
		assert_false(row_changes(r));
	for (r = NULL; (r = visit_next(JOB_ROTATE, JOB_APPLY, r)) != NULL; )
		assert_true(!row_changes(r) || r->run == step_password);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_rows),
		cmocka_unit_test(test_only_looks),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
