/* SPDX-License-Identifier: Apache-2.0 */
/* The table of tlog-witness, and that nothing is said that is not on the disk. */
#include "tests/unit/ca/witness/fixture.h"

#include <time.h>

static int
add(struct fix *f, int64_t old, int64_t size)
{
	return fix_add(f, &f->log, 'a', old, old, size);
}

/* The last answer is a cosignature over that checkpoint. */
static void
cosigned(struct fix *f, char branch, int64_t size)
{
	struct tree t = { branch };
	const struct tiles tiles = { tree_tile, &t };
	struct checkpoint c = { .origin = "log.test", .size = size };
	struct buf text, line;
	int64_t when = 0;

	buf_init(&text, 0);
	buf_init(&line, 0);
	assert_int_equal(tree_root(&tiles, size, &c.root), 0);
	assert_int_equal(checkpoint_text(&c, &text), 0);
	assert_int_equal(witness_cosig_take(&f->own.key, buf_str(&text),
	    text.len, f->d.body.data, f->d.body.len, &line, &when, NULL), 0);
	assert_true(llabs(when - (int64_t)time(NULL)) < 60);
	buf_fini(&text);
	buf_fini(&line);
}

static void
conflict(struct fix *f, const char *size)
{
	assert_int_equal(f->d.http, 409);
	assert_string_equal(f->d.type, "text/x.tlog.size");
	assert_string_equal(buf_str(&f->d.body), size);
}

static void
test_table(void **state)
{
	struct fix *f = *state;

	assert_int_equal(add(f, 0, 5), 200);
	cosigned(f, 'a', 5);
	assert_int_equal(add(f, 5, 5), 200);
	cosigned(f, 'a', 5);
	assert_int_equal(add(f, 5, 9), 200);
	cosigned(f, 'a', 9);
	add(f, 5, 5);
	conflict(f, "9\n");
	add(f, 0, 12);
	conflict(f, "9\n");
	add(f, 10, 12);
	conflict(f, "9\n");
	assert_int_equal(fix_add(f, &f->log, 'a', 9, 0, 8), 400);
	/* 422: no proof, another's proof, another tree. */
	assert_int_equal(fix_add(f, &f->log, 'a', 9, 0, 12), 422);
	assert_int_equal(fix_add(f, &f->log, 'a', 9, 5, 12), 422);
	assert_int_equal(fix_add(f, &f->log, 'b', 9, 9, 12), 422);
	assert_int_equal(fix_add(f, &f->log, 'b', 9, 9, 9), 422);
	assert_int_equal(fix_add(f, &f->log, 'a', 9, 5, 9), 422);
	assert_int_equal(fix_add(f, &f->stranger, 'a', 9, 9, 12), 404);
	assert_int_equal(fix_add(f, &f->second, 'a', 9, 9, 12), 403);
	assert_int_equal(add(f, 9, 12), 200);
	cosigned(f, 'a', 12);
}

static void
test_empty_tree(void **state)
{
	struct fix *f = *state;

	assert_int_equal(add(f, 0, 0), 200);
	cosigned(f, 'a', 0);
	assert_int_equal(add(f, 0, 0), 200);
	/* old 0 with a proof: of whatever. */
	assert_int_equal(fix_add(f, &f->log, 'a', 0, 2, 5), 422);
	assert_int_equal(add(f, 0, 5), 200);
	assert_int_equal(add(f, 0, 0), 409);
}

