/* SPDX-License-Identifier: Apache-2.0 */
#include "tests/unit/enroll/gate/fake_authority.h"

#include <poll.h>

#include "ca/base/mono.h"
#include "enroll/gate/upstream.h"

static void
quick(struct upstream_config *c, const struct fake *f)
{
	upstream_defaults(c, f->path);
	c->retry_min_ms = 1;
	c->retry_max_ms = 5;
}

static void
wait_connected(struct upstream *u, bool want)
{
	int64_t end = mono_ms() + FAKE_TURN_S * 1000;

	while (upstream_connected(u) != want && mono_ms() < end)
		poll(NULL, 0, 1);
	assert_int_equal(upstream_connected(u), want);
}

static struct upstream *
start(struct fake *f)
{
	struct upstream_config c;
	struct upstream *u;

	fake_init(f);
	fake_listen(f);
	quick(&c, f);
	assert_int_equal(upstream_open(&u, &c), CAMCA_OK);
	fake_accept(f);
	wait_connected(u, true);
	return u;
}

static void
post(struct upstream *u, const char *op, struct got *g)
{
	struct refusal why = { 0 };

	assert_int_equal(upstream_call(u, op, json_pack("{s:s}", "a", "b"),
	    got_fn, g, &why), CAMCA_OK);
	assert_int_equal(why.http, 0);
}

static void
test_call_and_answer(void **state)
{
	struct upstream *u;
	struct fake f;
	struct got g;
	json_t *call;

	(void)state;
	u = start(&f);
	got_init(&g);
	post(u, "noun.verb", &g);
	call = fake_call(&f);
	assert_string_equal(json_string_value(json_object_get(call, "op")),
	    "noun.verb");
	assert_string_equal(json_string_value(json_object_get(json_object_get(
	    call, "args"), "a")), "b");
	fake_answer(&f, call, "\"result\":{\"x\":7}");
	got_wait(&g, 1);
	assert_int_equal(g.why.http, 0);
	assert_int_equal(json_integer_value(json_object_get(g.result, "x")),
	    7);
	json_decref(call);
	upstream_close(u);
	got_fini(&g);
	fake_fini(&f);
}

static void
test_answers_in_any_order(void **state)
{
	struct got g[5];
	json_t *call[5];
	struct upstream *u;
	struct fake f;
	char text[64];
	int i;

	(void)state;
	u = start(&f);
	for (i = 0; i < 5; i++) {
		got_init(&g[i]);
		post(u, "x.y", &g[i]);
	}
	for (i = 0; i < 5; i++)
		call[i] = fake_call(&f);
	for (i = 4; i >= 0; i--) {
		snprintf(text, sizeof text, "\"result\":{\"n\":%d}", i);
		fake_answer(&f, call[i], text);
		json_decref(call[i]);
	}
	for (i = 0; i < 5; i++) {
		got_wait(&g[i], 1);
		assert_int_equal(json_integer_value(json_object_get(
		    g[i].result, "n")), i);
		got_fini(&g[i]);
	}
	upstream_close(u);
	fake_fini(&f);
}

static void
test_error_answer(void **state)
{
	struct upstream *u;
	struct fake f;
	struct got g;
	json_t *call;

	(void)state;
	u = start(&f);
	got_init(&g);
	post(u, "x.y", &g);
	call = fake_call(&f);
	fake_answer(&f, call, "\"error\":{\"code\":\"enroll.pending\","
	    "\"http\":202,\"detail\":\"Wait.\",\"retry_after\":9}");
	got_wait(&g, 1);
	assert_null(g.result);
	assert_int_equal(g.why.http, 202);
	assert_int_equal(g.why.retry_after_s, 9);
	assert_string_equal(g.why.code, "enroll.pending");
	json_decref(call);
	upstream_close(u);
	got_fini(&g);
	fake_fini(&f);
}

/* I7: whatever is wrong with the connection is 503, for each call once. */
static void
test_lost_connection_fails_all(void **state)
{
	struct refusal why = { 0 };
	struct got g[3], late;
	struct upstream *u;
	struct fake f;
	int i;

	(void)state;
	u = start(&f);
	for (i = 0; i < 3; i++) {
		got_init(&g[i]);
		post(u, "x.y", &g[i]);
	}
	close(f.listen_fd);
	f.listen_fd = -1;
	unlink(f.path);
	fake_hang_up(&f);
	for (i = 0; i < 3; i++) {
		got_wait(&g[i], 1);
		assert_int_equal(g[i].why.http, 503);
		assert_true(g[i].why.retry_after_s > 0);
		assert_string_equal(g[i].why.code,
		    "system.authority-unreachable");
		got_fini(&g[i]);
	}
	wait_connected(u, false);
	got_init(&late);
	assert_int_equal(upstream_call(u, "x.y", json_object(), got_fn, &late,
	    &why), CAMCA_EIO);
	assert_int_equal(why.http, 503);
	assert_int_equal(late.count, 0);
	upstream_close(u);
	got_fini(&late);
	fake_fini(&f);
}

