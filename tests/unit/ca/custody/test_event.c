/* SPDX-License-Identifier: Apache-2.0 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <cmocka.h>

#include "ca/base/file.h"
#include "ca/custody/event.h"

/* Every type, as the list has them. */
static const struct event_type types[] = {
#define EVENT_TYPE(name, keys) { name, keys, sizeof name - 1 },
#include "ca/custody/event_types.h"
#undef EVENT_TYPE
};
#define TYPES (sizeof types / sizeof types[0])

/* The outbox, as far as an event sees it. */
struct tx {
	int result;
	int n;
	struct event_row row;
	char body[EVENT_BODY_MAX + 1];
};

int
store_outbox_put(struct tx *tx, const struct event_row *r)
{
	tx->n++;
	tx->row = *r;
	memcpy(tx->body, r->body.p, r->body.n);
	tx->body[r->body.n] = '\0';
	return tx->result;
}

static int random_result;

static int64_t
fake_now(void *arg)
{
	(void)arg;
	return 1795343792123;   /* 2026-11-22T10:36:32.123Z */
}

static int
fake_random(void *arg, uint8_t *out, size_t n)
{
	(void)arg;
	memset(out, 0xab, n);
	return random_result;
}

static const struct camca_ctx ctx = { fake_now, fake_random, NULL };
static const struct event_source src = { &ctx, "authority-1" };

static void
add_issued(struct event *e)
{
	static const uint8_t hash[32] = { 0x2c, 0x26 };

	event_add(e, "auth", "%s", "secret");
	event_add_hex(e, "cert-sha256", hash, sizeof hash);
	event_add(e, "serial", "%s", "1a2b");
	event_add_hex(e, "issuer-ski", hash, 20);
	event_add(e, "profile", "%s", "camera-ec");
	event_add_hex(e, "policy", hash, sizeof hash);
	event_add_hex(e, "spki", hash, sizeof hash);
}

#define Z8 "00000000"
#define HASH "2c260000" Z8 Z8 Z8 Z8 Z8 Z8 Z8

static void
test_text(void **state)
{
	struct event e;
	struct tx tx = { 0 };

	(void)state;
	event_init(&e, &src, "cert.issued", "cam-0042", "gate");
	add_issued(&e);
	assert_int_equal(event_put(&tx, &e), 0);
	assert_string_equal(tx.body, "camca-event/v1\n"
	    "id 01a202d437fbabababababababababab\n"
	    "time 2026-11-22T10:36:32.123Z\n"
	    "type cert.issued\n"
	    "device cam-0042\n"
	    "actor gate\n"
	    "cert-sha256 " HASH "\n"
	    "serial 1a2b\n"
	    "issuer-ski 2c260000" Z8 Z8 Z8 Z8 "\n"
	    "profile camera-ec\n"
	    "policy " HASH "\n"
	    "spki " HASH "\n"
	    "auth secret\n"
	    "node authority-1\n");
	assert_string_equal(tx.row.device, "cam-0042");
	assert_int_equal(tx.row.time_ms, 1795343792123);
	assert_int_equal(tx.row.id[15], 0xab);
}

/* A transaction may run twice: the second event is the first one. */
static void
test_put_twice(void **state)
{
	struct tx a = { 0 }, b = { 0 };
	struct event e;

	(void)state;
	event_init(&e, &src, "secret.failed", "cam-1", "gate");
	event_add(&e, "attempts", "%d", 3);
	assert_int_equal(event_put(&a, &e), 0);
	assert_int_equal(event_put(&b, &e), 0);
	assert_string_equal(a.body, b.body);
	a.result = CAMCA_EDB;
	assert_int_equal(event_put(&a, &e), CAMCA_EDB);
}

