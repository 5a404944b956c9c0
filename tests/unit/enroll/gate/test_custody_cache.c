/* SPDX-License-Identifier: Apache-2.0 */
#include "tests/unit/enroll/gate/fake_authority.h"

#include <poll.h>

#include "ca/base/buf.h"
#include "ca/base/enc.h"
#include "ca/base/mono.h"
#include "enroll/gate/custody_cache.h"

struct set {
	struct fake fake;
	struct upstream *up;
	struct custody_cache *cache;
};

static void
start(struct set *s, size_t max)
{
	int64_t end = mono_ms() + FAKE_TURN_S * 1000;
	struct upstream_config c;

	fake_init(&s->fake);
	fake_listen(&s->fake);
	upstream_defaults(&c, s->fake.path);
	c.retry_min_ms = 1;
	assert_int_equal(upstream_open(&s->up, &c), CAMCA_OK);
	fake_accept(&s->fake);
	while (!upstream_connected(s->up) && mono_ms() < end)
		poll(NULL, 0, 1);
	assert_int_equal(custody_cache_new(&s->cache, s->up, max), CAMCA_OK);
}

static void
end(struct set *s)
{
	upstream_stop(s->up);
	custody_cache_free(s->cache);
	upstream_close(s->up);
	fake_fini(&s->fake);
}

struct wait {
	struct custody_waiter w;
	struct got got;
	struct custody_item *item;
};

static void
wait_fn(void *arg, struct custody_item *item, const struct refusal *why)
{
	struct wait *x = arg;

	x->item = item;
	got_fn(&x->got, NULL, why);
}

static void
wait_init(struct wait *x)
{
	got_init(&x->got);
	x->w.fn = wait_fn;
	x->w.arg = x;
	x->item = NULL;
}

static void
wait_fini(struct wait *x)
{
	custody_item_free(x->item);
	got_fini(&x->got);
}

static int
get(struct set *s, int level, int64_t n, int width, int64_t at,
    struct wait *x)
{
	struct custody_name name = { level, n, width };
	struct refusal why = { 0 };
	int ret = custody_cache_get(s->cache, &name, at, &x->w, &x->item,
	    &why);

	if (ret != CAMCA_OK && ret != CAMCA_EPENDING)
		assert_int_equal(why.http, 503);
	return ret;
}

static int
kept(struct set *s, int level, int64_t n, int width, int64_t at)
{
	struct custody_name name = { level, n, width };
	struct custody_item *item = NULL;
	int ret = custody_cache_get(s->cache, &name, at, NULL, &item, NULL);

	custody_item_free(item);
	return ret == CAMCA_OK;
}

static int64_t
arg_of(const json_t *call, const char *name)
{
	return json_integer_value(json_object_get(json_object_get(call,
	    "args"), name));
}

/* The next call, which must be op; answered by text. */
static void
answer(struct set *s, const char *op, const char *text)
{
	json_t *call = fake_call(&s->fake);

	assert_string_equal(json_string_value(json_object_get(call, "op")),
	    op);
	fake_answer(&s->fake, call, text);
	json_decref(call);
}

/* {"data": n bytes of value} and, with size > 0, of a whole of that size. */
static void
answer_data(struct set *s, const char *op, uint8_t value, size_t n,
    size_t size, size_t offset)
{
	uint8_t *bytes = malloc(n + 1);
	struct buf b;

	assert_non_null(bytes);
	memset(bytes, value, n);
	buf_init(&b, 0);
	assert_int_equal(buf_puts(&b, "\"result\":{\"data\":\""), 0);
	assert_int_equal(enc_base64(&b, bytes, n, 0), 0);
	assert_int_equal(buf_puts(&b, "\""), 0);
	if (size > 0)
		assert_int_equal(buf_printf(&b, ",\"size\":%zu,\"offset\":%zu",
		    size, offset), 0);
	assert_int_equal(buf_puts(&b, "}"), 0);
	answer(s, op, buf_str(&b));
	buf_fini(&b);
	free(bytes);
}

