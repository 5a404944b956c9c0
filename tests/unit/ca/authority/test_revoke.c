/* SPDX-License-Identifier: Apache-2.0 */
/* Batches through the operation table, without an HSM; at the end with the n-th
 * allocation failing. */
#include "tests/unit/ca/authority/fixture.h"

#include <stdatomic.h>

#include "ca/base/log.h"

static atomic_int left;                /* allocations until one fails, 0: never */
static atomic_int hits;

#if !defined __SANITIZE_ADDRESS__ && !defined __SANITIZE_THREAD__
#define WHOLE_PROGRAM 1
static bool
fail_now(void)
{
	int n = atomic_load(&left);

	if (n == 0)
		return false;
	atomic_store(&left, n - 1);
	if (n > 1)
		return false;
	atomic_fetch_add(&hits, 1);
	return true;
}

void *__libc_malloc(size_t n);
void *__libc_calloc(size_t n, size_t size);
void *__libc_realloc(void *p, size_t n);

void *__attribute__((noipa))
malloc(size_t n)
{
	return fail_now() ? NULL : __libc_malloc(n);
}

void *__attribute__((noipa))
calloc(size_t n, size_t size)
{
	return fail_now() ? NULL : __libc_calloc(n, size);
}

void *__attribute__((noipa))
realloc(void *p, size_t n)
{
	return fail_now() ? NULL : __libc_realloc(p, n);
}
#else
#define WHOLE_PROGRAM 0
#endif

struct stock {
	int64_t now;
	int devices;
	const char *firmware;
};

/* Devices d-0, d-1 ..., each with a certificate but every third. */
static int
stock_tx(struct tx *tx, void *arg)
{
	const struct stock *s = arg;
	uint8_t der[] = { 0x30, 0 };
	struct site_row site = { .id = "hq", .name = "hq", .level = 3 };
	struct issuer_row ca = { .name = "ec", .generation = 1,
	    .key_uri = "pkcs11:", .cert = { der, sizeof der } };
	struct device_row d = { .manufacturer = "Hik", .model = "DS-1",
	    .site = "hq", .state = DEVICE_ENROLLED };
	struct cert_row c = { .reason = -1, .profile = "p", .label = "l",
	    .created_ms = s->now, .not_before_ms = s->now,
	    .not_after_ms = s->now + 1000000000, .der = { der, sizeof der } };
	int i, ret;

	if ((ret = store_site_insert(tx, &site)) < 0 ||
	    (ret = store_issuer_insert(tx, &ca)) < 0)
		return ret;
	c.issuer = ca.id;
	for (i = 0; i < s->devices && ret == 0; i++) {
		snprintf(d.id, sizeof d.id, "d-%d", i);
		snprintf(d.serial, sizeof d.serial, "S%d", i);
		snprintf(d.firmware, sizeof d.firmware, "%s", s->firmware);
		d.state = i % 3 == 2 ? DEVICE_REGISTERED : DEVICE_ENROLLED;
		ret = store_device_insert(tx, &d);
		if (ret < 0 || d.state == DEVICE_REGISTERED)
			continue;
		c.device = d.pk;
		memcpy(c.serial, &i, sizeof i);
		c.serial[19] = 1;
		memcpy(c.spki, &i, sizeof i);
		ret = store_cert_insert(tx, &c);
	}
	return ret;
}

static struct fix *
stocked(void **state, int devices, const char *firmware)
{
	struct fix *f = *state;
	struct stock s = { FIX_NOW, devices, firmware };

	log_setup("test", (enum log_level)0);
	assert_int_equal(store_tx(f->a.store, DB_WRITE, stock_tx, &s), 0);
	return f;
}

static json_t *
result(struct fix *f, const char *part, const char *key)
{
	return json_object_get(json_object_get(json_object_get(f->answer,
	    "result"), part), key);
}

static int
plan(struct fix *f, const char *action, const char *terms)
{
	char call[400];

	snprintf(call, sizeof call, "{\"op\":\"revoke.plan\",\"args\":{"
	    "\"action\":\"%s\",\"reason\":\"test\",%s}}", action, terms);
	assert_int_equal(fix_call(f, call), 200);
	return (int)json_integer_value(result(f, "batch", "id"));
}

static int
on(struct fix *f, const char *op, int batch)
{
	char call[200];

	snprintf(call, sizeof call, "{\"op\":\"revoke.%s\",\"args\":{"
	    "\"batch\":%d}}", op, batch);
	return fix_call(f, call);
}

static void
test_two_persons(void **state)
{
	struct fix *f = stocked(state, 90, "5.5");
	int batch = plan(f, "hold", "\"site\":[\"hq\"]");

	assert_true(json_is_true(result(f, "batch", "needs_second_person")));
	assert_int_equal(json_integer_value(result(f, "summary", "devices")),
	    90);
	assert_int_equal(json_integer_value(result(f, "summary",
	    "certificates")), 60);
	assert_int_equal(on(f, "apply", batch), 403);
	assert_string_equal(fix_code(f), "revoke.second-person");
	assert_int_equal(on(f, "approve", batch), 403);
	assert_string_equal(fix_code(f), "revoke.same-person");
	snprintf(f->caller.actor, sizeof f->caller.actor, "uid:7");
	assert_int_equal(on(f, "approve", batch), 200);
	assert_int_equal(on(f, "approve", batch), 409);
	snprintf(f->caller.actor, sizeof f->caller.actor, "uid:0");
	assert_int_equal(on(f, "apply", batch), 200);
	assert_int_equal(json_integer_value(result(f, "batch", "rev_seq")),
	    60);
	assert_int_equal(on(f, "apply", batch), 409);
	assert_int_equal(on(f, "cancel", batch), 409);
	assert_int_equal(on(f, "apply", batch + 1), 404);
	/* 90 of the devices, and planned, approved, applied, and refusals. */
	assert_true(fix_events(f) >= 90 + 3);
}

