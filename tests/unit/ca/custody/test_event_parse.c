/* SPDX-License-Identifier: Apache-2.0 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <cmocka.h>

#include "ca/base/buf.h"
#include "ca/base/enc.h"
#include "ca/custody/event.h"

struct tx {
	int unused;
};

int
store_outbox_put(struct tx *tx, const struct event_row *r)
{
	(void)tx;
	(void)r;
	return CAMCA_EDB;
}

#define HEAD "camca-event/v1\nid 0f1e2d3c4b5a69788796a5b4c3d2e1f0\n" \
	"time 2026-11-22T10:36:32.123Z\n"
#define H64 "00112233445566778899aabbccddeeff00112233445566778899aabbccddeeff"
#define MOVED HEAD "type device.moved\ndevice cam-1\nactor uid 0\n" \
	"from enrolled\nto held\nreason letter 12\nnode n1\n"
#define CHAINED(seq, prev) HEAD "type device.moved\ndevice cam-1\n" \
	"dev-seq " seq "\ndev-prev " prev "\nactor uid 0\n" \
	"from enrolled\nto held\nnode n1\n"

static int
parse(struct event_view *v, const char *s, size_t n)
{
	struct refusal why = { 0 };
	int ret = event_parse(v, s, n, &why);

	if (ret < 0) {
		assert_int_equal(why.http, 400);
		assert_memory_equal(why.code, "event.", 6);
	}
	return ret;
}

/* Writes what was read, by other means than the writer in event.c. */
static void
rewrite(const struct event_view *v, struct buf *out)
{
	char hex[65], when[CTX_TIME_LEN];
	size_t i;

	enc_hex(hex, v->id, 16);
	ctx_time_format(when, v->time_ms);
	assert_int_equal(buf_printf(out, EVENT_HEADER "id %s\ntime %s\n"
	    "type %s\ndevice %.*s\n", hex, when, v->type->name,
	    (int)v->device.n, v->device.p), 0);
	enc_hex(hex, v->dev_prev, 32);
	if (v->dev_seq != 0)
		assert_int_equal(buf_printf(out, "dev-seq %lld\ndev-prev %s\n",
		    (long long)v->dev_seq, v->has_prev ? hex : "-"), 0);
	assert_int_equal(buf_printf(out, "actor %.*s\n", (int)v->actor.n,
	    v->actor.p), 0);
	for (i = 0; i < v->nfields; i++)
		assert_int_equal(buf_printf(out, "%.*s %.*s\n",
		    (int)v->fields[i].key.n, v->fields[i].key.p,
		    (int)v->fields[i].value.n, v->fields[i].value.p), 0);
	assert_int_equal(buf_printf(out, "node %.*s\n", (int)v->node.n,
	    v->node.p), 0);
}

static void
assert_one_spelling(const struct event_view *v, const char *s, size_t n)
{
	struct buf out;

	buf_init(&out, 0);
	rewrite(v, &out);
	assert_int_equal(out.len, n);
	assert_memory_equal(out.data, s, n);
	buf_fini(&out);
}

static void
test_good(void **state)
{
	static const char *const good[] = { MOVED, CHAINED("1", "-"),
	    CHAINED("2", H64), CHAINED("999999999999999999", H64),
	    HEAD "type policy.loaded\ndevice -\nactor -\npolicy " H64
	    "\nnode n\n" };
	struct event_view v;
	struct event_text t;
	size_t i;

	(void)state;
	for (i = 0; i < sizeof good / sizeof good[0]; i++) {
		assert_int_equal(parse(&v, good[i], strlen(good[i])), 0);
		assert_one_spelling(&v, good[i], strlen(good[i]));
	}
	assert_int_equal(parse(&v, MOVED, strlen(MOVED)), 0);
	assert_int_equal(v.time_ms, 1795343792123);
	assert_int_equal(v.dev_seq, 0);
	assert_int_equal(event_view_get(&v, "to", &t), 0);
	assert_int_equal(t.n, 4);
	assert_memory_equal(t.p, "held", 4);
	assert_int_equal(event_view_get(&v, "serial", &t), CAMCA_ENOENT);
	assert_int_equal(parse(&v, CHAINED("2", H64),
	    strlen(CHAINED("2", H64))), 0);
	assert_true(v.has_prev);
	assert_int_equal(v.dev_prev[31], 0xff);
}