/* Fetches a tile through the fake. */
static void
fetch(struct set *s, int level, int64_t n, int width, struct wait *x)
{
	wait_init(x);
	assert_int_equal(get(s, level, n, width, mono_ms(), x),
	    CAMCA_EPENDING);
	answer_data(s, level < 0 ? "custody.entries" : "custody.tile",
	    (uint8_t)n, 32 * (size_t)width, level < 0 ? 32 * (size_t)width :
	    0, 0);
	got_wait(&x->got, 1);
	assert_non_null(x->item);
	assert_int_equal(x->item->len, 32 * width);
	assert_int_equal(x->item->p[0], (uint8_t)n);
}

static void
fetch_checkpoint(struct set *s, const char *note, int64_t at, struct wait *x)
{
	char text[256];

	wait_init(x);
	assert_int_equal(get(s, CUSTODY_CHECKPOINT, 0, 0, at, x),
	    CAMCA_EPENDING);
	snprintf(text, sizeof text, "\"result\":{\"note\":\"%s\",\"size\":7,"
	    "\"access\":\"public\"}", note);
	answer(s, "custody.checkpoint", text);
	got_wait(&x->got, 1);
}

static void
test_tile(void **state)
{
	struct wait x, y;
	struct set s;
	json_t *call;

	(void)state;
	start(&s, CUSTODY_CACHE_BYTES);
	wait_init(&x);
	assert_int_equal(get(&s, 2, 1234067, 8, mono_ms(), &x),
	    CAMCA_EPENDING);
	call = fake_call(&s.fake);
	assert_string_equal(json_string_value(json_object_get(call, "op")),
	    "custody.tile");
	assert_int_equal(arg_of(call, "level"), 2);
	assert_int_equal(arg_of(call, "n"), 1234067);
	assert_int_equal(arg_of(call, "width"), 8);
	fake_answer(&s.fake, call, "\"error\":{\"http\":404,\"code\":"
	    "\"custody.unknown\",\"detail\":\"no\"}");
	json_decref(call);
	got_wait(&x.got, 1);
	assert_null(x.item);
	assert_int_equal(x.got.why.http, 404);
	wait_fini(&x);
	/* What is not there is not kept: it may be there a moment later. */
	fetch(&s, 2, 1234067, 8, &x);
	assert_int_equal(strlen(x.item->etag), 34);
	wait_init(&y);
	assert_int_equal(get(&s, 2, 1234067, 8, mono_ms() + 86400000,
	    &y), CAMCA_OK);
	assert_ptr_equal(y.item, x.item);
	assert_false(kept(&s, 2, 1234067, 9, 0));
	assert_false(kept(&s, 1, 1234067, 8, 0));
	wait_fini(&x);
	wait_fini(&y);
	end(&s);
}

static void
test_one_question(void **state)
{
	struct wait x[10];
	struct set s;
	int i;

	(void)state;
	start(&s, CUSTODY_CACHE_BYTES);
	for (i = 0; i < 10; i++) {
		wait_init(&x[i]);
		assert_int_equal(get(&s, 0, 1, 256, mono_ms(), &x[i]),
		    CAMCA_EPENDING);
	}
	answer_data(&s, "custody.tile", 1, 8192, 0, 0);
	for (i = 0; i < 10; i++) {
		got_wait(&x[i].got, 1);
		assert_ptr_equal(x[i].item, x[0].item);
	}
	for (i = 0; i < 10; i++)
		wait_fini(&x[i]);
	/* And no second one was asked: the next call is another's. */
	fetch(&s, 0, 2, 256, &x[0]);
	wait_fini(&x[0]);
	end(&s);
}