static void
test_forms(void **state)
{
	static const char *const bad[] = { "", "old 0\n\n", "old 0\n\nx\n",
	    "old 0\n\nlog.test\n5\nAAAA\n\n\xe2\x80\x94 log.test AAAAAAAA\n" };
	struct fix *f = *state;
	struct buf b;
	size_t i, n;

	for (i = 0; i < sizeof bad / sizeof bad[0]; i++) {
		decision_fini(&f->d);
		decide_add(&f->desk, bad[i], strlen(bad[i]), &f->d);
		assert_int_equal(f->d.http, 400);
		assert_true(f->d.body.len > 0);
	}
	/* Cut anywhere, and with any bit changed, it gets no signature. */
	buf_init(&b, 0);
	fix_request(&b, &f->log, 'a', 0, 0, 5);
	for (n = 0; n < b.len; n++) {
		decision_fini(&f->d);
		decide_add(&f->desk, b.data, n, &f->d);
		assert_true(f->d.http == 400 || f->d.http == 403);
	}
	for (i = 0; i < b.len * 8; i++) {
		b.data[i / 8] ^= (uint8_t)(1 << i % 8);
		decision_fini(&f->d);
		decide_add(&f->desk, b.data, b.len, &f->d);
		assert_true(f->d.http >= 400);
		b.data[i / 8] ^= (uint8_t)(1 << i % 8);
	}
	buf_fini(&b);
	assert_int_equal(add(f, 0, 5), 200);
}

static void
test_get(void **state)
{
	struct fix *f = *state;
	const char *hex = f->roster->logs[0]->hex;

	decide_get(&f->desk, hex, strlen(hex), &f->d);
	assert_int_equal(f->d.http, 404);
	assert_int_equal(add(f, 0, 5), 200);
	decision_fini(&f->d);
	decide_get(&f->desk, hex, strlen(hex), &f->d);
	assert_int_equal(f->d.http, 200);
	assert_memory_equal(buf_str(&f->d.body), "log.test\n5\n", 11);
	decision_fini(&f->d);
	decide_get(&f->desk, hex, strlen(hex) - 1, &f->d);
	assert_int_equal(f->d.http, 404);
	decision_fini(&f->d);
	decide_get(&f->desk, "x", 1, &f->d);
	assert_int_equal(f->d.http, 404);
}

static void
test_restart(void **state)
{
	struct fix *f = *state;

	assert_int_equal(add(f, 0, 5), 200);
	assert_int_equal(add(f, 5, 7), 200);
	fix_open(f);
	add(f, 5, 9);
	conflict(f, "7\n");
	assert_int_equal(fix_add(f, &f->log, 'b', 7, 7, 9), 422);
	assert_int_equal(add(f, 7, 9), 200);
	cosigned(f, 'a', 9);
}

/* Without a place for the record there is no signature, and nothing is
 * remembered that nobody heard of. */
static void
test_no_disk(void **state)
{
	struct fix *f = *state;
	char path[128], away[128];

	assert_int_equal(add(f, 0, 5), 200);
	snprintf(path, sizeof path, "%s/state", f->dir);
	snprintf(away, sizeof away, "%s/away", f->dir);
	assert_int_equal(rename(path, away), 0);
	assert_int_equal(add(f, 5, 9), 503);
	assert_null(strstr(buf_str(&f->d.body), "\xe2\x80\x94"));
	assert_int_equal(rename(away, path), 0);
	add(f, 9, 12);
	conflict(f, "5\n");
	assert_int_equal(add(f, 5, 9), 200);
}

/* Each bit of a record that matters: then there is no signature any more. */
static void
test_damaged(void **state)
{
	struct fix *f = *state;
	char name[100], path[200];
	struct buf b;
	size_t i;
	int http;

	assert_int_equal(add(f, 0, 5), 200);
	snprintf(name, sizeof name, "state/%s", f->roster->logs[0]->hex);
	snprintf(path, sizeof path, "%s/%s", f->dir, name);
	buf_init(&b, 0);
	assert_int_equal(file_read(path, 100000, &b), 0);
	for (i = 0; i < b.len * 8; i += 7) {
		b.data[i / 8] ^= (uint8_t)(1 << i % 8);
		fix_file(f, name, b.data, b.len);
		fix_open(f);
		/* Our own line holds the record; that of the log does not. */
		http = add(f, 5, 9);
		assert_true(http == 500 || (http == 200 &&
		    f->roster->logs[0]->last.size == 9));
		b.data[i / 8] ^= (uint8_t)(1 << i % 8);
	}
	for (i = 0; i < b.len; i++) {
		fix_file(f, name, b.data, i);
		fix_open(f);
		assert_int_equal(add(f, 5, 9), 500);
		assert_int_equal(add(f, 0, 9), 500);
	}
	fix_file(f, name, b.data, b.len);
	fix_open(f);
	assert_int_equal(add(f, 5, 9), 200);
	buf_fini(&b);
}