static void
test_mistakes_stick(void **state)
{
	struct tx tx = { 0 };
	struct event e;

	(void)state;
	event_init(&e, &src, "cert.isued", NULL, "gate");
	event_add(&e, "serial", "%s", "00");
	assert_int_equal(event_put(&tx, &e), CAMCA_EINVAL);
	event_init(&e, &src, "secret.made", NULL, "gate");
	event_add(&e, "expire", "%s", "x");
	event_add(&e, "expires", "%s", "x");
	assert_int_equal(event_put(&tx, &e), CAMCA_EINVAL);
	event_init(&e, &src, "secret.made", NULL, "gate");
	event_add(&e, "expires", "%s", "x");
	event_add(&e, "expires", "%s", "y");
	assert_int_equal(event_put(&tx, &e), CAMCA_EINVAL);
	event_init(&e, &src, "secret.made", NULL, "gate");
	assert_int_equal(event_put(&tx, &e), CAMCA_EINVAL);
	event_init(&e, &src, "secret.made", NULL, "gate");
	event_add_hex(&e, "expires", e.text, 257);
	assert_int_equal(event_put(&tx, &e), CAMCA_ELIMIT);
	random_result = CAMCA_ECRYPTO;
	event_init(&e, &src, "secret.made", NULL, "gate");
	random_result = 0;
	event_add(&e, "expires", "%s", "x");
	assert_int_equal(event_put(&tx, &e), CAMCA_ECRYPTO);
	assert_int_equal(tx.n, 0);
}

static void
put_reason(struct tx *tx, const char *reason)
{
	struct event e;

	memset(tx, 0, sizeof *tx);
	event_init(&e, &src, "gate.refused", NULL, "gate");
	event_add(&e, "rule", "%s", "x.y");
	event_add(&e, "http", "%d", 403);
	event_add(&e, "reason", "%s", reason);
	assert_int_equal(event_put(tx, &e), 0);
}

/* Data must not be able to forge a line or to stop an event. */
static void
test_values_made_to_fit(void **state)
{
	static const struct {
		const char *in, *want;
	} cases[] = {
		{ "a\nnode evil", "reason a?node evil\n" },
		{ "a\r\tb\x7f", "reason a??b?\n" },
		{ "", "reason -\n" },
		{ "    ", "reason -\n" },
		{ "  a b ", "reason a b\n" },
		{ "\xff\xc0\x80", "reason ???\n" },
		{ "C\xc2\x85" "D", "reason C??D\n" },
		{ "x\xe2\x80\xaey", "reason x???y\n" },
		{ "x\xe2\x81\xa6y", "reason x???y\n" },
		{ "\xef\xbb\xbfx", "reason ???x\n" },
		{ "c\xe1\xbb\xa7" "a", "reason c\xe1\xbb\xa7" "a\n" },
	};
	struct tx tx;
	size_t i;

	(void)state;
	for (i = 0; i < sizeof cases / sizeof cases[0]; i++) {
		put_reason(&tx, cases[i].in);
		assert_non_null(strstr(tx.body, cases[i].want));
	}
}

/* 3-byte characters around the limit: never half of one. */
static void
test_cut(void **state)
{
	char text[3 * 300 + 3];
	struct event_view v;
	struct event_text t;
	struct tx tx;
	size_t shift, i;

	(void)state;
	for (shift = 0; shift < 3; shift++) {
		memset(text, 'x', shift);
		for (i = 0; i < 300; i++)
			memcpy(text + shift + 3 * i, "\xe1\xbb\xa7", 3);
		text[sizeof text - 3 + shift] = '\0';
		put_reason(&tx, text);
		assert_int_equal(event_parse(&v, tx.body, tx.row.body.n,
		    NULL), 0);
		assert_int_equal(event_view_get(&v, "reason", &t), 0);
		assert_in_range(t.n, EVENT_VALUE_MAX - 3, EVENT_VALUE_MAX);
		assert_memory_equal(t.p + t.n - 3, "\xe2\x80\xa6", 3);
	}
	memset(text, 'y', 512);
	text[512] = '\0';
	put_reason(&tx, text);
	assert_null(strstr(tx.body, "\xe2\x80\xa6"));
}

