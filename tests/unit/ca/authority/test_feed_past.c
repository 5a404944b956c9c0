/* SPDX-License-Identifier: Apache-2.0 */
#include "tests/unit/ca/authority/fixture.h"

#include "ca/authority/feed_int.h"
#include "ca/base/log.h"

static int
past_setup(void **state)
{
	log_setup("test", (enum log_level)0);
	return fix_setup(state);
}

static bool
fits(const struct feed_past *p, const char *store, int64_t rev, int64_t cert)
{
	const struct feed_position at = { .rev = rev, .cert = cert };

	return feed_past_fits(p, store, &at);
}

static void
test_fits(void **state)
{
	const struct feed_past p = { 3, {
	    { "cccccccccccccccccccccccccccccccc", 12, 110 },
	    { "bbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbb", 10, 100 },
	    { "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa", 0, 0 } } };

	(void)state;
	/* Of this start: whatever it says is looked at with the page. */
	assert_true(fits(&p, p.list[0].store, 500, 500));
	/* Of the start before: what that one could know. */
	assert_true(fits(&p, p.list[1].store, 12, 110));
	assert_true(fits(&p, p.list[1].store, -1, 0));
	assert_false(fits(&p, p.list[1].store, 13, 110));
	assert_false(fits(&p, p.list[1].store, 12, 111));
	assert_true(fits(&p, p.list[2].store, 10, 100));
	assert_false(fits(&p, p.list[2].store, 11, 100));
	assert_false(fits(&p, "dddddddddddddddddddddddddddddddd", 0, 0));
	assert_false(fits(&p, "", 0, 0));
}

static void
test_starts(void **state)
{
	struct fix *f = *state;
	struct feed_past p, first;
	int i;

	assert_int_equal(feed_past_begin(&first, &f->a), 0);
	assert_int_equal(first.n, 1);
	assert_int_equal(strlen(first.list[0].store), FEED_STORE_LEN);
	for (i = 2; i <= FEED_PAST_MAX; i++) {
		assert_int_equal(feed_past_begin(&p, &f->a), 0);
		assert_int_equal(p.n, i);
		assert_string_equal(p.list[i - 1].store, first.list[0].store);
		assert_string_not_equal(p.list[0].store, p.list[1].store);
	}
	/* The list is bounded: gates of very old starts begin anew. */
	assert_int_equal(feed_past_begin(&p, &f->a), 0);
	assert_int_equal(p.n, FEED_PAST_MAX);
	assert_false(fits(&p, first.list[0].store, 0, 0));
}

static int
damage_tx(struct tx *tx, void *arg)
{
	return store_meta_set(tx, "feed.past", arg);
}

/* Lines that are not ours end the list; nothing fails. */
static void
test_damaged(void **state)
{
#define LINE "cccccccccccccccccccccccccccccccc 12 110\n"
	static const struct {
		const char *text;
		size_t n;
	} cases[] = {
		{ "", 1 }, { "\n", 1 }, { LINE, 2 }, { LINE "x", 2 },
		{ LINE LINE, 3 }, { "cccccccccccccccccccccccccccccccc", 1 },
		{ "cccccccccccccccccccccccccccccccc 12", 1 },
		{ "cccccccccccccccccccccccccccccccc 12 110", 1 },
		{ "cccccccccccccccccccccccccccccccc -1 110\n", 1 },
		{ "cccccccccccccccccccccccccccccccc 1 -1\n" LINE, 1 },
		{ "ccccccccccccccccccccccccccccccccc 1 1\n", 1 },
		{ LINE "cccccccccccccccccccccccccccccccc  \n", 2 },
	};
	struct fix *f = *state;
	struct feed_past p;
	size_t i;

	for (i = 0; i < sizeof cases / sizeof cases[0]; i++) {
		assert_int_equal(store_tx(f->a.store, DB_WRITE, damage_tx,
		    (void *)(uintptr_t)cases[i].text), 0);
		assert_int_equal(feed_past_begin(&p, &f->a), 0);
		assert_int_equal(p.n, cases[i].n);
	}
}

#define T(fn) cmocka_unit_test_setup_teardown(fn, past_setup, fix_teardown)

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_fits), T(test_starts), T(test_damaged),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