/* Entries come in pages. */
static void
test_entries(void **state)
{
	struct wait x;
	struct set s;
	json_t *call;

	(void)state;
	start(&s, CUSTODY_CACHE_BYTES);
	wait_init(&x);
	assert_int_equal(get(&s, TILE_ENTRIES, 3, 256, mono_ms(), &x),
	    CAMCA_EPENDING);
	answer_data(&s, "custody.entries", 1, 1000, 1500, 0);
	call = fake_call(&s.fake);
	assert_int_equal(arg_of(call, "n"), 3);
	assert_int_equal(arg_of(call, "width"), 256);
	assert_int_equal(arg_of(call, "offset"), 1000);
	json_object_set_new(call, "op", json_string("-"));
	fake_answer(&s.fake, call, "\"result\":{\"data\":\"\",\"size\":1500,"
	    "\"offset\":1000}");
	json_decref(call);
	/* An empty page would go on for ever. */
	got_wait(&x.got, 1);
	assert_null(x.item);
	assert_int_equal(x.got.why.http, 500);
	wait_fini(&x);
	wait_init(&x);
	assert_int_equal(get(&s, TILE_ENTRIES, 3, 256, mono_ms(), &x),
	    CAMCA_EPENDING);
	answer_data(&s, "custody.entries", 1, 1000, 1500, 0);
	answer_data(&s, "custody.entries", 2, 500, 1500, 1000);
	got_wait(&x.got, 1);
	assert_int_equal(x.item->len, 1500);
	assert_int_equal(x.item->p[999], 1);
	assert_int_equal(x.item->p[1000], 2);
	wait_fini(&x);
	end(&s);
}

/* What does not fit its name is not served. */
static void
test_odd_answers(void **state)
{
	static const char *const odd[] = { "\"result\":{}",
	    "\"result\":{\"data\":\"AAAA\"}", "\"result\":{\"data\":\"-\"}",
	    "\"result\":{\"data\":7}", "\"result\":{\"note\":\"text\"}",
	    "\"result\":{\"data\":\"AAAA\",\"size\":64,\"offset\":1}",
	    "\"result\":{\"data\":\"AAAA\",\"size\":99999999,\"offset\":0}" };
	struct wait x;
	struct set s;
	size_t i;

	(void)state;
	start(&s, CUSTODY_CACHE_BYTES);
	for (i = 0; i < sizeof odd / sizeof *odd; i++) {
		wait_init(&x);
		assert_int_equal(get(&s, 0, 5, 2, mono_ms(), &x),
		    CAMCA_EPENDING);
		answer(&s, "custody.tile", odd[i]);
		got_wait(&x.got, 1);
		assert_null(x.item);
		assert_int_equal(x.got.why.http, 500);
		wait_fini(&x);
	}
	wait_init(&x);
	assert_int_equal(get(&s, TILE_ENTRIES, 5, 2, mono_ms(), &x),
	    CAMCA_EPENDING);
	answer_data(&s, "custody.entries", 1, 1000, (size_t)3 << 20, 0);
	got_wait(&x.got, 1);
	assert_null(x.item);
	wait_fini(&x);
	wait_init(&x);
	assert_int_equal(get(&s, CUSTODY_CHECKPOINT, 0, 0, mono_ms(),
	    &x), CAMCA_EPENDING);
	answer(&s, "custody.checkpoint", "\"result\":{\"note\":\"\"}");
	got_wait(&x.got, 1);
	assert_null(x.item);
	wait_fini(&x);
	assert_int_equal(custody_cache_bytes(s.cache), 0);
	end(&s);
}

/* A second later it is asked for again; where the authority cannot answer, the
 * one that is kept is still true. */
static void
test_checkpoint(void **state)
{
	struct wait x, y;
	struct set s;
	int64_t now;

	(void)state;
	start(&s, CUSTODY_CACHE_BYTES);
	now = mono_ms();
	fetch_checkpoint(&s, "log\\n7\\nroot\\n", now, &x);
	assert_int_equal(x.item->len, 11);
	assert_memory_equal(x.item->p, "log\n7\nroot\n", 11);
	assert_true(kept(&s, CUSTODY_CHECKPOINT, 0, 0, now + 900));
	assert_false(kept(&s, CUSTODY_CHECKPOINT, 0, 0,
	    mono_ms() + CUSTODY_FRESH_MS));
	wait_init(&y);
	assert_int_equal(get(&s, CUSTODY_CHECKPOINT, 0, 0, now + 5000, &y),
	    CAMCA_EPENDING);
	answer(&s, "custody.checkpoint", "\"error\":{\"http\":503,\"code\":"
	    "\"system.hsm\",\"detail\":\"no\"}");
	got_wait(&y.got, 1);
	assert_ptr_equal(y.item, x.item);
	wait_fini(&y);
	/* The tree of a fork is another one: nothing of the old is left. */
	wait_fini(&x);
	fetch(&s, 0, 0, 256, &x);
	wait_fini(&x);
	fetch_checkpoint(&s, "log\\n8\\nroot\\n", now + 5000, &x);
	wait_fini(&x);
	assert_true(kept(&s, 0, 0, 256, now));
	fetch_checkpoint(&s, "log/2\\n8\\nroot\\n", now + 9000, &x);
	wait_fini(&x);
	assert_false(kept(&s, 0, 0, 256, now));
	assert_true(kept(&s, CUSTODY_CHECKPOINT, 0, 0, now));
	end(&s);
}