static void
test_device_and_actor(void **state)
{
	static const char *const not_ids[] = { "", "-", "a b", "../x", ".x",
	    "a\nb", "ca\xcc\x80", "0123456789012345678901234567890123456789"
	    "0123456789012345678901234" };
	char long_actor[300];
	struct event_view v;
	struct tx tx = { 0 };
	struct event e;
	size_t i;

	(void)state;
	for (i = 0; i < sizeof not_ids / sizeof not_ids[0]; i++) {
		event_init(&e, &src, "secret.made", not_ids[i], "gate");
		assert_string_equal(e.device, "-");
	}
	memset(long_actor, 'a', sizeof long_actor - 1);
	long_actor[sizeof long_actor - 1] = '\0';
	event_init(&e, &src, "secret.made", NULL, long_actor);
	event_add_time(&e, "expires", 0);
	assert_int_equal(event_put(&tx, &e), 0);
	assert_int_equal(event_parse(&v, tx.body, tx.row.body.n, NULL), 0);
	assert_int_equal(v.actor.n, EVENT_WHO_MAX);
	assert_string_equal(tx.row.device, "-");
	assert_non_null(strstr(tx.body, "expires 1970-01-01T00:00:00.000Z\n"));
	event_init(&e, &src, "secret.made", NULL, NULL);
	assert_string_equal(e.actor, "-");
}

static void
test_refusal(void **state)
{
	struct refusal why;
	struct tx tx = { 0 };
	struct event e;

	(void)state;
	(void)refuse(&why, CAMCA_EPOLICY, 403, "admit.device-held",
	    "%s is held", "cam-1");
	event_init(&e, &src, "enroll.refused", "cam-1", "gate");
	event_add_refusal(&e, &why);
	assert_int_equal(event_put(&tx, &e), 0);
	assert_non_null(strstr(tx.body, "rule admit.device-held\nhttp 403\n"
	    "reason cam-1 is held\nnode "));
}

/* No type, filled to the brim, may be larger than an event can be. */
static void
test_largest_fits_or_is_refused(void **state)
{
	char big[EVENT_VALUE_MAX + 1];
	const struct event_type *t;
	const char *pos;
	struct event_key k;
	struct event e;
	struct tx tx = { 0 };
	char key[64];
	size_t i, n;
	int ret;

	(void)state;
	memset(big, 'z', sizeof big - 1);
	big[sizeof big - 1] = '\0';
	for (i = 0; i < TYPES; i++) {
		t = &types[i];
		event_init(&e, &src, t->name, NULL, big);
		pos = t->keys;
		for (n = 0; event_key_next(&pos, &k); n++) {
			snprintf(key, sizeof key, "%.*s", (int)k.n, k.p);
			event_add(&e, key, "%s", big);
		}
		assert_in_range(n, 1, EVENT_KEYS_MAX);
		ret = event_put(&tx, &e);
		/* What strangers can cause must always be recorded. */
		if (strstr(t->name, "refused") != NULL ||
		    strstr(t->name, "secret.") != NULL ||
		    strcmp(t->name, "throttle.summary") == 0)
			assert_int_equal(ret, 0);
		assert_true(ret == 0 || ret == CAMCA_ELIMIT);
		if (ret == 0)
			assert_in_range(tx.row.body.n, 1, EVENT_BODY_MAX);
	}
	assert_true(i >= 31);
}

static void
test_types_are_sound(void **state)
{
	const struct event_type *t, *found;
	const char *pos;
	struct event_key k;
	size_t i, j;

	(void)state;
	for (i = 0; i < TYPES; i++) {
		t = &types[i];
		found = event_type_find(t->name, strlen(t->name));
		assert_non_null(found);
		assert_string_equal(found->name, t->name);
		assert_string_equal(found->keys, t->keys);
		assert_true(strlen(t->name) < STORE_ID_MAX);
		for (pos = t->keys; event_key_next(&pos, &k);)
			for (j = 0; j < k.n; j++)
				assert_non_null(strchr("abcdefghijklmnopqrst"
				    "uvwxyz0123456789-", k.p[j]));
	}
	assert_null(event_type_find("cert.issue", 10));
	assert_null(event_type_find("", 0));
}

