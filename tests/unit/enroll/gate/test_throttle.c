/* SPDX-License-Identifier: Apache-2.0 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <cmocka.h>

#include <arpa/inet.h>
#include <netinet/in.h>

#include "enroll/gate/throttle.h"

/* A clock that starts somewhere in the middle of a window. */
#define T0 (60000 * 100 + 12345)

static int
fake_random(void *arg, uint8_t *out, size_t n)
{
	(void)arg;
	memset(out, 0x5a, n);
	return CAMCA_OK;
}

static int
broken_random(void *arg, uint8_t *out, size_t n)
{
	(void)arg;
	(void)out;
	(void)n;
	return CAMCA_ECRYPTO;
}

static const struct camca_ctx ctx = { .random = fake_random };

static struct throttle *
make(int64_t per_minute)
{
	struct throttle *t;

	assert_int_equal(throttle_new(&t, &ctx, 64, per_minute), CAMCA_OK);
	return t;
}

static struct client_key
v4(uint32_t a)
{
	struct sockaddr_in sa = { .sin_family = AF_INET };
	struct client_key k;

	sa.sin_addr.s_addr = htonl(a);
	client_key(&k, (const struct sockaddr *)&sa);
	return k;
}

/* E10: the limit, and not before. */
static void
test_e10_limit(void **state)
{
	struct client_key k = v4(0xc0000201), other = v4(0xc0000202);
	struct throttle *t = make(3);
	int i;

	(void)state;
	for (i = 0; i < 3; i++) {
		assert_int_equal(throttle_wait_s(t, &k, T0), 0);
		throttle_failed(t, &k, T0 + i);
	}
	assert_in_range(throttle_wait_s(t, &k, T0 + 10), 1, 60);
	assert_int_equal(throttle_wait_s(t, &other, T0 + 10), 0);
	throttle_free(t);
}

/* Waiting as long as was said is enough, however the failures lay. */
static void
test_waiting_helps(void **state)
{
	struct client_key k = v4(1);
	struct throttle *t;
	int64_t now;
	int start, i, wait, rounds;

	(void)state;
	for (start = 0; start < 60000; start += 1777) {
		t = make(20);
		now = T0 + start;
		for (i = 0; i < 40; i++)
			throttle_failed(t, &k, now + i * 500);
		now += 20000;
		for (rounds = 0; rounds < 3; rounds++) {
			wait = throttle_wait_s(t, &k, now);
			if (wait == 0)
				break;
			assert_in_range(wait, 1, 60);
			now += wait * 1000;
		}
		assert_int_equal(throttle_wait_s(t, &k, now), 0);
		throttle_free(t);
	}
}

/* The window slides: the turn of a minute gives no second set of guesses. */
static void
test_window_slides(void **state)
{
	struct client_key k = v4(1);
	struct throttle *t = make(10);
	int64_t end = 60000 * 200;
	int i;

	(void)state;
	for (i = 0; i < 10; i++)
		throttle_failed(t, &k, end - 10);
	assert_true(throttle_wait_s(t, &k, end - 1) > 0);
	assert_true(throttle_wait_s(t, &k, end) > 0);
	assert_int_equal(throttle_wait_s(t, &k, end + 59000), 0);
	throttle_free(t);
}

static void
test_forgets(void **state)
{
	struct client_key k = v4(1);
	struct throttle *t = make(1);

	(void)state;
	throttle_failed(t, &k, T0);
	assert_true(throttle_wait_s(t, &k, T0) > 0);
	assert_int_equal(throttle_wait_s(t, &k, T0 + 120000), 0);
	throttle_free(t);
}

/* Memory is bounded: a hundred thousand addresses push out one another, and
 * the newest are still known. */
static void
test_flood_of_addresses(void **state)
{
	struct throttle *t = make(1);
	struct client_key k;
	uint32_t i;

	(void)state;
	for (i = 0; i < 100000; i++) {
		k = v4(i);
		throttle_failed(t, &k, T0 + i / 100);
		assert_true(throttle_wait_s(t, &k, T0 + i / 100) > 0);
	}
	throttle_free(t);
}

static void
test_no_randomness(void **state)
{
	static const struct camca_ctx broken = { .random = broken_random };
	struct throttle *t = NULL;

	(void)state;
	assert_int_equal(throttle_new(&t, &broken, 64, 1), CAMCA_ECRYPTO);
	assert_null(t);
	throttle_free(NULL);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_e10_limit),
		cmocka_unit_test(test_waiting_helps),
		cmocka_unit_test(test_window_slides),
		cmocka_unit_test(test_forgets),
		cmocka_unit_test(test_flood_of_addresses),
		cmocka_unit_test(test_no_randomness),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