static void
test_connects_again(void **state)
{
	struct upstream_config c;
	struct upstream *u;
	struct fake f;
	struct got g;
	json_t *call;

	(void)state;
	fake_init(&f);
	quick(&c, &f);
	assert_int_equal(upstream_open(&u, &c), CAMCA_OK);
	assert_false(upstream_connected(u));
	fake_listen(&f);
	fake_accept(&f);
	wait_connected(u, true);
	fake_hang_up(&f);
	fake_accept(&f);
	wait_connected(u, true);
	got_init(&g);
	post(u, "x.y", &g);
	call = fake_call(&f);
	fake_answer(&f, call, "\"result\":{}");
	got_wait(&g, 1);
	assert_int_equal(g.why.http, 0);
	json_decref(call);
	upstream_close(u);
	got_fini(&g);
	fake_fini(&f);
}

static void
test_deadline(void **state)
{
	struct upstream_config c;
	struct upstream *u;
	struct got g, after;
	struct fake f;
	json_t *call, *next;

	(void)state;
	fake_init(&f);
	fake_listen(&f);
	quick(&c, &f);
	c.deadline_ms = 1;
	c.max_calls = 1;
	assert_int_equal(upstream_open(&u, &c), CAMCA_OK);
	fake_accept(&f);
	wait_connected(u, true);
	got_init(&g);
	got_init(&after);
	post(u, "x.y", &g);
	call = fake_call(&f);
	got_wait(&g, 1);
	assert_int_equal(g.why.http, 503);
	/* The late answer must not reach the call that has the slot now. */
	post(u, "x.z", &after);
	next = fake_call(&f);
	assert_true(json_integer_value(json_object_get(call, "id")) !=
	    json_integer_value(json_object_get(next, "id")));
	fake_answer(&f, call, "\"result\":{\"late\":true}");
	got_wait(&after, 1);
	assert_null(json_object_get(after.result, "late"));
	assert_int_equal(g.count, 1);
	json_decref(call);
	json_decref(next);
	upstream_close(u);
	got_fini(&g);
	got_fini(&after);
	fake_fini(&f);
}

static void
test_too_many_calls(void **state)
{
	struct refusal why = { 0 };
	struct upstream_config c;
	struct upstream *u;
	struct got g, more;
	struct fake f;
	json_t *call;

	(void)state;
	fake_init(&f);
	fake_listen(&f);
	quick(&c, &f);
	c.max_calls = 1;
	assert_int_equal(upstream_open(&u, &c), CAMCA_OK);
	fake_accept(&f);
	wait_connected(u, true);
	got_init(&g);
	got_init(&more);
	post(u, "x.y", &g);
	assert_int_equal(upstream_call(u, "x.y", json_object(), got_fn, &more,
	    &why), CAMCA_EBUSY);
	assert_int_equal(why.http, 503);
	assert_string_equal(why.code, "system.busy");
	call = fake_call(&f);
	fake_answer(&f, call, "\"result\":{}");
	got_wait(&g, 1);
	post(u, "x.y", &more);
	json_decref(call);
	upstream_close(u);
	assert_int_equal(more.count, 1);
	assert_int_equal(more.why.http, 503);
	got_fini(&g);
	got_fini(&more);
	fake_fini(&f);
}

/* Bytes that the authority does not take yet are bounded too. */
static void
test_authority_does_not_read(void **state)
{
	char *big = malloc(400001);
	struct upstream_config c;
	struct upstream *u;
	struct fake f;
	struct got g;
	int i, sent = 0, ret = CAMCA_OK;

	(void)state;
	memset(big, 'x', 400000);
	big[400000] = '\0';
	fake_init(&f);
	fake_listen(&f);
	quick(&c, &f);
	c.max_bytes = 1u << 20;
	assert_int_equal(upstream_open(&u, &c), CAMCA_OK);
	fake_accept(&f);
	wait_connected(u, true);
	got_init(&g);
	for (i = 0; i < 100 && ret == CAMCA_OK; i++) {
		ret = upstream_call(u, "x.y", json_pack("{s:s}", "a", big),
		    got_fn, &g, NULL);
		sent += ret == CAMCA_OK;
	}
	assert_int_equal(ret, CAMCA_EBUSY);
	assert_in_range(sent, 2, 8);
	/* What was accepted arrives whole once it is read. */
	for (i = 0; i < sent; i++) {
		json_t *call = fake_call(&f);

		assert_int_equal(json_string_length(json_object_get(
		    json_object_get(call, "args"), "a")), 400000);
		fake_answer(&f, call, "\"result\":{}");
		json_decref(call);
	}
	got_wait(&g, sent);
	upstream_close(u);
	got_fini(&g);
	fake_fini(&f);
	free(big);
}

