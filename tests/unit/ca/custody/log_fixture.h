/* SPDX-License-Identifier: Apache-2.0 */
/* A log in a database of its own, grown in the test's own transaction. */
#ifndef CAMCA_TEST_CUSTODY_LOG_FIXTURE_H
#define CAMCA_TEST_CUSTODY_LOG_FIXTURE_H

#include "tests/unit/ca/store/fixture.h"

#include "ca/custody/append.h"
#include "ca/custody/reader.h"

static inline int64_t
now(void *arg)
{
	(void)arg;
	return INT64_C(1800000000000);
}

static inline int
rnd(void *arg, uint8_t *out, size_t n)
{
	(void)arg;
	return ctx_random(&camca_ctx_system, out, n);
}

static const struct camca_ctx ctx = { now, rnd, NULL };
static const struct event_source src = { &ctx, "node-1" };

static inline struct tx *
tx_of(void **state)
{
	return &((struct fix *)*state)->tx;
}

static inline void
sql(void **state, const char *text)
{
	assert_int_equal(db_sqlite.script(((struct fix *)*state)->db, text),
	    0);
}

static inline void
put(struct tx *tx, const char *device)
{
	struct event e;

	event_init(&e, &src, "secret.made", device, "uid 0");
	event_add_time(&e, "expires", 0);
	assert_int_equal(event_put(tx, &e), 0);
}

static inline int64_t
append_some(struct tx *tx, size_t max)
{
	struct append *a = NULL;
	struct refusal why = { 0 };
	int64_t taken, left, size;

	assert_int_equal(append_new(&a, &src, max), 0);
	if (log_append(tx, a, &taken, &left, &why) < 0)
		fail_msg("%s %s", why.code, why.detail);
	assert_true(taken <= (int64_t)max);
	assert_true(left == 0 || taken == (int64_t)max);
	append_free(a);
	assert_int_equal(store_log_size(tx, &size), 0);
	return taken;
}

static inline int64_t
append_all(struct tx *tx, size_t max)
{
	int64_t n, all = 0;

	while ((n = append_some(tx, max)) > 0)
		all += n;
	return all;
}

static inline struct grow *
grow_new(struct tx *tx)
{
	struct grow *g = calloc(1, sizeof *g);

	assert_non_null(g);
	assert_int_equal(grow_begin(g, tx), 0);
	return g;
}

static inline void
grow_by(struct tx *tx, int64_t n)
{
	struct grow *g = grow_new(tx);
	uint8_t body[] = "\n\n\n\n\n12345678";
	struct event_row e = { .device = "-",
	    .body = { body, sizeof body - 1 } };
	struct log_entry_row r = { .data = e.body };
	int64_t i, at;

	for (i = 0; i < n; i++) {
		at = g->edge.size;
		memcpy(body + 5, &at, sizeof at);
		memcpy(e.id, &at, sizeof at);
		r.prev = at - 1;
		r.n = at + 1;
		assert_int_equal(store_outbox_put(tx, &e), 0);
		assert_int_equal(grow_add(g, &r), 0);
		assert_int_equal(r.idx, at);
	}
	assert_int_equal(grow_end(g), 0);
	free(g);
}

#endif
