/* SPDX-License-Identifier: Apache-2.0 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <signal.h>
#include <unistd.h>

#include <cmocka.h>

#include "ca/base/ctx.h"
#include "enroll/renew/wait.h"

#define FAR INT64_C(4000000000000)

static void
signals_and_time(void **state)
{
	struct wait *w = NULL;

	(void)state;
	assert_int_equal(wait_open(&w), 0);
	/* A time in the past is due at once. */
	assert_int_equal(wait_until(w, 1000), RUN_DUE);
	kill(getpid(), SIGHUP);
	assert_int_equal(wait_until(w, FAR), RUN_NOW);
	kill(getpid(), SIGTERM);
	assert_int_equal(wait_until(w, FAR), RUN_END);
	/* Both: the end goes first. */
	kill(getpid(), SIGHUP);
	kill(getpid(), SIGINT);
	assert_int_equal(wait_until(w, FAR), RUN_END);
	wait_close(w);
	wait_close(NULL);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(signals_and_time),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
