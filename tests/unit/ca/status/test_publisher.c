/* SPDX-License-Identifier: Apache-2.0 */
/* The thread: lists follow changes and the clock. The test waits for commits,
 * which is what the thread itself waits for. */
#include "tests/unit/ca/status/crl_fixture.h"

#include "ca/status/publisher.h"

static struct ca_set *
cas(void *arg)
{
	return ca_set_ref(((struct crl_fix *)arg)->f->set);
}

static void
cas_put(void *arg, struct ca_set *set)
{
	(void)arg;
	ca_set_free(set);
}

static int
now(void *arg, int64_t *now_ms, struct refusal *why)
{
	(void)why;
	*now_ms = fix_now_ms(((struct crl_fix *)arg)->f);
	return CAMCA_OK;
}

static struct publisher *
begin(struct crl_fix *f)
{
	struct publisher_conf conf = { f->f->store, &f->src, f->dir, LIFE_MS,
	    cas, cas_put, now, f };
	struct publisher *p;

	assert_int_equal(publisher_start(&p, &conf), 0);
	return p;
}

/* The list of ca, when it has at least this number. */
static struct crl_file_row
wait_for(struct crl_fix *f, struct publisher *p, const struct ca *ca,
    int64_t number)
{
	struct crl_file *file = NULL;
	struct crl_file_row row;
	int64_t seen = -1;

	for (int i = 0; i < 2000; i++) {
		assert_int_equal(store_commits_wait(f->f->store, seen, 10,
		    &seen), 0);
		file = publisher_get(p, ca->row.ski, 0);
		if (file != NULL && file->row.number >= number)
			break;
		crl_file_free(file);
		file = NULL;
	}
	assert_non_null(file);
	row = file->row;
	crl_file_free(file);
	return row;
}

struct states {
	int n, failed, current;
};

static int
state_row(const struct publisher_state *s, void *arg)
{
	struct states *x = arg;

	x->n++;
	x->failed += s->failed < 0;
	x->current += s->row.number > 0 && s->row.rev_seq >= s->rev_seq;
	return 0;
}

/* C14: with no revocation at all, for each CA, the root too. */
static void
test_each_ca_has_one(void **state)
{
	struct crl_fix *f = *state;
	struct publisher *p = begin(f);
	struct states x = { 0, 0, 0 };

	assert_int_equal(wait_for(f, p, f->ca, 1).entries, 0);
	assert_int_equal(wait_for(f, p, ca_root(f->f->set), 1).number, 1);
	assert_int_equal(publisher_list(p, state_row, &x), 0);
	assert_int_equal(x.n, 2);
	assert_int_equal(x.failed, 0);
	assert_int_equal(x.current, 2);
	assert_null(publisher_get(p, (const uint8_t[20]){ 0 }, 0));
	publisher_stop(p);
}

static void
test_change_and_clock(void **state)
{
	struct crl_fix *f = *state;
	struct publisher *p = begin(f);
	struct crl_file_row row;

	wait_for(f, p, f->ca, 1);
	__atomic_store_n(&f->f->now_ms, FIX_NOW_MS + 5000, __ATOMIC_SEQ_CST);
	revoked_cert(f, 1, 1);
	row = wait_for(f, p, f->ca, 2);
	assert_int_equal(row.entries, 1);
	/* Half of its life later, nothing else. */
	__atomic_store_n(&f->f->now_ms, FIX_NOW_MS + LIFE_MS / 2 + 10000,
	    __ATOMIC_SEQ_CST);
	row = wait_for(f, p, f->ca, 3);
	assert_int_equal(row.entries, 1);
	assert_true(row.next_update_ms > FIX_NOW_MS + LIFE_MS);
	publisher_stop(p);
	/* Again: what is published stays. */
	p = begin(f);
	assert_int_equal(wait_for(f, p, f->ca, 3).number, 3);
	publisher_stop(p);
	publisher_stop(NULL);
}

static int
overdue_row(const struct event_row *e, void *arg)
{
	static const char type[] = "\ntype crl.overdue\n";

	*(int *)arg += memmem(e->body.p, e->body.n, type, sizeof type - 1) !=
	    NULL;
	return 0;
}

static int
overdue_tx(struct tx *tx, void *arg)
{
	*(int *)arg = 0;
	return store_outbox_list(tx, NULL, 0, INT64_MAX, overdue_row, arg);
}

/* No folder, no list: after half of a life that is an alarm, one. */
static void
test_alarm(void **state)
{
	struct crl_fix *f = *state;
	struct publisher *p = begin(f);
	struct states x = { 0, 0, 0 };
	int64_t seen = -1;
	char away[256];
	int n = 0;

	wait_for(f, p, f->ca, 1);
	wait_for(f, p, ca_root(f->f->set), 1);
	fix_path(f->f, "away", away);
	assert_int_equal(rename(f->dir, away), 0);
	__atomic_store_n(&f->f->now_ms, FIX_NOW_MS + LIFE_MS / 2,
	    __ATOMIC_SEQ_CST);
	for (int i = 0; i < 2000 && n < 2; i++) {
		assert_int_equal(store_commits_wait(f->f->store, seen, 10,
		    &seen), 0);
		assert_int_equal(store_tx(f->f->store, DB_READ, overdue_tx,
		    &n), 0);
	}
	assert_int_equal(n, 2);                      /* one a CA */
	assert_int_equal(publisher_list(p, state_row, &x), 0);
	assert_int_equal(x.failed, 2);
	assert_int_equal(rename(away, f->dir), 0);
	wait_for(f, p, f->ca, 2);
	publisher_stop(p);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		CRL_TEST(test_each_ca_has_one),
		CRL_TEST(test_change_and_clock), CRL_TEST(test_alarm),
	};

	return cmocka_run_group_tests(tests, fix_group, fix_group_end);
}
