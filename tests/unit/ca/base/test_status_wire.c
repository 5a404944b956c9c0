/* SPDX-License-Identifier: Apache-2.0 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <cmocka.h>

#include "ca/base/status_wire.h"

static struct status_wire
revoked(void)
{
	struct status_wire w = { .issuer = 0x01020304,
	    .status = STATUS_WIRE_REVOKED, .reason = 1,
	    .revoked_s = 1800000000, .not_after_s = 253402300799,
	    .rev_seq = 7 };

	memset(w.serial, 0xab, sizeof w.serial);
	return w;
}

static struct status_wire
good(void)
{
	struct status_wire w = revoked();

	w.status = STATUS_WIRE_GOOD;
	w.reason = STATUS_WIRE_NO_REASON;
	w.revoked_s = 0;
	w.rev_seq = 0;
	return w;
}

static void
test_bytes(void **state)
{
	static const uint8_t tail[] = { 1, 2, 3, 4, 2, 1, 0, 0,
	    0, 0, 0, 0, 0x6b, 0x49, 0xd2, 0x00,
	    0, 0, 0, 0x3a, 0xff, 0xf4, 0x41, 0x7f,
	    0, 0, 0, 0, 0, 0, 0, 7 };
	struct status_wire w = revoked(), got;
	uint8_t b[STATUS_WIRE_LEN];

	(void)state;
	status_wire_put(b, &w);
	assert_memory_equal(b, w.serial, 20);
	assert_memory_equal(b + 20, tail, sizeof tail);
	memset(&got, 0x55, sizeof got);
	assert_int_equal(status_wire_get(&got, b), 0);
	assert_memory_equal(got.serial, w.serial, 20);
	assert_int_equal(got.issuer, w.issuer);
	assert_int_equal(got.status, w.status);
	assert_int_equal(got.reason, w.reason);
	assert_int_equal(got.revoked_s, w.revoked_s);
	assert_int_equal(got.not_after_s, w.not_after_s);
	assert_int_equal(got.rev_seq, w.rev_seq);
}

static int
round_trip(const struct status_wire *w)
{
	uint8_t b[STATUS_WIRE_LEN];
	struct status_wire got;

	status_wire_put(b, w);
	return status_wire_get(&got, b);
}

static void
test_good(void **state)
{
	struct status_wire w = good();

	(void)state;
	assert_int_equal(round_trip(&w), 0);
	w.rev_seq = 9;                 /* released from a hold */
	assert_int_equal(round_trip(&w), 0);
	w.reason = 6;
	assert_int_equal(round_trip(&w), CAMCA_EINVAL);
	w = good();
	w.revoked_s = 1;
	assert_int_equal(round_trip(&w), CAMCA_EINVAL);
}

static void
test_ranges(void **state)
{
	struct status_wire w = revoked();

	(void)state;
	w.status = STATUS_WIRE_HOLD;
	w.reason = STATUS_WIRE_NO_REASON;
	assert_int_equal(round_trip(&w), 0);
	w.status = 3;
	assert_int_equal(round_trip(&w), CAMCA_EINVAL);
	w = revoked();
	w.reason = 11;
	assert_int_equal(round_trip(&w), CAMCA_EINVAL);
	w = revoked();
	w.rev_seq = 0;                 /* revoked by no change */
	assert_int_equal(round_trip(&w), CAMCA_EINVAL);
	w = revoked();
	w.rev_seq = -1;
	assert_int_equal(round_trip(&w), CAMCA_EINVAL);
	w = revoked();
	w.revoked_s = -1;
	assert_int_equal(round_trip(&w), CAMCA_EINVAL);
	w = revoked();
	w.not_after_s = INT64_MIN;
	assert_int_equal(round_trip(&w), CAMCA_EINVAL);
}

/* A record that is accepted is one that would be written so: no bit is lost or
 * made up on the way. */
static void
test_flips(void **state)
{
	struct status_wire w[2] = { revoked(), good() }, got;
	uint8_t b[STATUS_WIRE_LEN], again[STATUS_WIRE_LEN];
	int i, bit;

	(void)state;
	for (i = 0; i < 2; i++)
		for (bit = 0; bit < STATUS_WIRE_LEN * 8; bit++) {
			status_wire_put(b, &w[i]);
			b[bit / 8] ^= (uint8_t)(1 << bit % 8);
			if (status_wire_get(&got, b) < 0)
				continue;
			status_wire_put(again, &got);
			assert_memory_equal(again, b, sizeof b);
		}
}

static void
test_zeros(void **state)
{
	struct status_wire w = good();
	uint8_t b[STATUS_WIRE_LEN];

	(void)state;
	status_wire_put(b, &w);
	b[26] = 1;
	assert_int_equal(status_wire_get(&w, b), CAMCA_EINVAL);
	b[26] = 0;
	b[27] = 0x80;
	assert_int_equal(status_wire_get(&w, b), CAMCA_EINVAL);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_bytes),
		cmocka_unit_test(test_good),
		cmocka_unit_test(test_ranges),
		cmocka_unit_test(test_flips),
		cmocka_unit_test(test_zeros),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
