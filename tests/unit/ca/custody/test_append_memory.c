/* SPDX-License-Identifier: Apache-2.0 */
/* The n-th allocation of an append fails, for n = 1, 2, .. until a run passes:
 * the events are all in the log or all still wait, and the next try works. */
#include "tests/unit/ca/store/fixture.h"

#include <stdatomic.h>

#include "ca/custody/append.h"
#include "ca/custody/reader.h"

static atomic_int left;                /* allocations until one fails, 0: never */
static atomic_int hits;

/* Sanitizers bring allocators of their own. */
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

void *
malloc(size_t n)
{
	return fail_now() ? NULL : __libc_malloc(n);
}

void *
calloc(size_t n, size_t size)
{
	return fail_now() ? NULL : __libc_calloc(n, size);
}

void *
realloc(void *p, size_t n)
{
	return fail_now() ? NULL : __libc_realloc(p, n);
}
#else
#define WHOLE_PROGRAM 0
#endif

static const struct event_source src = { &camca_ctx_system, "node-1" };

static int
put_tx(struct tx *tx, void *arg)
{
	static const char odd[] = "not readable";
	struct event_row r = { .time_ms = 1, .device = "-",
	    .body = { (uint8_t *)(uintptr_t)odd, sizeof odd } };
	char device[16];
	struct event e;
	int i, ret = CAMCA_OK;

	for (i = 0; i < 5 && ret == CAMCA_OK; i++) {
		snprintf(device, sizeof device, "cam-%d", i);
		event_init(&e, &src, "secret.made", device, "uid 0");
		event_add_time(&e, "expires", 0);
		ret = event_put(tx, &e);
	}
	memcpy(r.id, arg, sizeof (int));
	return ret < 0 ? ret : store_outbox_put(tx, &r);
}

static int
append_tx(struct tx *tx, void *arg)
{
	struct append *a = NULL;
	int64_t taken;
	int ret = append_new(&a, &src, 64);

	if (ret == CAMCA_OK)
		ret = log_append(tx, a, &taken, arg, NULL);
	append_free(a);
	return ret;
}

struct counts {
	int64_t size, waiting;
};

static int
counts_tx(struct tx *tx, void *arg)
{
	struct counts *c = arg;
	struct reader *r = NULL;
	struct outbox_state st;
	struct hash a, b;
	struct edge edge;

	assert_int_equal(store_outbox_state(tx, &st), 0);
	assert_int_equal(reader_edge(tx, &edge), 0);
	assert_int_equal(edge_root(&edge, &a), 0);
	assert_int_equal(reader_open(&r, tx), 0);
	assert_int_equal(tree_root(reader_tiles(r), edge.size, &b), 0);
	reader_close(r);
	assert_memory_equal(a.b, b.b, sizeof a.b);
	c->size = edge.size;
	c->waiting = st.given - edge.size;
	assert_int_equal(st.first, c->waiting > 0 ? edge.size + 1 : 0);
	return 0;
}

static void
test_memory(void **state)
{
	struct store_conf conf = { NULL, 1, 8, 8, &camca_ctx_system };
	struct counts before, after;
	struct store *s = NULL;
	struct fix f;
	int64_t rest;
	int n = 0, ret;

	(void)state;
	if (!WHOLE_PROGRAM)
		skip();
	log_setup("test", (enum log_level)0);
	fix_folder(&f);
	conf.path = f.path;
	assert_int_equal(store_open(&s, &conf, true, NULL), 0);
	do {
		assert_true(n++ < 5000);
		assert_int_equal(store_tx(s, DB_WRITE, put_tx, &n), 0);
		assert_int_equal(store_tx(s, DB_READ, counts_tx, &before), 0);
		atomic_store(&hits, 0);
		atomic_store(&left, n);
		ret = store_tx(s, DB_WRITE, append_tx, &rest);
		atomic_store(&left, 0);
		assert_true(ret == 0 || ret == CAMCA_ENOMEM ||
		    ret == CAMCA_ECRYPTO);
		assert_int_equal(store_tx(s, DB_READ, counts_tx, &after), 0);
		if (ret < 0)
			assert_int_equal(after.size, before.size);
		else
			assert_int_equal(after.size, before.size +
			    (before.waiting < 64 ? before.waiting : 64));
	} while (atomic_load(&hits) > 0);
	assert_true(n > 10);
	do
		assert_int_equal(store_tx(s, DB_WRITE, append_tx, &rest), 0);
	while (rest > 0);
	assert_int_equal(store_tx(s, DB_READ, counts_tx, &after), 0);
	assert_int_equal(after.size, 6 * n);
	store_close(s);
	fix_folder_remove(&f);
}

int
main(void)
{
	const struct CMUnitTest tests[] = { cmocka_unit_test(test_memory) };

	return cmocka_run_group_tests(tests, NULL, NULL);
}
