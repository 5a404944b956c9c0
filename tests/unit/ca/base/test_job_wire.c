/* SPDX-License-Identifier: Apache-2.0 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <cmocka.h>

#include "ca/base/job_wire.h"

/* What is told to the other side is understood there. */
static void
test_names(void **state)
{
	int i;

	(void)state;
	for (i = 0; i < JOB_KINDS; i++)
		assert_int_equal(job_kind_parse(job_kind_name(
		    (enum job_kind)i)), i);
	for (i = 0; i < JOB_STEPS; i++)
		assert_int_equal(job_step_parse(job_step_name(
		    (enum job_step)i)), i);
	for (i = 0; i < JOB_ENDS; i++)
		assert_int_equal(job_end_parse(job_end_name(
		    (enum job_end)i)), i);
	assert_int_equal(job_kind_parse("Enroll"), -1);
	assert_int_equal(job_step_parse(""), -1);
}

static void
test_surfaces(void **state)
{
	static const char *const bad[] = { "", "web", "http://x/", "rtsp:",
		"rtsp:8554", "rtsp:/a b", "rtsp://host\n/", "rtsp:0/x",
		"rtsp:65536/x", "rtsp:123456/x", "rtsp:-1/x", "rtsp:x/x",
		"RTSP:/x", "/a#b", "/a\"b", "/\x80", "/<", "/a\\b" };
	struct job_surface s;
	size_t i;

	(void)state;
	assert_true(job_surface_parse("/web/login?a=b", &s));
	assert_false(s.rtsp);
	assert_string_equal(s.path, "/web/login?a=b");
	assert_true(job_surface_parse("rtsp:/stream1", &s));
	assert_true(s.rtsp);
	assert_int_equal(s.port, 0);
	assert_string_equal(s.path, "/stream1");
	assert_true(job_surface_parse("rtsp:65535/", &s));
	assert_int_equal(s.port, 65535);
	assert_string_equal(s.path, "/");
	for (i = 0; i < sizeof bad / sizeof bad[0]; i++)
		if (job_surface_parse(bad[i], &s))
			fail_msg("taken: %s", bad[i]);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_names),
		cmocka_unit_test(test_surfaces),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
