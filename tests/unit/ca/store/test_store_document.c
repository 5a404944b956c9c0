/* SPDX-License-Identifier: Apache-2.0 */
#include "tests/unit/ca/store/fixture.h"

struct seen {
	int n;
	int64_t last;
};

static int
see(const struct document_row *r, void *arg)
{
	struct seen *s = arg;

	assert_true(s->n == 0 || r->date_ms <= s->last);
	s->last = r->date_ms;
	s->n++;
	return 0;
}

static void
test_newest_first(void **state)
{
	struct tx *tx = &((struct fix *)*state)->tx;
	int64_t dev = fix_device(tx, "cam-1"), other = fix_device(tx, "cam-2");
	struct document_row r = { .kind = DOC_ORIGIN, .number = "CO-1",
	    .issuer = "Chamber", .passed = 1 };
	struct seen s = { 0 };
	int i;

	for (i = 0; i < 140; i++) {
		r.device = i % 10 ? dev : other;
		r.date_ms = (i * 37) % 91;
		assert_int_equal(store_document_insert(tx, &r), 0);
		assert_true(r.id > 0);
	}
	assert_int_equal(store_document_list(tx, dev, see, &s), 0);
	assert_int_equal(s.n, 126);
	s = (struct seen){ 0 };
	assert_int_equal(store_document_list(tx, other, see, &s), 0);
	assert_int_equal(s.n, 14);
	s = (struct seen){ 0 };
	assert_int_equal(store_document_list(tx, other + 1, see, &s), 0);
	assert_int_equal(s.n, 0);
}

static void
test_rules(void **state)
{
	struct tx *tx = &((struct fix *)*state)->tx;
	struct document_row r = { .device = 9 };

	assert_int_equal(store_document_insert(tx, &r), CAMCA_ENOENT);
	r.device = fix_device(tx, "cam-1");
	r.kind = DOC_KINDS;
	assert_int_equal(store_document_insert(tx, &r), CAMCA_EINVAL);
	r.kind = DOC_LETTER;
	r.passed = 2;
	assert_int_equal(store_document_insert(tx, &r), CAMCA_EINVAL);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(test_newest_first, fix_setup,
		    fix_teardown),
		cmocka_unit_test_setup_teardown(test_rules, fix_setup,
		    fix_teardown),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