/* An approval was given to what was seen. */
static void
test_approval_is_void(void **state)
{
	struct fix *f = stocked(state, 60, "5.5");
	int batch = plan(f, "hold", "\"site\":[\"hq\"]");

	snprintf(f->caller.actor, sizeof f->caller.actor, "uid:7");
	assert_int_equal(on(f, "approve", batch), 200);
	assert_int_equal(fix_call(f, "{\"op\":\"device.move\",\"args\":{"
	    "\"id\":\"d-0\",\"state\":\"lost\",\"reason\":\"x\"}}"), 200);
	assert_int_equal(on(f, "apply", batch), 409);
	assert_string_equal(fix_code(f), "revoke.changed");
	assert_int_equal(on(f, "apply", batch), 403);
	assert_string_equal(fix_code(f), "revoke.second-person");
	assert_int_equal(on(f, "show", batch), 200);
	assert_string_equal(json_string_value(result(f, "batch", "state")),
	    "planned");
	assert_int_equal(on(f, "approve", batch), 200);
	/* A day later nobody remembers what it was about. */
	f->now_ms += 86400000;
	assert_int_equal(on(f, "apply", batch), 409);
	assert_string_equal(fix_code(f), "revoke.expired");
	assert_int_equal(on(f, "cancel", batch), 200);
}

/* Every page fits into a frame, however long the rules are. */
static void
test_pages(void **state)
{
	char firmware[STORE_NAME_MAX], call[200], after[64] = "";
	struct fix *f;
	json_t *items;
	size_t i, seen = 0, n;
	int batch;

	memset(firmware, '"', sizeof firmware);
	firmware[sizeof firmware - 1] = '\0';
	f = stocked(state, 1200, firmware);
	batch = plan(f, "watch", "\"firmware\":\"*\"");
	do {
		snprintf(call, sizeof call, "{\"op\":\"revoke.show\",\"args\":"
		    "{\"batch\":%d,\"limit\":1000,\"after\":\"%s\"}}", batch,
		    after);
		assert_int_equal(fix_call(f, call), 200);
		items = json_object_get(json_object_get(f->answer, "result"),
		    "items");
		n = json_array_size(items);
		for (i = 0; i < n; i++)
			assert_non_null(json_object_get(json_array_get(items,
			    i), "rule"));
		seen += n;
		snprintf(after, sizeof after, "%s", json_string_value(
		    json_object_get(json_object_get(f->answer, "result"),
		    "next")));
	} while (after[0] != '\0');
	assert_int_equal(seen, 1200);
	assert_int_equal(fix_call(f, "{\"op\":\"revoke.show\",\"args\":{"
	    "\"batch\":1,\"after\":\"7\"}}"), 400);
	assert_int_equal(fix_call(f, "{\"op\":\"revoke.show\",\"args\":{"
	    "\"batch\":1,\"verdict\":\"maybe\"}}"), 400);
	assert_int_equal(fix_call(f, "{\"op\":\"revoke.list\",\"args\":{"
	    "\"state\":\"planned\"}}"), 200);
	assert_int_equal(fix_call(f, "{\"op\":\"revoke.list\",\"args\":{"
	    "\"state\":\"open\"}}"), 400);
}

struct look {
	int held, total;
	int64_t state;
};

static int
look_device(const struct device_pick *d, void *arg)
{
	struct look *l = arg;

	l->total++;
	l->held += d->state == DEVICE_HELD;
	return 0;
}

static int
look_tx(struct tx *tx, void *arg)
{
	struct rev_batch_row row;
	struct look *l = arg;
	int ret = store_rev_batch_get(tx, 1, &row);

	l->state = row.state;
	l->held = l->total = 0;
	return ret < 0 ? ret : store_pick_all(tx, look_device, l);
}

/* All of it or nothing, and the next try works. */
static void
test_no_memory(void **state)
{
	static const char call[] = "{\"op\":\"revoke.apply\",\"args\":{"
	    "\"batch\":1}}";
	struct fix *f = stocked(state, 4, "5.5");
	struct look l = { 0 };
	size_t len;
	char *text;
	int n;

	if (!WHOLE_PROGRAM)
		skip();
	assert_int_equal(plan(f, "hold", "\"model\":[\"DS-*\"]"), 1);
	for (n = 1; n < 20000; n++) {
		atomic_store(&hits, 0);
		atomic_store(&left, n);
		text = dispatch(&f->a, &f->caller, &f->session,
		    (const uint8_t *)call, strlen(call), &len);
		atomic_store(&left, 0);
		free(text);
		assert_int_equal(store_tx(f->a.store, DB_READ, look_tx, &l),
		    0);
		if (l.state == REV_APPLIED) {
			assert_int_equal(l.held, l.total);
			break;
		}
		assert_int_equal(l.state, REV_PLANNED);
		assert_int_equal(l.held, 0);
	}
	assert_int_equal(l.total, 4);
	assert_int_equal(l.state, REV_APPLIED);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(test_two_persons, fix_setup,
		    fix_teardown),
		cmocka_unit_test_setup_teardown(test_approval_is_void,
		    fix_setup, fix_teardown),
		cmocka_unit_test_setup_teardown(test_pages, fix_setup,
		    fix_teardown),
		cmocka_unit_test_setup_teardown(test_no_memory, fix_setup,
		    fix_teardown),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
