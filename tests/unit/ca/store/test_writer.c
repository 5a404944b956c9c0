/* SPDX-License-Identifier: Apache-2.0 */
/* The writer over a made-up engine that fails where the test says so. */
#include "tests/unit/ca/store/fixture.h"

#include <pthread.h>
#include <semaphore.h>

#include "ca/store/writer.h"

struct db {
	int begins, commits, rollbacks, marks, releases, undos, tidies;
	int busy;                      /* begins that are still refused */
	int commit_err, mark_err;
	bool lost;                     /* the engine gave the group up */
};

static int
fake_begin(struct db *d)
{
	d->begins++;
	d->lost = false;
	return d->busy-- > 0 ? CAMCA_EBUSY : CAMCA_OK;
}

static int
fake_commit(struct db *d)
{
	d->commits++;
	return d->commit_err;
}

static void
fake_rollback(struct db *d)
{
	d->rollbacks++;
}

static int
fake_mark(struct db *d)
{
	d->marks++;
	return d->mark_err;
}

static int
fake_release(struct db *d)
{
	d->releases++;
	return CAMCA_OK;
}

static int
fake_undo(struct db *d)
{
	d->undos++;
	return CAMCA_OK;
}

static bool
fake_active(const struct db *d)
{
	return !d->lost;
}

static void
fake_tidy(struct db *d)
{
	d->tidies++;
}

static const struct db_engine fake = {
	.name = "fake",
	.begin = fake_begin,
	.commit = fake_commit,
	.rollback = fake_rollback,
	.mark = fake_mark,
	.release = fake_release,
	.undo = fake_undo,
	.active = fake_active,
	.tidy = fake_tidy,
};

struct env {
	struct db db;
	struct writer *w;
};

static int
setup(void **state)
{
	struct env *e = calloc(1, sizeof *e);

	assert_non_null(e);
	log_setup("test", (enum log_level)0);
	assert_int_equal(writer_start(&e->w, &fake, &e->db, 8, 100), 0);
	*state = e;
	return 0;
}

static int
teardown(void **state)
{
	struct env *e = *state;

	writer_stop(e->w);
	free(e);
	return 0;
}

static int
last_error(struct env *e)
{
	int64_t depth;
	int err;

	writer_state(e->w, &depth, &err);
	return err;
}

static int
job(struct tx *tx, void *arg)
{
	int ret = *(int *)arg;

	if (ret == CAMCA_ENOMEM)
		tx->db->lost = true;
	return ret;
}

static void
test_alone(void **state)
{
	struct env *e = *state;
	int ok = 0, no = CAMCA_EPOLICY, lost = CAMCA_ENOMEM;

	assert_int_equal(writer_run(e->w, job, &ok), 0);
	assert_int_equal(writer_run(e->w, job, &no), CAMCA_EPOLICY);
	assert_int_equal(last_error(e), 0);
	assert_int_equal(writer_run(e->w, job, &lost), CAMCA_EDB);
	assert_int_equal(last_error(e), CAMCA_EDB);
	assert_int_equal(writer_run(e->w, job, &ok), 0);
	writer_stop(e->w);
	e->w = NULL;
	assert_int_equal(e->db.begins, 4);
	assert_int_equal(e->db.commits, 2);
	assert_int_equal(e->db.rollbacks, 2);
	assert_int_equal(e->db.marks, 0);
	assert_int_equal(e->db.tidies, 4);
}

static void
test_busy(void **state)
{
	struct env *e = *state;
	int ok = 0;

	e->db.busy = 3;
	assert_int_equal(writer_run(e->w, job, &ok), 0);
	writer_stop(e->w);
	e->w = NULL;
	assert_int_equal(e->db.begins, 4);
	assert_int_equal(e->db.commits, 1);
}

static void
test_busy_for_long(void **state)
{
	struct env *e = *state;
	int ok = 0;

	e->db.busy = 100;
	assert_int_equal(writer_run(e->w, job, &ok), CAMCA_EBUSY);
	assert_int_equal(last_error(e), CAMCA_EBUSY);
	writer_stop(e->w);
	e->w = NULL;
	assert_int_equal(e->db.begins, 8);
	assert_int_equal(e->db.commits, 0);
}