static void
test_oversize_call(void **state)
{
	char *big = malloc((1u << 20) + 1);
	struct refusal why = { 0 };
	struct upstream *u;
	struct fake f;
	struct got g;

	(void)state;
	u = start(&f);
	got_init(&g);
	memset(big, 'x', 1u << 20);
	big[1u << 20] = '\0';
	assert_int_equal(upstream_call(u, "x.y", json_pack("{s:s}", "a", big),
	    got_fn, &g, &why), CAMCA_ELIMIT);
	assert_true(why.http != 0);
	/* The connection is none the worse for it. */
	post(u, "x.y", &g);
	json_decref(fake_call(&f));
	upstream_close(u);
	got_fini(&g);
	fake_fini(&f);
	free(big);
}

/* A frame that is no answer ends the connection, and the call fails. */
static void
broken(const void *p, size_t n, int want)
{
	struct upstream *u;
	struct fake f;
	struct got g;

	u = start(&f);
	got_init(&g);
	post(u, "x.y", &g);
	json_decref(fake_call(&f));
	assert_int_equal(send(f.fd, p, n, MSG_NOSIGNAL), (ssize_t)n);
	got_wait(&g, 1);
	assert_int_equal(g.why.http, want);
	upstream_close(u);
	got_fini(&g);
	fake_fini(&f);
}

static void
test_broken_frames(void **state)
{
	(void)state;
	broken("\0\0\0\0", 4, 503);
	broken("\xff\xff\xff\xff", 4, 503);
	broken("\0\0\0\1{", 5, 503);
	broken("\0\0\0\2[]\0\0\0\0", 10, 503);
	broken("\0\0\0\4\"id\"\0\0\0\0", 12, 503);
}

/* Answers to nobody, and an answer without content. */
static void
test_odd_answers(void **state)
{
	static const char *const odd[] = { "{\"id\":0,\"result\":{}}",
	    "{\"id\":-65536,\"result\":{}}", "{\"id\":\"x\",\"result\":{}}",
	    "{\"id\":9223372036854775807,\"result\":{}}", "{\"result\":{}}",
	    "{\"id\":65535,\"result\":{}}", "{}", "[]", "[5]" };
	struct upstream *u;
	struct fake f;
	struct got g;
	json_t *call;
	size_t i;

	(void)state;
	u = start(&f);
	got_init(&g);
	post(u, "x.y", &g);
	call = fake_call(&f);
	for (i = 0; i < sizeof odd / sizeof odd[0]; i++)
		assert_int_equal(frame_write(f.fd, odd[i], strlen(odd[i])), 0);
	fake_answer(&f, call, "\"neither\":1");
	got_wait(&g, 1);
	assert_int_equal(g.why.http, 500);
	json_decref(call);
	upstream_close(u);
	got_fini(&g);
	fake_fini(&f);
}

static void
test_stop_answers_everybody(void **state)
{
	struct refusal why = { 0 };
	struct upstream *u;
	struct fake f;
	struct got g;

	(void)state;
	u = start(&f);
	got_init(&g);
	post(u, "x.y", &g);
	upstream_stop(u);
	assert_int_equal(g.count, 1);
	assert_int_equal(g.why.http, 503);
	assert_int_equal(upstream_call(u, "x.y", json_object(), got_fn, &g,
	    &why), CAMCA_EIO);
	assert_int_equal(g.count, 1);
	upstream_stop(u);
	upstream_close(u);
	upstream_close(NULL);
	got_fini(&g);
	fake_fini(&f);
}

static void
test_open_refuses(void **state)
{
	char path[300];
	struct upstream_config c;
	struct upstream *u = NULL;

	(void)state;
	memset(path, 'a', sizeof path);
	path[sizeof path - 1] = '\0';
	upstream_defaults(&c, path);
	assert_int_equal(upstream_open(&u, &c), CAMCA_ELIMIT);
	upstream_defaults(&c, "/tmp/x");
	c.max_calls = 0;
	assert_int_equal(upstream_open(&u, &c), CAMCA_ELIMIT);
	c.max_calls = 65537;
	assert_int_equal(upstream_open(&u, &c), CAMCA_ELIMIT);
	assert_null(u);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_call_and_answer),
		cmocka_unit_test(test_answers_in_any_order),
		cmocka_unit_test(test_error_answer),
		cmocka_unit_test(test_lost_connection_fails_all),
		cmocka_unit_test(test_connects_again),
		cmocka_unit_test(test_deadline),
		cmocka_unit_test(test_too_many_calls),
		cmocka_unit_test(test_authority_does_not_read),
		cmocka_unit_test(test_oversize_call),
		cmocka_unit_test(test_broken_frames),
		cmocka_unit_test(test_odd_answers),
		cmocka_unit_test(test_stop_answers_everybody),
		cmocka_unit_test(test_open_refuses),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
