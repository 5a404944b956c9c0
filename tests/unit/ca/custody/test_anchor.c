/* SPDX-License-Identifier: Apache-2.0 */
/* Which witness is asked what, and when; what of its answers is believed. */
#include "tests/unit/ca/custody/anchor_fixture.h"

/* ---- rounds ---- */

static void
test_quorum(void **state)
{
	struct fix *f = *state;
	struct got g = { .f = f };
	size_t n;

	buf_init(&g.cosigs, 0);
	assert_int_equal(next(f), -1);         /* nothing is signed yet */
	grow(f, 3);
	assert_int_equal(quorum(f), -1);
	cosign(f, 0, 0, 3);
	assert_int_equal(quorum(f), -1);
	cosign(f, 1, 0, 3);
	assert_int_equal(quorum(f), 3);
	assert_int_equal(next(f), -1);
	grow(f, 300);
	cosign(f, 0, 3, 303);
	assert_int_equal(quorum(f), 3);
	assert_int_equal(store_tx(f->store, DB_READ, got_tx, &g), 0);
	assert_int_equal(g.row.size, 3);
	n = g.cosigs.len;
	assert_true(n > 0);
	store_checkpoint_free(&g.row);
	buf_reset(&g.cosigs);
	cosign(f, 1, 3, 303);
	assert_int_equal(quorum(f), 303);
	assert_int_equal(store_tx(f->store, DB_READ, got_tx, &g), 0);
	assert_int_equal(g.row.size, 303);
	assert_int_equal(g.cosigs.len, 2 * n);
	/* The note has the lines at its end. */
	assert_memory_equal(g.row.note.p + g.row.note.n - g.cosigs.len,
	    g.cosigs.data, g.cosigs.len);
	store_checkpoint_free(&g.row);
	buf_fini(&g.cosigs);
	is(f, "a.test", ANCHOR_ANSWERING, "");
	assert_int_equal(events(f), 2);
}

/* A checkpoint that comes in the middle of a round waits for its end: both
 * witnesses sign the same one, and none is asked twice. */
static void
test_round(void **state)
{
	struct fix *f = *state;
	char id[ANCHOR_ID_LEN + 1];

	grow(f, 3);
	assert_int_equal(next(f), 0);
	memcpy(id, f->work.id, sizeof id);
	grow(f, 4);
	assert_int_equal(next(f), 1);
	cosign_by(f, &f->w[1], 0, 3);
	assert_int_equal(next(f), -1);         /* the first one is still out */
	grow(f, 1);
	/* … but not for ever: the slow one has its own time. */
	f->clock_ms += 1500;
	cosign(f, 1, 3, 8);
	assert_int_equal(next(f), -1);
	assert_int_equal(done_as(f, id, 500, "", "", 0), 0);
	is(f, "a.test", ANCHOR_FAILING, "HTTP 500");
	f->clock_ms += 1000;
	cosign(f, 0, 0, 8);
	assert_int_equal(quorum(f), 8);
}

/* ---- sizes ---- */

static void
test_conflict(void **state)
{
	struct fix *f = *state;

	grow(f, 10);
	assert_int_equal(next(f), 0);
	done(f, 409, "text/x.tlog.size", "4\n");
	cosign(f, 0, 4, 10);                   /* again, at once */
	is(f, "a.test", ANCHOR_ANSWERING, "");
	/* Twice in a row: it has to wait. */
	assert_int_equal(next(f), 1);
	done(f, 409, "text/x.tlog.size; charset=utf-8", "4\n");
	assert_int_equal(next(f), 1);
	done(f, 409, "text/x.tlog.size", "5\n");
	assert_int_equal(next(f), -1);
	f->clock_ms += 1000;
	cosign(f, 1, 5, 10);
	assert_int_equal(quorum(f), 10);
	/* It has forgotten all. */
	grow(f, 1);
	assert_int_equal(next(f), 0);
	done(f, 409, "text/x.tlog.size", "0\n");
	cosign(f, 0, 0, 11);
}