static void
test_commit_fails(void **state)
{
	struct env *e = *state;
	int ok = 0;

	e->db.commit_err = CAMCA_EFULL;
	assert_int_equal(writer_run(e->w, job, &ok), CAMCA_EFULL);
	assert_int_equal(last_error(e), CAMCA_EFULL);
}

/* ---- several jobs in one group ---- */
struct call {
	struct writer *w;
	pthread_t thread;
	int (*fn)(struct tx *, void *);
	int want, ret;
};

static sem_t inside, go;

static int
gate_job(struct tx *tx, void *arg)
{
	(void)tx;
	(void)arg;
	sem_post(&inside);
	while (sem_wait(&go) != 0)
		;
	return 0;
}

static void *
call_main(void *arg)
{
	struct call *c = arg;

	c->ret = writer_run(c->w, c->fn, &c->want);
	return NULL;
}

/* Runs n jobs that return want[i] as one group; got is what callers see. */
static void
group(struct env *e, const int *want, int *got, int n)
{
	struct call c[9];
	int64_t depth = 0;
	int i, err;

	assert_true(n <= 8);
	sem_init(&inside, 0, 0);
	sem_init(&go, 0, 0);
	for (i = 0; i <= n; i++) {
		c[i] = (struct call){ .w = e->w, .fn = i ? job : gate_job,
		    .want = i ? want[i - 1] : 0 };
		assert_int_equal(pthread_create(&c[i].thread, NULL,
		    call_main, &c[i]), 0);
		while (i == 0 && sem_wait(&inside) != 0)
			;
		while (i > 0 && depth < i)
			writer_state(e->w, &depth, &err);
	}
	sem_post(&go);
	for (i = 0; i <= n; i++) {
		pthread_join(c[i].thread, NULL);
		if (i > 0)
			got[i - 1] = c[i].ret;
	}
}

static void
test_group(void **state)
{
	const int want[] = { 0, CAMCA_EPOLICY, 0, 7 };
	struct env *e = *state;
	int got[4];

	group(e, want, got, 4);
	assert_memory_equal(got, want, sizeof want);
	writer_stop(e->w);
	e->w = NULL;
	assert_int_equal(e->db.begins, 2);
	assert_int_equal(e->db.commits, 2);
	assert_int_equal(e->db.marks, 4);
	assert_int_equal(e->db.releases, 2);
	assert_int_equal(e->db.undos, 2);
}

static void
test_group_lost(void **state)
{
	const int want[] = { 0, CAMCA_ENOMEM, 0 };
	struct env *e = *state;
	int got[3], i;

	group(e, want, got, 3);
	for (i = 0; i < 3; i++)
		assert_int_equal(got[i], CAMCA_EDB);
	assert_int_equal(last_error(e), CAMCA_EDB);
}

static void
test_group_mark_fails(void **state)
{
	const int want[] = { 0, 0 };
	struct env *e = *state;
	int got[2];

	e->db.mark_err = CAMCA_ENOMEM;
	group(e, want, got, 2);
	assert_int_equal(got[0], CAMCA_ENOMEM);
	assert_int_equal(got[1], CAMCA_ENOMEM);
	assert_int_equal(last_error(e), CAMCA_ENOMEM);
}

static void
test_stop(void **state)
{
	struct env *e = *state;
	int ok = 0;

	writer_refuse(e->w);
	assert_int_equal(writer_run(e->w, job, &ok), CAMCA_EBUSY);
	writer_stop(NULL);
}

#define T(fn) cmocka_unit_test_setup_teardown(fn, setup, teardown)

int
main(void)
{
	const struct CMUnitTest tests[] = {
		T(test_alone), T(test_busy), T(test_busy_for_long),
		T(test_commit_fails), T(test_group), T(test_group_lost),
		T(test_group_mark_fails), T(test_stop),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
