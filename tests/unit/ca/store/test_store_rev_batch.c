/* SPDX-License-Identifier: Apache-2.0 */
#include "tests/unit/ca/store/fixture.h"

static struct rev_batch_row
batch_row(void)
{
	struct rev_batch_row r = { .state = REV_PLANNED, .action = 2,
	    .crl_reason = 6, .invalidity_ms = 5, .reason = "letter",
	    .reference = "12/QD", .selector = "{\"site\":[\"hq\"]}",
	    .summary = "{}", .created_ms = 10, .created_by = "uid:0" };

	memset(r.world, 7, sizeof r.world);
	return r;
}

struct seen {
	int n;
	int64_t last;
	int64_t device, cert;
};

static int
see_batch(const struct rev_batch_row *r, void *arg)
{
	struct seen *s = arg;

	assert_true(s->n == 0 || r->id < s->last);
	s->last = r->id;
	s->n++;
	return 0;
}

static int
see_item(const struct rev_item_row *r, void *arg)
{
	struct seen *s = arg;

	assert_true(r->device > s->device ||
	    (r->device == s->device && r->cert > s->cert));
	s->device = r->device;
	s->cert = r->cert;
	s->n++;
	return 0;
}

static void
test_batch(void **state)
{
	struct tx *tx = &((struct fix *)*state)->tx;
	struct rev_batch_row r = batch_row(), got;
	struct seen s = { 0 };
	int i;

	assert_int_equal(store_rev_batch_get(tx, 1, &got), CAMCA_ENOENT);
	assert_int_equal(store_rev_batch_insert(tx, &r), 0);
	assert_int_equal(store_rev_batch_get(tx, r.id, &got), 0);
	assert_memory_equal(got.world, r.world, sizeof r.world);
	assert_string_equal(got.selector, r.selector);
	assert_string_equal(got.reference, "12/QD");
	assert_int_equal(got.crl_reason, 6);
	assert_int_equal(got.invalidity_ms, 5);
	for (i = 0; i < 100; i++)
		assert_int_equal(store_rev_batch_insert(tx, &r), 0);
	r.state = REV_APPLIED;
	r.rev_seq = 42;
	r.decided_ms = 11;
	snprintf(r.decided_by, sizeof r.decided_by, "uid:7");
	assert_int_equal(store_rev_batch_move(tx, &r, REV_APPROVED),
	    CAMCA_ECONFLICT);
	assert_int_equal(store_rev_batch_move(tx, &r, REV_PLANNED), 0);
	assert_int_equal(store_rev_batch_get(tx, r.id, &got), 0);
	assert_int_equal(got.state, REV_APPLIED);
	assert_int_equal(got.rev_seq, 42);
	assert_string_equal(got.decided_by, "uid:7");
	assert_string_equal(got.reason, "letter");
	assert_int_equal(store_rev_batch_list(tx, -1, 0, INT64_MAX, see_batch,
	    &s), 0);
	assert_int_equal(s.n, 101);
	s = (struct seen){ 0 };
	assert_int_equal(store_rev_batch_list(tx, REV_APPLIED, 0, 9,
	    see_batch, &s), 0);
	assert_int_equal(s.n, 1);
	s = (struct seen){ 0 };
	assert_int_equal(store_rev_batch_list(tx, -1, 3, 9, see_batch, &s), 0);
	assert_int_equal(s.n, 2);
	r.id = 9999;
	assert_int_equal(store_rev_batch_move(tx, &r, REV_PLANNED),
	    CAMCA_ENOENT);
	r = batch_row();
	r.reason[0] = '\0';
	assert_int_equal(store_rev_batch_insert(tx, &r), CAMCA_EINVAL);
	r = batch_row();
	r.action = 5;
	assert_int_equal(store_rev_batch_insert(tx, &r), CAMCA_EINVAL);
}

static void
test_items(void **state)
{
	struct tx *tx = &((struct fix *)*state)->tx;
	struct rev_batch_row b = batch_row();
	struct rev_item_row r = { .rule = "model X" };
	struct seen s;
	int i;

	r.batch = 1;
	assert_int_equal(store_rev_item_insert(tx, &r), CAMCA_ENOENT);
	assert_int_equal(store_rev_batch_insert(tx, &b), 0);
	r.batch = b.id;
	/* Two of each device: pieces end between them. */
	for (i = 0; i < 301; i++) {
		r.device = 1 + i / 2;
		r.cert = i % 2;
		r.verdict = i % 3;
		assert_int_equal(store_rev_item_insert(tx, &r), 0);
	}
	assert_int_equal(store_rev_item_insert(tx, &r), CAMCA_ECONFLICT);
	s = (struct seen){ .device = -1 };
	assert_int_equal(store_rev_item_list(tx, b.id, -1, -1, -1, INT64_MAX,
	    see_item, &s), 0);
	assert_int_equal(s.n, 301);
	s = (struct seen){ .device = -1 };
	assert_int_equal(store_rev_item_list(tx, b.id, REV_UNDETERMINED, -1,
	    -1, INT64_MAX, see_item, &s), 0);
	assert_int_equal(s.n, 100);
	s = (struct seen){ .device = -1 };
	assert_int_equal(store_rev_item_list(tx, b.id, -1, 1, 0, 65, see_item,
	    &s), 0);
	assert_int_equal(s.n, 65);
	assert_int_equal(s.device, 33);
	assert_int_equal(s.cert, 1);
	assert_int_equal(store_rev_item_clear(tx, b.id), 0);
	s = (struct seen){ .device = -1 };
	assert_int_equal(store_rev_item_list(tx, b.id, -1, -1, -1, 10,
	    see_item, &s), 0);
	assert_int_equal(s.n, 0);
	r.verdict = REV_VERDICTS;
	assert_int_equal(store_rev_item_insert(tx, &r), CAMCA_EINVAL);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(test_batch, fix_setup,
		    fix_teardown),
		cmocka_unit_test_setup_teardown(test_items, fix_setup,
		    fix_teardown),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