/* A bound of bytes; partial tiles do not push full ones out. */
static void
test_bounded(void **state)
{
	const size_t max = 100 * 1000;
	struct wait x;
	struct set s;
	int i;

	(void)state;
	start(&s, max);
	for (i = 0; i < 4; i++) {
		fetch(&s, 0, i, 256, &x);
		wait_fini(&x);
	}
	for (i = 1; i < 40; i++) {
		fetch(&s, 0, 4, i, &x);
		wait_fini(&x);
		assert_true(custody_cache_bytes(s.cache) <= max);
	}
	for (i = 0; i < 4; i++)
		assert_true(kept(&s, 0, i, 256, 0));
	assert_true(kept(&s, 0, 4, 39, 0));
	assert_false(kept(&s, 0, 4, 1, 0));
	/* The one used last goes last; and what is held stays valid. */
	for (i = 4; i < 11; i++) {
		assert_true(kept(&s, 0, 0, 256, 0));
		fetch(&s, 0, i, 256, &x);
		if (i < 10)
			wait_fini(&x);
		assert_true(custody_cache_bytes(s.cache) <= max);
	}
	assert_true(kept(&s, 0, 0, 256, 0));
	assert_false(kept(&s, 0, 1, 256, 0));
	custody_cache_free(s.cache);
	assert_int_equal(x.item->p[8191], 10);
	wait_fini(&x);
	assert_int_equal(custody_cache_new(&s.cache, s.up, 10), CAMCA_OK);
	/* Larger than all there is: served, not kept. */
	fetch(&s, 0, 1, 256, &x);
	wait_fini(&x);
	assert_int_equal(custody_cache_bytes(s.cache), 0);
	end(&s);
}

/* More questions than may be on their way: 503, but not for the checkpoint. */
static void
test_busy(void **state)
{
	struct wait x[CUSTODY_FETCHES + 1], cp;
	struct set s;
	int i;

	(void)state;
	start(&s, CUSTODY_CACHE_BYTES);
	for (i = 0; i < CUSTODY_FETCHES - 1; i++) {
		wait_init(&x[i]);
		assert_int_equal(get(&s, 0, i, 256, 0, &x[i]),
		    CAMCA_EPENDING);
	}
	wait_init(&x[i]);
	assert_int_equal(get(&s, 0, i, 256, 0, &x[i]), CAMCA_EBUSY);
	wait_fini(&x[i]);
	/* One of those that are on their way can still be waited for. */
	wait_init(&x[i]);
	assert_int_equal(get(&s, 0, 0, 256, 0, &x[i]), CAMCA_EPENDING);
	wait_init(&cp);
	assert_int_equal(get(&s, CUSTODY_CHECKPOINT, 0, 0, 0, &cp),
	    CAMCA_EPENDING);
	/* The authority goes away: all of them hear of it. */
	fake_hang_up(&s.fake);
	for (i = 0; i < CUSTODY_FETCHES; i++) {
		got_wait(&x[i].got, 1);
		assert_null(x[i].item);
		assert_int_equal(x[i].got.why.http, 503);
		wait_fini(&x[i]);
	}
	got_wait(&cp.got, 1);
	wait_fini(&cp);
	end(&s);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_tile),
		cmocka_unit_test(test_one_question),
		cmocka_unit_test(test_entries),
		cmocka_unit_test(test_odd_answers),
		cmocka_unit_test(test_checkpoint),
		cmocka_unit_test(test_bounded),
		cmocka_unit_test(test_busy),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
