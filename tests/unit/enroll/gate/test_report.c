/* SPDX-License-Identifier: Apache-2.0 */
#include "tests/unit/enroll/gate/fake_authority.h"

#include <poll.h>

#include "ca/base/mono.h"
#include "enroll/gate/report.h"

static struct upstream *
start(struct fake *f)
{
	int64_t end = mono_ms() + FAKE_TURN_S * 1000;
	struct upstream_config c;
	struct upstream *u;

	fake_init(f);
	fake_listen(f);
	upstream_defaults(&c, f->path);
	c.retry_min_ms = 1;
	assert_int_equal(upstream_open(&u, &c), CAMCA_OK);
	fake_accept(f);
	while (!upstream_connected(u) && mono_ms() < end)
		poll(NULL, 0, 1);
	assert_true(upstream_connected(u));
	return u;
}

static void
note(struct report *r, int http, const char *code, int64_t now)
{
	struct refusal why = { .http = http };

	snprintf(why.code, sizeof why.code, "%s", code);
	snprintf(why.detail, sizeof why.detail, "Detail of %s.", code);
	report_refusal(r, "simpleenroll", "cam", &why, "192.0.2.1", now);
}

static json_int_t
count_of(json_t *call, const char *code)
{
	json_t *a = json_object_get(call, "args");

	assert_string_equal(json_string_value(json_object_get(call, "op")),
	    "est.refused");
	assert_string_equal(json_string_value(json_object_get(a, "code")),
	    code);
	return json_integer_value(json_object_get(a, "count"));
}

static void
test_one_refusal(void **state)
{
	struct upstream *u;
	struct report *r;
	struct fake f;
	json_t *call, *a;

	(void)state;
	u = start(&f);
	assert_int_equal(report_new(&r, u), CAMCA_OK);
	note(r, 415, "est.media-type", 1000);
	call = fake_call(&f);
	assert_int_equal(count_of(call, "est.media-type"), 1);
	a = json_object_get(call, "args");
	assert_int_equal(json_integer_value(json_object_get(a, "http")), 415);
	assert_string_equal(json_string_value(json_object_get(a, "op")),
	    "simpleenroll");
	assert_string_equal(json_string_value(json_object_get(a, "label")),
	    "cam");
	assert_string_equal(json_string_value(json_object_get(a, "remote")),
	    "192.0.2.1");
	assert_string_equal(json_string_value(json_object_get(a, "detail")),
	    "Detail of est.media-type.");
	json_decref(call);
	report_free(r);
	upstream_close(u);
	fake_fini(&f);
}

/* A flood: REPORT_PER_SECOND events, the rest in one with its count. */
static void
test_flood_is_summed(void **state)
{
	struct upstream *u;
	struct report *r;
	struct fake f;
	json_t *call;
	int i;

	(void)state;
	u = start(&f);
	assert_int_equal(report_new(&r, u), CAMCA_OK);
	for (i = 0; i < 5000; i++)
		note(r, 404, "est.no-such-resource", 1000 + i % 900);
	for (i = 0; i < REPORT_PER_SECOND; i++) {
		call = fake_call(&f);
		assert_int_equal(count_of(call, "est.no-such-resource"), 1);
		json_decref(call);
	}
	report_flush(r, 1999);
	report_flush(r, 2000);
	call = fake_call(&f);
	assert_int_equal(count_of(call, "est.no-such-resource"),
	    5000 - REPORT_PER_SECOND);
	json_decref(call);
	report_free(r);
	upstream_close(u);
	fake_fini(&f);
}

/* More kinds than there is room for are counted with others, never lost. */
static void
test_many_kinds(void **state)
{
	json_int_t total = 0;
	struct upstream *u;
	struct report *r;
	struct fake f;
	json_t *call;
	char code[32];
	int i;

	(void)state;
	u = start(&f);
	assert_int_equal(report_new(&r, u), CAMCA_OK);
	for (i = 0; i < 500; i++) {
		snprintf(code, sizeof code, "kind.%d", i);
		note(r, 400, code, 1000);
	}
	for (i = 0; i < 20; i++)
		report_flush(r, 2000 + i * 1000);
	for (i = 0; i < REPORT_PER_SECOND + REPORT_KINDS; i++) {
		call = fake_call(&f);
		total += json_integer_value(json_object_get(json_object_get(
		    call, "args"), "count"));
		json_decref(call);
	}
	assert_int_equal(total, 500);
	report_free(r);
	upstream_close(u);
	fake_fini(&f);
}

/* While the authority is away refusals are kept, and told when it is back. */
static void
test_kept_while_away(void **state)
{
	struct upstream_config c;
	struct upstream *u;
	struct report *r;
	struct fake f;
	json_t *call;
	int i;

	(void)state;
	fake_init(&f);
	upstream_defaults(&c, f.path);
	c.retry_min_ms = c.retry_max_ms = 1;
	assert_int_equal(upstream_open(&u, &c), CAMCA_OK);
	assert_int_equal(report_new(&r, u), CAMCA_OK);
	for (i = 0; i < 7; i++)
		note(r, 503, "system.authority-unreachable", 1000 + i);
	fake_listen(&f);
	fake_accept(&f);
	while (!upstream_connected(u))
		poll(NULL, 0, 1);
	report_flush(r, 5000);
	call = fake_call(&f);
	assert_int_equal(count_of(call, "system.authority-unreachable"), 7);
	json_decref(call);
	report_free(r);
	upstream_close(u);
	fake_fini(&f);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_one_refusal),
		cmocka_unit_test(test_flood_is_summed),
		cmocka_unit_test(test_many_kinds),
		cmocka_unit_test(test_kept_while_away),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
