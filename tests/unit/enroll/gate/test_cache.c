/* SPDX-License-Identifier: Apache-2.0 */
#include "tests/unit/enroll/gate/fake_authority.h"

#include <poll.h>

#include "ca/base/mono.h"
#include "enroll/gate/cache.h"

#define SKI "0123456789abcdef0123456789abcdef01234567"
#define CRL(until) "\"result\":{\"der\":\"MAMCAQU=\",\"number\":1," \
    "\"this_update\":\"2026-01-01T00:00:00.000Z\",\"next_update\":\"" until "\"}"
#define NOW_MS 1800000000000            /* 2027-01-15 */
#define LATER "2027-02-01T00:00:00.000Z"
#define BEFORE "2027-01-01T00:00:00.000Z"

static int64_t
fixed_now(void *arg)
{
	(void)arg;
	return NOW_MS;
}

static const struct camca_ctx ctx = { .now_ms = fixed_now };

struct set {
	struct fake fake;
	struct upstream *up;
	struct cache *cache;
};

static void
start(struct set *s)
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
	assert_int_equal(cache_new(&s->cache, &ctx, s->up), CAMCA_OK);
}

static void
end(struct set *s)
{
	upstream_stop(s->up);
	cache_free(s->cache);
	upstream_close(s->up);
	fake_fini(&s->fake);
}

struct wait {
	struct cache_waiter w;
	struct got got;
	struct cache_item *item;
};

static void
wait_fn(void *arg, struct cache_item *item, const struct refusal *why)
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
	cache_item_free(x->item);
	got_fini(&x->got);
}

static int
get(struct set *s, enum cache_kind kind, int64_t at, struct wait *x)
{
	struct refusal why = { 0 };
	int ret = cache_get(s->cache, kind, SKI, at, &x->w, &x->item, &why);

	if (ret != CAMCA_OK && ret != CAMCA_EPENDING)
		assert_true(why.http != 0);
	return ret;
}

/* Fetches once through the fake. */
static void
fetch(struct set *s, enum cache_kind kind, const char *answer, struct wait *x,
    int64_t at)
{
	json_t *call;

	wait_init(x);
	assert_int_equal(get(s, kind, at, x), CAMCA_EPENDING);
	call = fake_call(&s->fake);
	assert_string_equal(json_string_value(json_object_get(call, "op")),
	    kind == CACHE_CRL ? "crl.get" : "ca.certificate");
	assert_string_equal(json_string_value(json_object_get(json_object_get(
	    call, "args"), "ski")), SKI);
	fake_answer(&s->fake, call, answer);
	json_decref(call);
	got_wait(&x->got, 1);
}

static void
test_fetch_and_hit(void **state)
{
	int64_t now = mono_ms();
	struct wait x, y;
	struct set s;

	(void)state;
	start(&s);
	fetch(&s, CACHE_CRL, CRL(LATER), &x, now);
	assert_non_null(x.item);
	assert_int_equal(x.item->len, 5);
	assert_memory_equal(x.item->der, "\x30\x03\x02\x01\x05", 5);
	assert_int_equal(x.item->modified_s, 1767225600);
	assert_int_equal(strlen(x.item->etag), 34);
	wait_init(&y);
	assert_int_equal(get(&s, CACHE_CRL, mono_ms(), &y), CAMCA_OK);
	assert_ptr_equal(y.item, x.item);
	assert_int_equal(y.got.count, 0);
	wait_fini(&x);
	wait_fini(&y);
	end(&s);
}

/* A CRL is asked for again after two seconds, a certificate after an hour. */
static void
test_fresh_for(void **state)
{
	struct wait x, y, z;
	struct set s;

	(void)state;
	start(&s);
	fetch(&s, CACHE_CRL, CRL(LATER), &x, mono_ms());
	fetch(&s, CACHE_CRL, CRL(LATER), &y, mono_ms() + 2000);
	assert_ptr_not_equal(x.item, y.item);
	wait_fini(&x);
	wait_fini(&y);
	fetch(&s, CACHE_CERT, "\"result\":{\"der\":\"MAA=\"}", &x,
	    mono_ms());
	wait_init(&z);
	assert_int_equal(get(&s, CACHE_CERT, mono_ms() + 3500000, &z),
	    CAMCA_OK);
	assert_int_equal(z.item->modified_s, 0);
	wait_fini(&x);
	wait_fini(&z);
	end(&s);
}