static void
test_conflict_ahead(void **state)
{
	struct fix *f = *state;

	grow(f, 10);
	assert_int_equal(next(f), 0);
	done(f, 409, "text/x.tlog.size", "11\n");
	is(f, "a.test", ANCHOR_CONTRADICTS, "restored backup");
	assert_int_equal(events(f), 1);        /* told at once */
	assert_int_equal(next(f), 1);
	done(f, 409, "text/x.tlog.size", "0\n");   /* what we said ourselves */
	is(f, "b.test", ANCHOR_CONTRADICTS, "409");
	assert_int_equal(events(f), 2);
	assert_int_equal(next(f), -1);
	/* Past its size: with what it said, and it may say 422. */
	grow(f, 5);
	f->clock_ms += 1000;
	assert_int_equal(next(f), 0);
	done(f, 422, "text/plain", "no\n");
	is(f, "a.test", ANCHOR_CONTRADICTS, "422");
	assert_int_equal(events(f), 2);
	cosign(f, 1, 0, 15);
	is(f, "b.test", ANCHOR_ANSWERING, "");
	assert_int_equal(events(f), 3);
}

static void
test_shown_note(void *arg, const char *witness, const void *note, size_t n)
{
	assert_string_equal(witness, "a.test");
	assert_int_equal(buf_put(arg, note, n), 0);
}

/* One that contradicts is asked what it has, once each time; what it shows is
 * passed on as it is, and its state is not changed by it. */
static void
test_shown(void **state)
{
	struct fix *f = *state;
	struct buf got;
	int i;

	buf_init(&got, 0);
	anchor_close(f->an);
	f->conf.shown = test_shown_note;
	f->conf.shown_arg = &got;
	fix_open(f);
	grow(f, 10);
	for (i = 0; i < 3; i++) {
		assert_int_equal(next(f), 0);
		done(f, 409, "text/x.tlog.size", "99\n");
		is(f, "a.test", ANCHOR_CONTRADICTS, "restored backup");
		anchor_work_fini(&f->work);
		assert_int_equal(anchor_next(f->an, 0, &f->work), 0);
		assert_true(f->work.get);
		/* sha256 of "log.test" */
		assert_string_equal(f->work.url, "http://a.test/"
		    "2b2d8a6acb9581e3b3e97e9aa20fac8df5a89809725dfbfabd36309c1ffafdde/checkpoint");
		if (i == 0)
			done(f, 200, "text/plain", "a note");
		else if (i == 1)
			done(f, 404, "text/plain", "nothing");
		else
			fails(f, "no answer");
		is(f, "a.test", ANCHOR_CONTRADICTS, "restored backup");
		if (i == 0)
			cosign(f, 1, 0, 10);
		assert_int_equal(next(f), -1);
		f->clock_ms += 600000;
	}
	assert_string_equal(buf_str(&got), "a note");
	/* The courier is lost with the question: that is no failure of the
	 * witness, and it is asked as before. */
	assert_int_equal(next(f), 0);
	done(f, 409, "text/x.tlog.size", "99\n");
	anchor_work_fini(&f->work);
	assert_int_equal(anchor_next(f->an, 0, &f->work), 0);
	assert_true(f->work.get);
	f->clock_ms += 600000;
	assert_int_equal(next(f), 0);
	assert_false(f->work.get);
	buf_fini(&got);
}

/* A newer checkpoint of ours that it has already, as after a crash. */
static void
test_conflict_newer(void **state)
{
	struct fix *f = *state;

	grow(f, 10);
	assert_int_equal(next(f), 0);
	grow(f, 2);
	done(f, 409, "text/x.tlog.size", "12\n");
	is(f, "a.test", ANCHOR_UNKNOWN, "");
	cosign(f, 1, 0, 10);
	cosign(f, 0, 12, 12);
	cosign(f, 1, 10, 12);
	assert_int_equal(quorum(f), 12);
}

static void
test_conflict_odd(void **state)
{
	static const char *const bodies[] = { "", "x\n", "01\n", "1", "-1\n" };
	struct fix *f = *state;
	size_t i;

	grow(f, 10);
	assert_int_equal(next(f), 0);
	done(f, 409, "text/plain", "4\n");
	is(f, "a.test", ANCHOR_CONTRADICTS, "without the size");
	for (i = 0; i < sizeof bodies / sizeof bodies[0]; i++) {
		f->clock_ms += 300000;
		while (next(f) >= 0)
			done(f, 409, "text/x.tlog.size", bodies[i]);
	}
	is(f, "a.test", ANCHOR_CONTRADICTS, "without the size");
	is(f, "b.test", ANCHOR_CONTRADICTS, "without the size");
}

/* ---- failures ---- */

