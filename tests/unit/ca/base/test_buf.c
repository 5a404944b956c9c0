/* SPDX-License-Identifier: Apache-2.0 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "ca/base/buf.h"

static void
test_empty(void **state)
{
	struct buf b;

	(void)state;
	buf_init(&b, 0);
	assert_int_equal(b.len, 0);
	assert_string_equal(buf_str(&b), "");
	buf_shift(&b, 0);
	buf_reset(&b);
	buf_fini(&b);
	buf_fini(&b);
	assert_int_equal(buf_put(&b, NULL, 0), CAMCA_OK);
	assert_string_equal(buf_str(&b), "");
	buf_fini(&b);
}

static void
test_puts_and_keeps_a_nul(void **state)
{
	struct buf b;
	int i;

	(void)state;
	buf_init(&b, 0);
	for (i = 0; i < 5000; i++) {
		assert_int_equal(buf_putc(&b, (uint8_t)('a' + i % 26)), 0);
		assert_int_equal(b.data[b.len], 0);
	}
	assert_int_equal(b.len, 5000);
	assert_int_equal(b.data[4999], 'a' + 4999 % 26);
	buf_reset(&b);
	assert_string_equal(buf_str(&b), "");
	assert_int_equal(buf_printf(&b, "%d-%s", 7, "x"), CAMCA_OK);
	assert_string_equal(buf_str(&b), "7-x");
	assert_int_equal(buf_puts(&b, "yz"), CAMCA_OK);
	buf_shift(&b, 3);
	assert_string_equal(buf_str(&b), "yz");
	buf_shift(&b, 2);
	assert_string_equal(buf_str(&b), "");
	buf_fini(&b);
}

/* Exactly the maximum fits; one more does not, and changes nothing. */
static void
test_limit(void **state)
{
	struct buf b;

	(void)state;
	buf_init(&b, 10);
	assert_int_equal(buf_put(&b, "0123456789", 10), CAMCA_OK);
	assert_int_equal(buf_putc(&b, 'x'), CAMCA_ELIMIT);
	assert_int_equal(buf_puts(&b, "x"), CAMCA_ELIMIT);
	assert_int_equal(buf_printf(&b, "%c", 'x'), CAMCA_ELIMIT);
	assert_int_equal(buf_reserve(&b, 1), CAMCA_ELIMIT);
	assert_int_equal(buf_reserve(&b, 0), CAMCA_OK);
	assert_string_equal(buf_str(&b), "0123456789");
	buf_fini(&b);
	assert_int_equal(buf_put(&b, "0123456789A", 11), CAMCA_ELIMIT);
	assert_int_equal(b.len, 0);
	buf_fini(&b);
}

/* Sizes near SIZE_MAX must not wrap round to a small allocation. */
static void
test_overflow(void **state)
{
	struct buf b;

	(void)state;
	buf_init(&b, 0);
	assert_int_equal(buf_puts(&b, "abc"), CAMCA_OK);
	assert_int_equal(buf_reserve(&b, SIZE_MAX), CAMCA_ELIMIT);
	assert_int_equal(buf_reserve(&b, SIZE_MAX - 3), CAMCA_ELIMIT);
	assert_int_equal(buf_reserve(&b, SIZE_MAX / 2), CAMCA_ELIMIT);
	assert_string_equal(buf_str(&b), "abc");
	buf_fini(&b);
}

static void
test_cleanse(void **state)
{
	struct buf b;

	(void)state;
	buf_init(&b, 64);
	assert_int_equal(buf_puts(&b, "secret"), CAMCA_OK);
	buf_cleanse(&b);
	assert_null(b.data);
	assert_int_equal(b.len, 0);
	assert_int_equal(b.max, 64);
	buf_cleanse(&b);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_empty),
		cmocka_unit_test(test_puts_and_keeps_a_nul),
		cmocka_unit_test(test_limit),
		cmocka_unit_test(test_overflow),
		cmocka_unit_test(test_cleanse),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
