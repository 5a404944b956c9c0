/* SPDX-License-Identifier: Apache-2.0 */
#include "csr_fixture.h"

#include <time.h>

#include "ca/issue/csr_int.h"

static int
check(const void *p, size_t n, struct refusal *why)
{
	memset(why, 0, sizeof *why);
	return csr_der_check(p, n, "request", why);
}

static void
accepted(const char *p, size_t n)
{
	struct refusal why;
	int ret = check(p, n, &why);

	if (ret < 0)
		print_error("%s\n", why.detail);
	assert_int_equal(ret, 0);
}

static void
refused(const char *p, size_t n, const char *code)
{
	struct refusal why;

	assert_int_equal(check(p, n, &why), CAMCA_EINVAL);
	assert_int_equal(why.http, 400);
	assert_string_equal(why.code, code);
}

static void
test_good(void **state)
{
	(void)state;
	accepted(BYTES("\x30\x00"));
	accepted(BYTES("\x05\x00"));
	accepted(BYTES("\xa0\x00"));
	accepted(BYTES("\x02\x01\x80"));
	accepted(BYTES("\x02\x02\x00\x80"));
	accepted(BYTES("\x01\x01\xff"));
	accepted(BYTES("\x03\x01\x00"));
	accepted(BYTES("\x03\x02\x07\x80"));
	accepted(BYTES("\x06\x03\x55\x04\x03"));
	accepted(BYTES("\x30\x06\x30\x00\x30\x02\x05\x00"));
	accepted(BYTES("\x31\x06\x02\x01\x01\x02\x01\x02"));
}

/* X.690 8.1, 10.1: lengths. */
static void
test_lengths(void **state)
{
	(void)state;
	refused(BYTES(""), "csr.not-der");
	refused(BYTES("\x30"), "csr.not-der");
	refused(BYTES("\x30\x01"), "csr.not-der");
	refused(BYTES("\x30\x80\x00\x00"), "csr.not-der");
	refused(BYTES("\x30\x81\x00"), "csr.not-der");
	refused(BYTES("\x04\x81\x01\x41"), "csr.not-der");
	refused(BYTES("\x30\x82\x00\x00"), "csr.not-der");
	refused(BYTES("\x30\x84\xff\xff\xff\xff"), "csr.not-der");
	refused(BYTES("\x30\x88\xff\xff\xff\xff\xff\xff\xff\xff"),
	    "csr.not-der");
	refused(BYTES("\x30\xff\xff"), "csr.not-der");
	/* a child longer than its parent */
	refused(BYTES("\x30\x03\x04\x02\x41\x41\x41"), "csr.not-der");
	refused(BYTES("\x30\x02\x04\x01\x41\x41"), "csr.not-der");
	refused(BYTES("\x30\x01\x05\x00"), "csr.not-der");
	refused(BYTES("\x30\x00\x00"), "csr.trailing-data");
}

static void
test_values(void **state)
{
	(void)state;
	refused(BYTES("\x02\x00"), "csr.not-der");
	refused(BYTES("\x02\x02\x00\x7f"), "csr.not-der");
	refused(BYTES("\x02\x02\xff\x80"), "csr.not-der");
	refused(BYTES("\x01\x01\x01"), "csr.not-der");
	refused(BYTES("\x01\x00"), "csr.not-der");
	refused(BYTES("\x05\x01\x00"), "csr.not-der");
	refused(BYTES("\x03\x00"), "csr.not-der");
	refused(BYTES("\x03\x01\x01"), "csr.not-der");
	refused(BYTES("\x03\x02\x08\x00"), "csr.not-der");
	refused(BYTES("\x03\x02\x01\x01"), "csr.not-der");
	refused(BYTES("\x06\x00"), "csr.not-der");
	refused(BYTES("\x06\x01\x80"), "csr.not-der");
	refused(BYTES("\x06\x03\x2a\x80\x01"), "csr.not-der");
	refused(BYTES("\x06\x03\x2a\x81\x81"), "csr.not-der");
	/* strings in pieces, primitive sequences, end-of-contents, long tags */
	refused(BYTES("\x24\x03\x04\x01\x41"), "csr.not-der");
	refused(BYTES("\x23\x03\x03\x01\x00"), "csr.not-der");
	refused(BYTES("\x10\x00"), "csr.not-der");
	refused(BYTES("\x11\x00"), "csr.not-der");
	refused(BYTES("\x00\x00"), "csr.not-der");
	refused(BYTES("\x1f\x81\x01\x00"), "csr.not-der");
	/* X.690 11.6 */
	refused(BYTES("\x31\x06\x02\x01\x02\x02\x01\x01"), "csr.not-der");
	refused(BYTES("\x31\x05\x05\x00\x02\x01\x01"), "csr.not-der");
}

static void
nest(struct buf *b, int depth)
{
	buf_reset(b);
	fx_put(b, BYTES("\x30\x00"));
	while (--depth > 0)
		fx_wrap(b, 0x30);
}

/* N1: bombs of depth, of number, of length; also that they are fast. */
static void
test_bombs(void **state)
{
	struct timespec t0, t1;
	struct buf b, oid;
	size_t i;

	(void)state;
	buf_init(&b, 0);
	buf_init(&oid, 0);
	clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &t0);
	nest(&b, 32);
	accepted((const char *)b.data, b.len);
	nest(&b, 33);
	refused((const char *)b.data, b.len, "csr.too-deep");
	nest(&b, 3000);
	refused((const char *)b.data, b.len, "csr.too-deep");
	buf_reset(&b);
	for (i = 0; i < 24000; i++)
		fx_put(&b, BYTES("\x05\x00"));
	fx_wrap(&b, 0x30);
	refused((const char *)b.data, b.len, "csr.too-complex");
	buf_reset(&b);
	for (i = 0; i < 24000; i++)
		fx_put(&b, BYTES("\x05\x00"));
	fx_wrap(&b, 0x31);
	refused((const char *)b.data, b.len, "csr.too-complex");
	buf_reset(&b);
	for (i = 0; i < 65; i++)
		assert_int_equal(buf_putc(&oid, 0x55), 0);
	fx_tlv(&b, 0x06, oid.data, 64);
	accepted((const char *)b.data, b.len);
	buf_reset(&b);
	fx_tlv(&b, 0x06, oid.data, 65);
	refused((const char *)b.data, b.len, "csr.not-der");
	clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &t1);
	assert_true(t1.tv_sec - t0.tv_sec < 2);
	buf_fini(&b);
	buf_fini(&oid);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_good),
		cmocka_unit_test(test_lengths),
		cmocka_unit_test(test_values),
		cmocka_unit_test(test_bombs),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
