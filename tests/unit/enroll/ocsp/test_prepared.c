/* SPDX-License-Identifier: Apache-2.0 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>
#include <pthread.h>

#include "enroll/ocsp/prepared.h"

static const struct prepared_caching shared = { .shared = true,
	.max_age_s = 30, .this_s = 1800000000, .next_s = 1800003600 };

static struct prepared *
made(const struct prepared_caching *c, bool get, const void *req, size_t n)
{
	struct prepared *p = NULL;
	struct buf der;

	buf_init(&der, 100);
	assert_int_equal(buf_puts(&der, "an answer"), 0);
	assert_int_equal(prepared_new(&p, &der, c, get, req, n), 0);
	assert_null(der.data);
	return p;
}

static const char *
header(struct prepared *p, const char *name)
{
	return MHD_get_response_header(p->http, name);
}

/* O27 */
static void
test_fields_for_caches(void **state)
{
	struct prepared *p = made(&shared, true, "x", 1);

	(void)state;
	assert_string_equal(header(p, "Content-Type"),
	    "application/ocsp-response");
	assert_string_equal(header(p, "Cache-Control"),
	    "max-age=30, public, no-transform, must-revalidate");
	assert_string_equal(header(p, "Last-Modified"),
	    "Fri, 15 Jan 2027 08:00:00 GMT");
	assert_string_equal(header(p, "Expires"),
	    "Fri, 15 Jan 2027 09:00:00 GMT");
	assert_string_equal(header(p, "ETag"), p->etag);
	assert_int_equal(strlen(p->etag), 34);
	assert_int_equal(p->etag[0], '"');
	assert_int_equal(p->etag[33], '"');
	prepared_free(p);
}

static void
test_fields_not_for_caches(void **state)
{
	const struct prepared_caching none = { .shared = false };
	struct prepared *p = made(&none, false, NULL, 0);

	(void)state;
	assert_string_equal(header(p, "Content-Type"),
	    "application/ocsp-response");
	assert_string_equal(header(p, "Cache-Control"), "max-age=0, no-cache");
	assert_null(header(p, "ETag"));
	assert_null(header(p, "Expires"));
	assert_null(header(p, "Last-Modified"));
	assert_string_equal(p->etag, "");
	prepared_free(p);
	prepared_free(NULL);
}

static struct prepared_cache *
cache(size_t answers)
{
	struct prepared_cache *c = NULL;

	assert_int_equal(prepared_cache_new(&c, &camca_ctx_system, answers),
	    0);
	return c;
}

static void
keep(struct prepared_cache *c, bool get, const void *req, size_t n)
{
	struct prepared *p = made(&shared, get, req, n);

	prepared_keep(c, p);
	prepared_free(p);
}

static bool
has(struct prepared_cache *c, bool get, const void *req, size_t n)
{
	struct prepared *p = prepared_find(c, get, req, n);
	bool found = p != NULL;

	prepared_free(p);
	return found;
}

static void
test_found_by_its_bytes(void **state)
{
	struct prepared_cache *c = cache(64);

	(void)state;
	assert_false(has(c, true, "abc", 3));
	keep(c, true, "abc", 3);
	assert_true(has(c, true, "abc", 3));
	assert_false(has(c, false, "abc", 3));
	assert_false(has(c, true, "abd", 3));
	assert_false(has(c, true, "abc\0", 4));
	assert_false(has(c, true, "ab", 2));
	assert_false(has(c, true, "", 0));
	prepared_cache_free(c);
	prepared_cache_free(NULL);
}

static void
test_every_length(void **state)
{
	struct prepared_cache *c = cache(4096);
	uint8_t req[100] = { 0 };

	(void)state;
	for (size_t n = 0; n < sizeof req; n++)
		keep(c, true, req, n);
	for (size_t n = 0; n < sizeof req; n++)
		assert_true(has(c, true, req, n));
	prepared_cache_free(c);
}

static void
test_replaced(void **state)
{
	struct prepared_cache *c = cache(64);
	struct prepared *old, *new;

	(void)state;
	keep(c, true, "abc", 3);
	old = prepared_find(c, true, (const uint8_t *)"abc", 3);
	keep(c, true, "abc", 3);
	new = prepared_find(c, true, (const uint8_t *)"abc", 3);
	assert_ptr_not_equal(old, new);
	/* Who held the old one still can send it. */
	assert_non_null(header(old, "ETag"));
	prepared_free(old);
	prepared_free(new);
	prepared_cache_free(c);
}

/* Memory stays bounded, and what is asked for stays. */
static void
test_many_push_out_the_unused(void **state)
{
	struct prepared_cache *c = cache(64);
	char req[16];
	int left = 0;

	(void)state;
	keep(c, true, "often", 5);
	for (int i = 0; i < 10000; i++) {
		snprintf(req, sizeof req, "%d", i);
		keep(c, true, req, strlen(req));
		assert_true(has(c, true, "often", 5));
	}
	for (int i = 0; i < 10000; i++) {
		snprintf(req, sizeof req, "%d", i);
		left += has(c, true, req, strlen(req));
	}
	assert_in_range(left, 32, 64);
	prepared_cache_free(c);
}

static void *
worker(void *arg)
{
	struct prepared_cache *c = arg;
	struct prepared *p;
	char req[16];

	for (int i = 0; i < 4000; i++) {
		snprintf(req, sizeof req, "%d", i % 97);
		p = prepared_find(c, true, (uint8_t *)req, strlen(req));
		if (p == NULL || i % 13 == 0)
			keep(c, true, req, strlen(req));
		prepared_free(p);
	}
	return NULL;
}

static void
test_threads(void **state)
{
	struct prepared_cache *c = cache(64);
	pthread_t t[4];

	(void)state;
	for (int i = 0; i < 4; i++)
		assert_int_equal(pthread_create(&t[i], NULL, worker, c), 0);
	for (int i = 0; i < 4; i++)
		pthread_join(t[i], NULL);
	prepared_cache_free(c);
}

int
main(void)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_fields_for_caches),
		cmocka_unit_test(test_fields_not_for_caches),
		cmocka_unit_test(test_found_by_its_bytes),
		cmocka_unit_test(test_every_length),
		cmocka_unit_test(test_replaced),
		cmocka_unit_test(test_many_push_out_the_unused),
		cmocka_unit_test(test_threads),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
