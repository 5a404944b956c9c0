/* SPDX-License-Identifier: Apache-2.0 */
#include <stdio.h>

#include "enroll/renew/state.h"
#include "pki.h"
#include "rmtree.h"

static const struct state sample = {
	.exit_code = RENEW_PENDING, .generation = 7, .serial = "0A0B",
	.not_before_ms = PKI_NOW_MS, .not_after_ms = PKI_NOW_MS + 1000,
	.renew_at_ms = PKI_NOW_MS + 500, .next_attempt_ms = PKI_NOW_MS + 7,
	.failures = 3, .updated_ms = PKI_NOW_MS + 1,
	.last_error = "The server answered: wait.",
};

static void
round_trip(void **state)
{
	char *dir = pki_tmpdir();
	struct state st;

	(void)state;
	state_load(&st, dir);
	assert_int_equal(st.generation, 0);
	assert_int_equal(state_save(&sample, dir), 0);
	state_load(&st, dir);
	assert_int_equal(st.exit_code, RENEW_PENDING);
	assert_int_equal(st.generation, 7);
	assert_string_equal(st.serial, "0A0B");
	assert_true(st.not_after_ms == sample.not_after_ms);
	assert_true(st.next_attempt_ms == sample.next_attempt_ms);
	assert_int_equal(st.failures, 3);
	assert_string_equal(st.last_error, sample.last_error);
	rmtree(dir);
}

/* The longest error text must come back: else one bad answer would make the
 * file unreadable for good. */
static void
longest_error(void **state)
{
	struct state st = sample, back;
	struct buf text;

	(void)state;
	memset(st.last_error, 'e', sizeof st.last_error - 1);
	buf_init(&text, 0);
	assert_int_equal(state_format(&text, &st), 0);
	assert_int_equal(state_parse(&back, &text), 0);
	assert_string_equal(back.last_error, st.last_error);
	buf_fini(&text);
}

static void
cut_at_each_byte(void **state)
{
	struct buf text, cut;
	struct state st;
	int ret;

	(void)state;
	buf_init(&text, 0);
	buf_init(&cut, 0);
	assert_int_equal(state_format(&text, &sample), 0);
	for (size_t n = 0; n < text.len; n++) {
		buf_reset(&cut);
		assert_int_equal(buf_put(&cut, text.data, n), 0);
		ret = state_parse(&st, &cut);
		/* Whole lines are fine, a torn one spoils the file. */
		assert_int_equal(ret, n == 0 || text.data[n - 1] == '\n' ? 0 :
		    CAMCA_EINVAL);
		if (ret < 0)
			assert_int_equal(st.generation, 0);
	}
	buf_fini(&text);
	buf_fini(&cut);
}

static void
malformed(void **state)
{
	static const char *const bad[] = { "x\n", "exit-code: 10\n",
	    "exit-code: -1\n", "exit-code: \n", "generation: 1234567890\n",
	    "not-after: yesterday\n", "failures: 1x\n" };
	struct state st;
	struct buf text;

	(void)state;
	buf_init(&text, 0);
	for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) {
		buf_reset(&text);
		assert_int_equal(buf_puts(&text, bad[i]), 0);
		assert_int_equal(state_parse(&st, &text), CAMCA_EINVAL);
	}
	buf_reset(&text);
	assert_int_equal(buf_put(&text, "a: b\n\0c: d\n", 11), 0);
	assert_int_equal(state_parse(&st, &text), CAMCA_EINVAL);
	buf_reset(&text);
	assert_int_equal(buf_puts(&text, "future-key: x\ngeneration: 4\n"), 0);
	assert_int_equal(state_parse(&st, &text), 0);
	assert_int_equal(st.generation, 4);
	buf_fini(&text);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(round_trip),
		cmocka_unit_test(longest_error),
		cmocka_unit_test(cut_at_each_byte),
		cmocka_unit_test(malformed),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