static void
test_backoff(void **state)
{
	static const int waits_s[] = { 1, 2, 4, 8, 16, 32, 64, 128, 256, 300,
	    300 };
	struct fix *f = *state;
	size_t i;

	grow(f, 1);
	assert_int_equal(next(f), 0);
	cosign(f, 1, 0, 1);
	for (i = 0; i < sizeof waits_s / sizeof waits_s[0]; i++) {
		f->clock_ms += i == 0 ? 6000 : 0;
		if (i == 0) {
			/* Its answer never came. */
			assert_int_equal(next(f), -1);
			is(f, "a.test", ANCHOR_FAILING, "camca-anchor");
		} else {
			fails(f, "Failed to connect to 10.0.0.1 port 80");
			is(f, "a.test", ANCHOR_FAILING, "10.0.0.1");
		}
		f->clock_ms += waits_s[i] * 1000 - 1;
		assert_int_equal(next(f), -1);
		f->clock_ms += 1;
		assert_int_equal(next(f), 0);
	}
	/* Told once, and once more when it is well. */
	assert_int_equal(events(f), 2);
	cosign_by(f, &f->w[0], 0, 1);
	assert_int_equal(events(f), 3);
	is(f, "a.test", ANCHOR_ANSWERING, "");
}

/* An id serves once, and only in its time: who carries the answers can neither
 * make nor repeat one. */
static void
test_id(void **state)
{
	struct fix *f = *state;
	char id[ANCHOR_ID_LEN + 1];

	grow(f, 1);
	assert_int_equal(next(f), 0);
	memcpy(id, f->work.id, sizeof id);
	assert_int_equal(done_as(f, "", 500, "", "", 0), CAMCA_ENOENT);
	assert_int_equal(done_as(f, "0123456789abcdef0123456789abcdef", 500,
	    "", "", 0), CAMCA_ENOENT);
	assert_int_equal(done_as(f, id, 500, "", "", 0), 0);
	assert_int_equal(done_as(f, id, 500, "", "", 0), CAMCA_ENOENT);
	f->clock_ms += 1000;
	assert_int_equal(next(f), 0);
	memcpy(id, f->work.id, sizeof id);
	f->clock_ms += 6000;
	assert_int_equal(done_as(f, id, 500, "", "", 0), CAMCA_ENOENT);
}

static void
test_false_cosig(void **state)
{
	struct fix *f = *state;
	struct got g = { .f = f };

	buf_init(&g.cosigs, 0);
	grow(f, 5);
	assert_int_equal(next(f), 0);
	cosign_by(f, &f->w[1], 0, 5);          /* the other witness's key */
	is(f, "a.test", ANCHOR_FAILING, "no signature of its key");
	assert_int_equal(next(f), 1);
	done(f, 200, "text/plain", "\xe2\x80\x94 b.test AAAA\n");
	is(f, "b.test", ANCHOR_FAILING, "list of signature lines");
	assert_int_equal(quorum(f), -1);
	assert_int_equal(store_tx(f->store, DB_READ, got_tx, &g),
	    CAMCA_ENOENT);
	assert_int_equal(g.cosigs.len, 0);
	f->clock_ms += 1000;
	cosign(f, 0, 0, 5);
	buf_fini(&g.cosigs);
}

/* What a witness does must not be able to fill the log. */
static void
test_events_bounded(void **state)
{
	struct fix *f = *state;
	int64_t n;
	int i;

	grow(f, 1);
	cosign(f, 0, 0, 1);
	for (i = 0; i < 40; i++) {
		grow(f, 1);
		while (next(f) != 0)
			f->clock_ms += 1000;
		done(f, 403, "", "");
		f->clock_ms += 1000;
		while (next(f) != 0)
			f->clock_ms += 1000;
		done(f, 403, "", "");
		f->clock_ms += 2000;
		while (next(f) != 0)
			f->clock_ms += 1000;
		cosign_by(f, &f->w[0], f->size - 1, f->size);
	}
	n = events(f);
	assert_true(n > 4 && n < 16);
}

#define FIX(t) cmocka_unit_test_setup_teardown(t, setup, teardown)

int
main(void)
{
	const struct CMUnitTest tests[] = {
		FIX(test_quorum),
		FIX(test_round),
		FIX(test_conflict),
		FIX(test_conflict_ahead),
		FIX(test_shown),
		FIX(test_conflict_newer),
		FIX(test_conflict_odd),
		FIX(test_backoff),
		FIX(test_id),
		FIX(test_false_cosig),
		FIX(test_events_bounded),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
