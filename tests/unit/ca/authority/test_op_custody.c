/* SPDX-License-Identifier: Apache-2.0 */
/* event.list over log and outbox, custody.status, custody.tile and
 * custody.entries, and what is pushed back. */
#include "tests/unit/ca/authority/fixture.h"

#include "ca/authority/custody.h"
#include "ca/base/enc.h"
#include "ca/custody/append.h"
#include "ca/store/store_log_sign.h"

struct job {
	struct fix *f;
	const char *device;
	int n;
};

static int
put_tx(struct tx *tx, void *arg)
{
	const struct job *j = arg;
	struct event e;
	int i, ret = CAMCA_OK;

	for (i = 0; i < j->n && ret == CAMCA_OK; i++) {
		event_init(&e, &j->f->a.events, "secret.made", j->device, "t");
		event_add_time(&e, "expires", 0);
		ret = event_put(tx, &e);
	}
	return ret;
}

static void
put(struct fix *f, const char *device, int n)
{
	struct job j = { f, device, n };

	assert_int_equal(store_tx(f->a.store, DB_WRITE, put_tx, &j), 0);
}

static int
append_tx(struct tx *tx, void *arg)
{
	const struct job *j = arg;
	struct append *a = NULL;
	int64_t taken, left;
	int ret = append_new(&a, &j->f->a.events, (size_t)j->n);

	if (ret == CAMCA_OK)
		ret = log_append(tx, a, &taken, &left, NULL);
	append_free(a);
	return ret;
}

static void
append(struct fix *f, int n)
{
	struct job j = { f, NULL, n };

	assert_int_equal(store_tx(f->a.store, DB_WRITE, append_tx, &j), 0);
}

static int
publish_tx(struct tx *tx, void *arg)
{
	uint8_t note[] = "note";
	struct checkpoint_row r = { .size = *(int64_t *)arg, .note = { note,
	    4 }, .signed_ms = 1 };

	return store_checkpoint_put(tx, &r);
}

static void
publish(struct fix *f, int64_t size)
{
	assert_int_equal(store_tx(f->a.store, DB_WRITE, publish_tx, &size), 0);
}

static json_t *
result(struct fix *f, const char *name)
{
	json_t *v = json_object_get(json_object_get(f->answer, "result"),
	    name);

	assert_non_null(v);
	return v;
}

/* All seq of a list, page by page, as one text. */
static void
list(struct fix *f, const char *more, int limit, char *out, size_t len)
{
	char call[256], after[65] = "";
	size_t i, n, used = 0;

	do {
		snprintf(call, sizeof call, "{\"id\":1,\"op\":\"event.list\","
		    "\"args\":{\"limit\":%d,\"after\":\"%s\"%s}}", limit,
		    after, more);
		assert_int_equal(fix_call(f, call), 200);
		n = json_array_size(result(f, "items"));
		assert_true(n <= (size_t)limit);
		for (i = 0; i < n; i++)
			used += (size_t)snprintf(out + used, len - used,
			    "%d ", (int)json_integer_value(json_object_get(
			    json_array_get(result(f, "items"), i), "seq")));
		snprintf(after, sizeof after, "%s",
		    json_string_value(result(f, "next")));
		/* Between two pages the log takes some more. */
		if (n > 0)
			append(f, 3);
	} while (after[0] != '\0');
}

static void
whole(struct fix *f, int limit, int n)
{
	char got[2000] = "", want[2000] = "";
	size_t used = 0;
	int i;

	list(f, "", limit, got, sizeof got);
	for (i = 1; i <= n; i++)
		used += (size_t)snprintf(want + used, sizeof want - used,
		    "%d ", i);
	assert_string_equal(got, want);
}

static void
test_list(void **state)
{
	struct fix *f = *state;
	char got[2000] = "";
	int before = (int)fix_events(f);

	put(f, "cam-1", 10);
	put(f, "cam-2", 10);
	put(f, "cam-1", 10);
	append(f, before + 5);
	list(f, ",\"device\":\"cam-1\"", 4, got, sizeof got);
	assert_int_equal(strlen(got) > 0, 1);
	before += 30;
	whole(f, 1, before);
	put(f, NULL, 20);
	before += 20;
	whole(f, 7, before);
	put(f, NULL, 20);
	append(f, 1000);
	before += 20;
	whole(f, 128, before);
}