/* A note with lines of others, one of them in our own name: they are no matter
 * for the answer, and must not spoil the record. */
static void
test_lines_of_others(void **state)
{
	static const char mine[] = "\xe2\x80\x94 w.test ";
	struct fix *f = *state;
	struct buf b;

	buf_init(&b, 0);
	fix_request(&b, &f->log, 'a', 0, 0, 5);
	key_line(&f->stranger, "x\n", 2, 0, &b);
	assert_int_equal(buf_puts(&b, mine), 0);
	assert_int_equal(buf_puts(&b, "AAAAAAAA\n"), 0);
	decide_add(&f->desk, b.data, b.len, &f->d);
	assert_int_equal(f->d.http, 200);
	cosigned(f, 'a', 5);
	fix_open(f);
	assert_false(f->roster->logs[0]->damaged);
	assert_int_equal(f->roster->logs[0]->last.size, 5);
	buf_fini(&b);
}

/* Two keys of one log: each of them will do, a wrong line of either will not. */
static void
test_two_keys(void **state)
{
	struct fix *f = *state;
	const struct signer_key *keys[2] = { &f->log, &f->second };
	struct buf b;

	fix_logs(f, keys, 2);
	fix_open(f);
	assert_int_equal(add(f, 0, 4), 200);
	assert_int_equal(fix_add(f, &f->second, 'a', 4, 4, 5), 200);
	cosigned(f, 'a', 5);
	buf_init(&b, 0);
	fix_request(&b, &f->log, 'a', 5, 5, 6);
	key_line(&f->second, "x\n", 2, 0, &b);
	decision_fini(&f->d);
	decide_add(&f->desk, b.data, b.len, &f->d);
	assert_int_equal(f->d.http, 403);
	buf_fini(&b);
}

/* ---- many at once ---- */

struct race {
	struct fix *f;
	char branch;
	int64_t signed_size[64];
	size_t n;
};

static void *
race_thread(void *arg)
{
	struct race *r = arg;
	struct decision d;
	int64_t old = 0, size;
	struct buf b;
	int i;

	for (i = 0; i < 60; i++) {
		size = (old > 3 ? old : 3) + 1 + i % 2;
		buf_init(&b, 0);
		fix_request(&b, &r->f->log, r->branch, old, old, size);
		decide_add(&r->f->desk, b.data, b.len, &d);
		if (d.http == 200) {
			r->signed_size[r->n++] = size;
			old = size;
		} else if (d.http == 409) {
			old = strtoll(buf_str(&d.body), NULL, 10);
		}
		decision_fini(&d);
		buf_fini(&b);
		if (old > 120)
			break;
	}
	return NULL;
}

static void
test_race(void **state)
{
	struct fix *f = *state;
	struct race r[4] = { { .f = f, .branch = 'a' },
	    { .f = f, .branch = 'b' }, { .f = f, .branch = 'a' },
	    { .f = f, .branch = 'b' } };
	pthread_t t[4];
	size_t i, a, b;

	for (i = 0; i < 4; i++)
		assert_int_equal(pthread_create(&t[i], NULL, race_thread,
		    &r[i]), 0);
	for (i = 0; i < 4; i++)
		pthread_join(t[i], NULL);
	a = r[0].n + r[2].n;
	b = r[1].n + r[3].n;
	assert_true(a + b > 4);
	assert_true(a == 0 || b == 0);         /* one history, whole */
}

#define FIX(t) cmocka_unit_test_setup_teardown(t, fix_setup, fix_teardown)

int
main(void)
{
	const struct CMUnitTest tests[] = {
		FIX(test_table),
		FIX(test_empty_tree),
		FIX(test_forms),
		FIX(test_get),
		FIX(test_restart),
		FIX(test_no_disk),
		FIX(test_damaged),
		FIX(test_lines_of_others),
		FIX(test_two_keys),
		FIX(test_race),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
