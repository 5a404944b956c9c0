/* SPDX-License-Identifier: Apache-2.0 */
/* Each of OpenSSL's allocations fails once: no crash, no leak (the leak checker
 * of a sanitizer build sees each), and never a request that is taken although
 * part of it was not looked at. */
#include "csr_fixture.h"
#include "tests/unit/ossl_nth.h"

/* OpenSSL's error queue keeps the buffers of its 16 places. */
#define QUEUE_KEEPS 32

static void
full_request(struct fx *f)
{
	fx_attr_text(f, BYTES(OID_CHALLENGE), UTF8, BYTES("x"));
	fx_attr(f, BYTES(OID_CHANGE), BYTES("\x30\x13\x30\x0c\x31\x0a\x30\x08"
	    "\x06\x03\x55\x04\x03\x0c\x01\x61\x30\x03\x82\x01\x61"));
	fx_ext(f, BYTES(OID_BC), BYTES("\x30\x03\x01\x01\xff"));
	fx_ext(f, BYTES(OID_KU), BYTES("\x03\x02\x05\xa0"));
	fx_san(f, 0x82, BYTES("a.example"));
	fx_build(f);
}

static void
test_parse(void **state)
{
	struct refusal why = { 0 };
	struct fx f;
	struct csr c;
	long n, before;
	int ret, taken = 0;

	(void)state;
	fx_init(&f);
	full_request(&f);
	/* what OpenSSL makes once and keeps */
	assert_int_equal(csr_parse(&c, f.keys, f.der.data, f.der.len, &why), 0);
	csr_fini(&c);
	before = ossl_nth_in_use;
	for (n = 0; n < 2000; n++) {
		memset(&why, 0, sizeof why);
		ossl_nth_left = n;
		ret = csr_parse(&c, f.keys, f.der.data, f.der.len, &why);
		taken = ossl_nth_left >= 0;
		ossl_nth_left = -1;
		if (ret == 0) {
			/* whole, though something could do without */
			assert_true(c.asks_ca && c.change_subject);
			assert_non_null(c.san);
			assert_non_null(c.new_san);
			assert_non_null(c.new_subject);
			assert_string_equal(c.challenge, "x");
			csr_fini(&c);
		} else {
			assert_true(why.http >= 400);
		}
		if (taken)
			break;
	}
	assert_true(taken && n > 50);
	assert_true(ossl_nth_in_use - before < QUEUE_KEEPS);
	fx_fini(&f);
}

static void
test_csrattrs(void **state)
{
	struct profile p = { .name = "p", .csrattrs = CSRATTRS_BOTH,
		.pop = POP_REQUIRE, .csr_subject_must_match = true };
	struct buf b;
	long n, before;
	int ret, taken = 0;

	(void)state;
	p.keys = 1u << KEY_P256 | 1u << KEY_RSA;
	p.subject[0] = (char *)(uintptr_t)"CN={device.id}";
	p.san[0] = (char *)(uintptr_t)"dns:{device.id}.example";
	before = ossl_nth_in_use;
	for (n = 0; n < 2000 && !taken; n++) {
		buf_init(&b, 0);
		ossl_nth_left = n;
		ret = csrattrs_build(&p, &b);
		taken = ossl_nth_left >= 0;
		ossl_nth_left = -1;
		assert_true(taken ? ret == 0 : ret < 0 || b.len > 0);
		buf_fini(&b);
	}
	assert_true(taken && n > 20);
	assert_true(ossl_nth_in_use - before < QUEUE_KEEPS);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_parse),
		cmocka_unit_test(test_csrattrs),
	};

	if (ossl_nth_setup() != 1)
		return 1;
	return cmocka_run_group_tests(tests, NULL, NULL);
}
