/* SPDX-License-Identifier: Apache-2.0 */
#include "tests/unit/ca/store/fixture.h"

#include "ca/base/buf.h"
#include "ca/store/store_log_anchor.h"
#include "ca/store/store_log_sign.h"

static struct tx *
tx_of(void **state)
{
	return &((struct fix *)*state)->tx;
}

static void
checkpoint(struct tx *tx, int64_t size)
{
	uint8_t note[] = "note";
	struct checkpoint_row r = { .size = size,
	    .note = { note, sizeof note } };

	assert_int_equal(store_checkpoint_put(tx, &r), 0);
}

static int
cosig(struct tx *tx, int64_t size, const char *who, const char *line)
{
	struct cosig_row r = { .size = size, .time_ms = size * 10,
	    .line = { (uint8_t *)(uintptr_t)line, strlen(line) } };

	snprintf(r.witness, sizeof r.witness, "%s", who);
	return store_cosig_put(tx, &r);
}

static int
cosig_join(const struct cosig_row *r, void *arg)
{
	struct buf *out = arg;

	assert_int_equal(r->time_ms, r->size * 10);
	return buf_printf(out, "%s=%.*s ", r->witness, (int)r->line.n,
	    (const char *)r->line.p);
}

static void
test_cosig(void **state)
{
	struct tx *tx = tx_of(state);
	struct buf text;
	int64_t size = 0;

	buf_init(&text, 0);
	checkpoint(tx, 5);
	checkpoint(tx, 9);
	assert_int_equal(store_cosig_size_below(tx, INT64_MAX, &size),
	    CAMCA_ENOENT);
	assert_int_equal(cosig(tx, 5, "b", "1"), 0);
	assert_int_equal(cosig(tx, 5, "a", "2"), 0);
	assert_int_equal(cosig(tx, 5, "b", "3"), 0);
	assert_int_equal(cosig(tx, 9, "a", "4"), 0);
	assert_int_equal(store_cosig_list(tx, 5, cosig_join, &text), 0);
	assert_string_equal(buf_str(&text), "a=2 b=3 ");
	buf_fini(&text);
	assert_int_equal(store_cosig_list(tx, 6, cosig_join, &text), 0);
	assert_int_equal(text.len, 0);
	assert_int_equal(store_cosig_size_below(tx, INT64_MAX, &size), 0);
	assert_int_equal(size, 9);
	assert_int_equal(store_cosig_size_below(tx, size, &size), 0);
	assert_int_equal(size, 5);
	assert_int_equal(store_cosig_size_below(tx, size, &size),
	    CAMCA_ENOENT);
	assert_int_equal(cosig(tx, 5, "c", ""), CAMCA_EINVAL);
	assert_int_equal(cosig(tx, 6, "a", "5"), CAMCA_ENOENT);
}

static void
test_witness(void **state)
{
	struct tx *tx = tx_of(state);
	struct witness_row r = { .name = "w", .size = 7, .asked_ms = 8,
	    .answered_ms = 9, .failed = "why" }, got;

	assert_int_equal(store_witness_get(tx, "w", &got), CAMCA_ENOENT);
	assert_int_equal(store_witness_put(tx, &r), 0);
	assert_int_equal(store_witness_get(tx, "w", &got), 0);
	assert_string_equal(got.name, "w");
	assert_int_equal(got.size, 7);
	assert_int_equal(got.asked_ms, 8);
	assert_int_equal(got.answered_ms, 9);
	assert_string_equal(got.failed, "why");
	r.size = 3;
	r.failed[0] = '\0';
	assert_int_equal(store_witness_put(tx, &r), 0);
	assert_int_equal(store_witness_get(tx, "w", &got), 0);
	assert_int_equal(got.size, 3);
	assert_string_equal(got.failed, "");
	memset(r.name, 'x', sizeof r.name);
	assert_int_equal(store_witness_put(tx, &r), CAMCA_EINVAL);
}

static int
stamp_count(const struct timestamp_row *r, void *arg)
{
	assert_int_equal(r->token.n, 3);
	++*(int *)arg;
	return 0;
}

static void
test_timestamp(void **state)
{
	struct tx *tx = tx_of(state);
	uint8_t der[3] = { 1, 2, 3 };
	struct timestamp_row r = { .size = 5, .tsa = "one", .time_ms = 77,
	    .token = { der, sizeof der } }, got;
	int n = 0;

	checkpoint(tx, 5);
	checkpoint(tx, 9);
	assert_int_equal(store_timestamp_latest(tx, "one", &got),
	    CAMCA_ENOENT);
	assert_int_equal(store_timestamp_put(tx, &r), 0);
	r.time_ms = 78;
	assert_int_equal(store_timestamp_put(tx, &r), CAMCA_ECONFLICT);
	r.size = 9;
	assert_int_equal(store_timestamp_put(tx, &r), 0);
	snprintf(r.tsa, sizeof r.tsa, "two");
	assert_int_equal(store_timestamp_put(tx, &r), 0);
	assert_int_equal(store_timestamp_latest(tx, "one", &got), 0);
	assert_int_equal(got.size, 9);
	assert_int_equal(got.time_ms, 78);
	assert_memory_equal(got.token.p, der, sizeof der);
	store_timestamp_free(&got);
	assert_int_equal(store_timestamp_list(tx, 9, stamp_count, &n), 0);
	assert_int_equal(n, 2);
	r.token.n = 0;
	assert_int_equal(store_timestamp_put(tx, &r), CAMCA_EINVAL);
	r.token.n = 3;
	r.size = 10;
	assert_int_equal(store_timestamp_put(tx, &r), CAMCA_ENOENT);
}

#define STORE(t) cmocka_unit_test_setup_teardown(t, fix_setup, fix_teardown)

int
main(void)
{
	const struct CMUnitTest tests[] = {
		STORE(test_cosig),
		STORE(test_witness),
		STORE(test_timestamp),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
