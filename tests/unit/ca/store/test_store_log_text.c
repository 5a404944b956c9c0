/* SPDX-License-Identifier: Apache-2.0 */
#include "tests/unit/ca/custody/log_fixture.h"

static void
test_text(void **state)
{
	struct event_view v;
	uint8_t out[EVENT_BODY_MAX];
	char body[EVENT_BODY_MAX], device[] = "cam-1";
	uint8_t prev[STORE_HASH_LEN];
	struct event e;
	size_t n, m;

	(void)state;
	memset(prev, 0xab, sizeof prev);
	event_init(&e, &src, "secret.made", device, "uid 0");
	event_add_time(&e, "expires", 0);
	assert_int_equal(event_format(&e, body, &n), 0);
	assert_int_equal(event_parse(&v, body, n, NULL), 0);
	assert_int_equal(v.dev_seq, 0);
	assert_int_equal(store_log_text(body, n, 1, NULL, out, &m), 0);
	assert_int_equal(event_parse(&v, out, m, NULL), 0);
	assert_int_equal(v.dev_seq, 1);
	assert_false(v.has_prev);
	assert_memory_equal(v.id, e.id, sizeof e.id);
	assert_int_equal(store_log_text(body, n, INT64_C(999999999999999999),
	    prev, out, &m), 0);
	assert_int_equal(event_parse(&v, out, m, NULL), 0);
	assert_int_equal(v.dev_seq, INT64_C(999999999999999999));
	assert_memory_equal(v.dev_prev, prev, sizeof prev);
	/* Nothing else changed. */
	assert_int_equal(m, n + EVENT_BODY_MAX - EVENT_OUTBOX_MAX);
}

/* The largest event that can be written fits with the two lines as well; one
 * byte more is refused when it is written, not here. */
static void
test_text_limits(void **state)
{
	uint8_t out[EVENT_BODY_MAX];
	char body[EVENT_BODY_MAX + 1];
	uint8_t prev[STORE_HASH_LEN] = { 0 };
	size_t n, m;

	(void)state;
	memset(body, 'x', sizeof body);
	memcpy(body, "\n\n\n\n\n", 5);
	assert_int_equal(store_log_text(body, EVENT_OUTBOX_MAX,
	    INT64_C(999999999999999999), prev, out, &m), 0);
	assert_int_equal(m, EVENT_BODY_MAX);
	assert_int_equal(store_log_text(body, EVENT_OUTBOX_MAX + 1, 1, NULL, out,
	    &m), CAMCA_ELIMIT);
	assert_int_equal(store_log_text(body, EVENT_OUTBOX_MAX, INT64_MAX, prev,
	    out, &m), CAMCA_ELIMIT);
	for (n = 0; n < 5; n++)
		assert_int_equal(store_log_text(body, n, 1, NULL, out, &m),
		    CAMCA_EINVAL);
	assert_int_equal(store_log_text(body, 5, 1, NULL, out, &m), 0);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_text),
		cmocka_unit_test(test_text_limits),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