static void
test_bad(void **state)
{
	static const char *const bad[] = {
		"", "camca-event/v2\n", MOVED "\n", MOVED "x 1\n",
		MOVED "node n1\n", "\xef\xbb\xbf" MOVED,
		/* order, unknown, missing, doubled */
		HEAD "type device.moved\ndevice c\nactor a\nto held\n"
		"from enrolled\nnode n\n",
		HEAD "type device.moved\ndevice c\nactor a\nfrom x\nnode n\n",
		HEAD "type device.moved\ndevice c\nactor a\nfrom x\nfrom x\n"
		"to y\nnode n\n",
		HEAD "type device.moved\ndevice c\nactor a\nfrom x\nto y\n"
		"other z\nnode n\n",
		HEAD "type device.moved\nactor a\nfrom x\nto y\nnode n\n",
		HEAD "type device.flown\ndevice c\nactor a\nfrom x\nto y\n"
		"node n\n",
		HEAD "type device.moved\ndevice c d\nactor a\nfrom x\nto y\n"
		"node n\n",
		/* values */
		HEAD "type device.moved\ndevice c\nactor \nfrom x\nto y\n"
		"node n\n",
		HEAD "type device.moved\ndevice c\nactor a \nfrom x\nto y\n"
		"node n\n",
		HEAD "type device.moved\ndevice c\nactor  a\nfrom x\nto y\n"
		"node n\n",
		HEAD "type device.moved\ndevice c\nactor a\r\nfrom x\nto y\n"
		"node n\n",
		HEAD "type device.moved\ndevice c\nactor \xff\nfrom x\nto y\n"
		"node n\n",
		HEAD "type device.moved\ndevice c\nactor a\xe2\x80\xae\n"
		"from x\nto y\nnode n\n",
		"camca-event/v1\nid 0F1e2d3c4b5a69788796a5b4c3d2e1f0\n"
		"time 2026-11-22T10:36:32.123Z\ntype device.moved\ndevice c\n"
		"actor a\nfrom x\nto y\nnode n\n",
		"camca-event/v1\nid 0f1e2d3c4b5a69788796a5b4c3d2e1f0\n"
		"time 2026-11-22\ntype device.moved\ndevice c\n"
		"actor a\nfrom x\nto y\nnode n\n",
		"camca-event/v1\nid 0f1e2d3c4b5a69788796a5b4c3d2e1f0\n"
		"time 2026-02-30T10:36:32.123Z\ntype device.moved\ndevice c\n"
		"actor a\nfrom x\nto y\nnode n\n",
		/* chain */
		CHAINED("0", "-"), CHAINED("01", "-"), CHAINED("-1", "-"),
		CHAINED("+1", "-"), CHAINED("2", "-"), CHAINED("1", H64),
		CHAINED("1000000000000000000", H64), CHAINED("2", "00"),
		CHAINED("2", H64 "00"), CHAINED("1", "--"), CHAINED("1x", "-"),
	};
	struct event_view v;
	size_t i;

	(void)state;
	for (i = 0; i < sizeof bad / sizeof bad[0]; i++)
		if (parse(&v, bad[i], strlen(bad[i])) == 0)
			fail_msg("accepted: %s", bad[i]);
	assert_int_equal(parse(&v, MOVED "\0", sizeof MOVED), CAMCA_EINVAL);
}

static void
test_cut_at_each_byte(void **state)
{
	static const char text[] = CHAINED("2", H64);
	struct event_view v;
	size_t n;

	(void)state;
	for (n = 0; n < sizeof text - 1; n++)
		assert_int_equal(parse(&v, text, n), CAMCA_EINVAL);
	assert_int_equal(parse(&v, text, n), 0);
}

/* A flipped bit is refused, or it is another event in its one spelling. */
static void
test_bit_flips(void **state)
{
	char text[] = CHAINED("2", H64);
	struct event_view v;
	size_t i;
	int bit;

	(void)state;
	for (i = 0; i < sizeof text - 1; i++)
		for (bit = 0; bit < 8; bit++) {
			text[i] = (char)(text[i] ^ 1 << bit);
			if (parse(&v, text, sizeof text - 1) == 0)
				assert_one_spelling(&v, text, sizeof text - 1);
			text[i] = (char)(text[i] ^ 1 << bit);
		}
}

static void
test_oversize(void **state)
{
	static const char before[] = HEAD "type device.moved\ndevice c\n"
	    "actor a\nfrom x\nto ";
	static const char after[] = "\nnode n\n";
	char text[EVENT_BODY_MAX + 2];
	struct event_view v;
	size_t n, len;

	(void)state;
	for (n = EVENT_VALUE_MAX - 1; n <= EVENT_VALUE_MAX + 1; n++) {
		memcpy(text, before, sizeof before - 1);
		memset(text + sizeof before - 1, 'v', n);
		memcpy(text + sizeof before - 1 + n, after, sizeof after - 1);
		len = sizeof before - 1 + n + sizeof after - 1;
		assert_int_equal(parse(&v, text, len),
		    n <= EVENT_VALUE_MAX ? 0 : CAMCA_EINVAL);
	}
	memset(text, 'v', sizeof text);
	memcpy(text, before, sizeof before - 1);
	assert_int_equal(parse(&v, text, EVENT_BODY_MAX), CAMCA_EINVAL);
	assert_int_equal(parse(&v, text, EVENT_BODY_MAX + 1), CAMCA_ELIMIT);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_good),
		cmocka_unit_test(test_bad),
		cmocka_unit_test(test_cut_at_each_byte),
		cmocka_unit_test(test_bit_flips),
		cmocka_unit_test(test_oversize),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
