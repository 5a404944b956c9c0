/* SPDX-License-Identifier: Apache-2.0 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

#include "enroll/ocsp/bucket.h"

static const struct client_key key_a = { { 10 } };

static struct client_key
key_of(uint32_t n)
{
	struct client_key k = { { 1 } };

	memcpy(k.bytes + 4, &n, sizeof n);
	return k;
}

static int
take(struct bucket *b, const struct client_key *k, int64_t ms, int n)
{
	int got = 0;

	while (n-- > 0)
		got += bucket_take(b, k, ms);
	return got;
}

static void
test_burst_then_rate(void **state)
{
	struct bucket *b = NULL;

	(void)state;
	assert_int_equal(bucket_new(&b, &camca_ctx_system, 64, 100), 0);
	assert_int_equal(take(b, &key_a, 1000, 1000), 100);
	assert_int_equal(take(b, &key_a, 1000, 10), 0);
	assert_int_equal(take(b, &key_a, 1010, 10), 1);
	assert_int_equal(take(b, &key_a, 1500, 1000), 49);
	assert_int_equal(take(b, &key_a, 1000000, 1000), 100);
	bucket_free(b);
}

static void
test_addresses_are_apart(void **state)
{
	struct bucket *b = NULL;
	struct client_key k = key_of(7);

	(void)state;
	assert_int_equal(bucket_new(&b, &camca_ctx_system, 64, 10), 0);
	assert_int_equal(take(b, &key_a, 5, 100), 10);
	assert_int_equal(take(b, &k, 5, 100), 10);
	bucket_free(b);
}

static void
test_slow_and_fast(void **state)
{
	struct bucket *b = NULL;

	(void)state;
	assert_int_equal(bucket_new(&b, &camca_ctx_system, 64, 1), 0);
	assert_int_equal(take(b, &key_a, 0, 10), 1);
	assert_int_equal(take(b, &key_a, 999, 10), 0);
	assert_int_equal(take(b, &key_a, 1000, 10), 1);
	bucket_free(b);
	assert_int_equal(bucket_new(&b, &camca_ctx_system, 64, 1000000), 0);
	assert_int_equal(take(b, &key_a, 0, 2000), 2000);
	bucket_free(b);
}

/* However many addresses knock: the memory is what it was, and one that did
 * not knock before is served. */
static void
test_many_addresses(void **state)
{
	struct bucket *b = NULL;
	struct client_key k;

	(void)state;
	assert_int_equal(bucket_new(&b, &camca_ctx_system, 64, 10), 0);
	for (uint32_t i = 0; i < 100000; i++) {
		k = key_of(i);
		assert_true(bucket_take(b, &k, 1));
	}
	bucket_free(b);
	bucket_free(NULL);
}

int
main(void)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_burst_then_rate),
		cmocka_unit_test(test_addresses_are_apart),
		cmocka_unit_test(test_slow_and_fast),
		cmocka_unit_test(test_many_addresses),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