/* Ten waiters, one question. */
static void
test_one_question(void **state)
{
	int64_t now = mono_ms();
	struct wait x[10];
	struct set s;
	json_t *call;
	int i;

	(void)state;
	start(&s);
	for (i = 0; i < 10; i++) {
		wait_init(&x[i]);
		assert_int_equal(get(&s, CACHE_CRL, now, &x[i]),
		    CAMCA_EPENDING);
	}
	call = fake_call(&s.fake);
	fake_answer(&s.fake, call, CRL(LATER));
	json_decref(call);
	for (i = 0; i < 10; i++) {
		got_wait(&x[i].got, 1);
		assert_ptr_equal(x[i].item, x[0].item);
	}
	for (i = 0; i < 10; i++)
		wait_fini(&x[i]);
	end(&s);
}

/* A long list comes in pages of one number; one that was replaced meanwhile is
 * begun again, and one that is the newest already costs no bytes. */
static void
answer(struct set *s, const char *want, int64_t value, const char *text)
{
	json_t *call = fake_call(&s->fake);

	if (want != NULL)
		assert_int_equal(json_integer_value(json_object_get(
		    json_object_get(call, "args"), want)), value);
	fake_answer(&s->fake, call, text);
	json_decref(call);
}

#define PAGE(n, off, der) "\"result\":{\"der\":\"" der "\",\"number\":" n \
    ",\"size\":6,\"offset\":" off ",\"next_update\":\"" LATER "\"}"

static void
test_pages(void **state)
{
	struct wait x, y;
	struct set s;

	(void)state;
	start(&s);
	wait_init(&x);
	assert_int_equal(get(&s, CACHE_CRL, mono_ms(), &x),
	    CAMCA_EPENDING);
	answer(&s, "number", 0, PAGE("3", "0", "YWJj"));
	answer(&s, "offset", 3, "\"error\":{\"code\":\"crl.replaced\","
	    "\"http\":409,\"detail\":\"x\"}");
	answer(&s, "offset", 0, PAGE("4", "0", "YWJj"));
	answer(&s, "number", 4, PAGE("4", "3", "ZGVm"));
	got_wait(&x.got, 1);
	assert_non_null(x.item);
	assert_memory_equal(x.item->der, "abcdef", 6);
	assert_int_equal(x.item->number, 4);
	wait_init(&y);
	assert_int_equal(get(&s, CACHE_CRL, mono_ms() + 2500, &y),
	    CAMCA_EPENDING);
	answer(&s, "have", 4, "\"result\":{\"number\":4,\"size\":6}");
	got_wait(&y.got, 1);
	assert_ptr_equal(x.item, y.item);
	wait_fini(&x);
	wait_fini(&y);
	end(&s);
}

static void
test_pages_of_two_lists(void **state)
{
	struct wait x;
	struct set s;

	(void)state;
	start(&s);
	wait_init(&x);
	assert_int_equal(get(&s, CACHE_CRL, mono_ms(), &x),
	    CAMCA_EPENDING);
	answer(&s, NULL, 0, PAGE("3", "0", "YWJj"));
	answer(&s, "number", 3, PAGE("4", "3", "ZGVm"));
	got_wait(&x.got, 1);
	assert_null(x.item);
	wait_fini(&x);
	end(&s);
}

static void
test_not_found(void **state)
{
	struct wait x, y;
	struct set s;

	(void)state;
	start(&s);
	fetch(&s, CACHE_CRL, "\"error\":{\"code\":\"ca.unknown\",\"http\":404,"
	    "\"detail\":\"No.\"}", &x, mono_ms());
	assert_null(x.item);
	assert_int_equal(x.got.why.http, 404);
	fetch(&s, CACHE_CRL, CRL(LATER), &y, mono_ms());
	assert_non_null(y.item);
	wait_fini(&x);
	wait_fini(&y);
	end(&s);
}

/* Unusable answers are refusals, and leave nothing behind. */
static void
test_unusable(void **state)
{
	static const char *const answers[] = { "\"result\":{}",
	    "\"result\":{\"der\":\"\"}", "\"result\":{\"der\":\"***\"}",
	    "\"result\":{\"der\":7}", "\"result\":[]", "\"x\":1" };
	struct wait x;
	struct set s;
	size_t i;

	(void)state;
	start(&s);
	for (i = 0; i < sizeof answers / sizeof answers[0]; i++) {
		fetch(&s, CACHE_CERT, answers[i], &x, mono_ms());
		assert_null(x.item);
		assert_int_equal(x.got.why.http, 500);
		wait_fini(&x);
	}
	end(&s);
}