/* docs/EVENTS.md has each row of the table, word for word. */
static void
test_documented(void **state)
{
	const struct event_type *t;
	struct buf doc;
	char row[512];
	size_t i, rows = 0;
	const char *p;

	(void)state;
	buf_init(&doc, 0);
	assert_int_equal(file_read("docs/EVENTS.md", 1 << 20, &doc), 0);
	for (i = 0; i < TYPES; i++) {
		t = &types[i];
		snprintf(row, sizeof row, "\n| `%s` | `%s` |\n", t->name,
		    t->keys);
		if (strstr(buf_str(&doc), row) == NULL)
			fail_msg("docs/EVENTS.md has no row for %s", t->name);
	}
	for (p = buf_str(&doc); (p = strstr(p, "\n| `")) != NULL; p++)
		if (strchr(p + 4, '.') != NULL &&
		    strchr(p + 4, '.') < strchr(p + 4, '`'))
			rows++;
	assert_int_equal(rows, i);
	buf_fini(&doc);
}

static int calls;

/* No byte is given twice in a row of 256. */
static int
count_random(void *arg, uint8_t *out, size_t n)
{
	static uint8_t next;

	(void)arg;
	calls++;
	while (n-- > 0)
		*out++ = next++;
	return random_result;
}

/* Each id is drawn once, and many with one call. */
static void
test_many(void **state)
{
	const struct camca_ctx counting = { fake_now, count_random, NULL };
	const struct event_source many = { &counting, "authority-1" };
	struct event_ids ids = { .left = 0 };
	uint8_t seen[128][16];
	struct event e;

	(void)state;
	calls = 0;
	for (int i = 0; i < 128; i++) {
		event_init_many(&e, &many, "cert.issued", NULL, NULL, &ids);
		assert_int_equal(e.error, CAMCA_OK);
		memcpy(seen[i], e.id, sizeof seen[i]);
		for (int k = 0; k < i; k++)
			assert_memory_not_equal(seen[k], seen[i],
			    sizeof seen[i]);
	}
	assert_int_equal(calls, 2);
	random_result = CAMCA_ECRYPTO;
	event_init_many(&e, &many, "cert.issued", NULL, NULL, &ids);
	random_result = 0;
	assert_int_equal(e.error, CAMCA_ECRYPTO);
	assert_int_equal(ids.left, 0);
}

/* Each byte at each place, alone among letters: nothing of a length or a place
 * lets one through that is no printable ASCII. */
static void
test_text_bytes(void **state)
{
	char text[20];
	size_t n, at;
	int c;

	(void)state;
	for (n = 1; n <= sizeof text; n++)
		for (at = 0; at < n; at++)
			for (c = 0; c < 256; c++) {
				bool end = at == 0 || at == n - 1;

				memset(text, 'a', sizeof text);
				text[at] = (char)c;
				assert_int_equal(event_text_ok(text, n,
				    sizeof text), c >= ' ' + end && c <= '~');
			}
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_text_bytes),
		cmocka_unit_test(test_text),
		cmocka_unit_test(test_put_twice),
		cmocka_unit_test(test_many),
		cmocka_unit_test(test_mistakes_stick),
		cmocka_unit_test(test_values_made_to_fit),
		cmocka_unit_test(test_cut),
		cmocka_unit_test(test_device_and_actor),
		cmocka_unit_test(test_refusal),
		cmocka_unit_test(test_largest_fits_or_is_refused),
		cmocka_unit_test(test_types_are_sound),
		cmocka_unit_test(test_documented),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