static void
test_list_device(void **state)
{
	struct fix *f = *state;
	char got[2000], want[2000] = "";
	int n = (int)fix_events(f), i, limit;
	size_t used = 0;

	for (i = 0; i < 30; i++) {
		put(f, i % 3 ? "cam-1" : "cam-2", 1);
		if (i % 3)
			used += (size_t)snprintf(want + used,
			    sizeof want - used, "%d ", n + i + 1);
	}
	append(f, n + 5);
	for (limit = 1; limit < 25; limit += 6) {
		got[0] = '\0';
		list(f, ",\"device\":\"cam-1\"", limit, got, sizeof got);
		assert_string_equal(got, want);
	}
	got[0] = '\0';
	list(f, ",\"device\":\"cam-3\"", 5, got, sizeof got);
	assert_string_equal(got, "");
}

static void
test_status(void **state)
{
	struct fix *f = *state;
	int64_t before = fix_events(f);

	put(f, "cam-1", 4);
	f->now_ms += 1500;
	assert_int_equal(fix_call(f, "{\"id\":1,\"op\":\"custody.status\"}"),
	    200);
	assert_int_equal(json_integer_value(result(f, "size")), 0);
	assert_int_equal(json_integer_value(result(f, "waiting")),
	    before + 4);
	assert_int_equal(json_integer_value(result(f, "oldest_ms")), 1500);
	append(f, 100);
	assert_int_equal(fix_call(f, "{\"id\":1,\"op\":\"custody.status\"}"),
	    200);
	assert_int_equal(json_integer_value(result(f, "size")), before + 4);
	assert_int_equal(json_integer_value(result(f, "waiting")), 0);
	assert_int_equal(json_integer_value(result(f, "oldest_ms")), 0);
}

static int
get(struct fix *f, const char *op, const char *args)
{
	char call[256];

	snprintf(call, sizeof call, "{\"id\":1,\"op\":\"custody.%s\","
	    "\"args\":{%s}}", op, args);
	return fix_call(f, call);
}

static size_t
data_len(struct fix *f)
{
	struct buf b;
	size_t n;

	buf_init(&b, 0);
	assert_int_equal(dec_base64(&b, json_string_value(result(f, "data")),
	    json_string_length(result(f, "data")), 0), 0);
	n = b.len;
	buf_fini(&b);
	return n;
}

/* Nothing that no published checkpoint covers: it could still be taken back. */
static void
test_tile(void **state)
{
	struct fix *f = *state;

	put(f, "cam-1", 300);
	append(f, 1000);
	assert_int_equal(get(f, "tile", "\"level\":0,\"n\":0,\"width\":1"),
	    404);
	assert_string_equal(fix_code(f), "custody.unknown");
	publish(f, 10);
	assert_int_equal(get(f, "tile", "\"level\":0,\"n\":0,\"width\":10"),
	    200);
	assert_int_equal(data_len(f), 320);
	assert_int_equal(get(f, "tile", "\"level\":0,\"n\":0,\"width\":11"),
	    404);
	assert_int_equal(get(f, "tile", "\"level\":0,\"n\":0,\"width\":0"),
	    404);
	publish(f, 290);
	assert_int_equal(get(f, "tile", "\"level\":0,\"n\":0,\"width\":256"),
	    200);
	assert_int_equal(data_len(f), 8192);
	/* A width that an older checkpoint needs is served for ever. */
	assert_int_equal(get(f, "tile", "\"level\":0,\"n\":0,\"width\":10"),
	    200);
	assert_int_equal(get(f, "tile", "\"level\":0,\"n\":1,\"width\":34"),
	    200);
	assert_int_equal(get(f, "tile", "\"level\":0,\"n\":1,\"width\":35"),
	    404);
	assert_int_equal(get(f, "tile", "\"level\":1,\"n\":0,\"width\":1"),
	    200);
	assert_int_equal(get(f, "tile", "\"level\":1,\"n\":0,\"width\":2"),
	    404);
	assert_int_equal(get(f, "tile", "\"level\":7,\"n\":0,\"width\":1"),
	    404);
	assert_int_equal(get(f, "tile", "\"level\":8,\"n\":0,\"width\":1"),
	    400);
	assert_int_equal(get(f, "tile", "\"level\":0,\"n\":281474976710656,"
	    "\"width\":1"), 404);
}

