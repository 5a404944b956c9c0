/* SPDX-License-Identifier: Apache-2.0 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include <cmocka.h>

#include "ca/job/rules.h"

#define SHIPPED "policies/rules/jobs.yaml"

static char *
shipped(void)
{
	FILE *f = fopen(SHIPPED, "r");
	char *text = calloc(1, 65536);

	assert_non_null(f);
	assert_non_null(text);
	assert_true(fread(text, 1, 65535, f) > 1000);
	fclose(f);
	return text;
}

static int
load(const char *text, char error[static 600])
{
	char path[] = "/tmp/camca-rules-XXXXXX";
	struct job_rules r;
	int fd = mkstemp(path), ret;

	assert_true(fd >= 0);
	assert_int_equal(write(fd, text, strlen(text)), strlen(text));
	close(fd);
	error[0] = '\0';
	ret = job_rules_load(&r, path, error, 600);
	unlink(path);
	return ret;
}

static void
test_shipped(void **state)
{
	struct job_rules r, built_in;
	char error[600];
	size_t i;

	(void)state;
	assert_int_equal(job_rules_load(&r, SHIPPED, error, sizeof error), 0);
	assert_int_equal(r.version, 1);
	job_rules_shipped(&built_in);
	built_in.version = r.version;
	assert_int_equal(r.batch, built_in.batch);
	assert_int_equal(r.lease_ms, built_in.lease_ms);
	assert_int_equal(r.keep_ms, built_in.keep_ms);
	assert_int_equal(r.pause_ms, built_in.pause_ms);
	assert_int_equal(r.offset_min, built_in.offset_min);
	assert_int_equal(r.fallback, built_in.fallback);
	assert_int_equal(r.stop_after, built_in.stop_after);
	assert_int_equal(r.login_budget, built_in.login_budget);
	assert_int_equal(r.try_factory, built_in.try_factory);
	assert_int_equal(r.login_window_ms, built_in.login_window_ms);
	assert_string_equal(r.service_account, built_in.service_account);
	assert_int_equal(r.labels, built_in.labels);
	for (i = 0; i < 5; i++) {
		assert_int_equal(r.levels[i].rotate_every_ms,
		    built_in.levels[i].rotate_every_ms);
		assert_int_equal(r.levels[i].observe_every_ms,
		    built_in.levels[i].observe_every_ms);
		assert_int_equal(r.levels[i].crl_every_ms,
		    built_in.levels[i].crl_every_ms);
		assert_int_equal(r.levels[i].renew_at,
		    built_in.levels[i].renew_at);
		assert_memory_equal(&r.levels[i].window,
		    &built_in.levels[i].window, sizeof (struct job_window));
	}
}

static void
test_missing(void **state)
{
	struct job_rules r;
	char error[600];

	(void)state;
	assert_int_equal(job_rules_load(&r, "/nonexistent/jobs.yaml", error,
	    sizeof error), 0);
	assert_int_equal(r.version, 0);
	assert_int_equal(r.batch, 50);
}

/* Each key missing, one at a time; and each unknown. */
static void
test_each_key(void **state)
{
	char *text = shipped(), *copy = calloc(1, 70000), *line, *end;
	char error[600];
	int n = 0;

	(void)state;
	assert_non_null(copy);
	for (line = text; (end = strchr(line, '\n')) != NULL; line = end + 1) {
		if (line[0] == '#' || line[0] == '\n' ||
		    strncmp(line, "levels:", 7) == 0)
			continue;
		/* Taking a level's first line would break the YAML. */
		if (strncmp(line, "  - ", 4) == 0)
			continue;
		snprintf(copy, 70000, "%.*s%s", (int)(line - text), text,
		    end + 1);
		if (load(copy, error) == CAMCA_OK)
			fail_msg("without '%.*s'", (int)(end - line), line);
		assert_true(error[0] != '\0');
		snprintf(copy, 70000, "%.*s%.*sx%s", (int)(line - text), text,
		    (int)strspn(line, " "), line, line + strspn(line, " "));
		if (load(copy, error) == CAMCA_OK)
			fail_msg("unknown '%.*s'", (int)(end - line), line);
		n++;
	}
	assert_true(n > 60);
	free(copy);
	free(text);
}

static void
test_values(void **state)
{
	static const struct { const char *from, *to; } bad[] = {
		{ "lease: 120s", "lease: 1s" },
		{ "attempts: 5", "attempts: 0" },
		{ "batch: 50", "batch: 0" },
		{ "login_budget: 3", "login_budget: 1" },
		{ "login_window: 10m", "login_window: 25h" },
		{ "login_budget: 3", "login_budget: 100" },
		{ "on_fallback: hold", "on_fallback: revoke" },
		{ "est_labels: [camera, rsa]", "est_labels: []" },
		{ "utc_offset: \"+07:00\"", "utc_offset: \"Asia\"" },
		{ "renew_at: 66", "renew_at: 96" },
		{ "window: \"22:00-04:00\"", "window: \"22-4\"" },
		{ "days: [mon, tue, wed, thu, fri, sat, sun]", "days: []" },
		{ "days: [mon, tue, wed, thu, fri, sat, sun]",
		    "days: [monday]" },
		{ "- level: 2", "- level: 3" },
		{ "http_off: true", "http_off: maybe" },
		{ "login_paths: []", "login_paths: [web]" },
		{ "login_paths: []", "login_paths: [\"rtsp:\"]" },
		{ "login_paths: []", "login_paths: [\"rtsp:0/x\"]" },
	};
	char *text = shipped(), *copy = calloc(1, 70000), *at;
	char error[600];
	size_t i;

	(void)state;
	assert_non_null(copy);
	for (i = 0; i < sizeof bad / sizeof bad[0]; i++) {
		at = strstr(text, bad[i].from);
		if (at == NULL)
			fail_msg("no '%s'", bad[i].from);
		snprintf(copy, 70000, "%.*s%s%s", (int)(at - text), text,
		    bad[i].to, at + strlen(bad[i].from));
		if (load(copy, error) == CAMCA_OK)
			fail_msg("'%s' was taken", bad[i].to);
		/* It says where. */
		assert_non_null(strchr(error, ':'));
	}
	at = strstr(text, "service_account: camca-svc");
	assert_non_null(at);
	snprintf(copy, 70000, "%.*sservice_account: \"\"%s", (int)(at - text),
	    text, at + strlen("service_account: camca-svc"));
	assert_int_equal(load(copy, error), CAMCA_OK);
	at = strstr(text, "login_paths: []");
	snprintf(copy, 70000, "%.*slogin_paths: [/web, \"rtsp:/s\", "
	    "\"rtsp:8554/s\"]%s", (int)(at - text), text,
	    at + strlen("login_paths: []"));
	assert_int_equal(load(copy, error), CAMCA_OK);
	free(copy);
	free(text);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_shipped),
		cmocka_unit_test(test_missing),
		cmocka_unit_test(test_each_key),
		cmocka_unit_test(test_values),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
