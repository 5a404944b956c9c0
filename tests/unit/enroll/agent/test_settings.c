/* SPDX-License-Identifier: Apache-2.0 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include <string.h>

#include "enroll/agent/settings.h"

static int
parse(struct agent_settings *s, const char *text, struct refusal *why)
{
	struct buf b;

	memset(why, 0, sizeof *why);
	buf_init(&b, 0);
	assert_int_equal(buf_puts(&b, text), CAMCA_OK);
	return agent_settings_parse(s, &b, NULL, why);
}

static void
test_good(void **state)
{
	struct agent_settings s;
	struct refusal why;

	(void)state;
	assert_int_equal(parse(&s, "# ours\n\n  url = https://pki.example:8443"
	    "\r\nid=north-1\n concurrency = 100\npoll=7\n"
	    "login-paths = /web/login, rtsp:8554/stream1\n", &why), CAMCA_OK);
	assert_string_equal(s.value[AGENT_URL], "https://pki.example:8443");
	assert_string_equal(s.value[AGENT_ID], "north-1");
	assert_int_equal(s.concurrency, 100);
	assert_int_equal(s.poll_ms, 7000);
	assert_int_equal(s.timeout_ms, 30000);
	assert_int_equal(s.key_ms, 600000);
	assert_int_equal(s.surfaces, 2);
	assert_string_equal(s.surface[1], "rtsp:8554/stream1");
	assert_string_equal(s.value[AGENT_DIR], "/var/lib/camca-agent");
	agent_settings_fini(&s);
}

static void
test_refused(void **state)
{
	static const char *const bad[] = {
		"", "id = a", "url = https://h", "url = http://h\nid = a",
		"url = https://h/path\nid = a", "url = https://h\nid =",
		"url = https://h\nid = a\nid = b", "what = 1",
		"url = https://h\nid = a\nno line",
		"url = https://h\nid = a\nconcurrency = 0",
		"url = https://h\nid = a\nconcurrency = 1025",
		"url = https://h\nid = a\nconcurrency = 99999999999999999999",
		"url = https://h\nid = a\npoll = -1",
		"url = https://h\nid = a\npoll = 5x",
		"url = https://h\nid = a\nlogin-paths = web",
		"url = https://h\nid = a\nlogin-paths = rtsp:stream",
		"url = https://h\nid = a\nlogin-paths = /1 /2 /3 /4 /5",
	};
	struct agent_settings s;
	struct refusal why;
	size_t i;

	(void)state;
	for (i = 0; i < sizeof bad / sizeof bad[0]; i++) {
		assert_int_equal(parse(&s, bad[i], &why), CAMCA_EINVAL);
		assert_true(why.detail[0] != '\0');
		agent_settings_fini(&s);
	}
}

/* Cut anywhere it is taken or refused, never read past its end. */
static void
test_cut(void **state)
{
	static const char text[] = "url = https://pki.example\nid = a\n"
	    "login-paths = /web/login\nconcurrency = 12\n";
	struct agent_settings s;
	struct refusal why = { 0 };
	struct buf b;
	size_t n;

	(void)state;
	for (n = 0; n < sizeof text; n++) {
		buf_init(&b, 0);
		assert_int_equal(buf_put(&b, text, n), CAMCA_OK);
		(void)!agent_settings_parse(&s, &b, "/tmp/x", &why);
		agent_settings_fini(&s);
	}
	buf_init(&b, 0);
	assert_int_equal(buf_put(&b, "url\0x", 5), CAMCA_OK);
	assert_int_equal(agent_settings_parse(&s, &b, NULL, &why),
	    CAMCA_EINVAL);
	agent_settings_fini(&s);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_good),
		cmocka_unit_test(test_refused),
		cmocka_unit_test(test_cut),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
