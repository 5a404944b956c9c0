/* SPDX-License-Identifier: Apache-2.0 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <cmocka.h>

#include "enroll/gate/agent.h"

static void
test_routes(void **state)
{
	(void)state;
	assert_string_equal(agent_uri_op("/agent/v1/lease"), "agent.lease");
	assert_string_equal(agent_uri_op("/agent/v1/secret"), "agent.secret");
	assert_string_equal(agent_uri_op("/agent/v1/report"), "agent.report");
	assert_string_equal(agent_uri_op("https://gate.example/agent/v1/lease"),
	    "agent.lease");
	assert_string_equal(agent_uri_op("HTTPS://g:1/agent/v1/lease"),
	    "agent.lease");
}

/* One spelling for each: no second door with other rules. */
static void
test_others(void **state)
{
	static const char *const bad[] = { "", "/", "/agent/", "/agent/v1/",
		"/agent/v1/lease/", "/agent/v1/lease?x=1", "/agent/v1//lease",
		"/agent/v1/Lease", "/agent/v2/lease", "/agent/v1/../v1/lease",
		"/agent/v1/%6cease", "//agent/v1/lease",
		"http://g/agent/v1/lease", "https:///agent/v1/lease",
		"https://g", "/agent/v1/revoke", "/agent/v1/lease " };
	size_t i;

	(void)state;
	for (i = 0; i < sizeof bad / sizeof bad[0]; i++)
		if (agent_uri_op(bad[i]) != NULL)
			fail_msg("'%s' was taken", bad[i]);
	assert_true(agent_uri_is("/agent/v9/x"));
	assert_true(agent_uri_is("https://g/agent/"));
	assert_false(agent_uri_is("/agents/v1/lease"));
	assert_false(agent_uri_is("/.well-known/est/agent/simpleenroll"));
	assert_false(agent_uri_is(""));
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_routes),
		cmocka_unit_test(test_others),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