static void
test_entries(void **state)
{
	struct fix *f = *state;
	int64_t size;

	put(f, "cam-1", 300);
	append(f, 1000);
	publish(f, 290);
	assert_int_equal(get(f, "entries", "\"n\":0,\"width\":256"), 200);
	size = json_integer_value(result(f, "size"));
	assert_int_equal(data_len(f), size);
	assert_int_equal(get(f, "entries", "\"n\":0,\"width\":256,"
	    "\"offset\":100"), 200);
	assert_int_equal(data_len(f), size - 100);
	assert_int_equal(get(f, "entries", "\"n\":0,\"width\":256,"
	    "\"offset\":9999999"), 400);
	assert_string_equal(fix_code(f), "custody.offset");
	assert_int_equal(get(f, "entries", "\"n\":1,\"width\":34"), 200);
	assert_int_equal(get(f, "entries", "\"n\":1,\"width\":35"), 404);
}

/* The largest events: a full bundle does not fit a frame, its pages do. */
static int
put_large_tx(struct tx *tx, void *arg)
{
	const struct fix *f = arg;
	char value[EVENT_VALUE_MAX + 1];
	struct event e;
	int i, ret = CAMCA_OK;

	memset(value, 'v', sizeof value - 1);
	value[sizeof value - 1] = '\0';
	for (i = 0; i < 256 && ret == CAMCA_OK; i++) {
		event_init(&e, &f->a.events, "device.added", NULL, value);
		event_add(&e, "site", "%s", value);
		event_add(&e, "kind", "%s", value);
		event_add(&e, "place", "%s", value);
		event_add(&e, "manufacturer", "%s", value);
		event_add(&e, "model", "%s", value);
		event_add(&e, "serial", "%s", value);
		ret = event_put(tx, &e);
	}
	return ret;
}

static void
test_entries_large(void **state)
{
	struct fix *f = *state;
	char args[80];
	int64_t offset = 0, size = 1;

	assert_int_equal(store_tx(f->a.store, DB_WRITE, put_large_tx, f), 0);
	append(f, 1000);
	publish(f, 256);
	for (; offset < size; offset += (int64_t)data_len(f)) {
		snprintf(args, sizeof args, "\"n\":0,\"width\":256,"
		    "\"offset\":%lld", (long long)offset);
		assert_int_equal(get(f, "entries", args), 200);
		size = json_integer_value(result(f, "size"));
		assert_true(data_len(f) > 0);
	}
	assert_int_equal(offset, size);
	assert_true(size > 800000);
}

static void
test_behind(void **state)
{
	struct fix *f = *state;
	struct sequencer_conf conf = { .store = f->a.store,
	    .src = &f->a.events, .interval_ms = 60000, .batch_max = 256 };
	const char *import = "{\"id\":1,\"op\":\"device.import\",\"args\":"
	    "{\"csv\":\"id,manufacturer,model,serial,site\\n\"}}";
	struct op_call c = { .a = &f->a };
	struct timespec ms = { 0, 1000000 };

	f->a.conf.outbox_max = 5;
	/* Nothing is held up by what waited before. */
	put(f, "cam-1", 50);
	assert_int_equal(sequencer_start(&f->a.sequencer, &conf), 0);
	assert_int_equal(custody_behind(&c), 0);
	put(f, "cam-1", 6);
	while (custody_behind(&c) == CAMCA_OK)
		nanosleep(&ms, NULL);
	assert_int_equal(custody_behind(&c), CAMCA_EBUSY);
	assert_int_equal(c.why.http, 503);
	assert_string_equal(c.why.code, "custody.behind");
	assert_true(c.why.retry_after_s > 0);
	assert_int_equal(fix_call(f, import), 503);
	assert_string_equal(fix_code(f), "custody.behind");
	f->a.conf.outbox_max = 0;
	assert_int_equal(custody_behind(&c), 0);
	f->a.conf.outbox_max = 5;
	assert_int_equal(sequencer_settle(f->a.sequencer, 20000), 0);
	assert_int_equal(custody_behind(&c), 0);
	assert_int_not_equal(fix_call(f, import), 503);
	sequencer_stop(f->a.sequencer);
	f->a.sequencer = NULL;
}

int
main(void)
{
#define TEST(t) cmocka_unit_test_setup_teardown(t, fix_setup, fix_teardown)
	const struct CMUnitTest tests[] = {
		TEST(test_list), TEST(test_list_device), TEST(test_status),
		TEST(test_tile), TEST(test_entries),
		TEST(test_entries_large), TEST(test_behind),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