/* The authority is away: a CRL that still holds is given, an old one is not. */
static void
away(const char *answer, int http)
{
	struct wait x, y;
	struct set s;

	start(&s);
	fetch(&s, CACHE_CRL, answer, &x, mono_ms());
	upstream_stop(s.up);
	wait_init(&y);
	assert_int_equal(get(&s, CACHE_CRL, mono_ms() + 5000, &y),
	    CAMCA_EPENDING);
	assert_int_equal(y.got.count, 1);
	assert_int_equal(y.got.why.http, http);
	if (http == 0)
		assert_ptr_equal(y.item, x.item);
	else
		assert_null(y.item);
	wait_fini(&x);
	wait_fini(&y);
	end(&s);
}

static void
test_authority_away(void **state)
{
	(void)state;
	away(CRL(LATER), 0);
	away(CRL(BEFORE), 503);
}

static void
test_nothing_asked_without_waiter(void **state)
{
	struct refusal why = { 0 };
	struct cache_item *item = NULL;
	struct wait x;
	struct set s;

	(void)state;
	start(&s);
	assert_int_equal(cache_get(s.cache, CACHE_CRL, SKI, mono_ms(),
	    NULL, &item, &why), CAMCA_EPENDING);
	assert_null(item);
	fetch(&s, CACHE_CRL, CRL(LATER), &x, mono_ms());
	wait_fini(&x);
	end(&s);
}

/* Questions on their way are bounded; what is known is given all the same. */
static void
test_too_many_questions(void **state)
{
	struct wait x[CACHE_FETCHES + 1], known;
	struct refusal why = { 0 };
	char ski[CACHE_SKI_MAX + 1];
	struct cache_item *item;
	struct set s;
	int i, ret;

	(void)state;
	start(&s);
	fetch(&s, CACHE_CERT, "\"result\":{\"der\":\"MAA=\"}", &known,
	    mono_ms());
	for (i = 0; i <= CACHE_FETCHES; i++) {
		wait_init(&x[i]);
		snprintf(ski, sizeof ski, "%040d", i);
		ret = cache_get(s.cache, CACHE_CERT, ski, mono_ms(),
		    &x[i].w, &item, &why);
		assert_int_equal(ret, i < CACHE_FETCHES ? CAMCA_EPENDING :
		    CAMCA_EBUSY);
	}
	assert_int_equal(why.http, 503);
	assert_int_equal(cache_get(s.cache, CACHE_CERT, SKI, mono_ms(),
	    NULL, &item, &why), CAMCA_OK);
	cache_item_free(item);
	/* Not fresh any more, and nobody can be asked: better than a 503. */
	assert_int_equal(cache_get(s.cache, CACHE_CERT, SKI, mono_ms() +
	    2 * 3600 * 1000, &x[CACHE_FETCHES].w, &item, &why), CAMCA_OK);
	cache_item_free(item);
	wait_fini(&known);
	upstream_stop(s.up);
	for (i = 0; i < CACHE_FETCHES; i++) {
		assert_int_equal(x[i].got.count, 1);
		assert_int_equal(x[i].got.why.http, 503);
	}
	for (i = 0; i <= CACHE_FETCHES; i++)
		wait_fini(&x[i]);
	end(&s);
}

/* More items than room: the one fetched longest ago goes. */
static void
test_eviction(void **state)
{
	struct cache_item *item;
	struct refusal why;
	struct wait x;
	struct set s;
	char ski[CACHE_SKI_MAX + 1];
	json_t *call;
	int i;

	(void)state;
	start(&s);
	for (i = 0; i < CACHE_ITEMS + 8; i++) {
		wait_init(&x);
		snprintf(ski, sizeof ski, "%040d", i);
		assert_int_equal(cache_get(s.cache, CACHE_CERT, ski,
		    mono_ms(), &x.w, &item, &why), CAMCA_EPENDING);
		call = fake_call(&s.fake);
		fake_answer(&s.fake, call, "\"result\":{\"der\":\"MAA=\"}");
		json_decref(call);
		got_wait(&x.got, 1);
		wait_fini(&x);
	}
	assert_int_equal(cache_get(s.cache, CACHE_CERT, ski, mono_ms(),
	    NULL, &item, &why), CAMCA_OK);
	cache_item_free(item);
	end(&s);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_fetch_and_hit),
		cmocka_unit_test(test_fresh_for),
		cmocka_unit_test(test_one_question),
		cmocka_unit_test(test_pages),
		cmocka_unit_test(test_pages_of_two_lists),
		cmocka_unit_test(test_not_found),
		cmocka_unit_test(test_unusable),
		cmocka_unit_test(test_authority_away),
		cmocka_unit_test(test_nothing_asked_without_waiter),
		cmocka_unit_test(test_too_many_questions),
		cmocka_unit_test(test_eviction),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
